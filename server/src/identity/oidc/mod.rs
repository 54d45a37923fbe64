//! Sign-in by an OpenID provider: code flow with PKCE, the issuer compared byte for byte with the
//! configured one (B2C's metadata does not lie under its issuer), RS256 and nothing else.

mod exchange;
mod provider;
mod tokens;

use super::outage::{Change, Outage, Seen};
use super::sealed::Seal;
use super::token;
use crate::config;
use crate::store::records::Identity;
use engine::ports::StoreError;
use jiff::Timestamp;
use lockdown::operator::Scope as Right;
use oauth2::{CsrfToken, PkceCodeChallenge, Scope};
use provider::{Provider, origin_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A sign-in on its way may take this long, in seconds: B2C's own code lives about as long.
const ON_THE_WAY: i64 = 600;

/// Clocks differ, by so many seconds at most. Microsoft's own libraries allow 300.
const LEEWAY: u64 = 120;

/// The provider, and our registration there.
pub struct Oidc {
    settings: config::Identity,
    redirect_url: String,
    seal: Seal,
    provider: Provider,
}

/// A sign-in that this browser began here: what the sealed cookie carries to the way back.
#[derive(Serialize, Deserialize)]
pub struct OnTheWay {
    state: String,
    nonce: String,
    verifier: String,
    return_to: String,
    begun: Timestamp,
    /// The person was asked to type the password again.
    again: bool,
}

/// Where to send the browser, and the cookie to send with it.
pub struct Departure {
    pub url: String,
    pub cookie_name: String,
    pub cookie: String,
}

/// Somebody the provider vouches for.
#[derive(Debug)]
pub struct Arrival {
    pub identity: Identity,
    pub name: String,
    pub email: Option<String>,
    pub return_to: String,
    /// The password was asked for, just now.
    pub again: bool,
}

/// Why nobody came in. The word goes into our own page's address; the text into the log.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("the person cancelled")]
    Cancelled,
    #[error("the person forgot the password")]
    Forgot,
    #[error("the provider does not know the account")]
    Unknown,
    #[error("the provider locked the account")]
    Locked,
    #[error("the provider is away: {0}")]
    Away(String),
    #[error("no sign-in is on its way for this answer")]
    Expired,
    /// The provider vouched for the person; what our own store holds of them was not to be had.
    #[error("a sign-in could not be stored: {0}")]
    NotStored(#[from] StoreError),
    /// Our registration there is wrong: nobody can sign in until an administrator corrects it.
    #[error("the provider refuses this application: {0}")]
    Misconfigured(String),
    #[error("the answer was refused: {0}")]
    Refused(String),
}

impl SignInError {
    /// The word for `/sign-in?trouble=`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Forgot => "forgot",
            Self::Unknown => "unknown",
            Self::Locked => "locked",
            Self::Away(_) => "away",
            Self::Expired => "expired",
            Self::NotStored(_) => "store",
            Self::Misconfigured(_) | Self::Refused(_) => "refused",
        }
    }

    /// B2C's codes. Source: azure-docs, articles/active-directory-b2c/error-codes.md.
    pub fn from_provider(error: &str, description: &str) -> Self {
        let code: String = description.chars().take_while(char::is_ascii_alphanumeric).collect();
        match code.as_str() {
            "AADB2C90091" => Self::Cancelled,
            "AADB2C90118" => Self::Forgot,
            "AADB2C99002" => Self::Unknown,
            "AADB2C90111" | "AADB2C90114" => Self::Locked,
            // No session to go on with: the person begins again.
            "AADB2C90077" => Self::Expired,
            "AADB2C90006" | "AADB2C90079" | "AADB2C90081" | "AADB2C90018" | "AADB2C90296" | "AADB2C99059" => {
                Self::Misconfigured(code)
            }
            "AADB2C90035" | "AADB2C90085" | "AADB2C90037" | "AADB2C90244" => Self::Away(code),
            _ if error == "access_denied" && code.is_empty() => Self::Cancelled,
            _ => Self::Refused(format!("{} {code}", error.escape_default())),
        }
    }
}

