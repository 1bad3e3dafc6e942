use super::*;
use axum::{Router, body::Body, http::StatusCode, response::IntoResponse, routing::any};
use futures::{StreamExt, stream};
use reqwest::header::AUTHORIZATION;
use rstest::rstest;
use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

const CANARY: &str = "canary-4f1c9d2e";

/// A door without the proxies of whatever machine runs this.
pub(crate) fn door() -> Http {
    Http::build(guard::system_lookup(), Matcher::builder().build())
}

/// Loopback, confirmed.
pub(crate) fn here() -> Reach {
    Reach {
        private_hosts: vec!["127.0.0.1".into(), "localhost".into()],
    }
}

/// A listener that counts who comes and answers nobody.
pub(crate) async fn trap() -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let came = Arc::new(AtomicUsize::new(0));
    let count = came.clone();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    (url.parse().expect("a URL"), came)
}

/// A server that answers every connection with these bytes as they are.
pub(crate) async fn raw(bytes: impl Into<Vec<u8>>) -> Url {
    let bytes: Arc<[u8]> = bytes.into().into();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&bytes).await;
            });
        }
    });
    url.parse().expect("a URL")
}

async fn serve(app: Router) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url.parse().expect("a URL")
}

fn to(server: &MockServer, path: &str) -> Url {
    format!("{}{path}", server.uri()).parse().expect("a URL")
}

async fn send(request: Outgoing) -> Result<Answer, Error> {
    door().send(request, &here()).await
}

async fn failing(request: Outgoing) -> Error {
    match send(request).await {
        Ok(answer) => panic!("expected an error, got HTTP {}", answer.status),
        Err(error) => error,
    }
}

fn limited(url: Url, bytes: usize, seconds: u64) -> Outgoing {
    Outgoing {
        limits: Limits { bytes, seconds },
        ..Outgoing::get(url)
    }
}

fn same_origin(url: Url) -> Outgoing {
    Outgoing {
        redirects: Redirects::SameOrigin,
        ..Outgoing::get(url)
    }
}

#[tokio::test]
async fn an_answer_comes_whole_with_status_and_headers() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(418)
        .insert_header("x-kind", "teapot")
        .set_body_string("short");
    Mock::given(path("/a"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let answer = send(Outgoing::get(to(&server, "/a")))
        .await
        .expect("any status is an answer");
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (418, b"short".as_slice())
    );
    assert_eq!(answer.headers["x-kind"], "teapot");
}

#[tokio::test]
async fn loopback_that_nobody_confirmed_gets_no_byte() {
    let (url, came) = trap().await;
    let by_name = format!("http://localhost:{}/", url.port().expect("a port"))
        .parse()
        .expect("a URL");
    for url in [url, by_name] {
        let Err(error) = door().send(Outgoing::get(url), &Reach::default()).await else {
            panic!("sent")
        };
        assert_eq!(error.code, ErrorCode::AddressPrivate);
    }
    assert_eq!(
        came.load(Ordering::SeqCst),
        0,
        "no connection may be opened"
    );
}

fn answers(sets: &'static [&'static [&'static str]]) -> guard::Lookup {
    let asked = Arc::new(AtomicUsize::new(0));
    Arc::new(move |_| {
        let turn = asked.fetch_add(1, Ordering::SeqCst).min(sets.len() - 1);
        let found = sets[turn]
            .iter()
            .map(|a| a.parse().expect("an address"))
            .collect::<Vec<IpAddr>>();
        Box::pin(async move { Ok(found) })
    })
}

fn door_with(lookup: guard::Lookup) -> Http {
    Http::build(lookup, Matcher::builder().build())
}

#[rstest]
#[case::loopback("127.0.0.1", ErrorCode::AddressPrivate)]
#[case::metadata("169.254.169.254", ErrorCode::AddressForbidden)]
#[case::mapped("::ffff:127.0.0.1", ErrorCode::AddressForbidden)]
#[tokio::test]
async fn a_name_that_turns_inward_after_the_check_is_refused_at_connecting(
    #[case] inward: &'static str,
    #[case] expected: ErrorCode,
) {
    let (trap, came) = trap().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let door = door_with(Arc::new(move |_| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        let found = if first { "93.184.216.34" } else { inward }
            .parse()
            .expect("an address");
        Box::pin(async move { Ok(vec![found]) })
    }));
    let port = trap.port().expect("a port");
    let url: Url = format!("https://rebind.example:{port}/")
        .parse()
        .expect("a URL");
    door.check(&url, &Reach::default())
        .await
        .expect("public the first time");
    let Err(error) = door
        .send(Outgoing::get(url.clone()), &Reach::default())
        .await
    else {
        panic!("sent")
    };
    assert_eq!(error.code, expected);
    let client = door.client(&url, &Reach::default()).expect("a client");
    let Err(error) = client.get(url).send().await else {
        panic!("sent")
    };
    assert_eq!(
        explain(&error, "rebind.example").code,
        expected,
        "a library's client is guarded as well"
    );
    assert_eq!(
        came.load(Ordering::SeqCst),
        0,
        "no connection may be opened"
    );
}

