//! OpenAPI documents: each operation a tool of a real API, called as the document says, and imported
//! again when the document changes.

use crate::kit::{
    Home, code,
    scripted::{Scripted, content, json as json_answer, redirect, text},
    search, targets,
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::{Value, json};
use wire::{
    AuthOffer, DocumentView, ErrorCode, IntegrationId, Kind, Problem, Risk, RowKind, Status,
    ToolChanges,
};

/// What the package registry of these tests answers, in OpenAPI's words.
const REGISTRY: &str = r##"
openapi: 3.0.3
info: { title: Package registry, version: "6" }
servers: [{ url: / }]
security: [{ token: [] }]
paths:
  /-/npm/v1/user:
    get: { operationId: whoIsAsking, summary: Who is asking, responses: { 200: { description: them } } }
  /{package}:
    get:
      operationId: getPackage
      parameters:
        - { name: package, in: path, required: true, schema: { type: string, maxLength: 40 } }
      responses: { 200: { description: it } }
  /-/user/{name}:
    delete:
      operationId: logOut
      parameters: [{ name: name, in: path, required: true, schema: { type: string } }]
      responses: { 200: { description: done } }
  /elsewhere:
    post:
      operationId: publish
      requestBody: { required: true, content: { application/json: { schema: { $ref: "https://example.com/package.json" } } } }
      responses: { 200: { description: done } }
components:
  securitySchemes: { token: { type: http, scheme: bearer } }
"##;

async fn inspect(home: &Home, name: &str, text: &str) -> Result<DocumentView, wire::Error> {
    let source = json!({ "from": "file", "name": name, "text": text });
    let request = json!({ "source": source, "integration": null, "confirmed": {} });
    home.ask::<wire::InspectOpenapi>(request).await
}

fn target(document: &DocumentView, base_url: &str, auth: Value) -> Value {
    json!({
        "kind": "open_api",
        "document": document.id,
        "name": document.title,
        "base_url": base_url,
        "auth": auth,
        "health_path": document.health_path,
    })
}

#[tokio::test]
async fn a_real_api_gets_a_tool_for_each_operation_of_its_document() -> Result<()> {
    let api = Peer::start("registry", &[]).await?;
    let home = Home::new().await?;
    let document = inspect(&home, "registry.yaml", REGISTRY).await?;
    assert_eq!(
        (document.title.as_str(), document.auth.as_slice()),
        ("Package registry", [AuthOffer::Bearer].as_slice())
    );
    assert!(!document.servers[0].complete, "its server is relative");
    assert_eq!(document.health_path.as_deref(), Some("/-/npm/v1/user"));
    let problem = document.problems.first().context("a reference leads out")?;
    assert_eq!(problem.problem, Problem::ExternalReference);
    assert!(
        problem.place.starts_with("/paths/~1elsewhere/post/"),
        "{}",
        problem.place
    );

    let wrong = home
        .begin(target(
            &document,
            &api.url,
            targets::bearer("not.the.token"),
        ))
        .await?;
    assert_eq!(home.fails(wrong).await?.code, ErrorCode::Rejected);
    home.holds_nothing()?;
    assert_eq!(home.count("openapi_documents")?, 0);

    let token = api.fact("token")?;
    let id = home
        .connect(target(&document, &api.url, targets::bearer(token)))
        .await?;
    let tools = home.ask::<wire::ListTools>(json!({ "id": id })).await?;
    let told: Vec<_> = tools
        .iter()
        .map(|tool| (tool.name.as_str(), tool.risk))
        .collect();
    assert_eq!(
        told,
        [
            ("who_is_asking", Risk::Reads),
            ("log_out", Risk::Destroys),
            ("get_package", Risk::Reads)
        ]
    );
    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    assert_eq!((page.card.kind, page.card.tools), (Kind::Api, 3));
    let imported = page.document.context("where its tools are from")?;
    assert_eq!(
        (imported.title.as_str(), imported.source.as_str()),
        ("Package registry", "registry.yaml")
    );

    // Also after the app has ended and started again: what a call needs is kept.
    let home = home.restart().await?;
    let answer = home.call(id, "who_is_asking", json!({})).await?;
    assert!(answer.to_string().contains("ann"), "the API said {answer}");
    let answer = home
        .call(id, "get_package", json!({ "package": "no-such-package" }))
        .await?;
    assert!(answer.to_string().contains("404"), "the API said {answer}");
    for (arguments, argument) in [
        (json!({}), "package"),
        (json!({ "package": "x".repeat(41) }), "package"),
        (json!({ "package": ".." }), ""),
        (
            json!({ "package": "a", "authorization": "Bearer mine" }),
            "authorization",
        ),
    ] {
        let error = home
            .call(id, "get_package", arguments)
            .await
            .err()
            .context("it does not fit")?;
        assert_eq!(error.code, ErrorCode::ArgumentsInvalid);
        assert_eq!(
            error.args.get("argument").map(String::as_str),
            Some(argument),
            "{error}"
        );
    }
    let unknown = home.call(id, "publish", json!({})).await;
    assert_eq!(
        code(unknown)?,
        ErrorCode::ToolUnknown,
        "what was left out is no tool"
    );
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    assert_eq!(home.test(id).await?.error, None);

    home.disconnect(id).await?;
    assert_eq!(
        home.count("openapi_documents")?,
        0,
        "its document goes with it"
    );
    home.holds_nothing()
}

fn orders(paths: Value) -> String {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Orders", "version": "1" },
        "servers": [{ "url": "/v1" }],
        "security": [{ "key": [] }],
        "components": { "securitySchemes": { "key": { "type": "apiKey", "in": "header", "name": "X-Api-Key" } } },
        "paths": paths,
    })
    .to_string()
}

