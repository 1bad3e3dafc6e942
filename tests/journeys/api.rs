//! Custom HTTP APIs: a real one (a package registry) and a scripted one.

use crate::kit::{
    Home,
    agent::{call_of, raw, told},
    code,
    scripted::{Scripted, json as json_answer, text},
    search, targets, text_of,
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use wire::{AuthView, ErrorCode, Fix, Kind, Outcome, Reason, RowKind, Status};

#[tokio::test]
async fn a_real_api_connects_with_a_bearer_token() -> Result<()> {
    let api = Peer::start("registry", &[]).await?;
    let home = Home::new().await?;
    let target = |token: &str| targets::api(&api.url, "/-/npm/v1/user", targets::bearer(token));

    let attempt = home.begin(target("not.the.token")).await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::Rejected);
    home.holds_nothing()?;

    let id = home.connect(target(api.fact("token")?)).await?;
    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    assert_eq!(
        (page.card.kind, page.card.auth),
        (Kind::Api, AuthView::Bearer)
    );
    assert_eq!(page.health_path.as_deref(), Some("/-/npm/v1/user"));
    assert_eq!(home.tools(id).await?, ["call"]);
    let report = home.test(id).await?;
    assert_eq!((report.error, report.answer.as_str()), (None, "HTTP 200"));
    assert!(
        report.tried.starts_with("GET http://127.0.0.1:"),
        "tried: {}",
        report.tried
    );

    let answer = home
        .call(
            id,
            "call",
            json!({ "method": "GET", "path": "/-/npm/v1/user" }),
        )
        .await?;
    assert!(answer.to_string().contains("ann"), "the API said {answer}");
    // What the API itself refuses is an answer, and breaks nothing.
    let answer = home
        .call(
            id,
            "call",
            json!({ "method": "GET", "path": "/no-such-package" }),
        )
        .await?;
    assert!(answer.to_string().contains("404"), "the API said {answer}");
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    home.disconnect(id).await?;
    home.holds_nothing()
}

#[tokio::test]
async fn a_real_api_connects_with_a_name_and_a_password() -> Result<()> {
    let api = Peer::start("registry", &[]).await?;
    let home = Home::new().await?;
    let target = |user: &str, password: &str| {
        targets::api(&api.url, "/-/npm/v1/user", targets::basic(user, password))
    };
    let (user, password) = (api.fact("user")?, api.fact("password")?);
    let attempt = home.begin(target(user, "wrong")).await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::Rejected);
    home.holds_nothing()?;
    let id = home.connect(target(user, password)).await?;
    let card = home.card(id).await?;
    assert_eq!(
        (card.account.as_deref(), card.auth),
        (
            Some(user),
            AuthView::Basic {
                user: user.to_owned()
            }
        )
    );
    assert_eq!(home.test(id).await?.error, None);
    Ok(())
}

