//! The schema, one migration after the other. A migration that has shipped never changes.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};
use wire::{Error, ErrorCode};

/// Migration `n` brings the schema from version `n` to `n + 1`; each runs in one transaction that
/// also writes `user_version`.
pub(super) const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("schema/1.sql")),
    M::up(include_str!("schema/2.sql")),
    M::up(include_str!("schema/3.sql")),
    M::up(include_str!("schema/4.sql")),
    M::up(include_str!("schema/5.sql")),
    M::up(include_str!("schema/6.sql")),
    M::up(include_str!("schema/7.sql")),
    M::up(include_str!("schema/8.sql")),
    M::up(include_str!("schema/9.sql")),
    M::up(include_str!("schema/10.sql")),
    M::up(include_str!("schema/11.sql")),
    M::up(include_str!("schema/12.sql")),
    M::up(include_str!("schema/13.sql")),
    M::up(include_str!("schema/14.sql")),
    M::up(include_str!("schema/15.sql")),
    M::up(include_str!("schema/16.sql")),
    M::up(include_str!("schema/17.sql")),
    M::up(include_str!("schema/18.sql")),
    M::up(include_str!("schema/19.sql")),
    M::up(include_str!("schema/20.sql")),
    M::up(include_str!("schema/21.sql")),
    M::up(include_str!("schema/22.sql")),
    M::up(include_str!("schema/23.sql")),
    M::up(include_str!("schema/24.sql")),
];

/// The version that this build knows.
pub const KNOWN: usize = MIGRATIONS.len();

/// The version of the data, 0 for a new file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // Nothing of ours writes a negative one: whoever did is newer than all we know.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Refuses data of a newer build.
pub(super) fn refuse_newer(found: usize, known: usize) -> Result<(), Error> {
    if found <= known {
        return Ok(());
    }
    Err(Error::new(ErrorCode::StoreNewer)
        .with("found", found.to_string())
        .with("known", known.to_string()))
}

/// Brings the data up to the last of `migrations`, one transaction for each.
pub(super) fn migrate(connection: &mut Connection, migrations: &[M<'_>]) -> Result<(), Error> {
    let all = Migrations::from_slice(migrations);
    for next in version(connection).map_err(super::failed)?..migrations.len() {
        all.to_version(connection, next + 1)
            .map_err(|error| match error {
                rusqlite_migration::Error::RusqliteError { err, .. } => super::failed(err),
                other => {
                    tracing::error!(error = %other, "migration failed");
                    Error::new(ErrorCode::StoreFailed)
                        .with("why", format!("the step to format {} failed", next + 1))
                }
            })?;
    }
    Ok(())
}
