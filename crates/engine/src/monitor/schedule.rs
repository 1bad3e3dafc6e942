//! When each integration is due: pure, so that a clock that jumps, sleeps and wakes can be tried.

use std::collections::{BTreeMap, BTreeSet};
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
/// fewer (but two at least: one alone may just be down).
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
            (_, wire::Reason::RateLimited { until }) => Self::RateLimited { until: *until },
            (Some(error), _) if is_no_answer(error.code) => Self::NoAnswer,
            (Some(error), _) if error.code == ErrorCode::ServerError => Self::Trouble,
            (Some(error), _) if error.code == ErrorCode::OauthTokenRefused => Self::Unclear,
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

/// True also of a page where an answer should be: so a captive portal speaks for everybody. One
/// server that does so alone is no portal, since others answer.
fn is_no_answer(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Unreachable
            | ErrorCode::BadAnswer
            | ErrorCode::NotMcp
            | ErrorCode::RedirectRefused
            | ErrorCode::TooLarge
    )
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
    /// It asked to slow down until then.
    not_before: Option<Time>,
    failures: u32,
    running: bool,
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
    last_tick: Time,
}

impl Schedule {
    pub fn starting(now: Time) -> Self {
        Self {
            entries: BTreeMap::new(),
            silent: BTreeSet::new(),
            last_tick: now,
        }
    }

    /// Takes in who is there now. After a gap (sleep, or a clock that was set) all are spread anew, and
    /// the answer is true.
    pub fn know(
        &mut self,
        now: Time,
        known: impl Iterator<Item = (IntegrationId, Option<Time>, i64)>,
        mut jitter: impl FnMut(i64) -> i64,
    ) -> bool {
        let known: BTreeMap<_, _> = known
            .map(|(id, checked, pace_ms)| (id, (checked, pace_ms)))
            .collect();
        self.entries.retain(|id, _| known.contains_key(id));
        self.silent.retain(|id| known.contains_key(id));
        for (id, (checked, pace_ms)) in known {
            // Proved a moment ago by being connected: its turn comes with the interval.
            let fresh = checked.is_some_and(|at| (0..SPREAD_MS).contains(&now.since(at)));
            let entry = self.entries.entry(id).or_insert_with(|| Entry {
                at: now.plus(if fresh {
                    pace_ms / 2 + jitter(pace_ms / 2)
                } else {
                    jitter(SPREAD_MS)
                }),
                pace_ms,
                not_before: None,
                failures: 0,
                running: false,
            });
            if pace_ms < entry.pace_ms && entry.not_before.is_none() {
                // More often from now on, not from the next turn on.
                entry.at = entry.at.min(now.plus(jitter(pace_ms)));
            }
            entry.pace_ms = pace_ms;
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

    /// Those whose time has come, marked as running. Offline, one alone is tried each time: the one
    /// that has waited longest.
    pub fn due(&mut self, now: Time, offline: bool) -> Vec<Due> {
        let mut due: Vec<(Time, IntegrationId)> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.running && (offline || entry.at <= now))
            .map(|(id, entry)| (entry.at, *id))
            .collect();
        due.sort_unstable();
        if offline {
            due.truncate(1);
        }
        for (_, id) in &due {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.running = true;
            }
        }
        due.into_iter().map(|(_, id)| Due { id }).collect()
    }

    /// Takes in what a ping told. True where it is the first answer after a general silence.
    pub fn tried(
        &mut self,
        id: IntegrationId,
        tried: Tried,
        now: Time,
        mut jitter: impl FnMut(i64) -> i64,
    ) -> bool {
        let was_silent = self.silent.len() >= 2;
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        entry.running = false;
        entry.not_before = None;
        match tried {
            Tried::Answered => {
                entry.failures = 0;
                entry.at = now.plus(entry.pace_ms / 2 + jitter(entry.pace_ms));
                self.silent.clear();
                was_silent
            }
            Tried::RateLimited { until } => {
                entry.failures = 0;
                let until = until.max(now).min(now.plus(LONGEST_PAUSE_MS));
                entry.not_before = Some(until);
                entry.at = until.plus(jitter(SPREAD_MS));
                self.silent.clear();
                was_silent
            }
            Tried::NoAnswer => {
                entry.back_off(now, jitter);
                self.silent.insert(id);
                false
            }
            Tried::Trouble => {
                entry.back_off(now, jitter);
                self.silent.clear();
                was_silent
            }
            Tried::Unclear => {
                entry.back_off(now, jitter);
                false
            }
            Tried::NotSent => {
                entry.at = now.plus(SPREAD_MS + jitter(SPREAD_MS));
                false
            }
        }
    }

