//! When each integration is due: pure, so that a clock that jumps, sleeps and wakes can be tried.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};
use wire::{ErrorCode, IntegrationId, TestReport, Time};

/// What failed is looked at again within a quarter of an hour, however seldom it is checked else.
const DOUBT_MAX_MS: i64 = 15 * 60_000;
/// The first wave after start or wake is spread over as long.
pub(super) use crate::integrations::status::SPREAD_MS;
/// After the network's return, so that all are fresh within 90 s of it.
pub const BACK_MS: i64 = 45_000;
/// A first failure is looked at again after half a minute, then later and later.
const DOUBT_MS: i64 = 30_000;
/// The longest that "slow down" is obeyed without a look, a day.
const LONGEST_PAUSE_MS: i64 = 24 * 3_600_000;
/// A tick that comes later than this says that the machine slept, or the clock was set.
const GAP_MS: i64 = 90_000;
/// So many in a row must be silent before silence is called offline; all of them, where there are
/// fewer (but two at least: one alone may just be down). The one that answered last must be among them.
pub(super) const SILENT: usize = 4;

/// What one ping told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    Answered,
    RateLimited {
        until: Time,
    },
    NoAnswer,
    /// An answer, but that of a server in trouble: the network works.
    Trouble,
    /// Nothing that tells whether the network works.
    Unclear,
    /// Nothing was sent (the keyring is locked, the integration is gone).
    NotSent,
}

impl Tried {
    pub fn of(report: &TestReport) -> Self {
        match (&report.error, &report.health.reason) {
            (Some(error), _) if is_no_answer(error.code) => Self::NoAnswer,
            (_, wire::Reason::RateLimited { until }) => Self::RateLimited { until: *until },
            (Some(error), _) if error.code == ErrorCode::ServerError => Self::Trouble,
            (Some(error), _)
                if matches!(
                    error.code,
                    ErrorCode::OauthTokenRefused
                        | ErrorCode::KeyringLost
                        | ErrorCode::CredentialUnreadable
                        | ErrorCode::CredentialRestored
                        | ErrorCode::IntegrationUnknown
                ) =>
            {
                Self::Unclear
            }
            (Some(error), _)
                if matches!(
                    error.code,
                    ErrorCode::KeyringLocked
                        | ErrorCode::KeyringAbsent
                        | ErrorCode::KeyringHanging
                        | ErrorCode::KeyringFailed
                ) =>
            {
                Self::NotSent
            }
            (Some(_) | None, _) => Self::Answered,
        }
    }
}

/// True also of a page where an answer should be, and of an address where no server of that name was: so a captive
/// portal speaks for everybody. One server that does so alone is no portal, since others answer.
fn is_no_answer(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Unreachable
            | ErrorCode::BadAnswer
            | ErrorCode::NotMcp
            | ErrorCode::RedirectRefused
            | ErrorCode::TooLarge
            | ErrorCode::AddressPrivate
            | ErrorCode::AddressForbidden
    )
}

/// One that is switched on.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub id: IntegrationId,
    pub checked_at: Option<Time>,
    /// Between two checks while it is well, in milliseconds.
    pub pace_ms: i64,
    /// It needs a network: what runs on this computer itself tells nothing of one.
    pub is_outside: bool,
}

/// One that is to be pinged now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub id: IntegrationId,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Time,
    /// Between pings of what is well.
    pace_ms: i64,
    is_outside: bool,
    /// It asked to slow down until then.
    not_before: Option<Time>,
    failures: u32,
    running: bool,
    /// Its turn among all answers from outside, whoever asked: the greatest answered last.
    answered: u64,
    /// Its last ping told whether the network works, as far as is known.
    tells: bool,
}

impl Entry {
    fn back_off(&mut self, now: Time, mut jitter: impl FnMut(i64) -> i64) {
        self.failures = self.failures.saturating_add(1);
        let step = DOUBT_MS << self.failures.saturating_sub(1).min(5);
        let step = step.min(DOUBT_MAX_MS).min(self.pace_ms.max(DOUBT_MS));
        self.at = now.plus(step / 2 + jitter(step));
    }
}

/// The due times of every integration that is switched on.
#[derive(Debug)]
pub struct Schedule {
    entries: BTreeMap<IntegrationId, Entry>,
    silent: BTreeSet<IntegrationId>,
    /// Nobody answers ([`Self::none_answers`]), until somebody does.
    lost: bool,
    answers: u64,
    last_tick: Time,
}

