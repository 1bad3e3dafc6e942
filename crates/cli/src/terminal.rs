//! `list`, `test`, `activity`, `ask`: what the app's window shows, as lines or as JSON.

use crate::{
    NOT_WELL, door,
    door::Inside,
    say::{self, Failure},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};
use wire::{ActivityPage, Because, CardView, Outcome, Reason, Status, TestReport, Time};
use words::{counted, text, with};

/// Which rows of activity.
pub struct Which {
    pub integration: Option<String>,
    pub limit: u32,
    pub pings: bool,
}

/// Every integration and how it is. Ends with 1 where one that is switched on is failing.
pub async fn list(folder: &Path, as_json: bool) -> Result<u8, Failure> {
    let mut app = door::enter_as_admin(folder).await?;
    let (answer, cards) = cards(&mut app).await?;
    if as_json {
        say::json(&answer)?;
    } else if cards.is_empty() {
        say::line(&text("cli-none"))?;
    } else {
        let rows: Vec<Vec<String>> = cards
            .iter()
            .map(|card| {
                vec![
                    card.slug.clone(),
                    card.name.clone(),
                    status(card),
                    counted("cli-tools", card.tools),
                    why(card),
                ]
            })
            .collect();
        say::line(&say::table(&rows))?;
    }
    let failing = |card: &CardView| card.enabled && card.health.status == Status::Failing;
    Ok(if cards.iter().any(failing) {
        NOT_WELL
    } else {
        0
    })
}

/// Pings one, or all that are switched on. Ends with 1 where one did not answer as it should.
pub async fn test(folder: &Path, name: Option<&str>, as_json: bool) -> Result<u8, Failure> {
    let mut app = door::enter_as_admin(folder).await?;
    let (_, mut cards) = cards(&mut app).await?;
    match name {
        Some(name) => cards = vec![named(cards, name)?],
        None => cards.retain(|card| card.enabled),
    }
    let (mut all_well, mut told) = (true, Vec::new());
    for card in cards {
        let ask = json!({ "id": card.id });
        let answer = app.ask("test_integration", ask).await;
        let line = match &answer {
            Ok(answer) => {
                let report: TestReport = door::read(answer)?;
                all_well &= report.error.is_none();
                tested(&card.name, &report)
            }
            Err(Failure::Said(error)) => {
                all_well = false;
                format!("✗ {}: {}", card.name, words::error(error))
            }
            Err(_) => return answer.map(|_| 0),
        };
        if as_json {
            let report = match answer {
                Ok(report) => report,
                Err(Failure::Said(error)) => json!({ "error": error }),
                Err(other) => return Err(other),
            };
            told.push(json!({ "id": card.id, "name": card.name, "report": report }));
        } else {
            say::line(&line)?;
        }
    }
    if as_json {
        say::json(&Value::Array(told))?;
    }
    Ok(if all_well { 0 } else { NOT_WELL })
}

fn tested(name: &str, report: &TestReport) -> String {
    match &report.error {
        None => format!("✓ {name}: {} ({} ms)", report.answer, report.took_ms),
        Some(error) => format!("✗ {name}: {}", words::error(error)),
    }
}

/// The newest rows.
pub async fn activity(folder: &Path, which: Which, as_json: bool) -> Result<u8, Failure> {
    let mut app = door::enter_as_admin(folder).await?;
    let integration = match &which.integration {
        Some(name) => Some(named(cards(&mut app).await?.1, name)?.id),
        None => None,
    };
    let ask = json!({
        "integration": integration, "before": null, "limit": which.limit, "pings": which.pings,
    });
    let answer = app.ask("list_activity", ask).await?;
    if as_json {
        say::json(&answer)?;
        return Ok(0);
    }
    let page: ActivityPage = door::read(&answer)?;
    let now = now();
    let rows: Vec<Vec<String>> = page
        .rows
        .iter()
        .map(|row| {
            let took = row.took_ms.map(|ms| format!("{ms} ms"));
            vec![
                ago(row.at, now),
                outcome(row.outcome).to_owned(),
                row.action.clone(),
                took.unwrap_or_default(),
                because(&row.because),
                row.error.as_ref().map(words::error).unwrap_or_default(),
            ]
        })
        .collect();
    if rows.is_empty() {
        say::line(&text("cli-no-activity"))?;
    } else {
        say::line(&say::table(&rows))?;
    }
    Ok(0)
}

