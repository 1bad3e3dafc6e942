//! One standing connection: the handshake, requests and their answers, the end.

use super::{
    super::{Caller, MAX_LIST_BYTES, MAX_TOOLS, call_late, sent::Key},
    CALL_PATIENCE, Mcp, PATIENCE,
    asking::{Ask, Us},
    carrier::{self, Carrier},
    ears::{Ear, Ears},
};
use crate::http::{host, inert};
use rmcp::{
    ClientServiceExt as _, Peer, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, ClientRequest, ElicitationCapability, ErrorCode as Rpc,
        ErrorData, FormElicitationCapability, Implementation, ListToolsRequest,
        PaginatedRequestParams, ProtocolVersion, RequestId, RequestMetaObject, ServerResult,
    },
    service::{
        ClientInitializeError, ClientLifecycleMode, PeerRequestOptions, RequestHandle,
        RunningService, ServiceError,
    },
    transport::{
        common::client_side_sse::SseRetryPolicy,
        streamable_http_client::{
            StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
        },
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
use wire::{Error, ErrorCode};

/// Pages of one `tools/list`, at most.
const MAX_PAGES: usize = 100;
/// Requests under way on one connection: rmcp's own sixteen let a few slow calls hold up everybody's.
const AT_ONCE: usize = 512;
/// Ending a session politely.
const FAREWELL: Duration = Duration::from_secs(2);
/// Handing over that a call is no longer wanted, and before the session ends telling the server.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// One call, however often its server tells of progress.
const LONGEST_CALL: Duration = Duration::from_secs(3600);

pub(super) struct Connection {
    pub(super) carrier: Carrier,
    pub(super) peer: Peer<RoleClient>,
    /// What each request of the newer era says of this side.
    pub(super) about: Option<RequestMetaObject>,
    ears: Ears,
    service: Mutex<Option<RunningService<RoleClient, Us>>>,
    pub(super) protocol: ProtocolVersion,
    server: Option<Implementation>,
    pub(super) opened: Instant,
    /// The server no longer is what it was greeted as, or its session cannot be gone on with.
    is_outdated: AtomicBool,
}

/// A request that failed: with a code of ours, or with the server's own JSON-RPC error.
pub(super) enum Trouble {
    Known(Error),
    Said(ErrorData),
    /// It looked at nothing, since it does not know the session.
    Forgotten(Error),
}

impl Trouble {
    /// Whether another connection may not have it.
    pub(super) fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Forgotten(_) => true,
            Self::Said(error) => error.code == Rpc::UNSUPPORTED_PROTOCOL_VERSION,
            Self::Known(_) => false,
        }
    }
}

impl Connection {
    /// The handshake, with what the carrier sends.
    pub(super) async fn open(mcp: &Mcp, carrier: Carrier) -> Result<Self, Error> {
        Self::open_asking(mcp, carrier, None).await
    }

