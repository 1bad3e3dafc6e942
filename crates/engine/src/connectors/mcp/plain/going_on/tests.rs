use super::super::super::tests::{call, heard, mcp};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};
use wire::ErrorCode;

/// How a server answers a call by a stream that stops before the answer.
#[derive(Clone, Copy)]
struct Script {
    /// So many calls before are answered in one piece.
    whole: usize,
    /// What it says before it stops.
    says: &'static str,
    /// It stops in the midst of it, not at an end.
    breaks: bool,
    /// It goes on where it is asked to.
    goes_on: bool,
    /// It says the same again and breaks off, however often it is asked.
    anew: bool,
}

const BROKEN: Script = Script {
    whole: 1,
    says: "id: e1\nretry: 30\ndata: \n\n",
    breaks: true,
    goes_on: true,
    anew: false,
};

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A server of the older era, and what it was asked.
async fn serving(script: Script) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let asked = Asked::default();
    let all = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let asked = asked.clone();
            tokio::spawn(async move {
                if let Some(request) = heard(&mut socket).await {
                    if let Ok(mut all) = asked.lock() {
                        all.push(request.clone());
                    }
                    answer(&mut socket, script, (request, &asked)).await;
                }
            });
        }
    });
    (url, all)
}

async fn answer(socket: &mut TcpStream, script: Script, asked: ((String, Value), &Asked)) {
    let ((head, message), asked) = asked;
    let id = message["id"].clone();
    let done = |id: &Value| json!({ "jsonrpc": "2.0", "id": id, "result": { "content": [] } });
    match message["method"].as_str().unwrap_or_default() {
        _ if head.starts_with("GET ") && !script.goes_on => whole(socket, "405 No", "").await,
        _ if head.starts_with("GET ") && script.anew => stream(socket, script.says, true).await,
        _ if head.starts_with("GET ") => {
            let id = calls(asked).last().cloned().unwrap_or_default();
            let rest = format!("id: e2\ndata: {}\n\n", done(&id));
            stream(socket, &rest, false).await;
        }
        "initialize" => {
            let told = json!({ "jsonrpc": "2.0", "id": id, "result": {
                "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                "serverInfo": { "name": "raw", "version": "1" },
            } });
            whole(socket, "200 OK\r\nmcp-session-id: s1", &told.to_string()).await;
        }
        "tools/call" if calls(asked).len() > script.whole => {
            stream(socket, script.says, script.breaks).await;
        }
        "tools/call" => whole(socket, "200 OK", &done(&id).to_string()).await,
        "server/discover" => whole(socket, "400 No", "").await,
        _ => whole(socket, "202 Accepted", "").await,
    }
}

async fn whole(socket: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    let _ = socket.write_all(answer.as_bytes()).await;
}

async fn stream(socket: &mut TcpStream, says: &str, breaks: bool) {
    let end = if breaks { "" } else { "0\r\n\r\n" };
    let length = says.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n{length:x}\r\n{says}\r\n{end}"
    );
    let _ = socket.write_all(answer.as_bytes()).await;
}

/// The ids of the calls that arrived.
fn calls(asked: &Asked) -> Vec<Value> {
    let asked = asked.lock().expect("not poisoned");
    let calls = asked
        .iter()
        .filter(|(_, message)| message["method"] == "tools/call");
    calls.map(|(_, message)| message["id"].clone()).collect()
}

/// The heads of what asked for a stream.
fn resumed(asked: &Asked) -> Vec<String> {
    let asked = asked.lock().expect("not poisoned");
    let heads = asked.iter().map(|(head, _)| head.to_lowercase());
    heads.filter(|head| head.starts_with("get ")).collect()
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_ends_early_is_gone_on_with_and_nothing_is_called_twice() {
    for breaks in [true, false] {
        let (url, asked) = serving(Script { breaks, ..BROKEN }).await;
        let mcp = mcp(&url);
        call(&mcp).await.expect("in one piece");
        let answer = call(&mcp).await.expect("after it went on");
        assert_eq!(answer["content"], json!([]));
        let calls = calls(&asked);
        assert_eq!(calls.len(), 2, "one each: {calls:?}");
        assert!(calls[1].is_string(), "the second did not go by rmcp");
        let resumed = resumed(&asked);
        assert_eq!(resumed.len(), 1, "{resumed:?}");
        for line in [
            "last-event-id: e1",
            "mcp-session-id: s1",
            "mcp-protocol-version: 2025-06-18",
            "authorization: bearer ",
        ] {
            assert!(resumed[0].contains(line), "{line} is missing: {resumed:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_cannot_go_on_is_the_same_failure_as_by_rmcp() {
    for (says, goes_on, asks) in [
        ("data: {}\n\n", true, 0),
        ("id: e1\ndata: {}\n\n", false, 1),
    ] {
        for breaks in [true, false] {
            let mut failures = vec![];
            for before in [1, 0] {
                let (url, asked) = serving(Script {
                    whole: before,
                    says,
                    breaks,
                    goes_on,
                    anew: false,
                })
                .await;
                let mcp = mcp(&url);
                for _ in 0..before {
                    call(&mcp).await.expect("in one piece");
                }
                let mut error = call(&mcp).await.expect_err("no answer");
                assert_eq!(error.code, ErrorCode::Unreachable, "{error:?}");
                // Each server has a port of its own.
                error.args.remove("host");
                failures.push(error);
                let calls = calls(&asked);
                assert_eq!(calls.len(), before + 1, "one each");
                assert_eq!(calls[before].is_string(), before == 1, "{calls:?}");
                assert_eq!(resumed(&asked).len(), asks);
            }
            assert_eq!(failures[0], failures[1], "{says:?}, breaks: {breaks}");
        }
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_each_time_is_not_asked_as_fast_as_it_does() {
    let script = Script {
        anew: true,
        ..BROKEN
    };
    let (url, asked) = serving(script).await;
    let mcp = mcp(&url);
    call(&mcp).await.expect("in one piece");
    let patience = std::time::Duration::from_secs(1);
    let answer = tokio::time::timeout(patience, call(&mcp)).await;
    assert!(answer.is_err(), "it never answers: {answer:?}");
    // At once, after 0.2 s, and a second after that.
    let resumed = resumed(&asked);
    assert!((1..=3).contains(&resumed.len()), "{}", resumed.len());
}
