//! The index of words: which calls have a word in what they did, why, and how they failed.
//!
//! Written behind the calls, in batches: a call does not wait for it. One document for each call, under
//! the call's place; the outcome of one that failed is added to it.

use super::super::{Tx, failed, text};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use wire::{Because, Error};

/// Rows of the record that one commit reads.
const BATCH: i64 = 20;
/// Places of the record in which a word is noted once: it is forgotten with the last of them.
const ERA: i64 = 64;
/// Words of the record that one beginning may stand for.
const MEANT: usize = 48;
/// Words that are looked for at once.
const SOUGHT: usize = 8;
/// Characters of one document.
const LENGTH: usize = 1_000;

/// Reads the next rows into the index. True where none is left.
pub(crate) fn index(tx: &Tx<'_>) -> Result<bool, Error> {
    tx.only_records();
    let done: i64 = tx
        .prepare_cached("select seq from text_indexed")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(failed)?;
    let end = tx.chained(|chain| chain.head.seq)?;
    if done >= end {
        return Ok(true);
    }
    let until = end.min(done + BATCH);
    for (seq, body) in documents(tx, (done, until))? {
        write(tx, seq, &body)?;
    }
    tx.prepare_cached("update text_indexed set seq = ?1")
        .and_then(|mut statement| statement.execute([until]))
        .map_err(failed)?;
    Ok(until == end)
}

/// Calls that began, or failed, between two places.
fn documents(tx: &Tx<'_>, (after, until): (i64, i64)) -> Result<BTreeMap<i64, String>, Error> {
    const TEXT: &str = "c.seq, c.integration_name, c.action, c.because, c.agent_name, c.task";
    let begun = format!("select {TEXT}, null, null from calls c where c.seq > ?1 and c.seq <= ?2");
    let failed_ones = format!(
        "select {TEXT}, o.error, o.detail from outcomes o join calls c on c.seq = o.call_seq \
         where o.seq > ?1 and o.seq <= ?2 and o.error is not null"
    );
    let mut found = BTreeMap::new();
    for sql in [begun, failed_ones] {
        let mut statement = tx.prepare_cached(&sql).map_err(failed)?;
        let rows = statement
            .query_map([after, until], |row| {
                let because: Because = text::from_json(row, 3)?;
                let error: Option<wire::Error> = text::from_json_or_null(row, 6)?;
                let mut body: Vec<String> = vec![row.get(1)?, row.get(2)?, why(&because)];
                body.extend(row.get::<_, Option<String>>(4)?);
                // An id is nothing to look for by its pieces, which would stand in the way of words.
                let task: Option<String> = row.get(5)?;
                body.extend(task.filter(|task| Uuid::try_parse(task).is_err()));
                if let Some(error) = error {
                    body.push(error.code.as_str().to_owned());
                    body.extend(error.args.into_values());
                }
                body.extend(row.get::<_, Option<String>>(7)?);
                Ok((row.get(0)?, body.join(" ")))
            })
            .map_err(failed)?;
        for row in rows {
            let (seq, body) = row.map_err(failed)?;
            found.insert(seq, body.chars().take(LENGTH).collect());
        }
    }
    Ok(found)
}

fn why(because: &Because) -> String {
    match because {
        Because::Admin { name } | Because::Cron { name, .. } => name.clone(),
        Because::Task { title, .. } => title.clone(),
        Because::Health | Because::Connecting | Because::Outside | Because::Notice => String::new(),
    }
}

fn write(tx: &Tx<'_>, seq: i64, body: &str) -> Result<(), Error> {
    tx.prepare_cached("insert or replace into record_text (rowid, body) values (?1, ?2)")
        .and_then(|mut statement| statement.execute(params![seq, body]))
        .map_err(failed)?;
    let mut words = tx
        .prepare_cached(
            "insert into record_words (word, era) values (?1, ?2) \
             on conflict (word) do update set era = excluded.era where era < excluded.era",
        )
        .map_err(failed)?;
    for word in words_of(body) {
        words.execute(params![word, seq / ERA]).map_err(failed)?;
    }
    Ok(())
}

/// Forgets what calls up to this place said, and the words that no later one has said.
pub(super) fn forget(tx: &Tx<'_>, last: i64) -> Result<(), Error> {
    tx.execute("delete from record_text where rowid <= ?1", [last])
        .and_then(|_| {
            tx.execute(
                "delete from record_words where era < ?1",
                [(last + 1) / ERA],
            )
        })
        .map(drop)
        .map_err(failed)
}

/// What FTS5's own tokenizer makes of it, near enough: letters and digits, lower case.
fn words_of(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// What was typed, in FTS5's own language: each word from its beginning. `None` where some word is in no
/// row.
pub(crate) fn query(connection: &Connection, typed: &str) -> Result<Option<String>, Error> {
    let mut meant = connection
        .prepare_cached("select word from record_words where word >= ?1 and word < ?2 limit ?3")
        .map_err(failed)?;
    let mut parts = Vec::new();
    for word in words_of(typed).into_iter().take(SOUGHT) {
        let end = format!("{word}\u{10ffff}");
        let words: Vec<String> = meant
            .query_map(params![word, end, MEANT], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(failed)?;
        if words.is_empty() {
            return Ok(None);
        }
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        parts.push(format!("({})", quoted.join(" OR ")));
    }
    Ok((!parts.is_empty()).then(|| parts.join(" AND ")))
}
