//! A sign-in that nears its end: warned of once, mended from the notification itself, and gone.

use crate::kit::{App, Desktop, Keyring, browser::Browser, mock::Mock, on, record, until};
use anyhow::{Context, Result, ensure};
use chief_tests::peers::Peer;
use serde_json::Value;

/// An hour, of which all but a few minutes have gone.
const PASSED_MS: i64 = 55 * 60_000;

#[tokio::test]
async fn a_token_near_its_end_is_told_once_and_mended_from_its_notification() -> Result<()> {
    on(Keyring::Unlocked, "near-its-end", async |desktop| {
        let issuer = Peer::start("oidc", &[("ACCESS_TTL", "3600"), ("NO_REFRESH", "1")]).await?;
        let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
        let mut browser = Browser::install(desktop).await?;
        let screen = Mock::notifications(desktop).await?;
        let app = App::start(desktop).await?;
        app.press("Add integration").await?;
        app.click("#choose-mcp").await?;
        app.fill("#url", &server.url).await?;
        app.press("Connect").await?;
        app.press("Yes, connect to it").await?;
        let opened = browser.opened().await?;
        opened.sign_in("ann").await?;
        opened.last_page().await?;
        drop(opened);
        app.read("dialog[open]", "Protected tests is connected.")
            .await?;
        app.press("Close").await?;
        app.quit().await?;
        ensure!(screen.calls("Notify")?.is_empty(), "nothing to tell yet");

        let_time_pass(desktop)?;
        let app = App::start(desktop).await?;
        app.see("[data-testid=card][data-status=expiring]").await?;
        says_when(&app, desktop).await?;
        app.read("[data-testid=new-notices]", "1").await?;
        let popup = until("the popup", async || Ok(screen.calls("Notify")?.pop())).await?;
        for part in ["Protected tests expires soon", "\"fix\", \"Reconnect\""] {
            ensure!(popup.contains(part), "no {part} in {popup}");
        }
        app.picture("5-expiring").await?;
        app.click("nav.side a[href$='/notices']").await?;
        app.see("[data-testid=notice][data-stands=expiring]")
            .await?;
        assert_eq!(app.count("[data-testid=notice]").await?, 1, "one row");
        app.picture("5-inbox").await?;

        // Its button leads to consent; nothing else is pressed.
        screen.press(&record::popup(desktop)?, "fix").await?;
        app.read("dialog[open]", "Waiting for your browser").await?;
        let opened = browser.opened().await?;
        opened.sign_in("ann").await?;
        opened.last_page().await?;
        drop(opened);
        app.read("dialog[open]", "Protected tests is connected.")
            .await?;
        app.press("Close").await?;
        until("the popup to be withdrawn", async || {
            Ok((screen.calls("CloseNotification")?.len() == 1).then_some(()))
        })
        .await?;
        app.gone("[data-testid=new-notices]").await?;
        app.click("nav.side a[href$='/notices']").await?;
        app.see("[data-testid=notice][data-stands=resolved]")
            .await?;
        app.picture("5-resolved").await?;
        assert_eq!(screen.calls("Notify")?.len(), 1, "told once");
        app.quit().await
    })
    .await
}

/// The card says when the token ends: in words, and exactly, with its day.
async fn says_when(app: &App<'_>, desktop: &Desktop) -> Result<()> {
    let query = "select json_extract(state, '$.end.at') from integrations";
    let rows = record::rows(desktop, query)?;
    let at = match rows.first().and_then(|row| row.first()) {
        Some(rusqlite::types::Value::Integer(at)) => *at,
        other => anyhow::bail!("no end: {other:?}"),
    };
    let exactly = format!(
        "const at = new Date({at}), two = (n) => String(n).padStart(2, '0'); \
         const month = at.toLocaleString('en-US', {{ month: 'short' }}); \
         return `${{at.getDate()}} ${{month}}, ${{two(at.getHours())}}:${{two(at.getMinutes())}}`"
    );
    let exactly = app.script(&exactly).await?;
    let exactly = exactly.as_str().context("a moment")?;
    let card = "[data-testid=card][data-status=expiring]";
    app.read(&format!("{card} [data-testid=status]"), "Expires in")
        .await?;
    let told = format!("ends on {}", weekday(app, at).await?);
    app.read(
        &format!("{card} .why"),
        &format!("{told} {exactly} and cannot renew itself."),
    )
    .await?;
    Ok(())
}

async fn weekday(app: &App<'_>, at: i64) -> Result<String> {
    let day = format!("return new Date({at}).toLocaleString('en-US', {{ weekday: 'short' }})");
    let day = app.script(&day).await?;
    Ok(day.as_str().context("a day")?.to_owned())
}

/// As if the app had been closed for most of the token's hour.
fn let_time_pass(desktop: &Desktop) -> Result<()> {
    let store = rusqlite::Connection::open(desktop.data().join("chief.db"))?;
    let (id, state): (String, String) =
        store.query_row("select id, state from integrations", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let mut state: Value = serde_json::from_str(&state)?;
    for moment in ["issued", "at"] {
        let at = state["end"][moment].as_i64().context("the token's end")?;
        state["end"][moment] = (at - PASSED_MS).into();
    }
    store.execute(
        "update integrations set state = ?2 where id = ?1",
        (id, state.to_string()),
    )?;
    Ok(())
}
