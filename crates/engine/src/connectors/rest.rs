//! A custom HTTP API: one tool, `call(method, path, query, body)`, under one base URL.
//!
//! Owns: where under the base URL a call may go, and the shape of its answer. Must not know: what
//! the API is for.

mod answer;
mod ping;
pub(super) mod target;

use super::{Pong, Tool, call_late, sent, sent::Sent, shown};
use crate::{
    connect::way,
    http::{self, Http, Limits, Outgoing, Reach, Redirects, host},
    vault::Credential,
};
use ::http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use url::Url;
use wire::{Error, ErrorCode};

/// The one tool.
const CALL: &str = "call";
/// Seconds for one call.
const CALL_SECONDS: u64 = 120;

/// One HTTP API.
pub struct Rest {
    http: Http,
    reach: Reach,
    base: Url,
    ping: ping::Ping,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    query: serde_json::Map<String, Value>,
    #[serde(default)]
    body: Option<Value>,
}

impl Rest {
    /// Errors: `FieldInvalid` where the health path does not stay under the base URL.
    pub(super) fn new(
        http: Http,
        reach: Reach,
        base: Url,
        (health_path, told): (&str, Option<&way::Ping>),
    ) -> Result<Self, Error> {
        Ok(Self {
            ping: ping::Ping::new(&base, health_path, told)?,
            http,
            reach,
            base,
        })
    }

    pub(super) fn ping_in_words(&self) -> String {
        self.ping.in_words()
    }

    pub(super) async fn ping(&self, credential: &Credential) -> Result<Pong, Error> {
        let veil = sent::veil(credential);
        let answer = self
            .send(credential, self.ping.request())
            .await
            .map_err(|error| veil.error(error))?;
        if let Some(error) = self.ping.trouble(&answer) {
            return Err(veil.error(error));
        }
        Ok(Pong {
            tried: self.ping_in_words(),
            answer: format!("HTTP {}", answer.status),
            took_ms: answer.took_ms,
            protocol: None,
            server: None,
            ends_at: ends_at(&answer.headers),
            name: None,
        })
    }

    pub(super) fn list_tools(&self) -> Vec<Tool> {
        let told = json!({
            "name": CALL,
            "title": "Call the API",
            "description": format!(
                "Sends one HTTP request to {} and returns its answer. The credential is added by the app: \
                 never put one into the arguments.",
                shown(&self.base)
            ),
            "inputSchema": {
                "type": "object",
                "properties": {
                    "method": { "type": "string", "enum": METHODS, "description": "HTTP method. GET and HEAD only read." },
                    "path": { "type": "string", "description": "Path under the base URL, such as /users/42." },
                    "query": {
                        "type": "object",
                        "description": "Query parameters. A list repeats its parameter.",
                        "additionalProperties": {
                            "anyOf": [
                                { "type": ["string", "number", "boolean"] },
                                { "type": "array", "items": { "type": ["string", "number", "boolean"] } }
                            ]
                        }
                    },
                    "body": { "description": "Sent as JSON; a string is sent as it is, as text/plain." }
                },
                "required": ["method", "path"],
                "additionalProperties": false
            },
            // DELETE is among the methods, so the tool as a whole may destroy.
            "annotations": { "readOnlyHint": false, "destructiveHint": true, "openWorldHint": true }
        });
        vec![Tool::read(&told, &host(&self.base)).expect("the tool above is within its limits")]
    }