    /// True where enough origins of `outside` were tried in a row and none answered.
    pub fn none_answers(&self, outside: &[(IntegrationId, &str)]) -> bool {
        let origins: BTreeSet<&str> = outside.iter().map(|(_, origin)| *origin).collect();
        let silent: BTreeSet<&str> = outside
            .iter()
            .filter(|(id, _)| self.silent.contains(id))
            .map(|(_, origin)| *origin)
            .collect();
        silent.len() >= origins.len().clamp(2, SILENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The usual time between pings of what is well.
    const INTERVAL_MS: i64 = 15 * 60_000;

    fn ids(count: u128) -> Vec<IntegrationId> {
        (1..=count)
            .map(|n| IntegrationId(uuid::Uuid::from_u128(n)))
            .collect()
    }

    fn middle(below: i64) -> i64 {
        below / 2
    }

    fn know(schedule: &mut Schedule, now: i64, ids: &[IntegrationId]) {
        let mut turn = 0;
        schedule.know(
            Time(now),
            ids.iter().map(|id| (*id, None, INTERVAL_MS)),
            |below| {
                turn += 1;
                (turn * 7919) % below.max(1)
            },
        );
    }

    #[test]
    fn each_has_its_own_pace_and_a_quicker_one_holds_from_now_on() {
        let all = ids(2);
        let mut schedule = Schedule::starting(Time(0));
        let know = |schedule: &mut Schedule, now: i64, paces: [i64; 2]| {
            let known = all.iter().zip(paces).map(|(id, pace)| (*id, None, pace));
            schedule.know(Time(now), known, middle);
        };
        let (minute, day) = (60_000, 24 * 3_600_000);
        know(&mut schedule, 0, [minute, day]);
        let mut pings = [0, 0];
        for second in (0..7_200).step_by(10) {
            let now = Time(second * 1_000);
            // Half an hour before the end the second is to be checked each minute, too.
            let pace = if second < 5_400 { day } else { minute };
            know(&mut schedule, now.0, [minute, pace]);
            for due in schedule.due(now, false) {
                schedule.tried(due.id, Tried::Answered, now, middle);
                pings[usize::from(due.id == all[1])] += 1;
            }
        }
        assert!((100..=125).contains(&pings[0]), "{pings:?}");
        assert!((25..=32).contains(&pings[1]), "{pings:?}");
    }

    #[test]
    fn what_failed_is_looked_at_soon_however_seldom_it_is_checked() {
        let all = ids(1);
        let mut schedule = Schedule::starting(Time(0));
        let day = 24 * 3_600_000;
        schedule.know(Time(0), [(all[0], None, day)].into_iter(), middle);
        let mut now = 66_000;
        for _ in 0..12 {
            let due = schedule.next().expect("one");
            now = now.max(due.0);
            assert_eq!(schedule.due(Time(now), false).len(), 1);
            schedule.tried(all[0], Tried::Trouble, Time(now), middle);
            let next = schedule.next().expect("one").since(Time(now));
            assert!(next <= DOUBT_MAX_MS, "{next}");
        }
    }

    #[test]
    fn the_first_wave_is_spread_over_a_minute() {
        let all = ids(200);
        let mut schedule = Schedule::starting(Time(0));
        know(&mut schedule, 0, &all);
        let mut seen = 0;
        for second in 0..SPREAD_MS / 1000 {
            let due = schedule.due(Time(second * 1000), false).len();
            assert!(due <= 40, "{due} at once in second {second}");
            seen += due;
        }
        const { assert!(SPREAD_MS >= 60_000) };
        assert_eq!(seen + schedule.due(Time(SPREAD_MS), false).len(), 200);
    }

    #[test]
    fn waking_after_three_days_spreads_all_and_runs_each_once() {
        let all = ids(200);
        let mut schedule = Schedule::starting(Time(0));
        know(&mut schedule, 0, &all);
        let woken = 3 * 24 * 3_600_000;
        know(&mut schedule, woken, &all);
        let at_once = schedule.due(Time(woken), false).len();
        assert!(at_once < 20, "{at_once} in the first moment after waking");
        let later = schedule.due(Time(woken + SPREAD_MS), false).len();
        assert_eq!(
            at_once + later,
            200,
            "each one once, not once for each missed turn"
        );
    }

    #[test]
    fn one_that_runs_is_not_started_again() {
        let all = ids(1);
        let mut schedule = Schedule::starting(Time(0));
        know(&mut schedule, 0, &all);
        assert_eq!(schedule.due(Time(SPREAD_MS), false).len(), 1);
        assert_eq!(schedule.due(Time(70_000), false).len(), 0);
        schedule.tried(all[0], Tried::Answered, Time(80_000), middle);
        assert_eq!(schedule.due(Time(81_000), false).len(), 0);
        assert_eq!(
            schedule
                .due(Time(80_000 + INTERVAL_MS * 3 / 2), false)
                .len(),
            1
        );
    }

    #[test]
    fn what_is_near_already_is_not_brought_nearer() {
        let all = ids(1);
        let mut schedule = Schedule::starting(Time(0));
        know(&mut schedule, 0, &all);
        let first = schedule.next().expect("one waits");
        schedule.soon(all[0], (Time(0), SPREAD_MS), middle);
        assert_eq!(
            schedule.next(),
            Some(first),
            "or a wave would lose its tail"
        );
        schedule.soon(all[0], (Time(0), 0), middle);
        assert_eq!(schedule.next(), Some(Time(0).min(first)));
    }

    #[test]
    fn too_many_requests_are_not_asked_again_before_their_time() {
        let all = ids(1);
        let mut schedule = Schedule::starting(Time(0));
        know(&mut schedule, 0, &all);
        schedule.due(Time(SPREAD_MS), false);
        let until = Time(10_000_000);
        schedule.tried(all[0], Tried::RateLimited { until }, Time(61_000), middle);
        assert!(schedule.due(Time(9_999_999), false).is_empty());
    }

    #[test]
    fn offline_tries_one_at_a_time_and_the_first_answer_says_that_it_is_back() {
        let all = ids(50);
        let mut schedule = Schedule::starting(Time(0));
        know(&mut schedule, 0, &all);
        for due in schedule.due(Time(SPREAD_MS), false) {
            schedule.tried(due.id, Tried::NoAnswer, Time(61_000), middle);
        }
        let names: Vec<String> = (0..50).map(|n| format!("host{n}")).collect();
        let outside: Vec<_> = all
            .iter()
            .copied()
            .zip(names.iter().map(String::as_str))
            .collect();
        assert!(schedule.none_answers(&outside));
        let one_origin: Vec<_> = all.iter().map(|id| (*id, "host")).collect();
        assert!(
            !schedule.none_answers(&one_origin),
            "one server that is down is not this computer's network"
        );
        let one = schedule.due(Time(70_000), true);
        assert_eq!(one.len(), 1);
        assert!(
            schedule.tried(one[0].id, Tried::Answered, Time(71_000), middle),
            "it is back"
        );
        assert!(!schedule.none_answers(&outside));
    }

    #[test]
    fn doubt_looks_again_sooner_than_the_interval_and_backs_off() {
        let all = ids(1);
        let mut schedule = Schedule::starting(Time(0));
        know(&mut schedule, 0, &all);
        schedule.due(Time(SPREAD_MS), false);
        let mut waits = vec![];
        let mut now = SPREAD_MS;
        for _ in 0..8 {
            schedule.tried(all[0], Tried::NoAnswer, Time(now), middle);
            let next = (now..)
                .step_by(1000)
                .find(|t| !schedule.due(Time(*t), false).is_empty())
                .expect("due at last");
            waits.push(next - now);
            now = next;
        }
        assert!(waits[0] <= 2 * DOUBT_MS, "{waits:?}");
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
        assert!(
            waits.iter().all(|wait| *wait <= INTERVAL_MS * 3 / 2 + 1000),
            "{waits:?}"
        );
    }

    proptest! {
        #[test]
        fn whatever_the_clock_does_every_one_is_due_again_within_two_intervals(
            jumps in prop::collection::vec(-7_200_000i64..7_200_000, 1..40)
        ) {
            let all = ids(5);
            let mut schedule = Schedule::starting(Time(0));
            let mut now = 0i64;
            for jump in jumps {
                now += jump;
                know(&mut schedule, now, &all);
                for due in schedule.due(Time(now), false) {
                    schedule.tried(due.id, Tried::Answered, Time(now), middle);
                }
            }
            let later = now + 2 * INTERVAL_MS;
            prop_assert_eq!(schedule.due(Time(later), false).len(), 5);
        }
    }
}
