//! An MCP server over Streamable HTTP, in either era: 2026-07-28 and 2025-11-25 or earlier.
//!
//! Owns: one lazily made connection (with its session, in the older era), pings, tools, calls. Must
//! not know: where credentials come from or what a failure means for the card.

mod asking;
mod carrier;
mod connection;
mod ears;
mod guard;
mod plain;

pub use asking::{Answer, Ask, Question};

use super::{Caller, Pong, Tool, sent, sent::Key, shown};
use crate::{
    http::{Http, Reach, host, inert},
    vault::Credential,
};
use carrier::Carrier;
use connection::{Connection, Trouble};
pub use guard::{Guard, guard};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, ErrorCode as Rpc, ErrorData,
    ServerResult,
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
use url::Url;
use wire::{Error, ErrorCode};

/// The handshake, both eras tried; a ping; one page of tools.
const PATIENCE: Duration = Duration::from_secs(30);
/// One call of a tool, from the last that was heard of it: some think for minutes.
const CALL_PATIENCE: Duration = Duration::from_secs(300);
/// How often one call may ask for more before it is done (what the other SDKs allow).
const MAX_ROUNDS: u32 = 10;
/// Between two rounds in which the server only asks to be asked again.
const ROUND_PAUSE: Duration = Duration::from_millis(250);

/// One MCP server.
pub struct Mcp {
    http: Http,
    reach: Reach,
    url: Url,
    slot: Mutex<Slot>,
    /// What the last handshake showed, so that the next one asks once, not twice.
    is_older: AtomicBool,
    /// The server said that its tools changed.
    pub(super) tools_changed: Arc<Notify>,
    /// A tool wants some of its arguments repeated in headers (2026-07-28, `x-mcp-header`). Which, only
    /// its place in the list says, which each connection must have read.
    repeats: AtomicBool,
    /// How far a ping proves the credential.
    guard: Guard,
}

#[derive(Default)]
struct Slot {
    connection: Option<Arc<Connection>>,
    /// When the last handshake brought no answer, and why.
    silence: Option<(Instant, Error)>,
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
    contact((http, reach, url), async |mcp, connection| {
        connection.pages(mcp, &Key::none()).await.map(drop)
    })
    .await
}

/// The same by a call of no tool: for a server that lists to anybody, and yet tells of a sign-in.
pub async fn challenge_to_callers(
    http: &Http,
    reach: &Reach,
    url: &Url,
) -> Result<Challenge, Error> {
    contact((http, reach, url), async |mcp, connection| {
        connection.lets_anybody_call(mcp).await
    })
    .await
}

