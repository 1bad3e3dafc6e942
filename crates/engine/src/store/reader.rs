//! The threads that read, each with a connection of its own that cannot write.

use super::{closed, failed};
use rusqlite::{Connection, OpenFlags};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};
use tokio::sync::oneshot;
use wire::{Error, ErrorCode};

/// Enough that one slow page of activity does not hold up the cards.
pub(super) const THREADS: usize = 3;

/// Something to read.
pub(super) struct Job(Box<dyn FnOnce(&Connection) + Send>);

impl Job {
    /// A read in one snapshot of the data.
    pub(super) fn new<T: Send + 'static>(
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        answer: oneshot::Sender<Result<T, Error>>,
    ) -> Self {
        Self::outside(|connection| in_one_snapshot(connection, job), answer)
    }

    /// A read that makes its own transactions.
    pub(super) fn outside<T: Send + 'static>(
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        answer: oneshot::Sender<Result<T, Error>>,
    ) -> Self {
        Self(Box::new(move |connection| {
            // Nobody waits any more: nothing to read for.
            if !answer.is_closed() {
                let _ = answer.send(guarded(|| job(connection)));
            }
        }))
    }

    /// One that is done though nobody waits for it.
    pub(super) fn unasked(
        job: impl FnOnce(&Connection) -> Result<(), Error> + Send + 'static,
    ) -> Self {
        Self(Box::new(move |connection| {
            if let Err(error) = guarded(|| job(connection)) {
                tracing::error!(%error, "a look at the data failed");
            }
        }))
    }
}

fn in_one_snapshot<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    super::run(connection, "begin deferred").map_err(failed)?;
    let result = guarded(|| job(connection));
    super::run(connection, "rollback").map_err(failed)?;
    result
}

fn guarded<T>(job: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(job))
        .unwrap_or_else(|_| Err(Error::new(ErrorCode::Internal).with("why", "a read panicked")))
}

/// The queue and the threads.
pub(super) struct Readers {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<Option<JoinHandle<()>>>>,
}

impl Readers {
    pub(super) fn start(file: &Path, (name, count): (&str, usize)) -> Result<Self, Error> {
        let (queue, jobs) = mpsc::channel::<Job>();
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::new();
        for n in 0..count {
            let connection = connect(file)?;
            let jobs = Arc::clone(&jobs);
            let thread = std::thread::Builder::new()
                .name(format!("{name}-{n}"))
                .spawn(move || {
                    // The lock is held while waiting and let go while reading.
                    while let Ok(job) = {
                        let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
                        jobs.recv()
                    } {
                        (job.0)(&connection);
                    }
                })
                .map_err(|error| super::unwritable(&error))?;
            threads.push(Some(thread));
        }
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            threads: Mutex::new(threads),
        })
    }

    pub(super) fn send(&self, job: Job) -> Result<(), Error> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue
            .as_ref()
            .ok_or_else(closed)?
            .send(job)
            .map_err(|_| closed())
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(queue.take());
        for thread in self
            .threads
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
        {
            join(thread);
        }
    }
}

/// Connections for reads in the caller's own thread: as many as ever read at one time.
pub(super) struct Glances {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Glances {
    pub(super) fn of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            idle: Mutex::default(),
        }
    }

    pub(super) fn read<T>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        let connection = match known {
            Some(connection) => connection,
            None => connect(&self.file)?,
        };
        let result = in_one_snapshot(&connection, job);
        if connection.is_autocommit() {
            idle().push(connection);
        }
        result
    }
}

/// Waits for a thread, unless it is the one that drops the last handle itself.
pub(super) fn join(thread: &mut Option<JoinHandle<()>>) {
    if let Some(thread) = thread.take()
        && thread.thread().id() != std::thread::current().id()
    {
        // A panic of the thread was answered and logged where it happened.
        let _ = thread.join();
    }
}

fn connect(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    super::open::prepare(&connection)?;
    Ok(connection)
}
