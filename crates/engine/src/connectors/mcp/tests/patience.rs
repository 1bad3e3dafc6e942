//! How long a call is waited for.

use super::*;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A server whose one tool tells of progress each minute, so many times, and then is silent or done.
async fn working(minutes: u32, ends: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (_, asked) = heard(&mut socket).await?;
                let answer = |result: Value| {
                    json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result }).to_string()
                };
                let (status, kind, mut body) = match asked["method"].as_str()? {
                    "initialize" => (
                        "200 OK",
                        "application/json",
                        answer(json!({
                        "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": "s", "version": "1" } })),
                    ),
                    "tools/call" => ("200 OK", "text/event-stream", String::new()),
                    "server/discover" => ("404 Not Found", "text/plain", String::new()),
                    _ => ("202 Accepted", "text/plain", String::new()),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n"
                );
                socket.write_all(head.as_bytes()).await.ok()?;
                if kind == "text/event-stream" {
                    let token = &asked["params"]["_meta"]["progressToken"];
                    for minute in 1..=minutes {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        let told = json!({ "jsonrpc": "2.0", "method": "notifications/progress",
                            "params": { "progressToken": token, "progress": minute } });
                        socket
                            .write_all(format!("data: {told}\n\n").as_bytes())
                            .await
                            .ok()?;
                    }
                    if !ends {
                        std::future::pending::<()>().await;
                    }
                    body = format!("data: {}\n\n", answer(json!({ "content": [] })));
                }
                socket.write_all(body.as_bytes()).await.ok()
            });
        }
    });
    url
}

async fn called(url: &str) -> Result<Value, Error> {
    let (hears, _news) = mpsc::channel(100);
    let caller = Caller::hearing(CancellationToken::new(), hears);
    mcp(url)
        .call(&credential(), ("one", json!({})), None, &caller)
        .await
}

#[tokio::test(start_paused = true)]
async fn a_call_is_waited_for_as_long_as_its_server_tells_of_progress() {
    called(&working(7, true).await)
        .await
        .expect("after seven minutes");

    let error = called(&working(2, false).await).await;
    let error = error.expect_err("silent after two minutes");
    assert_eq!(
        (error.code, error.args["seconds"].as_str()),
        (ErrorCode::CallLate, "420"),
        "it does answer, and may have done it: {error}"
    );

    let error = called(&working(100, true).await).await;
    assert_eq!(
        error.expect_err("an hour is the most").args["seconds"],
        "3600"
    );
}
