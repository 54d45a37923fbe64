//! The cookie between "sign in" and the way back: sealed, so that nothing is stored before somebody
//! has signed in, and nobody can make one.

use super::token;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Seals what a browser carries for us for a few minutes.
pub(super) struct Seal(RandomizedNonceKey);

struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

impl Seal {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(RandomizedNonceKey::new(&AES_256_GCM, &key).expect("a key of 32 bytes fits AES-256"))
    }

    /// A key that every server with the same secret has; without one, for the life of this process.
    pub(super) fn shared(secret: Option<&str>) -> Self {
        let Some(secret) = secret else { return Self::new(token::random()) };
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"pstn-lockdown seal 1");
        let mut key = [0; 32];
        let derived = salt.extract(secret.as_bytes()).expand(&[b"seal"], Length).and_then(|okm| okm.fill(&mut key));
        derived.map_or_else(|_| Self::new(token::random()), |()| Self::new(key))
    }

    /// `about` ties the seal to its place: a seal moved elsewhere does not open.
    pub(super) fn seal<T: Serialize>(&self, about: &str, value: &T) -> Option<String> {
        let mut sealed = serde_json::to_vec(value).ok()?;
        let nonce = self.0.seal_in_place_append_tag(Aad::from(about.as_bytes()), &mut sealed).ok()?;
        let mut whole = nonce.as_ref().to_vec();
        whole.extend(sealed);
        Some(URL_SAFE_NO_PAD.encode(whole))
    }

    pub(super) fn open<T: DeserializeOwned>(&self, about: &str, text: &str) -> Option<T> {
        let whole = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(about.as_bytes()), &mut sealed).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Seal;

    #[test]
    fn a_seal_opens_only_whole_and_in_its_place() {
        let seal = Seal::new([7; 32]);
        let text = seal.seal("a", &42).unwrap();
        assert_eq!(seal.open::<i32>("a", &text), Some(42));
        assert_eq!(seal.open::<i32>("b", &text), None);
        assert_eq!(seal.open::<i32>("a", &text[1..]), None);
        assert_eq!(Seal::new([8; 32]).open::<i32>("a", &text), None);
    }
}