/// An API whose key can be changed, and which writes down how it came.
async fn keyed(place: &'static str, key: Arc<Mutex<String>>) -> Result<Scripted> {
    Scripted::serve(move |seen| {
        let wanted = key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move {
            let sent = match place {
                "query" => seen.asked("api_key").unwrap_or_default(),
                header => seen.header(header),
            };
            match (sent == wanted, seen.path.as_str()) {
                (false, _) => text(401, "no"),
                (true, "/v1/health") => json_answer(200, &json!({ "up": true })),
                (true, "/v1/orders") => {
                    json_answer(200, &json!({ "orders": [1042], "asked": seen.query }))
                }
                (true, _) => text(404, "no such thing"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_key_in_a_header_of_its_own_is_sent_there_only() -> Result<()> {
    let key = search::canary("header key");
    let api = keyed("x-api-key", Arc::new(Mutex::new(key.clone()))).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::api(
            &api.url("/v1"),
            "/health",
            targets::header("X-Api-Key", &key),
        ))
        .await?;
    let answer = home
        .call(
            id,
            "call",
            json!({ "method": "GET", "path": "/orders", "query": { "state": "open" } }),
        )
        .await?;
    assert!(
        answer.to_string().contains("1042") && answer.to_string().contains("state=open"),
        "{answer}"
    );
    for seen in api.seen() {
        assert!(
            seen.path.starts_with("/v1/"),
            "nothing outside the base URL: {}",
            seen.path
        );
        assert!(!seen.query.contains(&key) && seen.header("authorization").is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_key_in_the_query_is_shown_nowhere() -> Result<()> {
    let key = search::canary("query key");
    let api = keyed("query", Arc::new(Mutex::new(key.clone()))).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::api(
            &api.url("/v1"),
            "/health",
            targets::query("api_key", &key),
        ))
        .await?;
    let report = home.test(id).await?;
    assert!(
        report.error.is_none() && !report.tried.contains("api_key"),
        "tried: {}",
        report.tried
    );
    let answer = home
        .call(id, "call", json!({ "method": "GET", "path": "/orders" }))
        .await?;
    assert!(answer.to_string().contains("1042"));
    let needle = search::Needles::new([("the key", key.as_str())])?;
    let found = search::search("the tool's answer", answer.to_string().as_bytes(), &needle);
    assert!(
        found.is_empty(),
        "an API that repeats its query does not hand the key to an agent: {found:?}"
    );
    let taken = home
        .call(
            id,
            "call",
            json!({ "method": "GET", "path": "/orders", "query": { "api_key": "x" } }),
        )
        .await;
    assert_eq!(
        code(taken)?,
        ErrorCode::ArgumentsInvalid,
        "an agent cannot replace the key"
    );
    Ok(())
}

#[tokio::test]
async fn a_key_that_stops_working_is_told_by_test_and_healed_by_a_fresh_one() -> Result<()> {
    let key = Arc::new(Mutex::new("first".to_owned()));
    let api = keyed("x-api-key", key.clone()).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::api(
            &api.url("/v1"),
            "/health",
            targets::header("X-Api-Key", "first"),
        ))
        .await?;
    home.call(id, "call", json!({ "method": "GET", "path": "/orders" }))
        .await?;

    *key.lock().unwrap_or_else(PoisonError::into_inner) = "second".to_owned();
    let report = home.test(id).await?;
    let error = report.error.context("the key is revoked")?;
    assert_eq!(
        (error.code, error.args.get("status").map(String::as_str)),
        (ErrorCode::Rejected, Some("401"))
    );
    assert_eq!(
        (report.health.status, report.health.fix),
        (Status::Failing, Some(Fix::PasteKey))
    );
    assert!(matches!(report.health.reason, Reason::Rejected { .. }));
    let ping = home.rows_of(RowKind::Ping, "ping").await?;
    assert_eq!(
        ping.first().map(|row| row.outcome),
        Some(Outcome::Failed),
        "the failed test is in the activity"
    );

    let attempt = home.begin_again(id, Some("second")).await?;
    assert_eq!(home.done(attempt).await?, id);
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    home.call(id, "call", json!({ "method": "GET", "path": "/orders" }))
        .await?;
    let rows = home.record().await?;
    let changes: Vec<&str> = rows
        .iter()
        .filter(|row| row.kind == RowKind::Change)
        .map(|row| row.action.as_str())
        .collect();
    assert!(
        changes.contains(&"reconnected") && changes.contains(&"connected"),
        "{changes:?}"
    );
    assert!(
        changes.iter().any(|what| what.contains('→')),
        "each change of status is a row: {changes:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_call_stays_under_the_base_url() -> Result<()> {
    let api = keyed("x-api-key", Arc::new(Mutex::new("key".to_owned()))).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::api(
            &api.url("/v1"),
            "/health",
            targets::header("X-Api-Key", "key"),
        ))
        .await?;
    let before = api.seen().len();
    for path in [
        "/../admin",
        "//evil.example/x",
        "http://evil.example/",
        "/%2e%2e/admin",
        "/..%2fadmin",
        "\\\\evil.example\\x",
    ] {
        let result = home
            .call(id, "call", json!({ "method": "GET", "path": path }))
            .await;
        assert_eq!(
            code(result).with_context(|| format!("for {path}"))?,
            ErrorCode::ArgumentsInvalid,
            "{path}"
        );
    }
    assert_eq!(api.seen().len(), before, "nothing was sent");
    for arguments in [
        json!({}),
        json!({ "method": "TRACE", "path": "/" }),
        json!({ "method": "GET", "path": "/", "headers": {} }),
        Value::Null,
    ] {
        assert_eq!(
            code(home.call(id, "call", arguments).await)?,
            ErrorCode::ArgumentsInvalid
        );
    }
    assert_eq!(
        home.card(id).await?.health.status,
        Status::Healthy,
        "a bad argument says nothing of the integration"
    );
    Ok(())
}

#[tokio::test]
async fn a_read_only_agent_may_get_of_an_api_without_a_document_and_no_more() -> Result<()> {
    let api = Scripted::serve(|_| async { json_answer(200, &json!({ "order": 17 })) }).await?;
    let home = Home::new().await?;
    home.connect(targets::api(
        &api.url(""),
        "/health",
        targets::bearer("key"),
    ))
    .await?;
    let door = home.open_door().await?;
    let reader = json!({ "name": "Reader", "read_only": true });
    let (_, token) = home.pair(reader).await?;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("chief-task", "Orders")];
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let (_, listed) = raw(("POST", &door.url), &headers, &list).await?;
    assert!(listed.contains("orders__call"), "{listed}");
    let call = async |method: &str| -> Result<Value> {
        let call = json!({ "method": method, "path": "/orders/17" });
        let call = call_of("orders__call", &call);
        let (_, body) = raw(("POST", &door.url), &headers, &call).await?;
        Ok(told(&body)?["result"].clone())
    };
    let read = call("GET").await?;
    assert!(text_of(&read).contains("17"), "{read}");
    for method in ["POST", "DELETE"] {
        let refused = call(method).await?;
        let code = &refused["_meta"]["app.chief.integrations/error"]["code"];
        assert_eq!(code, "agent-not-allowed", "{refused}");
        assert!(text_of(&refused).contains("Reader"), "{refused}");
    }
    let sent = api.seen_at("/orders/17");
    assert_eq!(sent.len(), 1, "only what reads went out");
    let tasks = home.ask::<wire::ListTasks>(json!({})).await?;
    assert_eq!((tasks[0].calls, tasks[0].refused), (3, 2), "{tasks:?}");
    Ok(())
}

/// An API whose key is the user name of Basic, and which says it back.
async fn keyed_by_user(key: Arc<Mutex<String>>) -> Result<Scripted> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    Scripted::serve(move |seen| {
        let key = key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move {
            let wanted = format!("Basic {}", STANDARD.encode(format!("{key}:x")));
            match (seen.header("authorization") == wanted, seen.path.as_str()) {
                (false, _) => text(401, "no"),
                (true, _) => json_answer(200, &json!({ "api_key": key, "orders": [1042] })),
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_key_that_is_the_user_name_is_shown_nowhere_and_renewed_as_any_other() -> Result<()> {
    let [first, second] = ["first", "second"].map(search::canary);
    let key = Arc::new(Mutex::new(first.clone()));
    let api = keyed_by_user(key.clone()).await?;
    let home = Home::new().await?;
    let target = |path: &str| {
        let mut target = targets::api(&api.url(path), "/health", targets::basic(&first, "x"));
        target["name"] = "Payments".into();
        target
    };
    let id = home.connect(target("/v1")).await?;
    let other = home.connect(target("/v2")).await?;
    let nobody = AuthView::Basic {
        user: String::new(),
    };
    for (id, name) in [(id, "Payments"), (other, "Payments 2")] {
        let card = home.card(id).await?;
        assert_eq!((card.name.as_str(), card.account), (name, None));
        assert_eq!(card.auth, nobody);
    }
    let orders = json!({ "method": "GET", "path": "/orders" });
    let answer = home.call(id, "call", orders.clone()).await?.to_string();
    assert!(
        answer.contains("1042") && answer.contains("[credential]"),
        "{answer}"
    );
    *key.lock().unwrap_or_else(PoisonError::into_inner) = second.clone();
    assert!(home.test(id).await?.error.is_some());
    // What stood beside it stays.
    let attempt = home.begin_again(id, Some(&second)).await?;
    assert_eq!(home.done(attempt).await?, id);
    let answer = home.call(id, "call", orders).await?.to_string();
    assert!(answer.contains("1042"), "{answer}");
    assert_eq!(home.card(id).await?.auth, nobody);

    let all =
        json!({ "answer": answer, "cards": home.cards().await?, "rows": home.record().await? });
    let needles = search::Needles::new([("first", first.as_str()), ("second", second.as_str())])?;
    let seen = search::search("what is shown", all.to_string().as_bytes(), &needles);
    assert!(seen.is_empty(), "{seen:?}");
    let kept = search::search_folder(home.folder(), &needles)?;
    assert!(kept.is_empty(), "{kept:?}");
    Ok(())
}
