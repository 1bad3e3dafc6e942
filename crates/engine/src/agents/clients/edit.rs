//! A configuration with Chief in it: text in, text out. Whatever else stands there stays as it is, comments
//! and spaces too.

use super::{
    super::bridge::{self, Bridge},
    places::{Form, Place},
};
use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstObjectProp, CstRootNode},
};
use similar::{Algorithm, DiffTag, capture_diff_slices_deadline};
use std::{
    borrow::Cow,
    time::{Duration, Instant},
};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};
use wire::{EditLine, Error, ErrorCode};

/// Begins a file that some editors of Windows save.
const BOM: char = '\u{feff}';
/// What our entry is called there.
const NAME: &str = "chief";
/// For how long the smallest difference is looked for; after that, a larger one does.
const LOOK: Duration = Duration::from_secs(1);
/// Stands for the token in a preview.
pub(super) const COVER: &str = "••••••••";

/// `before` with the entry that starts `bridge` with this token.
///
/// # Errors
/// `ClientFileUnreadable` where it is not what its client reads: it is left alone.
pub(super) fn with_chief(
    place: &Place,
    before: Option<&str>,
    bridge: &Bridge,
    token: &str,
) -> Result<String, Error> {
    let before = before.unwrap_or_default();
    let text = before.trim_start_matches(BOM);
    match place.form {
        Form::Json { servers } => json(text, servers, (bridge, token)),
        Form::Toml { servers } => toml(text, servers, (bridge, token)),
    }
    .map(|after| as_before(before, after))
    .map_err(|why| unreadable(place, why))
}

/// `text` without our entry; `None` where none is there.
///
/// # Errors
/// As [`with_chief`].
pub(super) fn without_chief(place: &Place, text: &str) -> Result<Option<String>, Error> {
    let before = text;
    let text = before.trim_start_matches(BOM);
    match place.form {
        Form::Json { servers } => parsed_json(text).map(|root| {
            let servers = root.object_value()?.object_value(servers)?;
            servers.get(NAME)?.remove();
            Some(root.to_string())
        }),
        Form::Toml { servers } => parsed_toml(text).map(|mut whole| {
            let servers = whole.get_mut(servers)?.as_table_like_mut()?;
            let comments = above(&servers.remove(NAME)?);
            if comments.contains('#') {
                let rest = whole.trailing().as_str().unwrap_or_default();
                whole.set_trailing(comments + rest);
            }
            Some(whole.to_string())
        }),
    }
    .map(|after| after.map(|after| as_before(before, after)))
    .map_err(|why| unreadable(place, why))
}

/// With the byte order mark and the line ends of `before`: what edits TOML knows neither.
fn as_before(before: &str, after: String) -> String {
    let mark = before.len() - before.trim_start_matches(BOM).len();
    let after = if before.contains("\r\n") && !after.contains('\r') {
        after.replace('\n', "\r\n")
    } else {
        after
    };
    format!("{}{after}", &before[..mark])
}

