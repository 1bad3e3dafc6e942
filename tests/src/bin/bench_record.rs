//! `cargo run -p chief-tests --features benchmarks --bin bench_record -- [FOLDER] [ROWS]`: the first page of activity and its
//! filters over a long record (ten million calls), as JSON on standard output.
//!
//! The rows are written past the chain, by SQL alone, since only reading is measured. 200 integrations, 2,000
//! tools, 50 agents, a thread for each 20 calls, one call in a hundred failed.

use anyhow::{Context, Result};
use engine::store::{
    Store,
    calls::{Filter, page},
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};
use wire::{ActivityFilter, AgentId, IntegrationId, Outcome, Time};

const ROWS: i64 = 10_000_000;
const FIRST: i64 = 1_700_000_000_000;
/// Milliseconds between two calls.
const STEP: i64 = 300;
/// Pages of each kind.
const TIMES: i64 = 200;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let at = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let rows = args.next().map_or(Ok(ROWS), |rows| rows.parse())?;
    let folder = tempfile::tempdir_in(at)?;
    drop(Store::open(folder.path())?);
    let file = folder.path().join("chief.db");
    let began = Instant::now();
    seed(&file, rows).context("the rows could not be written")?;
    let seeded = began.elapsed().as_secs_f64();
    let database = Connection::open(&file)?;
    let report = json!({
        "rows": rows,
        "seeded_s": seeded.round(),
        "size_mb": std::fs::metadata(&file)?.len() / 1_000_000,
        "pages": measured(&database, rows)?,
        "debug_build": cfg!(debug_assertions),
    });
    println!("{report}");
    Ok(())
}

/// An id whose last digits count, of the form that the engine writes.
const ID: &str = "printf('018bcfe5-0000-7000-8000-%012x', {})";

