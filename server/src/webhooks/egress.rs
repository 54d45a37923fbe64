//! Where news may go. An administrator lists origins; a name among them may lead to public addresses,
//! and to addresses inside only where their network is listed too. Asked for when a webhook is made
//! and again at every attempt: what a name leads to may change in between.

use crate::identity::api_key::within;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// Whoever does not take a connection in this time is away. Our own choice.
const CONNECT: Duration = Duration::from_secs(3);

/// Longer addresses are a mistake. Characters.
const LONGEST: usize = 2_000;

/// IPv4 that is not one public host. Source: IANA, IPv4 Special-Purpose Address Registry; then the
/// address by which Azure talks to its own machines; multicast (RFC 5771); and what is kept for later,
/// with broadcast (RFC 1112).
const INSIDE_V4: [Ipv4Net; 16] = [
    Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 8),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 88, 99, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(168, 63, 129, 16), 32),
    Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4),
    Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Everything public in IPv6 lies in here; loopback, link-local, unique local, multicast and the rest do
/// not. Source: RFC 4291, section 2.4.
const PUBLIC_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Special parts of it: protocol assignments with Teredo and benchmarks, and documentation.
/// Source: IANA, IPv6 Special-Purpose Address Registry.
const INSIDE_V6: [Ipv6Net; 3] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    Ipv6Net::new_assert(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// IPv4 inside IPv6, in the last 32 bits: translated. Source: RFC 6052.
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// The same, "compatible": out of use since long. Source: RFC 4291, section 2.5.5.1.
const COMPATIBLE: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 96);

/// IPv4 inside IPv6, after the first 16 bits: tunnelled. Source: RFC 3056.
const SIX_TO_FOUR: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);

/// What an administrator allowed. Nothing is sent anywhere by default.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    /// Origins: scheme, host and port, as browsers write them. Plain http only where it is written so.
    pub allow: Vec<String>,
    /// Networks that are not public and may be reached all the same.
    pub networks: Vec<IpNet>,
    /// By which everything goes; it looks names up, and where they lead is for the proxy to refuse.
    pub proxy: Option<String>,
}

/// Why nothing is sent there. The text is for whoever set up the webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    #[error("this is no web address: write https://host/path")]
    NoAddress,
    #[error("leave user name and password out of the address: the signature says who sends")]
    UserInfo,
    #[error("{origin} is not among webhooks.allow: whoever keeps the server's configuration adds it there")]
    NotAllowed { origin: String },
    #[error("{host} leads to {address}, which is not public, and its network is not among webhooks.networks")]
    Inside { host: String, address: IpAddr },
}

impl EgressPolicy {
    /// A webhook's address that may be sent to, as far as can be said without looking up a name.
    ///
    /// # Errors
    /// [`EgressError`], for whoever set up the webhook.
    pub fn check(&self, text: &str) -> Result<Url, EgressError> {
        let url = Url::parse(text).ok().filter(|_| text.len() <= LONGEST).ok_or(EgressError::NoAddress)?;
        let host = url.host_str().ok_or(EgressError::NoAddress)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(EgressError::NoAddress);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::UserInfo);
        }
        let origin = url.origin().ascii_serialization();
        if !self.allow.contains(&origin) {
            return Err(EgressError::NotAllowed { origin });
        }
        // No name, so the resolver is never asked.
        match host.trim_matches(['[', ']']).parse() {
            Ok(address) if !self.admits(address) => Err(EgressError::Inside { host: host.to_owned(), address }),
            _ => Ok(url),
        }
    }

    /// Public, or in a network that is listed. IPv4 inside IPv6 counts as the IPv4 it leads to.
    pub fn admits(&self, address: IpAddr) -> bool {
        let led_to = led_to(address);
        let public = is_public(address) && led_to.is_none_or(|v4| is_public(v4.into()));
        let listed = |address| within(&self.networks, address);
        public || listed(address) || led_to.is_some_and(|v4| listed(v4.into()))
    }

    /// A client that follows no redirect, and connects to no address that is not admitted; by a proxy, to nothing else.
    /// `patience` is for all of one attempt.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn client(&self, patience: Duration) -> reqwest::Result<reqwest::Client> {
        let client = reqwest::Client::builder().no_proxy();
        let client = match &self.proxy {
            None => client.dns_resolver(Guarded(self.clone())),
            Some(proxy) => client.proxy(reqwest::Proxy::all(proxy)?),
        };
        client
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(patience)
            // Every attempt looks anew where the name leads.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("pstn-lockdown/", env!("CARGO_PKG_VERSION")))
            .build()
    }
}

