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

/// Whether it was read when arguments kept names that models refuse.
///
/// # Errors
/// `StoreFailed`.
pub fn names_as_before(conn: &Connection, id: IntegrationId) -> Result<bool, Error> {
    conn.prepare_cached(
        "select exists (select 1 from openapi_documents, json_each(operations) as operation, \
           json_each(operation.value, '$.parameters') as parameter \
           where integration_id = ?1 \
           and (parameter.value ->> 'argument' glob '*[^A-Za-z0-9_.-]*' \
             or length(parameter.value ->> 'argument') > 64))",
    )
    .and_then(|mut statement| statement.query_row([id.to_string()], |row| row.get(0)))
    .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("page.size_of-1", false)]
    #[case("page[size]", true)]
    #[case("名前", true)]
    #[case(&"x".repeat(65), true)]
    fn names_that_models_refuse_are_found(#[case] argument: &str, #[case] expected: bool) {
        let conn = Connection::open_in_memory().expect("a database");
        let id = IntegrationId(uuid::Uuid::now_v7());
        let operations = serde_json::json!([{ "parameters": [] }, { "parameters": [
            { "argument": "fine", "name": "fine[]" }, { "argument": argument } ] }]);
        conn.execute_batch("create table openapi_documents (integration_id text, operations text)")
            .expect("a table");
        conn.execute(
            "insert into openapi_documents values (?1, ?2)",
            params![id.to_string(), operations.to_string()],
        )
        .expect("a row");
        assert_eq!(names_as_before(&conn, id), Ok(expected));
        let other = IntegrationId(uuid::Uuid::now_v7());
        assert_eq!(names_as_before(&conn, other), Ok(false));
    }
}
