//! See `bodies::www_authenticate`.
#![no_main]

#[allow(dead_code, reason = "the other targets use the rest")]
mod bodies;

libfuzzer_sys::fuzz_target!(|text: &str| bodies::www_authenticate(text));