    /// The same, telling the server that a person can be asked, where one can. (In the older era a
    /// question does not say which call it is of: such a connection carries one call.)
    pub(super) async fn open_asking(
        mcp: &Mcp,
        carrier: Carrier,
        ask: Option<Ask>,
    ) -> Result<Self, Error> {
        let mut config = StreamableHttpClientTransportConfig::with_uri(mcp.url.as_str())
            .max_sse_event_size(carrier::MAX_MESSAGE)
            .max_json_response_size(carrier::MAX_MESSAGE);
        config.retry_config = Arc::new(Resume);
        config.max_concurrent_requests = AT_ONCE;
        // A forgotten session is a new connection, whose handshake says itself why it fails.
        config.reinit_on_expired_session = false;
        let transport = StreamableHttpClientTransport::with_client(carrier.clone(), config);
        let older = ProtocolVersion::LATEST_WITH_INITIALIZE;
        let lifecycle = if mcp.is_older.load(Ordering::Relaxed) {
            ClientLifecycleMode::Initialize
        } else {
            ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: Some(older.clone()),
            }
        };
        let mut can = ClientCapabilities::default();
        can.elicitation = ask
            .is_some()
            .then(|| ElicitationCapability::new().with_form(FormElicitationCapability::default()));
        let about = (this_app(), can.clone());
        let ears = Ears::default();
        let us = Us {
            config: ClientConfig::new(can, this_app()).with_protocol_version(older),
            ask,
            tools_changed: mcp.tools_changed.clone(),
            ears: ears.clone(),
        };
        let handshake = us.serve_with_lifecycle(transport, lifecycle);
        let service = match tokio::time::timeout(PATIENCE, handshake).await {
            Ok(Ok(service)) => service,
            Ok(Err(error)) => return Err(no_handshake(mcp, &carrier, &error)),
            Err(_) => return Err(mcp.late(PATIENCE)),
        };
        let peer = service.peer().clone();
        let Some(info) = peer.peer_info() else {
            return Err(mcp.bad("it did not say which protocol it speaks"));
        };
        let protocol = info.protocol_version.clone();
        mcp.is_older
            .store(protocol.has_initialize(), Ordering::Relaxed);
        let server = info.server_info.clone();
        let about = (!protocol.has_initialize()).then(|| {
            let mut meta = RequestMetaObject::new();
            meta.set_protocol_version(protocol.clone());
            meta.set_client_info(about.0);
            meta.set_client_capabilities(about.1);
            meta
        });
        Ok(Self {
            carrier,
            peer,
            about,
            ears,
            service: Mutex::new(Some(service)),
            protocol,
            server,
            opened: Instant::now(),
            is_outdated: AtomicBool::new(false),
        })
    }

    /// False where a new one must be made.
    pub(super) fn stands(&self) -> bool {
        !self.peer.is_transport_closed() && !self.is_outdated.load(Ordering::Relaxed)
    }

    /// What comes next needs a new one; calls under way go on.
    pub(super) fn outdate(&self) {
        self.is_outdated.store(true, Ordering::Relaxed);
    }

    /// What the server calls itself; server text, inert.
    pub(super) fn name(&self) -> Option<String> {
        let server = self.server.as_ref()?;
        let title = server
            .title
            .as_deref()
            .map(inert)
            .filter(|title| !title.is_empty());
        title.or_else(|| Some(inert(&server.name)).filter(|name| !name.is_empty()))
    }

    /// What the server calls itself, and its version; server text, inert.
    pub(super) fn server(&self) -> Option<String> {
        let version = &self.server.as_ref()?.version;
        self.name().map(|name| inert(&format!("{name} {version}")))
    }

    /// Sends one request, which carries its credential ([`carrier::keyed`]), and waits for its
    /// answer, and tells the caller meanwhile how far it is; tells the server where nobody waits any
    /// longer.
    pub(super) async fn ask(
        &self,
        mcp: &Mcp,
        request: ClientRequest,
        patience: Duration,
        caller: &Caller,
    ) -> Result<ServerResult, Trouble> {
        let lost = || {
            let error = Error::new(ErrorCode::Unreachable).with("host", host(&mcp.url));
            Trouble::Known(error.with("why", "the connection broke off"))
        };
        let handed = self.hand_over(request, caller).await;
        let (mut asked, ear) = handed.map_err(|_| lost())?;
        let id = asked.id.clone();
        let began = tokio::time::Instant::now();
        let answer = loop {
            let within = patience.min(LONGEST_CALL.saturating_sub(began.elapsed()));
            tokio::select! {
                answer = &mut asked.rx => break answer,
                () = caller.hung_up.cancelled() => {
                    call_off(asked, "no longer wanted").await;
                    return Err(Trouble::Known(mcp.cancelled()));
                }
                // Who tells of progress is still at it.
                () = news(ear.as_ref()) => {}
                () = tokio::time::sleep(within) => {
                    call_off(asked, "no answer in time").await;
                    return Err(Trouble::Known(if patience == CALL_PATIENCE {
                        call_late(&host(&mcp.url), began.elapsed())
                    } else {
                        mcp.late(patience)
                    }));
                }
            }
        };
        let noted = self.failure(&id);
        match answer {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(match (noted, error) {
                (Some(noted), _) => noted,
                (None, ServiceError::McpError(said)) if !is_ours(&said) => Trouble::Said(said),
                (None, ServiceError::UnexpectedResponse) => {
                    Trouble::Known(mcp.bad("its answer is of another kind than asked"))
                }
                (None, error) => {
                    if matches!(error, ServiceError::TransportSend(_)) {
                        self.outdate();
                    }
                    lost()
                }
            }),
            Err(_) => Err(noted.unwrap_or_else(lost)),
        }
    }

    /// Why this request failed, once.
    pub(super) fn failure(&self, id: &RequestId) -> Option<Trouble> {
        let noted = self.carrier.failure(id);
        if let Some(Trouble::Forgotten(_)) = noted {
            self.outdate();
        }
        noted
    }

    /// Sends it, and listens for news of it where the caller wants any.
    async fn hand_over(
        &self,
        request: ClientRequest,
        caller: &Caller,
    ) -> Result<(RequestHandle<RoleClient>, Option<Ear>), ServiceError> {
        let options = PeerRequestOptions::no_options();
        let Some(listener) = caller.hears() else {
            let asked = self.peer.send_cancellable_request(request, options).await?;
            return Ok((asked, None));
        };
        let _silence = self.ears.handing_over.lock().await;
        let asked = self.peer.send_cancellable_request(request, options).await?;
        let ear = self
            .ears
            .listen(asked.progress_token.clone(), listener.clone());
        Ok((asked, Some(ear)))
    }

    /// Every tool as it was told, over all pages.
    pub(super) async fn pages(&self, mcp: &Mcp, key: &Key) -> Result<Vec<Value>, Error> {
        let too_large = |limit: String| {
            let error = Error::new(ErrorCode::TooLarge).with("host", host(&mcp.url));
            error.with("limit", limit)
        };
        let (mut tools, mut bytes) = (Vec::new(), 0_usize);
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let params = PaginatedRequestParams::default().with_cursor(cursor.clone());
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
            let request = carrier::keyed(request, key);
            let answer = self.ask(mcp, request, PATIENCE, &Caller::default()).await;
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
                let tool = serde_json::to_value(tool)
                    .map_err(|_| mcp.bad("its list of tools is not JSON"))?;
                bytes += tool.to_string().len();
                if bytes > MAX_LIST_BYTES {
                    return Err(too_large(format!("{} MiB of tools", MAX_LIST_BYTES >> 20)));
                }
                tools.push(tool);
            }
            if tools.len() > MAX_TOOLS {
                break;
            }
            match page.next_cursor {
                None => return Ok(tools),
                // Only 2026-07-28 says that this is a cursor, too; older servers mean the end by it.
                Some(next) if next.is_empty() && !self.is_newer() => return Ok(tools),
                Some(next) if cursor.as_ref() == Some(&next) => {
                    return Err(mcp.bad("its list of tools has no end"));
                }
                Some(next) => cursor = Some(next),
            }
        }
        Err(too_large(format!("{MAX_TOOLS} tools")))
    }

    /// Ends the session at the server where that goes quickly.
    pub(super) async fn end(&self) {
        let _ = tokio::time::timeout(LAST_WORDS, self.carrier.told()).await;
        if let Some(mut service) = self.service.lock().await.take() {
            let _ = service.close_with_timeout(FAREWELL).await;
        }
        self.carrier.send_with(Key::none());
    }
}