/// The IPv4 address an IPv6 address leads to by translation or tunnel.
fn led_to(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address.to_canonical() else { return None };
    let octets = v6.octets();
    let v4 = |from: usize| Ipv4Addr::new(octets[from], octets[from + 1], octets[from + 2], octets[from + 3]);
    if NAT64.contains(&v6) || COMPATIBLE.contains(&v6) {
        Some(v4(12))
    } else {
        SIX_TO_FOUR.contains(&v6).then(|| v4(2))
    }
}

/// By the address alone; [`led_to`] says what may be behind it.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !INSIDE_V4.iter().any(|network| network.contains(&v4)),
        IpAddr::V6(v6) if NAT64.contains(&v6) => true,
        IpAddr::V6(v6) => PUBLIC_V6.contains(&v6) && !INSIDE_V6.iter().any(|network| network.contains(&v6)),
    }
}

/// Looks a name up once, and tells the connection only of addresses that are admitted.
struct Guarded(EgressPolicy);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.0.clone();
        let host = name.as_str().to_owned();
        Box::pin(async move { looked_up(&egress, host).await })
    }
}

async fn looked_up(egress: &EgressPolicy, host: String) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    // The connection sets the port.
    let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
    let (admitted, refused): (Vec<SocketAddr>, Vec<SocketAddr>) = found.partition(|found| egress.admits(found.ip()));
    match refused.first() {
        Some(first) if admitted.is_empty() => Err(EgressError::Inside { host, address: first.ip() }.into()),
        _ => Ok(Box::new(admitted.into_iter())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn egress(allow: &[&str], networks: &[&str]) -> EgressPolicy {
        EgressPolicy {
            allow: allow.iter().map(|text| (*text).to_owned()).collect(),
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            proxy: None,
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_listed_origins_over_the_listed_scheme_are_sent_to() {
        let egress = egress(
            &["https://hooks.acme.example", "https://hooks.acme.example:8443", "http://93.184.216.34:9000"],
            &[],
        );
        for good in [
            "https://hooks.acme.example/in?x=1",
            "https://hooks.acme.example:443/",
            "https://HOOKS.acme.example:8443",
            "http://93.184.216.34:9000/a",
            "http://0x5db8d822:9000/a",
        ] {
            assert!(egress.check(good).is_ok(), "{good}: {:?}", egress.check(good));
        }
        for (bad, why) in [
            ("http://hooks.acme.example/in", "webhooks.allow"),
            ("https://hooks.acme.example:444/", "webhooks.allow"),
            ("https://hooks.acme.example.evil.example/", "webhooks.allow"),
            ("https://evil.example/?https://hooks.acme.example", "webhooks.allow"),
            ("https://evil.example\\@hooks.acme.example/", "webhooks.allow"),
            ("https://hooks.acme.example@evil.example/", "user name"),
            ("https://u:p@hooks.acme.example/", "user name"),
            ("https://93.184.216.34:9000/", "webhooks.allow"),
            ("ftp://hooks.acme.example/", "https://"),
            ("file:///etc/passwd", "https://"),
            ("data:,x", "https://"),
            ("hooks.acme.example", "https://"),
            ("", "https://"),
        ] {
            let refused = egress.check(bad).unwrap_err().to_string();
            assert!(refused.contains(why) && !refused.contains("u:p"), "{bad}: {refused}");
        }
        let long = format!("https://hooks.acme.example/{}", "x".repeat(LONGEST));
        assert_eq!(egress.check(&long), Err(EgressError::NoAddress));
        assert!(matches!(EgressPolicy::default().check("https://a.example/"), Err(EgressError::NotAllowed { .. })));
    }

    #[test]
    fn an_address_inside_needs_its_network_however_it_is_spelt() {
        let origin = ["http://127.0.0.1:9000", "http://[::1]:9000", "http://[::ffff:7f00:1]:9000"];
        let spelt = [
            "http://127.0.0.1:9000/",
            "http://127.1:9000/",
            "http://2130706433:9000/",
            "http://0x7f.0.0.1:9000/",
            "http://0177.0.0.1:9000/",
            "http://127.0.0.1.:9000/",
            "http://[::1]:9000/",
            "http://[::ffff:127.0.0.1]:9000/",
        ];
        for url in spelt {
            let refused = egress(&origin, &[]).check(url).unwrap_err();
            assert!(refused.to_string().contains("webhooks.networks"), "{url}: {refused}");
            assert!(egress(&origin, &["127.0.0.0/8", "::1/128"]).check(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_not_one_public_host_is_refused() {
        for inside in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2002:c0a8:101::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!EgressPolicy::default().admits(address(inside)), "{inside}");
        }
        for public in [
            "8.8.8.8",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "93.184.216.34",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::8.8.8.8",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(EgressPolicy::default().admits(address(public)), "{public}");
        }
    }

    #[test]
    fn a_listed_network_opens_itself_and_nothing_beside_it() {
        let egress = egress(&[], &["10.1.0.0/16", "fd00:1::/32"]);
        for open in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::1", "fd00:1::5"] {
            assert!(egress.admits(address(open)), "{open}");
        }
        for shut in ["10.2.0.1", "127.0.0.1", "64:ff9b::10.2.0.1", "fd00:2::5", "169.254.169.254"] {
            assert!(!egress.admits(address(shut)), "{shut}");
        }
    }

    #[tokio::test]
    async fn a_name_leads_only_to_what_is_admitted() {
        let look = async |networks: &[&str]| {
            let resolver = Guarded(egress(&[], networks));
            let found = resolver.resolve("localhost".parse().unwrap()).await;
            found.map(|found| found.map(|found| found.ip()).collect::<Vec<_>>())
        };
        let refused = look(&[]).await.unwrap_err();
        assert!(matches!(refused.downcast_ref(), Some(EgressError::Inside { host, .. }) if host == "localhost"));
        let found = look(&["127.0.0.0/8", "::1/128"]).await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    proptest! {
        #[test]
        fn wrapping_an_address_changes_nothing(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let [a, b, c, d] = v4.octets();
            let high = u16::from_be_bytes([a, b]);
            let low = u16::from_be_bytes([c, d]);
            let wrapped = [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ];
            let nothing = EgressPolicy::default();
            let listed = egress(&[], &[&format!("{v4}/32")]);
            for v6 in wrapped {
                prop_assert_eq!(nothing.admits(v6.into()), nothing.admits(v4.into()), "{}", v6);
                prop_assert!(listed.admits(v6.into()), "{}", v6);
            }
        }

        #[test]
        fn an_address_means_the_same_in_every_spelling(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let egress = egress(&[&format!("http://{v4}")], &[]);
            for url in [format!("http://{v4}/"), format!("http://{bits}/"), format!("http://{bits:#x}/")] {
                prop_assert_eq!(egress.check(&url).is_ok(), egress.admits(v4.into()), "{}", url);
            }
        }

        #[test]
        fn outside_the_public_part_of_ipv6_nothing_is_reached(bits: u128) {
            let v6 = Ipv6Addr::from(bits);
            let translated = NAT64.contains(&v6) || v6.to_ipv4_mapped().is_some();
            prop_assert!(PUBLIC_V6.contains(&v6) || translated || !EgressPolicy::default().admits(v6.into()), "{}", v6);
        }
    }
}
