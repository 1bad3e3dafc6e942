//! Connectors against the real servers of `tests/peers`: every kind connects, pings, lists, calls,
//! and says what went wrong by its code.

mod api;
mod faults;
mod fuzzed;
mod mcp;

use anyhow::Result;
use engine::{
    connectors::{Config, Connector, Supplies},
    http::Http,
    secret::Secret,
    vault::Credential,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

/// A connector to an MCP server on this computer.
fn mcp_at(url: &str) -> Result<Connector> {
    let url = Url::parse(url)?;
    let config = Config::Mcp {
        private_hosts: vec![url.host_str().unwrap_or_default().to_owned()],
        url: url.into(),
        issuer: None,
        resource: None,
        way: None,
        guard: engine::connectors::mcp::Guard::default(),
    };
    Ok(Connector::new(&config, &Http::new()?, Supplies::default())?)
}

/// A connector to an HTTP API on this computer.
fn api_at(base: &str, health_path: &str) -> Result<Connector> {
    let private_hosts = vec![Url::parse(base)?.host_str().unwrap_or_default().to_owned()];
    let config = Config::Api {
        base_url: base.to_owned(),
        health_path: health_path.to_owned(),
        private_hosts,
        way: None,
        described: false,
    };
    Ok(Connector::new(&config, &Http::new()?, Supplies::default())?)
}

fn bearer(token: &str) -> Credential {
    Credential::Bearer {
        token: Secret::new(token),
    }
}

/// The first text of a tool's result.
fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

fn never() -> CancellationToken {
    CancellationToken::new()
}
