//! The tail: a file that gets each finished row as a line of JSON, for a company's own collector.
//!
//! How far it got is kept in the settings, after the lines are on disk: a crash between repeats some lines
//! (a row's id tells) and leaves none out. Only a thread of its own touches the file, which may lie on a disk that
//! does not answer for hours.

use super::export::{json_line, unwritable};
use crate::{
    Engine,
    store::{self, Durability, Tx, record},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    time::Duration,
};
use tokio::{
    sync::oneshot::{self, Receiver, error::TryRecvError},
    time::{Instant, sleep_until, timeout},
};
use wire::{Because, Error, ErrorCode, TailTrouble, Topic};

const KEY: &str = "record_tail";
/// Rows of one step.
const STEP: u32 = 1_000;
/// Between two times that lines are put on disk, which is waited for.
const SURE_EACH: Duration = Duration::from_secs(1);
/// For so long the file may take to answer, until it is told that it does not.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

type Written = Receiver<io::Result<File>>;

/// The one who writes the file.
#[derive(Default)]
pub(super) struct Tail {
    /// The file that did not answer, and the answer that is still to come.
    hangs: Option<(String, Written)>,
}

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

impl Tail {
    /// Writes what ended since the last time, where the admin wants it. What fails is kept for the admin to
    /// see, told once as a row, and tried again with the next rows.
    pub(super) async fn push(&mut self, engine: &Engine) -> Result<(), Error> {
        let Some(file) = engine.manner().tail_file() else {
            return Ok(());
        };
        let failed = self.write(engine, &file).await.err();
        tell(engine, &file, failed).await
    }

    /// Waits until a file that did not answer has answered; for ever where none is waited for.
    pub(super) async fn answered(&mut self) {
        match &mut self.hangs {
            Some((_, written)) => {
                // Whatever it was: the next push tells.
                let _ = written.await;
                self.hangs = None;
            }
            None => std::future::pending().await,
        }
    }

    async fn write(&mut self, engine: &Engine, file: &str) -> Result<(), Error> {
        let hung = self.hangs.take().filter(|(hung, _)| hung == file);
        if let Some((_, mut written)) = hung
            && matches!(written.try_recv(), Err(TryRecvError::Empty))
        {
            self.hangs = Some((file.to_owned(), written));
            return Err(silent());
        }
        let Some(mut got) = begun(engine, file).await? else {
            return Ok(());
        };
        let (mut out, mut sure_at) = (None, Instant::now());
        loop {
            let after = got.seq;
            let rows = engine
                .store()
                .read(move |conn| store::calls::ended_after(conn, after, STEP))
                .await?;
            // (What failed is only written again once it is open.)
            if rows.is_empty() && out.is_none() && engine.manner().tail_trouble().is_none() {
                return Ok(());
            }
            got.seq = rows.last().map_or(got.seq, |(last, _)| *last);
            let lines: String = rows
                .iter()
                .map(|(_, row)| json_line(row))
                .collect::<Result<_, _>>()?;
            let is_last = rows.len() < STEP as usize;
            let sure = is_last || Instant::now() >= sure_at;
            if sure {
                sleep_until(sure_at).await;
                sure_at = Instant::now() + SURE_EACH;
            }
            let path = file.to_owned();
            let work = move || append(out, &path, &lines, sure);
            out = Some(self.waited(file, work).await?);
            if sure {
                keep(engine, got.clone()).await?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Waits for what a thread does with the file, but not for ever.
    async fn waited(
        &mut self,
        file: &str,
        work: impl FnOnce() -> io::Result<File> + Send + 'static,
    ) -> Result<File, Error> {
        let (done, mut written) = oneshot::channel();
        // None of the runtime's: it waits for its own before it ends.
        std::thread::Builder::new()
            .name("tail".to_owned())
            .spawn(move || done.send(work()))
            .map_err(|error| unwritable(&error))?;
        match timeout(PATIENCE, &mut written).await {
            Ok(Ok(written)) => written.map_err(|error| unwritable(&error)),
            Ok(Err(_)) => {
                Err(Error::new(ErrorCode::Internal).with("why", "the tail's thread ended"))
            }
            Err(_) => {
                self.hangs = Some((file.to_owned(), written));
                Err(silent())
            }
        }
    }
}

pub(super) fn silent() -> Error {
    Error::new(ErrorCode::FileUnwritable).with("why", "it does not answer")
}

/// Tells how it went, where that is news.
async fn tell(engine: &Engine, file: &str, failed: Option<Error>) -> Result<(), Error> {
    let manner = engine.manner();
    let (was, now) = (manner.tail_trouble(), engine.now());
    // Another file since: how this one went is of no interest.
    if manner.tail_file().as_deref() != Some(file) {
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

/// How far the file got; `None` where another one is named by now, or none, or it begins here.
async fn begun(engine: &Engine, file: &str) -> Result<Option<Got>, Error> {
    let store = engine.store();
    let got: Option<Option<Got>> = store.read(|conn| store::settings::get(conn, KEY)).await?;
    match got {
        Some(got) => Ok(got.filter(|got| got.file == file)),
        // Named by a version that began it here.
        None => {
            let file = file.to_owned();
            store
                .write(Durability::Normal, move |tx| begin(tx, Some(&file)))
                .await?;
            Ok(None)
        }
    }
}

/// Takes what ends up to this place for lost to the file, since it is removed in this commit. True: something was.
pub(super) fn loses(tx: &Tx<'_>, last: i64) -> Result<bool, Error> {
    let got: Option<Option<Got>> = store::settings::get(tx, KEY)?;
    let Some(got) = got.flatten().filter(|got| got.seq < last) else {
        return Ok(false);
    };
    let next = store::calls::ended_after(tx, got.seq, 1)?;
    let lost = next.first().is_some_and(|(seq, _)| *seq <= last);
    store::settings::set(tx, KEY, &Some(Got { seq: last, ..got }))?;
    Ok(lost)
}

/// Keeps how far it got.
async fn keep(engine: &Engine, got: Got) -> Result<(), Error> {
    engine
        .store()
        .write(Durability::Normal, move |tx| {
            tx.only_records();
            let now: Option<Option<Got>> = store::settings::get(tx, KEY)?;
            // Not where another file was named meanwhile.
            match now.flatten().is_some_and(|now| now.file == got.file) {
                true => store::settings::set(tx, KEY, &Some(got)),
                false => Ok(()),
            }
        })
        .await
}

/// Writes these lines into the open file, or that of this path; where `sure`, they are on disk. Blocks.
fn append(out: Option<File>, path: &str, lines: &str, sure: bool) -> io::Result<File> {
    let mut out = match out {
        Some(out) => out,
        None => open(path)?,
    };
    out.write_all(lines.as_bytes())?;
    // A pipe lies on no disk. A full one that is far away says so here at the latest.
    if sure && out.metadata()?.is_file() {
        out.sync_data()?;
    }
    Ok(out)
}

fn open(path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if is_cut(&mut file)? {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

/// Whether its last line was written in part: a disk was full, or the app was killed. The whole row
/// follows on a line of its own.
fn is_cut(file: &mut File) -> io::Result<bool> {
    let about = file.metadata()?;
    if !about.is_file() || about.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