#[tokio::test]
async fn a_confirmed_name_that_turns_public_gets_nothing_over_http() {
    let door = door_with(answers(&[&["192.168.7.7"], &["93.184.216.34"]]));
    let reach = Reach {
        private_hosts: vec!["nas.example".into()],
    };
    let url: Url = "http://nas.example/".parse().expect("a URL");
    door.check(&url, &reach)
        .await
        .expect("private and confirmed the first time");
    let Err(error) = door.send(Outgoing::get(url), &reach).await else {
        panic!("sent")
    };
    assert_eq!(error.code, ErrorCode::UrlNotSecure);
}

#[tokio::test]
async fn a_librarys_client_cannot_be_led_to_literal_addresses() {
    let (trap, came) = trap().await;
    let url = "https://api.example/".parse().expect("a URL");
    let client = door().client(&url, &Reach::default()).expect("a client");
    let port = trap.port().expect("a port");
    for target in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
    ] {
        let Err(error) = client.get(target).send().await else {
            panic!("sent")
        };
        assert_eq!(
            explain(&error, "api.example").code,
            ErrorCode::AddressForbidden
        );
    }
    assert_eq!(
        came.load(Ordering::SeqCst),
        0,
        "no connection may be opened"
    );
}

#[tokio::test]
async fn an_unknown_name_is_said_so() {
    let unknown: guard::Lookup =
        Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no such host")) }));
    for lookup in [unknown, answers(&[&[]])] {
        let url = "https://nowhere.example/?key=secret"
            .parse()
            .expect("a URL");
        let Err(error) = door_with(lookup)
            .send(Outgoing::get(url), &Reach::default())
            .await
        else {
            panic!("sent")
        };
        assert_eq!(
            error.to_string(),
            "unreachable host=nowhere.example why=the name is unknown"
        );
    }
}

#[rstest]
#[case("/1", 200)]
#[case("/5", 200)]
#[tokio::test]
async fn redirects_on_the_same_origin_are_followed(#[case] start: &str, #[case] status: u16) {
    let server = hops().await;
    let answer = send(same_origin(to(&server, start)))
        .await
        .expect("at most five hops");
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (status, b"end".as_slice())
    );
}

