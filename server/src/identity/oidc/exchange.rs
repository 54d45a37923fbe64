//! From a code to an ID token: the `oauth2` crate on our own HTTP client.

use super::SignInError;
use super::provider::{Metadata, capped};
use crate::config;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardRevocableToken,
    TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// B2C sends no access token for `openid` alone, and numbers as text.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tokens {
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

pub(super) type CodeClient = Client<
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

pub(super) fn code_client(
    settings: &config::Identity,
    redirect_url: &str,
    metadata: &Metadata,
) -> Result<CodeClient, SignInError> {
    let bad = |error: oauth2::url::ParseError| SignInError::Refused(format!("an endpoint is no URL: {error}"));
    Ok(Client::new(ClientId::new(settings.client_id.clone()))
        .set_client_secret(ClientSecret::new(settings.client_secret.expose().to_owned()))
        .set_auth_uri(AuthUrl::new(metadata.authorization_endpoint.clone()).map_err(bad)?)
        .set_token_uri(TokenUrl::new(metadata.token_endpoint.clone()).map_err(bad)?)
        .set_redirect_uri(RedirectUrl::new(redirect_url.to_owned()).map_err(bad)?)
        .set_auth_type(AuthType::RequestBody))
}

/// The ID token for a code.
pub(super) async fn exchange(
    client: CodeClient,
    http: reqwest::Client,
    code: String,
    verifier: String,
) -> Result<String, SignInError> {
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

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("no answer")]
    Failed(#[from] reqwest::Error),
    #[error("an answer that is no HTTP")]
    Malformed(#[from] http::Error),
    #[error("too large an answer")]
    TooLarge,
    #[error("it answers {0}")]
    Busy(reqwest::StatusCode),
}

/// Refused for this moment only.
pub(super) fn is_for_now(status: reqwest::StatusCode) -> bool {
    [408, 429].contains(&status.as_u16())
}

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let response = http.execute(reqwest::Request::try_from(request)?).await?;
    let status = response.status();
    // Whatever such an answer holds, it says nothing about the person or about us.
    if status.is_server_error() || is_for_now(status) {
        return Err(HttpError::Busy(status));
    }
    let mut answer = http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    Ok(answer.body(capped(response).await?)?)
}
