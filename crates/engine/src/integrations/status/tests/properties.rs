//! What the admin can rely on, over random histories. `cargo xtask soak` runs a hundred thousand.

use super::*;
use proptest::prelude::*;

const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Histories in an ordinary run of the tests; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(asked.unwrap_or(3_000))
}

/// Draws what it needs from one number, so that a history is a list of numbers: quick to make, and
/// shrunk towards pings that go well, one after the other.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> i64 {
        let drawn = self.0 % n;
        self.0 /= n;
        i64::try_from(drawn).unwrap_or(0)
    }

    fn end(&mut self) -> Option<End> {
        let drawn = self.below(6);
        if drawn == 0 {
            return None;
        }
        let (from, life) = (self.below(40) * DAY, (1 + self.below(90 * 24)) * HOUR);
        let renewal = if drawn < 3 {
            Renewal::Never
        } else {
            Renewal::ByRefresh
        };
        Some(End {
            renewal,
            ..End::fixed(Time(from), Time(from + life))
        })
    }

    fn tool(&mut self) -> String {
        ["list", "refund"][usize::from(self.below(2) == 1)].to_owned()
    }

    /// Milliseconds to the next signal; now and then the clock is set back.
    fn wait(&mut self) -> i64 {
        match self.below(12) {
            0..=8 => self.below(20) * MINUTE,
            9 | 10 => self.below(48) * HOUR,
            _ => -self.below(180) * MINUTE,
        }
    }

    fn signal(&mut self, now: Time) -> Signal {
        match self.below(40) {
            0..=7 => Signal::PingOk,
            8 | 9 => Signal::CallOk { tool: self.tool() },
            10 | 11 => Signal::Rejected,
            12 => Signal::CallRejected,
            13 => Signal::Forbidden,
            14 => Signal::ScopeMissing {
                tool: self.tool(),
                scopes: vec!["write".into()],
            },
            // Another one answered some time ago, or a moment ago: the case that fails a card.
            15 | 16 => Signal::Unreachable(Elsewhere::Others {
                answered: (self.below(3) > 0).then(|| now.plus(-self.below(40) * MINUTE)),
            }),
            17..=19 => Signal::Unreachable(Elsewhere::Others {
                answered: Some(now),
            }),
            20 | 21 => Signal::Unreachable(Elsewhere::Alone),
            22 => Signal::Unreachable(Elsewhere::Offline),
            23 => Signal::RateLimited {
                until: now.plus(self.below(90) * MINUTE),
                named: self.below(2) == 0,
            },
            24 | 25 => Signal::Refreshed { end: self.end() },
            26 => Signal::RefreshRefused,
            27 => Signal::RefreshAmbiguous,
            28 => match self.below(3) {
                0 => Signal::VendorEnds {
                    at: (self.below(3) > 0).then(|| Time(self.below(60) * DAY)),
                },
                _ => Signal::EndsAt { end: self.end() },
            },
            29 => Signal::Connected { end: self.end() },
            30 => Signal::SwitchedOff,
            31 => Signal::SwitchedOn,
            32 => Signal::NetworkLost,
            33 => Signal::NetworkBack,
            34 => Signal::ClockJumped,
            35 => match self.below(4) {
                0 => Signal::IssuerChanged,
                1 => Signal::Restored,
                2 => Signal::RunEnded,
                _ => Signal::KeyringLost,
            },
            _ => Signal::Tick,
        }
    }
}

/// A connected integration and what it met, step by step.
fn any_history() -> impl Strategy<Value = (u64, Vec<u64>)> {
    (any::<u64>(), prop::collection::vec(any::<u64>(), 1..80))
}

/// What an admin with an inbox, and a ledger of what was learned, would hold against the machine.
#[derive(Default)]
struct Ledger {
    open: BTreeMap<NoticeKind, Time>,
    offered: bool,
    /// Failures to reach it since it last answered or the network changed.
    failures: Vec<Time>,
    /// The end that was warned of last, by consent.
    warned: Option<(Option<Time>, Time)>,
    /// Since when no failing status was seen, and answers have seen it.
    well_since: Option<Time>,
}

impl Ledger {
    fn hear(&mut self, signal: &Signal, now: Time) {
        match signal {
            Signal::Unreachable(Elsewhere::Others { .. } | Elsewhere::Alone) => {
                self.failures.push(now);
            }
            Signal::Unreachable(Elsewhere::Offline)
            | Signal::CallRejected
            | Signal::Refreshed { .. }
            | Signal::RefreshAmbiguous
            | Signal::EndsAt { .. }
            | Signal::VendorEnds { .. }
            | Signal::SwitchedOff
            | Signal::SwitchedOn
            | Signal::Tick => {}
            Signal::PingOk
            | Signal::CallOk { .. }
            | Signal::Rejected
            | Signal::Forbidden
            | Signal::ScopeMissing { .. }
            | Signal::RateLimited { .. }
            | Signal::RefreshRefused
            | Signal::Connected { .. }
            | Signal::NetworkLost
            | Signal::NetworkBack
            | Signal::ClockJumped
            | Signal::IssuerChanged
            | Signal::Restored
            | Signal::KeyringLost
            | Signal::RunEnded => self.failures.clear(),
        }
    }

