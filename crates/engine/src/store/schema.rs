//! The schema, one migration after the other. A migration that has shipped never changes.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};
use wire::{Error, ErrorCode};

/// Migration `n` brings the schema from version `n` to `n + 1`; each runs in one transaction that
/// also writes `user_version`.
const MIGRATIONS: &[M<'static>] = &[M::up(include_str!("schema/1.sql"))];

/// The version that this build knows.
pub const KNOWN: usize = MIGRATIONS.len();

/// The version of the data, 0 for a new file.
pub(super) fn version(connection: &Connection) -> Result<usize, Error> {
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(super::failed)?;
    usize::try_from(version)
        .map_err(|_| Error::new(ErrorCode::StoreFailed).with("why", "a negative schema version"))
}

/// Refuses data of a newer build.
pub(super) fn refuse_newer(found: usize) -> Result<(), Error> {
    if found <= KNOWN {
        return Ok(());
    }
    Err(Error::new(ErrorCode::StoreNewer)
        .with("found", found.to_string())
        .with("known", KNOWN.to_string()))
}

/// Brings the data to [`KNOWN`], one transaction for each step.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let migrations = Migrations::from_slice(MIGRATIONS);
    for next in version(connection)?..KNOWN {
        migrations.to_version(connection, next + 1).map_err(|error| match error {
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
