//! Secrets within a text that is no JSON as a whole: `?access_token=…`, `password: …`, JSON in a sentence
//! or between fences, a private key, a URL with a password.
//!
//! Each place is looked at a bounded number of times, however long the text is and whatever it says.

use super::{BEGINNINGS, hidden, hide, is_secret, names_a_secret, redact};
use serde_json::Value;
use std::ops::Range;

/// Tries to read JSON in one text that may fail: each may run to its end.
const TRIES: u32 = 16;
/// Bytes before a `=` or `:` in which its name is looked for.
const NAME: usize = 80;
/// Words of a name: `client secret`, `secret access key`.
const WORDS: usize = 3;
/// Bytes of a URL in which its user and password stand.
const AUTHORITY: usize = 512;
/// What stands before a secret in an `Authorization` header.
const SCHEMES: [&str; 6] = ["bearer", "basic", "token", "digest", "negotiate", "apikey"];

/// The text with its secrets hidden.
pub(super) fn read(text: &str) -> String {
    let text = without_keys(text);
    let mut shown = String::with_capacity(text.len());
    let mut rest = Rest {
        text: &text,
        kept: 0,
        tries: TRIES,
    };
    let mut at = 0;
    while let Some(next) = text[at..].find(['=', ':', '{', '[']) {
        let mark = at + next;
        at = match rest.at(mark) {
            Some((place, instead)) => {
                shown.push_str(&text[rest.kept..place.start]);
                shown.push_str(&instead);
                rest.kept = place.end;
                place.end
            }
            None => mark + 1,
        };
    }
    shown.push_str(&text[rest.kept..]);
    by_look(&shown)
}

/// A text, of which all before `kept` was dealt with.
struct Rest<'a> {
    text: &'a str,
    kept: usize,
    tries: u32,
}

impl Rest<'_> {
    /// What is to be shown instead of which part, because of the character at `mark`.
    fn at(&mut self, mark: usize) -> Option<(Range<usize>, String)> {
        let rest = &self.text[mark..];
        if rest.starts_with(['{', '[']) {
            let (inner, end) = self.json(mark)?;
            let shown = redact(&inner);
            let shown = if shown == inner {
                self.text[mark..end].to_owned()
            } else {
                shown.to_string()
            };
            return Some((mark..end, shown));
        }
        if let Some(address) = rest.strip_prefix("://") {
            let place = password(address)?;
            let begin = mark + 3;
            return Some((
                begin + place.start..begin + place.end,
                hidden(&address[place]),
            ));
        }
        let name = name_before(&self.text[self.kept..mark]);
        if !names_a_secret(name) {
            return None;
        }
        let is_header = ["authorization", "cookie"]
            .iter()
            .any(|each| name.to_lowercase().contains(each));
        let lead = |c: char| c.is_whitespace() || "=:>*".contains(c);
        let value = rest.trim_start_matches(lead);
        let begin = self.text.len() - value.len();
        if value.starts_with(['{', '[']) {
            if let Some((inner, end)) = self.json(begin) {
                return Some((begin..end, hide(&inner).to_string()));
            }
            let end = begin + bracketed(value);
            return Some((begin..end, hidden(&self.text[begin..end])));
        }
        let place = quoted(value).unwrap_or_else(|| 0..plain(value, is_header));
        let place = begin + place.start..begin + place.end;
        let secret = &self.text[place.clone()];
        (!secret.is_empty()).then(|| (place.clone(), hidden(secret)))
    }

    /// JSON that begins here, and where it ends.
    fn json(&mut self, begin: usize) -> Option<(Value, usize)> {
        if self.tries == 0 {
            return None;
        }
        let mut found =
            serde_json::Deserializer::from_str(&self.text[begin..]).into_iter::<Value>();
        match found.next() {
            Some(Ok(inner)) => Some((inner, begin + found.byte_offset())),
            Some(Err(_)) | None => {
                self.tries -= 1;
                None
            }
        }
    }
}

/// The name at the end of this text, which may stand in quotes or be emphasised.
fn name_before(text: &str) -> &str {
    let text = &text[text.floor_char_boundary(text.len().saturating_sub(NAME))..];
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || "\"'`\\*_])".contains(c));
    let is_name = |c: char| c.is_alphanumeric() || "_-. ".contains(c);
    let name = text.rsplit(|c| !is_name(c)).next().unwrap_or_default();
    let words = name.char_indices().filter(|(_, c)| *c == ' ');
    let begin = words.rev().nth(WORDS - 1).map_or(0, |(at, _)| at);
    &name[begin..]
}

/// What stands between the quotes that this text begins with, on its line. The quotes may be escaped: the
/// text is then a string's, and the end is escaped no more often than the beginning.
fn quoted(text: &str) -> Option<Range<usize>> {
    let escapes = text.len() - text.trim_start_matches('\\').len();
    let quote = text[escapes..].chars().next()?;
    if !matches!(quote, '"' | '\'' | '`') {
        return None;
    }
    let begin = escapes + 1;
    let mut before = 0;
    for (at, c) in text[begin..].char_indices() {
        match c {
            '\\' => before += 1,
            '\n' => return Some(begin..begin + at),
            _ if c == quote && before <= escapes => return Some(begin..begin + at - before),
            _ => before = 0,
        }
    }
    Some(begin..text.len())
}

