//! Sign-ins that wait for a link, as they lie on disk. Only the vault writes sealed bytes here.

use super::{Tx, credentials::Sealed, failed, text};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::{AttemptId, Error, Time};

/// One attempt that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingRow {
    pub id: AttemptId,
    /// Nothing is done with it from then on.
    pub ends_at: Time,
    /// `None`: credentials were kept for that run only.
    pub sealed: Option<Sealed>,
}

const COLUMNS: &str = "id, ends_at, key_generation, wrapped_key, sealed";

pub(crate) fn all(connection: &Connection) -> Result<Vec<WaitingRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from waiting_sign_ins order by id"
        ))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(failed)
}

pub(crate) fn find(connection: &Connection, id: AttemptId) -> Result<Option<WaitingRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from waiting_sign_ins where id = ?1"
        ))
        .and_then(|mut statement| statement.query_row([id.to_string()], read).optional())
        .map_err(failed)
}

pub(crate) fn add(tx: &Tx<'_>, row: &WaitingRow) -> Result<(), Error> {
    let sealed = row.sealed.as_ref();
    tx.execute(
        "insert into waiting_sign_ins (id, ends_at, key_generation, wrapped_key, sealed) \
         values (?1, ?2, ?3, ?4, ?5)",
        params![
            row.id.to_string(),
            row.ends_at.0,
            sealed.map(|sealed| sealed.key_generation),
            sealed.map(|sealed| &sealed.wrapped_key),
            sealed.map(|sealed| &sealed.sealed),
        ],
    )
    .map(|_| ())
    .map_err(failed)
}

/// Puts another wrapped key in the place of one's.
pub(crate) fn rewrap(
    tx: &Tx<'_>,
    id: AttemptId,
    key_generation: u64,
    wrapped_key: &[u8],
) -> Result<(), Error> {
    tx.execute(
        "update waiting_sign_ins set key_generation = ?2, wrapped_key = ?3 where id = ?1",
        params![id.to_string(), key_generation, wrapped_key],
    )
    .map(|_| ())
    .map_err(failed)
}

/// True where it was there.
pub(crate) fn remove(tx: &Tx<'_>, id: AttemptId) -> Result<bool, Error> {
    tx.execute(
        "delete from waiting_sign_ins where id = ?1",
        [id.to_string()],
    )
    .map(|gone| gone > 0)
    .map_err(failed)
}

fn read(row: &Row<'_>) -> rusqlite::Result<WaitingRow> {
    let generation: Option<u64> = row.get(2)?;
    let sealed = match generation {
        None => None,
        Some(key_generation) => Some(Sealed {
            key_generation,
            wrapped_key: row.get(3)?,
            sealed: row.get(4)?,
        }),
    };
    Ok(WaitingRow {
        id: text::id(row, 0)?,
        ends_at: Time(row.get(1)?),
        sealed,
    })
}
