//! How an integration is: one pure function, for every surface.
//!
//! Owns: [`next`], which takes what was learned and gives the new state and what must be done about
//! it. Must not know: who asked, where the state is kept, how it is shown.

mod end;
mod episodes;

pub use end::{End, Renewal};
pub use episodes::{Episodes, Failing, Warned};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::{Fix, HealthView, NoticeKind, Reason, Status, Time};

/// Failures in a row that are needed before *unreachable*, with [`OUTAGE_MS`] between first and last.
const OUTAGE_COUNT: u32 = 3;
/// Two minutes: the shortest outage that fails a card while another origin answers.
const OUTAGE_MS: i64 = 2 * 60_000;
/// Ten minutes: the same where no other origin is connected that could answer.
const LONE_OUTAGE_MS: i64 = 10 * 60_000;
/// A first failure is looked at again within half a minute.
const DOUBT_MS: i64 = 30_000;
/// Where many may be due at once, they are spread over a minute and a little, so that the first and
/// the last of many are a minute apart.
pub(crate) const SPREAD_MS: i64 = 66_000;
/// An hour between two refreshes that are only asked for because an end comes near.
const REFRESH_AGAIN_MS: i64 = 3_600_000;
/// A minute: so long calls leave a server alone that asked for it, at most. It may mean one of its paths
/// only, or ask for a day; then one call a minute asks again.
const REST_MS: i64 = 60_000;
/// Tools that are remembered as lacking a permission, at most.
const LACKS_MAX: usize = 64;
/// Sign-ins for one refused tool, at most (MCP Authorization, "Step-Up Authorization Flow": a few).
const TRIES_MAX: u32 = 3;

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
    /// When the credential ends for good, where that is known.
    #[serde(default)]
    pub end: Option<End>,
    /// When its vendor ends this kind of access, where that is announced.
    #[serde(default)]
    pub sunset: Option<Time>,
    /// When the admin gave this credential: connected or reconnected.
    #[serde(default)]
    pub consent: Option<Time>,
    /// Switched off by the admin: nobody is told anything.
    #[serde(default)]
    pub off: bool,
    /// How often the admin wants it checked, in minutes.
    #[serde(default)]
    pub pace: Option<u32>,
    /// Tools that were refused for want of a permission, with the scopes that the refusal named. They
    /// never touch the status.
    #[serde(default)]
    pub lacks: BTreeMap<String, Vec<String>>,
    /// How often the admin has signed in again while a tool was refused, for each tool that has not been
    /// answered since.
    #[serde(default)]
    pub tries: BTreeMap<String, u32>,
    /// The status that the record told last.
    #[serde(default)]
    pub told: Option<Status>,
    /// Calls leave it alone until then, as it asked.
    #[serde(default)]
    pub rests_until: Option<Time>,
    /// What the admin has been told, and not yet been told to be over.
    #[serde(default)]
    pub episodes: Episodes,
}

/// A row of failures to reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub first: Time,
    pub count: u32,
}

