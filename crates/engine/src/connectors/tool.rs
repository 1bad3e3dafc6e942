use crate::http::inert;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wire::{Error, ErrorCode, Risk};

/// Tools of one server, at most.
pub const MAX_TOOLS: usize = 1_000;
/// Bytes of all that they tell of themselves as JSON, at most: what is listed is kept, and listed anew
/// as often as the server likes.
pub const MAX_LIST_BYTES: usize = 16 * 1024 * 1024;
/// Characters of a tool's description, at most.
pub const MAX_DESCRIPTION: usize = 10_000;
/// Bytes of a tool's input schema or output schema as JSON, at most.
pub const MAX_SCHEMA_BYTES: usize = 256 * 1024;
/// Bytes of all that a tool tells of itself as JSON, at most: icons may be pictures.
const MAX_TOLD_BYTES: usize = 1024 * 1024;
/// Characters of a tool's name, at most (the 2025-11-25 revision advises 128).
const MAX_NAME: usize = 256;
/// Characters of a tool's title, at most.
const MAX_TITLE: usize = 1_000;

/// The member of an argument's schema that asks for a header.
pub(crate) const REPEATED: &str = "\"x-mcp-header\"";

/// One tool as the server told it. All text is the server's: capped, without control or hidden
/// characters, and to be shown as plain text only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub title: Option<String>,
    /// Empty where the server gives none. Line breaks are kept.
    pub description: String,
    /// JSON Schema of the arguments.
    pub input_schema: Value,
    /// The server's hints, as they came.
    pub annotations: Value,
    /// SHA-256, hex, of the canonical JSON of everything an agent or an admin relies on.
    pub hash: String,
    /// The server's hints, read so that they can only raise the risk.
    pub risk: Risk,
    /// What `hash` is of, as the server told it: canonical JSON, hidden characters among it. `None` of
    /// tools that no server tells.
    #[serde(skip)]
    pub told: Option<String>,
}

impl Tool {
    /// Reads one member of `tools/list`. `from` is the host, for errors: `TooLarge`, `BadAnswer`.
    pub(super) fn read(told: &Value, from: &str) -> Result<Self, Error> {
        let text = |name: &str| told.get(name).and_then(Value::as_str);
        let name = text("name").unwrap_or_default();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(hidden) {
            let why = format!("a tool’s name is not one: “{}”", inert(name));
            return Err(Error::new(ErrorCode::BadAnswer)
                .with("host", from)
                .with("why", why));
        }
        let description = text("description").unwrap_or_default();
        limit(description.chars().count(), MAX_DESCRIPTION, from, || {
            format!("{MAX_DESCRIPTION} characters of description for the tool {name}")
        })?;
        let input_schema = told
            .get("inputSchema")
            .cloned()
            .unwrap_or_else(|| serde_json::json!({ "type": "object" }));
        for schema in [Some(&input_schema), told.get("outputSchema")]
            .into_iter()
            .flatten()
        {
            limit(schema.to_string().len(), MAX_SCHEMA_BYTES, from, || {
                format!(
                    "{} KiB of schema for the tool {name}",
                    MAX_SCHEMA_BYTES / 1024
                )
            })?;
        }
        let annotations = told.get("annotations").cloned().unwrap_or(Value::Null);
        limit(
            annotations.to_string().len(),
            MAX_SCHEMA_BYTES,
            from,
            || {
                format!(
                    "{} KiB of hints for the tool {name}",
                    MAX_SCHEMA_BYTES / 1024
                )
            },
        )?;
        let canonical = told_by(told);
        limit(canonical.len(), MAX_TOLD_BYTES, from, || {
            format!("{} KiB for the tool {name}", MAX_TOLD_BYTES / 1024)
        })?;
        let title = text("title").or_else(|| annotations.get("title").and_then(Value::as_str));
        Ok(Self {
            name: name.to_owned(),
            title: title
                .map(|title| plain(title).chars().take(MAX_TITLE).collect())
                .filter(|title: &String| !title.is_empty()),
            description: plain(description),
            hash: sha256(&canonical),
            told: Some(canonical),
            risk: risk(&annotations),
            input_schema,
            annotations,
        })
    }

