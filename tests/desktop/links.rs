//! Links to the app and second starts: anybody can send one, and they do next to nothing.

use crate::kit::{App, Desktop, Keyring, PATIENCE, app::TITLE, on, record, search, until};
use anyhow::{Context, Result, ensure};
use std::process::Stdio;

/// Puts the window away, and knows that it is.
async fn put_away(desktop: &Desktop) -> Result<()> {
    let windows = visible(desktop).await?;
    let window = windows.first().context("the window is there")?;
    desktop.run("xdotool", &["windowminimize", window]).await?;
    until("the window to be put away", async || {
        Ok(visible(desktop).await?.is_empty().then_some(()))
    })
    .await
}

/// Waits until the window is there again, in front of everything.
pub async fn raised(desktop: &Desktop) -> Result<()> {
    until("the window to be raised", async || {
        let shown = visible(desktop).await?;
        let active = desktop.run("xdotool", &["getactivewindow"]).await?;
        Ok(shown
            .iter()
            .any(|window| window == active.trim())
            .then_some(()))
    })
    .await
}

/// The app's windows that are on the screen.
async fn visible(desktop: &Desktop) -> Result<Vec<String>> {
    let name = format!("^{TITLE}$");
    // Ends with 1 where it finds none.
    let found = desktop
        .command("xdotool")
        .args(["search", "--onlyvisible", "--name", &name])
        .output()
        .await?;
    let found = String::from_utf8(found.stdout)?;
    Ok(found.lines().map(str::to_owned).collect())
}

/// Follows a link as any program of the desktop can.
pub async fn follow(desktop: &Desktop, link: &str) -> Result<()> {
    follow_with(desktop, link, &[]).await
}

/// The same, with more in the environment of what it starts.
pub async fn follow_with(
    desktop: &Desktop,
    link: &str,
    more: &[(&'static str, String)],
) -> Result<()> {
    // What it starts outlives it, and would hold on to its output.
    let mut gio = desktop.command("gio");
    gio.args(["open", link])
        .envs(more.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let ended = tokio::time::timeout(PATIENCE, gio.status()).await??;
    ensure!(ended.success(), "gio open ended with {ended}");
    Ok(())
}

/// Waits until the desktop knows who opens links to the app.
pub async fn registered(desktop: &Desktop) -> Result<()> {
    until("the app to be the handler of its links", async || {
        let handler = desktop
            .run(
                "xdg-mime",
                &[
                    "query",
                    "default",
                    "x-scheme-handler/app.chief.integrations",
                ],
            )
            .await?;
        Ok((!handler.trim().is_empty()).then_some(()))
    })
    .await
}

/// The record's lines about links.
fn refusals(desktop: &Desktop) -> Result<usize> {
    let actions = record::actions(desktop)?;
    Ok(actions
        .iter()
        .filter(|action| action.contains("link"))
        .count())
}

#[tokio::test]
async fn links_raise_the_window_or_leave_a_row_and_nothing_else() -> Result<()> {
    on(Keyring::Unlocked, "links", async |desktop| {
        let app = App::start(desktop).await?;
        app.press("Connect the sample").await?;
        app.see("[data-testid=card]").await?;
        registered(desktop).await?;

        put_away(desktop).await?;
        follow(desktop, "app.chief.integrations:/raise").await?;
        raised(desktop).await?;
        assert_eq!(refusals(desktop)?, 0, "the raise link is known");

        let everything =
            "select * from integrations i join credentials c on c.integration_id = i.id";
        let before = (
            record::rows(desktop, everything)?,
            record::actions(desktop)?.len(),
        );
        let code = search::canary("code");
        let link = format!("app.chief.integrations:/oauth/callback?code={code}&state=y");
        follow(desktop, &link).await?;
        until("the refusal in the record", async || {
            Ok((refusals(desktop)? == 1).then_some(()))
        })
        .await?;
        let after = (
            record::rows(desktop, everything)?,
            record::actions(desktop)?.len() - 1,
        );
        assert_eq!(before, after, "one row, and nothing else");
        assert_eq!(app.count("dialog[open]").await?, 0, "and no sheet opens");
        let needles = search::Needles::new([("a forged code", code.as_str())])?;
        assert_eq!(
            search::search_folder(&desktop.data(), &needles)?,
            Vec::<String>::new(),
            "what a stranger sends is not kept"
        );
        app.press("Activity").await?;
        app.read("[data-testid=activity-row]", "link").await?;
        app.picture("3-refused-link").await?;
        app.quit().await
    })
    .await
}

#[tokio::test]
async fn a_second_start_ends_and_raises_the_first() -> Result<()> {
    on(Keyring::Unlocked, "second-start", async |desktop| {
        let app = App::start(desktop).await?;
        app.read("h1", "Connect your first integration").await?;
        put_away(desktop).await?;
        desktop.run(&desktop.app().to_string_lossy(), &[]).await?;
        raised(desktop).await?;
        assert_eq!(desktop.apps()?, [app.pid], "only the first one runs");
        assert_eq!(visible(desktop).await?.len(), 1, "and it has one window");
        app.press("Connect the sample").await?;
        app.see("[data-testid=card]").await?;
        app.quit().await
    })
    .await
}

#[tokio::test]
async fn a_forged_link_that_starts_the_app_changes_nothing_either() -> Result<()> {
    on(Keyring::Unlocked, "cold-link", async |desktop| {
        // Once, so that the desktop knows the app.
        let app = App::start(desktop).await?;
        registered(desktop).await?;
        app.quit().await?;

        follow(
            desktop,
            "app.chief.integrations:/oauth/callback?code=x&state=y",
        )
        .await?;
        raised(desktop).await?;
        until("the refusal in the record", async || {
            Ok((refusals(desktop)? == 1).then_some(()))
        })
        .await?;
        assert_eq!(record::count(desktop, "integrations")?, 0);
        desktop.picture("3-cold-link").await?;
        let started = desktop.apps()?.first().map(ToString::to_string);
        let started = started.context("the app runs")?;
        desktop.run("kill", &[&started]).await?;
        until("the app to end", async || {
            Ok(desktop.apps()?.is_empty().then_some(()))
        })
        .await
    })
    .await
}
