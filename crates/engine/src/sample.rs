//! The sample: a small MCP server inside the app, so that a newcomer sees a card, tools, a test and
//! activity without any account. It goes through the very same path as every other server.
//!
//! Owns: its listener on this computer, the tokens it lets in (as hashes), its six harmless tools.
//! Must not know: that the engine which calls it is the same program.

mod tools;

use crate::{
    http::Reach,
    secret::{Secret, fingerprint},
};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use wire::{Error, ErrorCode};

/// The running sample server; it stops when dropped.
pub struct Sample {
    url: Url,
    allowed: Allowed,
    _stop: DropGuard,
}

/// SHA-256 of each token that is let in.
type Allowed = Arc<RwLock<BTreeSet<[u8; 32]>>>;

impl Sample {
    /// Listens on 127.0.0.1 at a port that the system chooses; lets nobody in yet.
    /// Errors: `LoopbackUnavailable`.
    pub async fn start() -> Result<Self, Error> {
        let unavailable = |error: std::io::Error| {
            Error::new(ErrorCode::LoopbackUnavailable).with("why", error.kind().to_string())
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(unavailable)?;
        let authority = listener.local_addr().map_err(unavailable)?.to_string();
        let url = Url::parse(&format!("http://{authority}/mcp"))
            .map_err(|error| Error::new(ErrorCode::Internal).with("why", error.to_string()))?;
        let stop = CancellationToken::new();
        let allowed = Allowed::default();
        // Any program on this computer, and any web page through DNS rebinding, can reach the
        // port: hence Host and Origin, each checked, besides the token.
        let config = StreamableHttpServerConfig::default()
            .with_allowed_hosts([authority])
            .enforce_origin_validation()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_sse_keep_alive(None)
            .with_max_request_body_bytes(64 * 1024)
            .with_cancellation_token(stop.child_token());
        let notes = tools::Notes::default();
        let service: StreamableHttpService<tools::SampleTools, NeverSessionManager> =
            StreamableHttpService::new(
                move || Ok(tools::SampleTools::new(notes.clone())),
                Arc::default(),
                config,
            );
        let router = axum::Router::new().nest_service("/mcp", service).layer(
            axum::middleware::from_fn_with_state(allowed.clone(), only_the_allowed),
        );
        let stopped = stop.clone();
        tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(stopped.cancelled_owned())
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the sample server ended");
            }
        });
        Ok(Self {
            url,
            allowed,
            _stop: stop.drop_guard(),
        })
    }

    /// Where it listens in this run.
    #[must_use]
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// What must be reachable to call it.
    #[must_use]
    pub fn reach() -> Reach {
        Reach {
            private_hosts: vec![Ipv4Addr::LOCALHOST.to_string()],
        }
    }

    /// A new token, not let in yet.
    #[must_use]
    pub fn fresh_token() -> Secret {
        Secret::fresh("sample_")
    }

    /// From now on the bearer of `token` is let in.
    pub fn allow_token(&self, token: &Secret) {
        self.allow(fingerprint(token.reveal()));
    }

    /// From now on the bearer of the token with this SHA-256 is let in.
    pub fn allow(&self, hash: [u8; 32]) {
        self.allowed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(hash);
    }

    /// From now on the bearer of `token` is refused: after Disconnect.
    pub fn forbid_token(&self, token: &Secret) {
        self.allowed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&fingerprint(token.reveal()));
    }
}

/// The token first, before anything of the body is read. Comparing hashes tells nothing of use by
/// its timing.
async fn only_the_allowed(
    State(allowed): State<Allowed>,
    request: Request,
    next: Next,
) -> Response {
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| fingerprint(token.trim()));
    let is_allowed = token.is_some_and(|hash| {
        allowed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&hash)
    });
    if is_allowed {
        return next.run(request).await;
    }
    let challenge =
        HeaderValue::from_static("Bearer realm=\"Chief sample\", error=\"invalid_token\"");
    (
        StatusCode::UNAUTHORIZED,
        [(header::WWW_AUTHENTICATE, challenge)],
        "The sample needs its token.",
    )
        .into_response()
}

#[cfg(test)]
mod tests;
