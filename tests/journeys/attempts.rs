//! Attempts that end without a card: cancelled, expired, answered with no; and what is asked when the
//! same thing is there already.

use crate::kit::{
    Home,
    agent::{call_of, raw, told},
    authority::Authority,
    browser::{altered, look, to_callback},
    code, mcp,
    scripted::{Scripted, json as json_answer, text},
    targets,
};
use anyhow::Result;
use serde_json::json;
use std::{sync::Arc, time::Instant};
use url::Url;
use wire::{ErrorCode, Phase, Question, Status};

#[tokio::test]
async fn cancel_ends_it_at_once_and_leaves_nothing() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let link = home.waits_for_browser(attempt).await?;
    let callback = to_callback(&link).await?;

    home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
        .await?;

    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptCancelled);
    assert_eq!(
        code(
            home.ask::<wire::AttemptLink>(json!({ "id": attempt }))
                .await
        )?,
        ErrorCode::AttemptUnknown
    );
    assert_eq!(
        code(
            home.ask::<wire::OpenBrowserAgain>(json!({ "id": attempt }))
                .await
        )?,
        ErrorCode::AttemptUnknown
    );
    let began = Instant::now();
    while look(&callback).await.is_ok_and(|(status, _)| status >= 400) {
        crate::kit::tick(began, "the listener to close").await?;
    }
    assert!(look(&callback).await.is_err() && look(&Url::parse(&link)?).await.is_err());
    assert_eq!(authority.token_requests("authorization_code"), 0);
    home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
        .await?;
    home.holds_nothing()
}

#[tokio::test]
async fn cancel_also_ends_a_server_that_does_not_answer() -> Result<()> {
    let server = Scripted::serve(|_| std::future::pending()).await?;
    let home = Home::new().await?;
    for target in [
        targets::mcp(&server.url("/mcp")),
        targets::mcp_bearer(&server.url("/mcp"), "key"),
        targets::api(&server.url(""), "/health", targets::bearer("key")),
    ] {
        let attempt = home.begin(target).await?;
        let before = server.seen().len();
        let began = Instant::now();
        while server.seen().len() == before {
            crate::kit::tick(began, "the request to arrive").await?;
        }
        home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
            .await?;
        let cancelled = Instant::now();
        assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptCancelled);
        assert!(
            cancelled.elapsed().as_secs() < 5,
            "at once, not when the server's time is up"
        );
    }
    home.holds_nothing()
}

#[tokio::test]
async fn ten_minutes_without_an_answer_end_it_and_leave_nothing() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    home.waits_for_browser(attempt).await?;
    let view = home
        .ask::<wire::GetAttempt>(json!({ "id": attempt }))
        .await?;
    assert_eq!(view.expires_at.since(view.started_at), 10 * 60_000);
    clock.advance(10 * 60_000 - 1);
    assert!(
        matches!(home.rests(attempt).await?, Phase::WaitingForBrowser { .. }),
        "not a moment early"
    );
    clock.advance(1);
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptExpired);
    home.holds_nothing()?;
    // A question that nobody answers ends the same way.
    let attempt = home
        .ask::<wire::StartConnect>(
            json!({ "target": targets::mcp(&authority.resource()), "confirmed": {} }),
        )
        .await?
        .id;
    home.asks(attempt).await?;
    clock.advance(10 * 60_000);
    let began = Instant::now();
    while matches!(home.rests(attempt).await?, Phase::Asking { .. }) {
        crate::kit::tick(began, "the question to end").await?;
    }
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptExpired);
    home.holds_nothing()
}

#[tokio::test]
async fn the_browser_can_be_opened_again_and_the_link_copied() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let link = home.waits_for_browser(attempt).await?;
    home.ask::<wire::OpenBrowserAgain>(json!({ "id": attempt }))
        .await?;
    assert_eq!(home.desk.opened(), [link.clone(), link.clone()]);
    // Looking at the page twice uses nothing up.
    to_callback(&link).await?;
    look(&to_callback(&link).await?).await?;
    home.done(attempt).await?;
    Ok(())
}

