//! What users of other such programs complain of, one journey each: the numbers are those of the list
//! of complaints that the design was made from.

use crate::kit::{
    Home,
    authority::Authority,
    browser, call,
    health::{drive, notices},
    scripted::{json as answer, text, with_header},
    targets,
};
use anyhow::{Context, Result};
use engine::fakes::FakeClock;
use serde_json::json;
use std::sync::Arc;
use wire::{Because, Fix, IntegrationId, Reason, RowKind, Status};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Signed in at a scripted authorization server, on a clock that stands still.
async fn signed_in() -> Result<(Authority, Home, Arc<FakeClock>, IntegrationId)> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    Ok((authority, home, clock, id))
}

#[tokio::test]
async fn pain_1_a_refresh_token_that_is_stored_is_used_and_nobody_signs_in_daily() -> Result<()> {
    let (authority, home, clock, id) = signed_in().await?;
    for hour in 1..=8 {
        clock.advance(56 * MINUTE);
        drive(&home, &clock, "a refresh", async || {
            Ok(authority.token_requests("refresh_token") >= hour)
        })
        .await?;
    }
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    assert_eq!(home.desk.opened().len(), 1, "one sign-in, at the start");
    assert_eq!(authority.token_requests("refresh_token"), 8);
    Ok(())
}

#[tokio::test]
async fn pain_2_a_hundred_callers_at_the_end_of_a_token_make_one_request() -> Result<()> {
    let (authority, home, clock, id) = signed_in().await?;
    clock.advance(59 * MINUTE);
    // A second program on the same data is refused before it can ask for anything.
    let second = engine::store::Store::open(home.folder());
    assert!(second.is_err_and(|error| error.code == wire::ErrorCode::StoreInUse));
    let calls = (0..100).map(|_| call(&home.engine, id, "greet", json!({})));
    for answered in futures::future::join_all(calls).await {
        answered?;
    }
    assert_eq!(authority.token_requests("refresh_token"), 1);
    assert!(authority.anything_lives(), "the family was not killed");
    Ok(())
}

#[tokio::test]
async fn pain_3_every_check_shows_whom_it_is_for() -> Result<()> {
    let (authority, home, _, id) = signed_in().await?;
    let before = authority.server.seen_at("/mcp").len();
    home.test(id).await?;
    home.ask::<wire::ProbeIntegration>(json!({ "id": id }))
        .await?;
    let checks = authority.server.seen_at("/mcp").split_off(before);
    assert!(!checks.is_empty());
    assert!(checks.iter().all(|seen| !seen.bearer().is_empty()));
    // And one that is refused takes no tool away.
    let tools = home.tools(id).await?;
    authority.instead("/mcp", |_| text(401, "no"));
    home.test(id).await?;
    let probed = home.ask::<wire::ProbeIntegration>(json!({ "id": id }));
    assert!(probed.await.is_err());
    assert_eq!(home.card(id).await?.health.status, Status::Failing);
    assert_eq!(home.tools(id).await?, tools);
    Ok(())
}

#[tokio::test]
async fn pain_4_somebody_is_told_once_that_a_connection_died() -> Result<()> {
    let (authority, home, _, id) = signed_in().await?;
    authority.end_access();
    authority.instead("/token", |_| {
        answer(400, &json!({ "error": "invalid_grant" }))
    });
    for _ in 0..5 {
        home.test(id).await?;
    }
    let told = notices(&home)?;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].kind.as_str(), told[0].resolved),
        ("failing", false)
    );
    authority.as_usual("/token");
    let attempt = home.begin_again(id, None).await?;
    home.done(attempt).await?;
    assert!(notices(&home)?[0].resolved, "repair withdraws it");
    Ok(())
}

