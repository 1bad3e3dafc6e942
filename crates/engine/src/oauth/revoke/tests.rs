use super::super::tests::{credential, door, fine, here, pairs, refused, trap};
use super::*;
use rstest::rstest;
use serde_json::json;
use std::sync::atomic::Ordering;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::body_string_contains};

async fn answering(refresh: ResponseTemplate, access: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    for (hint, answer) in [("refresh_token", refresh), ("access_token", access)] {
        Mock::given(body_string_contains(format!("token_type_hint={hint}")))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    server
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

async fn tokens(server: &MockServer) -> Vec<String> {
    let seen = server.received_requests().await.expect("recording is on");
    seen.iter()
        .map(|request| pairs(&request.body)["token"].clone())
        .collect()
}

#[tokio::test]
async fn the_refresh_token_goes_first_then_the_access_token() {
    let server = answering(status(200), status(200)).await;
    assert_eq!(
        fine(revoke(&door(), &here(), &credential(&server.uri())).await),
        200
    );
    assert_eq!(tokens(&server).await, ["old-refresh", "old-access"]);
    let seen = server.received_requests().await.expect("recording is on");
    assert_eq!(pairs(&seen[0].body)["client_id"], "client-1");
}

#[tokio::test]
async fn without_a_refresh_token_the_access_token_alone_goes() {
    let server = answering(status(200), status(204)).await;
    let held = OAuthCredential {
        refresh: None,
        ..credential(&server.uri())
    };
    assert_eq!(fine(revoke(&door(), &here(), &held).await), 204);
    assert_eq!(tokens(&server).await, ["old-access"]);
}

#[tokio::test]
async fn an_access_token_that_cannot_be_revoked_does_not_undo_the_rest() {
    let no = status(400).set_body_json(json!({"error": "unsupported_token_type"}));
    let server = answering(status(200), no).await;
    assert_eq!(
        fine(revoke(&door(), &here(), &credential(&server.uri())).await),
        200
    );
}

#[rstest]
#[case(status(503), ErrorCode::ServerError, "status", "503")]
#[case(status(503).insert_header("retry-after", "9"), ErrorCode::RateLimited, "seconds", "9")]
#[case(status(429).insert_header("retry-after", "9"), ErrorCode::RateLimited, "seconds", "9")]
#[case(status(500), ErrorCode::ServerError, "status", "500")]
#[case(status(400).set_body_json(json!({"error": "invalid_client"})), ErrorCode::OauthTokenRefused, "why", "invalid_client")]
#[case(status(400).set_body_json(json!({"error": "bad old-refresh"})), ErrorCode::OauthTokenRefused, "why", "bad …")]
#[case(status(404), ErrorCode::OauthTokenRefused, "why", "HTTP 404")]
#[tokio::test]
async fn what_did_not_work_is_told(
    #[case] answer: ResponseTemplate,
    #[case] code: ErrorCode,
    #[case] name: &str,
    #[case] value: &str,
) {
    let server = answering(answer.clone(), status(200)).await;
    let error = refused(revoke(&door(), &here(), &credential(&server.uri())).await);
    assert_eq!((error.code, error.args[name].as_str()), (code, value));
    assert_eq!(
        tokens(&server).await,
        ["old-refresh"],
        "the rest is tried again together with it"
    );
    // The same for the second of the two, where it is worth another try.
    if code != ErrorCode::OauthTokenRefused {
        let server = answering(status(200), answer).await;
        assert_eq!(
            refused(revoke(&door(), &here(), &credential(&server.uri())).await).code,
            code
        );
    }
}

#[rstest]
#[case(ClientAuth::Basic, Some("Basic Y2xpZW50LTE6czNjcmV0JTI2JTI1"), None)]
#[case(ClientAuth::Post, None, Some("s3cret&%"))]
#[tokio::test]
async fn a_client_with_a_secret_shows_it(
    #[case] auth: ClientAuth,
    #[case] header: Option<&str>,
    #[case] secret: Option<&str>,
) {
    let server = answering(status(200), status(200)).await;
    let held = OAuthCredential {
        client_auth: auth,
        client_secret: Some(Secret::new("s3cret&%")),
        ..credential(&server.uri())
    };
    fine(revoke(&door(), &here(), &held).await);
    for request in server.received_requests().await.expect("recording is on") {
        let shown = request
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        assert_eq!(shown, header);
        assert_eq!(
            pairs(&request.body)
                .get("client_secret")
                .map(String::as_str),
            secret
        );
    }
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_sent_and_a_redirect_is_not_followed() {
    let held = OAuthCredential {
        revocation_endpoint: None,
        ..credential("https://as.example")
    };
    assert_eq!(
        refused(revoke(&door(), &here(), &held).await).code,
        ErrorCode::OauthNoMetadata
    );
    let (elsewhere, came) = trap().await;
    let away = status(307).insert_header("location", elsewhere.as_str());
    let server = answering(away, status(200)).await;
    let error = refused(revoke(&door(), &here(), &credential(&server.uri())).await);
    assert_eq!(error.code, ErrorCode::RedirectRefused);
    assert_eq!(came.load(Ordering::SeqCst), 0);
}