/// What was learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A ping was answered well.
    PingOk,
    /// A call of this tool was answered: it heals like a ping, and the tool lacks nothing any more.
    CallOk { tool: String },
    /// It refuses the credential, also after one refresh.
    Rejected,
    /// A call was refused like this, where only a ping can prove it: in doubt.
    CallRejected,
    /// It forbids the ping itself.
    Forbidden,
    /// It forbids one tool, for want of these scopes (none where it does not say).
    ScopeMissing { tool: String, scopes: Vec<String> },
    /// No answer, or an error of its own (5xx).
    Unreachable(Elsewhere),
    /// It asked to slow down until then. `named`: it said how long; else that is a guess.
    RateLimited { until: Time, named: bool },
    /// A refresh brought a new pair, with this end.
    Refreshed { end: Option<End> },
    /// A refresh was refused for good: `invalid_grant`.
    RefreshRefused,
    /// A refresh brought nothing, also the second time: it may have been lost, it may pass.
    RefreshAmbiguous,
    /// The end of the key was learned: from the provider, or typed by the admin (`None`: no end).
    EndsAt { end: Option<End> },
    /// What the catalogue knows of the vendor's own plans (`None`: nothing).
    VendorEnds { at: Option<Time> },
    /// Connected or reconnected: proved a moment ago, with this end.
    Connected { end: Option<End> },
    /// The admin switched it off.
    SwitchedOff,
    /// The admin switched it on.
    SwitchedOn,
    /// This computer lost its network.
    NetworkLost,
    /// The network is back.
    NetworkBack,
    /// The wall clock jumped, either way: this computer slept, or the clock was set.
    ClockJumped,
    /// It names another issuer than the credential's.
    IssuerChanged,
    /// The stored credential is older than the one last used.
    Restored,
    /// The keyring lost the key that opens it.
    KeyringLost,
    /// It was kept for an earlier run of the app only.
    RunEnded,
    /// Nothing new; time has passed.
    Tick,
}

/// What the rest of the network did meanwhile: an outage here means something only if others answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// Other origins are connected that are not known to be down; one of them answered last at that time.
    Others { answered: Option<Time> },
    /// Nothing else is connected, and this computer has a route and working names.
    Alone,
    /// This computer is offline, as far as can be told.
    Offline,
}

/// What must be done: the first five in the same commit as the new state, the others after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The status (the icon) changed: a row in the record says so.
    StatusChanged { from: Status, to: Status },
    /// An episode begins: the admin is told once.
    OpenNotice { kind: NoticeKind, reason: Reason },
    /// The open notice of that kind tells something else now; nobody is told again. `well_since`:
    /// it works again since then.
    ChangeNotice {
        kind: NoticeKind,
        reason: Reason,
        well_since: Option<Time>,
    },
    /// It healed by itself, for the first time in this episode: the notice offers to resume.
    OfferResume,
    /// The episode is over; its notice is withdrawn.
    CloseNotice { kind: NoticeKind },
    /// Ping it within that many milliseconds.
    SchedulePing { within_ms: i64 },
    /// Refresh its token, though it still lives.
    Refresh,
}

impl State {
    /// Just connected, and proved by one request.
    #[must_use]
    pub fn connected(now: Time, end: Option<End>) -> Self {
        let mut new = Self {
            reason: Reason::Ok,
            since: now,
            checked_at: Some(now),
            outage: None,
            end,
            sunset: None,
            consent: Some(now),
            off: false,
            pace: None,
            lacks: BTreeMap::new(),
            tries: BTreeMap::new(),
            told: None,
            rests_until: None,
            episodes: Episodes::default(),
        };
        new.told = Some(new.shown(now).status());
        new
    }

    /// Whether another sign-in may still bring what the tool was refused for.
    #[must_use]
    pub fn may_ask_again(&self, tool: &str) -> bool {
        self.tries.get(tool).is_none_or(|tries| *tries < TRIES_MAX)
    }

    /// For how many seconds more calls leave it alone, as it asked; `None`: they need not.
    #[must_use]
    pub fn rests(&self, now: Time) -> Option<i64> {
        let left = self.rests_until?.since(now);
        // More is left only after a clock that went back.
        (1..=REST_MS).contains(&left).then(|| (left + 999) / 1_000)
    }

    /// The reason to show: what stands, or the coming end where nothing worse stands.
    #[must_use]
    pub fn shown(&self, now: Time) -> Reason {
        match (&self.reason, self.ending(now)) {
            (Reason::Ok | Reason::RateLimited { .. }, Some(ending)) => ending,
            (Reason::RateLimited { until }, _) if *until <= now => Reason::Ok,
            (reason, _) => reason.clone(),
        }
    }

