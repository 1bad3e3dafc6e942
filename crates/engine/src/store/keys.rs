//! The vault's own rows: which items of the keyring this database knows, and what a Disconnect
//! still owes. Only the vault writes here.

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;
use wire::Error;

/// What a keyring item is to this database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyState {
    /// Being made: nothing is sealed under it. Deleted when found at a start.
    New,
    /// New credentials are sealed under it. At most one.
    Current,
    /// Credentials that cannot be read now may be sealed under it. Deleted by the next Disconnect.
    Aside,
    /// Nothing is sealed under it any more. Deleted as soon as the keyring answers.
    Old,
}

/// One of the keyring's items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRow {
    /// Counts up, never used twice in this database.
    pub generation: u64,
    /// The item's name: its generation, and random digits, so that no two databases (one restored
    /// from the other, say) ever share an item.
    pub item: String,
    pub state: KeyState,
}

/// The vault as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultRow {
    /// Which database this is.
    pub id: Uuid,
    /// How many changes (a Disconnect, a new key of the record) still want the log emptied and the backups
    /// renewed.
    pub owes_backup: u64,
}

pub(crate) fn vault(connection: &Connection) -> Result<Option<VaultRow>, Error> {
    connection
        .prepare_cached("select id, owes_backup from vault")
        .and_then(|mut statement| {
            statement
                .query_row([], |row| {
                    Ok(VaultRow {
                        // What is no id is another than this database's.
                        id: text::id(row, 0).unwrap_or_default(),
                        owes_backup: row.get(1)?,
                    })
                })
                .optional()
        })
        .map_err(failed)
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<KeyRow>, Error> {
    connection
        .prepare_cached("select generation, item, state from vault_keys order by generation")
        .and_then(|mut statement| {
            statement
                // What nobody of us wrote names no item, and makes no other unknown.
                .query_map([], |row| Ok(read(row).ok()))?
                .filter_map(Result::transpose)
                .collect()
        })
        .map_err(failed)
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeyRow> {
    Ok(KeyRow {
        generation: row.get(0)?,
        item: row.get(1)?,
        state: text::from_word(row, 2)?,
    })
}

/// Writes down that a key is about to be made, so that a crash leaves no item behind unknown.
/// `random` makes its name unlike any other.
pub(crate) fn prepare(tx: &Tx<'_>, random: u64) -> Result<KeyRow, Error> {
    tx.execute(
        "insert into vault (one, id, next_key, owes_backup) values (1, ?1, 1, 0) \
         on conflict do nothing",
        [Uuid::now_v7().to_string()],
    )
    .map_err(failed)?;
    let generation: u64 = tx
        .query_row(
            "update vault set next_key = next_key + 1 returning next_key - 1",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    let row = KeyRow {
        generation,
        item: format!("key-{generation}-{random:016x}"),
        state: KeyState::New,
    };
    add(tx, &row)?;
    Ok(row)
}

/// An item that was learned of from elsewhere (the anchor), kept until the next Disconnect.
pub(crate) fn adopt(tx: &Tx<'_>, item: &str) -> Result<(), Error> {
    tx.execute(
        "insert into vault_keys (generation, item, state) \
         select next_key, ?1, 'aside' from vault \
         where not exists (select 1 from vault_keys where item = ?1)",
        [item],
    )
    .map_err(failed)?;
    tx.execute(
        "update vault set next_key = 1 + (select coalesce(max(generation), 0) from vault_keys) \
         where next_key <= (select coalesce(max(generation), 0) from vault_keys)",
        [],
    )
    .map(|_| ())
    .map_err(failed)
}

fn add(tx: &Tx<'_>, row: &KeyRow) -> Result<(), Error> {
    tx.execute(
        "insert into vault_keys (generation, item, state) values (?1, ?2, ?3)",
        params![row.generation, row.item, text::word(&row.state)?],
    )
    .map(|_| ())
    .map_err(failed)
}

/// Makes `generation` the current one; what was current becomes `before`.
pub(crate) fn activate(tx: &Tx<'_>, generation: u64, before: KeyState) -> Result<(), Error> {
    tx.execute(
        "update vault_keys set state = ?1 where state = 'current'",
        [text::word(&before)?],
    )
    .map_err(failed)?;
    set_state(tx, generation, KeyState::Current)
}

/// Nothing that could be read is sealed under any key but the one that follows: what was kept aside
/// goes too.
pub(crate) fn retire_all(tx: &Tx<'_>) -> Result<(), Error> {
    tx.execute(
        "update vault_keys set state = 'old' where state in ('current', 'aside')",
        [],
    )
    .map(|_| ())
    .map_err(failed)
}

fn set_state(tx: &Tx<'_>, generation: u64, state: KeyState) -> Result<(), Error> {
    tx.execute(
        "update vault_keys set state = ?2 where generation = ?1",
        params![generation, text::word(&state)?],
    )
    .map(|_| ())
    .map_err(failed)
}

/// Nothing is known of it any more: its item is gone from the keyring.
pub(crate) fn forget(tx: &Tx<'_>, generation: u64) -> Result<(), Error> {
    tx.execute("delete from vault_keys where generation = ?1", [generation])
        .map(|_| ())
        .map_err(failed)
}

/// From now on no backup of before is any good.
pub(crate) fn owe_backup(tx: &Tx<'_>) -> Result<(), Error> {
    tx.execute("update vault set owes_backup = owes_backup + 1", [])
        .map(|_| ())
        .map_err(failed)
}

/// There is one of when `owed` was read: nothing is owed, unless something came since.
pub(crate) fn backed_up(tx: &Tx<'_>, owed: u64) -> Result<(), Error> {
    let settle = "update vault set owes_backup = 0 where owes_backup = ?1";
    tx.execute(settle, [owed]).map(|_| ()).map_err(failed)
}
