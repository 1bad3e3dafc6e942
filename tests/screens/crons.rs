//! The page of crons: the form tells what is wrong while it is typed, and what is made can be undone.

use crate::kit::{
    Screen,
    changing::{Changing, tool},
};
use anyhow::Result;
use serde_json::json;
use thirtyfour::{By, components::SelectElement};

async fn choose(screen: &Screen, id: &str, label: &str) -> Result<()> {
    screen
        .until(&format!("{label} can be chosen in {id}"), async || {
            let element = screen.see(&format!("#{id}")).await?;
            let select = SelectElement::new(&element).await?;
            Ok(select.select_by_visible_text(label).await.is_ok())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_is_made_by_its_form_run_paused_copied_deleted_and_brought_back() -> Result<()> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    screen.go("#/crons").await?;
    screen.reads("main", "No crons yet").await?;
    screen.click("[data-testid=new-cron]").await?;
    screen.fill("cron-name", "Morning hello").await?;
    // What is wrong is told at the field, while it is typed.
    for (text, told) in [
        ("9 o'clock", "five fields are needed"),
        ("61 * * * *", "Schedule cannot be used"),
        ("0 0 30 2 *", "it would never run"),
    ] {
        screen.fill("cron-schedule", text).await?;
        screen.reads("#cron-schedule-error", told).await?;
    }
    screen.fill("cron-schedule", "* * * * *").await?;
    screen
        .reads("[data-testid=next-runs]", "1440 calls a day")
        .await?;
    screen.press("every weekday at 09:00").await?;
    screen.fill("cron-zone", "Mars/Olympus").await?;
    screen.reads("#cron-zone-error", "Time zone").await?;
    screen.fill("cron-zone", "Europe/Berlin").await?;
    screen
        .until("five runs", async || {
            Ok(screen.count("[data-testid=next-runs] li").await? == 5)
        })
        .await?;
    choose(&screen, "call-1-integration", "Sample").await?;
    choose(&screen, "call-1-tool", "echo").await?;
    screen
        .reads("[data-testid=call] .error", "do not fit")
        .await?;
    screen.fill("call-1-text", "good morning").await?;
    screen.gone("[data-testid=call] .error").await?;
    picture(&screen, "cron-form").await?;
    screen.click("[data-testid=save-cron]").await?;

    let row = "[data-testid=cron]";
    screen
        .reads(row, "every weekday at 09:00 · Europe/Berlin · Sample")
        .await?;
    screen.reads("[data-testid=cron-count]", "1").await?;
    screen.press("Run now: Morning hello").await?;
    screen.see("[data-testid=runs][data-last=run-ok]").await?;
    screen.click("[data-testid=runs]").await?;
    screen.reads("[data-testid=history]", "sample.echo").await?;
    // Its run is a task.
    screen.go("#/tasks").await?;
    screen
        .reads("[data-testid=task][data-state=over]", "Morning hello")
        .await?;
    picture(&screen, "tasks").await?;
    screen.go("#/crons").await?;
    screen.press("Pause: Morning hello").await?;
    screen.see("[data-testid=cron][data-stands=paused]").await?;
    picture(&screen, "crons").await?;
    screen.press("Resume: Morning hello").await?;
    screen
        .see("[data-testid=cron][data-stands=active] time")
        .await?;

    screen.press("More for Morning hello").await?;
    screen.press("Duplicate").await?;
    screen.click("[data-testid=save-cron]").await?;
    screen
        .until("two crons", async || Ok(screen.count(row).await? == 2))
        .await?;
    screen.press("More for Copy of Morning hello").await?;
    screen.press("Delete").await?;
    screen
        .until("one cron", async || Ok(screen.count(row).await? == 1))
        .await?;
    screen.click("[data-testid=undo]").await?;
    screen
        .until("two crons", async || Ok(screen.count(row).await? == 2))
        .await?;
    screen.go("#/").await?;
    screen.see("[data-testid=card]").await?;
    let link = screen.page.find(By::Css("[data-testid=card] h2 a")).await?;
    link.click().await?;
    screen.click(".tabs a[href$=crons]").await?;
    screen
        .until("its crons", async || Ok(screen.count(row).await? == 2))
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_kept_as_it_is_typed() -> Result<()> {
    let mut weigh = tool("weigh", "Weighs.");
    weigh["inputSchema"] = json!({
        "type": "object",
        "properties": { "grams": { "type": "number" }, "shift": { "type": "number" } },
    });
    let server = Changing::serve(vec![weigh]).await?;
    let screen = Screen::open().await?;
    screen.connect_mcp(&server.server.url("/mcp")).await?;
    screen.go("#/crons").await?;
    screen.click("[data-testid=new-cron]").await?;
    screen.fill("cron-name", "Weigh").await?;
    choose(&screen, "call-1-integration", "Items").await?;
    choose(&screen, "call-1-tool", "weigh").await?;
    for (field, text) in [("call-1-grams", "0.005"), ("call-1-shift", "-0.50")] {
        screen.fill(field, text).await?;
        assert_eq!(screen.value(field).await?, text);
    }
    screen.click("[data-testid=save-cron]").await?;
    screen.see("[data-testid=cron]").await?;
    let crons = screen.ask("list_crons", json!({})).await?;
    assert_eq!(
        crons[0]["calls"][0]["arguments"],
        r#"{"grams":0.005,"shift":-0.5}"#
    );
    screen.close().await
}

/// For eyes, where a folder is named for it.
async fn picture(screen: &Screen, name: &str) -> Result<()> {
    let Some(folder) = std::env::var_os("CHIEF_PICTURES") else {
        return Ok(());
    };
    let path = std::path::Path::new(&folder).join(format!("{name}.png"));
    Ok(screen.page.screenshot(&path).await?)
}