/// `/n` sends to `/n-1`, `/0` is the end.
async fn hops() -> MockServer {
    let server = MockServer::start().await;
    for hop in 1..=6 {
        let answer = ResponseTemplate::new(302).insert_header("location", format!("/{}", hop - 1));
        Mock::given(path(format!("/{hop}")))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let end = ResponseTemplate::new(200).set_body_string("end");
    Mock::given(path("/0"))
        .respond_with(end)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_sixth_redirect_is_one_too_many() {
    let server = hops().await;
    let error = failing(same_origin(to(&server, "/6"))).await;
    assert_eq!(
        (error.code, error.args["why"].as_str()),
        (ErrorCode::BadAnswer, "more than 5 redirects")
    );
}

#[tokio::test]
async fn where_redirects_are_refused_even_the_same_origin_is() {
    let server = hops().await;
    let error = failing(Outgoing::get(to(&server, "/1"))).await;
    assert_eq!(
        (error.code, error.args["target"].as_str()),
        (ErrorCode::RedirectRefused, server.uri().as_str())
    );
    let seen = server
        .received_requests()
        .await
        .expect("recording is on")
        .len();
    assert_eq!(seen, 1, "nothing may follow the redirect");
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(303)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn no_credential_crosses_to_another_origin(#[case] status: u16) {
    let (elsewhere, came) = trap().await;
    let server = MockServer::start().await;
    let to_elsewhere = ResponseTemplate::new(status).insert_header("location", elsewhere.as_str());
    Mock::given(path("/"))
        .respond_with(to_elsewhere)
        .mount(&server)
        .await;
    // Another name for the same place is another origin, too.
    let other_name = server.uri().replace("127.0.0.1", "localhost");
    let to_other_name =
        ResponseTemplate::new(status).insert_header("location", other_name.as_str());
    Mock::given(path("/name"))
        .respond_with(to_other_name)
        .mount(&server)
        .await;
    let hidden =
        ResponseTemplate::new(status).insert_header("location", "http://169.254.169.254/?x=secret");
    Mock::given(path("/metadata"))
        .respond_with(hidden)
        .mount(&server)
        .await;
    let other_scheme =
        ResponseTemplate::new(status).insert_header("location", "file:///etc/passwd");
    Mock::given(path("/file"))
        .respond_with(other_scheme)
        .mount(&server)
        .await;
    for (path, target) in [
        ("/", elsewhere.as_str().trim_end_matches('/')),
        ("/name", other_name.as_str()),
        ("/metadata", "http://169.254.169.254"),
        ("/file", "file:"),
    ] {
        for redirects in [Redirects::SameOrigin, Redirects::Refuse] {
            let mut request = Outgoing {
                redirects,
                ..Outgoing::get(to(&server, path))
            };
            for name in ["authorization", "x-api-key", "api-key", "cookie"] {
                request
                    .headers
                    .insert(name, HeaderValue::from_static(CANARY));
            }
            let error = failing(request).await;
            assert_eq!(
                (error.code, error.args["target"].as_str()),
                (ErrorCode::RedirectRefused, target)
            );
        }
    }
    assert_eq!(
        came.load(Ordering::SeqCst),
        0,
        "nothing may arrive at the other origin"
    );
    let seen = server.received_requests().await.expect("recording is on");
    assert_eq!(seen.len(), 8, "nor at the same place under another name");
}

#[rstest]
#[case(307, "POST", "body")]
#[case(308, "POST", "body")]
#[case(301, "GET", "")]
#[case(302, "GET", "")]
#[case(303, "GET", "")]
#[tokio::test]
async fn a_redirected_post_is_repeated_or_becomes_a_get(
    #[case] status: u16,
    #[case] then: &str,
    #[case] body: &str,
) {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).insert_header("location", "/end");
    Mock::given(path("/start"))
        .respond_with(answer)
        .mount(&server)
        .await;
    Mock::given(path("/end"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let mut post = Outgoing::post(to(&server, "/start"), "text/plain", b"body".to_vec());
    post.redirects = Redirects::SameOrigin;
    post.headers
        .insert(AUTHORIZATION, HeaderValue::from_static(CANARY));
    assert_eq!(send(post).await.expect("the same origin").status, 200);
    let seen = server.received_requests().await.expect("recording is on");
    let last = seen.last().expect("two requests");
    assert_eq!(
        (last.method.as_str(), last.body.as_slice()),
        (then, body.as_bytes())
    );
    assert_eq!(last.headers.contains_key("content-type"), !body.is_empty());
    assert_eq!(
        last.headers["authorization"], CANARY,
        "the same origin keeps the credential"
    );
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

#[rstest]
#[case::cut_in_the_body(
    "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
    ErrorCode::Unreachable,
    "the connection was cut"
)]
#[case::cut_in_the_head(
    "HTTP/1.1 200 OK\r\nconte",
    ErrorCode::Unreachable,
    "the connection was cut"
)]
#[case::no_answer("", ErrorCode::Unreachable, "the connection was cut")]
#[case::cut_in_a_chunk(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf",
    ErrorCode::Unreachable,
    "the connection was cut"
)]
#[case::not_http(
    "SSH-2.0-OpenSSH_9.2\r\n",
    ErrorCode::BadAnswer,
    "it does not speak HTTP"
)]
#[case::not_gzip(
    "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain",
    ErrorCode::BadAnswer,
    "its body cannot be decoded"
)]
#[tokio::test]
async fn a_broken_answer_is_told_in_words(
    #[case] bytes: &str,
    #[case] code: ErrorCode,
    #[case] why: &str,
) {
    let url = raw(bytes).await;
    let Err(failure) = door().attempt(Outgoing::get(url), &here()).await else {
        panic!("answered")
    };
    assert_eq!(
        (failure.error.code, failure.error.args["why"].as_str()),
        (code, why)
    );
    assert!(failure.sent, "it may have been acted on");
}

