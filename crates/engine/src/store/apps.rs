//! App credentials as they lie on disk. Only the vault writes sealed bytes here.

use super::{Tx, credentials::Sealed, failed, text};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::{AppOwner, ClientAuth, Error, IntegrationId, Time, Topic};

/// One company's client at one provider or authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppRow {
    /// No integration's: what its secret is sealed under.
    pub id: IntegrationId,
    pub owner: AppOwner,
    pub client_id: String,
    pub client_auth: ClientAuth,
    pub saved_by: String,
    pub saved_at: Time,
    /// `None`: a public client.
    pub sealed: Option<Sealed>,
}

const COLUMNS: &str = "id, owner, client_id, client_auth, saved_by, saved_at, key_generation, \
                       wrapped_key, sealed";

pub(crate) fn all(connection: &Connection) -> Result<Vec<AppRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from app_credentials order by owner"
        ))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(failed)
}

pub(crate) fn find(connection: &Connection, owner: &AppOwner) -> Result<Option<AppRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from app_credentials where owner = ?1"
        ))
        .and_then(|mut statement| statement.query_row([key(owner)], read).optional())
        .map_err(failed)
}

/// Whether anything here is sealed.
pub(crate) fn any_sealed(connection: &Connection) -> Result<bool, Error> {
    connection
        .query_row(
            "select exists (select 1 from app_credentials where sealed is not null)",
            [],
            |row| row.get(0),
        )
        .map_err(failed)
}

/// Puts it in the place of the owner's one before.
pub(crate) fn put(tx: &Tx<'_>, row: &AppRow) -> Result<(), Error> {
    remove(tx, &row.owner)?;
    let sealed = row.sealed.as_ref();
    tx.execute(
        "insert into app_credentials (id, owner, client_id, client_auth, saved_by, saved_at, \
         key_generation, wrapped_key, sealed) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            row.id.to_string(),
            key(&row.owner),
            row.client_id,
            text::word(&row.client_auth)?,
            row.saved_by,
            row.saved_at.0,
            sealed.map(|sealed| sealed.key_generation),
            sealed.map(|sealed| &sealed.wrapped_key),
            sealed.map(|sealed| &sealed.sealed),
        ],
    )
    .map_err(failed)?;
    Ok(())
}

/// Puts another wrapped key in the place of a secret's.
pub(crate) fn rewrap(
    tx: &Tx<'_>,
    id: IntegrationId,
    key_generation: u64,
    wrapped_key: &[u8],
) -> Result<(), Error> {
    tx.execute(
        "update app_credentials set key_generation = ?2, wrapped_key = ?3 where id = ?1",
        params![id.to_string(), key_generation, wrapped_key],
    )
    .map(|_| ())
    .map_err(failed)
}

pub(crate) fn remove(tx: &Tx<'_>, owner: &AppOwner) -> Result<(), Error> {
    tx.execute("delete from app_credentials where owner = ?1", [key(owner)])
        .map_err(failed)?;
    tx.touch(Topic::App);
    Ok(())
}

fn key(owner: &AppOwner) -> String {
    match owner {
        AppOwner::Provider { id } => format!("provider:{id}"),
        AppOwner::Issuer { issuer } => format!("issuer:{issuer}"),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<AppRow> {
    let owner: String = row.get(1)?;
    let owner = match owner.split_once(':') {
        Some(("provider", id)) => AppOwner::Provider { id: id.to_owned() },
        Some((_, issuer)) => AppOwner::Issuer {
            issuer: issuer.to_owned(),
        },
        None => AppOwner::Issuer { issuer: owner },
    };
    let generation: Option<u64> = row.get(6)?;
    let sealed = match generation {
        None => None,
        Some(key_generation) => Some(Sealed {
            key_generation,
            wrapped_key: row.get(7)?,
            sealed: row.get(8)?,
        }),
    };
    Ok(AppRow {
        id: text::id(row, 0)?,
        owner,
        client_id: row.get(2)?,
        client_auth: text::from_word(row, 3)?,
        saved_by: row.get(4)?,
        saved_at: Time(row.get(5)?),
        sealed,
    })
}
