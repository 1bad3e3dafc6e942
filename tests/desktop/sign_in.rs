//! The main job: an MCP server behind a sign-in, from its address to its end, with a real browser in
//! between; and whether any secret of it can be found anywhere.

use crate::kit::{
    App, Desktop, Keyring,
    browser::Browser,
    on, record,
    search::{self, Needles},
    until,
    watch::Watch,
};
use anyhow::{Context, Result, ensure};
use chief_tests::peers::Peer;
use serde_json::Value;
use std::fs;

/// Everything secret that the authorization server was told or gave out, by kind.
async fn issued(issuer: &Peer) -> Result<Vec<(String, String)>> {
    let told = issuer.control("/test/issued").await?;
    let told = told.as_array().context("a list")?;
    told.iter()
        .map(|each| {
            let text = |name: &str| each[name].as_str().map(str::to_owned).context("a text");
            Ok((text("kind")?, text("value")?))
        })
        .collect()
}

/// What of one kind was given out, oldest first.
fn of_kind<'a>(issued: &'a [(String, String)], kind: &'a str) -> Vec<&'a str> {
    let of = issued.iter().filter(|(found, _)| found == kind);
    of.map(|(_, value)| value.as_str()).collect()
}

/// What a resource server would hear about a token (RFC 7662).
async fn is_active(issuer: &Peer, token: &str) -> Result<bool> {
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(format!("{}/token/introspection", issuer.url))
        .basic_auth("inspector", Some("inspector-secret"))
        .form(&[("token", token)])
        .send()
        .await?;
    let answer: Value = answer.error_for_status()?.json().await?;
    answer["active"].as_bool().context("active or not")
}

/// Looks for the secrets in every file below HOME: data, write-ahead log, logs, backups, caches.
fn search_home(desktop: &Desktop, needles: &Needles) -> Result<Vec<String>> {
    let mut found = vec![];
    for file in search::files(&desktop.home)? {
        // Sockets and links to nowhere hold nothing; a file may go while we look.
        if !fs::metadata(&file).is_ok_and(|about| about.is_file()) {
            continue;
        }
        let place = file.display().to_string();
        found.extend(search::search(&place, place.as_bytes(), needles));
        if let Ok(bytes) = fs::read(&file) {
            found.extend(search::search(&place, &bytes, needles));
        }
    }
    Ok(found)
}

/// All of them but what is too short to be told from chance.
fn needles(issued: &[(String, String)]) -> Result<Needles> {
    let secrets = issued.iter().filter(|(_, value)| value.len() >= 16);
    Needles::new(secrets.map(|(kind, value)| (kind.as_str(), value.as_str())))
}

#[tokio::test]
async fn a_server_with_sign_in_is_connected_used_mended_and_disconnected() -> Result<()> {
    on(Keyring::Unlocked, "sign-in", async |desktop| {
        let issuer = Peer::start("oidc", &[]).await?;
        let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
        let mut browser = Browser::install(desktop).await?;
        let watch = Watch::begin(desktop).await?;
        let app = App::start(desktop).await?;

        connect(&app, &server, &mut browser).await?;
        let given = issued(&issuer).await?;
        for kind in [
            "access_token",
            "refresh_token",
            "code",
            "state",
            "code_verifier",
            "registration_access_token",
        ] {
            ensure!(
                !of_kind(&given, kind).is_empty(),
                "the issuer tells no {kind}"
            );
        }
        look_at_it(&app).await?;
        search_everywhere(desktop, &given)?;
        reconnect(&app, &mut browser).await?;

        let given = issued(&issuer).await?;
        let refresh = of_kind(&given, "refresh_token");
        let newest = *refresh.last().context("a refresh token")?;
        ensure!(is_active(&issuer, newest).await?, "the newest token works");
        search_everywhere(desktop, &given)?;

        disconnect(&app).await?;
        for (place, token) in refresh.iter().enumerate() {
            until(
                &format!("refresh token {place} to be refused"),
                async || Ok((!is_active(&issuer, token).await?).then_some(())),
            )
            .await?;
        }
        assert_eq!(record::count(desktop, "integrations")?, 0);
        assert_eq!(record::count(desktop, "credentials")?, 0);
        search_everywhere(desktop, &given)?;
        app.quit().await?;
        search_everywhere(desktop, &given)?;

        let seen = watch.end().await?;
        let given = issued(&issuer).await?;
        let needles = needles(&given)?;
        let found: Vec<String> = seen
            .arguments
            .iter()
            .flat_map(|arguments| {
                search::search(&String::from_utf8_lossy(arguments), arguments, &needles)
            })
            .chain(search::search("the session bus", &seen.bus, &needles))
            .collect();
        assert_eq!(found, Vec::<String>::new());
        // The watch did see: the two links that the browser was given, and the keyring being asked.
        let links = browser.asked()?;
        assert_eq!(links.len(), 2, "one link for each sign-in: {links:?}");
        for link in &links {
            let seen = seen.arguments.iter().any(|arguments| {
                let mut words = arguments.split(|byte| *byte == 0);
                words.any(|word| word == link.as_bytes())
            });
            ensure!(seen && link.contains("/start/"), "{link} was not seen");
        }
        ensure!(memchr::memmem::find(&seen.bus, b"org.freedesktop.Secret").is_some());
        Ok(())
    })
    .await
}