impl Schedule {
    pub fn starting(now: Time) -> Self {
        Self {
            entries: BTreeMap::new(),
            silent: BTreeSet::new(),
            lost: false,
            answers: 0,
            last_tick: now,
        }
    }

    /// Takes in who is there now. After a gap (sleep, or a clock that was set) all are spread anew, and
    /// the answer is true.
    pub fn know(
        &mut self,
        now: Time,
        known: impl Iterator<Item = Known>,
        mut jitter: impl FnMut(i64) -> i64,
    ) -> bool {
        let known: BTreeMap<_, _> = known.map(|each| (each.id, each)).collect();
        self.entries.retain(|id, _| known.contains_key(id));
        self.silent.retain(|id| known.contains_key(id));
        for (id, each) in known {
            let pace_ms = each.pace_ms;
            // Proved a moment ago by being connected: its turn comes with the interval.
            let checked = each.checked_at;
            let fresh = checked.is_some_and(|at| (0..SPREAD_MS).contains(&now.since(at)));
            let entry = self.entries.entry(id).or_insert_with(|| Entry {
                at: now.plus(if fresh {
                    pace_ms / 2 + jitter(pace_ms / 2)
                } else {
                    jitter(SPREAD_MS)
                }),
                pace_ms,
                is_outside: each.is_outside,
                not_before: None,
                failures: 0,
                running: false,
                answered: 0,
                tells: true,
            });
            if pace_ms < entry.pace_ms && entry.not_before.is_none() {
                // More often from now on, not from the next turn on.
                entry.at = entry.at.min(now.plus(jitter(pace_ms)));
            }
            entry.pace_ms = pace_ms;
            entry.is_outside = each.is_outside;
        }
        let gap = now.since(self.last_tick);
        let jumped = !(0..GAP_MS).contains(&gap);
        if jumped {
            self.spread(now, SPREAD_MS, jitter);
        }
        self.last_tick = now;
        jumped
    }

    /// Everything within the next `over_ms`, in no order, with back-off forgotten; but whoever asked to
    /// slow down is left its time.
    pub fn spread(&mut self, now: Time, over_ms: i64, mut jitter: impl FnMut(i64) -> i64) {
        for entry in self.entries.values_mut() {
            let soon = now.plus(jitter(over_ms));
            // A clock that was set back must not turn minutes into hours.
            let not_before = entry
                .not_before
                .filter(|at| at.since(now) <= LONGEST_PAUSE_MS);
            entry.at = not_before.map_or(soon, |at| at.max(soon));
            entry.failures = 0;
        }
    }

    /// Brings the turn of one forward to within `within_ms`, where it is not so near already; never
    /// before the time that it asked for.
    pub fn soon(
        &mut self,
        id: IntegrationId,
        (now, within_ms): (Time, i64),
        mut jitter: impl FnMut(i64) -> i64,
    ) {
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.at > now.plus(within_ms)
        {
            let at = now.plus(jitter(within_ms));
            entry.at = entry.not_before.map_or(at, |not| at.max(not));
        }
    }

    /// When the next one is due that does not run; `None` where all run, or there is none.
    pub fn next(&self) -> Option<Time> {
        let waiting = self.entries.values().filter(|entry| !entry.running);
        waiting.map(|entry| entry.at).min()
    }

