//! Servers that misbehave, which no real one does on demand.

mod eras;
mod lists;
mod patience;
mod sessions;

use super::*;
use crate::{connectors::Connector, secret::Secret};
use rstest::rstest;
use serde_json::json;
use std::sync::{Mutex as Plain, atomic::AtomicUsize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

const TOKEN: &str = "canary-4f1d9b27";

pub(super) fn credential() -> Credential {
    Credential::Bearer {
        token: Secret::new(TOKEN),
    }
}

pub(super) fn mcp(url: &str) -> Mcp {
    let reach = Reach {
        private_hosts: vec!["127.0.0.1".to_owned()],
    };
    Mcp::new(
        Http::new().expect("TLS"),
        reach,
        Url::parse(url).expect("a URL"),
    )
}

/// The JSON-RPC message of a request.
pub(super) fn message(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or(Value::Null)
}

pub(super) fn result(message: &Value, result: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }))
}

/// A server of the older era; `special` answers first, where it wants to.
struct Older<F>(F);

impl<F: Fn(&str, &Value) -> Option<ResponseTemplate> + Send + Sync> Respond for Older<F> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let message = message(request);
        let method = message["method"].as_str().unwrap_or_default();
        if let Some(answer) = (self.0)(method, &message) {
            return answer;
        }
        match method {
            "initialize" => result(
                &message,
                &json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                         "serverInfo": { "name": "mock", "version": "1" } }),
            ),
            "ping" => result(&message, &json!({})),
            "tools/list" => result(
                &message,
                &json!({ "tools": [{ "name": "one", "inputSchema": { "type": "object" } }] }),
            ),
            "tools/call" => result(
                &message,
                &json!({ "content": [{ "type": "text", "text": "done" }] }),
            ),
            "server/discover" => ResponseTemplate::new(400),
            _ => ResponseTemplate::new(202),
        }
    }
}

pub(super) async fn older(
    special: impl Fn(&str, &Value) -> Option<ResponseTemplate> + Send + Sync + 'static,
) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(Older(special))
        .mount(&server)
        .await;
    server
}

pub(super) async fn call(mcp: &Mcp) -> Result<Value, Error> {
    mcp.call(&credential(), ("one", json!({})), None, &Caller::default())
        .await
}

#[test]
fn its_work_can_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    let connector = Connector::Mcp(mcp("http://127.0.0.1:9/mcp"));
    is_send(connector.call(&credential(), "one", json!({}), Caller::default()));
    is_send(connector.ping(&credential()));
    is_send(connector.drop_session());
}

#[rstest]
#[case::bad_request(400)]
#[case::not_found(404)]
#[case::wrong_method(405)]
#[case::broken(500)]
#[case::unknown(501)]
#[tokio::test]
async fn an_older_server_may_answer_the_newer_greeting_with_anything(#[case] status: u16) {
    let server = older(move |method, _| {
        (method == "server/discover").then(|| ResponseTemplate::new(status))
    })
    .await;
    let mcp = mcp(&server.uri());
    let pong = mcp
        .ping(&credential())
        .await
        .expect("the older handshake follows");
    assert_eq!(pong.protocol.as_deref(), Some("2025-06-18"));
    mcp.drop_session().await;
    mcp.ping(&credential()).await.expect("again");
    let asked = server.received_requests().await.unwrap_or_default();
    let greetings = asked
        .iter()
        .filter(|request| message(request)["method"] == "server/discover")
        .count();
    assert_eq!(greetings, 1, "what it is was learned the first time");
}

#[tokio::test]
async fn an_older_server_that_never_answers_the_newer_greeting_is_still_reached() {
    let server = older(|method, _| {
        (method == "server/discover")
            .then(|| ResponseTemplate::new(200).set_delay(Duration::from_secs(60)))
    })
    .await;
    mcp(&server.uri())
        .ping(&credential())
        .await
        .expect("after some seconds the older handshake follows");
}

#[rstest]
#[case::a_page("text/html", "<html>hello</html>")]
#[case::other_json("application/json", r#"{"hello":"world"}"#)]
#[case::no_json("application/json", "oops")]
#[case::nothing("text/plain", "")]
#[case::too_deep("application/json", &"[".repeat(100_000))]
#[tokio::test]
async fn what_is_no_mcp_server_is_called_so(#[case] kind: &str, #[case] body: &str) {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_raw(body.to_owned(), kind);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let error = mcp(&server.uri())
        .ping(&credential())
        .await
        .expect_err("no MCP server");
    assert_eq!(error.code, ErrorCode::NotMcp, "{error}");
}

