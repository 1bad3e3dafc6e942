//! The record: an intent before anything leaves, an outcome after. Append-only: the schema itself
//! refuses to change or remove a row.

mod detail;
mod page;
mod past;
mod payload;

pub use detail::{call_at, detail, ended_after};
pub use page::{Filter, PAGE, page};
pub use past::past;
pub use payload::Payload;

use super::{Tx, failed, record::Part, text};
use rusqlite::{
    Connection, OptionalExtension as _, params, params_from_iter,
    types::{ToSqlOutput, Value, ValueRef},
};
use wire::{
    Because, ByAgent, CallId, Error, ErrorCode, IntegrationId, Outcome, RowKind, TaskId, Time,
    Topic,
};

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
    /// What its arguments are like.
    pub sent: Option<Payload>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRow {
    /// The place of its intent in the record, and when that was written.
    pub intent: (i64, Time),
    pub at: Time,
    pub outcome: Outcome,
    /// Milliseconds; `None` where nothing was sent.
    pub took_ms: Option<u32>,
    pub error: Option<Error>,
    /// What came back, in a few words.
    pub detail: String,
    /// What its result is like.
    pub got: Option<Payload>,
}

macro_rules! call_columns {
    () => {
        "id, at, kind, integration_id, integration_name, action, because, run, agent_id, agent_name, task, \
         thread_url, thread_title, cron_id, cron_run, sent"
    };
}
macro_rules! outcome_columns {
    () => {
        "call_seq, call_at, at, outcome, took_ms, error, detail, got"
    };
}

/// The columns of `calls` that the chain binds, in its order.
pub(super) const CALL_COLUMNS: &str = call_columns!();
/// The columns of `outcomes` that the chain binds, in its order.
pub(super) const OUTCOME_COLUMNS: &str = outcome_columns!();

/// Writes the intent, of a call in that task. Its place in the record.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`: then nothing may be sent.
pub fn begin(tx: &Tx<'_>, row: &CallRow, task: Option<TaskId>) -> Result<i64, Error> {
    tx.may_begin()?;
    let task = task.map(|task| task.to_string());
    let seq = intent(tx, row, Some(task.as_deref()))?;
    if !tx.is_for_intake() {
        // Whatever stands there already is no call's: none has this place.
        tx.prepare_cached("insert or replace into open_calls (call_seq, task_id) values (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![seq, task]))
            .map_err(failed)?;
    }
    Ok(seq)
}

/// Writes the outcome. Each intent takes one; it is counted some moments after (`store/tally.rs`).
///
/// # Errors
/// `StoreUnwritable`; `StoreFailed`, also where there is no such intent or it has an outcome.
pub fn finish(tx: &Tx<'_>, row: &OutcomeRow) -> Result<(), Error> {
    // (One that took so long that it was removed meanwhile was begun, too.)
    let begun = tx
        .prepare_cached(
            "select 1 from intake_calls where seq = ?1 union all select 1 from calls where seq = ?1 \
             union all select 1 from record_base where seq >= ?1",
        )
        .and_then(|mut statement| statement.exists([row.intent.0]))
        .map_err(failed)?;
    if !begun {
        return Err(Error::new(ErrorCode::StoreFailed).with("why", "no such call was begun"));
    }
    outcome(tx, row)?;
    tx.leaves_uncounted(true);
    Ok(())
}

/// Ends the calls of earlier runs that got no outcome: how they went is not known, and never will be. The
/// others of them are counted.
pub(super) fn give_up(tx: &Tx<'_>) -> Result<(), Error> {
    tx.execute(
        "delete from open_calls where call_seq not in (select seq from calls)",
        [],
    )
    .map_err(failed)?;
    let open: Vec<(i64, Time)> = tx
        .prepare_cached(
            "select c.seq, c.at from open_calls n join calls c on c.seq = n.call_seq \
             where n.call_seq not in (select call_seq from outcomes) \
             and c.run <> (select max(n) from runs) order by c.seq",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get(0)?, Time(row.get(1)?))))?
                .collect()
        })
        .map_err(failed)?;
    let mut over = tx
        .prepare_cached("delete from open_calls where call_seq = ?1")
        .map_err(failed)?;
    for (seq, at) in open {
        over.execute([seq]).map_err(failed)?;
        let ended = OutcomeRow {
            intent: (seq, at),
            at,
            outcome: Outcome::Unknown,
            took_ms: None,
            error: None,
            detail: String::new(),
            got: None,
        };
        outcome(tx, &ended)?;
    }
    loop {
        match super::tally::count(tx) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            // No reason not to start.
            Err(error) => {
                tracing::error!(%error, "calls of an earlier run could not be counted");
                return Ok(());
            }
        }
    }
}

/// Intent and outcome at once, for what has no time between them: connected, renamed, refused.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn note(tx: &Tx<'_>, row: &CallRow, how: Outcome, detail: &str) -> Result<(), Error> {
    let seq = intent(tx, row, None)?;
    let ended = OutcomeRow {
        intent: (seq, row.at),
        at: row.at,
        outcome: how,
        took_ms: None,
        error: None,
        detail: detail.to_owned(),
        got: None,
    };
    outcome(tx, &ended).map(|_| ())
}

