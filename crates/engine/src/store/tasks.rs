//! Tasks: pieces of agents' work, and which integrations each called.

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;
use wire::{AgentId, Error, IntegrationId, Outcome, TaskId, Time, Topic};

/// Tasks kept, at most: the newest. Their calls stay in the record.
const KEPT: u32 = 2_000;

/// One task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    pub id: TaskId,
    pub agent: AgentId,
    pub agent_name: String,
    /// What makes two calls of one agent one task; empty where the agent named nothing.
    pub key: String,
    pub title: String,
    pub url: Option<String>,
    pub begun_at: Time,
    pub last_at: Time,
    /// When an admin stopped it, and who.
    pub stopped: Option<(Time, String)>,
    pub calls: u32,
    pub failed: u32,
    pub refused: u32,
}

const COLUMNS: &str = "id, agent_id, agent_name, key, title, url, begun_at, last_at, stopped_at, \
     stopped_by, calls, failed, refused";

fn read(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    let stopped_at: Option<i64> = row.get(8)?;
    let stopped_by: Option<String> = row.get(9)?;
    Ok(TaskRow {
        id: text::id(row, 0)?,
        agent: text::id(row, 1)?,
        agent_name: row.get(2)?,
        key: row.get(3)?,
        title: row.get(4)?,
        url: row.get(5)?,
        begun_at: Time(row.get(6)?),
        last_at: Time(row.get(7)?),
        stopped: stopped_at.map(|at| (Time(at), stopped_by.unwrap_or_default())),
        calls: row.get(10)?,
        failed: row.get(11)?,
        refused: row.get(12)?,
    })
}

/// An agent's newest task of this key.
///
/// # Errors
/// `StoreFailed`.
pub fn newest(
    connection: &Connection,
    agent: AgentId,
    key: &str,
) -> Result<Option<TaskRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from tasks where agent_id = ?1 and key = ?2 \
             order by last_at desc, id desc limit 1"
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![agent.to_string(), key], read)
                .optional()
        })
        .map_err(failed)
}

/// # Errors
/// `StoreFailed`.
pub fn find(connection: &Connection, id: TaskId) -> Result<Option<TaskRow>, Error> {
    connection
        .prepare_cached(&format!("select {COLUMNS} from tasks where id = ?1"))
        .and_then(|mut statement| statement.query_row([id.to_string()], read).optional())
        .map_err(failed)
}

/// The newest tasks by their newest call, at most `limit`.
///
/// # Errors
/// `StoreFailed`.
pub fn list(connection: &Connection, limit: u32) -> Result<Vec<TaskRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from tasks order by last_at desc, id desc limit ?1"
        ))
        .and_then(|mut statement| statement.query_map([limit], read)?.collect())
        .map_err(failed)
}

/// What this agent has worked at and nobody stopped.
///
/// # Errors
/// `StoreFailed`.
pub fn of_agent(connection: &Connection, agent: AgentId) -> Result<Vec<TaskRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from tasks where agent_id = ?1 and stopped_at is null"
        ))
        .and_then(|mut statement| statement.query_map([agent.to_string()], read)?.collect())
        .map_err(failed)
}

