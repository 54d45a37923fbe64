//! API keys: `tpb_live_<8 key id>_<30 base62><6 check>`. The prefix and the check sum let scanners
//! and us tell a key from noise without a look-up.

use super::token;
use crate::config::Secret;
use crate::store::Directory;
use crate::store::records::{ClientRecord, OldSecret};
use engine::ports::{NewEvent, StoreError};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Actor, Authority, Operator, Scope, Surface};
use lockdown::timeline::EventKind;
use std::collections::BTreeSet;
use std::net::IpAddr;

const PREFIX: &str = "tpb_live_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 30 characters of 62 are 178 bits.
const SECRET_LENGTH: usize = 30;

/// Keys end by themselves. Days.
pub const DEFAULT_DAYS: i64 = 90;

/// How long a key is good, in days: a year at most.
pub const DAYS: std::ops::RangeInclusive<i64> = 1..=365;

/// For how long the old secret stays good after a rotation, in days.
pub const OVERLAP_DAYS: std::ops::RangeInclusive<i64> = 0..=7;

/// A key just made: the only moment it can be read.
pub struct NewKey {
    pub record: ClientRecord,
    pub key: Secret,
}

/// What a key is to be.
#[derive(Debug, Clone)]
pub struct KeySpec {
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    pub site: Option<SiteId>,
    /// Good from these addresses only; from everywhere where there are none.
    pub networks: Vec<IpNet>,
    /// One of [`DAYS`].
    pub days: i64,
}

/// Why a key was not made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a key needs a name and at least one scope")]
    Empty,
    #[error("a key is good for 1 to 365 days, and its old secret for 0 to 7 more")]
    Days,
    #[error("the old secret is good still: wait until it ends, or end it now")]
    StillRotating,
    #[error("there is no such key, or it was revoked")]
    NoSuchKey,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whoever makes keys: an administrator, or the command line (`None`).
pub struct ApiKeys<'a> {
    pub store: &'a dyn Directory,
    pub by: Option<Actor>,
    pub now: Timestamp,
}

/// Who comes with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// `unnoted`: not used today before.
    Known {
        operator: Operator,
        unnoted: bool,
    },
    /// The key is good, but not from this address.
    Elsewhere,
    Nobody,
}

impl ApiKeys<'_> {
    /// Makes a key and remembers its hash.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn add(&self, spec: KeySpec) -> Result<NewKey, KeyError> {
        let name: String = spec.name.trim().chars().take(100).collect();
        if name.is_empty() || spec.scopes.is_empty() {
            return Err(KeyError::Empty);
        }
        if !DAYS.contains(&spec.days) {
            return Err(KeyError::Days);
        }
        let id = OperatorId::try_from(base62(8).to_ascii_lowercase()).expect("eight letters and digits make an id");
        let key = secret_of(&id);
        let scopes = spec.scopes.iter().map(|scope| scope.word().to_owned()).collect();
        let kind = EventKind::ClientAdded { client: id.clone(), name: name.clone(), scopes };
        let record = ClientRecord {
            id,
            name,
            hash: token::digest(&key),
            scopes: spec.scopes,
            site: spec.site,
            created_at: self.now,
            expires_at: self.now + SignedDuration::from_hours(24 * spec.days),
            revoked_at: None,
            networks: spec.networks,
            previous: None,
            by: self.by.clone(),
            last_used: None,
        };
        self.put(&record, None, kind).await?;
        Ok(NewKey { record, key: Secret::new(key) })
    }

    /// Gives a key a new secret and as many days as it had; the old secret stays good for a while.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn rotate(&self, id: &str, overlap_days: i64) -> Result<NewKey, KeyError> {
        if !OVERLAP_DAYS.contains(&overlap_days) {
            return Err(KeyError::Days);
        }
        let found = self.find(id).await?;
        if overlap_days > 0 && found.previous.as_ref().is_some_and(|old| self.now < old.ends_at) {
            return Err(KeyError::StillRotating);
        }
        let key = secret_of(&found.id);
        let ends_at = (self.now + SignedDuration::from_hours(24 * overlap_days)).min(found.expires_at);
        let kind = EventKind::ClientRotated { client: found.id.clone(), name: found.name.clone() };
        let read = found.hash.clone();
        let lifetime = found.expires_at.duration_since(found.created_at);
        let record = ClientRecord {
            previous: Some(OldSecret { hash: found.hash.clone(), ends_at }),
            hash: token::digest(&key),
            created_at: self.now,
            expires_at: self.now + lifetime,
            ..found
        };
        self.put(&record, Some(&read), kind).await?;
        Ok(NewKey { record, key: Secret::new(key) })
    }

    /// Takes a key back, at once. `leaked`: whoever found it did.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn revoke(&self, id: &str, leaked: bool) -> Result<ClientRecord, KeyError> {
        let found = self.find(id).await?;
        let kind = EventKind::ClientRevoked { client: found.id.clone(), name: found.name.clone(), leaked };
        let record = ClientRecord { revoked_at: Some(self.now), previous: None, ..found };
        self.put(&record, Some(&record.hash), kind).await?;
        Ok(record)
    }

    async fn find(&self, id: &str) -> Result<ClientRecord, KeyError> {
        let found = self.store.client(id).await?;
        found.filter(|record| record.revoked_at.is_none()).ok_or(KeyError::NoSuchKey)
    }

    async fn put(&self, record: &ClientRecord, read: Option<&str>, kind: EventKind) -> Result<(), StoreError> {
        let event = NewEvent { at: self.now, site: None, by: self.by.clone(), kind };
        self.store.put_client(record, read, event).await
    }
}

