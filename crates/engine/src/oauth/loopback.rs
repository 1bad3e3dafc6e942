//! The way back from the browser: a listener on this computer, for one sign-in, for ten minutes.
//!
//! RFC 8252 section 7.3. Bound on 127.0.0.1 and ::1 with the same port, so that nobody else can
//! answer where a browser tries the other one first.

use super::{
    Callback,
    pages::{self, Page},
};
use crate::{connect::way::LoopbackName, local, secret::Secret};
use axum::{
    Router,
    extract::{Request, State},
    http::{Method, header},
    response::Response,
};
use base64::Engine as _;
use reqwest::Url;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use wire::{Error, ErrorCode};

/// How long the browser may take.
const OPEN_FOR: Duration = Duration::from_secs(600);
/// How long the last page may take to reach the browser.
const LAST_PAGE_WITHIN: Duration = Duration::from_secs(3);
/// How long a door whose sign-in is over still says no, so that an answer that comes late, or twice,
/// is told of.
const REFUSES_FOR: Duration = Duration::from_secs(60);
/// Ports tried until one is free on both addresses.
const PORTS_TRIED: usize = 50;
/// How soon a fixed port is tried again.
const PORT_AGAIN: Duration = Duration::from_millis(100);
/// Refused answers that are told of; a flood of them is not.
const REFUSALS_TOLD: u32 = 20;

/// A place for the browser to come back to: one right answer, within ten minutes. It closes when it
/// is dropped; [`Loopback::late`] refuses what still comes.
pub struct Loopback {
    redirect_uri: String,
    start_link: String,
    start_path: String,
    until: Instant,
    by: By,
    stage: Stage,
}

/// By which way the answer comes. The other one is refused: an answer is bound to the redirect URI that
/// was registered and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Loopback,
    Link,
}

enum Stage {
    Bound(Vec<TcpListener>),
    Serving {
        answers: mpsc::Receiver<Answered>,
        desk: Arc<Desk>,
        _closes_on_drop: DropGuard,
    },
}

/// What came to the callback.
pub enum Answered {
    /// The answer with the right state. No other one is taken now.
    Callback(Callback),
    /// One with a wrong, missing or doubled state: the browser was told, nothing was changed, and the
    /// right one may still come. At most twenty of these are told of.
    Refused,
}

impl Loopback {
    /// Binds a free port on 127.0.0.1 and ::1 (on 127.0.0.1 alone where there is no IPv6).
    ///
    /// # Errors
    /// `LoopbackUnavailable`.
    pub async fn bind() -> Result<Self, Error> {
        Self::bind_to(std::iter::repeat_n(0, PORTS_TRIED)).await
    }

