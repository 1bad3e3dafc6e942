//! Calls under way: what Disconnect does to them, and what counts as use.

use crate::kit::{
    Home,
    authority::Authority,
    browser, call, mcp,
    scripted::{self, Scripted, Seen},
    targets, tick,
};
use anyhow::{Context, Result};
use engine::{
    agents::{self, Origin, Which},
    connectors::Caller,
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Instant,
};
use tokio::sync::Notify;
use wire::{Because, CallId, ErrorCode, IntegrationId, Outcome, RowKind};

#[tokio::test]
async fn disconnect_ends_a_call_under_way_by_name() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    let engine = home.engine.clone();
    let slow = tokio::spawn(async move { call(&engine, id, "wait", json!({})).await });
    let began = Instant::now();
    loop {
        let preview = home
            .ask::<wire::PreviewDisconnect>(json!({ "id": id }))
            .await?;
        if preview.in_flight == 1 {
            break;
        }
        tick(began, "the call to be under way").await?;
    }

    // By the name that it has now.
    home.ask::<wire::RenameIntegration>(json!({ "id": id, "name": "Slow server" }))
        .await?;
    let done = home.disconnect(id).await?;

    assert_eq!(done.ended_calls, 1);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), slow).await??;
    let error = ended.err().context("the call was ended")?;
    assert_eq!(error.code, ErrorCode::IntegrationDisconnected, "{error}");
    assert_eq!(
        error.args.get("integration").map(String::as_str),
        Some("Slow server")
    );
    let began = Instant::now();
    loop {
        let rows = home.record().await?;
        let row = rows
            .iter()
            .find(|row| row.kind == RowKind::Call)
            .context("the call's row stays")?;
        if row.outcome != Outcome::Running {
            assert_eq!(row.outcome, Outcome::Failed);
            assert_eq!(
                row.error.as_ref().map(|error| error.code),
                Some(ErrorCode::IntegrationDisconnected)
            );
            return home.holds_nothing();
        }
        tick(began, "the call's outcome").await?;
    }
}

type Slow = tokio::task::JoinHandle<Result<Value, wire::Error>>;

/// A call that its server does not answer, once it is under way.
async fn under_way(
    home: &Home,
    id: IntegrationId,
    tool: &'static str,
    arguments: Value,
) -> Result<Slow> {
    let engine = home.engine.clone();
    let slow = tokio::spawn(async move { call(&engine, id, tool, arguments).await });
    let began = Instant::now();
    while in_flight(home, id).await? == 0 {
        tick(began, "the call to be under way").await?;
    }
    Ok(slow)
}

async fn in_flight(home: &Home, id: IntegrationId) -> Result<u32> {
    let asked = json!({ "id": id });
    Ok(home.ask::<wire::PreviewDisconnect>(asked).await?.in_flight)
}

/// Disconnect foretells, counts and ends a call that began before the connector was made anew.
async fn is_ended_by_disconnect(home: &Home, id: IntegrationId, slow: Slow) -> Result<()> {
    assert_eq!(in_flight(home, id).await?, 1, "the preview counts it");
    assert_eq!(home.disconnect(id).await?.ended_calls, 1);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), slow).await??;
    let error = ended.err().context("the call was ended")?;
    assert_eq!(error.code, ErrorCode::IntegrationDisconnected, "{error}");
    Ok(())
}

/// A custom API that never answers one of its paths, and a call to that one.
async fn slow_api() -> Result<(Scripted, Home, IntegrationId, Slow)> {
    let server = Scripted::serve(|seen| async move {
        if seen.path == "/v1/slow" {
            std::future::pending::<()>().await;
        }
        scripted::json(200, &json!({}))
    })
    .await?;
    let home = Home::new().await?;
    let auth = targets::header("X-Api-Key", "key");
    let id = home
        .connect(targets::api(&server.url("/v1"), "/me", auth))
        .await?;
    let slow = under_way(&home, id, "call", get("/slow")).await?;
    Ok((server, home, id, slow))
}

