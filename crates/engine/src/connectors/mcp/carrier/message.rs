//! What a message is, as far as its HTTP must know.

use super::super::super::sent::Key;
use ::http::{HeaderMap, header};
use futures::{StreamExt as _, stream::BoxStream};
use rmcp::{
    model::{
        CallToolResult, ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorData,
        GetExtensions as _, JsonRpcVersion2_0, RequestId, ServerJsonRpcMessage, ServerResult,
    },
    transport::streamable_http_client::{SseError, StreamableHttpPostResponse},
};
use serde::Deserialize;
use sse_stream::{Sse, SseStream};
use wire::Error;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Discover,
    Initialize,
    /// Of a tool.
    Call,
    /// Any other request.
    Other,
    /// A message that no answer is due to.
    Notice,
}

impl Kind {
    pub(super) fn of(message: &ClientJsonRpcMessage) -> Self {
        match message {
            ClientJsonRpcMessage::Request(request) => match &request.request {
                ClientRequest::DiscoverRequest(_) => Self::Discover,
                ClientRequest::InitializeRequest(_) => Self::Initialize,
                ClientRequest::CallToolRequest(_) => Self::Call,
                _ => Self::Other,
            },
            _ => Self::Notice,
        }
    }
}

/// Whether it tells that a call is no longer wanted.
pub(super) fn calls_off(message: &ClientJsonRpcMessage) -> bool {
    matches!(
        message,
        ClientJsonRpcMessage::Notification(told)
            if matches!(told.notification, ClientNotification::CancelledNotification(_))
    )
}

/// The request with the credential that it is to be sent with: callers that share a connection may
/// hold different ones, where one of them has just renewed it.
pub(in super::super) fn keyed(mut request: ClientRequest, key: &Key) -> ClientRequest {
    request.extensions_mut().insert(key.clone());
    request
}

pub(super) fn key_of(message: &ClientJsonRpcMessage) -> Option<Key> {
    match message {
        ClientJsonRpcMessage::Request(request) => request.request.extensions().get().cloned(),
        _ => None,
    }
}

pub(super) fn id_of(message: &ClientJsonRpcMessage) -> Option<RequestId> {
    match message {
        ClientJsonRpcMessage::Request(request) => Some(request.id.clone()),
        _ => None,
    }
}

/// What rmcp takes for a server of the older era, to which it then says `initialize`.
pub(super) fn legacy(id: Option<RequestId>, why: String) -> StreamableHttpPostResponse {
    StreamableHttpPostResponse::Json(
        ServerJsonRpcMessage::error(ErrorData::invalid_request(why, None), id),
        None,
    )
}

/// A result that says nothing of versions: whoever gave it does not know the question.
pub(super) fn is_no_discovery(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|answer| {
        answer
            .get("result")
            .is_some_and(|result| result.get("supportedVersions").is_none())
    })
}

/// What a server said to a request of that kind. A call's result is read as one at once: to rmcp it may be
/// any of twenty results, which it tries one after another.
pub(super) fn read(kind: Kind, body: &[u8]) -> serde_json::Result<ServerJsonRpcMessage> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer {
        #[serde(rename = "jsonrpc")]
        _version: JsonRpcVersion2_0,
        id: RequestId,
        result: CallToolResult,
    }
    if kind == Kind::Call
        && let Ok(Answer { id, result, .. }) = serde_json::from_slice(body)
    {
        return Ok(ServerJsonRpcMessage::response(
            ServerResult::CallToolResult(result),
            id,
        ));
    }
    serde_json::from_slice(body)
}

pub(super) fn rpc_error(body: &[u8]) -> Option<ErrorData> {
    match serde_json::from_slice::<ServerJsonRpcMessage>(body) {
        Ok(ServerJsonRpcMessage::Error(error)) => Some(error.error),
        _ => None,
    }
}

/// In whatever form: JSON, text, or none.
pub(super) fn tells_of_session(body: &[u8]) -> bool {
    let told = String::from_utf8_lossy(body).to_ascii_lowercase();
    told.contains("session")
}

pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

pub(super) fn is(headers: &HeaderMap, mime: &str) -> bool {
    media_type(headers).is_some_and(|found| found.eq_ignore_ascii_case(mime))
}

pub(in super::super) type Events = BoxStream<'static, Result<Sse, SseError>>;

/// The events of a stream, the credential covered before rmcp, which may log them, sees any.
pub(super) fn events(bytes: BoxStream<'static, Result<bytes::Bytes, Error>>, key: Key) -> Events {
    SseStream::from_bytes_stream(bytes)
        .map(move |event| {
            event.map(|mut event| {
                event.data = event.data.map(|data| {
                    let covered = key.veil.json(data.into_bytes());
                    String::from_utf8_lossy(&covered).into_owned()
                });
                event
            })
        })
        .boxed()
}
