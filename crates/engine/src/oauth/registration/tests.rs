use super::super::tests::{REDIRECT, discovered, door, fine, here, raw, refused, trap};
use super::*;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path},
};

async fn answering(status: u16, body: Value) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method("POST"))
        .and(path("/register"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

async fn ask(server: &MockServer, methods: &[&str]) -> Result<Client, Error> {
    let auth_methods = methods.iter().map(|m| (*m).to_owned()).collect();
    let found = Discovered {
        auth_methods,
        ..discovered(&server.uri())
    };
    register(&door(), &here(), &found, REDIRECT).await
}

async fn asked(server: &MockServer) -> Value {
    let seen = server.received_requests().await.expect("recording is on");
    serde_json::from_slice(&seen[0].body).expect("JSON")
}

#[tokio::test]
async fn we_register_as_a_native_client_of_one_address() {
    let server = answering(201, json!({"client_id": "c1", "client_secret": null})).await;
    let client = fine(ask(&server, &["client_secret_basic", "none"]).await);
    assert_eq!((client.id.as_str(), client.auth), ("c1", ClientAuth::None));
    assert!(client.secret.is_none() && client.registration_token.is_none());
    let asked = asked(&server).await;
    assert_eq!(
        asked,
        json!({
            "client_name": "Chief Integrations", "application_type": "native", "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none", "scope": "read write",
        })
    );
}

#[rstest]
#[case(&[], "none")]
#[case(&["client_secret_post", "client_secret_basic"], "client_secret_basic")]
#[case(&["private_key_jwt", "client_secret_post"], "client_secret_post")]
#[case(&["none", "client_secret_basic"], "none")]
#[tokio::test]
async fn the_simplest_way_that_is_offered_is_asked_for(
    #[case] offered: &[&str],
    #[case] expected: &str,
) {
    let server = answering(200, json!({"client_id": "c", "client_secret": "s"})).await;
    fine(ask(&server, offered).await);
    assert_eq!(asked(&server).await["token_endpoint_auth_method"], expected);
}

#[rstest]
#[case(json!({"client_id": "c"}), ClientAuth::None, false)]
#[case(json!({"client_id": "c", "client_secret": ""}), ClientAuth::None, false)]
#[case(json!({"client_id": "c", "client_secret": "s"}), ClientAuth::Basic, true)]
#[case(json!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_basic"}), ClientAuth::Basic, true)]
#[case(json!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post"}), ClientAuth::Post, true)]
#[case(json!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "none"}), ClientAuth::None, false)]
#[tokio::test]
async fn the_server_decides_how_we_show_who_we_are(
    #[case] body: Value,
    #[case] auth: ClientAuth,
    #[case] has_secret: bool,
) {
    let client = fine(ask(&answering(201, body).await, &[]).await);
    assert_eq!((client.auth, client.secret.is_some()), (auth, has_secret));
}

#[rstest]
#[case(400, json!({"error": "invalid_redirect_uri", "error_description": "no\r\nloopback"}), ErrorCode::OauthRegistrationRefused, "why", "invalid_redirect_uri: no loopback")]
#[case(400, json!({"error": "invalid_client_metadata"}), ErrorCode::OauthRegistrationRefused, "why", "invalid_client_metadata")]
#[case(401, json!("who are you"), ErrorCode::OauthRegistrationRefused, "why", "HTTP 401")]
#[case(403, json!({}), ErrorCode::OauthRegistrationRefused, "why", "HTTP 403")]
#[case(404, json!({}), ErrorCode::OauthRegistrationRefused, "why", "HTTP 404")]
#[case(429, json!({}), ErrorCode::RateLimited, "seconds", "60")]
#[case(500, json!({"error": "server_error"}), ErrorCode::ServerError, "status", "500")]
#[case(201, json!({"error": "no"}), ErrorCode::BadAnswer, "why", "the registration is not JSON with a client_id")]
#[case(201, json!({"client_id": ""}), ErrorCode::OauthRegistrationRefused, "why", "it gave an empty client id")]
#[case(201, json!({"client_id": "c", "token_endpoint_auth_method": "client_secret_post"}), ErrorCode::OauthRegistrationRefused, "why", "it asks for a secret but gave none")]
#[case(201, json!({"client_id": "c", "token_endpoint_auth_method": "tls_client_auth"}), ErrorCode::OauthRegistrationRefused, "why", "it wants a way of signing in that was not offered")]
#[tokio::test]
async fn a_refusal_is_told(
    #[case] status: u16,
    #[case] body: Value,
    #[case] code: ErrorCode,
    #[case] name: &str,
    #[case] value: &str,
) {
    let server = answering(status, body).await;
    let error = refused(ask(&server, &[]).await);
    assert_eq!((error.code, error.args[name].as_str()), (code, value));
    if code == ErrorCode::OauthRegistrationRefused {
        assert_eq!(error.args["issuer"], server.uri());
    }
}

#[tokio::test]
async fn a_page_instead_of_a_registration_is_told() {
    let base =
        raw("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>").await;
    let error = refused(register(&door(), &here(), &discovered(base.as_str()), REDIRECT).await);
    assert_eq!(error.code, ErrorCode::BadAnswer);
}

#[tokio::test]
async fn without_an_endpoint_or_a_way_nothing_is_sent() {
    let (trap, came) = trap().await;
    let found = Discovered {
        registration_endpoint: None,
        ..discovered(trap.as_str())
    };
    let error = refused(register(&door(), &here(), &found, REDIRECT).await);
    assert_eq!(
        (error.code, error.args["issuer"].as_str()),
        (ErrorCode::OauthNoRegistration, trap.as_str())
    );
    let found = Discovered {
        auth_methods: vec!["private_key_jwt".into()],
        ..discovered(trap.as_str())
    };
    let error = refused(register(&door(), &here(), &found, REDIRECT).await);
    assert_eq!(error.code, ErrorCode::OauthRegistrationRefused);
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_registration_is_forgotten_with_its_own_token() {
    let server = MockServer::start().await;
    let body = json!({"client_id": "c1", "registration_access_token": "rt",
                      "registration_client_uri": format!("{}/register/c1", server.uri())});
    let answer = ResponseTemplate::new(201).set_body_json(body);
    Mock::given(path("/register"))
        .respond_with(answer)
        .mount(&server)
        .await;
    Mock::given(method("DELETE"))
        .and(path("/register/c1"))
        .and(header("authorization", "Bearer rt"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let client = fine(ask(&server, &[]).await);
    let (uri, token) = (
        client.registration_uri.as_deref(),
        client.registration_token.as_ref(),
    );
    assert_eq!(
        unregister(&door(), &here(), uri, token).await,
        Ok(Some(204))
    );
    assert_eq!(unregister(&door(), &here(), None, token).await, Ok(None));
    assert_eq!(unregister(&door(), &here(), uri, None).await, Ok(None));
}

#[tokio::test]
async fn the_registrations_token_goes_to_no_other_origin() {
    let (elsewhere, came) = trap().await;
    let server = answering(
        201,
        json!({"client_id": "c", "registration_access_token": "rt",
                                       "registration_client_uri": elsewhere.as_str()}),
    )
    .await;
    let client = fine(ask(&server, &[]).await);
    assert_eq!(client.registration_uri, None);
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[test]
fn the_metadata_document_that_the_company_hosts_says_what_a_registration_would() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../relay/client.json")).expect("JSON");
    let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(text("client_name"), "Chief Integrations");
    assert_eq!(text("application_type"), "native");
    assert_eq!(text("token_endpoint_auth_method"), "none");
    assert_eq!(
        document["grant_types"],
        serde_json::json!(["authorization_code", "refresh_token"])
    );
    let id = Url::parse(&text("client_id")).expect("its own address");
    assert!(id.scheme() == "https" && id.path().ends_with("/client.json"));
    let beside = id.join("./").expect("its folder").to_string();
    let redirects = document["redirect_uris"].as_array().expect("a list");
    for way_back in [
        "http://127.0.0.1/callback",
        "http://localhost/callback",
        crate::links::CALLBACK,
        &beside,
    ] {
        assert!(
            redirects.iter().any(|uri| uri == way_back),
            "{way_back} is a way back of ours"
        );
    }
    assert!(document.get("client_secret").is_none());
}
