//! An agent's own crons: it tells what they depend on, asks before each run, and reports how it went.

use super::{
    depend,
    edit::keep_depends,
    schedule::{Schedule, zones},
    set_going,
};
use crate::{
    Engine,
    http::inert,
    integrations::{self, Integration},
    store::{
        self, Durability, Tx,
        crons::{CronRow, RunRow},
    },
};
use rusqlite::Connection;
use std::collections::BTreeMap;
use wire::{
    AgentView, Because, ByAgent, CronId, Error, ErrorCode, IntegrationId, Missed, RunCause,
    RunOutcome, Time,
};

/// Crons of one agent, at most.
const CRONS_MAX: usize = 200;
/// Characters of a report, at most.
const REPORT_MAX: usize = 300;
/// A run that nobody reported ends with its time limit: a day.
const LIMIT_MIN: u32 = 1_440;
/// A session that takes longer than its schedule's time may still be at work: for an hour it holds the next.
const LATE_MS: i64 = 3_600_000;

/// What an agent tells of a cron. What is left out stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub name: Option<String>,
    pub schedule: Option<String>,
    /// This computer's own where a new one names none.
    pub zone: Option<String>,
    /// Slugs or names of integrations.
    pub depends: Option<Vec<String>>,
}

/// The answer to "may I run now?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MayRun {
    /// Yes: the run is written down as begun, and is to be reported under this id.
    Yes { run: uuid::Uuid },
    /// Not now, and why, for a model to read.
    No { why: String },
}

/// One of an agent's crons, as it is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    pub id: CronId,
    pub name: String,
    pub schedule: String,
    pub zone: String,
    pub depends: Vec<String>,
    /// Why it would not run now; `None` where nothing holds it.
    pub paused: Option<String>,
}

/// Registers a cron, or changes the one of that name. `id`: changes that one. What an admin or a failure
/// paused stays so, also where the agent took it away or depends on something else by now.
///
/// # Errors
/// `FieldEmpty`, `FieldInvalid` that name the field; `CronUnknown`.
pub async fn register(
    engine: &Engine,
    agent: &AgentView,
    id: Option<CronId>,
    told: Told,
) -> Result<Own, Error> {
    let (now, agent) = (engine.now(), agent.clone());
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let mine = of_agent(tx, &agent)?;
            let mut before = match (id, &told.name) {
                (Some(id), _) => Some(own(&mine, id)?),
                (None, Some(name)) => mine.iter().find(|row| row.name == name.trim()).cloned(),
                (None, None) => None,
            };
            let is_new = before.is_none();
            if is_new && mine.len() >= CRONS_MAX {
                return Err(wrong("name", format!("{CRONS_MAX} crons are the most")));
            }
            if let (true, Some(name)) = (is_new, &told.name)
                && let Some(id) = store::crons::deleted_paused(tx, agent.id, name.trim())?
            {
                before = Some(store::crons::restore(tx, id)?);
            }
            let row = row_of(&agent, before, &told, now)?;
            store::crons::put(tx, &row)?;
            if let Some(names) = &told.depends {
                let mut depends = named(tx, &agent, names)?;
                for each in store::crons::depends_of(tx, row.id)? {
                    // What was disconnected can neither heal nor be resumed.
                    if each.held_since.is_some()
                        && Integration::find(tx, each.integration)?.is_some()
                    {
                        depends.insert(each.integration, each.integration_name);
                    }
                }
                keep_depends(tx, row.id, &depends, now)?;
            }
            set_going(tx, row.clone(), now)?;
            let done = if is_new { "registered" } else { "changed" };
            note(
                tx,
                &agent,
                &format!("the cron {} was {done}", row.name),
                now,
            )?;
            view(tx, row, now)
        })
        .await
}