/// An API that tells what it was asked, and serves its own document.
async fn orders_api(key: String, document: String) -> Result<Scripted> {
    Scripted::serve(move |seen| {
        let (key, document) = (key.clone(), document.clone());
        async move {
            match seen.path.as_str() {
                "/openapi.json" => content(200, "application/json", document),
                "/moved.json" => redirect(302, "/openapi.json"),
                "/away.json" => redirect(302, "http://127.0.0.1:9/openapi.json"),
                _ if seen.header("x-api-key") != key => text(401, "no"),
                _ => json_answer(
                    200,
                    &json!({ "asked": format!("{} {}?{}", seen.method, seen.path, seen.query), "body": seen.json() }),
                ),
            }
        }
    })
    .await
}

async fn fetch(home: &Home, url: &str, private: bool) -> Result<DocumentView, wire::Error> {
    let source = json!({ "from": "url", "url": url });
    let confirmed = json!({ "private_address": private });
    let request = json!({ "source": source, "integration": null, "confirmed": confirmed });
    home.ask::<wire::InspectOpenapi>(request).await
}

#[tokio::test]
async fn a_document_by_url_is_fetched_once_without_a_credential_and_nothing_else_is() -> Result<()>
{
    let key = search::canary("orders key");
    let elsewhere = Scripted::serve(|_| async { text(200, "{}") }).await?;
    let reference = json!({ "$ref": elsewhere.url("/schemas.json") });
    let paths = json!({
        "/me": { "get": {} },
        "/orders": { "get": { "operationId": "listOrders", "parameters": [
            { "name": "state", "in": "query", "schema": { "type": "array", "items": { "enum": ["open", "paid"] } } }] },
            "post": { "operationId": "createOrder", "requestBody": { "required": true, "content": { "application/json": {
                "schema": { "type": "object", "required": ["sku"], "properties": { "sku": { "type": "string" } } } } } } } },
        "/out": { "post": { "requestBody": { "content": { "application/json": { "schema": reference } } } } },
        "/item": { "$ref": elsewhere.url("/paths.json") },
    });
    let api = orders_api(key.clone(), orders(paths)).await?;
    let home = Home::new().await?;

    let asked = fetch(&home, &api.url("/openapi.json"), false).await;
    assert_eq!(
        code(asked)?,
        ErrorCode::AddressPrivate,
        "a private address is asked about"
    );
    assert!(api.seen().is_empty(), "before anything is sent");
    let away = fetch(&home, &api.url("/away.json"), true).await;
    assert_eq!(code(away)?, ErrorCode::RedirectRefused);
    let document = fetch(&home, &api.url("/moved.json"), true).await?;
    assert_eq!(document.servers[0].url, api.url("/v1"));
    assert!(
        document.servers[0].complete,
        "it is relative to where the document is"
    );
    assert_eq!(
        document.auth,
        [AuthOffer::Header {
            name: "X-Api-Key".to_owned()
        }]
    );
    assert_eq!(document.problems.len(), 2, "{:?}", document.problems);
    assert!(
        elsewhere.seen().is_empty(),
        "what a reference names is not fetched"
    );

    let id = home
        .connect(target(
            &document,
            &api.url("/v1"),
            targets::header("X-Api-Key", &key),
        ))
        .await?;
    assert_eq!(
        home.tools(id).await?,
        ["get_me", "list_orders", "create_order"]
    );
    let answer = home
        .call(id, "list_orders", json!({ "state": ["open", "paid"] }))
        .await?;
    assert_eq!(
        answer["structuredContent"]["body"]["asked"],
        "GET /v1/orders?state=open&state=paid"
    );
    let answer = home
        .call(id, "create_order", json!({ "body": { "sku": "A-1" } }))
        .await?;
    assert_eq!(
        answer["structuredContent"]["body"],
        json!({ "asked": "POST /v1/orders?", "body": { "sku": "A-1" } })
    );
    let sent = api.seen().len();
    let refused = home
        .call(id, "create_order", json!({ "body": { "sku": 7 } }))
        .await;
    assert_eq!(code(refused)?, ErrorCode::ArgumentsInvalid);
    assert_eq!(api.seen().len(), sent, "nothing is sent that does not fit");
    assert!(elsewhere.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_is_at_another_server_than_the_base_url_is_no_tool() -> Result<()> {
    let api = orders_api("key".to_owned(), String::new()).await?;
    let files = "http://127.0.0.1:9/files";
    let paths = json!({
        "/me": { "get": {} },
        "/upload": { "post": { "servers": [{ "url": files }] } },
    });
    let mut text: Value = serde_json::from_str(&orders(paths))?;
    text["servers"] = json!([{ "url": api.url("/v1") }, { "url": files }]);
    let home = Home::new().await?;
    let document = inspect(&home, "orders.json", &text.to_string()).await?;
    let problem = document.problems.first().context("it is told")?;
    assert_eq!(
        (problem.problem, problem.what.as_str()),
        (Problem::OtherServer, files)
    );
    let auth = targets::header("X-Api-Key", "key");
    let id = home
        .connect(target(&document, &api.url("/v1/"), auth))
        .await?;
    assert_eq!(home.tools(id).await?, ["get_me"]);
    let again = json!({ "id": id, "document": document.id });
    let done = home.ask::<wire::ImportAgain>(again).await?;
    let same = ToolChanges {
        same: 1,
        ..ToolChanges::default()
    };
    assert_eq!(done, same);
    assert_eq!(home.tools(id).await?, ["get_me"]);
    Ok(())
}

#[tokio::test]
async fn importing_again_names_what_changes_and_then_changes_it() -> Result<()> {
    let before = json!({
        "/me": { "get": {} },
        "/orders": { "get": { "operationId": "listOrders" }, "delete": { "operationId": "deleteOrders" } },
        "/refunds": { "post": { "operationId": "refund", "requestBody": { "content": { "application/json": {} } } } },
    });
    let after = json!({
        "/me": { "get": {} },
        "/orders": { "get": { "operationId": "listOrders", "parameters": [{ "name": "page", "in": "query" }] } },
        "/refunds/v2": { "post": { "operationId": "refund", "requestBody": { "content": { "application/json": {} } } } },
        "/invoices": { "get": { "operationId": "listInvoices" } },
    });
    let api = orders_api("key".to_owned(), String::new()).await?;
    let home = Home::new().await?;
    let document = inspect(&home, "orders.json", &orders(before)).await?;
    let id = home
        .connect(target(
            &document,
            &api.url("/v1"),
            targets::header("X-Api-Key", "key"),
        ))
        .await?;
    home.call(id, "refund", json!({ "body": {} })).await?;

    let again = |id: IntegrationId, text: String| {
        let source = json!({ "from": "file", "name": "orders-2.json", "text": text });
        json!({ "source": source, "integration": id, "confirmed": {} })
    };
    let document = home
        .ask::<wire::InspectOpenapi>(again(id, orders(after)))
        .await?;
    let expected = ToolChanges {
        added: vec!["list_invoices".to_owned()],
        removed: vec!["delete_orders".to_owned()],
        changed: vec!["list_orders".to_owned(), "refund".to_owned()],
        same: 1,
    };
    assert_eq!(document.changes.as_ref(), Some(&expected));
    assert_eq!(home.tools(id).await?.len(), 4, "looking changes nothing");

    let done = home
        .ask::<wire::ImportAgain>(json!({ "id": id, "document": document.id }))
        .await?;
    assert_eq!(done, expected);
    assert_eq!(
        home.tools(id).await?,
        ["list_invoices", "get_me", "list_orders", "refund"]
    );
    let gone = home.call(id, "delete_orders", json!({})).await;
    assert_eq!(code(gone)?, ErrorCode::ToolUnknown);
    let answer = home.call(id, "refund", json!({ "body": {} })).await?;
    assert_eq!(
        answer["structuredContent"]["body"]["asked"], "POST /v1/refunds/v2?",
        "the next call is the new document's"
    );
    let row = home
        .rows_of(
            RowKind::Change,
            "imported again: 1 tools added, 1 removed, 2 changed",
        )
        .await?;
    assert_eq!(row.len(), 1, "the record says it");

    let stale = home
        .ask::<wire::ImportAgain>(json!({ "id": id, "document": id }))
        .await;
    assert_eq!(code(stale)?, ErrorCode::DocumentGone);
    Ok(())
}

#[tokio::test]
async fn a_custom_api_gets_its_tools_later_and_an_open_one_needs_no_key() -> Result<()> {
    let home = Home::new().await?;
    let api = orders_api("key".to_owned(), String::new()).await?;
    let id = home
        .connect(targets::api(
            &api.url("/v1"),
            "/me",
            targets::header("X-Api-Key", "key"),
        ))
        .await?;
    assert_eq!(home.tools(id).await?, ["call"]);
    let text = orders(json!({ "/orders": { "get": { "operationId": "listOrders" } } }));
    let document = inspect(&home, "orders.json", &text).await?;
    home.ask::<wire::ImportAgain>(json!({ "id": id, "document": document.id }))
        .await?;
    assert_eq!(home.tools(id).await?, ["list_orders"]);
    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    assert_eq!(
        page.health_path.as_deref(),
        Some("/me"),
        "the ping stays as it was"
    );
    home.call(id, "list_orders", json!({})).await?;

    let open = Scripted::serve(|_| async { json_answer(200, &json!({})) }).await?;
    let text = json!({ "openapi": "3.1.0", "info": { "title": "Open" }, "paths": { "/now": { "get": {} } } });
    let document = inspect(&home, "open.json", &text.to_string()).await?;
    assert_eq!(document.auth, [AuthOffer::None]);
    let id = home
        .connect(target(&document, &open.url(""), json!({ "auth": "none" })))
        .await?;
    home.call(id, "get_now", json!({})).await?;
    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id, "Reconnect proves it again");
    Ok(())
}
