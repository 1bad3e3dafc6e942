//! HTTP on this computer's own addresses: who is let in is the guard's, what is said rmcp's. A slow
//! client holds one of a limited number of connections, for a limited time.

use crate::{BODY_MAX, Inside, guard::Guard, server::Server};
use axum::body::Body;
use engine::local;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use wire::GatewayView;

/// rmcp's side of the door.
pub(crate) type Rmcp = StreamableHttpService<Server, NeverSessionManager>;

/// Connections at a time; more wait until one ends.
const CONNECTIONS: usize = 512;
/// How long the head of a request may take, and how long a connection may idle before it. Clients give
/// an idle one up after 4 or 5 seconds, so that none is closed under a request.
const HEAD_LIMIT: Duration = Duration::from_secs(60);
/// After a failed accept: too many files are open, which passes.
const BREATH: Duration = Duration::from_millis(50);

/// Serves until `close`, and tells the engine where.
pub(crate) fn serve(inside: &Inside, listeners: Vec<TcpListener>, close: &CancellationToken) {
    let Some(port) = listeners
        .first()
        .and_then(|listener| listener.local_addr().ok())
        .map(|address| address.port())
    else {
        return;
    };
    let guard = Guard::new(
        inside.clone(),
        rmcp(inside, port, close),
        port,
        close.child_token(),
    );
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    for listener in listeners {
        let (guard, places, close) = (guard.clone(), places.clone(), close.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = close.cancelled() => {}
                () = accept(listener, guard, places, &close) => {}
            }
        });
    }
    inside.engine.gateway_is(GatewayView::Open {
        url: format!("http://127.0.0.1:{port}/mcp"),
    });
}

/// What whoever was let in is answered by, where it is not a plain call.
fn rmcp(inside: &Inside, port: u16, close: &CancellationToken) -> Rmcp {
    // Host and Origin are the guard's, each on its own and before anything is read; rmcp looks again.
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(local::hosts(port))
        .with_allowed_origins(
            local::hosts(port)
                .iter()
                .map(|host| format!("http://{host}")),
        )
        .with_legacy_session_mode(false)
        // A stream only where there is news before the answer.
        .with_json_response(true)
        .with_sse_keep_alive(None)
        .with_max_request_body_bytes(BODY_MAX)
        .with_cancellation_token(close.child_token());
    let handed = inside.clone();
    StreamableHttpService::new(
        move || Ok(Server::new(handed.clone(), None)),
        Arc::default(),
        config,
    )
}

async fn accept(
    listener: TcpListener,
    guard: Guard,
    places: Arc<Semaphore>,
    close: &CancellationToken,
) {
    while let Ok(place) = places.clone().acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let talk = talk(stream, guard.clone(), close.clone());
        tokio::spawn(async move {
            talk.await;
            drop(place);
        });
    }
}

/// One connection, to its end; what is under way when the gateway closes may end.
async fn talk(stream: TcpStream, guard: Guard, close: CancellationToken) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let guard = guard.clone();
        async move { Ok::<_, Infallible>(guard.answer(request.map(Body::new)).await) }
    });
    let talk = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(talk);
    // How it ended is the client's business.
    tokio::select! {
        _ = &mut talk => {}
        () = close.cancelled() => {
            talk.as_mut().graceful_shutdown();
            let _ = talk.await;
        }
    }
}
