//! Add integration: wrong, asked, right; and what happens to it later.

use crate::kit::{Screen, api::Api};
use anyhow::Result;
use chief_tests::peers::Peer;
use thirtyfour::By;

/// Opens Add integration on a form.
async fn form(screen: &Screen, kind: &str) -> Result<()> {
    screen.click("[data-testid=add-integration]").await?;
    screen.click(kind).await?;
    screen.see("#url").await.map(drop)
}

/// Connects the API with a key that it accepts.
async fn connect(screen: &Screen, api: &Api, name: &str, key: &str) -> Result<()> {
    form(screen, "#choose-api").await?;
    screen.fill("url", &api.url).await?;
    screen.fill("name", name).await?;
    screen.fill("secret", key).await?;
    screen.fill("health-path", "/health").await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads("[data-testid=sheet]", &format!("{name} is connected."))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_costs_nothing_that_was_typed_and_the_right_one_connects() -> Result<()> {
    let api = Api::start("right-key").await?;
    let screen = Screen::open().await?;
    form(&screen, "#choose-api").await?;

    // The browser itself asks for what is missing.
    screen.press("Connect").await?;
    assert_eq!(
        screen.count("input:invalid").await?,
        3,
        "URL, name and token are required"
    );
    assert_eq!(
        screen.count("[data-testid=attempt]").await?,
        0,
        "nothing was sent"
    );

    screen.fill("url", &api.url).await?;
    screen.fill("name", "Orders").await?;
    screen.fill("secret", "wrong-key").await?;
    screen.fill("health-path", "/health").await?;
    screen.press("Connect").await?;
    screen
        .reads(
            "[data-testid=attempt]",
            "inside a private network. Is that meant?",
        )
        .await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads(
            "#secret-error",
            "does not accept this credential (HTTP 401)",
        )
        .await?;
    for (field, kept) in [
        ("url", api.url.as_str()),
        ("name", "Orders"),
        ("secret", "wrong-key"),
    ] {
        assert_eq!(screen.value(field).await?, kept, "{field} is kept");
    }

    screen.fill("secret", "right-key").await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads("[data-testid=sheet]", "Orders is connected.")
        .await?;
    screen.press("Open").await?;
    screen.gone("[data-testid=sheet]").await?;
    screen.reads("#title", "Orders").await?;
    screen.see("[data-testid=tool][data-name=call]").await?;
    let html = screen.page.source().await?;
    assert!(
        !html.contains("right-key"),
        "the key is not in the page once it is in"
    );
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn saying_no_goes_back_and_leaves_nothing() -> Result<()> {
    let api = Api::start("right-key").await?;
    let screen = Screen::open().await?;
    form(&screen, "#choose-api").await?;
    screen.fill("url", &api.url).await?;
    screen.fill("name", "Orders").await?;
    screen.fill("secret", "right-key").await?;
    screen.press("Connect").await?;
    screen.press("No, go back").await?;
    assert_eq!(
        screen.value("name").await?,
        "Orders",
        "back at the form with what was typed"
    );
    screen.press("Close").await?;
    screen.gone("[data-testid=sheet]").await?;
    screen
        .reads("#title", "Connect your first integration")
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_called_is_refused_at_its_field() -> Result<()> {
    let screen = Screen::open().await?;
    form(&screen, "#choose-mcp").await?;
    for (url, said) in [
        (
            "ftp://example.com/mcp",
            "is not an address this app can call",
        ),
        (
            "http://user:secret@127.0.0.1/mcp",
            "holds a user name or password",
        ),
        (
            "http://169.254.169.254/mcp",
            "an address that no integration may use",
        ),
    ] {
        screen.fill("url", url).await?;
        screen.press("Connect").await?;
        screen.reads("#url-error", said).await?;
    }
    assert_eq!(
        screen.focused().await?,
        "",
        "the focus is in the field, not on a button"
    );
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_api_again_offers_the_card_there_is() -> Result<()> {
    let api = Api::start("right-key").await?;
    let screen = Screen::open().await?;
    connect(&screen, &api, "Orders", "right-key").await?;
    screen.press("Close").await?;
    form(&screen, "#choose-api").await?;
    screen.fill("url", &api.url).await?;
    screen.fill("name", "Orders again").await?;
    screen.fill("secret", "right-key").await?;
    screen.fill("health-path", "/health").await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads(
            "[data-testid=attempt]",
            "Orders is connected to this address already.",
        )
        .await?;
    screen.press("Open it").await?;
    screen.gone("[data-testid=sheet]").await?;
    screen.reads("#title", "Orders").await?;
    screen.go("#/").await?;
    screen.see("[data-testid=card]").await?;
    assert_eq!(
        screen.count("[data-testid=card]").await?,
        1,
        "no second card"
    );
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_died_is_told_with_its_cause_and_mended_in_place() -> Result<()> {
    let api = Api::start("old-key").await?;
    let screen = Screen::open().await?;
    connect(&screen, &api, "Orders", "old-key").await?;
    screen.press("Close").await?;
    let card = screen.see("[data-testid=card]").await?;
    let id = card.attr("data-id").await?;

    api.rotate("new-key");
    screen.press("Test: Orders").await?;
    screen
        .reads(
            "[data-testid=toast][data-tone=bad]",
            "does not accept this credential",
        )
        .await?;
    screen
        .see("[data-testid=card][data-status=failing]")
        .await?;
    screen
        .reads(
            "[data-testid=need]",
            "Orders no longer accepts this credential",
        )
        .await?;
    screen.press("Dismiss").await?;

    screen.click("[data-testid=need] button").await?;
    screen.fill("fresh-key", "wrong-again").await?;
    screen.press("Reconnect").await?;
    screen
        .reads(
            "#fresh-key-error",
            "does not accept this credential (HTTP 401)",
        )
        .await?;
    screen.fill("fresh-key", "new-key").await?;
    screen.press("Reconnect").await?;
    screen
        .reads("[data-testid=sheet]", "Orders is connected.")
        .await?;
    screen.press("Close").await?;
    let card = screen
        .see("[data-testid=card][data-status=healthy]")
        .await?;
    assert_eq!(card.attr("data-id").await?, id, "the same card");
    screen.gone("[data-testid=need]").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_waits_for_the_browser_and_cancel_leaves_nothing() -> Result<()> {
    let authority = Peer::start("oidc", &[]).await?;
    let server = Peer::start("mcp-protected", &[("ISSUER", &authority.url)]).await?;
    let screen = Screen::open().await?;
    form(&screen, "#choose-mcp").await?;
    screen.fill("url", &server.url).await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    // The server, and then its authorization server: each address is asked for once.
    screen
        .until("it waits for the browser", async || {
            let text = screen
                .text("[data-testid=attempt]")
                .await
                .unwrap_or_default();
            // The question may be answered and gone while this looks at it.
            let yes = By::XPath("//dialog[@open]//button[contains(., 'Yes, connect to it')]");
            if let Ok(yes) = screen.page.find(yes).await {
                let _ = yes.click().await;
            }
            Ok(text.contains("Waiting for your browser"))
        })
        .await?;
    screen
        .reads("[data-testid=attempt]", "This ends by itself in")
        .await?;
    screen.press("Open again").await?;
    screen
        .reads("[data-testid=attempt]", "asked to open the page again")
        .await?;
    screen.press("Copy the link").await?;
    screen
        .until("the link stands there", async || {
            let link = screen.page.find(By::Css(".link-out")).await;
            let Ok(link) = link else { return Ok(false) };
            let link = link.value().await?.unwrap_or_default();
            Ok(link.starts_with("http://127.0.0.1:") || link.starts_with("http://localhost:"))
        })
        .await?;
    screen.press("Cancel").await?;
    assert_eq!(screen.value("url").await?, server.url, "back at the form");
    screen.press("Close").await?;
    screen
        .reads("#title", "Connect your first integration")
        .await?;
    screen.close().await
}
