use super::super::tests::{REDIRECT, discovered, fine, pairs, public_client, refused};
use super::*;
use base64::Engine as _;
use rstest::rstest;
use sha2::Digest as _;

const ISSUER: &str = "https://as.example/tenant";

/// RFC 7636 section 4.2.
pub(in crate::oauth) fn s256(verifier: &str) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier))
}

fn begin(iss_in_response: bool) -> Flow {
    let found = Discovered {
        iss_in_response,
        ..discovered(ISSUER)
    };
    fine(authorize(
        &found,
        &public_client(),
        REDIRECT,
        &["read".into(), "write".into()],
    ))
}

fn asked(flow: &Flow) -> std::collections::HashMap<String, String> {
    pairs(
        flow.authorization_url
            .query()
            .unwrap_or_default()
            .as_bytes(),
    )
}

#[test]
fn the_address_for_the_browser_holds_what_the_server_needs_and_no_more() {
    let flow = begin(true);
    let asked = asked(&flow);
    let mut names: Vec<&str> = asked.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "client_id",
            "code_challenge",
            "code_challenge_method",
            "redirect_uri",
            "resource",
            "response_type",
            "scope",
            "state"
        ]
    );
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["code_challenge"], s256(flow.verifier.reveal()));
    assert_eq!(asked["redirect_uri"], REDIRECT);
    assert_eq!(asked["resource"], "https://mcp.example/mcp");
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["scope"], "read write");
    assert_eq!(asked["state"], flow.state().reveal());
    assert!(
        !flow
            .authorization_url
            .as_str()
            .contains(flow.verifier.reveal()),
        "the verifier stays here"
    );
}

#[test]
fn state_and_verifier_are_long_and_fresh_each_time() {
    let (one, other) = (begin(true), begin(true));
    for flow in [&one, &other] {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(flow.state().reveal());
        assert_eq!(bytes.map(|bytes| bytes.len()), Ok(32), "256 bits");
        assert!(flow.verifier.reveal().len() >= 43, "RFC 7636 section 4.1");
    }
    assert!(one.state() != other.state() && one.verifier != other.verifier);
}

#[test]
fn without_scopes_none_is_sent_and_without_a_resource_neither() {
    let found = Discovered {
        resource: None,
        ..discovered(ISSUER)
    };
    let flow = fine(authorize(&found, &public_client(), REDIRECT, &[]));
    let asked = asked(&flow);
    assert!(!asked.contains_key("scope") && !asked.contains_key("resource"));
}

#[test]
fn offline_access_asks_for_consent() {
    let flow = fine(authorize(
        &discovered(ISSUER),
        &public_client(),
        REDIRECT,
        &["offline_access".into()],
    ));
    assert_eq!(asked(&flow)["prompt"], "consent");
}

#[test]
fn an_authorization_endpoint_keeps_its_own_query() {
    let mut found = discovered(ISSUER);
    let endpoint = found.authorization_endpoint.as_mut();
    endpoint.expect("it has one").set_query(Some("tenant=7"));
    let flow = fine(authorize(&found, &public_client(), REDIRECT, &[]));
    assert_eq!(asked(&flow)["tenant"], "7");
}

#[rstest]
#[case("http://[::1]:8123/callback", true)]
#[case("http://127.0.0.1:8123/callback", true)]
#[case("https://127.0.0.1:8123/callback", false)]
#[case("http://localhost:8123/callback", false)]
#[case("http://192.168.0.1/callback", false)]
#[case("https://evil.example/callback", false)]
#[case("app.chief.integrations:/oauth/callback", false)]
#[case("not a url", false)]
fn only_loopback_is_a_way_back(#[case] redirect: &str, #[case] is_one: bool) {
    let begun = authorize(&discovered(ISSUER), &public_client(), redirect, &[]);
    assert_eq!(
        begun.err().map(|error| error.code),
        (!is_one).then_some(ErrorCode::Internal)
    );
}

fn answer(flow: &Flow, rest: &str) -> Callback {
    let state = flow.state().reveal();
    Callback::parse(&format!("state={state}&{rest}")).expect("tests hold answers")
}

// RFC 9207 section 2.4, and the table of MCP's "Authorization Response Validation".
#[rstest]
#[case::promised_and_right(true, "&iss=https://as.example/tenant", true)]
#[case::promised_and_absent(true, "", false)]
#[case::promised_and_wrong(true, "&iss=https://evil.example", false)]
#[case::not_promised_and_absent(false, "", true)]
#[case::not_promised_and_right(false, "&iss=https://as.example/tenant", true)]
#[case::not_promised_and_wrong(false, "&iss=https://evil.example", false)]
#[case::empty(false, "&iss=", false)]
#[case::slash(true, "&iss=https://as.example/tenant/", false)]
#[case::case(true, "&iss=https://AS.example/tenant", false)]
#[case::port(true, "&iss=https://as.example:443/tenant", false)]
fn the_issuer_of_an_answer_is_compared_letter_for_letter(
    #[case] promised: bool,
    #[case] iss: &str,
    #[case] passes: bool,
) {
    let flow = begin(promised);
    let with_code = flow.check(&answer(&flow, &format!("code=c{iss}")));
    assert_eq!(
        with_code.err().map(|error| error.code),
        (!passes).then_some(ErrorCode::OauthWrongIssuer)
    );
    // The same for an error: its text is nobody's until the issuer is right.
    let error = refused(flow.check(&answer(
        &flow,
        &format!("error=access_denied&error_description=pay+here{iss}"),
    )));
    let expected = if passes {
        ErrorCode::OauthDenied
    } else {
        ErrorCode::OauthWrongIssuer
    };
    assert_eq!(error.code, expected);
    assert_eq!(error.to_string().contains("pay here"), passes, "{error}");
}

#[test]
fn an_answer_to_another_sign_in_is_refused_whatever_else_it_says() {
    let (one, other) = (begin(true), begin(true));
    for rest in [
        "code=c&iss=https://as.example/tenant",
        "error=access_denied&iss=https://evil.example",
    ] {
        assert_eq!(
            refused(one.check(&answer(&other, rest))).code,
            ErrorCode::OauthWrongState
        );
    }
}

#[rstest]
#[case("error=access_denied", "access was denied")]
#[case(
    "error=access_denied&error_description=You+said%0D%0Ano",
    "access_denied: You said no"
)]
#[case("error=server_error", "server_error")]
#[case("", "the answer held no code")]
#[case("code=", "the answer held no code")]
fn a_no_is_told(#[case] rest: &str, #[case] why: &str) {
    let flow = begin(false);
    let error = refused(flow.check(&answer(&flow, rest)));
    assert_eq!(
        (error.code, error.args["why"].as_str()),
        (ErrorCode::OauthDenied, why)
    );
}

#[test]
fn a_no_never_repeats_our_secrets() {
    let flow = begin(false);
    let (state, verifier) = (flow.state().reveal(), flow.verifier.reveal());
    let rest = format!("error=e_{verifier}&error_description={state}");
    let text = refused(flow.check(&answer(&flow, &rest))).to_string();
    assert!(!text.contains(state) && !text.contains(verifier), "{text}");
}
