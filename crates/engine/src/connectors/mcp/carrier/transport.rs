//! What rmcp asks of whoever carries its messages.

use super::{Carrier, Events, Failed, Key, Kind, calls_off, events, lock, media_type};
use ::http::{HeaderMap, HeaderName, HeaderValue};
use rmcp::{
    model::ClientJsonRpcMessage,
    transport::streamable_http_client::{StreamableHttpClient, StreamableHttpPostResponse},
};
use std::{collections::HashMap, sync::Arc};
use wire::Error;

impl StreamableHttpClient for Carrier {
    type Error = Error;

    async fn post_message(
        &self,
        _uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        if matches!(Kind::of(&message), Kind::Call | Kind::Other | Kind::Notice) {
            lock(&self.shared.session).clone_from(&session_id);
        }
        if calls_off(&message) {
            let carrier = self.clone();
            self.shared.notices.send(async move {
                let _ = carrier.post(message, session_id, custom_headers).await;
            });
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        self.post(message, session_id, custom_headers).await
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failed> {
        let headers = custom_headers.into_iter().collect();
        // Whatever it answers: a server may refuse to end sessions, and this one is forgotten.
        let _ = self
            .request(
                &self.key(),
                reqwest::Method::DELETE,
                headers,
                Some(&session_id),
                Vec::new(),
            )
            .await;
        Ok(())
    }

    /// To resume an answer that broke off. The standing stream for a server's own messages is opened
    /// for a call that answers questions only: else nothing here waits for one, and it would hold a
    /// socket for each integration.
    async fn get_stream(
        &self,
        _uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Events, Failed> {
        if last_event_id.is_none() && !self.shared.listening.wanted() {
            return Err(Failed::ServerDoesNotSupportSse);
        }
        let from = (session_id, last_event_id);
        self.stream(&self.key(), from, custom_headers).await
    }
}

impl Carrier {
    /// A stream of this session, from after the event with that id on.
    pub(in super::super) async fn stream(
        &self,
        key: &Key,
        (session, last): (Option<Arc<str>>, Option<String>),
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Events, Failed> {
        let mut headers: HeaderMap = headers.into_iter().collect();
        if lock(&self.shared.noted).cut {
            return Err(Failed::ServerDoesNotSupportSse);
        }
        if let Some(last) = last {
            let last = HeaderValue::from_str(&last).map_err(|_| Failed::ServerDoesNotSupportSse)?;
            headers.insert("last-event-id", last);
        }
        let asked = self.request(
            key,
            reqwest::Method::GET,
            headers,
            session.as_deref(),
            Vec::new(),
        );
        let answer = asked.await;
        // Open or refused: no request has to wait for it any longer.
        self.shared.listening.settled();
        let answer = answer.map_err(Failed::Client)?;
        if !answer.status().is_success()
            || media_type(answer.headers()) != Some("text/event-stream")
        {
            return Err(Failed::ServerDoesNotSupportSse);
        }
        Ok(events(
            self.bounded(answer.bytes_stream(), None),
            key.clone(),
        ))
    }
}
