//! The main job without a mouse.

use crate::kit::Screen;
use anyhow::{Result, bail};
use thirtyfour::Key;

/// Tabs until the focus is on what has this name.
async fn tab_to(screen: &Screen, name: &str) -> Result<()> {
    for _ in 0..40 {
        screen.keys(Key::Tab + "").await?;
        if screen.focused().await? == name {
            return Ok(());
        }
    }
    bail!(
        "“{name}” was not reached by Tab; the focus is on “{}”",
        screen.focused().await?
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_look_and_disconnect_by_keyboard_alone() -> Result<()> {
    let screen = Screen::open().await?;
    tab_to(&screen, "Skip to content").await?;
    tab_to(&screen, "Connect the sample").await?;
    screen.keys(Key::Enter + "").await?;
    screen
        .see("[data-testid=card][data-status=healthy]")
        .await?;

    // A sheet takes the focus and gives it back.
    tab_to(&screen, "Add integration").await?;
    screen.keys(Key::Enter + "").await?;
    screen.see("[data-testid=sheet]").await?;
    screen
        .until("the search has the focus", async || {
            Ok(screen.focused().await? == "Search services, or paste a URL")
        })
        .await?;
    screen.keys(Key::Escape + "").await?;
    screen.gone("[data-testid=sheet]").await?;
    screen
        .until("the focus is back", async || {
            Ok(screen.focused().await? == "Add integration")
        })
        .await?;

    // A menu goes by arrows, and Esc gives the focus back.
    tab_to(&screen, "More for Sample").await?;
    screen.keys(Key::Enter + "").await?;
    screen.see("[role=menu]").await?;
    screen
        .until("its first item has the focus", async || {
            Ok(screen.focused().await? == "Open")
        })
        .await?;
    screen.keys(Key::Down + "").await?;
    assert_eq!(screen.focused().await?, "Test");
    screen.keys(Key::Escape + "").await?;
    screen.gone("[role=menu]").await?;
    assert_eq!(screen.focused().await?, "More for Sample");

    // The last item is the way out.
    screen.keys(Key::Enter + "").await?;
    screen.see("[role=menu]").await?;
    screen.keys(Key::End + "").await?;
    assert_eq!(screen.focused().await?, "Disconnect");
    screen.keys(Key::Enter + "").await?;
    screen.see("[data-testid=disconnect-confirm]").await?;
    assert_eq!(
        screen.focused().await?,
        "Keep it",
        "the harmless answer has the focus"
    );
    screen
        .until("it can be confirmed", async || {
            Ok(screen
                .count("[data-testid=disconnect-confirm]:enabled")
                .await?
                == 1)
        })
        .await?;
    tab_to(&screen, "Disconnect").await?;
    screen.keys(Key::Enter + "").await?;
    screen.see("[data-testid=disconnect-result]").await?;
    screen.keys(Key::Escape + "").await?;
    screen
        .reads("#title", "Connect your first integration")
        .await?;
    screen.close().await
}
