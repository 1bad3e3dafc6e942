//! An OpenAPI document dropped on the real window becomes named tools, one of which an agent calls
//! through the gateway. (The drop is the one that the page is told of, made by the page's own
//! `DataTransfer`: a WebDriver has no hand that could carry a file from another window.)

use crate::kit::{
    App, Keyring, on,
    scripted::{Scripted, json as answer, text},
    search,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

fn document() -> String {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Orders", "version": "1.2" },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "components": { "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
        "paths": {
            "/health": { "get": { "operationId": "checkHealth", "summary": "Is it up" } },
            "/orders/{id}": {
                "get": { "operationId": "getOrder", "parameters": [
                    { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
                ] },
                "delete": { "operationId": "deleteOrder", "parameters": [
                    { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
                ] },
            },
        },
    })
    .to_string()
}

async fn drop_file(app: &App<'_>, name: &str, text: &str) -> Result<()> {
    let taken = app
        .later(
            "const [name, text, done] = arguments;
             const data = new DataTransfer();
             data.items.add(new File([text], name));
             const left = ['dragover', 'drop'].filter((type) => document.body.dispatchEvent(
                 new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data })));
             done(left);",
            vec![json!(name), json!(text)],
        )
        .await?;
    assert_eq!(
        taken,
        json!([]),
        "what is left to the webview opens the file"
    );
    Ok(())
}

#[tokio::test]
async fn a_document_that_is_dropped_on_the_window_becomes_tools_and_an_agent_calls_one()
-> Result<()> {
    on(Keyring::Unlocked, "document", async |desktop| {
        let key = search::canary("key");
        let wanted = key.clone();
        let api = Scripted::serve(move |seen| {
            let wanted = wanted.clone();
            async move {
                if seen.bearer() != wanted {
                    return text(401, "who are you?");
                }
                match (seen.method.as_str(), seen.path.as_str()) {
                    ("GET", "/health") => answer(200, &json!({ "up": true })),
                    ("GET", "/orders/1042") => answer(200, &json!({ "order": 1042 })),
                    _ => text(404, "no such order"),
                }
            }
        })
        .await?;
        let app = App::start(desktop).await?;
        drop_file(&app, "orders.json", &document()).await?;
        app.read("#document-title", "Orders 1.2").await?;
        app.read("[data-testid=operations] summary", "3 tools")
            .await?;
        app.picture("6-dropped").await?;
        app.fill("#url", &api.url("")).await?;
        app.fill("#secret", &key).await?;
        app.press("Connect").await?;
        app.press("Yes, connect to it").await?;
        app.read("dialog[open]", "Orders is connected.").await?;
        app.press("Open").await?;
        app.read("[data-testid=tool][data-name=get_order]", "get_order")
            .await?;
        app.picture("6-tools").await?;

        let agents = app.invoke("list_agents", json!({ "request": {} })).await?;
        let agents = agents.map_err(|refused| anyhow::anyhow!("{refused}"))?;
        let url = agents["gateway"]["url"]
            .as_str()
            .with_context(|| format!("the gateway listens: {agents}"))?;
        let paired = app
            .invoke(
                "pair_agent",
                json!({ "request": {
                    "name": "Chief", "integrations": null, "read_only": true, "days": null,
                } }),
            )
            .await?;
        let paired = paired.map_err(|refused| anyhow::anyhow!("{refused}"))?;
        let token = paired["token"].as_str().context("a token")?;
        let said = call(url, token, "orders__get_order", json!({ "id": "1042" })).await?;
        ensure!(said.contains("1042") && said.contains("order"), "{said}");
        assert_eq!(api.seen_at("/orders/1042").len(), 1);
        ensure!(!said.contains(&key), "the agent never sees the key");

        app.press("Activity").await?;
        app.read("[data-testid=activity-row]", "orders.get_order")
            .await?;
        app.picture("6-called").await?;
        app.quit().await
    })
    .await
}

/// One call, as an agent makes it over HTTP.
async fn call(url: &str, token: &str, tool: &str, arguments: Value) -> Result<String> {
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments },
    });
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(url)
        .bearer_auth(token)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .body(request.to_string())
        .send()
        .await?;
    let (status, said) = (answer.status(), answer.text().await?);
    ensure!(status.is_success(), "{status} {said}");
    Ok(said)
}