/// Every cron of this agent, by name.
///
/// # Errors
/// `StoreFailed`.
pub async fn list(engine: &Engine, agent: &AgentView) -> Result<Vec<Own>, Error> {
    let (now, agent) = (engine.now(), agent.clone());
    engine
        .store()
        .read(move |conn| {
            of_agent(conn, &agent)?
                .into_iter()
                .map(|row| view(conn, row, now))
                .collect()
        })
        .await
}

/// Takes one away.
///
/// # Errors
/// `CronUnknown`.
pub async fn remove(engine: &Engine, agent: &AgentView, id: CronId) -> Result<(), Error> {
    let (now, agent) = (engine.now(), agent.clone());
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let row = own(&of_agent(tx, &agent)?, id)?;
            store::crons::delete(tx, id, now)?;
            note(
                tx,
                &agent,
                &format!("the cron {} was removed", row.name),
                now,
            )
        })
        .await
}

/// Whether it may run now. Where it may, the run begins.
///
/// # Errors
/// `CronUnknown`.
pub async fn may_run(engine: &Engine, agent: &AgentView, id: CronId) -> Result<MayRun, Error> {
    let (now, agent) = (engine.now(), agent.clone());
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let row = own(&of_agent(tx, &agent)?, id)?;
            if let Some(why) = why_not(tx, &row, now)? {
                return Ok(MayRun::No { why });
            }
            if let Some(run) = store::crons::running(tx, id)? {
                // Nobody reported it, and its time is over: it was interrupted.
                if !is_lost(&row, run.begun_at, now)? {
                    let error = Error::new(ErrorCode::CronRunning).with("cron", row.name);
                    let why = words::error(&error);
                    return Ok(MayRun::No { why });
                }
                store::crons::finish(tx, run.id, (RunOutcome::Interrupted, None), now)?;
            }
            let run = RunRow {
                id: uuid::Uuid::now_v7(),
                cron: id,
                due_at: None,
                begun_at: now,
                cause: RunCause::Agent,
            };
            store::crons::begin(tx, &run)?;
            Ok(MayRun::Yes { run: run.id })
        })
        .await
}

/// True where a run that was not reported holds no other back: after its limit, or where the agent asks for
/// a later moment of the schedule, an hour after it began at the earliest.
fn is_lost(row: &CronRow, begun: Time, now: Time) -> Result<bool, Error> {
    let lasts = now.since(begun);
    let next = Schedule::read(&row.schedule, &row.zone)?.next(begun);
    Ok(lasts >= i64::from(row.limit_min) * 60_000
        || (lasts >= LATE_MS && next.is_some_and(|at| at <= now)))
}

/// How a run went. `failed`: why it failed, in the agent's words.
///
/// # Errors
/// `CronUnknown` where it is not this agent's, or does not run.
pub async fn report(
    engine: &Engine,
    agent: &AgentView,
    run: uuid::Uuid,
    failed: Option<String>,
) -> Result<(), Error> {
    let (now, agent) = (engine.now(), agent.clone());
    engine
        .store()
        .write(Durability::Full, move |tx| {
            for row in of_agent(tx, &agent)? {
                if store::crons::running(tx, row.id)?.is_none_or(|found| found.id != run) {
                    continue;
                }
                let error = failed.map(|why| {
                    let why: String = inert(&why).chars().take(REPORT_MAX).collect();
                    Error::new(ErrorCode::ToolFailed)
                        .with("tool", row.name)
                        .with("why", why)
                });
                let outcome = match error {
                    Some(_) => RunOutcome::Failed,
                    None => RunOutcome::Ok,
                };
                store::crons::finish(tx, run, (outcome, error.as_ref()), now)?;
                return Ok(());
            }
            Err(Error::new(ErrorCode::CronUnknown))
        })
        .await
}

fn of_agent(conn: &Connection, agent: &AgentView) -> Result<Vec<CronRow>, Error> {
    let mut rows = store::crons::list(conn)?;
    rows.retain(|row| row.agent.as_ref().is_some_and(|(id, _)| *id == agent.id));
    Ok(rows)
}

