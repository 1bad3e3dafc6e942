//! What the tests of the parts share, and the whole way through them.

use super::*;
pub(super) use crate::http::tests::{door, here, raw, trap};
use crate::{
    secret::Secret,
    vault::{ClientAuth, OAuthCredential},
};
use proptest::prelude::*;
use reqwest::Url;
use rstest::rstest;
use serde_json::json;
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;
use wire::{ErrorCode, Time};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{body_string_contains, method, path},
};

pub(super) const NOW: Time = Time(1_800_000_000_000);
pub(super) const REDIRECT: &str = "http://127.0.0.1:8123/callback";

/// The error of something whose success must not be printed.
pub(super) fn refused<T, E>(result: Result<T, E>) -> E {
    match result {
        Ok(_) => panic!("this had to be refused"),
        Err(error) => error,
    }
}

/// The right one of something without `Debug`.
pub(super) fn fine<T>(result: Result<T, wire::Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("this had to work: {error}"),
    }
}

pub(super) fn url(text: &str) -> Url {
    Url::parse(text).expect("tests hold URLs")
}

/// The pairs of a query or a form, each name once.
pub(super) fn pairs(text: &[u8]) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(text) {
        let twice = found.insert(name.clone().into_owned(), value.into_owned());
        assert!(twice.is_none(), "{name} is there twice");
    }
    found
}

/// An authorization server at `base`, without having asked it.
pub(super) fn discovered(base: &str) -> Discovered {
    let at = |path: &str| url(&format!("{}{path}", base.trim_end_matches('/')));
    Discovered {
        issuer: base.to_owned(),
        authorization_endpoint: Some(at("/authorize")),
        token_endpoint: at("/token"),
        registration_endpoint: Some(at("/register")),
        revocation_endpoint: Some(at("/revoke")),
        resource: Some("https://mcp.example/mcp".into()),
        scopes: vec!["read".into(), "write".into()],
        iss_in_response: true,
        auth_methods: vec!["none".into()],
        device_authorization_endpoint: None,
        offered: vec![],
        takes_client_documents: false,
    }
}

pub(super) fn public_client() -> Client {
    Client {
        id: "client-1".into(),
        secret: None,
        auth: ClientAuth::None,
        registration_token: None,
        registration_uri: None,
    }
}

pub(super) fn secret_client(auth: ClientAuth) -> Client {
    Client {
        secret: Some(Secret::new("s3cret&%")),
        auth,
        ..public_client()
    }
}

/// A credential whose endpoints are at `base`.
pub(super) fn credential(base: &str) -> OAuthCredential {
    let base = base.trim_end_matches('/');
    OAuthCredential {
        issuer: base.to_owned(),
        token_endpoint: format!("{base}/token"),
        revocation_endpoint: Some(format!("{base}/revoke")),
        client_id: "client-1".into(),
        client_secret: None,
        client_auth: ClientAuth::None,
        registration_token: None,
        registration_uri: None,
        resource: Some("https://mcp.example/mcp".into()),
        scopes: vec!["read".into()],
        requested_scopes: vec!["read".into(), "write".into()],
        access: Secret::new("old-access"),
        received_at: Time(0),
        expires_at: Some(Time(1)),
        refresh: Some(Secret::new("old-refresh")),
        refresh_expires_at: Some(Time(2)),
        manner: Manner::default(),
    }
}

#[rstest]
#[case("invalid_client: unknown client", "invalid_client: unknown client")]
#[case("the code hunter2 was used", "the code … was used")]
#[case("bad token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "bad token …")]
#[case("token=gho_16C7e42F292c6912E7710c838347Ae178B4a,", "…,")]
#[case(
    "see https://as.example/errors/invalid_request_2",
    "see https://as.example/errors/invalid_request_2"
)]
#[case("a\u{202e}b\r\nc", "ab c")]
fn what_a_server_says_is_shown_without_secrets(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(said(text, &["hunter2", ""]), expected);
}

proptest! {
    #[test]
    fn an_echoed_secret_is_never_shown(
        before in "[ -~]{0,40}",
        secret in "[A-Za-z0-9_-]{16,64}",
        after in "[ -~]{0,40}",
    ) {
        let shown = said(&format!("{before}{secret}{after}"), &[&secret]);
        prop_assert!(!shown.contains(&secret), "{}", shown);
    }
}

