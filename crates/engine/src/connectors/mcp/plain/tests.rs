use super::super::tests::{call, credential, mcp, message, older, result};
use super::super::*;
use rstest::rstest;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wiremock::{Match, Mock, MockServer, Request, ResponseTemplate, matchers::any};

/// The requests of one method that arrived, oldest first.
async fn asked(server: &MockServer, method: &str) -> Vec<Request> {
    let mut requests = server.received_requests().await.unwrap_or_default();
    requests.retain(|request| message(request)["method"] == method);
    requests
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let value = request.headers.get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Whether rmcp sent it: its requests are numbered.
fn is_rmcps(request: &Request) -> bool {
    message(request)["id"].is_number()
}

/// A server of the older era that names its sessions, the newest of which it knows.
async fn with_sessions() -> MockServer {
    struct Names(std::sync::atomic::AtomicUsize);
    impl wiremock::Respond for Names {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let message = message(request);
            let known = self.0.load(Ordering::Relaxed);
            match message["method"].as_str().unwrap_or_default() {
                "initialize" => {
                    let begun = self.0.fetch_add(1, Ordering::Relaxed) + 1;
                    let told = json!({
                        "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                        "serverInfo": { "name": "mock", "version": "1" },
                    });
                    result(&message, &told).insert_header("mcp-session-id", format!("s{begun}"))
                }
                "server/discover" => ResponseTemplate::new(400),
                _ if header(request, "mcp-session-id") != format!("s{known}") => {
                    ResponseTemplate::new(404)
                }
                "tools/call" => {
                    let answer = result(&message, &json!({ "content": [] }));
                    // Its second session, from after the first call on.
                    if known == 1 {
                        self.0.store(100, Ordering::Relaxed);
                    }
                    answer
                }
                _ => ResponseTemplate::new(202),
            }
        }
    }
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(Names(std::sync::atomic::AtomicUsize::new(0)))
        .mount(&server)
        .await;
    server
}

/// A server of the older era that answers its first call in one piece, the others so.
async fn then(
    special: impl Fn(&Value) -> ResponseTemplate + Send + Sync + 'static,
) -> (MockServer, Mcp) {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = older(move |method, message| {
        let is_later = method == "tools/call" && calls.fetch_add(1, Ordering::Relaxed) > 0;
        is_later.then(|| special(message))
    })
    .await;
    let mcp = mcp(&server.uri());
    call(&mcp).await.expect("the first answer");
    (server, mcp)
}

#[tokio::test]
async fn a_call_names_its_session_and_one_that_has_ended_is_begun_anew() {
    let server = with_sessions().await;
    let mcp = mcp(&server.uri());
    for _ in 0..3 {
        call(&mcp).await.expect("an answer");
    }
    let calls = asked(&server, "tools/call").await;
    let told: Vec<_> = calls
        .iter()
        .map(|call| (header(call, "mcp-session-id"), is_rmcps(call)))
        .collect();
    // The first shows how it answers, and so does the second, which is refused and said again in a new
    // session.
    assert_eq!(
        told,
        [("s1", true), ("s1", false), ("s101", true), ("s101", false)]
    );
    for call in &calls {
        assert_eq!(header(call, "mcp-protocol-version"), "2025-06-18");
        assert!(header(call, "authorization").starts_with("Bearer "));
    }
}

#[tokio::test]
async fn a_stream_is_read_to_its_answer_and_what_it_asks_meanwhile_is_answered() {
    let (server, mcp) = then(|message| {
        let told = [
            json!({ "jsonrpc": "2.0", "id": "p1", "method": "ping" }),
            json!({ "jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": {
                    "message": "sure?",
                    "requestedSchema": { "type": "object", "properties": {} },
                } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }),
            json!({ "jsonrpc": "2.0", "id": message["id"], "result": {
                    "content": [{ "type": "text", "text": "streamed" }],
                } }),
        ];
        let stream: String = told
            .iter()
            .map(|told| format!("data: {told}\n\n"))
            .collect();
        ResponseTemplate::new(200).set_body_raw(stream, "text/event-stream")
    })
    .await;
    for _ in 0..2 {
        let answer = call(&mcp).await.expect("an answer");
        assert_eq!(answer["content"][0]["text"], "streamed");
    }
    let calls = asked(&server, "tools/call").await;
    let carried: Vec<_> = calls.iter().map(is_rmcps).collect();
    assert_eq!(carried, [true, false, true], "the next is rmcp's again");
    tokio::time::timeout(PATIENCE, mcp.tools_changed.notified())
        .await
        .expect("it was heard that the tools changed");
    let all = server.received_requests().await.unwrap_or_default();
    let reply = |id: &str| {
        let mut messages = all.iter().map(message);
        messages.find(|message| message["id"] == id && message.get("method").is_none())
    };
    assert_eq!(
        reply("p1").expect("an answer to its ping")["result"],
        json!({})
    );
    let said = reply("q1").expect("an answer to its question");
    assert_eq!(said["result"]["action"], "decline");
}

#[tokio::test]
async fn a_stream_that_ends_without_an_answer_is_a_connection_that_broke_off() {
    let (_server, mcp) =
        then(|_| ResponseTemplate::new(200).set_body_raw(": awake\n\n", "text/event-stream")).await;
    let error = call(&mcp).await.expect_err("no answer");
    assert_eq!(error.code, ErrorCode::Unreachable, "{error:?}");
}

