//! Signing in at somebody else's authorization server, as a public native client.
//!
//! Owns: discovery, registration, the way to the browser and back, tokens and their end. Must not
//! know: where a credential is kept, what it is used for, or which page is open. Everything it
//! sends goes through [`crate::http`]; nothing here logs.

mod authorize;
mod callback;
mod challenge;
mod device;
mod discovery;
mod loopback;
mod manner;
mod pages;
mod registration;
mod revoke;
mod token;
mod waiting;

pub use authorize::{Flow, authorize, authorize_as};
pub use callback::Callback;
pub use challenge::Challenge;
pub use device::{DeviceCode, Polled, ask_device_code, poll};
pub(crate) use discovery::other_spelling;
pub(crate) use discovery::tells_of_a_sign_in;
pub use discovery::{Discovered, discover, discover_issuer};
pub use loopback::{Answered, LetterBox, Loopback};
pub use manner::Manner;
pub use registration::{Client, register, unregister};
pub use revoke::revoke;
pub use token::{RefreshError, exchange, refresh};
pub(crate) use waiting::{ClientOut, FlowOut, WaitingClient, WaitingFlow};

use crate::http;

/// What an authorization server says about an error, as it may be shown: inert, and without any of
/// the secrets that were just sent to it or anything that looks like one.
fn said(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "…");
    }
    let words: Vec<String> = http::inert(&text).split(' ').map(without_token).collect();
    words.join(" ")
}

/// The word with every run that looks like a token (20 or more of its characters, with a digit, and
/// not the path of a URL) cut out.
fn without_token(word: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.~+=%".contains(c);
    let mut shown = String::new();
    let mut run = String::new();
    let close = |run: &mut String, shown: &mut String| {
        let looks_secret = run.len() >= 20 && run.chars().any(|c| c.is_ascii_digit());
        shown.push_str(if looks_secret { "…" } else { run });
        run.clear();
    };
    for c in word.chars() {
        if is_part(c) {
            run.push(c);
        } else {
            close(&mut run, &mut shown);
            shown.push(c);
        }
    }
    close(&mut run, &mut shown);
    shown
}

#[cfg(test)]
mod tests;
