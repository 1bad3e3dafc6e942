use super::super::{
    authorize,
    tests::{
        NOW, REDIRECT, credential, discovered, door, fine, here, pairs, public_client, raw,
        refused, secret_client, trap,
    },
};
use super::*;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

mod faults;

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/token"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn tokens(more: Value) -> Value {
    let mut body = json!({"access_token": "at", "token_type": "Bearer"});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

async fn get(base: &str, client: &Client) -> Result<OAuthCredential, Error> {
    let found = discovered(base);
    let flow = fine(authorize(
        &found,
        client,
        REDIRECT,
        &["read".into(), "write".into()],
    ));
    exchange(
        &door(),
        &here(),
        flow,
        Secret::new("the-code"),
        client,
        &found,
        NOW,
    )
    .await
}

async fn renew(base: &str) -> Result<OAuthCredential, RefreshError> {
    refresh(&door(), &here(), &credential(base), NOW).await
}

async fn sent(server: &MockServer) -> Request {
    let mut seen = server.received_requests().await.expect("recording is on");
    assert_eq!(seen.len(), 1, "asked once");
    seen.remove(0)
}

#[tokio::test]
async fn a_code_becomes_a_credential_of_its_issuer() {
    let body = tokens(json!({"expires_in": 3600, "refresh_token": "rt", "scope": "read"}));
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let held = fine(get(&server.uri(), &public_client()).await);
    assert_eq!(
        (
            held.access.reveal(),
            held.refresh.as_ref().map(Secret::reveal)
        ),
        ("at", Some("rt"))
    );
    assert_eq!(
        (held.received_at, held.expires_at),
        (NOW, Some(NOW.plus(3_600_000)))
    );
    assert_eq!(held.refresh_expires_at, None);
    assert_eq!(
        (held.scopes, held.requested_scopes),
        (vec!["read".into()], vec!["read".to_owned(), "write".into()])
    );
    assert_eq!(held.issuer, server.uri());
    assert_eq!(held.token_endpoint, format!("{}/token", server.uri()));
    assert_eq!(
        held.revocation_endpoint,
        Some(format!("{}/revoke", server.uri()))
    );
    assert_eq!(held.resource.as_deref(), Some("https://mcp.example/mcp"));
    let form = pairs(&sent(&server).await.body);
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(
        (form["code"].as_str(), form["redirect_uri"].as_str()),
        ("the-code", REDIRECT)
    );
    assert_eq!(
        (form["client_id"].as_str(), form["resource"].as_str()),
        ("client-1", "https://mcp.example/mcp")
    );
    assert!(form["code_verifier"].len() >= 43);
}

#[rstest]
#[case(ClientAuth::None, None, Some("client-1"), None)]
#[case(
    ClientAuth::Basic,
    Some("Basic Y2xpZW50LTE6czNjcmV0JTI2JTI1"),
    None,
    None
)]
#[case(ClientAuth::Post, None, Some("client-1"), Some("s3cret&%"))]
#[tokio::test]
async fn who_we_are_is_shown_in_the_agreed_way(
    #[case] auth: ClientAuth,
    #[case] header: Option<&str>,
    #[case] id: Option<&str>,
    #[case] secret: Option<&str>,
) {
    let server = answering(ResponseTemplate::new(200).set_body_json(tokens(json!({})))).await;
    fine(get(&server.uri(), &secret_client(auth)).await);
    let request = sent(&server).await;
    let form = pairs(&request.body);
    let shown = request
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    assert_eq!(shown, header);
    assert_eq!(form.get("client_id").map(String::as_str), id);
    assert_eq!(form.get("client_secret").map(String::as_str), secret);
}

#[rstest]
#[case(json!({"expires_in": 60}), Some(60), None, &["read", "write"])]
#[case(json!({"expires_in": "60"}), Some(60), None, &["read", "write"])]
#[case(json!({"expires_in": 60.9}), Some(60), None, &["read", "write"])]
#[case(json!({"expires_in": null}), None, None, &["read", "write"])]
#[case(json!({"expires_in": 0}), None, None, &["read", "write"])]
#[case(json!({"expires_in": -5}), None, None, &["read", "write"])]
#[case(json!({"expires_in": 1e300}), None, None, &["read", "write"])]
#[case(json!({"expires_in": "soon"}), None, None, &["read", "write"])]
#[case(json!({"refresh_token_expires_in": 86400}), None, Some(86400), &["read", "write"])]
#[case(json!({"refresh_expires_in": 1800}), None, Some(1800), &["read", "write"])]
#[case(json!({"refresh_expires_in": 0}), None, None, &["read", "write"])]
#[case(json!({"scope": "a b"}), None, None, &["a", "b"])]
#[case(json!({"scope": ""}), None, None, &["read", "write"])]
#[case(json!({"scope": null}), None, None, &["read", "write"])]
#[case(json!({"scope": ["a", 7, "b"]}), None, None, &["a", "b"])]
#[case(json!({"scope": 7}), None, None, &["read", "write"])]
#[case(json!({"token_type": null, "refresh_token": null}), None, None, &["read", "write"])]
#[case(json!({"token_type": "bearer"}), None, None, &["read", "write"])]
#[case(json!({"id_token": "x", "extra": {"deep": [1]}}), None, None, &["read", "write"])]
#[tokio::test]
async fn sloppy_answers_are_understood(
    #[case] more: Value,
    #[case] life: Option<i64>,
    #[case] refresh_life: Option<i64>,
    #[case] scopes: &[&str],
) {
    let server = answering(ResponseTemplate::new(200).set_body_json(tokens(more))).await;
    let held = fine(get(&server.uri(), &public_client()).await);
    assert_eq!(held.expires_at, life.map(|s| NOW.plus(s * 1000)));
    assert_eq!(
        held.refresh_expires_at,
        refresh_life.map(|s| NOW.plus(s * 1000))
    );
    assert_eq!(held.scopes, scopes);
}

