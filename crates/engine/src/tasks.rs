//! Tasks: pieces of agents' work.
//!
//! Owns: which task a call belongs to, what runs of each now, the page, Stop and its end. Must not know: how an
//! agent names its task on the wire, or how a call is made.
//!
//! A task is what the agent names, else its thread, else its session where its era knows such, else what it
//! does unnamed until it has been idle for thirty minutes. A name may come again another day, and a session
//! go on: after a day without a call it is another task.

mod running;

pub(crate) use running::{Run, Running};

use crate::{
    Engine,
    agents::Origin,
    crons, integrations,
    store::{
        self, Durability, Tx,
        tasks::{self, TaskRow},
    },
};
use std::collections::{HashMap, HashSet};
use wire::{
    AgentId, AgentView, Because, Error, ErrorCode, TaskId, TaskState, TaskView, Time, TouchedView,
};

/// Minutes without a call that end what an agent does unnamed or in a thread.
const IDLE_MS: i64 = 30 * 60_000;
/// A day without a call ends what an agent has named, and a session.
const NAMED_IDLE_MS: i64 = 24 * 3_600_000;
/// Tasks on the page.
const SHOWN: u32 = 200;
/// Characters of a key, at most: names and links are capped where they are read.
const KEY_MAX: usize = 600;

/// The task that a call of this agent belongs to: one that goes on, or one that begins. Only what a task's
/// row does not say yet is written: the outcome of each call says when its newest was.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(crate) async fn enter(
    engine: &Engine,
    agent: &AgentView,
    from: &Origin,
    now: Time,
) -> Result<TaskId, Error> {
    let told = Told::of(agent, from);
    if let Some(known) = engine.running().again(agent.id, &told, now) {
        return Ok(known);
    }
    let (of, sent) = (agent.clone(), from.clone());
    let (entered, lasts) = engine
        .store()
        .write(Durability::Normal, move |tx| {
            written(tx, &of, Told::of(&of, &sent), now)
        })
        .await?;
    if lasts {
        engine.running().remember(agent.id, told, (entered, now));
    }
    Ok(entered)
}

/// The task, and whether its calls go on with it: those of one that was stopped are refused.
fn written(
    tx: &Tx<'_>,
    agent: &AgentView,
    told: Told<'_>,
    now: Time,
) -> Result<(TaskId, bool), Error> {
    let known = tasks::newest(tx, agent.id, &told.key)?.filter(|row| goes_on(row, now));
    if let Some(known) = known {
        if known.stopped.is_some() {
            tx.only_records();
            return Ok((known.id, false));
        }
        tasks::goes_on(tx, known.id, (told.title, told.url), now)?;
        return Ok((known.id, true));
    }
    let row = TaskRow {
        id: TaskId(uuid::Uuid::now_v7()),
        agent: agent.id,
        agent_name: agent.name.clone(),
        title: told.title.to_owned(),
        url: told.url.map(str::to_owned),
        key: told.key,
        begun_at: now,
        last_at: now,
        stopped: None,
        calls: 0,
        failed: 0,
        refused: 0,
    };
    tasks::begin(tx, &row)?;
    Ok((row.id, true))
}

/// What the agent told of its task.
struct Told<'a> {
    key: String,
    title: &'a str,
    url: Option<&'a str>,
}

impl<'a> Told<'a> {
    fn of(agent: &AgentView, from: &'a Origin) -> Self {
        let (title, url, task) = match &from.because {
            Because::Task {
                title, url, task, ..
            } => (title.as_str(), url.as_deref(), task.as_deref()),
            Because::Admin { .. }
            | Because::Health
            | Because::Connecting
            | Because::Outside
            | Because::Notice
            | Because::Cron { .. } => ("", None, None),
        };
        let title = title.strip_prefix(agent.name.as_str()).unwrap_or(title);
        let key = match (task, url, &from.session) {
            (Some(task), _, _) => format!("task {task}"),
            (None, Some(url), _) => format!("thread {url}"),
            (None, None, Some(session)) => format!("session {session}"),
            (None, None, None) => String::new(),
        };
        Self {
            key: key.chars().take(KEY_MAX).collect(),
            title: title.trim_start_matches(" · "),
            url,
        }
    }
}

/// Whether a call now would belong to this task.
fn goes_on(row: &TaskRow, now: Time) -> bool {
    now < until(row)
}

