//! Whether the tables that the record lies in are those that the app makes.
//!
//! The walk reads rows by their place, Activity and exports by an index: an index that leaves a row out, or a
//! view in a table's place, would hide from an admin what the walk finds whole.

use super::super::{failed, schema};
use rusqlite::Connection;
use std::collections::BTreeSet;
use wire::Error;

/// The tables of which each index must have each row, and each column what it may hold.
const CHECKED: [&str; 7] = [
    "calls",
    "outcomes",
    "open_calls",
    "record_keys",
    "record_base",
    "record_head",
    "tombstones",
];

/// True where nothing was made, changed or taken away that only migrations make, and the record's indexes have
/// what its tables have. Reads all of both.
///
/// # Errors
/// `StoreFailed`.
pub(crate) fn are_ours(connection: &Connection) -> Result<bool, Error> {
    let mut made = Connection::open_in_memory().map_err(failed)?;
    schema::migrate(&mut made, schema::MIGRATIONS)?;
    if objects(&made)? != objects(connection)? {
        return Ok(false);
    }
    for table in CHECKED {
        let said: String = connection
            .query_row(&format!("pragma integrity_check({table})"), [], |row| {
                row.get(0)
            })
            .map_err(failed)?;
        if said != "ok" {
            tracing::error!(table, said, "the record's table does not fit its indexes");
            return Ok(false);
        }
    }
    Ok(true)
}

/// Every table, index, trigger and view, as it was made; not what `analyze` keeps for itself.
fn objects(connection: &Connection) -> Result<BTreeSet<[Option<String>; 4]>, Error> {
    connection
        .prepare(
            "select type, name, tbl_name, sql from sqlite_schema \
             where not (type = 'table' and name in ('sqlite_stat1', 'sqlite_stat4'))",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
                })?
                .collect()
        })
        .map_err(failed)
}
