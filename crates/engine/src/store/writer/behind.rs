//! What the thread does behind the writes: counts, files, and has the log put on disk.

use super::{
    super::{
        Durability, Tx, calls, closed,
        intake::MANY,
        job::{Finds, Write},
        tally,
    },
    Loop, SYNC_EVERY,
};
use std::{sync::atomic::Ordering, time::Instant};
use tokio::sync::oneshot;
use wire::Error;

impl Loop {
    /// Counts the calls that are over.
    pub(super) fn count(&mut self) {
        // Where it fails it is tried again a second after.
        self.uncounted = Some(Instant::now());
        if let Ok(true) = self.does(|tx| tally::count(tx)) {
            // The rest right after whoever waits meanwhile.
            self.uncounted = Instant::now().checked_sub(SYNC_EVERY);
        }
    }

    /// Files what lies in the intake.
    pub(super) fn file(&mut self) {
        // Where it fails it is tried again a second after.
        self.unfiled = (self.in_intake > 0 || self.is_late).then(Instant::now);
        if self.is_late {
            self.is_late = self.does(|tx| calls::give_up(tx)).is_err();
        } else if self.in_intake > 0 {
            self.commit([Write::files(|_| ())].into());
        }
    }

    /// A write of the thread's own.
    fn does<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, mut answered) = oneshot::channel();
        let how = (Durability::Normal, Finds::Tables);
        let write = Write::new(how, job, |result| drop(answer.send(result)));
        self.commit([write].into());
        answered.try_recv().unwrap_or_else(|_| Err(closed()))
    }

    /// So many rows lie in the intake now.
    pub(super) fn holds_in_intake(&mut self, rows: usize) {
        let before = std::mem::replace(&mut self.in_intake, rows);
        self.told.unfiled.store(rows > 0, Ordering::Release);
        if rows == 0 {
            self.stuck = None;
        }
        self.unfiled = match rows {
            0 if !self.is_late => None,
            // (Where they cannot be filed, once for so many more.)
            _ if rows / MANY > before / MANY => Instant::now().checked_sub(SYNC_EVERY),
            _ => self.unfiled.or_else(|| Some(Instant::now())),
        };
    }

    /// Whatever was committed is on disk soon.
    pub(super) fn sync(&mut self) {
        self.unmoved = None;
        let done = self
            .log
            .sync()
            .and_then(|()| self.log.bound(&self.connection));
        if let Err(error) = done {
            tracing::error!(%error, "the log was not put on disk");
            self.unmoved = Some(Instant::now());
        }
    }

    pub(super) fn checkpoint(&mut self) -> Result<(), Error> {
        self.log.empty(&self.connection)?;
        self.unmoved = None;
        Ok(())
    }
}
