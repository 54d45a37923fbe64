//! Where a request comes from. Behind a proxy the connection is the proxy's: what it says in
//! `X-Forwarded-For` is believed of proxies in `http.trusted_proxies` alone, and read from the right, so that
//! whatever a client wrote there itself is never reached.

use super::AppState;
use crate::identity::api_key::within;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller(pub(crate) Option<IpAddr>);

pub(crate) fn note(state: &AppState, request: &mut Request) {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let caller = Caller(peer.and_then(|peer| client(peer, request.headers(), &state.trusted_proxies)));
    request.extensions_mut().insert(caller);
}

/// The nearest address that is no proxy of ours; `None` where it cannot be known, and never a proxy's in
/// place of a client's: a proxy nobody configured, or a hop that cannot be read.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut nearest = peer.to_canonical();
    let written = headers.get_all(FORWARDED).into_iter();
    // Bytes, not text: a client's own line must not make the whole value unreadable.
    let hops: Vec<&[u8]> = written.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    if !hops.is_empty() && !within(trusted, nearest) {
        return None;
    }
    for hop in hops.into_iter().rev() {
        if !within(trusted, nearest) {
            break;
        }
        nearest = parsed(hop)?.to_canonical();
    }
    Some(nearest)
}

/// With or without a port.
fn parsed(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_proxies_of_ours_are_believed_and_only_as_far_as_they_can_see() {
        let trusted: Vec<IpNet> = ["127.0.0.1/32", "10.9.0.0/16"].map(|text| text.parse().unwrap()).into();
        let table = [
            ("203.0.113.7", &["198.51.100.1"][..], "-"),
            ("203.0.113.7", &[], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("127.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["1.2.3.4", "198.51.100.1, 10.9.0.3"], "198.51.100.1"),
            ("127.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("127.0.0.1", &["198.51.100.1, unknown"], "-"),
            ("127.0.0.1", &["\u{e9}, 198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &[""], "-"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ];
        for (peer, written, want) in table {
            let mut headers = HeaderMap::new();
            for value in written {
                headers.append(FORWARDED, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            let found = found.map_or_else(|| "-".to_owned(), |address| address.to_string());
            assert_eq!(found, want, "{peer} {written:?}");
        }
    }
}
