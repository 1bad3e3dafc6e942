//! What each target does with its input. The tests run them too (`tests/connectors/fuzzed.rs`), so that they
//! are compiled with the app, and hold for what a fuzzer would begin with.

use engine::{
    connectors::openapi,
    links,
    oauth::Challenge,
    providers::{Hosts, read::read},
};
use std::collections::BTreeSet;

/// Any text as a deep link, and as an address for the browser: it ends in an answer, never in a panic, and
/// nothing but http(s) reaches the browser.
pub fn deep_link(text: &str) {
    let _ = links::link(text);
    let _ = links::callback_query(text);
    if let Ok(url) = links::for_browser(text) {
        assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    }
}

/// Any text as a `WWW-Authenticate` header.
pub fn www_authenticate(header: &str) {
    let _ = Challenge::parse(header);
}

/// Any text as an OpenAPI document: what is read of it has unique names, and no more of them than may be.
pub fn openapi_import(text: &str) {
    let Ok(document) = openapi::read(text, None) else {
        return;
    };
    let names: BTreeSet<&str> = document
        .operations
        .iter()
        .map(|operation| operation.tool.name.as_str())
        .collect();
    assert_eq!(names.len(), document.operations.len(), "names are unique");
    assert!(document.operations.len() <= openapi::MAX_OPERATIONS);
}

/// Any text as a provider's manifest.
pub fn manifest(text: &str) {
    let _ = read(text, Hosts::Public);
}
