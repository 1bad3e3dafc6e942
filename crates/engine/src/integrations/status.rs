//! How an integration is: one pure function, for every surface.
//!
//! Owns: [`next`], which takes what was learned and gives the new state and what must be done about
//! it. Must not know: who asked, where the state is kept, how it is shown.

use serde::{Deserialize, Serialize};
use wire::{Fix, HealthView, Reason, Status, Time};

/// Failures in a row that are needed before *unreachable*, with [`OUTAGE_MS`] between first and last.
const OUTAGE_COUNT: u32 = 3;
/// Two minutes: the shortest outage that fails a card while another origin answers.
const OUTAGE_MS: i64 = 2 * 60_000;
/// Ten minutes: the same where no other origin is connected that could answer.
const LONE_OUTAGE_MS: i64 = 10 * 60_000;
/// Seven days: how long before its end a credential that cannot renew itself is *expiring*, or a
/// fifth of its life where that is shorter.
const WARNING_MS: i64 = 7 * 24 * 3_600_000;

/// What is known of one integration's health. A row's `state` is this, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What stands, apart from a coming end (see `end`).
    pub reason: Reason,
    pub since: Time,
    pub checked_at: Option<Time>,
    /// Failures to reach it since the last answer.
    #[serde(default)]
    pub outage: Option<Outage>,
    /// When the credential ends for good, where that is known and it cannot renew itself.
    #[serde(default)]
    pub end: Option<End>,
}

/// A row of failures to reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub first: Time,
    pub count: u32,
}

/// The end of a credential that cannot renew itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub issued: Time,
    pub at: Time,
}

/// What was learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A ping or a call was answered well.
    Answered,
    /// It refuses the credential, also after one refresh; or the refresh said `invalid_grant`.
    Rejected,
    /// It forbids the ping itself. (A tool that is forbidden is no signal.)
    Forbidden,
    /// No answer, or an error of its own (5xx).
    Unreachable(Elsewhere),
    /// It asked to slow down until then.
    RateLimited { until: Time },
    /// Connected or reconnected: proved a moment ago, with this end.
    Connected { end: Option<End> },
    /// It names another issuer than the credential's.
    IssuerChanged,
    /// The stored credential is older than the one last used.
    Restored,
    /// The keyring lost the key that opens it.
    KeyringLost,
    /// Nothing new; time has passed.
    Tick,
}

/// What the rest of the network did meanwhile: an outage here means something only if others answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// Another origin answered lately.
    Answers,
    /// Nothing else is connected, and this computer has a route and working names.
    NothingToCompare,
    /// This computer is offline, as far as can be told.
    Offline,
}

/// What must be done in the same commit as the new state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The status (the icon) changed: a row in the record says so.
    StatusChanged { from: Status, to: Status },
}

impl State {
    /// Just connected, and proved by one request.
    #[must_use]
    pub fn connected(now: Time, end: Option<End>) -> Self {
        Self {
            reason: Reason::Ok,
            since: now,
            checked_at: Some(now),
            outage: None,
            end,
        }
    }

    /// The reason to show: what stands, or the coming end where nothing worse stands.
    #[must_use]
    pub fn shown(&self, now: Time) -> Reason {
        match (&self.reason, self.end) {
            (Reason::Ok | Reason::RateLimited { .. }, Some(end)) if end.warns(now) => {
                Reason::EndsOn { at: end.at }
            }
            (Reason::RateLimited { until }, _) if *until <= now => Reason::Ok,
            (reason, _) => reason.clone(),
        }
    }

    /// The state as every surface shows it. `pasted_key`: its fix is a fresh key, not a sign-in.
    #[must_use]
    pub fn view(&self, now: Time, pasted_key: bool) -> HealthView {
        let reason = self.shown(now);
        let fix: Option<Fix> = reason.fix(pasted_key);
        HealthView {
            status: reason.status(),
            fix,
            reason,
            since: self.since,
            checked_at: self.checked_at,
        }
    }
}

