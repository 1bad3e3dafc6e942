//! What a call said, as its row may show it, where its integration's setting says so.
//!
//! Owns: hiding the credential and what looks like a secret, and how much is kept. Must not know: where it
//! is kept, or for how long.

use super::redact;
use crate::{connectors, store::bodies::Body, vault::Credential};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Characters of one body, at most.
const LENGTH: usize = 64 * 1024;
/// Characters of one text within it.
const TEXT: usize = 4_000;

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