/// Who holds this key, coming from this address.
///
/// # Errors
/// When the store cannot be read.
pub async fn holder(
    store: &dyn Directory,
    key: &str,
    from: Option<IpAddr>,
    surface: Surface,
    now: Timestamp,
) -> Result<Holder, StoreError> {
    let Some(id) = key_id(key) else { return Ok(Holder::Nobody) };
    let Some(record) = store.client(id).await? else { return Ok(Holder::Nobody) };
    if record.revoked_at.is_some() || !is_live(&record, &token::digest(key), now) {
        return Ok(Holder::Nobody);
    }
    if !record.networks.is_empty() && !from.is_some_and(|from| within(&record.networks, from)) {
        tracing::warn!(key.id = %record.id, ?from, "a key was used from a disallowed address");
        return Ok(Holder::Elsewhere);
    }
    let today = |at: Timestamp| at.as_second().div_euclid(86_400);
    let unnoted = record.last_used.is_none_or(|last| today(last) != today(now));
    let authority = Authority::Key { scopes: record.scopes, site: record.site };
    Ok(Holder::Known { operator: Operator { id: record.id, name: record.name, surface, authority }, unnoted })
}

/// What is kept of a key that works somewhere.
///
/// # Errors
/// When the store cannot be read.
pub async fn live_key(store: &dyn Directory, key: &str, now: Timestamp) -> Result<Option<ClientRecord>, StoreError> {
    let Some(id) = key_id(key) else { return Ok(None) };
    let record = store.client(id).await?.filter(|record| record.revoked_at.is_none());
    Ok(record.filter(|record| is_live(record, &token::digest(key), now)))
}

fn is_live(record: &ClientRecord, given: &str, now: Timestamp) -> bool {
    let same =
        |hash: &str| aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), hash.as_bytes()).is_ok();
    let old = record.previous.as_ref().is_some_and(|old| same(&old.hash) && now < old.ends_at);
    (same(&record.hash) && now < record.expires_at) || old
}

/// Days before its end on which a key's end is told.
const REMINDERS: [i64; 3] = [1, 7, 14];

/// The keys whose end is to be told now, each time once, whichever server looks first.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn ending(store: &dyn Directory, now: Timestamp) -> Result<Vec<EventKind>, StoreError> {
    let mut told = Vec::new();
    for record in store.clients().await? {
        let Some(days) = reminder(&record, now) else { continue };
        let once = format!("reminder/{}/{}/{days}", record.id, record.expires_at.as_second());
        if store.consume_once(&once, now).await? {
            told.push(EventKind::ClientEnds { client: record.id, name: record.name, days });
        }
    }
    Ok(told)
}

/// Which of [`REMINDERS`] is due. A key that was made for less time is not reminded of by it.
fn reminder(record: &ClientRecord, now: Timestamp) -> Option<i64> {
    if record.revoked_at.is_some() || record.expires_at <= now {
        return None;
    }
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let left = record.expires_at.duration_since(now);
    let whole = record.expires_at.duration_since(record.created_at);
    REMINDERS.into_iter().find(|before| left <= days(*before)).filter(|before| whole > days(*before))
}

/// `10.0.0.0/8`, or a single address.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|one: IpAddr| IpNet::from(one)))
}

