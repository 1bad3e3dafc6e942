//! Real servers for the tests: the programs in `tests/peers`, each started for one test and ended
//! with it.
//!
//! A missing server is an error that says how to get it, never a skip.

pub mod sign_in;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};
use url::Url;

/// The first start reads hundreds of files; two cores may be busy with a build.
const START_WITHIN: Duration = Duration::from_secs(60);

/// One running server. Dropping it ends the process; should this process be killed first, the
/// server sees its stdin close and ends by itself.
pub struct Peer {
    /// Where it is: the MCP endpoint, the issuer, or the API's base.
    pub url: String,
    /// Everything it said when it was ready (see the head of its script).
    pub facts: Value,
    _child: Child,
}

impl Peer {
    /// Starts `tests/peers/{name}.mjs` and waits until it answers.
    ///
    /// # Errors
    /// Where Node or the packages are missing (the message says what to run), or it does not start
    /// within a minute (the message holds what it said on stderr).
    pub async fn start(name: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let folder = folder()?;
        let script = format!("{name}.mjs");
        if !folder.join(&script).is_file() {
            bail!(
                "there is no test server called {name} in {}",
                folder.display()
            );
        }
        let mut child = Command::new("node")
            .arg(&script)
            .current_dir(&folder)
            .env("PORT", "0")
            .env("NODE_NO_WARNINGS", "1")
            .env_remove("http_proxy")
            .env_remove("HTTP_PROXY")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("Node is missing: run `cargo xtask test`, which sets it up")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut stderr = child.stderr.take().context("stderr is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(START_WITHIN, lines.next_line()).await;
        let Ok(Ok(Some(line))) = first else {
            let _ = child.kill().await;
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said).await;
            return Err(anyhow!(
                "the test server {name} did not start: {first:?}; it said:\n{said}"
            ));
        };
        // A full pipe would stop it: its talk is read until it ends, and shown with RUST_LOG=peers.
        let who = name.to_owned();
        tokio::spawn(async move {
            let mut talk = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = talk.next_line().await {
                tracing::debug!(target: "peers", "{who}: {line}");
            }
        });
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let facts: Value =
            serde_json::from_str(&line).with_context(|| format!("{name} said: {line}"))?;
        let url = facts["url"]
            .as_str()
            .with_context(|| format!("{name} told no url: {line}"))?
            .to_owned();
        Ok(Self {
            url,
            facts,
            _child: child,
        })
    }

    /// One of the facts it told, as text.
    ///
    /// # Errors
    /// Where it told no such fact.
    pub fn fact(&self, name: &str) -> Result<&str> {
        self.facts[name]
            .as_str()
            .with_context(|| format!("the server told no {name}: {}", self.facts))
    }

    /// Asks one of its test endpoints, such as `/test/log` or `/test/fail?path=/token&mode=html`.
    ///
    /// # Errors
    /// Where it does not answer JSON.
    pub async fn control(&self, path: &str) -> Result<Value> {
        let base = self.facts["control"].as_str().unwrap_or(&self.url);
        let url = Url::parse(base)?.join(path)?;
        let answer = reqwest::Client::builder()
            .no_proxy()
            .build()?
            .post(url.clone())
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{url} answered {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("{url} answered {text}"))
    }
}

/// `tests/peers`, with its packages in place.
fn folder() -> Result<PathBuf> {
    let folder = std::env::var_os("CHIEF_PEERS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"),
        PathBuf::from,
    );
    if !folder.join("node_modules").is_dir() {
        bail!(
            "the test servers’ packages are missing in {}: run `cargo xtask test`, which sets them up",
            folder.display()
        );
    }
    Ok(folder)
}

#[cfg(test)]
mod tests;
