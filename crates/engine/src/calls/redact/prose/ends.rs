//! Where a value ends, by what it stands in: quotes, brackets, a line of a header, a query, lines of YAML,
//! or just text. Where that is in doubt, it ends later.

use super::{super::labels_a_secret, NAME, looked};
use std::ops::Range;

/// Bytes of a line before a value in which a quote may have been opened.
const LINE: usize = 256;
/// Bytes beyond its line in which the end of a quote is looked for.
const PARAGRAPH: usize = 4_096;
/// Words before a secret that belong to it: `token=Basic YW5uOmh1bnRlcjI=`.
const SCHEMES: [&str; 6] = [
    "basic ",
    "bearer ",
    "digest ",
    "negotiate ",
    "token ",
    "apikey ",
];

/// The line of which a name ends at `mark`, up to there; of a long line only the last part.
pub(super) fn line(text: &str, mark: usize) -> &str {
    let near = &text[text.floor_char_boundary(mark.saturating_sub(LINE))..mark];
    looked(near.len());
    near.rfind('\n').map_or(near, |at| &near[at + 1..])
}

/// The quotes that are open, each with the backslashes before it.
pub(super) struct Quotes(Vec<(char, usize)>);

impl Quotes {
    /// Those of this part of a line. An apostrophe within a word is none, and none opens after a word.
    pub fn open(line: &str) -> Self {
        let mut open: Vec<(char, usize)> = Vec::new();
        let (mut escapes, mut last) = (0, ' ');
        for (at, c) in line.char_indices() {
            if is_quote(c, last, &line[at + c.len_utf8()..]) {
                match open.iter().rposition(|each| *each == (c, escapes)) {
                    Some(at) => open.truncate(at),
                    None if c == '\'' && last.is_alphanumeric() => {}
                    None => open.push((c, escapes)),
                }
            }
            escapes = if c == '\\' { escapes + 1 } else { 0 };
            last = c;
        }
        Self(open)
    }

    /// Whether one opens right before a name, whatever was open there already: `-H "X-Api-Key: …"`.
    pub fn open_at(&mut self, before: &str) -> bool {
        let near = &before[before.floor_char_boundary(before.len().saturating_sub(LINE))..];
        looked(near.len());
        let Some(quote) = near.chars().next_back().filter(|c| "\"'`".contains(*c)) else {
            return false;
        };
        let outer = &near[..near.len() - 1];
        let word = outer.trim_end_matches('\\');
        let quote = (quote, outer.len() - word.len());
        let is_open = self.0.contains(&quote) || !word.ends_with(char::is_alphanumeric);
        if is_open {
            self.0.push(quote);
        }
        is_open
    }

    pub fn are_open(&self) -> bool {
        !self.0.is_empty()
    }

    fn closes(&self, c: char, escapes: usize) -> bool {
        self.0.contains(&(c, escapes))
    }
}

fn is_quote(c: char, before: char, after: &str) -> bool {
    let apostrophe =
        c == '\'' && before.is_alphanumeric() && after.starts_with(char::is_alphanumeric);
    matches!(c, '"' | '\'' | '`') && !apostrophe
}

/// How long what this text begins with is, up to where `is_end` says so (of a character and what follows
/// it), or to the quote that was opened before it. A shell joins a quote and a word that stand together.
fn until(text: &str, quotes: &Quotes, is_end: impl Fn(char, &str) -> bool) -> usize {
    let (mut escapes, mut last, mut inner) = (0, ' ', None);
    for (at, c) in text.char_indices() {
        let after = &text[at + c.len_utf8()..];
        if is_quote(c, last, after) && quotes.closes(c, escapes) {
            let is_joined = after.starts_with(|c: char| c.is_alphanumeric() || c == '$');
            if inner == Some(c) {
                inner = None;
            } else if is_joined {
                inner = (last == '=').then_some(c);
            } else {
                looked(at);
                return at - escapes;
            }
        }
        if is_end(c, after) {
            looked(at);
            return at;
        }
        escapes = if c == '\\' { escapes + 1 } else { 0 };
        last = c;
    }
    looked(text.len());
    text.len()
}

