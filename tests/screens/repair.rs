//! Repair: all of it, one sheet after the other, what fails first, and a way out of it; and a client typed anew.

use crate::kit::{
    Screen,
    api::Api,
    scripted::{Scripted, text},
};
use anyhow::Result;
use chief_tests::peers::Peer;
use serde_json::{Value, json};

async fn connect(screen: &Screen, api: &Api, name: &str) -> Result<()> {
    screen.click("[data-testid=add-integration]").await?;
    screen.click("#choose-api").await?;
    screen.fill("url", &api.url).await?;
    screen.fill("name", name).await?;
    screen.fill("secret", "first").await?;
    screen.fill("health-path", "/health").await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads("[data-testid=sheet]", &format!("{name} is connected."))
        .await?;
    screen.press("Close").await?;
    screen.gone("[data-testid=sheet]").await
}

#[tokio::test(flavor = "multi_thread")]
async fn repair_all_walks_from_one_to_the_next_and_can_be_left() -> Result<()> {
    let (orders, stock) = (Api::start("first").await?, Api::start("first").await?);
    let screen = Screen::open().await?;
    connect(&screen, &orders, "Orders").await?;
    connect(&screen, &stock, "Stock").await?;
    assert_eq!(screen.count("[data-testid=repair-all]").await?, 0);
    for (api, name) in [(&orders, "Orders"), (&stock, "Stock")] {
        api.rotate("second");
        screen.press(&format!("Test: {name}")).await?;
        let need = format!("[data-testid=need] [aria-label='Paste a fresh key: {name}']");
        screen.see(&need).await?;
    }
    screen.click("[data-testid=repair-all]").await?;
    screen
        .reads("[data-testid=sheet]", "One more after this")
        .await?;
    let first = screen.text("#sheet-title").await?;
    screen.click("[data-testid=repair-skip]").await?;
    screen.gone("[data-testid=repair-skip]").await?;
    let second = screen.text("#sheet-title").await?;
    assert_ne!(first, second, "the other one's turn");
    screen.fill("fresh-key", "second").await?;
    screen.press("Reconnect").await?;
    screen.reads("[data-testid=sheet]", "is connected.").await?;
    screen.press("Close").await?;
    screen.gone("[data-testid=sheet]").await?;
    // One is left, and one needs no walk.
    screen.gone("[data-testid=repair-all]").await?;
    assert_eq!(screen.count("[data-testid=need]").await?, 1);
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn repair_all_resumes_the_crons_of_what_works_again() -> Result<()> {
    let (orders, stock) = (Api::start("first").await?, Api::start("first").await?);
    let screen = Screen::open().await?;
    connect(&screen, &orders, "Orders").await?;
    connect(&screen, &stock, "Stock").await?;
    let cards = screen.ask("list_integrations", json!({})).await?;
    for card in cards.as_array().into_iter().flatten() {
        let call = json!({
            "integration": card["id"], "tool": "call",
            "arguments": r#"{"method":"GET","path":"/health"}"#,
        });
        let cron = json!({
            "name": format!("{} at night", card["name"].as_str().unwrap_or_default()),
            "schedule": "0 3 * * *", "zone": "UTC", "calls": [call],
            "missed": "leave_out", "limit_min": 10,
        });
        screen.ask("save_cron", json!({ "cron": cron })).await?;
    }
    for (key, status) in [("second", "failing"), ("first", "healthy")] {
        orders.rotate(key);
        stock.rotate(key);
        for card in cards.as_array().into_iter().flatten() {
            let ask = json!({ "id": card["id"] });
            screen.ask("test_integration", ask).await?;
        }
        let both = format!("[data-testid=card][data-status={status}]");
        screen
            .until(&format!("both are {status}"), async || {
                Ok(screen.count(&both).await? == 2)
            })
            .await?;
    }
    screen
        .until("both can be resumed", async || {
            Ok(screen
                .count("[data-testid=need] [data-testid=resume-crons]")
                .await?
                == 2)
        })
        .await?;
    screen.click("[data-testid=repair-all]").await?;
    screen.gone("[data-testid=need]").await?;
    let crons = screen.ask("list_crons", json!({})).await?;
    let held = |cron: &Value| !cron["depends"][0]["held_since"].is_null();
    assert!(!crons.as_array().into_iter().flatten().any(held), "{crons}");
    screen.close().await
}

/// An API of the admin's own client, whose secret shows at a certified authorization server.
async fn signed_in(screen: &Screen, issuer: &Peer) -> Result<Scripted> {
    let api = Scripted::serve(|_| async { text(200, "{}") }).await?;
    let auth = json!({
        "auth": "sign_in", "server": { "by": "issuer", "issuer": issuer.url }, "scopes": "openid",
        "client_id": "company-basic", "client_secret": "only/for+tests:basic&%", "client_auth": "basic",
    });
    let url = api.url("/v1");
    let target = json!({ "kind": "api", "name": "Orders", "base_url": url, "health_path": "/me", "auth": auth });
    let begin = json!({ "target": target, "confirmed": { "private_address": true } });
    screen.ask("start_connect", begin).await?;
    screen
        .see("[data-testid=card][data-status=healthy]")
        .await?;
    Ok(api)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_secret_is_no_longer_right_is_typed_anew_where_it_reconnects() -> Result<()>
{
    let issuer = Peer::start("oidc", &[]).await?;
    let screen = Screen::signing_in().await?;
    let _api = signed_in(&screen, &issuer).await?;
    issuer.control("/test/fail?path=/token&mode=client").await?;
    screen.press("More for Orders").await?;
    screen.press("Reconnect").await?;
    screen
        .reads(
            "[data-testid=sheet]",
            "no longer accepts this client ID and secret",
        )
        .await?;
    screen.look("reconnect-client").await?;
    screen.fill("fresh-key", "only/for+tests:basic&%").await?;
    screen.press("Reconnect").await?;
    screen.reads("[data-testid=sheet]", "is connected.").await?;
    screen.close().await
}
