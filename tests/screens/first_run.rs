//! The newcomer's first minute, and the way out.

use crate::kit::Screen;
use anyhow::Result;

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_sees_a_card_its_tools_a_test_and_activity_and_can_undo_it_all() -> Result<()> {
    let screen = Screen::open().await?;
    screen
        .reads("#title", "Connect your first integration")
        .await?;
    screen.see("[data-testid=add-integration]").await?;
    screen.connect_sample().await?;
    screen
        .reads("[data-testid=toast]", "The sample is connected: 6 tools.")
        .await?;
    screen.reads("[data-testid=card]", "Sample").await?;
    screen
        .reads("[data-testid=card] [data-testid=status]", "Healthy")
        .await?;
    screen.reads("[data-testid=card]", "never").await?;
    screen.reads(".sub", "1 connected · 1 healthy").await?;
    screen.reads("nav .foot", "All checked").await?;

    // Its page, through the card's own menu.
    screen.press("More for Sample").await?;
    screen.see("[role=menu]").await?;
    screen.press("Open").await?;
    screen.reads("#title", "Sample").await?;
    screen
        .until("six tools are listed", async || {
            Ok(screen.count("[data-testid=tool]").await? == 6)
        })
        .await?;
    screen.click("[data-testid=tool] summary").await?;
    screen
        .reads("[data-testid=tool] pre", "\"type\": \"object\"")
        .await?;

    screen.press("Test: Sample").await?;
    screen
        .see("[data-testid=test-report][data-ok=true]")
        .await?;
    screen.reads("[data-testid=test-report]", "ms").await?;

    screen.go("#/activity").await?;
    screen
        .see("[data-testid=activity-row][data-outcome=ok]")
        .await?;
    let rows = screen.count("[data-testid=activity-row]").await?;
    screen.click("input[role=switch]").await?;
    screen
        .until("pings stand among the rows", async || {
            Ok(screen.count("[data-testid=activity-row]").await? > rows)
        })
        .await?;

    // And out again.
    screen.go("#/").await?;
    screen.press("More for Sample").await?;
    screen.press("Disconnect").await?;
    screen
        .reads(
            "[data-testid=sheet]",
            "Its 6 tools are gone for every agent.",
        )
        .await?;
    screen.click("[data-testid=disconnect-confirm]").await?;
    screen
        .reads("[data-testid=sheet] h1", "Sample is disconnected")
        .await?;
    screen.see("[data-testid=disconnect-result]").await?;
    screen.press("Close").await?;
    screen
        .reads("#title", "Connect your first integration")
        .await?;
    screen.go("#/activity").await?;
    screen.reads("table", "Sample").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_not_left_blank() -> Result<()> {
    let screen = Screen::open().await?;
    screen.go("#/activity").await?;
    screen.reads(".empty", "Nothing has happened yet").await?;
    screen
        .go("#/integrations/01890a5d-ac96-774b-bcce-b302099a8057/tools")
        .await?;
    screen.reads("main", "This integration is gone").await?;
    screen.go("#/nonsense").await?;
    screen.reads("main", "This page does not exist").await?;
    screen.close().await
}
