//! What goes along with the next commit, whoever asks for that: writes that nobody waits for, and news of
//! calls, which is told many at a time.

use super::{Store, Tx, job::Write};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use wire::{Error, Topic};

/// Shared by the writer's thread and whoever leaves something here.
#[derive(Default)]
pub(super) struct Along(Mutex<Waiting>);

#[derive(Default)]
pub(super) struct Waiting {
    pub writes: Vec<Write>,
    pub topics: BTreeSet<Topic>,
    /// The thread looks here before it sleeps for long.
    looks: bool,
    /// What it took is not committed yet.
    in_hand: bool,
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

    /// Whether a write waits here, or is being committed.
    pub fn has_writes(&self) -> bool {
        let waiting = self.lock();
        waiting.in_hand || !waiting.writes.is_empty()
    }

    /// Takes what waits, for the thread, which looks again soon where it found something or `goes_on`. It says
    /// when the writes are [`Along::done`].
    pub fn take(&self, goes_on: bool) -> Waiting {
        let mut waiting = self.lock();
        let looks = goes_on || !waiting.is_empty();
        let in_hand = !waiting.writes.is_empty();
        std::mem::replace(
            &mut waiting,
            Waiting {
                looks,
                in_hand,
                ..Waiting::default()
            },
        )
    }

    /// What was taken is committed.
    pub fn done(&self) {
        self.lock().in_hand = false;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// As [`Store::append`], for what nobody waits for: it goes along with the next commit, or has one of its
    /// own some milliseconds after. Whoever reads ([`Store::read`]), and each write that is asked for later, finds it
    /// done. `then` is told how it went, in the writer's thread.
    pub(crate) fn append_along<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        then: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        self.0.writer.go_along(job, then);
    }

    /// As [`Store::announce`], some moments later, with other news of calls.
    pub(crate) fn announce_soon(&self, topic: Topic) {
        self.0.writer.tell_soon(topic);
    }
}
