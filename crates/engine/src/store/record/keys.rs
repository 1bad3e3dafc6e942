//! The keys that the record was chained with, as the vault sealed them. Only the vault writes here.

use super::{
    super::{Tx, failed, text},
    RecordKey,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use uuid::Uuid;
use wire::Error;

/// Keys that are read where the anchor says none: more than any record gets, one for each loss of the keyring.
const FIRST: i64 = 1_000;

/// The record's keys, by number, as far as they are known in this run.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    pub open: BTreeMap<i64, Arc<RecordKey>>,
    /// Those that it had too, which nothing opens now.
    pub lost: BTreeSet<i64>,
}

/// What a key's number stands for.
pub(crate) enum Named<'a> {
    Open(&'a RecordKey),
    /// What it signed cannot be checked.
    Lost,
    /// The record never had such a key: somebody made the number up.
    Unknown,
}

impl Keys {
    pub fn named(&self, n: i64) -> Named<'_> {
        match self.open.get(&n) {
            Some(key) => Named::Open(key),
            None if self.lost.contains(&n) => Named::Lost,
            None => Named::Unknown,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.lost.is_empty()
    }

    /// The highest number, 0 where there is none.
    pub fn last(&self) -> i64 {
        let open = self.open.last_key_value().map(|(n, _)| *n);
        open.max(self.lost.last().copied()).unwrap_or(0)
    }

    /// The one that rows are signed with: the newest of all, since no row of an earlier key follows one of a later,
    /// which is lost, say.
    pub fn newest(&self) -> Option<Arc<RecordKey>> {
        let (n, key) = self.open.last_key_value()?;
        (*n == self.last()).then(|| key.clone())
    }

    /// True where the record had keys, and none is left.
    pub fn all_lost(&self) -> bool {
        self.open.is_empty() && !self.lost.is_empty()
    }
}

/// One key, sealed as a credential is.
pub(crate) struct KeyRow {
    /// Counts up: rows of the record name it.
    pub n: i64,
    /// What its sealed bytes are bound to.
    pub id: Uuid,
    pub key_generation: u64,
    pub wrapped_key: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// True where there is any.
pub(crate) fn any(connection: &Connection) -> Result<bool, Error> {
    connection
        .query_row("select exists (select 1 from record_keys)", [], |row| {
            row.get(0)
        })
        .map_err(failed)
}

/// Those of the keys that the anchor keeps, or, where it keeps none, the first of all, the oldest first. What
/// else stands there is read by nobody, however much it is.
pub(crate) fn of(connection: &Connection, kept: &Keys) -> Result<Vec<KeyRow>, Error> {
    const ROWS: &str = "select n, id, key_generation, wrapped_key, sealed from record_keys";
    if kept.is_empty() {
        return connection
            .prepare_cached(&format!("{ROWS} where n > 0 order by n limit ?1"))
            .and_then(|mut statement| statement.query_map([FIRST], read)?.collect())
            .map_err(failed);
    }
    let numbers: BTreeSet<i64> = kept.open.keys().chain(&kept.lost).copied().collect();
    let mut statement = connection
        .prepare_cached(&format!("{ROWS} where n = ?1"))
        .map_err(failed)?;
    numbers
        .into_iter()
        .filter_map(|n| statement.query_row([n], read).optional().transpose())
        .collect::<rusqlite::Result<_>>()
        .map_err(failed)
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeyRow> {
    Ok(KeyRow {
        n: row.get(0)?,
        // What nobody of us wrote is read too: no key opens it, and it stands in no other's way.
        id: text::id(row, 1).unwrap_or_default(),
        key_generation: row.get(2).unwrap_or_default(),
        wrapped_key: row.get(3)?,
        sealed: row.get(4)?,
    })
}

/// Puts it in, in the place of any of its number.
pub(crate) fn put(tx: &Tx<'_>, row: &KeyRow) -> Result<(), Error> {
    tx.execute(
        "insert or replace into record_keys (n, id, key_generation, wrapped_key, sealed) \
         values (?1, ?2, ?3, ?4, ?5)",
        params![
            row.n,
            row.id.to_string(),
            row.key_generation,
            row.wrapped_key,
            row.sealed
        ],
    )
    .map(|_| ())
    .map_err(failed)
}

/// The same key, wrapped under another key of the keyring.
pub(crate) fn rewrap(tx: &Tx<'_>, n: i64, generation: u64, wrapped: &[u8]) -> Result<(), Error> {
    tx.execute(
        "update record_keys set key_generation = ?2, wrapped_key = ?3 where n = ?1",
        params![n, generation, wrapped],
    )
    .map(|_| ())
    .map_err(failed)
}