    /// Promise 3: whether this may turn a card that works into one that fails.
    fn may_fail(&self, signal: &Signal, now: Time) -> bool {
        let long = |needed| {
            self.failures.len() >= 3
                && self
                    .failures
                    .first()
                    .is_some_and(|first| now.since(*first) >= needed)
        };
        match signal {
            Signal::Rejected
            | Signal::RefreshRefused
            | Signal::Forbidden
            | Signal::IssuerChanged
            | Signal::Restored
            | Signal::KeyringLost
            | Signal::RunEnded => true,
            Signal::Unreachable(Elsewhere::Others { answered }) => {
                long(2 * MINUTE)
                    && answered
                        .zip(self.failures.first().copied())
                        .is_some_and(|(answered, first)| answered >= first)
            }
            Signal::Unreachable(Elsewhere::Alone) => long(10 * MINUTE),
            _ => false,
        }
    }
}

fn check_table_of_reasons(state: &State, now: Time) -> Result<(), TestCaseError> {
    for pasted_key in [false, true] {
        let view = state.view(now, pasted_key);
        prop_assert_eq!(view.status, state.shown(now).status(), "one function");
        let mend = if pasted_key {
            Fix::PasteKey
        } else {
            Fix::Reconnect
        };
        let wanted = match view.reason {
            Reason::Ok | Reason::RateLimited { .. } => (Status::Healthy, None),
            Reason::EndsOn { .. } | Reason::VendorEnds { .. } => (Status::Expiring, Some(mend)),
            Reason::Unreachable { .. } => (Status::Failing, Some(Fix::Test)),
            Reason::Rejected { .. }
            | Reason::NeedsAccess { .. }
            | Reason::IssuerChanged
            | Reason::RestoredFromBackup
            | Reason::KeyringLost
            | Reason::RunEnded => (Status::Failing, Some(mend)),
        };
        prop_assert_eq!((view.status, view.fix), wanted);
    }
    Ok(())
}

/// What a warning is of. The vendor's day is another end than the credential's own, also on one day.
fn warned_of(reason: &Reason, state: &State) -> Option<(Option<Time>, Time)> {
    match reason {
        Reason::EndsOn { at } => Some((state.consent, *at)),
        Reason::VendorEnds { at } => Some((None, *at)),
        _ => None,
    }
}

fn check_effects(
    ledger: &mut Ledger,
    (before, new): (&State, &State),
    (signal, effects): (&Signal, &[Effect]),
    now: Time,
) -> Result<(), TestCaseError> {
    let failing = new.shown(now).status() == Status::Failing;
    for effect in effects {
        match effect {
            Effect::StatusChanged { from, to } => prop_assert_ne!(from, to),
            Effect::OpenNotice { kind, reason } => {
                prop_assert!(!new.off, "nobody is told of what is switched off");
                prop_assert!(
                    ledger.open.insert(*kind, now).is_none(),
                    "a second notice in one episode"
                );
                match kind {
                    NoticeKind::Failing => {
                        prop_assert!(failing && reason.status() == Status::Failing);
                        ledger.offered = false;
                        ledger.well_since = None;
                    }
                    NoticeKind::Expiring => {
                        let Some(key) = warned_of(reason, new) else {
                            return Err(TestCaseError::fail("a warning without its date"));
                        };
                        let same = ledger
                            .warned
                            .is_some_and(|(c, at)| c == key.0 && key.1.since(at).abs() < DAY);
                        prop_assert!(!same, "warned twice of one end");
                        ledger.warned = Some(key);
                    }
                }
            }
            Effect::ChangeNotice { kind, reason, .. } => {
                prop_assert!(ledger.open.contains_key(kind), "no notice to change");
                if *kind == NoticeKind::Expiring {
                    let Some(key) = warned_of(reason, new) else {
                        return Err(TestCaseError::fail("an expiring notice without its date"));
                    };
                    ledger.warned = Some(key);
                }
            }
            Effect::OfferResume => {
                prop_assert!(!failing && ledger.open.contains_key(&NoticeKind::Failing));
                prop_assert!(
                    !std::mem::replace(&mut ledger.offered, true),
                    "to resume is offered once"
                );
            }
            Effect::CloseNotice { kind } => {
                prop_assert!(ledger.open.remove(kind).is_some(), "no notice to close");
                let repaired = matches!(signal, Signal::Connected { .. } | Signal::SwitchedOff);
                let over = match kind {
                    NoticeKind::Failing => ledger
                        .well_since
                        .is_some_and(|since| now.since(since) >= HOUR),
                    NoticeKind::Expiring => {
                        new.end.map(|end| end.at) != before.end.map(|end| end.at)
                            || new.sunset != before.sunset
                    }
                };
                prop_assert!(repaired || over, "{kind:?} closed by {signal:?}");
            }
            Effect::SchedulePing { within_ms } => {
                prop_assert!(!new.off && (0..=SPREAD_MS).contains(within_ms));
            }
            Effect::Refresh => prop_assert!(!failing, "no refresh for what only a reconnect mends"),
        }
    }
    if failing {
        ledger.well_since = None;
    } else if ledger.well_since.is_none_or(|since| now < since)
        || matches!(signal, Signal::ClockJumped)
    {
        ledger.well_since = Some(now);
    }
    Ok(())
}

