//! Crons, what they depend on, and their runs. The schema itself lets no moment run twice and no cron
//! run beside itself.

mod runs;

pub use runs::{
    RunRow, Started, begin, finish, interrupt, is_stopped, keep_calls, name_of_running, newest,
    newest_of, newest_started, running, stop,
};

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;
use wire::{
    AgentId, CronBrief, CronCall, CronId, Error, ErrorCode, IntegrationId, Missed, Pause, Time,
    Topic,
};

/// One cron as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronRow {
    pub id: CronId,
    pub name: String,
    /// Whose it is, and its name; `None`: the app's own.
    pub agent: Option<(AgentId, String)>,
    pub schedule: String,
    pub zone: String,
    pub calls: Vec<CronCall>,
    pub missed: Missed,
    pub limit_min: u32,
    pub created_at: Time,
    pub paused: Option<Pause>,
    /// When it is due; `None` where nothing is to come.
    pub next_at: Option<Time>,
    /// No moment of the schedule up to this one is begun any more.
    pub handled_at: Time,
    pub obstacle: Option<Error>,
}

/// What a cron depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependRow {
    pub integration: IntegrationId,
    pub integration_name: String,
    pub held_since: Option<Time>,
}

const COLUMNS: &str = "id, name, agent_id, agent_name, schedule, zone, calls, missed, limit_min, \
    created_at, paused_by, paused_at, next_at, handled_at, obstacle";

fn read(row: &Row<'_>) -> rusqlite::Result<CronRow> {
    let agent: Option<AgentId> = text::id_or_null(row, 2)?;
    let paused_by: Option<String> = row.get(10)?;
    let paused_at = row.get::<_, Option<i64>>(11)?.map(Time);
    Ok(CronRow {
        id: text::id(row, 0)?,
        name: row.get(1)?,
        agent: agent.zip(row.get::<_, Option<String>>(3)?),
        schedule: row.get(4)?,
        zone: row.get(5)?,
        calls: text::from_json(row, 6)?,
        missed: text::from_word(row, 7)?,
        limit_min: row.get(8)?,
        created_at: Time(row.get(9)?),
        paused: paused_by.zip(paused_at).map(|(by, at)| Pause { by, at }),
        next_at: row.get::<_, Option<i64>>(12)?.map(Time),
        handled_at: Time(row.get(13)?),
        obstacle: text::from_json_or_null(row, 14)?,
    })
}

/// Adds one, or writes every column of one that is there.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`, here and below.
pub fn put(tx: &Tx<'_>, row: &CronRow) -> Result<(), Error> {
    tx.prepare_cached(&format!(
        "insert into crons ({COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
         ?13, ?14, ?15) on conflict (id) do update set name = ?2, agent_id = ?3, agent_name = ?4, \
         schedule = ?5, zone = ?6, calls = ?7, missed = ?8, limit_min = ?9, paused_by = ?11, \
         paused_at = ?12, next_at = ?13, handled_at = ?14, obstacle = ?15"
    ))
    .map_err(failed)?
    .execute(params![
        row.id.to_string(),
        row.name,
        row.agent.as_ref().map(|(id, _)| id.to_string()),
        row.agent.as_ref().map(|(_, name)| name),
        row.schedule,
        row.zone,
        text::json(&row.calls)?,
        text::word(&row.missed)?,
        row.limit_min,
        row.created_at.0,
        row.paused.as_ref().map(|pause| &pause.by),
        row.paused.as_ref().map(|pause| pause.at.0),
        row.next_at.map(|at| at.0),
        row.handled_at.0,
        row.obstacle.as_ref().map(text::json).transpose()?,
    ])
    .map_err(failed)?;
    tx.touch(Topic::Crons);
    Ok(())
}

/// What it depends on from now on. Those that stay keep their hold.
pub fn set_depends(
    tx: &Tx<'_>,
    id: CronId,
    depends: &BTreeMap<IntegrationId, String>,
) -> Result<(), Error> {
    let before = depends_of(tx, id)?;
    for old in &before {
        if !depends.contains_key(&old.integration) {
            tx.prepare_cached(
                "delete from cron_depends where cron_id = ?1 and integration_id = ?2",
            )
            .map_err(failed)?
            .execute(params![id.to_string(), old.integration.to_string()])
            .map_err(failed)?;
        }
        touch(tx, old.integration);
    }
    for (integration, name) in depends {
        tx.prepare_cached(
            "insert into cron_depends (cron_id, integration_id, integration_name) values (?1, ?2, ?3) \
             on conflict (cron_id, integration_id) do update set integration_name = ?3",
        )
        .map_err(failed)?
        .execute(params![id.to_string(), integration.to_string(), name])
        .map_err(failed)?;
        touch(tx, *integration);
    }
    Ok(())
}

/// Every cron, by name without regard to case.
pub fn list(connection: &Connection) -> Result<Vec<CronRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from crons where deleted_at is null order by name collate nocase, id"
        ))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(failed)
}

