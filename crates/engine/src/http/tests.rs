mod broken;
mod dead;
mod limits;
mod redirects;

use super::*;
use rstest::rstest;
use std::{
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
    door_with(guard::system_lookup())
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
    Http::build(lookup, always(Matcher::builder().build()))
}

/// Settings that never change.
pub(crate) fn always(proxies: Matcher) -> guard::Settings {
    let proxies = Arc::new(proxies);
    Box::new(move || proxies.clone())
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
    let door = Http::build(
        Arc::new(|name| panic!("{name} was looked up")),
        always(system),
    );
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
        .respond_with(ResponseTemplate::new(200))
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