/// Until when a call belongs to this task. One that was stopped is idle since then, however often its agent
/// tries; and only a name begins another before that, so no session waits for a day.
fn until(row: &TaskRow) -> Time {
    match &row.stopped {
        Some((at, _)) if row.key.starts_with("session ") => at.plus(IDLE_MS),
        Some((at, _)) => at.plus(idle(&row.key)),
        None => row.last_at.plus(idle(&row.key)),
    }
}

/// How long it may be idle.
fn idle(key: &str) -> i64 {
    if key.starts_with("task ") || key.starts_with("session ") {
        NAMED_IDLE_MS
    } else {
        IDLE_MS
    }
}

/// The page: the newest tasks, those that run first.
pub(crate) async fn list(engine: &Engine) -> Result<Vec<TaskView>, Error> {
    let (now, reader) = (engine.now(), engine.clone());
    engine
        .store()
        .read(move |conn| {
            let mut touched = tasks::touched(conn, SHOWN)?;
            let mut shown = HashMap::new();
            for each in store::integrations::list(conn)? {
                let icon = integrations::tile(&reader, &each);
                shown.insert(each.id, (each.name, icon));
            }
            let agents = store::agents::list(conn)?;
            let paired: HashSet<AgentId> = agents.into_iter().map(|agent| agent.id).collect();
            let rows = tasks::list(conn, SHOWN)?;
            let mut views: Vec<TaskView> = rows
                .into_iter()
                .map(|row| {
                    let integrations = touched.remove(&row.id).unwrap_or_default();
                    let integrations = integrations
                        .into_iter()
                        .map(|(id, name)| TouchedView {
                            id,
                            name,
                            icon: shown.get(&id).map(|(_, icon)| icon.clone()),
                        })
                        .collect();
                    let running = reader
                        .running()
                        .all()
                        .get(&row.id)
                        .map_or(0, |job| job.calls);
                    let is_paired = paired.contains(&row.agent);
                    let mut view = view(row, integrations, running, now);
                    if let (TaskState::Stopped { until, .. }, false) = (&mut view.state, is_paired)
                    {
                        *until = None;
                    }
                    view
                })
                .collect();
            views.extend(crons::newest_tasks(conn, &shown, now)?);
            views.sort_by_key(|view| std::cmp::Reverse(view.last_at));
            // Stable: the newest stay first among those that run and those that do not.
            views.sort_by_key(|view| view.running == 0);
            Ok(views)
        })
        .await
}

fn view(row: TaskRow, integrations: Vec<TouchedView>, running: u32, now: Time) -> TaskView {
    let state = match &row.stopped {
        Some((at, person)) => TaskState::Stopped {
            person: person.clone(),
            at: *at,
            until: Some(until(&row)).filter(|until| now < *until),
        },
        None if running > 0 => TaskState::Running,
        None if goes_on(&row, now) => TaskState::Open,
        None => TaskState::Over,
    };
    // Its own name, where the agent gave one.
    let named = row.key.strip_prefix("task ").map(str::to_owned);
    TaskView {
        in_record: named.unwrap_or_else(|| row.id.to_string()),
        id: row.id,
        agent: Some(row.agent),
        cron: None,
        agent_name: row.agent_name,
        title: row.title,
        url: row.url,
        begun_at: row.begun_at,
        // What runs goes on until now.
        last_at: if running > 0 {
            row.last_at.max(now)
        } else {
            row.last_at
        },
        integrations,
        calls: row.calls,
        failed: row.failed,
        refused: row.refused,
        running,
        state,
    }
}

