//! The gallery, a provider’s sheet, and its tile.

use super::*;

fn shown_gallery(typed: &str) -> String {
    let catalogue = wire::CatalogueView {
        providers: vec![fixtures::provider("Stripe")],
        refused: vec![fixtures::refused()],
        folder: Some("/home/ada/.config/chief/providers".into()),
    };
    rendered(gallery::gallery(&catalogue, typed, &Callback::noop()))
}

#[test]
fn the_gallery() {
    insta::assert_snapshot!(shown_gallery(""));
}

#[test]
fn the_gallery_says_what_a_pasted_address_looks_like() {
    for (typed, says) in [
        ("https://example.com/mcp", "looks like an MCP server"),
        ("api.example.com/v1", "looks like an HTTP API"),
        (
            "https://example.com/openapi.json",
            "looks like an OpenAPI document",
        ),
        ("https://mcp.stripe.com", "That is Stripe’s own MCP server."),
    ] {
        let html = shown_gallery(typed);
        assert!(html.contains(says), "{typed}: {html}");
        assert!(
            !html.contains("data-testid=\"provider\""),
            "{typed}: tiles would distract"
        );
        assert!(html.contains("choose-api"), "one’s own ways stay: {typed}");
    }
}

#[test]
fn a_search_without_a_result_says_how_to_go_on() {
    let html = shown_gallery("calendar");
    assert!(html.contains("No service matches “calendar”"), "{html}");
    assert!(html.contains("choose-mcp"), "{html}");
}

#[test]
fn enter_chooses_the_first_that_is_shown() {
    use crate::guess::Looks;
    use gallery::{Choice, first_choice};
    let catalogue = wire::CatalogueView {
        providers: vec![fixtures::provider("Stripe")],
        refused: vec![],
        folder: None,
    };
    let first = |typed: &str| first_choice(&catalogue, typed);
    let stripe = Some(Choice::Provider("stripe".into()));
    assert_eq!(first(""), None, "nothing was asked for");
    assert_eq!(first("str"), stripe);
    assert_eq!(first("mcp.stripe.com"), stripe);
    assert_eq!(first("nobody"), None);
    let own = Choice::Own(Looks::Api, "https://api.example.com".into());
    assert_eq!(first("api.example.com"), Some(own));
}

fn shown_provider(way: usize) -> String {
    let provider = fixtures::provider("Stripe");
    let mut chosen = provider::Chosen::at_first(&provider);
    chosen.way = way;
    rendered(provider::provider_face(
        &provider,
        &chosen,
        None,
        &Callback::noop(),
    ))
}

#[test]
fn a_provider_begins_with_a_way_that_works_and_the_least() {
    let mut stripe = fixtures::provider("Stripe");
    stripe.ways.reverse();
    let chosen = provider::Chosen::at_first(&stripe);
    assert_eq!(chosen.way, 1, "the first way needs what is not there");
    assert_eq!(chosen.bundles, ["read"]);
}

#[test]
fn a_provider_by_its_server() {
    insta::assert_snapshot!(shown_provider(0));
}

#[test]
fn a_provider_by_key() {
    let html = shown_provider(1);
    assert!(html.contains("Make a restricted key."), "{html}");
    assert!(html.contains("type=\"password\""), "{html}");
    assert!(
        !html.contains("name=\"bundle\""),
        "a key’s scopes are its own: {html}"
    );
}

#[test]
fn a_provider_without_app_credentials_says_what_is_missing() {
    let html = shown_provider(2);
    assert!(html.contains("app credentials are missing"), "{html}");
    assert!(html.contains("Copy its client ID here."), "{html}");
    assert!(html.contains("Refund charges"), "{html}");
    assert_eq!(
        html.matches("<input checked").count(),
        2,
        "the way and the least: {html}"
    );
}

#[test]
fn a_brand_is_drawn_on_its_colour_and_a_letter_where_there_is_no_picture() {
    let mut card = card("Stripe");
    card.icon = fixtures::provider("Stripe").icon;
    assert!(shown(card.clone()).contains("fill=\"#635bff\""));
    let brand = card.icon.brand.as_mut().expect("it has one");
    brand.picture = Some("nobody".into());
    let html = shown(card.clone());
    assert!(
        html.contains("<span>\nS</span>") || html.contains("<span>S</span>"),
        "{html}"
    );
    card.icon.brand.as_mut().expect("it has one").ground = "red\"><script>".into();
    assert!(!shown(card).contains("script"), "only a colour is a colour");
}
