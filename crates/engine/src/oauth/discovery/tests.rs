use super::super::tests::{door, fine, here, raw, refused, trap, url};
use super::*;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

async fn put(server: &MockServer, at: &str, document: Value) {
    let answer = ResponseTemplate::new(200).set_body_json(document);
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

fn resource(server: &MockServer, path: &str) -> Value {
    json!({"resource": format!("{}{path}", server.uri()), "authorization_servers": [server.uri()]})
}

fn metadata(issuer: &str) -> Value {
    json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/a"),
           "token_endpoint": format!("{issuer}/t"), "code_challenge_methods_supported": ["S256"]})
}

/// The same document with one more or another member; `null` takes it out.
fn with(mut document: Value, name: &str, value: Value) -> Value {
    document[name] = value;
    if let Some(members) = document.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    document
}

fn mcp(server: &MockServer, path: &str) -> Url {
    url(&format!("{}{path}", server.uri()))
}

async fn find(server: &Url, challenge: Option<&str>) -> Result<Discovered, Error> {
    discover(&door(), &here(), server, challenge).await
}

async fn paths(server: &MockServer) -> Vec<String> {
    let seen = server.received_requests().await.expect("recording is on");
    seen.iter()
        .map(|request| request.url.path().to_owned())
        .collect()
}

#[tokio::test]
async fn the_challenge_says_where_and_which_scopes() {
    let server = MockServer::start().await;
    let described = with(
        resource(&server, "/mcp"),
        "scopes_supported",
        json!(["all"]),
    );
    put(&server, "/elsewhere", described).await;
    put(&server, SERVER, metadata(&server.uri())).await;
    let challenge = format!(
        "Bearer resource_metadata=\"{}/elsewhere\", scope=\"read\"",
        server.uri()
    );
    let found = fine(find(&mcp(&server, "/mcp"), Some(&challenge)).await);
    assert_eq!(
        found.scopes,
        ["read"],
        "the challenge counts more than the metadata"
    );
    assert_eq!(found.resource, Some(format!("{}/mcp", server.uri())));
    assert_eq!(paths(&server).await, ["/elsewhere", SERVER]);
}

#[tokio::test]
async fn without_a_challenge_the_well_known_places_are_asked_in_order() {
    let server = MockServer::start().await;
    put(&server, RESOURCE, resource(&server, "")).await;
    put(&server, OPENID, metadata(&server.uri())).await;
    let found = fine(find(&mcp(&server, "/a/mcp"), None).await);
    assert_eq!(found.issuer, server.uri());
    assert_eq!(
        found.resource,
        Some(server.uri()),
        "as the metadata says it"
    );
    let expected = [
        "/.well-known/oauth-protected-resource/a/mcp",
        RESOURCE,
        SERVER,
        OPENID,
    ];
    assert_eq!(paths(&server).await, expected);
}

#[rstest]
#[case("/.well-known/oauth-authorization-server/tenant/1", 1)]
#[case("/.well-known/openid-configuration/tenant/1", 2)]
#[case("/tenant/1/.well-known/openid-configuration", 3)]
#[tokio::test]
async fn an_issuer_with_a_path_is_asked_at_three_places_in_order(
    #[case] at: &str,
    #[case] asked: usize,
) {
    let server = MockServer::start().await;
    let issuer = format!("{}/tenant/1", server.uri());
    let described = with(
        resource(&server, "/mcp"),
        "authorization_servers",
        json!([issuer]),
    );
    put(
        &server,
        "/.well-known/oauth-protected-resource/mcp",
        described,
    )
    .await;
    put(&server, at, metadata(&issuer)).await;
    let found = fine(find(&mcp(&server, "/mcp"), None).await);
    assert_eq!(found.issuer, issuer);
    let order = [
        "/.well-known/oauth-authorization-server/tenant/1",
        "/.well-known/openid-configuration/tenant/1",
        "/tenant/1/.well-known/openid-configuration",
    ];
    assert_eq!(paths(&server).await[1..], order[..asked]);
}

