//! The app's database, read from outside while the app runs.

use super::Desktop;
use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags, types::Value};

/// Every row that a query finds, as it is stored.
pub fn rows(desktop: &Desktop, query: &str) -> Result<Vec<Vec<Value>>> {
    let file = desktop.data().join("chief.db");
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(query)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns).map(|column| row.get(column)).collect()
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many rows a table holds.
pub fn count(desktop: &Desktop, table: &str) -> Result<usize> {
    Ok(rows(desktop, &format!("select 1 from {table}"))?.len())
}

/// What the record says was done, oldest first.
pub fn actions(desktop: &Desktop) -> Result<Vec<String>> {
    let rows = rows(desktop, "select action from calls order by at, id")?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.into_iter().next() {
            Some(Value::Text(action)) => Some(action),
            _ => None,
        })
        .collect())
}

/// The credentials as they are sealed on disk.
pub fn credentials(desktop: &Desktop) -> Result<Vec<Vec<Value>>> {
    rows(desktop, "select * from credentials order by integration_id")
}

/// What the desktop calls the popup that is shown: the last part of the handle that was kept.
pub fn popup(desktop: &Desktop) -> Result<String> {
    let query = "select handle from deliveries where channel = 'native' and handle is not null";
    let rows = rows(desktop, query)?;
    let handle = match rows.first().and_then(|row| row.first()) {
        Some(Value::Text(handle)) => handle.clone(),
        other => anyhow::bail!("no handle: {other:?}"),
    };
    let id = handle.rsplit('/').next().context("an id")?;
    Ok(id.to_owned())
}
