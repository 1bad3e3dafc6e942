//! Any text as a `WWW-Authenticate` header.
#![no_main]

use engine::oauth::Challenge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    let _ = Challenge::parse(header);
});
