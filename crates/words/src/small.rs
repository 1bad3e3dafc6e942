//! The same sentences by a reader of a few kilobytes: for the window's program, whose size is
//! budgeted and of which Fluent would be a fifth.
//!
//! It reads the part of Fluent that `locales/` uses: text, `{ $argument }`, and one choice by
//! `{ $count -> [one] … *[other] … }`. A test holds it to what Fluent itself says for every key.

use std::{collections::HashMap, sync::OnceLock};

/// Every file of the language.
const FILES: &[&str] = &[
    include_str!("../locales/en-US/agents.ftl"),
    include_str!("../locales/en-US/catalogue.ftl"),
    include_str!("../locales/en-US/channels.ftl"),
    // The window says none of these.
    #[cfg(not(target_arch = "wasm32"))]
    include_str!("../locales/en-US/cli.ftl"),
    include_str!("../locales/en-US/crons.ftl"),
    include_str!("../locales/en-US/errors.ftl"),
    include_str!("../locales/en-US/notices.ftl"),
    include_str!("../locales/en-US/openapi.ftl"),
    include_str!("../locales/en-US/record.ftl"),
    include_str!("../locales/en-US/shell.ftl"),
    include_str!("../locales/en-US/status.ftl"),
    include_str!("../locales/en-US/tasks.ftl"),
    include_str!("../locales/en-US/ui.ftl"),
];

fn patterns() -> &'static HashMap<&'static str, &'static str> {
    static PATTERNS: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    PATTERNS.get_or_init(|| FILES.iter().copied().flat_map(messages).collect())
}

/// The messages of a file: key and pattern, which goes on as long as lines are indented.
fn messages(file: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let is_comment = rest.starts_with('#');
        let mut end = 0;
        for line in rest.split_inclusive('\n') {
            let goes_on = end == 0 || line.starts_with([' ', '}']);
            if !goes_on {
                break;
            }
            end += line.len();
        }
        let (message, after) = rest.split_at(end);
        if let Some((key, pattern)) = message.split_once(" =").filter(|_| !is_comment) {
            found.push((key, pattern.trim()));
        }
        rest = after;
    }
    found
}

/// The sentence of `key` with its arguments; `None` where there is no such key.
pub fn say(key: &str, args: &[(&str, &str)]) -> Option<String> {
    let pattern = patterns().get(key)?;
    let mut said = String::with_capacity(pattern.len());
    put(pattern, args, &mut said);
    Some(said)
}

fn put(pattern: &str, args: &[(&str, &str)], said: &mut String) {
    let mut rest = pattern;
    while let Some((text, after)) = rest.split_once('{') {
        said.push_str(text);
        let end = closing(after);
        let (inside, after) = (&after[..end], after.get(end + 1..).unwrap_or_default());
        match inside.split_once("->") {
            Some((selector, variants)) => put(chosen(value(selector, args), variants), args, said),
            None => said.push_str(value(inside, args)),
        }
        rest = after;
    }
    said.push_str(rest);
}

/// Where the brace that was just opened closes.
fn closing(text: &str) -> usize {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn value<'a>(inside: &str, args: &[(&str, &'a str)]) -> &'a str {
    let name = inside.trim().trim_start_matches('$');
    args.iter()
        .find(|(each, _)| *each == name)
        .map_or("", |(_, value)| value)
}

/// The variant of this number: its own, else `one` for 1, else the one with the star.
fn chosen<'a>(number: &str, variants: &'a str) -> &'a str {
    let mut default = "";
    let mut fitting = None;
    for variant in variants.lines() {
        let Some((key, text)) = variant.split_once(']') else {
            continue;
        };
        let (key, text) = (key.trim(), text.trim());
        if let Some(key) = key.strip_prefix('[') {
            if key == number {
                return text;
            }
            if key == "one" && number == "1" {
                fitting = Some(text);
            }
        } else if key.starts_with("*[") {
            default = text;
        }
    }
    fitting.unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_language_is_read() -> std::io::Result<()> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/locales/en-US");
        let mut files = 0;
        for file in std::fs::read_dir(folder)? {
            let text = std::fs::read_to_string(file?.path())?;
            assert!(FILES.contains(&text.as_str()), "a file is missing in FILES");
            files += 1;
        }
        assert_eq!(files, FILES.len());
        Ok(())
    }

    #[test]
    fn it_says_what_fluent_says_for_every_key_and_count() {
        // Every argument of every sentence.
        let names = [
            "mode",
            "ours",
            "theirs",
            "time",
            "row",
            "rows",
            "how",
            "name",
            "agent",
            "when",
            "field",
            "why",
            "url",
            "host",
            "address",
            "status",
            "seconds",
            "limit",
            "target",
            "expected",
            "found",
            "issuer",
            "before",
            "now",
            "integration",
            "tool",
            "known",
            "search",
            "action",
            "scope",
            "answer",
            "took",
            "moment",
            "person",
            "date",
            "server",
            "protocol",
            "user",
            "key",
            "detail",
            "n",
            "place",
            "what",
            "title",
            "version",
            "source",
            "id",
            "file",
            "folder",
            "label",
            "line",
            "link",
            "on",
            "tools",
            "at",
            "bytes",
            "calls",
            "choice",
            "cron",
            "day",
            "names",
            "provider",
            "app",
            "runs",
            "scopes",
            "task",
            "wall",
            "all",
            "ask",
            "row",
            "key",
            "parts",
            "characters",
            "word",
        ];
        let values: Vec<String> = names.iter().map(|name| format!("‹{name}›")).collect();
        let texts: Vec<(&'static str, &str)> = names
            .iter()
            .zip(&values)
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert!(patterns().len() > 300, "the files were read");
        for (key, pattern) in patterns() {
            if pattern.contains("$count") {
                for count in [0, 1, 2, 5, 21, 1_000] {
                    let shown = count.to_string();
                    assert_eq!(
                        say(key, &[("count", &shown)]),
                        Some(crate::counted(key, count)),
                        "{key} with {count}"
                    );
                }
            } else {
                assert_eq!(say(key, &texts), Some(crate::with(key, &texts)), "{key}");
                let said = crate::with(key, &texts);
                assert!(
                    !said.contains('$'),
                    "{key} has an argument that is not in the list: {said}"
                );
            }
        }
        assert_eq!(say("no-such-key", &[]), None);
    }
}
