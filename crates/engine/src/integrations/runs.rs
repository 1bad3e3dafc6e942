//! What was kept for one run of the app only, once that run has ended.
//!
//! Owns: that its card says so. Must not know: how credentials are kept (`vault`).

use super::{apply, status::Signal};
use crate::{
    Engine,
    store::{self, Durability, Tx},
};
use wire::Error;

/// What was kept for an earlier run only says so from the start of this one, before anybody asks.
pub(crate) async fn note_ended_run(engine: &Engine) -> Result<(), Error> {
    let (now, store) = (engine.now(), engine.store());
    let ended = store.read(store::credentials::of_one_run).await?;
    if ended.is_empty() {
        return Ok(());
    }
    let tell = move |tx: &mut Tx<'_>| {
        tx.undoable()?;
        for id in ended {
            // Nothing can be asked of the network for it.
            let _ = apply(tx, id, &Signal::RunEnded, now)?;
        }
        Ok(())
    };
    // The app starts also where there is no room to file what lies in the intake.
    store.append(Durability::Full, tell).await
}
