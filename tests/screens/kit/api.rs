//! An HTTP API of the test's own: it accepts one key.

use anyhow::Result;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::get,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// A running API; it ends when dropped.
pub struct Api {
    pub url: String,
    key: Arc<Mutex<String>>,
    server: tokio::task::JoinHandle<()>,
}

impl Api {
    /// Starts it on loopback; `/health` answers 200 to `key` as bearer and 401 to all else.
    ///
    /// # Errors
    /// Where no port is to be had.
    pub async fn start(key: &str) -> Result<Self> {
        let key = Arc::new(Mutex::new(key.to_owned()));
        let router = Router::new()
            .route("/v1/health", get(health))
            .with_state(key.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, key, server })
    }

    /// From now on only this key is good.
    pub fn rotate(&self, key: &str) {
        key.clone_into(&mut self.key.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn health(
    State(key): State<Arc<Mutex<String>>>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    let good = {
        let key = key.lock().unwrap_or_else(PoisonError::into_inner);
        format!("Bearer {key}")
    };
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if given == Some(good.as_str()) {
        (StatusCode::OK, Json(json!({ "up": true })))
    } else {
        (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "error": "no such key" })),
        )
    }
}
