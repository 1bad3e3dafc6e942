//! What is done once a day: agents' tokens that end soon are told of, what is old goes, and a backup is taken.
//!
//! Owns: when. Must not know: how rows are removed (`record`), how a backup is made (`store::backup`).

use super::{DAY_MS, TICK_MS};
use crate::{
    Engine,
    store::{self, Durability, backup},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::{DataTrouble, Error, Time, Topic};

/// Pings are kept as long.
const PINGS_KEPT_MS: i64 = 30 * DAY_MS;
/// Until what failed is tried again: a copy of all the data for which there is no room fills the disk each time.
const AGAIN_MS: i64 = DAY_MS / 24;
/// A clock that is further ahead of the last time may be wrong: nothing goes before it has stood for a day.
const LEAP_MS: i64 = 7 * DAY_MS;
/// An admin is told that there is no backup once the newest is as old.
const OVERDUE_MS: i64 = 2 * DAY_MS;

/// Until the engine stops, beside the pings: to remove many rows, or to copy much data, takes minutes.
pub(super) fn run(engine: &Engine) {
    let engine = engine.clone();
    tokio::spawn(async move {
        let (stopping, clock) = (engine.stopping(), engine.clock());
        let (mut kept, mut next) = (Kept::default(), engine.now().plus(TICK_MS));
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

/// Why the last backup could not be made, once the one before is older than it should be.
#[derive(Default)]
pub(crate) struct House(Mutex<Option<DataTrouble>>);

impl House {
    fn trouble(&self) -> MutexGuard<'_, Option<DataTrouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with the data on disk, as far as is known.
pub(crate) fn trouble(engine: &Engine) -> Option<DataTrouble> {
    if engine.store().is_damaged() {
        let backup = newest(engine);
        return Some(DataTrouble::Damaged { backup });
    }
    let waits = engine.waits().told();
    waits.or_else(|| engine.house().trouble().clone())
}

fn newest(engine: &Engine) -> Option<Time> {
    let all = backup::all(engine.store().folder());
    all.into_iter().map(|(at, _)| at).max()
}

/// What a run knows of the times before.
#[derive(Clone, Copy, Default)]
struct Kept {
    /// When the house was kept.
    at: Option<Time>,
    /// Since when the clock may be wrong: it was far ahead of the last time, and has not stood for a day since.
    doubted: Option<Time>,
}

/// Whether the house is to be kept: not within a day of when this run did it last; for the first time, of the
/// newest backup.
fn is_due(newest: Option<Time>, kept: Option<Time>, now: Time) -> bool {
    !is_within(DAY_MS, kept.or(newest), now)
}

/// Whether the house was last kept so long ago, by what the clock says now, that the clock may be wrong.
fn is_leap(newest: Option<Time>, kept: Option<Time>, now: Time) -> bool {
    kept.or(newest).is_some_and(|at| now.since(at) > LEAP_MS)
}

/// Since when the clock may be wrong, as of now: since a leap of less than a day ago.
fn doubted_since(newest: Option<Time>, kept: Kept, now: Time) -> Option<Time> {
    match is_leap(newest, kept.at, now) {
        true => Some(now),
        false => kept
            .doubted
            .filter(|_| is_within(DAY_MS, kept.doubted, now)),
    }
}

/// False also where the clock was set back behind it.
fn is_within(ms: i64, at: Option<Time>, now: Time) -> bool {
    at.is_some_and(|at| (0..ms).contains(&now.since(at)))
}

/// Once a day: agents' tokens are looked at, what is old goes, and a verified backup is taken, each also where
/// another failed. What fails is tried again an hour after.
async fn keep(engine: &Engine, kept: &mut Kept) -> Result<(), Error> {
    let now = engine.now();
    let newest = newest(engine);
    if !is_due(newest, kept.at, now) {
        return Ok(());
    }
    kept.doubted = doubted_since(newest, *kept, now);
    kept.at = Some(now.plus(AGAIN_MS - DAY_MS));
    let told = crate::agents::ends::look(engine, now).await;
    let removed = match kept.doubted {
        Some(_) => Ok(()),
        None => remove(engine, now).await,
    };
    let backed_up = match is_within(DAY_MS, newest, now) {
        true => Ok(()),
        false => back_up(engine, newest, now).await,
    };
    told.and(removed).and(backed_up)?;
    kept.at = Some(now);
    Ok(())
}

/// What is old goes: pings, and what the record keeps no longer, each also where the other failed.
async fn remove(engine: &Engine, now: Time) -> Result<(), Error> {
    let purged = purge_pings(engine, now.plus(-PINGS_KEPT_MS)).await;
    purged.and(crate::record::retire(engine, now).await)
}

async fn purge_pings(engine: &Engine, before: Time) -> Result<(), Error> {
    let store = engine.store();
    while store
        .write(Durability::Normal, move |tx| {
            store::pings::purge(tx, before)
        })
        .await?
        > 0
    {}
    Ok(())
}

async fn back_up(engine: &Engine, newest: Option<Time>, now: Time) -> Result<(), Error> {
    if engine.store().is_damaged() {
        // The copy would be, too.
        return Ok(());
    }
    let done = engine.store().backup(now, backup::KEPT).await;
    let trouble = match &done {
        Err(error) if !is_within(OVERDUE_MS, newest, now) => Some(DataTrouble::NoBackup {
            since: newest,
            error: error.clone(),
        }),
        Ok(_) | Err(_) => None,
    };
    *engine.house().trouble() = trouble;
    engine.store().announce([Topic::App]);
    done.map(drop)
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

    async fn seen(home: &Home, is: impl Fn(Option<DataTrouble>) -> bool) -> anyhow::Result<()> {
        let began = std::time::Instant::now();
        loop {
            let data = crate::settings::app(&home.engine).await?.data;
            if is(data.clone()) {
                return Ok(());
            }
            anyhow::ensure!(
                began.elapsed() < Duration::from_secs(20),
                "it says {data:?}"
            );
            home.clock.advance(TICK_MS);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn that_no_backup_can_be_made_is_told_until_one_is() -> anyhow::Result<()> {
        let home = Home::new().await?;
        let backups = home.engine.store().folder().join("backups");
        std::fs::write(&backups, "a file")?;
        let is_told = |data| matches!(data, Some(DataTrouble::NoBackup { since: None, .. }));
        seen(&home, is_told).await?;
        std::fs::remove_file(&backups)?;
        home.clock.advance(2 * AGAIN_MS);
        seen(&home, |data| data.is_none()).await?;
        assert_eq!(backup::all(home.engine.store().folder()).len(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_backup_is_taken_also_where_nothing_can_be_removed() -> anyhow::Result<()> {
        let home = Home::new().await?;
        home.engine.vault().ready().await?;
        let settings = wire::RecordSettings {
            keep_days: Some(7),
            ..wire::RecordSettings::default()
        };
        crate::record::settings::save(&home.engine, settings).await?;
        let folder = home.engine.store().folder().to_owned();
        std::fs::remove_file(folder.join("chief.anchor"))?;
        std::fs::create_dir_all(folder.join("chief.anchor").join("in the way"))?;
        home.engine.note("old", &wire::Because::Health).await?;
        home.clock.advance(9 * DAY_MS);
        let retired = crate::record::retire(&home.engine, home.engine.now()).await;
        assert!(retired.is_err(), "the anchor cannot be written");
        let taken = async {
            while backup::all(&folder).is_empty() {
                home.clock.advance(TICK_MS);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), taken).await?;
        Ok(())
    }

    /// A record that is kept for 90 days, with a row of now.
    async fn noted() -> anyhow::Result<Home> {
        let home = Home::new().await?;
        home.engine.vault().ready().await?;
        let settings = wire::RecordSettings {
            keep_days: Some(90),
            ..wire::RecordSettings::default()
        };
        crate::record::settings::save(&home.engine, settings).await?;
        home.engine
            .note("of the right time", &wire::Because::Health)
            .await?;
        Ok(home)
    }

    #[tokio::test]
    async fn a_clock_that_is_a_year_ahead_removes_nothing_until_it_has_stood_for_a_day()
    -> anyhow::Result<()> {
        let home = noted().await?;
        let (engine, began) = (&home.engine, home.engine.now());
        let oldest = async || engine.store().read(store::calls::oldest).await;
        let mut kept = Kept::default();
        keep(engine, &mut kept).await?;
        assert!(is_within(DAY_MS, newest(engine), began), "a backup");

        // In a run that begins with it, and in one that has kept the house before.
        for mut kept in [Kept::default(), kept] {
            home.clock.advance(400 * DAY_MS);
            keep(engine, &mut kept).await?;
            assert_eq!(oldest().await?, Some(began));
            // Nor once it is right again.
            home.clock.advance(-400 * DAY_MS);
            keep(engine, &mut kept).await?;
            assert_eq!(oldest().await?, Some(began));
        }
        home.clock.advance(400 * DAY_MS);
        keep(engine, &mut kept).await?;
        home.clock.advance(DAY_MS);
        keep(engine, &mut kept).await?;
        let left = oldest().await?;
        assert_ne!(left, Some(began), "a day later it is taken for right");
        Ok(())
    }

    #[tokio::test]
    async fn a_clock_that_is_a_year_ahead_removes_nothing_for_a_day_also_where_a_backup_fails()
    -> anyhow::Result<()> {
        let home = noted().await?;
        let (engine, began) = (&home.engine, home.engine.now());
        let oldest = async || engine.store().read(store::calls::oldest).await;
        // The monitor's own has kept the house, too.
        seen(&home, |_| newest(engine) >= Some(began)).await?;
        let mut kept = Kept {
            at: Some(began),
            doubted: None,
        };
        let backups = engine.store().folder().join("backups");
        std::fs::remove_dir_all(&backups)?;
        std::fs::write(&backups, "a file")?;

        home.clock.advance(400 * DAY_MS);
        for hour in 0..24 {
            let kept_house = keep(engine, &mut kept).await;
            assert!(kept_house.is_err(), "no backup can be made");
            assert_eq!(oldest().await?, Some(began), "after {hour} hours");
            home.clock.advance(AGAIN_MS);
        }
        let kept_house = keep(engine, &mut kept).await;
        assert!(kept_house.is_err(), "no backup can be made");
        assert_ne!(oldest().await?, Some(began), "it has stood for a day");
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
