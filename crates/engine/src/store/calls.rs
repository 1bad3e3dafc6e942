//! The record: an intent before anything leaves, an outcome after. Append-only: the schema itself
//! refuses to change or remove a row.

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use uuid::Uuid;
use wire::{
    ActivityPage, Because, CallId, Cursor, Error, IntegrationId, Outcome, RowKind, RowView, Time,
    Topic,
};

/// The most rows that a page has.
pub const PAGE: u32 = 500;

/// What is about to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    pub id: CallId,
    pub at: Time,
    /// Anything but `Ping`.
    pub kind: RowKind,
    pub integration: Option<IntegrationId>,
    /// As it is called now: it stays when the integration goes.
    pub integration_name: String,
    /// `orders.call`, `token.refresh`, `connected`.
    pub action: String,
    pub because: Because,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRow {
    pub call: CallId,
    pub at: Time,
    pub outcome: Outcome,
    /// Milliseconds; `None` where nothing was sent.
    pub took_ms: Option<u32>,
    pub error: Option<Error>,
    /// What came back, in a few words.
    pub detail: String,
}

/// Which rows to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this integration's.
    pub integration: Option<IntegrationId>,
    /// Only what is older than this place.
    pub before: Option<Cursor>,
    /// Rows wanted; 1 to [`PAGE`].
    pub limit: u32,
    /// Pings among them.
    pub pings: bool,
}

/// Writes the intent.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`: then nothing may be sent.
pub fn begin(tx: &Tx<'_>, row: &CallRow) -> Result<(), Error> {
    tx.prepare_cached(
        "insert into calls (id, at, kind, integration_id, integration_name, action, because, run) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, (select max(n) from runs))",
    )
    .map_err(failed)?
    .execute(params![
        row.id.to_string(),
        row.at.0,
        text::word(&row.kind)?,
        row.integration.map(|id| id.to_string()),
        row.integration_name,
        row.action,
        text::json(&row.because)?,
    ])
    .map_err(failed)?;
    tx.touch(Topic::Activity);
    Ok(())
}

/// Writes the outcome. Each intent takes one.
///
/// # Errors
/// `StoreUnwritable`; `StoreFailed`, also where there is no such intent or it has an outcome.
pub fn finish(tx: &Tx<'_>, row: &OutcomeRow) -> Result<(), Error> {
    tx.prepare_cached(
        "insert into outcomes (call_id, at, outcome, took_ms, error, detail) \
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .map_err(failed)?
    .execute(params![
        row.call.to_string(),
        row.at.0,
        text::word(&row.outcome)?,
        row.took_ms,
        row.error.as_ref().map(text::json).transpose()?,
        row.detail,
    ])
    .map_err(failed)?;
    tx.touch(Topic::Activity);
    Ok(())
}

/// Intent and outcome at once, for what has no time between them: connected, renamed, refused.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn note(tx: &Tx<'_>, row: &CallRow, outcome: Outcome, detail: &str) -> Result<(), Error> {
    begin(tx, row)?;
    let outcome = OutcomeRow {
        call: row.id,
        at: row.at,
        outcome,
        took_ms: None,
        error: None,
        detail: detail.to_owned(),
    };
    finish(tx, &outcome)
}

/// A page of activity, newest first. A call without an outcome is *running*, or *unknown* where it
/// began in an earlier run of the app.
///
/// # Errors
/// `StoreFailed`.
pub fn page(connection: &Connection, filter: &Filter) -> Result<ActivityPage, Error> {
    let limit = usize::try_from(filter.limit.clamp(1, PAGE)).unwrap_or(1);
    // One more than wanted tells whether there is a next page.
    let mut rows = select(connection, filter, CALLS, limit + 1)?;
    if filter.pings {
        rows.extend(select(connection, filter, PINGS, limit + 1)?);
        // The ids as text sort like the ids themselves.
        rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.id)));
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| Cursor {
        at: row.at,
        id: row.id,
    });
    Ok(ActivityPage { rows, next })
}

/// Calls that agents made (in tasks or by hand, not tokens, probes or changes) of one integration
/// since `at`.
///
/// # Errors
/// `StoreFailed`.
pub fn count_since(connection: &Connection, id: IntegrationId, at: Time) -> Result<u32, Error> {
    connection
        .prepare_cached(
            "select count(*) from calls where integration_id = ?1 and at >= ?2 and kind = 'call'",
        )
        .and_then(|mut statement| {
            statement.query_row(params![id.to_string(), at.0], |row| row.get(0))
        })
        .map_err(failed)
}

/// Why a call was made; `None` where there is no such row.
///
/// # Errors
/// `StoreFailed`.
pub fn because(connection: &Connection, id: CallId) -> Result<Option<Because>, Error> {
    connection
        .prepare_cached("select because from calls where id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([id.to_string()], |row| text::from_json(row, 0))
                .optional()
        })
        .map_err(failed)
}

/// A query up to its `where`, and the column prefix of its main table.
type Source = (&'static str, &'static str);

const CALLS: Source = (
    "select c.id, c.at, c.kind, c.integration_id, c.integration_name, c.action, \
       coalesce(o.outcome, iif(c.run < (select max(n) from runs), 'unknown', 'running')), \
       o.took_ms, o.error, coalesce(o.detail, ''), c.because \
     from calls c left join outcomes o on o.call_id = c.id",
    "c",
);

const PINGS: Source = (
    "select p.id, p.at, 'ping', p.integration_id, p.integration_name, 'ping', p.outcome, \
       p.took_ms, p.error, p.detail, p.because from pings p",
    "p",
);

fn select(
    connection: &Connection,
    filter: &Filter,
    (source, table): Source,
    limit: usize,
) -> Result<Vec<RowView>, Error> {
    let id = filter.integration.map(|id| id.to_string());
    let before = filter
        .before
        .map(|cursor| (cursor.at.0, cursor.id.to_string()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut sql = source.to_owned();
    let mut values: Vec<&dyn ToSql> = vec![&limit];
    let mut joint = " where ";
    if let Some(id) = &id {
        values.push(id);
        sql += &format!("{joint}{table}.integration_id = ?{}", values.len());
        joint = " and ";
    }
    if let Some((at, before)) = &before {
        values.push(at);
        values.push(before);
        let n = values.len();
        sql += &format!("{joint}({table}.at, {table}.id) < (?{}, ?{n})", n - 1);
    }
    sql += &format!(" order by {table}.at desc, {table}.id desc limit ?1");
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_map(&*values, read)?.collect())
        .map_err(failed)
}

fn read(row: &Row<'_>) -> rusqlite::Result<RowView> {
    Ok(RowView {
        id: text::id::<Uuid>(row, 0)?,
        at: Time(row.get(1)?),
        kind: text::from_word(row, 2)?,
        integration: text::id_or_null(row, 3)?,
        integration_name: row.get(4)?,
        action: row.get(5)?,
        outcome: text::from_word(row, 6)?,
        took_ms: row.get(7)?,
        error: text::from_json_or_null(row, 8)?,
        detail: row.get(9)?,
        because: text::from_json(row, 10)?,
    })
}

#[cfg(test)]
mod tests;
