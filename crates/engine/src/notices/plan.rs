//! What to do about one bundle of notices in one channel. Pure.
//!
//! Popups ([`plan`]) come and go; a message in Slack ([`plan_message`]) is sent once and changed after.
//!
//! What works again while crons still wait for it offers to resume them, in the place of what was told:
//! in a popup once it has been well for twenty seconds, so that what comes and goes does not blink.

use crate::store::{
    deliveries::{Item, ONE_MS, Told},
    notices::NoticeRow,
};
use wire::{IntegrationId, NoticeId, NoticeKind, Time};

/// A notice is told twice at most: once, and once more where its cause changed or it came back.
const TIMES: u32 = 2;
/// What is told changes at most this often, in milliseconds.
const STEADY_MS: i64 = 5_000;
/// A message that was sent changes at most this often, in milliseconds.
const STEADY_MESSAGE_MS: i64 = 15_000;
/// How long it must have been well before a popup offers to resume, in milliseconds.
const SETTLE_MS: i64 = 20_000;
/// In the place of a reason: it is well, and a popup is to offer once it has settled. Nothing is shown.
pub(super) const WELL: &str = "well";
/// In the place of a reason: to resume is offered.
const OFFERED: &str = "resume";
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
    /// Nothing is to be shown, and these are kept in mind.
    Hide {
        told: Vec<Told>,
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
    // (What was told and counts as never told was put off meanwhile.)
    let is_news = |item: &&Item| {
        is_wanted(&item.notice, now)
            && item.delivery.times < TIMES
            && (item.delivery.times == 0
                || !before.is_some_and(|before| before.contains(&told(item))))
    };
    // What an offer has taken the place of is told once more, not for ever.
    let is_spent =
        |item: &&Item| item.delivery.times >= TIMES && known(before, item) == Some(OFFERED);
    let mut wanted: Vec<Told> = bundle
        .iter()
        .filter(|item| is_wanted(&item.notice, now) && !is_spent(item))
        .map(told)
        .collect();
    let breaks = !wanted.is_empty();
    let (offered, settling) = match can {
        Can::Replace => offers(bundle, before, now),
        Can::TellOnce => (vec![], vec![]),
    };
    let settles_at = settling.iter().map(|(_, at)| *at).min();
    let mut kept: Vec<Told> = settling.into_iter().map(|(told, _)| told).collect();
    if breaks {
        // One popup says one thing: first what is broken.
        kept.extend(offered.into_iter().map(|told| marked(told, WELL)));
    } else {
        wanted.extend(offered);
    }
    wanted.sort();
    kept.sort();
    if wanted.is_empty() {
        return match (before, settles_at) {
            (Some(before), Some(_)) if first.delivery.handle.is_some() || *before != kept => {
                not_before(first.delivery.due_at, now, Act::Hide { told: kept })
            }
            (_, Some(until)) => Act::Wait { until },
            (Some(_), None) => not_before(first.delivery.due_at, now, Act::Withdraw),
            (None, None) => wakes(bundle, now),
        };
    }
    let news: Vec<NoticeId> = bundle.iter().filter(is_news).map(|i| i.notice.id).collect();
    // Still on the screen, and telling of what is over.
    let is_stale = before.is_some_and(|before| {
        first.delivery.handle.is_some()
            && before
                .iter()
                .filter(|each| each.reason != WELL)
                .any(|each| !wanted.iter().any(|wanted| wanted.notice == each.notice))
    });
    let offers_more = !breaks
        && wanted
            .iter()
            .any(|each| !before.is_some_and(|before| before.contains(each)));
    let tells = match can {
        Can::Replace => !news.is_empty() || is_stale || offers_more,
        Can::TellOnce => {
            let is_untold = |item: &Item| item.delivery.times == 0 && is_wanted(&item.notice, now);
            bundle.iter().any(is_untold)
        }
    };
    if !tells {
        return match settles_at.filter(|_| !breaks) {
            Some(until) => Act::Wait { until },
            None => wakes(bundle, now),
        };
    }
    wanted.extend(kept);
    let joins_at = first.notice.opened_at;
    // A clock that was set back must not silence it.
    let steady = match (can, first.delivery.told_at) {
        (Can::Replace, Some(at)) if before.is_some() && at <= now => at.plus(STEADY_MS),
        // What has joined since is told by one more, with all that will.
        (Can::TellOnce, Some(_)) if joins_at <= now => joins_at.plus(ONE_MS),
        (Can::Replace | Can::TellOnce, _) => now,
    };
    let act = Act::Tell { told: wanted, news };
    not_before(first.delivery.due_at.max(steady), now, act)
}

/// What is told of one notice of the bundle.
fn known<'a>(before: Option<&'a Vec<Told>>, item: &Item) -> Option<&'a str> {
    let mut before = before?.iter();
    let told = before.find(|each| each.notice == item.notice.id)?;
    Some(&told.reason)
}

/// What was told and works again while crons wait for it: what is offered now, and what will be when.
fn offers(
    bundle: &[Item],
    before: Option<&Vec<Told>>,
    now: Time,
) -> (Vec<Told>, Vec<(Told, Time)>) {
    let (mut offered, mut settling) = (vec![], vec![]);
    for item in bundle.iter().filter(|item| is_offer(item, now)) {
        let (Some(told_as), Some(since)) = (known(before, item), item.notice.well_since) else {
            continue;
        };
        let at = since.plus(SETTLE_MS);
        if told_as == OFFERED || at <= now {
            offered.push(marked(told(item), OFFERED));
        } else {
            settling.push((marked(told(item), WELL), at));
        }
    }
    (offered, settling)
}

/// What is offered now to be resumed.
pub(super) fn offered(bundle: &[Item]) -> Vec<IntegrationId> {
    let before = first_told(bundle);
    let offered = bundle
        .iter()
        .filter(|item| known(before, item) == Some(OFFERED));
    offered.map(|item| item.notice.integration).collect()
}

/// True where crons wait for what works again, and the admin has not seen or put off that.
fn is_offer(item: &Item, now: Time) -> bool {
    let notice = &item.notice;
    item.resumes
        && notice.well_since.is_some()
        && notice.seen_at.is_none()
        && notice.snoozed_until.is_none_or(|until| until <= now)
}

fn marked(told: Told, reason: &str) -> Told {
    Told {
        reason: reason.to_owned(),
        ..told
    }
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
    if told.is_empty() {
        let offers = |item: &&Item| {
            item.delivery.times > 0 && item.resumes && item.notice.well_since.is_some()
        };
        let offered = bundle.iter().filter(offers).map(self::told);
        told.extend(offered.map(|each| marked(each, OFFERED)));
    }
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
        reason: match &item.notice.obstacle {
            Some(why) => format!("{:?}", why.code),
            None => item.notice.reason.as_str().to_owned(),
        },
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