#[tokio::test]
async fn a_server_of_before_resource_metadata_is_its_own_authorization_server() {
    let server = MockServer::start().await;
    put(
        &server,
        SERVER,
        with(metadata(&server.uri()), "scopes_supported", json!(["a"])),
    )
    .await;
    let found = fine(find(&mcp(&server, "/mcp"), Some("Bearer scope=x")).await);
    assert_eq!(found.issuer, server.uri());
    assert_eq!(found.resource, Some(format!("{}/mcp", server.uri())));
    assert_eq!(found.scopes, ["x"]);
}

#[tokio::test]
async fn a_server_that_tells_nothing_is_said_so() {
    let server = MockServer::start().await;
    let error = refused(find(&mcp(&server, "/mcp"), Some("Bearer")).await);
    assert_eq!(
        (error.code, error.args["host"].as_str()),
        (ErrorCode::OauthNoMetadata, "127.0.0.1")
    );
    // A site that answers every path with its page is no better.
    let page = ResponseTemplate::new(200).set_body_raw("<!doctype html>", "text/html");
    Mock::given(method("GET"))
        .respond_with(page)
        .mount(&server)
        .await;
    assert_eq!(
        refused(find(&mcp(&server, "/mcp"), None).await).code,
        ErrorCode::OauthNoMetadata
    );
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_not_one_without_metadata() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(500))
        .mount(&server)
        .await;
    assert_eq!(
        refused(find(&mcp(&server, "/mcp"), None).await).code,
        ErrorCode::ServerError
    );
    let gone = raw("").await;
    assert_eq!(
        refused(find(&gone, None).await).code,
        ErrorCode::Unreachable
    );
    let busy = raw("HTTP/1.1 429 Slow\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(refused(find(&busy, None).await).args["seconds"], "9");
}

#[rstest]
#[case::itself("/a/mcp", true)]
#[case::slash("/a/mcp/", true)]
#[case::above("/a", true)]
#[case::root("/", true)]
#[case::origin("", true)]
#[case::sibling("/b", false)]
#[case::below("/a/mcp/x", false)]
#[case::half_a_name("/a/mc", false)]
#[case::query("/a/mcp?x=1", false)]
#[case::fragment("/a/mcp#x", false)]
#[tokio::test]
async fn metadata_must_speak_for_the_server(#[case] of: &str, #[case] passes: bool) {
    let server = MockServer::start().await;
    put(&server, RESOURCE, resource(&server, of)).await;
    put(&server, SERVER, metadata(&server.uri())).await;
    let found = find(&mcp(&server, "/a/mcp"), None).await;
    let code = found.err().map(|error| error.code);
    assert_eq!(code, (!passes).then_some(ErrorCode::OauthResourceMismatch));
}

#[rstest]
#[case(json!("https://evil.example/mcp"))]
#[case(json!("http://localhost:1/mcp"))]
#[case(json!("not a url"))]
#[case(json!(""))]
#[case(Value::Null)]
#[tokio::test]
async fn metadata_of_another_resource_is_refused_and_its_server_not_asked(#[case] resource: Value) {
    let server = MockServer::start().await;
    let (hostile, came) = trap().await;
    let mut described = json!({"authorization_servers": [hostile.as_str()]});
    described["resource"] = resource;
    put(&server, RESOURCE, described).await;
    // From the challenge as well: it is as untrusted as the rest.
    let challenge = format!("Bearer resource_metadata=\"{}{RESOURCE}\"", server.uri());
    for challenge in [None, Some(challenge.as_str())] {
        let error = refused(find(&mcp(&server, "/mcp"), challenge).await);
        assert_eq!(error.code, ErrorCode::OauthResourceMismatch);
        assert_eq!(error.args["expected"], format!("{}/mcp", server.uri()));
    }
    assert_eq!(
        came.load(Ordering::SeqCst),
        0,
        "the other authorization server hears nothing"
    );
}

