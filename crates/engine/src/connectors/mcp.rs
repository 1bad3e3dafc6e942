//! An MCP server over Streamable HTTP, in either era: 2026-07-28 and 2025-11-25 or earlier.
//!
//! Owns: one lazily made connection (with its session, in the older era), pings, tools, calls. Must
//! not know: where credentials come from or what a failure means for the card.

mod carrier;

use super::{Pong, Tool, sent, sent::Sent, shown};
use crate::{
    http::{Http, Reach, host, inert},
    vault::Credential,
};
use carrier::Carrier;
use rmcp::{
    ClientServiceExt as _, Peer, RoleClient,
    model::{
        CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest,
        DiscoverRequest, DiscoverRequestParams, ErrorCode as Rpc, ErrorData, Implementation,
        ListToolsRequest, PaginatedRequestParams, PingRequest, ProtocolVersion, ServerResult,
    },
    service::{
        ClientInitializeError, ClientLifecycleMode, PeerRequestOptions, RunningService,
        ServiceError,
    },
    transport::streamable_http_client::{
        StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
    },
};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use url::Url;
use wire::{Error, ErrorCode};

/// Pages of one `tools/list`, at most.
const MAX_PAGES: usize = 100;
/// The handshake, both eras tried; a ping; one page of tools.
const PATIENCE: Duration = Duration::from_secs(30);
/// One call of a tool: some think for minutes.
const CALL_PATIENCE: Duration = Duration::from_secs(300);
/// Ending a session politely.
const FAREWELL: Duration = Duration::from_secs(2);

/// One MCP server.
pub struct Mcp {
    http: Http,
    reach: Reach,
    url: Url,
    connection: Mutex<Option<Arc<Connection>>>,
    /// What the last handshake showed, so that the next one asks once, not twice.
    is_older: AtomicBool,
}

struct Connection {
    carrier: Carrier,
    peer: Peer<RoleClient>,
    service: Mutex<Option<RunningService<RoleClient, ClientConfig>>>,
    protocol: ProtocolVersion,
    server: Option<Implementation>,
}

/// What the server said to a first contact without a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// It works without.
    None,
    /// It asks for one. `www_authenticate`: the header as it came (RFC 9728 section 5.1).
    Auth { www_authenticate: Option<String> },
}

