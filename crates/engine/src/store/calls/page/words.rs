//! Reading the record by words: along the index of words, newest first.
//!
//! A page looks at so many calls and ends there, whether it found any or not: the next one goes on where it
//! ended.

use super::{Filter, Query, text};
use crate::store::{failed, record};
use rusqlite::{Connection, OptionalExtension as _, params};
use wire::{ActivityFilter, ActivityPage, Cursor, Error, Time};

/// Calls with the words that one page holds against the rest of the filter.
const LOOKED_AT: usize = 5_000;
/// Calls at either end of a span among which its outermost place is sought: where the clock was set back, times
/// and places run apart.
const NEAR: i64 = 5_000;

/// The calls that have these words, by their place in the record.
pub(super) fn page(
    connection: &Connection,
    filter: &Filter,
    words: &str,
    limit: usize,
) -> Result<ActivityPage, Error> {
    let mut page = ActivityPage::default();
    let Some(sought) = record::text::sought(connection, words)? else {
        return Ok(page);
    };
    page.cut = sought.cut;
    let before = match filter.before {
        None => i64::MAX,
        Some(cursor) => match seq_of(connection, cursor)? {
            Some(seq) => seq,
            None => return Ok(page),
        },
    };
    let Some((first, last)) = span(connection, &filter.only)? else {
        return Ok(page);
    };
    let one = Query::one(filter);
    let mut found = connection
        .prepare_cached(
            "select rowid from record_text where record_text match ?1 and rowid >= ?2 \
             and rowid <= ?3 order by rowid desc",
        )
        .map_err(failed)?;
    let mut found = found
        .query(params![sought.query, first, last.min(before - 1)])
        .map_err(failed)?;
    let (mut newest, mut oldest, mut looked_at) = (None, None, 0);
    while let Some(row) = found.next().map_err(failed)? {
        if page.rows.len() == limit || looked_at == LOOKED_AT {
            page.next = place(connection, oldest)?;
            break;
        }
        let seq: i64 = row.get(0).map_err(failed)?;
        page.rows.extend(one.at(connection, seq)?);
        newest = newest.or(Some(seq));
        oldest = Some(seq);
        looked_at += 1;
    }
    page.newest = place(connection, newest)?;
    Ok(page)
}

/// The first and the last place of the calls between two moments, where there are any.
fn span(connection: &Connection, only: &ActivityFilter) -> Result<Option<(i64, i64)>, Error> {
    let outermost = |sql: &str, at: Time| -> Result<Option<i64>, Error> {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([at.0, NEAR], |row| row.get(0)))
            .map_err(failed)
    };
    let first = match only.from {
        None => Some(i64::MIN),
        Some(from) => outermost(
            "select min(seq) from (select seq from calls where at >= ?1 order by at limit ?2)",
            from,
        )?,
    };
    let last = match only.until {
        None => Some(i64::MAX),
        Some(until) => outermost(
            "select max(seq) from (select seq from calls where at < ?1 order by at desc limit ?2)",
            until,
        )?,
    };
    Ok(first.zip(last))
}

fn seq_of(connection: &Connection, cursor: Cursor) -> Result<Option<i64>, Error> {
    connection
        .prepare_cached("select seq from calls where id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([cursor.id.to_string()], |row| row.get(0))
                .optional()
        })
        .map_err(failed)
}