#[tokio::test]
async fn pain_6_every_surface_tells_the_same_status() -> Result<()> {
    let (authority, home, _, id) = signed_in().await?;
    authority.instead("/mcp", |_| text(403, "no"));
    let report = home.test(id).await?.health;
    let listed = home.cards().await?;
    let listed = listed.first().context("the card")?.health.clone();
    assert_eq!(listed, home.card(id).await?.health);
    assert_eq!(listed, report);
    assert_eq!(listed.status, Status::Failing);
    assert_eq!(home.engine.tray().await?.worst, Status::Failing, "the tray");
    let called = home.call(id, "greet", json!({})).await;
    let refused = called.err().context("a call is refused")?;
    assert_eq!(refused.code, wire::ErrorCode::IntegrationFailing);
    let told = home.ask::<wire::ListNotices>(json!({})).await?;
    let told = told.first().context("the inbox")?;
    assert_eq!(told.reason, listed.reason);
    Ok(())
}

#[tokio::test]
async fn pain_10_a_dead_grant_is_no_outage_and_no_storm() -> Result<()> {
    let (authority, home, clock, id) = signed_in().await?;
    authority.end_access();
    authority.instead("/token", |_| {
        answer(400, &json!({ "error": "invalid_grant" }))
    });
    let calls = (0..30).map(|_| call(&home.engine, id, "greet", json!({})));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(
        authority.token_requests("refresh_token"),
        1,
        "thirty callers, one refusal"
    );
    let health = home.card(id).await?.health;
    assert!(
        matches!(health.reason, Reason::Rejected { .. }),
        "{health:?}"
    );
    assert_eq!(health.fix, Some(Fix::Reconnect));
    for _ in 0..6 {
        clock.advance(30 * MINUTE);
        let before = home.count("pings")?;
        drive(&home, &clock, "a ping", async || {
            Ok(home.count("pings")? > before)
        })
        .await?;
    }
    let asked = authority.token_requests("refresh_token");
    assert!(asked <= 5, "{asked} requests in three hours");
    // And it is not dead until a restart.
    authority.as_usual("/token");
    let attempt = home.begin_again(id, None).await?;
    home.done(attempt).await?;
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn pain_11_a_server_that_is_down_is_never_called_a_logout_and_heals_by_itself() -> Result<()>
{
    let (authority, home, clock, id) = signed_in().await?;
    authority.instead("/mcp", |_| text(502, "bad gateway"));
    let began = clock_now(&clock);
    drive(&home, &clock, "the outage to be called one", async || {
        Ok(home.card(id).await?.health.status == Status::Failing)
    })
    .await?;
    let health = home.card(id).await?.health;
    assert!(
        matches!(health.reason, Reason::Unreachable { .. }),
        "{health:?}"
    );
    assert_eq!(health.fix, Some(Fix::Test), "not: sign in");
    assert!(
        clock_now(&clock) - began >= 10 * MINUTE,
        "alone, after ten minutes"
    );
    assert_eq!(authority.token_requests("refresh_token"), 0);

    authority.as_usual("/mcp");
    drive(&home, &clock, "it to heal", async || {
        Ok(home.card(id).await?.health.status == Status::Healthy)
    })
    .await?;
    let told = notices(&home)?;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].offered, "to resume is offered");
    assert!(
        !told[0].resolved,
        "and the notice waits for an hour of health"
    );
    drive(&home, &clock, "the hour", async || {
        Ok(notices(&home)?[0].resolved)
    })
    .await
}

fn clock_now(clock: &FakeClock) -> i64 {
    use engine::ports::Clock as _;
    clock.now().0
}