#[tokio::test]
async fn a_refused_connection_was_not_sent_and_shows_no_query() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let at = listener.local_addr().expect("bound");
    drop(listener);
    let url = format!("http://{at}/path?key={CANARY}")
        .parse()
        .expect("a URL");
    let Err(failure) = door().attempt(Outgoing::get(url), &here()).await else {
        panic!("answered")
    };
    assert_eq!(
        failure.error.to_string(),
        "unreachable host=127.0.0.1 why=connection refused"
    );
    assert!(!failure.sent, "nothing can have been acted on");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
        })
        .expect("a server");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let url = format!("https://{at}/").parse().expect("a URL");
    let Err(failure) = door().attempt(Outgoing::get(url), &here()).await else {
        panic!("answered")
    };
    assert_eq!(
        failure.error.to_string(),
        "unreachable host=127.0.0.1 why=the certificate is not trusted"
    );
    assert!(!failure.sent, "nothing can have been acted on");
}

#[tokio::test]
async fn https_where_plain_http_is_spoken_is_told() {
    let url = raw("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let url = url
        .as_str()
        .replace("http:", "https:")
        .parse()
        .expect("a URL");
    assert_eq!(
        failing(Outgoing::get(url)).await.args["why"],
        "it does not speak TLS there"
    );
}

#[tokio::test]
async fn the_systems_proxy_is_used_and_told_who_we_are() {
    let seen = Arc::new(Mutex::new(String::new()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let at = listener.local_addr().expect("bound");
    let heard = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            *heard.lock().expect("no panic in here") =
                String::from_utf8_lossy(&request[..length]).into_owned();
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await;
        }
    });
    let system = Matcher::builder()
        .all(format!("http://me:pa%40ss@{at}"))
        .build();
    // A proxy looks names up itself: nobody may be asked here.
    let door = Http::build(Arc::new(|name| panic!("{name} was looked up")), system);
    let reach = Reach {
        private_hosts: vec!["nas.local".into()],
    };
    let url = "http://nas.local/a".parse().expect("a URL");
    let answer = door
        .send(Outgoing::get(url), &reach)
        .await
        .expect("through the proxy");
    assert_eq!(answer.body, b"ok");
    let seen = seen.lock().expect("no panic in there").to_lowercase();
    assert!(
        seen.starts_with("get http://nas.local/a http/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("proxy-authorization: basic bwu6cgfac3m="),
        "me:pa@ss, in {seen}"
    );
}

#[tokio::test]
async fn each_reach_has_its_own_connections() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let door = door();
    door.send(Outgoing::get(to(&server, "/")), &here())
        .await
        .expect("confirmed");
    let again = door
        .send(Outgoing::get(to(&server, "/")), &Reach::default())
        .await;
    let code = again.err().map(|error| error.code);
    assert_eq!(
        code,
        Some(ErrorCode::AddressPrivate),
        "an open connection of another integration is not borrowed"
    );
}

#[tokio::test]
async fn the_default_door_opens() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(StatusCode::OK.as_u16()))
        .mount(&server)
        .await;
    let answer = Http::new()
        .expect("TLS can be set up")
        .send(Outgoing::get(to(&server, "/")), &here())
        .await;
    assert_eq!(answer.map(|answer| answer.status), Ok(200));
}

#[rstest]
#[case(
    "https://a.example:443/x?y=1#z",
    "https://a.example",
    "https://a.example/x"
)]
#[case(
    "https://A.example.:8443/x",
    "https://a.example.:8443",
    "https://a.example.:8443/x"
)]
#[case("http://user:pw@[::1]:80/", "http://[::1]", "http://[::1]/")]
#[case("javascript:alert(1)", "javascript:", "javascript:")]
fn urls_are_shown_without_what_may_be_secret(
    #[case] url: &str,
    #[case] at: &str,
    #[case] as_shown: &str,
) {
    let url = Url::parse(url).expect("the table holds URLs");
    assert_eq!(
        (origin(&url).as_str(), shown(&url).as_str()),
        (at, as_shown)
    );
}
