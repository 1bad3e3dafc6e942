//! An OpenAPI document in the window: dropped, chosen, or by its address; connected, and imported again.

use crate::kit::{Screen, api::Api, browser::violations};
use anyhow::{Context, Result};
use serde_json::json;

/// What the tests' own API can do, with one operation that must be left out.
fn document(paths: &serde_json::Value) -> String {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Orders", "version": "1.2" },
        "servers": [{ "url": "/v1" }, { "url": "https://orders.example.com/v1", "description": "Production" }],
        "security": [{ "token": [] }],
        "components": { "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
        "paths": paths,
    })
    .to_string()
}

fn before() -> String {
    document(&json!({
        "/health": { "get": { "operationId": "checkHealth", "summary": "Is it up" } },
        "/orders": {
            "get": { "operationId": "listOrders", "summary": "List orders" },
            "delete": { "operationId": "deleteOrders" },
            "post": { "requestBody": { "required": true, "content": { "application/json": {
                "schema": { "$ref": "https://schemas.example.com/order.json" } } } } },
        },
    }))
}

fn after() -> String {
    document(&json!({
        "/health": { "get": { "operationId": "checkHealth", "summary": "Is it up" } },
        "/orders": { "get": { "operationId": "listOrders", "summary": "List every order" } },
        "/invoices": { "get": { "operationId": "listInvoices" } },
    }))
}

/// Drops a file on the window, as the webview tells the page of it.
async fn drop_file(screen: &Screen, name: &str, text: &str) -> Result<()> {
    screen
        .page
        .execute(
            "const data = new DataTransfer();
             data.items.add(new File([arguments[1]], arguments[0]));
             const at = document.querySelector('dialog[open]') ?? document.body;
             for (const type of ['dragover', 'drop']) {
                 const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data });
                 if (at.dispatchEvent(event)) throw new Error(type + ' was left to the browser');
             }",
            vec![json!(name), json!(text)],
        )
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_document_becomes_named_tools_one_of_which_is_called() -> Result<()> {
    let api = Api::start("right-key").await?;
    let screen = Screen::open().await?;
    drop_file(&screen, "orders.json", &before()).await?;
    screen.reads("#document-title", "Orders 1.2").await?;
    screen
        .reads("[data-testid=operations] summary", "3 tools")
        .await?;
    screen.click("[data-testid=operations] summary").await?;
    screen
        .reads("[data-testid=operations]", "delete_orders")
        .await?;
    screen
        .reads("[data-testid=operations]", "DELETE /orders")
        .await?;
    screen.click("[data-testid=problems] summary").await?;
    screen
        .reads(
            "[data-testid=problems]",
            "It refers to https://schemas.example.com/order.json",
        )
        .await?;
    screen
        .reads("[data-testid=problems]", "/paths/~1orders/post/requestBody")
        .await?;
    assert_eq!(screen.value("name").await?, "Orders");
    assert_eq!(screen.value("health-path").await?, "/health");
    screen.reads("#url-hint", "The document gives /v1").await?;

    screen.fill("url", &api.url).await?;
    screen.fill("secret", "wrong-key").await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads(
            "#secret-error",
            "does not accept this credential (HTTP 401)",
        )
        .await?;
    screen.fill("secret", "right-key").await?;
    screen.press("Connect").await?;
    screen.press("Yes, connect to it").await?;
    screen
        .reads("[data-testid=sheet]", "Orders is connected.")
        .await?;
    screen
        .reads("[data-testid=sheet]", "3 tools were found")
        .await?;
    screen.press("Open").await?;
    screen
        .see("[data-testid=tool][data-name=list_orders]")
        .await?;
    let id = screen.integration().await?;
    let answer = screen.call(id, "check_health", json!({})).await?;
    assert!(answer.to_string().contains("up"), "the API said {answer}");

    screen.press("Import again").await?;
    drop_file(&screen, "orders-2.json", &after()).await?;
    screen
        .reads("[data-testid=changes]", "One tool is new")
        .await?;
    screen
        .reads("[data-testid=changes]", "list_invoices")
        .await?;
    screen
        .reads("[data-testid=changes]", "delete_orders")
        .await?;
    screen
        .reads("[data-testid=changes]", "One tool stays as it is.")
        .await?;
    screen.press("Import").await?;
    screen
        .reads("[data-testid=sheet]", "The tools are replaced.")
        .await?;
    screen
        .page
        .execute("document.getElementById('imported-close').click()", vec![])
        .await?;
    screen.gone("[data-testid=sheet]").await?;
    screen
        .see("[data-testid=tool][data-name=list_invoices]")
        .await?;
    screen
        .gone("[data-testid=tool][data-name=delete_orders]")
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_used_says_where_and_another_can_be_chosen() -> Result<()> {
    let api = Api::start("right-key").await?;
    let screen = Screen::open().await?;
    screen.click("[data-testid=add-integration]").await?;
    screen.click("#choose-openapi").await?;
    screen.see("#document-url").await?;
    for (name, text, said) in [
        (
            "a.yaml",
            "openapi: 3.1.0\npaths:\n  /a: b: c\n",
            "at line 3, column 8",
        ),
        ("b.json", r#"{ "swagger": "2.0" }"#, "This is Swagger 2.0."),
        ("c.txt", "hello", "Only OpenAPI 3.0 and 3.1 can be imported"),
        (
            "d.yaml",
            "openapi: 3.1.0\npaths: {}\n",
            "Nothing in this document can be called",
        ),
    ] {
        drop_file(&screen, name, text).await?;
        screen
            .reads("#form-error", said)
            .await
            .with_context(|| name.to_owned())?;
    }
    // By its address: the API has no document there, and the address is asked about first.
    screen
        .fill("document-url", &format!("{}/openapi.json", api.url))
        .await?;
    screen.press("Read it").await?;
    screen
        .reads(
            "[data-testid=sheet]",
            "inside a private network. Is that meant?",
        )
        .await?;
    screen.press("Yes, fetch it").await?;
    screen.reads("#document-url-error", "HTTP 404").await?;

    // A file that is chosen, not dropped.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("orders.json");
    std::fs::write(&file, before())?;
    let input = screen
        .page
        .find(thirtyfour::By::Css("#document-file"))
        .await?;
    input.send_keys(file.to_string_lossy()).await?;
    screen.reads("#document-title", "Orders").await?;
    screen.press("Back").await?;
    screen.see("#document-url").await?;
    screen.press("Back").await?;
    screen.see("#choose-openapi").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sheet_passes_the_accessibility_rules_in_both_themes() -> Result<()> {
    let screen = Screen::open().await?;
    for (theme, option) in [("light", "#theme-1"), ("dark", "#theme-2")] {
        screen.go("#/settings").await?;
        screen.click(option).await?;
        screen.see(&format!("html[data-theme={theme}]")).await?;
        screen.go("#/").await?;
        screen.click("[data-testid=add-integration]").await?;
        screen.click("#choose-openapi").await?;
        screen.see("#document-url").await?;
        for step in ["choice", "found"] {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let found = violations(&screen.page).await?;
            anyhow::ensure!(found.is_empty(), "{step} in {theme}:\n{}", found.join("\n"));
            picture(&screen, &format!("openapi-{step}-{theme}")).await?;
            drop_file(&screen, "orders.json", &before()).await?;
            screen.see("#document-title").await?;
            screen.click("[data-testid=operations] summary").await?;
            screen.click("[data-testid=problems] summary").await?;
        }
        screen.press("Close").await?;
        screen.gone("[data-testid=sheet]").await?;
    }
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
