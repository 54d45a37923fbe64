//! Argon2id, for what a person can type: PINs and sealed codes. At most two at a time, so that guessing
//! costs the guesser time and not the server its memory.
//!
//! *Source*: OWASP, Password Storage Cheat Sheet: Argon2id with 19 MiB, two rounds, one lane. Two at once, so that a flood of
//! wrong codes takes neither memory nor processor from a lock.

use super::token;
use crate::config::Secret;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19 * 1024;
const ROUNDS: u32 = 2;
const LANES: u32 = 1;

static AT_ONCE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));

/// What nobody's secret has: compared with where there is nothing to compare with, so that both take
/// the same time.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hashed(&Secret::new(token::random_text())).unwrap_or_default());

/// The machine could not do it; nothing was compared.
#[derive(Debug, thiserror::Error)]
#[error("the slow hash failed: {0}")]
pub struct HashError(String);

/// As a PHC string, with a salt of its own.
///
/// # Errors
/// [`HashError`].
pub async fn hash(secret: Secret) -> Result<String, HashError> {
    apart(move || hashed(&secret)).await
}

/// Is it the secret of this hash? Takes the same time where there is no hash.
///
/// # Errors
/// [`HashError`].
pub async fn verify(secret: Secret, hash: Option<String>) -> Result<bool, HashError> {
    apart(move || {
        let there_is = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODYS.clone());
        let parsed = PasswordHash::new(&text).map_err(|error| HashError(error.to_string()))?;
        Ok(argon()?.verify_password(secret.expose().as_bytes(), &parsed).is_ok() && there_is)
    })
    .await
}

async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
) -> Result<T, HashError> {
    let turn = AT_ONCE.clone().acquire_owned().await.map_err(|error| HashError(error.to_string()))?;
    let in_turn = move || {
        // Held by the work itself: whoever asked may hang up meanwhile.
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(in_turn).await.unwrap_or_else(|error| Err(HashError(error.to_string())))
}

fn hashed(secret: &Secret) -> Result<String, HashError> {
    let hash = argon()?.hash_password_with_salt(secret.expose().as_bytes(), &token::random()[..16]);
    hash.map(|hash| hash.to_string()).map_err(|error| HashError(error.to_string()))
}

fn argon() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, ROUNDS, LANES, None).map_err(|error| HashError(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_knows_its_secret_and_no_other_and_is_argon2id() {
        let made = hash(Secret::new("428913")).await.unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert_ne!(made, hash(Secret::new("428913")).await.unwrap(), "salted");
        assert!(verify(Secret::new("428913"), Some(made.clone())).await.unwrap());
        assert!(!verify(Secret::new("428914"), Some(made)).await.unwrap());
        assert!(!verify(Secret::new("428913"), None).await.unwrap());
    }
}