/// One of them.
///
/// # Errors
/// `CronUnknown` where there is none, or it was deleted.
pub fn get(connection: &Connection, id: CronId) -> Result<CronRow, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from crons where id = ?1 and deleted_at is null"
        ))
        .and_then(|mut statement| statement.query_row([id.to_string()], read).optional())
        .map_err(failed)?
        .ok_or_else(|| Error::new(ErrorCode::CronUnknown))
}

/// Those that are due, the longest waiting first; not those that run.
pub fn due(connection: &Connection, now: Time, limit: usize) -> Result<Vec<CronRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from crons where next_at is not null and next_at <= ?1 \
             and not exists (select 1 from cron_runs \
                where cron_id = crons.id and outcome = 'running') \
             order by next_at limit ?2"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![now.0, i64::try_from(limit).unwrap_or(i64::MAX)],
                    read,
                )?
                .collect()
        })
        .map_err(failed)
}

/// When the next one is due, of those that do not run.
pub fn next_due(connection: &Connection) -> Result<Option<Time>, Error> {
    connection
        .prepare_cached(
            "select next_at from crons where next_at is not null and not exists (select 1 \
             from cron_runs where cron_id = crons.id and outcome = 'running') \
             order by next_at limit 1",
        )
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .map(|at: Option<i64>| at.map(Time))
        .map_err(failed)
}

/// Those whose handled moment lies after `now` by more than `by` milliseconds: the clock was wrong then.
pub fn ahead(connection: &Connection, now: Time, by: i64) -> Result<Vec<CronRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from crons where deleted_at is null and handled_at > ?1"
        ))
        .and_then(|mut statement| statement.query_map([now.plus(by).0], read)?.collect())
        .map_err(failed)
}

/// Why it did not start last; `None`: it did.
pub fn set_obstacle(tx: &Tx<'_>, id: CronId, obstacle: Option<&Error>) -> Result<(), Error> {
    tx.prepare_cached("update crons set obstacle = ?2 where id = ?1")
        .map_err(failed)?
        .execute(params![
            id.to_string(),
            obstacle.map(text::json).transpose()?
        ])
        .map_err(failed)?;
    tx.touch(Topic::Crons);
    Ok(())
}

/// Takes it away, so that it can be restored until it is purged.
pub fn delete(tx: &Tx<'_>, id: CronId, now: Time) -> Result<(), Error> {
    touch_depends(tx, id)?;
    tx.prepare_cached("update crons set deleted_at = ?2, next_at = null where id = ?1")
        .and_then(|mut statement| statement.execute(params![id.to_string(), now.0]))
        .map_err(failed)?;
    tx.touch(Topic::Crons);
    Ok(())
}

/// The same for every cron of an agent that was removed: nobody can ask for it any more.
pub fn delete_of(tx: &Tx<'_>, agent: AgentId, now: Time) -> Result<(), Error> {
    for row in list(tx)? {
        if row.agent.as_ref().is_some_and(|(id, _)| *id == agent) {
            delete(tx, row.id, now)?;
        }
    }
    Ok(())
}

/// The agent's cron of this name that was deleted while an admin or a failure had paused it.
pub fn deleted_paused(
    connection: &Connection,
    agent: AgentId,
    name: &str,
) -> Result<Option<CronId>, Error> {
    connection
        .prepare_cached(
            "select id from crons where agent_id = ?1 and name = ?2 and deleted_at is not null \
             and (paused_at is not null or exists (select 1 from cron_depends \
                where cron_id = crons.id and held_since is not null)) \
             order by deleted_at desc limit 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![agent.to_string(), name], |row| text::id(row, 0))
                .optional()
        })
        .map_err(failed)
}

/// Takes a deletion back.
///
/// # Errors
/// `CronUnknown` where it is purged.
pub fn restore(tx: &Tx<'_>, id: CronId) -> Result<CronRow, Error> {
    tx.prepare_cached("update crons set deleted_at = null where id = ?1")
        .and_then(|mut statement| statement.execute([id.to_string()]))
        .map_err(failed)?;
    touch_depends(tx, id)?;
    tx.touch(Topic::Crons);
    get(tx, id)
}

/// Removes for good what was deleted before `before`, with its runs.
pub fn purge(tx: &Tx<'_>, before: Time) -> Result<(), Error> {
    tx.prepare_cached("delete from crons where deleted_at < ?1")
        .and_then(|mut statement| statement.execute([before.0]))
        .map_err(failed)?;
    Ok(())
}

fn read_depend(row: &Row<'_>) -> rusqlite::Result<DependRow> {
    Ok(DependRow {
        integration: text::id(row, 0)?,
        integration_name: row.get(1)?,
        held_since: row.get::<_, Option<i64>>(2)?.map(Time),
    })
}

/// What one depends on, by name.
pub fn depends_of(connection: &Connection, id: CronId) -> Result<Vec<DependRow>, Error> {
    connection
        .prepare_cached(
            "select integration_id, integration_name, held_since from cron_depends \
             where cron_id = ?1 order by integration_name, integration_id",
        )
        .and_then(|mut statement| {
            statement
                .query_map([id.to_string()], read_depend)?
                .collect()
        })
        .map_err(failed)
}

