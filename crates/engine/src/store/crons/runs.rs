//! The runs of crons.

use super::super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;
use uuid::Uuid;
use wire::{CronCall, CronId, Error, RunCall, RunCause, RunOutcome, RunView, Time, Topic};

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
    tx.touch(Topic::Tasks);
    Ok(done > 0)
}

/// Notes how far it came.
pub fn keep_calls(tx: &Tx<'_>, id: Uuid, calls: &[RunCall]) -> Result<(), Error> {
    tx.prepare_cached("update cron_runs set calls = ?2 where id = ?1")
        .map_err(failed)?
        .execute(params![id.to_string(), text::json(&calls)?])
        .map_err(failed)?;
    tx.touch(Topic::Crons);
    tx.touch(Topic::Tasks);
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
            // One that an admin has stopped says so.
            "update cron_runs set outcome = iif(error is null, ?2, 'failed'), \
             error = coalesce(error, ?3), ended_at = ?4 \
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
    tx.touch(Topic::Tasks);
    Ok(done > 0)
}

/// The name of the cron, of the app's own, of which this run is under way.
pub fn name_of_running(connection: &Connection, id: Uuid) -> Result<Option<String>, Error> {
    connection
        .prepare_cached(
            "select c.name from cron_runs r join crons c on c.id = r.cron_id \
             where r.id = ?1 and r.outcome = 'running' and c.agent_id is null",
        )
        .and_then(|mut statement| {
            statement
                .query_row([id.to_string()], |row| row.get(0))
                .optional()
        })
        .map_err(failed)
}

/// An admin ends it: why, as it says once it is over.
pub fn stop(tx: &Tx<'_>, id: Uuid, why: &Error) -> Result<(), Error> {
    tx.prepare_cached("update cron_runs set error = ?2 where id = ?1 and outcome = 'running'")
        .map_err(failed)?
        .execute(params![id.to_string(), text::json(why)?])
        .map_err(failed)?;
    tx.touch(Topic::Crons);
    tx.touch(Topic::Tasks);
    Ok(())
}

/// True where an admin has ended it already, before it began its calls.
pub fn is_stopped(connection: &Connection, id: Uuid) -> Result<bool, Error> {
    connection
        .prepare_cached("select error is not null from cron_runs where id = ?1")
        .and_then(|mut statement| statement.query_row([id.to_string()], |row| row.get(0)))
        .map_err(failed)
}

/// A run of one of the app's own crons that has started.
pub struct Started {
    pub cron: CronId,
    pub name: String,
    /// What the cron calls.
    pub makes: Vec<CronCall>,
    pub run: RunView,
}

/// The newest of them, newest first.
pub fn newest_started(connection: &Connection, count: u32) -> Result<Vec<Started>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS}, name, makes from (select r.*, c.name, c.calls as makes \
                from cron_runs r join crons c on c.id = r.cron_id \
                where c.agent_id is null and r.outcome <> 'not_started' \
                order by r.begun_at desc, r.id desc limit ?1) order by begun_at desc, id desc"
        ))
        .and_then(|mut statement| {
            statement
                .query_map([count], |row| {
                    Ok(Started {
                        cron: text::id(row, 8)?,
                        name: row.get(9)?,
                        makes: text::from_json(row, 10)?,
                        run: read(row)?,
                    })
                })?
                .collect()
        })
        .map_err(failed)
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

/// The newest runs of each that was not deleted, oldest first. No others are read: there may be thousands of each.
pub fn newest(
    connection: &Connection,
    count: u32,
) -> Result<BTreeMap<CronId, Vec<RunView>>, Error> {
    let mut all: BTreeMap<CronId, Vec<RunView>> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached(&format!(
            "select {} from crons c join cron_runs r on r.id in \
                (select id from cron_runs where cron_id = c.id order by begun_at desc, id desc limit ?1) \
             where c.deleted_at is null order by r.begun_at, r.id",
            COLUMNS.split(", ").map(|column| format!("r.{column}")).collect::<Vec<_>>().join(", "),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        notices::tests::Home,
        store::{
            Durability,
            crons::{self, CronRow},
        },
    };
    use wire::Missed;

    #[tokio::test]
    async fn the_newest_runs_of_all_are_those_of_each_but_of_none_that_was_deleted()
    -> anyhow::Result<()> {
        let home = Home::new().await?;
        let now = home.engine.now();
        let ids = [1, 2, 3].map(|n| CronId(Uuid::from_u128(n)));
        let [first, second, deleted] = ids;
        home.engine
            .store()
            .write(Durability::Full, move |tx| {
                for id in ids {
                    let row = CronRow {
                        id,
                        name: id.to_string(),
                        agent: None,
                        schedule: "* * * * *".to_owned(),
                        zone: "Europe/Berlin".to_owned(),
                        calls: vec![],
                        missed: Missed::LeaveOut,
                        limit_min: 1,
                        created_at: now,
                        paused: None,
                        next_at: None,
                        handled_at: now,
                        obstacle: None,
                    };
                    crons::put(tx, &row)?;
                }
                // Two began in one moment.
                for (n, minute) in (0_u128..).zip([5, 1, 4, 4, 2, 3]) {
                    for id in ids {
                        let run = RunRow {
                            id: Uuid::from_u128(id.0.as_u128() * 100 + n),
                            cron: id,
                            due_at: None,
                            begun_at: now.plus(minute * 60_000),
                            cause: RunCause::Schedule,
                        };
                        begin(tx, &run)?;
                        finish(tx, run.id, (RunOutcome::Ok, None), now)?;
                    }
                }
                crons::delete(tx, deleted, now)
            })
            .await?;
        home.engine
            .store()
            .read(move |conn| {
                for count in [1, 3, 9] {
                    let all = newest(conn, count)?;
                    assert_eq!(all.keys().collect::<Vec<_>>(), [&first, &second]);
                    for (id, runs) in all {
                        assert_eq!(runs, newest_of(conn, id, count)?);
                    }
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}