/// Waits for the next word of progress.
async fn news(ear: Option<&Ear>) {
    match ear {
        Some(ear) => ear.news.notified().await,
        None => std::future::pending().await,
    }
}

async fn call_off(asked: RequestHandle<RoleClient>, why: &str) {
    let _ = tokio::time::timeout(LAST_WORDS, asked.cancel(Some(why.to_owned()))).await;
}

/// Why the handshake failed: the HTTP failure, where there was one, else the protocol's.
fn no_handshake(mcp: &Mcp, carrier: &Carrier, error: &ClientInitializeError) -> Error {
    if let Some(failure) = carrier.last_failure() {
        return failure;
    }
    let why = match error {
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
        .with("host", host(&mcp.url))
        .with("why", inert(&why))
}

/// Errors that rmcp makes up for a stream that ended, as if the server had said them.
fn is_ours(error: &ErrorData) -> bool {
    error.message.starts_with("streamable HTTP ")
}

/// How often an answer that broke off is resumed: a few times, quickly; the caller's own patience
/// is the limit.
#[derive(Debug)]
pub(super) struct Resume;

impl SseRetryPolicy for Resume {
    fn retry(&self, times: usize) -> Option<Duration> {
        const TIMES: [u64; 4] = [200, 1_000, 3_000, 5_000];
        TIMES.get(times).copied().map(Duration::from_millis)
    }
}

fn this_app() -> Implementation {
    let mut app = Implementation::new("chief-integrations", env!("CARGO_PKG_VERSION"));
    app.title = Some("Chief Integrations".to_owned());
    app
}
