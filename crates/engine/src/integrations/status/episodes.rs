//! What an admin is told, once: episodes of *failing* and of *expiring*.
//!
//! A failing episode opens with bad news where none is open, and closes on repair or after an hour of
//! health that answers have seen. An expiring one is keyed by consent and end date.

use super::{Effect, Elsewhere, End, Signal, State};
use serde::{Deserialize, Serialize};
use wire::{NoticeKind, Reason, Status, Time};

/// An hour of unbroken health closes an episode.
const WELL_MS: i64 = 3_600_000;
/// Ends that differ by less than a day are the same end.
const SAME_END_MS: i64 = 24 * 3_600_000;

/// The episodes of one integration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episodes {
    /// The open episode of failing.
    #[serde(default)]
    pub failing: Option<Failing>,
    /// The end that an open notice warns of.
    #[serde(default)]
    pub expiring: Option<Warned>,
    /// The end that was warned of last, whether or not that notice is still open.
    #[serde(default)]
    pub warned: Option<Warned>,
}

/// One episode of failing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    pub opened: Time,
    /// What the notice tells.
    pub reason: Reason,
    /// Since when it works again.
    #[serde(default)]
    pub well_since: Option<Time>,
    /// To resume was offered already.
    #[serde(default)]
    pub offered: bool,
}

/// What a warning of a coming end is keyed by, beside the integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warned {
    pub consent: Option<Time>,
    pub at: Time,
}

impl Warned {
    fn is_of(self, other: Self) -> bool {
        self.consent == other.consent && self.at.since(other.at).abs() < SAME_END_MS
    }
}

/// Follows the change from `before` to `new`.
pub(super) fn follow(
    before: &State,
    new: &mut State,
    signal: &Signal,
    now: Time,
    effects: &mut Vec<Effect>,
) {
    if matches!(signal, Signal::Connected { .. } | Signal::SwitchedOff) {
        // Repaired, or no longer wanted: nobody need act.
        close(&mut new.episodes, effects);
    }
    if new.off {
        return;
    }
    failing(new, signal, now, effects);
    expiring(before, new, now, effects);
}

fn close(episodes: &mut Episodes, effects: &mut Vec<Effect>) {
    if episodes.failing.take().is_some() {
        let kind = NoticeKind::Failing;
        effects.push(Effect::CloseNotice { kind });
    }
    if episodes.expiring.take().is_some() {
        let kind = NoticeKind::Expiring;
        effects.push(Effect::CloseNotice { kind });
    }
}

fn failing(new: &mut State, signal: &Signal, now: Time, effects: &mut Vec<Effect>) {
    let kind = NoticeKind::Failing;
    let reason = new.shown(now);
    let is_failing = reason.status() == Status::Failing;
    let Some(episode) = &mut new.episodes.failing else {
        if is_failing && is_bad_news(signal) {
            new.episodes.failing = Some(Failing {
                opened: now,
                reason: reason.clone(),
                well_since: None,
                offered: false,
            });
            effects.push(Effect::OpenNotice { kind, reason });
        }
        return;
    };
    if is_failing {
        if episode.well_since.take().is_some() || episode.reason != reason {
            episode.reason = reason.clone();
            effects.push(Effect::ChangeNotice {
                kind,
                reason,
                well_since: None,
            });
        }
        return;
    }
    match episode.well_since {
        None => {
            episode.well_since = Some(now);
            effects.push(Effect::ChangeNotice {
                kind,
                reason: episode.reason.clone(),
                well_since: Some(now),
            });
            if !episode.offered {
                episode.offered = true;
                effects.push(Effect::OfferResume);
            }
        }
        // What happened across a jump of the clock nobody saw: the hour begins anew.
        Some(since) if matches!(signal, Signal::ClockJumped) || now < since => {
            episode.well_since = Some(now);
        }
        // The hour counts as far as answers have seen it, not as a clock passes.
        Some(since) if is_good_news(signal) && now.since(since) >= WELL_MS => {
            new.episodes.failing = None;
            effects.push(Effect::CloseNotice { kind });
        }
        Some(_) => {}
    }
}

fn expiring(before: &State, new: &mut State, now: Time, effects: &mut Vec<Effect>) {
    let kind = NoticeKind::Expiring;
    let ending = new.ending(now);
    let due = match &ending {
        Some(Reason::EndsOn { at }) => Some(Warned {
            consent: new.consent,
            at: *at,
        }),
        // Whatever credential is given: it is the vendor's day.
        Some(Reason::VendorEnds { at }) => Some(Warned {
            consent: None,
            at: *at,
        }),
        Some(_) | None => None,
    };
    match (new.episodes.expiring, due) {
        (Some(open), Some(due)) => {
            if !open.is_of(due) {
                new.episodes.expiring = Some(due);
                new.episodes.warned = Some(due);
                effects.push(Effect::ChangeNotice {
                    kind,
                    reason: ending.unwrap_or(Reason::EndsOn { at: due.at }),
                    well_since: None,
                });
            }
        }
        // It moved away, or is no more: not only the clock went back.
        (Some(_), None)
            if new.end.map(moment) != before.end.map(moment) || new.sunset != before.sunset =>
        {
            new.episodes.expiring = None;
            effects.push(Effect::CloseNotice { kind });
        }
        (None, Some(due)) => {
            // Where something worse stands, that is what the admin is told.
            let is_shown = new.shown(now).status() == Status::Expiring;
            let is_new = new.episodes.warned.is_none_or(|warned| !warned.is_of(due));
            if is_shown && is_new {
                new.episodes.expiring = Some(due);
                new.episodes.warned = Some(due);
                let reason = ending.unwrap_or(Reason::EndsOn { at: due.at });
                effects.push(Effect::OpenNotice { kind, reason });
            }
        }
        (Some(_) | None, None) => {}
    }
}

fn moment(end: End) -> Time {
    end.at
}

/// Evidence that something is broken, not only that it was.
fn is_bad_news(signal: &Signal) -> bool {
    match signal {
        Signal::Rejected
        | Signal::RefreshRefused
        | Signal::Forbidden
        | Signal::Unreachable(Elsewhere::Others { .. } | Elsewhere::Alone)
        | Signal::IssuerChanged
        | Signal::Restored
        | Signal::KeyringLost
        | Signal::RunEnded => true,
        Signal::Unreachable(Elsewhere::Offline)
        | Signal::PingOk
        | Signal::CallOk { .. }
        | Signal::CallRejected
        | Signal::ScopeMissing { .. }
        | Signal::RateLimited { .. }
        | Signal::Refreshed { .. }
        | Signal::RefreshAmbiguous
        | Signal::EndsAt { .. }
        | Signal::VendorEnds { .. }
        | Signal::Connected { .. }
        | Signal::SwitchedOff
        | Signal::SwitchedOn
        | Signal::NetworkLost
        | Signal::NetworkBack
        | Signal::ClockJumped
        | Signal::Tick => false,
    }
}

fn is_good_news(signal: &Signal) -> bool {
    matches!(signal, Signal::PingOk | Signal::CallOk { .. })
}