#[rstest]
#[case("{base}", "{base}", true)]
#[case("{base}/", "{base}", true)]
#[case("{base}", "{base}/", true)]
#[case("{base}/t", "{base}/t", true)]
#[case("{base}/t", "{base}/t/", false)]
#[case("{base}/t", "{base}", false)]
#[case("{base}", "{base}/t", false)]
#[case("{base}", "https://evil.example", false)]
#[case("{base}", "", false)]
#[tokio::test]
async fn metadata_must_be_of_the_issuer_that_was_asked(
    #[case] asked: &str,
    #[case] says: &str,
    #[case] passes: bool,
) {
    let server = MockServer::start().await;
    let asked = asked.replace("{base}", &server.uri());
    let says = says.replace("{base}", &server.uri());
    put(
        &server,
        RESOURCE,
        with(
            resource(&server, ""),
            "authorization_servers",
            json!([asked]),
        ),
    )
    .await;
    let document = with(metadata(&server.uri()), "issuer", json!(says));
    put(&server, SERVER, document.clone()).await;
    put(&server, &format!("{SERVER}/t"), document).await;
    match find(&mcp(&server, "/mcp"), None).await {
        Ok(found) => assert!(
            passes && found.issuer == says,
            "{says} is kept letter for letter"
        ),
        Err(error) => {
            assert_eq!(
                (passes, error.code),
                (false, ErrorCode::OauthIssuerMismatch)
            );
            assert_eq!(error.args["expected"], asked);
            assert_eq!(
                error.args["found"],
                if says.is_empty() {
                    "nothing"
                } else {
                    says.as_str()
                }
            );
        }
    }
}

#[rstest]
#[case(Value::Null)]
#[case(json!([]))]
#[case(json!(["plain"]))]
#[case(json!(["s256"]))]
#[tokio::test]
async fn without_pkce_there_is_no_sign_in(#[case] methods: Value) {
    let server = MockServer::start().await;
    put(&server, RESOURCE, resource(&server, "")).await;
    put(
        &server,
        SERVER,
        with(
            metadata(&server.uri()),
            "code_challenge_methods_supported",
            methods,
        ),
    )
    .await;
    let error = refused(find(&mcp(&server, "/mcp"), None).await);
    assert_eq!(
        (error.code, error.args["issuer"].as_str()),
        (ErrorCode::OauthNoPkce, server.uri().as_str())
    );
}

#[rstest]
#[case("authorization_endpoint", Value::Null)]
#[case("token_endpoint", Value::Null)]
#[case("authorization_endpoint", json!("javascript:alert(1)"))]
#[case("authorization_endpoint", json!("file:///usr/bin/calc"))]
#[case("authorization_endpoint", json!("http://as.example/a"))]
#[case("authorization_endpoint", json!("https://user:pw@as.example/a"))]
#[case("authorization_endpoint", json!("/relative"))]
#[case("token_endpoint", json!("http://as.example/t"))]
#[case("token_endpoint", json!("http://169.254.169.254/t"))]
#[case("token_endpoint", json!("https://as.example/t#x"))]
#[case("registration_endpoint", json!("http://as.example/r"))]
#[case("revocation_endpoint", json!("ftp://as.example/r"))]
#[case("response_types_supported", json!(["token"]))]
#[tokio::test]
async fn endpoints_that_are_not_safe_are_refused(#[case] name: &str, #[case] value: Value) {
    let server = MockServer::start().await;
    put(&server, RESOURCE, resource(&server, "")).await;
    put(&server, SERVER, with(metadata(&server.uri()), name, value)).await;
    assert_eq!(
        refused(find(&mcp(&server, "/mcp"), None).await).code,
        ErrorCode::BadAnswer
    );
}

