//! The gateway besieged: from other addresses, with foreign names, by too many, too slowly, and by those who
//! leave in the middle. Memory and open files stay as they were.

use crate::kit::{
    Home,
    agent::{Door, call_of, raw},
    mcp,
    scripted::Scripted,
    targets, tick,
};
use anyhow::{Context, Result};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
};
use wire::{Outcome, RowKind};

/// A home whose one server greets, or waits until it is told to go on.
struct Besieged {
    home: Home,
    door: Door,
    bearer: String,
    host: String,
    server: Scripted,
    go_on: Arc<Notify>,
}

impl Besieged {
    async fn begin() -> Result<Self> {
        let (server, go_on) = mcp::waiting().await?;
        let home = Home::new().await?;
        home.connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
            .await?;
        let door = home.open_door().await?;
        let (_, token) = home.pair(json!({})).await?;
        let host = door.url.replace("http://", "").replace("/mcp", "");
        Ok(Self {
            bearer: format!("Bearer {token}"),
            home,
            door,
            host,
            server,
            go_on,
        })
    }

    /// Rows of the agent's that say why it was refused.
    async fn refused(&self, why: &str) -> Result<usize> {
        let what = format!("the agent Chief was refused at the gateway: {why}");
        self.rows(&what).await
    }

    async fn rows(&self, what: &str) -> Result<usize> {
        let rows = self.home.record().await?.into_iter();
        let refused = rows.filter(|row| row.outcome == Outcome::Refused);
        Ok(refused.filter(|row| row.action.starts_with(what)).count())
    }

    fn waiting(&self) -> usize {
        let seen = self.server.seen();
        seen.iter()
            .filter(|seen| seen.method == "POST" && seen.json()["params"]["name"] == "wait")
            .count()
    }

    /// The head of a request whose body would have that many bytes.
    async fn head(&self, length: &str) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.host).await?;
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{length}\r\n\r\n",
            self.host, self.bearer
        );
        stream.write_all(head.as_bytes()).await?;
        Ok(stream)
    }
}

/// The status of what is answered on a connection.
async fn status(stream: &mut TcpStream) -> Result<u16> {
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    let text = std::str::from_utf8(&answer)?;
    text.rsplit(' ')
        .next()
        .context("a status")?
        .parse()
        .context("a number")
}

#[tokio::test]
async fn it_listens_on_this_computers_own_addresses_only() -> Result<()> {
    let besieged = Besieged::begin().await?;
    let found = sockets(&besieged.host, "0A")?;
    let own = ["0100007F", "00000000000000000000000001000000"];
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|address| own.contains(&address.as_str())),
        "{found:?}"
    );
    Ok(())
}

#[tokio::test]
async fn host_and_origin_are_looked_at_each_on_its_own_for_every_method() -> Result<()> {
    let besieged = Besieged::begin().await?;
    let own = format!("http://{}", besieged.host);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let call = call_of("keyed__greet", &json!({}));
    for method in ["POST", "GET", "DELETE", "OPTIONS", "PUT", "HEAD"] {
        for host in [besieged.host.as_str(), "evil.example"] {
            for origin in [
                None,
                Some(own.as_str()),
                Some("http://evil.example"),
                Some("null"),
            ] {
                let mut request = client
                    .request(method.parse()?, &besieged.door.url)
                    .header("host", host)
                    .header("authorization", &besieged.bearer)
                    .header("content-type", "application/json")
                    .header("accept", "application/json, text/event-stream")
                    .body(call.to_string());
                if let Some(origin) = origin {
                    request = request.header("origin", origin);
                }
                let answer = request.send().await?;
                let cell = format!(
                    "{method}, Host {host}, Origin {origin:?}: {}",
                    answer.status()
                );
                let let_in = host == besieged.host && origin.is_none_or(|origin| origin == own);
                let refused = answer.status() == 403;
                assert_eq!(refused, !let_in, "{cell}");
                assert!(
                    !answer
                        .headers()
                        .keys()
                        .any(|name| name.as_str().starts_with("access-control")),
                    "no page is ever allowed: {cell}"
                );
                if let_in && method == "POST" {
                    assert_eq!(answer.status(), 200, "{cell}");
                }
            }
        }
    }
    let told = "a request to the gateway was refused: its";
    let foreign = besieged
        .rows(&format!("{told} Host is not this gateway"))
        .await?;
    let of_a_page = besieged
        .rows(&format!("{told} Origin is not this gateway"))
        .await?;
    assert_eq!((foreign, of_a_page), (6 * 4, 6 * 2), "a row for each");
    Ok(())
}

