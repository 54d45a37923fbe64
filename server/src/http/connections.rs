//! How many connections one address may hold open: a stranger who opens thousands and sends nothing keeps nobody else out.

use super::limits::{Lines, OpenLine};
use crate::config::Http;
use axum_server::accept::Accept;
use ipnet::IpNet;
use limit::{Limit, Place};
use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A browser without HTTP/2 opens up to six.
const CONNECTIONS_A_LINE: usize = 6;

/// Even where an address may hold few lines.
const AT_LEAST: usize = 200;

/// Accepts connections up to a number for each address. Those of `http.trusted_proxies` are many people's and are not
/// counted. One that is refused is closed at once.
#[derive(Clone)]
pub struct Connections {
    open: Arc<Lines<Place>>,
    proxies: Vec<IpNet>,
    /// How many, since the start.
    refused: Arc<AtomicU64>,
    told: Arc<Limit<()>>,
}

impl Connections {
    pub fn new(http: &Http) -> Self {
        let most = (http.lines_per_address.saturating_mul(CONNECTIONS_A_LINE)).max(AT_LEAST);
        Self {
            open: Arc::new(Lines::new(most)),
            proxies: http.trusted_proxies.clone(),
            refused: Arc::default(),
            told: Arc::new(Limit::new(1, Duration::from_secs(60))),
        }
    }

    /// Logs once a minute at most: whoever is refused may try again at once.
    fn note_refused(&self) {
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if self.told.take(&()).is_ok() {
            tracing::warn!(refused, "an address holds as many connections as it may: http.lines_per_address");
        }
    }

    /// `None` where this address holds enough of them.
    fn admit(&self, stream: TcpStream) -> Option<Connection> {
        let from = stream.peer_addr().ok().map(|address| address.ip().to_canonical());
        let is_proxy = |from: IpAddr| self.proxies.iter().any(|network| network.contains(&from));
        let place = if from.is_some_and(is_proxy) { None } else { Some(self.open.open(from.into())?) };
        Some(Connection { stream, _place: place })
    }
}

impl<S> Accept<TcpStream, S> for Connections {
    type Stream = Connection;
    type Service = S;
    type Future = Ready<io::Result<(Connection, S)>>;

    /// Small pieces of news are sent at once, not gathered (TCP_NODELAY).
    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let admitted = stream.set_nodelay(true).and_then(|()| {
            self.admit(stream).ok_or_else(|| {
                self.note_refused();
                io::Error::other("this address holds too many connections")
            })
        });
        ready(admitted.map(|connection| (connection, service)))
    }
}

/// Counted as long as it is open.
pub struct Connection {
    stream: TcpStream,
    _place: Option<OpenLine<Place>>,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(task, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        all: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(task, all)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}