/// The call at this place, as the place that a page begins below.
fn place(connection: &Connection, seq: Option<i64>) -> Result<Option<Cursor>, Error> {
    connection
        .prepare_cached("select at, id from calls where seq = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([seq], |row| {
                    Ok(Cursor {
                        at: Time(row.get(0)?),
                        id: text::id(row, 1)?,
                    })
                })
                .optional()
        })
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;
    use anyhow::{Context, Result};
    use wire::{ActivityPage, Outcome};

    /// So many calls with the word `orders`, one each second; the first of them was denied.
    fn record(calls: u32) -> Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection, schema::MIGRATIONS)?;
        connection.execute_batch(&format!(
            "insert into runs values (1); \
             create temp table n (i integer primary key); \
             with recursive n(i) as (select 1 union all select i + 1 from n where i < {calls}) \
             insert into temp.n select i from n; \
             insert into calls (seq, id, at, kind, integration_name, action, because, run, mac) \
             select i, printf('00000000-0000-7000-8000-%012x', i), i * 1000, 'call', 'Orders', 'call', \
             '{{\"because\":\"health\"}}', 1, x'' from temp.n; \
             insert into outcomes (call_seq, seq, call_at, at, outcome, detail, mac) \
             select i, {calls} + i, i * 1000, i * 1000, iif(i = 1, 'denied', 'ok'), '', x'' from temp.n; \
             insert into record_text (rowid, body) select i, 'orders' from temp.n; \
             insert into record_words (word, era) values ('orders', 0)"
        ))?;
        Ok(connection)
    }

    fn orders(only: ActivityFilter) -> Filter {
        Filter {
            limit: 50,
            only: ActivityFilter {
                text: Some("orders".to_owned()),
                ..only
            },
            ..Filter::default()
        }
    }

    fn ats(page: &ActivityPage) -> Vec<i64> {
        page.rows.iter().map(|row| row.at.0 / 1_000).collect()
    }

    #[test]
    fn a_page_looks_at_so_many_calls_and_the_next_goes_on_where_it_ended() -> Result<()> {
        let connection = record(20_000)?;
        let mut filter = orders(ActivityFilter {
            outcome: Some(Outcome::Denied),
            ..ActivityFilter::default()
        });
        let mut found = Vec::new();
        for left in [15_000, 10_000, 5_000] {
            let page = super::super::page(&connection, &filter)?;
            assert!(page.rows.is_empty(), "{page:?}");
            let newest = page.newest.context("where it began")?;
            let next = page.next.context("there is more to look at")?;
            assert_eq!(newest.at, Time((left + 5_000) * 1_000));
            assert_eq!(next.at, Time((left + 1) * 1_000), "the last looked at");
            filter.before = Some(next);
        }
        while {
            let page = super::super::page(&connection, &filter)?;
            found.extend(ats(&page));
            filter.before = page.next;
            page.next.is_some()
        } {}
        assert_eq!(found, [1], "exactly once");
        Ok(())
    }

    #[test]
    fn a_span_of_time_ends_the_search() -> Result<()> {
        let connection = record(20_000)?;
        let page = super::super::page(
            &connection,
            &orders(ActivityFilter {
                from: Some(Time(19_998_000)),
                ..ActivityFilter::default()
            }),
        )?;
        assert_eq!(ats(&page), [20_000, 19_999, 19_998]);
        assert_eq!(page.next, None, "nothing older is looked at");

        let page = super::super::page(
            &connection,
            &orders(ActivityFilter {
                until: Some(Time(4_000)),
                ..ActivityFilter::default()
            }),
        )?;
        assert_eq!((ats(&page), page.next), (vec![3, 2, 1], None));
        Ok(())
    }

    #[test]
    fn a_clock_that_was_set_back_hides_nothing() -> Result<()> {
        let connection = record(10)?;
        // Ten seconds back, and later rows at the same times.
        connection.execute_batch(
            "insert into calls (seq, id, at, kind, integration_name, action, because, run, mac) \
             select seq + 100, printf('00000000-0000-7000-8001-%012x', seq), at, kind, integration_name, \
             action, because, run, mac from calls; \
             insert into record_text (rowid, body) select seq, 'orders' from calls where seq > 100",
        )?;
        let between = |from, until| ActivityFilter {
            from: Some(Time(from)),
            until: Some(Time(until)),
            ..ActivityFilter::default()
        };
        let page = super::super::page(&connection, &orders(between(4_000, 6_000)))?;
        assert_eq!(ats(&page), [5, 4, 5, 4]);
        Ok(())
    }
}
