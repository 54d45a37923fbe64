//! One-time codes in envelopes: the last door while the identity provider is away. 100 bits, typed by a
//! person under stress: no letters that look alike, case and separators do not matter.
//!
//! *Source*: Crockford's base 32 (crockford.com/base32.html).

use super::slow_hash::{self, HashError};
use super::token;
use crate::config::Secret;
use crate::store::records::SealedCode;
use jiff::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 20 characters of 32 are 100 bits.
const LENGTH: usize = 20;

/// Stands outside on the envelope, to find its person by.
const SERIAL_LENGTH: usize = 6;

/// What goes into an envelope: the only moment it can be read.
#[derive(Debug)]
pub struct Envelope {
    pub serial: String,
    /// In groups of five.
    pub code: Secret,
}

/// What somebody typed. Anything else than a serial and a code is refused before any look-up.
pub struct Typed {
    pub serial: String,
    pub code: Secret,
}

/// Makes an envelope and what is kept of it.
///
/// # Errors
/// [`HashError`].
pub async fn make(now: Timestamp) -> Result<(Envelope, SealedCode), HashError> {
    let serial = letters(SERIAL_LENGTH);
    let code = letters(LENGTH);
    let hash = slow_hash::hash(Secret::new(code.clone())).await?;
    let grouped: Vec<&str> = (0..LENGTH).step_by(5).map(|at| &code[at..at + 5]).collect();
    let envelope = Envelope { serial: serial.clone(), code: Secret::new(grouped.join(" ")) };
    Ok((envelope, SealedCode { serial, hash, made_at: now }))
}

/// The name by which a used code is remembered.
pub fn consumed_as(serial: &str) -> String {
    format!("code/{serial}")
}

impl Typed {
    pub fn read(serial: &str, code: &str) -> Option<Self> {
        let serial = plain(serial)?;
        let code = plain(code)?;
        let fits = serial.len() == SERIAL_LENGTH && code.len() == LENGTH;
        fits.then(|| Self { serial, code: Secret::new(code) })
    }
}

/// As Crockford reads: capital, `I` and `L` are 1, `O` is 0, separators are nothing.
fn plain(text: &str) -> Option<String> {
    let letters = text.chars().filter(|c| !(c.is_whitespace() || *c == '-'));
    letters
        .map(|letter| match letter.to_ascii_uppercase() {
            'I' | 'L' => Some('1'),
            'O' => Some('0'),
            other => u8::try_from(other).ok().filter(|byte| ALPHABET.contains(byte)).map(char::from),
        })
        .collect()
}

/// Every byte gives five bits: 32 divides 256.
fn letters(length: usize) -> String {
    let bytes = std::iter::repeat_with(token::random).flatten();
    bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[tokio::test]
    async fn a_code_is_read_as_it_is_written_however_it_is_typed() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let (envelope, kept) = make(now).await.unwrap();
        assert_eq!(envelope.code.expose().len(), 23, "four groups of five");
        let sloppy = envelope.code.expose().to_lowercase().replace(' ', "-").replace('1', "l").replace('0', "o");
        let typed = Typed::read(&format!(" {} ", envelope.serial.to_lowercase()), &sloppy).unwrap();
        assert_eq!(typed.serial, kept.serial);
        assert!(slow_hash::verify(typed.code, Some(kept.hash)).await.unwrap());
        assert!(!format!("{envelope:?}").contains(envelope.code.expose()), "it does not print");
    }

    proptest! {
        #[test]
        fn nothing_else_than_letters_of_the_alphabet_is_a_code(serial in ".{0,12}", code in ".{0,40}") {
            if let Some(typed) = Typed::read(&serial, &code) {
                prop_assert_eq!((typed.serial.len(), typed.code.expose().len()), (SERIAL_LENGTH, LENGTH));
                prop_assert!(typed.code.expose().bytes().all(|byte| ALPHABET.contains(&byte)));
            }
        }
    }
}