/// Of an address or a form.
pub(super) fn query(text: &str, quotes: &Quotes) -> usize {
    let begin = scheme(text);
    let end = until(&text[begin..], quotes, |c, _| {
        c.is_whitespace() || "&#\"`<>".contains(c)
    });
    text[..begin + end].trim_end().len()
}

/// Whether what follows is the first parameter of an address' fragment: `/callback#access_token=…`.
pub(super) fn is_fragment(before: &str) -> bool {
    before.strip_suffix('#').is_some_and(|address| {
        address.ends_with(|c: char| c.is_alphanumeric() || "/=_-".contains(c))
    })
}

/// Of quotes that hold nothing else: `-H "X-Api-Key: …"`.
pub(super) fn to_quote(text: &str, quotes: &Quotes) -> usize {
    until(text, quotes, |c, _| "\r\n".contains(c))
}

/// A header goes on to the end of its line, and on the next where it is a list that does.
pub(super) fn header(text: &str, quotes: &Quotes) -> usize {
    let mut end = 0;
    loop {
        end += to_quote(&text[end..], quotes);
        let line = text[..end].trim_end();
        let next = text[end..].trim_start_matches(['\r', '\n']);
        let goes_on = line.ends_with([',', ';']) && next.starts_with([' ', '\t']);
        if !goes_on || next.trim_start().is_empty() {
            return end;
        }
        end = text.len() - next.trim_start().len();
    }
}

/// In a text a value goes on to the end of its line, of its sentence, or to the next name and value.
pub(super) fn plain(text: &str, quotes: &Quotes) -> usize {
    let begin = scheme(text);
    let end = until(&text[begin..], quotes, |c, after| match c {
        '\r' | '\n' => true,
        ',' | ';' | '&' => {
            let next = after.trim_start_matches([' ', '\t']);
            names_next(next, quotes, &['=', ':'])
        }
        ' ' | '\t' => names_next(after, quotes, &['=']),
        '.' | '!' | '?' => ends_sentence(after),
        '<' if !quotes.are_open() => after
            .strip_prefix('/')
            .is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic())),
        _ => false,
    });
    text[..begin + end].trim_end().len()
}

/// How long the word is that says what kind of secret follows.
fn scheme(text: &str) -> usize {
    let begins = |each: &&&str| {
        text.get(..each.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(each))
    };
    SCHEMES.iter().find(begins).map_or(0, |each| each.len())
}

/// Whether a name with one of these after it stands here. What ends in `=` is a secret's last part.
fn names_next(text: &str, quotes: &Quotes, marks: &[char]) -> bool {
    const MOST: usize = 40;
    let near = &text[..text.floor_char_boundary(MOST)];
    let name = near.trim_start_matches(['"', '\'', '`']);
    let rest = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-.%".contains(c));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && rest != name;
    let after = rest.trim_start_matches(['"', '\'', '`']);
    let Some(value) = after.strip_prefix('=') else {
        return is_name && after.starts_with(marks) && !after.starts_with("://");
    };
    let value = &text[near.len() - value.len()..];
    let begins = |c: char| !c.is_whitespace() && !"=,;&.!?:|)]}>".contains(c);
    let is_value = value
        .chars()
        .next()
        .is_some_and(|c| begins(c) && !quotes.closes(c, 0));
    is_name && is_value
}

fn ends_sentence(after: &str) -> bool {
    let next = after.trim_start_matches([' ', '\t']);
    next.len() < after.len() && next.starts_with(char::is_uppercase)
}

