//! What a call's arguments or result were, without what they said: size, shape, and a hash.

use super::super::{Tx, text};
use crate::connectors::canonical_text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _};
use wire::{Error, PayloadView};

const PURPOSE: &str = "app.chief.integrations/payload/1";
/// Characters of a shape.
const LENGTH: usize = 400;
/// Levels, and members of each, that a shape shows.
const DEPTH: usize = 4;
const MEMBERS: usize = 16;

/// Measured before it is sent, or after it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    bytes: u64,
    shape: String,
    digest: [u8; 32],
}

/// As a row keeps it. The hash is an HMAC under the record's key: a short secret among the arguments could
/// be guessed from a plain one. None while the keyring gives no key.
#[derive(Serialize, Deserialize)]
struct Kept {
    bytes: u64,
    shape: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl Payload {
    /// Of a JSON value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let text = canonical_text(value);
        let mut shape = String::new();
        draw(value, DEPTH, &mut shape);
        Self {
            bytes: text.len() as u64,
            shape: shape.chars().take(LENGTH).collect(),
            digest: Sha256::digest(text.as_bytes()).into(),
        }
    }

    pub(super) fn kept(&self, tx: &Tx<'_>) -> Result<String, Error> {
        let key = tx.chained(|chain| chain.key.clone())?;
        text::json(&Kept {
            bytes: self.bytes,
            shape: self.shape.clone(),
            hash: key.map(|key| hex(&key.sign(PURPOSE, &self.digest))),
        })
    }
}

/// As it is shown.
pub(super) fn view(kept: &str) -> Option<PayloadView> {
    let kept: Kept = serde_json::from_str(kept).ok()?;
    Some(PayloadView {
        bytes: kept.bytes,
        shape: kept.shape,
        hash: kept.hash,
    })
}

/// `{text: string, numbers: [number × 3]}`: names and kinds, no values.
fn draw(value: &Value, depth: usize, shape: &mut String) {
    let word = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) | Value::Object(_) if depth == 0 => "…",
        Value::Array(items) => {
            shape.push('[');
            if let Some(first) = items.first() {
                draw(first, depth - 1, shape);
                // Writing to a string cannot fail.
                let _ = write!(shape, " × {}", items.len());
            }
            "]"
        }
        Value::Object(members) => {
            shape.push('{');
            // By name: the order in which they were written is no part of the shape.
            let sorted: BTreeMap<_, _> = members.iter().collect();
            for (n, (name, member)) in sorted.into_iter().take(MEMBERS).enumerate() {
                let comma = if n == 0 { "" } else { ", " };
                let _ = write!(shape, "{comma}{}: ", name_of(name));
                draw(member, depth - 1, shape);
            }
            if members.len() > MEMBERS {
                shape.push_str(", …");
            }
            "}"
        }
    };
    shape.push_str(word);
}

/// A name, where it is one: what has other signs in it, or many digits, is something that was said.
fn name_of(name: &str) -> &str {
    const LONGEST: usize = 40;
    const DIGITS: usize = 3;
    let is_named = name
        .chars()
        .all(|c| c.is_alphanumeric() || "_-$".contains(c));
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    if is_named && digits <= DIGITS {
        &name[..name.floor_char_boundary(LONGEST)]
    } else {
        "…"
    }
}

/// Lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = halves.filter_map(|half| char::from_digit(half.into(), 16));
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_shape_has_names_and_kinds_and_nothing_that_was_said() {
        let value = json!({
            "token": "hunter2", "numbers": [1, 2, 3], "deep": { "a": { "b": { "c": { "d": 1 } } } },
            "none": null, "yes": true,
        });
        let payload = Payload::of(&value);
        assert_eq!(
            payload.shape,
            "{deep: {a: {b: {c: …}}}, none: null, numbers: [number × 3], token: string, yes: boolean}"
        );
        assert!(!payload.shape.contains("hunter2"));
        assert_eq!(payload.bytes, value.to_string().len() as u64);
        let data = json!({
            "ada@corp.example": { "Ada Lovelace": 1 }, "4917012345": 2, "sha256-sum": 3, "größe": 4,
        });
        assert_eq!(
            Payload::of(&data).shape,
            "{…: number, …: {…: number}, größe: number, sha256-sum: number}"
        );
        let wide: Value = (0..50).map(|n| (format!("k{n}"), json!(n))).collect();
        assert!(Payload::of(&wide).shape.ends_with(", …}"));
    }
}
