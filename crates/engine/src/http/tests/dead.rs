//! Connections that lead nowhere and do not say so.

use super::*;
use std::{collections::BTreeSet, net::SocketAddr};
use tokio::{net::TcpStream, sync::mpsc};

/// A server that tells of each connection and request, and falls silent where `silent` says so.
async fn listening<F, S>(serve: F) -> (Url, mpsc::UnboundedReceiver<SocketAddr>)
where
    F: Fn(TcpStream, mpsc::UnboundedSender<SocketAddr>, usize) -> S + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let (came, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for turn in 0.. {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            tokio::spawn(serve(stream, came.clone(), turn));
        }
    });
    (url.parse().expect("a URL"), requests)
}

/// HTTP/2, as far as one request needs it (RFC 9113): the first connection answers nobody.
async fn silent_at_first(
    mut stream: TcpStream,
    came: mpsc::UnboundedSender<SocketAddr>,
    turn: usize,
) {
    const HEADERS: u8 = 1;
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let from = stream.peer_addr().expect("connected");
    let mut preface = [0; 24];
    if stream.read_exact(&mut preface).await.is_err() {
        return;
    }
    let _ = stream.write_all(&SETTINGS).await;
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let [high, middle, low, kind, _, id @ ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut rest = vec![0; usize::try_from(length).expect("24 bits")];
        if stream.read_exact(&mut rest).await.is_err() {
            return;
        }
        if kind == HEADERS {
            let _ = came.send(from);
            if turn > 0 {
                // The end of headers and stream; ":status: 200" (RFC 7541, appendix A).
                let mut answer = vec![0, 0, 1, HEADERS, 0x5];
                answer.extend(id);
                answer.push(0x88);
                let _ = stream.write_all(&answer).await;
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_died_under_a_request_is_given_up_and_the_next_is_answered() {
    let (url, mut came) = listening(silent_at_first).await;
    let client = basics()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .expect("a client");
    let first = tokio::spawn(client.get(url.clone()).send());
    let dead = came.recv().await.expect("the first request");
    // Whoever waits for time alone need not wait.
    tokio::time::pause();
    let first = tokio::time::timeout(Duration::from_secs(25), first).await;
    tokio::time::resume();
    let error = first
        .expect("it is given up before a ping's patience ends")
        .expect("no panic")
        .expect_err("nobody answers");
    assert_eq!(explain(&error, "far").args["why"], "no answer in time");
    let answer = client.get(url).send().await.expect("a new connection");
    assert_eq!(answer.status(), 200);
    assert_ne!(came.recv().await, Some(dead));
}

/// HTTP/1.1 that keeps each connection.
async fn obliging(mut stream: TcpStream, came: mpsc::UnboundedSender<SocketAddr>, _turn: usize) {
    let from = stream.peer_addr().expect("connected");
    let mut request = [0; 4096];
    while matches!(stream.read(&mut request).await, Ok(1..)) {
        let _ = came.send(from);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        let _ = stream.write_all(answer).await;
    }
}

#[tokio::test]
async fn after_a_change_of_network_no_connection_of_before_is_used() {
    let (url, mut came) = listening(obliging).await;
    let door = door();
    let send = async || {
        let answer = door.send(Outgoing::get(url.clone()), &here()).await;
        assert_eq!(answer.expect("an answer").status, 200);
    };
    send().await;
    send().await;
    let before = BTreeSet::from([came.recv().await, came.recv().await]);
    door.connect_anew();
    send().await;
    assert!(!before.contains(&came.recv().await), "an old connection");
}
