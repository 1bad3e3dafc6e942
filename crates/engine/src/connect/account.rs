//! Whose account it is: what the credential tells by itself, or what the provider answers.

use crate::{
    Engine,
    connect::way::Identity,
    connectors::send_with,
    http::{self, Limits, Outgoing, Reach},
    vault::Credential,
};
use ::http::{HeaderValue, header};
use serde_json::Value;
use wire::{Error, ErrorCode};

/// The account at the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// What stays the same for it.
    pub id: String,
    /// What a person knows it by. Server text, inert.
    pub label: String,
}

/// The account, where the credential tells it.
pub(super) fn told_by(credential: &Credential) -> Option<Account> {
    match credential {
        Credential::Basic { user, .. } if !credential.has_key_as_user() => Some(Account {
            id: user.clone(),
            label: user.clone(),
        }),
        Credential::Basic { .. }
        | Credential::None
        | Credential::Bearer { .. }
        | Credential::Header { .. }
        | Credential::Query { .. }
        | Credential::OAuth(_) => None,
    }
}

/// Asks the provider. Errors: what the status says; `BadAnswer` where the answer names no account.
pub(super) async fn ask(
    engine: &Engine,
    reach: &Reach,
    identity: &Identity,
    credential: &Credential,
) -> Result<Account, Error> {
    let mut request = Outgoing {
        method: identity.method.into(),
        body: identity.body.clone().map(String::into_bytes),
        limits: Limits::small(),
        ..Outgoing::get(identity.url.clone())
    };
    let json = HeaderValue::from_static("application/json");
    request.headers.insert(header::ACCEPT, json.clone());
    if request.body.is_some() {
        request.headers.insert(header::CONTENT_TYPE, json);
    }
    let host = http::host(&identity.url);
    let answer = send_with(engine.http(), reach, credential, request).await?;
    if let Some(error) = http::classify(answer.status, &answer.headers, &host) {
        return Err(error);
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let at = |pointer: &str| text(body.pointer(pointer)?);
    let id = at(&identity.account).ok_or_else(|| {
        Error::new(ErrorCode::BadAnswer)
            .with("host", host)
            .with("why", "its answer names no account")
    })?;
    let label = identity.label.as_deref().and_then(at);
    Ok(Account {
        label: label.unwrap_or_else(|| id.clone()),
        id,
    })
}

/// Text or a number, as it may be shown and compared.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(http::inert(&text)).filter(|text| !text.is_empty())
}
