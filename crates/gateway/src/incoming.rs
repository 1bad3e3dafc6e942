//! A request's body, read once the agent has been let in: bounded in size and time, and looked into for
//! what rmcp does not do for agents of the older era where it keeps no session for them, which is to
//! cancel.

use crate::{BODY_MAX, plain::Plain, running::Whose, seat::Asker};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use engine::agents::knocks::Knock;
use rmcp::model::RequestId;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// How long a body may take; agents are on this computer.
const BODY_LIMIT: Duration = Duration::from_secs(5);
/// Characters of a session's name, at most; ours are shorter.
const SESSION_MAX: usize = 64;

pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// A request whose body is here.
pub(crate) struct Incoming {
    pub request: Request,
    /// A call that needs no more than its answer.
    pub plain: Option<Plain>,
    /// The call that the agent no longer wants.
    pub cancels: Option<Whose>,
    /// It is an older agent's first.
    pub begins: bool,
}

/// What of a JSON-RPC message is looked at.
#[derive(Deserialize)]
struct Peek {
    method: Option<String>,
    params: Option<Params>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    request_id: Option<RequestId>,
}

/// Reads the body. The refusal: 413 over [`BODY_MAX`] bytes, 408 where it takes too long, 400 where it
/// breaks off.
pub(crate) async fn read(request: Request, asker: &Asker) -> Result<Incoming, (Knock, Response)> {
    let (parts, body) = request.into_parts();
    let length = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_MAX) {
        return Err(too_large());
    }
    let body = match tokio::time::timeout(BODY_LIMIT, axum::body::to_bytes(body, BODY_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if is_too_large(&error) => return Err(too_large()),
        Ok(Err(_)) => return Err((Knock::BrokenOff, StatusCode::BAD_REQUEST.into_response())),
        Err(_) => return Err((Knock::TooSlow, StatusCode::REQUEST_TIMEOUT.into_response())),
    };
    let plain = (parts.method == Method::POST)
        .then(|| Plain::read(&parts.headers, &body))
        .flatten();
    let peek = match &plain {
        Some(_) => None,
        None => serde_json::from_slice::<Peek>(&body).ok(),
    };
    let method = peek.as_ref().and_then(|peek| peek.method.as_deref());
    let begins = method == Some("initialize");
    let cancels = (method == Some("notifications/cancelled"))
        .then(|| peek.as_ref()?.params.as_ref()?.request_id.clone())
        .flatten()
        .map(|id| (asker.agent.id, asker.session.clone(), id));
    Ok(Incoming {
        request: Request::from_parts(parts, Body::from(body)),
        plain,
        cancels,
        begins,
    })
}

fn too_large() -> (Knock, Response) {
    let why = format!("A message may have {} MiB.", BODY_MAX / 1024 / 1024);
    let refusal = (StatusCode::PAYLOAD_TOO_LARGE, why).into_response();
    (Knock::TooLarge, refusal)
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// The session that the agent names.
pub(crate) fn session(headers: &HeaderMap) -> Option<Arc<str>> {
    let name = headers.get(SESSION)?.to_str().ok()?;
    (name.len() <= SESSION_MAX).then(|| name.into())
}

/// Names one for an agent that has just come in. Nothing is kept of it here.
pub(crate) fn name_session(answer: &mut Response) {
    let name = engine::secret::Secret::fresh("");
    if answer.status().is_success()
        && let Ok(name) = HeaderValue::from_str(name.reveal())
    {
        answer.headers_mut().insert(SESSION, name);
    }
}
