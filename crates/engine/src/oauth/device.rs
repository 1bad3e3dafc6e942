//! The device flow (RFC 8628): a code that the person types on a page of the server's.
//!
//! Not by the oauth2 crate's own loop: it asks at once instead of after the interval, and takes a
//! refused redirect, or an error with status 200 (GitHub), for a bad connection to try again.

use super::{
    Client, Discovered, Manner,
    revoke::basic_header,
    said,
    token::{self, Asker, Granted, RefreshError},
};
use crate::{
    http::{self, Http, Limits, Outgoing, Reach},
    links,
    secret::Secret,
    vault::{ClientAuth, OAuthCredential},
};
use reqwest::{
    Url,
    header::{ACCEPT, AUTHORIZATION, HeaderValue},
};
use serde::Deserialize;
use url::form_urlencoded;
use wire::{Error, ErrorCode, Time};

/// RFC 8628 section 3.2: where the server names no interval. Seconds.
const USUAL_INTERVAL_S: u64 = 5;
/// RFC 8628 section 3.5: what `slow_down` adds. Seconds.
const SLOWER_S: u64 = 5;
/// The longest wait between two questions. Seconds.
const LONGEST_INTERVAL_S: u64 = 60;
/// A code that lives longer is asked about no longer than this. Seconds.
const LONGEST_LIFE_S: u64 = 3_600;
/// Characters of a code that are shown.
const LONGEST_CODE: usize = 40;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the server gave to show and to ask with. Without `Debug`: it holds the device code.
pub struct DeviceCode {
    /// Typed by the person on the page. Server text, inert.
    pub user_code: String,
    /// The page.
    pub page: Url,
    pub expires_at: Time,
    pub interval_s: u64,
    code: Secret,
}

/// What one question brought.
pub enum Polled {
    Granted(Box<OAuthCredential>),
    /// Ask again after so many seconds.
    Wait(u64),
}

#[derive(Deserialize)]
struct Answered {
    device_code: String,
    user_code: String,
    /// `verification_url` at Google.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct Told {
    error: String,
    error_description: Option<String>,
}

/// Asks for a code.
///
/// # Errors
/// `OauthNoMetadata` (no such endpoint), `OauthClientRefused`, `OauthTokenRefused`, `BadAnswer`, and those of [`Http::send`].
pub async fn ask_device_code(
    http: &Http,
    reach: &Reach,
    (found, client, manner): (&Discovered, &Client, &Manner),
    now: Time,
) -> Result<DeviceCode, Error> {
    let Some(endpoint) = &found.device_authorization_endpoint else {
        return Err(Error::new(ErrorCode::OauthNoMetadata).with("host", http::inert(&found.issuer)));
    };
    let style = &manner.scope_style;
    let scopes = found.scopes.join(&style.separator.to_string());
    let mut form: Vec<(&str, &str)> = vec![];
    if !scopes.is_empty() {
        form.push((&style.parameter, &scopes));
    }
    form.extend(
        manner
            .authorize
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str())),
    );
    let answer = http.send(request(endpoint, client, &form), reach).await?;
    let host = http::host(endpoint);
    let secrets: Vec<&str> = client.secret.iter().map(Secret::reveal).collect();
    if let Ok(told) = serde_json::from_slice::<Told>(&answer.body) {
        return Err(refused(&host, &told, &secrets));
    }
    if let Some(error) = http::classify(answer.status, &answer.headers, &host) {
        return Err(error);
    }
    let bad = |why: &str| {
        Error::new(ErrorCode::BadAnswer)
            .with("host", host.clone())
            .with("why", why)
    };
    let given: Answered =
        serde_json::from_slice(&answer.body).map_err(|_| bad("its answer holds no code"))?;
    // What the browser is given must be fit for it.
    let page = links::for_browser(&given.verification_uri)
        .map_err(|_| bad("the address of its page cannot be opened"))?;
    let user_code: String = http::inert(&given.user_code)
        .chars()
        .take(LONGEST_CODE)
        .collect();
    let life = given.expires_in.min(LONGEST_LIFE_S);
    Ok(DeviceCode {
        user_code,
        page,
        expires_at: now.plus(i64::try_from(life * 1000).unwrap_or(i64::MAX)),
        interval_s: given
            .interval
            .filter(|seconds| *seconds > 0)
            .unwrap_or(USUAL_INTERVAL_S)
            .min(LONGEST_INTERVAL_S),
        code: Secret::new(given.device_code),
    })
}

