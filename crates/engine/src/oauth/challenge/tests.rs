use super::*;
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case("", None, &[])]
#[case("Bearer", None, &[])]
#[case("Basic realm=\"x\"", None, &[])]
#[case(r#"Bearer resource_metadata="https://a.example/.well-known/oauth-protected-resource", scope="read write""#,
    Some("https://a.example/.well-known/oauth-protected-resource"), &["read", "write"])]
#[case(r#"bearer realm="a, b=\"c\"", RESOURCE_METADATA = "https://a.example/x""#, Some("https://a.example/x"), &[])]
#[case(r#"Basic realm="resource_metadata=\"https://evil.example\"", Bearer scope=read"#, None, &["read"])]
#[case(r#"Negotiate dG9rZW4=, Bearer resource_metadata=https://a.example/x?y=1,scope="a""#,
    Some("https://a.example/x?y=1"), &["a"])]
#[case(r#"DPoP algs="ES256", Bearer error="insufficient_scope" scope="files:read""#, None, &["files:read"])]
#[case(r#"Bearer scope="a a  b a""#, None, &["a", "b"])]
#[case(r#"Bearer resource_metadata="https://first.example", resource_metadata="https://second.example""#,
    Some("https://first.example"), &[])]
#[case(r#"Bearer resource_metadata="https://never.ends"#, Some("https://never.ends"), &[])]
#[case(r#"Basic resource_metadata="https://other.scheme""#, None, &[])]
#[case(",,,= = =Bearer=,\"\"", None, &[])]
fn a_challenge_is_read(
    #[case] header: &str,
    #[case] metadata: Option<&str>,
    #[case] scopes: &[&str],
) {
    let found = Challenge::parse(header);
    assert_eq!(found.resource_metadata.as_deref(), metadata);
    assert_eq!(found.scopes, scopes);
}

#[test]
fn the_reason_of_a_refusal_is_read() {
    let found = Challenge::parse(r#"Bearer error="insufficient_scope", scope="a b""#);
    assert_eq!(found.error.as_deref(), Some("insufficient_scope"));
}

proptest! {
    #[test]
    fn nothing_in_a_header_breaks_the_reader(header in any::<String>()) {
        let _ = Challenge::parse(&header);
    }

    #[test]
    fn what_is_quoted_comes_out_as_it_went_in(value in "[ -~]{0,60}", scheme in "Bearer|bearer|DPoP") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let found = Challenge::parse(&format!("Basic realm=\"a\", {scheme} x=y, resource_metadata=\"{quoted}\""));
        prop_assert_eq!(found.resource_metadata, Some(value));
    }
}