/// `open`: it is under way, in that task or in none.
fn intent(tx: &Tx<'_>, row: &CallRow, open: Option<Option<&str>>) -> Result<i64, Error> {
    const FILED: &str = concat!(
        "insert into calls (",
        call_columns!(),
        ", seq, key, mac) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
         ?17, ?18, ?19)"
    );
    const INTAKE: &str = concat!(
        "insert into intake_calls (",
        call_columns!(),
        ", seq, key, mac, open, task_id) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
         ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
    );
    let origin = Origin::of(&row.because);
    let columns: [Value; 16] = [
        row.id.to_string().into(),
        row.at.0.into(),
        text::word(&row.kind)?.into(),
        row.integration.map(|id| id.to_string()).into(),
        row.integration_name.clone().into(),
        row.action.clone().into(),
        text::json(&row.because)?.into(),
        tx.chained(|chain| chain.run)?.into(),
        origin.agent.map(|agent| agent.id.to_string()).into(),
        origin.agent.map(|agent| agent.name.clone()).into(),
        // A run of a cron is a task.
        origin
            .task
            .map(str::to_owned)
            .or_else(|| origin.cron.map(|(_, run)| run.to_string()))
            .into(),
        origin.thread.map(|(url, _)| url.to_owned()).into(),
        origin.thread.map(|(_, title)| title.to_owned()).into(),
        origin.cron.map(|(id, _)| id.to_string()).into(),
        origin.cron.map(|(_, run)| run.to_string()).into(),
        kept(tx, row.sent.as_ref())?,
    ];
    if tx.is_for_intake() {
        let beside = [
            open.is_some().into(),
            open.flatten().map(str::to_owned).into(),
        ];
        insert(tx, Part::Intent, INTAKE, (&columns, &beside))
    } else {
        insert(tx, Part::Intent, FILED, (&columns, &[]))
    }
}

fn outcome(tx: &Tx<'_>, row: &OutcomeRow) -> Result<i64, Error> {
    const FILED: &str = concat!(
        "insert into outcomes (",
        outcome_columns!(),
        ", seq, key, mac) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    const INTAKE: &str = concat!(
        "insert into intake_outcomes (",
        outcome_columns!(),
        ", seq, key, mac) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    let (call, at) = row.intent;
    let columns: [Value; 8] = [
        call.into(),
        at.0.into(),
        row.at.0.into(),
        text::word(&row.outcome)?.into(),
        row.took_ms.map(i64::from).into(),
        row.error.as_ref().map(text::json).transpose()?.into(),
        row.detail.clone().into(),
        kept(tx, row.got.as_ref())?,
    ];
    let sql = if tx.is_for_intake() { INTAKE } else { FILED };
    insert(tx, Part::Outcome, sql, (&columns, &[]))
}

fn kept(tx: &Tx<'_>, payload: Option<&Payload>) -> Result<Value, Error> {
    Ok(payload.map(|payload| payload.kept(tx)).transpose()?.into())
}

/// Adds a row at the end of the chain. Behind its columns `sql` has its place in it, and what is beside that.
fn insert(
    tx: &Tx<'_>,
    part: Part,
    sql: &str,
    (columns, beside): (&[Value], &[Value]),
) -> Result<i64, Error> {
    let bound: Vec<ValueRef<'_>> = columns.iter().map(ValueRef::from).collect();
    let link = tx.chained(|chain| chain.link(part, &bound))?;
    let place = [
        ToSqlOutput::Owned(link.seq.into()),
        ToSqlOutput::Owned(link.key.into()),
        ToSqlOutput::Borrowed(ValueRef::Blob(&link.mac)),
    ];
    let beside = beside
        .iter()
        .map(|value| ToSqlOutput::Borrowed(value.into()));
    let values = bound
        .into_iter()
        .map(ToSqlOutput::Borrowed)
        .chain(place)
        .chain(beside);
    tx.prepare_cached(sql)
        .map_err(failed)?
        .execute(params_from_iter(values))
        .map_err(failed)?;
    if tx.is_for_intake() {
        tx.leaves_in_intake();
    }
    tx.touch(Topic::Activity);
    Ok(link.seq)
}

/// What a row is found by, of why it happened.
#[derive(Default)]
struct Origin<'a> {
    agent: Option<&'a ByAgent>,
    task: Option<&'a str>,
    /// Its address and title.
    thread: Option<(&'a str, &'a str)>,
    cron: Option<(wire::CronId, wire::CronRunId)>,
}

impl<'a> Origin<'a> {
    fn of(because: &'a Because) -> Self {
        match because {
            Because::Task {
                title,
                url,
                agent,
                task,
            } => Self {
                agent: agent.as_ref(),
                task: task.as_deref(),
                thread: url.as_deref().map(|url| (url, title.as_str())),
                cron: None,
            },
            Because::Cron { id, run, .. } => Self {
                cron: Some((*id, *run)),
                ..Self::default()
            },
            Because::Admin { .. }
            | Because::Health
            | Because::Connecting
            | Because::Outside
            | Because::Notice => Self::default(),
        }
    }
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

/// When the oldest call was made.
///
/// # Errors
/// `StoreFailed`.
pub fn oldest(connection: &Connection) -> Result<Option<Time>, Error> {
    connection
        .query_row("select min(at) from calls", [], |row| row.get(0))
        .map(|at: Option<i64>| at.map(Time))
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

#[cfg(test)]
pub(crate) mod tests;