/// Ends its calls, and refuses further ones.
pub(crate) async fn stop(engine: &Engine, id: TaskId) -> Result<(), Error> {
    let known = engine.store().read(move |conn| tasks::find(conn, id));
    if known.await?.is_none() {
        return crons::stop(engine, id).await;
    }
    let (now, because, person) = (engine.now(), engine.admin().await, engine.person().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let row = tasks::find(tx, id)?.ok_or_else(|| Error::new(ErrorCode::TaskUnknown))?;
            if row.stopped.is_some() {
                return Ok(());
            }
            tasks::stop(tx, id, &person, now)?;
            let what = format!("{} was stopped", in_words(&row));
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    // After the commit: a call that begins now finds it stopped.
    engine.running().forget(id);
    engine.running().stop(id);
    Ok(())
}

fn in_words(row: &TaskRow) -> String {
    match row.title.as_str() {
        "" => format!("a task of {}", row.agent_name),
        title => format!("the task {title} of {}", row.agent_name),
    }
}

/// Lets its agent go on with it.
pub(crate) async fn resume(engine: &Engine, id: TaskId) -> Result<(), Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    // Before the commit, up to which its calls are refused: one that begins after it finds it so.
    engine.running().begin_anew(engine, id);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let row = tasks::find(tx, id)?.ok_or_else(|| Error::new(ErrorCode::TaskUnknown))?;
            if row.stopped.is_none() {
                return Ok(());
            }
            tasks::resume(tx, id)?;
            let what = format!("{} may go on", in_words(&row));
            integrations::note(tx, now, None, &what, &because)
        })
        .await
}

/// Stops what an agent that is removed still works at; its calls end by [`Running::stop_of`].
pub(crate) fn stop_all_of(
    tx: &Tx<'_>,
    engine: &Engine,
    agent: AgentId,
    (person, now): (&str, Time),
) -> Result<(), Error> {
    for row in tasks::of_agent(tx, agent)? {
        if goes_on(&row, now) || engine.running().all().contains_key(&row.id) {
            tasks::stop(tx, row.id, person, now)?;
        }
    }
    Ok(())
}

/// The thread of a task, to be opened.
pub(crate) async fn thread(engine: &Engine, id: TaskId) -> Result<String, Error> {
    let row = engine
        .store()
        .read(move |conn| tasks::find(conn, id))
        .await?;
    row.and_then(|row| row.url)
        .ok_or_else(|| Error::new(ErrorCode::ThreadUnknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str) -> TaskRow {
        TaskRow {
            id: TaskId(uuid::Uuid::now_v7()),
            agent: wire::AgentId(uuid::Uuid::now_v7()),
            agent_name: "Chief".to_owned(),
            key: key.to_owned(),
            title: String::new(),
            url: None,
            begun_at: Time(0),
            last_at: Time(1_000),
            stopped: None,
            calls: 0,
            failed: 0,
            refused: 0,
        }
    }

    #[test]
    fn thirty_idle_minutes_end_what_is_unnamed_and_a_day_what_is_named() {
        let at = |ms: i64| Time(1_000 + ms);
        for (key, lasts) in [
            ("", IDLE_MS),
            ("thread https://a.slack.com/archives/C1", IDLE_MS),
            ("task nightly", NAMED_IDLE_MS),
            ("session a1b2", NAMED_IDLE_MS),
        ] {
            assert!(goes_on(&row(key), at(lasts - 1)), "{key}");
            assert!(!goes_on(&row(key), at(lasts)), "{key}");
        }
    }

    #[test]
    fn a_stopped_task_keeps_its_agent_out_from_the_stop_on_and_no_session_for_a_day() {
        for (key, lasts) in [
            ("", IDLE_MS),
            ("session a1b2", IDLE_MS),
            ("task nightly", NAMED_IDLE_MS),
        ] {
            let mut stopped = row(key);
            stopped.stopped = Some((Time(5_000), "Ada".to_owned()));
            // What was refused since is newer.
            stopped.last_at = Time(5_000 + lasts);
            assert!(goes_on(&stopped, Time(5_000 + lasts - 1)), "{key}");
            assert!(!goes_on(&stopped, Time(5_000 + lasts)), "{key}");
        }
    }

    #[test]
    fn a_stopped_task_is_stopped_even_while_a_call_ends() {
        let mut stopped = row("");
        stopped.stopped = Some((Time(5), "Ada".to_owned()));
        let state = |row, running, now| view(row, vec![], running, Time(now)).state;
        assert!(matches!(state(stopped, 1, 6), TaskState::Stopped { .. }));
        assert_eq!(state(row(""), 1, 6), TaskState::Running);
        let last = |running| view(row(""), vec![], running, Time(9_000)).last_at;
        assert_eq!(
            (last(1), last(0)),
            (Time(9_000), Time(1_000)),
            "what runs goes on until now"
        );
        assert_eq!(state(row(""), 0, 6), TaskState::Open);
        assert_eq!(state(row(""), 0, 2 * IDLE_MS), TaskState::Over);
    }
}