/// What a token endpoint may answer, and what it means for a code and for a refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Means {
    Over,
    MayPass,
    AskAgain,
}

#[rstest]
#[case::over(
    400,
    "application/json",
    r#"{"error":"invalid_grant"}"#,
    Means::Over,
    ErrorCode::OauthInvalidGrant
)]
#[case::over_with_words(
    400,
    "application/json",
    r#"{"error":"invalid_grant","error_description":"expired"}"#,
    Means::Over,
    ErrorCode::OauthInvalidGrant
)]
#[case::over_by_auth0(
    403,
    "application/json",
    r#"{"error":"invalid_grant"}"#,
    Means::Over,
    ErrorCode::OauthInvalidGrant
)]
#[case::over_mislabelled(
    400,
    "text/plain",
    r#"{"error":"invalid_grant"}"#,
    Means::Over,
    ErrorCode::OauthInvalidGrant
)]
#[case::client(
    401,
    "application/json",
    r#"{"error":"invalid_client"}"#,
    Means::MayPass,
    ErrorCode::OauthClientGone
)]
#[case::request(
    400,
    "application/json",
    r#"{"error":"invalid_request"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::target(
    400,
    "application/json",
    r#"{"error":"invalid_target"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::unknown(
    400,
    "application/json",
    r#"{"error":"mercury_retrograde"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::over_with_200(
    200,
    "application/json",
    r#"{"error":"invalid_grant"}"#,
    Means::Over,
    ErrorCode::OauthInvalidGrant
)]
#[case::over_as_slack_says_it(
    200,
    "application/json",
    r#"{"ok":false,"error":"invalid_refresh_token"}"#,
    Means::Over,
    ErrorCode::OauthInvalidGrant
)]
#[case::over_as_github_says_it(
    200,
    "application/json",
    r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"#,
    Means::Over,
    ErrorCode::OauthInvalidGrant
)]
#[case::another_error_with_200(
    200,
    "application/json",
    r#"{"ok":false,"error":"internal_error"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::the_word_alone_with_200(
    200,
    "application/json",
    r#""invalid_grant""#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::page_400(
    400,
    "text/html",
    "<html>invalid_grant</html>",
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::not_found(
    404,
    "text/html",
    "<html>",
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::portal(
    200,
    "text/html",
    "<!doctype html><title>Welcome to Hotel</title>",
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::portal_401(
    401,
    "text/html",
    "<html>",
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::empty(
    200,
    "application/json",
    "",
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::no_content(
    204,
    "application/json",
    "",
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::array(
    200,
    "application/json",
    "[]",
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::text(
    200,
    "text/plain",
    "access_token=at",
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::no_token(
    200,
    "application/json",
    r#"{"token_type":"bearer"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::empty_token(
    200,
    "application/json",
    r#"{"access_token":"","token_type":"bearer"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::number_token(
    200,
    "application/json",
    r#"{"access_token":7,"token_type":"bearer"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::other_kind(
    200,
    "application/json",
    r#"{"access_token":"at","token_type":"DPoP"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::unsendable(
    200,
    "application/json",
    r#"{"access_token":"a\nb","token_type":"bearer"}"#,
    Means::MayPass,
    ErrorCode::OauthTokenRefused
)]
#[case::broken_off(
    200,
    "application/json",
    r#"{"access_token":"at","refr"#,
    Means::AskAgain,
    ErrorCode::OauthTokenRefused
)]
#[case::limited(
    429,
    "application/json",
    r#"{"error":"invalid_grant"}"#,
    Means::MayPass,
    ErrorCode::RateLimited
)]
#[case::down(
    500,
    "application/json",
    r#"{"error":"invalid_grant"}"#,
    Means::MayPass,
    ErrorCode::ServerError
)]
#[case::down_page(
    502,
    "text/html",
    "<html>Bad Gateway",
    Means::MayPass,
    ErrorCode::ServerError
)]
#[case::away(503, "text/html", "", Means::MayPass, ErrorCode::ServerError)]
#[tokio::test]
async fn only_invalid_grant_ends_a_sign_in(
    #[case] status: u16,
    #[case] kind: &str,
    #[case] body: &str,
    #[case] means: Means,
    #[case] code: ErrorCode,
) {
    let server = answering(ResponseTemplate::new(status).set_body_raw(body, kind)).await;
    let (found, error) = match refused(renew(&server.uri()).await) {
        RefreshError::InvalidGrant(error) => (Means::Over, error),
        RefreshError::Transient(error) => (Means::MayPass, error),
        RefreshError::Ambiguous(error) => (Means::AskAgain, error),
    };
    assert_eq!((found, error.code), (means, code), "{error}");
    assert_eq!(
        sent(&server).await.url.path(),
        "/token",
        "asked once: whoever holds the lock decides on more"
    );
    // With a code there is no sign-in yet that could be over.
    let error = refused(get(&server.uri(), &public_client()).await);
    let expected = match code {
        ErrorCode::OauthInvalidGrant => ErrorCode::OauthTokenRefused,
        // And the client is one that was just typed.
        ErrorCode::OauthClientGone => ErrorCode::OauthClientRefused,
        other => other,
    };
    assert_eq!(error.code, expected);
}