#[tokio::test]
async fn an_answer_to_something_else_is_none() {
    let (_server, mcp) = then(|_| {
        let other = json!({ "jsonrpc": "2.0", "id": "another", "result": { "content": [] } });
        ResponseTemplate::new(200).set_body_json(other)
    })
    .await;
    let error = call(&mcp).await.expect_err("no answer");
    assert_eq!(error.code, ErrorCode::BadAnswer, "{error:?}");
}

#[tokio::test]
async fn a_server_is_told_which_call_is_no_longer_wanted() {
    let (server, mcp) = then(|message| {
        result(message, &json!({ "content": [] })).set_delay(Duration::from_secs(60))
    })
    .await;
    let hung_up = CancellationToken::new();
    let caller = Caller::from(hung_up.clone());
    let credential = credential();
    let called = mcp.call(&credential, ("one", json!({})), None, &caller);
    let hangs_up = async {
        while asked(&server, "tools/call").await.len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        hung_up.cancel();
    };
    let (answer, ()) = tokio::join!(called, hangs_up);
    assert_eq!(
        answer.expect_err("it was called off").code,
        ErrorCode::CallCancelled
    );
    let called = asked(&server, "tools/call").await;
    let called_off = async {
        loop {
            let told = asked(&server, "notifications/cancelled").await;
            if let Some(told) = told.first() {
                return message(told)["params"]["requestId"].clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let called_off = tokio::time::timeout(PATIENCE, called_off).await;
    assert_eq!(
        called_off.ok(),
        called.last().map(|call| message(call)["id"].clone())
    );
}

#[rstest]
#[case::carried_here(false)]
#[case::carried_by_rmcp(true)]
#[tokio::test]
async fn calls_to_a_server_that_hangs_end_together_when_they_are_called_off(#[case] by_rmcp: bool) {
    const CALLS: usize = 8;
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = older(move |method, _| {
        let is_call = method == "tools/call";
        let before = calls.fetch_add(usize::from(is_call), Ordering::Relaxed);
        let hangs = if is_call { before > 0 } else { before > 1 };
        hangs.then(|| ResponseTemplate::new(202).set_delay(Duration::from_secs(600)))
    })
    .await;
    let mcp = mcp(&server.uri());
    call(&mcp).await.expect("the first answer");
    let hung_up = CancellationToken::new();
    let (hears, _heard) = tokio::sync::mpsc::channel(1);
    let caller = if by_rmcp {
        Caller::hearing(hung_up.clone(), hears)
    } else {
        Caller::from(hung_up.clone())
    };
    let credential = credential();
    let one = || mcp.call(&credential, ("one", json!({})), None, &caller);
    let all = futures::future::join_all((0..CALLS).map(|_| one()));
    let hang_up = async {
        while asked(&server, "tools/call").await.len() <= CALLS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        hung_up.cancel();
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::join!(all, hang_up).0
    });
    for answer in ended.await.expect("none waits for the others") {
        let error = answer.expect_err("it was called off");
        assert_eq!(error.code, ErrorCode::CallCancelled);
    }
    let under_way = asked(&server, "tools/call").await;
    assert_eq!(is_rmcps(under_way.last().expect("a call")), by_rmcp);
    let told = async {
        while asked(&server, "notifications/cancelled").await.len() < CALLS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(4), told)
        .await
        .expect("the server was told of each, and not of one after another");
}

/// A request of the newer era says the same in its headers and in its body.
struct SaysTheSame;

impl Match for SaysTheSame {
    fn matches(&self, request: &Request) -> bool {
        let message = message(request);
        let meta = &message["params"]["_meta"];
        let version = header(request, "mcp-protocol-version");
        version == "2026-07-28"
            && meta["io.modelcontextprotocol/protocolVersion"] == version
            && meta["io.modelcontextprotocol/clientInfo"]["name"] == "chief-integrations"
            && meta["io.modelcontextprotocol/clientCapabilities"].is_object()
            && message["method"] == header(request, "mcp-method")
            && (message["params"]["name"].is_null()
                || message["params"]["name"] == header(request, "mcp-name"))
    }
}

#[tokio::test]
async fn a_server_of_the_newer_era_is_told_who_calls_in_headers_and_body() {
    let server = MockServer::start().await;
    Mock::given(SaysTheSame)
        .respond_with(|request: &Request| {
            let message = message(request);
            let told = match message["method"].as_str().unwrap_or_default() {
                "server/discover" => json!({
                    "resultType": "complete", "supportedVersions": ["2026-07-28"],
                    "capabilities": { "tools": {} },
                    "serverInfo": { "name": "newer", "version": "1" },
                    "ttlMs": 0, "cacheScope": "private",
                }),
                _ => json!({ "resultType": "complete", "content": [] }),
            };
            result(&message, &told)
        })
        .mount(&server)
        .await;
    let newer = mcp(&server.uri());
    for _ in 0..3 {
        call(&newer).await.expect("an answer");
    }
    let calls = asked(&server, "tools/call").await;
    let carried: Vec<_> = calls.iter().map(is_rmcps).collect();
    assert_eq!(carried, [true, false, false]);
    // Where a tool wants arguments repeated in headers, only rmcp knows which.
    let repeating = mcp(&server.uri()).repeats(true);
    for _ in 0..2 {
        let _ = call(&repeating).await;
    }
    let calls = asked(&server, "tools/call").await;
    assert!(calls.iter().skip(3).all(is_rmcps));
}
