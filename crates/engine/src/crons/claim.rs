//! Which moments of a schedule begin a run: each once, whatever restarts, sleeps and clocks do.
//!
//! A moment that has been handled is never begun again: `handled_at` only grows. Where the clock is set
//! back by more than three hours it was wrong before, and the schedule begins anew from what it says now;
//! the index of runs still keeps any moment from running twice.

use super::{depend, run::Begun, schedule::Schedule, stuck};
use crate::store::{
    self, Tx,
    crons::{CronRow, RunRow},
};
use wire::{Error, Fix, Missed, RunCause, RunView, Time};

/// Set back by more than this, the clock was wrong before (cron(8) has the same three hours).
pub const BACK_MS: i64 = 3 * 3_600_000;
/// Nobody looked for longer than this: this computer slept, or the clock was set.
const GAP_MS: i64 = 90_000;

/// Since when somebody has looked without a gap.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    since: Time,
    last: Time,
    /// The same for what needs a network; `None` while there is none.
    network: Option<Time>,
    /// The same for what needs a credential; `None` while the keyring opens none.
    keyring: Option<Time>,
}

impl Watch {
    pub fn from(now: Time) -> Self {
        Self {
            since: now,
            last: now,
            network: Some(now),
            keyring: Some(now),
        }
    }

    pub fn look(&mut self, now: Time) {
        if !(0..=GAP_MS).contains(&now.since(self.last)) {
            self.since = now;
            self.network = Some(now);
            self.keyring = Some(now);
        }
        self.last = now;
    }

    /// Since when somebody has looked without a gap.
    pub fn since(self) -> Time {
        self.since
    }

    /// Whether there is a network now. What came due without one was missed, as in a sleep.
    pub fn reaches(&mut self, reaches: bool) {
        self.network = reaches.then(|| self.network.unwrap_or(self.last));
    }

    /// Whether credentials can be opened now. What came due without was missed, too.
    pub fn opens(&mut self, opens: bool) {
        self.keyring = opens.then(|| self.keyring.unwrap_or(self.last));
    }

    /// The same for a cron that needs a network, a credential, or neither; `None`: it waits for one.
    fn of(self, needs_network: bool, needs_key: bool) -> Option<Self> {
        let mut since = self.since;
        if needs_network {
            since = since.max(self.network?);
        }
        if needs_key {
            since = since.max(self.keyring?);
        }
        Some(Self { since, ..self })
    }
}

/// The row as it is where the clock is set back so far that it was wrong before. Pure.
pub fn correct(row: &CronRow, schedule: Option<&Schedule>, now: Time) -> Option<CronRow> {
    (row.handled_at > now.plus(BACK_MS)).then(|| anew(row, schedule, now))
}

fn anew(row: &CronRow, schedule: Option<&Schedule>, now: Time) -> CronRow {
    CronRow {
        handled_at: now,
        next_at: row.next_at.and(schedule).and_then(|each| each.next(now)),
        ..row.clone()
    }
}

/// Every schedule begins anew: what was due before begins no run.
pub(crate) fn begin_anew(tx: &Tx<'_>, now: Time) -> Result<(), Error> {
    for row in store::crons::list(tx)? {
        let schedule = Schedule::read(&row.schedule, &row.zone).ok();
        store::crons::put(tx, &anew(&row, schedule.as_ref(), now))?;
    }
    Ok(())
}

/// What is due: the run that it begins, if any, and the row as it is from now on. Pure.
pub fn decide(
    row: &CronRow,
    (schedule, last): (&Schedule, Option<&RunView>),
    watch: Watch,
    now: Time,
) -> (CronRow, Option<(Time, RunCause)>) {
    let mut after = row.clone();
    let due = schedule.latest(row.handled_at, now);
    after.handled_at = row.handled_at.max(now);
    after.next_at = schedule.next(after.handled_at);
    let Some(due) = due else {
        return (after, None);
    };
    let slept = due < watch.since && now.since(due) > GAP_MS;
    let overlapped = last
        .is_some_and(|run| run.begun_at <= due && run.ended_at.is_some_and(|ended| due < ended));
    let cause = match (slept || overlapped, row.missed) {
        (false, _) => Some(RunCause::Schedule),
        (true, Missed::CatchUp) => Some(RunCause::CatchUp),
        (true, Missed::LeaveOut) => None,
    };
    (after, cause.map(|cause| (due, cause)))
}

/// Begins up to `free` runs of what is due, in the commit that notes it as handled. `shut`: why no credential
/// can be opened, where that is so.
pub fn claim(
    tx: &Tx<'_>,
    (watch, shut): (Watch, Option<&Error>),
    now: Time,
    free: usize,
) -> Result<Vec<Begun>, Error> {
    for row in store::crons::ahead(tx, now, BACK_MS)? {
        let schedule = Schedule::read(&row.schedule, &row.zone).ok();
        if let Some(row) = correct(&row, schedule.as_ref(), now) {
            store::crons::put(tx, &row)?;
        }
    }
    let mut begun = Vec::new();
    if free == 0 {
        return Ok(begun);
    }
    // Those that wait for a network, or for the keyring, take no place from the others.
    let most = if watch.network.is_some() && shut.is_none() {
        free
    } else {
        usize::MAX
    };
    for row in store::crons::due(tx, now, most)? {
        if begun.len() == free {
            break;
        }
        let needs_key = depend::needs_key(tx, row.id)?;
        if let (true, Some(error)) = (needs_key, shut) {
            if row.obstacle.as_ref() != Some(error) {
                stuck::note(tx, &row, error, now)?;
            }
            continue;
        }
        let Some(watch) = watch.of(depend::needs_network(tx, row.id)?, needs_key) else {
            continue;
        };
        let schedule = match Schedule::read(&row.schedule, &row.zone) {
            Ok(schedule) => schedule,
            // The zone is gone from the tz database: nothing is due until somebody chooses another.
            Err(error) => {
                let next_at = None;
                let row = CronRow { next_at, ..row };
                store::crons::put(tx, &row)?;
                stuck::note(tx, &row, &error, now)?;
                continue;
            }
        };
        let last = store::crons::newest_of(tx, row.id, 1)?.pop();
        let (after, starts) = decide(&row, (&schedule, last.as_ref()), watch, now);
        store::crons::put(tx, &after)?;
        let was_shut = row.obstacle.is_some_and(|why| why.fix == Some(Fix::Unlock));
        if was_shut && starts.is_none() {
            stuck::over(tx, row.id, now)?;
        }
        if let Some((due, cause)) = starts {
            let run = RunRow {
                id: uuid::Uuid::now_v7(),
                cron: row.id,
                due_at: Some(due),
                begun_at: now,
                cause,
            };
            if store::crons::begin(tx, &run)? {
                begun.push(Begun { cron: after, run });
            }
        }
    }
    Ok(begun)
}
