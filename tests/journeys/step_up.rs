//! A tool that asks for more than the sign-in holds: Request access asks for it beside what is held, three
//! times at most; then it stays as it is until the account's owner allows it.

use crate::kit::{Home, authority::Authority, browser, code, targets};
use anyhow::{Context, Result};
use serde_json::json;
use wire::{ErrorCode, IntegrationId, LackView, Remedy, Status};

async fn signed_in() -> Result<(Authority, Home, IntegrationId)> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    Ok((authority, home, id))
}

async fn lack(home: &Home, id: IntegrationId, tool: &str) -> Result<Option<LackView>> {
    let tools = home.ask::<wire::ListTools>(json!({ "id": id })).await?;
    let found = tools.into_iter().find(|each| each.name == tool);
    Ok(found.context("the tool is listed")?.lacks)
}

async fn request_access(home: &Home, id: IntegrationId, tool: &str) -> Result<(), wire::Error> {
    let request = json!({ "id": id, "tool": tool, "confirmed": {} });
    let attempt = home.ask::<wire::Reconnect>(request).await?;
    match home.done(attempt.id).await {
        Ok(_) => Ok(()),
        Err(error) => Err(wire::Error::new(ErrorCode::Internal).with("why", error.to_string())),
    }
}

/// The scopes of the newest authorization request.
fn asked(authority: &Authority) -> Vec<String> {
    let all = authority.server.seen_at("/authorize");
    let scope = all.last().and_then(|seen| seen.asked("scope"));
    let scope = scope.unwrap_or_default();
    scope.split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn request_access_asks_for_what_is_held_and_what_was_named_and_then_the_tool_works()
-> Result<()> {
    let (authority, home, id) = signed_in().await?;
    authority.needs("greet", "tools:write", false);
    let refused = home.call(id, "greet", json!({})).await;
    assert_eq!(code(refused)?, ErrorCode::Forbidden);
    let card = home.card(id).await?;
    assert_eq!(
        card.health.status,
        Status::Healthy,
        "it is the tool’s, not the card’s"
    );
    assert_eq!(
        lack(&home, id, "greet").await?,
        Some(LackView {
            scopes: vec!["tools:write".to_owned()],
            remedy: Remedy::SignIn
        })
    );
    let missing = card.scopes.iter().find(|scope| scope.name == "tools:write");
    let missing = missing.context("what is missing is shown beside what is granted")?;
    assert!(!missing.granted);
    assert_eq!(missing.tools, ["greet"]);

    request_access(&home, id, "greet").await?;
    assert_eq!(asked(&authority), ["tools:read", "tools:write"]);
    assert_eq!(lack(&home, id, "greet").await?, None);
    home.call(id, "greet", json!({})).await?;
    let scopes = home.card(id).await?.scopes;
    assert!(
        scopes
            .iter()
            .all(|scope| scope.granted && scope.tools.is_empty()),
        "{scopes:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_refusal_that_names_nothing_asks_for_everything_that_the_server_offers() -> Result<()> {
    let (authority, home, id) = signed_in().await?;
    authority.needs("greet", "tools:write", true);
    assert!(home.call(id, "greet", json!({})).await.is_err());
    request_access(&home, id, "greet").await?;
    assert_eq!(
        asked(&authority),
        ["tools:read", "tools:write"],
        "scopes_supported"
    );
    home.call(id, "greet", json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn after_three_sign_ins_that_did_not_bring_it_the_app_stops_asking() -> Result<()> {
    let (authority, home, id) = signed_in().await?;
    authority.needs("greet", "tools:write", false);
    authority.grants(&["tools:read"]);
    for sign_in in 1..=3 {
        assert!(home.call(id, "greet", json!({})).await.is_err());
        let remedy = lack(&home, id, "greet")
            .await?
            .context("it lacks a scope")?
            .remedy;
        assert_eq!(remedy, Remedy::SignIn, "before sign-in {sign_in}");
        request_access(&home, id, "greet").await?;
    }
    assert!(home.call(id, "greet", json!({})).await.is_err());
    let opened = home.desk.opened().len();
    let refused = request_access(&home, id, "greet").await;
    assert_eq!(code(refused)?, ErrorCode::AccessRefused);
    assert_eq!(home.desk.opened().len(), opened, "no fourth browser");
    let remedy = lack(&home, id, "greet").await?.context("still")?.remedy;
    assert_eq!(remedy, Remedy::Owner);
    let home = home.restart().await?;
    let remedy = lack(&home, id, "greet")
        .await?
        .context("after a restart, too")?
        .remedy;
    assert_eq!(remedy, Remedy::Owner);
    let card = home.card(id).await?;
    assert_eq!(card.health.status, Status::Healthy);
    let missing = card.scopes.iter().find(|scope| scope.name == "tools:write");
    assert!(
        missing.is_some_and(|scope| !scope.granted),
        "asked for, not granted"
    );

    // The owner allows it there: the next call clears it.
    authority.grants(&["tools:read", "tools:write"]);
    let _ends = browser::signs_in(&home.desk);
    let attempt = home.begin_again(id, None).await?;
    home.done(attempt).await?;
    home.call(id, "greet", json!({})).await?;
    assert_eq!(lack(&home, id, "greet").await?, None);
    Ok(())
}

/// Resource server and authorization server need not agree on names, and names go.
#[tokio::test]
async fn a_scope_that_the_server_does_not_know_ends_no_reconnect() -> Result<()> {
    let (authority, home, id) = signed_in().await?;
    authority.needs("greet", "tools:write", false);
    assert!(home.call(id, "greet", json!({})).await.is_err());
    request_access(&home, id, "greet").await?;
    authority.needs("wait", "orders:admin", false);
    assert!(home.call(id, "wait", json!({})).await.is_err());
    authority.knows_its_scopes();
    let before = authority.server.seen_at("/authorize").len();

    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id);
    let all = authority.server.seen_at("/authorize");
    let scopes = all
        .iter()
        .skip(before)
        .filter_map(|seen| seen.asked("scope"));
    assert_eq!(
        scopes.collect::<Vec<_>>(),
        [
            "tools:read tools:write orders:admin",
            "tools:read tools:write"
        ],
        "what was granted is asked for again, and the rest is let go"
    );
    assert_eq!(home.test(id).await?.health.status, Status::Healthy);
    home.call(id, "greet", json!({})).await?;
    Ok(())
}
