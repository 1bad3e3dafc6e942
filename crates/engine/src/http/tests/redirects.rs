use super::*;
use reqwest::header::AUTHORIZATION;

fn same_origin(url: Url) -> Outgoing {
    Outgoing {
        redirects: Redirects::SameOrigin,
        ..Outgoing::get(url)
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

#[rstest]
#[case(
    "https://a.example/mcp",
    "http://a.example/mcp/?x=1",
    "https://a.example/mcp/?x=1"
)]
#[case(
    "https://a.example:8443/",
    "http://a.example:8443/b",
    "https://a.example:8443/b"
)]
#[case(
    "https://a.example/",
    "http://a.example:8080/b",
    "http://a.example:8080/b"
)]
#[case("https://a.example/", "http://b.example/", "http://b.example/")]
#[case("http://a.example/", "http://a.example/b", "http://a.example/b")]
#[case("https://a.example/", "file:///etc/passwd", "file:///etc/passwd")]
fn who_only_forgets_tls_is_asked_by_it(#[case] from: &str, #[case] to: &str, #[case] then: &str) {
    let url = |text: &str| Url::parse(text).expect("a URL");
    assert_eq!(by_tls(&url(from), url(to)).as_str(), then);
}