    /// Some of its arguments are repeated in headers (MCP 2026-07-28, `x-mcp-header`).
    pub(super) fn repeats_arguments(&self) -> bool {
        self.input_schema.to_string().contains(REPEATED)
    }

    /// Reads the whole list. Errors: as [`Self::read`]; `TooLarge` over [`MAX_TOOLS`]; `BadAnswer`
    /// where two tools have one name, since a call could not say which it means.
    pub(super) fn read_all(told: &[Value], from: &str) -> Result<Vec<Self>, Error> {
        limit(told.len(), MAX_TOOLS, from, || format!("{MAX_TOOLS} tools"))?;
        let mut names = std::collections::BTreeSet::new();
        let mut tools = Vec::with_capacity(told.len());
        for one in told {
            let tool = Self::read(one, from)?;
            if !names.insert(tool.name.clone()) {
                let why = format!("two tools are called {}", tool.name);
                return Err(Error::new(ErrorCode::BadAnswer)
                    .with("host", from)
                    .with("why", why));
            }
            tools.push(tool);
        }
        Ok(tools)
    }
}

fn limit(found: usize, most: usize, from: &str, what: impl Fn() -> String) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    Err(Error::new(ErrorCode::TooLarge)
        .with("host", from)
        .with("limit", inert(&what())))
}

/// What a tool may do, as its hints tell: silence means writing, and a hint only raises
/// (MCP: hints are untrusted).
fn risk(annotations: &Value) -> Risk {
    let hint = |name: &str| annotations.get(name).and_then(Value::as_bool);
    match (hint("destructiveHint"), hint("readOnlyHint")) {
        (Some(true), _) => Risk::Destroys,
        (_, Some(true)) => Risk::Reads,
        _ => Risk::Writes,
    }
}

/// Whether a name says that its tool destroys, whatever its server's hints say: `delete_note`,
/// `removeUser`.
pub(super) fn name_destroys(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "delete", "remove", "destroy", "drop", "purge", "erase", "wipe", "truncate",
    ];
    let mut parted = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && was_lower {
            parted.push(' ');
        }
        was_lower = c.is_lowercase() || c.is_numeric();
        parted.extend(c.to_lowercase());
    }
    parted
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| WORDS.contains(&word))
}

/// What of a tool is pinned: everything that an agent or an admin relies on.
pub(crate) const PINNED: [&str; 7] = [
    "name",
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
    "icons",
];

/// The canonical JSON of what is pinned: any change to what is told changes its hash.
fn told_by(told: &Value) -> String {
    let members = PINNED
        .into_iter()
        .filter_map(|name| {
            told.get(name)
                .filter(|value| !value.is_null())
                .map(|value| (name.to_owned(), value.clone()))
        })
        .collect();
    canonical_text(&Value::Object(members))
}

/// JSON without white space and with sorted members: the same content has the same text.
pub(crate) fn canonical_text(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    text
}

/// SHA-256 in hex.
pub(crate) fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// JSON without white space and with the members of each object sorted by name, so that the same
/// content has the same bytes. Recursion is bounded by the reader, which stops at 128 levels.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let sorted: std::collections::BTreeMap<_, _> = members.iter().collect();
            out.push('{');
            for (at, (name, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string())
        }
    }
}

/// Text to be read by people: without control, bidirectional, zero-width and tag characters, which
/// can hide or reorder words. Line breaks and tabs stay.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars()
        .filter(|&c| c == '\n' || c == '\t' || !hidden(c))
        .collect()
}

fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!({}), Risk::Writes)]
    #[case(Value::Null, Risk::Writes)]
    #[case(json!({ "readOnlyHint": true }), Risk::Reads)]
    #[case(json!({ "readOnlyHint": true, "destructiveHint": false }), Risk::Reads)]
    #[case(json!({ "readOnlyHint": true, "destructiveHint": true }), Risk::Destroys)]
    #[case(json!({ "destructiveHint": true }), Risk::Destroys)]
    #[case(json!({ "destructiveHint": false }), Risk::Writes)]
    #[case(json!({ "readOnlyHint": "true" }), Risk::Writes)]
    fn hints_only_raise_the_risk(#[case] annotations: Value, #[case] expected: Risk) {
        assert_eq!(risk(&annotations), expected);
    }

    fn pin(told: &Value) -> String {
        sha256(&told_by(told))
    }

    #[test]
    fn a_name_that_destroys_raises_the_risk_and_no_other_lowers_it() {
        for (name, destroys) in [
            ("delete_note", true),
            ("removeUser", true),
            ("repo.purge", true),
            ("DROP-table", true),
            ("list_deleted", false),
            ("raindrop", false),
            ("get_user", false),
        ] {
            assert_eq!(name_destroys(name), destroys, "{name}");
        }
    }

    #[test]
    fn the_hash_is_of_the_content_not_of_the_order() {
        let one = json!({ "name": "a", "inputSchema": { "type": "object", "properties": { "x": {}, "y": {} } } });
        let same: Value = serde_json::from_str(
            r#"{ "inputSchema": { "properties": { "y": {}, "x": {} }, "type": "object" }, "name": "a", "_meta": {"n": 1} }"#,
        )
        .expect("JSON");
        assert_eq!(pin(&one), pin(&same), "order and _meta are not content");
        for changed in [
            json!({ "name": "a", "inputSchema": { "type": "object", "properties": { "x": {} } } }),
            json!({ "name": "a", "description": "!", "inputSchema": one["inputSchema"] }),
            json!({ "name": "a", "annotations": { "readOnlyHint": true }, "inputSchema": one["inputSchema"] }),
            json!({ "name": "a", "icons": [{ "src": "x" }], "inputSchema": one["inputSchema"] }),
            json!({ "name": "a", "outputSchema": {}, "inputSchema": one["inputSchema"] }),
        ] {
            assert_ne!(
                pin(&one),
                pin(&changed),
                "a changed tool must not pass for the pinned one: {changed}"
            );
        }
        // So that an update of a library cannot silently change every pin: sha256 of {"name":"a"}.
        assert_eq!(
            pin(&json!({ "name": "a" })),
            "d9d719b27480b55cd4918020e7473e716ed3569c8adafe926cf9b10b4f8ef064"
        );
    }

    #[test]
    fn too_much_is_refused_by_name() {
        let many: Vec<_> = (0..=MAX_TOOLS)
            .map(|n| json!({ "name": format!("t{n}") }))
            .collect();
        for told in [
            many,
            vec![json!({ "name": "t", "description": "x".repeat(MAX_DESCRIPTION + 1) })],
            vec![json!({ "name": "t", "inputSchema": { "x": "x".repeat(MAX_SCHEMA_BYTES) } })],
            vec![json!({ "name": "t", "outputSchema": { "x": "x".repeat(MAX_SCHEMA_BYTES) } })],
        ] {
            let error = Tool::read_all(&told, "h").expect_err("over the limit");
            assert_eq!(error.code, ErrorCode::TooLarge);
            assert!(error.args.contains_key("limit"));
        }
    }

    #[test]
    fn names_that_mislead_are_refused_and_hidden_characters_removed() {
        for told in [
            vec![json!({ "name": "" })],
            vec![json!({ "description": "no name" })],
            vec![json!({ "name": "pay\u{202e}x" })],
            vec![json!({ "name": "a" }), json!({ "name": "a" })],
        ] {
            let error = Tool::read_all(&told, "h").expect_err("not usable");
            assert_eq!(error.code, ErrorCode::BadAnswer);
        }
        let tool = Tool::read(
            &json!({ "name": "a", "description": "one\ntwo\u{e0041}\u{200b}\u{1b}[31m" }),
            "h",
        );
        assert_eq!(tool.expect("a tool").description, "one\ntwo[31m");
    }
}
