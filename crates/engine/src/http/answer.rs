//! Reading an answer: what its status means, and text that may be shown.

use super::failure::PROXY_ASKS;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use std::time::{Duration, SystemTime};
use wire::{Error, ErrorCode};

/// The longest wait that a server may ask for.
const LONGEST_WAIT_S: u64 = 24 * 3600;
/// What "too many requests" without a time means.
const USUAL_WAIT_S: u64 = 60;
/// Set where a server named no time for which to leave it alone.
pub(crate) const GUESSED: &str = "guessed";
/// Text from a server is cut here.
const SHOWN_CHARS: usize = 300;

/// What the status says went wrong; `None` for 2xx.
///
/// 401 `Rejected`, 403 `Forbidden`, 429 (and 403 or 503 with a time) `RateLimited`, other 5xx
/// `ServerError`, the rest `BadAnswer`. The time: see [`retry_after`].
#[must_use]
pub fn classify(status: u16, headers: &HeaderMap, host: &str) -> Option<Error> {
    let with_status = |code| {
        Error::new(code)
            .with("host", host)
            .with("status", status.to_string())
    };
    let wait = retry_after(headers);
    let limited = |seconds: u64| {
        Error::new(ErrorCode::RateLimited)
            .with("host", host)
            .with("seconds", seconds.to_string())
    };
    match (status, wait) {
        (200..=299, _) => None,
        (401, _) => Some(with_status(ErrorCode::Rejected)),
        (403 | 429 | 503, Some(wait)) => Some(limited(wait)),
        (403, None) => Some(match wanted_scope(headers) {
            Some(scope) => with_status(ErrorCode::Forbidden).with("scope", scope),
            None => with_status(ErrorCode::Forbidden),
        }),
        (429, None) => Some(limited(USUAL_WAIT_S).with(GUESSED, "yes")),
        // RFC 6585 section 6: said by what stands in between, never by the server itself.
        (511, _) => Some(
            Error::new(ErrorCode::Unreachable)
                .with("host", host)
                .with("why", "the network asks for a sign-in"),
        ),
        (500..=599, _) => Some(with_status(ErrorCode::ServerError)),
        (407, _) => Some(
            Error::new(ErrorCode::Unreachable)
                .with("host", host)
                .with("why", PROXY_ASKS),
        ),
        _ => Some(
            Error::new(ErrorCode::BadAnswer)
                .with("host", host)
                .with("why", format!("HTTP {status}")),
        ),
    }
}

/// The scopes that a refusal asks for (RFC 6750 section 3.1), separated by spaces.
fn wanted_scope(headers: &HeaderMap) -> Option<String> {
    let challenge = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let scopes = crate::oauth::Challenge::parse(challenge).scopes.join(" ");
    (!scopes.is_empty()).then(|| inert(&scopes))
}

/// Seconds to wait, at most a day: `Retry-After` in both forms (RFC 9110 section 10.2.3); without it,
/// where no request is left, until there are more (docs.github.com, "Rate limits for the REST API",
/// which tells it with 403, too). Times are taken against the server's own `Date`, so that a wrong
/// clock here does not matter.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let either = |name: &str| text(&format!("x-{name}")).or_else(|| text(name));
    let until = |at: SystemTime| {
        let now = text(DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok());
        let now = now.unwrap_or_else(SystemTime::now);
        at.duration_since(now).unwrap_or_default().as_secs()
    };
    let asked = text(RETRY_AFTER.as_str()).and_then(|text| {
        let seconds = text.parse().ok();
        seconds.or_else(|| httpdate::parse_http_date(text).ok().map(until))
    });
    let seconds = asked.or_else(|| {
        if either("ratelimit-remaining") != Some("0") {
            return None;
        }
        let reset = either("ratelimit-reset").and_then(|reset| reset.parse().ok());
        let seconds = reset.map(|reset| match reset {
            // A moment, in Unix seconds; what is less counts from now.
            1_000_000_000.. => until(SystemTime::UNIX_EPOCH + Duration::from_secs(reset)),
            _ => reset,
        });
        // What lies further off was told in some other unit.
        let seconds = seconds.filter(|seconds| *seconds <= LONGEST_WAIT_S);
        Some(seconds.unwrap_or(USUAL_WAIT_S))
    })?;
    Some(seconds.min(LONGEST_WAIT_S))
}

/// True of a whole web page; a piece of HTML may well be what an API gives.
pub(crate) fn is_page(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    ["<!doctype html", "<html"].iter().any(|tag| {
        start
            .get(..tag.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(tag.as_bytes()))
    })
}

/// Text from elsewhere as it may be shown: one line, at most 300 characters, without control,
/// direction, zero-width and tag characters.
#[must_use]
pub fn inert(text: &str) -> String {
    let seen: String = text
        .chars()
        .take(16 * SHOWN_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !is_invisible(*c))
        .collect();
    let words: Vec<&str> = seen.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= SHOWN_CHARS {
        return line;
    }
    let cut: String = line.chars().take(SHOWN_CHARS - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Characters that hide, reorder or smuggle text.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}')
}

#[cfg(test)]
mod tests;
