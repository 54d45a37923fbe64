//! Signatures by Standard Webhooks 1.0: `v1,` and the base64 of an HMAC-SHA256 over id, time and body.
//! Source: standard-webhooks, spec/standard-webhooks.md, "Signature scheme".

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

const PREFIX: &str = "whsec_";

/// How long a secret is, in bytes. Source: the same, and its reference libraries.
const BYTES: RangeInclusive<usize> = 24..=64;

/// What sender and receiver of one webhook share. It is kept as text, and never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SigningSecret(Vec<u8>);

/// Text that is no secret. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is whsec_ and the base64 of 24 to 64 bytes")]
pub struct InvalidSecret;

impl SigningSecret {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }

    /// As the receiver needs it; shown once.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

impl TryFrom<String> for SigningSecret {
    type Error = InvalidSecret;

    fn try_from(text: String) -> Result<Self, InvalidSecret> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        bytes.filter(|bytes| BYTES.contains(&bytes.len())).map(Self).ok_or(InvalidSecret)
    }
}

impl From<SigningSecret> for String {
    fn from(secret: SigningSecret) -> Self {
        secret.expose()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// The header `webhook-signature`: one signature a secret, so that a rotation interrupts nothing.
/// `timestamp` is that of the attempt, in seconds since 1970.
pub fn header(secrets: &[&SigningSecret], id: &str, timestamp: i64, body: &str) -> String {
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(id, timestamp, body)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector in the tests of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &str = "{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_published_vector_is_signed_as_published() {
        let secret = SigningSecret::try_from(SECRET.to_owned()).unwrap();
        assert_eq!(header(&[&secret], ID, TIMESTAMP, BODY), SIGNATURE);
        assert_eq!(secret.expose(), SECRET);
    }

    #[test]
    fn two_secrets_make_two_signatures_with_a_blank_between() {
        let old = SigningSecret::try_from(SECRET.to_owned()).unwrap();
        let new = SigningSecret::new([7; 32]);
        let both = header(&[&new, &old], ID, TIMESTAMP, BODY);
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!((first.starts_with("v1,"), second), (true, SIGNATURE));
        assert_ne!(first, second);
    }

    #[test]
    fn everything_that_is_sent_is_signed() {
        let secret = SigningSecret::new([7; 32]);
        let signed = header(&[&secret], "a", 1, "{}");
        for other in [
            header(&[&secret], "b", 1, "{}"),
            header(&[&secret], "a", 2, "{}"),
            header(&[&secret], "a", 1, "{ }"),
            header(&[&SigningSecret::new([8; 32])], "a", 1, "{}"),
        ] {
            assert_ne!(other, signed);
        }
    }

    #[test]
    fn a_secret_survives_being_kept_and_is_never_printed() {
        let secret = SigningSecret::new([7; 32]);
        let kept = serde_json::to_string(&secret).unwrap();
        assert_eq!(serde_json::from_str::<SigningSecret>(&kept).unwrap(), secret);
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_repeated() {
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for bad in ["", "whsec_", "hunter2", "whsec_hunter2!", &short, &long] {
            let refused = SigningSecret::try_from(bad.to_owned()).unwrap_err().to_string();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
