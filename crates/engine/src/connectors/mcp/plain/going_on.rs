//! A stream that breaks off before the answer, gone on with as rmcp does it: asked for from after its last
//! event on, where it named one. The call itself is never sent again.

use super::super::{
    super::sent::Key,
    carrier::{Carrier, Events, Failed},
    connection::Resume,
};
use http::{HeaderName, HeaderValue};
use rmcp::transport::common::client_side_sse::SseRetryPolicy as _;
use sse_stream::Sse;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// The longest pause before a server is asked that broke off again with nothing new.
const LONGEST: Duration = Duration::from_secs(5);

/// How far a stream was read.
pub(super) struct Place {
    headers: HashMap<HeaderName, HeaderValue>,
    last: Option<String>,
    /// How long the server wants to be left alone before it is asked.
    wait: Option<Duration>,
    /// Times in a row that it broke off with nothing new.
    broke: usize,
}

impl Place {
    /// The beginning of a stream, of this version of the protocol.
    pub fn new(version: &str) -> Self {
        let version = HeaderValue::from_str(version).ok();
        let version = version.map(|it| (HeaderName::from_static("mcp-protocol-version"), it));
        Self {
            headers: version.into_iter().collect(),
            last: None,
            wait: None,
            broke: 0,
        }
    }

    /// What an event says, where it may be a message.
    pub fn hear(&mut self, event: Sse) -> Option<String> {
        if let Some(wait) = event.retry {
            self.wait = Some(Duration::from_millis(wait));
        }
        if event.id.is_some() && event.id != self.last {
            self.broke = 0;
            self.last = event.id;
        }
        let is_message = matches!(event.event.as_deref(), None | Some("" | "message"));
        event.data.filter(|_| is_message)
    }

    /// The rest. `ended`: as a stream should, so that the server is left alone for a moment first. `None`:
    /// it named no event, or will not go on.
    pub async fn go_on(
        &mut self,
        carrier: &Carrier,
        (session, key): (Option<Arc<str>>, &Key),
        ended: bool,
    ) -> Option<Events> {
        let last = self.last.clone()?;
        if ended {
            tokio::time::sleep(self.wait.take().or_else(|| Resume.retry(0))?).await;
        } else {
            // At once the first time; not as fast as it breaks, then.
            if let Some(times) = self.broke.checked_sub(1) {
                tokio::time::sleep(Resume.retry(times).unwrap_or(LONGEST)).await;
            }
            self.broke += 1;
        }
        let mut times = 0;
        loop {
            let from = (session.clone(), Some(last.clone()));
            match carrier.stream(key, from, self.headers.clone()).await {
                Ok(events) => return Some(events),
                Err(Failed::Client(_)) => {}
                Err(_) => return None,
            }
            times += 1;
            let pause = Resume.retry(times)?;
            tokio::time::sleep(self.wait.map_or(pause, |wait| wait.max(pause))).await;
        }
    }
}

#[cfg(test)]
mod tests;