#[tokio::test]
async fn pain_12_a_missing_scope_is_the_tools_and_reconnect_asks_for_it() -> Result<()> {
    let (authority, home, _, id) = signed_in().await?;
    home.call(id, "greet", json!({})).await?;
    authority.instead("/mcp", |seen| {
        let called = seen.json()["method"] == "tools/call";
        let refused = text(if called { 403 } else { 500 }, "not allowed");
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"refunds:write\"";
        with_header(refused, "www-authenticate", challenge)
    });
    assert!(home.call(id, "greet", json!({})).await.is_err());
    authority.as_usual("/mcp");
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    assert!(notices(&home)?.is_empty());
    let attempt = home.begin_again(id, None).await?;
    home.done(attempt).await?;
    let asked = authority.server.seen_at("/authorize");
    let scope = asked.last().and_then(|seen| seen.asked("scope"));
    let scope = scope.context("scopes were asked for")?;
    let asked: Vec<&str> = scope.split(' ').collect();
    assert!(
        asked.contains(&"refunds:write") && asked.contains(&"tools:read"),
        "{scope}"
    );
    Ok(())
}

#[tokio::test]
async fn pain_16_waking_after_three_days_opens_no_browser() -> Result<()> {
    let (authority, home, clock, id) = signed_in().await?;
    let before = home.count("pings")?;
    clock.advance(3 * DAY);
    drive(&home, &clock, "the first ping", async || {
        Ok(home.count("pings")? > before)
    })
    .await?;
    assert_eq!(home.desk.opened().len(), 1, "the sign-in of three days ago");
    assert_eq!(authority.token_requests("refresh_token"), 1);
    assert_eq!(
        home.count("pings")?,
        before + 1,
        "one, not one for each missed turn"
    );
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);

    // Nor where the sign-in has died meanwhile: a card and a notice say so, and nothing opens.
    authority.end_access();
    authority.instead("/token", |_| {
        answer(400, &json!({ "error": "invalid_grant" }))
    });
    for _ in 0..3 {
        clock.advance(3 * DAY);
        let before = home.count("pings")?;
        drive(&home, &clock, "a ping", async || {
            Ok(home.count("pings")? > before)
        })
        .await?;
    }
    assert_eq!(home.card(id).await?.health.status, Status::Failing);
    assert_eq!(home.desk.opened().len(), 1);
    assert_eq!(notices(&home)?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn pain_21_a_server_is_checked_seldom_and_as_often_as_the_admin_says() -> Result<()> {
    let (authority, home, clock, id) = signed_in().await?;
    let pings_in = async |minutes: i64| -> Result<i64> {
        let (before, until) = (home.count("pings")?, clock_now(&clock) + minutes * MINUTE);
        drive(&home, &clock, "time to pass", async || {
            Ok(clock_now(&clock) >= until)
        })
        .await?;
        Ok(home.count("pings")? - before)
    };
    let usual = pings_in(45).await?;
    assert!(
        (1..=6).contains(&usual),
        "{usual} in three quarters of an hour"
    );
    for (minutes, fits) in [(0, false), (1_441, false), (1, true)] {
        let told = home
            .ask::<wire::SetPace>(json!({ "id": id, "minutes": minutes }))
            .await;
        assert_eq!(told.is_ok(), fits, "{minutes}: {told:?}");
    }
    let often = pings_in(10).await?;
    assert!((6..=18).contains(&often), "{often} in ten minutes");
    // A new sign-in keeps it, and the page tells it.
    let attempt = home.begin_again(id, None).await?;
    home.done(attempt).await?;
    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    assert_eq!((page.pace, page.usual_pace), (Some(1), 15));
    home.ask::<wire::SetPace>(json!({ "id": id, "minutes": 1440 }))
        .await?;
    let seldom = pings_in(30).await?;
    assert!(seldom <= 2, "{seldom} in half an hour");
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    assert!(authority.anything_lives());
    Ok(())
}

#[tokio::test]
async fn pain_20_the_record_says_what_made_the_agent_do_it() -> Result<()> {
    let (_authority, home, _, id) = signed_in().await?;
    home.call(id, "greet", json!({})).await?;
    let rows = home.record().await?;
    let row = rows.iter().find(|row| row.kind == RowKind::Call);
    let row = row.context("the call is in the record")?;
    let Because::Task { title, .. } = &row.because else {
        anyhow::bail!("because of {:?}", row.because)
    };
    assert_eq!(title, "#ops: refund order 1042");
    Ok(())
}
