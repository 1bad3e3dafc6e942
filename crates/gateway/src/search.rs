//! Where an agent has more tools than a model reads well: two tools, one that finds and one that calls.

use crate::described::Described;
use serde_json::{Value, json};

/// Tools that one search tells, at most.
const FOUND_MAX: usize = 20;
/// Bytes of those of them that are told whole. Claude Code reads 25,000 tokens of an answer.
const WHOLE_MAX: usize = 40_000;
/// Characters of a query that are read, and words of them: each is looked for in every tool.
const QUERY_MAX: usize = 200;
const WORDS_MAX: usize = 16;
pub(crate) const FIND: &str = "chief__search_tools";
pub(crate) const CALL: &str = "chief__call_tool";

/// The two, as MCP describes tools.
pub(crate) fn tools() -> [Value; 2] {
    [
        json!({
            "name": FIND,
            "title": "Search tools",
            "description": "Finds tools of the connected integrations by words of their name and \
                description. Returns names, descriptions and input schemas; where a schema is missing, \
                search for the tool's exact name alone to read it. Search before you call.",
            "inputSchema": {
                "type": "object",
                "properties": { "query": { "type": "string", "description": "Words, such as: refund charge" } },
                "required": ["query"],
            },
            "annotations": { "readOnlyHint": true },
        }),
        json!({
            "name": CALL,
            "title": "Call tool",
            "description": "Calls a tool that a search has found, by its name, with arguments that fit its input schema.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "name": { "type": "string" },
                    "arguments": { "type": "object" },
                },
                "required": ["name"],
            },
        }),
    ]
}

/// What a search tells: a tool of exactly that name, whole; else those that it finds, whole as long as there is
/// room.
pub(crate) fn answer(all: &[Described], query: &str) -> Value {
    if let Some(one) = all.iter().find(|tool| tool.name == query.trim()) {
        return json!([one.found()]);
    }
    let mut room = WHOLE_MAX;
    let tell = |tool: &Described| {
        let whole = tool.found();
        match room.checked_sub(whole.to_string().len()) {
            Some(left) => {
                room = left;
                whole
            }
            None => tool.brief(),
        }
    };
    find(all, query).into_iter().map(tell).collect()
}

/// The tools with the most of these words, those with a word in their name first.
fn find<'a>(all: &'a [Described], query: &str) -> Vec<&'a Described> {
    let words = words(query);
    let mut scored: Vec<(usize, &Described)> = all
        .iter()
        .filter_map(|tool| {
            let name = format!("{} {}", tool.name, tool.of).to_lowercase();
            let text = format!(
                "{} {}",
                tool.row.title.as_deref().unwrap_or_default(),
                tool.row.description
            )
            .to_lowercase();
            let score: usize = words
                .iter()
                .map(|word| 3 * usize::from(name.contains(word)) + usize::from(text.contains(word)))
                .sum();
            (score > 0 || words.is_empty()).then_some((score, tool))
        })
        .collect();
    // Stable: equal ones stay in their order.
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.truncate(FOUND_MAX);
    scored.into_iter().map(|(_, tool)| tool).collect()
}

/// The first words that are asked for, each once.
fn words(query: &str) -> Vec<String> {
    let read: String = query.chars().take(QUERY_MAX).collect();
    let mut words: Vec<String> = Vec::new();
    for word in read.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        let is_new = !word.is_empty() && words.iter().all(|known| known != word);
        if is_new && words.len() < WORDS_MAX {
            words.push(word.to_owned());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_query_as_long_as_a_book_a_few_words_are_looked_for_each_once() {
        assert_eq!(words("Refund, refund CHARGE!"), ["refund", "charge"]);
        assert!(words(" -- ").is_empty());
        let twice = "a b ".repeat(1 << 20);
        assert_eq!(words(&twice), ["a", "b"]);
        let letters: String = ('a'..='z').map(|letter| format!("{letter} ")).collect();
        assert_eq!(words(&letters).len(), WORDS_MAX);
        let late = format!("{}refund", " ".repeat(QUERY_MAX));
        assert!(words(&late).is_empty());
    }
}