async fn contact(
    (http, reach, url): (&Http, &Reach, &Url),
    ask: impl AsyncFnOnce(&Mcp, &Connection) -> Result<(), Error>,
) -> Result<Challenge, Error> {
    let mcp = Mcp::new(http.clone(), reach.clone(), url.clone());
    let carrier = mcp.carrier();
    let asked = match Connection::open(&mcp, carrier.clone()).await {
        Ok(connection) => {
            let answer = ask(&mcp, &connection).await;
            connection.end().await;
            answer
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
            slot: Mutex::default(),
            is_older: AtomicBool::new(false),
            tools_changed: Arc::default(),
            repeats: AtomicBool::new(false),
            guard: Guard::default(),
        }
    }

    /// A tool that is known repeats arguments in headers.
    pub(super) fn repeats(self, repeats: bool) -> Self {
        self.repeats.store(repeats, Ordering::Relaxed);
        self
    }

    pub(super) fn guarded(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    pub(super) fn ping_in_words(&self) -> String {
        format!("MCP ping to {}", shown(&self.url))
    }

    /// `server/discover` in the newer era, `ping` in the older; on a new connection the handshake
    /// comes first and is authenticated too.
    pub(super) async fn ping(&self, credential: &Credential) -> Result<Pong, Error> {
        let veil = sent::veil(credential);
        let started = Instant::now();
        let key = Key::of(credential)?;
        let asked = async {
            let mut connection = self.connection(&key).await?;
            let mut proved = connection.prove(self, &key).await;
            if !connection.stands() && connection.opened < started {
                connection = self.connection(&key).await?;
                proved = connection.prove(self, &key).await;
            }
            proved.map(|()| connection)
        };
        let connection: Arc<Connection> = asked.await.map_err(|error| veil.error(error))?;
        let what = match (connection.is_newer(), self.guard) {
            (true, Guard::Calls) => "server/discover and a call of no tool",
            (false, Guard::Calls) => "ping and a call of no tool",
            (true, Guard::Ping | Guard::Nothing) => "server/discover",
            (false, Guard::Ping | Guard::Nothing) => "ping",
        };
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
            let key = Key::of(credential)?;
            let connection = self.connection(&key).await?;
            match connection.pages(self, &key).await {
                Err(_) if !connection.stands() => {
                    self.connection(&key).await?.pages(self, &key).await
                }
                told => told,
            }
        };
        let told: Vec<_> = told.await.map_err(|error| veil.error(error))?;
        let mut tools = Tool::read_all(&told, &host(&self.url))?;
        for tool in &mut tools {
            // Nothing proves what a server's tool does: its name may raise the risk, as its hints may.
            if super::tool::name_destroys(&tool.name) {
                tool.risk = wire::Risk::Destroys;
            }
        }
        let repeats = tools.iter().any(Tool::repeats_arguments);
        self.repeats.store(repeats, Ordering::Relaxed);
        Ok(tools)
    }

    /// Calls a tool; `ask` answers what it asks a person meanwhile.
    pub(super) async fn call(
        &self,
        credential: &Credential,
        (tool, arguments): (&str, Value),
        ask: Option<&Ask>,
        caller: &Caller,
    ) -> Result<Value, Error> {
        let params = self.params(tool, arguments)?;
        let key = Key::of(credential)?;
        let veil = key.veil.clone();
        let called = async {
            let Some(_) = ask else {
                let connection = self.unless(caller, self.connection(&key)).await?;
                return self
                    .call_on((&connection, &key), params, None, caller)
                    .await;
            };
            let connection = self.unless(caller, self.fresh(&key, ask.cloned())).await?;
            let answer = self.call_on((&connection, &key), params, ask, caller).await;
            connection.end().await;
            answer
        };
        called.await.map_err(|error| veil.error(error))
    }

    async fn unless<T>(
        &self,
        caller: &Caller,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = caller.hung_up.cancelled() => Err(self.cancelled()),
        }
    }

    fn params(&self, tool: &str, arguments: Value) -> Result<CallToolRequestParams, Error> {
        let params = CallToolRequestParams::new(tool.to_owned());
        match arguments {
            Value::Null => Ok(params),
            Value::Object(members) => Ok(params.with_arguments(members)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                let error = Error::new(ErrorCode::ArgumentsInvalid).with("tool", tool);
                Err(error.with("why", "they are not an object of named values"))
            }
        }
    }

    /// One call, in as many rounds as the server needs.
    async fn call_on(
        &self,
        (connection, key): (&Connection, &Key),
        mut params: CallToolRequestParams,
        ask: Option<&Ask>,
        caller: &Caller,
    ) -> Result<Value, Error> {
        let tool = params.name.to_string();
        let cannot = |why: &str| {
            Error::new(ErrorCode::ToolFailed)
                .with("tool", inert(&tool))
                .with("why", why)
        };
        for _ in 0..MAX_ROUNDS {
            let unfinished = match self.round((connection, key), &params, caller).await? {
                ServerResult::CallToolResult(result) => {
                    return serde_json::to_value(result)
                        .map_err(|_| self.bad("its result is not JSON"));
                }
                // A result without content is one, too.
                ServerResult::EmptyResult(_) => return Ok(serde_json::json!({ "content": [] })),
                ServerResult::InputRequiredResult(unfinished) => unfinished,
                _ => return Err(self.bad("its answer is not a tool’s result")),
            };
            let answers = tokio::select! {
                answers = asking::answers(ask, &unfinished) => answers,
                () = caller.hung_up.cancelled() => return Err(self.cancelled()),
            };
            let answers = answers.ok_or_else(|| {
                cannot("it asks a person for input, and nobody here can be asked")
            })?;
            if answers.is_empty() {
                tokio::time::sleep(ROUND_PAUSE).await;
            }
            params.input_responses = Some(answers).filter(|answers| !answers.is_empty());
            // Its own text, letter for letter, and only where it sent one.
            params.request_state = unfinished.request_state;
        }
        Err(cannot("it asked for more input ten times and did not end"))
    }

    /// One request, and its answer.
    async fn round(
        &self,
        (connection, key): (&Connection, &Key),
        params: &CallToolRequestParams,
        caller: &Caller,
    ) -> Result<ServerResult, Error> {
        let request = || {
            let call = ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
            carrier::keyed(call, key)
        };
        let answer = match connection.call_plainly(self, (params, key), caller).await {
            Some(answer) => answer,
            None => connection.ask(self, request(), CALL_PATIENCE, caller).await,
        };
        let answer = match answer {
            // The server wants a header that repeats an argument and refused before acting
            // (2026-07-28). Which one, the list of tools says; rmcp adds it from then on.
            Err(Trouble::Said(error)) if error.code == Rpc::HEADER_MISMATCH => {
                connection.pages(self, key).await?;
                connection.ask(self, request(), CALL_PATIENCE, caller).await
            }
            // It is of another era by now, or has forgotten the session, and refused before acting, too.
            Err(trouble) if trouble.is_of_the_connection() => {
                connection.outdate();
                let anew = self.unless(caller, self.connection(key)).await?;
                anew.ask(self, request(), CALL_PATIENCE, caller).await
            }
            answer => answer,
        };
        answer.map_err(|trouble| match trouble {
            Trouble::Said(error) => self.said(error, &params.name),
            Trouble::Known(_) | Trouble::Forgotten(_) => self.plain(trouble),
        })
    }

    pub(super) async fn drop_session(&self) {
        let connection = self.slot.lock().await.connection.take();
        if let Some(connection) = connection {
            connection.end().await;
        }
    }

    /// Lets go of the connection: the last call on it ends it.
    pub(super) async fn release(&self) {
        let connection = self.slot.lock().await.connection.take();
        if let Some(connection) = connection.and_then(Arc::into_inner) {
            connection.end().await;
        }
    }

    fn carrier(&self) -> Carrier {
        Carrier::new(self.http.clone(), self.reach.clone(), self.url.clone())
    }

    /// The connection that stands, or a new one, for requests with that credential.
    async fn connection(&self, key: &Key) -> Result<Arc<Connection>, Error> {
        let asked = Instant::now();
        let mut slot = self.slot.lock().await;
        let standing = slot.connection.as_ref();
        if let Some(connection) = standing.filter(|connection| connection.stands()) {
            connection.carrier.send_with(key.clone());
            return Ok(connection.clone());
        }
        // Who waited while another heard nothing has waited long enough.
        if let Some((at, error)) = &slot.silence
            && *at >= asked
        {
            return Err(error.clone());
        }
        let made = self.fresh(key, None).await;
        let silent = made.as_ref().err();
        let silent = silent.filter(|error| error.code == ErrorCode::Unreachable);
        slot.silence = silent.map(|error| (Instant::now(), error.clone()));
        let connection = Arc::new(made?);
        slot.connection = Some(connection.clone());
        Ok(connection)
    }

    /// A new connection, which has read the list of tools where calls need it.
    async fn fresh(&self, key: &Key, ask: Option<Ask>) -> Result<Connection, Error> {
        self.http.check(&self.url, &self.reach).await?;
        let carrier = self.carrier();
        carrier.send_with(key.clone());
        if ask.is_some() {
            carrier.listen();
        }
        let opened = Connection::open_asking(self, carrier.clone(), ask.clone()).await;
        let connection = match opened {
            // It was of the older era once; perhaps it has moved on.
            Err(error)
                if self.is_older.swap(false, Ordering::Relaxed)
                    && error.code == ErrorCode::NotMcp =>
            {
                Connection::open_asking(self, carrier, ask).await?
            }
            other => other?,
        };
        if self.repeats.load(Ordering::Relaxed) && !connection.protocol.has_initialize() {
            connection.pages(self, key).await?;
        }
        Ok(connection)
    }

    fn plain(&self, trouble: Trouble) -> Error {
        match trouble {
            Trouble::Known(error) | Trouble::Forgotten(error) => error,
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
        Error::new(ErrorCode::CallCancelled).with("host", host(&self.url))
    }
}

#[cfg(test)]
mod tests;
