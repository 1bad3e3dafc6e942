//! A call whose answer is all that is waited for, to a server that answers in one piece: sent and read
//! here, in rmcp's own types. rmcp hands a request from task to task until it leaves, and its answer back
//! the same way, which costs more than both. Everything else is rmcp's: the handshake, sessions, and servers
//! whose answers come as streams. (One whose answer is its first stream is read here to its end.)

mod going_on;

use super::{
    super::{Caller, call_late, sent::Key},
    CALL_PATIENCE, Mcp,
    asking::Us,
    connection::{Connection, LAST_WORDS, Trouble},
};
use futures::StreamExt as _;
use going_on::Place;
use http::{HeaderName, HeaderValue};
use rmcp::{
    RoleClient, Service as _,
    model::{
        CallToolRequest, CallToolRequestParams, CancelledNotificationParam, ClientJsonRpcMessage,
        ClientRequest, GetMeta as _, RequestId, ServerJsonRpcMessage, ServerNotification,
        ServerResult,
    },
    service::RequestContext,
    transport::streamable_http_client::StreamableHttpPostResponse,
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};
use wire::{Error, ErrorCode};

/// Tells our own calls apart from each other; rmcp's have numbers for names.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Connection {
    /// `None`: the call is rmcp's, and nothing has become of it here.
    pub(super) async fn call_plainly(
        &self,
        mcp: &Mcp,
        (params, key): (&CallToolRequestParams, &Key),
        caller: &Caller,
    ) -> Option<Result<ServerResult, Trouble>> {
        let is_plain = caller.hears().is_none()
            && params.input_responses.is_none()
            && params.request_state.is_none()
            && self.carrier.answers_whole();
        if !is_plain {
            return None;
        }
        let headers = self.headers(mcp, &params.name)?;
        let id = RequestId::String(format!("call-{}", NEXT.fetch_add(1, Ordering::Relaxed)).into());
        let mut request = ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
        if let Some(about) = &self.about {
            request.get_meta_mut().extend(about.clone());
        }
        let request = super::carrier::keyed(request, key);
        let message = ClientJsonRpcMessage::request(request, id.clone());
        let why = tokio::select! {
            answer = self.exchange(mcp, (message, &id, key), headers) => return answer,
            () = caller.hung_up.cancelled() => "no longer wanted",
            () = tokio::time::sleep(CALL_PATIENCE) => "no answer in time",
        };
        // The newer era is told by the end of the request.
        if self.protocol.has_initialize() {
            let cancelled = CancelledNotificationParam::new(Some(id), Some(why.to_owned()));
            let told = self.peer.notify_cancelled(cancelled);
            let _ = tokio::time::timeout(LAST_WORDS, told).await;
        }
        Some(Err(Trouble::Known(if caller.hung_up.is_cancelled() {
            mcp.cancelled()
        } else {
            call_late(&crate::http::host(&mcp.url), CALL_PATIENCE)
        })))
    }

    /// What a request says in its headers. `None`: something that only rmcp can say.
    fn headers(&self, mcp: &Mcp, tool: &str) -> Option<HashMap<HeaderName, HeaderValue>> {
        let mut headers = HashMap::new();
        let mut put = |name, value: &str| {
            let value = HeaderValue::from_str(value).ok()?;
            headers.insert(HeaderName::from_static(name), value);
            Some(())
        };
        put("mcp-protocol-version", self.protocol.as_str())?;
        if !self.protocol.has_initialize() {
            // Of another name a header holds a code, and some tools want arguments repeated in theirs.
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
            if mcp.repeats.load(Ordering::Relaxed) || !tool.bytes().all(is_token) {
                return None;
            }
            put("mcp-method", "tools/call")?;
            put("mcp-name", tool)?;
        }
        Some(headers)
    }

    async fn exchange(
        &self,
        mcp: &Mcp,
        (message, id, key): (ClientJsonRpcMessage, &RequestId, &Key),
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Option<Result<ServerResult, Trouble>> {
        let session = self.carrier.session();
        let sent = self.carrier.post(message, session.clone(), headers.clone());
        let mut events = match sent.await {
            Ok(StreamableHttpPostResponse::Json(message, _)) => {
                return Some(read(message, id).unwrap_or_else(|| Err(another_kind(mcp))));
            }
            Ok(StreamableHttpPostResponse::Sse(events, _)) => events,
            Ok(_) => return Some(Err(another_kind(mcp))),
            Err(_) => return Some(Err(self.lost(mcp, id))),
        };
        // It answers by a stream after all.
        let mut place = Place::new(self.protocol.as_str());
        loop {
            let ended = loop {
                let event = match events.next().await {
                    Some(Ok(event)) => event,
                    Some(Err(_)) => break false,
                    None => break true,
                };
                if let Some(data) = place.hear(event)
                    && let Some(answer) = self.hear(mcp, (&data, id), &headers).await
                {
                    // That it broke off meanwhile is over.
                    let _ = self.failure(id);
                    return Some(answer);
                }
            };
            let session = session.clone();
            match place.go_on(&self.carrier, (session, key), ended).await {
                Some(more) => events = more,
                None => return Some(Err(self.lost(mcp, id))),
            }
        }
    }

    /// One message of a stream. `Some`: it is the answer.
    async fn hear(
        &self,
        mcp: &Mcp,
        (data, id): (&str, &RequestId),
        headers: &HashMap<HeaderName, HeaderValue>,
    ) -> Option<Result<ServerResult, Trouble>> {
        match serde_json::from_str(data) {
            Ok(ServerJsonRpcMessage::Request(asked)) => {
                let us = Us::answering_nobody(mcp);
                let context =
                    RequestContext::<RoleClient>::new(asked.id.clone(), self.peer.clone());
                let reply = match us.handle_request(asked.request, context).await {
                    Ok(result) => ClientJsonRpcMessage::response(result, asked.id),
                    Err(error) => ClientJsonRpcMessage::error(error, Some(asked.id)),
                };
                let session = self.carrier.session();
                let _ = self.carrier.post(reply, session, headers.clone()).await;
                None
            }
            Ok(ServerJsonRpcMessage::Notification(told)) => {
                if let ServerNotification::ToolListChangedNotification(_) = told.notification {
                    mcp.tools_changed.notify_one();
                }
                None
            }
            Ok(message) => read(message, id),
            // No message: it keeps the stream awake.
            Err(_) => None,
        }
    }

    fn lost(&self, mcp: &Mcp, id: &RequestId) -> Trouble {
        self.failure(id).unwrap_or_else(|| {
            let error = Error::new(ErrorCode::Unreachable);
            let error = error.with("host", crate::http::host(&mcp.url));
            Trouble::Known(error.with("why", "the connection broke off"))
        })
    }
}

/// The answer to this request, where the message is one.
fn read(message: ServerJsonRpcMessage, id: &RequestId) -> Option<Result<ServerResult, Trouble>> {
    match message {
        ServerJsonRpcMessage::Response(answer) if answer.id == *id => Some(Ok(answer.result)),
        ServerJsonRpcMessage::Error(said) if said.id.as_ref().is_none_or(|of| of == id) => {
            Some(Err(Trouble::Said(said.error)))
        }
        _ => None,
    }
}

fn another_kind(mcp: &Mcp) -> Trouble {
    Trouble::Known(mcp.bad("its answer is of another kind than asked"))
}

#[cfg(test)]
mod tests;