    /// Binds this port, for servers that compare redirect URIs letter for letter. Waits some seconds
    /// for an earlier sign-in to let go of it.
    ///
    /// # Errors
    /// `LoopbackUnavailable`: another program holds the port.
    pub async fn bind_at(port: u16, name: LoopbackName) -> Result<Self, Error> {
        let until = Instant::now() + LAST_PAGE_WITHIN + LAST_PAGE_WITHIN;
        let listeners = loop {
            match local::bind(port).await {
                Ok(listeners) => break listeners,
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    if Instant::now() > until {
                        let why = format!("port {port} is taken by another program");
                        return Err(Error::new(ErrorCode::LoopbackUnavailable).with("why", why));
                    }
                    tokio::time::sleep(PORT_AGAIN).await;
                }
                Err(error) => return Err(unavailable(error)),
            }
        };
        let mut bound = Self::over(listeners).map_err(unavailable)?;
        if name == LoopbackName::Localhost {
            bound.redirect_uri = format!("http://localhost:{port}/callback");
        }
        Ok(bound)
    }

    /// The answer will come by a deep link to `redirect_uri`, straight or through a relay: the
    /// listener only leads to the authorization server, and takes no answer itself.
    pub fn by_link(mut self, redirect_uri: &str) -> Self {
        redirect_uri.clone_into(&mut self.redirect_uri);
        self.by = By::Link;
        self
    }

    /// Tries these ports in turn; 0 stands for any free one.
    async fn bind_to(ports: impl Iterator<Item = u16>) -> Result<Self, Error> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for port in ports {
            match local::bind(port).await {
                Ok(listeners) => return Self::over(listeners).map_err(unavailable),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(unavailable(error)),
            }
        }
        Err(unavailable(last))
    }

    fn over(listeners: Vec<TcpListener>) -> io::Result<Self> {
        let first = listeners
            .first()
            .ok_or(io::ErrorKind::AddrNotAvailable)?
            .local_addr()?;
        let nonce =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let start_path = format!("/start/{nonce}");
        Ok(Self {
            redirect_uri: format!("http://{first}/callback"),
            start_link: format!("http://{first}{start_path}"),
            start_path,
            until: Instant::now() + OPEN_FOR,
            by: By::Loopback,
            stage: Stage::Bound(listeners),
        })
    }

    /// `http://127.0.0.1:{port}/callback`, unless it was bound for another.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        self.redirect_uri.clone()
    }

    /// The link that the browser opens: it leads on to the authorization server. So `state` is never
    /// in an argument list, on the clipboard, or with the UI. It works until the answer has come.
    #[must_use]
    pub fn start_link(&self) -> String {
        self.start_link.clone()
    }

    /// Begins to answer the browser. What a deep link brings is put into the letter box; `None` where
    /// the answer comes to the listener itself.
    pub fn listen(&mut self, authorization_url: &Url, state: &Secret) -> Option<LetterBox> {
        self.serve(authorization_url, state);
        match &self.stage {
            Stage::Serving { desk, .. } if self.by == By::Link => Some(LetterBox(desk.clone())),
            Stage::Serving { .. } | Stage::Bound(_) => None,
        }
    }

    /// Waits for the next answer. Call it again after [`Answered::Refused`]. Dropping the future
    /// loses nothing.
    ///
    /// # Errors
    /// `AttemptCancelled`, `AttemptExpired` (ten minutes after binding), `AttemptUnknown` (the answer
    /// was given already).
    pub async fn answer(
        &mut self,
        authorization_url: &Url,
        state: &Secret,
        cancel: CancellationToken,
    ) -> Result<Answered, Error> {
        self.serve(authorization_url, state);
        let Stage::Serving { answers, desk, .. } = &mut self.stage else {
            return Err(Error::new(ErrorCode::AttemptUnknown));
        };
        let answered = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::new(ErrorCode::AttemptCancelled)),
            answered = answers.recv() => answered.ok_or_else(|| Error::new(ErrorCode::AttemptUnknown)),
            () = tokio::time::sleep_until(self.until) => Err(Error::new(ErrorCode::AttemptExpired)),
        };
        if !matches!(answered, Ok(Answered::Refused)) {
            desk.answered.store(true, Ordering::Release);
        }
        answered
    }

    /// The sign-in is over, however it ended: waits for the next answer that comes all the same. It
    /// was refused. `None` a minute after the first of these calls, or where nothing ever listened:
    /// drop it then.
    pub async fn late(&mut self) -> Option<()> {
        let Stage::Serving { answers, desk, .. } = &mut self.stage else {
            return None;
        };
        if !desk.late.swap(true, Ordering::AcqRel) {
            desk.answered.store(true, Ordering::Release);
            self.until = Instant::now() + REFUSES_FOR;
        }
        loop {
            match tokio::time::timeout_at(self.until, answers.recv()).await {
                Ok(Some(Answered::Refused)) => return Some(()),
                // The right one, which nobody waited for any more when it came.
                Ok(Some(Answered::Callback(_))) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }

    fn serve(&mut self, authorization_url: &Url, state: &Secret) {
        let Stage::Bound(listeners) = &mut self.stage else {
            return;
        };
        let listeners = std::mem::take(listeners);
        let (send, answers) = mpsc::channel(REFUSALS_TOLD as usize + 1);
        let close = CancellationToken::new();
        let desk = Arc::new(Desk {
            start_path: self.start_path.clone(),
            authorization_url: authorization_url.to_string(),
            state: state.clone(),
            by: self.by,
            hosts: hosts(&listeners),
            answered: AtomicBool::new(false),
            late: AtomicBool::new(false),
            refused: AtomicU32::new(0),
            send,
        });
        for listener in listeners {
            let app = Router::new().fallback(handle).with_state(desk.clone());
            let close = close.clone();
            tokio::spawn(async move {
                let stop = close.clone();
                let serving = axum::serve(listener, app)
                    .with_graceful_shutdown(async move { stop.cancelled().await });
                tokio::select! {
                    _ = serving => {}
                    () = async { close.cancelled().await; tokio::time::sleep(LAST_PAGE_WITHIN).await } => {}
                }
            });
        }
        self.stage = Stage::Serving {
            answers,
            desk,
            _closes_on_drop: close.drop_guard(),
        };
    }
}

/// What the listeners share.
struct Desk {
    start_path: String,
    authorization_url: String,
    state: Secret,
    by: By,
    hosts: Vec<String>,
    /// The right answer came, or none counts any more.
    answered: AtomicBool,
    late: AtomicBool,
    refused: AtomicU32,
    send: mpsc::Sender<Answered>,
}

async fn handle(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.respond(&request)
}

impl Desk {
    fn respond(&self, request: &Request) -> Response {
        // A page elsewhere whose name was rebound to this computer comes with its own Host.
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        if !host.is_some_and(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))) {
            return Page::Nothing.response();
        }
        let path = request.uri().path();
        if request.method() != Method::GET {
            Page::Nothing.response()
        } else if path == self.start_path && !self.answered.load(Ordering::Acquire) {
            pages::to_server(&self.authorization_url)
        } else if path == "/callback" {
            self.callback(request.uri().query().unwrap_or_default())
        } else {
            Page::Nothing.response()
        }
    }

    fn callback(&self, query: &str) -> Response {
        let Some(page) = self.take(query, By::Loopback) else {
            if self.refused.fetch_add(1, Ordering::Relaxed) < REFUSALS_TOLD {
                let _ = self.send.try_send(Answered::Refused);
            }
            return Page::NotOurs.response();
        };
        page.response()
    }

    /// Hands on the first right answer that comes by the right way; `None` for any other, which
    /// changes nothing.
    fn take(&self, query: &str, by: By) -> Option<Page> {
        let ours =
            Callback::parse(query).filter(|callback| self.by == by && callback.is_for(&self.state));
        // Only the first right answer counts, on whichever address it came.
        let callback = ours.filter(|_| !self.answered.swap(true, Ordering::AcqRel))?;
        let page = if callback.error.is_some() {
            Page::NotCompleted
        } else {
            Page::Returned
        };
        let _ = self.send.try_send(Answered::Callback(callback));
        Some(page)
    }
}

/// Where the answer of one sign-in is put when a deep link brings it.
#[derive(Clone)]
pub struct LetterBox(Arc<Desk>);

impl LetterBox {
    /// True where this was the answer that is waited for. Only the first right one is.
    #[must_use]
    pub fn put(&self, query: &str) -> bool {
        self.0.take(query, By::Link).is_some()
    }
}

/// What `Host` may say.
fn hosts(listeners: &[TcpListener]) -> Vec<String> {
    let port = listeners
        .first()
        .and_then(|l| l.local_addr().ok())
        .map_or(0, |address| address.port());
    local::hosts(port)
}

fn unavailable(error: io::Error) -> Error {
    Error::new(ErrorCode::LoopbackUnavailable).with("why", error.kind().to_string())
}

#[cfg(test)]
mod tests;
