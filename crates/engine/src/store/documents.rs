//! OpenAPI documents: what was read of the one that each custom API's tools are from.

use super::{Tx, failed, text};
use crate::connectors::openapi::Operation;
use rusqlite::{Connection, OptionalExtension, params};
use wire::{Error, ErrorCode, ImportedView, IntegrationId, Time, Topic};

/// Bytes of one document's operations as JSON, at most. What is read of a document stays below it
/// (`connectors::openapi`); this keeps a bug from filling the disk.
const MAX_BYTES: usize = 64 << 20;

/// Puts a document in the place of the integration's own.
///
/// # Errors
/// `StoreFailed` where the integration is gone, or the operations are over the limit.
pub fn put(
    tx: &Tx<'_>,
    id: IntegrationId,
    about: &ImportedView,
    operations: &[Operation],
) -> Result<(), Error> {
    let operations = text::json(&operations)?;
    if operations.len() > MAX_BYTES {
        return Err(Error::new(ErrorCode::StoreFailed).with("why", "the document is too large"));
    }
    tx.prepare_cached(
        "insert or replace into openapi_documents \
           (integration_id, title, version, source, imported_at, operations) \
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            id.to_string(),
            about.title,
            about.version,
            about.source,
            about.imported_at.0,
            operations,
        ])
    })
    .map_err(failed)?;
    tx.touch(Topic::Integration(id));
    Ok(())
}

/// What is shown of an integration's document.
///
/// # Errors
/// `StoreFailed`.
pub fn about(conn: &Connection, id: IntegrationId) -> Result<Option<ImportedView>, Error> {
    conn.prepare_cached(
        "select title, version, source, imported_at from openapi_documents where integration_id = ?1",
    )
    .and_then(|mut statement| {
        statement
            .query_row([id.to_string()], |row| {
                Ok(ImportedView {
                    title: row.get(0)?,
                    version: row.get(1)?,
                    source: row.get(2)?,
                    imported_at: Time(row.get(3)?),
                })
            })
            .optional()
    })
    .map_err(failed)
}

/// Its operations.
///
/// # Errors
/// `StoreFailed`, also where the integration has none.
pub fn operations(conn: &Connection, id: IntegrationId) -> Result<Vec<Operation>, Error> {
    conn.prepare_cached("select operations from openapi_documents where integration_id = ?1")
        .and_then(|mut statement| {
            statement.query_row([id.to_string()], |row| text::from_json(row, 0))
        })
        .map_err(failed)
}
