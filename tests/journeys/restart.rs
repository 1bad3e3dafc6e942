//! The app ends and starts again on the same folder.

use crate::kit::{
    Home, authority::Authority, browser, call, health::notices, mcp, scripted::Scripted, targets,
    text_of, tick,
};
use anyhow::{Context, Result};
use engine::{
    fakes::{FakeDesk, MemoryKeyring},
    ports::{KeyringError, Ports, SystemClock},
};
use serde_json::json;
use std::{sync::Arc, time::Instant};
use tokio::sync::Notify;
use wire::{ErrorCode, Fix, KeyringView, Outcome, Reason, RowKind, Status};

#[tokio::test]
async fn everything_is_still_there_after_a_restart() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let sample = home.connect(targets::sample()).await?;
    let signed_in = home.connect(targets::mcp(&authority.resource())).await?;
    home.call(sample, "echo", json!({ "text": "before" }))
        .await?;
    home.test(signed_in).await?;
    home.ask::<wire::SaveSettings>(
        json!({ "settings": { "person": "Ada Lovelace", "theme": "dark" } }),
    )
    .await?;
    let cards = home.cards().await?;
    let rows = home.record_and_pings().await?;
    let tools = home
        .ask::<wire::ListTools>(json!({ "id": signed_in }))
        .await?;

    let home = home.restart().await?;

    assert_eq!(home.cards().await?, cards);
    assert_eq!(home.record_and_pings().await?, rows);
    assert_eq!(
        home.ask::<wire::ListTools>(json!({ "id": signed_in }))
            .await?,
        tools
    );
    assert_eq!(
        home.ask::<wire::GetSettings>(json!({})).await?.person,
        "Ada Lovelace"
    );
    // The sample listens on another port now, and knows its token again.
    assert_eq!(home.test(sample).await?.error, None);
    assert_eq!(
        text_of(
            &home
                .call(sample, "echo", json!({ "text": "after" }))
                .await?
        ),
        "after"
    );
    // Nobody is asked to sign in again.
    home.call(signed_in, "greet", json!({})).await?;
    assert_eq!(authority.token_requests("authorization_code"), 1);
    home.disconnect(signed_in).await?;
    assert!(
        !authority.anything_lives(),
        "what was saved can still be revoked"
    );
    home.disconnect(sample).await?;
    let home = home.restart().await?;
    assert!(home.cards().await?.is_empty(), "and gone is gone");
    assert!(
        home.record()
            .await?
            .iter()
            .any(|row| row.action == "sample.echo"),
        "but the history stays"
    );
    Ok(())
}

#[tokio::test]
async fn a_call_that_the_app_did_not_live_to_finish_is_unknown() -> Result<()> {
    let server =
        Scripted::serve(|seen| async move { mcp::answer(&seen, &Arc::new(Notify::new())).await })
            .await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let engine = home.engine.clone();
    let call = tokio::spawn(async move { call(&engine, id, "wait", json!({})).await });
    let began = Instant::now();
    while !server
        .seen()
        .iter()
        .any(|seen| seen.json()["method"] == "tools/call")
    {
        tick(began, "the call to arrive").await?;
    }
    // As if the process died: the call's task goes without a word.
    call.abort();
    let _ = call.await;
    let home = home.restart().await?;
    let row = home
        .rows_of(RowKind::Call, "keyed.wait")
        .await?
        .pop()
        .context("its row")?;
    assert_eq!((row.outcome, row.took_ms), (Outcome::Unknown, None));
    home.call(id, "greet", json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn a_second_app_on_the_same_data_is_refused() -> Result<()> {
    let home = Home::new().await?;
    let options = engine::Options {
        folder: home.folder().to_owned(),
        log_folder: home.folder().join("logs"),
        providers: engine::providers::Sources::default(),
        version: "0".to_owned(),
        client_document: None,
    };
    let ports = Ports {
        clock: Arc::new(SystemClock),
        desk: Arc::new(FakeDesk::default()),
        keyring: Arc::new(MemoryKeyring::default()),
    };
    let second = engine::Engine::start(options, ports).await;
    assert_eq!(
        second.err().map(|error| error.code),
        Some(ErrorCode::StoreInUse)
    );
    Ok(())
}

#[tokio::test]
async fn each_trouble_of_the_keyring_has_its_own_name_and_loses_nothing() -> Result<()> {
    let server =
        Scripted::serve(|seen| async move { mcp::answer(&seen, &Arc::default()).await }).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    for (fault, expected, view) in [
        (
            KeyringError::Locked,
            ErrorCode::KeyringLocked,
            KeyringView::Locked,
        ),
        (
            KeyringError::Absent,
            ErrorCode::KeyringAbsent,
            KeyringView::Absent,
        ),
        (
            KeyringError::Hanging,
            ErrorCode::KeyringHanging,
            KeyringView::Hanging,
        ),
    ] {
        let keyring = home.keyring.clone();
        keyring.fail_with(Some(fault));
        let app = home.copy()?;
        let other = Home::on_copy(app, keyring.clone()).await?;
        let report = other.test(id).await?;
        assert_eq!(report.error.map(|error| error.code), Some(expected));
        assert_eq!(
            report.health.status,
            Status::Healthy,
            "the integration is not to blame"
        );
        assert_eq!(other.ask::<wire::GetApp>(json!({})).await?.keyring, view);
        let begun = other
            .begin(targets::mcp_bearer(&server.url("/other"), "key"))
            .await;
        assert_eq!(
            begun.err().map(|error| error.code),
            Some(expected),
            "nothing is begun that cannot be kept"
        );
        keyring.fail_with(None);
        assert_eq!(
            other.ask::<wire::UnlockKeyring>(json!({})).await?,
            KeyringView::Ready
        );
        assert_eq!(other.test(id).await?.error, None, "nothing was lost");
    }
    Ok(())
}

#[tokio::test]
async fn for_this_run_only_writes_no_credential() -> Result<()> {
    let server =
        Scripted::serve(|seen| async move { mcp::answer(&seen, &Arc::default()).await }).await?;
    let home = Home::new().await?;
    home.keyring.fail_with(Some(KeyringError::Absent));
    let begun = home
        .begin(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await;
    assert_eq!(
        begun.err().map(|error| error.code),
        Some(ErrorCode::KeyringAbsent)
    );
    assert_eq!(
        home.ask::<wire::UseSessionOnly>(json!({})).await?,
        KeyringView::SessionOnly
    );
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    home.call(id, "greet", json!({})).await?;
    let home = home.restart().await?;
    home.keyring.fail_with(None);
    let health = home.card(id).await?.health;
    assert_eq!(health.reason, Reason::RunEnded, "said before anybody asks");
    assert_eq!(
        (health.status, health.fix),
        (Status::Failing, Some(Fix::PasteKey))
    );
    assert_eq!(notices(&home)?.len(), 1, "and told once");
    let report = home.test(id).await?;
    assert!(
        report.error.is_some(),
        "its credential is gone, as was said"
    );
    assert_eq!(report.health.reason, Reason::RunEnded, "and no lost key");
    let attempt = home.begin_again(id, Some("key")).await?;
    home.done(attempt).await?;
    assert_eq!(home.test(id).await?.error, None);
    Ok(())
}
