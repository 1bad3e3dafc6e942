//! The record while somebody reads it: what is in sight stays where it is.

use crate::kit::Screen;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// The row in the middle of the window, and where it begins.
const IN_SIGHT: &str = r"
    const middle = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
    const row = middle && middle.closest('[data-testid=activity-row]');
    return row ? { id: row.dataset.id, top: row.getBoundingClientRect().top } : null;
";

async fn run(screen: &Screen, script: &str) -> Result<Value> {
    Ok(screen.page.execute(script, vec![]).await?.json().clone())
}

async fn calls(screen: &Screen, count: usize) -> Result<()> {
    let id = screen.integration().await?;
    for n in 0..count {
        let text = json!({ "text": n.to_string() });
        screen.call(id, "echo", text).await?;
    }
    Ok(())
}

/// A hundred and fifty rows, all of them loaded.
async fn long() -> Result<Screen> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    calls(&screen, 150).await?;
    screen.go("#/activity").await?;
    screen.see("[data-testid=activity-row]").await?;
    while screen.count(".more button").await? > 0 {
        let before = screen.page.find(thirtyfour::By::Css("table")).await?;
        let before = before.attr("aria-rowcount").await?;
        screen.press("Load more").await?;
        screen
            .until("more are loaded", async || {
                let table = screen.page.find(thirtyfour::By::Css("table")).await?;
                Ok(table.attr("aria-rowcount").await? != before)
            })
            .await?;
    }
    Ok(screen)
}

/// Scrolls there; the row that is then in sight, once the page has settled.
async fn scroll(screen: &Screen, to: i32) -> Result<Value> {
    run(
        screen,
        &format!("document.querySelector('main').scrollTop = {to}"),
    )
    .await?;
    let mut last = Value::Null;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        let now = run(screen, IN_SIGHT).await?;
        if !now.is_null() && now == last {
            return Ok(now);
        }
        last = now;
    }
    anyhow::bail!("no row stands in the middle at {to}: {last}")
}

