//! A scripted server on a real socket, which writes down everything that reaches it.

use anyhow::Result;
use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use futures::future::BoxFuture;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who sent it: the other end of its connection.
    pub from: SocketAddr,
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    /// The header's text, empty where it is not there.
    pub fn header(&self, name: &str) -> String {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    }

    pub fn bearer(&self) -> String {
        self.header("authorization")
            .strip_prefix("Bearer ")
            .unwrap_or_default()
            .to_owned()
    }

    /// A parameter of the query.
    pub fn asked(&self, name: &str) -> Option<String> {
        parameter(self.query.as_bytes(), name)
    }

    /// A parameter of a form in the body.
    pub fn form(&self, name: &str) -> Option<String> {
        parameter(&self.body, name)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or(serde_json::Value::Null)
    }

    /// Everything of it as bytes, to search for what must not have come.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = format!("{} {}?{}\n", self.method, self.path, self.query).into_bytes();
        for (name, value) in &self.headers {
            all.extend(name.as_str().as_bytes());
            all.extend(b": ");
            all.extend(value.as_bytes());
            all.push(b'\n');
        }
        all.extend(&self.body);
        all
    }
}

fn parameter(query: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(query)
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

type Script = Arc<dyn Fn(Seen) -> BoxFuture<'static, Response> + Send + Sync>;

/// A running server. It ends when dropped.
pub struct Scripted {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Scripted {
    /// Answers every request by `script`, on a port of its own.
    pub async fn serve<F, A>(script: F) -> Result<Self>
    where
        F: Fn(Seen) -> A + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        Self::serve_at("127.0.0.1", script).await
    }

    /// The same at another address of this computer, or at all of them (`0.0.0.0`).
    pub async fn serve_at<F, A>(host: &str, script: F) -> Result<Self>
    where
        F: Fn(Seen) -> A + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        let listener = tokio::net::TcpListener::bind((host, 0)).await?;
        let address = listener.local_addr()?;
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let script: Script = Arc::new(move |request| Box::pin(script(request)));
        let app = axum::Router::new()
            .fallback(answer)
            .with_state((script, seen.clone()))
            .into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move {
            // It only ends with the test.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            address,
            seen,
            server,
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The requests to one path.
    pub fn seen_at(&self, path: &str) -> Vec<Seen> {
        self.seen()
            .into_iter()
            .filter(|seen| seen.path == path)
            .collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State((script, seen)): State<(Script, Arc<Mutex<Vec<Seen>>>)>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20)
        .await
        .map(|bytes| bytes.to_vec())
        .unwrap_or_default();
    let request = Seen {
        from,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request.clone());
    script(request).await
}

/// An answer of one kind of content.
pub fn content(status: u16, kind: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status of the test");
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        kind.parse().expect("a type of the test"),
    );
    response
}

pub fn json(status: u16, body: &serde_json::Value) -> Response {
    content(status, "application/json", body.to_string())
}

pub fn text(status: u16, body: &str) -> Response {
    content(status, "text/plain", body.to_owned())
}

pub fn redirect(status: u16, target: &str) -> Response {
    let mut response = text(status, "");
    response.headers_mut().insert(
        header::LOCATION,
        target.parse().expect("an address of the test"),
    );
    response
}

/// The same answer with one more header.
pub fn with_header(mut response: Response, name: &'static str, value: &str) -> Response {
    response
        .headers_mut()
        .insert(name, value.parse().expect("a header of the test"));
    response
}