#[tokio::test]
async fn one_agent_has_sixty_four_turns_and_gets_them_back() -> Result<()> {
    let besieged = Besieged::begin().await?;
    let call = |name: &'static str| {
        let (url, bearer) = (besieged.door.url.clone(), besieged.bearer.clone());
        async move {
            let call = call_of(name, &json!({}));
            raw(("POST", &url), &[("authorization", &bearer)], &call).await
        }
    };
    let waiting: Vec<_> = (0..64).map(|_| tokio::spawn(call("keyed__wait"))).collect();
    let began = Instant::now();
    while besieged.waiting() < 64 {
        tick(began, "64 calls to arrive").await?;
    }
    let (refused, why) = call("keyed__greet").await?;
    assert_eq!(refused, 429, "{why}");
    let too_many = "too many requests at once";
    assert_eq!(besieged.refused(too_many).await?, 1);
    let token = besieged.bearer.trim_start_matches("Bearer ");
    let mut by_stdio = crate::doors::Bare::start(&besieged.home, token)?;
    by_stdio.end().await?;
    assert!(!by_stdio.child.wait().await?.success());
    assert_eq!(
        besieged.refused(too_many).await?,
        2,
        "by the other door, too"
    );
    // Another agent is not held up.
    let (_, other) = besieged.home.pair(json!({ "name": "Other" })).await?;
    let other = format!("Bearer {other}");
    let greet = call_of("keyed__greet", &json!({}));
    let headers = [("authorization", other.as_str())];
    let (status, body) = raw(("POST", &besieged.door.url), &headers, &greet).await?;
    assert_eq!(status, 200, "{body}");
    let rows = besieged.home.record().await?;
    let mut told = rows.iter().map(|row| format!("{row:?}"));
    assert!(!told.any(|row| row.contains(token)), "no row holds a token");
    for one in &waiting {
        one.abort();
    }
    let began = Instant::now();
    while call("keyed__greet").await?.0 != 200 {
        tick(began, "a turn").await?;
    }
    let began = Instant::now();
    loop {
        let rows = besieged.home.rows_of(RowKind::Call, "keyed.wait").await?;
        if rows.len() == 64 && rows.iter().all(|row| row.outcome == Outcome::Failed) {
            break;
        }
        tick(began, "the rows of calls that nobody waits for").await?;
    }
    besieged.go_on.notify_waiters();
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_too_large_or_too_slow_is_refused_and_not_kept() -> Result<()> {
    const MOST: usize = 4 * 1024 * 1024;
    let besieged = Besieged::begin().await?;
    // By its own word, before a byte of it is read.
    let mut told = besieged
        .head(&format!("content-length: {}", MOST + 1))
        .await?;
    assert_eq!(status(&mut told).await?, 413);
    // By what comes.
    let mut endless = besieged.head("transfer-encoding: chunked").await?;
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..=MOST / 0x10000 {
        if endless.write_all(&chunk).await.is_err() {
            break;
        }
    }
    assert_eq!(status(&mut endless).await?, 413);
    assert_eq!(besieged.refused("a message that is too large").await?, 2);
    // One that no longer is what it was said to be.
    let mut broken = besieged.head("transfer-encoding: chunked").await?;
    broken.write_all(b"no length\r\n").await?;
    assert_eq!(status(&mut broken).await?, 400);
    assert_eq!(besieged.refused("a message broke off").await?, 1);
    // One that never ends, byte by byte or not at all.
    let began = Instant::now();
    let mut slow = besieged.head("content-length: 100").await?;
    slow.write_all(b"{").await?;
    assert_eq!(status(&mut slow).await?, 408);
    assert_eq!(besieged.refused("a message took too long").await?, 1);
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    // Nobody without a token is read from at all.
    let mut stranger = TcpStream::connect(&besieged.host).await?;
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-length: 100\r\n\r\n",
        besieged.host
    );
    stranger.write_all(head.as_bytes()).await?;
    assert_eq!(status(&mut stranger).await?, 401);
    Ok(())
}