/// Makes the first contact, without a credential, to learn what the server wants: the handshake and
/// the list of tools, since some servers guard only the latter. Leaves no session behind.
/// Errors: as [`super::Connector::ping`] but for `Rejected`.
pub async fn challenge(http: &Http, reach: &Reach, url: &Url) -> Result<Challenge, Error> {
    let mcp = Mcp::new(http.clone(), reach.clone(), url.clone());
    let carrier = mcp.carrier()?;
    let asked = match mcp.connect(carrier.clone()).await {
        Ok(connection) => {
            let listed = connection.pages(&mcp).await;
            connection.end().await;
            listed.map(drop)
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(()) => Ok(Challenge::None),
        Err(error) if error.code == ErrorCode::Rejected => Ok(Challenge::Auth {
            www_authenticate: carrier.challenge(),
        }),
        Err(error) => Err(error),
    }
}

impl Mcp {
    pub(super) fn new(http: Http, reach: Reach, url: Url) -> Self {
        Self {
            http,
            reach,
            url,
            connection: Mutex::new(None),
            is_older: AtomicBool::new(false),
        }
    }

    pub(super) fn ping_in_words(&self) -> String {
        format!("MCP ping to {}", shown(&self.url))
    }

    /// `server/discover` in the newer era, `ping` in the older; on a new connection the handshake
    /// comes first and is authenticated too.
    pub(super) async fn ping(&self, credential: &Credential) -> Result<Pong, Error> {
        let veil = sent::veil(credential);
        let started = Instant::now();
        let connection = self
            .connection(credential)
            .await
            .map_err(|error| veil.error(error))?;
        let is_newer = !connection.protocol.has_initialize();
        let request = if is_newer {
            ClientRequest::DiscoverRequest(DiscoverRequest::new(DiscoverRequestParams {}))
        } else {
            ClientRequest::PingRequest(PingRequest::default())
        };
        match connection
            .ask(self, request, PATIENCE, &CancellationToken::new())
            .await
        {
            Ok(_) => {}
            // It knows the credential and answered, if only that it has no such method.
            Err(Trouble::Said(error)) if error.code == Rpc::METHOD_NOT_FOUND => {}
            Err(trouble) => return Err(veil.error(self.plain(trouble))),
        }
        let what = if is_newer { "server/discover" } else { "ping" };
        Ok(Pong {
            tried: format!("MCP {what} to {}", shown(&self.url)),
            answer: format!("MCP {}", inert(connection.protocol.as_str())),
            took_ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
            protocol: Some(inert(connection.protocol.as_str())),
            server: connection
                .server
                .as_ref()
                .map(|server| veil.text(inert(&format!("{} {}", called(server), server.version)))),
            name: connection
                .server
                .as_ref()
                .map(|server| veil.text(inert(called(server))))
                .filter(|name| !name.is_empty()),
        })
    }

    pub(super) async fn list_tools(&self, credential: &Credential) -> Result<Vec<Tool>, Error> {
        let veil = sent::veil(credential);
        let told = async {
            let connection = self.connection(credential).await?;
            connection.pages(self).await
        };
        let told: Vec<_> = told
            .await
            .map_err(|error| veil.error(error))?
            .into_iter()
            .map(|tool| veil.value(tool))
            .collect();
        Tool::read_all(&told, &host(&self.url))
    }

    pub(super) async fn call(
        &self,
        credential: &Credential,
        tool: &str,
        arguments: Value,
        cancel: CancellationToken,
    ) -> Result<Value, Error> {
        let veil = sent::veil(credential);
        self.call_unveiled(credential, tool, arguments, &cancel)
            .await
            .map(|result| veil.value(result))
            .map_err(|error| veil.error(error))
    }

    async fn call_unveiled(
        &self,
        credential: &Credential,
        tool: &str,
        arguments: Value,
        cancel: &CancellationToken,
    ) -> Result<Value, Error> {
        let mut params = CallToolRequestParams::new(tool.to_owned());
        match arguments {
            Value::Null => {}
            Value::Object(members) => params = params.with_arguments(members),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                let error = Error::new(ErrorCode::ArgumentsInvalid).with("tool", tool);
                return Err(error.with("why", "they are not an object of named values"));
            }
        }
        let connection = tokio::select! {
            connection = self.connection(credential) => connection?,
            () = cancel.cancelled() => return Err(self.cancelled()),
        };
        let request = || ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
        let answer = match connection.ask(self, request(), CALL_PATIENCE, cancel).await {
            // The server wants a header that repeats an argument and refused before acting
            // (2026-07-28). Which one, the list of tools says; rmcp adds it from then on.
            Err(Trouble::Said(error)) if error.code == Rpc::HEADER_MISMATCH => {
                connection.pages(self).await?;
                connection.ask(self, request(), CALL_PATIENCE, cancel).await
            }
            answer => answer,
        };
        match answer {
            Ok(ServerResult::CallToolResult(result)) => {
                serde_json::to_value(result).map_err(|_| self.bad("its result is not JSON"))
            }
            // A result without content is one, too.
            Ok(ServerResult::EmptyResult(_)) => Ok(serde_json::json!({ "content": [] })),
            Ok(ServerResult::InputRequiredResult(_)) => {
                Err(Error::new(ErrorCode::ToolFailed).with("tool", tool).with(
                    "why",
                    "it asks a person for input, which this app cannot pass on yet",
                ))
            }
            Ok(_) => Err(self.bad("its answer is not a tool’s result")),
            Err(Trouble::Said(error)) => Err(self.said(error, tool)),
            Err(trouble) => Err(self.plain(trouble)),
        }
    }

    pub(super) async fn drop_session(&self) {
        let connection = self.connection.lock().await.take();
        if let Some(connection) = connection {
            connection.end().await;
        }
    }

    fn carrier(&self) -> Result<Carrier, Error> {
        Ok(Carrier::new(
            self.http.client(&self.url, &self.reach)?,
            self.url.clone(),
        ))
    }

    /// The connection that stands, or a new one; either way with this credential from now on.
    async fn connection(&self, credential: &Credential) -> Result<Arc<Connection>, Error> {
        let sent = Sent::of(credential)?;
        let mut slot = self.connection.lock().await;
        if let Some(connection) = slot
            .as_ref()
            .filter(|connection| !connection.peer.is_transport_closed())
        {
            connection.carrier.send_with(sent);
            return Ok(connection.clone());
        }
        self.http.check(&self.url, &self.reach).await?;
        let carrier = self.carrier()?;
        carrier.send_with(sent);
        let connection = match self.connect(carrier.clone()).await {
            // It was of the older era once; perhaps it has moved on.
            Err(error)
                if self.is_older.swap(false, Ordering::Relaxed)
                    && error.code == ErrorCode::NotMcp =>
            {
                self.connect(carrier).await?
            }
            other => other?,
        };
        let connection = Arc::new(connection);
        *slot = Some(connection.clone());
        Ok(connection)
    }

    async fn connect(&self, carrier: Carrier) -> Result<Connection, Error> {
        let mut config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str())
            .max_sse_event_size(carrier::MAX_MESSAGE)
            .max_json_response_size(carrier::MAX_MESSAGE);
        config.retry_config = Arc::new(Resume);
        let transport = StreamableHttpClientTransport::with_client(carrier.clone(), config);
        let older = ProtocolVersion::LATEST_WITH_INITIALIZE;
        let lifecycle = if self.is_older.load(Ordering::Relaxed) {
            ClientLifecycleMode::Initialize
        } else {
            ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: Some(older.clone()),
            }
        };
        let us = ClientConfig::new(ClientCapabilities::default(), this_app())
            .with_protocol_version(older);
        let service =
            match tokio::time::timeout(PATIENCE, us.serve_with_lifecycle(transport, lifecycle))
                .await
            {
                Ok(Ok(service)) => service,
                Ok(Err(error)) => return Err(self.handshake(&carrier, error)),
                Err(_) => return Err(self.late(PATIENCE)),
            };
        let peer = service.peer().clone();
        let Some(info) = peer.peer_info() else {
            return Err(self.bad("it did not say which protocol it speaks"));
        };
        let protocol = info.protocol_version.clone();
        self.is_older
            .store(protocol.has_initialize(), Ordering::Relaxed);
        let server = info.server_info.clone();
        Ok(Connection {
            carrier,
            peer,
            service: Mutex::new(Some(service)),
            protocol,
            server,
        })
    }

    /// Why the handshake failed: the HTTP failure, where there was one, else the protocol's.
    fn handshake(&self, carrier: &Carrier, error: ClientInitializeError) -> Error {
        if let Some(failure) = carrier.last_failure() {
            return failure;
        }
        let why = match &error {
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => fallback.to_string(),
            ClientInitializeError::JsonRpcError(said) => said.message.to_string(),
            ClientInitializeError::NoCompatibleProtocolVersion {
                server_supported, ..
            } => {
                let theirs: Vec<_> = server_supported
                    .iter()
                    .map(ProtocolVersion::as_str)
                    .collect();
                format!("it speaks only {}", theirs.join(", "))
            }
            _ => "its answer to the handshake makes no sense".to_owned(),
        };
        Error::new(ErrorCode::NotMcp)
            .with("host", host(&self.url))
            .with("why", inert(&why))
    }

    fn plain(&self, trouble: Trouble) -> Error {
        match trouble {
            Trouble::Known(error) => error,
            Trouble::Said(error) => self.bad(&format!("{} (code {})", error.message, error.code.0)),
        }
    }

    fn said(&self, error: ErrorData, tool: &str) -> Error {
        let code = if error.code == Rpc::INVALID_PARAMS {
            ErrorCode::ArgumentsInvalid
        } else {
            ErrorCode::ToolFailed
        };
        Error::new(code)
            .with("tool", inert(tool))
            .with("why", inert(&error.message))
    }

    fn bad(&self, why: &str) -> Error {
        Error::new(ErrorCode::BadAnswer)
            .with("host", host(&self.url))
            .with("why", inert(why))
    }

    fn late(&self, waited: Duration) -> Error {
        Error::new(ErrorCode::Unreachable)
            .with("host", host(&self.url))
            .with("why", format!("no answer in {} s", waited.as_secs()))
    }

    fn cancelled(&self) -> Error {
        Error::new(ErrorCode::IntegrationDisconnected).with("integration", host(&self.url))
    }
}

