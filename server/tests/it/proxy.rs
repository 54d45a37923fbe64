//! The proxy of a site that lets nothing out by another way: it asks for a name and a password, and it can go away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// As Basic has it: `site` and `secret1`.
const NAME_AND_PASSWORD: &str = "c2l0ZTpzZWNyZXQx";

pub(crate) struct SiteProxy {
    address: SocketAddr,
    counts: Arc<Counts>,
    running: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Counts {
    passed: AtomicUsize,
    tunnels: AtomicUsize,
    refused: AtomicUsize,
}

impl SiteProxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::<Counts>::default();
        let running = Mutex::new(Some(tokio::spawn(accept(listener, counts.clone()))));
        Self { address, counts, running }
    }

    /// As a configuration names it, with its name and password.
    pub(crate) fn url(&self) -> String {
        format!("http://site:secret1@{}", self.address)
    }

    /// Requests and tunnels that it let through.
    pub(crate) fn passed(&self) -> usize {
        self.counts.passed.load(Ordering::Relaxed)
    }

    pub(crate) fn tunnels(&self) -> usize {
        self.counts.tunnels.load(Ordering::Relaxed)
    }

    /// Whoever did not say the name and the password.
    pub(crate) fn refused(&self) -> usize {
        self.counts.refused.load(Ordering::Relaxed)
    }

    /// Closes the port and every connection.
    pub(crate) async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some(running) = running {
            running.abort();
            let _ = running.await;
        }
    }

    pub(crate) async fn resume(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self.running.lock().unwrap() = Some(tokio::spawn(accept(listener, self.counts.clone())));
    }
}

async fn accept(listener: TcpListener, counts: Arc<Counts>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(serve(client, counts.clone()));
    }
}

async fn serve(mut client: TcpStream, counts: Arc<Counts>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let known = format!("proxy-authorization: basic {}\r\n", NAME_AND_PASSWORD.to_lowercase());
    if !text.to_lowercase().contains(&known) {
        counts.refused.fetch_add(1, Ordering::Relaxed);
        let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        return;
    }
    let target = text.split(' ').nth(1).unwrap().trim_start_matches("http://").to_owned();
    let host = target.split('/').next().unwrap().to_owned();
    let Ok(mut server) = TcpStream::connect(host).await else { return };
    counts.passed.fetch_add(1, Ordering::Relaxed);
    if text.starts_with("CONNECT ") {
        counts.tunnels.fetch_add(1, Ordering::Relaxed);
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    } else {
        server.write_all(&head).await.unwrap();
    }
    // Ends when one of them hangs up.
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
