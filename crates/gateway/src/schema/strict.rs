//! What every client and every model's API takes of a schema, down to its leaves. Arguments lose the rest,
//! since a call is held against what the server told; of a promise nothing is listed then, since the results
//! come all the same.
//!
//! Owns: keywords. Must not know: whose schema it is.

use engine::connectors::{is_pattern, is_schema};
use serde_json::{Map, Value, json};

/// Keywords with one schema, with several, and with several that have names.
const ONE: [&str; 11] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const SEVERAL: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: [&str; 4] = ["$defs", "definitions", "dependentSchemas", "properties"];
/// Keywords whose value is no schema, whatever it looks like.
const VALUES: [&str; 7] = [
    "const",
    "default",
    "dependentRequired",
    "enum",
    "examples",
    "required",
    "type",
];
/// Keywords that not every client reads as they are meant: Ajv, as the TypeScript SDK 1.x has it, throws for
/// `nullable` without a type, `id`, an anchor that stands twice, and a pattern of another language than
/// JavaScript; and it does not know tuples of today, nor do others know those of before.
const READ_OTHERWISE: [&str; 14] = [
    "$anchor",
    "$async",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "additionalItems",
    "dependencies",
    "id",
    "nullable",
    "pattern",
    "patternProperties",
    "prefixItems",
];

/// The schema of a tool's arguments with what is draft 2020-12 in it ("JSON schema is invalid. It must match
/// JSON Schema draft 2020-12", says Claude's API, and names no tool), and whether that is all of it.
pub(super) fn arguments(schema: Value) -> (Value, bool) {
    let mut is_whole = true;
    (taken(schema, &mut is_whole), is_whole)
}

fn taken(schema: Value, is_whole: &mut bool) -> Value {
    let members = match schema {
        Value::Object(members) => members,
        Value::Bool(_) => return schema,
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            *is_whole = false;
            return json!({});
        }
    };
    let mut kept = Map::new();
    for (name, value) in members {
        let value = match (name.as_str(), value) {
            // Some clients refuse what names an older dialect.
            ("$schema", _) => continue,
            (one, value @ (Value::Object(_) | Value::Bool(_))) if ONE.contains(&one) => {
                taken(value, is_whole)
            }
            (several, Value::Array(all)) if SEVERAL.contains(&several) && !all.is_empty() => {
                all.into_iter().map(|one| taken(one, is_whole)).collect()
            }
            (named, Value::Object(all)) if NAMED.contains(&named) => {
                let each = all.into_iter();
                Value::Object(
                    each.map(|(name, one)| (name, taken(one, is_whole)))
                        .collect(),
                )
            }
            (keyword, value) if is_taken(keyword, &value) => value,
            _ => {
                *is_whole = false;
                continue;
            }
        };
        kept.insert(name, value);
    }
    Value::Object(kept)
}

fn is_taken(keyword: &str, value: &Value) -> bool {
    match (keyword, value) {
        ("pattern", Value::String(pattern)) => is_plain(pattern),
        // Claude's API refuses some that are as they should be (`^(.*)$`).
        ("patternProperties", _) => false,
        (keyword, value) => is_schema(&json!({ keyword: value })),
    }
}

/// Whether it is a pattern in all languages. OpenAI's API refuses one that looks around, llama.cpp one that does
/// not stand for the whole.
fn is_plain(pattern: &str) -> bool {
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        let escapes = |c: char| "dws".contains(c) || c.is_ascii_punctuation();
        if !c.is_ascii() || c == '\\' && !rest.next().is_some_and(escapes) {
            return false;
        }
    }
    let looks = pattern.replace("(?:", "(").contains("(?");
    !looks && pattern.starts_with('^') && pattern.ends_with('$') && is_pattern(pattern)
}

/// What a tool promises, without what says nothing; `None` where any of it may be read otherwise than it is meant.
pub(super) fn promise(mut schema: Value) -> Option<Value> {
    // Where it is from. (Clients keep validators by it.)
    schema.as_object_mut()?.remove("$id");
    let promise = read_alike(schema)?;
    (is_schema(&promise) && refers_within(&promise, &promise)).then_some(promise)
}

fn read_alike(schema: Value) -> Option<Value> {
    let members = match schema {
        Value::Object(members) => members,
        other => return other.is_boolean().then_some(other),
    };
    let mut kept = Map::new();
    for (name, value) in members {
        let value = match (name.as_str(), value) {
            ("$schema", _) => continue,
            ("enum", Value::Array(all)) if all.is_empty() => return None,
            (otherwise, _) if READ_OTHERWISE.contains(&otherwise) => return None,
            (values, value) if VALUES.contains(&values) => value,
            (one, value) if ONE.contains(&one) => read_alike(value)?,
            (several, Value::Array(all)) if SEVERAL.contains(&several) => {
                let all: Option<Vec<Value>> = all.into_iter().map(read_alike).collect();
                Value::Array(all?)
            }
            (named, Value::Object(all)) if NAMED.contains(&named) => {
                let each = all.into_iter();
                let all: Option<Map<String, Value>> = each
                    .map(|(name, one)| Some((name, read_alike(one)?)))
                    .collect();
                Value::Object(all?)
            }
            // A server's own, in which some look for schemas.
            (_, Value::Object(_) | Value::Array(_)) => continue,
            (_, value) => value,
        };
        kept.insert(name, value);
    }
    Some(Value::Object(kept))
}

