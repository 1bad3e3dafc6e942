use super::{super::veil::Veil, ping};
use crate::http::{self, Answer};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use wire::{Error, ErrorCode};

/// Headers that are part of what an API says: where the next page is, how much there is, what was made,
/// and which state of it this is. (Never `Set-Cookie` and the like.)
const SAID_IN_HEADERS: [&str; 7] = [
    "content-range",
    "etag",
    "last-modified",
    "link",
    "location",
    "x-next-page",
    "x-total-count",
];
/// Bytes of one of them; a longer one is left out.
const HEADER_BYTES: usize = 2048;
/// Where an answer that is no text says its status and headers.
const META: &str = "app.chief.integrations/http";

/// An HTTP answer in the shape of MCP's `CallToolResult`.
///
/// `content` holds text as text, images and sound as such, anything else as a resource with a base64 blob:
/// whole, since the limits are upstream. `structuredContent` holds `status`, `content_type`, `headers` (where
/// any of [`SAID_IN_HEADERS`] came) and `body`: JSON as such, other text as a string. Most clients show a
/// model `structuredContent` in the place of `content`, so an answer that is no text has none, and says the
/// same in `_meta`. 4xx and 5xx set `isError`, and so does a web page in an API's place, which is passed on
/// and marked `web_page`. `url` is the request's, without its query.
pub(super) fn shape(answer: &Answer, url: &str, veil: &Veil) -> Value {
    let content_type = answer
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .map(|value| veil.text(value.to_owned()));
    let media = content_type
        .as_deref()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let mut told = json!({ "status": answer.status, "content_type": content_type });
    let is_page = http::is_page(&answer.body);
    if is_page {
        told["web_page"] = true.into();
    }
    let headers = said_in_headers(&answer.headers, veil);
    if !headers.is_empty() {
        told["headers"] = headers.into();
    }
    if answer.status >= 400
        && let Some(seconds) = http::retry_after(&answer.headers)
    {
        told["retry_after_seconds"] = seconds.into();
    }
    let is_error = answer.status >= 400 || is_page;
    let Some(text) = text(answer, &media) else {
        let content = bytes(answer, (&media, url), veil);
        return json!({ "content": content, "isError": is_error, "_meta": { META: told } });
    };
    let content = if text.is_empty() {
        json!([])
    } else {
        let body = (is_json(&media) || media.is_empty()).then(|| serde_json::from_str(&text));
        let body = body.and_then(Result::ok);
        let text = veil.text(text);
        told["body"] = body.map_or_else(|| text.clone().into(), |body| veil.value(body));
        json!([{ "type": "text", "text": text }])
    };
    json!({ "content": content, "structuredContent": told, "isError": is_error })
}

/// The body as content, where it is no text.
fn bytes(answer: &Answer, (media, url): (&str, &str), veil: &Veil) -> Value {
    // Cutting a credential out of bytes would break them: such an answer is not passed on.
    if veil.is_in(&answer.body) {
        return json!([{ "type": "text", "text": "[binary answer withheld: it holds the credential]" }]);
    }
    let data = STANDARD.encode(&answer.body);
    match media.split('/').next() {
        Some(kind @ ("image" | "audio")) => {
            json!([{ "type": kind, "data": data, "mimeType": media }])
        }
        _ => {
            let mime = if media.is_empty() {
                "application/octet-stream"
            } else {
                media
            };
            json!([{ "type": "resource", "resource": { "uri": url, "mimeType": mime, "blob": data } }])
        }
    }
}

/// What an answer that [`shape`] passed on says of the API at `host`: that it is in trouble, that it
/// wants to be left alone, that it was no answer of an API; `ToolFailed` where it is only the request
/// that was wrong. `None`: it is as good as a ping.
pub(super) fn trouble(shaped: &Value, host: &str) -> Option<Error> {
    let told = shaped.get("structuredContent");
    let told = told.unwrap_or(&shaped["_meta"][META]);
    let status = u16::try_from(told["status"].as_u64()?).ok()?;
    let seconds = told["retry_after_seconds"].as_u64();
    match (status, seconds) {
        (403 | 429 | 503, Some(seconds)) => Some(
            Error::new(ErrorCode::RateLimited)
                .with("host", host)
                .with("seconds", seconds.to_string()),
        ),
        (407 | 429 | 500..=599, _) => http::classify(status, &http::HeaderMap::new(), host),
        _ if told["web_page"] == true => Some(ping::page_of(host)),
        (400.., _) => Some(
            Error::new(ErrorCode::ToolFailed)
                .with("tool", super::CALL)
                .with("why", format!("HTTP {status}")),
        ),
        _ => None,
    }
}

fn said_in_headers(headers: &http::HeaderMap, veil: &Veil) -> Map<String, Value> {
    let told = SAID_IN_HEADERS.into_iter().filter_map(|name| {
        let all: Result<Vec<_>, _> = headers.get_all(name).iter().map(|v| v.to_str()).collect();
        let all = all.ok()?.join(", ");
        let fits = !all.is_empty() && all.len() <= HEADER_BYTES;
        fits.then(|| (name.to_owned(), veil.text(all).into()))
    });
    told.collect()
}

/// The body as text, where it is text.
fn text(answer: &Answer, media: &str) -> Option<String> {
    let said_text = media.starts_with("text/")
        || is_json(media)
        || media.ends_with("+xml")
        || matches!(
            media,
            "application/xml"
                | "application/javascript"
                | "application/x-www-form-urlencoded"
                | "application/x-ndjson"
                | "application/yaml"
        );
    match std::str::from_utf8(&answer.body) {
        Ok(text) if said_text || media.is_empty() || text.is_empty() => Some(text.to_owned()),
        Err(_) if said_text => Some(String::from_utf8_lossy(&answer.body).into_owned()),
        Ok(_) | Err(_) => None,
    }
}

fn is_json(media: &str) -> bool {
    media == "application/json" || media.ends_with("+json")
}
