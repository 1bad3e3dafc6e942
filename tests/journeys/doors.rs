//! Both doors lead to the same: agents of either era, by HTTP and by the `chief` command, at servers of
//! either era.

use crate::kit::{
    Home,
    agent::{Agent, Door, ERAS, PYTHONS, chief_command, raw, told},
    targets, text_of, tick,
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::{Value, json};
use std::{process::Stdio, time::Instant};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use wire::{Because, Outcome, RowKind};

/// A home with a server of each era, and both doors open.
struct Between {
    home: Home,
    door: Door,
    token: String,
    servers: [(&'static str, Peer); 2],
}

impl Between {
    async fn open() -> Result<Self> {
        let servers = [
            ("old", Peer::start("mcp-older", &[]).await?),
            (
                "new",
                Peer::start("mcp-modern", &[("LEGACY", "reject")]).await?,
            ),
        ];
        let home = Home::new().await?;
        for (name, server) in &servers {
            let target = json!({
                "kind": "mcp", "name": name, "url": server.url, "auth": { "auth": "discover" },
            });
            home.connect(target).await?;
        }
        let door = home.open_door().await?;
        let (_, token) = home.pair(json!({})).await?;
        Ok(Self {
            home,
            door,
            token,
            servers,
        })
    }

    /// list, call, error, progress and cancel, at both servers.
    async fn four_cells(&self, era: &str, mut agent: Agent) -> Result<()> {
        let tools = agent.tools().await?;
        for (name, server) in &self.servers {
            let cell = format!("an agent of era {era} at the {name} server");
            let tool = |tool: &str| format!("{name}__{tool}");
            assert!(tools.contains(&tool("greet")), "{cell}: {tools:?}");
            let greeted = agent.call(&tool("greet"), json!({ "name": "Ada" })).await?;
            assert_eq!(text_of(&greeted), "Hello, Ada!", "{cell}: {greeted}");
            let failed = agent.call(&tool("fail"), json!({})).await?;
            assert_eq!(failed["isError"], true, "{cell}: {failed}");
            assert_eq!(text_of(&failed), "it failed, as it should", "{cell}");
            let unknown = agent.call(&tool("nothing"), json!({})).await?;
            assert_eq!(unknown["code"], -32602, "{cell}: {unknown}");

            let (counted, heard) = agent
                .call_and_hear(&tool("count"), json!({ "steps": 3 }))
                .await?;
            assert_eq!(text_of(&counted), "counted to 3", "{cell}: {counted}");
            let steps: Vec<_> = heard.as_array().into_iter().flatten().cloned().collect();
            let expected: Vec<_> = (1..=3)
                .map(|n| json!({ "progress": n, "total": 3, "message": format!("step {n}") }))
                .collect();
            assert_eq!(steps, expected, "{cell}");

            let before = server.control("/test/state").await?["cancelled"].clone();
            let cancelled = agent.call_and_cancel(&tool("wait"), 300).await?;
            assert!(cancelled["error"].is_string(), "{cell}: {cancelled}");
            let began = Instant::now();
            while server.control("/test/state").await?["cancelled"] == before {
                tick(began, &format!("{cell}: the cancellation to arrive")).await?;
            }
            let began = Instant::now();
            loop {
                let rows = self
                    .home
                    .rows_of(RowKind::Call, &format!("{name}.wait"))
                    .await?;
                if rows
                    .first()
                    .is_some_and(|row| row.outcome == Outcome::Failed)
                {
                    let code = rows[0].error.as_ref().map(|error| error.code);
                    assert_eq!(code, Some(wire::ErrorCode::CallCancelled), "{cell}");
                    break;
                }
                tick(began, &format!("{cell}: the row of a cancelled call")).await?;
            }
            // The connection goes on.
            let greeted = agent.call(&tool("greet"), json!({ "name": "Bob" })).await?;
            assert_eq!(text_of(&greeted), "Hello, Bob!", "{cell}: {greeted}");
        }
        Ok(())
    }
}

#[tokio::test]
async fn by_http_every_agent_hears_and_cancels_at_every_server() -> Result<()> {
    let between = Between::open().await?;
    for era in ERAS {
        let agent = Agent::start(era, &between.door.url, &between.token).await?;
        between.four_cells(era, agent).await?;
    }
    Ok(())
}

#[tokio::test]
async fn by_stdio_every_agent_hears_and_cancels_at_every_server() -> Result<()> {
    let between = Between::open().await?;
    for era in ERAS {
        let agent = Agent::bridged(era, &between.home, &between.token, &[]).await?;
        between.four_cells(era, agent).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_python_client_lists_and_calls_through_both_doors() -> Result<()> {
    let between = Between::open().await?;
    for era in PYTHONS {
        let by_http = Agent::start(era, &between.door.url, &between.token).await?;
        let by_stdio = Agent::bridged(era, &between.home, &between.token, &[]).await?;
        for mut agent in [by_http, by_stdio] {
            assert_eq!(
                agent.facts["server"]["name"], "Chief",
                "{era}: {}",
                agent.facts
            );
            let tools = agent.tools().await?;
            for name in ["old", "new"] {
                assert!(
                    tools.contains(&format!("{name}__greet")),
                    "{era}: {tools:?}"
                );
                let tool = format!("{name}__greet");
                let greeted = agent.call(&tool, json!({ "name": "Ada" })).await?;
                assert_eq!(text_of(&greeted), "Hello, Ada!", "{era}: {greeted}");
            }
            let unknown = agent.call("old__nothing", json!({})).await?;
            assert_eq!(unknown["code"], -32602, "{era}: {unknown}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_inspector_lists_and_calls_through_both_doors() -> Result<()> {
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let header = format!("Authorization: Bearer {token}");
    let [folder, agent] = [
        format!("CHIEF_DATA={}", home.folder().display()),
        format!("CHIEF_AGENT_TOKEN={token}"),
    ];
    let command = chief_command()?.display().to_string();
    let doors = [
        vec![
            door.url.as_str(),
            "--transport",
            "http",
            "--header",
            &header,
        ],
        vec![command.as_str(), "mcp", "-e", &folder, "-e", &agent],
    ];
    for door in doors {
        let ask = async |more: &[&str]| -> Result<Value> {
            let script =
                "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
            let output = Command::new("node")
                .arg(script)
                .arg("--cli")
                .args(&door)
                .args(more)
                .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))
                .env("HOME", home.folder())
                .output()
                .await?;
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            serde_json::from_str(&said).with_context(|| format!("{said}\n{why}"))
        };
        let listed = ask(&["--method", "tools/list"]).await?;
        let tools = listed["tools"].as_array().context("a list")?;
        let of_the_sample = tools
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .filter(|name| name.starts_with("sample__"));
        assert_eq!(of_the_sample.count(), 6, "{listed}");
        let arguments = [
            "--method",
            "tools/call",
            "--tool-name",
            "sample__echo",
            "--tool-arg",
            "text=hello",
        ];
        let called = ask(&arguments).await?;
        assert_eq!(text_of(&called), "hello", "{called}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_server_asks_of_a_person_or_a_model_is_refused_in_words() -> Result<()> {
    let between = Between::open().await?;
    let mut agent = Agent::start("1", &between.door.url, &between.token).await?;
    let answer = text_of(&agent.call("old__ask", json!({})).await?);
    assert_eq!(
        answer.lines().count(),
        2,
        "both were refused at once: {answer}"
    );
    for line in answer.lines() {
        assert!(
            line.contains("refused") || line.contains("decline"),
            "{line}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_bridge_names_the_thread_and_serves_one_integration_alone() -> Result<()> {
    const THREAD: &str = "https://acme.slack.com/archives/C024BE91L/p1355517523000008";
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let _door = home.open_door().await?;
    let (_, token) = home.pair(json!({ "name": "Support bot" })).await?;
    let more = [
        "--integration",
        "sample",
        "--thread",
        THREAD,
        "--task",
        "Größe 17",
    ];
    let mut agent = Agent::bridged("1", &home, &token, &more).await?;
    assert!(agent.tools().await?.contains(&"echo".to_owned()));
    agent.call("echo", json!({ "text": "x" })).await?;
    let rows = home.rows_of(RowKind::Call, "sample.echo").await?;
    let Because::Task { title, url, .. } = &rows[0].because else {
        anyhow::bail!("{:?}", rows[0].because);
    };
    assert_eq!(title, "Support bot · Größe 17");
    assert_eq!(url.as_deref(), Some(THREAD));
    // The token is in nobody's arguments.
    let pid = agent.facts["pid"].as_u64().context("its process")?;
    let arguments = std::fs::read_to_string(format!("/proc/{pid}/cmdline"))?;
    assert!(arguments.contains("mcp") && !arguments.contains(&token));
    Ok(())
}

/// The bridge as a program of its own, with lines written and read as they are.
pub struct Bare {
    pub child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Bare {
    pub fn start(home: &Home, token: &str) -> Result<Self> {
        let mut command = Command::new(chief_command()?);
        command
            .arg("mcp")
            .env("CHIEF_DATA", home.folder())
            .env("CHIEF_AGENT_TOKEN", token);
        Self::by(command)
    }

    /// As that command starts it.
    pub fn by(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("stdout is piped")?;
        Ok(Self {
            child,
            stdin,
            stdout: BufReader::new(stdout).lines(),
        })
    }

    pub async fn say(&mut self, message: &Value) -> Result<()> {
        let stdin = self.stdin.as_mut().context("stdin is open")?;
        Ok(stdin.write_all(format!("{message}\n").as_bytes()).await?)
    }

    /// The answer to the request of that number; nothing but the protocol may come before it.
    pub async fn answer(&mut self, id: &Value) -> Result<Value> {
        loop {
            let line =
                tokio::time::timeout(crate::kit::PATIENCE, self.stdout.next_line()).await??;
            let line = line.context("the bridge ended")?;
            let message: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            assert_eq!(message["jsonrpc"], "2.0", "only protocol: {line}");
            if message["id"] == *id {
                return Ok(message);
            }
        }
    }

    /// Closes stdin; returns whatever else is said, until the end.
    pub async fn end(&mut self) -> Result<Vec<String>> {
        self.stdin = None;
        let mut rest = Vec::new();
        while let Some(line) = self.stdout.next_line().await? {
            rest.push(line);
        }
        Ok(rest)
    }

    /// The older era's handshake.
    pub async fn shake(&mut self) -> Result<()> {
        self.say(&handshake()).await?;
        self.answer(&json!(0)).await?;
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .await
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_goes_nowhere_and_is_a_row() -> Result<()> {
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let _door = home.open_door().await?;
    let (_, token) = home.pair(json!({ "name": "Cursor" })).await?;
    let mut bare = Bare::start(&home, &token)?;
    bare.shake().await?;
    let echo = |id: u64, text: String| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
            "name": "sample__echo", "arguments": { "text": text },
        } })
    };
    bare.say(&echo(7, "x".repeat(wire::DOOR_LINE_MAX))).await?;
    assert_eq!(bare.answer(&json!(7)).await?["error"]["code"], -32600);
    bare.say(&echo(8, "short".to_owned())).await?;
    assert_eq!(text_of(&bare.answer(&json!(8)).await?["result"]), "short");
    let told = "the agent Cursor was refused at the gateway: a message that is too large";
    let began = Instant::now();
    while !home.record().await?.iter().any(|row| row.action == told) {
        tick(began, "the row of the line").await?;
    }
    assert_eq!(home.rows_of(RowKind::Call, "sample.echo").await?.len(), 1);
    Ok(())
}

fn handshake() -> Value {
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "bare", "version": "1" },
    } })
}

/// Two hundred requests, good and bad, in the order in which they are sent.
fn requests(era: &str) -> Vec<Value> {
    let names = [
        "sample__echo",
        "sample__add",
        "new__greet",
        "new__fail",
        "new__nothing",
        "other",
    ];
    let arguments = [
        json!({ "text": "hello", "name": "Ada", "numbers": [1, 2] }),
        json!({ "text": 1, "name": null, "numbers": "many" }),
        json!({}),
        json!({ "text": "ü \" \\ \u{2028} 🦀", "name": "\u{0}", "numbers": [0.1, -1e9] }),
    ];
    (0..200)
        .map(|n| {
            let (method, mut params) = match n % 10 {
                0 => ("tools/list", json!({})),
                1 => ("prompts/get", json!({ "name": "x" })),
                2 => ("nothing/such", json!({})),
                3 if era == "older" => ("ping", json!({})),
                3 => ("server/discover", json!({})),
                _ => {
                    let params = json!({
                        "name": names[n % names.len()],
                        "arguments": arguments[n / 10 % arguments.len()],
                    });
                    ("tools/call", params)
                }
            };
            if era == "newer" {
                params["_meta"] = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": { "name": "bare", "version": "1" },
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
            }
            json!({ "jsonrpc": "2.0", "id": n + 1, "method": method, "params": params })
        })
        .collect()
}

#[tokio::test]
async fn two_hundred_requests_are_answered_alike_by_both_doors() -> Result<()> {
    let new = Peer::start("mcp-modern", &[]).await?;
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    home.connect(
        json!({ "kind": "mcp", "name": "New", "url": new.url, "auth": { "auth": "discover" } }),
    )
    .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let bearer = format!("Bearer {token}");
    for era in ["older", "newer"] {
        let mut bare = Bare::start(&home, &token)?;
        if era == "older" {
            bare.shake().await?;
        }
        for request in requests(era) {
            bare.say(&request).await?;
            let by_stdio = bare.answer(&request["id"]).await?;
            let method = request["method"].as_str().context("a method")?;
            let version = if era == "older" {
                "2025-11-25"
            } else {
                "2026-07-28"
            };
            let mut headers = vec![
                ("authorization", bearer.as_str()),
                ("mcp-protocol-version", version),
                ("mcp-method", method),
            ];
            headers.extend(
                request["params"]["name"]
                    .as_str()
                    .map(|name| ("mcp-name", name)),
            );
            let (_, body) = raw(("POST", &door.url), &headers, &request).await?;
            let by_http = told(&body)?;
            assert_eq!(by_stdio, by_http, "{era}: {request}");
        }
        assert_eq!(
            bare.end().await?,
            Vec::<String>::new(),
            "nothing comes after"
        );
    }
    Ok(())
}