/// A program that came with an access token of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// As the configuration names it.
    pub name: String,
    /// `azp`: the calling application.
    pub azp: String,
    pub scopes: BTreeSet<Right>,
    /// On whose behalf; `None` for a program that acts for itself.
    pub person: Option<Identity>,
}

impl Oidc {
    /// Prepares; reads what was kept. Nothing is sent yet, so a provider that is away delays no start.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(settings: config::Identity, public_url: &str, data_dir: &std::path::Path) -> anyhow::Result<Self> {
        let provider =
            Provider::new(settings.metadata_url.clone(), settings.proxy.as_deref(), data_dir, settings.probe)?;
        let seal = Seal::shared(Some(settings.client_secret.expose()));
        Ok(Self { settings, redirect_url: format!("{public_url}/auth/callback"), seal, provider })
    }

    /// It answered at the last look.
    pub fn is_up(&self) -> bool {
        self.provider.last_look() == Some(Seen::Good)
    }

    /// It did not answer at the last look: whoever wants to sign in needs another door.
    pub fn is_away(&self) -> bool {
        self.provider.last_look() == Some(Seen::Away)
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Where somebody who forgot the password sets a new one.
    pub fn password_reset_url(&self) -> Option<String> {
        self.settings.password_reset_url.clone()
    }

    /// The last time the provider was away: running sessions outlive their end by it.
    pub fn outage(&self) -> Option<Outage> {
        self.provider.watch().last()
    }

    /// The provider is away for long enough that sealed codes are taken.
    pub fn codes_are_good(&self, now: Timestamp) -> bool {
        self.provider.watch().codes_are_good(now)
    }

    /// The origin a sign-in form is sent to, for the content security policy.
    pub fn origin(&self) -> Option<String> {
        origin_of(&self.settings.metadata_url)
    }

    /// Is the provider there? Reads its metadata and keys, and says whether that is news.
    ///
    /// # Errors
    /// [`SignInError::Away`] or [`SignInError::Refused`], with the reason.
    pub async fn probe(&self, now: Timestamp) -> (Result<(), SignInError>, Option<Change>) {
        self.provider.probe(now).await
    }

    /// What a program with an access token of the tenant may do here; only where it is switched on.
    ///
    /// # Errors
    /// [`SignInError`], whatever does not fit.
    pub async fn program(&self, token: &str) -> Result<Program, SignInError> {
        let api = self.settings.api.as_ref().ok_or_else(|| SignInError::Refused("no tokens are taken here".into()))?;
        let claims = tokens::access_token(&self.provider, api, token).await?;
        let azp = claims.azp.clone().unwrap_or_default();
        let client = api.clients.iter().find(|client| client.azp == azp);
        let client = client.ok_or_else(|| SignInError::Refused("the calling application is not on the list".into()))?;
        let scopes = claims.scopes().filter_map(|scope| api.scopes.get(scope).copied()).collect();
        let itself = client.subject.as_deref() == Some(claims.sub.as_str());
        let subject = if itself { String::new() } else { claims.subject(self.settings.preset)? };
        if !itself && api.issuer != self.settings.issuer {
            return Err(SignInError::Refused("this issuer knows programs, and not our people".into()));
        }
        let person = (!itself).then(|| Identity::new(self.settings.issuer.clone(), &subject));
        Ok(Program { name: client.name.clone(), azp, scopes, person })
    }

    /// Where a browser goes to sign in.
    ///
    /// # Errors
    /// [`SignInError::Away`] when the provider was never seen and is not there now.
    pub async fn depart(
        &self,
        return_to: String,
        again: bool,
        now: Timestamp,
        https: bool,
    ) -> Result<Departure, SignInError> {
        let known = self.provider.known().await?;
        let client = exchange::code_client(&self.settings, &self.redirect_url, &known.metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = token::random_text();
        let nonce = token::random_text();
        let mut asked = client
            .authorize_url(|| CsrfToken::new(state.clone()))
            .add_scope(Scope::new("openid".into()))
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", nonce.clone())
            .add_extra_param("response_mode", "query");
        if again {
            asked = asked.add_extra_param("prompt", "login");
        }
        let (url, _) = asked.url();
        let cookie_name = login_cookie(&state, https);
        let way = OnTheWay { state, nonce, verifier: verifier.into_secret(), return_to, begun: now, again };
        let cookie = self.seal.seal(&cookie_name, &way).ok_or(SignInError::Expired)?;
        Ok(Departure { url: url.into(), cookie_name, cookie })
    }

    /// The sign-in that `state` belongs to: it was begun here, by the browser that brings `cookie`, and not
    /// long ago. Nothing that an answer says is believed before.
    ///
    /// # Errors
    /// [`SignInError::Expired`].
    pub fn on_its_way(
        &self,
        state: &str,
        cookie: Option<&str>,
        now: Timestamp,
        https: bool,
    ) -> Result<OnTheWay, SignInError> {
        let same = |way: &OnTheWay| {
            aws_lc_rs::constant_time::verify_slices_are_equal(way.state.as_bytes(), state.as_bytes()).is_ok()
        };
        cookie
            .and_then(|cookie| self.seal.open(&login_cookie(state, https), cookie))
            .filter(|way: &OnTheWay| same(way) && now.duration_since(way.begun).as_secs() <= ON_THE_WAY)
            .ok_or(SignInError::Expired)
    }

    /// Takes the provider's code for a sign-in that is on its way.
    ///
    /// # Errors
    /// [`SignInError`]: nobody is signed in.
    pub async fn arrive(&self, way: OnTheWay, code: String) -> Result<Arrival, SignInError> {
        let known = self.provider.known().await?;
        let client = exchange::code_client(&self.settings, &self.redirect_url, &known.metadata)?;
        let id_token = exchange::exchange(client, self.provider.http(), code, way.verifier).await?;
        let claims = tokens::id_token(&self.provider, &self.settings, &id_token, &way.nonce).await?;
        // B2C's `auth_time` does not tell typing from single sign-on; where it is old, it was not typed.
        let since = claims.auth_time().map(|at| way.begun.as_second() - at);
        let again = way.again && since.is_none_or(|seconds| seconds <= LEEWAY.cast_signed());
        let email = claims.email();
        let subject = claims.subject(self.settings.preset)?;
        let nameless = || format!("Account {}", subject.chars().take(8).collect::<String>());
        Ok(Arrival {
            again,
            name: claims.name().or_else(|| email.clone()).unwrap_or_else(nameless),
            identity: Identity::new(self.settings.issuer.clone(), &subject),
            email,
            return_to: way.return_to,
        })
    }

    /// Where a browser goes to sign out at the provider too.
    pub async fn farewell(&self, back_to: &str) -> Option<String> {
        let known = self.provider.seen().await?;
        let mut url = reqwest::Url::parse(&known.metadata.end_session_endpoint?).ok()?;
        url.query_pairs_mut()
            .append_pair("post_logout_redirect_uri", back_to)
            .append_pair("client_id", &self.settings.client_id);
        Some(url.into())
    }
}

/// One cookie a sign-in, so that two windows do not disturb each other.
pub fn login_cookie(state: &str, https: bool) -> String {
    let part: String = state.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if https { format!("__Host-login-{part}") } else { format!("login-{part}") }
}

#[cfg(test)]
mod tests {
    use super::SignInError;

    #[test]
    fn what_b2c_says_leads_to_the_right_words_and_to_whoever_must_act() {
        for (code, word) in [
            ("AADB2C90091", "cancelled"),
            ("AADB2C90118", "forgot"),
            ("AADB2C99002", "unknown"),
            ("AADB2C90114", "locked"),
            ("AADB2C90244", "away"),
            ("AADB2C90077", "expired"),
            ("AADB2C90081", "refused"),
            ("AADB2C12345", "refused"),
        ] {
            let said = format!("{code}: Some words.\r\nCorrelation ID: x\r\nTimestamp: y\r\n");
            let error = SignInError::from_provider("server_error", &said);
            assert_eq!(error.word(), word, "{code}");
            assert_eq!(matches!(error, SignInError::Misconfigured(_)), code == "AADB2C90081", "{code}");
        }
    }
}
