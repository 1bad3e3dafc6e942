//! Tools as they were taken, and those that are held back: new ones, and ones that tell something else
//! than what an admin accepted (SECURITY 49).
//!
//! Owns: what a probe's tools become, which are held, the words that changed, accepting. Must not know:
//! how tools are listed, or who calls them.
//!
//! The first probe's tools are taken as they are: connecting is accepting them. So are those that no
//! server tells: the app's own, and those of an OpenAPI document that the admin imports.

use crate::{
    connectors::{PINNED, Tool},
    integrations::{self, Integration},
    store::{
        self, Tx,
        pins::{self, Pin},
        tools::ToolRow,
    },
};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use wire::{Because, Error, HeldView, How, IntegrationId, Kind, Part, Time, Words};

/// How long the words of one member are compared; what is left then is shown as removed and added.
const DIFF_TIME: Duration = Duration::from_millis(200);
/// The same for all that an integration's tools tell: a reader of the store does nothing else meanwhile.
pub(super) const DIFFS_TIME: Duration = Duration::from_millis(500);
/// Names of held tools that a row of the record lists, at most.
const NAMES: usize = 10;

/// Replaces the tools of an integration, and notes the protocol and server where they are told, in
/// the commit of `tx`. What a server tells anew is held back, and a row says so. Whether they are others.
pub(crate) fn keep(
    tx: &Tx<'_>,
    id: IntegrationId,
    tools: Vec<Tool>,
    told: (Option<&str>, Option<&str>),
    now: Time,
) -> Result<bool, Error> {
    let found = Integration::get(tx, id)?;
    let before = store::tools::list(tx, id)?;
    let rows: Result<Vec<ToolRow>, Error> = tools.into_iter().map(tool_row).collect();
    let rows = rows?;
    let are_others = before != rows;
    if are_others {
        store::tools::replace(tx, id, &rows)?;
    }
    let before = hashes(&before);
    store::integrations::set_probe(tx, id, told, now)?;
    let pins = pins::list(tx, id)?;
    let takes_all = found.row.probed_at.is_none() || found.kind() != Kind::Mcp;
    for row in &rows {
        let pin = pins.get(&row.name);
        // A pin of before texts were kept gets the text of the same hash.
        let is_same = pin.is_some_and(|pin| pin.told.is_none() && pin.holds(&row.hash));
        if (takes_all || is_same) && pin != Some(&row.pin()) {
            pins::put(tx, id, &row.name, &row.pin())?;
        }
    }
    if !takes_all {
        let news: Vec<&str> = rows
            .iter()
            .filter(|row| is_held(row, &pins) && !before.contains(&key(row)))
            .map(|row| row.name.as_str())
            .collect();
        if !news.is_empty() {
            let what = format!("held back until an admin accepts: {}", listed(&news));
            let of = Some((id, found.row.name.as_str()));
            integrations::note(tx, now, of, &what, &Because::Health)?;
        }
    }
    integrations::touch(tx, id);
    Ok(are_others)
}

fn hashes(rows: &[ToolRow]) -> BTreeSet<String> {
    rows.iter().map(key).collect()
}

fn key(row: &ToolRow) -> String {
    format!("{} {}", row.hash, row.name)
}

/// "a, b and 3 more".
pub(crate) fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>();
    match names.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn tool_row(tool: Tool) -> Result<ToolRow, Error> {
    Ok(ToolRow {
        input_schema_json: integrations::to_json(&tool.input_schema)?,
        annotations_json: integrations::to_json(&tool.annotations)?,
        name: tool.name,
        title: tool.title,
        description: tool.description,
        hash: tool.hash,
        risk: tool.risk,
        told: tool.told,
    })
}

fn is_held(row: &ToolRow, pins: &BTreeMap<String, Pin>) -> bool {
    !pins.get(&row.name).is_some_and(|pin| pin.holds(&row.hash))
}

/// What an admin is to accept of a tool; `None` where it is as it was taken. From `until` on no words are
/// compared.
pub(super) fn held(
    row: &ToolRow,
    pins: &BTreeMap<String, Pin>,
    until: Instant,
) -> Option<HeldView> {
    if !is_held(row, pins) {
        return None;
    }
    let before = pins.get(&row.name);
    Some(HeldView {
        hash: row.hash.clone(),
        is_new: before.is_none(),
        parts: parts(
            before.and_then(|pin| pin.told.as_deref()),
            row.told.as_deref().unwrap_or_default(),
            until,
        ),
    })
}

