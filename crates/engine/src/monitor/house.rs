//! What is done once a day: what is old goes, and a backup is taken.
//!
//! Owns: when. Must not know: how rows are removed (`record`), how a backup is made (`store::backup`).

use super::{DAY_MS, TICK_MS};
use crate::{
    Engine,
    store::{self, Durability, backup},
};
use wire::{Error, Time};

/// Pings are kept as long.
const PINGS_KEPT_MS: i64 = 30 * DAY_MS;
/// Until what failed is tried again: a copy of all the data for which there is no room fills the disk each time.
const AGAIN_MS: i64 = DAY_MS / 24;

/// Until the engine stops, beside the pings: to remove many rows, or to copy much data, takes minutes.
pub(super) fn run(engine: &Engine) {
    let engine = engine.clone();
    tokio::spawn(async move {
        let (stopping, clock) = (engine.stopping(), engine.clock());
        let (mut kept, mut next) = (None, engine.now().plus(TICK_MS));
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                () = clock.sleep_until(next) => {}
            }
            next = engine.now().plus(TICK_MS);
            if let Err(error) = keep(&engine, &mut kept).await {
                tracing::warn!(error = %error, "housekeeping failed");
            }
        }
    });
}

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
async fn keep(engine: &Engine, kept: &mut Option<Time>) -> Result<(), Error> {
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
    use crate::{integrations::After, notices::tests::Home};
    use std::time::Duration;

    #[tokio::test]
    async fn the_monitor_looks_while_the_house_is_kept() -> anyhow::Result<()> {
        let home = Home::new().await?;
        let id = home.add(1, "127.0.0.1").await?;
        let settings = wire::RecordSettings {
            keep_days: Some(7),
            ..wire::RecordSettings::default()
        };
        crate::record::settings::save(&home.engine, settings).await?;
        // As a removal of many rows, or a check of all of them, does.
        let still = home.engine.vault().still().await;
        home.clock.advance(DAY_MS);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let network = home.engine.network();
        network.ask(
            id,
            After {
                ping_within_ms: Some(0),
                ..After::default()
            },
        );
        let looked = async {
            while !network.asked().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), looked).await?;
        let none = backup::all(home.engine.store().folder()).is_empty();
        assert!(none, "the house is being kept all the while");
        drop(still);
        Ok(())
    }

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
