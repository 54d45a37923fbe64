//! A listener that can go down and come back on the same port, as a real server does. Like Tomcat,
//! it sends at once (TCP_NODELAY).

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use parking_lot::Mutex;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use tokio::task::JoinHandle;

/// This machine's own address: IPv4's where there is one.
fn loopback() -> IpAddr {
    let v4 = IpAddr::from(Ipv4Addr::LOCALHOST);
    if TcpListener::bind((v4, 0)).is_ok() { v4 } else { Ipv6Addr::LOCALHOST.into() }
}

/// One HTTP(S) server on loopback.
pub struct WebServer {
    app: Router,
    tls: Option<RustlsConfig>,
    address: SocketAddr,
    running: Mutex<Option<(Handle<SocketAddr>, JoinHandle<()>)>>,
}

impl WebServer {
    /// Listens on `port` of loopback; 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(app: Router, tls: Option<RustlsConfig>, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((loopback(), port))?;
        let address = listener.local_addr()?;
        let server = Self { app, tls, address, running: Mutex::new(None) };
        server.serve(listener)?;
        Ok(server)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and every connection at once.
    pub async fn stop(&self) {
        let running = self.running().take();
        if let Some((handle, task)) = running {
            handle.shutdown();
            let _ = task.await;
        }
    }

    /// Opens the same port again; does nothing while it is open.
    ///
    /// # Errors
    /// When somebody else took the port.
    pub fn resume(&self) -> io::Result<()> {
        if self.running().is_some() { Ok(()) } else { self.serve(TcpListener::bind(self.address)?) }
    }

    fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let handle = Handle::new();
        let service = self.app.clone().into_make_service();
        let task = if let Some(tls) = self.tls.clone() {
            let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
            let server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle.clone());
            tokio::spawn(async move { drop(server.serve(service).await) })
        } else {
            let server = axum_server::from_tcp(listener)?.acceptor(NoDelayAcceptor::new()).handle(handle.clone());
            tokio::spawn(async move { drop(server.serve(service).await) })
        };
        *self.running() = Some((handle, task));
        Ok(())
    }

    fn running(&self) -> parking_lot::MutexGuard<'_, Option<(Handle<SocketAddr>, JoinHandle<()>)>> {
        self.running.lock()
    }
}
