//! Runs of the app's own crons as tasks: rows of that page, stopped there.

use crate::{
    Engine, integrations,
    store::{
        self, Durability,
        crons::{Started, newest_started},
    },
};
use rusqlite::Connection;
use std::collections::HashMap;
use wire::{
    Error, ErrorCode, Icon, IntegrationId, RunCall, RunOutcome, TaskId, TaskState, TaskView, Time,
    TouchedView,
};

/// Runs beside the tasks of agents: a cron that runs each minute must not hide what agents do.
const SHOWN: u32 = 50;

/// Where an integration is shown by its name and tile.
type Shown = HashMap<IntegrationId, (String, Icon)>;

/// The newest that have started.
pub(crate) fn newest(conn: &Connection, shown: &Shown, now: Time) -> Result<Vec<TaskView>, Error> {
    let runs = newest_started(conn, SHOWN)?;
    Ok(runs.into_iter().map(|each| row(each, shown, now)).collect())
}

fn row(started: Started, shown: &Shown, now: Time) -> TaskView {
    let Started {
        cron,
        name,
        makes,
        run,
    } = started;
    let called = makes.iter().take(run.calls.len());
    let running = u32::from(run.outcome == RunOutcome::Running);
    let last_at = run.ended_at.unwrap_or(now);
    let state = match run.error.filter(|why| why.code == ErrorCode::TaskStopped) {
        Some(why) => TaskState::Stopped {
            person: why.args.get("person").cloned().unwrap_or_default(),
            at: last_at,
            until: None,
        },
        None if running > 0 => TaskState::Running,
        None => TaskState::Over,
    };
    TaskView {
        in_record: run.id.to_string(),
        id: TaskId(run.id),
        agent: None,
        cron: Some(cron),
        agent_name: String::new(),
        title: name,
        url: None,
        begun_at: run.begun_at,
        last_at,
        integrations: touched(called.map(|call| call.integration), shown),
        calls: count(&run.calls, |call| running == 0 || call.took_ms.is_some()),
        failed: count(&run.calls, |call| call.error.is_some()),
        refused: 0,
        running,
        state,
    }
}

/// Each once, by name. One that is disconnected meanwhile has none.
fn touched(called: impl Iterator<Item = IntegrationId>, shown: &Shown) -> Vec<TouchedView> {
    let mut all: Vec<TouchedView> = Vec::new();
    for id in called {
        if let (Some((name, icon)), false) = (shown.get(&id), all.iter().any(|each| each.id == id))
        {
            all.push(TouchedView {
                id,
                name: name.clone(),
                icon: Some(icon.clone()),
            });
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn count(calls: &[RunCall], counts: impl Fn(&RunCall) -> bool) -> u32 {
    let counted = calls.iter().filter(|call| counts(call)).count();
    u32::try_from(counted).unwrap_or(u32::MAX)
}

/// An admin ends a run: the call under way is ended, and those after it are not made.
///
/// # Errors
/// `TaskUnknown` where none of that id runs.
pub(crate) async fn stop(engine: &Engine, task: TaskId) -> Result<(), Error> {
    let (now, because, person) = (engine.now(), engine.admin().await, engine.person().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let name = store::crons::name_of_running(tx, task.0)?
                .ok_or_else(|| Error::new(ErrorCode::TaskUnknown))?;
            let why = Error::new(ErrorCode::TaskStopped)
                .with("person", person)
                .with("task", name.clone());
            store::crons::stop(tx, task.0, &why)?;
            let what = format!("a run of the cron {name} was stopped");
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    // After the commit: a run that has not begun its calls finds itself stopped.
    engine.running().stop(task);
    Ok(())
}
