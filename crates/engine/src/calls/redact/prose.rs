//! Secrets within a text that is no JSON as a whole: `?access_token=…`, `password: …`, JSON in a sentence
//! or between fences, XML, YAML, headers, a private key, a URL with a password.
//!
//! Each place is looked at a bounded number of times, however long the text is and whatever it says.

mod ends;
mod keys;
mod names;

use super::{
    BEGINNINGS, NAME, PAIR_NAMES, PAIR_VALUES, document, hidden, hide, is_part, is_secret,
    names_a_secret,
};
use ends::Quotes;
use names::Name;
use serde_json::Value;
use std::ops::Range;
use wire::Hidden;

/// What may show that a secret is near.
const MARKS: [char; 6] = ['=', ':', '{', '[', '<', '%'];
/// Tries to read JSON in one text, and searches for the end of an element or of brackets, that may fail: each
/// may run to the end of the text.
const TRIES: u32 = 16;
/// How often a part of a text may have been percent-encoded.
const ENCODED: u32 = 3;
/// Bytes from a `name: password` on in which its `value: …` is looked for.
const PAIR: usize = 200;

/// The text with its secrets hidden.
/// JSON in it is looked into so deep.
pub(super) fn read(text: &str, depth: usize, hid: &mut Hidden) -> String {
    look(text, ENCODED, depth, hid)
}

fn look(text: &str, encoded: u32, depth: usize, hid: &mut Hidden) -> String {
    let text = keys::without(text, hid);
    let mut shown = String::with_capacity(text.len());
    let mut rest = Rest {
        text: &text,
        kept: 0,
        tries: [TRIES; 3],
        word: (0, None),
        decoded: 0,
        encoded,
        depth,
        hid,
        pair: None,
        valued: None,
    };
    let mut at = 0;
    while let Some(next) = text[at..].find(MARKS) {
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
    by_look(&shown, hid)
}

/// What is to be shown instead of which part.
type Found = Option<(Range<usize>, String)>;

/// A text, of which all before `kept` was dealt with.
struct Rest<'a> {
    text: &'a str,
    kept: usize,
    /// To read JSON, and to find where an element ends and where brackets do.
    tries: [u32; 3],
    /// Where the word ends that was looked at last, and its last `@`.
    word: (usize, Option<usize>),
    /// Up to here nothing is hidden by percent-encoding, and how often it may still be.
    decoded: usize,
    encoded: u32,
    depth: usize,
    hid: &'a mut Hidden,
    /// Where a name stands whose value has a name of its own: `name: password`.
    pair: Option<usize>,
    /// Where a `value` stands that was not hidden, as its name may follow.
    valued: Option<usize>,
}

impl<'a> Rest<'a> {
    /// What is to be hidden because of the character at `mark`.
    fn at(&mut self, mark: usize) -> Found {
        match self.text.as_bytes()[mark] {
            b'{' | b'[' => self.document(mark),
            b'<' => self.element(mark),
            b'%' => self.percent(mark),
            _ if self.text[mark..].starts_with("://") => self.address(mark + 3),
            _ => self.named(mark),
        }
    }

    fn document(&mut self, mark: usize) -> Found {
        let (inner, end) = self.json(mark)?;
        let text = &self.text[mark..end];
        let shown = document(text, &inner, self.depth, self.hid);
        let shown = shown.unwrap_or_else(|| text.to_owned());
        Some((mark..end, shown))
    }

    /// JSON that begins here, and where it ends.
    fn json(&mut self, begin: usize) -> Option<(Value, usize)> {
        if self.tries[0] == 0 {
            return None;
        }
        let mut found =
            serde_json::Deserializer::from_str(&self.text[begin..]).into_iter::<Value>();
        let read = found.next();
        match read {
            Some(Ok(inner)) => {
                looked(found.byte_offset());
                Some((inner, begin + found.byte_offset()))
            }
            Some(Err(_)) | None => {
                looked(self.text.len() - begin);
                self.tries[0] -= 1;
                None
            }
        }
    }

    /// `<password>…</password>`, and what else such an element holds.
    fn element(&mut self, mark: usize) -> Found {
        let begin = mark + 1;
        let near = &self.text[begin..self.text.floor_char_boundary(begin + NAME)];
        let name = near.split(|c| !is_of_tag(c)).next().unwrap_or_default();
        let after = &self.text[begin + name.len()..];
        if !names_a_secret(name) || !after.starts_with(|c: char| c == '>' || c.is_whitespace()) {
            return None;
        }
        let opened = after.find(['<', '>']).unwrap_or(after.len());
        looked(NAME + opened);
        if after[..opened].ends_with('/') || !after[opened..].starts_with('>') {
            return None;
        }
        // Its attributes go with what it holds.
        let blank = after.chars().next().map_or(0, char::len_utf8);
        let inner = begin + name.len() + opened + 1;
        let begin = begin + name.len() + blank;
        let end = self.closed(begin, name).unwrap_or_else(|| {
            let rest = &self.text[inner..];
            inner + rest.find(['<', '\n']).unwrap_or(rest.len())
        });
        looked(end - begin);
        let secret = self.text[begin..end].trim();
        (!secret.is_empty()).then(|| (begin..end, hidden(secret, self.hid)))
    }

