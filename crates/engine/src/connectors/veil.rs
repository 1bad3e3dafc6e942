use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::Value;
use zeroize::Zeroizing;

/// Stands where a secret was.
const VEILED: &str = "[credential]";

/// Shorter secrets are left alone: replacing every "abc" would spoil answers and hide nothing.
const MIN_LENGTH: usize = 6;

/// Covers a credential where a server echoes it: a secret goes in and never comes out.
///
/// Plain, base64 (both alphabets), hex and percent-encoded forms are covered.
pub(super) struct Veil(Vec<Zeroizing<String>>);

impl Veil {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets
            .into_iter()
            .filter(|secret| secret.len() >= MIN_LENGTH)
        {
            let bytes = secret.as_bytes();
            for form in [
                secret.to_owned(),
                STANDARD_NO_PAD.encode(bytes),
                URL_SAFE_NO_PAD.encode(bytes),
                hex(bytes),
                url::form_urlencoded::byte_serialize(bytes).collect(),
                serde_json::to_string(secret)
                    .map(|quoted| quoted.trim_matches('"').to_owned())
                    .unwrap_or_default(),
            ] {
                let form = Zeroizing::new(form);
                if !form.is_empty() && !forms.contains(&form) {
                    forms.push(form);
                }
            }
        }
        // Longer forms first, so that no part of one is left behind.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self(forms)
    }

    pub(super) fn text(&self, text: String) -> String {
        self.0.iter().fold(text, |text, form| {
            if text.contains(form.as_str()) {
                text.replace(form.as_str(), VEILED)
            } else {
                text
            }
        })
    }

    /// Every string of `value`, the names of its members too.
    pub(super) fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| (self.text(name), self.value(value)))
                .collect(),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }

    /// A JSON text with every string covered; as it came where it holds nothing to cover, or is none.
    pub(super) fn json(&self, text: Vec<u8>) -> Vec<u8> {
        // Needless escapes could hide it from a look at the bytes; most answers have none.
        let is_escaped = |pair: &[u8]| matches!(pair, [b'\\', b'u' | b'/']);
        let may_hold = !self.0.is_empty()
            && (text.windows(2).any(is_escaped)
                || std::str::from_utf8(&text)
                    .is_ok_and(|text| self.0.iter().any(|form| text.contains(form.as_str()))));
        if !may_hold {
            return text;
        }
        match serde_json::from_slice(&text) {
            Ok(value) => self.value(value).to_string().into_bytes(),
            Err(_) => self
                .text(String::from_utf8_lossy(&text).into_owned())
                .into_bytes(),
        }
    }

    pub(super) fn error(&self, mut error: wire::Error) -> wire::Error {
        for text in error.args.values_mut() {
            *text = self.text(std::mem::take(text));
        }
        error
    }

    /// True where the bytes hold the secret in any form.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|form| {
            bytes
                .windows(form.len())
                .any(|window| window == form.as_bytes())
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_covered_in_five_encodings() {
        let secret = "s3cret/+ key";
        let veil = Veil::new([secret]);
        for form in [
            secret.to_owned(),
            STANDARD_NO_PAD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            hex(secret.as_bytes()),
            "s3cret%2F%2B+key".to_owned(),
        ] {
            let text = veil.text(format!("you sent {form}!"));
            assert_eq!(text, "you sent [credential]!");
        }
        let value = veil.value(serde_json::json!({ "s3cret/+ key": ["x s3cret/+ key", 1, null] }));
        assert_eq!(
            value,
            serde_json::json!({ "[credential]": ["x [credential]", 1, null] })
        );
    }

    #[test]
    fn a_secret_is_covered_in_json_however_it_is_escaped() {
        let veil = Veil::new(["s3cret/+key"]);
        for text in [
            r#"{"a":"s3cret/+key"}"#,
            r#"{"a":"s3cret\/+key"}"#,
            r#"{"a":"\u00733cret/\u002bkey"}"#,
        ] {
            let covered = veil.json(text.as_bytes().to_vec());
            assert_eq!(
                String::from_utf8_lossy(&covered),
                r#"{"a":"[credential]"}"#,
                "{text}"
            );
        }
        let broken = veil.json(b"{\"a\":\"s3cret/+key".to_vec());
        assert_eq!(String::from_utf8_lossy(&broken), "{\"a\":\"[credential]");
        let other = r#"{ "a" : 1.50 }"#;
        assert_eq!(
            veil.json(other.as_bytes().to_vec()),
            other.as_bytes(),
            "nothing else is touched"
        );
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let veil = Veil::new(["abc"]);
        assert_eq!(
            veil.text("abcdef".to_owned()),
            "abcdef",
            "too short to be told from ordinary text"
        );
    }
}
