//! The record in the window: filters, rows that open, many rows, the check, the export.

use crate::kit::Screen;
use anyhow::Result;
use serde_json::json;
use thirtyfour::By;

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_narrowed_opened_checked_and_long() -> Result<()> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    let id = screen.integration().await?;
    for n in 0..120 {
        screen
            .call(id, "echo", json!({ "text": n.to_string() }))
            .await?;
    }
    // A tool that is not there: refused, and nothing left.
    let refused = screen.call(id, "nothing", json!({})).await;
    assert!(refused.is_err());
    screen.go("#/activity").await?;
    screen.see("[data-testid=activity-row]").await?;
    picture(&screen, "activity").await?;

    // Words, and a status.
    let words = screen.see("input[type=search]").await?;
    words.send_keys("noth").await?;
    screen
        .until("one row is left", async || {
            Ok(screen.count("[data-testid=activity-row]").await? == 1)
        })
        .await?;
    screen.see("[data-outcome=refused]").await?;
    words.send_keys("ing-like-this").await?;
    screen.reads("main", "Nothing fits").await?;
    let all_are_back = async || -> Result<()> {
        words.send_keys(thirtyfour::Key::Control + "a").await?;
        words.send_keys(thirtyfour::Key::Delete + "").await?;
        screen
            .until("all rows are back", async || {
                Ok(screen.count("[data-testid=activity-row]").await? > 40)
            })
            .await
    };
    all_are_back().await?;
    // Whoever thinks before the next word finds both.
    words.send_keys("nothing ").await?;
    let is_one = async || Ok(screen.count("[data-testid=activity-row]").await? == 1);
    screen.until("one row is left", is_one).await?;
    words.send_keys("sample").await?;
    screen
        .until("both words stand there", async || {
            Ok(words.value().await?.as_deref() == Some("nothing sample"))
        })
        .await?;
    screen.until("one row is left", is_one).await?;
    all_are_back().await?;

    // A row opens to everything known, and leads to others of its tool.
    screen.click("[data-outcome=ok] .row-toggle").await?;
    screen
        .reads("[data-testid=everything]", "{text: string}")
        .await?;
    picture(&screen, "activity-open").await?;
    screen.click("[data-testid=row-tool]").await?;
    screen.reads("[data-testid=chips]", "sample.echo").await?;
    screen.click("[data-testid=chips] button").await?;
    screen.gone("[data-testid=chips]").await?;

    // However many are loaded, sixty rows at most are in the page.
    for _ in 0..2 {
        screen.press("Load more").await?;
    }
    screen
        .until("more than a hundred are loaded", async || {
            let table = screen.page.find(By::Css("table")).await?;
            let count = table.attr("aria-rowcount").await?.unwrap_or_default();
            Ok(count.parse::<u32>().is_ok_and(|count| count > 110))
        })
        .await?;
    assert!(screen.count("[data-testid=activity-row]").await? <= 60);

    screen.click("[data-testid=verify]").await?;
    screen
        .reads("[data-testid=proof]", "The record is whole")
        .await?;
    picture(&screen, "activity-proof").await?;

    // Changed from outside: the check leads to the call, though its outcome is no row of its own.
    rusqlite::Connection::open(screen.folder().join("chief.db"))?.execute_batch(
        "drop trigger outcomes_no_update; update outcomes set took_ms = took_ms + 1 where seq = 20",
    )?;
    screen.click("[data-testid=verify]").await?;
    screen
        .reads("[data-testid=proof]", "row 20 is not as it was written")
        .await?;
    screen.click("[data-testid=proof-show]").await?;
    screen.reads("[data-testid=chips]", "One call").await?;
    screen
        .reads("[data-testid=everything]", "Row 20, by key 1")
        .await?;
    assert_eq!(screen.count("[data-testid=activity-row]").await?, 1);
    picture(&screen, "activity-fault").await?;
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