/// Asks once whether the person has agreed. `interval_s` is the one so far.
///
/// # Errors
/// `OauthDenied` (the person said no), `AttemptExpired` (the code ended), `OauthClientRefused`,
/// `OauthTokenRefused`,
/// `RedirectRefused`, `TooLarge`.
pub async fn poll(
    http: &Http,
    reach: &Reach,
    (found, client, manner): (&Discovered, &Client, &Manner),
    (code, interval_s, now): (&DeviceCode, u64, Time),
) -> Result<Polled, Error> {
    let endpoint = &found.token_endpoint;
    let form = [("grant_type", GRANT), ("device_code", code.code.reveal())];
    // RFC 8628 section 3.5: back off after a time-out, so that a server in trouble is left alone.
    let back_off = Polled::Wait((interval_s * 2).min(LONGEST_INTERVAL_S));
    let answer = match http.send(request(endpoint, client, &form), reach).await {
        Ok(answer) => answer,
        Err(error) if error.code == ErrorCode::Unreachable => return Ok(back_off),
        Err(error) => return Err(error),
    };
    let secrets = [Some(&code.code), client.secret.as_ref()];
    let asker = Asker {
        http,
        reach,
        endpoint,
        manner,
        secrets: secrets.into_iter().flatten().collect(),
    };
    // Also with status 200.
    if let Ok(told) = serde_json::from_slice::<Told>(&answer.body) {
        return match told.error.as_str() {
            "authorization_pending" => Ok(Polled::Wait(interval_s)),
            "slow_down" => Ok(Polled::Wait(interval_s + SLOWER_S)),
            "access_denied" => {
                Err(Error::new(ErrorCode::OauthDenied).with("why", "access was denied"))
            }
            "expired_token" => Err(Error::new(ErrorCode::AttemptExpired)),
            _ => {
                let secrets: Vec<&str> = asker.secrets.iter().map(|s| s.reveal()).collect();
                Err(refused(&http::host(endpoint), &told, &secrets))
            }
        };
    }
    if answer.status == 429 || answer.status >= 500 {
        return Ok(back_off);
    }
    if !(200..300).contains(&answer.status) {
        return Err(Error::new(ErrorCode::OauthTokenRefused)
            .with("host", http::host(endpoint))
            .with("why", format!("it answered HTTP {}", answer.status)));
    }
    let tokens = match asker.read(&answer.body) {
        Ok(tokens) => tokens,
        Err(
            RefreshError::InvalidGrant(error)
            | RefreshError::Ambiguous(error)
            | RefreshError::Transient(error),
        ) => return Err(error),
    };
    let granted = Granted {
        issuer: found.issuer.clone(),
        scopes: found.scopes.clone(),
        manner: manner.clone(),
    };
    let credential = token::credential(tokens, granted, (client, found), now);
    Ok(Polled::Granted(Box::new(credential)))
}

/// A form, with who we are on it (RFC 8628 section 3.1: as at the token endpoint).
fn request(endpoint: &Url, client: &Client, pairs: &[(&str, &str)]) -> Outgoing {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    let mut basic = None;
    match (client.auth, &client.secret) {
        (ClientAuth::Basic, Some(secret)) => basic = Some(basic_header(&client.id, secret)),
        (ClientAuth::Post, Some(secret)) => {
            form.append_pair("client_id", &client.id)
                .append_pair("client_secret", secret.reveal());
        }
        (ClientAuth::None | ClientAuth::Basic | ClientAuth::Post, _) => {
            form.append_pair("client_id", &client.id);
        }
    }
    let mut post = Outgoing::post(
        endpoint.clone(),
        "application/x-www-form-urlencoded",
        form.finish().into_bytes(),
    );
    post.limits = Limits::small();
    post.headers
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(basic) = basic {
        post.headers.insert(AUTHORIZATION, basic);
    }
    post
}

fn refused(host: &str, told: &Told, secrets: &[&str]) -> Error {
    let why = match &told.error_description {
        Some(more) => said(&format!("{}: {more}", told.error), secrets),
        None => said(&told.error, secrets),
    };
    let refused = Error::new(ErrorCode::OauthTokenRefused)
        .with("host", host)
        .with("why", why);
    token::of_client(refused)
}
