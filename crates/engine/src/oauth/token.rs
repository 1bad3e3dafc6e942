//! Codes and refresh tokens into access tokens.
//!
//! Token requests never follow a redirect, and only `invalid_grant` says that a sign-in is over:
//! everything else may pass by itself.

mod answer;

use super::{Client, Discovered, Flow, Manner, said};
use crate::{
    connect::way::Pkce,
    http::{self, Http, Limits, Outgoing, Reach},
    secret::Secret,
    vault::{ClientAuth, OAuthCredential},
};
use futures::future::BoxFuture;
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
        BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use reqwest::{Url, header::HeaderValue};
use std::{borrow::Cow, fmt};
use wire::{Error, ErrorCode, Time};

/// Lives beyond this are "until further notice".
const LONGEST_LIFE_S: u64 = 10 * 366 * 24 * 3600;

/// Why a refresh gave no new token.
pub enum RefreshError {
    /// `OauthInvalidGrant`: over for good.
    InvalidGrant(Error),
    /// The request may have been acted on, but its answer was lost. Once more with the same token is
    /// worth a try: servers with a grace window give the pair again.
    Ambiguous(Error),
    /// Anything else: it may work later. Nothing about the credential has changed.
    Transient(Error),
}

/// The code into a credential. `now` is when it is asked for: lives are counted from there.
///
/// # Errors
/// `OauthClientRefused`, `OauthTokenRefused`, `RedirectRefused`, `RateLimited`, `ServerError`, and those of [`Http::send`].
pub async fn exchange(
    http: &Http,
    reach: &Reach,
    flow: Flow,
    code: Secret,
    client: &Client,
    discovered: &Discovered,
    now: Time,
) -> Result<OAuthCredential, Error> {
    let endpoint = &discovered.token_endpoint;
    let redirect = RedirectUrl::new(flow.redirect_uri.clone())
        .map_err(|_| Error::new(ErrorCode::Internal).with("why", "the redirect URI is not one"))?;
    let secrets = [Some(&code), Some(&flow.verifier), client.secret.as_ref()];
    let asker = Asker {
        http,
        reach,
        endpoint,
        manner: &flow.manner,
        secrets: secrets.into_iter().flatten().collect(),
    };
    let oauth = oauth_client(&client.id, client.secret.as_ref(), client.auth, endpoint);
    let mut request = oauth
        .exchange_code(AuthorizationCode::new(code.reveal().to_owned()))
        .set_redirect_uri(Cow::Owned(redirect));
    request = match flow.manner.pkce {
        Pkce::Required | Pkce::Sent => {
            request.set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.reveal().to_owned()))
        }
        Pkce::Off => request,
    };
    if let Some(resource) = &discovered.resource {
        request = request.add_extra_param("resource", resource.clone());
    }
    let answer = request.request_async(&asker).await;
    let tokens = asker.judge(answer).map_err(|refusal| match refusal {
        // An invalid code is no dead sign-in: there is none yet.
        RefreshError::InvalidGrant(error) => Error {
            code: ErrorCode::OauthTokenRefused,
            ..error
        },
        RefreshError::Ambiguous(error) | RefreshError::Transient(error) => of_client(error),
    })?;
    Ok(credential(
        tokens,
        Granted {
            issuer: flow.issuer,
            scopes: flow.scopes,
            manner: flow.manner,
        },
        (client, discovered),
        now,
    ))
}

/// Errors that are about the client itself: RFC 6749 section 5.2, and what GitHub and Slack say instead.
const OF_CLIENT: [&str; 6] = [
    "invalid_client",
    "unauthorized_client",
    "incorrect_client_credentials",
    "bad_client_secret",
    "bad_client_id",
    "invalid_client_id",
];

/// A refusal of the client says so: it is mended where its id and secret were typed.
pub(super) fn of_client(error: Error) -> Error {
    let why = error.args.get("why").map_or("", String::as_str);
    let name = why.split(':').next().unwrap_or_default();
    if error.code == ErrorCode::OauthTokenRefused && OF_CLIENT.contains(&name) {
        return Error {
            code: ErrorCode::OauthClientRefused,
            ..error
        };
    }
    error
}

/// The same of a client that was accepted once: only another sign-in, as another client or with another secret,
/// mends it.
fn client_gone(error: Error) -> Error {
    let error = of_client(error);
    match error.code {
        ErrorCode::OauthClientRefused => Error {
            code: ErrorCode::OauthClientGone,
            ..error
        },
        _ => error,
    }
}

/// Who granted what was asked for.
pub(super) struct Granted {
    pub issuer: String,
    pub scopes: Vec<String>,
    pub manner: Manner,
}

