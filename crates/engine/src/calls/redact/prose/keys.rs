//! Keys and certificates in PEM, within a text: only what may be a key's own lines is hidden, whatever else is
//! said between its first line and its last.

use super::hidden;
use std::{borrow::Cow, ops::Range};
use wire::Hidden;

const BEGIN: &str = "-----BEGIN";
const END: &str = "-----END";
/// Letters of a key's line, at least, but for its last.
const LINE: usize = 32;

pub(super) fn without<'a>(text: &'a str, hid: &mut Hidden) -> Cow<'a, str> {
    if !text.contains(BEGIN) {
        return text.into();
    }
    let (mut shown, mut kept) = (String::with_capacity(text.len()), 0);
    let mut words = words(text).peekable();
    let mut is_within = false;
    while let Some(word) = words.next() {
        let before = &text[..word.end];
        is_within = before.ends_with(BEGIN) || is_within && !before.ends_with(END);
        if !is_within || word.len() < LINE {
            continue;
        }
        let (begin, mut end) = (word.start, word.end);
        while let Some(next) = words.next_if(|next| {
            next.start <= past(text, end) && (next.len() >= LINE || is_last(text, next.end))
        }) {
            end = next.end;
        }
        shown.push_str(&text[kept..begin]);
        shown.push_str(&hidden(&text[begin..end], hid));
        kept = end;
    }
    (shown + &text[kept..]).into()
}

/// Where letters of base64 stand together. After a `\` stands the letter of an escape, and a `+` alone joins
/// two strings of a program.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let (bytes, mut at) = (text.as_bytes(), 0);
    let next = move || {
        loop {
            match bytes.get(at)? {
                b'\\' => at += 2,
                byte if is_letter(*byte) => break,
                _ => at += 1,
            }
        }
        let begin = at;
        at += bytes[begin..].iter().take_while(|c| is_letter(**c)).count();
        Some(begin..at)
    };
    std::iter::from_fn(next).filter(|word| bytes[word.clone()] != *b"+")
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

/// Where what may stand between two lines of a key ends, as it is written in texts and programs.
fn past(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\\' if bytes.get(at + 1).is_some_and(u8::is_ascii) => 2,
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b',' | b'>' | b'|' | b'+' => 1,
            _ => break,
        };
    }
    at
}

/// Whether a key ends after the line that ends here, of which OpenPGP may write a sum: `=bv1F`.
fn is_last(text: &str, line: usize) -> bool {
    let end = past(text, line);
    let sum = words(&text[end..text.floor_char_boundary(end + 6)]).next();
    let is_sum = sum == Some(0..5) && text[end..].starts_with('=');
    let end = if is_sum { past(text, end + 5) } else { end };
    text[end..].is_empty() || text[end..].starts_with(END)
}