#[tokio::test]
async fn whoever_asks_for_what_is_not_there_leaves_a_row() -> Result<()> {
    let besieged = Besieged::begin().await?;
    let base = format!("http://{}", besieged.host);
    for path in ["/sse", "/mcp/keyed/more", "/mcpx"] {
        for headers in [vec![], vec![("authorization", besieged.bearer.as_str())]] {
            let url = format!("{base}{path}");
            let (status, body) = raw(("POST", &url), &headers, &json!({})).await?;
            assert_eq!(status, 404, "{path}: {body}");
        }
    }
    let what = "a request to the gateway was refused: there is nothing at its path";
    assert_eq!(besieged.rows(what).await?, 6);
    Ok(())
}

/// Resident memory of this process, in KiB.
fn memory() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let memory = line.and_then(|line| line.split_whitespace().next());
    Ok(memory.context("VmRSS")?.parse()?)
}

/// Sockets at the gateway's end, in this state (proc_net_tcp(5)): `0A` listens, `01` is connected.
fn sockets(host: &str, wanted: &str) -> Result<Vec<String>> {
    let port: u16 = host.rsplit(':').next().context("a port")?.parse()?;
    let mut found = Vec::new();
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in std::fs::read_to_string(file)?.lines().skip(1) {
            let mut words = line.split_whitespace().skip(1);
            let (Some(local), _, Some(state)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let (address, at) = local.split_once(':').context("an address")?;
            if state == wanted && u16::from_str_radix(at, 16)? == port {
                found.push(address.to_owned());
            }
        }
    }
    Ok(found)
}

#[tokio::test]
async fn a_thousand_that_leave_in_the_middle_leave_nothing_behind() -> Result<()> {
    let besieged = Besieged::begin().await?;
    let body = call_of("keyed__greet", &json!({ "name": "x".repeat(1_000) })).to_string();
    let leave = async |from: usize| -> Result<()> {
        for n in from..from + 100 {
            let mut stream = besieged
                .head(&format!("content-length: {}", body.len()))
                .await?;
            // With the head, with half a body, with a whole one.
            let sent = [0, body.len() / 2, body.len()][n % 3];
            stream.write_all(&body.as_bytes()[..sent]).await?;
        }
        Ok(())
    };
    leave(0).await?;
    let before = memory()?;
    for hundred in 1..10 {
        leave(hundred * 100).await?;
    }
    let began = Instant::now();
    // Each has its turn back.
    loop {
        let headers = [("authorization", besieged.bearer.as_str())];
        let call = call_of("keyed__greet", &json!({}));
        let calls: Vec<_> = (0..32)
            .map(|_| raw(("POST", &besieged.door.url), &headers, &call))
            .collect();
        let answers = futures::future::join_all(calls).await;
        if answers
            .iter()
            .all(|answer| answer.as_ref().is_ok_and(|(status, _)| *status == 200))
        {
            break;
        }
        tick(began, "the turns to come back").await?;
    }
    // Other tests run beside this one in the same process: bounds, not equality.
    let after = memory()?;
    assert!(
        after < before + 64 * 1024,
        "{before} KiB before, {after} KiB after"
    );
    let began = Instant::now();
    while !sockets(&besieged.host, "01")?.is_empty() {
        tick(began, "the connections to be gone").await?;
    }
    let began = Instant::now();
    loop {
        let running = besieged.home.rows_of(RowKind::Call, "keyed.greet").await?;
        if running.iter().all(|row| row.outcome != Outcome::Running) {
            return Ok(());
        }
        tick(began, "the outcome of each").await?;
    }
}
