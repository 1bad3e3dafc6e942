//! Agents: the official TypeScript and Python clients as programs of their own.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// The Python client, by itself and told to be of the older era.
pub const PYTHONS: [&str; 2] = ["py", "py-older"];

/// Where `cargo xtask test` puts the packages of `tests/peers/requirements.txt`.
fn python_packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/python")
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

    /// `environment`: `URL` and `TOKEN`, or `COMMAND`.
    pub async fn spawn(era: &str, environment: &[(&str, &str)]) -> Result<Self> {
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

    /// How often it was told that the tools have changed, once that is so often; it listens, where it was
    /// started with `NEWS`.
    pub async fn news(&mut self, often: u64) -> Result<u64> {
        let told = self.ask(&json!({ "news": often })).await?;
        told["ok"].as_u64().with_context(|| told.to_string())
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
