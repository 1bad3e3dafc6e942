//! Reading the record: pages along the index that fits the filter best.

mod words;

use super::super::{failed, text};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use std::fmt::Write as _;
use uuid::Uuid;
use wire::{ActivityFilter, ActivityPage, Cursor, Error, IntegrationId, Outcome, RowView, Time};

/// The most rows that a page has.
pub const PAGE: u32 = 500;
/// Calls that ended in one way are few, where these are the most.
const FEW: i64 = 5_000;

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
    /// And only these.
    pub only: ActivityFilter,
}

/// A page of activity, newest first. A call without an outcome is *running*, or *unknown* where it
/// began in an earlier run of the app.
///
/// # Errors
/// `StoreFailed`.
pub fn page(connection: &Connection, filter: &Filter) -> Result<ActivityPage, Error> {
    let limit = usize::try_from(filter.limit.clamp(1, PAGE)).unwrap_or(1);
    if let Some(words) = &filter.only.text {
        return words::page(connection, filter, words, limit);
    }
    // One more than wanted tells whether there is a next page.
    let few = few_ended_so(connection, filter)?;
    let mut rows = Query::calls(filter, few).run(connection, limit + 1)?;
    if filter.pings
        && let Some(query) = Query::pings(filter)
    {
        rows.extend(query.run(connection, limit + 1)?);
        // The ids as text sort like the ids themselves.
        rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.id)));
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    Ok(ActivityPage {
        rows,
        next,
        ..ActivityPage::default()
    })
}

fn cursor(row: &RowView) -> Cursor {
    Cursor {
        at: row.at,
        id: row.id,
    }
}

/// Whether so few calls ended in the way asked for that they are the shortest way to those which fit.
fn few_ended_so(connection: &Connection, filter: &Filter) -> Result<bool, Error> {
    let only = &filter.only;
    let leads_else = filter.integration.is_some() || only.tool.is_some() || only.agent.is_some();
    // Those of one call, task or thread are fewer still.
    let is_rare = only.call.is_some() || only.task.is_some() || only.thread.is_some();
    let Some(outcome) = only.outcome else {
        return Ok(false);
    };
    if !leads_else || is_rare || outcome == Outcome::Running {
        return Ok(false);
    }
    let from = only.from.map_or(i64::MIN, |from| from.0);
    let until = [only.until, filter.before.map(|before| before.at.plus(1))];
    let until = until.into_iter().flatten().map(|until| until.0).min();
    let values = params![
        text::word(&outcome)?,
        from,
        until.unwrap_or(i64::MAX),
        FEW + 1
    ];
    let ended: i64 = connection
        .prepare_cached(
            "select count(*) from (select 1 from outcomes where outcome = ?1 and call_at >= ?2 \
             and call_at < ?3 limit ?4)",
        )
        .and_then(|mut statement| statement.query_row(values, |row| row.get(0)))
        .map_err(failed)?;
    Ok(ended <= FEW)
}

pub(super) const COLUMNS: &str = "c.id, c.at, c.kind, c.integration_id, c.integration_name, c.action, \
    coalesce(o.outcome, iif(c.run < (select max(n) from runs), 'unknown', 'running')), \
    o.took_ms, o.error, coalesce(o.detail, ''), c.because";
const CALLS: &str = "calls c left join outcomes o on o.call_seq = c.seq";
/// Led by the outcome: the record is long, and few calls end in a rare way.
const OUTCOMES: &str = "outcomes o cross join calls c on c.seq = o.call_seq";
const RUNNING: &str = "open_calls n cross join calls c on c.seq = n.call_seq left join outcomes o on o.call_seq = c.seq";
const PINGS: &str = "select p.id, p.at, 'ping', p.integration_id, p.integration_name, 'ping', \
    p.outcome, p.took_ms, p.error, p.detail, p.because from pings p";

/// A query in the making: what is selected, what must hold, in which order.
struct Query {
    select: String,
    holds: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
    order: &'static str,
}

