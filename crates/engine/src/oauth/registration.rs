//! Making ourselves known to an authorization server (RFC 7591), and being forgotten (RFC 7592).

use super::{Discovered, said};
use crate::{
    http::{self, Answer, Http, Limits, Outgoing, Reach},
    secret::Secret,
    vault::ClientAuth,
};
use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, HeaderValue},
};
use serde::Deserialize;
use wire::{Error, ErrorCode};

/// Who we are at one authorization server. Without `Debug`: it holds secrets.
#[derive(Clone)]
pub struct Client {
    pub id: String,
    pub secret: Option<Secret>,
    pub auth: ClientAuth,
    /// For [`unregister`]; a secret.
    pub registration_token: Option<Secret>,
    pub registration_uri: Option<String>,
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
    client_secret: Option<String>,
    token_endpoint_auth_method: Option<String>,
    registration_access_token: Option<String>,
    registration_client_uri: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: Option<String>,
    error_description: Option<String>,
}

/// Registers a native client for this one redirect URI.
///
/// # Errors
/// `OauthNoRegistration`, `OauthRegistrationRefused`, `BadAnswer`, and those of [`Http::send`].
pub async fn register(
    http: &Http,
    reach: &Reach,
    discovered: &Discovered,
    redirect_uri: &str,
) -> Result<Client, Error> {
    let issuer = || http::inert(&discovered.issuer);
    let Some(endpoint) = &discovered.registration_endpoint else {
        return Err(Error::new(ErrorCode::OauthNoRegistration).with("issuer", issuer()));
    };
    let refused = |why: &str| {
        Error::new(ErrorCode::OauthRegistrationRefused)
            .with("issuer", issuer())
            .with("why", why)
    };
    let Some(method) = choose_method(&discovered.auth_methods) else {
        return Err(refused(
            "it only takes clients that sign with a key of their own",
        ));
    };
    let mut body = serde_json::json!({
        "client_name": "Chief Integrations",
        "application_type": "native",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
    });
    if !discovered.scopes.is_empty() {
        body["scope"] = discovered.scopes.join(" ").into();
    }
    let mut post = Outgoing::post(
        endpoint.clone(),
        "application/json",
        body.to_string().into_bytes(),
    );
    post.limits = Limits::small();
    post.headers
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    let answer = http.send(post, reach).await?;
    if !(200..300).contains(&answer.status) {
        return Err(refusal(&answer, &http::host(endpoint), refused));
    }
    let registered: Registered = serde_json::from_slice(&answer.body).map_err(|_| {
        Error::new(ErrorCode::BadAnswer)
            .with("host", http::host(endpoint))
            .with("why", "the registration is not JSON with a client_id")
    })?;
    accept(registered, endpoint).map_err(refused)
}

/// `none` where it is offered or nothing is said: an app on people's computers keeps no secret.
fn choose_method(offered: &[String]) -> Option<&'static str> {
    let offers = |method: &str| offered.iter().any(|offer| offer == method);
    if offered.is_empty() {
        return Some("none");
    }
    ["none", "client_secret_basic", "client_secret_post"]
        .into_iter()
        .find(|method| offers(method))
}

fn refusal(answer: &Answer, host: &str, refused: impl Fn(&str) -> Error) -> Error {
    let told: Option<Refused> = serde_json::from_slice(&answer.body).ok();
    let told = told.and_then(|told| Some((told.error?, told.error_description)));
    match (answer.status, told) {
        (400..=428 | 430..=499, Some((error, Some(more)))) => {
            refused(&said(&format!("{error}: {more}"), &[]))
        }
        (400..=428 | 430..=499, Some((error, None))) => refused(&said(&error, &[])),
        (status @ (400..=428 | 430..=499), None) => refused(&format!("HTTP {status}")),
        (status, _) => http::classify(status, &answer.headers, host)
            .unwrap_or_else(|| refused(&format!("HTTP {status}"))),
    }
}

fn accept(registered: Registered, endpoint: &Url) -> Result<Client, &'static str> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    if registered.client_id.is_empty() {
        return Err("it gave an empty client id");
    }
    let secret = filled(registered.client_secret).map(Secret::new);
    let auth = match (registered.token_endpoint_auth_method.as_deref(), &secret) {
        (Some("none"), _) | (None, None) => ClientAuth::None,
        // RFC 7591 section 2: left out, it means Basic.
        (Some("client_secret_basic") | None, Some(_)) => ClientAuth::Basic,
        (Some("client_secret_post"), Some(_)) => ClientAuth::Post,
        (Some("client_secret_basic" | "client_secret_post"), None) => {
            return Err("it asks for a secret but gave none");
        }
        (Some(_), _) => return Err("it wants a way of signing in that was not offered"),
    };
    // The token for changing the registration goes only to the origin that gave it.
    let uri = filled(registered.registration_client_uri)
        .filter(|uri| Url::parse(uri).is_ok_and(|uri| uri.origin() == endpoint.origin()));
    Ok(Client {
        id: registered.client_id,
        secret: secret.filter(|_| auth != ClientAuth::None),
        auth,
        registration_token: filled(registered.registration_access_token).map(Secret::new),
        registration_uri: uri,
    })
}

/// Has a registration forgotten (RFC 7592 section 2.3): after Disconnect, or an attempt that came to
/// nothing. `None` where the server offers no such thing; else the status.
///
/// # Errors
/// Those of [`Http::send`]; the status is not judged.
pub async fn unregister(
    http: &Http,
    reach: &Reach,
    uri: Option<&str>,
    token: Option<&Secret>,
) -> Result<Option<u16>, Error> {
    let (Some(uri), Some(token)) = (uri.and_then(|uri| Url::parse(uri).ok()), token) else {
        return Ok(None);
    };
    let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", token.reveal())) else {
        return Ok(None);
    };
    bearer.set_sensitive(true);
    let mut delete = Outgoing {
        method: Method::DELETE,
        ..Outgoing::get(uri)
    };
    delete.limits = Limits::small();
    delete.headers.insert(AUTHORIZATION, bearer);
    Ok(Some(http.send(delete, reach).await?.status))
}

#[cfg(test)]
mod tests;
