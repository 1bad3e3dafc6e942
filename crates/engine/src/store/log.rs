//! The thread that puts the log of commits (SQLite's WAL) on disk and moves it into the database file,
//! behind the writer, so that no write waits for that.

use super::{closed, failed};
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};
use wire::{Error, ErrorCode};

/// Pages of the log, at most, before the writer waits until all of them are in the database file: while
/// there is always another write the log never comes to its end by itself.
const PAGES: i64 = 16_384;
/// What writes wait for at most while the log begins anew, or is emptied.
const A_MOMENT: Duration = Duration::from_millis(50);
/// After a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// The thread. It ends when this is dropped.
pub(super) struct Log {
    due: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// One at a time: SQLite refuses a second.
    at_work: Mutex<()>,
    /// Pages in the log when it was last looked at.
    pages: AtomicI64,
}

impl Log {
    pub(super) fn start(file: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
        super::open::prepare(&connection)?;
        let log = PathBuf::from(format!("{}-wal", file.display()));
        let (due, asked) = mpsc::channel();
        let shared = Arc::<Shared>::default();
        let ours = shared.clone();
        let thread = std::thread::Builder::new()
            .name("store-log".into())
            .spawn(move || {
                while asked.recv().is_ok() {
                    while let Err(error) = ours.sync(&connection, &log) {
                        tracing::error!(%error, "the log could not be put on disk");
                        match asked.recv_timeout(AGAIN) {
                            Err(mpsc::RecvTimeoutError::Disconnected) => return,
                            Ok(()) | Err(mpsc::RecvTimeoutError::Timeout) => {}
                        }
                    }
                }
            })
            .map_err(|error| super::unwritable(&error))?;
        Ok(Self {
            due: Some(due),
            thread: Some(thread),
            shared,
        })
    }

    /// All commits so far are to be on disk soon.
    pub(super) fn sync(&self) -> Result<(), Error> {
        let due = self.due.as_ref().ok_or_else(closed)?;
        due.send(()).map_err(|_| closed())
    }

    /// Where the log has grown beyond what it should, `connection` waits until all of it is in the database
    /// file; not for long, where a reader of an old snapshot keeps it there.
    pub(super) fn bound(&self, connection: &Connection) -> Result<(), Error> {
        if self.shared.pages.load(Ordering::Relaxed) < PAGES {
            return Ok(());
        }
        let _alone = self.shared.alone();
        self.shared.pages.store(0, Ordering::Relaxed);
        checkpoint_soon(connection, "restart").map(drop)
    }

    /// Empties the log by `connection`: everything is in the database file then. Not where a reader of an old
    /// snapshot keeps it there: whoever wants it asks again.
    pub(super) fn empty(&self, connection: &Connection) -> Result<(), Error> {
        let _alone = self.shared.alone();
        if checkpoint_soon(connection, "truncate")?.is_whole {
            return Ok(());
        }
        Err(Error::new(ErrorCode::StoreFailed).with("why", "a reader would not let go of the log"))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.due.take());
        super::reader::join(&mut self.thread);
    }
}

impl Shared {
    fn alone(&self) -> std::sync::MutexGuard<'_, ()> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the log on disk, and what it can of it into the database file.
    fn sync(&self, connection: &Connection, log: &Path) -> Result<(), Error> {
        let _alone = self.alone();
        // It syncs the log before it copies anything out of it; where a reader's snapshot lets it copy
        // nothing, it may not have synced.
        let done = checkpoint(connection, "passive")?;
        self.pages.store(done.pages, Ordering::Relaxed);
        if done.is_whole {
            return Ok(());
        }
        super::backup::sync_file(log)
    }
}

struct Done {
    pages: i64,
    /// All of them are in the database file now.
    is_whole: bool,
}

/// One that waits for readers for a moment only.
fn checkpoint_soon(connection: &Connection, mode: &str) -> Result<Done, Error> {
    connection.busy_timeout(A_MOMENT).map_err(failed)?;
    let done = checkpoint(connection, mode);
    connection.busy_timeout(super::open::BUSY).map_err(failed)?;
    done
}

fn checkpoint(connection: &Connection, mode: &str) -> Result<Done, Error> {
    connection
        .query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| {
            let (busy, pages, copied): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Done {
                pages,
                is_whole: busy == 0 && pages == copied,
            })
        })
        .map_err(failed)
}
