//! What an integration talks to, and how: an MCP server or an HTTP API.
//!
//! Owns: pings, listing tools, calls, and the one shape in which every connector answers. Must not
//! know: where credentials are kept, when to refresh one, tasks, status, or the record. Everything
//! goes out through [`crate::http`].

mod caller;
pub(crate) mod fit;
pub mod mcp;
pub mod openapi;
pub mod rest;

mod method;
mod sent;
mod tool;
mod veil;

pub use caller::{Caller, Progress};
pub use fit::{apart, is_pattern, is_schema};
pub(crate) use method::names_a_method;
pub use sent::check_credential;
pub(crate) use tool::REPEATED;
pub use tool::{MAX_DESCRIPTION, MAX_LIST_BYTES, MAX_SCHEMA_BYTES, MAX_TOOLS, Tool, plain};
pub(crate) use tool::{PINNED, canonical_text, sha256};

use crate::{
    connect::way::Way,
    http::{Answer, Http, Outgoing, Reach, origin},
    sample::Sample,
    vault::Credential,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;
use wire::{Error, ErrorCode};

/// Where an integration is and what may be reached for it: no secrets. Kept as JSON.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Config {
    /// The MCP server inside the app; its address changes with each start.
    Sample,
    /// An MCP server over Streamable HTTP.
    Mcp {
        url: String,
        /// Hosts whose private or loopback addresses the admin has confirmed.
        #[serde(default)]
        private_hosts: Vec<String>,
        /// The authorization server that its credential is of (OAuth only).
        #[serde(default)]
        issuer: Option<String>,
        /// The resource that tokens are asked for (RFC 8707; OAuth only).
        #[serde(default)]
        resource: Option<String>,
        /// How it was connected, where that was not by asking the server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        way: Option<Box<Way>>,
        /// How far a ping proves the credential.
        #[serde(default)]
        guard: mcp::Guard,
    },
    /// A custom HTTP API.
    Api {
        base_url: String,
        /// Path of the ping under the base URL; may hold a query. Empty: the base URL itself.
        health_path: String,
        #[serde(default)]
        private_hosts: Vec<String>,
        /// How it was connected, where that was not by a key typed into the form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        way: Option<Box<Way>>,
        /// An OpenAPI document names its tools (`store::documents`).
        #[serde(default)]
        described: bool,
    },
}

/// What a connector needs besides its configuration.
#[derive(Default)]
pub struct Supplies {
    /// Where the sample server listens now.
    pub sample: Option<Url>,
    /// The operations of its OpenAPI document.
    pub operations: Option<Arc<Vec<openapi::Operation>>>,
    /// A tool that is known wants arguments repeated in headers ([`Tool::repeats_arguments`]).
    pub repeats_arguments: bool,
}

/// One integration's way out. Cheap to keep; one for each integration, used by many calls at once.
pub enum Connector {
    Mcp(mcp::Mcp),
    Rest(rest::Rest),
    OpenApi(openapi::OpenApi),
}

/// A ping that went well. No text holds a credential or a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pong {
    /// The request in a few words: `GET https://api.example.com/v1/health`.
    pub tried: String,
    /// What came back in a few words: `HTTP 200`.
    pub answer: String,
    /// Milliseconds from first byte out to the answer.
    pub took_ms: u32,
    /// MCP protocol revision in use, such as `2025-11-25`.
    pub protocol: Option<String>,
    /// What the server calls itself, and its version: server text, inert.
    pub server: Option<String>,
    /// When the key that was sent ends, where the answer tells.
    pub ends_at: Option<wire::Time>,
    name: Option<String>,
}

impl Pong {
    /// What the server calls itself, without version: server text, inert.
    #[must_use]
    pub fn server_name(&self) -> Option<String> {
        self.name.clone()
    }
}

impl Connector {
    /// Builds it without asking anything of the network. Errors: `UrlInvalid`; `Internal` where
    /// `supplies` lacks what `config` needs.
    pub fn new(config: &Config, http: &Http, supplies: Supplies) -> Result<Self, Error> {
        match config {
            Config::Sample => {
                let url = supplies.sample.ok_or_else(|| {
                    Error::new(ErrorCode::Internal).with("why", "the sample server is not running")
                })?;
                Ok(Self::Mcp(mcp::Mcp::new(http.clone(), Sample::reach(), url)))
            }
            Config::Mcp {
                url,
                private_hosts,
                guard,
                ..
            } => {
                let reach = Reach {
                    private_hosts: private_hosts.clone(),
                };
                let mcp = mcp::Mcp::new(http.clone(), reach, parse(url)?);
                let mcp = mcp.repeats(supplies.repeats_arguments);
                Ok(Self::Mcp(mcp.guarded(*guard)))
            }
            Config::Api {
                base_url,
                health_path,
                private_hosts,
                way,
                described,
            } => {
                let reach = Reach {
                    private_hosts: private_hosts.clone(),
                };
                let rest = rest::Rest::new(
                    http.clone(),
                    reach,
                    parse(base_url)?,
                    (health_path, way.as_deref().and_then(Way::ping)),
                )?;
                match (described, supplies.operations) {
                    (false, _) => Ok(Self::Rest(rest)),
                    (true, Some(operations)) => {
                        Ok(Self::OpenApi(openapi::OpenApi::new(rest, operations)))
                    }
                    (true, None) => Err(Error::new(ErrorCode::Internal)
                        .with("why", "the operations of its document are not at hand")),
                }
            }
        }
    }

    /// What a ping asks for, in a few words, for the record of one that failed.
    #[must_use]
    pub fn ping_in_words(&self) -> String {
        match self {
            Self::Mcp(mcp) => mcp.ping_in_words(),
            Self::Rest(rest) => rest.ping_in_words(),
            Self::OpenApi(api) => api.ping_in_words(),
        }
    }

