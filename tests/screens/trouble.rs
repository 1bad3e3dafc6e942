//! What stands between the admin and the job, said with the button that mends it.

use crate::kit::{
    Screen,
    changing::{Changing, tool},
};
use anyhow::Result;
use engine::{fakes::MemoryKeyring, ports::KeyringError};
use std::sync::Arc;
use thirtyfour::components::SelectElement;

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keyring_is_a_banner_with_unlock_and_then_the_job_goes_on() -> Result<()> {
    let keyring = Arc::new(MemoryKeyring::default());
    keyring.fail_with(Some(KeyringError::Locked));
    let screen = Screen::with_keyring(keyring).await?;
    screen.click("[data-testid=connect-sample]").await?;
    screen
        .reads("[data-testid=banner]", "The keyring is locked")
        .await?;
    if screen.count("dialog[open]").await? > 0 {
        screen.press("Close").await?;
    }
    screen.press("Unlock").await?;
    screen.gone("[data-testid=banner]").await?;
    screen.connect_sample().await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keyring_credentials_can_be_kept_for_this_run() -> Result<()> {
    let keyring = Arc::new(MemoryKeyring::default());
    keyring.fail_with(Some(KeyringError::Absent));
    let screen = Screen::with_keyring(keyring).await?;
    screen.click("[data-testid=connect-sample]").await?;
    screen
        .reads("[data-testid=banner]", "no keyring that answers")
        .await?;
    if screen.count("dialog[open]").await? > 0 {
        screen.press("Close").await?;
    }
    screen.press("Keep for this run only").await?;
    screen.gone("[data-testid=banner]").await?;
    screen.connect_sample().await?;
    screen.go("#/settings").await?;
    screen
        .reads("[data-testid=keyring]", "kept in memory only")
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_does_not_answer_is_said_and_the_cards_stay() -> Result<()> {
    let mut screen = Screen::open().await?;
    screen.connect_sample().await?;
    screen.lose_the_app();
    screen.press("Test: Sample").await?;
    screen
        .reads(
            "[data-testid=toast][data-tone=bad]",
            "the app does not answer",
        )
        .await?;
    assert_eq!(
        screen.count("[data-testid=card]").await?,
        1,
        "what was known stays in sight"
    );
    // Not `close`: a lost connection is what this page has to complain of.
    screen.page.clone().quit().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_was_refused_does_not_stand_there() -> Result<()> {
    let server = Changing::serve(vec![tool("greet", "Greets.")]).await?;
    let mut screen = Screen::open().await?;
    let id = screen.connect_mcp(&server.server.url("/mcp")).await?;
    screen.go(&format!("#/integrations/{id}/tools")).await?;
    screen.see("[data-testid=policy]").await?;
    screen.lose_the_app();
    let refused = async |screen: &Screen, select: &str, option: &str| -> Result<()> {
        let select = screen.see(select).await?;
        let held = select.value().await?;
        SelectElement::new(&select)
            .await?
            .select_by_value(option)
            .await?;
        screen
            .until("it shows what holds", async || {
                Ok(select.value().await? == held)
            })
            .await
    };
    refused(&screen, "[data-testid=policy]", "deny").await?;
    screen.see("[data-testid=toast][data-tone=bad]").await?;
    screen.click(".tabs a[href$=settings]").await?;
    refused(&screen, "#pace", "5").await?;
    refused(&screen, "#bodies", "7").await?;
    // Not `close`: a lost connection is what this page has to complain of.
    screen.page.clone().quit().await?;
    Ok(())
}