    pub(super) async fn call(
        &self,
        credential: &Credential,
        tool: &str,
        arguments: Value,
        cancel: CancellationToken,
    ) -> Result<Value, Error> {
        if tool != CALL {
            return Err(Error::new(ErrorCode::ToolUnknown)
                .with("integration", host(&self.base))
                .with("tool", http::inert(tool)));
        }
        let (request, path) = self.request(credential, arguments)?;
        self.exchange(credential, (request, &path), cancel).await
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn host(&self) -> String {
        host(&self.base)
    }

    /// What an answer that was passed on to the caller says of this API.
    pub(super) fn trouble(&self, answer: &Value) -> Option<Error> {
        answer::trouble(answer, &self.host())
    }

    /// Sends one call and shapes its answer. `url`: the request's, as it is shown without its query.
    pub(super) async fn exchange(
        &self,
        credential: &Credential,
        (request, url): (Outgoing, &Url),
        cancel: CancellationToken,
    ) -> Result<Value, Error> {
        let veil = sent::veil(credential);
        let within = Duration::from_secs(request.limits.seconds);
        let answer = tokio::select! {
            // In this order: the door's own limit is the same, and means that the host is silent.
            biased;
            () = cancel.cancelled() => {
                return Err(Error::new(ErrorCode::CallCancelled).with("host", host(&self.base)));
            }
            () = tokio::time::sleep(within) => return Err(call_late(&self.host(), within)),
            answer = self.send(credential, request) => answer.map_err(|error| veil.error(error))?,
        };
        // A refused credential, or a scope that it lacks, is the integration's trouble; everything
        // else is the answer.
        if let Some(error) = self.ping.refusal(&answer) {
            return Err(veil.error(error));
        }
        Ok(answer::shape(&answer, &shown(url), &veil))
    }

    fn request(&self, credential: &Credential, arguments: Value) -> Result<(Outgoing, Url), Error> {
        let invalid = |why: String| {
            Error::new(ErrorCode::ArgumentsInvalid)
                .with("tool", CALL)
                .with("why", http::inert(&why))
        };
        let arguments: Arguments =
            serde_json::from_value(arguments).map_err(|error| invalid(error.to_string()))?;
        let method = METHODS
            .into_iter()
            .find(|method| method.eq_ignore_ascii_case(&arguments.method))
            .and_then(|method| Method::from_bytes(method.as_bytes()).ok())
            .ok_or_else(|| invalid(format!("the method is none of {}", METHODS.join(", "))))?;
        let mut url =
            target::under(&self.base, &arguments.path).map_err(|why| invalid(why.to_owned()))?;
        for (name, value) in &arguments.query {
            let values = target::values(value)
                .ok_or_else(|| invalid(format!("the query parameter {name} is not text")))?;
            for value in values {
                url.query_pairs_mut().append_pair(name, &value);
            }
        }
        if let Credential::Query { name, .. } = credential
            && url.query_pairs().any(|(found, _)| found == name.as_str())
        {
            return Err(invalid(format!(
                "the query parameter {name} is the credential’s own"
            )));
        }
        let path = url.clone();
        let (mut headers, mut body) = (HeaderMap::new(), None);
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/json, text/*;q=0.9, */*;q=0.5"),
        );
        if let Some(sent) = arguments.body.filter(|body| !body.is_null()) {
            if matches!(method, Method::GET | Method::HEAD) {
                return Err(invalid(format!("{method} has no body")));
            }
            let (kind, bytes) = match sent {
                Value::String(text) => ("text/plain; charset=utf-8", text.into_bytes()),
                json @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_)) => ("application/json", json.to_string().into_bytes()),
            };
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            body = Some(bytes);
        }
        let limits = Limits {
            seconds: CALL_SECONDS,
            ..Limits::default()
        };
        Ok((
            Outgoing {
                method,
                headers,
                body,
                limits,
                ..Outgoing::get(url)
            },
            path,
        ))
    }

    /// With the credential, and redirects only where they stay on the origin and change nothing.
    async fn send(
        &self,
        credential: &Credential,
        mut request: Outgoing,
    ) -> Result<http::Answer, Error> {
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        // Where the key is in the query, a redirect's own address would drop or repeat it.
        let follows = reads && !matches!(credential, Credential::Query { .. });
        request.redirects = if follows {
            Redirects::SameOrigin
        } else {
            Redirects::Refuse
        };
        Sent::of(credential)?.put(&mut request.url, &mut request.headers)?;
        self.http.send(request, &self.reach).await
    }
}

/// When GitHub ends the token that was sent: `2026-12-31 08:15:30 UTC`, or with an offset in place of
/// `UTC` (docs.github.com, "Managing your personal access tokens", "Token expiration").
fn ends_at(headers: &HeaderMap) -> Option<wire::Time> {
    let text = headers
        .get("github-authentication-token-expiration")?
        .to_str()
        .ok()?;
    let text = text.trim().replace("UTC", "+0000");
    chrono::DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S %z")
        .ok()
        .map(|at| wire::Time(at.timestamp_millis()))
}

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

#[cfg(test)]
mod tests;