    /// The cheapest safe request that the credential must pass. Errors: `Rejected` (401),
    /// `Forbidden` (403), `RateLimited`, `ServerError`, `Unreachable`, `BadAnswer`, `NotMcp`, …
    pub async fn ping(&self, credential: &Credential) -> Result<Pong, Error> {
        match self {
            Self::Mcp(mcp) => mcp.ping(credential).await,
            Self::Rest(rest) => rest.ping(credential).await,
            Self::OpenApi(api) => api.ping(credential).await,
        }
    }

    /// Every tool, in the server's order. Errors: as [`Self::ping`], and `TooLarge` over
    /// [`MAX_TOOLS`], [`MAX_LIST_BYTES`], [`MAX_DESCRIPTION`] or [`MAX_SCHEMA_BYTES`].
    pub async fn list_tools(&self, credential: &Credential) -> Result<Vec<Tool>, Error> {
        match self {
            Self::Mcp(mcp) => mcp.list_tools(credential).await,
            Self::Rest(rest) => Ok(rest.list_tools()),
            Self::OpenApi(api) => Ok(api.list_tools()),
        }
    }

    /// Woken when the server says that its tools changed; `None` where no server can say so.
    #[must_use]
    pub(crate) fn tools_changed(&self) -> Option<Arc<tokio::sync::Notify>> {
        match self {
            Self::Mcp(mcp) => Some(mcp.tools_changed.clone()),
            Self::Rest(_) | Self::OpenApi(_) => None,
        }
    }

    /// Uses one tool once; never retried by itself once the request may have been acted on.
    ///
    /// The answer has the shape of MCP's `CallToolResult`; one with `isError: true` is the tool's
    /// own failure. Errors: as [`Self::ping`], and `ToolUnknown`, `ArgumentsInvalid`, `ToolFailed`
    /// (a protocol error), `CallCancelled` where the caller hung up.
    pub async fn call(
        &self,
        credential: &Credential,
        tool: &str,
        arguments: serde_json::Value,
        caller: impl Into<Caller>,
    ) -> Result<serde_json::Value, Error> {
        self.call_asking(credential, (tool, arguments), None, caller.into())
            .await
    }

    /// The same, where somebody can be asked what the tool wants to know of a person meanwhile.
    pub async fn call_asking(
        &self,
        credential: &Credential,
        (tool, arguments): (&str, serde_json::Value),
        ask: Option<&mcp::Ask>,
        caller: Caller,
    ) -> Result<serde_json::Value, Error> {
        match self {
            Self::Mcp(mcp) => mcp.call(credential, (tool, arguments), ask, &caller).await,
            Self::Rest(rest) => rest.call(credential, tool, arguments, caller.hung_up).await,
            Self::OpenApi(api) => api.call(credential, tool, arguments, caller.hung_up).await,
        }
    }

    /// What is wrong where an answer came and was passed on: an API's own trouble, or a page that no API
    /// sent. Such an answer is no proof that the integration works. (Of an MCP server such an answer is
    /// an error of [`Self::call`] already.)
    pub(crate) fn trouble(&self, answer: &serde_json::Value) -> Option<Error> {
        match self {
            Self::Mcp(_) => None,
            Self::Rest(rest) => rest.trouble(answer),
            Self::OpenApi(api) => api.trouble(answer),
        }
    }

    /// Ends the session, if there is one, and forgets the credential it was opened with: for
    /// Disconnect (before the token is revoked). The next use opens another.
    pub async fn drop_session(&self) {
        match self {
            Self::Mcp(mcp) => mcp.drop_session().await,
            Self::Rest(_) | Self::OpenApi(_) => {}
        }
    }

    /// Lets go of the session, if there is one: it ends with the calls that it carries.
    pub(crate) async fn release(&self) {
        match self {
            Self::Mcp(mcp) => mcp.release().await,
            Self::Rest(_) | Self::OpenApi(_) => {}
        }
    }
}

/// A call that was given up after so long; it may have been done.
fn call_late(host: &str, waited: std::time::Duration) -> Error {
    Error::new(ErrorCode::CallLate)
        .with("host", host)
        .with("seconds", waited.as_secs().to_string())
}

/// Sends one request of the app's own with the credential on it: redirects are refused, and the answer's
/// errors hold no credential. Errors: as [`Http::send`].
pub(crate) async fn send_with(
    http: &Http,
    reach: &Reach,
    credential: &Credential,
    mut request: Outgoing,
) -> Result<Answer, Error> {
    sent::Sent::of(credential)?.put(&mut request.url, &mut request.headers)?;
    http.send(request, reach)
        .await
        .map_err(|error| sent::veil(credential).error(error))
}

/// The same value without the credential, in any form in which it could stand there.
pub(crate) fn covered(credential: &Credential, value: serde_json::Value) -> serde_json::Value {
    sent::veil(credential).value(value)
}

/// The same error without the credential, should a server have said it back.
pub(crate) fn veiled(credential: &Credential, error: Error) -> Error {
    sent::veil(credential).error(error)
}

/// An http(s) URL with a host and without credentials; its fragment is dropped.
fn parse(url: &str) -> Result<Url, Error> {
    let mut parsed = Url::parse(url)
        .map_err(|_| Error::new(ErrorCode::UrlInvalid).with("url", crate::http::inert(url)))?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none_or(str::is_empty) {
        return Err(Error::new(ErrorCode::UrlInvalid).with("url", crate::http::inert(url)));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Error::new(ErrorCode::UrlHasCredentials));
    }
    parsed.set_fragment(None);
    Ok(parsed)
}

/// The address as it may be shown: without query or fragment.
fn shown(url: &Url) -> String {
    crate::http::inert(&format!("{}{}", origin(url), url.path()))
}
