//! Sign-in by an OpenID provider: code flow with PKCE, the issuer compared byte for byte with the
//! configured one (B2C's metadata does not lie under its issuer), RS256 and nothing else.

use super::sealed::Seal;
use super::token;
use crate::config::{self, Preset};
use crate::store::records::Identity;
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope,
    StandardRevocableToken, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, RwLock};

/// Metadata, keys and token answers are small; more is an attack or a mistake.
const MAX_ANSWER: usize = 256 * 1024;

/// A sign-in on its way may take this long. Identity reference, sign-in flow.
const ON_THE_WAY: i64 = 600;

/// Clocks differ. Seconds. Identity reference, ID token.
const LEEWAY: u64 = 120;

/// An unknown key id is asked for at most this often, by the whole process.
const KEYS_AGAIN: Duration = Duration::from_secs(60);

/// The provider, with what was last read of it.
pub struct Oidc {
    settings: config::Identity,
    redirect_url: String,
    http: reqwest::Client,
    seal: Seal,
    known: RwLock<Option<Known>>,
    /// Single flight for reading it again.
    reading: Mutex<Option<std::time::Instant>>,
    cache: PathBuf,
    up: AtomicBool,
}

/// Kept on disk, so that the server starts and serves while the provider is away.
#[derive(Clone, Serialize, Deserialize)]
struct Known {
    metadata: Metadata,
    keys: JwkSet,
}

#[derive(Clone, Serialize, Deserialize)]
struct Metadata {
    authorization_endpoint: String,
    token_endpoint: String,
    end_session_endpoint: Option<String>,
    jwks_uri: String,
}

/// What the sealed cookie carries to the way back.
#[derive(Serialize, Deserialize)]
struct OnTheWay {
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
            Self::Refused(_) => "refused",
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
            "AADB2C90035" | "AADB2C90085" | "AADB2C90037" | "AADB2C90244" => Self::Away(code),
            _ if error == "access_denied" && code.is_empty() => Self::Cancelled,
            _ => Self::Refused(format!("{} {code}", error.escape_default())),
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: serde_json::Value,
    aud: serde_json::Value,
    nonce: Option<String>,
    sub: String,
    oid: Option<String>,
    tfp: Option<String>,
    acr: Option<String>,
    name: Option<String>,
    #[serde(default)]
    emails: Vec<String>,
    email: Option<String>,
    /// Seconds since 1970.
    auth_time: Option<i64>,
}

/// B2C sends no access token for `openid` alone, and numbers as text.
#[derive(Debug, Serialize, Deserialize)]
struct Tokens {
    #[serde(default = "no_token")]
    access_token: AccessToken,
    #[serde(default = "bearer")]
    token_type: BasicTokenType,
    id_token: String,
}

