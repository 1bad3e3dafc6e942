//! Tools: what the last probe of each integration found, in the server's order.

use super::{Tx, failed, text};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use wire::{Error, IntegrationId, Risk, Topic};

/// One tool. All text is the server's: inert and capped before it comes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRow {
    pub name: String,
    pub title: Option<String>,
    pub description: String,
    /// JSON Schema.
    pub input_schema_json: String,
    /// The server's hints, as JSON.
    pub annotations_json: String,
    /// SHA-256 in hex of what the tool promised at the probe.
    pub hash: String,
    pub risk: Risk,
}

/// Puts `tools` in the place of what was known.
///
/// # Errors
/// `StoreFailed` where the integration is gone or a name stands twice.
pub fn replace(tx: &Tx<'_>, id: IntegrationId, tools: &[ToolRow]) -> Result<(), Error> {
    tx.execute(
        "delete from tools where integration_id = ?1",
        [id.to_string()],
    )
    .map_err(failed)?;
    let mut statement = tx
        .prepare_cached(
            "insert into tools (integration_id, position, name, title, description, input_schema, \
             annotations, hash, risk) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .map_err(failed)?;
    for (position, tool) in (0_i64..).zip(tools) {
        statement
            .execute(params![
                id.to_string(),
                position,
                tool.name,
                tool.title,
                tool.description,
                tool.input_schema_json,
                tool.annotations_json,
                tool.hash,
                text::word(&tool.risk)?,
            ])
            .map_err(failed)?;
    }
    tx.touch(Topic::Integrations);
    tx.touch(Topic::Integration(id));
    Ok(())
}

/// An integration's tools, in the server's order.
///
/// # Errors
/// `StoreFailed`.
pub fn list(connection: &Connection, id: IntegrationId) -> Result<Vec<ToolRow>, Error> {
    connection
        .prepare_cached(
            "select name, title, description, input_schema, annotations, hash, risk from tools \
             where integration_id = ?1 order by position",
        )
        .and_then(|mut statement| {
            statement
                .query_map([id.to_string()], |row| {
                    Ok(ToolRow {
                        name: row.get(0)?,
                        title: row.get(1)?,
                        description: row.get(2)?,
                        input_schema_json: row.get(3)?,
                        annotations_json: row.get(4)?,
                        hash: row.get(5)?,
                        risk: text::from_word(row, 6)?,
                    })
                })?
                .collect()
        })
        .map_err(failed)
}

/// Whether an integration has this tool.
///
/// # Errors
/// `StoreFailed`.
pub fn has(connection: &Connection, id: IntegrationId, name: &str) -> Result<bool, Error> {
    connection
        .prepare_cached("select 1 from tools where integration_id = ?1 and name = ?2")
        .and_then(|mut statement| statement.exists(params![id.to_string(), name]))
        .map_err(failed)
}

/// Every tool's integration, name and risk, without its texts, in the servers' order: what finding the
/// one that is called takes.
///
/// # Errors
/// `StoreFailed`.
pub fn names(connection: &Connection) -> Result<Vec<(IntegrationId, String, Risk)>, Error> {
    connection
        .prepare_cached(
            "select integration_id, name, risk from tools order by integration_id, position",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    Ok((text::id(row, 0)?, row.get(1)?, text::from_word(row, 2)?))
                })?
                .collect()
        })
        .map_err(failed)
}

/// How many tools an integration has, and the names of the first three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub count: u32,
    pub first: Vec<String>,
}

/// The summary of every integration that has tools, for the cards.
///
/// # Errors
/// `StoreFailed`.
pub fn summaries(connection: &Connection) -> Result<BTreeMap<IntegrationId, Summary>, Error> {
    const FIRST: usize = 3;
    let mut found: BTreeMap<IntegrationId, Summary> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached("select integration_id, name from tools order by integration_id, position")
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| Ok((text::id(row, 0)?, row.get::<_, String>(1)?)))
        .map_err(failed)?;
    for row in rows {
        let (id, name) = row.map_err(failed)?;
        let summary = found.entry(id).or_default();
        summary.count += 1;
        if summary.first.len() < FIRST {
            summary.first.push(name);
        }
    }
    Ok(found)
}
