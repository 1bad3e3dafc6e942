//! The page of tasks: what a cron's run does is watched there, and stopped; a call that waits for an admin
//! says so.

use crate::kit::{
    Screen,
    changing::{Changing, tool},
    mcp,
    scripted::{Scripted, Seen},
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

/// Makes a cron that calls these tools one after the other, and runs it.
async fn run(screen: &Screen, name: &str, calls: Vec<Value>) -> Result<()> {
    let cron = json!({ "id": null, "cron": {
        "name": name, "schedule": "0 3 * * *", "zone": "Europe/Berlin", "calls": calls,
        "missed": "leave_out", "limit_min": 10,
    } });
    let id = screen.ask("save_cron", cron).await?;
    screen.ask("run_cron", json!({ "id": id })).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_cron_is_a_task_that_is_watched_and_stopped() -> Result<()> {
    let hold = Arc::new(Notify::new());
    let server = Scripted::serve(move |seen| {
        let held = hold.clone();
        async move { mcp::open(&seen, &held).await }
    })
    .await?;
    let screen = Screen::open().await?;
    screen.go("#/tasks").await?;
    screen.reads("main", "a cron’s first run").await?;
    screen.look("tasks-empty").await?;
    let id = screen.connect_mcp(&server.url("/mcp")).await?;
    let call = |tool: &str| json!({ "integration": id, "tool": tool, "arguments": "" });

    run(&screen, "Weekly revenue", vec![call("greet")]).await?;
    let over = "[data-testid=task][data-state=over]";
    screen.reads(over, "Weekly revenue").await?;
    screen.reads(over, "Items").await?;
    run(&screen, "Slow import", vec![call("wait"), call("greet")]).await?;
    let running = "[data-testid=task][data-state=running]";
    screen.reads(running, "Slow import").await?;
    screen.reads(running, "Items").await?;
    ensure!(
        screen
            .text("[data-testid=task]")
            .await?
            .contains("Slow import"),
        "what runs stands first"
    );
    screen.look("tasks-running").await?;

    screen.press("Stop Slow import").await?;
    screen
        .reads("[data-testid=task][data-state=stopped]", "Slow import")
        .await?;
    screen.gone("[data-testid=stop-task]").await?;
    screen.look("tasks-stopped").await?;
    let greeted = |seen: &Seen| seen.json()["params"]["name"] == "greet";
    let times = server.seen().iter().filter(|seen| greeted(seen)).count();
    ensure!(times == 1, "what comes after it is not called");
    // The number of its calls leads to its own rows of the record.
    screen
        .click("[data-testid=task][data-state=over] [data-testid=task-rows]")
        .await?;
    screen.reads("table", "greet").await?;
    ensure!(!screen.text("table").await?.contains("wait"), "no others");
    screen.close().await
}

/// A call of an agent, as a plain request; it is answered once an admin has spoken.
fn calling(
    url: &str,
    token: &str,
    tool: &str,
) -> tokio::task::JoinHandle<Result<String, reqwest::Error>> {
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": {} },
    });
    let request = reqwest::Client::builder().no_proxy().build().map(|client| {
        client
            .post(url)
            .header("authorization", format!("Bearer {token}"))
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(body.to_string())
    });
    tokio::spawn(async move { request?.send().await?.text().await })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_an_approval_says_so_and_leads_to_it() -> Result<()> {
    let server = Changing::serve(vec![tool("delete_all", "Deletes everything.")]).await?;
    let screen = Screen::open().await?;
    screen.connect_mcp(&server.server.url("/mcp")).await?;
    let pair =
        json!({ "name": "Support bot", "integrations": null, "read_only": false, "days": 1 });
    let paired = screen.ask("pair_agent", pair).await?;
    let (url, token) = (paired["url"].as_str(), paired["token"].as_str());
    let (url, token) = (url.context("a url")?, token.context("a token")?);
    let call = calling(url, token, "items__delete_all");
    screen.go("#/tasks").await?;
    let waits = "[data-testid=task][data-state=waiting] [data-testid=waits]";
    screen
        .reads(waits, "1 call waits for your approval")
        .await?;
    screen.look("tasks-waiting").await?;
    screen.click(waits).await?;
    screen
        .reads("dialog[open]", "Support bot wants to use items.delete_all")
        .await?;
    screen.keys(thirtyfour::Key::Escape + "").await?;

    screen.go("#/activity").await?;
    let row = "[data-testid=activity-row][data-outcome=running]";
    screen.reads(row, "Waits for your approval").await?;
    screen.look("activity-waiting").await?;
    screen.click(&format!("{row} [data-testid=waits]")).await?;
    screen.press("Approve").await?;
    ensure!(call.await??.contains("delete_all"), "it was made");
    screen
        .see("[data-testid=activity-row][data-outcome=approved]")
        .await?;
    screen.gone("[data-testid=waits]").await?;
    screen.go("#/tasks").await?;
    screen.see("[data-testid=task][data-state=open]").await?;

    screen.press("Stop Not named").await?;
    screen.see("[data-testid=resume-task]").await?;
    screen.look("tasks-refused").await?;
    screen.press("Undo").await?;
    screen.see("[data-testid=task][data-state=open]").await?;
    screen.gone("[data-testid=resume-task]").await?;
    screen.press("Stop Not named").await?;
    screen.press("Let it go on: Not named").await?;
    screen.see("[data-testid=task][data-state=open]").await?;
    screen.close().await
}