#[tokio::test]
async fn the_credential_never_follows_to_another_origin() {
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/steal?x=1", elsewhere.uri());
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).insert_header("location", target.as_str());
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let error = mcp(&server.uri())
            .ping(&credential())
            .await
            .expect_err("redirected away");
        assert_eq!(error.code, ErrorCode::RedirectRefused, "{status}: {error}");
        assert_eq!(error.args["target"], elsewhere.uri());
    }
    assert!(
        elsewhere
            .received_requests()
            .await
            .unwrap_or_default()
            .is_empty(),
        "something was sent there"
    );
}

#[tokio::test]
async fn a_redirect_that_stays_is_followed_with_method_and_body() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::path("/mcp"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", "/mcp/"))
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::path("/mcp/"))
        .respond_with(Older(|_: &str, _: &Value| None))
        .mount(&server)
        .await;
    let mcp = mcp(&format!("{}/mcp", server.uri()));
    mcp.ping(&credential())
        .await
        .expect("a server that wants the slash");
    let last = server
        .received_requests()
        .await
        .unwrap_or_default()
        .pop()
        .expect("requests");
    assert_eq!(
        last.headers["authorization"],
        format!("Bearer {TOKEN}").as_str()
    );

    let circle = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(308).insert_header("location", "/round"))
        .mount(&circle)
        .await;
    let error = super::tests::mcp(&circle.uri())
        .ping(&credential())
        .await
        .expect_err("a circle");
    assert_eq!(error.code, ErrorCode::BadAnswer, "{error}");
}

#[tokio::test]
async fn an_answer_over_the_limit_is_cut_and_the_connection_stays_usable() {
    let big = Arc::new(AtomicBool::new(true));
    let flag = big.clone();
    let server = older(move |method, message| {
        (method == "tools/call" && flag.load(Ordering::Relaxed)).then(|| {
            let text = "x".repeat(carrier::MAX_MESSAGE + 1);
            result(
                message,
                &json!({ "content": [{ "type": "text", "text": text }] }),
            )
        })
    })
    .await;
    let mcp = mcp(&server.uri());
    let error = call(&mcp).await.expect_err("over the limit");
    assert_eq!(
        (error.code, error.args["limit"].as_str()),
        (ErrorCode::TooLarge, "8 MiB"),
        "{error}"
    );
    big.store(false, Ordering::Relaxed);
    call(&mcp).await.expect("the next call");
}

#[tokio::test]
async fn a_bomb_of_compressed_zeros_is_cut() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..256 {
        packed.write_all(&zeros).expect("memory");
    }
    let bomb = packed.finish().expect("memory");
    assert!(bomb.len() < 1 << 20, "256 MiB in {} bytes", bomb.len());
    let server = older(move |method, _| {
        (method == "tools/call").then(|| {
            ResponseTemplate::new(200)
                .insert_header("content-encoding", "gzip")
                .set_body_raw(bomb.clone(), "application/json")
        })
    })
    .await;
    let error = call(&mcp(&server.uri())).await.expect_err("a bomb");
    assert_eq!(error.code, ErrorCode::TooLarge, "{error}");
}

/// A request's head and its message.
pub(super) async fn heard(socket: &mut TcpStream) -> Option<(String, Value)> {
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let Ok(read @ 1..) = socket.read(&mut piece).await else {
            return None;
        };
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            let message = serde_json::from_str(body).unwrap_or(Value::Null);
            return Some((head.to_owned(), message));
        }
    }
}

/// A server written by hand: answers the handshake, then `tools/call` with whatever `stream` sends.
/// The second part counts how often a client came to resume a stream.
async fn streaming(stream: fn(u64) -> Option<Vec<u8>>) -> (String, Arc<AtomicUsize>) {
    let resumed = Arc::new(AtomicUsize::new(0));
    let count_of_resumed = resumed.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let resumed = count_of_resumed.clone();
            tokio::spawn(async move {
                let Some((head, message)) = heard(&mut socket).await else {
                    return;
                };
                let resumes = head.starts_with("GET ");
                if resumes {
                    resumed.fetch_add(1, Ordering::Relaxed);
                }
                let answer = match message["method"].as_str().unwrap_or_default() {
                    method if resumes || method == "tools/call" => {
                        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
                        let _ = socket.write_all(head.as_bytes()).await;
                        let mut count = 0;
                        while let Some(piece) = stream(count) {
                            if socket.write_all(&piece).await.is_err() {
                                return;
                            }
                            count += 1;
                        }
                        return;
                    }
                    "initialize" => json!({ "jsonrpc": "2.0", "id": message["id"], "result": {
                        "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": "s", "version": "1" } } }),
                    "ping" => json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} }),
                    _ => Value::Null,
                };
                let (status, text) = if answer.is_null() {
                    (
                        if message["id"].is_null() {
                            "202 Accepted"
                        } else {
                            "404 Not Found"
                        },
                        String::new(),
                    )
                } else {
                    ("200 OK", answer.to_string())
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    text.len()
                );
                let _ = socket.write_all(format!("{head}{text}").as_bytes()).await;
            });
        }
    });
    (url, resumed)
}

