//! An agent at work, as a process of its own, and the admin at the window: what it may do, what it asks
//! for, what is written down, and what becomes of it when an integration goes.

use crate::kit::{
    App, Keyring,
    agent::Agent,
    changing::{Changing, tool},
    on, until,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

const THREAD: &str = "https://acme.slack.com/archives/C024BE91L/p1355517523000008";

/// Connects the server by a key, as the Add sheet does, and waits for its card.
async fn connect(app: &App<'_>, name: &str, url: &str) -> Result<String> {
    let auth = json!({ "auth": "bearer", "token": format!("key-of-{name}") });
    let target = json!({ "kind": "mcp", "name": name, "url": url, "auth": auth });
    let confirmed = json!({ "private_address": true });
    let request =
        json!({ "request": { "target": target, "confirmed": confirmed, "ends_at": null } });
    let begun = app.invoke("start_connect", request).await?;
    ensure!(begun.is_ok(), "{begun:?}");
    until(&format!("the card of {name}"), async || {
        let cards = app
            .invoke("list_integrations", json!({ "request": {} }))
            .await?
            .map_err(|refused| anyhow::anyhow!("{refused}"))?;
        let found = cards.as_array().into_iter().flatten();
        let found = found.filter(|card| card["name"] == name);
        Ok(found
            .filter_map(|card| card["id"].as_str().map(str::to_owned))
            .next())
    })
    .await
}

/// Pairs an agent in the window. The gateway's address, and the token, which is shown once.
async fn pair(app: &App<'_>, name: &str) -> Result<(String, String)> {
    app.press("Agents").await?;
    let door = app
        .read("[data-testid=gateway]", "http://127.0.0.1:")
        .await?;
    let door = door.prop("innerText").await?.unwrap_or_default();
    let url = door
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    app.press("Pair an agent").await?;
    app.fill("#agent-name", name).await?;
    app.read("dialog label", "Every tool")
        .await?
        .click()
        .await?;
    app.click("[data-testid=pair]").await?;
    let snippet = app.see("[data-testid=snippet]").await?;
    let text = snippet.prop("innerText").await?.unwrap_or_default();
    let from = text.find("chief_").context("the token")?;
    let token: String = text[from..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .collect();
    app.click("[data-testid=pair-finish]").await?;
    Ok((url.context("an address")?.to_owned(), token))
}

fn said(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_agent_calls_is_denied_approved_and_cut_off_at_the_window() -> Result<()> {
    on(Keyring::Unlocked, "agents", async |desktop| {
        let orders = Changing::serve(vec![
            tool("look", "Looks."),
            tool("wait", "Waits for ever."),
            tool("delete_order", "Deletes an order."),
        ])
        .await?;
        let mail = Changing::serve(vec![tool("send", "Sends.")]).await?;
        let app = App::start(desktop).await?;
        let id = connect(&app, "Orders", &orders.server.url("/mcp")).await?;
        connect(&app, "Mail", &mail.server.url("/mcp")).await?;
        let (url, token) = pair(&app, "Claude").await?;
        let mut agent = Agent::start(&url, &token).await?;
        let all = [
            "mail__send",
            "orders__delete_order",
            "orders__look",
            "orders__wait",
        ];
        let mut listed = agent.tools().await?;
        listed.sort();
        assert_eq!(listed, all);
        let thread = json!({ "url": THREAD, "title": "Refund 17" });

        // A call, its row, and its thread as a link.
        agent
            .begin("orders__look", json!({}), thread.clone())
            .await?;
        assert_eq!(said(&agent.result().await?), "look");
        app.press("Activity").await?;
        app.read("[data-testid=activity-row]", "orders.look")
            .await?;
        app.read("[data-testid=thread]", "Refund 17").await?;
        app.press("Tasks").await?;
        app.read("[data-testid=task]", "Refund 17").await?;
        app.picture("agents-1-task").await?;

        // Denied by a policy that the admin sets in the window.
        app.script(&format!("location.hash = '#/integrations/{id}/tools'"))
            .await?;
        let choice = "[data-testid=tool][data-name=look] > [data-testid=policy]";
        app.see(choice).await?;
        let choose = "const at = document.querySelector(arguments[0]); at.value = 'deny'; \
                      at.dispatchEvent(new Event('change', { bubbles: true }));";
        app.page.execute(choose, vec![json!(choice)]).await?;
        until("the tool to be gone from the list", async || {
            let listed = agent.tools().await?;
            Ok((!listed.contains(&"orders__look".to_owned())).then_some(()))
        })
        .await?;
        agent
            .begin("orders__look", json!({}), thread.clone())
            .await?;
        let refused = agent.result().await?;
        assert!(
            said(&refused).contains("does not let Claude use"),
            "{refused}"
        );
        assert_eq!(orders.calls().len(), 1, "nothing went out");
        app.picture("agents-2-policy").await?;

        // What may destroy waits for the window, which shows what it would send.
        let arguments = json!({ "order": 17, "api_key": "a-planted-secret" });
        agent
            .begin("orders__delete_order", arguments.clone(), thread.clone())
            .await?;
        app.read("[data-testid=waiting]", "orders.delete_order")
            .await?;
        app.picture("agents-3-waiting").await?;
        app.press("Review").await?;
        let shown = app.read("[data-testid=arguments]", "\"order\": 17").await?;
        let shown = shown.prop("innerText").await?.unwrap_or_default();
        assert!(!shown.contains("a-planted-secret"), "{shown}");
        assert_eq!(orders.calls().len(), 1, "nothing goes out unapproved");
        app.picture("agents-4-review").await?;
        app.press("Approve").await?;
        assert_eq!(said(&agent.result().await?), "delete_order");
        assert_eq!(
            orders.calls()[1]["arguments"],
            arguments,
            "exactly what was asked"
        );
        app.gone("[data-testid=waiting]").await?;

        // Disconnect during a slow call ends it by name.
        agent
            .begin("orders__wait", json!({}), thread.clone())
            .await?;
        until("the slow call to arrive", async || {
            Ok((orders.calls().len() == 3).then_some(()))
        })
        .await?;
        let cut = app
            .invoke("disconnect", json!({ "request": { "id": id } }))
            .await?;
        ensure!(cut.is_ok(), "{cut:?}");
        let ended = agent.result().await?;
        assert!(said(&ended).contains("Orders was disconnected"), "{ended}");

        // An integration that fails is gone from a new task.
        mail.trouble(401);
        app.script("location.hash = '#/'").await?;
        app.press("Test: Mail").await?;
        app.see("[data-testid=card][data-status=failing]").await?;
        let mut next = Agent::start(&url, &token).await?;
        assert_eq!(next.tools().await?, [""; 0]);
        next.begin("mail__send", json!({}), Value::Null).await?;
        let refused = next.result().await?;
        assert!(said(&refused).contains("Mail is failing"), "{refused}");
        assert!(mail.calls().is_empty());
        app.press("Tasks").await?;
        app.see("[data-testid=task]").await?;
        app.picture("agents-5-tasks").await?;
        app.quit().await
    })
    .await
}