/// What stands above a table: others' comments, too, such as a server that is switched off.
fn above(entry: &Item) -> String {
    let decor = entry.as_table().map(Table::decor);
    let prefix = decor.and_then(|decor| decor.prefix()?.as_str());
    prefix.unwrap_or_default().to_owned()
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

fn json(before: &str, servers: &str, (bridge, token): (&Bridge, &str)) -> Result<String, String> {
    let root = parsed_json(before)?;
    let text = |text: &str| CstInputValue::String(text.to_owned());
    let entry = CstInputValue::Object(vec![
        ("command".to_owned(), text(&bridge.command)),
        (
            "args".to_owned(),
            CstInputValue::Array(bridge.args.iter().map(|arg| text(arg)).collect()),
        ),
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
        Some(old) if json_kept(&old, (bridge, token)).is_some() => {}
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

/// In an entry of ours only the command, where the data lie, and the token are others; whatever else its user
/// has set there stays. `None`: it is no such entry, and nothing was changed.
fn json_kept(old: &CstObjectProp, (bridge, token): (&Bridge, &str)) -> Option<()> {
    let text = |text: &str| CstInputValue::String(text.to_owned());
    let entry = old.object_value()?;
    let (command, args) = (entry.get("command")?, entry.get("args")?);
    let variable = entry.object_value("env")?.get(bridge::VARIABLE)?;
    let told: Option<Vec<String>> = args
        .array_value()?
        .elements()
        .iter()
        .map(|one| one.as_string_lit()?.decoded_value().ok())
        .collect();
    let told = told?;
    let kept = args_kept(&told, &bridge.args)?;
    command.set_value(text(&bridge.command));
    if kept != told {
        args.set_value(CstInputValue::Array(
            kept.iter().map(|arg| text(arg)).collect(),
        ));
    }
    variable.set_value(text(token));
    Some(())
}

/// The arguments of before, with where the data lie as it is in those of now. `None`: they are not
/// those of the bridge alone, which somebody may start by another program.
fn args_kept(before: &[String], now: &[String]) -> Option<Vec<String>> {
    const DATA: &str = "--data";
    let data = |args: &[String]| args.iter().position(|arg| arg == DATA);
    let mut kept = before.to_vec();
    if let Some(at) = data(before) {
        kept.drain(at..before.len().min(at + 2));
    }
    kept.first().filter(|arg| *arg == "mcp")?;
    if let Some(at) = data(now) {
        let now = now.get(at..at + 2)?.iter().cloned();
        kept.splice(0..0, now);
    }
    Some(kept)
}

/// As [`json_kept`].
fn toml_kept(old: &mut Item, (bridge, token): (&Bridge, &str)) -> Option<()> {
    let entry = old.as_table_like_mut()?;
    let told = entry.get("args")?.as_array()?.iter();
    let told: Option<Vec<String>> = told.map(|arg| Some(arg.as_str()?.to_owned())).collect();
    let told = told?;
    let kept = args_kept(&told, &bridge.args)?;
    entry.get("command")?;
    let env = entry.get_mut("env")?.as_table_like_mut()?;
    env.get(bridge::VARIABLE)?;
    env.insert(bridge::VARIABLE, value(token));
    entry.insert("command", value(&bridge.command));
    if kept != told {
        entry.insert("args", value(Array::from_iter(&kept)));
    }
    Some(())
}

fn toml(before: &str, servers: &str, (bridge, token): (&Bridge, &str)) -> Result<String, String> {
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
    if let Some(old) = all.get_mut(NAME)
        && toml_kept(old, (bridge, token)).is_some()
    {
        return Ok(whole.to_string());
    }
    let mut entry = Table::new();
    entry["command"] = value(&bridge.command);
    entry["args"] = value(Array::from_iter(&bridge.args));
    entry["env"] = value(InlineTable::from_iter([(bridge::VARIABLE, token)]));
    // Else it gives up after 60 (codex-rs/config/src/mcp_types.rs).
    entry["tool_timeout_sec"] = value(bridge::PATIENCE_S);
    if let Some(old) = all.get(NAME).and_then(Item::as_table) {
        *entry.decor_mut() = old.decor().clone();
        entry.set_position(old.position());
    }
    all.insert(NAME, Item::Table(entry));
    Ok(whole.to_string())
}

/// The lines that go and come, and how many stay. `ours`: our entry by itself, with its token covered.
pub(super) fn difference(before: &str, after: &str, ours: &str) -> (Vec<EditLine>, u32) {
    fn lines(text: &str) -> (Vec<&str>, Vec<&str>) {
        let bare = text.lines().map(|line| line.trim_end_matches(','));
        (text.lines().collect(), bare.collect())
    }
    let (old, new) = (lines(before), lines(after));
    // A comma alone is no difference.
    let until = Instant::now() + LOOK;
    let steps = capture_diff_slices_deadline(Algorithm::Myers, &old.1, &new.1, Some(until));
    let mut changes = vec![];
    let mut kept = 0;
    for step in steps {
        if step.tag() == DiffTag::Equal {
            kept += step.new_range().len();
            continue;
        }
        let line = |added, text: &&str| EditLine {
            added,
            text: shown(text, ours).into_owned(),
        };
        let gone = old.0[step.old_range()].iter();
        changes.extend(gone.map(|text| line(false, text)));
        let come = new.0[step.new_range()].iter();
        changes.extend(come.map(|text| line(true, text)));
    }
    (changes, u32::try_from(kept).unwrap_or(u32::MAX))
}

/// A line as it may be shown: whole where it is one of `ours` or brackets alone, else its name without what
/// it says, which may be anybody's secret.
fn shown<'a>(line: &'a str, ours: &str) -> Cow<'a, str> {
    let bare = line.trim().trim_end_matches(',');
    let is_ours = |one: &str| one.trim().trim_end_matches(',') == bare;
    if bare.chars().all(|each| "{}[]()".contains(each)) || ours.lines().any(is_ours) {
        return Cow::Borrowed(line);
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    let name = name(bare)
        .map(|name| format!("{name} "))
        .unwrap_or_default();
    Cow::Owned(format!("{indent}{name}…"))
}

/// What a line names, with its sign: `"name":` of JSON, `name =` of TOML. An element of a list or a line of
/// a long text is none, though a colon or an equals sign stands in it.
fn name(bare: &str) -> Option<&str> {
    if let Some(quoted) = bare.strip_prefix('"') {
        let (name, rest) = quoted.split_once('"')?;
        return rest.starts_with(':').then(|| &bare[..name.len() + 3]);
    }
    let (name, _) = bare.split_once(" = ")?;
    let is_key = |each: char| each.is_ascii_alphanumeric() || "_-.".contains(each);
    name.chars().all(is_key).then(|| &bare[..name.len() + 2])
}
