//! An MCP server over Streamable HTTP, in either era: 2026-07-28 and 2025-11-25 or earlier.
//!
//! Owns: one lazily made connection (with its session, in the older era), pings, tools, calls. Must
//! not know: where credentials come from or what a failure means for the card.

mod carrier;
mod connection;

use super::{Pong, Tool, sent, sent::Key, shown};
use crate::{
    http::{Http, Reach, host, inert},
    vault::Credential,
};
use carrier::Carrier;
use connection::{Connection, Trouble};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, DiscoverRequest, DiscoverRequestParams,
    ErrorCode as Rpc, ErrorData, PingRequest, ServerResult,
};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use url::Url;
use wire::{Error, ErrorCode};

/// The handshake, both eras tried; a ping; one page of tools.
const PATIENCE: Duration = Duration::from_secs(30);
/// One call of a tool: some think for minutes.
const CALL_PATIENCE: Duration = Duration::from_secs(300);

/// One MCP server.
pub struct Mcp {
    http: Http,
    reach: Reach,
    url: Url,
    connection: Mutex<Option<Arc<Connection>>>,
    /// What the last handshake showed, so that the next one asks once, not twice.
    is_older: AtomicBool,
    /// The server said that its tools changed.
    pub(super) tools_changed: Arc<Notify>,
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
    let asked = match Connection::open(&mcp, carrier.clone()).await {
        Ok(connection) => {
            let listed = connection.pages(&mcp, &Key::none()).await;
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
            tools_changed: Arc::default(),
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
        let (connection, key) = self
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
            .ask(
                self,
                carrier::keyed(request, &key),
                PATIENCE,
                &CancellationToken::new(),
            )
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
            server: connection.server(),
            ends_at: None,
            name: connection.name(),
        })
    }

    pub(super) async fn list_tools(&self, credential: &Credential) -> Result<Vec<Tool>, Error> {
        let veil = sent::veil(credential);
        let told = async {
            let (connection, key) = self.connection(credential).await?;
            connection.pages(self, &key).await
        };
        let told: Vec<_> = told.await.map_err(|error| veil.error(error))?;
        let mut tools = Tool::read_all(&told, &host(&self.url))?;
        for tool in &mut tools {
            // Nothing proves what a server's tool does: its name may raise the risk, as its hints may.
            if super::tool::name_destroys(&tool.name) {
                tool.risk = wire::Risk::Destroys;
            }
        }
        Ok(tools)
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
        let (connection, key) = tokio::select! {
            connection = self.connection(credential) => connection?,
            () = cancel.cancelled() => return Err(self.cancelled()),
        };
        let request = || {
            let call = ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
            carrier::keyed(call, &key)
        };
        let answer = match connection.ask(self, request(), CALL_PATIENCE, cancel).await {
            // The server wants a header that repeats an argument and refused before acting
            // (2026-07-28). Which one, the list of tools says; rmcp adds it from then on.
            Err(Trouble::Said(error)) if error.code == Rpc::HEADER_MISMATCH => {
                connection.pages(self, &key).await?;
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

    /// The connection that stands, or a new one, and the credential for requests on it.
    async fn connection(&self, credential: &Credential) -> Result<(Arc<Connection>, Key), Error> {
        let key = Key::of(credential)?;
        let mut slot = self.connection.lock().await;
        if let Some(connection) = slot.as_ref().filter(|connection| connection.stands()) {
            connection.carrier.send_with(key.clone());
            return Ok((connection.clone(), key));
        }
        self.http.check(&self.url, &self.reach).await?;
        let carrier = self.carrier()?;
        carrier.send_with(key.clone());
        let connection = match Connection::open(self, carrier.clone()).await {
            // It was of the older era once; perhaps it has moved on.
            Err(error)
                if self.is_older.swap(false, Ordering::Relaxed)
                    && error.code == ErrorCode::NotMcp =>
            {
                Connection::open(self, carrier).await?
            }
            other => other?,
        };
        let connection = Arc::new(connection);
        *slot = Some(connection.clone());
        Ok((connection, key))
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

#[cfg(test)]
mod tests;
