//! The data on disk: one SQLite file, one thread that writes, a few that read. A few rows by their keys are
//! read where they are asked for ([`Store::glance`]).
//!
//! Owns: the file and its lock, the schema, transactions, backups, and who is told of a commit.
//! One file per table under `store/`, each with its rows and its reads and writes. Must not know:
//! what a credential holds (the vault hands it sealed bytes), networks, windows.
//!
//! A write is a function that runs on the writer thread inside a savepoint. Functions that wait
//! together share one transaction, so that sixty-four callers cost one commit; each undoes only
//! itself when it fails (one that is alone has the transaction instead, and one that only adds to the
//! record does without). Nobody is answered before the
//! commit is done.

pub mod agents;
mod along;
pub(crate) mod apps;
pub mod backup;
pub(crate) mod bodies;
pub mod calls;
pub mod credentials;
pub mod crons;
pub mod deliveries;
pub mod documents;
mod intake;
pub mod integrations;
mod job;
mod kept;
pub(crate) mod keys;
mod log;
pub mod notices;
mod open;
pub mod pings;
pub(crate) mod pins;
pub mod policies;
mod reader;
pub mod record;
pub mod schema;
pub mod settings;
pub mod slack;
mod tally;
pub mod tasks;
mod text;
pub mod tools;
mod tx;
pub(crate) mod waiting;
mod writer;

use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{broadcast, oneshot};
use wire::{Changed, Error, ErrorCode, Time, Topic};

use job::Finds;
pub(crate) use kept::Kept;
use open::Fit;
pub use open::Restored;
pub(crate) use open::{CameBack, came_back, forget_came_back};
pub use tx::Tx;

/// Batches of calls, at most, that are counted before something is shown: others may go on calling.
const ROUNDS: u32 = 20;
/// What SQLite has met that does not fit together: the data, a page of it, or an index.
const DAMAGED: &str = "the data file is damaged";
/// Until damage that is met, though a look found none, has the data looked through once more.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);
/// Commits that a slow listener may miss before it is told that it lagged.
const CHANGES_KEPT: usize = 256;

/// How sure a commit must be before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Survives the death of the app at once, and loss of power within a second.
    Normal,
    /// On disk when answered (`synchronous=FULL`).
    Full,
}

/// The open database. Cloning is cheap; the last clone closes it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    // Order matters: the readers stop first, then the writer, which ends with the lock in its hand.
    readers: reader::Readers,
    /// One, for what reads all of the data and takes minutes.
    slow: reader::Readers,
    glances: reader::Glances,
    writer: writer::Writer,
    changes: broadcast::Sender<Changed>,
    told: Arc<writer::Told>,
    folder: PathBuf,
    restored: Option<Restored>,
    /// When damage that somebody met had the data looked through.
    looked: Mutex<Option<Instant>>,
}

