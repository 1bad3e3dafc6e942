//! The record's questions: what did this thread touch, this task, this agent, that Tuesday; and the export
//! of what they find.

use crate::kit::Screen;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use thirtyfour::{By, Key};
use wire::{Because, ByAgent};

const THREAD: &str = "https://acme.slack.com/archives/C1/p2";
const ROW: &str = "[data-testid=activity-row]";

/// A paired agent's calls: two for a thread, one in a task of its own; and one of nobody's.
async fn used() -> Result<Screen> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    let id = screen.integration().await?;
    let paired =
        json!({ "name": "Cursor", "integrations": null, "read_only": false, "days": null });
    let paired = screen.ask("pair_agent", paired).await?;
    let by = |title: &str, thread: Option<&str>, task: &str| -> Result<Because> {
        Ok(Because::Task {
            title: title.to_owned(),
            url: thread.map(str::to_owned),
            agent: Some(ByAgent {
                id: serde_json::from_value(paired["agent"]["id"].clone())?,
                name: "Cursor".to_owned(),
            }),
            task: Some(task.to_owned()),
        })
    };
    let call = async |tool: &str, because: Because| {
        let cancel = tokio_util::sync::CancellationToken::new();
        let text = json!({ "text": "hello" });
        engine::calls::call(screen.engine()?, id, tool, text, because, cancel).await?;
        anyhow::Ok(())
    };
    call("echo", by("Refund 17", Some(THREAD), "task 1")?).await?;
    call("list_charges", by("Refund 17", Some(THREAD), "task 1")?)
        .await
        .ok();
    call("echo", by("Nightly sums", None, "task 2")?).await?;
    screen.call(id, "echo", json!({ "text": "mine" })).await?;
    screen.go("#/activity").await?;
    screen.see(ROW).await?;
    Ok(screen)
}

async fn rows(screen: &Screen, count: usize) -> Result<()> {
    screen
        .until(&format!("{count} rows are left"), async || {
            Ok(screen.count(ROW).await? == count)
        })
        .await
}

async fn choose(screen: &Screen, select: &str, label: &str) -> Result<()> {
    let script = "
        const [select, label] = arguments;
        const box = document.querySelector(`[data-testid=${select}]`);
        const option = [...box.options].find(each => each.text.trim() === label);
        if (!option) return [...box.options].map(each => each.text);
        box.value = option.value;
        box.dispatchEvent(new Event('change', { bubbles: true }));
        return true;
    ";
    let done = screen
        .page
        .execute(script, vec![json!(select), json!(label)])
        .await?;
    ensure!(
        done.json() == &json!(true),
        "no “{label}” in {}",
        done.json()
    );
    Ok(())
}

