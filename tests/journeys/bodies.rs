//! What calls say, where an integration's setting says that it is kept: beside the row, without secrets, for
//! a time of its own.

use crate::kit::{
    Home, mcp,
    scripted::{Scripted, json as answer},
    search::{self, Needles},
    targets,
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;
use wire::{CallId, ErrorCode, IntegrationId, RowDetail, RowKind};

const DAY_MS: i64 = 24 * 3_600_000;

/// The newest call's row.
async fn newest(home: &Home) -> Result<RowDetail> {
    let row = home.rows_of(RowKind::Call, "orders.call").await?;
    let id = row.first().context("a row")?.id;
    Ok(home
        .ask::<wire::GetRow>(json!({ "call": CallId(id) }))
        .await?)
}

async fn keep(home: &Home, id: IntegrationId, days: Value) -> Result<(), wire::Error> {
    home.ask::<wire::SetBodies>(json!({ "id": id, "days": days }))
        .await
}

async fn export(home: &Home, form: &str, bodies: bool) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let ask = json!({ "form": form, "folder": folder.path(), "integration": null, "pings": false,
        "bodies": bodies });
    let begun = home.ask::<wire::StartExport>(ask).await?;
    let began = std::time::Instant::now();
    loop {
        let view = home
            .ask::<wire::GetExport>(json!({ "id": begun.id }))
            .await?;
        match view.state {
            wire::ExportState::Running => crate::kit::tick(began, "the export").await?,
            wire::ExportState::Done => return Ok(std::fs::read_to_string(&view.file)?),
            other => anyhow::bail!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_calls_say_is_kept_where_it_is_wanted_without_secrets_and_goes_in_its_time()
-> Result<()> {
    let key = search::canary("key");
    let echoed = key.clone();
    let server = Scripted::serve(move |seen| {
        let echoed = echoed.clone();
        async move {
            let said = if seen.method == "POST" {
                seen.json()
            } else {
                Value::Null
            };
            answer(
                200,
                &json!({ "said": said, "your_header": echoed, "session_token": "s-123" }),
            )
        }
    })
    .await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let auth = json!({ "auth": "bearer", "token": key });
    let id = home
        .connect(targets::api(&server.url("/v1"), "/health", auth))
        .await?;
    let call = async |note: &str| {
        let body = json!({ "note": note, "password": "hunter2", "copy": key });
        let arguments = json!({ "method": "POST", "path": "/orders", "body": body });
        home.call(id, "call", arguments).await
    };
    call("before").await?;
    assert_eq!(newest(&home).await?.bodies, None, "not by itself");

    for days in [0, 366] {
        let refused = keep(&home, id, json!(days)).await;
        assert_eq!(
            refused.err().context("refused")?.code,
            ErrorCode::FieldInvalid
        );
    }
    keep(&home, id, json!(7)).await?;
    clock.advance(1_000);
    call("a note of seven days").await?;
    let row = newest(&home).await?;
    let said = row.bodies.context("kept")?;
    assert_eq!(said.until.0 - row.ended_at.context("over")?.0, 7 * DAY_MS);
    let (sent, got) = (said.sent.context("sent")?, said.got.context("got")?);
    assert!(sent.contains("a note of seven days"), "{sent}");
    assert!(got.contains("a note of seven days"), "{got}");
    for secret in [key.as_str(), "hunter2", "s-123"] {
        for text in [&sent, &got] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert!(
        row.sent.is_some() && row.got.is_some(),
        "shape and hash, too"
    );

    // An export has them only where they are asked for.
    for form in ["csv", "jsonl"] {
        let whole = export(&home, form, true).await?;
        assert!(whole.contains("a note of seven days"), "{whole}");
        assert!(
            !whole.contains(&key) && !whole.contains("hunter2"),
            "{whole}"
        );
        let plain = export(&home, form, false).await?;
        assert!(!plain.contains("a note of seven days"), "{plain}");
    }

    // Its own time; the row stays, and the record is whole.
    clock.advance(7 * DAY_MS);
    let row = newest(&home).await?;
    assert!(row.bodies.is_none() && row.sent.is_some());
    let proof = home.ask::<wire::VerifyRecord>(json!({})).await?;
    assert_eq!(proof.state, wire::RecordState::Intact);

    // Switched off, what was kept goes at once.
    call("one more").await?;
    assert!(newest(&home).await?.bodies.is_some());
    keep(&home, id, Value::Null).await?;
    assert!(newest(&home).await?.bodies.is_none());
    let changes = home.record().await?;
    assert!(
        changes
            .iter()
            .any(|row| row.action == "what its calls say is kept for 7 days")
    );
    Ok(())
}

#[tokio::test]
async fn what_calls_said_goes_with_their_integration_and_with_the_setting_of_the_moment()
-> Result<()> {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (here, wait) = (arrived.clone(), go_on.clone());
    let server = Scripted::serve(move |seen| {
        let (here, wait) = (here.clone(), wait.clone());
        async move {
            if seen.path.ends_with("/slow") {
                here.notify_one();
                wait.notified().await;
            }
            answer(200, &json!({ "said": "something" }))
        }
    })
    .await?;
    let home = Home::new().await?;
    let auth = json!({ "auth": "bearer", "token": "key" });
    let id = home
        .connect(targets::api(&server.url("/v1"), "/health", auth))
        .await?;
    let arguments = |path: &str| json!({ "method": "GET", "path": path });
    keep(&home, id, json!(7)).await?;

    // Switched off while a call is under way.
    let engine = home.engine.clone();
    let slow = arguments("/slow");
    let slow = tokio::spawn(async move { crate::kit::call(&engine, id, "call", slow).await });
    arrived.notified().await;
    keep(&home, id, Value::Null).await?;
    go_on.notify_one();
    slow.await??;
    assert_eq!(home.count("bodies")?, 0, "nobody wants it kept any more");

    keep(&home, id, json!(7)).await?;
    home.call(id, "call", arguments("/orders")).await?;
    assert_eq!(home.count("bodies")?, 1);
    let preview = home
        .ask::<wire::PreviewDisconnect>(json!({ "id": id }))
        .await?;
    assert_eq!(preview.bodies, 1, "Disconnect tells that it goes");
    home.disconnect(id).await?;
    assert_eq!(home.count("bodies")?, 0);
    Ok(())
}

#[tokio::test]
async fn no_row_repeats_what_a_server_says_of_the_arguments_and_the_caller_hears_it() -> Result<()>
{
    let server = Scripted::serve(|seen| async move {
        let asked = if seen.method == "POST" {
            seen.json()
        } else {
            Value::Null
        };
        if asked["method"] != "tools/call" {
            return mcp::open(&seen, &Arc::new(Notify::new())).await;
        }
        let name = &asked["params"]["arguments"]["name"];
        let why = format!("Invalid params: name {name} is taken");
        answer(200, &mcp::failure(&asked["id"], -32602, &why))
    })
    .await?;
    let home = Home::new().await?;
    let id = home.connect(targets::mcp(&server.url("/mcp"))).await?;
    let name = search::canary("name");
    let called = home.call(id, "greet", json!({ "name": name })).await;
    let error = called.err().context("it is taken")?;
    assert_eq!(error.code, ErrorCode::ArgumentsInvalid, "{error}");
    assert!(error.args["why"].contains(&name), "the caller hears it");

    let rows = home.record().await?;
    let row = rows.iter().find(|row| row.kind == RowKind::Call);
    let noted = row.and_then(|row| row.error.as_ref()).context("why")?;
    assert_eq!(noted.args["why"], "Invalid params: name \"…\" is taken");
    let needles = Needles::new([("the name", name.as_str())])?;
    let kept = search::search_folder(home.folder(), &needles)?;
    assert_eq!(kept, Vec::<String>::new());
    let whole = export(&home, "jsonl", true).await?;
    assert!(!whole.contains(&name), "{whole}");
    Ok(())
}
