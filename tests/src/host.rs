//! The test host: the built UI and the real engine behind plain HTTP on loopback, for screens in an
//! ordinary browser. It is the second transport of `wire`'s table; the shell is the first.

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use engine::{
    Engine, Options,
    fakes::FakeDesk,
    ports::{Desk, Done, Popup, Ports},
};
use futures::{Stream, StreamExt, stream};
use gateway::Gateway;
use std::{
    convert::Infallible,
    net::SocketAddr,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};
use tokio::sync::broadcast;
use wire::Changed;

/// The window's own policy (tauri.conf.json), without what only Tauri's transport needs.
const CSP: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                   connect-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'";

/// A desk whose window is a browser: changes go out as server-sent events.
pub struct HostDesk {
    changes: broadcast::Sender<Changed>,
    /// What opens a URL; a test puts its browser here.
    open: Box<dyn Fn(&str) + Send + Sync>,
    /// Where popups are shown.
    pub screen: FakeDesk,
}

impl HostDesk {
    /// `open` is called with each URL that the system's browser would be given.
    pub fn new(open: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            changes: broadcast::Sender::new(256),
            open: Box::new(open),
            screen: FakeDesk::default(),
        }
    }
}

impl Desk for HostDesk {
    fn open_url(&self, url: &str) -> Result<(), String> {
        (self.open)(url);
        Ok(())
    }

    fn raise(&self) {}

    fn lower(&self) {
        self.screen.lower();
    }

    fn quit(&self) {
        self.screen.quit();
    }

    fn starts_at_login(&self) -> Result<bool, String> {
        self.screen.starts_at_login()
    }

    fn start_at_login(&self, on: bool) -> Result<(), String> {
        self.screen.start_at_login(on)
    }

    fn changed(&self, changed: &Changed) {
        // Nobody listens before the page is open.
        let _ = self.changes.send(changed.clone());
    }

    fn replaces(&self) -> bool {
        self.screen.replaces()
    }

    fn notify<'a>(&'a self, popup: &'a Popup, handle: Option<&'a str>) -> Done<'a, String> {
        self.screen.notify(popup, handle)
    }

    fn withdraw<'a>(&'a self, handle: &'a str) -> Done<'a, ()> {
        self.screen.withdraw(handle)
    }
}

#[derive(Clone)]
struct Host {
    engine: Engine,
    desk: Arc<HostDesk>,
    dist: Arc<PathBuf>,
}

/// A running host; it ends with the process or when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub engine: Engine,
    server: tokio::task::JoinHandle<()>,
    _gateway: Gateway,
}

impl Running {
    /// Where a browser finds the UI.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Starts the engine on `folder` and serves the UI of `dist` on an ephemeral loopback port
/// (`port` 0) or a fixed one.
///
/// # Errors
/// Where the engine, the port, or the UI's folder is not to be had.
pub async fn start(
    folder: &FilePath,
    dist: &FilePath,
    port: u16,
    desk: Arc<HostDesk>,
    ports: impl FnOnce(Arc<HostDesk>) -> Ports,
) -> Result<Running> {
    anyhow::ensure!(
        dist.join("index.html").is_file(),
        "{} holds no index.html: run `cargo xtask ui`",
        dist.display()
    );
    let options = Options {
        folder: folder.to_owned(),
        log_folder: folder.join("logs"),
        providers: engine::providers::Sources::with_loopback(folder.join("config/providers")),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        client_document: None,
    };
    let engine = Engine::start(options, ports(desk.clone())).await?;
    // At a port of its own: many hosts run at once.
    let gateway = Gateway::start(engine.clone(), 0);
    let host = Host {
        engine: engine.clone(),
        desk,
        dist: Arc::new(dist.to_owned()),
    };
    let router = Router::new()
        .route("/command/{name}", post(command))
        // A document of 20 MB, as JSON writes it at worst.
        .layer(axum::extract::DefaultBodyLimit::max(6 * wire::DOCUMENT_MAX))
        .route("/events", get(events))
        .fallback(get(file))
        .with_state(host);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .context("the host's port")?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the host ended");
        }
    });
    Ok(Running {
        address,
        engine,
        server,
        _gateway: gateway,
    })
}

async fn command(
    State(host): State<Host>,
    Path(name): Path<String>,
    Json(request): Json<serde_json::Value>,
) -> Response {
    match engine::commands::answer(&host.engine, &name, request).await {
        Ok(reply) => Json(reply).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response(),
    }
}

async fn events(State(host): State<Host>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = stream::unfold(host.desk.changes.subscribe(), |mut changes| async move {
        loop {
            match changes.recv().await {
                Ok(changed) => return Some((changed, changes)),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
    .map(|changed| Ok(Event::default().json_data(changed).unwrap_or_default()));
    Sse::new(changes).keep_alive(KeepAlive::default())
}

/// A file of the built UI; any other path is the page itself, whose router reads it.
async fn file(State(host): State<Host>, uri: axum::http::Uri) -> Response {
    let wanted = uri.path().trim_start_matches('/');
    let inside = !wanted
        .split('/')
        .any(|part| part == ".." || part.is_empty());
    let path = if inside && host.dist.join(wanted).is_file() {
        host.dist.join(wanted)
    } else {
        host.dist.join("index.html")
    };
    let kind = match path.extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    match tokio::fs::read(&path).await {
        Ok(bytes) => (
            [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_SECURITY_POLICY, CSP),
            ],
            bytes,
        )
            .into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
