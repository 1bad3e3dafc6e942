//! A small MCP server of the older era (2025-11-25), for scripted peers: two tools, one of which
//! waits until it is told to go on.

use super::scripted::{Seen, json, text};
use axum::response::Response;
use serde_json::{Value, json as value};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;

/// Answers one request of a client that shows any credential, and refuses the others. `go_on` ends
/// the tool `wait`.
pub async fn answer(seen: &Seen, go_on: &Arc<Notify>) -> Response {
    let shows = ["authorization", "x-api-key", "x-acme-key"];
    if seen.query.is_empty() && shows.iter().all(|name| seen.header(name).is_empty()) {
        return text(401, "who are you");
    }
    open(seen, go_on).await
}

/// The server, and what ends its tool `wait`.
pub async fn waiting() -> anyhow::Result<(super::scripted::Scripted, Arc<Notify>)> {
    let go_on = Arc::new(Notify::new());
    let script = go_on.clone();
    let server = super::scripted::Scripted::serve(move |seen| {
        let go_on = script.clone();
        async move { answer(&seen, &go_on).await }
    })
    .await?;
    Ok((server, go_on))
}

/// Answers anybody.
pub async fn open(seen: &Seen, go_on: &Arc<Notify>) -> Response {
    if seen.method != "POST" {
        // No stream of the server's own, no session to end.
        return text(405, "");
    }
    let request = seen.json();
    let Some(id) = request.get("id").cloned() else {
        return text(202, "");
    };
    let result = match request["method"].as_str().unwrap_or_default() {
        "initialize" => value!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "scripted", "title": "Scripted server", "version": "1.2.3" },
        }),
        "ping" => value!({}),
        "tools/list" => value!({ "tools": tools() }),
        "tools/call" => {
            let params = &request["params"];
            match params["name"].as_str().unwrap_or_default() {
                "greet" => said(&format!(
                    "Hello, {}!",
                    params["arguments"]["name"].as_str().unwrap_or("you")
                )),
                "wait" => {
                    go_on.notified().await;
                    said("waited")
                }
                _ => return json(200, &failure(&id, -32602, "no such tool")),
            }
        }
        _ => return json(200, &failure(&id, -32601, "method not found")),
    };
    json(
        200,
        &value!({ "jsonrpc": "2.0", "id": id, "result": result }),
    )
}

/// A server that lets everybody in until it is told to refuse.
pub async fn refusing() -> anyhow::Result<(super::scripted::Scripted, Arc<AtomicBool>)> {
    let refuses = Arc::new(AtomicBool::new(false));
    let script = refuses.clone();
    let server = super::scripted::Scripted::serve(move |seen| {
        let refuses = script.load(Ordering::Relaxed);
        async move {
            if refuses {
                text(401, "")
            } else {
                answer(&seen, &Arc::new(Notify::new())).await
            }
        }
    })
    .await?;
    Ok((server, refuses))
}

fn tools() -> Value {
    value!([
        {
            "name": "greet",
            "description": "Says hello.",
            "inputSchema": { "type": "object", "properties": { "name": { "type": "string" } } },
            "annotations": { "readOnlyHint": true },
        },
        { "name": "wait", "description": "Waits.", "inputSchema": { "type": "object" } },
    ])
}

fn said(what: &str) -> Value {
    value!({ "content": [{ "type": "text", "text": what }] })
}

/// A JSON-RPC error as an answer.
pub fn failure(id: &Value, code: i32, message: &str) -> Value {
    value!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}