fn get(path: &str) -> Value {
    json!({ "method": "GET", "path": path })
}

#[tokio::test]
async fn disconnect_ends_a_call_that_began_before_a_reconnect() -> Result<()> {
    let (_server, home, id, slow) = slow_api().await?;

    let attempt = home.begin_again(id, Some("fresh")).await?;
    home.done(attempt).await?;
    home.call(id, "call", get("/me")).await?;

    is_ended_by_disconnect(&home, id, slow).await
}

#[tokio::test]
async fn a_reconnect_leaves_a_call_to_an_mcp_server_alone() -> Result<()> {
    let (server, go_on) = mcp::waiting().await?;
    let home = Home::new().await?;
    let target = targets::mcp_bearer(&server.url("/mcp"), "key");
    let id = home.connect(target).await?;
    let slow = under_way(&home, id, "wait", json!({})).await?;
    let began = Instant::now();
    let calls = |seen: &Seen| seen.json()["method"] == "tools/call";
    while !server.seen().iter().any(calls) {
        tick(began, "the call to arrive").await?;
    }

    let attempt = home.begin_again(id, Some("fresh")).await?;
    home.done(attempt).await?;
    home.call(id, "greet", json!({})).await?;
    go_on.notify_one();

    let answer = slow.await??;
    assert_eq!(answer["content"][0]["text"], "waited", "{answer}");
    Ok(())
}

#[tokio::test]
async fn disconnect_ends_a_call_that_began_before_a_document_was_imported_again() -> Result<()> {
    let (_server, home, id, slow) = slow_api().await?;

    let text = json!({
        "openapi": "3.1.0",
        "info": { "title": "Orders", "version": "1" },
        "servers": [{ "url": "/v1" }],
        "paths": { "/orders": { "get": { "operationId": "listOrders" } } },
    });
    let source = json!({ "from": "file", "name": "orders.json", "text": text.to_string() });
    let document = home
        .ask::<wire::InspectOpenapi>(
            json!({ "source": source, "integration": id, "confirmed": {} }),
        )
        .await?;
    home.ask::<wire::ImportAgain>(json!({ "id": id, "document": document.id }))
        .await?;
    home.call(id, "list_orders", json!({})).await?;

    is_ended_by_disconnect(&home, id, slow).await
}

#[tokio::test]
async fn only_a_call_in_a_task_is_use() -> Result<()> {
    let server =
        Scripted::serve(|seen| async move { mcp::answer(&seen, &Arc::new(Notify::new())).await })
            .await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    home.test(id).await?;
    home.ask::<wire::ProbeIntegration>(json!({ "id": id }))
        .await?;
    let attempt = home.begin_again(id, Some("key")).await?;
    home.done(attempt).await?;
    assert_eq!(
        home.card(id).await?.last_used,
        None,
        "tests, probes and reconnecting are not use"
    );

    home.call(id, "greet", json!({})).await?;
    let used = home
        .card(id)
        .await?
        .last_used
        .context("a call in a task is use")?;
    assert!(
        matches!(&used.because, Because::Task { title, .. } if title.contains("1042")),
        "{used:?}"
    );
    home.test(id).await?;
    assert_eq!(
        home.card(id).await?.last_used,
        Some(used.clone()),
        "a later test changes nothing of it"
    );
    let call = home.rows_of(RowKind::Call, "keyed.greet").await?;
    assert_eq!(
        call.first().map(|row| &row.because),
        Some(&used.because),
        "the row says why, too"
    );
    Ok(())
}