/// Looks at the page in both themes at the width of a small window.
async fn look(screen: &Screen, name: &str) -> Result<()> {
    screen.page.set_window_rect(0, 0, 960, 860).await?;
    screen.look(name).await?;
    screen.page.set_window_rect(0, 0, 1280, 860).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_thread_a_task_and_an_agent_touched_is_one_press() -> Result<()> {
    let screen = used().await?;
    let all = screen.count(ROW).await?;
    look(&screen, "activity-lines").await?;
    screen
        .press("What did the thread “Refund 17” touch?")
        .await?;
    screen.reads("[data-testid=chips]", "Refund 17").await?;
    rows(&screen, 2).await?;
    screen.press("Without Refund 17").await?;
    rows(&screen, all).await?;
    screen.click("[data-testid=row-task-only]").await?;
    screen.reads("[data-testid=chips]", "Nightly sums").await?;
    rows(&screen, 1).await?;
    screen.reads("[data-testid=chips]", "Cursor").await?;
    look(&screen, "activity-task").await?;
    screen.press("Without Nightly sums").await?;
    rows(&screen, 3).await?;
    screen.press("Without Cursor").await?;
    rows(&screen, all).await?;
    // The same of an agent, from an opened row.
    screen
        .click(&format!("{ROW}:has([data-testid=thread]) .row-toggle"))
        .await?;
    screen.click("[data-testid=row-agent]").await?;
    screen.reads("[data-testid=chips]", "Cursor").await?;
    rows(&screen, 3).await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_has_its_control() -> Result<()> {
    let screen = used().await?;
    let all = screen.count(ROW).await?;
    choose(&screen, "filter-agent", "Cursor").await?;
    rows(&screen, 3).await?;
    choose(&screen, "filter-integration", "Sample").await?;
    screen.see("[data-testid=filter-tool]").await?;
    screen
        .until("the tools are known", async || {
            Ok(screen.count("[data-testid=filter-tool] option").await? > 3)
        })
        .await?;
    choose(&screen, "filter-tool", "sample.echo").await?;
    rows(&screen, 2).await?;
    choose(&screen, "filter-time", "From … to …").await?;
    look(&screen, "activity-filters").await?;
    let set = |field: &str, value: &str| {
        let script = "
            const [name, value] = arguments;
            const field = document.querySelector(`[data-testid=${name}]`);
            field.value = value;
            field.dispatchEvent(new Event('change', { bubbles: true }));
        ";
        screen
            .page
            .execute(script, vec![json!(field), json!(value)])
    };
    set("filter-until", "2020-01-01T00:00").await?;
    screen.reads("main", "Nothing fits").await?;
    set("filter-until", "2099-01-01T00:00").await?;
    rows(&screen, 2).await?;
    set("filter-from", "2098-01-01T00:00").await?;
    screen.reads("main", "Nothing fits").await?;
    choose(&screen, "filter-time", "Any time").await?;
    rows(&screen, 2).await?;

    // What is disconnected has rows all the same.
    choose(&screen, "filter-integration", "All integrations").await?;
    choose(&screen, "filter-agent", "All agents").await?;
    rows(&screen, all).await?;
    let id = screen.integration().await?;
    screen.ask("disconnect", json!({ "id": id })).await?;
    screen
        .until("it is in the list as gone", async || {
            Ok(
                choose(&screen, "filter-integration", "Sample (disconnected)")
                    .await
                    .is_ok(),
            )
        })
        .await?;
    screen
        .reads("[data-testid=chips]", "Sample (disconnected)")
        .await?;
    screen
        .until("its rows are there", async || {
            Ok(screen.count(ROW).await? >= 5)
        })
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_removed_is_still_what_is_looked_for_until_it_is_cleared() -> Result<()> {
    let screen = used().await?;
    let all = screen.count(ROW).await?;
    choose(&screen, "filter-agent", "Cursor").await?;
    rows(&screen, 3).await?;
    let view = screen.ask("list_agents", json!({})).await?;
    let id = &view["agents"][0]["id"];
    screen.ask("revoke_agent", json!({ "id": id })).await?;
    screen
        .reads("[data-testid=chips]", "Cursor (removed)")
        .await?;
    let chosen =
        "return document.querySelector('[data-testid=filter-agent]').selectedOptions[0].text";
    let chosen = screen.page.execute(chosen, vec![]).await?;
    assert_eq!(chosen.json(), &json!("Cursor (removed)"));
    assert_eq!(screen.count(ROW).await?, 3);
    look(&screen, "activity-removed").await?;
    // By the keyboard, which goes on at the first filter.
    screen
        .see("[aria-label='Without Cursor (removed)']")
        .await?
        .send_keys(Key::Enter + "")
        .await?;
    assert_eq!(screen.focused().await?, "Tool, person, thread…");
    // Beside all from before, that it was removed.
    rows(&screen, all + 1).await?;
    // From a row of it, too.
    screen
        .click(&format!("{ROW}:has([data-testid=thread]) .row-toggle"))
        .await?;
    screen.click("[data-testid=row-agent]").await?;
    screen
        .reads("[data-testid=chips]", "Cursor (removed)")
        .await?;
    rows(&screen, 3).await?;
    screen.close().await
}

/// As in an engine that has such a field as plain text.
#[tokio::test(flavor = "multi_thread")]
async fn a_moment_may_be_typed_with_a_blank_and_what_is_none_is_told_in_words() -> Result<()> {
    let screen = used().await?;
    let all = screen.count(ROW).await?;
    choose(&screen, "filter-time", "From … to …").await?;
    let field = "[data-testid=filter-until]";
    screen.see(field).await?;
    let plain = format!("document.querySelector('{field}').type = 'text'");
    screen.page.execute(plain, vec![]).await?;
    let typed = async |text: &str| -> Result<()> {
        let script = "
            const field = document.querySelector('[data-testid=filter-until]');
            field.value = arguments[0];
            field.dispatchEvent(new Event('change', { bubbles: true }));
        ";
        screen.page.execute(script, vec![json!(text)]).await?;
        Ok(())
    };
    typed("2020-01-01 00:00").await?;
    screen.reads("main", "Nothing fits").await?;
    typed("New Year").await?;
    rows(&screen, all).await?;
    screen
        .reads("#filter-until-error", "not a date and time")
        .await?;
    let input = screen.see(field).await?;
    assert_eq!(input.attr("aria-invalid").await?.as_deref(), Some("true"));
    let told = input.attr("aria-describedby").await?;
    assert_eq!(told.as_deref(), Some("filter-until-error"));
    look(&screen, "activity-moment").await?;
    typed("2020-01-01 00:00").await?;
    screen.gone("#filter-until-error").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_stays_in_sight_on_every_page_until_it_is_stopped_or_done() -> Result<()> {
    let screen = used().await?;
    // So many that it is still being written, also by a fast machine, when it has been looked at twice.
    screen.add_rows(400_000)?;
    let export = "[data-testid=export]";
    screen.click("[data-testid=export-jsonl]").await?;
    screen.reads(export, "rows written").await?;
    screen.go("#/settings").await?;
    screen.go("#/activity").await?;
    screen.reads(export, "rows written").await?;
    screen.picture("export-running").await?;
    screen.press("Stop").await?;
    screen.reads(export, "The export was stopped").await?;
    screen.press("Close").await?;

    // A short one, and its end is there after another page was looked at.
    choose(&screen, "filter-agent", "Cursor").await?;
    rows(&screen, 3).await?;
    screen.click("[data-testid=export-csv]").await?;
    screen.go("#/settings").await?;
    screen.go("#/activity").await?;
    screen.reads(export, "3 rows in").await?;
    let said = screen.text(export).await?;
    let file = said.split(" in ").nth(1).context("a file")?.trim();
    let text = std::fs::read_to_string(file)?;
    assert_eq!(text.lines().count(), 4, "{text}");
    std::fs::remove_file(file)?;
    screen.press("Close").await?;
    screen.gone(export).await?;
    let buttons = screen
        .page
        .find_all(By::Css("[data-testid=export-csv]"))
        .await?;
    assert_eq!(buttons.len(), 1);
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collectors_file_that_cannot_be_written_is_said_under_its_field() -> Result<()> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    let id = screen.integration().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("logs").join("chief.jsonl");
    std::fs::create_dir(folder.path().join("logs"))?;
    screen.go("#/settings").await?;
    screen
        .fill("tail-file", &file.display().to_string())
        .await?;
    screen
        .click("form:has(#tail-file) button[type=submit]")
        .await?;
    screen.see("form:has(#tail-file) button[disabled]").await?;
    let call = || screen.call(id, "echo", json!({ "text": "hello" }));
    call().await?;
    screen
        .until("the file is there", async || Ok(file.is_file()))
        .await?;
    std::fs::remove_dir_all(folder.path().join("logs"))?;
    call().await?;
    let trouble = "[data-testid=tail-trouble]";
    screen.reads(trouble, "The file cannot be written").await?;
    screen.see(trouble).await?.scroll_into_view().await?;
    screen.picture("tail-trouble").await?;
    std::fs::create_dir(folder.path().join("logs"))?;
    call().await?;
    screen.gone(trouble).await?;
    screen.close().await
}
