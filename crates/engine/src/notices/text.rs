//! What a popup says.

use crate::{
    agents::ends::agent_of,
    http::inert,
    integrations::Integration,
    ports::{Popup, Press, Urgency},
    store::{self, notices::NoticeRow},
};
use rusqlite::Connection;
use std::collections::BTreeMap;
use wire::{Error, NoticeId, NoticeKind, Reason, Time};

/// Names that a popup of several lists, at most.
const NAMES: usize = 4;
/// Longest name in a popup, in characters.
const NAME_MAX: usize = 60;

/// The popup of these notices, which are of one cause and at least one.
pub(super) fn popup(
    conn: &Connection,
    id: NoticeId,
    members: &[NoticeRow],
    now: Time,
) -> Result<Popup, Error> {
    let names: Vec<String> = members
        .iter()
        .map(|each| short(&each.integration_name))
        .collect();
    let whys: Vec<&Error> = members
        .iter()
        .filter_map(|each| each.obstacle.as_ref())
        .collect();
    if !whys.is_empty() {
        return Ok(stuck(id, &names, &whys));
    }
    if members.iter().all(|each| each.well_since.is_some()) {
        return again(conn, id, (members, &names), now);
    }
    if let Some(first) = members.first()
        && agent_of(conn, first)?.is_some()
    {
        return tokens(conn, id, (members, &names), now);
    }
    let failing = members.iter().any(|each| each.kind == NoticeKind::Failing);
    let mut buttons = Vec::new();
    let (title, stopped) = match (members, failing) {
        ([one], _) => {
            let found = Integration::find(conn, one.integration)?;
            let takes_key = found.is_some_and(|found| found.takes_key());
            if let Some(fix) = one.reason.fix(takes_key) {
                buttons.push((Press::Fix, words::fix(fix)));
            }
            let name = [("name", names[0].as_str())];
            if failing {
                let crons = store::crons::waiting(conn, one.integration)?;
                (words::with("notice-failing", &name), stopped(&crons))
            } else {
                let stopped = words::text("notice-expiring-stopped");
                (words::with("notice-expiring", &name), stopped)
            }
        }
        (several, true) => (
            words::counted("notice-several-failing", count(several)),
            words::text("notice-several-failing-stopped"),
        ),
        (several, false) => (
            words::counted("notice-several-expiring", count(several)),
            words::text("notice-expiring-stopped"),
        ),
    };
    buttons.push((Press::Open, words::text("notice-open")));
    let mut body = listed(&names);
    if let (Some(first), Some(name)) = (members.first(), names.first()) {
        let when = when(conn, &first.reason, now)?;
        body += &words::reason(&first.reason, name, &when);
        body.push(' ');
        body += &stopped;
    }
    Ok(Popup {
        id,
        title,
        body,
        urgency: if failing {
            Urgency::Critical
        } else {
            Urgency::Normal
        },
        buttons,
    })
}

/// A line of names, where there are several.
fn listed(names: &[String]) -> String {
    if names.len() < 2 {
        return String::new();
    }
    let more = names.len().saturating_sub(NAMES);
    let listed = names[..names.len().min(NAMES)].join(", ");
    if more == 0 {
        format!("{listed}\n")
    } else {
        let more = words::counted("notice-and-more", u32::try_from(more).unwrap_or(u32::MAX));
        format!("{listed} {more}\n")
    }
}

/// Crons that could not start, and why each of them.
fn stuck(id: NoticeId, names: &[String], whys: &[&Error]) -> Popup {
    let title = match names {
        [one] => words::with("cron-did-not-start", &[("name", one)]),
        several => words::counted(
            "crons-did-not-start",
            u32::try_from(several.len()).unwrap_or(u32::MAX),
        ),
    };
    let mut said: Vec<String> = whys.iter().map(|why| words::error(why)).collect();
    let lines = names.iter().zip(&said).take(NAMES);
    let lines: Vec<String> = lines.map(|(name, why)| format!("{name}: {why}")).collect();
    said.dedup();
    let body = match said.as_slice() {
        [one] => format!("{}{one}", listed(names)),
        _ => lines.join("\n"),
    };
    Popup {
        id,
        title,
        body,
        urgency: Urgency::Normal,
        buttons: vec![(Press::Open, words::text("notice-open"))],
    }
}

