//! Any text as a provider's manifest.
#![no_main]

use engine::providers::{Hosts, read::read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = read(text, Hosts::Public);
});
