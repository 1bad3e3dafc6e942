//! Any text as an OpenAPI document: what is read of it has unique names, and each tool's schema is one
//! that stands by itself.
#![no_main]

use engine::connectors::openapi;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;

fuzz_target!(|text: &str| {
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
});