/// The members that differ, word by word. Where nothing is known of before, each is new.
fn parts(before: Option<&str>, after: &str, until: Instant) -> Vec<Part> {
    let (before, after) = (members(before.unwrap_or_default()), members(after));
    PINNED
        .into_iter()
        .filter_map(|name| {
            let (old, new) = (before.get(name), after.get(name));
            (old != new).then(|| Part {
                member: name.to_owned(),
                words: words(
                    old.map(String::as_str).unwrap_or_default(),
                    new.map(String::as_str).unwrap_or_default(),
                    until,
                ),
            })
        })
        .collect()
}

/// Each member as text: a string as it is, anything else as JSON on lines.
fn members(told: &str) -> BTreeMap<String, String> {
    let Ok(Value::Object(members)) = serde_json::from_str(told) else {
        return BTreeMap::new();
    };
    members
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text,
                other => serde_json::to_string_pretty(&other).unwrap_or_default(),
            };
            (name, text)
        })
        .collect()
}

fn words(old: &str, new: &str, until: Instant) -> Vec<Words> {
    let mut runs: Vec<Words> = Vec::new();
    let mut run = |how, text: &str| match runs.last_mut() {
        Some(last) if last.how == how => last.text.push_str(text),
        _ if text.is_empty() => {}
        _ => runs.push(Words {
            how,
            text: text.to_owned(),
        }),
    };
    let now = Instant::now();
    if now >= until {
        run(How::Removed, old);
        run(How::Added, new);
        return runs;
    }
    let diff = TextDiff::configure()
        .deadline(until.min(now + DIFF_TIME))
        .diff_words(old, new);
    for change in diff.iter_all_changes() {
        let how = match change.tag() {
            ChangeTag::Equal => How::Same,
            ChangeTag::Insert => How::Added,
            ChangeTag::Delete => How::Removed,
        };
        run(how, change.value());
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn many_tools_that_changed_all_over_are_compared_for_a_moment_only() {
        let told = |with: &str| {
            let words: Vec<String> = (0..8_000).map(|n| format!("{with}{n}")).collect();
            json!({ "description": words.join(" ") }).to_string()
        };
        let (before, after) = (told("a"), told("b"));
        let began = Instant::now();
        let until = began + DIFFS_TIME;
        let all: Vec<Vec<Part>> = (0..50)
            .map(|_| parts(Some(&before), &after, until))
            .collect();
        let took = began.elapsed();
        assert!(took < Duration::from_secs(3), "{took:?}");
        let last = &all[49][0].words;
        let said = |how| last.iter().filter(move |each| each.how == how);
        assert_eq!(last.len(), 2, "what is not compared is removed and added");
        assert!(said(How::Removed).any(|each| each.text.starts_with("a0 a1 ")));
        assert!(said(How::Added).any(|each| each.text.ends_with(" b7999")));
    }

    #[test]
    fn only_what_changed_is_shown_word_by_word() {
        let before =
            json!({ "name": "pay", "description": "Pays one invoice.", "inputSchema": {} });
        let after = json!({
            "name": "pay",
            "description": "Pays every\u{200b} invoice.",
            "inputSchema": {},
            "annotations": { "readOnlyHint": true },
        });
        let until = Instant::now() + DIFFS_TIME;
        let parts = parts(Some(&before.to_string()), &after.to_string(), until);
        let names: Vec<&str> = parts.iter().map(|part| part.member.as_str()).collect();
        assert_eq!(names, ["description", "annotations"]);
        let run = |how, text: &str| Words {
            how,
            text: text.to_owned(),
        };
        assert_eq!(
            parts[0].words,
            [
                run(How::Same, "Pays "),
                run(How::Removed, "one"),
                run(How::Added, "every\u{200b}"),
                run(How::Same, " invoice."),
            ],
            "what is hidden in it stays, to be revealed where it is shown"
        );
        assert!(parts[1].words.iter().all(|each| each.how == How::Added));
    }

    #[test]
    fn a_pin_that_is_not_what_its_hash_is_of_holds_nothing() {
        let told = r#"{"name":"a"}"#.to_owned();
        let hash = crate::connectors::sha256(&told);
        let pin = |told: Option<&str>| Pin {
            hash: hash.clone(),
            told: told.map(str::to_owned),
        };
        assert!(pin(Some(&told)).holds(&hash));
        assert!(pin(None).holds(&hash), "of before texts were kept");
        assert!(!pin(Some(r#"{"name":"b"}"#)).holds(&hash));
        assert!(!pin(Some(&told)).holds("another"));
    }
}
