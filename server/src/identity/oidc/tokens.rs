//! ID tokens and access tokens: two kinds, two functions, two types. RS256 and nothing else; the
//! algorithm is never taken from the token; issuer and audience are plain text and byte for byte ours.
//!
//! *Source*: Microsoft, “Overview of tokens in Azure Active Directory B2C”; OpenID Connect Core 1.0, 3.1.3.7; OWASP ASVS 5.0,
//! 9.1 and 9.2.

use super::provider::Provider;
use super::{LEEWAY, SignInError};
use crate::config::{self, Preset};
use jsonwebtoken::{Algorithm, Validation};
use lockdown::call_request::line;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What an ID token says. Only what decides must have its shape: a policy sends the rest as somebody configured it.
#[derive(Clone, Deserialize)]
pub(super) struct IdClaims {
    iss: Value,
    aud: Value,
    #[serde(default)]
    nonce: Value,
    #[serde(default)]
    sub: Value,
    #[serde(default)]
    oid: Value,
    #[serde(default)]
    tfp: Value,
    #[serde(default)]
    acr: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    emails: Value,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    auth_time: Value,
}

/// B2C puts this where an id belongs, the same for everybody. *Source*: azure-docs, active-directory-b2c/tokens-overview.md.
const NO_SUB: &str = "Not supported currently";

/// How people are called whose name nobody asked for.
const NO_NAME: &str = "unknown";

impl IdClaims {
    /// Who it is: by `oid` where the provider has one, else by `sub`.
    pub(super) fn subject(&self, preset: Preset) -> Result<String, SignInError> {
        subject(preset, text(&self.oid), text(&self.sub))
    }

    pub(super) fn email(&self) -> Option<String> {
        text(&self.emails).or_else(|| text(&self.email))
    }

    /// One line that can be shown to anybody.
    pub(super) fn name(&self) -> Option<String> {
        text(&self.name).and_then(|name| line(&name)).filter(|name| !name.eq_ignore_ascii_case(NO_NAME))
    }

    /// Seconds since 1970.
    pub(super) fn auth_time(&self) -> Option<i64> {
        self.auth_time.as_i64().or_else(|| self.auth_time.as_str()?.parse().ok())
    }
}

/// One text, whether it comes alone, in a list, or not at all.
fn text(claim: &Value) -> Option<String> {
    let first = claim.as_array().and_then(|all| all.first()).unwrap_or(claim);
    first.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn subject(preset: Preset, oid: Option<String>, sub: Option<String>) -> Result<String, SignInError> {
    let sub = sub.filter(|sub| !sub.starts_with(NO_SUB));
    let found = if preset == Preset::Generic { oid.or(sub) } else { oid };
    found.ok_or_else(|| SignInError::Misconfigured("its tokens have no oid claim".into()))
}

/// What an access token for our API says.
#[derive(Clone, Deserialize)]
pub(super) struct AccessClaims {
    iss: Value,
    aud: Value,
    /// Only an ID token has one.
    nonce: Option<Value>,
    pub(super) sub: String,
    #[serde(default)]
    oid: Value,
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

    /// On whose behalf it is: as of an ID token.
    pub(super) fn subject(&self, preset: Preset) -> Result<String, SignInError> {
        subject(preset, text(&self.oid), Some(self.sub.clone()))
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
    if claims.nonce.as_str() != Some(nonce) {
        return Err(refused("the token belongs to another sign-in"));
    }
    if let Some(policy) = policy(settings) {
        let given = text(&claims.tfp).or_else(|| text(&claims.acr)).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(more: &Value) -> IdClaims {
        let mut all = json!({ "iss": "i", "aud": "a", "sub": "s-1" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn two_people_whom_the_provider_does_not_tell_apart_are_nobody() {
        let preset = Preset::B2c;
        assert_eq!(claims(&json!({ "oid": "o-1" })).subject(preset).unwrap(), "o-1");
        for nobody in [
            json!({}),
            json!({ "oid": "" }),
            json!({ "oid": null }),
            json!({ "sub": "Not supported currently. Use oid claim." }),
        ] {
            let refused = claims(&nobody).subject(preset);
            assert!(matches!(refused, Err(SignInError::Misconfigured(_))), "{nobody}");
        }
        assert_eq!(claims(&json!({})).subject(Preset::Generic).unwrap(), "s-1");
        let constant = json!({ "sub": "Not supported currently. Use oid claim." });
        assert!(claims(&constant).subject(Preset::Generic).is_err());
    }

    #[test]
    fn claims_of_any_shape_are_read_or_left_out() {
        for (emails, email) in [
            (json!({ "emails": ["ann@acme.example"] }), Some("ann@acme.example")),
            (json!({ "emails": "ann@acme.example" }), Some("ann@acme.example")),
            (json!({ "emails": null, "email": ["ann@acme.example"] }), Some("ann@acme.example")),
            (json!({ "emails": [], "email": 7 }), None),
            (json!({ "emails": { "a": 1 } }), None),
        ] {
            assert_eq!(claims(&emails).email().as_deref(), email, "{emails}");
        }
        for (name, want) in [
            (json!({ "name": "Ann" }), Some("Ann")),
            (json!({ "name": "" }), None),
            (json!({ "name": "unknown" }), None),
            (json!({ "name": null }), None),
            (json!({ "name": ["Ann"] }), Some("Ann")),
            (json!({ "name": "Ann\r\n\u{1b}[31m\u{202e}" }), Some("Ann   [31m")),
        ] {
            assert_eq!(claims(&name).name().as_deref(), want, "{name}");
        }
        assert_eq!(claims(&json!({ "name": "x".repeat(100_000) })).name().map(|name| name.len()), Some(120));
        assert_eq!(claims(&json!({ "auth_time": "7" })).auth_time(), Some(7));
    }
}