/// Presses the row of this place among those in the page.
async fn press(screen: &Screen, place: usize) -> Result<()> {
    let script = format!("document.querySelectorAll('.row-toggle')[{place}].click()");
    run(screen, &script).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_does_not_jump_when_an_open_row_leaves_the_page() -> Result<()> {
    let screen = long().await?;
    let height = "return document.querySelector('main').scrollHeight";
    scroll(&screen, 0).await?;
    press(&screen, 3).await?;
    screen.see("[data-testid=everything]").await?;
    let open = run(&screen, height).await?;
    // The rows in their order, by the place that each has while it is in the page.
    let mut order: Vec<String> = vec![];
    let top = scroll(&screen, 600).await?;
    let mut places = vec![];
    for to in (600..6_600).step_by(44) {
        let seen = scroll(&screen, to).await?;
        let now = run(&screen, height).await?;
        assert_eq!(now, open, "the page keeps its length at {to}");
        let id = seen["id"].as_str().context("an id")?.to_owned();
        let place = seen["top"].as_f64().context("a place")? + f64::from(to);
        if order.last() != Some(&id) {
            assert!(!order.contains(&id), "a row was passed twice, at {to}");
            order.push(id.clone());
        }
        places.push((id, place));
        assert!(screen.count("[data-testid=activity-row]").await? <= 60);
    }
    assert!(order.len() > 120, "{} rows were passed", order.len());
    assert_eq!(
        screen.count(".row-more").await?,
        0,
        "the open one is not in the page"
    );
    // Back: each stands where it stood.
    for to in [5_000, 3_000, 1_500] {
        let seen = scroll(&screen, to).await?;
        let place = seen["top"].as_f64().context("a place")? + f64::from(to);
        let before = places
            .iter()
            .find(|(id, _)| Some(id.as_str()) == seen["id"].as_str());
        let (_, before) = before.context("it was passed")?;
        assert!((place - before).abs() < 2.0, "{place} was {before}");
    }
    assert_eq!(scroll(&screen, 600).await?, top);
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_is_open_at_a_time_and_the_pressed_one_stays_under_the_pointer() -> Result<()> {
    let screen = long().await?;
    scroll(&screen, 1_500).await?;
    press(&screen, 32).await?;
    screen.see("[data-testid=everything]").await?;
    let place = "return document.querySelectorAll('.row-toggle')[35].getBoundingClientRect().top";
    let before = run(&screen, place).await?.as_f64().context("a place")?;
    press(&screen, 35).await?;
    screen
        .until("the other is open", async || {
            let open = "return document.querySelectorAll('.row-toggle')[35].ariaExpanded";
            Ok(run(&screen, open).await? == json!("true"))
        })
        .await?;
    assert_eq!(screen.count(".row-more").await?, 1);
    let after = run(&screen, place).await?.as_f64().context("a place")?;
    assert!((before - after).abs() < 2.0, "{before}, then {after}");
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_wait_while_the_record_is_read() -> Result<()> {
    let screen = long().await?;
    let ids = "return [...document.querySelectorAll('[data-testid=activity-row]')].map(r => r.dataset.id)";
    let count = "return document.querySelector('table').ariaRowCount";
    // Scrolled down: nothing moves, however many come.
    let seen = scroll(&screen, 3_000).await?;
    let loaded = run(&screen, count).await?;
    calls(&screen, 3).await?;
    screen.reads("[data-testid=new-rows]", "3 new rows").await?;
    assert_eq!(run(&screen, IN_SIGHT).await?, seen);
    calls(&screen, 230).await?;
    screen.reads("[data-testid=new-rows]", "At least").await?;
    // One more, and the page has asked for the newest rows once more and has them.
    let asked = run(
        &screen,
        "performance.clearResourceTimings(); return performance.now()",
    )
    .await?;
    calls(&screen, 1).await?;
    let has = format!(
        "return performance.getEntriesByType('resource').some(asked => \
         asked.name.endsWith('/list_activity') && asked.startTime > {asked} && asked.responseEnd > 0)"
    );
    screen
        .until("the newest rows were fetched", async || {
            Ok(run(&screen, &has).await? == json!(true))
        })
        .await?;
    assert_eq!(run(&screen, IN_SIGHT).await?, seen);
    assert_eq!(run(&screen, count).await?, loaded, "what was loaded stays");
    screen.picture("new-rows").await?;
    // By the keyboard, which goes on at the newest row.
    screen
        .see("[data-testid=new-rows]")
        .await?
        .send_keys(thirtyfour::Key::Enter + "")
        .await?;
    screen.gone("[data-testid=new-rows]").await?;
    let led = "
        const first = document.querySelector('[data-testid=activity-row] .row-toggle');
        return first === document.activeElement";
    screen
        .until("the first row to have the focus", async || {
            Ok(run(&screen, led).await? == json!(true))
        })
        .await?;
    let newest = async || -> Result<String> {
        let request = json!({ "integration": null, "before": null, "limit": 1, "pings": false });
        let page = screen.ask("list_activity", request).await?;
        let id = page["rows"][0]["id"].as_str().context("a row")?;
        Ok(id.to_owned())
    };
    let first = newest().await?;
    screen
        .until("the newest row is the first", async || {
            Ok(run(&screen, ids).await?[0] == json!(first))
        })
        .await?;
    // At the top it is live.
    calls(&screen, 1).await?;
    let first = newest().await?;
    screen
        .until("a new row comes by itself", async || {
            Ok(run(&screen, ids).await?[0] == json!(first))
        })
        .await?;
    // With a row open it waits, and comes once that is closed.
    screen.click(".row-toggle").await?;
    calls(&screen, 1).await?;
    screen.reads("[data-testid=new-rows]", "1 new row").await?;
    screen.see("[data-testid=everything]").await?;
    let before = run(&screen, ids).await?;
    ensure!(before[0] == json!(first), "nothing came above");
    screen.picture("new-rows-open").await?;
    screen.click(".row-toggle").await?;
    screen.gone("[data-testid=new-rows]").await?;
    let first = newest().await?;
    screen
        .until("it came", async || {
            Ok(run(&screen, ids).await?[0] == json!(first))
        })
        .await?;
    screen.close().await
}
