//! Crons: calls that are made by a schedule, and what an agent's schedule needs to know.
//!
//! Owns: when a cron is due (`crons::schedule`, pure), that each moment runs once (`crons::claim`), a run
//! (`crons::run`), what a failure pauses and a repair resumes (`crons::depend`). Must not know: how a call
//! is made (`calls`) or an agent's protocol (the gateway).

pub mod agent;
mod claim;
mod depend;
mod edit;
mod list;
mod run;
pub mod schedule;
mod stuck;
mod tasks;

pub(crate) use claim::begin_anew;
pub(crate) use depend::{hold, proved, ready, resumable, resume, resume_all};
pub(crate) use edit::{delete, pause, restore, run_now, save};
pub(crate) use list::list;
pub(crate) use tasks::{newest as newest_tasks, stop};

use crate::{
    Engine,
    store::{self, Durability, Tx, crons::CronRow},
};
use schedule::Schedule;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};
use wire::{Error, Fix, ScheduleView, Time};

/// The schedule looks at the wall clock at least this often, in milliseconds.
const TICK_MS: i64 = 30_000;
/// Without a network it looks again as soon, and after a sleep or a start it waits as long for the first
/// answer from outside, in milliseconds: the moment that a network needs to come up again.
const NO_NETWORK_MS: i64 = 10_000;
const FIRST_ANSWER_MS: i64 = 60_000;
/// Runs at a time; more wait for their place.
const AT_ONCE: usize = 16;
/// A deleted cron can be restored for a day.
const RESTORABLE_MS: i64 = 86_400_000;

/// What wakes the schedule, and the places for runs.
pub(crate) struct Pulse {
    woken: Notify,
    places: Arc<Semaphore>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            woken: Notify::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Pulse {
    /// Something may be due sooner now, or there is a place.
    pub fn wake(&self) {
        self.woken.notify_one();
    }
}

/// Before anything else: marks what the last run of the app left running, and forgets what was deleted.
pub(crate) async fn begin(engine: &Engine) -> Result<(), Error> {
    let now = engine.now();
    let interrupted = engine
        .store()
        // The app starts also where there is no room to file what lies in the intake.
        .append(Durability::Full, move |tx| {
            tx.undoable()?;
            store::crons::purge(tx, now.plus(-RESTORABLE_MS))?;
            store::crons::interrupt(tx, now.plus(-RESTORABLE_MS), now)
        })
        .await?;
    if interrupted > 0 {
        tracing::warn!(
            interrupted,
            "runs of crons were interrupted by the end of the app"
        );
    }
    Ok(())
}

/// Begins runs as they come due, until the engine stops.
pub(crate) fn run(engine: &Engine) {
    let engine = engine.clone();
    tokio::spawn(async move {
        let (stopping, clock) = (engine.stopping(), engine.clock());
        let mut watch = claim::Watch::from(engine.now());
        loop {
            let now = engine.now();
            watch.look(now);
            let reaches = reaches(&engine, watch, now);
            watch.reaches(reaches);
            let next = match tick(&engine, &mut watch).await {
                Ok(next) => next.unwrap_or(Time(i64::MAX)),
                Err(error) => {
                    tracing::warn!(%error, "crons could not be looked at");
                    now.plus(TICK_MS)
                }
            };
            // What is due already waits for a place, which wakes this, or for a network.
            let until = match (next <= now, reaches) {
                (true, true) => now.plus(TICK_MS),
                (true, false) => now.plus(NO_NETWORK_MS),
                (false, _) => next.min(now.plus(TICK_MS)),
            };
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                () = clock.sleep_until(until) => {}
                () = engine.crons().woken.notified() => {}
            }
        }
    });
}

/// Whether calls to the outside can be answered, as far as can be told. (Cheap: nothing is sent.)
fn reaches(engine: &Engine, watch: claim::Watch, now: Time) -> bool {
    if engine.network().is_offline() || !crate::health::has_route() {
        return false;
    }
    let waits = (0..FIRST_ANSWER_MS).contains(&now.since(watch.since()));
    !waits || engine.any_answer().is_some_and(|at| at >= watch.since())
}

/// Begins what is due, as far as there are places. When the next one is due.
async fn tick(engine: &Engine, watch: &mut claim::Watch) -> Result<Option<Time>, Error> {
    if engine.waits().are_on() {
        return Ok(None);
    }
    let now = engine.now();
    let idle = engine
        .store()
        .read(move |conn| {
            let next = store::crons::next_due(conn)?;
            let ahead = store::crons::ahead(conn, now, claim::BACK_MS)?;
            Ok((next, next.is_none_or(|at| at > now) && ahead.is_empty()))
        })
        .await?;
    if let (next, true) = idle {
        return Ok(next);
    }
    let shut = shut(engine, now).await?;
    watch.opens(shut.is_none());
    let (free, watch) = (engine.crons().places.available_permits(), *watch);
    let (begun, next) = engine
        .store()
        .write(Durability::Full, move |tx| {
            let begun = claim::claim(tx, (watch, shut.as_ref()), now, free)?;
            Ok((begun, store::crons::next_due(tx)?))
        })
        .await?;
    for each in begun {
        // This loop alone gives places away, so as many as were free are there.
        let place = engine.crons().places.clone().try_acquire_owned().ok();
        run::start(engine, each, place);
    }
    Ok(next)
}

/// Why no credential can be opened now, where one is needed by what is due.
async fn shut(engine: &Engine, now: Time) -> Result<Option<Error>, Error> {
    if engine.vault().state().opens() {
        return Ok(None);
    }
    let needed = engine
        .store()
        .read(move |conn| {
            for row in store::crons::due(conn, now, usize::MAX)? {
                if depend::needs_key(conn, row.id)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await?;
    if !needed {
        return Ok(None);
    }
    let error = engine.vault().ready().await.err();
    Ok(error.filter(|error| error.fix == Some(Fix::Unlock)))
}

/// One look, for the benchmark.
///
/// # Errors
/// `StoreFailed`.
#[cfg(feature = "fakes")]
pub async fn look(engine: &Engine) -> Result<Option<Time>, Error> {
    tick(engine, &mut claim::Watch::from(engine.now())).await
}

/// Where nothing pauses it: due from now on by its schedule, which is never earlier than what was handled.
/// True where it goes on.
fn set_going(tx: &Tx<'_>, mut row: CronRow, now: Time) -> Result<bool, Error> {
    let held = store::crons::depends_of(tx, row.id)?
        .iter()
        .any(|each| each.held_since.is_some());
    let goes = row.paused.is_none() && !held;
    row.handled_at = row.handled_at.max(now);
    row.obstacle = None;
    row.next_at = match (goes, &row.agent) {
        (true, None) => Schedule::read(&row.schedule, &row.zone)?.next(row.handled_at),
        // An agent's own clock sets its runs off.
        (true, Some(_)) | (false, _) => None,
    };
    store::crons::put(tx, &row)?;
    stuck::over(tx, row.id, now)?;
    Ok(goes)
}

/// What a schedule that is being typed means.
pub(crate) fn check(engine: &Engine, text: &str, zone: &str) -> Result<ScheduleView, Error> {
    Ok(Schedule::read(text, zone)?.view(engine.now()))
}

/// Whether a call that is being typed could be made.
pub(crate) fn check_call(conn: &rusqlite::Connection, call: &wire::CronCall) -> Result<(), Error> {
    depend::fits(conn, call).map(drop)
}

#[cfg(test)]
mod tests;