    /// Where an element of this name ends that begins here: where those of its name within are not all ended,
    /// at the last end of one.
    fn closed(&mut self, begin: usize, name: &str) -> Option<usize> {
        if self.tries[1] == 0 {
            return None;
        }
        let rest = &self.text[begin..];
        let (mut depth, mut last) = (1_u32, None);
        for (at, _) in rest.match_indices('<') {
            let tag = &rest[at + 1..];
            let end = tag.strip_prefix('/').or_else(|| tag.strip_prefix("\\/"));
            if let Some(after) = end.unwrap_or(tag).strip_prefix(name) {
                if end.is_none() && after.starts_with(|c: char| c == '>' || c.is_whitespace()) {
                    depth += 1;
                } else if end.is_some() && !after.starts_with(is_of_tag) {
                    depth -= 1;
                    last = Some(begin + at);
                }
            }
            if depth == 0 {
                looked(at);
                return last;
            }
        }
        looked(rest.len());
        self.tries[1] -= 1;
        last
    }

    /// A part of an address or a form in which a secret is percent-encoded, or its name.
    fn percent(&mut self, mark: usize) -> Found {
        let is_code = |code: &str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_hexdigit());
        let code = self.text.get(mark + 1..mark + 3);
        if self.encoded == 0 || mark < self.decoded || !code.is_some_and(is_code) {
            return None;
        }
        let outer = |c: char| c.is_whitespace() || "&#\"'`<>".contains(c);
        let first = self.kept.max(self.decoded);
        let before = &self.text[first..mark];
        let begin = before.rfind(|c| outer(c) || "?=".contains(c));
        let begin = first + begin.map_or(0, |at| before.ceil_char_boundary(at + 1));
        let rest = &self.text[mark..];
        self.decoded = mark + rest.find(outer).unwrap_or(rest.len());
        looked(self.decoded - first);
        let part = &self.text[begin..self.decoded];
        let plain = part.replace('+', " ");
        let plain = percent_encoding::percent_decode_str(&plain).decode_utf8_lossy();
        let inner = &mut Hidden::default();
        let is_clean = look(&plain, self.encoded - 1, self.depth, inner) == plain;
        (!is_clean).then(|| (begin..self.decoded, hidden(part, self.hid)))
    }

    /// The password of an address, whose scheme ends here: `ann:hunter2@host/path`.
    fn address(&mut self, begin: usize) -> Found {
        if begin >= self.word.0 {
            let word = &self.text[begin..];
            let end = word
                .find(|c: char| c.is_whitespace() || "\"'`<>".contains(c))
                .unwrap_or(word.len());
            looked(end);
            self.word = (begin + end, word[..end].rfind('@').map(|at| begin + at));
        }
        let last = self.word.1.filter(|at| *at > begin)?;
        let host = match self.text[begin..last].strip_prefix('[') {
            Some(numbers) => numbers.find(']').map_or(0, |at| at + 1),
            None => 0,
        };
        let user = host + self.text[begin + host..last].find(':')?;
        let (name, secret) = (&self.text[begin..begin + user], begin + user + 1..last);
        looked(user);
        if name.contains(['/', '?', '#']) || is_port(name, &self.text[secret.start..], secret.len())
        {
            return None;
        }
        let text = &self.text[secret.clone()];
        (!text.is_empty()).then(|| (secret, hidden(text, self.hid)))
    }

    /// The value of a name, where that names a secret.
    fn named(&mut self, mark: usize) -> Found {
        let name = Name::before(self.text, self.kept, mark);
        let word = name.text.rsplit(' ').next().unwrap_or_default();
        let word = word.to_lowercase();
        let is_value = PAIR_VALUES.contains(&word.as_str());
        let completes = is_value && self.pair.is_some_and(|at| mark.saturating_sub(at) < PAIR);
        if !completes && !name.is_a_secrets() {
            if PAIR_NAMES.contains(&word.as_str()) && ends::labels(&self.text[mark + 1..]) {
                self.pair = Some(mark);
                return self.labelled(mark);
            }
            if is_value {
                self.valued = Some(mark);
            }
            return None;
        }
        if completes {
            self.pair = None;
        }
        self.hide(&name, mark)
    }

    /// The value whose name has a name of its own here, behind it: `value: …`, `name: password`.
    fn labelled(&mut self, label: usize) -> Found {
        let near = |at: &usize| *at >= self.kept && label.saturating_sub(*at) < PAIR;
        let mark = self.valued.take().filter(near)?;
        let name = Name::before(self.text, self.kept, mark);
        let before = *self.hid;
        let (place, instead) = self.hide(&name, mark)?;
        let between = self.text.get(place.end..label).unwrap_or_default();
        let is_another = between.contains(['}', '>'])
            || between
                .lines()
                .skip(1)
                .any(|line| line.trim_start().starts_with('-'));
        if is_another {
            *self.hid = before;
            return None;
        }
        Some((place, instead))
    }

    /// The value of the name that ends at `mark`.
    fn hide(&mut self, name: &Name<'_>, mark: usize) -> Found {
        let place = self.value(name, mark)?;
        let secret = &self.text[place.clone()];
        if secret.starts_with(['{', '['])
            && let Some((inner, end)) = self.json(place.start)
            && end == place.end
        {
            return Some((place, hide(&inner, self.hid).to_string()));
        }
        (!secret.is_empty()).then(|| (place.clone(), hidden(secret, self.hid)))
    }

    /// Where the value is.
    fn value(&mut self, name: &Name<'_>, mark: usize) -> Option<Range<usize>> {
        let line = ends::line(self.text, mark);
        if !name.is_quoted
            && let Some(block) = ends::block(&self.text[mark + 1..], line)
        {
            return Some(mark + 1 + block.start..mark + 1 + block.end);
        }
        let lead = |c: char| c.is_whitespace() || "=:>*".contains(c);
        let value = self.text[mark..].trim_start_matches(lead);
        let begin = self.text.len() - value.len();
        let mut quotes = Quotes::open(line);
        let is_within = !name.is_quoted && quotes.open_at(&self.text[..name.begin]);
        let mut framed = self.framed(name, mark, value, &quotes);
        if framed == 0 && is_within {
            framed = ends::to_quote(value, &quotes);
        }
        if framed > 0 {
            return Some(begin..begin + framed);
        }
        if value.starts_with(['{', '[']) {
            let json = self.json(begin).map(|(_, end)| end - begin);
            let end = json.unwrap_or_else(|| self.bracketed(value));
            return Some(begin..begin + ends::goes_on(value, end, &quotes));
        }
        if let Some(place) = ends::quoted(value) {
            let after = ends::goes_on(value, place.end, &quotes);
            let goes_on = value[place.end..after].chars().count() > 1;
            return Some(if goes_on {
                begin..begin + after
            } else {
                begin + place.start..begin + place.end
            });
        }
        Some(begin..begin + ends::plain(value, &quotes))
    }

    /// How long what brackets hold is; where they never end, its paragraph.
    fn bracketed(&mut self, value: &str) -> usize {
        ends::bracketed(value).unwrap_or_else(|| {
            // Each such search may run to the end of the text: where it has too often, all of that goes.
            if self.tries[2] == 0 {
                return value.len();
            }
            self.tries[2] -= 1;
            ends::paragraph(value)
        })
    }

    /// How long a value is of which what stands around its name tells the end.
    fn framed(&self, name: &Name<'_>, mark: usize, value: &str, quotes: &Quotes) -> usize {
        let before = &self.text[..name.begin];
        let is_first = before.ends_with(['?', '&']) || ends::is_fragment(before);
        let is_at_once = !self.text[name.begin..mark].contains(char::is_whitespace);
        if is_first && is_at_once && self.text[mark..].starts_with('=') {
            let is_quoted = value.trim_start_matches('\\').starts_with(['"', '\'', '`']);
            return if is_quoted {
                0
            } else {
                ends::query(value, quotes)
            };
        }
        let is_header = ["authorization", "cookie"]
            .iter()
            .any(|each| name.text.to_lowercase().ends_with(each));
        if is_header && !name.is_quoted {
            ends::header(value, quotes)
        } else {
            0
        }
    }
}

