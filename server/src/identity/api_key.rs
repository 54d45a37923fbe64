//! API keys: `tpb_live_<8 key id>_<30 base62><6 check>`. The prefix and the check sum let scanners
//! and us tell a key from noise without a look-up.

use super::token;
use crate::config::Secret;
use crate::engine::ports::{NewEvent, StoreError};
use crate::store::Directory;
use crate::store::records::ClientRecord;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Authority, Operator, Scope, Surface};
use lockdown::timeline::EventKind;
use std::collections::BTreeSet;

const PREFIX: &str = "tpb_live_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 30 characters of 62 are 178 bits.
const SECRET_LENGTH: usize = 30;

/// Keys end by themselves.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A key just made: the only moment it can be read.
pub struct NewKey {
    pub record: ClientRecord,
    pub key: Secret,
}

/// Makes a key and remembers its hash.
///
/// # Errors
/// When it cannot be stored.
pub async fn add(
    store: &dyn Directory,
    name: &str,
    scopes: BTreeSet<Scope>,
    site: Option<SiteId>,
    now: Timestamp,
) -> Result<NewKey, StoreError> {
    let id: String = base62(8).to_ascii_lowercase();
    let body = format!("{PREFIX}{id}_{}", base62(SECRET_LENGTH));
    let key = format!("{body}{}", check(&body));
    let id = OperatorId::try_from(id).expect("eight letters and digits make an id");
    let record = ClientRecord {
        id: id.clone(),
        name: name.to_owned(),
        hash: token::digest(&key),
        scopes: scopes.clone(),
        site,
        created_at: now,
        expires_at: now + LIFETIME,
        revoked_at: None,
    };
    let scopes = scopes.iter().map(|scope| scope.word().to_owned()).collect();
    let kind = EventKind::ClientAdded { client: id, name: name.to_owned(), scopes };
    store.put_client(&record, NewEvent { at: now, site: None, by: None, kind }).await?;
    Ok(NewKey { record, key: Secret::new(key) })
}

/// The operator a key stands for; `None` for anything that is not a live key.
///
/// # Errors
/// When the store cannot be read.
pub async fn operator(
    store: &dyn Directory,
    key: &str,
    surface: Surface,
    now: Timestamp,
) -> Result<Option<Operator>, StoreError> {
    let Some(id) = key_id(key) else { return Ok(None) };
    let Some(record) = store.client(id).await? else { return Ok(None) };
    let given = token::digest(key);
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), record.hash.as_bytes()).is_ok();
    if !same || record.revoked_at.is_some() || record.expires_at <= now {
        return Ok(None);
    }
    let authority = Authority::Key { scopes: record.scopes, site: record.site };
    Ok(Some(Operator { id: record.id, name: record.name, surface, authority }))
}

/// The id inside a key that is whole; anything else is refused before any look-up.
fn key_id(key: &str) -> Option<&str> {
    let (body, sum) = key.split_at_checked(key.len().checked_sub(6)?)?;
    if !body.is_ascii() || check(body) != sum {
        return None;
    }
    let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    (id.len() == 8 && secret.len() == SECRET_LENGTH).then_some(id)
}

/// CRC-32 (IEEE) in six characters.
fn check(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    String::from_utf8_lossy(&digits).into_owned()
}

/// Unbiased: bytes past the last whole multiple of 62 are drawn again.
fn base62(length: usize) -> String {
    std::iter::repeat_with(token::random)
        .flatten()
        .filter(|byte| *byte < 248)
        .map(|byte| char::from(ALPHABET[usize::from(byte % 62)]))
        .take(length)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::Embedded;

    #[test]
    fn the_check_sum_is_crc_32() {
        let spelt = |number: u32| {
            let mut rest = number;
            let mut digits: Vec<u8> = (0..6)
                .map(|_| {
                    let d = ALPHABET[(rest % 62) as usize];
                    rest /= 62;
                    d
                })
                .collect();
            digits.reverse();
            String::from_utf8(digits).unwrap()
        };
        assert_eq!(check("123456789"), spelt(0xCBF4_3926), "the published check value of CRC-32");
    }

    #[tokio::test]
    async fn a_key_works_until_it_expires_and_noise_never_does() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let made = add(&store, "script", [Scope::LockEnable].into(), None, now).await.unwrap();
        let key = made.key.expose().to_owned();
        let who = operator(&store, &key, Surface::Api, now).await.unwrap().expect("the key is live");
        assert_eq!(who.name, "script");
        let mut other = key.clone();
        other.replace_range(20..21, if &key[20..21] == "a" { "b" } else { "a" });
        for bad in ["", "tpb_live_", "äöü", &other, &key[1..]] {
            assert_eq!(operator(&store, bad, Surface::Api, now).await.unwrap(), None, "{bad}");
        }
        let later = now + SignedDuration::from_hours(24 * 91);
        assert_eq!(operator(&store, &key, Surface::Api, later).await.unwrap(), None);
    }
}