fn no_token() -> AccessToken {
    AccessToken::new(String::new())
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl TokenResponse for Tokens {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

type CodeClient = Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl Oidc {
    /// Prepares; reads what was kept. Nothing is sent yet, so a provider that is away delays no start.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(settings: config::Identity, public_url: &str, data_dir: &std::path::Path) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(10))
            .no_proxy()
            .build()?;
        let cache = data_dir.join("identity-provider.json");
        let known = std::fs::read(&cache).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let seal = Seal::shared(Some(settings.client_secret.expose()));
        Ok(Self {
            settings,
            redirect_url: format!("{public_url}/auth/callback"),
            http,
            seal,
            known: RwLock::new(known),
            reading: Mutex::new(None),
            cache,
            up: AtomicBool::new(false),
        })
    }

    /// As of the last probe.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The origin a sign-in form is sent to, for the content security policy.
    pub fn origin(&self) -> Option<String> {
        origin_of(&self.settings.metadata_url)
    }

    /// Is the provider there? Reads its metadata and keys.
    ///
    /// # Errors
    /// [`SignInError::Away`] or [`SignInError::Refused`], with the reason.
    pub async fn probe(&self) -> Result<(), SignInError> {
        let read = self.read().await;
        self.up.store(read.is_ok(), Ordering::Relaxed);
        let known = read?;
        if let Ok(text) = serde_json::to_vec(&known)
            && let Err(error) = std::fs::write(&self.cache, text)
        {
            tracing::warn!(%error, "the identity provider's keys could not be kept on disk");
        }
        *self.known.write().await = Some(known);
        Ok(())
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
        let known = self.known().await?;
        let client = self.code_client(&known.metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (state, nonce) = (token::random_text(), token::random_text());
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

    /// Takes the provider's answer: state, code, and the cookie of that state.
    ///
    /// # Errors
    /// [`SignInError`]: nobody is signed in.
    pub async fn arrive(
        &self,
        state: &str,
        code: String,
        cookie: Option<&str>,
        now: Timestamp,
        https: bool,
    ) -> Result<Arrival, SignInError> {
        let way: OnTheWay = cookie
            .and_then(|cookie| self.seal.open(&login_cookie(state, https), cookie))
            .filter(|way: &OnTheWay| {
                let same = aws_lc_rs::constant_time::verify_slices_are_equal(way.state.as_bytes(), state.as_bytes());
                same.is_ok() && now.duration_since(way.begun).as_secs() <= ON_THE_WAY
            })
            .ok_or(SignInError::Expired)?;
        let known = self.known().await?;
        let id_token = self.exchange(&known.metadata, code, way.verifier).await?;
        let claims = self.verify(&id_token, &way.nonce).await?;
        // B2C's `auth_time` does not tell typing from single sign-on; where it is old, it was not typed.
        let since = claims.auth_time.map(|at| way.begun.as_second() - at);
        let again = way.again && since.is_none_or(|seconds| seconds <= LEEWAY.cast_signed());
        let email = claims.emails.into_iter().next().or(claims.email);
        Ok(Arrival {
            again,
            identity: Identity { issuer: self.settings.issuer.clone(), subject: claims.oid.unwrap_or(claims.sub) },
            name: claims.name.or_else(|| email.clone()).unwrap_or_else(|| "Unnamed".into()),
            email,
            return_to: way.return_to,
        })
    }

    /// Where a browser goes to sign out at the provider too.
    pub async fn farewell(&self, back_to: &str) -> Option<String> {
        let known = self.known.read().await.clone()?;
        let mut url = reqwest::Url::parse(&known.metadata.end_session_endpoint?).ok()?;
        url.query_pairs_mut()
            .append_pair("post_logout_redirect_uri", back_to)
            .append_pair("client_id", &self.settings.client_id);
        Some(url.into())
    }

    fn code_client(&self, metadata: &Metadata) -> Result<CodeClient, SignInError> {
        let bad = |error: oauth2::url::ParseError| SignInError::Refused(format!("an endpoint is no URL: {error}"));
        Ok(Client::new(ClientId::new(self.settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.settings.client_secret.expose().to_owned()))
            .set_auth_uri(AuthUrl::new(metadata.authorization_endpoint.clone()).map_err(bad)?)
            .set_token_uri(TokenUrl::new(metadata.token_endpoint.clone()).map_err(bad)?)
            .set_redirect_uri(RedirectUrl::new(self.redirect_url.clone()).map_err(bad)?)
            .set_auth_type(AuthType::RequestBody))
    }

    async fn exchange(&self, metadata: &Metadata, code: String, verifier: String) -> Result<String, SignInError> {
        let client = self.code_client(metadata)?;
        let http = self.http.clone();
        let send = move |request: HttpRequest| send(http.clone(), request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&send)
            .await;
        answer.map(|tokens| tokens.id_token).map_err(|error| match error {
            oauth2::RequestTokenError::ServerResponse(answer) => {
                let description = answer.error_description().map_or("", String::as_str);
                SignInError::from_provider(answer.error().as_ref(), description)
            }
            oauth2::RequestTokenError::Request(error) => SignInError::Away(error.to_string()),
            // The body may hold a token: it is never shown.
            oauth2::RequestTokenError::Parse(_, _) => SignInError::Refused("the token answer cannot be read".into()),
            oauth2::RequestTokenError::Other(why) => SignInError::Refused(why),
        })
    }

    async fn verify(&self, id_token: &str, nonce: &str) -> Result<Claims, SignInError> {
        let refused = |why: &str| SignInError::Refused(why.to_owned());
        let header = jsonwebtoken::decode_header(id_token).map_err(|_| refused("the token's header cannot be read"))?;
        if header.alg != Algorithm::RS256 {
            return Err(refused("the token is not signed with RS256"));
        }
        let kid = header.kid.ok_or_else(|| refused("the token names no key"))?;
        let key = self.key(&kid).await?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.client_id]);
        // B2C always says from when on; the standard leaves it open.
        let required: &[&str] = if self.settings.preset == Preset::B2c {
            &["exp", "nbf", "iss", "aud", "sub"]
        } else {
            &["exp", "iss", "aud", "sub"]
        };
        validation.set_required_spec_claims(required);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let claims = jsonwebtoken::decode::<Claims>(id_token, &key, &validation)
            .map_err(|error| SignInError::Refused(format!("the token was refused: {error}")))?
            .claims;
        // Either may be a list, and one match would do; ours must be plain text and equal.
        if claims.iss != self.settings.issuer.as_str() || claims.aud != self.settings.client_id.as_str() {
            return Err(refused("the token's issuer or audience is not exactly ours"));
        }
        if claims.nonce.as_deref() != Some(nonce) {
            return Err(refused("the token belongs to another sign-in"));
        }
        if let Some(policy) = self.policy() {
            let given = claims.tfp.as_deref().or(claims.acr.as_deref()).unwrap_or_default();
            if !given.eq_ignore_ascii_case(&policy) {
                return Err(refused("the token comes from another policy"));
            }
        }
        Ok(claims)
    }

    /// B2C: the policy of the metadata URL, which the token must carry, whatever its letters' case.
    fn policy(&self) -> Option<String> {
        if self.settings.preset != Preset::B2c {
            return None;
        }
        let url = reqwest::Url::parse(&self.settings.metadata_url).ok()?;
        let by_query = url.query_pairs().find(|(key, _)| key == "p").map(|(_, value)| value.into_owned());
        by_query.or_else(|| {
            url.path_segments()?.find(|part| part.to_ascii_lowercase().starts_with("b2c_1")).map(str::to_owned)
        })
    }

    async fn key(&self, kid: &str) -> Result<DecodingKey, SignInError> {
        if let Some(key) = self.known().await?.keys.find(kid).and_then(usable) {
            return Ok(key);
        }
        let mut last = self.reading.lock().await;
        if last.is_none_or(|at| at.elapsed() >= KEYS_AGAIN) {
            *last = Some(std::time::Instant::now());
            self.probe().await?;
        }
        let known = self.known().await?;
        known.keys.find(kid).and_then(usable).ok_or_else(|| SignInError::Refused("the token's key is unknown".into()))
    }

    async fn known(&self) -> Result<Known, SignInError> {
        if let Some(known) = self.known.read().await.clone() {
            return Ok(known);
        }
        self.probe().await?;
        self.known.read().await.clone().ok_or_else(|| SignInError::Away("never seen".into()))
    }

    async fn read(&self) -> Result<Known, SignInError> {
        let metadata: Metadata = self.get(&self.settings.metadata_url).await?;
        self.guard_endpoints(&metadata)?;
        let keys = self.get(&metadata.jwks_uri).await?;
        Ok(Known { metadata, keys })
    }

    /// A poisoned document must not steer our secret elsewhere: every endpoint lies where the
    /// metadata lies, over https (plain http on loopback only).
    fn guard_endpoints(&self, metadata: &Metadata) -> Result<(), SignInError> {
        let home = origin_of(&self.settings.metadata_url);
        let mut all = vec![&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        all.extend(&metadata.end_session_endpoint);
        let strange = all.into_iter().find(|endpoint| origin_of(endpoint) != home || home.is_none());
        match strange {
            None => Ok(()),
            Some(endpoint) => {
                Err(SignInError::Refused(format!("the metadata names an endpoint elsewhere: {endpoint}")))
            }
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, SignInError> {
        let away = |error: reqwest::Error| SignInError::Away(error.without_url().to_string());
        let response = self.http.get(url).send().await.map_err(away)?.error_for_status().map_err(away)?;
        let body = capped(response).await.map_err(|error| SignInError::Away(error.to_string()))?;
        serde_json::from_slice(&body)
            .map_err(|_| SignInError::Refused("the provider's answer is not what it should be".into()))
    }
}

/// Scheme, host and port; `None` unless https, or http on loopback.
fn origin_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    (url.scheme() == "https" || (url.scheme() == "http" && loopback)).then(|| url.origin().ascii_serialization())
}

/// One cookie a sign-in, so that two windows do not disturb each other.
pub fn login_cookie(state: &str, https: bool) -> String {
    let part: String = state.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if https { format!("__Host-login-{part}") } else { format!("login-{part}") }
}

/// RSA for signatures only: a key of another kind in the set is not ours to use.
fn usable(key: &Jwk) -> Option<DecodingKey> {
    let rsa = matches!(key.algorithm, AlgorithmParameters::RSA(_));
    rsa.then(|| DecodingKey::from_jwk(key).ok()).flatten()
}

#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error("no answer")]
    Failed(#[from] reqwest::Error),
    #[error("an answer that is no HTTP")]
    Malformed(#[from] oauth2::http::Error),
    #[error("too large an answer")]
    TooLarge,
}

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let response = http.execute(reqwest::Request::try_from(request)?).await?;
    let mut answer = oauth2::http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    Ok(answer.body(capped(response).await?)?)
}

async fn capped(mut response: reqwest::Response) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
