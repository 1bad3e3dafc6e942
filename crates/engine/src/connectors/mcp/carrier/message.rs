//! What a message is, as far as its HTTP must know.

use super::super::super::sent::Key;
use ::http::{HeaderMap, header};
use rmcp::{
    model::{
        ClientJsonRpcMessage, ClientRequest, ErrorData, GetExtensions as _, RequestId,
        ServerJsonRpcMessage,
    },
    transport::streamable_http_client::StreamableHttpPostResponse,
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Discover,
    Initialize,
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
                _ => Self::Other,
            },
            _ => Self::Notice,
        }
    }
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

pub(super) fn rpc_error(body: &[u8]) -> Option<ErrorData> {
    match serde_json::from_slice::<ServerJsonRpcMessage>(body) {
        Ok(ServerJsonRpcMessage::Error(error)) => Some(error.error),
        _ => None,
    }
}

pub(super) fn tells_of_session(error: &ErrorData) -> bool {
    error.message.to_ascii_lowercase().contains("session")
}

pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}
