//! What a call said, as its row may show it, where its integration's setting says so; and what no row may
//! repeat of it.
//!
//! Owns: hiding the credential and what looks like a secret, and how much is kept. Must not know: where it
//! is kept, or for how long.

use super::redact;
use crate::{connectors, http::inert, store::bodies::Body, vault::Credential};
use serde_json::Value;
use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use wire::Error;

/// Characters of one body, at most.
const LENGTH: usize = 64 * 1024;
/// Characters of one text within it.
const TEXT: usize = 4_000;
/// Bytes of a value that no row repeats, at least: shorter ones are everywhere, and say nothing.
const REPEATED: usize = 4;

/// What one call says. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Saying {
    said: Arc<Mutex<Body>>,
}

impl Saying {
    /// What goes out with this credential.
    pub fn sends(&self, credential: &Credential, arguments: &Value) {
        let covered = connectors::covered(credential, arguments.clone());
        self.lock().sent = Some(written(&covered));
    }

    /// What came back: its credential is covered already.
    pub fn got(&self, result: Option<&Value>) {
        self.lock().got = result.map(written);
    }

    /// All of it. Nothing where nothing was sent.
    pub fn body(&self) -> Option<Body> {
        Some(self.lock().clone()).filter(|body| body.sent.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Body> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error as a row may keep it: what the far side says in it repeats nothing of the arguments, and no
/// secret. Whoever called hears it as it came.
pub(crate) fn noted(error: &Error, arguments: &Value) -> Error {
    let mut noted = error.clone();
    if let Some(why) = noted.args.get_mut("why") {
        let mut values = Vec::new();
        leaves(arguments, &mut values);
        *why = redact::text(&unrepeated(why, &values));
    }
    noted
}

fn leaves<'a>(value: &'a Value, found: &mut Vec<Cow<'a, str>>) {
    match value {
        Value::String(text) => found.push(text.into()),
        Value::Number(number) => found.push(number.to_string().into()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) => members.values().for_each(|value| leaves(value, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The text without these values, and without words of theirs that are no plain words.
fn unrepeated(text: &str, values: &[Cow<'_, str>]) -> String {
    let short = values.iter().filter(|value| value.len() <= text.len());
    let whole = short.fold(text.to_owned(), |text, value| {
        let value = inert(value);
        if value.len() >= REPEATED && text.contains(&value) {
            text.replace(&value, "…")
        } else {
            text
        }
    });
    let is_end = |c: char| c.is_whitespace() || "\"'`()[]{}<>=,;:…".contains(c);
    let pieces = whole.split_inclusive(is_end).map(|piece| {
        let word = piece.trim_end_matches(is_end).trim_end_matches('.');
        let is_plain = word.chars().all(|c| c.is_ascii_lowercase());
        let is_repeated = || values.iter().any(|value| value.contains(word));
        if word.len() >= REPEATED && !is_plain && is_repeated() {
            Cow::Owned(format!("…{}", &piece[word.len()..]))
        } else {
            piece.into()
        }
    });
    pieces.collect()
}

fn written(value: &Value) -> String {
    let mut value = redact::redact(value);
    shorten(&mut value);
    let text = serde_json::to_string_pretty(&value).unwrap_or_default();
    cut(&text, LENGTH).unwrap_or(text)
}

/// Long texts are cut, and say by how much: pictures are texts here, too.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(short) = cut(text, TEXT) {
                *text = short;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The beginning, where the whole is longer.
fn cut(text: &str, most: usize) -> Option<String> {
    let (at, _) = text.char_indices().nth(most)?;
    let left = text[at..].chars().count();
    Some(format!("{}… ({left} characters more)", &text[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_is_noted_without_what_it_repeats_of_the_arguments() {
        let arguments = json!({
            "email": "ada@corp.example", "password": "hunter2", "role": "admins", "n": 12, "card": 4111111111_u64,
            "sql": "insert into staff values ('Lovelace', 'x7z-99')", "note": "two\nlines  of it",
        });
        for (why, noted_as) in [
            (
                "Invalid params: password 'hunter2' is too short",
                "Invalid params: password '…' is too short",
            ),
            (
                "duplicate key value (email)=(ada@corp.example).",
                "duplicate key value (email)=(…).",
            ),
            ("card 4111111111 of admins: 12", "card … of …: 12"),
            (
                "syntax error at or near \"Lovelace\", x7z-99",
                "syntax error at or near \"…\", …",
            ),
            ("what is “two lines of it”?", "what is “…”?"),
            ("not for ada@corp.exa…", "not for ……"),
            (
                "there is no staff; use api_key=abcdef",
                "there is no staff; use api_key=•••• (6 characters)",
            ),
        ] {
            let error = Error::new(wire::ErrorCode::ToolFailed)
                .with("tool", "admins.add")
                .with("why", why);
            let noted = noted(&error, &arguments);
            assert_eq!(noted.args["why"], noted_as);
            assert_eq!(noted.args["tool"], "admins.add");
        }
    }

    #[test]
    fn long_texts_are_cut_and_secrets_hidden_wherever_they_stand() {
        let inner = json!({ "refresh_token": "hunter2", "n": 1 }).to_string();
        let said = written(&json!({
            "content": [{ "type": "text", "text": inner }, { "type": "image", "data": "A".repeat(9_000) }],
            "note": "the key is ghp_0123456789abcdefghij, keep it",
        }));
        for secret in ["hunter2", "ghp_0123456789"] {
            assert!(!said.contains(secret), "{said}");
        }
        assert!(said.contains("(5000 characters more)"), "{said}");
        assert!(
            said.contains("the key is") && said.contains("keep it"),
            "{said}"
        );
        let all: Vec<String> = (0..100).map(|_| "ä".repeat(TEXT)).collect();
        let said = written(&json!(all));
        assert!(said.chars().count() < LENGTH + 40, "{}", said.len());
    }
}
