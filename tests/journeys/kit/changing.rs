//! An MCP server of the older era whose tools a journey changes while it runs. `wait` never answers.

use super::scripted::{Scripted, Seen, content, json, text};
use anyhow::Result;
use axum::response::Response;
use serde_json::{Value, json as value};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU16, Ordering},
};

/// The running server.
pub struct Changing {
    pub server: Scripted,
    tools: Arc<Mutex<Vec<Value>>>,
    /// The HTTP status that everything gets; 0: proper answers.
    trouble: Arc<AtomicU16>,
}

impl Changing {
    pub async fn serve(tools: Vec<Value>) -> Result<Self> {
        let tools = Arc::new(Mutex::new(tools));
        let trouble = Arc::new(AtomicU16::new(0));
        let (told, troubled) = (tools.clone(), trouble.clone());
        let server = Scripted::serve(move |seen| {
            let tools = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let trouble = troubled.load(Ordering::Relaxed);
            async move {
                if trouble > 0 {
                    return text(trouble, "");
                }
                if seen.json()["params"]["name"] == "wait" {
                    std::future::pending::<()>().await;
                }
                answer(&seen, tools)
            }
        })
        .await?;
        Ok(Self {
            server,
            tools,
            trouble,
        })
    }

    /// From now on it tells these.
    pub fn tell(&self, tools: Vec<Value>) {
        *self.tools.lock().unwrap_or_else(PoisonError::into_inner) = tools;
    }

    /// From now on everything gets this HTTP status; 0: proper answers again.
    pub fn trouble(&self, status: u16) {
        self.trouble.store(status, Ordering::Relaxed);
    }

    /// The tool calls that have arrived: their parameters, oldest first. Without the one of no tool, by
    /// which the app finds out at connecting whether anybody may call.
    pub fn calls(&self) -> Vec<Value> {
        let mut calls = self.asked("tools/call");
        calls.retain(|call| call["name"] != "chief_integrations_asks_who_it_is");
        calls
    }

    /// The parameters of every request of one method.
    pub fn asked(&self, method: &str) -> Vec<Value> {
        let seen = self.server.seen();
        let requests = seen.iter().map(Seen::json);
        requests
            .filter(|request| request["method"] == method)
            .map(|request| request["params"].clone())
            .collect()
    }
}

/// A tool without arguments.
pub fn tool(name: &str, description: &str) -> Value {
    value!({ "name": name, "description": description, "inputSchema": { "type": "object" } })
}

fn answer(seen: &Seen, tools: Vec<Value>) -> Response {
    if seen.method != "POST" {
        return text(405, "");
    }
    let request = seen.json();
    let Some(id) = request.get("id").cloned() else {
        return text(202, "");
    };
    let result = match request["method"].as_str().unwrap_or_default() {
        "initialize" => value!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": { "listChanged": true } },
            "serverInfo": { "name": "changing", "version": "1" },
        }),
        "ping" => value!({}),
        "tools/list" => value!({ "tools": tools }),
        "tools/call" if request["params"]["name"] == "shift" => return shifted(&id),
        "tools/call" => {
            value!({ "content": [{ "type": "text", "text": request["params"]["name"] }] })
        }
        _ => {
            let error = value!({ "code": -32601, "message": "method not found" });
            return json(200, &value!({ "jsonrpc": "2.0", "id": id, "error": error }));
        }
    };
    json(
        200,
        &value!({ "jsonrpc": "2.0", "id": id, "result": result }),
    )
}

/// A result that the news of changed tools goes before.
fn shifted(id: &Value) -> Response {
    let news = value!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
    let result = value!({ "content": [{ "type": "text", "text": "shifted" }] });
    let result = value!({ "jsonrpc": "2.0", "id": id, "result": result });
    let stream = format!("event: message\ndata: {news}\n\nevent: message\ndata: {result}\n\n");
    content(200, "text/event-stream", stream)
}
