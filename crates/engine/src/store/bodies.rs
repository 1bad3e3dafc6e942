//! What calls said, secrets hidden, where an integration's setting says so: beside the record, no part of
//! its chain, and gone after a time of its own: not shown any more at once, and removed some at a time.

use super::{Tx, failed};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use wire::{BodiesView, CallId, Error, IntegrationId, Time, Topic};

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// So many are removed in one commit: each may be as large as a hundred rows of the record, and calls wait for it.
const STEP: usize = 100;

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

/// Sets it. What is kept already is shown no longer where it is shorter, and not at all where it is `None`: then
/// it goes by [`forget`], which is to be called before it is set anew.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn set_days(tx: &Tx<'_>, id: IntegrationId, days: Option<u32>) -> Result<(), Error> {
    let before = self::days(tx, id)?;
    let id = id.to_string();
    match (days, before) {
        (Some(days), Some(_)) => tx.execute(
            "update body_settings set days = ?2 where integration_id = ?1",
            params![id, days],
        ),
        (Some(days), None) => tx
            // What it kept before it was switched off, and is still there, would be shown again.
            .execute("delete from bodies where integration_id = ?1", [&id])
            .and_then(|_| {
                tx.execute(
                    "insert into body_settings (integration_id, days) values (?1, ?2)",
                    params![id, days],
                )
            }),
        (None, _) => tx.execute("delete from body_settings where integration_id = ?1", [&id]),
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
        .prepare_cached(
            "select sent, got, min(until, at + days * ?3) as over from bodies \
             join body_settings using (integration_id) where call_id = ?1 and over > ?2",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![call.to_string(), now.0, DAY_MS], read)
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
            "select count(*) from bodies join body_settings using (integration_id) \
             where integration_id = ?1",
            [id.to_string()],
            |row| row.get(0),
        )
        .map_err(failed)
}

/// Removes some of what no setting keeps: its integration was disconnected, or its setting is off. True where
/// there may be more.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn forget(tx: &Tx<'_>) -> Result<bool, Error> {
    tx.only_records();
    for (id, days) in kept_of(tx)? {
        if days.is_none() && remove_until(tx, &id, i64::MAX)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes some of what is to go by now, and of what is of calls that began before `before`, whose rows are gone.
/// True where there may be more.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn purge(tx: &Tx<'_>, now: Time, before: Option<Time>) -> Result<bool, Error> {
    tx.only_records();
    let before = before.map_or(i64::MIN, |before| before.0 - 1);
    for (id, days) in kept_of(tx)? {
        let until = days.map_or(i64::MAX, |days| now.0 - i64::from(days) * DAY_MS);
        if remove_until(tx, &id, until.max(before))? {
            return Ok(true);
        }
    }
    // Kept for fewer days when they were made than by the setting now.
    let gone = tx
        .execute(
            "delete from bodies where call_id in (select call_id from bodies where until <= ?1 limit ?2)",
            params![now.0, STEP],
        )
        .map_err(failed)?;
    Ok(gone == STEP)
}

/// The integrations of which something is kept, and for how many days that is to be.
fn kept_of(connection: &Connection) -> Result<Vec<(String, Option<u32>)>, Error> {
    connection
        .prepare_cached(
            // From one to the next along the index, of which each may have many.
            "with recursive of (id) as (select min(integration_id) from bodies union all \
                select (select min(integration_id) from bodies where integration_id > of.id) \
                from of where of.id is not null) \
             select id, days from of left join body_settings on integration_id = id \
             where id is not null",
        )
        .and_then(|mut statement| {
            let all = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            all.collect()
        })
        .map_err(failed)
}

/// Removes some of an integration's until then. True where there may be more.
fn remove_until(tx: &Tx<'_>, id: &str, until: i64) -> Result<bool, Error> {
    tx.prepare_cached(
        "delete from bodies where call_id in (select call_id from bodies \
            where integration_id = ?1 and at <= ?2 limit ?3)",
    )
    .and_then(|mut statement| statement.execute(params![id, until, STEP]))
    .map(|gone| gone == STEP)
    .map_err(failed)
}

#[cfg(test)]
mod tests;