fn own(mine: &[CronRow], id: CronId) -> Result<CronRow, Error> {
    let found = mine.iter().find(|row| row.id == id).cloned();
    found.ok_or_else(|| Error::new(ErrorCode::CronUnknown))
}

fn wrong(field: &str, why: String) -> Error {
    Error::new(ErrorCode::FieldInvalid)
        .with("field", field)
        .with("why", why)
}

fn row_of(
    agent: &AgentView,
    before: Option<CronRow>,
    told: &Told,
    now: Time,
) -> Result<CronRow, Error> {
    let mut row = before.unwrap_or_else(|| CronRow {
        id: CronId(uuid::Uuid::now_v7()),
        name: String::new(),
        agent: None,
        schedule: String::new(),
        zone: zones().own,
        calls: Vec::new(),
        missed: Missed::LeaveOut,
        limit_min: LIMIT_MIN,
        created_at: now,
        paused: None,
        next_at: None,
        handled_at: now,
        obstacle: None,
    });
    row.agent = Some((agent.id, agent.name.clone()));
    if let Some(name) = &told.name {
        row.name = integrations::checked_name(name)?;
    }
    if let Some(schedule) = &told.schedule {
        schedule.trim().clone_into(&mut row.schedule);
    }
    if let Some(zone) = &told.zone {
        zone.trim().clone_into(&mut row.zone);
    }
    if row.name.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "name"));
    }
    Schedule::read(&row.schedule, &row.zone)?;
    Ok(row)
}

/// The integrations of these slugs or names, of those that this agent may use.
fn named(
    tx: &Tx<'_>,
    agent: &AgentView,
    names: &[String],
) -> Result<BTreeMap<IntegrationId, String>, Error> {
    let all = store::integrations::list(tx)?;
    names
        .iter()
        .map(|name| {
            let found = all.iter().find(|row| {
                let is_named = row.slug == *name || row.name == *name;
                let may = agent
                    .integrations
                    .as_ref()
                    .is_none_or(|ids| ids.contains(&row.id));
                is_named && may
            });
            let missing = || {
                wrong(
                    "depends_on",
                    format!("there is no integration {}", inert(name)),
                )
            };
            found
                .map(|row| (row.id, row.name.clone()))
                .ok_or_else(missing)
        })
        .collect()
}

/// Why it may not run now, in a sentence or two.
fn why_not(conn: &Connection, row: &CronRow, now: Time) -> Result<Option<String>, Error> {
    if let Some(pause) = &row.paused {
        return Ok(Some(words::with(
            "cron-agent-paused",
            &[("name", &pause.by)],
        )));
    }
    for each in store::crons::depends_of(conn, row.id)? {
        let Some(found) = Integration::find(conn, each.integration)? else {
            continue;
        };
        let name = &found.row.name;
        if depend::is_failing(&found, now) {
            let reason = words::reason(&found.state.shown(now), name, "");
            return Ok(Some(words::with(
                "cron-agent-held",
                &[("name", name), ("why", &reason)],
            )));
        }
        if each.held_since.is_some() {
            return Ok(Some(words::with("cron-agent-waits", &[("name", name)])));
        }
    }
    Ok(depend::obstacle(conn, row)?.map(|error| words::error(&error)))
}

fn view(conn: &Connection, row: CronRow, now: Time) -> Result<Own, Error> {
    let depends = store::crons::depends_of(conn, row.id)?;
    Ok(Own {
        paused: why_not(conn, &row, now)?,
        depends: depends
            .into_iter()
            .map(|each| each.integration_name)
            .collect(),
        id: row.id,
        name: row.name,
        schedule: row.schedule,
        zone: row.zone,
    })
}

fn note(tx: &Tx<'_>, agent: &AgentView, what: &str, now: Time) -> Result<(), Error> {
    let because = Because::Task {
        title: agent.name.clone(),
        url: None,
        agent: Some(ByAgent {
            id: agent.id,
            name: agent.name.clone(),
        }),
        task: None,
    };
    integrations::note(tx, now, None, what, &because)
}
