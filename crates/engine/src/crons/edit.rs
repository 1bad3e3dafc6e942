//! What an admin does to a cron.

use super::{depend, run, schedule::Schedule, set_going, stuck};
use crate::{
    Engine,
    calls::policy::Exact,
    integrations::{self, Integration},
    store::{
        self, Durability, Tx,
        crons::{CronRow, RunRow},
    },
};
use std::collections::BTreeMap;
use wire::{CronId, CronInput, Error, ErrorCode, IntegrationId, Pause, RunCause, SaveCron, Time};

/// Calls of one cron, at most.
const CALLS_MAX: usize = 20;
/// A day: the longest a run may take, in minutes.
const LIMIT_MAX_MIN: u32 = 1_440;

/// A new cron, or another form of one.
pub(crate) async fn save(engine: &Engine, ask: SaveCron) -> Result<CronId, Error> {
    let input = checked(ask.cron)?;
    let (now, because) = (engine.now(), engine.admin().await);
    let person = engine.person().await;
    let id = ask.id.unwrap_or_else(|| CronId(uuid::Uuid::now_v7()));
    let is_new = ask.id.is_none();
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let before = match is_new {
                true => None,
                false => Some(store::crons::get(tx, id)?),
            };
            let what = format!(
                "the cron {} was {}",
                input.name,
                if is_new { "made" } else { "changed" }
            );
            let row = row_of(id, input, before, now);
            let (depends, calls) = fitting(tx, &row)?;
            store::crons::put(tx, &row)?;
            // Saving it is the approval: the form has shown exactly what will run.
            let owner = depend::owner(id);
            store::policies::forget_preapprovals(tx, &owner)?;
            for exact in &calls {
                store::policies::preapprove(tx, &owner, exact, (&person, now))?;
            }
            keep_depends(tx, id, &depends, now)?;
            set_going(tx, row, now)?;
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    engine.crons().wake();
    Ok(id)
}

/// What can be told without a look at the integrations.
fn checked(mut input: CronInput) -> Result<CronInput, Error> {
    input.name = integrations::checked_name(&input.name)?;
    input.schedule = input.schedule.trim().to_owned();
    input.zone = input.zone.trim().to_owned();
    Schedule::read(&input.schedule, &input.zone)?;
    if input.calls.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Calls"));
    }
    let wrong = |field: &str, why: String| {
        Error::new(ErrorCode::FieldInvalid)
            .with("field", field)
            .with("why", why)
    };
    if input.calls.len() > CALLS_MAX {
        return Err(wrong("Calls", format!("{CALLS_MAX} are the most")));
    }
    if !(1..=LIMIT_MAX_MIN).contains(&input.limit_min) {
        return Err(wrong("Time limit", format!("1 to {LIMIT_MAX_MIN} minutes")));
    }
    Ok(input)
}

fn row_of(id: CronId, input: CronInput, before: Option<CronRow>, now: Time) -> CronRow {
    let old = before.as_ref();
    CronRow {
        id,
        created_at: old.map_or(now, |old| old.created_at),
        paused: old.and_then(|old| old.paused.clone()),
        handled_at: old.map_or(now, |old| old.handled_at),
        agent: old.and_then(|old| old.agent.clone()),
        next_at: None,
        obstacle: None,
        name: input.name,
        schedule: input.schedule,
        zone: input.zone,
        calls: input.calls,
        missed: input.missed,
        limit_min: input.limit_min,
    }
}

/// What its calls depend on, and exactly what they are. Errors name the call's place in `call`.
fn fitting(
    tx: &Tx<'_>,
    row: &CronRow,
) -> Result<(BTreeMap<IntegrationId, String>, Vec<Exact>), Error> {
    let mut depends = BTreeMap::new();
    let mut calls = Vec::new();
    for (index, call) in row.calls.iter().enumerate() {
        let placed = |error: Error| error.with("call", (index + 1).to_string());
        calls.push(depend::fits(tx, call).map_err(placed)?.exact);
        let found = Integration::get(tx, call.integration).map_err(placed)?;
        depends.insert(call.integration, found.row.name);
    }
    Ok((depends, calls))
}

/// What it depends on; what fails already holds it from the start.
pub(super) fn keep_depends(
    tx: &Tx<'_>,
    id: CronId,
    depends: &BTreeMap<IntegrationId, String>,
    now: Time,
) -> Result<(), Error> {
    store::crons::set_depends(tx, id, depends)?;
    for integration in depends.keys() {
        let found = Integration::find(tx, *integration)?;
        if found.is_some_and(|found| depend::is_failing(&found, now)) {
            store::crons::hold_one(tx, id, *integration, now)?;
        }
    }
    Ok(())
}

/// No run begins until an admin resumes it.
pub(crate) async fn pause(engine: &Engine, id: CronId) -> Result<(), Error> {
    let by = engine.person().await;
    change(engine, id, "paused", move |tx, mut row, now| {
        if row.paused.is_none() {
            row.paused = Some(Pause { by, at: now });
        }
        set_going(tx, row, now).map(drop)
    })
    .await
}

/// It runs no more; for a day it can be restored.
pub(crate) async fn delete(engine: &Engine, id: CronId) -> Result<(), Error> {
    change(engine, id, "deleted", move |tx, row, now| {
        stuck::over(tx, row.id, now)?;
        store::crons::delete(tx, row.id, now)
    })
    .await
}

/// Takes a deletion back. What failed meanwhile holds it.
pub(crate) async fn restore(engine: &Engine, id: CronId) -> Result<(), Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let row = store::crons::restore(tx, id)?;
            for depend in store::crons::depends_of(tx, id)? {
                let found = Integration::find(tx, depend.integration)?;
                if found.is_some_and(|found| depend::is_failing(&found, now)) {
                    store::crons::hold_one(tx, id, depend.integration, now)?;
                }
            }
            let what = format!("the cron {} was restored", row.name);
            set_going(tx, row, now)?;
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    engine.crons().wake();
    Ok(())
}

async fn change(
    engine: &Engine,
    id: CronId,
    done: &'static str,
    job: impl FnOnce(&Tx<'_>, CronRow, Time) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let row = store::crons::get(tx, id)?;
            let what = format!("the cron {} was {done}", row.name);
            job(tx, row, now)?;
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    engine.crons().wake();
    Ok(())
}

/// A run beside the schedule. What would keep it from starting is told, and is no run.
pub(crate) async fn run_now(engine: &Engine, id: CronId) -> Result<(), Error> {
    let (now, name) = (engine.now(), engine.person().await);
    let begun = engine
        .store()
        .write(Durability::Full, move |tx| {
            let cron = store::crons::get(tx, id)?;
            if cron.agent.is_some() {
                let why = "its agent runs it, at its own time";
                return Err(Error::new(ErrorCode::FieldInvalid)
                    .with("field", cron.name)
                    .with("why", why));
            }
            for depend in store::crons::depends_of(tx, id)? {
                let found = Integration::find(tx, depend.integration)?;
                if let Some(found) = found.filter(|found| depend::is_failing(found, now)) {
                    return Err(depend::held_by(&found, &cron.name));
                }
            }
            if let Some(error) = depend::obstacle(tx, &cron)? {
                return Err(error);
            }
            let run = RunRow {
                id: uuid::Uuid::now_v7(),
                cron: id,
                due_at: None,
                begun_at: now,
                cause: RunCause::Admin { name },
            };
            if !store::crons::begin(tx, &run)? {
                return Err(Error::new(ErrorCode::CronRunning).with("cron", cron.name));
            }
            Ok(run::Begun { cron, run })
        })
        .await?;
    run::start(engine, begun, None);
    Ok(())
}