impl Query {
    /// `few`: calls that ended so lead, whatever else is asked for.
    fn calls(filter: &Filter, few: bool) -> Self {
        let only = &filter.only;
        let narrowed = filter.integration.is_some()
            || only.call.is_some()
            || only.tool.is_some()
            || only.agent.is_some()
            || only.task.is_some()
            || only.thread.is_some();
        let (source, at, order) = match only.outcome {
            Some(Outcome::Running) => (RUNNING, "c.at", "c.at desc, c.id desc"),
            Some(_) if few || !narrowed => (OUTCOMES, "o.call_at", "o.call_at desc, c.id desc"),
            Some(_) | None => (CALLS, "c.at", "c.at desc, c.id desc"),
        };
        let mut query = Self::new(format!("select {COLUMNS} from {source}"), order);
        query.narrow(filter, source == CALLS);
        query.between(only, at);
        if let Some(cursor) = filter.before {
            let n = query.value(cursor.at.0);
            let id = query.value(cursor.id.to_string());
            // The first part leads along the index, the second is exact.
            query
                .holds
                .push(format!("{at} <= ?{n} and ({at}, c.id) < (?{n}, ?{id})"));
        }
        query
    }

    /// The call at one place, where it fits the filter.
    fn one(filter: &Filter) -> Self {
        let mut query = Self::new(format!("select {COLUMNS} from {CALLS}"), "c.seq");
        // Its place is `?1`.
        query.value(0_i64);
        query.holds.push("c.seq = ?1".to_owned());
        query.narrow(filter, false);
        query.between(&filter.only, "+c.at");
        query
    }

    /// The pings that fit; `None` where none can: they are no agent's and of no task.
    fn pings(filter: &Filter) -> Option<Self> {
        let only = &filter.only;
        let of_calls = only.call.is_some()
            || only.tool.is_some()
            || only.agent.is_some()
            || only.task.is_some()
            || only.thread.is_some();
        if of_calls {
            return None;
        }
        let mut query = Self::new(PINGS.to_owned(), "p.at desc, p.id desc");
        if let Some(id) = filter.integration {
            query.holds("p.integration_id = ", id.to_string());
        }
        if let Some(outcome) = only.outcome {
            query.holds("p.outcome = ", text::word(&outcome).ok()?);
        }
        query.between(only, "p.at");
        if let Some(cursor) = filter.before {
            let n = query.value(cursor.at.0);
            let id = query.value(cursor.id.to_string());
            query
                .holds
                .push(format!("p.at <= ?{n} and (p.at, p.id) < (?{n}, ?{id})"));
        }
        Some(query)
    }

    fn new(select: String, order: &'static str) -> Self {
        Self {
            select,
            holds: Vec::new(),
            values: Vec::new(),
            order,
        }
    }

    /// What the columns of a call must be. The first of them leads, where any may: those before are rarer.
    fn narrow(&mut self, filter: &Filter, mut leads: bool) {
        let only = &filter.only;
        let columns = [
            ("id", only.call.map(|id| id.to_string())),
            ("thread_url", only.thread.clone()),
            ("task", only.task.clone()),
            ("action", only.tool.clone()),
            ("agent_id", only.agent.map(|id| id.to_string())),
            (
                "integration_id",
                filter.integration.map(|id| id.to_string()),
            ),
        ];
        for (column, value) in columns {
            let Some(value) = value else { continue };
            // A plus keeps SQLite from another index than the one that fits best.
            let plus = if leads { "" } else { "+" };
            leads = false;
            self.holds(&format!("{plus}c.{column} = "), value);
        }
        match only.outcome {
            None => {}
            Some(Outcome::Running) => self.holds.push("o.outcome is null".to_owned()),
            Some(outcome) => {
                let word = text::word(&outcome).unwrap_or_default();
                self.holds("o.outcome = ", word);
            }
        }
    }

    fn between(&mut self, only: &ActivityFilter, at: &str) {
        if let Some(from) = only.from {
            self.holds(&format!("{at} >= "), from.0);
        }
        if let Some(until) = only.until {
            self.holds(&format!("{at} < "), until.0);
        }
    }

    fn holds(&mut self, left: &str, value: impl ToSql + 'static) {
        let n = self.value(value);
        self.holds.push(format!("{left}?{n}"));
    }

    fn value(&mut self, value: impl ToSql + 'static) -> usize {
        self.values.push(Box::new(value));
        self.values.len()
    }

    fn sql(&self, limit: usize) -> String {
        let mut sql = self.select.clone();
        for (n, condition) in self.holds.iter().enumerate() {
            let joint = if n == 0 { "where" } else { "and" };
            // Writing to a string cannot fail.
            let _ = write!(sql, " {joint} {condition}");
        }
        let _ = write!(sql, " order by {} limit {limit}", self.order);
        sql
    }