/// A resource and an authorization server that remembers what it gave out.
async fn whole_server() -> MockServer {
    let server = MockServer::start().await;
    let base = server.uri();
    let documents = [
        (
            "/.well-known/oauth-protected-resource/mcp",
            json!({"resource": format!("{base}/mcp"), "authorization_servers": [base],
                   "scopes_supported": ["read", "write"]}),
        ),
        (
            "/.well-known/oauth-authorization-server",
            json!({"issuer": base, "authorization_endpoint": format!("{base}/authorize"),
                   "token_endpoint": format!("{base}/token"),
                   "registration_endpoint": format!("{base}/register"),
                   "revocation_endpoint": format!("{base}/revoke"),
                   "response_types_supported": ["code"],
                   "code_challenge_methods_supported": ["plain", "S256"],
                   "token_endpoint_auth_methods_supported": ["none"],
                   "authorization_response_iss_parameter_supported": true}),
        ),
    ];
    for (at, document) in documents {
        let answer = ResponseTemplate::new(200).set_body_json(document);
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let registered = ResponseTemplate::new(201).set_body_json(json!({"client_id": "c1"}));
    Mock::given(method("POST"))
        .and(path("/register"))
        .respond_with(registered)
        .mount(&server)
        .await;
    for (grant, pair) in [("authorization_code", "1"), ("refresh_token", "2")] {
        let tokens = json!({"access_token": format!("access-{pair}"), "token_type": "Bearer",
                            "expires_in": 3600, "refresh_token": format!("refresh-{pair}")});
        Mock::given(path("/token"))
            .and(body_string_contains(format!("grant_type={grant}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(tokens))
            .mount(&server)
            .await;
    }
    Mock::given(path("/revoke"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let issuer = base.clone();
    let consent = move |request: &Request| {
        let asked = pairs(request.url.query().unwrap_or_default().as_bytes());
        let mut back = url(&asked["redirect_uri"]);
        back.query_pairs_mut()
            .append_pair("code", "code-1")
            .append_pair("state", &asked["state"])
            .append_pair("iss", &issuer);
        ResponseTemplate::new(302).insert_header("location", back.as_str())
    };
    Mock::given(path("/authorize"))
        .respond_with(consent)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_sign_in_goes_all_the_way_and_names_the_resource_each_time() {
    let server = whole_server().await;
    let (http, reach) = (door(), here());
    let mcp = url(&format!("{}/mcp", server.uri()));
    let found = fine(discover(&http, &reach, &mcp, None).await);
    let mut loopback = fine(Loopback::bind().await);
    let redirect = loopback.redirect_uri();
    let client = fine(register(&http, &reach, &found, &redirect).await);
    let flow = fine(authorize(&found, &client, &redirect, &found.scopes));

    // The browser: reqwest as it is, following every redirect.
    let browser = tokio::spawn(reqwest::Client::new().get(loopback.start_link()).send());
    let answered = loopback
        .answer(
            &flow.authorization_url,
            flow.state(),
            CancellationToken::new(),
        )
        .await;
    let Answered::Callback(callback) = fine(answered) else {
        panic!("the first answer is the right one")
    };
    let page = browser.await.expect("no panic").expect("a page");
    assert_eq!(page.status(), 200);
    let code = fine(flow.check(&callback));
    let first = fine(exchange(&http, &reach, flow, code, &client, &found, NOW).await);
    assert_eq!(first.access.reveal(), "access-1");
    assert_eq!(
        first.scopes,
        ["read", "write"],
        "not told otherwise, it is what was asked for"
    );

    let Ok(second) = refresh(&http, &reach, &first, NOW.plus(1)).await else {
        panic!("refreshed")
    };
    assert_eq!(second.access.reveal(), "access-2");
    assert_eq!(
        second.refresh.as_ref().map(Secret::reveal),
        Some("refresh-2")
    );
    assert_eq!(fine(revoke(&http, &reach, &second).await), 200);

    let resource = mcp.to_string();
    let mut verifier_and_challenge = (String::new(), String::new());
    let mut revoked = Vec::new();
    for request in server.received_requests().await.expect("recording is on") {
        let form = pairs(&request.body);
        match request.url.path() {
            "/authorize" => {
                let asked = pairs(request.url.query().unwrap_or_default().as_bytes());
                assert_eq!(asked["resource"], resource);
                verifier_and_challenge.1 = asked["code_challenge"].clone();
            }
            "/token" => {
                assert_eq!(form["resource"], resource, "for {}", form["grant_type"]);
                assert_eq!(form["client_id"], "c1");
                if let Some(verifier) = form.get("code_verifier") {
                    verifier_and_challenge.0 = verifier.clone();
                    assert_eq!(
                        (form["code"].as_str(), &form["redirect_uri"]),
                        ("code-1", &redirect)
                    );
                } else {
                    assert_eq!(form["refresh_token"], "refresh-1");
                }
            }
            "/revoke" => revoked.push(form["token"].clone()),
            _ => {}
        }
    }
    assert_eq!(
        revoked,
        ["refresh-2", "access-2"],
        "the refresh token first"
    );
    assert_eq!(
        authorize::tests::s256(&verifier_and_challenge.0),
        verifier_and_challenge.1
    );
}

#[tokio::test]
async fn every_way_out_is_guarded() {
    // All of it at places that nobody confirmed: no byte may arrive.
    let (trap, came) = trap().await;
    let (http, nobody) = (door(), crate::http::Reach::default());
    let found = discovered(trap.as_str());
    let held = credential(trap.as_str());
    let flow = fine(authorize(&found, &public_client(), REDIRECT, &[]));
    let code = Secret::new("code");
    let challenge = format!("Bearer resource_metadata=\"{trap}\"");
    let public = url("https://192.0.2.1/mcp");
    let mut codes = vec![
        refused(discover(&http, &nobody, &trap, None).await).code,
        refused(discover(&http, &nobody, &public, Some(&challenge)).await).code,
        refused(register(&http, &nobody, &found, REDIRECT).await).code,
        refused(exchange(&http, &nobody, flow, code, &public_client(), &found, NOW).await).code,
        refused(revoke(&http, &nobody, &held).await).code,
    ];
    match refresh(&http, &nobody, &held, NOW).await {
        Err(RefreshError::Transient(error)) => codes.push(error.code),
        _ => panic!("not sent, so nothing about the sign-in is known"),
    }
    assert_eq!(codes, [ErrorCode::AddressPrivate; 6]);
    assert_eq!(came.load(std::sync::atomic::Ordering::SeqCst), 0);
}