/// Address, confirmation, browser, card.
async fn connect(app: &App<'_>, server: &Peer, browser: &mut Browser) -> Result<()> {
    app.press("Add integration").await?;
    app.see("dialog[open]").await?;
    app.picture("2-add").await?;
    app.click("#choose-mcp").await?;
    app.fill("#url", &server.url).await?;
    app.picture("2-form").await?;
    app.press("Connect").await?;
    app.read(
        "dialog[open]",
        "127.0.0.1, inside a private network. Is that meant?",
    )
    .await?;
    assert_eq!(
        browser.asked()?,
        Vec::<String>::new(),
        "nothing is opened before the admin agrees"
    );
    app.picture("2-private").await?;
    app.press("Yes, connect to it").await?;
    app.read("dialog[open]", "Waiting for your browser").await?;
    app.picture("2-waiting").await?;

    let opened = browser.opened().await?;
    opened.sign_in("ann").await?;
    let (heading, link) = opened.last_page().await?;
    assert_eq!(
        (heading.as_str(), link.as_str()),
        ("You can return to Chief", "app.chief.integrations:/raise")
    );
    opened.picture("2-return").await?;
    drop(opened);

    app.read("dialog[open]", "Protected tests is connected.")
        .await?;
    app.read("dialog[open]", "5 tools were found.").await?;
    app.picture("2-connected").await?;
    app.press("Close").await
}

/// The card, its scopes, its page, a test, its activity.
async fn look_at_it(app: &App<'_>) -> Result<()> {
    app.gone("dialog[open]").await?;
    let card = app.see("[data-testid=card][data-status=healthy]").await?;
    assert_eq!(
        card.attr("aria-label").await?.as_deref(),
        Some("Protected tests")
    );
    app.read("[data-testid=card] summary", "Scopes (2)").await?;
    app.click("[data-testid=card] summary").await?;
    app.read("[data-testid=card] .scopes", "tools:read").await?;
    app.read("[data-testid=card] .scopes", "tools:write")
        .await?;
    app.picture("2-card").await?;
    app.click("[data-testid=card] h2 a").await?;
    app.read("[data-testid=tool]", "whoami").await?;
    assert_eq!(app.count("[data-testid=tool]").await?, 5);
    app.press("Test: Protected tests").await?;
    app.see("[data-testid=test-report][data-ok=true]").await?;
    app.picture("2-tested").await
}

/// The same sign-in once more.
async fn reconnect(app: &App<'_>, browser: &mut Browser) -> Result<()> {
    let before = app.page.current_url().await?;
    app.press("Reconnect: Protected tests").await?;
    app.read("dialog[open]", "Waiting for your browser").await?;
    app.picture("2-reconnecting").await?;
    let opened = browser.opened().await?;
    opened.sign_in("ann").await?;
    opened.last_page().await?;
    drop(opened);
    app.read("dialog[open]", "Protected tests is connected.")
        .await?;
    app.picture("2-reconnected").await?;
    app.press("Open").await?;
    app.gone("dialog[open]").await?;
    assert_eq!(
        app.page.current_url().await?,
        before,
        "the same integration"
    );
    app.press("Test: Protected tests").await?;
    app.see("[data-testid=test-report][data-ok=true]").await?;
    Ok(())
}

/// What it breaks, yes, and what is left.
async fn disconnect(app: &App<'_>) -> Result<()> {
    // The integration's own, not the app's.
    app.click("main a[href$='/settings']").await?;
    app.click(".danger-zone button").await?;
    app.read("dialog[open]", "Disconnect Protected tests?")
        .await?;
    app.read("dialog[open]", "Its 5 tools are gone for every agent.")
        .await?;
    app.read("dialog[open]", "Its access is revoked at 127.0.0.1.")
        .await?;
    app.picture("2-disconnect").await?;
    app.click("[data-testid=disconnect-confirm]").await?;
    app.read(
        "[data-testid=disconnect-result]",
        "127.0.0.1 confirmed that the access is revoked.",
    )
    .await?;
    app.picture("2-disconnected").await?;
    app.press("Close").await?;
    app.gone("[data-testid=card]").await?;
    app.read("h1", "Connect your first integration").await?;
    app.press("Activity").await?;
    app.read("[data-testid=activity-row]", "disconnected")
        .await?;
    app.read("[data-testid=activity-row]", "Protected tests")
        .await?;
    app.picture("2-activity").await
}

fn search_everywhere(desktop: &Desktop, given: &[(String, String)]) -> Result<()> {
    let needles = needles(given)?;
    assert_eq!(
        search_home(desktop, &needles)?,
        Vec::<String>::new(),
        "a secret lies in HOME"
    );
    assert_eq!(
        search::search_arguments(&needles)?,
        Vec::<String>::new(),
        "a secret is an argument of a program that runs"
    );
    // No secret, and kept to the end: the search looks where things are kept.
    let name = Needles::new([("the integration's name", "Protected tests")])?;
    let places = search_home(desktop, &name)?;
    ensure!(!places.is_empty(), "the search finds nothing at all");
    Ok(())
}
