//! The index of words: which calls have a word in what they did, why, and how they failed.
//!
//! Written behind the calls, in batches: a call does not wait for it. One document for each call, under
//! the call's place; the outcome of one that failed is added to it. FTS5 is given words, not text: its
//! tokenizer `ascii` parts them at the spaces between them and nowhere else, so that what is one word here is
//! one there.

use super::super::{Tx, failed, text};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use wire::{Because, Error};

/// Rows of the record that one commit reads.
const BATCH: i64 = 60;
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
    tx.undoable()?;
    let done: i64 = tx
        .prepare_cached("select seq from text_indexed")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(failed)?;
    // (What is not filed is read with the next.)
    let end = super::head(tx)?.seq;
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
    let said = words_of(body);
    let body = said.iter().map(String::as_str).collect::<Vec<_>>();
    tx.prepare_cached("insert or replace into record_text (rowid, body) values (?1, ?2)")
        .and_then(|mut statement| statement.execute(params![seq, body.join(" ")]))
        .map_err(failed)?;
    let mut words = tx
        .prepare_cached(
            "insert into record_words (word, era) values (?1, ?2) \
             on conflict (word) do update set era = excluded.era where era < excluded.era",
        )
        .map_err(failed)?;
    for word in said {
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

/// Letters and digits, lower case.
fn words_of(text: &str) -> BTreeSet<String> {
    // First in lower case, which makes two characters of some.
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What was typed, for the index.
pub(crate) struct Sought {
    /// In FTS5's own language: each word from its beginning.
    pub query: String,
    /// A beginning that more words have than are looked for.
    pub cut: Option<String>,
}

/// `None` where some word is in no row.
pub(crate) fn sought(connection: &Connection, typed: &str) -> Result<Option<Sought>, Error> {
    let mut meant = connection
        .prepare_cached("select word from record_words where word >= ?1 and word < ?2 limit ?3")
        .map_err(failed)?;
    let (mut parts, mut cut) = (Vec::new(), None);
    for word in words_of(typed).into_iter().take(SOUGHT) {
        let end = format!("{word}\u{10ffff}");
        let mut words: Vec<String> = meant
            .query_map(params![word, end, MEANT + 1], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(failed)?;
        if words.is_empty() {
            return Ok(None);
        }
        if words.len() > MEANT {
            words.truncate(MEANT);
            cut = Some(word);
        }
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        parts.push(format!("({})", quoted.join(" OR ")));
    }
    let query = parts.join(" AND ");
    Ok((!parts.is_empty()).then_some(Sought { query, cut }))
}

#[cfg(test)]
mod tests {
    use super::super::super::{calls, schema};
    use super::*;
    use anyhow::Result;
    use proptest::prelude::*;
    use wire::ActivityFilter;

    /// A record in which a call was made for each of these titles, read into the index.
    fn record(titles: &[&str]) -> Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection, schema::MIGRATIONS)?;
        connection.execute_batch("insert into runs values (1)")?;
        let tx = Tx::new(&connection);
        for (at, title) in (1_i64..).zip(titles) {
            let call = calls::CallRow {
                because: Because::task(title, None),
                ..calls::tests::call(at.unsigned_abs().into(), at, None)
            };
            calls::begin(&tx, &call, None)?;
        }
        while !index(&tx)? {}
        Ok(connection)
    }

    fn page(connection: &Connection, typed: &str) -> Result<wire::ActivityPage> {
        let filter = calls::Filter {
            limit: 50,
            only: ActivityFilter {
                text: Some(typed.to_owned()),
                ..ActivityFilter::default()
            },
            ..calls::Filter::default()
        };
        Ok(calls::page(connection, &filter)?)
    }

    /// Which of the titles have these words, by their number from 1 on.
    fn found(connection: &Connection, typed: &str) -> Result<Vec<i64>> {
        let rows = page(connection, typed)?.rows;
        Ok(rows.iter().rev().map(|row| row.at.0).collect())
    }

    #[test]
    fn a_beginning_that_too_many_words_have_is_named() -> Result<()> {
        let titles: Vec<String> = (1..=MEANT + 1)
            .map(|n| format!("Refund evt{n:03}"))
            .collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let (all_but_one, all) = (record(&titles[1..])?, record(&titles)?);
        let whole = page(&all_but_one, "refund evt")?;
        assert_eq!((whole.rows.len(), whole.cut), (MEANT, None));
        let cut = page(&all, "evt refund")?;
        assert_eq!((cut.rows.len(), cut.cut), (MEANT, Some("evt".to_owned())));
        let exact = page(&all, "evt049")?;
        assert_eq!((exact.rows.len(), exact.cut), (1, None));
        Ok(())
    }

    #[test]
    fn a_word_that_looks_like_several_to_sqlite_stands_in_no_words_way() -> Result<()> {
        let connection = record(&[
            "Refund by stripe",
            "stripe\u{24d0}x",
            "हिन्दी में भुगतान",
            "ภาษาไทย",
            "עִבְרִית",
            "CAFÉ İstanbul",
        ])?;
        assert_eq!(found(&connection, "stripe")?, [1, 2]);
        assert_eq!(found(&connection, "s refu")?, [1]);
        for (n, typed) in [
            (3, "भुगतान"),
            (3, "हिन्दी"),
            (4, "ภาษา"),
            (5, "עִבְרִית"),
            (6, "café i\u{307}st"),
        ] {
            assert_eq!(found(&connection, typed)?, [n], "{typed}");
        }
        assert_eq!(found(&connection, "orders")?.len(), 6);
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_a_title_says_is_found_by_what_it_says(title in "\\PC{1,40}") {
            let connection = record(&[&title, "Ordinary"]).expect("it is read");
            let rows = found(&connection, &title).expect("it can be asked for");
            prop_assert_eq!(rows.contains(&1), !words_of(&title).is_empty(), "{}", title);
        }
    }
}
