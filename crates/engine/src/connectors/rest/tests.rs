//! APIs that misbehave, which no real one does on demand.

use super::*;
use crate::secret::Secret;
use rstest::rstest;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, body_json, body_string, header, method, path, query_param},
};

const KEY: &str = "canary-4f1d9b27";

fn rest(base: &str, health: &str) -> Rest {
    let reach = Reach {
        private_hosts: vec!["127.0.0.1".to_owned()],
    };
    Rest::new(
        Http::new().expect("TLS"),
        reach,
        Url::parse(base).expect("a URL"),
        (health, None),
    )
    .expect("a connector")
}

fn in_query() -> Credential {
    Credential::Query {
        name: "api_key".to_owned(),
        value: Secret::new(KEY),
    }
}

fn in_header() -> Credential {
    Credential::Header {
        name: "X-API-Key".to_owned(),
        value: Secret::new(KEY),
    }
}

async fn call(rest: &Rest, credential: &Credential, arguments: Value) -> Result<Value, Error> {
    rest.call(credential, "call", arguments, CancellationToken::new())
        .await
}

async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn method_path_query_and_body_arrive_with_the_credential() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH"))
        .and(path("/v1/users/42"))
        .and(query_param("full", "true"))
        .and(query_param("tag", "a&b"))
        .and(header("x-api-key", KEY))
        .and(body_json(json!({ "name": "Ann" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(query_param("api_key", KEY))
        .and(header("content-type", "text/plain; charset=utf-8"))
        .and(body_string("as it is"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let rest = rest(&format!("{}/v1/", server.uri()), "");
    let result = call(
        &rest,
        &in_header(),
        json!({ "method": "patch", "path": "/users/42", "query": { "full": true, "tag": ["a&b"], "none": null }, "body": { "name": "Ann" } }),
    )
    .await
    .expect("a result");
    assert_eq!(
        result["structuredContent"],
        json!({ "status": 200, "content_type": "application/json", "body": { "ok": true } })
    );
    let result = call(
        &rest,
        &in_query(),
        json!({ "method": "POST", "path": "/x", "body": "as it is" }),
    )
    .await;
    assert_eq!(result.expect("a result")["content"], json!([]));
}

#[rstest]
#[case::no_such_tool(json!(null))]
#[case::no_object(json!([1]))]
#[case::no_method(json!({ "path": "/" }))]
#[case::unknown_method(json!({ "method": "TRACE", "path": "/" }))]
#[case::unknown_argument(json!({ "method": "GET", "path": "/", "headers": {} }))]
#[case::body_of_a_get(json!({ "method": "GET", "path": "/", "body": {} }))]
#[case::nested_query(json!({ "method": "GET", "path": "/", "query": { "a": { "b": 1 } } }))]
#[case::another_key(json!({ "method": "GET", "path": "/", "query": { "api_key": "mine" } }))]
#[case::another_key_in_the_path(json!({ "method": "GET", "path": "/?api_key=mine" }))]
#[case::another_key_encoded(json!({ "method": "GET", "path": "/?api%5Fkey=mine" }))]
#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_before_anything_is_sent(#[case] arguments: Value) {
    let server = always(ResponseTemplate::new(200)).await;
    let error = call(&rest(&server.uri(), ""), &in_query(), arguments)
        .await
        .expect_err("they do not fit");
    assert_eq!(error.code, ErrorCode::ArgumentsInvalid, "{error}");
    assert!(
        server
            .received_requests()
            .await
            .unwrap_or_default()
            .is_empty(),
        "it was sent all the same"
    );
}

#[rstest]
#[case(401, ErrorCode::Rejected)]
#[case(403, ErrorCode::Forbidden)]
#[case(404, ErrorCode::BadAnswer)]
#[case(429, ErrorCode::RateLimited)]
#[case(500, ErrorCode::ServerError)]
#[tokio::test]
async fn a_ping_that_is_not_answered_well_has_its_code(
    #[case] status: u16,
    #[case] code: ErrorCode,
) {
    let server = always(ResponseTemplate::new(status)).await;
    let rest = rest(&server.uri(), "/health?deep=1");
    let error = rest.ping(&in_query()).await.expect_err("not well");
    assert_eq!(error.code, code);
    assert!(!error.to_string().contains(KEY));
    assert_eq!(
        rest.ping_in_words(),
        format!("GET {}/health", server.uri()),
        "no query in what was tried"
    );
    let called = call(&rest, &in_query(), json!({ "method": "GET", "path": "/x" })).await;
    match status {
        401 => assert_eq!(called.expect_err("401").code, ErrorCode::Rejected),
        _ => {
            let result = called.expect("the status is the answer");
            assert_eq!(
                (&result["isError"], &result["structuredContent"]["status"]),
                (&json!(true), &json!(status))
            );
        }
    }
}

#[tokio::test]
async fn a_redirect_elsewhere_gets_no_credential_and_one_that_stays_is_followed_for_reading_only() {
    let elsewhere = always(ResponseTemplate::new(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/steal", elsewhere.uri());
        let away =
            always(ResponseTemplate::new(status).insert_header("location", target.as_str())).await;
        for credential in [
            in_query(),
            in_header(),
            Credential::Bearer {
                token: Secret::new(KEY),
            },
        ] {
            let rest = rest(&away.uri(), "");
            for error in [
                rest.ping(&credential).await.expect_err("redirected away"),
                call(
                    &rest,
                    &credential,
                    json!({ "method": "POST", "path": "/x" }),
                )
                .await
                .expect_err("redirected away"),
            ] {
                assert_eq!(error.code, ErrorCode::RedirectRefused, "{error}");
                assert!(!error.to_string().contains(KEY), "{error}");
            }
        }
    }
    assert!(
        elsewhere
            .received_requests()
            .await
            .unwrap_or_default()
            .is_empty(),
        "something was sent there"
    );

    let stays = MockServer::start().await;
    Mock::given(path("/old"))
        .respond_with(ResponseTemplate::new(302).insert_header("location", "/new"))
        .mount(&stays)
        .await;
    Mock::given(path("/new"))
        .and(header("x-api-key", KEY))
        .respond_with(ResponseTemplate::new(200))
        .mount(&stays)
        .await;
    let rest = rest(&stays.uri(), "/old");
    rest.ping(&in_header()).await.expect("followed");
    let error = call(
        &rest,
        &in_header(),
        json!({ "method": "DELETE", "path": "/old" }),
    )
    .await
    .expect_err("not for DELETE");
    assert_eq!(error.code, ErrorCode::RedirectRefused);
}

#[tokio::test]
async fn a_key_that_the_api_echoes_is_covered_and_never_in_an_error() {
    let basic = Credential::Basic {
        user: "ann".to_owned(),
        password: Secret::new(KEY),
    };
    let pair = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("ann:{KEY}"),
    );
    for (credential, echoed) in [
        (in_query(), KEY.to_owned()),
        (in_header(), KEY.to_owned()),
        (basic, pair),
    ] {
        let server = always(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "url": format!("/x?k={echoed}&y"), &*echoed: 1 })),
        )
        .await;
        let result = call(
            &rest(&server.uri(), ""),
            &credential,
            json!({ "method": "GET", "path": "/x" }),
        )
        .await;
        let text = result.expect("a result").to_string();
        assert!(
            !text.contains(&echoed) && text.contains("[credential]"),
            "{text}"
        );

        let mut bytes = vec![0, 159, 146, 150];
        bytes.extend_from_slice(echoed.as_bytes());
        let server =
            always(ResponseTemplate::new(200).set_body_raw(bytes, "application/octet-stream"))
                .await;
        let result = call(
            &rest(&server.uri(), ""),
            &credential,
            json!({ "method": "GET", "path": "/x" }),
        )
        .await;
        let result = result.expect("a result");
        assert!(
            result["content"][0]["resource"].is_null(),
            "bytes with the credential were passed on: {result}"
        );
    }
    // Nobody listens on port 9.
    let error = rest("http://127.0.0.1:9", "")
        .ping(&in_query())
        .await
        .expect_err("nobody there");
    assert_eq!(error.code, ErrorCode::Unreachable);
    assert!(
        !error.to_string().contains(KEY) && !error.to_string().contains("api_key"),
        "{error}"
    );
}

/// What a client shows a model that takes `structuredContent` for the whole answer, where there is any.
fn seen(result: &Value) -> &Value {
    result
        .get("structuredContent")
        .unwrap_or(&result["content"])
}

#[tokio::test]
async fn each_kind_of_content_has_its_form_and_is_seen_by_every_client() {
    let text = |body: &str| json!([{ "type": "text", "text": body }]);
    for (kind, body, expected, as_data) in [
        (
            "text/html; charset=utf-8",
            &b"<b>x</b>"[..],
            text("<b>x</b>"),
            Some(json!("<b>x</b>")),
        ),
        ("text/csv", b"a,b\n", text("a,b\n"), Some(json!("a,b\n"))),
        (
            "application/json",
            b"{\"cut",
            text("{\"cut"),
            Some(json!("{\"cut")),
        ),
        (
            "application/problem+json",
            b"{\"a\":1}",
            text("{\"a\":1}"),
            Some(json!({ "a": 1 })),
        ),
        (
            "image/png",
            b"\x89PNG",
            json!([{ "type": "image", "data": "iVBORw==", "mimeType": "image/png" }]),
            None,
        ),
        (
            "application/zip",
            b"PK\x03\x04",
            json!([{ "type": "resource", "resource": {
            "uri": "URL/x", "mimeType": "application/zip", "blob": "UEsDBA==" } }]),
            None,
        ),
    ] {
        let server = always(ResponseTemplate::new(200).set_body_raw(body, kind)).await;
        let result = call(
            &rest(&server.uri(), ""),
            &in_query(),
            json!({ "method": "GET", "path": "/x?y=1" }),
        )
        .await
        .expect("a result");
        let content = result["content"].to_string().replace(&server.uri(), "URL");
        assert_eq!(content, expected.to_string(), "{kind}");
        match as_data {
            Some(data) => assert_eq!(seen(&result)["body"], data, "{kind}"),
            None => assert_eq!(seen(&result), &result["content"], "{kind}"),
        }
    }
}

#[rstest]
#[case(503, ErrorCode::RateLimited)]
#[case(500, ErrorCode::ServerError)]
#[case(404, ErrorCode::ToolFailed)]
#[tokio::test]
async fn an_answer_in_bytes_tells_of_trouble_as_any_other(
    #[case] status: u16,
    #[case] code: ErrorCode,
) {
    let answer = ResponseTemplate::new(status).set_body_raw(&b"\x89PNG"[..], "image/png");
    let answer = match code {
        ErrorCode::RateLimited => answer.insert_header("retry-after", "7"),
        _ => answer,
    };
    let server = always(answer).await;
    let rest = rest(&server.uri(), "");
    let asked = json!({ "method": "GET", "path": "/x" });
    let result = call(&rest, &in_query(), asked).await.expect("a result");
    let trouble = rest.trouble(&result).expect("trouble");
    assert_eq!(trouble.code, code, "{trouble}");
}

#[tokio::test]
async fn what_an_api_says_in_headers_is_passed_on_and_cookies_are_not() {
    let next = format!("<https://api.example/v1/users?after=9&api_key={KEY}>; rel=\"next\"");
    let server = always(
        ResponseTemplate::new(200)
            .insert_header("link", next)
            .append_header("link", "</v1/users>; rel=\"first\"")
            .insert_header("etag", "\"7\"")
            .insert_header("x-next-page", "9".repeat(3000))
            .insert_header("set-cookie", "session=1")
            .set_body_json(json!([])),
    )
    .await;
    let asked = json!({ "method": "GET", "path": "/users" });
    let result = call(&rest(&server.uri(), ""), &in_query(), asked).await;
    assert_eq!(
        result.expect("a result")["structuredContent"]["headers"],
        json!({
            "etag": "\"7\"",
            "link": "<https://api.example/v1/users?after=9&api_key=[credential]>; rel=\"next\", </v1/users>; rel=\"first\"",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_not_said_to_be_out_of_reach() {
    let (url, _) = crate::http::tests::trap().await;
    let asked = json!({ "method": "POST", "path": "/orders" });
    let error = call(&rest(url.as_str(), ""), &in_header(), asked).await;
    let error = error.expect_err("silence");
    assert_eq!(error.code, ErrorCode::CallLate, "{error}");
    assert_eq!(error.args["seconds"], "120");
}

#[tokio::test]
async fn a_call_can_be_cancelled_and_an_answer_over_the_limit_is_cut() {
    let slow = always(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let cancel = CancellationToken::new();
    let ended = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        ended.cancel();
    });
    let rest = rest(&slow.uri(), "");
    let called = rest
        .call(
            &in_header(),
            "call",
            json!({ "method": "GET", "path": "/" }),
            cancel,
        )
        .await;
    assert_eq!(
        called.expect_err("cancelled").code,
        ErrorCode::CallCancelled
    );

    let big = always(ResponseTemplate::new(200).set_body_string("x".repeat(5 << 20))).await;
    let called = call(
        &super::tests::rest(&big.uri(), ""),
        &in_header(),
        json!({ "method": "GET", "path": "/" }),
    )
    .await;
    assert_eq!(called.expect_err("too large").code, ErrorCode::TooLarge);
}

#[test]
fn a_health_path_that_leaves_the_base_is_refused() {
    let reach = Reach::default();
    let base = Url::parse("https://api.example.com/v1").expect("a URL");
    let made = Rest::new(
        Http::new().expect("TLS"),
        reach,
        base,
        ("https://evil.example/", None),
    );
    let Err(error) = made else {
        panic!("it was taken")
    };
    assert_eq!(
        (error.code, error.args["field"].as_str()),
        (ErrorCode::FieldInvalid, "health_path")
    );
}