/// A request that failed: with a code of ours, or with the server's own JSON-RPC error.
enum Trouble {
    Known(Error),
    Said(ErrorData),
}

impl Connection {
    /// Sends one request and waits for its answer; tells the server where nobody waits any longer.
    async fn ask(
        &self,
        mcp: &Mcp,
        request: ClientRequest,
        patience: Duration,
        cancel: &CancellationToken,
    ) -> Result<ServerResult, Trouble> {
        let lost = || {
            let error = Error::new(ErrorCode::Unreachable).with("host", host(&mcp.url));
            Trouble::Known(error.with("why", "the connection broke off"))
        };
        let mut asked = self
            .peer
            .send_cancellable_request(request, PeerRequestOptions::no_options())
            .await
            .map_err(|_| lost())?;
        let id = asked.id.clone();
        let answer = tokio::select! {
            answer = &mut asked.rx => answer,
            () = cancel.cancelled() => {
                let _ = asked.cancel(Some("no longer wanted".to_owned())).await;
                return Err(Trouble::Known(mcp.cancelled()));
            }
            () = tokio::time::sleep(patience) => {
                let _ = asked.cancel(Some("no answer in time".to_owned())).await;
                return Err(Trouble::Known(mcp.late(patience)));
            }
        };
        let noted = self.carrier.failure(&id);
        match answer {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(match (noted, error) {
                (Some(noted), _) => Trouble::Known(noted),
                (None, ServiceError::McpError(said)) if !is_ours(&said) => Trouble::Said(said),
                (None, ServiceError::UnexpectedResponse) => {
                    Trouble::Known(mcp.bad("its answer is of another kind than asked"))
                }
                (None, _) => lost(),
            }),
            Err(_) => Err(noted.map_or_else(lost, Trouble::Known)),
        }
    }

