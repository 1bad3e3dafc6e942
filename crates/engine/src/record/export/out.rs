//! The file of an export, and the thread that writes it: it may lie on a disk that does not answer.

use super::{
    super::tail::{PATIENCE, silent},
    unwritable,
};
use crate::store::backup::replace;
use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use wire::{Error, ErrorCode};

/// Pages that may wait for the disk.
const WAITING: usize = 2;

/// So long a disk may take to let go of what was given up.
const A_MOMENT: Duration = Duration::from_secs(1);

/// A file that was begun. It is there under its name only once it is whole.
pub(super) struct Begun {
    pub path: PathBuf,
    pub partial: PathBuf,
    pub file: File,
}

/// Where the lines go. Where their end does not come, there is no file.
pub(super) struct Out {
    pub path: PathBuf,
    pieces: mpsc::Sender<Piece>,
    /// True where all of it is.
    written: oneshot::Receiver<Result<bool, Error>>,
}

enum Piece {
    Lines(String),
    End,
}

/// Begins a file in this folder. Blocks.
pub(super) fn begin(folder: &Path, name: &str) -> Result<Begun, Error> {
    if !folder.is_dir() {
        return Err(super::no_folder());
    }
    let path = folder.join(name);
    let partial = path.with_extension("partial");
    let mut options = File::options();
    options.create_new(true).write(true);
    // It may hold what calls said.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&partial).map_err(|error| unwritable(&error))?;
    Ok(Begun {
        path,
        partial,
        file,
    })
}

impl Out {
    /// What `begin` begins, which is waited for, but not for ever.
    pub async fn open(
        begin: impl FnOnce() -> Result<Begun, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (pieces, to_write) = mpsc::channel(WAITING);
        let (opened, open) = oneshot::channel();
        let (done, written) = oneshot::channel();
        // None of the runtime's: it waits for its own before it ends.
        std::thread::Builder::new()
            .name("export".to_owned())
            .spawn(move || match begin() {
                Ok(begun) => {
                    let _ = opened.send(Ok(begun.path.clone()));
                    work(begun, to_write, done);
                }
                Err(error) => drop(opened.send(Err(error))),
            })
            .map_err(|error| unwritable(&error))?;
        let path = match timeout(PATIENCE, open).await {
            Ok(opened) => opened.map_err(|_| ended())??,
            Err(_) => return Err(silent()),
        };
        Ok(Self {
            path,
            pieces,
            written,
        })
    }

    /// Waits while others are still to be written.
    pub async fn write(&mut self, lines: String) -> Result<(), Error> {
        self.send(Piece::Lines(lines)).await
    }

    /// Waits until all of it is on disk, and there under its name.
    pub async fn finish(&mut self) -> Result<(), Error> {
        self.send(Piece::End).await?;
        match (&mut self.written).await {
            Ok(written) => written.map(drop),
            Err(_) => Err(ended()),
        }
    }

    /// Waits a moment until nothing is left of it. True where it was whole before.
    pub async fn give_up(self) -> bool {
        drop(self.pieces);
        let written = timeout(A_MOMENT, self.written).await;
        matches!(written, Ok(Ok(Ok(true))))
    }

    async fn send(&mut self, piece: Piece) -> Result<(), Error> {
        if self.pieces.send(piece).await.is_ok() {
            return Ok(());
        }
        match (&mut self.written).await {
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) | Err(_) => Err(ended()),
        }
    }
}

fn ended() -> Error {
    Error::new(ErrorCode::Internal).with("why", "the thread of the export ended")
}

/// Writes what comes. Blocks.
fn work(begun: Begun, pieces: mpsc::Receiver<Piece>, done: oneshot::Sender<Result<bool, Error>>) {
    let Begun {
        path,
        partial,
        file,
    } = begun;
    let written = match put(file, pieces) {
        // Given up meanwhile.
        Ok(true) if done.is_closed() => Ok(false),
        Ok(true) => replace(&partial, &path).map(|()| true),
        other => other.map_err(|error| unwritable(&error)),
    };
    if !matches!(written, Ok(true)) {
        // What is half is worth nothing.
        let _ = std::fs::remove_file(&partial);
    }
    let _ = done.send(written);
}

/// True where it is whole and on disk; false where it was given up.
fn put(file: File, mut pieces: mpsc::Receiver<Piece>) -> io::Result<bool> {
    let mut out = BufWriter::new(file);
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Lines(lines) => out.write_all(lines.as_bytes())?,
            Piece::End => {
                out.into_inner()?.sync_all()?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, Result};
    use std::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_folder_that_does_not_answer_is_told_and_keeps_nothing() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (answer, hangs) = std::sync::mpsc::channel::<()>();
        let place = folder.path().to_owned();
        let opened = Out::open(move || {
            let begun = begin(&place, "rows.csv")?;
            let _ = hangs.recv();
            Ok(begun)
        });
        let error = opened.await.err().context("it hangs")?;
        assert_eq!(error, silent());
        drop(answer);
        let began = Instant::now();
        while std::fs::read_dir(folder.path())?.count() > 0 {
            anyhow::ensure!(began.elapsed() < Duration::from_secs(20), "it stays");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_is_whole_is_there_and_what_was_given_up_is_not() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let open = async |name: &'static str| {
            let place = folder.path().to_owned();
            Out::open(move || begin(&place, name)).await
        };
        let mut half = open("half.csv").await?;
        half.write("1,2\r\n".to_owned()).await?;
        assert!(!half.give_up().await);
        let mut whole = open("whole.csv").await?;
        whole.write("1,2\r\n".to_owned()).await?;
        whole.finish().await?;
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        let text = std::fs::read_to_string(&whole.path)?;
        assert_eq!(text, "1,2\r\n");
        Ok(())
    }
}
