//! Who asks, by either door.

use crate::{Inside, turns::Turn};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use engine::{
    agents::{
        self,
        knocks::{self, Knock},
    },
    secret::Secret,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use wire::{AgentView, Error, ErrorCode};

/// What a request brings to the server: who asks, and for which integrations.
#[derive(Clone)]
pub(crate) struct Asker {
    pub agent: AgentView,
    /// One integration alone, by its slug, its tools without prefix.
    pub only: Option<String>,
    /// The name of its session: the connection at the user's own door; over HTTP the one that an agent of
    /// the older era was given.
    pub session: Option<Arc<str>>,
    /// Held until it is answered.
    pub _turn: Turn,
}

/// One program at the user's own door: what it said when it came in.
pub(crate) struct Seat {
    pub token: Secret,
    pub only: Option<String>,
    /// The task and thread that it named, as HTTP would carry them.
    pub headers: HeaderMap,
    /// Cancelled once it has gone.
    pub gone: CancellationToken,
    session: Arc<str>,
}

impl Seat {
    /// A thread or task that no header can carry is none.
    pub fn new(
        token: Secret,
        only: Option<String>,
        task: [Option<String>; 2],
        gone: CancellationToken,
    ) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in ["chief-thread", "chief-task"].into_iter().zip(task) {
            if let Some(value) =
                value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok())
            {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        Self {
            token,
            only,
            headers,
            gone,
            session: Secret::fresh("").reveal().into(),
        }
    }

    /// The agent, while its token holds and it has a turn.
    ///
    /// # Errors
    /// `AgentUnknown`, `AgentsWait`, `AgentBusy`, `StoreFailed`.
    pub async fn asker(&self, inside: &Inside) -> Result<Asker, Error> {
        let agent = agents::authenticate(&inside.engine, Some(self.token.reveal()))
            .await?
            .ok_or_else(|| Error::new(ErrorCode::AgentUnknown))?;
        let Some(turn) = inside.turns.take(agent.id) else {
            knocks::turned_away(&inside.engine, Some(&agent), Knock::TooManyAtOnce).await;
            return Err(Error::new(ErrorCode::AgentBusy).with("agent", agent.name.clone()));
        };
        Ok(Asker {
            agent,
            only: self.only.clone(),
            session: Some(self.session.clone()),
            _turn: turn,
        })
    }
}