fn is_of_tag(c: char) -> bool {
    c.is_alphanumeric() || "_-.:".contains(c)
}

/// Whether an address with an `@` further on has a port here, not a password: `x.example:8080/@ann`. A host
/// without a dot is believed to be one only where the `@` begins a package's scope or a digest.
fn is_port(host: &str, rest: &str, last: usize) -> bool {
    let port = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = rest.len() - port.len();
    let (before, after) = rest.split_at(last);
    let is_named = host == "localhost" || host.contains('.') || host.starts_with('[');
    (1..=5).contains(&digits)
        && port.starts_with(['/', '?', '#'])
        && (is_named || before.ends_with('/') || after.starts_with("@sha256:"))
}

/// Each word that looks like a secret is hidden, whatever stands before it.
fn by_look(text: &str, hid: &mut Hidden) -> String {
    if !BEGINNINGS.iter().any(|each| text.contains(each)) {
        return text.to_owned();
    }
    text.split_inclusive(|c| !is_part(c))
        .map(|part| {
            let word = part.trim_end_matches(|c| !is_part(c));
            if is_secret(word) {
                hidden(word, hid) + &part[word.len()..]
            } else {
                part.to_owned()
            }
        })
        .collect()
}

/// Tests count the bytes that are looked at.
fn looked(bytes: usize) {
    #[cfg(test)]
    tests::LOOKED.with(|all| all.set(all.get() + bytes));
    let _ = bytes;
}

#[cfg(test)]
mod tests;
