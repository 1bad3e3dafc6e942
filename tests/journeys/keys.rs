//! MCP servers that ask for a key: bearer, or a header of their own.

use crate::{
    kit::{
        Home, code, mcp,
        scripted::{Scripted, text},
        search, targets, text_of,
    },
    record::unguarded,
};
use anyhow::Result;
use chief_tests::peers::Peer;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use wire::{AuthView, ErrorCode, Fix, Outcome, Reason, RowKind, Status};

/// A server that lets in whoever sends `name: value`.
async fn guarded(name: &'static str, value: Arc<Mutex<String>>) -> Result<Scripted> {
    Scripted::serve(move |seen| {
        let wanted = value.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move {
            if seen.header(name) == wanted {
                mcp::answer(&seen, &Arc::default()).await
            } else {
                text(401, "who are you?")
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_bearer_token_goes_in_the_authorization_header_and_nowhere_else() -> Result<()> {
    let token = search::canary("bearer");
    let server = guarded(
        "authorization",
        Arc::new(Mutex::new(format!("Bearer {token}"))),
    )
    .await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), &token))
        .await?;
    assert_eq!(home.card(id).await?.auth, AuthView::Bearer);
    assert_eq!(home.tools(id).await?, ["greet", "wait"]);
    assert_eq!(
        text_of(&home.call(id, "greet", json!({ "name": "Ada" })).await?),
        "Hello, Ada!"
    );
    assert_eq!(home.test(id).await?.error, None);
    let (shown, bare): (Vec<_>, Vec<_>) = server
        .seen()
        .into_iter()
        .partition(|seen| !seen.bearer().is_empty());
    assert_eq!(
        bare.iter()
            .map(|seen| seen.json()["method"].clone())
            .filter(|method| *method != "initialize" && *method != "server/discover")
            .count(),
        0,
        "only whether anybody may greet it is asked without the token: {bare:?}"
    );
    for seen in shown {
        assert_eq!(seen.bearer(), token);
        assert!(
            !seen.query.contains("bearer"),
            "a token does not belong into a URL"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_key_goes_in_the_header_that_the_server_wants() -> Result<()> {
    let key = search::canary("header key");
    let server = guarded("x-api-key", Arc::new(Mutex::new(key.clone()))).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_header(&server.url("/mcp"), "X-Api-Key", &key))
        .await?;
    assert_eq!(
        home.card(id).await?.auth,
        AuthView::Header {
            name: "X-Api-Key".to_owned()
        }
    );
    assert_eq!(
        text_of(&home.call(id, "greet", json!({})).await?),
        "Hello, you!"
    );
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_empty())
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_is_refused_before_anything_is_saved() -> Result<()> {
    let server = guarded(
        "authorization",
        Arc::new(Mutex::new("Bearer right".to_owned())),
    )
    .await?;
    let home = Home::new().await?;
    let attempt = home
        .begin(targets::mcp_bearer(&server.url("/mcp"), "wrong"))
        .await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::Rejected);
    assert_eq!(
        error.args.get("host").map(String::as_str),
        Some("127.0.0.1")
    );
    assert!(home.cards().await?.is_empty());
    home.holds_nothing()
}

#[tokio::test]
async fn a_key_revoked_over_there_fails_the_card_and_a_fresh_one_heals_it() -> Result<()> {
    let valid = Arc::new(Mutex::new("Bearer first".to_owned()));
    let server = guarded("authorization", valid.clone()).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "first"))
        .await?;
    home.ask::<wire::RenameIntegration>(json!({ "id": id, "name": "Renamed" }))
        .await?;

    *valid.lock().unwrap_or_else(PoisonError::into_inner) = "Bearer second".to_owned();
    let report = home.test(id).await?;
    assert_eq!(
        report.error.map(|error| error.code),
        Some(ErrorCode::Rejected)
    );
    assert_eq!(
        (report.health.status, report.health.fix),
        (Status::Failing, Some(Fix::PasteKey))
    );
    assert!(matches!(report.health.reason, Reason::Rejected { .. }));
    let before = server.seen().len();
    assert_eq!(
        code(home.call(id, "greet", json!({})).await)?,
        ErrorCode::IntegrationFailing
    );
    assert_eq!(
        server.seen().len(),
        before,
        "a call to a rejected integration sends nothing"
    );

    // Still the wrong one: everything stays as it is.
    let attempt = home.begin_again(id, Some("third")).await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::Rejected);
    assert_eq!(home.card(id).await?.health.status, Status::Failing);

    let attempt = home.begin_again(id, Some("second")).await?;
    assert_eq!(home.done(attempt).await?, id);
    let card = home.card(id).await?;
    assert_eq!(
        (card.health.status, card.name.as_str()),
        (Status::Healthy, "Renamed")
    );
    home.call(id, "greet", json!({})).await?;
    let rows = home.record().await?;
    let call = rows
        .iter()
        .filter(|row| row.kind == RowKind::Call)
        .map(|row| row.outcome)
        .collect::<Vec<_>>();
    assert_eq!(call, [Outcome::Ok, Outcome::Refused]);
    Ok(())
}

