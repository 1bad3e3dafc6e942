//! What goes along with the next commit, whoever asks for that: writes that nobody waits for, and news of
//! calls, which is told many at a time.

use super::{Durability, Store, Tx, writer::Run};
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

    /// Waits until nothing waits for a commit any more ([`Store::append_along`]).
    pub(super) async fn caught_up(&self) {
        if self.0.writer.has_along() {
            let nothing = |tx: &mut Tx<'_>| {
                tx.only_records();
                Ok(())
            };
            // Where it fails, whoever is told of it writes it later.
            let _ = self.send(Durability::Normal, nothing).await;
        }
    }

    /// As [`Store::announce`], some moments later, with other news of calls.
    pub(crate) fn announce_soon(&self, topic: Topic) {
        self.0.writer.tell_soon(topic);
    }
}
