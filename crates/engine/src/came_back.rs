//! Data that came back from a backup: agents and crons wait until an admin has looked at it. An agent that was
//! removed since is there again, and a denial that was made since is not.
//!
//! Owns: whether they wait. Must not know: how data comes back (`store/open.rs`).

use crate::{
    Engine, crons, integrations,
    store::{self, CameBack, Durability},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::{DataTrouble, Error, Topic};

/// What is waited for, if anything.
#[derive(Default)]
pub(crate) struct Waits(Mutex<Option<CameBack>>);

impl Waits {
    /// Agents are turned away, and no cron begins a run.
    pub fn are_on(&self) -> bool {
        self.lock().is_some()
    }

    pub fn told(&self) -> Option<DataTrouble> {
        let CameBack { taken, damaged } = self.lock().clone()?;
        Some(DataTrouble::CameBack { taken, damaged })
    }

    fn lock(&self) -> MutexGuard<'_, Option<CameBack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At the start of a run, before anybody calls.
pub(crate) async fn begin(engine: &Engine) -> Result<(), Error> {
    *engine.waits().lock() = engine.store().read(store::came_back).await?;
    Ok(())
}

/// An admin has looked: agents and crons go on. Schedules begin anew, since what ran after the backup was taken
/// is not known.
pub(crate) async fn go_on(engine: &Engine) -> Result<(), Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            if store::came_back(tx)?.is_none() {
                return Ok(());
            }
            crons::begin_anew(tx, now)?;
            store::forget_came_back(tx)?;
            let what = "agents and crons go on with the data that came back from a backup";
            integrations::note(tx, now, None, what, &because)
        })
        .await?;
    *engine.waits().lock() = None;
    // The commit was told before that.
    engine.store().announce([Topic::App]);
    engine.crons().wake();
    Ok(())
}

#[cfg(test)]
mod tests;