#[rstest]
#[case::one_endless_event(|_| Some(vec![b'x'; 1 << 16]))]
#[case::endless_events(|_| Some(b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\n\n".repeat(500)))]
#[case::endless_events_to_resume(|n| Some(format!("id: {n}\ndata: {}\n\n", "x".repeat(60_000)).into_bytes()))]
#[case::endless_comments(|_| Some(b": still here\n\n".repeat(4_000)))]
#[tokio::test]
async fn an_endless_stream_is_cut(#[case] stream: fn(u64) -> Option<Vec<u8>>) {
    let (url, resumed) = streaming(stream).await;
    let mcp = mcp(&url);
    let error = call(&mcp).await.expect_err("endless");
    assert_eq!(error.code, ErrorCode::TooLarge, "{error}");
    mcp.ping(&credential())
        .await
        .expect("the integration stays usable");
    // rmcp would come back for more within a second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let resumed = resumed.load(Ordering::Relaxed);
    assert_eq!(resumed, 0, "what was cut must not be resumed");
}

#[tokio::test]
async fn a_stream_that_ends_without_an_answer_is_said_so() {
    let (url, _) = streaming(|n| (n == 0).then(|| b"data: {}\n\n".to_vec())).await;
    let error = call(&mcp(&url)).await.expect_err("no answer in it");
    assert_eq!(error.code, ErrorCode::Unreachable, "{error}");
}

#[tokio::test]
async fn a_server_without_tools_or_ping_is_fine() {
    let server = older(|method, message| {
        matches!(method, "tools/list" | "ping").then(|| {
            ResponseTemplate::new(200).set_body_json(
                json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": -32601, "message": "no such method" } }),
            )
        })
    })
    .await;
    let mcp = mcp(&server.uri());
    mcp.ping(&credential()).await.expect("it answered");
    assert_eq!(mcp.list_tools(&credential()).await.expect("none"), vec![]);
}

#[tokio::test]
async fn a_credential_that_the_server_echoes_is_covered() {
    let server = older(|method, message| match method {
        "tools/call" => Some(result(
            message,
            &json!({ "content": [{ "type": "text", "text": format!("you sent Bearer {TOKEN}") }], "structuredContent": { TOKEN: [TOKEN] } }),
        )),
        "tools/list" => Some(result(
            message,
            &json!({ "tools": [{ "name": "one", "description": format!("key {TOKEN}"), "inputSchema": { "default": TOKEN } }] }),
        )),
        "ping" => Some(ResponseTemplate::new(400).set_body_json(
            json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": -32000, "message": format!("bad key {TOKEN}") } }),
        )),
        _ => None,
    })
    .await;
    let mcp = mcp(&server.uri());
    let seen = [
        call(&mcp).await.expect("a result").to_string(),
        format!("{:?}", mcp.list_tools(&credential()).await.expect("tools")),
        mcp.ping(&credential())
            .await
            .expect_err("an error")
            .to_string(),
    ];
    for text in seen {
        assert!(
            !text.contains(TOKEN) && text.contains("[credential]"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_refusal_without_challenge_is_still_a_refusal() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    let url = Url::parse(&server.uri()).expect("a URL");
    let reach = Reach {
        private_hosts: vec!["127.0.0.1".to_owned()],
    };
    let http = Http::new().expect("TLS");
    let asked = challenge(&http, &reach, &url).await.expect("an answer");
    assert_eq!(
        asked,
        Challenge::Auth {
            www_authenticate: None
        }
    );
    let error = challenge(&http, &Reach::default(), &url)
        .await
        .expect_err("not confirmed");
    assert_eq!(error.code, ErrorCode::AddressPrivate);
}
