//! `serve`: one configuration, one data folder, one server.

use super::{Context, Ended, Sorry};
use crate::assemble;
use crate::config::Config;
use crate::http::{AppState, router};
use crate::identity::oidc::Oidc;
use crate::store::embedded::claim;
use crate::telemetry;
use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use lockdown::timeline::EventKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// A client that does not finish its request head in this time is let go.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Open event streams are cut after this; their pages come back to the next server by themselves.
const FAREWELL: Duration = Duration::from_secs(2);

/// Between two looks at the identity provider. Identity reference, probe.
const PROBE: Duration = Duration::from_secs(60);

pub(super) async fn serve(context: &Context) -> Result<Ended, Sorry> {
    let config = context.load()?;
    telemetry::start();
    let _claim = claim(&config.store.data_dir)?;
    let listener = std::net::TcpListener::bind(config.http.listen).map_err(|error| {
        Sorry(format!("cannot listen on {}: {error}. Stop what uses the port, or set http.listen", config.http.listen))
    })?;
    let tls = tls(&config).await?;
    let memory = assemble::memory(&config).await?;
    let pages = assemble::pages(&config, memory.store.clone(), assemble::tuning(&config.cucm)).await?;
    let engine = pages.engine.clone();
    engine.record(None, EventKind::ServerStarted { version: env!("CARGO_PKG_VERSION").into() }).await?;
    if let Some(oidc) = pages.oidc.clone() {
        tokio::spawn(watch(oidc));
    }
    let app = router(&AppState::new(&config, pages, &site_root()?));
    tracing::info!(address = %config.http.listen, public_url = config.http.public_url, "pstn-lockdown serves");
    listen(listener, tls, app).await?;
    engine.stop().await;
    memory.close().await;
    Ok(Ended::Done)
}

async fn tls(config: &Config) -> Result<Option<RustlsConfig>, Sorry> {
    let Some(files) = &config.http.tls else { return Ok(None) };
    let loaded = RustlsConfig::from_pem_file(&files.cert_file, &files.key_file).await;
    loaded.map(Some).map_err(|error| {
        Sorry(format!(
            "http.tls: {} and {} cannot be used: {error}. Both must be PEM, and the key must belong to the certificate",
            files.cert_file.display(),
            files.key_file.display()
        ))
    })
}

/// Small pieces of news are sent at once, not gathered (TCP_NODELAY).
async fn listen(listener: std::net::TcpListener, tls: Option<RustlsConfig>, app: Router) -> std::io::Result<()> {
    let handle = Handle::<SocketAddr>::new();
    let stopping = handle.clone();
    tokio::spawn(async move {
        asked_to_stop().await;
        stopping.graceful_shutdown(Some(FAREWELL));
    });
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        None => {
            let server = axum_server::from_tcp(listener)?.acceptor(NoDelayAcceptor::new());
            let mut server = server.handle(handle).first_request_timeout(HEAD_TIMEOUT);
            server.http_builder().http1().header_read_timeout(HEAD_TIMEOUT);
            server.serve(service).await
        }
        Some(tls) => {
            let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
            let server = axum_server::from_tcp(listener)?.acceptor(acceptor);
            let mut server = server.handle(handle).first_request_timeout(HEAD_TIMEOUT);
            server.http_builder().http1().header_read_timeout(HEAD_TIMEOUT);
            server.serve(service).await
        }
    }
}

async fn asked_to_stop() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

async fn watch(oidc: Arc<Oidc>) {
    loop {
        if let Err(error) = oidc.probe().await {
            tracing::warn!(%error, "the identity provider was not reached");
        }
        tokio::time::sleep(PROBE).await;
    }
}

/// Style sheet, icons and wasm: `LEPTOS_SITE_ROOT`, or `site` beside the program or one folder up.
fn site_root() -> Result<PathBuf, Sorry> {
    if let Some(root) = std::env::var_os("LEPTOS_SITE_ROOT") {
        return Ok(PathBuf::from(root));
    }
    let program = std::env::current_exe()?;
    let beside = program.ancestors().skip(1).take(2).map(|folder| folder.join("site"));
    let found = beside.into_iter().find(|folder| folder.join("pkg").is_dir());
    found.ok_or_else(|| {
        Sorry(
            "the folder “site” with style sheet and scripts is not beside the program: set LEPTOS_SITE_ROOT to it"
                .into(),
        )
    })
}