/// What stands between the quotes that this text begins with; where they do not end in its paragraph, on its
/// line. Quotes may be tripled, or escaped: the text is then a string's, and the end is escaped no more often than
/// the beginning.
pub(super) fn quoted(text: &str) -> Option<Range<usize>> {
    let escapes = text.len() - text.trim_start_matches('\\').len();
    let quote = text[escapes..].chars().next()?;
    if !matches!(quote, '"' | '\'' | '`') {
        return None;
    }
    let triple = quote.to_string().repeat(3);
    if let Some(inner) = text[escapes..].strip_prefix(&triple) {
        let near = &inner[..inner.floor_char_boundary(PARAGRAPH)];
        looked(near.len());
        let end = near.find(&triple).or_else(|| near.find('\n'));
        let begin = text.len() - inner.len();
        return Some(begin..begin + end.unwrap_or(near.len()));
    }
    let begin = escapes + 1;
    let (mut before, mut line) = (0, None);
    for (at, c) in text[begin..].char_indices() {
        if c == quote && before <= escapes {
            looked(at);
            return Some(begin..begin + at - before);
        }
        if c == '\n' {
            let line = *line.get_or_insert(begin + at);
            let next = text[begin + at + 1..].trim_start_matches([' ', '\t', '\r']);
            if next.is_empty() || next.starts_with('\n') || at > line + PARAGRAPH {
                looked(at);
                return Some(begin..line);
            }
        }
        before = if c == '\\' { before + 1 } else { 0 };
    }
    looked(text.len());
    Some(begin..line.unwrap_or(text.len()))
}

/// Where the value really ends, of which a part in quotes or brackets ends at `end`: a shell joins what
/// stands together.
pub(super) fn goes_on(text: &str, end: usize, quotes: &Quotes) -> usize {
    let after = &text[end..];
    let shut = after.trim_start_matches('\\');
    let shut = match shut.chars().next() {
        Some('"' | '\'' | '`') => &shut[1..],
        Some(_) | None => after,
    };
    let joined = |c: char| c.is_alphanumeric() || "\"'`$".contains(c);
    let is_open = shut
        .chars()
        .next()
        .is_some_and(|c| !quotes.closes(c, 0) && joined(c));
    if is_open {
        text.len() - shut.len() + plain(shut, quotes)
    } else {
        end
    }
}

/// How long what the brackets hold is that this text begins with, themselves included, if they
/// end.
pub(super) fn bracketed(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            looked(at);
            return Some(at + 1);
        }
    }
    looked(text.len());
    None
}

/// How long the paragraph is that this text begins with; a bracket alone is none.
pub(super) fn paragraph(text: &str) -> usize {
    let (mut end, mut said) = (0, 0);
    for line in text.split_inclusive('\n') {
        let words = line.trim().len();
        if words == 0 && said > 1 {
            break;
        }
        said += words;
        end += line.len();
    }
    looked(end);
    text[..end].trim_end().len()
}

/// The lines below a name whose own line ends with it, or with YAML's `|` or `>`, where they are set in
/// deeper or are a list.
pub(super) fn block(text: &str, line: &str) -> Option<Range<usize>> {
    let blanks = [' ', '\t', '\r'];
    let sign = text.trim_start_matches(['*', ' ', '\t']);
    let is_block = sign.starts_with(['|', '>']);
    let sign = sign.strip_prefix(['|', '>']).map_or(sign, |more| {
        more.trim_start_matches(|c: char| c.is_ascii_digit() || "+-".contains(c))
    });
    let lines = sign.trim_start_matches(blanks).strip_prefix('\n')?;
    let first = lines.trim_start_matches(|c: char| c.is_whitespace());
    let begin = text.len() - first.len();
    let depth = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let set_in = begin - text[..begin].rfind('\n').map_or(0, |at| at + 1);
    let is_item = |line: &str| line.trim_start().starts_with(['-', '*']);
    if set_in <= depth(line) && !is_item(first) && !is_block {
        return None;
    }
    let mut end = begin;
    for (at, line) in first.split_inclusive('\n').enumerate() {
        let ours = depth(line) > set_in || depth(line) == set_in && (set_in > 0 || is_item(line));
        if at > 0 && !line.trim().is_empty() && !ours {
            break;
        }
        end += line.len();
    }
    looked(end);
    (end > begin).then(|| begin..begin + text[begin..end].trim_end().len())
}

/// Whether this value is the name of a secret: that of `name: password`.
pub(super) fn labels(value: &str) -> bool {
    let lead = |c: char| c.is_whitespace() || "=:>*\"'`\\".contains(c);
    let near = &value[..value.floor_char_boundary(NAME)];
    looked(near.len());
    let near = near.trim_start_matches(lead);
    let name = near.split(|c: char| "\"'`,;&<>\\\r\n".contains(c)).next();
    name.is_some_and(labels_a_secret)
}
