//! Agents: the official TypeScript clients as programs of their own, and plain HTTP for what no proper
//! client would send.

use super::Home;
use anyhow::{Context, Result, bail};
use gateway::Gateway;
use serde_json::{Value, json};
use std::{path::Path, process::Stdio, time::Instant};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};
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

/// A client at work.
pub struct Agent {
    _child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    /// What it told when it was connected: `server`, `protocol`; or `refused`.
    pub facts: Value,
}

impl Agent {
    pub async fn start(era: &str, url: &str, token: &str) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        anyhow::ensure!(
            folder.join("node_modules").is_dir(),
            "the clients’ packages are missing: run `cargo xtask test`, which sets them up"
        );
        let mut child = Command::new("node")
            .arg("agent.mjs")
            .current_dir(folder)
            .env("SDK", era)
            .env("URL", url)
            .env("TOKEN", token)
            .env("NODE_NO_WARNINGS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("Node is missing: run `cargo xtask test`, which sets it up")?;
        let stdin = child.stdin.take().context("stdin is piped")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut agent = Self {
            _child: child,
            stdin,
            stdout: BufReader::new(stdout).lines(),
            facts: Value::Null,
        };
        agent.facts = agent.line().await?;
        Ok(agent)
    }

    async fn line(&mut self) -> Result<Value> {
        let line = tokio::time::timeout(super::PATIENCE, self.stdout.next_line()).await??;
        Ok(serde_json::from_str(&line.context("the agent ended")?)?)
    }

    async fn ask(&mut self, what: &Value) -> Result<Value> {
        self.stdin.write_all(format!("{what}\n").as_bytes()).await?;
        self.line().await
    }

    /// The names of the tools it is listed.
    pub async fn tools(&mut self) -> Result<Vec<String>> {
        let told = self.ask(&json!({ "list": true })).await?;
        let tools = told["ok"]["tools"]
            .as_array()
            .with_context(|| told.to_string())?;
        Ok(tools
            .iter()
            .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
            .collect())
    }

    /// Calls a tool: the result, or the protocol's error.
    pub async fn call(&mut self, name: &str, arguments: Value) -> Result<Value> {
        self.call_for(name, arguments, Value::Null).await
    }

    /// The same with `_meta`.
    pub async fn call_for(&mut self, name: &str, arguments: Value, meta: Value) -> Result<Value> {
        let told = self
            .ask(&json!({ "call": name, "arguments": arguments, "meta": meta }))
            .await?;
        match told {
            Value::Object(mut told) if told.contains_key("ok") => {
                Ok(told.remove("ok").unwrap_or_default())
            }
            told => Ok(told),
        }
    }
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