/// Which integrations the newest `limit` tasks called, by name.
///
/// # Errors
/// `StoreFailed`.
pub fn touched(
    connection: &Connection,
    limit: u32,
) -> Result<BTreeMap<TaskId, Vec<(IntegrationId, String)>>, Error> {
    let mut found: BTreeMap<TaskId, Vec<(IntegrationId, String)>> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached(
            "select task_id, integration_id, name from task_integrations where task_id in \
             (select id from tasks order by last_at desc, id desc limit ?1) order by name",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([limit], |row| {
            Ok((text::id(row, 0)?, text::id(row, 1)?, row.get(2)?))
        })
        .map_err(failed)?;
    for row in rows {
        let (task, id, name) = row.map_err(failed)?;
        found.entry(task).or_default().push((id, name));
    }
    Ok(found)
}

/// Begins one; the oldest beyond what is kept go.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn begin(tx: &Tx<'_>, row: &TaskRow) -> Result<(), Error> {
    tx.prepare_cached(
        "insert into tasks (id, agent_id, agent_name, key, title, url, begun_at, last_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .map_err(failed)?
    .execute(params![
        row.id.to_string(),
        row.agent.to_string(),
        row.agent_name,
        row.key,
        row.title,
        row.url,
        row.begun_at.0,
        row.last_at.0
    ])
    .map_err(failed)?;
    tx.prepare_cached(
        "delete from tasks where id in \
         (select id from tasks order by last_at desc, id desc limit -1 offset ?1)",
    )
    .map_err(failed)?
    .execute([KEPT])
    .map_err(failed)?;
    tx.touch(Topic::Tasks);
    Ok(())
}

/// It asked for a call of this integration. A title or thread that is told later is kept.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn goes_on(
    tx: &Tx<'_>,
    id: TaskId,
    (title, url): (&str, Option<&str>),
    now: Time,
) -> Result<(), Error> {
    tx.prepare_cached(
        "update tasks set last_at = ?2, url = coalesce(?4, url), \
         title = iif(?3 = '', title, ?3) where id = ?1",
    )
    .map_err(failed)?
    .execute(params![id.to_string(), now.0, title, url])
    .map_err(failed)?;
    tx.touch(Topic::Tasks);
    Ok(())
}

/// It called this integration, whose name is kept as it is now. Nothing happens where either is gone.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn touch(tx: &Tx<'_>, id: TaskId, integration: IntegrationId) -> Result<(), Error> {
    tx.prepare_cached(
        "insert or replace into task_integrations (task_id, integration_id, name) \
         select t.id, i.id, i.name from tasks t, integrations i where t.id = ?1 and i.id = ?2 \
         and not exists (select 1 from task_integrations \
         where task_id = ?1 and integration_id = ?2 and name = i.name)",
    )
    .map_err(failed)?
    .execute(params![id.to_string(), integration.to_string()])
    .map(drop)
    .map_err(failed)
}

/// Calls of one task that are over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    calls: u32,
    failed: u32,
    refused: u32,
    last_at: i64,
    /// Of those that were not refused.
    worked_at: i64,
}

impl Count {
    /// One more, which ended then.
    pub fn add(&mut self, outcome: Outcome, at: Time) {
        self.calls += 1;
        self.last_at = self.last_at.max(at.0);
        if !matches!(outcome, Outcome::Refused | Outcome::Denied) {
            self.worked_at = self.worked_at.max(at.0);
        }
        match outcome {
            Outcome::Failed => self.failed += 1,
            Outcome::Refused | Outcome::Denied => self.refused += 1,
            Outcome::Running | Outcome::Ok | Outcome::Approved | Outcome::Unknown => {}
        }
    }
}

/// Calls of it are over. What is refused since it was stopped does not make it last longer.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(super) fn count(tx: &Tx<'_>, id: TaskId, over: Count) -> Result<(), Error> {
    tx.prepare_cached(
        "update tasks set calls = calls + ?2, failed = failed + ?3, refused = refused + ?4, \
         last_at = max(last_at, iif(stopped_at is null, ?5, ?6)) where id = ?1",
    )
    .map_err(failed)?
    .execute(params![
        id.to_string(),
        over.calls,
        over.failed,
        over.refused,
        over.last_at,
        over.worked_at
    ])
    .map_err(failed)?;
    tx.touch(Topic::Tasks);
    Ok(())
}

/// Calls of it are made again.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn resume(tx: &Tx<'_>, id: TaskId) -> Result<(), Error> {
    tx.execute(
        "update tasks set stopped_at = null, stopped_by = null where id = ?1",
        [id.to_string()],
    )
    .map_err(failed)?;
    tx.touch(Topic::Tasks);
    Ok(())
}

/// Further calls of it are refused. Who stopped it first stays.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn stop(tx: &Tx<'_>, id: TaskId, person: &str, now: Time) -> Result<(), Error> {
    tx.execute(
        "update tasks set stopped_at = ?2, stopped_by = ?3 where id = ?1 and stopped_at is null",
        params![id.to_string(), now.0, person],
    )
    .map_err(failed)?;
    tx.touch(Topic::Tasks);
    Ok(())
}
