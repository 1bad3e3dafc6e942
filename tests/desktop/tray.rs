//! The window closed: the app goes on beside the clock, or asks; a start at login without a window.

use crate::{
    keyrings::lock,
    kit::{App, Desktop, Keyring, app::TITLE, mock::Mock, on, record, until},
};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::process::Stdio;

/// The windows of the app that can be seen.
async fn windows(desktop: &Desktop) -> Result<usize> {
    let search = ["search", "--onlyvisible", "--name", TITLE];
    // It fails where it finds none.
    let found = desktop.run("xdotool", &search).await.unwrap_or_default();
    Ok(found.lines().count())
}

async fn until_windows(desktop: &Desktop, count: usize) -> Result<()> {
    until(&format!("{count} windows"), async || {
        Ok((windows(desktop).await? == count).then_some(()))
    })
    .await
}

/// What the app wrote into its log.
fn log(desktop: &Desktop) -> Result<String> {
    let files = std::fs::read_dir(desktop.data().join("logs"))?;
    files
        .map(|file| Ok(std::fs::read_to_string(file?.path())?))
        .collect()
}

/// Starts the program again, which ends by itself.
async fn start_again(desktop: &Desktop) -> Result<()> {
    let mut second = desktop
        .command(desktop.app())
        .stdout(Stdio::null())
        .spawn()?;
    let ended = tokio::time::timeout(crate::kit::PATIENCE, second.wait()).await??;
    ensure!(ended.success(), "the second start: {ended}");
    Ok(())
}