/// First tokens into a credential.
pub(super) fn credential(
    tokens: Tokens,
    granted: Granted,
    (client, discovered): (&Client, &Discovered),
    now: Time,
) -> OAuthCredential {
    let documented = granted.manner.token.refresh_life_seconds;
    let refresh_life_s = tokens
        .refresh_life_s
        .or(documented.filter(|_| tokens.refresh.is_some()));
    OAuthCredential {
        issuer: granted.issuer,
        token_endpoint: discovered.token_endpoint.to_string(),
        revocation_endpoint: discovered.revocation_endpoint.as_ref().map(Url::to_string),
        client_id: client.id.clone(),
        client_secret: client.secret.clone(),
        client_auth: client.auth,
        registration_token: client.registration_token.clone(),
        registration_uri: client.registration_uri.clone(),
        resource: discovered.resource.clone(),
        scopes: tokens.scopes.unwrap_or_else(|| granted.scopes.clone()),
        requested_scopes: granted.scopes,
        access: tokens.access,
        received_at: now,
        expires_at: tokens.life_s.map(|life| after(now, life)),
        refresh: tokens.refresh,
        refresh_expires_at: refresh_life_s.map(|life| after(now, life)),
        manner: granted.manner,
    }
}

/// A fresh pair for an old one, from the token endpoint that the credential was issued by. Asks once;
/// keeps the old refresh token where no new one comes (RFC 6749 section 6).
///
/// # Errors
/// See [`RefreshError`].
pub async fn refresh(
    http: &Http,
    reach: &Reach,
    old: &OAuthCredential,
    now: Time,
) -> Result<OAuthCredential, RefreshError> {
    let bug = |why: &str| RefreshError::Transient(Error::new(ErrorCode::Internal).with("why", why));
    let Some(token) = &old.refresh else {
        return Err(bug("there is no refresh token"));
    };
    let endpoint =
        Url::parse(&old.token_endpoint).map_err(|_| bug("the token endpoint is not a URL"))?;
    let secrets = [Some(token), Some(&old.access), old.client_secret.as_ref()];
    let asker = Asker {
        http,
        reach,
        endpoint: &endpoint,
        manner: &old.manner,
        secrets: secrets.into_iter().flatten().collect(),
    };
    let oauth = oauth_client(
        &old.client_id,
        old.client_secret.as_ref(),
        old.client_auth,
        &endpoint,
    );
    let token = RefreshToken::new(token.reveal().to_owned());
    let mut request = oauth.exchange_refresh_token(&token);
    if let Some(resource) = &old.resource {
        request = request.add_extra_param("resource", resource.clone());
    }
    let answer = request.request_async(&asker).await;
    let tokens = asker.judge(answer).map_err(|refusal| match refusal {
        RefreshError::Transient(error) => RefreshError::Transient(client_gone(error)),
        RefreshError::InvalidGrant(_) | RefreshError::Ambiguous(_) => refusal,
    })?;
    let mut new = old.clone();
    new.access = tokens.access;
    new.received_at = now;
    new.expires_at = tokens.life_s.map(|life| after(now, life));
    if let Some(scopes) = tokens.scopes {
        new.scopes = scopes;
    }
    let told = tokens.refresh_life_s;
    // Only a fresh refresh token lives as long as documented again.
    let documented = old.manner.token.refresh_life_seconds;
    if let Some(life) = told.or(documented.filter(|_| tokens.refresh.is_some())) {
        new.refresh_expires_at = Some(after(now, life));
    }
    new.refresh = tokens.refresh.or(new.refresh);
    Ok(new)
}

fn after(now: Time, seconds: u64) -> Time {
    now.plus(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX))
}

/// What a token answer holds.
pub(super) struct Tokens {
    access: Secret,
    refresh: Option<Secret>,
    scopes: Option<Vec<String>>,
    life_s: Option<u64>,
    refresh_life_s: Option<u64>,
}

type TokenAnswer = StandardTokenResponse<answer::Extra, BasicTokenType>;
type OAuthClient = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn oauth_client(
    id: &str,
    secret: Option<&Secret>,
    auth: ClientAuth,
    endpoint: &Url,
) -> OAuthClient {
    let client = oauth2::Client::new(ClientId::new(id.to_owned()))
        .set_token_uri(TokenUrl::from_url(endpoint.clone()))
        .set_auth_type(match auth {
            ClientAuth::Basic => AuthType::BasicAuth,
            ClientAuth::None | ClientAuth::Post => AuthType::RequestBody,
        });
    match secret.filter(|_| auth != ClientAuth::None) {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.reveal().to_owned())),
        None => client,
    }
}

/// Sends token requests through the one door and reads what comes back.
pub(super) struct Asker<'a> {
    pub http: &'a Http,
    pub reach: &'a Reach,
    pub endpoint: &'a Url,
    pub manner: &'a Manner,
    /// What was sent, never to be shown where the server repeats it.
    pub secrets: Vec<&'a Secret>,
}

/// A token request without a readable answer, on its way through the oauth2 crate.
pub(super) struct Lost(RefreshError);