/// Is the address in one of these networks? An IPv4 address inside IPv6 is the IPv4 address.
pub fn within(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

fn secret_of(id: &OperatorId) -> String {
    let body = format!("{PREFIX}{id}_{}", base62(SECRET_LENGTH));
    format!("{body}{}", check(&body))
}

/// The id inside a key that is whole; anything else is refused before any look-up.
pub fn key_id(key: &str) -> Option<&str> {
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

    fn spec(networks: &[&str]) -> KeySpec {
        KeySpec {
            name: "script".into(),
            scopes: [Scope::LockEnable].into(),
            site: None,
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            days: DEFAULT_DAYS,
        }
    }

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn after(days: i64) -> Timestamp {
        now() + SignedDuration::from_hours(24 * days)
    }

    struct Keys(Embedded, #[expect(dead_code, reason = "the folder lives as long")] tempfile::TempDir);

    impl Keys {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self(Embedded::open(folder.path()).unwrap(), folder)
        }

        fn desk(&self, now: Timestamp) -> ApiKeys<'_> {
            ApiKeys { store: &self.0, by: None, now }
        }

        async fn knows(&self, key: &str, at: Timestamp) -> bool {
            matches!(holder(&self.0, key, None, Surface::Api, at).await.unwrap(), Holder::Known { .. })
        }
    }

    #[tokio::test]
    async fn a_key_works_until_it_expires_and_noise_never_does() {
        let keys = Keys::new();
        let made = keys.desk(now()).add(spec(&[])).await.unwrap();
        let key = made.key.expose().to_owned();
        assert!(keys.knows(&key, now()).await);
        let mut other = key.clone();
        other.replace_range(20..21, if &key[20..21] == "a" { "b" } else { "a" });
        for bad in ["", "tpb_live_", "äöü", &other, &key[1..]] {
            assert!(!keys.knows(bad, now()).await, "{bad}");
        }
        assert!(!keys.knows(&key, after(91)).await);
    }

    #[tokio::test]
    async fn two_secrets_live_side_by_side_until_the_old_one_ends() {
        let keys = Keys::new();
        let old = keys.desk(now()).add(spec(&[])).await.unwrap();
        let new = keys.desk(after(80)).rotate(old.record.id.as_str(), 7).await.unwrap();
        assert_eq!(old.record.id, new.record.id);
        let third = keys.desk(after(81)).rotate(old.record.id.as_str(), 7).await.map(|_| ());
        assert_eq!(third, Err(KeyError::StillRotating), "a secret in use is not cut off by a second press");
        let live = async |day| {
            [keys.knows(old.key.expose(), after(day)).await, keys.knows(new.key.expose(), after(day)).await]
        };
        assert_eq!(live(86).await, [true, true]);
        assert_eq!(live(87).await, [false, true], "seven days");
        assert_eq!(live(169).await, [false, true], "ninety days more");
        assert_eq!(live(171).await, [false, false]);
        keys.desk(after(90)).revoke(new.record.id.as_str(), false).await.unwrap();
        assert_eq!(live(90).await, [false, false], "revoked");
        assert_eq!(keys.desk(now()).rotate(old.record.id.as_str(), 1).await.map(|_| ()), Err(KeyError::NoSuchKey));
    }

    #[tokio::test]
    async fn the_end_of_a_key_is_told_three_times_and_each_time_once() {
        let keys = Keys::new();
        keys.desk(now()).add(spec(&[])).await.unwrap();
        keys.desk(now()).add(KeySpec { days: 5, ..spec(&[]) }).await.unwrap();
        let told = async |day| -> Vec<i64> {
            let due = ending(&keys.0, after(day)).await.unwrap();
            due.iter().map(|kind| if let EventKind::ClientEnds { days, .. } = kind { *days } else { 0 }).collect()
        };
        let days = [0, 4, 4, 75, 76, 77, 83, 88, 89, 89, 91];
        let mut all = Vec::new();
        for day in days {
            all.extend(told(day).await.into_iter().map(|before| (day, before)));
        }
        assert_eq!(all, [(4, 1), (76, 14), (83, 7), (89, 1)]);
    }

    #[tokio::test]
    async fn a_key_is_good_from_its_networks_only() {
        let keys = Keys::new();
        let made = keys.desk(now()).add(spec(&["10.1.0.0/16", "2001:db8::/32"])).await.unwrap();
        for (from, good) in [
            (Some("10.1.2.3"), true),
            (Some("::ffff:10.1.2.3"), true),
            (Some("2001:db8::1"), true),
            (Some("10.2.0.1"), false),
            (None, false),
        ] {
            let from = from.map(|text| text.parse().unwrap());
            let found = holder(&keys.0, made.key.expose(), from, Surface::Api, now()).await.unwrap();
            assert_eq!(matches!(found, Holder::Known { .. }), good, "{from:?}");
        }
    }
}
