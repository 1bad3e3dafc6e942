//! Any text as a deep link, and as an address for the browser: it ends in an answer, never in a panic,
//! and nothing but http(s) reaches the browser.
#![no_main]

use engine::links;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = links::link(text);
    let _ = links::callback_query(text);
    if let Ok(url) = links::for_browser(text) {
        assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    }
});