    /// The end that comes first among those that are near enough to warn of.
    fn ending(&self, now: Time) -> Option<Reason> {
        let own = self.end.filter(|end| end.warns(now)).map(|end| end.at);
        let vendor = self.sunset.filter(|at| end::is_near(*at, now));
        match (own, vendor) {
            (Some(at), vendor) if vendor.is_none_or(|vendor| at <= vendor) => {
                Some(Reason::EndsOn { at })
            }
            (_, vendor) => vendor.map(|at| Reason::VendorEnds { at }),
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

/// The new state after `signal`, and what must be done. Pure and total.
#[must_use]
pub fn next(state: &State, signal: &Signal, now: Time) -> (State, Vec<Effect>) {
    let mut new = state.clone();
    learn(&mut new, signal, now);
    let mut effects = Vec::new();
    let to = new.shown(now).status();
    // A row of before this was kept: how it was last shown.
    let from = state
        .told
        .unwrap_or_else(|| state.shown(state.checked_at.unwrap_or(now)).status());
    new.told = Some(to);
    if from != to {
        effects.push(Effect::StatusChanged { from, to });
    }
    episodes::follow(state, &mut new, signal, now, &mut effects);
    ask(state, &mut new, signal, now, &mut effects);
    (new, effects)
}

fn learn(new: &mut State, signal: &Signal, now: Time) {
    match signal {
        Signal::PingOk => {
            heal(new, now);
            new.rests_until = None;
        }
        // (It may have been sent before the server asked to be left alone.)
        Signal::CallOk { tool } => {
            heal(new, now);
            new.lacks.remove(tool);
            new.tries.remove(tool);
        }
        Signal::Connected { end } => {
            heal(new, now);
            new.reason = Reason::Ok;
            new.rests_until = None;
            new.end = *end;
            new.consent = Some(now);
            for tool in std::mem::take(&mut new.lacks).into_keys() {
                *new.tries.entry(tool).or_default() += 1;
            }
        }
        Signal::Rejected | Signal::RefreshRefused => {
            settle(new, Reason::Rejected { since: now }, now);
        }
        Signal::Forbidden => settle(new, Reason::NeedsAccess { since: now }, now),
        Signal::IssuerChanged => settle(new, Reason::IssuerChanged, now),
        Signal::Restored => settle(new, Reason::RestoredFromBackup, now),
        // That it cannot be opened was known, and why.
        Signal::KeyringLost if new.reason == Reason::RunEnded => {}
        Signal::KeyringLost => settle(new, Reason::KeyringLost, now),
        Signal::RunEnded => settle(new, Reason::RunEnded, now),
        Signal::ScopeMissing { tool, scopes } => {
            // It knows the credential: as good an answer as any, but one that proves no repair.
            new.outage = None;
            // What was signed in for and is refused no more has no tries to remember.
            if new.tries.len() > LACKS_MAX {
                new.tries.clear();
            }
            if new.lacks.len() < LACKS_MAX || new.lacks.contains_key(tool) {
                new.lacks.insert(tool.clone(), scopes.clone());
            }
        }
        Signal::RateLimited { until, named } => {
            new.checked_at = Some(now);
            new.outage = None;
            if *named {
                new.rests_until = Some(now.plus(until.since(now).min(REST_MS)));
            }
            if new.reason.status() != Status::Failing || is_outage(&new.reason) {
                new.since = now;
                new.reason = Reason::RateLimited { until: *until };
            }
        }
        Signal::Unreachable(elsewhere) => outage(new, *elsewhere, now),
        Signal::Refreshed { end } => new.end = end::refreshed(new.end, *end),
        Signal::EndsAt { end } => new.end = end::told(new.end, *end),
        Signal::VendorEnds { at } => new.sunset = *at,
        Signal::SwitchedOff => new.off = true,
        Signal::SwitchedOn => new.off = false,
        // A row of failures that the network, or a clock, broke off says nothing.
        Signal::NetworkLost | Signal::NetworkBack | Signal::ClockJumped => new.outage = None,
        Signal::CallRejected | Signal::RefreshAmbiguous => {}
        Signal::Tick => {
            if let Reason::RateLimited { until } = new.reason
                && until <= now
            {
                new.reason = Reason::Ok;
            }
        }
    }
}

/// What the monitor is asked to do soon.
fn ask(before: &State, new: &mut State, signal: &Signal, now: Time, effects: &mut Vec<Effect>) {
    let within_ms = match signal {
        Signal::SwitchedOn | Signal::CallRejected => Some(0),
        // After a heal that no ping has seen, the app runs its own Test.
        Signal::CallOk { .. } if is_failing(before, now) && !is_failing(new, now) => Some(0),
        Signal::NetworkBack | Signal::ClockJumped => Some(SPREAD_MS),
        Signal::Unreachable(Elsewhere::Others { .. } | Elsewhere::Alone)
            if new.outage.is_some_and(|outage| outage.count == 1) =>
        {
            Some(DOUBT_MS)
        }
        Signal::CallOk { .. }
        | Signal::PingOk
        | Signal::Rejected
        | Signal::Forbidden
        | Signal::ScopeMissing { .. }
        | Signal::Unreachable(_)
        | Signal::RateLimited { .. }
        | Signal::Refreshed { .. }
        | Signal::RefreshRefused
        | Signal::RefreshAmbiguous
        | Signal::EndsAt { .. }
        | Signal::VendorEnds { .. }
        | Signal::Connected { .. }
        | Signal::SwitchedOff
        | Signal::NetworkLost
        | Signal::IssuerChanged
        | Signal::Restored
        | Signal::KeyringLost
        | Signal::RunEnded
        | Signal::Tick => None,
    };
    if let Some(within_ms) = within_ms.filter(|_| !new.off) {
        effects.push(Effect::SchedulePing { within_ms });
    }
    let rests = !matches!(signal, Signal::Refreshed { .. } | Signal::NetworkLost);
    if rests && !is_failing(new, now) {
        let asked = |end: &End| {
            end.asked
                .is_some_and(|at| (0..REFRESH_AGAIN_MS).contains(&now.since(at)))
        };
        if let Some(end) = new.end.as_mut().filter(|end| end.may_move(now))
            && !asked(end)
        {
            end.asked = Some(now);
            effects.push(Effect::Refresh);
        }
    }
}

fn is_failing(state: &State, now: Time) -> bool {
    state.shown(now).status() == Status::Failing
}

/// One good answer heals whatever an answer can disprove: also a lost key, since nothing was sent without it. What
/// is wrong with the stored credential itself (a backup, another issuer, an earlier run) only a reconnect mends.
fn heal(state: &mut State, now: Time) {
    state.checked_at = Some(now);
    state.outage = None;
    let healed = match state.reason {
        Reason::Ok | Reason::IssuerChanged | Reason::RestoredFromBackup | Reason::RunEnded => false,
        Reason::KeyringLost
        | Reason::RateLimited { .. }
        | Reason::EndsOn { .. }
        | Reason::VendorEnds { .. }
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
    let (needed, others) = match elsewhere {
        Elsewhere::Offline => return, // no answer at all says nothing about this one
        Elsewhere::Others { answered } => (OUTAGE_MS, answered),
        Elsewhere::Alone => (LONE_OUTAGE_MS, Some(now)),
    };
    let mut seen = state.outage.unwrap_or(Outage {
        first: now,
        count: 0,
    });
    seen.count = seen.count.saturating_add(1);
    state.outage = Some(seen);
    // An answer from before the outage does not tell this server from this computer's network.
    let is_this_one = others.is_some_and(|answered| answered >= seen.first);
    let is_long = seen.count >= OUTAGE_COUNT && now.since(seen.first) >= needed;
    if is_this_one && is_long && state.reason.status() != Status::Failing {
        state.reason = Reason::Unreachable { since: seen.first };
        state.since = now;
    }
}

/// True of one that is known not to answer.
pub(crate) fn is_outage(reason: &Reason) -> bool {
    matches!(reason, Reason::Unreachable { .. })
}

#[cfg(test)]
mod tests;
