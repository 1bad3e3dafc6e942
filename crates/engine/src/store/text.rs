//! How values that are not SQLite's own stand in its columns: enums as their word in JSON,
//! structures as JSON, ids as their hyphenated text, times as milliseconds.

use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use std::str::FromStr;
use wire::{Error, ErrorCode};

/// A structure as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|_| Error::new(ErrorCode::Internal).with("why", "a row cannot be written as JSON"))
}

/// A unit enum as its bare word, without JSON's quotes.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String, Error> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

/// A column of JSON.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

/// A column of JSON that may be null.
pub(super) fn from_json_or_null<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => serde_json::from_str(text)
            .map(Some)
            .map_err(|e| unreadable(column, e)),
        None => Ok(None),
    }
}

/// A column that holds a unit enum's word.
pub(super) fn from_word<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|error| unreadable(column, error))
}

/// A column that holds an id.
pub(super) fn id<T: FromStr<Err = uuid::Error>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    row.get_ref(column)?
        .as_str()?
        .parse()
        .map_err(|error| unreadable(column, error))
}

/// A column that holds an id or null.
pub(super) fn id_or_null<T: FromStr<Err = uuid::Error>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|error| unreadable(column, error)),
        None => Ok(None),
    }
}

fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
