//! Secrets of chance, and what is kept of them.

use crate::store::chain::hex;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// 256 bits from the operating system.
pub fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// 256 bits as text for a cookie or a parameter.
pub fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random())
}

/// What is stored of a secret of at least 178 bits: its SHA-256, hex.
pub fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}
