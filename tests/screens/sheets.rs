//! What a sheet holds stays until its admin closes it, and what it began is told or called off.

use crate::kit::{Screen, api::Api};
use anyhow::{Context, Result, ensure};
use chief_tests::peers::Peer;
use serde_json::{Value, json};
use thirtyfour::Key;

const SHEET: &str = "[data-testid=sheet]";

async fn api_form(screen: &Screen, url: &str) -> Result<()> {
    screen.click("[data-testid=add-integration]").await?;
    screen.click("#choose-api").await?;
    for (field, text) in [("url", url), ("name", "Orders"), ("secret", "right-key")] {
        screen.fill(field, text).await?;
    }
    screen.fill("health-path", "/health").await
}

async fn connect(screen: &Screen, url: &str) -> Result<()> {
    api_form(screen, url).await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen.reads(SHEET, "Orders is connected.").await?;
    screen.press("Close").await?;
    screen.gone(SHEET).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_that_runs_cannot_be_left_and_says_how_it_went() -> Result<()> {
    let issuer = Peer::start("oidc", &[]).await?;
    let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
    let screen = Screen::signing_in().await?;
    screen.connect_mcp(&server.url).await?;
    issuer
        .control("/test/fail?path=/token/revocation&mode=hang&count=9")
        .await?;
    screen.go("#/").await?;
    screen.press("More for Items").await?;
    screen.press("Disconnect").await?;
    screen.click("[data-testid=disconnect-confirm]").await?;
    screen
        .reads("[data-testid=disconnect-confirm]", "Disconnecting")
        .await?;
    ensure!(
        screen.count(&format!("{SHEET} button:enabled")).await? == 0,
        "nothing there calls it off"
    );
    screen.picture("disconnecting").await?;
    for _ in 0..3 {
        // To the page: between its closing and its opening again nothing in the sheet has the focus.
        let keys = screen.page.action_chain();
        keys.send_keys(Key::Escape + "").perform().await?;
    }
    screen.see("dialog[open]").await?;
    screen
        .reads("[data-testid=disconnect-result]", "has not confirmed")
        .await?;
    screen.look("disconnected").await?;
    screen.press("Close").await?;
    screen.gone(SHEET).await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_stands_in_front_and_what_leads_elsewhere_waits() -> Result<()> {
    let api = Api::start("right-key").await?;
    let screen = Screen::open().await?;
    connect(&screen, &api.url).await?;
    let id = screen.integration().await?;
    api_form(&screen, "https://api.example.com").await?;
    ensure!(screen.engine()?.ask_to_quit());
    screen
        .until("two sheets", async || Ok(screen.count(SHEET).await? == 2))
        .await?;
    screen.look("closing-over-a-form").await?;
    screen.press("Close").await?;
    screen
        .until("one sheet", async || Ok(screen.count(SHEET).await? == 1))
        .await?;
    let count = "const send = window.fetch.bind(window);
        window.fetch = async (url, init) => {
            const answer = await send(url, init);
            window.taken ||= String(url).endsWith('/take_errand');
            return answer;
        };";
    screen.page.execute(count, vec![]).await?;
    screen.engine()?.show(id);
    screen
        .until("the page took it", async || {
            let taken = screen.page.execute("return window.taken ?? false", vec![]);
            Ok(taken.await?.json() == &json!(true))
        })
        .await?;
    ensure!(screen.engine()?.ask_to_quit());
    screen
        .until("two sheets", async || Ok(screen.count(SHEET).await? == 2))
        .await?;
    screen.press("Minimise instead").await?;
    screen
        .until("one sheet", async || Ok(screen.count(SHEET).await? == 1))
        .await?;
    ensure!(screen.value("url").await? == "https://api.example.com");
    ensure!(screen.value("secret").await? == "right-key");
    ensure!(screen.text("#title").await? != "Orders", "not yet");
    screen.press("Close").await?;
    screen.reads("#title", "Orders").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_gets_nothing_that_was_typed_for_the_last_one() -> Result<()> {
    let screen = Screen::open().await?;
    api_form(&screen, "https://api.a.example/v1").await?;
    screen.press("Back").await?;
    // The same one again: all of it is there.
    screen.click("#choose-api").await?;
    ensure!(screen.value("secret").await? == "right-key");
    screen.press("Back").await?;
    screen
        .fill("gallery-search", "https://api.b.example/v1")
        .await?;
    screen.press("Connect as a custom API").await?;
    ensure!(screen.value("url").await? == "https://api.b.example/v1");
    for field in ["name", "secret", "health-path"] {
        ensure!(screen.value(field).await?.is_empty(), "{field}");
    }
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_that_is_closed_before_the_first_answer_leaves_no_attempt() -> Result<()> {
    let api = Api::start("right-key").await?;
    let screen = Screen::open().await?;
    api_form(&screen, &api.url).await?;
    // As after a keyring that takes its time.
    let slow = "const send = window.fetch.bind(window);
        window.fetch = async (url, init) => {
            const answer = await send(url, init);
            if (String(url).endsWith('/start_connect')) {
                window.started = await answer.clone().json();
                await new Promise(done => { window.answer = done; });
            }
            return answer;
        };";
    screen.page.execute(slow, vec![]).await?;
    screen.press("Connect").await?;
    let started = async || -> Result<Value> {
        let found = screen.page.execute("return window.started ?? null", vec![]);
        Ok(found.await?.json().clone())
    };
    screen
        .until("it began", async || Ok(!started().await?.is_null()))
        .await?;
    screen.keys(Key::Escape + "").await?;
    screen.gone(SHEET).await?;
    screen.page.execute("window.answer()", vec![]).await?;
    let id = started().await?["id"].clone();
    ensure!(id.is_string(), "an attempt");
    screen
        .until("it is called off", async || {
            let attempt = screen.ask("get_attempt", json!({ "id": id })).await;
            Ok(attempt.map_or(true, |attempt| attempt["phase"]["phase"] == "failed"))
        })
        .await?;
    ensure!(screen.count(SHEET).await? == 0);
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_cannot_be_read_removes_no_end() -> Result<()> {
    let api = Api::start("right-key").await?;
    let screen = Screen::open().await?;
    connect(&screen, &api.url).await?;
    let id = screen.integration().await?;
    let end = json!({ "id": id, "ends_at": 4_102_444_800_000_i64 });
    screen.ask("set_end", end).await?;
    let known = async || -> Result<Value> {
        let view = screen.ask("get_integration", json!({ "id": id })).await?;
        Ok(view["ends_at"].clone())
    };
    ensure!(!known().await?.is_null());
    screen.go(&format!("#/integrations/{id}/settings")).await?;
    let field = screen.see("#ends-on").await?;
    let typed = async |day: &str| -> Result<()> {
        let set = "const field = document.getElementById('ends-on');
            field.value = arguments[0];
            field.dispatchEvent(new Event('input', { bubbles: true }));";
        screen.page.execute(set, vec![json!(day)]).await?;
        field.send_keys(Key::Enter + "").await?;
        Ok(())
    };
    // As the year is typed by hand.
    typed("0026-11-27").await?;
    screen.reads("#ends-on-error", "its whole year").await?;
    screen.look("end-unread").await?;
    ensure!(!known().await?.is_null(), "the end is as it was");
    typed("").await?;
    screen
        .until("none", async || Ok(known().await?.is_null()))
        .await?;

    // At Reconnect it stands at its own field.
    screen.press("Paste a fresh key: Orders").await?;
    screen.fill("fresh-key", "right-key").await?;
    let set = "const field = document.getElementById('fresh-ends-on');
        field.value = '2020-01-01';
        field.dispatchEvent(new Event('input', { bubbles: true }));";
    screen.page.execute(set, vec![]).await?;
    screen.press("Reconnect").await?;
    screen.reads("#fresh-ends-on-error", "has passed").await?;
    ensure!(screen.count("#fresh-key-error").await? == 0);
    screen.look("end-passed").await?;
    screen.close().await.context("quietly")
}
