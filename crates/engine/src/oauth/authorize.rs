//! One sign-in: the address for the browser, and what is kept back to check and use the answer.

use super::{Callback, Client, Discovered, Manner, said};
use crate::{
    connect::way::{Pkce, ScopeStyle},
    http, links,
    secret::Secret,
};
use oauth2::{
    AuthUrl, ClientId, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge, RedirectUrl,
    Scope, basic::BasicClient,
};
use reqwest::Url;
use subtle::ConstantTimeEq;
use url::Host;
use wire::{Error, ErrorCode};

/// A sign-in that was begun. It is used up by [`super::exchange`]. Without `Debug`: it holds secrets.
pub struct Flow {
    /// What the browser opens. It holds `state`, so it goes there through [`super::Loopback`] only.
    pub authorization_url: Url,
    pub(super) state: Secret,
    pub(super) verifier: Secret,
    pub(super) issuer: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) iss_in_response: bool,
    pub(super) manner: Manner,
}

/// Begins a sign-in for an MCP server: PKCE with S256 and a fresh 256-bit `state`, both for this one
/// time.
///
/// # Errors
/// `Internal` where the redirect URI is not on loopback (RFC 8252 section 7.3): for MCP servers no
/// other way back exists.
pub fn authorize(
    discovered: &Discovered,
    client: &Client,
    redirect_uri: &str,
    scopes: &[String],
) -> Result<Flow, Error> {
    let redirect = Url::parse(redirect_uri).map_err(|_| bug("the redirect URI is not one"))?;
    if !is_loopback(&redirect) || redirect.domain().is_some() {
        return Err(bug("the redirect URI is not on loopback"));
    }
    authorize_as(
        discovered,
        client,
        (redirect_uri, scopes),
        &Manner::default(),
    )
}

/// Begins a sign-in at a server that may have a manner of its own.
///
/// # Errors
/// `Internal` where the redirect URI is neither on loopback, nor the app's own link, nor on https;
/// `OauthNoMetadata` where no authorization endpoint is known.
pub fn authorize_as(
    discovered: &Discovered,
    client: &Client,
    (redirect_uri, scopes): (&str, &[String]),
    manner: &Manner,
) -> Result<Flow, Error> {
    let redirect = Url::parse(redirect_uri).map_err(|_| bug("the redirect URI is not one"))?;
    if !is_loopback(&redirect) && redirect_uri != links::CALLBACK && redirect.scheme() != "https" {
        return Err(bug("nothing of ours answers at the redirect URI"));
    }
    let endpoint = discovered.authorization_endpoint.clone().ok_or_else(|| {
        Error::new(ErrorCode::OauthNoMetadata).with("host", http::inert(&discovered.issuer))
    })?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256_len(32);
    let client: BasicClient<
        EndpointSet,
        EndpointNotSet,
        EndpointNotSet,
        EndpointNotSet,
        EndpointNotSet,
    > = BasicClient::new(ClientId::new(client.id.clone()))
        .set_auth_uri(AuthUrl::from_url(endpoint))
        .set_redirect_uri(
            RedirectUrl::new(redirect_uri.to_owned())
                .map_err(|_| bug("the redirect URI is not one"))?,
        );
    let mut request = client.authorize_url(|| CsrfToken::new_random_len(32));
    let style = &manner.scope_style;
    if *style == ScopeStyle::default() {
        request = request.add_scopes(scopes.iter().cloned().map(Scope::new));
    } else if !scopes.is_empty() {
        let joined = scopes.join(&style.separator.to_string());
        request = request.add_extra_param(style.parameter.clone(), joined);
    }
    request = match manner.pkce {
        Pkce::Required | Pkce::Sent => request.set_pkce_challenge(challenge),
        Pkce::Off => request,
    };
    if let Some(resource) = &discovered.resource {
        request = request.add_extra_param("resource", resource.clone());
    }
    let asks_offline = scopes.iter().any(|scope| scope == "offline_access");
    if asks_offline && !manner.authorize.contains_key("prompt") {
        // OpenID Connect Core section 11: without it a server may leave the refresh token out.
        request = request.add_extra_param("prompt", "consent");
    }
    for (name, value) in &manner.authorize {
        request = request.add_extra_param(name.clone(), value.clone());
    }
    let (authorization_url, state) = request.url();
    Ok(Flow {
        authorization_url,
        state: Secret::new(state.into_secret()),
        verifier: Secret::new(verifier.into_secret()),
        issuer: discovered.issuer.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scopes: scopes.to_vec(),
        iss_in_response: discovered.iss_in_response,
        manner: manner.clone(),
    })
}

fn bug(why: &str) -> Error {
    Error::new(ErrorCode::Internal).with("why", why)
}

/// `http` on a loopback address, or on `localhost`, which some servers know only.
fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Ipv4(v4)) => v4.is_loopback(),
            Some(Host::Ipv6(v6)) => v6.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
}

impl Flow {
    /// What the answer must carry to be this sign-in's.
    #[must_use]
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// The code, once the answer has passed: `state`, then `iss` (RFC 9207 section 2.4), and only
    /// then what the server says.
    ///
    /// # Errors
    /// `OauthWrongState`, `OauthWrongIssuer`, `OauthDenied`.
    pub fn check(&self, callback: &Callback) -> Result<Secret, Error> {
        if !callback.is_for(&self.state) {
            return Err(Error::new(ErrorCode::OauthWrongState));
        }
        let expected_issuer = match &callback.iss {
            Some(iss) => iss == &self.issuer,
            None => !self.iss_in_response,
        };
        if !expected_issuer {
            let found = callback
                .iss
                .as_deref()
                .map_or("nowhere it would name".into(), |iss| said(iss, &[]));
            return Err(Error::new(ErrorCode::OauthWrongIssuer)
                .with("expected", http::inert(&self.issuer))
                .with("found", found));
        }
        if let Some(error) = &callback.error {
            let secrets = [self.state.reveal(), self.verifier.reveal()];
            let why = match (error.as_str(), &callback.error_description) {
                ("access_denied", None) => "access was denied".to_owned(),
                (error, None) => said(error, &secrets),
                (error, Some(more)) => said(&format!("{error}: {more}"), &secrets),
            };
            return Err(Error::new(ErrorCode::OauthDenied).with("why", why));
        }
        callback.code.clone().ok_or_else(|| {
            Error::new(ErrorCode::OauthDenied).with("why", "the answer held no code")
        })
    }
}

/// Compares secrets without telling by the time how much of them was right.
pub(super) fn equal(one: &Secret, other: &Secret) -> bool {
    one.reveal()
        .as_bytes()
        .ct_eq(other.reveal().as_bytes())
        .into()
}

#[cfg(test)]
pub(super) mod tests;
