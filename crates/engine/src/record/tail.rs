//! The tail: a file that gets each finished row as a line of JSON, for a company's own collector.
//!
//! How far it got is kept in the settings, after the lines are written: a crash between repeats some lines
//! (a row's id tells) and leaves none out.

use super::export::{json_line, unwritable};
use crate::{
    Engine,
    store::{self, Durability, Tx, record},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::OpenOptions,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
};
use wire::{Because, Error, TailTrouble, Topic};

const KEY: &str = "record_tail";
/// Rows of one step.
const STEP: u32 = 1_000;

#[derive(Clone, Serialize, Deserialize)]
struct Got {
    file: String,
    /// The row of the record that was the last.
    seq: i64,
}

/// Begins a file, in the commit that names it: it gets what ends from now on. `None`: there is no file, and
/// the next begins anew.
pub(super) fn begin(tx: &Tx<'_>, file: Option<&str>) -> Result<(), Error> {
    let seq = record::head(tx)?.seq;
    let got = file.map(|file| Got {
        file: file.to_owned(),
        seq,
    });
    store::settings::set(tx, KEY, &got)
}

/// Writes what ended since the last time, where the admin wants it. What fails is kept for the admin to
/// see, told once as a row, and tried again with the next rows.
pub(super) async fn push(engine: &Engine) -> Result<(), Error> {
    let Some(file) = engine.manner().tail_file() else {
        return Ok(());
    };
    let failed = write(engine, &file).await.err();
    let manner = engine.manner();
    let (was, now) = (manner.tail_trouble(), engine.now());
    // Another file since: how this one went is of no interest.
    if manner.tail_file().as_ref() != Some(&file) {
        return Ok(());
    }
    match (failed, was) {
        (Some(error), Some(was)) if was.error == error => Ok(()),
        (Some(error), was) => {
            let since = was.as_ref().map_or(now, |was| was.since);
            let told = format!(
                "the file for a collector cannot be written: {}",
                words::error(&error)
            );
            manner.set_tail_trouble(Some(TailTrouble { error, since }));
            engine.store().announce([Topic::App]);
            match was {
                Some(_) => Ok(()),
                None => engine.note(&told, &Because::Health).await,
            }
        }
        (None, Some(_)) => {
            manner.set_tail_trouble(None);
            engine.store().announce([Topic::App]);
            engine
                .note(
                    "the file for a collector is written again",
                    &Because::Health,
                )
                .await
        }
        (None, None) => Ok(()),
    }
}

async fn write(engine: &Engine, file: &str) -> Result<(), Error> {
    let store = engine.store();
    let got: Option<Option<Got>> = store.read(|conn| store::settings::get(conn, KEY)).await?;
    let mut got = match got {
        Some(Some(got)) if got.file == file => got,
        // Another one is named by now, or none.
        Some(_) => return Ok(()),
        // Named by a version that began it here.
        None => {
            let file = file.to_owned();
            let begun = store.write(Durability::Normal, move |tx| begin(tx, Some(&file)));
            return begun.await;
        }
    };
    loop {
        let after = got.seq;
        let rows = store
            .read(move |conn| store::calls::ended_after(conn, after, STEP))
            .await?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        got.seq = *last;
        let full = rows.len() == STEP as usize;
        let lines: String = rows
            .iter()
            .map(|(_, row)| json_line(row))
            .collect::<Result<_, _>>()?;
        append(file, lines).await?;
        let kept = got.clone();
        store
            .write(Durability::Normal, move |tx| {
                tx.only_records();
                let now: Option<Option<Got>> = store::settings::get(tx, KEY)?;
                // Not where another file was named meanwhile.
                match now.flatten().is_some_and(|now| now.file == kept.file) {
                    true => store::settings::set(tx, KEY, &kept),
                    false => Ok(()),
                }
            })
            .await?;
        if !full {
            return Ok(());
        }
    }
}

async fn append(file: &str, lines: String) -> Result<(), Error> {
    let file = file.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(file)?;
        if is_cut(&mut file)? {
            file.write_all(b"\n")?;
        }
        file.write_all(lines.as_bytes())
    });
    written
        .await
        .map_err(|error| Error::new(wire::ErrorCode::Internal).with("why", error.to_string()))?
        .map_err(|error| unwritable(&error))
}

/// Whether its last line was written in part: a disk was full, or the app was killed. The whole row
/// follows on a line of its own.
fn is_cut(file: &mut std::fs::File) -> io::Result<bool> {
    let about = file.metadata()?;
    if !about.is_file() || about.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
