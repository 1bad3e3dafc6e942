//! What came from outside and was refused: forged answers, unknown links, programs without a token.
//!
//! Owns: a row of the record for each, and one that counts the rest where a flood would fill the record. Must
//! not know: what is refused, or why.

use crate::{Engine, integrations, store::Durability};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use wire::{Error, Time};

/// Rows a minute, at most.
const TOLD: u32 = 100;
const MINUTE_MS: i64 = 60_000;
/// Whose minutes are kept at once.
const MOST: usize = 100;

/// Whose refusals are counted together: a flood of one hides nobody else's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Outside,
    /// Whoever knocks at the gateway and is nobody.
    Gateway,
    /// An agent, by its name: there are as many as an admin has paired.
    Agent(String),
}

/// The minutes that run.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<Who, Minute>>);

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
    /// What becomes of it, and with whose it is counted: where too many are counted by themselves, an
    /// agent's with the gateway's.
    fn another(&self, who: Who, now: Time) -> (Who, Row) {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.len() >= MOST {
            minutes.retain(|_, minute| minute.runs(now) || minute.untold > 0);
        }
        let has_room = minutes.len() < MOST || minutes.contains_key(&who);
        let who = match who {
            Who::Agent(_) if !has_room => Who::Gateway,
            Who::Agent(_) | Who::Gateway | Who::Outside => who,
        };
        let row = minutes.entry(who.clone()).or_default().another(now);
        (who, row)
    }

    fn take(&self, who: &Who) -> u64 {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = minutes.get_mut(who);
        minute.map_or(0, |minute| std::mem::take(&mut minute.untold))
    }
}

impl Minute {
    fn runs(&self, now: Time) -> bool {
        self.began
            .is_some_and(|began| (0..MINUTE_MS).contains(&now.since(began)))
    }

    fn another(&mut self, now: Time) -> Row {
        if !self.runs(now) {
            // What is untold is told by whoever was the first of it.
            self.began = Some(now);
            self.told = 0;
        }
        if self.told < TOLD {
            self.told += 1;
            return Row::Own;
        }
        self.untold += 1;
        if self.untold == 1 {
            Row::First
        } else {
            Row::Counted
        }
    }
}

impl Engine {
    /// One row of the record about something from outside that was refused, or one more of a minute's
    /// count. Errors: where the row cannot be written.
    pub(crate) async fn note_refused(&self, what: &'static str) -> Result<(), Error> {
        self.note_refused_of(Who::Outside, what).await
    }

    /// The same of somebody in particular. `what` holds nothing of what was refused.
    pub(crate) async fn note_refused_of(&self, who: Who, what: &str) -> Result<(), Error> {
        let now = self.now();
        let (who, row) = self.0.refusals.another(who, now);
        match row {
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
                    let more = engine.0.refusals.take(&who);
                    let what = match who {
                        Who::Outside => format!("{more} more from outside were refused"),
                        Who::Gateway => format!("{more} more were refused at the gateway"),
                        Who::Agent(name) => {
                            format!("{more} more of the agent {name} were refused at the gateway")
                        }
                    };
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
            let refused = (0..times).map(|_| refusals.another(Who::Gateway, Time(at)));
            refused.map(|(_, row)| row).collect()
        };
        assert_eq!(rows(0, TOLD), vec![Row::Own; TOLD as usize]);
        assert_eq!(rows(1, 3), [Row::First, Row::Counted, Row::Counted]);
        let cursor = Who::Agent("Cursor".to_owned());
        assert_eq!(
            refusals.another(cursor.clone(), Time(1)),
            (cursor.clone(), Row::Own),
            "a flood of others does not hide it"
        );
        assert_eq!(rows(MINUTE_MS, 1), [Row::Own]);
        assert_eq!(refusals.take(&cursor), 0);
        assert_eq!(refusals.take(&Who::Gateway), 3);
        assert_eq!(refusals.take(&Who::Gateway), 0);
        // A clock that went back does not silence it for long.
        assert_eq!(rows(-5, 1), [Row::Own]);
    }

    #[test]
    fn of_many_agents_only_those_of_this_minute_are_counted_by_themselves() {
        let refusals = Refusals::default();
        let agent = |n: i64| Who::Agent(format!("agent {n}"));
        let kept = || refusals.0.lock().expect("not poisoned").len();
        for n in 0..10 * MOST as i64 {
            refusals.another(agent(n), Time(n * MINUTE_MS));
        }
        assert!(kept() <= MOST, "{} are kept", kept());
        // All at once: the rest are the gateway's, and each is a row all the same.
        let later = Time(100 * MINUTE_MS * MOST as i64);
        let counted: Vec<_> = (0..2 * MOST as i64)
            .map(|n| refusals.another(agent(n), later))
            .collect();
        assert!(kept() <= MOST + 1, "{} are kept", kept());
        assert_eq!(counted.first(), Some(&(agent(0), Row::Own)));
        assert_eq!(counted.last(), Some(&(Who::Gateway, Row::Own)));
        // One whose count is not told yet stays.
        for _ in 0..=TOLD {
            refusals.another(agent(0), later);
        }
        for n in 0..2 * MOST as i64 {
            refusals.another(agent(MOST as i64 + n), later.plus(MINUTE_MS));
        }
        assert_eq!(refusals.take(&agent(0)), 2);
    }
}
