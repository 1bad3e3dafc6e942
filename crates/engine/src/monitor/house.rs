//! What is done once a day: what is old goes, and a backup is taken.
//!
//! Owns: when. Must not know: how rows are removed (`record`), how a backup is made (`store::backup`).

use super::DAY_MS;
use crate::{
    Engine,
    store::{self, Durability, backup},
};
use wire::{Error, Time};

/// Pings are kept as long.
const PINGS_KEPT_MS: i64 = 30 * DAY_MS;
/// Until what failed is tried again: a copy of all the data for which there is no room fills the disk each time.
const AGAIN_MS: i64 = DAY_MS / 24;

/// Whether the house is to be kept: not within a day of the newest backup, nor of when this run did it last,
/// which alone counts where the clock was set back behind both.
fn is_due(newest: Option<Time>, kept: Option<Time>, now: Time) -> bool {
    ![newest, kept]
        .into_iter()
        .flatten()
        .any(|at| (0..DAY_MS).contains(&now.since(at)))
}

/// Once a day: pings older than thirty days go, and a verified backup is taken. `kept`: when this run did it.
/// What fails is tried again an hour after.
pub(super) async fn keep(engine: &Engine, kept: &mut Option<Time>) -> Result<(), Error> {
    let now = engine.now();
    let newest = backup::all(engine.store().folder())
        .into_iter()
        .map(|(at, _)| at)
        .max();
    if !is_due(newest, *kept, now) {
        return Ok(());
    }
    *kept = Some(now.plus(AGAIN_MS - DAY_MS));
    let before = now.plus(-PINGS_KEPT_MS);
    engine
        .store()
        .write(Durability::Normal, move |tx| {
            store::pings::purge(tx, before)
        })
        .await?;
    crate::record::retire(engine, now).await?;
    engine.store().backup(now, backup::KEPT).await?;
    *kept = Some(now);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_kept_once_a_day_also_after_the_clock_was_set_back() {
        let now = Time(100 * DAY_MS);
        let (hour, day) = (DAY_MS / 24, DAY_MS);
        assert!(is_due(None, None, now));
        assert!(!is_due(Some(now.plus(-hour)), None, now));
        assert!(is_due(Some(now.plus(-day)), None, now));
        // The newest backup is of a day that is yet to come.
        let to_come = Some(now.plus(30 * day));
        assert!(is_due(to_come, None, now));
        assert!(!is_due(to_come, Some(now), now));
        assert!(!is_due(to_come, Some(now), now.plus(day - 1)));
        assert!(is_due(to_come, Some(now), now.plus(day)));
        assert!(is_due(to_come, to_come, now), "and set back once more");
    }
}
