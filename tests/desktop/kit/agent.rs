//! An agent beside the window: the official TypeScript client as a process of its own.

use super::PATIENCE;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// A client at work. Its process ends when this is dropped.
pub struct Agent {
    _child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Agent {
    pub async fn start(url: &str, token: &str) -> Result<Self> {
        let peers = std::env::var_os("CHIEF_PEERS")
            .context("CHIEF_PEERS is not set: run `cargo xtask test desktop`")?;
        let mut child = Command::new("node")
            .arg("agent.mjs")
            .current_dir(peers)
            .env("SDK", "2")
            .env("URL", url)
            .env("TOKEN", token)
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
        };
        let facts = agent.said().await?;
        anyhow::ensure!(facts.get("refused").is_none(), "not let in: {facts}");
        Ok(agent)
    }

    /// The names of the tools it is listed.
    pub async fn tools(&mut self) -> Result<Vec<String>> {
        self.ask(&json!({ "list": true })).await?;
        let told = self.said().await?;
        let tools = told["ok"]["tools"].as_array();
        Ok(tools
            .with_context(|| told.to_string())?
            .iter()
            .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
            .collect())
    }

    /// Calls a tool; [`Self::result`] tells what came back.
    pub async fn begin(&mut self, name: &str, arguments: Value, thread: Value) -> Result<()> {
        let meta = json!({ "app.chief.integrations/thread": thread });
        self.ask(&json!({ "call": name, "arguments": arguments, "meta": meta }))
            .await
    }

    /// What came back of the call that was begun.
    pub async fn result(&mut self) -> Result<Value> {
        let mut told = self.said().await?;
        Ok(told["ok"].take())
    }

    async fn ask(&mut self, what: &Value) -> Result<()> {
        Ok(self.stdin.write_all(format!("{what}\n").as_bytes()).await?)
    }

    async fn said(&mut self) -> Result<Value> {
        let line = tokio::time::timeout(PATIENCE, self.stdout.next_line()).await??;
        Ok(serde_json::from_str(&line.context("the agent ended")?)?)
    }
}
