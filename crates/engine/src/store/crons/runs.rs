//! The runs of crons.

use super::super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;
use uuid::Uuid;
use wire::{CronId, Error, RunCall, RunCause, RunOutcome, RunView, Time, Topic};

/// Runs of one cron that are kept, and those of two days beside: no moment may run twice, also where
/// the clock is set back.
const KEPT: u32 = 100;
const KEPT_MS: i64 = 2 * 86_400_000;

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    pub id: Uuid,
    pub cron: CronId,
    pub due_at: Option<Time>,
    pub begun_at: Time,
    pub cause: RunCause,
}

const COLUMNS: &str = "id, due_at, begun_at, ended_at, outcome, cause, error, calls, cron_id";

fn read(row: &Row<'_>) -> rusqlite::Result<RunView> {
    let id: String = row.get(0)?;
    Ok(RunView {
        id: id.parse().unwrap_or_default(),
        due_at: row.get::<_, Option<i64>>(1)?.map(Time),
        begun_at: Time(row.get(2)?),
        ended_at: row.get::<_, Option<i64>>(3)?.map(Time),
        outcome: text::from_word(row, 4)?,
        cause: text::from_json(row, 5)?,
        error: text::from_json_or_null(row, 6)?,
        calls: text::from_json(row, 7)?,
    })
}

/// Begins one. False where it runs already, or that moment has had its run: then nothing is written.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`, here and below.
pub fn begin(tx: &Tx<'_>, row: &RunRow) -> Result<bool, Error> {
    let done = tx
        .prepare_cached(
            "insert into cron_runs (id, cron_id, due_at, begun_at, outcome, cause, calls, app_run) \
             values (?1, ?2, ?3, ?4, 'running', ?5, '[]', coalesce((select max(n) from runs), 0)) \
             on conflict do nothing",
        )
        .map_err(failed)?
        .execute(params![
            row.id.to_string(),
            row.cron.to_string(),
            row.due_at.map(|at| at.0),
            row.begun_at.0,
            text::json(&row.cause)?,
        ])
        .map_err(failed)?;
    tx.prepare_cached(
        "delete from cron_runs where cron_id = ?1 and outcome <> 'running' and begun_at < ?3 \
         and id not in (select id from cron_runs where cron_id = ?1 \
            order by begun_at desc, id desc limit ?2)",
    )
    .and_then(|mut statement| {
        let before = row.begun_at.plus(-KEPT_MS);
        statement.execute(params![row.cron.to_string(), KEPT, before.0])
    })
    .map_err(failed)?;
    tx.touch(Topic::Crons);
    Ok(done > 0)
}

/// Notes how far it came.
pub fn keep_calls(tx: &Tx<'_>, id: Uuid, calls: &[RunCall]) -> Result<(), Error> {
    tx.prepare_cached("update cron_runs set calls = ?2 where id = ?1")
        .map_err(failed)?
        .execute(params![id.to_string(), text::json(&calls)?])
        .map_err(failed)?;
    tx.touch(Topic::Crons);
    Ok(())
}

/// Ends one that runs; false where none of that id does.
pub fn finish(
    tx: &Tx<'_>,
    id: Uuid,
    (outcome, error): (RunOutcome, Option<&Error>),
    now: Time,
) -> Result<bool, Error> {
    let done = tx
        .prepare_cached(
            "update cron_runs set outcome = ?2, error = ?3, ended_at = ?4 \
             where id = ?1 and outcome = 'running'",
        )
        .map_err(failed)?
        .execute(params![
            id.to_string(),
            text::word(&outcome)?,
            error.map(text::json).transpose()?,
            now.0,
        ])
        .map_err(failed)?;
    tx.touch(Topic::Crons);
    Ok(done > 0)
}

/// Marks what an earlier run of the app left running; of agents' runs only those begun before `before`,
/// since an agent lives on. How many.
pub fn interrupt(tx: &Tx<'_>, before: Time, now: Time) -> Result<usize, Error> {
    let done = tx
        .prepare_cached(
            "update cron_runs set outcome = 'interrupted', ended_at = ?2 where outcome = 'running' \
             and app_run < (select max(n) from runs) and (begun_at < ?1 or cron_id in \
                (select id from crons where agent_id is null))",
        )
        .and_then(|mut statement| statement.execute(params![before.0, now.0]))
        .map_err(failed)?;
    if done > 0 {
        tx.touch(Topic::Crons);
    }
    Ok(done)
}

/// The run that is not over.
pub fn running(connection: &Connection, cron: CronId) -> Result<Option<RunView>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from cron_runs where cron_id = ?1 and outcome = 'running'"
        ))
        .and_then(|mut statement| statement.query_row([cron.to_string()], read).optional())
        .map_err(failed)
}

/// The newest runs of one, oldest first.
pub fn newest_of(connection: &Connection, cron: CronId, count: u32) -> Result<Vec<RunView>, Error> {
    let mut rows: Vec<RunView> = connection
        .prepare_cached(&format!(
            "select {COLUMNS} from cron_runs where cron_id = ?1 \
             order by begun_at desc, id desc limit ?2"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![cron.to_string(), count], read)?
                .collect()
        })
        .map_err(failed)?;
    rows.reverse();
    Ok(rows)
}

/// The newest runs of each, oldest first.
pub fn newest(
    connection: &Connection,
    count: u32,
) -> Result<BTreeMap<CronId, Vec<RunView>>, Error> {
    let mut all: BTreeMap<CronId, Vec<RunView>> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached(&format!(
            "select {COLUMNS} from (select *, row_number() over \
                (partition by cron_id order by begun_at desc, id desc) as n from cron_runs) \
             where n <= ?1 order by begun_at, id"
        ))
        .map_err(failed)?;
    let rows = statement
        .query_map([count], |row| Ok((text::id(row, 8)?, read(row)?)))
        .map_err(failed)?;
    for row in rows {
        let (id, run) = row.map_err(failed)?;
        all.entry(id).or_default().push(run);
    }
    Ok(all)
}
