//! What a run cleans up behind itself and behind one that was cut short.
//!
//! Owns: the keyring's items that nothing needs, the log and the backups that a Disconnect or a new key of the
//! record leaves stale. Must not know: what a credential is for.

use super::{Vault, destroy::Step};
use crate::{
    ports::KeyringError,
    store::{
        Durability,
        keys::{self, KeyState},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;
use wire::{Error, Time};

/// How long until what could not be cleaned up is tried again.
#[cfg(not(test))]
const TIDY_AGAIN: Duration = Duration::from_secs(60);
#[cfg(test)]
const TIDY_AGAIN: Duration = Duration::from_millis(50);

/// How long until an owed backup is tried again: a copy of all the data for which there is no room fills the disk
/// each time.
const SETTLE_AGAIN: Duration = Duration::from_secs(3_600);
/// How long its first try is waited for.
#[cfg(not(test))]
const A_WHILE: Duration = Duration::from_secs(10);
#[cfg(test)]
const A_WHILE: Duration = Duration::from_secs(30);

/// How often emptying the log of commits is tried before that, and what lies between.
const EMPTYING: u32 = 20;
const EMPTY_AGAIN: Duration = Duration::from_millis(100);

impl Vault {
    /// Removes what interrupted runs left in the keyring. Never fails: what cannot be done now is tried
    /// again.
    pub(super) async fn tidy(&self) {
        let done = self.tidy_now().await;
        if let Err(error) = &done {
            tracing::warn!(%error, "not everything could be cleaned up; it is tried again");
        }
        let again = {
            let mut state = self.lock();
            std::mem::replace(&mut state.leftovers, done.is_err()) != done.is_err() && done.is_err()
        };
        if again {
            let weak = Arc::downgrade(&self.0);
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(TIDY_AGAIN).await;
                    let Some(inner) = weak.upgrade() else { return };
                    let vault = Self(inner);
                    let keys = vault.0.keys.lock().await;
                    let done = vault.tidy_now().await.is_ok();
                    drop(keys);
                    if done {
                        vault.lock().leftovers = false;
                        return;
                    }
                }
            });
        }
    }

    /// `keys` must be held.
    async fn tidy_now(&self) -> Result<(), Error> {
        if self.lock().anchor_is_behind {
            // What still authenticates its file must not go before.
            self.write_anchor().await?;
        }
        let facts = self.facts().await?;
        for row in facts.keys {
            match row.state {
                KeyState::Current | KeyState::Aside => continue,
                KeyState::New | KeyState::Old => {}
            }
            let item = row.item;
            let gone = self
                .0
                .asker
                .ask(move |keyring| {
                    keyring.delete(&item)?;
                    match keyring.read(&item)? {
                        None => Ok(()),
                        Some(_) => Err(KeyringError::Failed("it did not delete".into())),
                    }
                })
                .await;
            self.answered(gone)?;
            self.reached(Step::Deleted);
            let generation = row.generation;
            self.lock().keys.remove(&generation);
            self.0
                .store
                .write(Durability::Full, move |tx| keys::forget(tx, generation))
                .await?;
            self.reached(Step::Forgotten);
        }
        Ok(())
    }

    /// Empties the log and puts a fresh backup in the place of the older ones, where that is owed. With much data
    /// it takes minutes: nothing is held meanwhile, and nobody waits for longer than [`A_WHILE`], nor for what
    /// has failed.
    pub(super) async fn settle(&self) {
        let (weak, turn) = (Arc::downgrade(&self.0), self.0.settling.clone());
        let (trying, tried) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let _turn = turn.lock().await;
            let mut trying = Some(trying);
            loop {
                let Some(inner) = weak.upgrade() else { return };
                match Self(inner).settle_now().await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "a backup is owed; it is tried again"),
                }
                drop(trying.take());
                tokio::time::sleep(SETTLE_AGAIN).await;
            }
        });
        // Over once the sender is gone; what takes longer goes on by itself.
        let _ = tokio::time::timeout(A_WHILE, tried).await;
    }

    async fn settle_now(&self) -> Result<(), Error> {
        // Not in the middle of what owes one.
        let keys = self.0.keys.lock().await;
        let read = self.0.store.read(keys::vault);
        let owed = read.await?.map_or(0, |vault| vault.owes_backup);
        drop(keys);
        if owed == 0 {
            return Ok(());
        }
        // No copy is to have what calls of an integration said that is gone.
        crate::record::said::forget(&self.0.store).await?;
        self.empty_log().await?;
        self.reached(Step::Emptied);
        self.0.store.backup(now(), 1).await?;
        self.reached(Step::BackedUp);
        self.0
            .store
            .write(Durability::Full, move |tx| keys::backed_up(tx, owed))
            .await
    }

    /// While a reader holds an old snapshot (a check of the record, a backup) that cannot be done: it is tried
    /// some times, and the writer goes on between.
    async fn empty_log(&self) -> Result<(), Error> {
        for _ in 1..EMPTYING {
            if self.0.store.checkpoint().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(EMPTY_AGAIN).await;
        }
        self.0.store.checkpoint().await
    }
}

/// For the backup's name only.
fn now() -> Time {
    use crate::ports::Clock;
    crate::ports::SystemClock.now()
}
