//! What stands before a `=` or `:`, and whether it names a secret.
//!
//! Owns: where a name begins. Must not know: what its value is.

use super::{
    super::{NAME, NAMES, WORDS},
    looked, names_a_secret,
};

/// A name: its last words, and the clause that it ends.
pub(super) struct Name<'a> {
    pub text: &'a str,
    pub begin: usize,
    pub is_quoted: bool,
    /// Of `Password for the database (staging):` all before the brackets, where the sign stands as in a text.
    clause: &'a str,
}

impl<'a> Name<'a> {
    /// The name that ends at `mark`, of which all before `kept` was dealt with. It may stand in quotes or be
    /// emphasised.
    pub fn before(text: &'a str, kept: usize, mark: usize) -> Self {
        let before = &text[kept..mark];
        let first = before.floor_char_boundary(before.len().saturating_sub(NAME));
        looked(before.len() - first);
        let near = &before[first..];
        let name = near.trim_end_matches(|c: char| c.is_whitespace() || "\"'`\\*_])".contains(c));
        let is_quoted = near[name.len()..].contains(['"', '\'']);
        let is_name = |c: char| c.is_alphanumeric() || "_-.+".contains(c) || is_blank(c);
        let begin = name.rfind(|c| !is_name(c));
        let begin = begin.map_or(0, |at| name.ceil_char_boundary(at + 1));
        let words = name[begin..].char_indices().filter(|(_, c)| is_blank(*c));
        let begin = begin + words.rev().nth(WORDS - 1).map_or(0, |(at, _)| at);
        let after = &text[mark + 1..];
        let is_prose =
            after.is_empty() || after.starts_with([' ', '\u{a0}', '\t', '\r', '\n', '*']);
        let is_apart = text[mark..].starts_with(':') || near.ends_with(' ');
        Self {
            text: &name[begin..],
            begin: kept + first + begin,
            is_quoted,
            clause: if is_prose && is_apart && !is_quoted {
                clause(near)
            } else {
                ""
            },
        }
    }

    pub fn is_a_secrets(&self) -> bool {
        names_a_secret(self.text) || mentions_a_secret(self.clause)
    }
}

/// A blank within a name, be it wide or one that breaks no line.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// The clause that ends here, without what stands in brackets at its end.
fn clause(near: &str) -> &str {
    let trim = |text: &'static str| move |c: char| c.is_whitespace() || text.contains(c);
    let text = near.trim_end_matches(trim("`*_"));
    let brackets = |open: char| text.rfind(open).map(|at| &text[..at]);
    let named = match text.chars().next_back() {
        Some(')') => brackets('(').filter(|outer| outer.ends_with(is_blank)),
        Some(']') => brackets('['),
        Some(_) | None => None,
    };
    let text = named.unwrap_or(text).trim_end_matches(trim("\"'`*_"));
    let is_part = |c: char| c.is_alphanumeric() || "_-.+'’/\"`*".contains(c) || is_blank(c);
    let begin = text.rfind(|c| !is_part(c));
    let clause = &text[begin.map_or(0, |at| text.ceil_char_boundary(at + 1))..];
    clause.rfind(". ").map_or(clause, |at| &clause[at + 2..])
}

/// Whether a word of it names a secret, or two do: `API key for prod`.
fn mentions_a_secret(clause: &str) -> bool {
    let plain = |word: &str| {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let words: Vec<String> = clause.split(is_blank).map(plain).collect();
    let is_secrets = |pair: &[String]| {
        let both = pair.concat();
        let mut keys = NAMES.iter().filter(|name| name.ends_with("key"));
        keys.any(|key| both.contains(key))
    };
    words.iter().any(|word| names_a_secret(word)) || words.windows(2).any(is_secrets)
}
