//! Settings: one JSON value for each key.

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};
use wire::{Error, Topic};

/// The value of `key`; `None` where it was never set.
///
/// # Errors
/// `StoreFailed`, also where the value is not a `T`.
pub fn get<T: DeserializeOwned>(connection: &Connection, key: &str) -> Result<Option<T>, Error> {
    connection
        .prepare_cached("select value from settings where key = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([key], |row| text::from_json(row, 0))
                .optional()
        })
        .map_err(failed)
}

/// Sets `key`.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn set<T: Serialize>(tx: &Tx<'_>, key: &str, value: &T) -> Result<(), Error> {
    tx.prepare_cached(
        "insert into settings (key, value) values (?1, ?2) \
         on conflict (key) do update set value = excluded.value",
    )
    .map_err(failed)?
    .execute(params![key, text::json(value)?])
    .map_err(failed)?;
    tx.touch(Topic::App);
    Ok(())
}

/// As if it had never been set.
///
/// # Errors
/// `StoreUnwritable`.
pub fn remove(tx: &Tx<'_>, key: &str) -> Result<(), Error> {
    tx.execute("delete from settings where key = ?1", [key])
        .map_err(failed)?;
    tx.touch(Topic::App);
    Ok(())
}