/// One command of the table, as JSON.
pub async fn ask(folder: &Path, command: &str, request: &str) -> Result<u8, Failure> {
    let request: Value = serde_json::from_str(request).map_err(|_| Failure::NotJson)?;
    let mut app = door::enter_as_admin(folder).await?;
    let answer = app.ask(command, request).await?;
    say::json(&answer)?;
    Ok(0)
}

/// The cards, and the same as they were told.
pub async fn cards(app: &mut Inside) -> Result<(Value, Vec<CardView>), Failure> {
    let answer = app.ask("list_integrations", json!({})).await?;
    let cards = door::read(&answer)?;
    Ok((answer, cards))
}

/// The one of that short name, else of that name.
fn named(cards: Vec<CardView>, name: &str) -> Result<CardView, Failure> {
    let is = |text: &str| text.eq_ignore_ascii_case(name);
    let at = cards
        .iter()
        .position(|card| is(&card.slug))
        .or_else(|| cards.iter().position(|card| is(&card.name)));
    at.and_then(|at| cards.into_iter().nth(at))
        .ok_or_else(|| Failure::Unknown(name.to_owned()))
}

fn status(card: &CardView) -> String {
    if card.enabled {
        words::status(card.health.status)
    } else {
        text("cli-off")
    }
}

/// Why it is not healthy, in a sentence.
pub fn why(card: &CardView) -> String {
    match &card.health.reason {
        Reason::Ok => String::new(),
        reason @ (Reason::RateLimited { until: at }
        | Reason::EndsOn { at }
        | Reason::VendorEnds { at }
        | Reason::Rejected { since: at }
        | Reason::NeedsAccess { since: at }
        | Reason::Unreachable { since: at }) => {
            words::reason(reason, &card.name, &moment(*at, now()))
        }
        reason @ (Reason::IssuerChanged
        | Reason::RestoredFromBackup
        | Reason::KeyringLost
        | Reason::RunEnded) => words::reason(reason, &card.name, ""),
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "…",
        Outcome::Ok | Outcome::Approved => "✓",
        Outcome::Failed => "✗",
        Outcome::Refused | Outcome::Denied => "⊘",
        Outcome::Unknown => "?",
    }
}

fn because(because: &Because) -> String {
    match because {
        Because::Task { title, url, .. } => match url {
            Some(url) => format!("{title} ({url})"),
            None => title.clone(),
        },
        Because::Admin { name } | Because::Cron { name, .. } => name.clone(),
        Because::Health => text("cli-because-health"),
        Because::Connecting => text("cli-because-connecting"),
        Because::Outside => text("cli-because-outside"),
        Because::Notice => text("cli-because-notice"),
    }
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Time(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// How long ago, in the largest unit that is not zero: `4 min`.
fn ago(at: Time, now: Time) -> String {
    let seconds = now.since(at).max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A moment before or after now, in words: terminals know no time zone that the app's reader meant.
pub fn moment(at: Time, now: Time) -> String {
    if at > now {
        with("cli-in", &[("time", &ago(now, at))])
    } else {
        with("cli-ago", &[("time", &ago(at, now))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_its_largest_unit() {
        let told = |ms| moment(Time(ms), Time(0));
        assert_eq!(told(-59_000), "59 s ago");
        assert_eq!(told(-3_600_000), "1 h ago");
        assert_eq!(told(3 * 86_400_000), "in 3 d");
    }
}
