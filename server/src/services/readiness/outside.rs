//! Certificates and clocks: what ends or drifts by itself while nobody looks.

use super::finding::Finding;
use crate::config::Http;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::prelude::{FromDer, X509Certificate};

/// To order a new certificate in peace.
const ENOUGH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Then it is urgent: with HSTS browsers refuse an expired one, and nobody gets in.
const TOO_LITTLE: SignedDuration = SignedDuration::from_hours(21 * 24);

/// Tokens are believed with 60 s of tolerance, sealed orders within two minutes.
pub const APART: SignedDuration = SignedDuration::from_secs(30);

/// A certificate by its end.
pub fn certificate(what: &str, der: &[u8], now: Timestamp, fix: &str) -> Finding {
    let Some(ends) = end_of(der) else {
        return Finding::warning(what, "its end cannot be read", fix);
    };
    let left = ends.duration_since(now);
    let days = left.as_hours() / 24;
    let found = format!("good until {}, {days} days", ends.strftime("%Y-%m-%d"));
    match left {
        left if left.is_negative() => Finding::bad(what, format!("ended on {}", ends.strftime("%Y-%m-%d")), fix),
        left if left < TOO_LITTLE => Finding::bad(what, found, fix),
        left if left < ENOUGH => Finding::warning(what, found, fix),
        _ => Finding::good(what, found),
    }
}

fn end_of(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// CUCM's certificate, where it is checked by its end (a pinned one is not), and its clock beside ours.
pub fn publisher(shown: &axl::Shown, pinned: bool, now: Timestamp) -> Vec<Finding> {
    let fix = "Renew Tomcat's certificate in OS Administration. Then give its new CA or pin here before it is used.";
    let end = certificate("CUCM’s certificate", &shown.certificate, now, fix);
    // What is believed by its fingerprint goes on after its end.
    let end = if pinned { Finding { fix: None, verdict: super::Verdict::Good, ..end } } else { end };
    std::iter::once(end).chain(shown.date.as_deref().and_then(|date| clock(date, now))).collect()
}

/// `date` is an HTTP date: whole seconds.
fn clock(date: &str, now: Timestamp) -> Option<Finding> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let apart = now.duration_since(theirs);
    let found = format!("{} s apart from CUCM’s", apart.as_secs());
    Some(if apart.abs() <= APART {
        Finding::good("clock", found)
    } else {
        let fix = "Let both follow the same NTP servers (`timedatectl`, `utils ntp status`): times in the timeline and codes in cards depend on it.";
        Finding::warning("clock", found, fix)
    })
}

const OUR_CERTIFICATE: &str = "our certificate";

/// Our own certificate as browsers get it, from this server or from a proxy before it. Where the public address is not
/// reached from here, as it lies in our file; `None` where there is no such file.
pub async fn own(http: &Http, now: Timestamp) -> Option<Finding> {
    if http.public_url.starts_with("https://")
        && let Ok(shown) = axl::shown_by(&http.public_url).await
    {
        return Some(ends(&shown.certificate, now));
    }
    http.tls.as_ref().map(|files| match CertificateDer::from_pem_file(&files.cert_file) {
        Ok(der) => ends(&der, now),
        Err(error) => {
            let found = format!("{}: {error}", files.cert_file.display());
            Finding::bad(OUR_CERTIFICATE, found, "Correct http.tls.cert_file.")
        }
    })
}

fn ends(der: &[u8], now: Timestamp) -> Finding {
    let fix = "Renew it where TLS ends, and load it there: with HSTS browsers refuse an expired certificate.";
    certificate(OUR_CERTIFICATE, der, now, fix)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_is_compared_to_the_second() {
        let now: Timestamp = "2026-11-28T12:00:40Z".parse().unwrap();
        let verdict = |date: &str| clock(date, now).map(|finding| finding.verdict);
        assert_eq!(verdict("Sat, 28 Nov 2026 12:00:20 GMT"), Some(Verdict::Good));
        assert_eq!(verdict("Sat, 28 Nov 2026 12:01:11 GMT"), Some(Verdict::Warning));
        assert_eq!(verdict("Sat, 28 Nov 2026 11:00:40 GMT"), Some(Verdict::Warning));
        assert_eq!(verdict("yesterday"), None);
    }

    #[test]
    fn what_is_no_certificate_is_said_so() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(certificate("c", b"hello", now, "mend it").verdict, Verdict::Warning);
    }
}