/// How long what the brackets hold is that this text begins with, themselves included.
fn bracketed(text: &str) -> usize {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// How long the value is that this text begins with. A header goes on to the end of its line.
fn plain(text: &str, is_header: bool) -> usize {
    let until = |ends: fn(char) -> bool| text.find(ends).unwrap_or(text.len());
    if is_header {
        return until(|c| "\r\n\"'`".contains(c));
    }
    let ends = |c: char| c.is_whitespace() || "&;,\"'`".contains(c);
    let end = until(ends);
    if SCHEMES
        .iter()
        .any(|each| text[..end].eq_ignore_ascii_case(each))
    {
        let next = &text[end..];
        let word = next.trim_start_matches([' ', '\t']);
        return text.len() - word.len() + word.find(ends).unwrap_or(word.len());
    }
    end
}

/// Where the password is in an address without its scheme: `ann:hunter2@host/path`.
fn password(address: &str) -> Option<Range<usize>> {
    let near = &address[..address.floor_char_boundary(AUTHORITY)];
    let near = near
        .split(|c: char| c.is_whitespace() || "/?#\"'<>".contains(c))
        .next()?;
    let (user, _) = near.rsplit_once('@')?;
    let (name, secret) = user.split_once(':')?;
    (!secret.is_empty()).then(|| name.len() + 1..user.len())
}

/// Without keys and certificates in PEM.
fn without_keys(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("-----BEGIN") {
        let key = &rest[begin..];
        let end = key.find("-----END").map_or(key.len(), |end| {
            let last = end + "-----END".len();
            key[last..]
                .find("-----")
                .map_or(key.len(), |more| last + more + 5)
        });
        shown.push_str(&rest[..begin]);
        shown.push_str(&hidden(&key[..end]));
        rest = &key[end..];
    }
    shown + rest
}

/// Each word that looks like a secret is hidden, whatever stands before it.
fn by_look(text: &str) -> String {
    if !BEGINNINGS.iter().any(|each| text.contains(each)) {
        return text.to_owned();
    }
    let is_part = |c: char| c.is_alphanumeric() || "_-.+/".contains(c);
    text.split_inclusive(|c| !is_part(c))
        .map(|part| {
            let word = part.trim_end_matches(|c| !is_part(c));
            if is_secret(word) {
                format!("••••{}", &part[word.len()..])
            } else {
                part.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A secret in each shape in which one has been seen in a text.
    fn shapes(name: &str, secret: &str) -> Vec<String> {
        let json = json!({ "user": "ann", name: secret }).to_string();
        let escaped = serde_json::to_string(&json).unwrap_or_default();
        let deep = json!({ "a": [{ name: { "value": secret } }] });
        vec![
            format!("https://x.example/y?{name}={secret}"),
            format!("https://x.example/y?a=1&{name}={secret}&b=2#c"),
            format!("{name}: {secret}"),
            format!("**{name}:** {secret}, and on it goes"),
            format!("`{name}` = `{secret}`"),
            format!("export {name}='{secret}'; run"),
            format!("{name}:\n  {secret}\n"),
            format!("the new {name} is: {secret} (keep it)"),
            format!("'{name}' => \"{secret}\","),
            format!("Authorization: Bearer {secret}"),
            format!("curl -H \"{name}: {secret}\" https://x.example"),
            format!("token=Bearer {secret}"),
            format!("Set-Cookie: sid={secret}; Path=/"),
            format!("postgres://ann:{secret}@db.example/main"),
            format!("Here it is: {json} as you asked"),
            format!("\n\n{json}\n"),
            format!("```json\n{json}\n```"),
            format!("The answer was {escaped}."),
            format!("{{not json {json}"),
            format!("see {deep}"),
            format!("my {name}: {deep}"),
            format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\nbye"),
        ]
    }

    proptest! {
        #[test]
        fn a_planted_secret_never_survives(
            name in prop::sample::select(vec!["password", "access_token", "client-secret", "X-Api-Key", "API key"]),
            secret in "Zq9[A-Za-z0-9._~+*!^|%-]{6,40}",
            before in "[a-z ,.{}:=\\[\\]\"'\n]{0,30}",
        ) {
            for shape in shapes(name, &secret) {
                let text = format!("{before}\n{shape}");
                let shown = redact(&Value::String(text.clone())).to_string();
                prop_assert!(!shown.contains(&secret), "{text:?} was shown as {shown}");
                let shown = redact(&json!({ "content": [{ "text": shape }] })).to_string();
                prop_assert!(!shown.contains(&secret), "{shape:?} was shown as {shown}");
            }
        }

        #[test]
        fn no_text_breaks_it(text in "[\\PC\n\"'`\\\\={}:/@]{0,200}") {
            let shown = read(&text);
            prop_assert!(text.is_empty() || !shown.is_empty());
        }
    }

    #[test]
    fn what_is_no_secret_is_left_as_it_is() {
        for text in [
            "see https://x.example/a?b=c&d=e at 12:30",
            "let total = count::sum(&[1, 2]); // skip the token",
            "user: ann\nrole: \"admin\"\n{\"n\": 1}",
            "git@github.com:acme/site.git",
            "",
        ] {
            assert_eq!(read(text), text);
        }
        assert_eq!(
            read("https://x.example/y?access_token=abc&page=2"),
            "https://x.example/y?access_token=•••• (3 characters)&page=2"
        );
    }

    #[test]
    fn a_long_text_takes_no_longer_than_its_length() {
        let began = std::time::Instant::now();
        for part in [
            "password=\"\\\"",
            "[[[[{",
            "token: {\"a\":",
            "a://b:",
            "-----BEGIN ",
            "secret:::",
            "password = ",
            "key: '",
            "\\\\\"",
        ] {
            read(&part.repeat(1_000_000 / part.len()));
        }
        let took = began.elapsed();
        assert!(
            took.as_secs() < 20,
            "nine texts of a megabyte took {took:?}"
        );
    }
}