impl fmt::Debug for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lost")
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token request brought no token")
    }
}

impl std::error::Error for Lost {}

/// By hand and boxed, not by a closure: the future of a closure that borrows cannot be shown to be
/// `Send`.
impl<'c> AsyncHttpClient<'c> for Asker<'_> {
    type Error = Lost;
    type Future = BoxFuture<'c, Result<HttpResponse, Lost>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

impl Asker<'_> {
    fn refused(&self, why: impl Into<String>) -> Error {
        Error::new(ErrorCode::OauthTokenRefused)
            .with("host", http::host(self.endpoint))
            .with("why", why)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Lost> {
        let (parts, body) = request.into_parts();
        let mut headers = parts.headers;
        for value in headers.values_mut() {
            value.set_sensitive(true);
        }
        let outgoing = Outgoing {
            method: parts.method,
            headers,
            limits: Limits::small(),
            ..Outgoing::post(self.endpoint.clone(), FORM, body)
        };
        let answer = self
            .http
            .attempt(outgoing, self.reach)
            .await
            .map_err(|failure| {
                let answered = matches!(
                    failure.error.code,
                    ErrorCode::RedirectRefused | ErrorCode::TooLarge
                );
                Lost(if failure.sent && !answered {
                    RefreshError::Ambiguous(failure.error)
                } else {
                    RefreshError::Transient(failure.error)
                })
            })?;
        match answer.status {
            200..=299 => self.tokens(&answer.body).map(|body| json(200, body)),
            400..=428 | 430..=499 if answer::is_error(&answer.body) => {
                Ok(json(400, self.known_names(answer.body)))
            }
            status => Err(Lost(RefreshError::Transient(
                match http::classify(status, &answer.headers, &http::host(self.endpoint)) {
                    Some(error) if status >= 429 && error.code != ErrorCode::BadAnswer => error,
                    _ => self.refused(format!("it answered HTTP {status} without saying why")),
                },
            ))),
        }
    }

    fn judge(
        &self,
        answer: Result<TokenAnswer, RequestTokenError<Lost, BasicErrorResponse>>,
    ) -> Result<Tokens, RefreshError> {
        let transient = |why: String| Err(RefreshError::Transient(self.refused(why)));
        match answer {
            Ok(found) => self.accept(&found),
            Err(RequestTokenError::Request(Lost(why))) => Err(why),
            Err(RequestTokenError::ServerResponse(told)) => {
                let name: &str = told.error().as_ref();
                let why = match told.error_description() {
                    Some(more) => self.said(&format!("{name}: {more}")),
                    None => self.said(name),
                };
                if *told.error() == BasicErrorResponseType::InvalidGrant {
                    let error = Error {
                        code: ErrorCode::OauthInvalidGrant,
                        ..self.refused(why)
                    };
                    return Err(RefreshError::InvalidGrant(error));
                }
                transient(why)
            }
            // Both may quote the body, so neither is shown.
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                transient("its answer cannot be read".to_owned())
            }
        }
    }

    fn accept(&self, found: &TokenAnswer) -> Result<Tokens, RefreshError> {
        let kind = found.token_type();
        let other_word = self
            .manner
            .token
            .token_types
            .iter()
            .any(|word| word.eq_ignore_ascii_case(kind.as_ref()));
        if *kind != BasicTokenType::Bearer && !other_word {
            let why = self.said(&format!("it gives tokens of the kind {}", kind.as_ref()));
            return Err(RefreshError::Transient(self.refused(why)));
        }
        let access = found.access_token().secret();
        if HeaderValue::from_str(access).is_err() {
            return Err(RefreshError::Transient(
                self.refused("its token cannot be put on a request"),
            ));
        }
        let life = |seconds: Option<u64>| seconds.filter(|s| (1..LONGEST_LIFE_S).contains(s));
        let extra = found.extra_fields();
        Ok(Tokens {
            access: Secret::new(access.clone()),
            refresh: found
                .refresh_token()
                .map(|token| Secret::new(token.secret().clone()))
                .filter(|token| !token.reveal().is_empty()),
            scopes: found
                .scopes()
                .map(|scopes| {
                    scopes
                        .iter()
                        .map(|s| s.to_string())
                        .filter(|s| !s.is_empty())
                        .collect()
                })
                .filter(|scopes: &Vec<String>| !scopes.is_empty()),
            life_s: life(found.expires_in().map(|life| life.as_secs())),
            refresh_life_s: life(extra.refresh_token_expires_in.or(extra.refresh_expires_in)),
        })
    }

    fn said(&self, text: &str) -> String {
        let secrets: Vec<&str> = self.secrets.iter().map(|secret| secret.reveal()).collect();
        said(text, &secrets)
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn json(status: u16, body: Vec<u8>) -> HttpResponse {
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = oauth2::http::StatusCode::from_u16(status).unwrap_or_default();
    answer
}

#[cfg(test)]
mod tests;
