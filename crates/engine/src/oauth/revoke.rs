//! Having a sign-in forgotten at its authorization server (RFC 7009).

use super::said;
use crate::{
    connect::way::Revocation,
    http::{self, Answer, Http, Limits, Outgoing, Reach},
    secret::Secret,
    vault::{ClientAuth, OAuthCredential},
};
use base64::Engine as _;
use reqwest::{
    Url,
    header::{ACCEPT, AUTHORIZATION, HeaderValue},
};
use serde::Deserialize;
use url::form_urlencoded;
use wire::{Error, ErrorCode};

/// Revokes the refresh token, then the access token; gives the status of the first. 200 also where
/// the server did not know the token (RFC 7009 section 2.2). Where the access token alone cannot be
/// revoked, the first status stands: it dies with its grant, or soon by itself.
///
/// # Errors
/// `OauthNoMetadata` (no revocation endpoint), `RateLimited` and `ServerError` (try again later),
/// `OauthTokenRefused` (it refused us), and those of [`Http::send`].
pub async fn revoke(
    http: &Http,
    reach: &Reach,
    credential: &OAuthCredential,
) -> Result<u16, Error> {
    if let Some(answer) = in_its_own_way(http, reach, credential).await {
        return answer;
    }
    let endpoint = credential
        .revocation_endpoint
        .as_deref()
        .and_then(|text| Url::parse(text).ok());
    let Some(endpoint) = endpoint else {
        return Err(
            Error::new(ErrorCode::OauthNoMetadata).with("host", http::inert(&credential.issuer))
        );
    };
    let Some(refresh) = &credential.refresh else {
        return send(
            http,
            reach,
            credential,
            (&endpoint, &credential.access, "access_token"),
        )
        .await;
    };
    let status = send(
        http,
        reach,
        credential,
        (&endpoint, refresh, "refresh_token"),
    )
    .await?;
    match send(
        http,
        reach,
        credential,
        (&endpoint, &credential.access, "access_token"),
    )
    .await
    {
        // No answer or "later" must be tried again; a refusal will not change.
        Err(error) if error.code != ErrorCode::OauthTokenRefused => Err(error),
        Ok(_) | Err(_) => Ok(status),
    }
}

/// Where the provider has a way of its own.
async fn in_its_own_way(
    http: &Http,
    reach: &Reach,
    credential: &OAuthCredential,
) -> Option<Result<u16, Error>> {
    let refresh = credential.refresh.as_ref();
    let (method, url, bearer) = match &credential.manner.revocation {
        Revocation::Rfc7009 => return None,
        Revocation::Nothing => {
            return Some(Err(Error::new(ErrorCode::OauthNoMetadata)
                .with("host", http::inert(&credential.issuer))));
        }
        Revocation::Bearer { method, url } => (*method, url.clone(), Some(&credential.access)),
        Revocation::InPath { method, url } => {
            let mut url = url.clone();
            let token = refresh.unwrap_or(&credential.access);
            url.path_segments_mut()
                .ok()?
                .pop_if_empty()
                .push(token.reveal());
            (*method, url, None)
        }
    };
    let mut request = Outgoing {
        method: method.into(),
        ..Outgoing::get(url.clone())
    };
    request.limits = Limits::small();
    if let Some(token) = bearer {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal())).ok()?;
        value.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, value);
    }
    let secrets = [Some(&credential.access), refresh].into_iter().flatten();
    Some(match http.send(request, reach).await {
        Ok(answer) => judge(&answer, &url, secrets),
        Err(error) => Err(error),
    })
}

/// The form of one request (RFC 7009 section 2.1), and the client's header where it is known by one.
fn form(
    credential: &OAuthCredential,
    secret: Option<&Secret>,
    (token, hint): (&Secret, &str),
) -> (Vec<u8>, Option<HeaderValue>) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token.reveal())
        .append_pair("token_type_hint", hint);
    let mut basic = None;
    match (credential.client_auth, secret) {
        (ClientAuth::Basic, Some(secret)) => {
            basic = Some(basic_header(&credential.client_id, secret));
        }
        (ClientAuth::Post, Some(secret)) => {
            form.append_pair("client_id", &credential.client_id)
                .append_pair("client_secret", secret.reveal());
        }
        (ClientAuth::None | ClientAuth::Basic | ClientAuth::Post, _) => {
            form.append_pair("client_id", &credential.client_id);
        }
    }
    (form.finish().into_bytes(), basic)
}

async fn send(
    http: &Http,
    reach: &Reach,
    credential: &OAuthCredential,
    (endpoint, token, hint): (&Url, &Secret, &str),
) -> Result<u16, Error> {
    let secret = credential
        .client_secret
        .as_ref()
        .filter(|_| credential.client_auth != ClientAuth::None);
    let (body, basic) = form(credential, secret, (token, hint));
    let mut post = Outgoing::post(endpoint.clone(), "application/x-www-form-urlencoded", body);
    post.limits = Limits::small();
    post.headers
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(basic) = basic {
        post.headers.insert(AUTHORIZATION, basic);
    }
    let answer = http.send(post, reach).await?;
    judge(
        &answer,
        endpoint,
        [Some(token), secret].into_iter().flatten(),
    )
}

fn judge<'a>(
    answer: &Answer,
    endpoint: &Url,
    secrets: impl Iterator<Item = &'a Secret>,
) -> Result<u16, Error> {
    match answer.status {
        200..=299 => Ok(answer.status),
        400..=428 | 430..=499 => Err(refused(answer, endpoint, secrets)),
        status => Err(
            http::classify(status, &answer.headers, &http::host(endpoint)).unwrap_or_else(|| {
                Error::new(ErrorCode::BadAnswer)
                    .with("host", http::host(endpoint))
                    .with("why", format!("HTTP {status}"))
            }),
        ),
    }
}

/// RFC 6749 section 2.3.1: both parts are form-encoded first.
pub(super) fn basic_header(id: &str, secret: &Secret) -> HeaderValue {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.reveal()));
    let text = format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    );
    let mut value = HeaderValue::from_str(&text).expect("base64 is a valid header");
    value.set_sensitive(true);
    value
}

fn refused<'a>(
    answer: &Answer,
    endpoint: &Url,
    secrets: impl Iterator<Item = &'a Secret>,
) -> Error {
    #[derive(Deserialize)]
    struct Told {
        error: String,
    }
    let secrets: Vec<&str> = secrets.map(Secret::reveal).collect();
    let why = serde_json::from_slice::<Told>(&answer.body).map_or_else(
        |_| format!("HTTP {}", answer.status),
        |told| said(&told.error, &secrets),
    );
    Error::new(ErrorCode::OauthTokenRefused)
        .with("host", http::host(endpoint))
        .with("why", why)
}

#[cfg(test)]
mod tests;
