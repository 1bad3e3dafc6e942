//! Pins: what each tool told of itself when an admin took it.

use super::{Tx, failed};
use crate::connectors::sha256;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;
use wire::{Error, IntegrationId, Topic};

/// One tool as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// SHA-256 in hex.
    pub hash: String,
    /// The canonical JSON that the hash is of, where it is known.
    pub told: Option<String>,
}

impl Pin {
    /// Whether a tool with this hash is the one that was taken. A pin that cannot be read, since its
    /// text is not what its hash is of, holds nothing.
    #[must_use]
    pub fn holds(&self, hash: &str) -> bool {
        self.hash == hash
            && self
                .told
                .as_ref()
                .is_none_or(|told| sha256(told) == self.hash)
    }
}

fn read(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Pin> {
    Ok(Pin {
        hash: row.get(first)?,
        told: row.get(first + 1)?,
    })
}

/// One tool's pin.
///
/// # Errors
/// `StoreFailed`.
pub fn find(connection: &Connection, id: IntegrationId, name: &str) -> Result<Option<Pin>, Error> {
    connection
        .prepare_cached("select hash, told from tool_pins where integration_id = ?1 and name = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![id.to_string(), name], |row| read(row, 0))
                .optional()
        })
        .map_err(failed)
}

/// Every pin of an integration, by the tool's name.
///
/// # Errors
/// `StoreFailed`.
pub fn list(connection: &Connection, id: IntegrationId) -> Result<BTreeMap<String, Pin>, Error> {
    connection
        .prepare_cached("select name, hash, told from tool_pins where integration_id = ?1")
        .and_then(|mut statement| {
            statement
                .query_map([id.to_string()], |row| Ok((row.get(0)?, read(row, 1)?)))?
                .collect()
        })
        .map_err(failed)
}

/// Takes a tool as it is told now, in the place of what was taken before.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn put(tx: &Tx<'_>, id: IntegrationId, name: &str, pin: &Pin) -> Result<(), Error> {
    tx.prepare_cached(
        "insert or replace into tool_pins (integration_id, name, hash, told) values (?1, ?2, ?3, ?4)",
    )
    .map_err(failed)?
    .execute(params![id.to_string(), name, pin.hash, pin.told])
    .map_err(failed)?;
    tx.touch(Topic::Integrations);
    tx.touch(Topic::Integration(id));
    Ok(())
}
