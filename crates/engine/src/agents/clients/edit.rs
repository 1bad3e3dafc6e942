//! A configuration with Chief in it: text in, text out. Whatever else stands there stays as it is, comments
//! and spaces too.

use super::{
    super::bridge,
    places::{Form, Place},
};
use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstRootNode},
};
use std::borrow::Cow;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};
use wire::{EditLine, Error, ErrorCode};

/// What our entry is called there.
const NAME: &str = "chief";
/// Stands for the token in a preview.
pub(super) const COVER: &str = "••••••••";

/// `before` with the entry that starts the bridge with this token.
///
/// # Errors
/// `ClientFileUnreadable` where it is not what its client reads: it is left alone.
pub(super) fn with_chief(
    place: &Place,
    before: Option<&str>,
    token: &str,
) -> Result<String, Error> {
    let before = before.unwrap_or_default();
    match place.form {
        Form::Json { servers } => json(before, servers, token),
        Form::Toml { servers } => toml(before, servers, token),
    }
    .map_err(|why| unreadable(place, why))
}

/// `text` without our entry; `None` where none is there.
///
/// # Errors
/// As [`with_chief`].
pub(super) fn without_chief(place: &Place, text: &str) -> Result<Option<String>, Error> {
    match place.form {
        Form::Json { servers } => parsed_json(text).map(|root| {
            let servers = root.object_value()?.object_value(servers)?;
            servers.get(NAME)?.remove();
            Some(root.to_string())
        }),
        Form::Toml { servers } => parsed_toml(text).map(|mut whole| {
            let servers = whole.get_mut(servers)?.as_table_like_mut()?;
            servers.remove(NAME)?;
            Some(whole.to_string())
        }),
    }
    .map_err(|why| unreadable(place, why))
}

fn unreadable(place: &Place, why: String) -> Error {
    Error::new(ErrorCode::ClientFileUnreadable)
        .with("place", place.file.display().to_string())
        .with("why", why)
}

fn parsed_json(text: &str) -> Result<CstRootNode, String> {
    CstRootNode::parse(text, &ParseOptions::default())
        // The place only: the message may repeat what stands there.
        .map_err(|error| format!("it is not JSON near line {}", error.line_display()))
}

fn parsed_toml(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let line = error.span().map_or(1, |span| {
            text.get(..span.start).unwrap_or_default().lines().count()
        });
        format!("it is not TOML near line {line}")
    })
}

fn json(before: &str, servers: &str, token: &str) -> Result<String, String> {
    let root = parsed_json(before)?;
    let text = |text: &str| CstInputValue::String(text.to_owned());
    let entry = CstInputValue::Object(vec![
        ("command".to_owned(), text(&bridge::command())),
        ("args".to_owned(), CstInputValue::Array(vec![text("mcp")])),
        (
            "env".to_owned(),
            CstInputValue::Object(vec![(bridge::VARIABLE.to_owned(), text(token))]),
        ),
    ]);
    let whole = root
        .object_value_or_create()
        .ok_or("it is not a JSON object")?;
    let servers = whole
        .object_value_or_create(servers)
        .ok_or_else(|| format!("its {servers} is not an object"))?;
    match servers.get(NAME) {
        Some(old) => old.set_value(entry),
        None => {
            servers.append(NAME, entry);
        }
    }
    let mut after = root.to_string();
    if !after.ends_with('\n') && before.is_empty() {
        after.push('\n');
    }
    Ok(after)
}

fn toml(before: &str, servers: &str, token: &str) -> Result<String, String> {
    let mut whole = parsed_toml(before)?;
    let all = whole.entry(servers).or_insert_with(|| {
        let mut table = Table::new();
        // [mcp_servers.chief] stands for itself.
        table.set_implicit(true);
        Item::Table(table)
    });
    let all = all
        .as_table_like_mut()
        .ok_or_else(|| format!("its {servers} is not a table"))?;
    let mut entry = Table::new();
    entry["command"] = value(bridge::command());
    entry["args"] = value(Array::from_iter(["mcp"]));
    entry["env"] = value(InlineTable::from_iter([(bridge::VARIABLE, token)]));
    // Else it gives up after 60 (codex-rs/config/src/mcp_types.rs).
    entry["tool_timeout_sec"] = value(bridge::PATIENCE_S);
    all.insert(NAME, Item::Table(entry));
    Ok(whole.to_string())
}

/// The lines that go and come, and how many stay: the two differ in one place, but for a comma. `ours`: our
/// entry by itself, with its token covered.
pub(super) fn difference(before: &str, after: &str, ours: &str) -> (Vec<EditLine>, u32) {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = |a: &str, b: &str| a.trim_end_matches(',') == b.trim_end_matches(',');
    let shortest = old.len().min(new.len());
    let start = (0..shortest)
        .take_while(|at| same(old[*at], new[*at]))
        .count();
    let end = (0..shortest - start)
        .take_while(|at| same(old[old.len() - 1 - at], new[new.len() - 1 - at]))
        .count();
    let line = |added, text: &str| EditLine {
        added,
        text: shown(text, ours).into_owned(),
    };
    let gone = old[start..old.len() - end].iter();
    let come = new[start..new.len() - end].iter();
    let lines = gone
        .map(|text| line(false, text))
        .chain(come.map(|text| line(true, text)))
        .collect();
    (lines, u32::try_from(start + end).unwrap_or(u32::MAX))
}

/// A line as it may be shown: whole where it is one of `ours`, else its name without what it says, which may
/// be anybody's secret.
fn shown<'a>(line: &'a str, ours: &str) -> Cow<'a, str> {
    let bare = |line: &'a str| line.trim().trim_end_matches(',');
    if ours
        .lines()
        .any(|one| one.trim().trim_end_matches(',') == bare(line))
    {
        return Cow::Borrowed(line);
    }
    match line.find([':', '=']) {
        Some(sign) if !line[sign + 1..].trim().is_empty() => {
            Cow::Owned(format!("{} …", &line[..=sign]))
        }
        Some(_) | None => Cow::Borrowed(line),
    }
}
