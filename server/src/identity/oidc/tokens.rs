//! ID tokens and access tokens: two kinds, two functions, two types. RS256 and nothing else; the
//! algorithm is never taken from the token; issuer and audience are plain text and byte for byte ours.
//!
//! *Source*: identity reference, sections 1.3, 1.5, 2.3; OWASP ASVS 5.0, 9.1 and 9.2.

use super::provider::Provider;
use super::{LEEWAY, SignInError};
use crate::config::{self, Preset};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What an ID token says.
#[derive(Clone, Deserialize)]
pub(super) struct IdClaims {
    iss: Value,
    aud: Value,
    nonce: Option<String>,
    pub(super) sub: String,
    pub(super) oid: Option<String>,
    tfp: Option<String>,
    acr: Option<String>,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) emails: Vec<String>,
    pub(super) email: Option<String>,
    /// Seconds since 1970.
    pub(super) auth_time: Option<i64>,
}

/// What an access token for our API says.
#[derive(Clone, Deserialize)]
pub(super) struct AccessClaims {
    iss: Value,
    aud: Value,
    /// Only an ID token has one.
    nonce: Option<Value>,
    pub(super) sub: String,
    pub(super) oid: Option<String>,
    pub(super) azp: Option<String>,
    /// B2C: short names with a blank between.
    scp: Option<String>,
    /// External ID, for programs.
    #[serde(default)]
    roles: Vec<String>,
}

impl AccessClaims {
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        let scp = self.scp.as_deref().unwrap_or_default().split_whitespace();
        scp.chain(self.roles.iter().map(String::as_str))
    }
}

fn refused(why: &str) -> SignInError {
    SignInError::Refused(why.to_owned())
}

/// Who signs in: for us, for this very sign-in, by the policy that was asked.
pub(super) async fn id_token(
    provider: &Provider,
    settings: &config::Identity,
    token: &str,
    nonce: &str,
) -> Result<IdClaims, SignInError> {
    // B2C always says from when on; the standard leaves it open.
    let required: &[&str] = if settings.preset == Preset::B2c {
        &["exp", "nbf", "iss", "aud", "sub"]
    } else {
        &["exp", "iss", "aud", "sub"]
    };
    let claims: IdClaims = verified(provider, token, &settings.issuer, &settings.client_id, required).await?;
    exactly(&claims.iss, &settings.issuer, &claims.aud, &settings.client_id)?;
    if claims.nonce.as_deref() != Some(nonce) {
        return Err(refused("the token belongs to another sign-in"));
    }
    if let Some(policy) = policy(settings) {
        let given = claims.tfp.as_deref().or(claims.acr.as_deref()).unwrap_or_default();
        if !given.eq_ignore_ascii_case(&policy) {
            return Err(refused("the token comes from another policy"));
        }
    }
    Ok(claims)
}

/// What a program may do here. An ID token never passes: it has a nonce, no scope and no program.
pub(super) async fn access_token(
    provider: &Provider,
    api: &config::TokenApi,
    token: &str,
) -> Result<AccessClaims, SignInError> {
    let required = ["exp", "nbf", "iss", "aud", "sub"];
    let claims: AccessClaims = verified(provider, token, &api.issuer, &api.audience, &required).await?;
    exactly(&claims.iss, &api.issuer, &claims.aud, &api.audience)?;
    if claims.nonce.is_some() {
        return Err(refused("an ID token is no access token"));
    }
    if claims.scopes().next().is_none() {
        return Err(refused("the token has no scope"));
    }
    Ok(claims)
}

async fn verified<T: DeserializeOwned + Clone>(
    provider: &Provider,
    token: &str,
    issuer: &str,
    audience: &str,
    required: &[&str],
) -> Result<T, SignInError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| refused("the token's header cannot be read"))?;
    if header.alg != Algorithm::RS256 {
        return Err(refused("the token is not signed with RS256"));
    }
    let kid = header.kid.ok_or_else(|| refused("the token names no key"))?;
    let key = provider.key(&kid).await?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(required);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY;
    let decoded = jsonwebtoken::decode::<T>(token, &key, &validation);
    decoded.map(|token| token.claims).map_err(|error| SignInError::Refused(format!("the token was refused: {error}")))
}

/// Either may be a list, and one match would do; ours must be plain text and equal.
fn exactly(iss: &Value, issuer: &str, aud: &Value, audience: &str) -> Result<(), SignInError> {
    if iss == issuer && aud == audience {
        Ok(())
    } else {
        Err(refused("the token's issuer or audience is not exactly ours"))
    }
}

/// B2C: the policy of the metadata URL, which the token must carry, whatever its letters' case.
fn policy(settings: &config::Identity) -> Option<String> {
    if settings.preset != Preset::B2c {
        return None;
    }
    let url = reqwest::Url::parse(&settings.metadata_url).ok()?;
    let by_query = url.query_pairs().find(|(key, _)| key == "p").map(|(_, value)| value.into_owned());
    by_query
        .or_else(|| url.path_segments()?.find(|part| part.to_ascii_lowercase().starts_with("b2c_1")).map(str::to_owned))
}
