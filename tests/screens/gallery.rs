//! Add integration's gallery: found by name, by what it does, or by a pasted address; a provider's own
//! sheet; manifests that were added, and those that were refused.

use crate::kit::Screen;
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use thirtyfour::{By, Key};

async fn open(screen: &Screen) -> Result<()> {
    screen.click("[data-testid=add-integration]").await?;
    screen.see("[data-testid=providers]").await.map(drop)
}

/// The ids of the tiles that are shown.
async fn tiles(screen: &Screen) -> Result<Vec<String>> {
    let found = screen
        .page
        .find_all(By::Css("[data-testid=provider]"))
        .await?;
    let mut ids = vec![];
    for tile in found {
        ids.push(tile.attr("data-id").await?.context("a tile has its id")?);
    }
    Ok(ids)
}

async fn search(screen: &Screen, typed: &str, expected: &[&str]) -> Result<()> {
    screen.fill("gallery-search", typed).await?;
    screen
        .until(&format!("“{typed}” shows {expected:?}"), async || {
            Ok(tiles(screen).await.unwrap_or_default() == expected)
        })
        .await
}

/// A manifest of one MCP server on this computer.
fn manifest(id: &str, url: &str) -> String {
    format!(
        r##"schema = 1
id = "{id}"
name = "Acme"
summary = "Anvils, by post"
category = "sales"
colour = "#0a7f5a"
verified = false

[sources]
A = {{ what = "https://acme.example.com/docs", day = 2026-11-22 }}

[[ways]]
[ways.mcp]
url = "{url}"
client = "dynamic"
source = ["A"]
"##
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_are_found_by_name_and_by_what_they_do() -> Result<()> {
    let screen = Screen::open().await?;
    open(&screen).await?;
    assert_eq!(tiles(&screen).await?.len(), 12);
    assert_eq!(
        screen.focused().await?,
        "Search services, or paste a URL",
        "typing searches at once"
    );
    search(&screen, "zzz", &[]).await?;
    screen
        .reads("[data-testid=sheet]", "No service matches “zzz”")
        .await?;
    search(&screen, "stripe", &["stripe"]).await?;
    search(&screen, "refunds", &["stripe"]).await?;
    search(&screen, "calendar", &["google", "microsoft-365"]).await?;
    search(&screen, "git", &["github", "gitlab"]).await?;

    // Enter opens the first, Back comes back to the search.
    screen.keys(Key::Enter + "").await?;
    screen.reads("#sheet-title", "GitHub").await?;
    screen.press("Back").await?;
    assert_eq!(screen.value("gallery-search").await?, "git");
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_address_opens_the_form_that_it_looks_like() -> Result<()> {
    let screen = Screen::open().await?;
    open(&screen).await?;
    screen
        .fill("gallery-search", "https://tools.example.com/mcp")
        .await?;
    screen
        .reads("[data-testid=guess]", "That looks like an MCP server.")
        .await?;
    screen.keys(Key::Enter + "").await?;
    screen.reads("#sheet-title", "MCP server").await?;
    assert_eq!(screen.value("url").await?, "https://tools.example.com/mcp");

    screen.press("Back").await?;
    screen.fill("gallery-search", "api.example.com/v1").await?;
    screen
        .reads("[data-testid=guess]", "That looks like an HTTP API.")
        .await?;
    screen.press("Connect as a custom API").await?;
    screen.reads("#sheet-title", "Custom API").await?;
    assert_eq!(screen.value("url").await?, "https://api.example.com/v1");

    screen.press("Back").await?;
    screen
        .fill("gallery-search", "https://mcp.notion.com/mcp")
        .await?;
    screen
        .reads("[data-testid=guess]", "That is Notion’s own MCP server.")
        .await?;
    screen.press("Connect Notion").await?;
    screen.reads("#sheet-title", "Notion").await?;
    screen
        .reads(
            "[data-testid=provider-sheet]",
            "Not verified against the live service",
        )
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_app_credentials_says_what_is_missing_and_has_no_dead_button()
-> Result<()> {
    let screen = Screen::open().await?;
    open(&screen).await?;
    screen.click("[data-id=google]").await?;
    screen
        .reads("[data-testid=missing]", "app credentials are missing")
        .await?;
    screen
        .reads("[data-testid=missing]", "“Desktop app”")
        .await?;
    assert_eq!(screen.count("#connect-provider").await?, 0);
    assert_eq!(screen.count("[name=bundle]:checked").await?, 1, "the least");
    screen.click("#bundle-read-mail").await?;
    assert_eq!(screen.count("[name=bundle]:checked").await?, 2);

    // GitHub can be connected by a key meanwhile: that way is the one chosen.
    screen.press("Back").await?;
    screen.click("[data-id=github]").await?;
    screen.see("#secret").await?;
    assert_eq!(screen.count("[data-testid=missing]").await?, 0);
    screen.click("#way-0").await?;
    screen.see("[data-testid=missing]").await?;
    screen.gone("#connect-provider").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn from_missing_app_credentials_one_press_leads_to_their_form_and_back_to_connect()
-> Result<()> {
    let screen = Screen::open().await?;
    open(&screen).await?;
    screen
        .click("[data-testid=provider][data-id=gitlab]")
        .await?;
    screen.click("#way-1").await?;
    screen.press("Enter app credentials").await?;
    screen.gone("dialog[open]").await?;
    screen.see("#app-client-id").await?;
    screen
        .until("the form to have the focus", async || {
            let focused = screen.page.active_element().await?;
            Ok(focused.id().await?.as_deref() == Some("app-client-id"))
        })
        .await?;
    screen.fill("app-client-id", "company-app").await?;
    screen.press("Save").await?;
    screen.reads("#app-credentials", "app company-app").await?;
    // It is not opened again by itself.
    screen.go("#/").await?;
    screen.go("#/settings").await?;
    screen.see("[data-testid=app]").await?;
    assert_eq!(screen.count("#app-client-id").await?, 0);
    screen.go("#/").await?;
    open(&screen).await?;
    screen
        .click("[data-testid=provider][data-id=gitlab]")
        .await?;
    screen.click("#way-1").await?;
    screen.see("#connect-provider").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_from_a_file_connects_in_one_click_and_its_card_has_its_look() -> Result<()> {
    let server = Peer::start("mcp-modern", &[]).await?;
    let screen = Screen::open().await?;
    screen.add_manifest("acme.toml", &manifest("acme", &server.url))?;
    open(&screen).await?;
    search(&screen, "anvils", &["acme"]).await?;
    screen.click("[data-id=acme]").await?;
    screen
        .reads("[data-testid=provider-sheet]", "One click")
        .await?;
    screen
        .reads(
            "[data-testid=provider-sheet]",
            "From your configuration folder",
        )
        .await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads("[data-testid=sheet]", "Acme is connected.")
        .await?;
    screen.press("Close").await?;
    let card = screen
        .see("[data-testid=card][data-status=healthy]")
        .await?;
    assert_eq!(card.attr("aria-label").await?.as_deref(), Some("Acme"));
    let ground = card.find(By::Css(".tile rect")).await?;
    assert_eq!(ground.attr("fill").await?.as_deref(), Some("#0a7f5a"));
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_manifest_is_told_with_its_line_and_the_rest_are_there() -> Result<()> {
    let screen = Screen::open().await?;
    screen.add_manifest("lan.toml", &manifest("lan", "https://192.168.1.4/mcp"))?;
    screen.add_manifest(
        "mine.toml",
        &manifest("stripe", "https://mcp.example.com/mcp"),
    )?;
    open(&screen).await?;
    assert_eq!(tiles(&screen).await?.len(), 12);
    screen.click("[data-testid=refused] summary").await?;
    screen
        .reads(
            "[data-testid=refused]",
            "lan.toml, line 14: the host 192.168.1.4 is not a public one",
        )
        .await?;
    screen
        .reads(
            "[data-testid=refused]",
            "mine.toml, line 2: the id stripe is taken by a provider that is built in",
        )
        .await?;
    screen.close().await
}
