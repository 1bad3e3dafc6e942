//! What is held back until an admin has seen it: a tool that changed, and a call that would hide what it
//! does.

use crate::kit::{
    Screen,
    browser::violations,
    changing::{Changing, tool},
    mcp,
    scripted::{self, Scripted},
};
use anyhow::{Context, Result};
use reqwest::Response;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{sync::Notify, task::JoinHandle};

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_changed_is_told_on_the_card_and_accepted_with_its_words_seen() -> Result<()> {
    let changed = Arc::new(AtomicBool::new(false));
    let script = changed.clone();
    let server = Scripted::serve(move |seen| {
        let changed = script.load(Ordering::Relaxed);
        async move {
            if seen.method == "POST" && seen.json()["method"] == "tools/list" {
                let whom = if changed {
                    "everybody at once"
                } else {
                    "by name"
                };
                let tool = json!({ "name": "greet", "description": format!("Greets {whom}."),
                    "inputSchema": { "type": "object" } });
                let result = json!({ "tools": [tool] });
                let id = seen.json()["id"].clone();
                return scripted::json(
                    200,
                    &json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                );
            }
            mcp::open(&seen, &Arc::new(Notify::new())).await
        }
    })
    .await?;
    let screen = Screen::open().await?;
    let id = screen.connect_mcp(&server.url("/mcp")).await?;
    screen.go("#/").await?;
    screen
        .see("[data-testid=card][data-status=healthy]")
        .await?;
    assert_eq!(screen.count("[data-testid=card-held]").await?, 0);

    changed.store(true, Ordering::Relaxed);
    screen.ask("probe_integration", json!({ "id": id })).await?;
    screen
        .reads("[data-testid=card-held]", "1 new or changed tool waits")
        .await?;
    screen.picture("card-held").await?;
    assert_eq!(violations(&screen.page).await?, Vec::<String>::new());
    screen.click("[data-testid=card-held] a").await?;
    screen
        .reads("[data-testid=held] .diff ins", "everybody")
        .await?;
    let removed = screen
        .page
        .find_all(thirtyfour::By::Css("[data-testid=held] .diff del"))
        .await?;
    let mut was = String::new();
    for each in removed {
        was.push_str(&each.text().await?);
    }
    assert!(was.contains("by") && was.contains("name"), "{was}");
    screen.picture("held").await?;
    assert_eq!(violations(&screen.page).await?, Vec::<String>::new());
    screen
        .call(id, "greet", json!({}))
        .await
        .err()
        .context("it is held")?;

    screen.press("Accept greet").await?;
    screen.gone("[data-testid=held]").await?;
    screen.call(id, "greet", json!({})).await?;
    screen.go("#/").await?;
    screen
        .see("[data-testid=card][data-status=healthy]")
        .await?;
    screen.gone("[data-testid=card-held]").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_tells_under_the_button_is_looked_at_before_it_is_accepted() -> Result<()> {
    let server = Changing::serve(vec![tool("greet", "Greets."), tool("see", "Sees.")]).await?;
    let screen = Screen::open().await?;
    let id = screen.connect_mcp(&server.server.url("/mcp")).await?;
    let tell = async |greet: &str| -> Result<()> {
        server.tell(vec![tool("greet", greet), tool("see", "Sees afar.")]);
        screen.ask("probe_integration", json!({ "id": id })).await?;
        Ok(())
    };
    tell("Greets harmlessly.").await?;
    screen.go(&format!("#/integrations/{id}/tools")).await?;
    let greet = "[data-testid=held][data-name=greet]";
    screen.reads(greet, "harmlessly").await?;
    tell("Greets everybody at night.").await?;
    screen.reads(greet, "at night").await?;
    screen
        .reads(greet, "Changed since you opened this page")
        .await?;
    screen.picture("held-moved").await?;
    assert_eq!(violations(&screen.page).await?, Vec::<String>::new());
    assert_eq!(
        screen
            .count(&format!("{greet} [data-testid=accept]"))
            .await?,
        0
    );
    let all = "button[disabled]";
    screen.reads(all, "Accept all").await?;

    screen.press("Look again at greet").await?;
    screen.press("Accept greet").await?;
    screen.gone(greet).await?;
    screen.press("Accept see").await?;
    screen.gone("[data-testid=held]").await?;
    screen.close().await
}

/// Has an agent make a call of the sample that asks first, with this as its text.
async fn asked(screen: &Screen, text: &str) -> Result<JoinHandle<reqwest::Result<Response>>> {
    screen.connect_sample().await?;
    let id = screen.integration().await?;
    let policy = json!({ "id": id, "tool": "echo", "agent": null, "choice": "ask" });
    screen.ask("set_policy", policy).await?;
    let paired =
        json!({ "name": "Cursor", "integrations": null, "read_only": false, "days": null });
    let paired = screen.ask("pair_agent", paired).await?;
    let (url, token) = (paired["url"].clone(), paired["token"].clone());
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "sample__echo", "arguments": { "text": text } } });
    let client = reqwest::Client::builder().no_proxy().build()?;
    let asked = client
        .post(url.as_str().context("an address")?)
        .bearer_auth(token.as_str().context("a token")?)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .body(call.to_string());
    Ok(tokio::spawn(asked.send()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_of_a_call_is_told_as_a_warning_where_it_is_approved() -> Result<()> {
    let screen = Screen::open().await?;
    let text = "select 1; -----BEGIN\ndrop table users;\n-- password:\ndelete from customers";
    let asked = asked(&screen, text).await?;
    screen.press("Review").await?;
    screen
        .reads("[data-testid=arguments]", "drop table users")
        .await?;
    screen
        .reads(
            "[data-testid=hidden]",
            "Hidden from you: 1 part, 21 characters.",
        )
        .await?;
    screen.picture("approval-hidden").await?;
    assert_eq!(violations(&screen.page).await?, Vec::<String>::new());
    screen.click("[data-testid=deny]").await?;
    let answer = asked.await??.text().await?;
    assert!(answer.contains("approval-denied"), "{answer}");
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_argument_that_is_padded_is_in_sight_before_the_answers() -> Result<()> {
    for (blank, times, picture) in [
        (" ", 3_000, "approval-padded"),
        ("\u{a0}", 1_300, "approval-padded-wide"),
        ("-- \n", 1_300, "approval-long"),
    ] {
        let screen = Screen::open().await?;
        let text = format!("select 1{}; drop table users", blank.repeat(times));
        let asked = asked(&screen, &text).await?;

        screen.press("Review").await?;
        screen
            .reads("[data-testid=arguments]", "drop table")
            .await?;
        let inside = r"
            const box = document.querySelector('[data-testid=arguments]');
            const text = box.firstChild, at = text.data.indexOf('; drop table users');
            const end = document.createRange();
            end.setStart(text, at);
            end.setEnd(text, at + 18);
            const [b, e] = [box.getBoundingClientRect(), end.getBoundingClientRect()];
            const approve = document.querySelector('[data-testid=approve]').getBoundingClientRect();
            return e.width > 0 && e.left >= b.left && e.right <= b.right && e.top >= b.top && e.bottom <= b.bottom
                && box.scrollHeight <= box.clientHeight && approve.top >= e.bottom;
        ";
        let seen = screen.page.execute(inside, vec![]).await?;
        assert_eq!(
            seen.json(),
            &json!(true),
            "{picture}: the end stands within the box, which is whole"
        );
        screen.picture(picture).await?;
        screen.click("[data-testid=deny]").await?;
        let answer = asked.await??.text().await?;
        assert!(answer.contains("approval-denied"), "{answer}");
        screen.close().await?;
    }
    Ok(())
}
