//! Tasks: pieces of agents' work.
//!
//! Owns: which task a call belongs to, what runs of each now, the page, Stop. Must not know: how an
//! agent names its task on the wire, or how a call is made.
//!
//! A task is what the agent names, else its thread, else its session where its era knows such, else what it
//! does unnamed until it has been idle for thirty minutes. A name may come again another day, and a session
//! go on: after a day without a call it is another task.

use crate::{
    Engine,
    agents::Origin,
    crons, integrations,
    store::{
        self, Durability, Tx,
        tasks::{self, TaskRow},
    },
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;
use wire::{
    AgentId, AgentView, Because, Error, ErrorCode, TaskId, TaskState, TaskView, Time, Topic,
    TouchedView,
};

/// Minutes without a call that end what an agent does unnamed or in a thread.
const IDLE_MS: i64 = 30 * 60_000;
/// A day without a call ends what an agent has named, and a session.
const NAMED_IDLE_MS: i64 = 24 * 3_600_000;
/// Tasks on the page.
const SHOWN: u32 = 200;
/// Characters of a key, at most: names and links are capped where they are read.
const KEY_MAX: usize = 600;

/// Tasks that are remembered between their calls.
const REMEMBERED: usize = 1_000;

/// What runs now of each task, and which tasks calls have lately gone on with.
#[derive(Default)]
pub(crate) struct Running {
    jobs: Mutex<HashMap<TaskId, Job>>,
    entered: Mutex<HashMap<(AgentId, String), Entered>>,
}

struct Job {
    agent: Option<AgentId>,
    stop: CancellationToken,
    calls: u32,
}

/// A task as its last call found it.
struct Entered {
    id: TaskId,
    title: String,
    url: Option<String>,
    last_at: Time,
}

impl Running {
    fn all(&self) -> MutexGuard<'_, HashMap<TaskId, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entered(&self) -> MutexGuard<'_, HashMap<(AgentId, String), Entered>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task, where a call has lately gone on with it and told the same of it.
    fn again(&self, agent: AgentId, told: &Told<'_>, now: Time) -> Option<TaskId> {
        let mut entered = self.entered();
        let known = entered.get_mut(&(agent, told.key.clone()))?;
        let same = (told.title.is_empty() || told.title == known.title)
            && told.url.is_none_or(|url| known.url.as_deref() == Some(url));
        if !same || now.since(known.last_at) >= idle(&told.key) {
            return None;
        }
        known.last_at = known.last_at.max(now);
        Some(known.id)
    }

    fn remember(&self, agent: AgentId, told: Told<'_>, (id, now): (TaskId, Time)) {
        let mut entered = self.entered();
        if entered.len() >= REMEMBERED {
            entered.clear();
        }
        let known = Entered {
            id,
            title: told.title.to_owned(),
            url: told.url.map(str::to_owned),
            last_at: now,
        };
        entered.insert((agent, told.key), known);
    }

    /// It was stopped: what its next call finds is looked up.
    pub fn forget(&self, task: TaskId) {
        self.entered().retain(|_, known| known.id != task);
    }

    /// Ends what runs of it.
    pub fn stop(&self, task: TaskId) {
        if let Some(job) = self.all().get(&task) {
            job.stop.cancel();
        }
    }

    /// Ends what runs or waits for this agent.
    pub fn stop_of(&self, agent: AgentId) {
        for job in self.all().values() {
            if job.agent == Some(agent) {
                job.stop.cancel();
            }
        }
    }
}

/// One call of a task that runs, until it is dropped.
pub(crate) struct Run {
    engine: Engine,
    task: TaskId,
    /// Cancelled when an admin stops the task.
    pub stop: CancellationToken,
}

impl Run {
    pub fn begin(engine: &Engine, task: TaskId, agent: Option<AgentId>) -> Self {
        let mut all = engine.running().all();
        let job = all.entry(task).or_insert_with(|| Job {
            agent,
            stop: engine.stopping().child_token(),
            calls: 0,
        });
        job.calls += 1;
        Self {
            engine: engine.clone(),
            task,
            stop: job.stop.clone(),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        {
            let mut all = self.engine.running().all();
            if let Some(job) = all.get_mut(&self.task) {
                job.calls = job.calls.saturating_sub(1);
                if job.calls == 0 {
                    all.remove(&self.task);
                }
            }
        }
        self.engine.store().announce_soon(Topic::Tasks);
    }
}

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

/// Whether a call now would belong to this task. One that was stopped is idle since then, however often its
/// agent tries; and only a name begins another before that, so no session waits for a day.
fn goes_on(row: &TaskRow, now: Time) -> bool {
    match &row.stopped {
        Some((at, _)) if row.key.starts_with("session ") => now.since(*at) < IDLE_MS,
        Some((at, _)) => now.since(*at) < idle(&row.key),
        None => now.since(row.last_at) < idle(&row.key),
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
                    view(row, integrations, running, now)
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
            let what = match row.title.as_str() {
                "" => format!("a task of {} was stopped", row.agent_name),
                title => format!("the task {title} of {} was stopped", row.agent_name),
            };
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    // After the commit: a call that begins now finds it stopped.
    engine.running().forget(id);
    engine.running().stop(id);
    Ok(())
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