/// Whether all its references lead to schemas in it.
fn refers_within(whole: &Value, part: &Value) -> bool {
    match part {
        Value::Object(members) => members.iter().all(|(name, value)| match value {
            Value::String(to) if name == "$ref" => is_place(whole, to),
            value => refers_within(whole, value),
        }),
        Value::Array(items) => items.iter().all(|item| refers_within(whole, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Whether a schema stands there: `#`, `#/$defs/item`, `#/properties/a/items`.
fn is_place(whole: &Value, to: &str) -> bool {
    let Some(path) = to.strip_prefix('#') else {
        return false;
    };
    let mut parts = path.split('/').skip(1);
    while let Some(part) = parts.next() {
        let leads_on = ONE.contains(&part)
            || (SEVERAL.contains(&part) || NAMED.contains(&part)) && parts.next().is_some();
        if !leads_on {
            return false;
        }
    }
    whole
        .pointer(path)
        .is_some_and(|there| there.is_object() || there.is_boolean())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_lose_what_is_not_of_the_newest_dialect_and_nothing_else() {
        let told = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "at": { "description": "Where", "type": "array", "items": [{}, {}], "maxItems": 2 },
                "n": { "type": "integer", "minimum": 0, "exclusiveMinimum": true, "x-own": [1] },
                "deep": { "type": "object", "properties": {
                    "odd": { "type": "strng", "required": true, "title": "Odd" },
                    "none": "string",
                    "any": true,
                } },
                "mail": { "type": "string", "format": "email", "pattern": "^(?!\\.)[a-z]+$" },
                "map": { "type": "object", "patternProperties": { "^(.*)$": {} } },
                // Called as keywords are.
                "pattern": { "type": "string", "pattern": r"^(?:\d{4}-\d\d|\.)$" },
                "$schema": { "type": "string" },
            },
            "allOf": [],
            "required": ["at"],
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "at": { "description": "Where", "type": "array", "maxItems": 2 },
                "n": { "type": "integer", "minimum": 0, "x-own": [1] },
                "deep": { "type": "object", "properties": {
                    "odd": { "title": "Odd" },
                    "none": {},
                    "any": true,
                } },
                "mail": { "type": "string", "format": "email" },
                "map": { "type": "object" },
                "pattern": { "type": "string", "pattern": r"^(?:\d{4}-\d\d|\.)$" },
                "$schema": { "type": "string" },
            },
            "required": ["at"],
        });
        assert!(!is_schema(&told));
        let (is, is_whole) = arguments(told);
        assert_eq!((&is, is_whole), (&expected, false));
        assert!(is_schema(&is));
        assert_eq!(arguments(is), (expected, true), "once more takes nothing");
    }

    #[test]
    fn a_pattern_is_plain_where_every_language_reads_it_alike() {
        for plain in ["^a$", r"^[\w.-]{1,64}$", r"^(a|b)*\/$", "^$"] {
            assert!(is_plain(plain), "{plain}");
        }
        for odd in [
            "a",
            "^(?i)a$",
            "^(?!x)a$",
            "^(?P<y>a)$",
            r"^\p{L}$",
            r"^\bx$",
            "^ä$",
            "^($",
        ] {
            assert!(!is_plain(odd), "{odd}");
        }
    }

    #[test]
    fn a_promise_that_a_client_may_throw_for_is_not_taken() {
        let with = |x: Value| {
            json!({
                "type": "object",
                "properties": { "x": x, "id": { "type": "string" }, "nullable": {} },
                "$defs": { "y": {} },
            })
        };
        for x in [
            json!({}),
            json!(true),
            json!({ "$ref": "#" }),
            json!({ "items": { "$ref": "#/$defs/y" } }),
            json!({ "$ref": "#/properties/nullable" }),
            json!({ "enum": ["pattern"], "default": { "id": 1, "enum": [] } }),
            json!({ "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "null" }] }),
            json!({ "x-wrapped": true }),
        ] {
            assert_eq!(promise(with(x.clone())), Some(with(x)));
        }
        for x in [
            json!({ "nullable": true }),
            json!({ "pattern": r"^[\w-.]+$" }),
            json!({ "patternProperties": { "(?i)a": {} } }),
            json!({ "exclusiveMinimum": true }),
            json!({ "required": true }),
            json!({ "enum": [] }),
            json!({ "type": "strng" }),
            json!({ "additionalProperties": "no" }),
            json!({ "additionalItems": "no" }),
            json!({ "items": [{}] }),
            json!({ "prefixItems": [{}], "items": false }),
            json!({ "id": "x", "anyOf": [{ "id": "x" }] }),
            json!({ "$anchor": "x" }),
            json!({ "$ref": 1 }),
            json!({ "$ref": "#/$defs/z" }),
            json!({ "$ref": "#/properties" }),
            json!({ "$ref": "other.json" }),
            json!({ "not": 1 }),
            json!("string"),
        ] {
            assert_eq!(promise(with(x.clone())), None, "{x}");
        }
        let told = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": "https://a.test/b",
            "type": "object",
            "discriminator": { "propertyName": "x" },
            "x-own": { "$id": "x", "$ref": "nowhere" },
        });
        assert_eq!(promise(told), Some(json!({ "type": "object" })));
        assert_eq!(promise(json!(true)), None);
    }
}
