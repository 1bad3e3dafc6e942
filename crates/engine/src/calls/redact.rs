//! Arguments as an admin may see them: what looks like a secret is hidden, and how long it is told.
//!
//! Owns: what looks like one. Must not know: whose arguments they are.

mod prose;

use serde_json::Value;

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

/// How values begin that are secrets wherever they stand.
const BEGINNINGS: [&str; 14] = [
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
    "-----BEGIN",
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
    look_into(value, DEPTH)
}

fn look_into(value: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else {
        return "••••".into();
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
                    hide(value)
                } else {
                    look_into(value, depth)
                };
                (name.clone(), shown)
            });
            shown.collect()
        }
        Value::Array(items) => items.iter().map(|item| look_into(item, depth)).collect(),
        Value::String(text) if is_secret(text) => hide(value),
        Value::String(text) => within(text, depth).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A text without the secrets in it: JSON is looked into, all else as prose.
fn within(text: &str, depth: usize) -> String {
    let depth = depth.saturating_sub(TEXT);
    let json = text.trim();
    if json.starts_with(['{', '['])
        && let Ok(inner) = serde_json::from_str::<Value>(json)
    {
        return document(json, &inner, depth).unwrap_or_else(|| text.to_owned());
    }
    prose::read(text, depth)
}

/// What is shown instead of JSON in which something is hidden. Of two members of one name only the last was
/// read: the first is not to be shown either.
fn document(json: &str, inner: &Value, depth: usize) -> Option<String> {
    let shown = look_into(inner, depth);
    (shown != *inner || written(json) > members(inner)).then(|| shown.to_string())
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

fn names_a_secret(name: &str) -> bool {
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

fn is_secret(text: &str) -> bool {
    let text = text.strip_prefix("Bearer ").unwrap_or(text);
    text.len() > SHORT && BEGINNINGS.iter().any(|each| text.starts_with(each))
}

fn hide(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::String(text) => hidden(text).into(),
        Value::Number(_) => "••••".into(),
        Value::Array(items) => items.iter().map(hide).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), hide(value)))
            .collect(),
    }
}

fn hidden(text: &str) -> String {
    format!("•••• ({} characters)", text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_two_members_of_one_name_neither_is_shown_as_it_was_written() {
        for (text, shown) in [
            (
                r#"{"password":"hunter2","password":null}"#,
                r#"{"password":null}"#,
            ),
            (
                r#"{ "a": "b:\"{", "c": [{}] }"#,
                r#"{ "a": "b:\"{", "c": [{}] }"#,
            ),
        ] {
            assert_eq!(redact(&json!(text)), json!(shown));
            let within = redact(&json!(format!("It is {text}.")));
            assert_eq!(within, json!(format!("It is {shown}.")));
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