    /// Every tool as it was told, over all pages.
    async fn pages(&self, mcp: &Mcp) -> Result<Vec<Value>, Error> {
        let mut tools = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let params = PaginatedRequestParams::default().with_cursor(cursor.clone());
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
            let answer = self
                .ask(mcp, request, PATIENCE, &CancellationToken::new())
                .await;
            let page = match answer {
                Ok(ServerResult::ListToolsResult(page)) => page,
                Ok(_) => return Err(mcp.bad("its answer is not a list of tools")),
                // A server without tools need not know the method.
                Err(Trouble::Said(error)) if error.code == Rpc::METHOD_NOT_FOUND => {
                    return Ok(tools);
                }
                Err(trouble) => return Err(mcp.plain(trouble)),
            };
            for tool in page.tools {
                tools.push(
                    serde_json::to_value(tool)
                        .map_err(|_| mcp.bad("its list of tools is not JSON"))?,
                );
            }
            if tools.len() > super::MAX_TOOLS {
                break;
            }
            match page.next_cursor {
                None => return Ok(tools),
                Some(next) if cursor.as_ref() == Some(&next) => {
                    return Err(mcp.bad("its list of tools has no end"));
                }
                Some(next) => cursor = Some(next),
            }
        }
        Err(Error::new(ErrorCode::TooLarge)
            .with("host", host(&mcp.url))
            .with("limit", format!("{} tools", super::MAX_TOOLS)))
    }

    /// Ends the session at the server where that goes quickly.
    async fn end(&self) {
        if let Some(mut service) = self.service.lock().await.take() {
            let _ = service.close_with_timeout(FAREWELL).await;
        }
        self.carrier.send_with(Sent::Nothing);
    }
}

/// Errors that rmcp makes up for a stream that ended, as if the server had said them.
fn is_ours(error: &ErrorData) -> bool {
    error.message.starts_with("streamable HTTP ")
}

/// How often an answer that broke off is resumed: a few times, quickly; the caller's own patience
/// is the limit.
#[derive(Debug)]
struct Resume;

impl rmcp::transport::common::client_side_sse::SseRetryPolicy for Resume {
    fn retry(&self, times: usize) -> Option<Duration> {
        const TIMES: [u64; 4] = [200, 1_000, 3_000, 5_000];
        TIMES.get(times).copied().map(Duration::from_millis)
    }
}

fn called(server: &Implementation) -> &str {
    server
        .title
        .as_deref()
        .filter(|title| !title.trim().is_empty())
        .unwrap_or(&server.name)
}

fn this_app() -> Implementation {
    let mut app = Implementation::new("chief-integrations", env!("CARGO_PKG_VERSION"));
    app.title = Some("Chief Integrations".to_owned());
    app
}

#[cfg(test)]
mod tests;
