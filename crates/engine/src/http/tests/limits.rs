use super::*;
use axum::{Router, body::Body, response::IntoResponse, routing::any};
use futures::{StreamExt, stream};
use std::io::Write;

async fn serve(app: Router) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url.parse().expect("a URL")
}

fn limited(url: Url, bytes: usize, seconds: u64) -> Outgoing {
    Outgoing {
        limits: Limits { bytes, seconds },
        ..Outgoing::get(url)
    }
}

fn gzip(piece: &[u8], times: usize) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..times {
        packed.write_all(piece).expect("in memory");
    }
    packed.finish().expect("in memory")
}

#[tokio::test]
async fn the_limit_is_exact() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_bytes(vec![7; 1000]);
    Mock::given(path("/plain"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let packed = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(gzip(&[7; 1000], 1));
    Mock::given(path("/packed"))
        .respond_with(packed)
        .mount(&server)
        .await;
    for path in ["/plain", "/packed"] {
        let whole = send(limited(to(&server, path), 1000, 5))
            .await
            .expect("just within");
        assert_eq!(whole.body, vec![7; 1000]);
        let error = failing(limited(to(&server, path), 999, 5)).await;
        assert_eq!(
            (error.code, error.args["limit"].as_str()),
            (ErrorCode::TooLarge, "999 bytes")
        );
    }
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_at_the_limit() {
    let server = MockServer::start().await;
    // 128 MiB of zeros in 130 KB.
    let bomb = gzip(&[0; 1 << 20], 128);
    assert!(bomb.len() < 1 << 20, "small on the wire");
    let answer = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(bomb);
    Mock::given(path("/"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let before = resident_kib();
    let error = failing(Outgoing::get(to(&server, "/"))).await;
    assert_eq!(
        (error.code, error.args["limit"].as_str()),
        (ErrorCode::TooLarge, "4 MiB")
    );
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 64 << 10, "grew by {grown} KiB");
}

/// What the process holds in memory; 0 where the system does not tell it this way.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn endless(piece: &'static [u8], pause: Duration) -> Router {
    let body = move || {
        let pieces = stream::repeat(piece).then(move |piece| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(piece)
        });
        Body::from_stream(pieces).into_response()
    };
    Router::new().fallback(any(move || async move { body() }))
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_limit_of_size() {
    let url = serve(endless(&[b'x'; 65536], Duration::ZERO)).await;
    let error = failing(limited(url, 8 << 20, 30)).await;
    assert_eq!(
        (error.code, error.args["limit"].as_str()),
        (ErrorCode::TooLarge, "8 MiB")
    );
}

#[tokio::test]
async fn an_endless_trickle_is_cut_at_the_limit_of_time() {
    let url = serve(endless(b"data: x\n\n", Duration::from_millis(50))).await;
    let started = Instant::now();
    let error = failing(limited(url, 1 << 20, 1)).await;
    assert_eq!(
        (error.code, error.args["why"].as_str()),
        (ErrorCode::Unreachable, "no answer in 1 s")
    );
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "pieces that keep coming do not extend it"
    );
}

#[tokio::test]
async fn a_promise_of_too_much_is_not_even_begun() {
    let url = raw("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await;
    assert_eq!(failing(Outgoing::get(url)).await.code, ErrorCode::TooLarge);
}

#[tokio::test]
async fn silence_ends_after_the_time_and_counts_as_sent() {
    let (url, came) = trap().await;
    let Err(failure) = door().attempt(limited(url, 1, 1), &here()).await else {
        panic!("answered")
    };
    assert_eq!(failure.error.args["why"], "no answer in 1 s");
    assert!(failure.sent, "it may have been acted on");
    assert_eq!(came.load(Ordering::SeqCst), 1);
}
