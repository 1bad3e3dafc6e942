//! Pings: kept apart from the record, for thirty days, and counted by day for the cards.

use super::{Tx, failed, text};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use wire::{Because, Day, Error, IntegrationId, Outcome, PingId, Time, Topic};

/// So many are removed in one commit: calls wait for it.
const STEP: usize = 2_000;

/// One ping, after it was answered or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingRow {
    pub id: PingId,
    pub at: Time,
    pub integration: Option<IntegrationId>,
    pub integration_name: String,
    pub outcome: Outcome,
    /// Milliseconds; `None` where nothing was sent.
    pub took_ms: Option<u32>,
    pub error: Option<Error>,
    pub detail: String,
    pub because: Because,
}

/// Adds one and counts it for its day.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn add(tx: &Tx<'_>, row: &PingRow) -> Result<(), Error> {
    tx.prepare_cached(
        "insert into pings (id, at, integration_id, integration_name, outcome, took_ms, error, \
         detail, because) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .map_err(failed)?
    .execute(params![
        row.id.to_string(),
        row.at.0,
        row.integration.map(|id| id.to_string()),
        row.integration_name,
        text::word(&row.outcome)?,
        row.took_ms,
        row.error.as_ref().map(text::json).transpose()?,
        row.detail,
        text::json(&row.because)?,
    ])
    .map_err(failed)?;
    tx.touch(Topic::Activity);
    let Some(id) = row.integration else {
        return Ok(());
    };
    let (ok, bad) = match row.outcome {
        Outcome::Ok => (1, 0),
        Outcome::Failed => (0, 1),
        // Nothing was learned.
        Outcome::Running
        | Outcome::Approved
        | Outcome::Refused
        | Outcome::Denied
        | Outcome::Unknown => return Ok(()),
    };
    // The integration may have gone since the ping left: then there is no strip to count for.
    tx.prepare_cached(
        "insert into ping_days (integration_id, day, ok, failed) \
         select id, date(?2 / 1000, 'unixepoch', 'localtime'), ?3, ?4 from integrations where id = ?1 \
         on conflict (integration_id, day) do update \
         set ok = ok + excluded.ok, failed = failed + excluded.failed",
    )
    .map_err(failed)?
    .execute(params![id.to_string(), row.at.0, ok, bad])
    .map_err(failed)?;
    tx.touch(Topic::Integrations);
    Ok(())
}

/// Removes some of the pings before `before`; their days stay counted for as long. Returns how many: none where
/// none is left.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn purge(tx: &Tx<'_>, before: Time) -> Result<usize, Error> {
    let removed = tx
        .execute(
            "delete from pings where id in (select id from pings where at < ?1 order by at limit ?2)",
            params![before.0, STEP],
        )
        .map_err(failed)?;
    tx.execute(
        "delete from ping_days where day < date(?1 / 1000, 'unixepoch', 'localtime')",
        [before.0],
    )
    .map_err(failed)?;
    if removed > 0 {
        tx.touch(Topic::Activity);
    }
    Ok(removed)
}

/// The newest ping of any integration.
///
/// # Errors
/// `StoreFailed`.
pub fn newest(connection: &Connection) -> Result<Option<Time>, Error> {
    connection
        .prepare_cached("select max(at) from pings")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, Option<i64>>(0)))
        .map(|at| at.map(Time))
        .map_err(failed)
}

/// How each of the last `count` days went (the last one is `now`'s), for every integration with a
/// ping among them, by the days of the computer's own calendar. A day is *failing* where no ping
/// went well, *troubled* where some did not.
///
/// # Errors
/// `StoreFailed`.
pub fn days(
    connection: &Connection,
    now: Time,
    count: u32,
) -> Result<BTreeMap<IntegrationId, Vec<Day>>, Error> {
    let length = usize::try_from(count).unwrap_or(0);
    let mut found: BTreeMap<IntegrationId, Vec<Day>> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached(
            "with today (day) as (select date(?1 / 1000, 'unixepoch', 'localtime')) \
             select integration_id, cast(julianday(today.day) - julianday(ping_days.day) as integer), \
               ok, failed from ping_days, today \
             where ping_days.day > date(today.day, ?2) and ping_days.day <= today.day",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map(params![now.0, format!("-{count} days")], |row| {
            Ok((
                text::id(row, 0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })
        .map_err(failed)?;
    for row in rows {
        let (id, ago, ok, bad) = row.map_err(failed)?;
        let days = found
            .entry(id)
            .or_insert_with(|| vec![Day::Unknown; length]);
        let place = usize::try_from(ago)
            .ok()
            .and_then(|ago| length.checked_sub(ago + 1));
        if let Some(day) = place.and_then(|place| days.get_mut(place)) {
            *day = match (ok, bad) {
                (0, 0) => Day::Unknown,
                (_, 0) => Day::Healthy,
                (0, _) => Day::Failing,
                (_, _) => Day::Troubled,
            };
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
