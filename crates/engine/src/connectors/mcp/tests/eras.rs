//! Servers of the newer era, and those that change it while a connection stands.

use super::*;

/// What a server of 2026-07-28 says to `server/discover`.
pub(super) fn discovered(message: &Value) -> ResponseTemplate {
    result(
        message,
        &json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private",
        }),
    )
}

/// What it says to a request that is not of 2026-07-28.
#[derive(Clone, Copy)]
enum Refuses {
    /// As the specification wants it.
    ByCode,
    /// With a session of before, and no word.
    ByNotFound,
}

#[rstest]
#[case(Refuses::ByCode)]
#[case(Refuses::ByNotFound)]
#[tokio::test]
async fn a_server_that_changes_its_era_is_greeted_anew(#[case] refuses: Refuses) {
    let is_newer = Arc::new(AtomicBool::new(false));
    let flag = is_newer.clone();
    let server = older(move |method, message| {
        let said = &message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
        let speaks_newer = said == "2026-07-28";
        let refusal = |code: i32| {
            ResponseTemplate::new(400).set_body_json(json!({ "jsonrpc": "2.0", "id": message["id"],
                "error": { "code": code, "message": "not so" } }))
        };
        match (flag.load(Ordering::Relaxed), method) {
            (false, "initialize") => Some(
                result(
                    message,
                    &json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                             "serverInfo": { "name": "mock", "version": "1" } }),
                )
                .insert_header("mcp-session-id", "s1"),
            ),
            (false, _) if speaks_newer => Some(refusal(-32000)),
            (false, _) => None,
            (true, _) if !speaks_newer => Some(match refuses {
                Refuses::ByCode => refusal(-32022),
                Refuses::ByNotFound => ResponseTemplate::new(404),
            }),
            (true, "server/discover") => Some(discovered(message)),
            (true, _) => Some(result(
                message,
                &json!({ "resultType": "complete", "content": [] }),
            )),
        }
    })
    .await;
    let mcp = mcp(&server.uri());
    for (newer, protocol) in [
        (false, "2025-06-18"),
        (true, "2026-07-28"),
        (false, "2025-06-18"),
    ] {
        is_newer.store(newer, Ordering::Relaxed);
        let pong = mcp.ping(&credential()).await.expect("it is greeted anew");
        assert_eq!(pong.protocol.as_deref(), Some(protocol));
        call(&mcp).await.expect("an answer");
    }
    if let Refuses::ByCode = refuses {
        is_newer.store(true, Ordering::Relaxed);
        call(&mcp)
            .await
            .expect("it was refused before acting, and asked again");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_handshake_that_is_not_answered_waits_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let handshakes = Arc::new(AtomicUsize::new(0));
    let count = handshakes.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                while let Some((_, message)) = heard(&mut socket).await {
                    if message["method"] == "initialize" {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mcp = mcp(&url);
    let (key, began) = (credential(), tokio::time::Instant::now());
    let calls = futures::future::join_all((0..8).map(|_| call(&mcp)));
    let (called, pinged) = tokio::join!(calls, mcp.ping(&key));
    for error in called
        .into_iter()
        .filter_map(Result::err)
        .chain(pinged.err())
    {
        assert_eq!(error.code, ErrorCode::Unreachable, "{error}");
    }
    assert!(began.elapsed() < 2 * PATIENCE, "{:?}", began.elapsed());
    assert_eq!(handshakes.load(Ordering::Relaxed), 1);
    // Who comes later asks anew.
    call(&mcp).await.expect_err("silence");
    assert_eq!(handshakes.load(Ordering::Relaxed), 2);
}
