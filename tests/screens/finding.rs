//! Finding a card among others, and changing it.

use crate::kit::{Screen, api::Api};
use anyhow::Result;
use thirtyfour::Key;

/// The sample and one API.
async fn two_cards(api: &Api) -> Result<Screen> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    screen.click("[data-testid=add-integration]").await?;
    screen.click("#choose-api").await?;
    screen.fill("url", &api.url).await?;
    screen.fill("name", "Internal Orders").await?;
    screen.fill("secret", "key").await?;
    screen.fill("health-path", "/health").await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen.reads("[data-testid=sheet]", "is connected.").await?;
    screen.press("Close").await?;
    screen.gone("[data-testid=sheet]").await?;
    Ok(screen)
}

async fn cards(screen: &Screen, expected: usize) -> Result<()> {
    screen
        .until(&format!("{expected} cards are shown"), async || {
            Ok(screen.count("[data-testid=card]").await? == expected)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn chips_and_words_narrow_the_cards_down() -> Result<()> {
    let api = Api::start("key").await?;
    let screen = two_cards(&api).await?;
    cards(&screen, 2).await?;
    screen.press("Custom APIs").await?;
    cards(&screen, 1).await?;
    screen
        .reads("[data-testid=card]", "Internal Orders")
        .await?;
    screen.press("Needs you").await?;
    cards(&screen, 0).await?;
    screen.reads(".empty", "Nothing needs you").await?;
    screen.press("All").await?;
    cards(&screen, 2).await?;

    screen.keys("/").await?;
    screen.keys("orders").await?;
    cards(&screen, 1).await?;
    screen.keys(" nonsense").await?;
    cards(&screen, 0).await?;
    screen
        .reads(".empty", "Nothing matches “orders nonsense”")
        .await?;
    // Another page and back: the filter is still there, and seen.
    screen
        .page
        .execute("location.hash = '#/activity'", vec![])
        .await?;
    screen.reads("#title", "Activity").await?;
    screen.page.execute("location.hash = '#/'", vec![]).await?;
    screen.reads(".empty", "Nothing matches").await?;
    screen.click("#search").await?;
    screen.keys(Key::Escape + "").await?;
    cards(&screen, 2).await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_can_be_renamed_and_switched_off_and_on() -> Result<()> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    screen.press("More for Sample").await?;
    screen.press("Rename").await?;
    screen.fill("new-name", "Playground").await?;
    screen.press("Save").await?;
    screen.gone("[data-testid=sheet]").await?;
    screen
        .reads("[data-testid=card] .name", "Playground")
        .await?;

    screen.press("More for Playground").await?;
    screen.press("Switch off").await?;
    screen.see("[data-testid=card][data-enabled=false]").await?;
    screen
        .reads("[data-testid=card] [data-testid=status]", "Switched off")
        .await?;
    screen.press("Switch on: Playground").await?;
    screen.see("[data-testid=card][data-enabled=true]").await?;
    screen
        .reads("[data-testid=card] [data-testid=status]", "Healthy")
        .await?;

    // The same on its own page.
    screen.press("More for Playground").await?;
    screen.press("Open").await?;
    screen.reads("#title", "Playground").await?;
    screen
        .page
        .execute(
            "document.querySelector('.tabs a:last-child').click()",
            vec![],
        )
        .await?;
    screen.see("#new-name").await?;
    screen.fill("new-name", "Sandbox").await?;
    screen.press("Save").await?;
    screen.reads("#title", "Sandbox").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admins_name_stands_on_what_is_connected_next() -> Result<()> {
    let screen = Screen::open().await?;
    screen.go("#/settings").await?;
    screen.fill("person", "Grace Hopper").await?;
    screen.press("Save").await?;
    screen.reads("[data-testid=toast]", "Saved.").await?;
    screen.go("#/").await?;
    screen.connect_sample().await?;
    screen.reads("[data-testid=card]", "Grace Hopper").await?;
    screen.close().await
}
