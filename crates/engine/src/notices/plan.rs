//! What to do about one bundle of notices in one channel. Pure.

use crate::store::{
    deliveries::{Item, Told},
    notices::NoticeRow,
};
use wire::{NoticeId, Time};

/// A notice is told twice at most: once, and once more where its cause changed or it came back.
const TIMES: u32 = 2;
/// What is told changes at most this often, in milliseconds.
const STEADY_MS: i64 = 5_000;

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