#[tokio::test]
async fn a_call_is_written_down_before_it_leaves() -> Result<()> {
    let (server, go_on) = mcp::waiting().await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let engine = home.engine.clone();
    let slow = tokio::spawn(async move { call(&engine, id, "wait", json!({})).await });
    let began = Instant::now();
    while !server
        .seen()
        .iter()
        .any(|seen| seen.json()["method"] == "tools/call")
    {
        tick(began, "the call to arrive").await?;
    }
    let running = home.rows_of(RowKind::Call, "keyed.wait").await?;
    assert_eq!(
        running.first().map(|row| (row.outcome, row.took_ms)),
        Some((Outcome::Running, None))
    );
    go_on.notify_one();
    slow.await??;
    let over = home.rows_of(RowKind::Call, "keyed.wait").await?;
    assert_eq!(over.first().map(|row| row.outcome), Some(Outcome::Ok));
    assert!(over.first().is_some_and(|row| row.took_ms.is_some()));
    Ok(())
}

#[tokio::test]
async fn activity_is_read_page_by_page_without_gaps() -> Result<()> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    for n in 0..12 {
        home.call(id, "echo", json!({ "text": format!("{n}") }))
            .await?;
        home.test(id).await?;
    }
    let all = home.record_and_pings().await?;
    assert_eq!(
        all.len(),
        26,
        "connected and the request that proved it, twelve calls, twelve pings"
    );
    let mut read = vec![];
    let mut before = None;
    loop {
        let request = json!({ "integration": id, "before": before, "limit": 7, "pings": true });
        let page = home.ask::<wire::ListActivity>(request).await?;
        assert!(page.rows.len() <= 7);
        read.extend(page.rows);
        match page.next {
            Some(next) => before = Some(next),
            None => break,
        }
    }
    assert_eq!(read, all);
    assert_eq!(
        home.record().await?.len(),
        13,
        "without pings only the record"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_went_out_once_and_is_denied_before_it_goes_again_is_no_denied_one()
-> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    home.ask::<wire::SetBodies>(json!({ "id": id, "days": 7 }))
        .await?;
    let _door = home.open_door().await?;
    let (agent, _) = home.pair(json!({ "name": "Claude" })).await?;
    let offered = agents::tools(&home.engine, &agent, Which::All).await?.tools;
    let mut offered = offered.into_iter();
    let greet = offered.find(|tool| tool.tool == "greet").context("greet")?;

    // Its token is refused, and the next one is a while in coming.
    let (renew, renewed) = mpsc::channel::<()>();
    let renewed = Mutex::new(renewed);
    authority.instead("/token", move |_| {
        let renewed = renewed.lock().unwrap_or_else(PoisonError::into_inner);
        // (What else this thread was to do goes on at another.)
        let _ = tokio::task::block_in_place(|| renewed.recv_timeout(crate::kit::PATIENCE));
        let tokens = json!({ "access_token": "next", "token_type": "Bearer", "expires_in": 3600,
            "refresh_token": "next-one" });
        scripted::json(200, &tokens)
    });
    authority.end_access();
    let engine = home.engine.clone();
    let call = tokio::spawn(async move {
        let from = Origin {
            because: Because::task("Claude", None),
            session: None,
        };
        let arguments = json!({ "name": "Ada" });
        agents::call(&engine, &agent, &greet, arguments, from, Caller::default()).await
    });
    let began = Instant::now();
    while authority.token_requests("refresh_token") == 0 {
        tick(began, "the token to be asked for").await?;
    }
    let deny = json!({ "id": id, "tool": "greet", "agent": null, "choice": "deny" });
    home.ask::<wire::SetPolicy>(deny).await?;
    renew.send(())?;
    let error = call.await?.err().context("denied")?;
    assert_eq!(error.code, ErrorCode::PolicyDenied, "{error}");

    let rows = home.record().await?;
    let row = rows.iter().find(|row| row.kind == RowKind::Call);
    let row = row.context("its row")?;
    assert_eq!(row.outcome, Outcome::Failed, "its arguments went out");
    assert!(row.took_ms.is_some());
    let noted = row.error.as_ref().map(|error| error.code);
    assert_eq!(noted, Some(ErrorCode::PolicyDenied));
    let detail = home
        .ask::<wire::GetRow>(json!({ "call": CallId(row.id) }))
        .await?;
    let sent = detail.bodies.and_then(|said| said.sent);
    assert!(sent.context("what was sent")?.contains("Ada"));
    Ok(())
}
