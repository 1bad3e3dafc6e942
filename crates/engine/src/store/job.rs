//! What the writer is given to do.

use super::{Durability, Tx};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::oneshot;
use wire::{Error, ErrorCode};

/// Something for the writer to do.
pub(super) enum Job {
    Write(Write),
    Checkpoint(oneshot::Sender<Result<(), Error>>),
    /// Something waits for the next commit, and none may come.
    LookAlong,
}

/// What a write finds of what was added to the record lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finds {
    /// It may lie in the intake still, where what this one adds goes, too.
    Intake,
    /// It is in the tables.
    Tables,
}

/// A function of a transaction.
pub(super) struct Write {
    pub durability: Durability,
    pub finds: Finds,
    pub run: Run,
}

/// Does the job, or takes the reason why there is none. True: it went well.
type Run = Box<dyn FnOnce(Result<&mut Tx<'_>, Error>) -> (bool, Done) + Send>;
/// Tells whoever waits how the commit went.
pub(super) type Done = Box<dyn FnOnce(Result<(), Error>) + Send>;

impl Job {
    /// A write whose answer goes to `answer`, after the commit.
    pub fn new<T: Send + 'static>(
        how: (Durability, Finds),
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        answer: oneshot::Sender<Result<T, Error>>,
    ) -> Self {
        // Whoever asked may have gone: no error.
        Self::Write(Write::new(how, job, |result| drop(answer.send(result))))
    }
}

impl Write {
    /// Does `job`, and tells `then` how it went, after the commit.
    pub fn new<T: Send + 'static>(
        (durability, finds): (Durability, Finds),
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        then: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) -> Self {
        let run: Run = Box::new(move |tx| {
            let result = tx.and_then(|tx| {
                catch_unwind(AssertUnwindSafe(|| job(tx))).unwrap_or_else(|_| {
                    Err(Error::new(ErrorCode::Internal).with("why", "a write panicked"))
                })
            });
            let well = result.is_ok();
            let done: Done = Box::new(move |commit| {
                then(result.and_then(|value| commit.map(|()| value)));
            });
            (well, done)
        });
        Self {
            durability,
            finds,
            run,
        }
    }

    /// One that does nothing: what was added to the record before it is filed.
    pub fn files(then: impl FnOnce(Result<(), Error>) + Send + 'static) -> Self {
        let nothing = |tx: &mut Tx<'_>| {
            tx.only_records();
            Ok(())
        };
        Self::new((Durability::Normal, Finds::Tables), nothing, then)
    }
}
