//! Agents: the official TypeScript clients as programs of their own, and plain HTTP for what no proper
//! client would send.

use super::Home;
use anyhow::{Context, Result, bail};
use gateway::Gateway;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use wire::{AgentView, GatewayView};

/// The two generations of clients: the older one shakes hands, the newer one needs no session.
pub const ERAS: [&str; 2] = ["1", "2"];

/// The Python client, by itself and told to be of the older era.
pub const PYTHONS: [&str; 2] = ["py", "py-older"];

/// Where `cargo xtask test` puts the packages of `tests/peers/requirements.txt`.
fn python_packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/python")
}

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
        Self::spawn(era, &[("URL", url), ("TOKEN", token)]).await
    }

    /// The same through the `chief` command. `more`: its further arguments.
    pub async fn bridged(era: &str, home: &Home, token: &str, more: &[&str]) -> Result<Self> {
        let args: Vec<&str> = ["mcp"].iter().chain(more).copied().collect();
        let command = json!({
            "command": chief_command()?,
            "args": args,
            "env": { "CHIEF_DATA": home.folder(), "CHIEF_AGENT_TOKEN": token },
        });
        Self::spawn(era, &[("COMMAND", &command.to_string())]).await
    }

    async fn spawn(era: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        anyhow::ensure!(
            folder.join("node_modules").is_dir(),
            "the clients’ packages are missing: run `cargo xtask test`, which sets them up"
        );
        let (program, script) = if era.starts_with("py") {
            ("python3", "agent.py")
        } else {
            ("node", "agent.mjs")
        };
        let mut child = Command::new(program)
            .arg(script)
            .current_dir(folder)
            .env("SDK", era)
            .env("MODE", if era == PYTHONS[1] { "legacy" } else { "auto" })
            .env("PYTHONPATH", python_packages())
            .envs(environment.iter().copied())
            .env("NODE_NO_WARNINGS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("Node or Python is missing: run `cargo xtask test`, which sets it up")?;
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

    /// Calls a tool and hears how far it is: the result and what was heard.
    pub async fn call_and_hear(&mut self, name: &str, arguments: Value) -> Result<(Value, Value)> {
        let told = self
            .ask(&json!({ "call": name, "arguments": arguments, "progress": true }))
            .await?;
        Ok((told["ok"].clone(), told["heard"].clone()))
    }

    /// Calls a tool and cancels after so many milliseconds: the error.
    pub async fn call_and_cancel(&mut self, name: &str, after_ms: u64) -> Result<Value> {
        self.ask(&json!({ "call": name, "abort": after_ms })).await
    }
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