/// What a signal must never do, whatever stood before.
fn check_signal(
    (before, new): (&State, &State),
    signal: &Signal,
    now: Time,
) -> Result<(), TestCaseError> {
    let (was, is) = (before.shown(now), new.shown(now));
    match signal {
        Signal::Unreachable(Elsewhere::Offline)
        | Signal::ScopeMissing { .. }
        | Signal::CallRejected
        | Signal::RefreshAmbiguous
        | Signal::NetworkLost
        | Signal::NetworkBack
        | Signal::ClockJumped
        | Signal::SwitchedOff
        | Signal::SwitchedOn
        | Signal::Tick => prop_assert_eq!(was.status(), is.status(), "{:?}", signal),
        Signal::Unreachable(_) => prop_assert!(
            !matches!(is, Reason::Rejected { .. } | Reason::NeedsAccess { .. }) || was == is,
            "an outage is never called a logout"
        ),
        Signal::RateLimited { .. } => {
            prop_assert!(was.status() == Status::Failing || is.status() != Status::Failing);
        }
        Signal::Connected { .. } => {
            prop_assert_ne!(is.status(), Status::Failing, "a reconnect always heals");
            prop_assert!(new.lacks.is_empty());
        }
        Signal::PingOk | Signal::CallOk { .. } => prop_assert!(
            !matches!(
                is,
                Reason::Unreachable { .. } | Reason::Rejected { .. } | Reason::NeedsAccess { .. }
            ),
            "one success heals"
        ),
        Signal::Rejected
        | Signal::Forbidden
        | Signal::Refreshed { .. }
        | Signal::RefreshRefused
        | Signal::EndsAt { .. }
        | Signal::VendorEnds { .. }
        | Signal::IssuerChanged
        | Signal::Restored
        | Signal::KeyringLost
        | Signal::RunEnded => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_promise_holds_over_every_history((first, steps) in any_history()) {
        let mut now = Time(10 * DAY);
        let mut state = State::connected(now, Draw(first).end());
        let mut ledger = Ledger { well_since: Some(now), ..Ledger::default() };
        for step in steps {
            let mut draw = Draw(step);
            now = now.plus(draw.wait());
            let signal = draw.signal(now);
            let was_failing = state.shown(now).status() == Status::Failing;
            let (new, effects) = next(&state, &signal, now);
            ledger.hear(&signal, now);
            if !was_failing && new.shown(now).status() == Status::Failing {
                prop_assert!(ledger.may_fail(&signal, now), "{signal:?} broke a card");
            }
            check_signal((&state, &new), &signal, now)?;
            check_effects(&mut ledger, (&state, &new), (&signal, &effects), now)?;
            check_table_of_reasons(&new, now)?;
            prop_assert_eq!(
                ledger.open.contains_key(&NoticeKind::Failing),
                new.episodes.failing.is_some()
            );
            let (again, more) = next(&new, &Signal::Tick, now);
            prop_assert!(
                more.iter().all(|effect| *effect == Effect::Refresh),
                "the same moment has news twice: {more:?}"
            );
            prop_assert_eq!(again.shown(now), new.shown(now));
            state = new;
        }
        let kept = serde_json::to_string(&state).expect("a state is JSON");
        let read: State = serde_json::from_str(&kept).expect("and is read back");
        prop_assert_eq!(&read, &state, "what is kept is the whole state");

        // Whatever it met: evidence of a failure has a notice, and a reconnect mends it.
        for evidence in [Signal::Rejected, Signal::Forbidden, Signal::RefreshRefused] {
            let (after, _) = next(&state, &evidence, now);
            prop_assert_eq!(after.episodes.failing.is_some(), !after.off);
        }
        let (after, _) = next(&state, &Signal::Connected { end: None }, now);
        prop_assert!(after.episodes.failing.is_none());
        // A reconnect does not change what the vendor has planned.
        let well = matches!(after.shown(now), Reason::Ok | Reason::VendorEnds { .. });
        prop_assert!(well, "a reconnect left {:?}", after.shown(now));
    }

    #[test]
    fn no_time_and_no_end_is_too_strange(
        times in prop::collection::vec(any::<i64>(), 1..20),
        steps in prop::collection::vec(any::<u64>(), 20),
        (from, to) in any::<(i64, i64)>(),
    ) {
        let mut state = State::connected(Time(0), Some(End::fixed(Time(from), Time(to))));
        for (at, step) in times.into_iter().zip(steps) {
            state = next(&state, &Draw(step).signal(Time(at)), Time(at)).0;
            prop_assert!(state.lacks.len() <= 64);
        }
    }
}
