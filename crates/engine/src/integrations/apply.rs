//! Takes a signal in: the new state and what follows from it, in the commit that learned it.
//!
//! Owns: how effects on the store are performed. Must not know: why a signal came.

use super::{
    Integration, note,
    status::{self, Effect, Signal},
    to_json, touch,
};
use crate::{
    Engine,
    store::{self, Tx, notices::NoticeRow},
};
use wire::{Because, Error, IntegrationId, NoticeKind, Time};

/// What is left to do once the commit is done: the monitor's part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "the monitor is asked after the commit"]
pub(crate) struct After {
    /// Ping it within that many milliseconds.
    pub ping_within_ms: Option<i64>,
    /// Refresh its token, though it still lives.
    pub refresh: bool,
}

impl After {
    /// This and `more`: the sooner ping of the two.
    pub fn add(&mut self, more: Self) {
        self.ping_within_ms = match (self.ping_within_ms, more.ping_within_ms) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.refresh |= more.refresh;
    }

    fn of(effects: &[Effect]) -> Self {
        let mut after = Self::default();
        for effect in effects {
            match effect {
                Effect::SchedulePing { within_ms } => after.ping_within_ms = Some(*within_ms),
                Effect::Refresh => after.refresh = true,
                // Whether it really works again is tested before an admin resumes.
                Effect::OfferResume => {
                    after.ping_within_ms = Some(after.ping_within_ms.unwrap_or(0).min(0));
                }
                Effect::StatusChanged { .. }
                | Effect::OpenNotice { .. }
                | Effect::ChangeNotice { .. }
                | Effect::CloseNotice { .. } => {}
            }
        }
        after
    }
}

/// Takes a signal in: the new state, and its effects, in the commit of `tx`. Nothing happens where
/// the integration is gone meanwhile.
pub(crate) fn apply(
    tx: &Tx<'_>,
    id: IntegrationId,
    signal: &Signal,
    now: Time,
) -> Result<After, Error> {
    match Integration::find(tx, id)? {
        Some(found) => take(tx, found, signal, now),
        None => Ok(After::default()),
    }
}

fn take(tx: &Tx<'_>, mut found: Integration, signal: &Signal, now: Time) -> Result<After, Error> {
    let id = found.id;
    // The switch is a column of its own; a row of before the state knew it is put right here.
    found.state.off = !found.row.enabled;
    let (state, effects) = status::next(&found.state, signal, now);
    store::integrations::set_state(tx, id, &to_json(&state)?)?;
    for effect in &effects {
        perform(tx, &found, effect, now)?;
    }
    let is_proved = *signal == Signal::PingOk && state.shown(now).status() != wire::Status::Failing;
    if let (true, Some(episode)) = (is_proved, &found.state.episodes.failing) {
        crate::crons::proved(tx, &found, &episode.reason, now)?;
    }
    touch(tx, id);
    Ok(After::of(&effects))
}

/// The same for what an answer told, where the credential is still of the consent that was asked
/// with: an answer to what a reconnect has taken the place of says nothing.
pub(crate) fn apply_answer(
    tx: &Tx<'_>,
    (id, consent): (IntegrationId, Option<Time>),
    signal: &Signal,
    now: Time,
) -> Result<After, Error> {
    match Integration::find(tx, id)? {
        Some(found) if found.state.consent == consent => take(tx, found, signal, now),
        Some(_) | None => Ok(After::default()),
    }
}

/// A check that finds everything as it was is noted this often at most: cards say how long ago it was.
const AGAIN_MS: i64 = 10_000;

/// Whether an answer tells anything that the integration's row does not say: else it need not be taken in.
pub(crate) fn is_news(
    engine: &Engine,
    (id, consent): (IntegrationId, Option<Time>),
    signal: &Signal,
    now: Time,
) -> bool {
    let found = match engine.integration(id) {
        Ok(found) => found,
        // The commit will say why.
        Err(_) => return true,
    };
    let Some(found) = found
        .as_ref()
        .as_ref()
        .filter(|found| found.state.consent == consent)
    else {
        return false;
    };
    let mut before = found.state.clone();
    before.off = !found.row.enabled;
    let (mut after, effects) = status::next(&before, signal, now);
    let noted = before
        .checked_at
        .filter(|at| (0..AGAIN_MS).contains(&now.since(*at)));
    after.checked_at = noted.or(after.checked_at);
    !effects.is_empty() || after != found.state
}

fn perform(tx: &Tx<'_>, found: &Integration, effect: &Effect, now: Time) -> Result<(), Error> {
    let (id, name) = (found.id, &found.row.name);
    match effect {
        Effect::StatusChanged { from, to } => {
            let what = format!("{} → {}", words::status(*from), words::status(*to));
            note(tx, now, Some((id, name)), &what, &Because::Health)
        }
        Effect::OpenNotice { kind, reason } => {
            if *kind == NoticeKind::Failing {
                crate::crons::hold(tx, found, now)?;
            }
            crate::notices::open(
                tx,
                found,
                NoticeRow::begun((id, name), *kind, reason.clone(), now),
            )
        }
        Effect::ChangeNotice {
            kind,
            reason,
            well_since,
        } => {
            // Within an episode it may heal and fail more than once.
            match (kind, well_since) {
                (NoticeKind::Failing, None) => crate::crons::hold(tx, found, now)?,
                (NoticeKind::Failing, Some(_)) | (NoticeKind::Expiring, _) => {}
            }
            store::notices::change(tx, (id, *kind), reason, *well_since)
        }
        Effect::OfferResume => store::notices::offer_resume(tx, id, now),
        Effect::CloseNotice { kind } => store::notices::resolve(tx, (id, *kind), now),
        // The monitor's part, see `After`.
        Effect::SchedulePing { .. } | Effect::Refresh => Ok(()),
    }
}
