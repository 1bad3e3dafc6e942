//! News for agents that listen: their tools have become others. By `subscriptions/listen` in the newer era; in
//! the older one unasked at the user's own door, and over HTTP on the stream that a GET opens.
//!
//! Owns: when an agent is told. Must not know: what another list is (the engine does).

use crate::{Inside, seat::Asker};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use engine::agents::Watch;
use futures::stream;
use std::{convert::Infallible, time::Duration};
use tokio_util::sync::CancellationToken;
use wire::Error;

/// How often an idle stream says that it is there: a client that has gone is noticed by it.
const ALIVE_EACH: Duration = Duration::from_secs(20);
const ALIVE: &str = ": still here\n\n";
const CHANGED: &str = "event: message\n\
    data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";

/// A watch of what this agent is listed.
pub(crate) async fn watch(inside: &Inside, asker: &Asker) -> Result<Watch, Error> {
    Watch::begin(&inside.engine, &asker.agent, asker.only.as_deref()).await
}

/// The stream of an agent of the older era, until it goes, its token is refused, or the gateway closes.
pub(crate) async fn stream(inside: &Inside, asker: Asker, close: CancellationToken) -> Response {
    let watch = match watch(inside, &asker).await {
        Ok(watch) => watch,
        Err(error) => {
            tracing::error!(%error, "an agent's tools could not be looked up");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    // Its turn is held as long as the stream.
    let lines = stream::unfold((watch, asker, close, true), async |state| {
        let (mut watch, asker, close, first) = state;
        if first {
            return Some((line(ALIVE), (watch, asker, close, false)));
        }
        let said = tokio::select! {
            () = close.cancelled() => return None,
            told = tokio::time::timeout(ALIVE_EACH, watch.changed()) => match told {
                Ok(true) => CHANGED,
                Ok(false) => return None,
                Err(_) => ALIVE,
            },
        };
        Some((line(said), (watch, asker, close, false)))
    });
    let mut answer = Body::from_stream(lines).into_response();
    let headers = answer.headers_mut();
    let event_stream = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, event_stream);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn line(text: &'static str) -> Result<&'static str, Infallible> {
    Ok(text)
}
