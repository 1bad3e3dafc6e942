//! A call over HTTP that has one answer and nothing before it. It is answered here: the service that rmcp
//! sets up for each request costs more than everything else that a call does. What is read and written is
//! rmcp's own types. A request that is anything but such a call, whole and without fault, goes to rmcp,
//! which does what it asks or says what is wrong with it.

use crate::{Inside, seat::Asker, server::Server};
use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use rmcp::model::{
    JsonObject, ProtocolVersion, RequestId, RequestMetaObject, ServerJsonRpcMessage, ServerResult,
};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// The call, as it was read.
pub(crate) struct Plain {
    id: RequestId,
    name: String,
    arguments: JsonObject,
    meta: RequestMetaObject,
    era: Era,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Era {
    /// With `initialize`: up to 2025-11-25.
    Older,
    /// Every request says for itself what it needs: 2026-07-28.
    Newer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    jsonrpc: String,
    id: RequestId,
    method: String,
    params: Params,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    name: String,
    #[serde(default)]
    arguments: JsonObject,
    #[serde(default, rename = "_meta")]
    meta: RequestMetaObject,
}

impl Plain {
    /// `None`: it is rmcp's.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if only(headers, header::CONTENT_TYPE.as_str())? != "application/json" {
            return None;
        }
        let mut accepted = only(headers, header::ACCEPT.as_str())?.split(',');
        let mut both = [accepted.next()?.trim(), accepted.next()?.trim()];
        both.sort_unstable();
        if both != ["application/json", "text/event-stream"] || accepted.next().is_some() {
            return None;
        }
        let Message {
            jsonrpc,
            id,
            method,
            params,
        } = serde_json::from_slice(body).ok()?;
        let Params {
            name,
            arguments,
            meta,
        } = params;
        let is_call = jsonrpc == "2.0" && method == "tools/call";
        if !is_call || meta.get_progress_token().is_some() {
            return None;
        }
        let era = era(headers, &name, &meta)?;
        Some(Self {
            id,
            name,
            arguments,
            meta,
            era,
        })
    }

    /// Calls, and answers. Where the agent hangs up, this is dropped, and the call with it.
    pub async fn answer(self, inside: &Inside, asker: &Asker, headers: &HeaderMap) -> Response {
        let hung_up = CancellationToken::new();
        let whose = (asker.agent.id, asker.session.clone(), self.id.clone());
        let _listed = inside.running.add(whose, hung_up.clone());
        let server = Server::new(inside.clone(), None);
        let wanted = (self.name, self.arguments);
        let answer = server
            .call((asker, Some(headers)), wanted, &self.meta, hung_up.into())
            .await;
        let message = match Server::told(answer) {
            Ok(result) => {
                let mut result = ServerResult::CallToolResult(result);
                if self.era == Era::Older {
                    result.strip_result_type_for_legacy_peer();
                    result.strip_non_object_output_for_legacy_peer();
                }
                ServerJsonRpcMessage::response(result, self.id)
            }
            Err(error) => ServerJsonRpcMessage::error(error, Some(self.id)),
        };
        axum::Json(message).into_response()
    }
}

/// Which era the request is of, where its headers and its body say the same, as they must.
fn era(headers: &HeaderMap, name: &str, meta: &RequestMetaObject) -> Option<Era> {
    let version = only(headers, "mcp-protocol-version")?;
    let newer = ProtocolVersion::V_2026_07_28;
    if version == newer.as_str() {
        let says_so = meta.protocol_version().as_ref() == Some(&newer)
            && meta.missing_required_keys(&newer).is_empty()
            && only(headers, "mcp-method") == Some("tools/call")
            && only(headers, "mcp-name") == Some(name);
        return says_so.then_some(Era::Newer);
    }
    let known = ProtocolVersion::KNOWN_VERSIONS
        .iter()
        .any(|known| known.as_str() == version && known.has_initialize());
    (known && meta.protocol_version().is_none()).then_some(Era::Older)
}

