//! Answers without end, and small ones that swell: cut at the limit, with bounded memory.

use crate::kit::{
    Home,
    authority::Authority,
    browser, code, mcp,
    scripted::{Scripted, Seen, content, with_header},
    targets,
};
use anyhow::{Context, Result};
use axum::{body::Body, response::Response};
use flate2::{Compress, Compression, FlushCompress};
use futures::stream;
use serde_json::json;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use wire::ErrorCode;

/// More than this the sockets' buffers and the limits do not hold together.
const ENOUGH: u64 = 64 << 20;

/// A body that never ends, and how much of it was taken.
fn endless(kind: &str, taken: Arc<AtomicU64>) -> Response {
    const PIECE: &[u8] = &[b' '; 64 << 10];
    let pieces = stream::repeat_with(move || {
        taken.fetch_add(PIECE.len() as u64, Ordering::Relaxed);
        Ok::<_, Infallible>(PIECE)
    });
    content(200, kind, Body::from_stream(pieces))
}

/// Two gibibytes of spaces, as two mebibytes of gzip: one piece, flushed so that nothing refers back
/// over its start (RFC 1951 section 2.3), over and over.
fn bomb(kind: &str) -> Result<Response> {
    static BOMB: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    if BOMB.get().is_none() {
        let mut piece = Vec::with_capacity(64 << 10);
        let mut deflate = Compress::new(Compression::best(), false);
        deflate.compress_vec(&vec![b' '; 1 << 20], &mut piece, FlushCompress::Full)?;
        let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        let whole = header.into_iter().chain(piece.repeat(2048)).collect();
        BOMB.get_or_init(|| whole);
    }
    let body = BOMB.get().cloned().context("the bomb")?;
    Ok(with_header(
        content(200, kind, body),
        "content-encoding",
        "gzip",
    ))
}

/// Kibibytes that this process has in memory.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("VmRSS")?;
    line.split_whitespace()
        .nth(1)
        .context("a number")?
        .parse()
        .context("a number")
}

#[tokio::test]
async fn an_endless_answer_of_an_api_is_cut() -> Result<()> {
    let taken: Arc<AtomicU64> = Arc::default();
    let counted = taken.clone();
    let api = Scripted::serve(move |seen: Seen| {
        let taken = counted.clone();
        async move {
            if seen.path == "/health" {
                content(200, "text/plain", "ok")
            } else {
                endless("application/json", taken)
            }
        }
    })
    .await?;
    let home = Home::new().await?;
    let attempt = home
        .begin(targets::api(&api.url(""), "/flood", targets::bearer("key")))
        .await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::TooLarge, "{error}");
    home.holds_nothing()?;

    let id = home
        .connect(targets::api(
            &api.url(""),
            "/health",
            targets::bearer("key"),
        ))
        .await?;
    let flood = home
        .call(id, "call", json!({ "method": "GET", "path": "/flood" }))
        .await;
    assert_eq!(code(flood)?, ErrorCode::TooLarge);
    assert!(
        taken.load(Ordering::Relaxed) < ENOUGH,
        "{} bytes were taken",
        taken.load(Ordering::Relaxed)
    );
    assert_eq!(
        home.test(id).await?.error,
        None,
        "the integration stays usable"
    );
    Ok(())
}

#[tokio::test]
async fn a_bomb_is_cut_before_it_fills_the_memory() -> Result<()> {
    let api = Scripted::serve(move |seen: Seen| async move {
        if seen.path == "/health" {
            content(200, "text/plain", "ok")
        } else {
            bomb("application/json").unwrap_or_else(|_| content(500, "text/plain", "no bomb"))
        }
    })
    .await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::api(
            &api.url(""),
            "/health",
            targets::bearer("key"),
        ))
        .await?;
    bomb("text/plain")?;
    let before = resident()?;
    let answer = home
        .call(id, "call", json!({ "method": "GET", "path": "/bomb" }))
        .await;
    assert_eq!(code(answer)?, ErrorCode::TooLarge);
    // Other journeys run beside this one; two gibibytes would still be seen.
    let more = resident()?.saturating_sub(before);
    assert!(more < 512 << 10, "{more} KiB more than before");
    Ok(())
}

#[tokio::test]
async fn an_mcp_server_that_floods_is_cut() -> Result<()> {
    for kind in ["application/json", "text/event-stream"] {
        let taken: Arc<AtomicU64> = Arc::default();
        let counted = taken.clone();
        let server = Scripted::serve(move |_| {
            let taken = counted.clone();
            async move { endless(kind, taken) }
        })
        .await?;
        let home = Home::new().await?;
        let attempt = home
            .begin(targets::mcp_bearer(&server.url("/mcp"), "key"))
            .await?;
        let error = home.fails(attempt).await?;
        assert_eq!(error.code, ErrorCode::TooLarge, "{kind}: {error}");
        assert!(
            taken.load(Ordering::Relaxed) < ENOUGH,
            "{kind}: {} bytes",
            taken.load(Ordering::Relaxed)
        );
        home.holds_nothing()?;
    }
    let server =
        Scripted::serve(|_| async { bomb("application/json").unwrap_or_default() }).await?;
    let home = Home::new().await?;
    let attempt = home
        .begin(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::TooLarge, "a bomb: {error}");
    home.holds_nothing()
}

#[tokio::test]
async fn a_server_with_too_many_tools_is_refused_and_one_that_grows_later_stays() -> Result<()> {
    let many: Arc<AtomicU64> = Arc::new(AtomicU64::new(100_000));
    let count = many.clone();
    let server = Scripted::serve(move |seen: Seen| {
        let many = count.load(Ordering::Relaxed);
        async move {
            let request = seen.json();
            if request["method"] != "tools/list" || many == 0 {
                return mcp::answer(&seen, &Arc::default()).await;
            }
            let tools: Vec<_> = (0..many)
                .map(|n| json!({ "name": format!("t{n}"), "inputSchema": { "type": "object" } }))
                .collect();
            crate::kit::scripted::json(
                200,
                &json!({ "jsonrpc": "2.0", "id": request["id"], "result": { "tools": tools } }),
            )
        }
    })
    .await?;
    let home = Home::new().await?;
    let attempt = home
        .begin(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::TooLarge, "{error}");
    home.holds_nothing()?;
    many.store(0, Ordering::Relaxed);
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    many.store(100_000, Ordering::Relaxed);
    assert_eq!(
        code(
            home.ask::<wire::ProbeIntegration>(json!({ "id": id }))
                .await
        )?,
        ErrorCode::TooLarge
    );
    assert_eq!(
        home.tools(id).await?,
        ["greet", "wait"],
        "the tools of before stay"
    );
    home.call(id, "greet", json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn an_authorization_server_that_floods_is_cut() -> Result<()> {
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/register",
        "/token",
    ] {
        for is_bomb in [false, true] {
            let taken: Arc<AtomicU64> = Arc::default();
            let counted = taken.clone();
            let authority = Authority::start().await?;
            authority.instead(path, move |_| {
                if is_bomb {
                    bomb("application/json").unwrap_or_default()
                } else {
                    endless("application/json", counted.clone())
                }
            });
            let home = Home::new().await?;
            let _ends = browser::signs_in(&home.desk);
            let attempt = home.begin(targets::mcp(&authority.resource())).await?;
            let error = home.fails(attempt).await?;
            assert_eq!(error.code, ErrorCode::TooLarge, "{path}: {error}");
            assert!(
                taken.load(Ordering::Relaxed) < ENOUGH,
                "{path}: {} bytes",
                taken.load(Ordering::Relaxed)
            );
            home.holds_nothing()?;
        }
    }
    Ok(())
}