/// What each depends on.
pub fn depends(connection: &Connection) -> Result<BTreeMap<CronId, Vec<DependRow>>, Error> {
    let mut all: BTreeMap<CronId, Vec<DependRow>> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached(
            "select integration_id, integration_name, held_since, cron_id from cron_depends \
             order by integration_name, integration_id",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| Ok((text::id(row, 3)?, read_depend(row)?)))
        .map_err(failed)?;
    for row in rows {
        let (id, depend) = row.map_err(failed)?;
        all.entry(id).or_default().push(depend);
    }
    Ok(all)
}

/// The crons of each integration, by name.
pub fn briefs(connection: &Connection) -> Result<BTreeMap<IntegrationId, Vec<CronBrief>>, Error> {
    let mut all: BTreeMap<IntegrationId, Vec<CronBrief>> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached(
            "select d.integration_id, c.id, c.name, d.held_since is not null, \
             c.paused_at is not null from cron_depends d join crons c on c.id = d.cron_id \
             where c.deleted_at is null order by c.name collate nocase, c.id",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| {
            let brief = CronBrief {
                id: text::id(row, 1)?,
                name: row.get(2)?,
                held: row.get(3)?,
                paused: row.get(4)?,
            };
            Ok((text::id(row, 0)?, brief))
        })
        .map_err(failed)?;
    for row in rows {
        let (id, brief) = row.map_err(failed)?;
        all.entry(id).or_default().push(brief);
    }
    Ok(all)
}

/// The crons of one integration, by name.
pub fn briefs_of(connection: &Connection, id: IntegrationId) -> Result<Vec<CronBrief>, Error> {
    connection
        .prepare_cached(
            "select c.id, c.name, d.held_since is not null, c.paused_at is not null \
             from cron_depends d join crons c on c.id = d.cron_id \
             where d.integration_id = ?1 and c.deleted_at is null \
             order by c.name collate nocase, c.id",
        )
        .and_then(|mut statement| {
            statement
                .query_map([id.to_string()], |row| {
                    Ok(CronBrief {
                        id: text::id(row, 0)?,
                        name: row.get(1)?,
                        held: row.get(2)?,
                        paused: row.get(3)?,
                    })
                })?
                .collect()
        })
        .map_err(failed)
}

/// The names of those that this integration's failure paused, and that only wait to be resumed.
pub fn waiting(connection: &Connection, id: IntegrationId) -> Result<Vec<String>, Error> {
    let all = briefs_of(connection, id)?;
    Ok(all
        .into_iter()
        .filter(CronBrief::waits)
        .map(|each| each.name)
        .collect())
}

/// Pauses every cron that depends on an integration which fails from now on.
pub fn hold(tx: &Tx<'_>, id: IntegrationId, now: Time) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update cron_depends set held_since = ?2 \
             where integration_id = ?1 and held_since is null",
        )
        .and_then(|mut statement| statement.execute(params![id.to_string(), now.0]))
        .map_err(failed)?;
    if done > 0 {
        tx.prepare_cached(
            "update crons set next_at = null where id in \
             (select cron_id from cron_depends where integration_id = ?1)",
        )
        .and_then(|mut statement| statement.execute([id.to_string()]))
        .map_err(failed)?;
        touch(tx, id);
    }
    Ok(())
}

/// The same of one cron that came to depend on it when it failed already.
pub fn hold_one(
    tx: &Tx<'_>,
    cron: CronId,
    integration: IntegrationId,
    now: Time,
) -> Result<(), Error> {
    tx.prepare_cached(
        "update cron_depends set held_since = coalesce(held_since, ?3)          where cron_id = ?1 and integration_id = ?2",
    )
    .and_then(|mut statement| {
        statement.execute(params![cron.to_string(), integration.to_string(), now.0])
    })
    .map_err(failed)?;
    touch(tx, integration);
    Ok(())
}

/// Lifts what an integration's failure paused; whose crons they are.
pub fn release(tx: &Tx<'_>, id: IntegrationId) -> Result<Vec<CronId>, Error> {
    let ids = tx
        .prepare_cached(
            "update cron_depends set held_since = null \
             where integration_id = ?1 and held_since is not null returning cron_id",
        )
        .and_then(|mut statement| {
            statement
                .query_map([id.to_string()], |row| text::id(row, 0))?
                .collect()
        })
        .map_err(failed)?;
    touch(tx, id);
    Ok(ids)
}

/// Lifts every pause by a failure of one cron.
pub fn release_one(tx: &Tx<'_>, id: CronId) -> Result<(), Error> {
    tx.prepare_cached("update cron_depends set held_since = null where cron_id = ?1")
        .and_then(|mut statement| statement.execute([id.to_string()]))
        .map_err(failed)?;
    touch_depends(tx, id)
}

fn touch_depends(tx: &Tx<'_>, id: CronId) -> Result<(), Error> {
    for each in depends_of(tx, id)? {
        touch(tx, each.integration);
    }
    Ok(())
}

/// Cards and notices name crons.
fn touch(tx: &Tx<'_>, id: IntegrationId) {
    tx.touch(Topic::Crons);
    tx.touch(Topic::Integrations);
    tx.touch(Topic::Integration(id));
    tx.touch(Topic::Notices);
}
