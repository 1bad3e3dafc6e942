//! MCP's own conformance suite, server side, on the gateway: what it asks of a server with tools, which is all
//! that agents get here. The suite knows no tokens, so a small forwarder adds one.
//!
//! What of the required scenarios is not run stands, with its cause, in `conformance-exceptions.md`.

use crate::kit::{Home, agent::Door};
use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use chief_tests::peers::Peer;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use std::path::{Path, PathBuf};
use tokio::process::Command;

const OF_2026_07_28: [&str; 11] = [
    "tools-list",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-mixed-content",
    "tools-call-error",
    "tools-call-with-progress",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
    "http-header-validation",
];
const OF_2025_11_25: [&str; 12] = [
    "server-initialize",
    "ping",
    "tools-list",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-mixed-content",
    "tools-call-error",
    "tools-call-with-progress",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
];

/// Where requests go, under which authority, and as whom.
#[derive(Clone)]
struct Forward {
    client: reqwest::Client,
    gateway: String,
    own: String,
    bearer: HeaderValue,
}

async fn forward(State(to): State<Forward>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    headers.insert(header::AUTHORIZATION, to.bearer.clone());
    // A foreign Host stays what it is; its own is the gateway's.
    for name in [header::HOST, header::ORIGIN] {
        let own = headers
            .get(&name)
            .and_then(|value| value.to_str().ok())
            .map(|value| value.replace(&to.own, &to.gateway));
        if let Some(value) = own.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    let sent = to
        .client
        .request(parts.method, format!("http://{}{path}", to.gateway))
        .headers(headers)
        .body(reqwest::Body::wrap_stream(body.into_data_stream()))
        .send()
        .await;
    let mut answer = Response::new(Body::empty());
    match sent {
        Ok(got) => {
            *answer.status_mut() = got.status();
            *answer.headers_mut() = got.headers().clone();
            answer.headers_mut().remove(header::TRANSFER_ENCODING);
            *answer.body_mut() = Body::from_stream(got.bytes_stream());
        }
        Err(_) => *answer.status_mut() = StatusCode::BAD_GATEWAY,
    }
    answer
}

fn suite() -> Result<PathBuf> {
    let peers = std::env::var_os("CHIEF_PEERS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"),
        PathBuf::from,
    );
    let program = peers.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    ensure!(
        program.is_file(),
        "the conformance suite is missing: run `cargo xtask test`, which sets it up"
    );
    Ok(program)
}

/// The gateway with the suite's tools behind it, and what adds the token.
struct Scene {
    _home: Home,
    _fixture: Peer,
    _door: Door,
    url: String,
}

impl Scene {
    async fn open() -> Result<Self> {
        let home = Home::new().await?;
        let fixture = Peer::start("mcp-fixture", &[]).await?;
        let target = json!({ "kind": "mcp", "name": "Fixture", "url": fixture.url,
            "auth": { "auth": "discover" } });
        home.connect(target).await?;
        let door = home.open_door().await?;
        let (_, token) = home.pair(json!({})).await?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let own = listener.local_addr()?.to_string();
        let gateway = door.url.strip_prefix("http://").context("http")?;
        let gateway = gateway.strip_suffix("/mcp").context("its path")?;
        let state = Forward {
            client: reqwest::Client::builder().no_proxy().build()?,
            gateway: gateway.to_owned(),
            own: own.clone(),
            bearer: format!("Bearer {token}").parse()?,
        };
        let router = Router::new().fallback(forward).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            _home: home,
            _fixture: fixture,
            _door: door,
            url: format!("http://{own}/mcp/fixture"),
        })
    }

    /// Runs each scenario at a revision, two at a time.
    async fn passes(&self, revision: &str, scenarios: &[&str]) -> Result<()> {
        let program = suite()?;
        let run = async |scenario: &&str| {
            let output = Command::new("node")
                .arg(&program)
                .args(["server", "--url", &self.url, "--scenario", scenario])
                .args(["--spec-version", revision])
                .env_remove("http_proxy")
                .env_remove("HTTP_PROXY")
                .output()
                .await?;
            let said = String::from_utf8_lossy(&output.stdout);
            let why = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{scenario}:\n{said}\n{why}");
            Ok(())
        };
        let all = futures::stream::iter(scenarios)
            .map(run)
            .buffer_unordered(2);
        all.try_collect().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_is_a_server_of_2026_07_28_as_the_protocols_own_suite_wants_one() -> Result<()>
{
    let scene = Scene::open().await?;
    scene.passes("2026-07-28", &OF_2026_07_28).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_is_a_server_of_2025_11_25_as_the_protocols_own_suite_wants_one() -> Result<()>
{
    let scene = Scene::open().await?;
    scene.passes("2025-11-25", &OF_2025_11_25).await
}
