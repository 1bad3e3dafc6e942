//! Tools: what the last probe of each integration found, in the server's order.

use super::{Tx, failed, pins::Pin, text};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
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
    /// The canonical JSON that the hash is of, as the server told it; `None` where no server did.
    pub told: Option<String>,
}

impl ToolRow {
    /// The pin of the tool as it is told now.
    #[must_use]
    pub fn pin(&self) -> Pin {
        Pin {
            hash: self.hash.clone(),
            told: self.told.clone(),
        }
    }
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
             annotations, hash, risk, told) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
                tool.told,
            ])
            .map_err(failed)?;
    }
    tx.touch(Topic::Integrations);
    tx.touch(Topic::Integration(id));
    Ok(())
}

const COLUMNS: &str = "name, title, description, input_schema, annotations, hash, risk, told";

fn read(row: &Row<'_>) -> rusqlite::Result<ToolRow> {
    Ok(ToolRow {
        name: row.get(0)?,
        title: row.get(1)?,
        description: row.get(2)?,
        input_schema_json: row.get(3)?,
        annotations_json: row.get(4)?,
        hash: row.get(5)?,
        risk: text::from_word(row, 6)?,
        told: row.get(7)?,
    })
}

/// Whether the schema of any of its tools holds this text.
///
/// # Errors
/// `StoreFailed`.
pub fn any_with(connection: &Connection, id: IntegrationId, text: &str) -> Result<bool, Error> {
    connection
        .prepare_cached(
            "select exists (select 1 from tools where integration_id = ?1 \
             and instr(input_schema, ?2) > 0)",
        )
        .and_then(|mut statement| {
            statement.query_row(params![id.to_string(), text], |row| row.get(0))
        })
        .map_err(failed)
}

/// An integration's tools, in the server's order.
///
/// # Errors
/// `StoreFailed`.
pub fn list(connection: &Connection, id: IntegrationId) -> Result<Vec<ToolRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from tools where integration_id = ?1 order by position"
        ))
        .and_then(|mut statement| statement.query_map([id.to_string()], read)?.collect())
        .map_err(failed)
}

/// One tool, where the integration has it.
///
/// # Errors
/// `StoreFailed`.
pub fn find(
    connection: &Connection,
    id: IntegrationId,
    name: &str,
) -> Result<Option<ToolRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from tools where integration_id = ?1 and name = ?2"
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![id.to_string(), name], read)
                .optional()
        })
        .map_err(failed)
}

/// What finding the tool that is called takes: a tool without its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub integration: IntegrationId,
    pub name: String,
    pub risk: Risk,
    /// An admin has not taken it as it is told now.
    pub held: bool,
}

/// Every tool, in the servers' order.
///
/// # Errors
/// `StoreFailed`.
pub fn names(connection: &Connection) -> Result<Vec<Named>, Error> {
    named(connection, "order by t.integration_id, t.position", [])
}

/// The same of one integration.
///
/// # Errors
/// `StoreFailed`.
pub fn names_of(connection: &Connection, id: IntegrationId) -> Result<Vec<Named>, Error> {
    let which = "where t.integration_id = ?1 order by t.position";
    named(connection, which, [id.to_string()])
}

/// The same of one tool: one at most.
///
/// # Errors
/// `StoreFailed`.
pub fn name(connection: &Connection, id: IntegrationId, tool: &str) -> Result<Vec<Named>, Error> {
    let which = "where t.integration_id = ?1 and t.name = ?2";
    named(connection, which, [id.to_string().as_str(), tool])
}

fn named(
    connection: &Connection,
    which: &str,
    with: impl rusqlite::Params,
) -> Result<Vec<Named>, Error> {
    connection
        .prepare_cached(&format!(
            "select t.integration_id, t.name, t.risk, p.hash is not t.hash from tools t \
             left join tool_pins p on p.integration_id = t.integration_id and p.name = t.name \
             {which}"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(with, |row| {
                    Ok(Named {
                        integration: text::id(row, 0)?,
                        name: row.get(1)?,
                        risk: text::from_word(row, 2)?,
                        held: row.get(3)?,
                    })
                })?
                .collect()
        })
        .map_err(failed)
}

/// The hash of every tool as it is told now.
///
/// # Errors
/// `StoreFailed`.
pub fn hashes(
    connection: &Connection,
) -> Result<BTreeMap<IntegrationId, BTreeMap<String, String>>, Error> {
    let mut statement = connection
        .prepare_cached("select integration_id, name, hash from tools")
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| Ok((text::id(row, 0)?, row.get(1)?, row.get(2)?)))
        .map_err(failed)?;
    let mut found: BTreeMap<IntegrationId, BTreeMap<String, String>> = BTreeMap::new();
    for row in rows {
        let (id, name, hash) = row.map_err(failed)?;
        found.entry(id).or_default().insert(name, hash);
    }
    Ok(found)
}

/// How many tools an integration has, and the names of the first three that can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub count: u32,
    /// Of these, those that are held back.
    pub held: u32,
    pub first: Vec<String>,
}

/// The summary of every integration that has tools, for the cards.
///
/// # Errors
/// `StoreFailed`.
pub fn summaries(connection: &Connection) -> Result<BTreeMap<IntegrationId, Summary>, Error> {
    const FIRST: usize = 3;
    let mut found: BTreeMap<IntegrationId, Summary> = BTreeMap::new();
    for tool in names(connection)? {
        let summary = found.entry(tool.integration).or_default();
        summary.count += 1;
        if tool.held {
            summary.held += 1;
        } else if summary.first.len() < FIRST {
            summary.first.push(tool.name);
        }
    }
    Ok(found)
}