impl Store {
    /// Opens the data in `folder`, making folder and data where there are none.
    ///
    /// # Errors
    /// `StoreInUse` where another process has it open; `StoreNewer` (`found`, `known`) where a newer
    /// version of the app wrote it, and nothing is changed; `StoreUnwritable` for the disk;
    /// `StoreFailed` (`why`) where it is damaged and no backup is good.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let opened = open::open(folder, schema::MIGRATIONS)?;
        let (changes, _) = broadcast::channel(CHANGES_KEPT);
        let told = Arc::new(writer::Told::default());
        let readers = reader::Readers::start(&opened.file, ("store-reader", reader::THREADS))?;
        let slow = reader::Readers::start(&opened.file, ("store-slow", 1))?;
        let glances = reader::Glances::of(&opened.file);
        if opened.unchecked {
            slow.send(look(folder, &changes))?;
        }
        let writer = writer::Writer::start(
            (opened.connection, opened.unfiled),
            (opened.lock, &opened.file),
            (changes.clone(), told.clone()),
        )?;
        Ok(Self(Arc::new(Inner {
            readers,
            slow,
            glances,
            writer,
            changes,
            told,
            folder: folder.to_owned(),
            restored: opened.restored,
            looked: Mutex::default(),
        })))
    }

    /// Runs `job` on the writer thread and answers once its commit is done. The job runs whether or
    /// not the answer is still awaited.
    ///
    /// # Errors
    /// The job's own, which undoes what this job did and nothing else; `StoreUnwritable` or
    /// `StoreFailed` where the commit itself failed, and nothing of it is kept.
    pub async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let whole = move |tx: &mut Tx<'_>| {
            tx.undoable()?;
            job(tx)
        };
        self.send((durability, Finds::Tables), whole).await
    }

    /// The same for a job that only adds to the record, on the path of every call, where a savepoint costs
    /// as much as the row. One that fails after it wrote something takes all with it that share its commit,
    /// unless it was made undoable before ([`Tx::undoable`]). What it adds lies in the intake first
    /// (`store/intake.rs`), and so may what was added before it: it reads nothing of the record.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub(crate) async fn append<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.send((durability, Finds::Intake), job).await
    }

    async fn send<T: Send + 'static>(
        &self,
        (durability, finds): (Durability, Finds),
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.0
            .writer
            .send(job::Job::new((durability, finds), job, answer))?;
        self.heard(answered.await.map_err(|_| closed())?)
    }

    /// Where it tells of damage, all of the data is looked through, behind whoever met it.
    fn heard<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &answer
            && tells_of_damage(error)
            && !self.is_damaged()
        {
            let mut looked = self.0.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
                *looked = Some(Instant::now());
                // (It fails where the app is closing: the next start comes upon it, too.)
                let _ = self.0.slow.send(look(&self.0.folder, &self.0.changes));
            }
        }
        answer
    }

    /// Runs `job` on one of the reader threads, in one snapshot of the data.
    ///
    /// # Errors
    /// The job's own.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.read_by(&self.0.readers, job).await
    }

    /// The same for a job that reads all of the data: those come one after the other, and what somebody looks
    /// at does not wait for them.
    ///
    /// # Errors
    /// The job's own.
    pub(crate) async fn read_all<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.read_by(&self.0.slow, job).await
    }

    async fn read_by<T: Send + 'static>(
        &self,
        readers: &reader::Readers,
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.caught_up().await;
        let (answer, answered) = oneshot::channel();
        readers.send(reader::Job::new(job, answer))?;
        self.heard(answered.await.map_err(|_| closed())?)
    }

    /// Runs `job` in the caller's own thread, in one snapshot of the data: for a few rows by their keys on
    /// the path of every call, where a reader's thread would cost more than the read.
    ///
    /// # Errors
    /// The job's own.
    pub fn glance<T>(&self, job: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.heard(self.0.glances.read(job))
    }

    /// Which commit that may have changed what is [`Kept`] was the last.
    pub(crate) fn edition(&self) -> u64 {
        self.0.told.edition.load(Ordering::Acquire)
    }

    /// Counts the calls that are over, which is else done once a second: before who used what, and how
    /// often, is shown. Where it fails, what is shown is of a moment ago.
    pub(crate) async fn settle(&self) {
        self.caught_up().await;
        for _ in 0..ROUNDS {
            if !self.0.told.uncounted.load(Ordering::Acquire) {
                return;
            }
            match self.write(Durability::Normal, |tx| tally::count(tx)).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "calls that are over could not be counted");
                    return;
                }
            }
        }
    }

    /// Every commit from now on that touched a topic, and every [`Store::announce`].
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.0.changes.subscribe()
    }

    /// Tells the listeners of a change that needed no commit, such as the keyring's state.
    pub fn announce(&self, topics: impl IntoIterator<Item = Topic>) {
        let topics: Vec<Topic> = topics.into_iter().collect();
        // No listener is no error.
        let _ = self.0.changes.send(Changed { topics });
    }

    /// The folder it lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Set where the data was damaged and this opening restored it from a backup: an admin must be
    /// told.
    #[must_use]
    pub fn restored(&self) -> Option<&Restored> {
        self.0.restored.as_ref()
    }

    /// Whether a look through the data found it damaged: the next opening goes back to a backup.
    pub(crate) fn is_damaged(&self) -> bool {
        open::is_damaged(&self.0.folder)
    }

    /// Moves everything from the log into the database file and empties the log.
    ///
    /// # Errors
    /// `StoreFailed` where a reader would not let go within some seconds.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        self.0.writer.send(job::Job::Checkpoint(answer))?;
        answered.await.map_err(|_| closed())?
    }

    /// Takes a backup, verifies it, and only then removes those older than the newest `keep`
    /// (this one counts). Its name carries `now`. Where only indexes do not fit their tables, they are made anew first.
    ///
    /// # Errors
    /// `StoreUnwritable` or `StoreFailed`; older backups are then left alone.
    pub async fn backup(&self, now: Time, keep: usize) -> Result<PathBuf, Error> {
        match self.copy(now, keep).await {
            Err(error) if backup::is_of_the_copy(&error) && self.make_indexes().await? => {
                self.copy(now, keep).await
            }
            taken => taken,
        }
    }

    async fn copy(&self, now: Time, keep: usize) -> Result<PathBuf, Error> {
        let folder = self.0.folder.clone();
        let (answer, answered) = oneshot::channel();
        // Not in a read's transaction: the copy makes its own.
        let job = move |connection: &Connection| backup::take(connection, &folder, now, keep);
        self.0.slow.send(reader::Job::outside(job, answer))?;
        answered.await.map_err(|_| closed())?
    }

    /// Makes each index anew that does not fit its table, one in a commit: of a long record that takes seconds.
    /// False where that is not what ails the data.
    async fn make_indexes(&self) -> Result<bool, Error> {
        let mut made = BTreeSet::new();
        while !self.is_damaged() {
            let done = match self.read_all(open::fit).await? {
                Fit::Whole => return Ok(!made.is_empty()),
                Fit::NotOf(index) if made.insert(index.clone()) => {
                    // Also where nothing can be filed in it.
                    let make = move |tx: &mut Tx<'_>| {
                        tx.undoable()?;
                        tx.only_records();
                        open::make_index(tx, &index)
                    };
                    self.append(Durability::Normal, make).await
                }
                Fit::NotOf(_) | Fit::Not => Ok(false),
            };
            let is_mended = match done {
                Err(error) if tells_of_damage(&error) => false,
                done => done?,
            };
            if !is_mended {
                open::suspect(&self.0.folder)?;
                self.announce([Topic::App]);
            }
        }
        Ok(false)
    }
}

