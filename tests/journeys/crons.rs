//! Crons: they run on their minute, once; stop before they break; and come back exactly as they were.

mod agents;
mod away;
pub mod home;
mod keyring;
mod stuck;

use crate::kit::{
    Home, code,
    health::{drive, notices},
    mcp,
    scripted::Scripted,
    targets, tick,
};
use anyhow::{Context, Result};
use engine::{fakes::MemoryKeyring, ports::Clock as _};
use home::{cron, greet, refusing};
use serde_json::{Value, json};
use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    sync::Notify,
};
use wire::{
    Because, CronId, ErrorCode, IntegrationId, Outcome, RowKind, RunCause, RunOutcome, Status,
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[tokio::test]
async fn a_cron_runs_on_its_minute_once_and_each_call_is_in_the_record() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let sample = home.connect(targets::sample()).await?;
    let calls = json!([
        { "integration": sample, "tool": "add", "arguments": "{\"numbers\": [1, 2]}" },
        { "integration": sample, "tool": "echo", "arguments": "{\"text\": \"hello\"}" },
    ]);
    let id = home.save(cron("Morning sums", "* * * * *", calls)).await?;
    let due = home.cron(id).await?.next.context("it is due")?;
    assert_eq!(due.0 % MINUTE, 0, "on the minute");
    clock.advance(MINUTE);
    let after = home.ran(id, 1).await?;
    let run = &after.runs[0];
    assert_eq!(run.outcome, RunOutcome::Ok, "{run:?}");
    assert_eq!((run.due_at, &run.cause), (Some(due), &RunCause::Schedule));
    let called: Vec<&str> = run.calls.iter().map(|call| call.action.as_str()).collect();
    assert_eq!(called, ["sample.add", "sample.echo"]);
    assert_eq!(after.next, Some(due.plus(MINUTE)));
    let task = home.ask::<wire::ListTasks>(json!({})).await?.remove(0);
    assert_eq!((task.cron, task.title.as_str()), (Some(id), "Morning sums"));
    assert_eq!((task.calls, task.failed, task.running), (2, 0, 0));
    assert_eq!(task.integrations[0].name, "Sample");
    assert_eq!(task.state, wire::TaskState::Over);
    let filter = json!({ "task": task.in_record });
    let ask = json!({ "integration": null, "before": null, "limit": 50, "pings": false, "filter": filter });
    let page = home.ask::<wire::ListActivity>(ask).await?;
    assert_eq!(page.rows.len(), 2, "it leads to its own rows");
    let rows = home.rows_of(RowKind::Call, "sample.echo").await?;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].because,
        Because::Cron {
            id,
            name: "Morning sums".to_owned(),
            run: wire::CronRunId(run.id)
        }
    );

    // Looked at again and again within the minute, after a restart, and with the clock set back.
    clock.advance(1_000);
    let home = home.restart().await?;
    clock.advance(-30_000);
    clock.advance(20_000);
    home.cards().await?;
    assert_eq!(home.ended(id).await?.len(), 1, "no moment runs twice");
    // A night: one run stands for all that was missed.
    clock.advance(9 * HOUR);
    let after = home.ran(id, 2).await?;
    assert_eq!(after.runs.len(), 2, "{:?}", after.runs);
    let missed = clock.now().since(after.runs[1].due_at.context("a moment")?);
    assert!((0..MINUTE).contains(&missed), "the newest stands for all");
    Ok(())
}

