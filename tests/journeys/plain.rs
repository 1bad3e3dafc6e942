//! A call that needs no more than its answer is answered by the gateway itself (`gateway/plain.rs`), any
//! other by rmcp: an agent must not be able to tell which of them it was.

use crate::kit::{
    Home,
    agent::{call_of, raw, told},
    mcp::failure,
    scripted::{Scripted, Seen, json, text},
    targets,
};
use anyhow::{Result, ensure};
use axum::response::Response;
use serde_json::{Value, json as value};
use wire::Because;

/// A header that rmcp does not mind, and that makes the call no plain one.
const NOT_PLAIN: (&str, &str) = ("accept", "*/*");

#[tokio::test]
async fn an_answer_is_the_same_whoever_carries_the_call() -> Result<()> {
    let home = Home::new().await?;
    let server = Scripted::serve(|seen| async move { answer(&seen) }).await?;
    home.connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(value!({})).await?;
    let bearer = format!("Bearer {token}");
    for era in ["2025-03-26", "2025-11-25", "2026-07-28"] {
        for (tool, arguments) in [
            ("words", value!({})),
            ("table", value!({})),
            ("list", value!({})),
            ("list_said", value!({})),
            ("picture", value!({})),
            ("more", value!({})),
            ("failed", value!({})),
            ("refused", value!({})),
            ("broken", value!({})),
            ("words", value!({ "how_many": "three" })),
            ("nothing_like_it", value!({})),
        ] {
            let (headers, body) = request(era, &format!("keyed__{tool}"), &arguments);
            let mut headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            headers.push(("authorization", &bearer));
            let plain = raw(("POST", &door.url), &headers, &body).await?;
            headers.push(NOT_PLAIN);
            let carried = raw(("POST", &door.url), &headers, &body).await?;
            ensure!(
                plain.0 == carried.0 && told(&plain.1)? == told(&carried.1)?,
                "{era} {tool}: {plain:?} and by rmcp {carried:?}"
            );
            let id = &told(&plain.1)?["id"];
            ensure!(*id == body["id"], "{era} {tool}: {id}");
        }
    }
    // Both were calls: each left a row, those of a tool that is there reached it.
    let rows = home.record().await?;
    let rows = rows
        .iter()
        .filter(|row| matches!(row.because, Because::Task { .. }))
        .count();
    ensure!(rows == 3 * 11 * 2, "{rows} rows");
    let reached = server
        .seen()
        .iter()
        .filter(|seen| {
            let name = seen.json()["params"]["name"].clone();
            seen.json()["method"] == "tools/call" && name != "chief_integrations_asks_who_it_is"
        })
        .count();
    ensure!(reached == 3 * 9 * 2, "{reached} reached the server");
    Ok(())
}

/// The call as an agent of that version makes it.
fn request(version: &str, name: &str, arguments: &Value) -> (Vec<(&'static str, String)>, Value) {
    let mut body = call_of(name, arguments);
    let mut headers = vec![("mcp-protocol-version", version.to_owned())];
    if version == "2026-07-28" {
        headers.push(("mcp-method", "tools/call".to_owned()));
        headers.push(("mcp-name", name.to_owned()));
        body["params"]["_meta"] = value!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": { "name": "a test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    (headers, body)
}

/// A server of the older era with every kind of answer.
fn answer(seen: &Seen) -> Response {
    if seen.method != "POST" {
        return text(405, "");
    }
    let request = seen.json();
    let Some(id) = request.get("id").cloned() else {
        return text(202, "");
    };
    let words = |what: &str| value!([{ "type": "text", "text": what }]);
    let called = request["params"]["name"].as_str().unwrap_or_default();
    let result = match (request["method"].as_str().unwrap_or_default(), called) {
        ("initialize", _) => value!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "all", "version": "1" },
        }),
        ("ping", _) => value!({}),
        ("tools/list", _) => value!({ "tools": tools() }),
        ("tools/call", "words") => value!({ "content": words("said") }),
        ("tools/call", "table") => {
            value!({ "content": words("{\"a\":1}"), "structuredContent": { "a": 1 } })
        }
        ("tools/call", "list") => value!({ "content": [], "structuredContent": [1, 2] }),
        ("tools/call", "list_said") => {
            value!({ "content": words("[1,2]"), "structuredContent": [1, 2] })
        }
        ("tools/call", "picture") => value!({ "content": [
            { "type": "image", "data": "aGk=", "mimeType": "image/png" },
            { "type": "resource_link", "uri": "file:///a", "name": "a" },
        ] }),
        ("tools/call", "more") => {
            value!({ "content": words("said"), "_meta": { "acme/page": 2 }, "resultType": "complete" })
        }
        ("tools/call", "failed") => value!({ "content": words("no"), "isError": true }),
        ("tools/call", "refused") => return json(200, &failure(&id, -32602, "not like this")),
        ("tools/call", "broken") => return text(500, "oh"),
        _ => return json(200, &failure(&id, -32601, "method not found")),
    };
    json(
        200,
        &value!({ "jsonrpc": "2.0", "id": id, "result": result }),
    )
}

fn tools() -> Vec<Value> {
    [
        "words",
        "table",
        "list",
        "list_said",
        "picture",
        "more",
        "failed",
        "refused",
        "broken",
    ]
    .into_iter()
    .map(|name| {
        value!({
            "name": name, "description": name,
            "inputSchema": {
                "type": "object", "properties": { "how_many": { "type": "integer" } },
            },
            "annotations": { "readOnlyHint": true },
        })
    })
    .collect()
}
