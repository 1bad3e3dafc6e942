//! How a card stands, in the real window against real servers: a token that comes to its end, a grant
//! that is revoked, the one button that mends it, and a server that is only away for a minute.

use crate::kit::{App, Desktop, Keyring, browser::Browser, on, record, until};
use anyhow::{Context, Result, ensure};
use chief_tests::peers::Peer;
use std::time::{Duration, Instant};
use url::Url;

/// How long the server is away.
const AWAY: Duration = Duration::from_secs(62);

/// By its address, through the browser, to its card.
async fn connect(app: &App<'_>, server: &Peer, browser: &mut Browser) -> Result<()> {
    app.press("Add integration").await?;
    app.click("#choose-mcp").await?;
    app.fill("#url", &server.url).await?;
    app.press("Connect").await?;
    app.press("Yes, connect to it").await?;
    signs_in(app, browser).await?;
    app.press("Close").await?;
    app.gone("dialog[open]").await
}

async fn signs_in(app: &App<'_>, browser: &mut Browser) -> Result<()> {
    app.read("dialog[open]", "Waiting for your browser").await?;
    let opened = browser.opened().await?;
    opened.sign_in("ann").await?;
    opened.last_page().await?;
    drop(opened);
    app.read("dialog[open]", "Protected tests is connected.")
        .await?;
    Ok(())
}

/// The buttons of the strip above the cards.
async fn fixes(app: &App<'_>) -> Result<Vec<String>> {
    let buttons = "return [...document.querySelectorAll('[data-testid=need] button')] \
                   .map((button) => button.getAttribute('aria-label'))";
    let told = app.script(buttons).await?;
    Ok(serde_json::from_value(told)?)
}

#[tokio::test]
async fn a_revoked_grant_fails_with_one_button_and_a_short_outage_does_not() -> Result<()> {
    on(Keyring::Unlocked, "revoked", async |desktop| {
        let issuer = Peer::start("oidc", &[]).await?;
        let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
        let mut browser = Browser::install(desktop).await?;
        let app = App::start(desktop).await?;
        connect(&app, &server, &mut browser).await?;
        app.see("[data-testid=card][data-status=healthy]").await?;

        revoked(&app, (&issuer, &server)).await?;
        app.press("Reconnect: Protected tests").await?;
        signs_in(&app, &mut browser).await?;
        app.press("Close").await?;
        app.gone("dialog[open]").await?;
        app.see("[data-testid=card][data-status=healthy]").await?;
        app.gone("[data-testid=need]").await?;
        app.picture("7-mended").await?;

        away(&app, server, &issuer).await?;
        assert_eq!(notices(desktop)?, 1, "the revoked grant, and no other");
        app.quit().await
    })
    .await
}

/// Revoked there, and the server refuses what was given out before.
async fn revoked(app: &App<'_>, (issuer, server): (&Peer, &Peer)) -> Result<()> {
    issuer.control("/test/end-grants").await?;
    // Its tokens are signed and live on by themselves: the server is told to take none of them.
    server.control("/test/set?refuse=401").await?;
    app.press("Test: Protected tests").await?;
    app.see("[data-testid=card][data-status=failing]").await?;
    app.read(
        "[data-testid=need]",
        "Protected tests no longer accepts this credential",
    )
    .await?;
    app.picture("7-revoked").await?;
    assert_eq!(fixes(app).await?, ["Reconnect: Protected tests"]);
    server.control("/test/set?refuse=none").await?;
    Ok(())
}

/// The server's process ends, and another takes its port a minute later.
async fn away(app: &App<'_>, server: Peer, issuer: &Peer) -> Result<()> {
    let url = Url::parse(&server.url)?;
    let port = url.port().context("a port")?.to_string();
    drop(server);
    let began = Instant::now();
    let mut tests = 0;
    while began.elapsed() < AWAY {
        app.press("Test: Protected tests").await?;
        app.read("[data-testid=toast]", "Protected tests:").await?;
        tests += 1;
        app.see("[data-testid=card][data-status=healthy]").await?;
        assert_eq!(app.count("[data-testid=need]").await?, 0);
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    ensure!(tests >= 3, "{tests} tests in a minute");
    app.picture("7-away").await?;
    let environment = [("ISSUER", issuer.url.as_str()), ("PORT", port.as_str())];
    let _server = Peer::start("mcp-protected", &environment).await?;
    until("a test that goes well", async || {
        app.press("Test: Protected tests").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let text = app.text().await?;
        Ok(text.contains("the test went well").then_some(()))
    })
    .await?;
    app.see("[data-testid=card][data-status=healthy]").await?;
    Ok(())
}

fn notices(desktop: &Desktop) -> Result<usize> {
    record::count(desktop, "notices")
}
