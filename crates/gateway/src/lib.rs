//! The local MCP server: agents list and call the tools of every healthy integration through it, and
//! never see a credential.
//!
//! Owns: the door (`guard`), what tools are called on the wire (`names`), search where there are many
//! (`search`), the protocol (`server`). Must not know: credentials, how an upstream is spoken to, or
//! any window. Both MCP eras are served, 2026-07-28 and 2025-11-25, request by request.

mod guard;
mod names;
mod search;
mod server;
mod task;

use engine::{Engine, local};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use wire::GatewayView;

/// Where agents find the gateway, in every run: their configuration names it.
pub const PORT: u16 = 7317;
/// Bytes of a request's body, at most.
const BODY_MAX: usize = 4 * 1024 * 1024;
/// How often a port that somebody else has is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// The running gateway; it closes when dropped.
pub struct Gateway {
    _closes: DropGuard,
}

impl Gateway {
    /// Listens on 127.0.0.1 and ::1 at `port` (0: one that the system chooses, for tests), now or as
    /// soon as it is free; tells the engine how it stands. Never at another port: whoever has taken
    /// this one could collect tokens there.
    #[must_use]
    pub fn start(engine: Engine, port: u16) -> Self {
        let close = CancellationToken::new();
        let closes = close.clone().drop_guard();
        tokio::spawn(async move {
            let listeners = loop {
                match local::bind(port).await {
                    Ok(listeners) => break listeners,
                    Err(error) => {
                        tracing::warn!(%error, port, "the gateway's port cannot be had");
                        engine.gateway_is(GatewayView::PortTaken { port });
                    }
                }
                tokio::select! {
                    () = close.cancelled() => return,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            };
            serve(&engine, listeners, &close);
        });
        Self { _closes: closes }
    }
}

fn serve(engine: &Engine, listeners: Vec<TcpListener>, close: &CancellationToken) {
    let Some(port) = listeners
        .first()
        .and_then(|listener| listener.local_addr().ok())
        .map(|address| address.port())
    else {
        return;
    };
    // Host and Origin are the guard's, each on its own and before anything is read; rmcp looks again.
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(local::hosts(port))
        .with_allowed_origins(
            local::hosts(port)
                .iter()
                .map(|host| format!("http://{host}")),
        )
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None)
        .with_max_request_body_bytes(BODY_MAX)
        .with_cancellation_token(close.child_token());
    let handed = engine.clone();
    let service: StreamableHttpService<server::Server, NeverSessionManager> =
        StreamableHttpService::new(
            move || Ok(server::Server::new(handed.clone())),
            Arc::default(),
            config,
        );
    let router =
        axum::Router::new()
            .fallback_service(service)
            .layer(axum::middleware::from_fn_with_state(
                guard::Guard::new(engine.clone(), port),
                guard::only_agents,
            ));
    for listener in listeners {
        let (router, close) = (router.clone(), close.clone());
        tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(close.cancelled_owned())
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the gateway ended");
            }
        });
    }
    engine.gateway_is(GatewayView::Open {
        url: format!("http://127.0.0.1:{port}/mcp"),
    });
    let (engine, close) = (engine.clone(), close.clone());
    tokio::spawn(async move {
        close.cancelled().await;
        engine.gateway_is(GatewayView::Closed);
    });
}
