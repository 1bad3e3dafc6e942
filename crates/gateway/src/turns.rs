//! How much one agent may ask at a time, by whichever door.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::AgentId;

/// Requests of one agent at a time; more are told to come later.
pub(crate) const AT_ONCE: usize = 64;

/// Clones share the turns.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<AgentId, Arc<Semaphore>>>>);

/// One request's turn, until the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Turn {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Turns {
    /// `None`: it has as many under way as it may have.
    pub fn take(&self, agent: AgentId) -> Option<Turn> {
        let of = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(agent)
            .or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)))
            .clone();
        let permit = of.try_acquire_owned().ok()?;
        Some(Turn {
            _permit: Arc::new(permit),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_has_its_own_turns_and_gets_them_back() {
        let agent = |n: u128| AgentId(uuid::Uuid::from_u128(n));
        let turns = Turns::default();
        let held: Vec<_> = (0..AT_ONCE).filter_map(|_| turns.take(agent(1))).collect();
        assert_eq!(held.len(), AT_ONCE);
        assert!(turns.take(agent(1)).is_none(), "one too many");
        assert!(
            turns.take(agent(2)).is_some(),
            "another agent's are its own"
        );
        drop(held);
        assert!(turns.take(agent(1)).is_some(), "they came back");
    }
}
