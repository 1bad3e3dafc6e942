//! What looks like what.

use super::*;
use crate::parts::fixtures::provider;

#[test]
fn an_address_is_told_from_a_search() {
    for text in [
        "https://mcp.example.com/mcp",
        "http://127.0.0.1:3000/mcp",
        "HTTPS://Example.com",
        "http://localhost:8080",
    ] {
        assert_eq!(address(text).as_deref(), Some(text));
    }
    assert_eq!(
        address(" api.example.com/v1 ").as_deref(),
        Some("https://api.example.com/v1")
    );
    for text in [
        "",
        "stripe",
        "read mail",
        "v1.2",
        "e.g.",
        "ftp://example.com",
        "https://",
        "a@b.com",
        "javascript:alert(1)",
        ".com",
        "1.5",
    ] {
        assert_eq!(address(text), None, "{text}");
    }
}

#[test]
fn an_address_looks_like_what_its_host_and_path_say() {
    for (text, what) in [
        ("https://mcp.example.com/", Looks::Mcp),
        ("https://example.com/mcp", Looks::Mcp),
        ("https://example.com/v1/mcp/", Looks::Mcp),
        ("https://example.com/sse?x=1", Looks::Mcp),
        ("https://example.com/openapi.json", Looks::OpenApi),
        ("https://example.com/v3/api-docs", Looks::OpenApi),
        ("https://mcp.example.com/openapi.yaml#x", Looks::OpenApi),
        ("https://example.com/spec.YML?v=2", Looks::OpenApi),
        ("https://api.example.com/v1", Looks::Api),
        ("https://mcpherson.example.com", Looks::Api),
        ("https://example.json", Looks::Api),
    ] {
        assert_eq!(looks(text), what, "{text}");
    }
}

#[test]
fn the_address_of_a_providers_own_server_is_known() {
    let stripe = provider("Stripe");
    let at = |text: &str| provider_at(text, std::iter::once(&stripe)).is_some();
    assert!(at("https://mcp.stripe.com"));
    assert!(at("https://MCP.stripe.com/"));
    assert!(!at("https://stripe.com"));
    assert!(!at("https://mcp.stripe.com.example.net/"));
}

#[test]
fn a_provider_is_found_by_its_name_first_and_by_what_it_does() {
    let stripe = provider("Stripe");
    let fit = |typed: &str| fit(&stripe, typed);
    assert_eq!(fit(""), Some(0));
    assert_eq!(fit("str"), Some(0));
    assert_eq!(fit("refund"), Some(2), "one of its search words");
    assert_eq!(fit("invoices"), Some(2), "what it does");
    assert_eq!(fit("pay"), Some(2), "the beginning of a word");
    assert_eq!(fit("stripe invoices"), Some(2));
    assert_eq!(fit("ripe"), Some(3));
    assert_eq!(fit("calendar"), None);
    assert_eq!(fit("stripe calendar"), None, "each word must be found");
}
