//! Self-signed certificates, made anew at each start.

use axum_server::tls_rustls::RustlsConfig;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use std::io;

/// A server certificate for loopback.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) certificate_der: Vec<u8>,
    key_der: Vec<u8>,
    key_pem: String,
}

impl Identity {
    /// CUCM's self-signed Tomcat certificates carry CA flags: `as_ca` does likewise.
    pub(crate) fn new(common_name: &str, as_ca: bool) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(["127.0.0.1", "::1", "localhost"].map(str::to_owned))?;
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = if as_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key_der: key.serialize_der(),
            key_pem: key.serialize_pem(),
        })
    }

    pub(crate) async fn server(&self) -> io::Result<RustlsConfig> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        RustlsConfig::from_der(vec![self.certificate_der.clone()], self.key_der.clone()).await
    }
}

/// A self-signed certificate for loopback and its key, PEM, for a server that is no simulator.
///
/// # Errors
/// When no key can be made.
pub fn certificate_and_key() -> Result<(String, String), rcgen::Error> {
    Identity::new("localhost", false).map(|identity| (identity.certificate_pem, identity.key_pem))
}