/// The header's value, where there is exactly one.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use serde_json::{Value, json};

    type Headers = Vec<(&'static str, &'static str)>;

    fn read(told: &Headers, body: &Value) -> Option<Era> {
        let mut headers = HeaderMap::new();
        for (name, value) in told {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        Plain::read(&headers, body.to_string().as_bytes()).map(|plain| plain.era)
    }

    fn older() -> (Headers, Value) {
        let headers = vec![
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        let body = json!({
            "jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": { "name": "keyed__look", "arguments": { "a": 1 },
                "_meta": { "app.chief.integrations/task": "t" } },
        });
        (headers, body)
    }

    fn newer() -> (Headers, Value) {
        let (mut headers, mut body) = older();
        headers.pop();
        headers.extend([
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "keyed__look"),
        ]);
        body["params"]["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        (headers, body)
    }

    #[test]
    fn a_call_of_either_era_is_read() {
        let (headers, body) = older();
        assert_eq!(read(&headers, &body), Some(Era::Older));
        let (headers, body) = newer();
        assert_eq!(read(&headers, &body), Some(Era::Newer));
    }

    #[test]
    fn whatever_asks_for_more_or_has_a_fault_is_left_to_rmcp() {
        for whole in [older, newer] {
            let changed = |change: &dyn Fn(&mut Headers, &mut Value)| {
                let (mut headers, mut body) = whole();
                change(&mut headers, &mut body);
                read(&headers, &body)
            };
            assert!(changed(&|_, _| {}).is_some());
            let without = |name: &'static str| {
                changed(&|headers, _| headers.retain(|(header, _)| *header != name))
            };
            assert_eq!(without("content-type"), None);
            assert_eq!(without("accept"), None);
            assert_eq!(without("mcp-protocol-version"), None);
            for (name, value) in [
                ("content-type", "text/plain"),
                ("accept", "text/html"),
                ("mcp-protocol-version", "2025-06-18"),
                ("mcp-protocol-version", "2099-01-01"),
            ] {
                let twice = changed(&|headers, _| headers.push((name, value)));
                assert_eq!(twice, None, "a second {name}");
            }
            let instead = |name: &'static str, value: &'static str| {
                changed(&|headers, _| {
                    headers.retain(|(header, _)| *header != name);
                    headers.push((name, value));
                })
            };
            assert_eq!(instead("accept", "application/json"), None);
            assert_eq!(
                instead("accept", "application/json;q=0, text/event-stream"),
                None
            );
            assert_eq!(instead("mcp-protocol-version", "2099-01-01"), None);
            type Change = fn(&mut Value);
            let changes: [Change; 8] = [
                |body| body["params"]["_meta"]["progressToken"] = json!(1),
                |body| body["params"]["task"] = json!({}),
                |body| body["params"]["inputResponses"] = json!({}),
                |body| body["params"]["arguments"] = json!([1]),
                |body| body["method"] = json!("tools/list"),
                |body| body["jsonrpc"] = json!("1.0"),
                |body| body["id"] = json!(null),
                |body| *body = json!([body.clone()]),
            ];
            for (at, change) in changes.into_iter().enumerate() {
                assert_eq!(changed(&|_, body| change(body)), None, "change {at}");
            }
        }
    }

    #[test]
    fn a_newer_request_must_say_the_same_in_headers_and_body() {
        let (headers, body) = newer();
        for name in ["mcp-method", "mcp-name"] {
            let mut fewer = headers.clone();
            fewer.retain(|(header, _)| *header != name);
            assert_eq!(read(&fewer, &body), None, "no {name}");
            fewer.push((name, "other"));
            assert_eq!(read(&fewer, &body), None, "another {name}");
        }
        for key in ["protocolVersion", "clientCapabilities"] {
            let mut body = body.clone();
            if let Some(meta) = body["params"]["_meta"].as_object_mut() {
                meta.remove(&format!("io.modelcontextprotocol/{key}"));
            }
            assert_eq!(read(&headers, &body), None, "no {key}");
        }
        let (headers, mut body) = older();
        body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2025-11-25");
        assert_eq!(read(&headers, &body), None, "an older version in the body");
    }
}
