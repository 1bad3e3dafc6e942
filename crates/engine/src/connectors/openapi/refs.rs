//! References inside a document, and the places they lead to. Nothing outside is ever looked up.

use crate::http::inert;
use serde_json::Value;
use wire::{Problem, ProblemView};

/// References one after the other, at most.
const CHAIN: usize = 16;

/// A value of the document and its JSON pointer.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub value: &'a Value,
    pub place: String,
}

impl<'a> At<'a> {
    pub fn root(value: &'a Value) -> Self {
        Self {
            value,
            place: String::new(),
        }
    }

    /// A member, where the value is an object that has it.
    pub fn get(&self, name: &str) -> Option<At<'a>> {
        self.value.get(name).map(|value| self.child(name, value))
    }

    /// The members of an object by name; none of anything else. In that order, since the order of a
    /// JSON object depends on how serde_json was built.
    pub fn members(&self) -> impl Iterator<Item = (&'a str, At<'a>)> + use<'a> {
        let mut members: Vec<_> = self.value.as_object().into_iter().flatten().collect();
        members.sort_unstable_by_key(|(name, _)| name.as_str());
        let parent = self.place.clone();
        members.into_iter().map(move |(name, value)| {
            let place = format!("{parent}/{}", escaped(name));
            (name.as_str(), At { value, place })
        })
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> impl Iterator<Item = At<'a>> + use<'a> {
        let (parent, items) = (self.place.clone(), self.value.as_array());
        items
            .into_iter()
            .flatten()
            .enumerate()
            .map(move |(index, value)| At {
                value,
                place: format!("{parent}/{index}"),
            })
    }

    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.value.get(name).and_then(Value::as_bool)
    }

    fn child(&self, name: &str, value: &'a Value) -> At<'a> {
        At {
            value,
            place: format!("{}/{}", self.place, escaped(name)),
        }
    }

    /// What is wrong here.
    pub fn problem(&self, problem: Problem, what: &str) -> ProblemView {
        ProblemView {
            place: inert(&self.place),
            problem,
            what: inert(what),
        }
    }
}

/// A name as JSON pointers write it (RFC 6901 section 3).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Follows `$ref` to what is meant, inside the document only.
pub(super) fn resolve<'a>(root: &'a Value, at: &At<'a>) -> Result<At<'a>, ProblemView> {
    let mut now = at.clone();
    for _ in 0..CHAIN {
        let Some(reference) = now.text("$ref") else {
            return Ok(now);
        };
        now = follow(root, &now, reference)?;
    }
    Err(at.problem(
        Problem::EndlessReference,
        at.text("$ref").unwrap_or_default(),
    ))
}

/// One step: where `reference`, which stands at `at`, leads.
pub(super) fn follow<'a>(
    root: &'a Value,
    at: &At<'a>,
    reference: &str,
) -> Result<At<'a>, ProblemView> {
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(at.problem(Problem::ExternalReference, reference));
    };
    let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
    let missing = || at.problem(Problem::MissingReference, reference);
    // An anchor (`#Pet`) is no pointer; documents that name one are rare.
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(missing());
    }
    let value = root.pointer(&pointer).ok_or_else(missing)?;
    Ok(At {
        value,
        place: pointer.into_owned(),
    })
}
