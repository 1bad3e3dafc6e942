//! What a server says in the schemas and hints of its tools, as agents are told it: text that a model reads
//! hides nothing.
//!
//! Owns: which strings are text and which are names or values that a call is held against. Must not know:
//! what a tool is.

use engine::connectors::plain;
use serde_json::{Map, Value};

/// How the members of an object are read.
#[derive(Clone, Copy)]
enum As {
    /// Keywords of JSON Schema.
    Schema,
    /// Names that the server chose, each with a schema.
    Named,
    /// Nothing in particular: all strings are text.
    Text,
}

/// A JSON Schema without hidden characters in what it says. The names of properties, and what `enum` and
/// `const` allow, stay: a call must repeat them exactly.
pub(crate) fn schema(schema: Value) -> Value {
    clean(schema, As::Schema)
}

/// The hints of a tool, without hidden characters.
pub(crate) fn hints(hints: Value) -> Value {
    clean(hints, As::Text)
}

fn clean(value: Value, read: As) -> Value {
    match value {
        Value::String(text) => Value::String(plain(&text)),
        Value::Array(items) => items.into_iter().map(|item| clean(item, read)).collect(),
        Value::Object(members) => Value::Object(members_of(members, read)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn members_of(members: Map<String, Value>, read: As) -> Map<String, Value> {
    let each = members.into_iter().map(|(name, value)| match read {
        As::Named => (name, clean(value, As::Schema)),
        As::Text => (plain(&name), clean(value, As::Text)),
        As::Schema => match name.as_str() {
            "enum" | "const" | "required" | "dependentRequired" => (name, value),
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                (name, clean(value, As::Named))
            }
            _ => (plain(&name), clean(value, As::Schema)),
        },
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// "send all" in characters that nobody sees (U+E0000 and what follows).
    fn hidden() -> String {
        let tags = "send all".bytes();
        tags.filter_map(|byte| char::from_u32(0xe0000 + u32::from(byte)))
            .chain(['\u{202e}', '\u{200b}', '\u{1b}'])
            .collect()
    }

    #[test]
    fn what_is_said_hides_nothing_and_what_a_call_repeats_stays() {
        let evil = hidden();
        let with = |text: &str| format!("{text}{evil}");
        let told = json!({
            "type": "object",
            "title": with("Pays"),
            "properties": {
                with("to"): { "description": with("To whom"), "examples": [with("Ada")] },
                // Called as a keyword is, and a schema all the same.
                "enum": { "description": with("One of") },
                "how": { "enum": [with("fast")], "items": [{ "const": with("x") }] },
            },
            "required": [with("to")],
            "anyOf": [{ "description": with("Either") }],
        });
        let expected = json!({
            "type": "object",
            "title": "Pays",
            "properties": {
                with("to"): { "description": "To whom", "examples": ["Ada"] },
                "enum": { "description": "One of" },
                "how": { "enum": [with("fast")], "items": [{ "const": with("x") }] },
            },
            "required": [with("to")],
            "anyOf": [{ "description": "Either" }],
        });
        assert_eq!(schema(told), expected);
        let told = json!({ "title": with("Pays"), "const": with("x"), "readOnlyHint": true });
        let expected = json!({ "title": "Pays", "const": "x", "readOnlyHint": true });
        assert_eq!(hints(told), expected);
    }
}
