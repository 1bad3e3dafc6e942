//! What a server says in the schemas and hints of its tools, as agents are told it: text that a model reads
//! hides nothing, and a list holds nothing for which clients or models' APIs refuse it as a whole.
//!
//! Owns: which strings are text and which are names or values that a call is held against; what is taken
//! in a list (`strict`: below the root, too). Must not know: what a tool is.

mod strict;

use engine::connectors::plain;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Keywords that Claude's API takes nowhere at the root of a tool's arguments ("does not support oneOf, allOf,
/// or anyOf at the top level"), and what goes with them.
const BEYOND: [&str; 8] = [
    "$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
];
/// Those of them that must hold of every call.
const ALWAYS: [&str; 1] = ["allOf"];
/// Those that may hold of one, and so name arguments, too.
const SOMETIMES: [&str; 4] = ["anyOf", "oneOf", "then", "else"];
/// Bytes of what is said in words of such keywords.
const SAID_MAX: usize = 2_000;
/// What is said where there is no room, or no need, to say more.
const MORE: &str = "The arguments are checked for more than their schema says.";
/// Characters of an argument's name, at most: Claude's API takes `^[a-zA-Z0-9_.-]{1,64}$`.
const NAME_MAX: usize = 64;

/// The schema of a tool's arguments, as it is listed.
pub(crate) struct Arguments {
    /// An object's, at whose root stands nothing that is refused. A call is held against the whole.
    pub schema: Value,
    /// A sentence for what it leaves out.
    pub beyond: Option<String>,
    /// False: models' APIs do not take the names of its properties.
    pub are_named_well: bool,
}

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

/// The schema of a tool's arguments, as clients and models' APIs take it in a list.
pub(crate) fn arguments(schema: Value) -> Arguments {
    let whole = clean(schema, As::Schema);
    let is_plain = is_object(&whole) && BEYOND.iter().all(|keyword| whole.get(keyword).is_none());
    let (schema, beyond) = if is_plain {
        (whole, None)
    } else {
        at_the_root(whole)
    };
    let (schema, is_whole) = strict::arguments(schema);
    let beyond = beyond.or_else(|| (!is_whole).then(|| MORE.to_owned()));
    let names = schema["properties"].as_object();
    let are_named_well = names.is_none_or(|all| all.keys().all(|name| is_taken_as_name(name)));
    Arguments {
        schema,
        beyond,
        are_named_well,
    }
}

/// What a tool promises of its results, as clients take it in a list. `None`: some refuse the whole list for it.
pub(crate) fn promise(output: Value) -> Option<Value> {
    strict::promise(clean(output, As::Schema)).filter(is_object)
}

/// As the older era's clients read the root of a schema.
fn is_object(schema: &Value) -> bool {
    let properties = match schema.get("properties") {
        None => true,
        Some(Value::Object(all)) => all.values().all(Value::is_object),
        Some(_) => false,
    };
    let required = match schema.get("required") {
        None => true,
        Some(Value::Array(names)) => names.iter().all(Value::is_string),
        Some(_) => false,
    };
    schema["type"] == "object" && properties && required
}

/// What a reference within the schema means.
fn target<'a>(whole: &'a Value, to: &str) -> Option<&'a Value> {
    whole.pointer(to.strip_prefix('#').filter(|to| to.starts_with('/'))?)
}

fn is_taken_as_name(name: &str) -> bool {
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_taken)
}

/// An object's schema with every argument that the whole names anywhere for its root, and a sentence for the rest.
fn at_the_root(whole: Value) -> (Value, Option<String>) {
    let (mut properties, mut required) = (Map::new(), BTreeSet::new());
    let mut referred = BTreeSet::new();
    let mut parts = vec![(&whole, true)];
    while let Some((part, always)) = parts.pop() {
        for (name, schema) in part["properties"].as_object().into_iter().flatten() {
            let told = || Some(schema.clone()).filter(Value::is_object);
            properties
                .entry(name)
                .or_insert_with(|| told().unwrap_or_else(|| json!({})));
        }
        if always {
            let names = part["required"].as_array().into_iter().flatten();
            required.extend(names.filter_map(Value::as_str));
        }
        for (keywords, always) in [(&ALWAYS[..], always), (&SOMETIMES[..], false)] {
            for keyword in keywords {
                match &part[*keyword] {
                    Value::Array(all) => parts.extend(all.iter().map(|one| (one, always))),
                    one @ Value::Object(_) => parts.push((one, always)),
                    _ => {}
                }
            }
        }
        // Each once: they may go in a circle.
        if let Some(to) = part["$ref"].as_str().filter(|to| referred.insert(*to)) {
            parts.extend(target(&whole, to).map(|part| (part, always)));
        }
    }
    let mut root = whole.as_object().cloned().unwrap_or_default();
    let beyond: Map<String, Value> = BEYOND
        .iter()
        .filter_map(|keyword| root.remove_entry(*keyword))
        .collect();
    root.remove("required");
    if !required.is_empty() {
        root.insert("required".to_owned(), json!(required));
    }
    root.insert("properties".to_owned(), Value::Object(properties));
    root.insert("type".to_owned(), json!("object"));
    let beyond = (!beyond.is_empty()).then(|| match Value::Object(beyond).to_string() {
        told if told.len() <= SAID_MAX => format!("The arguments must also fit: {told}"),
        _ => MORE.to_owned(),
    });
    (Value::Object(root), beyond)
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
    fn what_is_refused_at_a_root_is_lifted_out_of_it_and_said() {
        let told = json!({
            "$ref": "#/definitions/pay",
            "definitions": {
                "pay": {
                    "type": ["object", "null"],
                    "properties": { "to": { "type": "string" }, "at": true },
                    "required": ["to"],
                    "allOf": [{ "required": ["at"] }, { "$ref": "#/definitions/pay" }, false],
                    "oneOf": [
                        { "properties": { "fast": {}, "to": {} }, "required": ["fast"] },
                        { "if": {}, "then": { "properties": { "slow": {} } } },
                    ],
                },
            },
        });
        let is = arguments(told.clone());
        let properties = json!({ "to": { "type": "string" }, "at": {}, "fast": {}, "slow": {} });
        let expected = json!({
            "type": "object",
            "properties": properties,
            "required": ["at", "to"],
            "definitions": told["definitions"],
        });
        assert_eq!(is.schema, expected);
        assert_eq!(
            is.beyond.as_deref(),
            Some(r##"The arguments must also fit: {"$ref":"#/definitions/pay"}"##)
        );
        let long = json!({ "type": "object", "not": { "const": "x".repeat(SAID_MAX) } });
        let is = arguments(long);
        assert_eq!(is.schema, json!({ "type": "object", "properties": {} }));
        assert!(is.beyond.is_some_and(|said| said.len() < 100));
        for odd in [
            json!(true),
            json!({}),
            json!({ "type": "object", "required": "all" }),
        ] {
            let is = arguments(odd);
            assert_eq!(is.schema, json!({ "type": "object", "properties": {} }));
            assert_eq!((is.beyond, is.are_named_well), (None, true));
        }
    }

    #[test]
    fn names_that_models_do_not_take_are_known() {
        let named = |name: &str| {
            let schema = json!({ "type": "object", "properties": { name: {} } });
            arguments(schema).are_named_well
        };
        let most = "n".repeat(NAME_MAX);
        assert!(["to", "due-at_1.x", &most].into_iter().all(named));
        let long = format!("{most}n");
        let odd = ["filter[name]", "$top", "StartTime<", "größe", "", &long];
        assert!(!odd.into_iter().any(named));
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