impl End {
    fn warns(self, now: Time) -> bool {
        let life = self.at.since(self.issued).max(0);
        now >= self.at.plus(-WARNING_MS.min(life / 5))
    }
}

/// The new state after `signal`, and what must be done in the same commit. Pure and total.
#[must_use]
pub fn next(state: &State, signal: &Signal, now: Time) -> (State, Vec<Effect>) {
    let mut new = state.clone();
    match signal {
        Signal::Answered => heal(&mut new, now),
        Signal::Connected { end } => {
            heal(&mut new, now);
            new.reason = Reason::Ok;
            new.end = *end;
        }
        Signal::Rejected => settle(&mut new, Reason::Rejected { since: now }, now),
        Signal::Forbidden => settle(&mut new, Reason::NeedsAccess { since: now }, now),
        Signal::IssuerChanged => settle(&mut new, Reason::IssuerChanged, now),
        Signal::Restored => settle(&mut new, Reason::RestoredFromBackup, now),
        Signal::KeyringLost => settle(&mut new, Reason::KeyringLost, now),
        Signal::RateLimited { until } => {
            new.checked_at = Some(now);
            new.outage = None;
            if new.reason.status() != Status::Failing || is_outage(&new.reason) {
                new.since = now;
                new.reason = Reason::RateLimited { until: *until };
            }
        }
        Signal::Unreachable(elsewhere) => outage(&mut new, *elsewhere, now),
        Signal::Tick => {
            if let Reason::RateLimited { until } = new.reason
                && until <= now
            {
                new.reason = Reason::Ok;
            }
        }
    }
    let (from, to) = (state.shown(now).status(), new.shown(now).status());
    // A coming end is reached by time alone, so the old state is asked how it was last shown.
    let before = state.checked_at.map_or(from, |at| state.shown(at).status());
    let effects = if before == to {
        vec![]
    } else {
        vec![Effect::StatusChanged { from: before, to }]
    };
    (new, effects)
}

/// One good answer heals whatever an answer can disprove. What concerns the stored credential
/// itself (a backup, a lost key, another issuer) only a reconnect mends: nothing is sent with it.
fn heal(state: &mut State, now: Time) {
    state.checked_at = Some(now);
    state.outage = None;
    let healed = match state.reason {
        Reason::Ok | Reason::IssuerChanged | Reason::RestoredFromBackup | Reason::KeyringLost => {
            false
        }
        Reason::RateLimited { .. }
        | Reason::EndsOn { .. }
        | Reason::Rejected { .. }
        | Reason::NeedsAccess { .. }
        | Reason::Unreachable { .. } => true,
    };
    if healed {
        state.reason = Reason::Ok;
        state.since = now;
    }
}

/// A definitive answer: it stands from its first time until healed.
fn settle(state: &mut State, reason: Reason, now: Time) {
    state.checked_at = Some(now);
    state.outage = None;
    if std::mem::discriminant(&state.reason) != std::mem::discriminant(&reason) {
        state.reason = reason;
        state.since = now;
    }
}

fn outage(state: &mut State, elsewhere: Elsewhere, now: Time) {
    let needed = match elsewhere {
        Elsewhere::Offline => return, // no answer at all says nothing about this one
        Elsewhere::Answers => OUTAGE_MS,
        Elsewhere::NothingToCompare => LONE_OUTAGE_MS,
    };
    let mut seen = state.outage.unwrap_or(Outage {
        first: now,
        count: 0,
    });
    seen.count = seen.count.saturating_add(1);
    state.outage = Some(seen);
    let long_enough = seen.count >= OUTAGE_COUNT && now.since(seen.first) >= needed;
    if long_enough && state.reason.status() != Status::Failing {
        state.reason = Reason::Unreachable { since: seen.first };
        state.since = now;
    }
}

fn is_outage(reason: &Reason) -> bool {
    matches!(reason, Reason::Unreachable { .. })
}

#[cfg(test)]
mod tests;
