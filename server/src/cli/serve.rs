//! `serve`: one configuration, one data folder, one server.

use super::{Context, Ended, Sorry, service};
use crate::assemble;
use crate::config::Config;
use crate::http::{AppState, Connections, Middleware, Shutdown};
use crate::identity::api_key;
use crate::identity::oidc::{Oidc, SignInError};
use crate::identity::outage::Change;
use crate::identity::token;
use crate::routes::service;
use crate::services::Services;
use crate::services::bot::Bot;
use crate::services::lease::Leases;
use crate::store::Directory;
use crate::store::embedded::claim;
use crate::surfaces::desk_phone::Pushes;
use crate::surfaces::finesse::notice::Notices;
use crate::surfaces::webex::{BotHandle, Webex};
use crate::telemetry;
use axum::ServiceExt;
use axum::extract::Request;
use axum::response::Response;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use engine::Timeline;
use engine::ports::Clock;
use lockdown::timeline::EventKind;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tower::Service;

/// A client that does not finish its request head in this time is let go.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// A request head larger than this is refused. Bytes; the second for HTTP/2.
const MAX_HEAD: usize = 32 * 1024;
const MAX_HEAD_2: u32 = 32 * 1024;

const MAX_HEADERS: usize = 64;

/// Requests of one connection at the same time.
const MAX_STREAMS: u32 = 100;

/// Between two looks for keys that end soon.
const REMIND: Duration = Duration::from_secs(3600);

/// What is still being answered is cut after this.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) async fn serve(context: &Context) -> Result<Ended, Sorry> {
    let config = context.load()?;
    let spans = telemetry::start(&config.telemetry);
    let _claim = claim(&config.store.data_dir)?;
    let address = config.http.listen;
    let listener = std::net::TcpListener::bind(address).map_err(|error| cannot_listen(address, &error))?;
    let tls = tls(&config).await?;
    let memory = assemble::memory(&config).await?;
    let heard = config.webex.as_ref().map(|webex| BotHandle::new(webex, memory.store.clone()));
    let (front, heard) = heard.map_or((None, None), |(front, heard)| (Some(Arc::new(front)), Some(heard)));
    let bot = front.clone().map(|front| front as Arc<dyn Bot>);
    let services = assemble::services(&config, memory.store.clone(), assemble::tuning(&config.cucm), bot).await?;
    let engine = services.engine.clone();
    let clock = services.clock.clone();
    let timeline = services.timeline.clone();
    let probe = config.identity.as_ref().map_or(Duration::from_secs(60), |identity| identity.probe);
    // A full disk is no reason not to be there.
    if let Err(error) =
        timeline.record(None, EventKind::ServerStarted { version: env!("CARGO_PKG_VERSION").into() }).await
    {
        tracing::error!(%error, "the start could not be put into the timeline");
    }
    if let Some(oidc) = services.oidc.clone() {
        tokio::spawn(watch(oidc, clock.clone(), timeline.clone(), probe));
    }
    tokio::spawn(remind(services.directory.clone(), clock.clone(), timeline));
    tokio::spawn(crate::services::readiness::watch(services.clone()));
    tokio::spawn(crate::webhooks::run(services.webhooks.clone()));
    tokio::spawn(crate::services::incidents::watch(services.incidents.clone()));
    tokio::spawn(crate::services::call_requests::forget(services.calls.clone()));
    let webex = start_bot(&config, &services, front.clone())?;
    if let (Some(webex), Some(heard)) = (&webex, heard) {
        tokio::spawn(crate::surfaces::webex::run(webex.clone(), heard));
    }
    if let Some(notice) = config.finesse.as_ref().and_then(|finesse| finesse.notice.clone()) {
        let leases = Leases::new(services.clone(), config.http.listen);
        tokio::spawn(crate::surfaces::finesse::notice::tend(Notices::new(notice, leases)?));
    }
    if let Some(phone) = &config.phone
        && let Some(push) = phone.push.clone()
    {
        let leases = Leases::new(services.clone(), config.http.listen);
        tokio::spawn(crate::surfaces::desk_phone::tend(Pushes::new(push, phone.devices.clone(), leases)?));
    }
    let state = AppState::new(&config, services, front, &site_root()?);
    tracing::info!(address = %config.http.listen, public_url = config.http.public_url, "pstn-lockdown serves");
    tokio::spawn(service::watch(engine.clone(), clock));
    let connections = Connections::new(&config.http);
    listen(listener, connections, tls, service(&state), state.stop.clone()).await?;
    if let Some(webex) = &webex {
        // The cloud may be away: a stop does not wait for it.
        let _ = tokio::time::timeout(FAREWELL, webex.leave()).await;
    }
    engine.stop().await;
    memory.close().await;
    if let Some(spans) = spans {
        spans.close().await;
    }
    Ok(Ended::Done)
}