#[tokio::test]
async fn the_same_server_with_an_unknown_account_is_asked_about() -> Result<()> {
    let server =
        Scripted::serve(|seen| async move { mcp::open(&seen, &Arc::default()).await }).await?;
    let home = Home::new().await?;
    let first = home.connect(targets::mcp(&server.url("/mcp"))).await?;
    let seen = server.seen().len();
    for again in [
        server.url("/mcp"),
        server.url("/mcp/"),
        server.url("/mcp#part"),
        server.url("/mcp").to_uppercase().replace("/MCP", "/mcp"),
    ] {
        let attempt = home.begin(targets::mcp(&again)).await?;
        let question = home.asks(attempt).await?;
        assert!(
            matches!(&question, Question::Duplicate { existing, same_account: false, .. } if *existing == first),
            "{again}: {question:?}"
        );
        home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
            .await?;
        home.fails(attempt).await?;
    }
    assert_eq!(server.seen().len(), seen, "asked before the server is");
    home.connect(targets::mcp(&server.url("/other"))).await?;
    assert_eq!(
        home.cards().await?.len(),
        2,
        "another path is another server"
    );
    Ok(())
}

#[tokio::test]
async fn the_same_api_is_asked_about_with_the_same_account_and_not_with_another() -> Result<()> {
    let api = Scripted::serve(|_| async { json_answer(200, &json!({})) }).await?;
    let home = Home::new().await?;
    let target =
        |user: &str| targets::api(&api.url("/v1"), "/health", targets::basic(user, "password"));
    let ann = home.connect(target("ann")).await?;
    let bob = home.connect(target("bob")).await?;
    assert_ne!(ann, bob, "two accounts are two cards");
    let slugs: Vec<String> = home
        .cards()
        .await?
        .into_iter()
        .map(|card| card.slug)
        .collect();
    assert!(
        slugs.contains(&"orders".to_owned()) && slugs.contains(&"orders-2".to_owned()),
        "{slugs:?}"
    );

    let attempt = home.begin(target("ann")).await?;
    let question = home.asks(attempt).await?;
    assert!(
        matches!(&question, Question::Duplicate { existing, same_account: true, .. } if *existing == ann),
        "{question:?}"
    );
    home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
        .await?;
    let keyed = home
        .begin(targets::api(
            &api.url("/v1"),
            "/health",
            targets::bearer("key"),
        ))
        .await?;
    let question = home.asks(keyed).await?;
    assert!(
        matches!(
            &question,
            Question::Duplicate {
                same_account: false,
                ..
            }
        ),
        "a key tells no account: {question:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_reconnect_that_comes_to_nothing_changes_nothing() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let first = home.begin(targets::mcp(&authority.resource())).await?;
    look(&to_callback(&home.waits_for_browser(first).await?).await?).await?;
    let id = home.done(first).await?;
    let before = home.card(id).await?;

    let cancelled = home.begin_again(id, None).await?;
    home.waits_for_browser(cancelled).await?;
    home.ask::<wire::CancelAttempt>(json!({ "id": cancelled }))
        .await?;
    assert_eq!(
        home.fails(cancelled).await?.code,
        ErrorCode::AttemptCancelled
    );

    authority.instead("/token", |_| text(500, "it broke"));
    let failed = home.begin_again(id, None).await?;
    look(&to_callback(&home.waits_for_browser(failed).await?).await?).await?;
    home.fails(failed).await?;
    authority.as_usual("/token");

    assert_eq!(home.card(id).await?, before);
    home.call(id, "greet", json!({})).await?;
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn an_integration_that_is_disconnected_while_it_reconnects_stays_gone() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let first = home.begin(targets::mcp(&authority.resource())).await?;
    look(&to_callback(&home.waits_for_browser(first).await?).await?).await?;
    let id = home.done(first).await?;
    let again = home.begin_again(id, None).await?;
    let callback = to_callback(&home.waits_for_browser(again).await?).await?;
    home.disconnect(id).await?;
    // The person finishes the sign-in all the same.
    let _ = look(&callback).await;
    home.fails(again).await?;
    assert!(home.cards().await?.is_empty());
    home.holds_nothing()
}

/// The server knows neither a token nor a client of ours.
async fn forgotten(authority: &Authority, when: &str) -> Result<()> {
    let began = Instant::now();
    while authority.anything_lives() || authority.registered() > 0 {
        crate::kit::tick(began, &format!("the server to forget us {when}")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_came_to_nothing_is_forgotten_at_the_server_too() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let target = || targets::mcp(&authority.resource());

    let cancelled = home.begin(target()).await?;
    home.waits_for_browser(cancelled).await?;
    assert_eq!(authority.registered(), 1);
    home.ask::<wire::CancelAttempt>(json!({ "id": cancelled }))
        .await?;
    home.fails(cancelled).await?;
    forgotten(&authority, "after Cancel").await?;

    let denied = home.begin(target()).await?;
    let callback = to_callback(&home.waits_for_browser(denied).await?).await?;
    let no = altered(
        &altered(&callback, "code", None),
        "error",
        Some("access_denied"),
    );
    look(&no).await?;
    assert_eq!(home.fails(denied).await?.code, ErrorCode::OauthDenied);
    forgotten(&authority, "after a no").await?;

    // Signed in, but the server then answers the ping with an error.
    authority.breaks_after_sign_in();
    let unproved = home.begin(target()).await?;
    look(&to_callback(&home.waits_for_browser(unproved).await?).await?).await?;
    assert_eq!(home.fails(unproved).await?.code, ErrorCode::ServerError);
    assert_eq!(
        authority.token_requests("authorization_code"),
        1,
        "there was a token"
    );
    forgotten(&authority, "after a sign-in that proved nothing").await?;
    authority.as_usual("/mcp");
    home.holds_nothing()?;

    let works = home.begin(target()).await?;
    look(&to_callback(&home.waits_for_browser(works).await?).await?).await?;
    let id = home.done(works).await?;
    assert_eq!(authority.registered(), 1, "what is in use stays");
    home.call(id, "greet", json!({})).await?;
    home.disconnect(id).await?;
    forgotten(&authority, "after Disconnect").await
}

#[tokio::test]
async fn an_unknown_attempt_is_said_to_be_one() -> Result<()> {
    let home = Home::new().await?;
    let nobody = json!({ "id": uuid::Uuid::now_v7() });
    assert_eq!(
        code(home.ask::<wire::GetAttempt>(nobody.clone()).await)?,
        ErrorCode::AttemptUnknown
    );
    assert_eq!(
        code(home.ask::<wire::AttemptLink>(nobody.clone()).await)?,
        ErrorCode::AttemptUnknown
    );
    home.ask::<wire::CancelAttempt>(nobody).await?;
    assert_eq!(
        code(engine::commands::answer(&home.engine, "no_such_command", json!({})).await)?,
        ErrorCode::FieldInvalid
    );
    assert_eq!(
        code(home.ask::<wire::GetIntegration>(json!({ "id": "x" })).await)?,
        ErrorCode::FieldInvalid
    );
    Ok(())
}

#[tokio::test]
async fn the_short_name_of_what_was_disconnected_is_no_others_for_thirty_days() -> Result<()> {
    let api = Scripted::serve(|_| async { json_answer(200, &json!({})) }).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let account =
        |user: &str| targets::api(&api.url("/v1"), "/health", targets::basic(user, "password"));
    let slug = async |id| -> Result<String> { Ok(home.card(id).await?.slug) };
    let of_tests = home.connect(account("test")).await?;
    assert_eq!(slug(of_tests).await?, "orders");
    home.disconnect(of_tests).await?;
    let live = home.connect(account("live")).await?;
    assert_eq!(slug(live).await?, "orders-2");

    // An agent that was listed the tools of the one for tests does not reach the live one by their names.
    let bearer = format!("Bearer {token}");
    let before = api.seen().len();
    let arguments = json!({ "method": "GET", "path": "/all" });
    for (name, reaches) in [("orders__call", false), ("orders-2__call", true)] {
        let call = call_of(name, &arguments);
        let headers = [("authorization", bearer.as_str())];
        let (_, body) = raw(("POST", &door.url), &headers, &call).await?;
        assert_eq!(told(&body)?["error"].is_null(), reaches, "{name}: {body}");
        assert_eq!(api.seen().len() > before, reaches, "{name}");
    }

    clock.advance(31 * 24 * 3_600_000);
    let later = home.connect(account("later")).await?;
    assert_eq!(slug(later).await?, "orders");
    Ok(())
}
