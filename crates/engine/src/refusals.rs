//! What came from outside and was refused: forged answers, unknown links, programs without a token.
//!
//! Owns: a row of the record for each, and one that counts the rest where a flood would fill the record. Must
//! not know: what is refused, or why.

use crate::{Engine, integrations, store::Durability};
use std::sync::{Mutex, PoisonError};
use wire::{Error, Time};

/// Rows a minute, at most.
const TOLD: u32 = 100;
const MINUTE_MS: i64 = 60_000;

/// The minute that runs.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    began: Option<Time>,
    told: u32,
    untold: u64,
}

/// What becomes of one refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// A row of its own.
    Own,
    /// It is counted, and the count is told when the minute is over.
    Counted,
    /// The same, and it is the first: somebody must tell the count.
    First,
}

impl Refusals {
    fn another(&self, now: Time) -> Row {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = minute
            .began
            .is_some_and(|began| (0..MINUTE_MS).contains(&now.since(began)));
        if !runs {
            // What is untold is told by whoever was the first of it.
            minute.began = Some(now);
            minute.told = 0;
        }
        if minute.told < TOLD {
            minute.told += 1;
            return Row::Own;
        }
        minute.untold += 1;
        if minute.untold == 1 {
            Row::First
        } else {
            Row::Counted
        }
    }

    fn take(&self) -> u64 {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut minute.untold)
    }
}

impl Engine {
    /// One row of the record about something from outside that was refused, or one more of a minute's
    /// count. Errors: where the row cannot be written.
    pub(crate) async fn note_refused(&self, what: &'static str) -> Result<(), Error> {
        let now = self.now();
        match self.0.refusals.another(now) {
            Row::Own => self.write_refused(what.to_owned()).await,
            Row::Counted => Ok(()),
            Row::First => {
                let engine = self.clone();
                tokio::spawn(async move {
                    let (clock, stopping) = (engine.clock(), engine.stopping());
                    tokio::select! {
                        () = clock.sleep_until(now.plus(MINUTE_MS)) => {}
                        () = stopping.cancelled() => {}
                    }
                    let more = engine.0.refusals.take();
                    let what = format!("{more} more from outside were refused");
                    if let Err(error) = engine.write_refused(what).await {
                        tracing::warn!(error = %error, "what was refused could not be recorded");
                    }
                });
                Ok(())
            }
        }
    }

    async fn write_refused(&self, what: String) -> Result<(), Error> {
        let now = self.now();
        self.store()
            .write(Durability::Normal, move |tx| {
                integrations::note_refused(tx, now, &what)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_the_next_minute_begins_anew() {
        let refusals = Refusals::default();
        let rows = |at: i64, times: u32| -> Vec<Row> {
            (0..times).map(|_| refusals.another(Time(at))).collect()
        };
        assert_eq!(rows(0, TOLD), vec![Row::Own; TOLD as usize]);
        assert_eq!(rows(1, 3), [Row::First, Row::Counted, Row::Counted]);
        assert_eq!(rows(MINUTE_MS, 1), [Row::Own]);
        assert_eq!(refusals.take(), 3);
        assert_eq!(refusals.take(), 0);
        // A clock that went back does not silence it for long.
        assert_eq!(rows(-5, 1), [Row::Own]);
    }
}