fn start_bot(
    config: &Config,
    services: &Arc<Services>,
    front: Option<Arc<BotHandle>>,
) -> Result<Option<Arc<Webex>>, Sorry> {
    let (Some(settings), Some(front)) = (config.webex.clone(), front) else { return Ok(None) };
    let webex = Webex::new(settings, services.clone(), front, &config.http);
    webex.map(|webex| Some(Arc::new(webex))).map_err(|error| Sorry(format!("webex: {error}")))
}

/// Tells of keys that end soon, for as long as the server runs.
async fn remind(directory: Arc<dyn Directory>, clock: Arc<dyn Clock>, timeline: Arc<Timeline>) {
    loop {
        match api_key::ending(directory.as_ref(), clock.now()).await {
            Ok(told) => {
                for kind in told {
                    if let Err(error) = timeline.record(None, kind).await {
                        tracing::error!(%error, "the end of a key could not be told");
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "keys that end soon are looked for later"),
        }
        clock.sleep(REMIND).await;
    }
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

async fn listen<S>(
    listener: std::net::TcpListener,
    connections: Connections,
    tls: Option<RustlsConfig>,
    service: Middleware<S>,
    stop: Shutdown,
) -> std::io::Result<()>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    let handle = Handle::<SocketAddr>::new();
    let stopping = handle.clone();
    tokio::spawn(async move {
        // The socket is bound: whoever connects from now on is answered.
        if let Some(_listening) = stopping.listening().await {
            service::ready();
        }
        asked_to_stop().await;
        service::stopping();
        stopping.graceful_shutdown(Some(FAREWELL));
        stop.begin();
    });
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(service);
    match tls {
        None => {
            let server = axum_server::from_tcp(listener)?.acceptor(connections);
            // No browser speaks HTTP/2 without TLS, and to look for it doubles what each open line holds.
            bounded(server.http1_only().handle(handle)).serve(service).await
        }
        Some(tls) => {
            let acceptor = RustlsAcceptor::new(tls).acceptor(connections);
            let server = axum_server::from_tcp(listener)?.acceptor(acceptor);
            bounded(server.handle(handle)).serve(service).await
        }
    }
}

/// What one client may make the server hold: a head that is small and comes in time.
fn bounded<A>(server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let mut server = server.first_request_timeout(HEAD_TIMEOUT);
    let builder = server.http_builder();
    builder.http1().header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    builder.http2().max_header_list_size(MAX_HEAD_2).max_concurrent_streams(MAX_STREAMS);
    server
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

/// Looks at the identity provider for as long as the server runs, and tells when it goes and comes back.
async fn watch(oidc: Arc<Oidc>, clock: Arc<dyn Clock>, timeline: Arc<Timeline>, every: Duration) {
    loop {
        let (looked, change) = oidc.probe(clock.now()).await;
        let why = match looked {
            Ok(()) => String::new(),
            Err(SignInError::Away(why)) => why,
            Err(error) => error.to_string(),
        };
        if !why.is_empty() {
            tracing::warn!(why, "the identity provider was not reached");
        }
        let kind = change.map(|change| match change {
            Change::Lost => EventKind::IdentityLost { why },
            Change::Back => EventKind::IdentityBack,
        });
        if let Some(kind) = kind
            && let Err(error) = timeline.record(None, kind).await
        {
            tracing::error!(%error, "news of the identity provider could not be put into the timeline");
        }
        // Several servers do not ask at the same moment.
        let jitter = u32::from(token::random()[0]);
        clock.sleep(every * (2560 - jitter) / 2560).await;
    }
}

/// Style sheet, icons and wasm: `LEPTOS_SITE_ROOT`, or `site` beside the program or one folder up.
fn site_root() -> Result<PathBuf, Sorry> {
    if let Some(root) = std::env::var_os("LEPTOS_SITE_ROOT") {
        return Ok(std::path::absolute(root)?);
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

fn cannot_listen(listen: SocketAddr, error: &std::io::Error) -> Sorry {
    let help = match error.kind() {
        ErrorKind::PermissionDenied => {
            "Ports below 1024 are for root: set http.listen to a higher one, nginx before it"
        }
        ErrorKind::AddrNotAvailable => "This machine has no such address: set http.listen to one that it has",
        _ => "Stop what uses the port, or set http.listen",
    };
    Sorry(format!("cannot listen on {listen}: {error}. {help}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_refused_or_taken_is_told_with_what_helps() {
        let told = |kind: ErrorKind| cannot_listen(([0, 0, 0, 0], 443).into(), &kind.into()).0;
        assert!(told(ErrorKind::PermissionDenied).ends_with("set http.listen to a higher one, nginx before it"));
        assert!(told(ErrorKind::AddrInUse).starts_with("cannot listen on 0.0.0.0:443: "));
        assert!(told(ErrorKind::AddrInUse).contains("Stop what uses the port"));
        assert!(told(ErrorKind::AddrNotAvailable).contains("no such address"));
    }
}
