//! Agents: who may call through the gateway. Their tokens are here as hashes only.

mod chosen;

pub use chosen::{all_chosen, choose, chosen_of, has};

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::{AgentId, AgentView, Error, Time, Topic};

const COLUMNS: &str =
    "id, name, integrations, read_only, paired_at, expires_at, last_used_at, calls";

fn read(row: &Row<'_>) -> rusqlite::Result<AgentView> {
    Ok(AgentView {
        id: text::id(row, 0)?,
        name: row.get(1)?,
        integrations: text::from_json_or_null(row, 2)?,
        read_only: row.get(3)?,
        paired_at: Time(row.get(4)?),
        expires_at: row.get::<_, Option<i64>>(5)?.map(Time),
        last_used_at: row.get::<_, Option<i64>>(6)?.map(Time),
        calls: row.get(7)?,
    })
}

/// Adds one, known by the SHA-256 of its token.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn add(tx: &Tx<'_>, agent: &AgentView, token_hash: &[u8; 32]) -> Result<(), Error> {
    tx.execute(
        "insert into agents (id, name, token_hash, integrations, read_only, paired_at, expires_at, \
         last_used_at, calls) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            agent.id.to_string(),
            agent.name,
            token_hash,
            agent.integrations.as_ref().map(text::json).transpose()?,
            agent.read_only,
            agent.paired_at.0,
            agent.expires_at.map(|at| at.0),
            agent.last_used_at.map(|at| at.0),
            agent.calls,
        ],
    )
    .map_err(failed)?;
    tx.touch(Topic::Agents);
    Ok(())
}

/// Every agent, newest first.
///
/// # Errors
/// `StoreFailed`.
pub fn list(connection: &Connection) -> Result<Vec<AgentView>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from agents order by paired_at desc, id desc"
        ))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(failed)
}

/// One, while it is paired.
///
/// # Errors
/// `StoreFailed`.
pub fn find(connection: &Connection, id: AgentId) -> Result<Option<AgentView>, Error> {
    connection
        .prepare_cached(&format!("select {COLUMNS} from agents where id = ?1"))
        .and_then(|mut statement| statement.query_row([id.to_string()], read).optional())
        .map_err(failed)
}

/// Which integrations it may use, and whether only what reads, as `agent` says it.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn set_use(tx: &Tx<'_>, agent: &AgentView) -> Result<(), Error> {
    tx.execute(
        "update agents set integrations = ?2, read_only = ?3 where id = ?1",
        params![
            agent.id.to_string(),
            agent.integrations.as_ref().map(text::json).transpose()?,
            agent.read_only,
        ],
    )
    .map_err(failed)?;
    tx.touch(Topic::Agents);
    Ok(())
}

/// Every agent with its token's SHA-256, whether its time is over or not.
///
/// # Errors
/// `StoreFailed`.
pub fn by_token(connection: &Connection) -> Result<Vec<([u8; 32], AgentView)>, Error> {
    connection
        .prepare_cached(&format!("select {COLUMNS}, token_hash from agents"))
        .and_then(|mut statement| {
            let all = statement.query_map([], |row| Ok((row.get(8)?, read(row)?)))?;
            all.collect()
        })
        .map_err(failed)
}

/// So many calls that it asked for are over, the last of them then.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(super) fn count_calls(tx: &Tx<'_>, id: AgentId, calls: u32, last: Time) -> Result<(), Error> {
    tx.prepare_cached(
        "update agents set calls = calls + ?2, \
         last_used_at = max(coalesce(last_used_at, ?3), ?3) where id = ?1",
    )
    .map_err(failed)?
    .execute(params![id.to_string(), calls, last.0])
    .map_err(failed)?;
    tx.touch(Topic::Agents);
    Ok(())
}

/// A new token, known by its SHA-256, and when that ends. Whose the one of before was stays known.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn renew(
    tx: &Tx<'_>,
    agent: &AgentView,
    token_hash: &[u8; 32],
    now: Time,
) -> Result<(), Error> {
    retire_token(tx, agent.id, now)?;
    tx.execute(
        "update agents set token_hash = ?2, expires_at = ?3 where id = ?1",
        params![
            agent.id.to_string(),
            token_hash,
            agent.expires_at.map(|at| at.0),
        ],
    )
    .map_err(failed)?;
    tx.touch(Topic::Agents);
    Ok(())
}

/// The SHA-256 of its token, while it is paired.
///
/// # Errors
/// `StoreFailed`.
pub fn token_of(connection: &Connection, id: AgentId) -> Result<Option<[u8; 32]>, Error> {
    connection
        .prepare_cached("select token_hash from agents where id = ?1")
        .and_then(|mut statement| {
            let hash = statement.query_row([id.to_string()], |row| row.get(0));
            hash.optional()
        })
        .map_err(failed)
}

fn retire_token(tx: &Tx<'_>, id: AgentId, now: Time) -> Result<(), Error> {
    tx.execute(
        "insert into removed_agents (token_hash, name, removed_at) \
         select token_hash, name, ?2 from agents where id = ?1",
        params![id.to_string(), now.0],
    )
    .map(drop)
    .map_err(failed)
}

/// Removes it; its name, where there was one. Whose its token was stays known.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn remove(tx: &Tx<'_>, id: AgentId, now: Time) -> Result<Option<String>, Error> {
    retire_token(tx, id, now)?;
    let name = tx
        .query_row(
            "delete from agents where id = ?1 returning name",
            [id.to_string()],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?;
    tx.touch(Topic::Agents);
    Ok(name)
}

/// The names of agents that were removed or have a new token, each with the SHA-256 of the one of before.
///
/// # Errors
/// `StoreFailed`.
pub fn removed(connection: &Connection) -> Result<Vec<([u8; 32], String)>, Error> {
    connection
        .prepare_cached("select token_hash, name from removed_agents")
        .and_then(|mut statement| {
            let all = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            all.collect()
        })
        .map_err(failed)
}

/// Forgets those of before then; how many.
///
/// # Errors
/// `StoreUnwritable`.
pub fn forget_removed(tx: &Tx<'_>, before: Time) -> Result<usize, Error> {
    tx.execute(
        "delete from removed_agents where removed_at < ?1",
        [before.0],
    )
    .map_err(failed)
}
