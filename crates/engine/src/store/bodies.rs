//! What calls said, secrets hidden, where an integration's setting says so: beside the record, no part of
//! its chain, and gone after a time of its own.

use super::{Tx, failed};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use wire::{BodiesView, CallId, Error, IntegrationId, Time, Topic};

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What one call said. JSON, capped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    pub sent: Option<String>,
    pub got: Option<String>,
}

/// For how many days bodies of this integration's calls are kept; `None`: they are not.
///
/// # Errors
/// `StoreFailed`.
pub fn days(connection: &Connection, id: IntegrationId) -> Result<Option<u32>, Error> {
    connection
        .prepare_cached("select days from body_settings where integration_id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([id.to_string()], |row| row.get(0))
                .optional()
        })
        .map_err(failed)
}

/// Sets it. What is kept already goes earlier where it is shorter, and at once where it is `None`.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn set_days(tx: &Tx<'_>, id: IntegrationId, days: Option<u32>) -> Result<(), Error> {
    let id = id.to_string();
    match days {
        Some(days) => tx
            .execute(
                "insert into body_settings (integration_id, days) values (?1, ?2) \
                 on conflict (integration_id) do update set days = excluded.days",
                params![id, days],
            )
            .and_then(|_| {
                let kept = i64::from(days) * DAY_MS;
                tx.execute(
                    "update bodies set until = min(until, at + ?2) where integration_id = ?1",
                    params![id, kept],
                )
            }),
        None => tx
            .execute("delete from body_settings where integration_id = ?1", [&id])
            .and_then(|_| tx.execute("delete from bodies where integration_id = ?1", [&id])),
    }
    .map(|_| tx.touch(Topic::Activity))
    .map_err(failed)
}

/// Keeps what a call said, for as many days as its integration's setting says now; not at all where it says
/// nothing any more.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn keep(
    tx: &Tx<'_>,
    (call, id): (CallId, IntegrationId),
    body: &Body,
    at: Time,
) -> Result<(), Error> {
    tx.prepare_cached(
        "insert or replace into bodies (call_id, integration_id, at, until, sent, got) \
         select ?1, ?2, ?3, ?3 + days * ?4, ?5, ?6 from body_settings where integration_id = ?2",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            call.to_string(),
            id.to_string(),
            at.0,
            DAY_MS,
            body.sent,
            body.got,
        ])
    })
    .map(drop)
    .map_err(failed)
}

/// What a call said, while it is kept.
///
/// # Errors
/// `StoreFailed`.
pub fn of(connection: &Connection, call: CallId, now: Time) -> Result<Option<BodiesView>, Error> {
    let read = |row: &Row<'_>| {
        Ok(BodiesView {
            sent: row.get(0)?,
            got: row.get(1)?,
            until: Time(row.get(2)?),
        })
    };
    connection
        .prepare_cached("select sent, got, until from bodies where call_id = ?1 and until > ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![call.to_string(), now.0], read)
                .optional()
        })
        .map_err(failed)
}

/// Calls of this integration whose words are kept.
///
/// # Errors
/// `StoreFailed`.
pub fn count(connection: &Connection, id: IntegrationId) -> Result<u32, Error> {
    connection
        .query_row(
            "select count(*) from bodies where integration_id = ?1",
            [id.to_string()],
            |row| row.get(0),
        )
        .map_err(failed)
}

/// Removes what is to go by now, and what is of calls that began before `before`, whose rows are gone.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn purge(tx: &Tx<'_>, now: Time, before: Option<Time>) -> Result<(), Error> {
    tx.execute(
        "delete from bodies where until <= ?1 or at < ?2",
        params![now.0, before.map(|before| before.0)],
    )
    .map(drop)
    .map_err(failed)
}
