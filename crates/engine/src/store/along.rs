//! What goes along with the next commit, whoever asks for that: writes that nobody waits for, and news of
//! calls, which is told many at a time.

use super::writer::Run;
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use wire::Topic;

/// Shared by the writer's thread and whoever leaves something here.
#[derive(Default)]
pub(super) struct Along(Mutex<Waiting>);

#[derive(Default)]
pub(super) struct Waiting {
    pub writes: Vec<Run>,
    pub topics: BTreeSet<Topic>,
    /// The thread looks here before it sleeps for long.
    looks: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.topics.is_empty()
    }
}

impl Along {
    /// Leaves something here. True: the thread may sleep, and must be told.
    #[must_use]
    pub fn leave(&self, leave: impl FnOnce(&mut Waiting)) -> bool {
        let mut waiting = self.lock();
        leave(&mut waiting);
        !std::mem::replace(&mut waiting.looks, true)
    }

    /// Whether a write waits here.
    pub fn has_writes(&self) -> bool {
        !self.lock().writes.is_empty()
    }

    /// Takes what waits, for the thread, which looks again soon where it found something or `goes_on`.
    pub fn take(&self, goes_on: bool) -> Waiting {
        let mut waiting = self.lock();
        let looks = goes_on || !waiting.is_empty();
        std::mem::replace(
            &mut waiting,
            Waiting {
                looks,
                ..Waiting::default()
            },
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