fn seed(file: &Path, rows: i64) -> Result<()> {
    let database = Connection::open(file)?;
    let indexes: Vec<(String, String)> = database
        .prepare(
            "select name, sql from sqlite_schema where type = 'index' and sql is not null \
             and tbl_name in ('calls', 'outcomes')",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    database.execute_batch(
        "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -1000000; \
         pragma foreign_keys = off; pragma temp_store = file",
    )?;
    for (name, _) in &indexes {
        database.execute_batch(&format!("drop index {name}"))?;
    }
    let numbers = format!(
        "with recursive n(i) as (select 0 union all select i + 1 from n where i < {})",
        rows - 1
    );
    let id = |of: &str| ID.replace("{}", of);
    let (call, integration, agent) = (id("i"), id("i % 200"), id("i % 50"));
    let thread = "'https://acme.slack.com/archives/C1/p' || (i / 20)";
    let title = "'Refund ' || (i / 20)";
    database.execute_batch(&format!(
        "{numbers} insert into calls (seq, id, at, kind, integration_id, integration_name, action, \
         because, run, agent_id, agent_name, task, thread_url, thread_title, mac) \
         select 2 * i + 1, {call}, {FIRST} + i * {STEP}, 'call', {integration}, 'Service ' || (i % 200), \
         'service-' || (i % 200) || '.tool_' || (i % 2000), \
         '{{\"because\":\"task\",\"title\":\"Agent ' || (i % 50) || ' · ' || {title} || '\",\"url\":\"' || {thread} || '\"}}', \
         1, {agent}, 'Agent ' || (i % 50), 'task-' || (i / 20), {thread}, {title}, zeroblob(32) from n; \
         {numbers} insert into outcomes (call_seq, seq, call_at, at, outcome, took_ms, error, detail, mac) \
         select 2 * i + 1, 2 * i + 2, {FIRST} + i * {STEP}, {FIRST} + i * {STEP} + 12, \
         iif(i % 100 = 0, 'failed', 'ok'), 12, null, '', zeroblob(32) from n; \
         {numbers} insert into record_text (rowid, body) \
         select 2 * i + 1, 'Service ' || (i % 200) || ' service tool ' || (i % 2000) || ' Agent Refund ' || (i / 20) from n; \
         with recursive n(i) as (select 0 union all select i + 1 from n where i < {rows} / 20) \
         insert or ignore into record_words (word, era) select cast(i as text), i / 64 from n; \
         insert or ignore into record_words (word, era) values ('service', 0), ('tool', 0), ('agent', 0), ('refund', 0);"
    ))?;
    for (_, sql) in &indexes {
        database.execute_batch(sql)?;
    }
    Ok(())
}

fn measured(database: &Connection, rows: i64) -> Result<Value> {
    // Another place in the record each time, spread over all of it.
    let place = |n: i64| (n * 7_919 + 13) * 104_729 % rows;
    let uuid =
        |n: i64| -> Result<uuid::Uuid> { Ok(format!("018bcfe5-0000-7000-8000-{n:012x}").parse()?) };
    // A week up to that place.
    let week = |n: i64| ActivityFilter {
        from: Some(Time(FIRST + n * STEP - 7 * 86_400_000)),
        until: Some(Time(FIRST + n * STEP)),
        ..ActivityFilter::default()
    };
    let only = |only: ActivityFilter| Filter {
        limit: 50,
        only,
        ..Filter::default()
    };
    type Make<'a> = Box<dyn Fn(i64) -> Result<Filter> + 'a>;
    let kinds: Vec<(&str, Make<'_>)> = vec![
        (
            "first_page",
            Box::new(|_| Ok(only(ActivityFilter::default()))),
        ),
        (
            "time_integration",
            Box::new(|n| {
                let integration = Some(IntegrationId(uuid(n % 200)?));
                Ok(Filter {
                    integration,
                    ..only(week(n))
                })
            }),
        ),
        (
            "time_tool",
            Box::new(|n| {
                let tool = Some(format!("service-{}.tool_{}", n % 200, n % 2_000));
                Ok(only(ActivityFilter { tool, ..week(n) }))
            }),
        ),
        (
            "time_status",
            Box::new(|n| {
                Ok(only(ActivityFilter {
                    outcome: Some(Outcome::Failed),
                    ..week(n)
                }))
            }),
        ),
        (
            "time_agent",
            Box::new(|n| {
                Ok(only(ActivityFilter {
                    agent: Some(AgentId(uuid(n % 50)?)),
                    ..week(n)
                }))
            }),
        ),
        (
            "thread",
            Box::new(|n| {
                let thread = Some(format!("https://acme.slack.com/archives/C1/p{}", n / 20));
                Ok(only(ActivityFilter {
                    thread,
                    ..ActivityFilter::default()
                }))
            }),
        ),
        (
            "text_rare",
            Box::new(|n| {
                let text = Some(format!("refund {}", n / 20));
                Ok(only(ActivityFilter {
                    text,
                    ..ActivityFilter::default()
                }))
            }),
        ),
        (
            "text_common",
            Box::new(|_| {
                let text = Some("refu serv".to_owned());
                Ok(only(ActivityFilter {
                    text,
                    ..ActivityFilter::default()
                }))
            }),
        ),
    ];
    let mut told = json!({});
    for (name, make) in kinds {
        let mut took = Vec::new();
        let mut found = 0;
        for n in 0..TIMES {
            let filter = make(place(n))?;
            let began = Instant::now();
            let rows = page(database, &filter)?.rows.len();
            took.push(began.elapsed().as_secs_f64() * 1e3);
            found += rows;
        }
        anyhow::ensure!(found > 0, "{name} finds nothing");
        took.sort_by(f64::total_cmp);
        let at = |place: usize| (took.get(place).copied().unwrap_or(0.0) * 1e3).round() / 1e3;
        let last = took.len().saturating_sub(1);
        told[name] = json!({ "ms_p50": at(took.len() / 2), "ms_p99": at(took.len() * 99 / 100), "ms_most": at(last) });
    }
    Ok(told)
}