#[tokio::test]
async fn a_closed_window_goes_on_beside_the_clock_and_a_second_start_brings_it_back() -> Result<()>
{
    on(Keyring::Unlocked, "tray", async |desktop| {
        let tray = Mock::tray(desktop).await?;
        let app = App::start(desktop).await?;
        until("the icon to be there", async || {
            let registered = tray.calls("RegisterStatusNotifierItem")?;
            Ok((!registered.is_empty()).then_some(()))
        })
        .await?;
        until_windows(desktop, 1).await?;
        desktop.run("wmctrl", &["-c", TITLE]).await?;
        until_windows(desktop, 0).await?;
        assert_eq!(desktop.apps()?, [app.pid], "it goes on");

        start_again(desktop).await?;
        until_windows(desktop, 1).await?;
        assert_eq!(desktop.apps()?, [app.pid], "the same app");

        // As the end of the session does it.
        desktop.run("kill", &[&app.pid.to_string()]).await?;
        until("the app to end as it should", async || {
            Ok(log(desktop)?.contains("stopped in_time=true").then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn without_an_icon_closing_asks_and_says_what_stops() -> Result<()> {
    on(Keyring::Unlocked, "closing", async |desktop| {
        let app = App::start(desktop).await?;
        desktop.run("wmctrl", &["-c", TITLE]).await?;
        app.read("dialog[open]", "no connection is checked, no cron runs")
            .await?;
        app.picture("6-closing").await?;
        app.press_later("Minimise instead").await?;
        until_windows(desktop, 0).await?;
        assert_eq!(desktop.apps()?, [app.pid], "it goes on");
        start_again(desktop).await?;
        until_windows(desktop, 1).await?;
        app.gone("dialog[open]").await?;
        app.quit().await
    })
    .await
}

#[tokio::test]
async fn at_login_it_starts_without_a_window_where_an_icon_can_bring_it_back() -> Result<()> {
    on(Keyring::Unlocked, "at-login", async |desktop| {
        let folder = desktop.home.join(".config/autostart");
        let entries = || -> Result<Vec<String>> {
            let found = std::fs::read_dir(&folder).into_iter().flatten();
            found
                .map(|entry| Ok(std::fs::read_to_string(entry?.path())?))
                .collect()
        };
        let app = App::start(desktop).await?;
        app.click("nav.side a[href$='/settings']").await?;
        app.click("#at-login").await?;
        until("the entry", async || Ok(entries()?.pop())).await?;
        let written = entries()?.join("\n");
        ensure!(
            written.contains("--hidden") && written.contains(&*desktop.app().to_string_lossy()),
            "{written}"
        );
        let asked = app
            .invoke("get_background", json!({ "request": {} }))
            .await?;
        assert_eq!(asked, Ok(json!({ "at_login": true })));
        app.see("#at-login:checked").await?;
        app.click("#at-login").await?;
        until("no entry", async || Ok(entries()?.is_empty().then_some(()))).await?;
        app.quit().await?;

        // As the session does at login.
        let tray = Mock::tray(desktop).await?;
        let hidden = desktop.command(desktop.app()).arg("--hidden").spawn()?;
        until("the icon to be there", async || {
            let registered = tray.calls("RegisterStatusNotifierItem")?;
            Ok((!registered.is_empty()).then_some(()))
        })
        .await?;
        assert_eq!(windows(desktop).await?, 0, "no window");
        start_again(desktop).await?;
        until_windows(desktop, 1).await?;
        drop(hidden);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_panel_that_comes_up_after_the_app_still_gets_the_icon() -> Result<()> {
    on(Keyring::Unlocked, "late-panel", async |desktop| {
        let hidden = desktop.command(desktop.app()).arg("--hidden").spawn()?;
        until("the app to have started", async || {
            Ok(record::rows(desktop, "select 1 from calls")
                .is_ok()
                .then_some(()))
        })
        .await?;
        let tray = Mock::tray(desktop).await?;
        until("the icon to be there", async || {
            let registered = tray.calls("RegisterStatusNotifierItem")?;
            Ok((!registered.is_empty()).then_some(()))
        })
        .await?;
        assert_eq!(windows(desktop).await?, 0, "no window");
        let pid = hidden.id().context("it runs")?;
        let menu = until("the menu", async || Ok(Some(tray.menu(pid).await?))).await?;
        ensure!(menu.contains("Nothing needs you"), "{menu}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_start_that_failed_is_seen_though_it_was_to_be_hidden() -> Result<()> {
    on(Keyring::Unlocked, "failed-start", async |desktop| {
        let tray = Mock::tray(desktop).await?;
        // Data of a version to come.
        std::fs::create_dir_all(desktop.data())?;
        let data = rusqlite::Connection::open(desktop.data().join("chief.db"))?;
        data.pragma_update(None, "user_version", 9_999)?;
        drop(data);
        let hidden = desktop.command(desktop.app()).arg("--hidden").spawn()?;
        until_windows(desktop, 1).await?;
        let pid = hidden.id().context("it runs")?;
        let menu = until("the menu to say it", async || {
            let menu = tray.menu(pid).await?;
            Ok(menu.contains("It could not start").then_some(menu))
        })
        .await?;
        ensure!(!menu.contains("Nothing needs you"), "{menu}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn data_that_came_back_is_seen_though_the_start_was_to_be_hidden() -> Result<()> {
    on(Keyring::Unlocked, "came-back", async |desktop| {
        App::start(desktop).await?.quit().await?;
        let (data, backups) = (
            desktop.data().join("chief.db"),
            desktop.data().join("backups"),
        );
        std::fs::create_dir_all(&backups)?;
        // With what may still be in its log.
        let good = backups.join("000000000000001.db");
        rusqlite::Connection::open(&data)?
            .execute("vacuum into ?1", [good.display().to_string()])?;
        std::fs::write(&data, "no database")?;

        let tray = Mock::tray(desktop).await?;
        let hidden = desktop.command(desktop.app()).arg("--hidden").spawn()?;
        until_windows(desktop, 1).await?;
        let pid = hidden.id().context("it runs")?;
        let menu = until("the menu to say it", async || {
            let menu = tray.menu(pid).await?;
            Ok(menu.contains("came back from a backup").then_some(menu))
        })
        .await?;
        ensure!(!menu.contains("Nothing needs you"), "{menu}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_locked_keyring_is_told_by_the_icons_menu() -> Result<()> {
    on(Keyring::Unlocked, "locked-hidden", async |desktop| {
        let app = App::start(desktop).await?;
        app.press("Connect the sample").await?;
        app.see("[data-testid=card][data-status=healthy]").await?;
        app.quit().await?;
        lock(desktop).await?;

        let tray = Mock::tray(desktop).await?;
        let hidden = desktop.command(desktop.app()).arg("--hidden").spawn()?;
        let pid = hidden.id().context("it runs")?;
        let menu = until("the menu to say it", async || {
            let menu = tray.menu(pid).await?;
            Ok(menu.contains("The keyring is locked").then_some(menu))
        })
        .await?;
        ensure!(!menu.contains("Nothing needs you"), "{menu}");
        assert_eq!(windows(desktop).await?, 0, "no window");
        Ok(())
    })
    .await
}
