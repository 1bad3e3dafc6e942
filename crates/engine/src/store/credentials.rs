//! Credentials as they lie on disk: sealed bytes, and what may be shown without opening them.
//! Only the vault writes here.

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use wire::{AuthView, Error, IntegrationId, ScopeView, Time, Topic};

/// What is known of a credential without opening it. Written in the same commit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct About {
    pub auth: AuthView,
    pub scopes: Vec<ScopeView>,
    /// There is a revocation endpoint; its host.
    pub revokes_at: Option<String>,
    /// When the credential was given.
    pub issued_at: Option<Time>,
    /// When the access token ends.
    pub access_ends_at: Option<Time>,
    /// There is a refresh token.
    pub renews: bool,
    /// When the refresh token ends, where the server told.
    pub refresh_ends_at: Option<Time>,
}

/// How a credential is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Needs no secret.
    None,
    /// Sealed, under the keyring key of that generation.
    Sealed(Sealed),
    /// In memory of the run that saved it.
    Session,
}

/// Sealed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub key_generation: u64,
    pub wrapped_key: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// One credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CredentialRow {
    pub integration: IntegrationId,
    pub generation: u64,
    pub form: Form,
    /// A sealed credential stands or stood here.
    pub held: bool,
}

/// What may be shown of an integration's credential.
///
/// # Errors
/// `StoreFailed`.
pub fn about(connection: &Connection, id: IntegrationId) -> Result<Option<About>, Error> {
    connection
        .prepare_cached("select about from credentials where integration_id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([id.to_string()], |row| text::from_json(row, 0))
                .optional()
        })
        .map_err(failed)
}

/// The same of all, for the cards.
///
/// # Errors
/// `StoreFailed`.
pub fn about_all(connection: &Connection) -> Result<BTreeMap<IntegrationId, About>, Error> {
    connection
        .prepare_cached("select integration_id, about from credentials")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((text::id(row, 0)?, text::from_json(row, 1)?)))?
                .collect()
        })
        .map_err(failed)
}

/// The newest generation of an integration's credential: what `Vault::save` compares with.
///
/// # Errors
/// `StoreFailed`.
pub fn generation(connection: &Connection, id: IntegrationId) -> Result<Option<u64>, Error> {
    connection
        .prepare_cached("select generation from credentials where integration_id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([id.to_string()], |row| row.get(0))
                .optional()
        })
        .map_err(failed)
}

const COLUMNS: &str = "integration_id, generation, form, held, key_generation, wrapped_key, sealed";

pub(crate) fn find(
    connection: &Connection,
    id: IntegrationId,
) -> Result<Option<CredentialRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from credentials where integration_id = ?1"
        ))
        .and_then(|mut statement| statement.query_row([id.to_string()], read).optional())
        .map_err(failed)
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<CredentialRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from credentials order by integration_id"
        ))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(failed)
}

/// Id and generation of every sealed credential, without its bytes.
pub(crate) fn sealed(connection: &Connection) -> Result<Vec<(IntegrationId, u64)>, Error> {
    connection
        .prepare_cached("select integration_id, generation from credentials where form = 'sealed'")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((text::id(row, 0)?, row.get(1)?)))?
                .collect()
        })
        .map_err(failed)
}

/// Those that were kept in memory only.
pub(crate) fn of_one_run(connection: &Connection) -> Result<Vec<IntegrationId>, Error> {
    connection
        .prepare_cached("select integration_id from credentials where form = 'session'")
        .and_then(|mut statement| statement.query_map([], |row| text::id(row, 0))?.collect())
        .map_err(failed)
}

pub(crate) fn put(tx: &Tx<'_>, row: &CredentialRow, about: &About) -> Result<(), Error> {
    let (form, sealed) = match &row.form {
        Form::None => ("none", None),
        Form::Sealed(sealed) => ("sealed", Some(sealed)),
        Form::Session => ("session", None),
    };
    tx.prepare_cached(
        "insert into credentials (integration_id, generation, form, held, about, key_generation, \
         wrapped_key, sealed) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         on conflict (integration_id) do update set generation = excluded.generation, \
         form = excluded.form, held = max(held, excluded.held), about = excluded.about, \
         key_generation = excluded.key_generation, wrapped_key = excluded.wrapped_key, \
         sealed = excluded.sealed",
    )
    .map_err(failed)?
    .execute(params![
        row.integration.to_string(),
        row.generation,
        form,
        row.held,
        text::json(about)?,
        sealed.map(|sealed| sealed.key_generation),
        sealed.map(|sealed| &sealed.wrapped_key),
        sealed.map(|sealed| &sealed.sealed),
    ])
    .map_err(failed)?;
    tx.touch(Topic::Integrations);
    tx.touch(Topic::Integration(row.integration));
    Ok(())
}

/// Puts another wrapped key in the place of a credential's.
pub(crate) fn rewrap(
    tx: &Tx<'_>,
    id: IntegrationId,
    key_generation: u64,
    wrapped_key: &[u8],
) -> Result<(), Error> {
    tx.prepare_cached(
        "update credentials set key_generation = ?2, wrapped_key = ?3 \
         where integration_id = ?1 and form = 'sealed'",
    )
    .and_then(|mut statement| {
        statement.execute(params![id.to_string(), key_generation, wrapped_key])
    })
    .map(|_| ())
    .map_err(failed)
}

pub(crate) fn remove(tx: &Tx<'_>, id: IntegrationId) -> Result<(), Error> {
    tx.execute(
        "delete from credentials where integration_id = ?1",
        [id.to_string()],
    )
    .map(|_| ())
    .map_err(failed)
}

fn read(row: &Row<'_>) -> rusqlite::Result<CredentialRow> {
    let sealed = |row: &Row<'_>| -> rusqlite::Result<Sealed> {
        Ok(Sealed {
            key_generation: row.get(4)?,
            wrapped_key: row.get(5)?,
            sealed: row.get(6)?,
        })
    };
    let form = match row.get_ref(2)?.as_str()? {
        "none" => Form::None,
        "session" => Form::Session,
        _ => Form::Sealed(sealed(row)?),
    };
    Ok(CredentialRow {
        integration: text::id(row, 0)?,
        generation: row.get(1)?,
        form,
        held: row.get(3)?,
    })
}
