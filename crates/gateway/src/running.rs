//! Calls of agents of the older era over HTTP, which say by another request that they no longer want an
//! answer. (In the newer era they close the stream, and through the user's own door rmcp sees to it.)
//!
//! Nothing is kept of a session but its name, which the agent repeats: it tells the calls of two
//! programs apart that share one token.

use rmcp::model::RequestId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;
use wire::AgentId;

/// Whose call: the agent's, in the session that it names, under its own number.
pub(crate) type Whose = (AgentId, Option<Arc<str>>, RequestId);

/// Clones share what is running.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashMap<Whose, CancellationToken>>>);

/// One call in the list, until it is dropped.
pub(crate) struct Listed {
    running: Running,
    whose: Whose,
}

impl Running {
    pub fn add(&self, whose: Whose, hung_up: CancellationToken) -> Listed {
        self.list().insert(whose.clone(), hung_up);
        Listed {
            running: self.clone(),
            whose,
        }
    }

    /// Ends it, where it runs and is this agent's in this session.
    pub fn cancel(&self, whose: &Whose) {
        if let Some(hung_up) = self.list().remove(whose) {
            hung_up.cancel();
        }
    }

    fn list(&self) -> MutexGuard<'_, HashMap<Whose, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.running.list().remove(&self.whose);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agent_and_the_session_that_called_can_cancel() {
        let agent = |n: u128| AgentId(uuid::Uuid::from_u128(n));
        let whose = |n, session: &str| (agent(n), Some(session.into()), RequestId::Number(7));
        let running = Running::default();
        let hung_up = CancellationToken::new();
        let listed = running.add(whose(1, "a"), hung_up.clone());
        running.cancel(&whose(2, "a"));
        running.cancel(&whose(1, "b"));
        assert!(!hung_up.is_cancelled(), "another's");
        running.cancel(&whose(1, "a"));
        assert!(hung_up.is_cancelled());
        drop(listed);
        assert!(running.list().is_empty());
    }
}
