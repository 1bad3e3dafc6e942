//! A document's text as a JSON value: JSON or YAML, within limits, with the place of what is wrong.

use crate::http::inert;
use serde_json::Value;
use wire::{DOCUMENT_MAX, Error, ErrorCode};

/// Levels of nesting, at most: as serde_json's own limit.
const DEPTH: usize = 128;
/// Values in a YAML document, at most, also those that aliases repeat.
const NODES: usize = 3_000_000;
/// Aliases, at most. Each may repeat as much as [`NODES`] and [`REPEATED`] allow.
const ALIASES: usize = 10_000;
/// Bytes of text that anchors may hold for aliases: without it a few aliases of a large text would
/// make gigabytes of it.
const REPEATED: usize = 64 << 20;

/// Reads it. Errors: `DocumentTooLarge`; `DocumentUnreadable` with line and column.
pub(super) fn parse(text: &str) -> Result<Value, Error> {
    if text.len() > DOCUMENT_MAX {
        return Err(Error::new(ErrorCode::DocumentTooLarge)
            .with("limit", format!("{} MB", DOCUMENT_MAX / 1_000_000)));
    }
    let text = text.trim_start_matches('\u{feff}');
    // Every JSON object is also YAML, but JSON's own reader is faster and its errors are plainer.
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| {
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default();
            unreadable(&line(error.line(), error.column()), why)
        });
    }
    yaml(text)
}

fn yaml(text: &str) -> Result<Value, Error> {
    let mut limits = serde_saphyr::options::AliasLimits::default();
    limits.max_total_replayed_events = NODES;
    limits.max_replay_stack_depth = 32;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            max_nodes: NODES,
            max_events: 2 * NODES,
            max_documents: 1,
            max_aliases: ALIASES,
            max_recorded_anchor_bytes: REPEATED,
            max_total_scalar_bytes: REPEATED,
        },
        alias_limits: limits,
        // `yes` and `no` are words in OpenAPI's YAML 1.2.
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map_or_else(String::new, |at| {
            line(
                usize::try_from(at.line()).unwrap_or(usize::MAX),
                usize::try_from(at.column()).unwrap_or(usize::MAX),
            )
        });
        let why = error.without_snippet().to_string();
        let why = why.split(" at line ").next().unwrap_or_default();
        unreadable(&place, why)
    })
}

fn line(line: usize, column: usize) -> String {
    format!("line {line}, column {column}")
}

/// `place`: line and column, or a JSON pointer.
pub(super) fn unreadable(place: &str, why: &str) -> Error {
    Error::new(ErrorCode::DocumentUnreadable)
        .with("place", inert(place))
        .with("why", inert(why))
}