/// Agents whose tokens end, and when each of them does.
fn tokens(
    conn: &Connection,
    id: NoticeId,
    (members, names): (&[NoticeRow], &[String]),
    now: Time,
) -> Result<Popup, Error> {
    let title = match names {
        [one] => words::with("agent-needs-token", &[("name", one)]),
        _ => words::counted("agents-need-token", count(members)),
    };
    let mut body = String::new();
    for (each, name) in members.iter().zip(names).take(NAMES) {
        let when = when(conn, &each.reason, now)?;
        body += &words::token(&each.reason, name, &when, now);
        body.push('\n');
    }
    body += &words::text("agent-token-hint");
    Ok(Popup {
        id,
        title,
        body,
        urgency: Urgency::Normal,
        buttons: vec![(Press::Open, words::text("notice-open"))],
    })
}

/// What works again, and the crons that wait for it.
fn again(
    conn: &Connection,
    id: NoticeId,
    (members, names): (&[NoticeRow], &[String]),
    now: Time,
) -> Result<Popup, Error> {
    let mut crons = BTreeMap::new();
    for each in members {
        let waiting = crate::crons::ready(conn, each.integration, now)?.into_iter();
        crons.extend(waiting.map(|cron| (cron.id, cron.name)));
    }
    let title = match names {
        [one] => words::with("crons-again", &[("name", one)]),
        several => words::counted(
            "integrations-again",
            u32::try_from(several.len()).unwrap_or(u32::MAX),
        ),
    };
    let mut crons: Vec<String> = crons.into_values().collect();
    crons.sort();
    let resume = words::counted(
        "crons-resume",
        u32::try_from(crons.len()).unwrap_or(u32::MAX),
    );
    Ok(Popup {
        id,
        title,
        body: format!("{}{}", listed(names), stopped(&crons)),
        urgency: Urgency::Normal,
        buttons: vec![
            (Press::Resume, resume),
            (Press::Open, words::text("notice-open")),
        ],
    })
}

/// What stands still meanwhile: the crons by name, else tasks.
fn stopped(crons: &[String]) -> String {
    let names: Vec<String> = crons.iter().take(NAMES).map(|name| short(name)).collect();
    let more = crons.len().saturating_sub(NAMES);
    let and = words::text("crons-and");
    match (names.split_last(), more) {
        (None, _) => words::text("notice-failing-stopped"),
        (Some((one, [])), 0) => words::with("cron-paused", &[("name", one)]),
        (Some((last, first)), 0) => {
            let names = format!("{} {and} {last}", first.join(", "));
            words::with("crons-paused", &[("names", &names)])
        }
        (Some(_), more) => {
            let more = words::counted("notice-and-more", u32::try_from(more).unwrap_or(u32::MAX));
            let names = format!("{} {more}", names.join(", "));
            words::with("crons-paused", &[("names", &names)])
        }
    }
}

fn count(members: &[NoticeRow]) -> u32 {
    u32::try_from(members.len()).unwrap_or(u32::MAX)
}

fn short(name: &str) -> String {
    inert(name).chars().take(NAME_MAX).collect()
}

/// The reason's moment on this computer's wall.
fn when(conn: &Connection, reason: &Reason, now: Time) -> Result<String, Error> {
    match reason {
        Reason::RateLimited { until: at }
        | Reason::EndsOn { at }
        | Reason::VendorEnds { at }
        | Reason::Rejected { since: at }
        | Reason::NeedsAccess { since: at }
        | Reason::Unreachable { since: at } => store::notices::wall(conn, *at, now),
        Reason::Ok
        | Reason::IssuerChanged
        | Reason::RestoredFromBackup
        | Reason::KeyringLost
        | Reason::RunEnded => Ok(String::new()),
    }
}