    fn run(&self, connection: &Connection, limit: usize) -> Result<Vec<RowView>, Error> {
        let values: Vec<&dyn ToSql> = self.values.iter().map(|value| &**value).collect();
        connection
            .prepare_cached(&self.sql(limit))
            .and_then(|mut statement| statement.query_map(&*values, read)?.collect())
            .map_err(failed)
    }

    /// The call of this place: [`Query::one`] only.
    fn at(&self, connection: &Connection, seq: i64) -> Result<Option<RowView>, Error> {
        let mut values: Vec<&dyn ToSql> = self.values.iter().map(|value| &**value).collect();
        if let Some(first) = values.first_mut() {
            *first = &seq;
        }
        connection
            .prepare_cached(&self.sql(1))
            .and_then(|mut statement| statement.query_row(&*values, read).optional())
            .map_err(failed)
    }
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<RowView> {
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
mod tests {
    use super::*;
    use crate::store::schema;
    use anyhow::Result;

    fn plan(filter: &Filter, few: bool) -> Result<String> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection, schema::MIGRATIONS)?;
        let query = Query::calls(filter, few);
        let values: Vec<&dyn ToSql> = query.values.iter().map(|value| &**value).collect();
        let mut statement = connection.prepare(&format!("explain query plan {}", query.sql(10)))?;
        let steps: Vec<String> = statement
            .query_map(&*values, |row| row.get(3))?
            .collect::<Result<_, _>>()?;
        Ok(steps.join("; "))
    }

    #[test]
    fn each_filter_is_read_along_its_own_index_without_sorting() -> Result<()> {
        let only = |only: ActivityFilter| Filter {
            only: ActivityFilter {
                from: Some(Time(1)),
                until: Some(Time(9)),
                ..only
            },
            before: Some(Cursor {
                at: Time(5),
                id: Uuid::nil(),
            }),
            ..Filter::default()
        };
        let some = || Some("x".to_owned());
        let cases = [
            ("calls_at", only(ActivityFilter::default())),
            (
                "calls_integration",
                Filter {
                    integration: Some(IntegrationId(Uuid::nil())),
                    ..only(ActivityFilter::default())
                },
            ),
            (
                "calls_action",
                only(ActivityFilter {
                    tool: some(),
                    ..Default::default()
                }),
            ),
            (
                "outcomes_outcome",
                only(ActivityFilter {
                    outcome: Some(Outcome::Failed),
                    ..Default::default()
                }),
            ),
            (
                "calls_agent",
                only(ActivityFilter {
                    agent: Some(wire::AgentId(Uuid::nil())),
                    ..Default::default()
                }),
            ),
            (
                "calls_task",
                only(ActivityFilter {
                    task: some(),
                    ..Default::default()
                }),
            ),
            (
                "calls_thread",
                only(ActivityFilter {
                    thread: some(),
                    tool: some(),
                    ..Default::default()
                }),
            ),
        ];
        for (index, filter) in cases {
            let plan = plan(&filter, false)?;
            assert!(plan.contains(&format!("INDEX {index} ")), "{index}: {plan}");
            // Only rows of one and the same moment are put in order.
            let plan = plan.replace("USE TEMP B-TREE FOR LAST TERM OF ORDER BY", "");
            assert!(
                !plan.contains("TEMP B-TREE") && !plan.contains("SCAN c"),
                "{index}: {plan}"
            );
        }
        Ok(())
    }
    #[test]
    fn few_that_ended_so_lead_whatever_else_is_asked_for() -> Result<()> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection, schema::MIGRATIONS)?;
        let denied = Filter {
            integration: Some(IntegrationId(Uuid::nil())),
            only: ActivityFilter {
                agent: Some(wire::AgentId(Uuid::nil())),
                outcome: Some(Outcome::Denied),
                ..Default::default()
            },
            ..Filter::default()
        };
        assert!(few_ended_so(&connection, &denied)?, "there are none at all");
        let plan = plan(&denied, true)?;
        assert!(plan.contains("INDEX outcomes_outcome ") && !plan.contains("SCAN c"));
        assert!(!plan.contains("INDEX calls_"), "{plan}");
        Ok(())
    }
}