#[tokio::test]
async fn a_failure_pauses_exactly_its_crons_and_a_repair_resumes_exactly_those() -> Result<()> {
    let (server, refuse) = refusing().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let sample = home.connect(targets::sample()).await?;
    let weekly = home
        .save(cron("Weekly revenue", "0 9 * * 1", greet(id)))
        .await?;
    let watch = home
        .save(cron("Refund watch", "*/5 * * * *", greet(id)))
        .await?;
    let own = home
        .save(cron("On leave", "*/5 * * * *", greet(id)))
        .await?;
    home.ask::<wire::PauseCron>(json!({ "id": own })).await?;
    let echo = json!([{ "integration": sample, "tool": "echo", "arguments": "{\"text\": \"x\"}" }]);
    let other = home.save(cron("Elsewhere", "*/5 * * * *", echo)).await?;

    *refuse.lock().expect("one thread") = true;
    home.test(id).await?;
    assert_eq!(home.card(id).await?.health.status, Status::Failing);
    for cron in [weekly, watch] {
        let cron = home.cron(cron).await?;
        assert!(cron.is_held() && cron.next.is_none(), "{cron:?}");
    }
    assert!(!home.cron(other).await?.is_held());
    assert_eq!(notices(&home)?.len(), 1, "one notice");
    let inbox = home.ask::<wire::ListNotices>(json!({})).await?;
    assert_eq!(inbox[0].crons, ["Refund watch", "Weekly revenue"]);
    let began = Instant::now();
    let popup = loop {
        if let Some((_, popup)) = home.desk.popups().pop() {
            break popup;
        }
        tick(began, "the popup").await?;
    };
    assert!(popup.title.contains("Keyed"), "{popup:?}");
    assert!(
        popup
            .body
            .contains("Refund watch and Weekly revenue are paused."),
        "{popup:?}"
    );
    assert_eq!(home.desk.told().len(), 1);
    let preview = home
        .ask::<wire::PreviewDisconnect>(json!({ "id": id }))
        .await?;
    assert_eq!(
        preview.crons,
        ["On leave", "Refund watch", "Weekly revenue"]
    );

    // While it fails nothing runs, nothing is resumed, and nothing goes out.
    let before = server.seen().len();
    clock.advance(20 * MINUTE);
    home.ran(other, 1).await?;
    assert!(home.ended(watch).await?.is_empty());
    let refused = home
        .ask::<wire::ResumeCrons>(json!({ "integration": id }))
        .await;
    assert_eq!(code(refused)?, ErrorCode::CronHeld);
    let refused = home.ask::<wire::ResumeCron>(json!({ "id": watch })).await;
    assert_eq!(code(refused)?, ErrorCode::CronHeld);
    let called = server.seen().split_off(before);
    assert!(
        called
            .iter()
            .all(|seen| seen.json()["method"] != "tools/call"),
        "no call left"
    );

    *refuse.lock().expect("one thread") = false;
    let report = home.test(id).await?;
    assert!(report.error.is_none(), "{report:?}");
    let card = home.card(id).await?;
    let waiting: Vec<&str> = card
        .crons
        .iter()
        .filter(|each| each.waits())
        .map(|each| each.name.as_str())
        .collect();
    assert_eq!(
        waiting,
        ["Refund watch", "Weekly revenue"],
        "resume 2 crons"
    );
    assert!(home.cron(watch).await?.is_held(), "nobody has resumed it");
    let resumed = home
        .ask::<wire::ResumeCrons>(json!({ "integration": id }))
        .await?;
    assert_eq!(resumed.going, 2);
    assert!(home.cron(weekly).await?.next.is_some());
    assert!(home.cron(watch).await?.next.is_some());
    let own = home.cron(own).await?;
    assert!(
        own.paused.is_some() && own.next.is_none(),
        "an admin's pause stays"
    );
    clock.advance(5 * MINUTE);
    assert_eq!(home.ran(watch, 1).await?.runs[0].outcome, RunOutcome::Ok);
    Ok(())
}

#[tokio::test]
async fn crons_that_an_outage_paused_go_on_by_themselves_where_the_admin_has_set_so() -> Result<()>
{
    let down = Arc::new(Mutex::new(false));
    let script = down.clone();
    let server = Scripted::serve(move |seen| {
        let is_down = *script.lock().expect("one thread at a time");
        async move {
            if is_down {
                crate::kit::scripted::text(503, "")
            } else {
                mcp::answer(&seen, &Arc::new(Notify::new())).await
            }
        }
    })
    .await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let mut settings = serde_json::to_value(home.ask::<wire::GetSettings>(json!({})).await?)?;
    settings["resume_after_outage"] = json!(true);
    home.ask::<wire::SaveSettings>(json!({ "settings": settings }))
        .await?;
    let watch = home
        .save(cron("Refund watch", "0 9 * * *", greet(id)))
        .await?;
    *down.lock().expect("one thread") = true;
    drive(&home, &clock, "the outage", async || {
        home.test(id).await?;
        Ok(home.card(id).await?.health.status == Status::Failing)
    })
    .await?;
    assert!(home.cron(watch).await?.is_held());
    *down.lock().expect("one thread") = false;
    drive(&home, &clock, "the repair", async || {
        Ok(home.card(id).await?.health.status == Status::Healthy)
    })
    .await?;
    let watch = home.cron(watch).await?;
    assert!(!watch.is_held() && watch.next.is_some(), "{watch:?}");
    Ok(())
}

