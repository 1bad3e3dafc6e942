//! Answers that are lost, redirected or hostile.

use super::*;

#[rstest]
#[case::silent("", Means::AskAgain)]
#[case::cut_in_the_body(
    "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"access_token\":\"at\"",
    Means::AskAgain
)]
#[case::not_http("nonsense\r\n\r\n", Means::AskAgain)]
#[case::huge("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", Means::MayPass)]
#[tokio::test]
async fn a_lost_answer_may_be_asked_for_again(#[case] bytes: &str, #[case] means: Means) {
    let base = raw(bytes).await;
    let found = match refused(renew(base.as_str()).await) {
        RefreshError::InvalidGrant(_) => Means::Over,
        RefreshError::Transient(_) => Means::MayPass,
        RefreshError::Ambiguous(_) => Means::AskAgain,
    };
    assert_eq!(found, means);
}

#[tokio::test]
async fn what_was_never_sent_is_not_asked_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let RefreshError::Transient(error) = refused(renew(&base).await) else {
        panic!("nothing was lost")
    };
    assert_eq!(error.code, ErrorCode::Unreachable);
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(303)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn a_token_request_follows_no_redirect(#[case] status: u16) {
    let (elsewhere, came) = trap().await;
    for target in [elsewhere.as_str(), "/token2"] {
        let server =
            answering(ResponseTemplate::new(status).insert_header("location", target)).await;
        let RefreshError::Transient(error) = refused(renew(&server.uri()).await) else {
            panic!("it may pass")
        };
        assert_eq!(error.code, ErrorCode::RedirectRefused);
        let _ = sent(&server).await;
        let error = refused(get(&server.uri(), &public_client()).await);
        assert_eq!(error.code, ErrorCode::RedirectRefused);
    }
    assert_eq!(came.load(Ordering::SeqCst), 0, "0 bytes may arrive there");
}

#[tokio::test]
async fn a_refresh_keeps_what_the_answer_leaves_out() {
    let server =
        answering(ResponseTemplate::new(200).set_body_json(tokens(json!({"expires_in": 60}))))
            .await;
    let Ok(new) = renew(&server.uri()).await else {
        panic!("refreshed")
    };
    assert_eq!(
        (
            new.access.reveal(),
            new.refresh.as_ref().map(Secret::reveal)
        ),
        ("at", Some("old-refresh"))
    );
    assert_eq!(
        (new.received_at, new.expires_at),
        (NOW, Some(NOW.plus(60_000)))
    );
    assert_eq!(new.refresh_expires_at, Some(Time(2)));
    assert_eq!(
        (new.scopes, new.requested_scopes),
        (vec!["read".into()], vec!["read".to_owned(), "write".into()])
    );
    let form = pairs(&sent(&server).await.body);
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["refresh_token"], "old-refresh");
    assert_eq!(
        (form["client_id"].as_str(), form["resource"].as_str()),
        ("client-1", "https://mcp.example/mcp")
    );
    assert!(
        !form.contains_key("scope"),
        "the same scopes go without saying (RFC 6749 section 6)"
    );
}

#[tokio::test]
async fn a_refresh_takes_over_what_is_new() {
    let more =
        json!({"refresh_token": "rt2", "scope": "read write", "refresh_token_expires_in": 60});
    let server = answering(ResponseTemplate::new(200).set_body_json(tokens(more))).await;
    let Ok(new) = renew(&server.uri()).await else {
        panic!("refreshed")
    };
    assert_eq!(new.refresh.as_ref().map(Secret::reveal), Some("rt2"));
    assert_eq!(new.scopes, ["read", "write"]);
    assert_eq!(
        (new.expires_at, new.refresh_expires_at),
        (None, Some(NOW.plus(60_000)))
    );
}

#[tokio::test]
async fn a_dead_endpoint_costs_fifteen_seconds_at_most() {
    tokio::time::pause();
    let (base, came) = trap().await;
    let started = tokio::time::Instant::now();
    let RefreshError::Ambiguous(error) = refused(renew(base.as_str()).await) else {
        panic!("it was sent")
    };
    assert_eq!(started.elapsed().as_secs(), 15);
    assert_eq!(error.args["why"], "no answer in 15 s");
    assert!(came.load(Ordering::SeqCst) <= 1);
}

#[tokio::test]
async fn a_server_that_echoes_what_it_got_gets_nothing_shown() {
    let server = MockServer::start().await;
    let turn = AtomicUsize::new(0);
    let echo = move |request: &Request| {
        let got = String::from_utf8_lossy(&request.body).into_owned();
        let decoded: String = pairs(&request.body)
            .into_values()
            .collect::<Vec<_>>()
            .join(" ");
        let header = request
            .headers
            .get("authorization")
            .and_then(|h| h.to_str().ok())
            .unwrap_or("")
            .to_owned();
        let status = [400, 400, 200][turn.fetch_add(1, Ordering::SeqCst) % 3];
        ResponseTemplate::new(status)
            .set_body_json(json!({"error": format!("{header} {decoded}"), "error_description": format!("{decoded} {got}")}))
    };
    Mock::given(path("/token"))
        .respond_with(echo)
        .mount(&server)
        .await;
    for auth in [ClientAuth::Basic, ClientAuth::Post, ClientAuth::Post] {
        let found = discovered(&server.uri());
        let client = secret_client(auth);
        let flow = fine(authorize(&found, &client, REDIRECT, &[]));
        let verifier = flow.verifier.reveal().to_owned();
        let code = Secret::new("the-code");
        let error =
            refused(exchange(&door(), &here(), flow, code, &client, &found, NOW).await).to_string();
        for secret in [
            "the-code",
            "s3cret&%",
            verifier.as_str(),
            "Y2xpZW50LTE6czNjcmV0JTI2JTI1",
        ] {
            assert!(!error.contains(secret), "{error}");
        }
        let old = credential(&server.uri());
        let (RefreshError::InvalidGrant(error)
        | RefreshError::Transient(error)
        | RefreshError::Ambiguous(error)) = refused(refresh(&door(), &here(), &old, NOW).await);
        assert!(!error.to_string().contains("old-refresh"), "{error}");
    }
}
