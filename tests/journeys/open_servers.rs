//! MCP servers that ask for nothing, of both eras.

use crate::kit::{Home, targets, text_of};
use anyhow::Result;
use chief_tests::peers::Peer;
use serde_json::json;
use wire::{AuthView, Kind, Revocation, Status};

#[tokio::test]
async fn the_reference_server_connects_without_a_question() -> Result<()> {
    let server = Peer::start("everything", &[]).await?;
    let home = Home::new().await?;
    let id = home.connect(targets::mcp(&server.url)).await?;

    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    assert_eq!(
        (page.card.kind, page.card.auth.clone()),
        (Kind::Mcp, AuthView::None)
    );
    assert_eq!(page.protocol.as_deref(), Some("2025-11-25"));
    assert!(
        page.server.is_some_and(|server| !server.is_empty()),
        "the server's own name is shown"
    );
    assert!(page.probed_at.is_some());
    assert!(
        home.desk.opened().is_empty(),
        "no browser where nobody asks to sign in"
    );
    let tools = home.tools(id).await?;
    assert!(
        tools.contains(&"echo".to_owned()),
        "its tools are {tools:?}"
    );

    assert_eq!(home.test(id).await?.error, None);
    let answer = home
        .call(id, "echo", json!({ "message": "over there" }))
        .await?;
    assert!(text_of(&answer).contains("over there"), "it said {answer}");
    assert_eq!(
        home.disconnect(id).await?.revocation,
        Revocation::NotOffered
    );
    home.holds_nothing()
}

#[tokio::test]
async fn a_server_that_speaks_only_the_newer_era_connects_too() -> Result<()> {
    let server = Peer::start("mcp-modern", &[("LEGACY", "reject")]).await?;
    let home = Home::new().await?;
    let id = home.connect(targets::mcp(&server.url)).await?;

    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    assert_eq!(page.protocol.as_deref(), Some("2026-07-28"));
    assert!(
        page.card.name.contains("odern"),
        "named as the server calls itself: {}",
        page.card.name
    );
    let report = home.test(id).await?;
    assert_eq!(
        (report.error.clone(), report.health.status),
        (None, Status::Healthy)
    );
    assert!(
        report.tried.contains("server/discover"),
        "there is no ping in this era: {}",
        report.tried
    );
    let answer = home.call(id, "greet", json!({ "name": "Ada" })).await?;
    assert!(text_of(&answer).contains("Ada"));
    // Its argument must be repeated in a header, which only the list of tools tells.
    let answer = home
        .call(id, "route", json!({ "region": "eu-west" }))
        .await?;
    assert!(text_of(&answer).contains("eu-west"), "it said {answer}");
    // A tool's own failure is an answer, not the integration's trouble.
    let answer = home.call(id, "fail", json!({})).await?;
    assert_eq!(answer["isError"], true);
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    home.disconnect(id).await?;
    home.holds_nothing()
}

#[tokio::test]
async fn reconnecting_an_open_server_keeps_its_card() -> Result<()> {
    let server = Peer::start("mcp-modern", &[]).await?;
    let home = Home::new().await?;
    let id = home.connect(targets::mcp(&server.url)).await?;
    let before = home.card(id).await?;
    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id);
    let after = home.card(id).await?;
    assert_eq!(
        (before.slug, before.connected_at, before.tools),
        (after.slug, after.connected_at, after.tools)
    );
    let answer = home.call(id, "greet", json!({ "name": "Ada" })).await?;
    assert_ne!(answer["isError"], true);
    Ok(())
}