#[tokio::test]
async fn a_run_is_stopped_as_a_task_and_what_comes_after_is_not_made() -> Result<()> {
    let (server, hold) = mcp::waiting().await?;
    let home = Home::new().await?;
    let keyed = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let calls = json!([
        { "integration": keyed, "tool": "wait", "arguments": "" },
        { "integration": keyed, "tool": "greet", "arguments": "" },
    ]);
    let id = home.save(cron("Slow", "0 3 * * *", calls)).await?;
    home.ask::<wire::RunCron>(json!({ "id": id })).await?;
    let began = Instant::now();
    let task = loop {
        let tasks = home.ask::<wire::ListTasks>(json!({})).await?;
        let called = server.seen();
        let mut called = called
            .iter()
            .map(|seen| seen.json()["params"]["name"].clone());
        if let (Some(task), true) = (tasks.into_iter().next(), called.any(|name| name == "wait")) {
            break task;
        }
        tick(began, "the run to be a task").await?;
    };
    assert_eq!((task.state, task.running), (wire::TaskState::Running, 1));
    home.ask::<wire::StopTask>(json!({ "id": task.id })).await?;
    let run = home.ran(id, 1).await?.runs.remove(0);
    assert_eq!(run.outcome, RunOutcome::Failed);
    assert_eq!(
        run.error.map(|error| error.code),
        Some(ErrorCode::TaskStopped)
    );
    assert_eq!(run.calls.len(), 1, "the second call was not made");
    let task = home.ask::<wire::ListTasks>(json!({})).await?.remove(0);
    assert!(
        matches!(task.state, wire::TaskState::Stopped { .. }),
        "{task:?}"
    );
    let again = home.ask::<wire::StopTask>(json!({ "id": task.id })).await;
    assert_eq!(code(again)?, ErrorCode::TaskUnknown, "it is over");
    hold.notify_waiters();
    Ok(())
}

#[tokio::test]
async fn a_run_that_the_apps_death_cut_short_is_marked_so_and_not_repeated() -> Result<()> {
    let (server, hold) = mcp::waiting().await?;
    let folder = tempfile::Builder::new()
        .prefix("chief-journey-")
        .tempdir()?;
    let dist = tempfile::tempdir()?;
    std::fs::write(dist.path().join("index.html"), "")?;
    // The app as a process of its own, which is killed with the call under way.
    let mut app = tokio::process::Command::new(env!("CARGO_BIN_EXE_host"))
        .arg(folder.path())
        .arg(dist.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(app.stdout.take().context("piped")?).lines();
    let url = lines.next_line().await?.context("the app's address")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let ask = async |name: &str, request: Value| -> Result<Value> {
        let url = format!("{url}command/{name}");
        Ok(client.post(url).json(&request).send().await?.json().await?)
    };
    let target = targets::mcp_bearer(&server.url("/mcp"), "key");
    let request =
        json!({ "target": target, "confirmed": { "private_address": true }, "ends_at": null });
    ask("start_connect", request).await?;
    let began = Instant::now();
    let integration: IntegrationId = loop {
        let cards = ask("list_integrations", json!({})).await?;
        if let Some(id) = cards.pointer("/0/id") {
            break serde_json::from_value(id.clone())?;
        }
        tick(began, "the integration").await?;
    };
    let calls = json!([
        { "integration": integration, "tool": "greet", "arguments": "" },
        { "integration": integration, "tool": "wait", "arguments": "" },
        { "integration": integration, "tool": "greet", "arguments": "" },
    ]);
    let id = ask("save_cron", cron("Slow", "0 3 * * *", calls)).await?;
    ask("run_cron", json!({ "id": id })).await?;
    let began = Instant::now();
    while !server
        .seen()
        .iter()
        .any(|seen| seen.json()["params"]["name"] == "wait")
    {
        tick(began, "the call under way").await?;
    }
    app.kill().await?;

    let home = Home::on_copy(folder, Arc::new(MemoryKeyring::default())).await?;
    let id: CronId = serde_json::from_value(id)?;
    let run = home.cron(id).await?.runs.remove(0);
    assert_eq!(run.outcome, RunOutcome::Interrupted);
    let went: Vec<(&str, bool)> = run
        .calls
        .iter()
        .map(|call| (call.action.as_str(), call.took_ms.is_some()))
        .collect();
    assert_eq!(went, [("keyed.greet", true), ("keyed.wait", false)]);
    let outcomes: Vec<Outcome> = home
        .record()
        .await?
        .into_iter()
        .filter(|row| row.kind == RowKind::Call)
        .map(|row| row.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Outcome::Unknown, Outcome::Ok],
        "which calls went out"
    );
    assert_eq!(home.ended(id).await?.len(), 1, "it is not repeated");
    hold.notify_waiters();
    Ok(())
}