#[tokio::test]
async fn a_key_for_a_real_server_of_the_newer_era() -> Result<()> {
    let server = Peer::start(
        "mcp-modern",
        &[("TOKEN", "t0p-secret"), ("LEGACY", "reject")],
    )
    .await?;
    let home = Home::new().await?;
    let attempt = home
        .begin(targets::mcp_bearer(&server.url, "guess"))
        .await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::Rejected);
    home.holds_nothing()?;
    let id = home
        .connect(targets::mcp_bearer(&server.url, "t0p-secret"))
        .await?;
    assert!(text_of(&home.call(id, "greet", json!({ "name": "Ada" })).await?).contains("Ada"));
    home.disconnect(id).await?;
    home.holds_nothing()
}

#[tokio::test]
async fn reconnecting_needs_the_right_kind_of_credential() -> Result<()> {
    let valid = Arc::new(Mutex::new("Bearer first".to_owned()));
    let server = guarded("authorization", valid).await?;
    let home = Home::new().await?;
    let keyed = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "first"))
        .await?;
    assert_eq!(
        code(home.begin_again(keyed, None).await)?,
        ErrorCode::FieldEmpty,
        "a key cannot be made up"
    );
    let open = Peer::start("mcp-modern", &[]).await?;
    let open = home.connect(targets::mcp(&open.url)).await?;
    assert_eq!(
        code(home.begin_again(open, Some("key")).await)?,
        ErrorCode::NotAKey
    );
    Ok(())
}

#[tokio::test]
async fn a_key_in_the_address_is_refused_by_name_and_taken_as_a_key() -> Result<()> {
    let key = search::canary("in the query");
    let wanted = key.clone();
    let server = Scripted::serve(move |seen| {
        let is_known = seen.asked("api_key").as_ref() == Some(&wanted);
        async move {
            if is_known && seen.asked("project").as_deref() == Some("7") {
                mcp::open(&seen, &Arc::default()).await
            } else {
                text(401, "who are you?")
            }
        }
    })
    .await?;
    let home = Home::new().await?;
    for name in ["api_key", "tavilyApiKey", "token", "key"] {
        let url = server.url(&format!("/mcp?project=7&{name}={key}"));
        for target in [targets::mcp(&url), targets::mcp_bearer(&url, "another")] {
            let error = home.begin(target).await.expect_err("it holds a key");
            assert_eq!(
                (error.code, error.args["field"].as_str()),
                (ErrorCode::FieldInvalid, "URL")
            );
            assert!(error.args["why"].contains(&format!("({name})")), "{error}");
        }
    }
    let both = server.url(&format!("/mcp?api_key={key}&config=eyJhIjoxfQabcdefgh"));
    let error = home.begin(targets::mcp(&both)).await.expect_err("two");
    assert!(error.args["why"].contains("(api_key, config)"), "{error}");
    assert!(server.seen().is_empty(), "nothing was sent");

    let url = server.url("/mcp?project=7");
    let id = home
        .connect(targets::mcp_query(&url, "api_key", &key))
        .await?;
    let card = home.card(id).await?;
    let name = "api_key".to_owned();
    assert_eq!(card.auth, AuthView::Query { name });
    assert!(card.address.ends_with("/mcp?project=7"), "{}", card.address);
    home.call(id, "greet", json!({})).await?;
    assert_eq!(home.test(id).await?.error, None);
    let again = home.begin_again(id, Some(&key)).await?;
    assert_eq!(home.done(again).await?, id);
    Ok(())
}

/// Of before it was refused there.
#[tokio::test]
async fn a_key_that_an_address_holds_already_is_not_shown() -> Result<()> {
    let server =
        Scripted::serve(|seen| async move { mcp::open(&seen, &Arc::default()).await }).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp(&server.url("/mcp?my_number=12345678")))
        .await?;
    let resting = home.rest().await?;
    unguarded(resting.folder(), |database| {
        let sql = "update integrations set config = replace(config, 'my_number', 'my_token')";
        anyhow::ensure!(database.execute(sql, [])? == 1);
        Ok(())
    })?;
    let home = resting.wake().await?;
    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    for shown in [&page.url, &page.card.address] {
        assert!(shown.ends_with("/mcp?my_token=••••"), "{shown}");
    }
    assert!(
        page.remarks.iter().any(|remark| remark.contains("a key")),
        "{:?}",
        page.remarks
    );
    assert_eq!(home.test(id).await?.error, None);
    let again = home.begin_again(id, None).await?;
    assert_eq!(home.done(again).await?, id);
    Ok(())
}