    /// Those whose time has come, marked as running. Offline, those on this computer, and one alone of
    /// all others ([`Self::one`]).
    pub fn due(&mut self, now: Time, offline: bool) -> Vec<Due> {
        let has_come = |entry: &Entry| entry.at <= now && !(offline && entry.is_outside);
        let waiting = self.entries.iter().filter(|(_, entry)| !entry.running);
        let mut due: Vec<(Time, IntegrationId)> = waiting
            .filter(|(_, entry)| has_come(entry))
            .map(|(id, entry)| (entry.at, *id))
            .collect();
        due.sort_unstable();
        let mut due: Vec<Due> = due.into_iter().map(|(_, id)| Due { id }).collect();
        for Due { id } in &due {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.running = true;
            }
        }
        if offline {
            due.extend(self.one());
        }
        due
    }

    /// Whom to try where nobody answers, marked as running: of those outside that are not known to be
    /// silent the one that answered last, else the one that has waited longest.
    pub fn one(&mut self) -> Option<Due> {
        let silent = &self.silent;
        let waiting = self.entries.iter_mut();
        let (id, entry) = waiting
            .filter(|(_, entry)| !entry.running && entry.is_outside)
            .min_by_key(|(id, entry)| {
                let newest = (!silent.contains(id)).then_some(entry.answered);
                (Reverse(newest), entry.at, **id)
            })?;
        entry.running = true;
        Some(Due { id: *id })
    }

    /// This one outside has answered, whoever asked: nobody is taken for silent any more.
    pub fn heard(&mut self, id: IntegrationId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            self.answers += 1;
            entry.answered = self.answers;
        }
        self.silent.clear();
        self.lost = false;
    }

    /// Takes in what a ping told. True where it is the first answer from outside after a general silence.
    pub fn tried(
        &mut self,
        id: IntegrationId,
        tried: Tried,
        now: Time,
        mut jitter: impl FnMut(i64) -> i64,
    ) -> bool {
        let was_lost = self.lost;
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        entry.running = false;
        let is_outside = entry.is_outside;
        let not_before = entry.not_before.take().filter(|at| *at > now);
        entry.tells = !matches!(tried, Tried::Unclear | Tried::NotSent);
        let answered = match tried {
            Tried::Answered => {
                entry.failures = 0;
                entry.at = now.plus(entry.pace_ms / 2 + jitter(entry.pace_ms));
                true
            }
            Tried::RateLimited { until } => {
                entry.failures = 0;
                let until = until.max(now).min(now.plus(LONGEST_PAUSE_MS));
                entry.not_before = Some(until);
                entry.at = until.plus(jitter(SPREAD_MS));
                true
            }
            Tried::NoAnswer => {
                entry.back_off(now, jitter);
                // What it asked for stands until it speaks again.
                entry.not_before = not_before;
                entry.at = not_before.map_or(entry.at, |at| at.max(entry.at));
                if is_outside {
                    self.silent.insert(id);
                }
                false
            }
            Tried::Trouble => {
                entry.back_off(now, jitter);
                true
            }
            Tried::Unclear => {
                entry.back_off(now, jitter);
                false
            }
            Tried::NotSent => {
                entry.at = now.plus(SPREAD_MS + jitter(SPREAD_MS));
                false
            }
        };
        if answered && is_outside {
            self.heard(id);
        }
        answered && is_outside && was_lost
    }

    /// True where enough origins of `outside` were tried in a row and none answered, and neither did the one
    /// that answered last: some may be down together (a VPN, a vendor). Where only that one has not been asked,
    /// it is its turn now. Once true it is so until somebody answers.
    pub fn none_answers(&mut self, outside: &[(IntegrationId, &str)]) -> bool {
        let origins: BTreeSet<&str> = outside.iter().map(|(_, origin)| *origin).collect();
        let silent: BTreeSet<&str> = outside
            .iter()
            .filter(|(id, _)| self.silent.contains(id))
            .map(|(_, origin)| *origin)
            .collect();
        let enough = silent.len() >= origins.len().clamp(2, SILENT);
        let witness = self.witness().filter(|_| enough && !self.lost);
        let waits_for = witness.filter(|id| !self.silent.contains(id));
        if let Some(id) = waits_for {
            self.soon(id, (self.last_tick, 0), |_| 0);
        }
        self.lost |= enough && waits_for.is_none();
        enough && self.lost
    }

    /// Who answered last of those outside that can be asked, and whose ping would tell.
    fn witness(&self) -> Option<IntegrationId> {
        let can_tell = |entry: &Entry| {
            let rests = entry.not_before.is_some_and(|at| at > self.last_tick);
            entry.is_outside && entry.answered > 0 && entry.tells && !rests
        };
        let all = self.entries.iter().filter(|(_, entry)| can_tell(entry));
        let (id, _) = all.max_by_key(|(_, entry)| entry.answered)?;
        Some(*id)
    }

    /// Of each origin of `outside` the one that answered last, and whose answer is newest first.
    pub fn freshest(&self, outside: &[(IntegrationId, &str)]) -> Vec<IntegrationId> {
        let answered = |id: &IntegrationId| self.entries.get(id).map_or(0, |entry| entry.answered);
        let mut all = outside.to_vec();
        all.sort_by_key(|(id, _)| Reverse(answered(id)));
        let mut seen = BTreeSet::new();
        all.retain(|(_, origin)| seen.insert(*origin));
        all.into_iter().map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod together;
