//! What Reconnect does to the sign-in that it replaces.

use crate::{
    kit::{
        Home,
        authority::Authority,
        browser,
        scripted::{Scripted, json as json_answer},
        targets, tick,
    },
    sign_in::pair,
};
use anyhow::{Context, Result, bail, ensure};
use engine::vault::Credential;
use serde_json::json;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Mutex;
use wire::{ErrorCode, Fix, Reason, RowKind, Status};

#[tokio::test]
async fn reconnect_ends_the_grant_that_it_replaces_and_not_the_new_one() -> Result<()> {
    let (issuer, server) = pair(&[]).await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    let asking = async |home: &Home| -> Result<String> {
        let Credential::OAuth(held) = home.held(id).await? else {
            bail!("it signed in")
        };
        let refresh = held.refresh.as_ref().context("a refresh token")?;
        let token = url::form_urlencoded::byte_serialize(refresh.reveal().as_bytes());
        Ok(format!("/test/token?token={}", token.collect::<String>()))
    };
    let old = asking(&home).await?;

    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id);

    let began = std::time::Instant::now();
    while issuer.control(&old).await?["active"] == true {
        tick(began, "the old refresh token to be refused").await?;
    }
    let new = asking(&home).await?;
    assert_ne!(new, old);
    assert_eq!(
        issuer.control(&new).await?["active"],
        true,
        "the new one lives"
    );
    home.call(id, "list_items", json!({})).await?;
    let revoked = home.rows_of(RowKind::Token, "token.revoke").await?;
    assert_eq!(revoked.len(), 1, "the record tells of it");
    Ok(())
}

#[tokio::test]
async fn a_reconnect_that_comes_to_nothing_leaves_the_grant_that_it_shares() -> Result<()> {
    let authority = Authority::start().await?;
    authority.knows_document("company-app");
    authority.state.ends_all.store(true, Ordering::Relaxed);
    let home = Home::new().await?;
    home.ask::<wire::SaveAppCredentials>(json!({
        "owner": { "owner": "issuer", "issuer": authority.issuer() },
        "client_id": "company-app", "client_secret": null, "client_auth": "none",
    }))
    .await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;

    // Signed in once more by the same client, but the server has a bad moment.
    authority.breaks_after_sign_in();
    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::ServerError);
    assert_eq!(authority.token_requests("authorization_code"), 2);
    // What it left is cleared away behind it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    authority.as_usual("/mcp");
    authority.end_access();
    assert_eq!(
        home.test(id).await?.error,
        None,
        "the held one still renews"
    );
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn a_server_that_forgot_the_client_asks_for_a_reconnect() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;

    // Its clients were in memory, and it was started anew.
    authority.forget_clients();
    clock.advance(3_300_000);
    assert_eq!(home.test(id).await?.error, None, "the token lives a while");
    authority.end_access();
    clock.advance(600_000);
    let report = home.test(id).await?;
    let error = report.error.context("it was refused")?;
    assert_eq!(error.code, ErrorCode::OauthClientGone, "{error}");
    let Reason::Rejected { .. } = report.health.reason else {
        bail!("it answered: {:?}", report.health)
    };
    assert_eq!(report.health.fix, Some(Fix::Reconnect));

    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id);
    assert_eq!(home.test(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn a_disconnect_ends_a_reconnect_that_waits_for_the_browser() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    home.desk.on_open(|_| {});
    let attempt = home.begin_again(id, None).await?;
    home.waits_for_browser(attempt).await?;
    home.disconnect(id).await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptCancelled);
    ensure!(!authority.anything_lives());
    Ok(())
}

#[tokio::test]
async fn a_document_that_is_imported_while_a_reconnect_goes_on_stands() -> Result<()> {
    let answers = Arc::new(Mutex::new(()));
    let gate = answers.clone();
    let api = Scripted::serve(move |_| {
        let gate = gate.clone();
        async move {
            let _open = gate.lock().await;
            json_answer(200, &json!({ "order": 17 }))
        }
    })
    .await?;
    let home = Home::new().await?;
    let target = targets::api(&api.url("/v1"), "/me", targets::bearer("old-key"));
    let id = home.connect(target).await?;
    assert_eq!(home.tools(id).await?, ["call"]);

    let shut = answers.lock().await;
    let attempt = home.begin_again(id, Some("new-key")).await?;
    let text = json!({
        "openapi": "3.0.3", "info": { "title": "Orders", "version": "1" },
        "servers": [{ "url": api.url("/v1") }],
        "paths": { "/orders": { "get": {
            "operationId": "list_orders", "responses": { "200": { "description": "them" } },
        } } },
    });
    let source = json!({ "from": "file", "name": "orders.json", "text": text.to_string() });
    let document = home
        .ask::<wire::InspectOpenapi>(
            json!({ "source": source, "integration": id, "confirmed": {} }),
        )
        .await?;
    home.ask::<wire::ImportAgain>(json!({ "id": id, "document": document.id }))
        .await?;
    drop(shut);
    assert_eq!(home.done(attempt).await?, id);
    assert_eq!(home.tools(id).await?, ["list_orders"]);
    home.call(id, "list_orders", json!({})).await?;
    let sent = api.seen_at("/v1/orders");
    assert_eq!(sent[0].bearer(), "new-key");
    Ok(())
}
