//! Which certificate is believed.

use crate::error::Error;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use std::error::Error as StdError;
use std::sync::Arc;

/// How CUCM's certificate is checked.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The machine's own root certificates.
    System,
    /// Only these roots, PEM.
    Ca(Vec<u8>),
    /// The SHA-256 of the server's own certificate is one of these. CUCM's self-signed certificates
    /// carry CA flags that ordinary verification refuses, and are often reached by address.
    Pins(Vec<[u8; 32]>),
    /// No check at all: only for a lab, and the product shows a banner.
    Insecure,
}

impl Trust {
    /// Reads `AA:BB:…` or plain hex, as CUCM's certificate page shows it.
    pub fn pin_from_hex(text: &str) -> Option<[u8; 32]> {
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
        let bytes: Option<Vec<u8>> = (0..digits.len())
            .step_by(2)
            .map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        bytes?.try_into().ok()
    }

    /// A TLS client that checks certificates so.
    ///
    /// # Errors
    /// When the roots cannot be read.
    pub fn client_config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Certificate { why: error.to_string() })?;
        let mut config = match self {
            Self::System => builder.with_root_certificates(system_roots()),
            Self::Ca(pem) => builder.with_root_certificates(roots(pem)?),
            Self::Pins(pins) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Leaf { pins: Some(pins.clone()), algorithms })),
            Self::Insecure => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Leaf { pins: None, algorithms }))
            }
        }
        .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
}

fn roots(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate =
            certificate.map_err(|error| Error::Certificate { why: format!("the CA file cannot be read: {error}") })?;
        store
            .add(certificate)
            .map_err(|error| Error::Certificate { why: format!("the CA file cannot be used: {error}") })?;
    }
    if store.is_empty() {
        return Err(Error::Certificate { why: "the CA file holds no certificate".into() });
    }
    Ok(store)
}

/// Believes a certificate by its fingerprint alone, and still checks that the server holds its key.
#[derive(Debug)]
struct Leaf {
    /// `None` believes any.
    pins: Option<Vec<[u8; 32]>>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// The server's certificate is another one than the pinned one.
#[derive(Debug, thiserror::Error)]
#[error("its fingerprint is {got}, which is not pinned")]
struct NotPinned {
    got: String,
}

impl ServerCertVerifier for Leaf {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let got: [u8; 32] = Sha256::digest(end_entity.as_ref()).into();
        match &self.pins {
            Some(pins) if !pins.contains(&got) => {
                let not_pinned = Arc::new(NotPinned { got: hex(&got) });
                Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(not_pinned))))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// `AA:BB:…`, as CUCM's certificate page shows it.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// What a TLS server shows of itself to anybody.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its own certificate, DER.
    pub certificate: Vec<u8>,
    /// Its clock, as the header `Date` of its answer says.
    pub date: Option<String>,
}

impl Shown {
    /// The SHA-256 of the certificate, to be compared by eye with OS Administration > Security >
    /// Certificate Management before it is pinned.
    pub fn fingerprint(&self) -> String {
        hex(&Sha256::digest(&self.certificate))
    }
}

/// Looks at a server without believing it.
///
/// # Errors
/// [`Error::Unreachable`] when there is no TLS server at the address.
pub async fn shown_by(url: &str) -> Result<Shown, Error> {
    let unreachable = |error: reqwest::Error| Error::Unreachable { why: root_cause(&error) };
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(Trust::Insecure.client_config()?)
        .tls_info(true)
        .no_proxy()
        .timeout(std::time::Duration::from_secs(5))
        .build()
        .map_err(unreachable)?;
    let answer = client.get(url).send().await.map_err(unreachable)?;
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>();
    let certificate = info.and_then(reqwest::tls::TlsInfo::peer_certificate);
    let date = answer.headers().get(reqwest::header::DATE).and_then(|value| value.to_str().ok());
    certificate
        .map(|der| Shown { certificate: der.to_vec(), date: date.map(str::to_owned) })
        .ok_or_else(|| Error::Unreachable { why: "the server showed no certificate".into() })
}

/// The certificate trouble inside a failed request, if that is what it was.
pub(crate) fn certificate_trouble(error: &(dyn StdError + 'static)) -> Option<String> {
    let trouble = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    match trouble {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => Some(other.0.to_string()),
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some("it is not signed by the given CA".into())
        }
        rustls::Error::InvalidCertificate(why) => Some(why.to_string()),
        _ => None,
    }
}

/// The innermost reason of a failed request: short, and never the URL.
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The chain of causes; an `io::Error` hides what it wraps from `source()`.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => cause.source(),
        };
        Some(cause)
    })
}

/// reqwest asks for a process-wide provider even when a whole TLS configuration is handed to it.
pub(crate) fn install_provider() {
    if CryptoProvider::get_default().is_none() {
        // Lost races are fine: somebody installed one, and there is one kind only in this tree.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons() {
        let plain = "ab".repeat(32);
        let colons = ["AB"; 32].join(":");
        assert_eq!(Trust::pin_from_hex(&plain), Some([0xab; 32]));
        assert_eq!(Trust::pin_from_hex(&colons), Some([0xab; 32]));
        assert_eq!(Trust::pin_from_hex("ab"), None);
        assert_eq!(Trust::pin_from_hex(&"xy".repeat(32)), None);
    }

    #[test]
    fn a_ca_file_without_a_certificate_says_so() {
        let error = Trust::Ca(b"hello".to_vec()).client_config().unwrap_err();
        assert!(error.to_string().contains("holds no certificate"), "{error}");
    }
}