/// A look through all of the data, which tells the listeners of damage.
fn look(folder: &Path, changes: &broadcast::Sender<Changed>) -> reader::Job {
    let (folder, changes) = (folder.to_owned(), changes.clone());
    reader::Job::unasked(move |connection| {
        if !open::check(connection, &folder)? {
            // No listener is no error.
            let _ = changes.send(Changed {
                topics: vec![Topic::App],
            });
        }
        Ok(())
    })
}

/// Runs a statement that is run over and over and tells nothing: `begin`, `commit`.
fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// What SQLite said, as an error of ours. Its text names tables and files, never values.
#[must_use]
pub fn failed(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Sqlite;
    let code = error.sqlite_error_code();
    let why = match code {
        Some(Sqlite::DiskFull) => "the disk is full",
        Some(Sqlite::ReadOnly) => "the disk is read-only",
        Some(Sqlite::SystemIoFailure) => "the disk failed",
        Some(Sqlite::CannotOpen) => "the file cannot be opened",
        Some(Sqlite::PermissionDenied) => "permission is denied",
        Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => {
            tracing::error!(error = %reason(&error), "the data is damaged");
            return Error::new(ErrorCode::StoreFailed).with("why", DAMAGED);
        }
        _ => return Error::new(ErrorCode::StoreFailed).with("why", reason(&error)),
    };
    tracing::error!(error = %reason(&error), "the store cannot be written");
    Error::new(ErrorCode::StoreUnwritable).with("why", why)
}

/// Whether it tells of damage that SQLite met.
fn tells_of_damage(error: &Error) -> bool {
    error.code == ErrorCode::StoreFailed && error.args.get("why").is_some_and(|why| why == DAMAGED)
}

/// SQLite's words without the values that `rusqlite::Error` carries in some of its forms.
fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, Some(text)) => {
            format!("{text} ({})", code.extended_code)
        }
        rusqlite::Error::SqliteFailure(code, None) => code.to_string(),
        rusqlite::Error::QueryReturnedNoRows => "no such row".into(),
        rusqlite::Error::FromSqlConversionFailure(column, kind, _) => {
            format!("column {column} of type {kind} cannot be read")
        }
        rusqlite::Error::InvalidColumnType(column, name, kind) => {
            format!("column {column} ({name}) has type {kind}")
        }
        _ => "an unexpected answer of the database".into(),
    }
}

/// A file operation's error, as an error of ours. Names the kind of trouble, not the path.
pub(crate) fn unwritable(error: &std::io::Error) -> Error {
    Error::new(ErrorCode::StoreUnwritable).with("why", error.kind().to_string())
}

fn closed() -> Error {
    Error::new(ErrorCode::StoreFailed).with("why", "the app is closing")
}

#[cfg(test)]
pub(crate) mod tests;
