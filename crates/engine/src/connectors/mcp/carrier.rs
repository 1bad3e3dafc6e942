//! One MCP connection's HTTP: every message as a POST through the guarded client.
//!
//! rmcp keeps the protocol (eras, sessions, SSE); this keeps the promises of [`crate::http`]: the
//! credential goes only to the origin it is for, answers are bounded while they stream, and each
//! failure has its code. rmcp's own reqwest transport loses the status and headers that decide
//! between "rejected", "not an MCP server" and "try later".

mod listening;
mod message;
mod notices;
mod refused;
#[cfg(test)]
mod tests;
mod transport;

use super::{super::sent::Key, connection::Trouble};
use crate::http::{Http, Reach, by_tls, explain, host, inert, origin, shown};
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use futures::{Stream, StreamExt as _, stream::BoxStream};
use listening::Listening;
use message::{Kind, calls_off, events, id_of, is, is_no_discovery, key_of, legacy, media_type};

pub(super) use message::{Events, keyed};
use notices::Notices;
use rmcp::{
    model::{ClientJsonRpcMessage, RequestId},
    transport::streamable_http_client::{StreamableHttpError, StreamableHttpPostResponse},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use url::Url;
use wire::{Error, ErrorCode};

/// Bytes of one JSON answer or one SSE event, decompressed, at most.
pub(super) const MAX_MESSAGE: usize = 8 * 1024 * 1024;
/// Bytes of one SSE stream, decompressed, at most: progress and logs come before the answer.
pub(super) const MAX_STREAM: usize = 32 * 1024 * 1024;
/// Bytes read of an error's body.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// Same-origin 307 and 308 redirects of one request, at most.
const MAX_REDIRECTS: usize = 5;
/// Some servers of the older era never answer a request before `initialize`: after this they are
/// taken for one. (rmcp's own ten seconds cannot end a POST that is under way.)
const DISCOVER_PATIENCE: Duration = Duration::from_secs(8);

pub(super) type Failed = StreamableHttpError<Error>;

/// Clones share one state: the connection's.
#[derive(Clone)]
pub(super) struct Carrier {
    url: Url,
    shared: Arc<Shared>,
}

struct Shared {
    http: Http,
    reach: Reach,
    key: Mutex<Key>,
    /// The session that requests of the older era name.
    session: Mutex<Option<Arc<str>>>,
    /// Answers to calls came in one piece, and as a stream.
    answered: [AtomicBool; 2],
    noted: Mutex<Noted>,
    listening: Listening,
    notices: Notices,
}

#[derive(Default)]
struct Noted {
    /// Why requests failed, until their callers ask. rmcp passes on only words.
    failures: HashMap<RequestId, Trouble>,
    last: Option<Error>,
    challenge: Option<String>,
    /// A stream went over its limit: it must not be resumed.
    cut: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Carrier {
    /// For `url`, as [`Http::client`].
    pub(super) fn new(http: Http, reach: Reach, url: Url) -> Self {
        let shared = Shared {
            http,
            reach,
            key: Mutex::new(Key::none()),
            session: Mutex::default(),
            answered: Default::default(),
            noted: Mutex::default(),
            listening: Listening::default(),
            notices: Notices::default(),
        };
        Self {
            url,
            shared: Arc::new(shared),
        }
    }

    /// Waits until the server was told of every call that is no longer wanted.
    pub(super) async fn told(&self) {
        self.shared.notices.sent().await;
    }

    /// From now on the standing stream for the server's own messages is opened where there is a session:
    /// somebody here answers its questions.
    pub(super) fn listen(&self) {
        self.shared.listening.begin();
    }

    /// The credential of whatever does not carry its own ([`keyed`]): the handshake, the end of a
    /// session, notices.
    pub(super) fn send_with(&self, key: Key) {
        *lock(&self.shared.key) = key;
    }

    fn key(&self) -> Key {
        lock(&self.shared.key).clone()
    }

    /// The session in which rmcp last said something.
    pub(super) fn session(&self) -> Option<Arc<str>> {
        lock(&self.shared.session).clone()
    }

    /// Whether every answer to a call has come in one piece, as the next may be expected to.
    pub(super) fn answers_whole(&self) -> bool {
        let [whole, streamed] = &self.shared.answered;
        whole.load(Ordering::Relaxed) && !streamed.load(Ordering::Relaxed)
    }

    /// Why this request failed, once.
    pub(super) fn failure(&self, id: &RequestId) -> Option<Trouble> {
        lock(&self.shared.noted).failures.remove(id)
    }

    /// Why the newest request that failed did, once.
    pub(super) fn last_failure(&self) -> Option<Error> {
        lock(&self.shared.noted).last.take()
    }

    /// The newest `WWW-Authenticate`, as it came.
    pub(super) fn challenge(&self) -> Option<String> {
        lock(&self.shared.noted).challenge.clone()
    }

    fn host(&self) -> String {
        host(&self.url)
    }

    fn note(&self, id: Option<&RequestId>, error: Error) -> Failed {
        self.keep(id, &error, Trouble::Known);
        Failed::Client(error)
    }

    /// The server does not know the session. `error`: what its answer is where that cannot be the reason.
    fn forgotten(&self, id: Option<&RequestId>, error: &Error) -> Failed {
        self.keep(id, error, Trouble::Forgotten);
        Failed::SessionExpired
    }

    fn keep(&self, id: Option<&RequestId>, error: &Error, means: fn(Error) -> Trouble) {
        // Callers that went away leave theirs behind.
        const MOST: usize = 1_000;
        let mut noted = lock(&self.shared.noted);
        if noted.failures.len() >= MOST {
            noted.failures.clear();
        }
        if let Some(id) = id {
            noted.failures.insert(id.clone(), means(error.clone()));
        }
        noted.last = Some(error.clone());
    }

    /// One message, and what comes back.
    pub(super) async fn post(
        &self,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let kind = Kind::of(&message);
        let id = id_of(&message);
        let key = key_of(&message).unwrap_or_else(|| self.key());
        if matches!(kind, Kind::Call | Kind::Other) && session.is_some() {
            self.shared.listening.ready().await;
        }
        let body = serde_json::to_vec(&message).map_err(Failed::Deserialize)?;
        let mut all: HeaderMap = headers.into_iter().collect();
        all.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let request = self.request(&key, reqwest::Method::POST, all, session.as_deref(), body);
        let answer = if kind == Kind::Discover {
            match tokio::time::timeout(DISCOVER_PATIENCE, request).await {
                Ok(answer) => answer,
                Err(_) => return Ok(legacy(id, "server/discover was not answered".to_owned())),
            }
        } else {
            request.await
        };
        match answer {
            Ok(answer) => self.read(answer, &key, kind, id, session.is_some()).await,
            Err(error) => Err(self.note(id.as_ref(), error)),
        }
    }

    /// Sends, following redirects only where the method, the body and the origin stay.
    async fn request(
        &self,
        key: &Key,
        method: reqwest::Method,
        mut headers: HeaderMap,
        session: Option<&str>,
        body: Vec<u8>,
    ) -> Result<reqwest::Response, Error> {
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/json, text/event-stream"),
        );
        if let Some(session) = session {
            let value = HeaderValue::from_str(session)
                .map_err(|_| self.bad("its session id is not one"))?;
            headers.insert("mcp-session-id", value);
        }
        // Asked for anew: after a change of network it is another.
        let client = self.shared.http.client(&self.url, &self.shared.reach)?;
        let mut target = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut url = target.clone();
            let mut headers = headers.clone();
            key.sent.put(&mut url, &mut headers)?;
            let request = client
                .request(method.clone(), url)
                .headers(headers)
                .body(body.clone());
            let answer = request
                .send()
                .await
                .map_err(|error| explain(&error, &self.host()))?;
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            target = self.redirected(&target, &answer)?;
        }
        Err(self.bad("it redirects without end"))
    }

    fn redirected(&self, from: &Url, answer: &reqwest::Response) -> Result<Url, Error> {
        let to = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|to| to.to_str().ok())
            .and_then(|to| from.join(to).ok());
        let Some(to) = to else {
            return Err(self.bad("it redirects to nowhere"));
        };
        let keeps_body = matches!(
            answer.status(),
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        let to = by_tls(from, to);
        let stays = to.origin() == self.url.origin();
        if keeps_body && stays {
            return Ok(to);
        }
        // At the same place only the path can be what is wrong, a slash at its end above all.
        let target = if stays {
            shown(&to)
        } else {
            inert(&origin(&to))
        };
        Err(Error::new(ErrorCode::RedirectRefused)
            .with("host", self.host())
            .with("target", target))
    }

    async fn read(
        &self,
        answer: reqwest::Response,
        key: &Key,
        kind: Kind,
        id: Option<RequestId>,
        in_session: bool,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let status = answer.status();
        let headers = answer.headers().clone();
        if !status.is_success() {
            return self.refused(answer, key, (kind, in_session), id).await;
        }
        if matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) || kind == Kind::Notice {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        let session = headers
            .get("mcp-session-id")
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let is_stream = is(&headers, "text/event-stream");
        if kind == Kind::Call {
            let [whole, streamed] = &self.shared.answered;
            let came = if is_stream { streamed } else { whole };
            came.store(true, Ordering::Relaxed);
        }
        if is_stream {
            let stream = self.bounded(answer.bytes_stream(), id);
            return Ok(StreamableHttpPostResponse::Sse(
                events(stream, key.clone()),
                session,
            ));
        }
        let body = self
            .body(answer, MAX_MESSAGE)
            .await
            .map_err(|error| self.note(id.as_ref(), error))?;
        let body = key.veil.json(body);
        // Some servers of the older era answer whatever they do not know with an empty result.
        if kind == Kind::Discover && is_no_discovery(&body) {
            return Ok(legacy(id, "server/discover found nothing".to_owned()));
        }
        match message::read(kind, &body) {
            Ok(message) if is(&headers, "application/json") => {
                Ok(StreamableHttpPostResponse::Json(message, session))
            }
            Ok(_) | Err(_) => Err(self.note(id.as_ref(), self.unreadable(kind, status, &headers))),
        }
    }

    async fn body(&self, answer: reqwest::Response, most: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| explain(&error, &self.host()))?;
            if body.len() + chunk.len() > most {
                return Err(self.too_large(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The stream, cut off with a typed failure where an event or the whole is over its limit.
    fn bounded(
        &self,
        bytes: impl Stream<Item = reqwest::Result<bytes::Bytes>> + Send + 'static,
        id: Option<RequestId>,
    ) -> BoxStream<'static, Result<bytes::Bytes, Error>> {
        let carrier = self.clone();
        let (mut whole, mut event, mut line) = (0_usize, 0_usize, 0_usize);
        bytes
            .map(move |chunk| {
                let chunk = chunk.map_err(|error| {
                    let error = explain(&error, &carrier.host());
                    let _ = carrier.note(id.as_ref(), error.clone());
                    error
                })?;
                whole += chunk.len();
                for byte in chunk.iter() {
                    // An event ends with an empty line.
                    match byte {
                        b'\n' if line == 0 => event = 0,
                        b'\n' => line = 0,
                        b'\r' => {}
                        _ => line += 1,
                    }
                    event += 1;
                    if event > MAX_MESSAGE || whole > MAX_STREAM {
                        let error = carrier.too_large(if whole > MAX_STREAM {
                            MAX_STREAM
                        } else {
                            MAX_MESSAGE
                        });
                        lock(&carrier.shared.noted).cut = true;
                        let _ = carrier.note(id.as_ref(), error.clone());
                        return Err(error);
                    }
                }
                Ok(chunk)
            })
            .boxed()
    }

    fn too_large(&self, most: usize) -> Error {
        Error::new(ErrorCode::TooLarge)
            .with("host", self.host())
            .with("limit", format!("{} MiB", most.div_ceil(1024 * 1024)))
    }

    fn bad(&self, why: &str) -> Error {
        Error::new(ErrorCode::BadAnswer)
            .with("host", self.host())
            .with("why", why)
    }
}
