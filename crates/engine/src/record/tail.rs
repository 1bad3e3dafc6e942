//! The tail: a file that gets each finished row as a line of JSON, for a company's own collector.
//!
//! How far it got is kept in the settings, after the lines are written: a crash between repeats some lines
//! (a row's id tells) and leaves none out.

use super::export::json_line;
use crate::{
    Engine,
    store::{self, Durability, Store, record},
};
use serde::{Deserialize, Serialize};
use std::{fs::OpenOptions, io::Write as _};
use wire::Error;

const KEY: &str = "record_tail";
/// Rows of one step.
const STEP: u32 = 1_000;

#[derive(Clone, Serialize, Deserialize)]
struct Got {
    file: String,
    /// The row of the record that was the last.
    seq: i64,
}

/// Writes what ended since the last time, where the admin wants it. A file that is new begins with what
/// ends from now on.
pub(super) async fn push(engine: &Engine) -> Result<(), Error> {
    let Some(file) = engine.manner().tail_file() else {
        return Ok(());
    };
    let store = engine.store();
    let got: Option<Got> = store.read(|conn| store::settings::get(conn, KEY)).await?;
    let mut got = match got {
        Some(got) if got.file == file => got,
        Some(_) | None => begin(store, &file).await?,
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
        append(&file, lines).await?;
        let kept = got.clone();
        store
            .write(Durability::Normal, move |tx| {
                tx.only_records();
                store::settings::set(tx, KEY, &kept)
            })
            .await?;
        if !full {
            return Ok(());
        }
    }
}

async fn begin(store: &Store, file: &str) -> Result<Got, Error> {
    let seq = store.read(record::head).await?.seq;
    let got = Got {
        file: file.to_owned(),
        seq,
    };
    let kept = got.clone();
    store
        .write(Durability::Normal, move |tx| {
            store::settings::set(tx, KEY, &kept)
        })
        .await?;
    Ok(got)
}

async fn append(file: &str, lines: String) -> Result<(), Error> {
    let file = file.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(file)?.write_all(lines.as_bytes())
    });
    written
        .await
        .map_err(|error| Error::new(wire::ErrorCode::Internal).with("why", error.to_string()))?
        .map_err(|error| store::unwritable(&error))
}
