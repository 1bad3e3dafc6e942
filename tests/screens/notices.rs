//! The inbox as an admin sees it, notices in Slack, and the app in the background.

#[expect(dead_code, reason = "shared: each test uses a part of it")]
#[path = "../../crates/engine/tests/peers/slack.rs"]
mod slack;

use crate::kit::{Screen, api::Api};
use anyhow::{Result, ensure};
use slack::Slack;

async fn connect(screen: &Screen, name: &str, url: &str, health: &str) -> Result<()> {
    screen.go("#/").await?;
    screen.click("[data-testid=add-integration]").await?;
    screen.click("#choose-api").await?;
    screen.fill("url", url).await?;
    screen.fill("name", name).await?;
    screen.fill("secret", "right-key").await?;
    screen.fill("health-path", health).await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads("[data-testid=sheet]", &format!("{name} is connected."))
        .await?;
    screen.press("Close").await?;
    screen.gone("[data-testid=sheet]").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_is_empty_then_filled_put_off_seen_and_resolved() -> Result<()> {
    let screen = Screen::open().await?;
    screen.go("#/notices").await?;
    screen.reads("main", "Nothing to tell").await?;
    screen.look("inbox-empty").await?;

    let (orders, stock) = (
        Api::start("right-key").await?,
        Api::start("right-key").await?,
    );
    connect(&screen, "Orders", &orders.url, "/health").await?;
    connect(&screen, "Stock", &stock.url, "/health").await?;
    orders.rotate("another-key");
    stock.rotate("another-key");
    for name in ["Orders", "Stock"] {
        screen.press(&format!("Test: {name}")).await?;
    }
    screen.reads("[data-testid=new-notices]", "2").await?;
    screen.go("#/notices").await?;
    screen
        .see("[data-testid=notice][data-stands=failing]")
        .await?;
    assert_eq!(screen.count("[data-testid=notice]").await?, 2);
    screen
        .reads("main", "no longer accepts this credential")
        .await?;
    screen.look("inbox-filled").await?;

    screen.press("Snooze for a day: Orders").await?;
    screen.reads("[data-testid=new-notices]", "1").await?;
    screen.reads("main", "Put off until").await?;
    screen.press("Tell me now: Orders").await?;
    screen.reads("[data-testid=new-notices]", "2").await?;
    screen.press("Snooze for a day: Orders").await?;
    screen.press("Mark as seen: Stock").await?;
    screen.gone("[data-testid=new-notices]").await?;
    screen.look("inbox-snoozed").await?;

    // The fix button mends it.
    screen.press("Paste a fresh key: Orders").await?;
    screen.fill("fresh-key", "another-key").await?;
    screen.press("Reconnect").await?;
    screen
        .reads("[data-testid=sheet]", "Orders is connected.")
        .await?;
    screen.press("Close").await?;
    screen.go("#/notices").await?;
    screen
        .see("[data-testid=notice][data-stands=resolved]")
        .await?;
    screen.look("inbox-resolved").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_is_chosen_tried_with_a_real_message_and_then_told() -> Result<()> {
    let slack = Slack::start().await?;
    let screen = Screen::open().await?;
    screen.go("#/settings").await?;
    screen
        .reads("#slack", "Connect Slack with a bot token")
        .await?;
    connect(&screen, "Acme Slack", &slack.base_url, "/auth.test").await?;
    screen.go("#/settings").await?;
    let select = "#slack-from option:nth-child(2)";
    screen.click(select).await?;
    screen
        .fill("slack-admins", "ada@example.com, nobody@example.com")
        .await?;
    screen.click("#slack .buttons button[type=submit]").await?;
    screen.reads("[data-testid=toast]", "Saved").await?;
    screen.press("Send a test message").await?;
    screen
        .reads("#slack [role=status]", "ada@example.com: it arrived.")
        .await?;
    screen
        .reads("#slack [role=status]", "Nobody in this Slack workspace")
        .await?;
    assert_eq!(slack.messages().len(), 1, "a real one");
    screen
        .page
        .execute("document.getElementById('slack').scrollIntoView()", vec![])
        .await?;
    screen.look("slack").await?;

    let orders = Api::start("right-key").await?;
    connect(&screen, "Orders", &orders.url, "/health").await?;
    orders.rotate("another-key");
    screen.press("Test: Orders").await?;
    screen
        .until("Slack to be told", async || {
            let told = slack.messages();
            Ok(told.iter().any(|each| each.text == "Orders is failing"))
        })
        .await?;
    screen.go("#/notices").await?;
    screen
        .reads("[data-testid=notice]", "Not told in Slack")
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_are_paused_and_closing_is_asked_about() -> Result<()> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    screen.go("#/settings").await?;
    screen.click("#at-login").await?;
    screen.see("#at-login:checked").await?;
    screen.press("Pause checks for an hour").await?;
    screen
        .reads("[data-testid=paused]", "Checks are paused until")
        .await?;
    screen.look("paused").await?;
    screen.press("Resume checks").await?;
    screen.gone("[data-testid=paused]").await?;

    ensure!(screen.engine()?.ask_to_quit());
    screen
        .reads("[data-testid=sheet]", "Until it is started again")
        .await?;
    screen.look("closing").await?;
    screen.press("Minimise instead").await?;
    screen.gone("[data-testid=sheet]").await?;
    screen.close().await
}
