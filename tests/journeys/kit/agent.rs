//! Agents at this home's gateway, and plain HTTP for what no proper client would send.

pub use super::client::{Agent, PYTHONS};

use super::Home;
use anyhow::{Context, Result, bail};
use gateway::Gateway;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Instant};
use wire::{AgentView, GatewayView};

/// The two generations of clients: the older one shakes hands, the newer one needs no session.
pub const ERAS: [&str; 2] = ["1", "2"];

/// The gateway of this home, at a port of its own.
pub struct Door {
    pub url: String,
    _gateway: Gateway,
}

impl Home {
    /// Opens the gateway and waits until it listens.
    pub async fn open_door(&self) -> Result<Door> {
        let gateway = Gateway::start(self.engine.clone(), 0);
        let began = Instant::now();
        loop {
            let view = self.ask::<wire::ListAgents>(json!({})).await?;
            if let GatewayView::Open { url } = view.gateway {
                return Ok(Door {
                    url,
                    _gateway: gateway,
                });
            }
            super::tick(began, "the gateway").await?;
        }
    }

    /// Pairs an agent. `more`: what differs from one that may do everything.
    pub async fn pair(&self, more: Value) -> Result<(AgentView, String)> {
        let mut ask =
            json!({ "name": "Chief", "integrations": null, "read_only": false, "days": null });
        for (key, value) in more.as_object().into_iter().flatten() {
            ask[key] = value.clone();
        }
        let paired = self.ask::<wire::PairAgent>(ask).await?;
        Ok((paired.agent, paired.token))
    }
}

impl Agent {
    /// The same through the `chief` command. `more`: its further arguments.
    pub async fn bridged(era: &str, home: &Home, token: &str, more: &[&str]) -> Result<Self> {
        let command = bridge(home, token, more)?;
        Self::spawn(era, &[("COMMAND", &command)]).await
    }
}

/// How an agent's client starts the `chief` command, as its `COMMAND` says it.
pub fn bridge(home: &Home, token: &str, more: &[&str]) -> Result<String> {
    let args: Vec<&str> = ["mcp"].iter().chain(more).copied().collect();
    let command = json!({
        "command": chief_command()?,
        "args": args,
        "env": { "CHIEF_DATA": home.folder(), "CHIEF_AGENT_TOKEN": token },
    });
    Ok(command.to_string())
}

/// The `chief` command, as cargo builds it.
pub fn chief_command() -> Result<PathBuf> {
    let ours = std::env::current_exe()?;
    let name = format!("chief{}", std::env::consts::EXE_SUFFIX);
    // target/debug/deps/journeys-…
    let built = ours.ancestors().nth(2).map(|folder| folder.join(name));
    built.filter(|path| path.is_file()).context(
        "the chief command is missing: run `cargo build --bin chief`, as `cargo xtask test` does",
    )
}

/// A request as no client makes it. Returns the status and the body.
pub async fn raw(
    (method, url): (&str, &str),
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<(u16, String)> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut request = client
        .request(method.parse()?, url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_string()).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// A call as the older era writes it.
pub fn call_of(name: &str, arguments: &Value) -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": name, "arguments": arguments },
    })
}

/// What an answer of [`raw`] holds, whichever form it came in.
pub fn told(body: &str) -> Result<Value> {
    let json = body
        .lines()
        .find_map(|line| line.strip_prefix("data:"))
        .unwrap_or(body);
    match serde_json::from_str(json.trim()) {
        Ok(value) => Ok(value),
        Err(_) => bail!("not an answer: {body}"),
    }
}