#[rstest]
#[case("http://169.254.169.254/x", ErrorCode::AddressForbidden)]
#[case("http://10.9.8.7/x", ErrorCode::AddressPrivate)]
#[case("https://[::ffff:127.0.0.1]/x", ErrorCode::AddressForbidden)]
#[case("https://0251.0376.0251.0376/x", ErrorCode::AddressForbidden)]
#[tokio::test]
async fn metadata_that_leads_inward_is_refused_by_name(
    #[case] target: &str,
    #[case] expected: ErrorCode,
) {
    let server = MockServer::start().await;
    let challenge = format!("Bearer resource_metadata=\"{target}\"");
    assert_eq!(
        refused(find(&mcp(&server, "/mcp"), Some(&challenge)).await).code,
        expected
    );
    put(
        &server,
        RESOURCE,
        with(
            resource(&server, ""),
            "authorization_servers",
            json!([target]),
        ),
    )
    .await;
    assert_eq!(
        refused(find(&mcp(&server, "/mcp"), None).await).code,
        expected
    );
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed() {
    let (elsewhere, came) = trap().await;
    let server = MockServer::start().await;
    let away = ResponseTemplate::new(302).insert_header("location", elsewhere.as_str());
    Mock::given(path(RESOURCE))
        .respond_with(away.clone())
        .mount(&server)
        .await;
    Mock::given(path(SERVER))
        .respond_with(away)
        .mount(&server)
        .await;
    assert_eq!(
        refused(find(&mcp(&server, "/mcp"), None).await).code,
        ErrorCode::RedirectRefused
    );
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_next_authorization_server_is_tried_where_one_is_down() {
    let server = MockServer::start().await;
    let down = raw("").await;
    put(
        &server,
        RESOURCE,
        with(
            resource(&server, ""),
            "authorization_servers",
            json!([down.as_str(), server.uri()]),
        ),
    )
    .await;
    put(&server, SERVER, metadata(&server.uri())).await;
    assert_eq!(
        fine(find(&mcp(&server, "/mcp"), None).await).issuer,
        server.uri()
    );
}

#[rstest]
#[case(None, json!(["a", "b"]), Value::Null, &["a", "b"])]
#[case(None, Value::Null, json!(["x", "offline_access"]), &[])]
#[case(None, json!(["a"]), json!(["offline_access"]), &["a", "offline_access"])]
#[case(None, json!(["offline_access"]), json!(["offline_access"]), &["offline_access"])]
#[case(Some("Bearer scope=\"r w\""), json!(["a"]), json!(["offline_access"]), &["r", "w", "offline_access"])]
#[case(Some("Bearer scope=r"), json!(["a"]), json!(["a"]), &["r"])]
#[tokio::test]
async fn no_more_scopes_are_asked_for_than_named(
    #[case] challenge: Option<&str>,
    #[case] of_resource: Value,
    #[case] of_server: Value,
    #[case] expected: &[&str],
) {
    let server = MockServer::start().await;
    put(
        &server,
        RESOURCE,
        with(resource(&server, ""), "scopes_supported", of_resource),
    )
    .await;
    put(
        &server,
        SERVER,
        with(metadata(&server.uri()), "scopes_supported", of_server),
    )
    .await;
    assert_eq!(
        fine(find(&mcp(&server, "/mcp"), challenge).await).scopes,
        expected
    );
}

#[tokio::test]
async fn what_the_server_offers_is_taken_over() {
    let server = MockServer::start().await;
    let base = server.uri();
    put(&server, RESOURCE, resource(&server, "")).await;
    let mut document = metadata(&base);
    document["registration_endpoint"] = json!(format!("{base}/r"));
    document["revocation_endpoint"] = json!(format!("{base}/v"));
    document["authorization_response_iss_parameter_supported"] = json!(true);
    document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    put(&server, SERVER, document).await;
    let found = fine(find(&mcp(&server, "/mcp"), None).await);
    assert_eq!(
        found.registration_endpoint.map(String::from),
        Some(format!("{base}/r"))
    );
    assert_eq!(
        found.revocation_endpoint.map(String::from),
        Some(format!("{base}/v"))
    );
    assert!(found.iss_in_response);
    assert_eq!(found.auth_methods, ["client_secret_post"]);
}

#[rstest]
#[case("https://acme.eu.auth0.com", Some("https://acme.eu.auth0.com/"))]
#[case("https://acme.eu.auth0.com/", Some("https://acme.eu.auth0.com"))]
#[case("https://acme.example/tenant", None)]
#[case("https://acme.example/tenant/", None)]
#[case("https://acme.example//", None)]
#[case("https://acme.example/?a", None)]
#[case("acme", None)]
fn an_origin_alone_is_written_in_two_ways(#[case] issuer: &str, #[case] other: Option<&str>) {
    assert_eq!(other_spelling(issuer).as_deref(), other);
}
