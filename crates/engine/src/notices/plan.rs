//! What to do about one bundle of notices in one channel. Pure.
//!
//! Popups ([`plan`]) come and go; a message in Slack ([`plan_message`]) is sent once and changed after.

use crate::store::{
    deliveries::{Item, Told},
    notices::NoticeRow,
};
use wire::{NoticeId, NoticeKind, Time};

/// A notice is told twice at most: once, and once more where its cause changed or it came back.
const TIMES: u32 = 2;
/// What is told changes at most this often, in milliseconds.
const STEADY_MS: i64 = 5_000;
/// A message that was sent changes at most this often, in milliseconds.
const STEADY_MESSAGE_MS: i64 = 15_000;
/// What a message is called once everybody has it.
pub(super) const SENT: &str = "sent";

/// What must be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Nothing,
    /// Look again then.
    Wait {
        until: Time,
    },
    /// Tell of these, in the place of whatever is told now.
    Tell {
        told: Vec<Told>,
        /// Those to whom it is news, which counts.
        news: Vec<NoticeId>,
    },
    /// Nothing is to be told any more, but something is.
    Withdraw,
}

/// What a channel can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Can {
    /// Change and take back what it has told.
    Replace,
    /// Only tell.
    TellOnce,
}

/// True where an admin must still be told: open, broken now, neither seen nor put off.
pub(super) fn is_wanted(notice: &NoticeRow, now: Time) -> bool {
    notice.resolved_at.is_none()
        && notice.well_since.is_none()
        && notice.seen_at.is_none()
        && notice.snoozed_until.is_none_or(|until| until <= now)
}

/// `bundle` is not empty, and all of one channel.
pub(super) fn plan(bundle: &[Item], can: Can, now: Time) -> Act {
    let Some(first) = bundle.first() else {
        return Act::Nothing;
    };
    let before = first_told(bundle);
    let mut wanted: Vec<Told> = bundle
        .iter()
        .filter(|item| is_wanted(&item.notice, now))
        .map(told)
        .collect();
    wanted.sort();
    if wanted.is_empty() {
        return match before {
            Some(_) => not_before(first.delivery.due_at, now, Act::Withdraw),
            None => wakes(bundle, now),
        };
    }
    let is_news = |item: &&Item| {
        is_wanted(&item.notice, now)
            && item.delivery.times < TIMES
            && !before.is_some_and(|before| before.contains(&told(item)))
    };
    let news: Vec<NoticeId> = bundle.iter().filter(is_news).map(|i| i.notice.id).collect();
    // Still on the screen, and telling of what is over.
    let is_stale = before.is_some_and(|before| {
        first.delivery.handle.is_some()
            && before
                .iter()
                .any(|each| !wanted.iter().any(|wanted| wanted.notice == each.notice))
    });
    let tells = match can {
        Can::Replace => !news.is_empty() || is_stale,
        Can::TellOnce => bundle.iter().all(|item| item.delivery.times == 0),
    };
    if !tells {
        return wakes(bundle, now);
    }
    let steady = match (before, first.delivery.told_at) {
        // A clock that was set back must not silence it.
        (Some(_), Some(at)) if at <= now => at.plus(STEADY_MS),
        (Some(_) | None, _) => now,
    };
    let act = Act::Tell { told: wanted, news };
    not_before(first.delivery.due_at.max(steady), now, act)
}

/// What a new message has to wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    /// What is worth one.
    pub kinds: &'a [NoticeKind],
    /// None begins before then.
    pub quiet_until: Option<Time>,
}

/// The same for a channel whose messages stay, are changed as often as what they tell of changes, and
/// are not sent twice. `bundle` is not empty.
pub(super) fn plan_message(bundle: &[Item], rules: Rules<'_>, now: Time) -> Act {
    let Some(first) = bundle.first() else {
        return Act::Nothing;
    };
    let before = first_told(bundle);
    // Whoever saw it on this computer, or put it off, needs no message; one that was sent stays true.
    let is_news = |item: &&Item| {
        item.delivery.times == 0
            && is_wanted(&item.notice, now)
            && rules.kinds.contains(&item.notice.kind)
    };
    let is_on = |item: &&Item| {
        item.delivery.times > 0
            && item.notice.resolved_at.is_none()
            && item.notice.well_since.is_none()
    };
    let mut news: Vec<&Item> = bundle.iter().filter(is_news).collect();
    let mut wakes = wakes(bundle, now);
    if let Some(until) = rules.quiet_until.filter(|_| !news.is_empty()) {
        news.clear();
        wakes = Act::Wait { until };
    }
    let mut told: Vec<Told> = bundle
        .iter()
        .filter(is_on)
        .chain(news.iter().copied())
        .map(self::told)
        .collect();
    told.sort();
    let is_sent = bundle
        .iter()
        .any(|item| item.delivery.told.is_some() && item.delivery.handle.as_deref() == Some(SENT));
    let is_same = before == Some(&told);
    if (told.is_empty() && before.is_none()) || (is_same && is_sent) {
        return wakes;
    }
    let steady = match first.delivery.told_at {
        Some(at) if at <= now && !is_same => at.plus(STEADY_MESSAGE_MS),
        Some(_) | None => now,
    };
    let act = if told.is_empty() {
        Act::Withdraw
    } else {
        let news = news.iter().map(|item| item.notice.id).collect();
        Act::Tell { told, news }
    };
    not_before(first.delivery.due_at.max(steady), now, act)
}

/// What is told now. A notice that has joined since knows nothing of it.
pub(super) fn first_told(bundle: &[Item]) -> Option<&Vec<Told>> {
    bundle.iter().find_map(|item| item.delivery.told.as_ref())
}

fn told(item: &Item) -> Told {
    Told {
        notice: item.notice.id,
        reason: item.notice.reason.as_str().to_owned(),
    }
}

fn not_before(at: Time, now: Time, act: Act) -> Act {
    if at <= now {
        act
    } else {
        Act::Wait { until: at }
    }
}

/// Nothing now; when the first that was put off is due.
fn wakes(bundle: &[Item], now: Time) -> Act {
    bundle
        .iter()
        .filter(|item| item.notice.resolved_at.is_none())
        .filter_map(|item| item.notice.snoozed_until)
        .filter(|until| *until > now)
        .min()
        .map_or(Act::Nothing, |until| Act::Wait { until })
}
