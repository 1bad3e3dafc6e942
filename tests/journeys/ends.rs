//! Credentials that come to an end: told before, once, and renewed where the app can.

use crate::kit::{
    Home,
    authority::Authority,
    browser, code,
    health::{drive, notices},
    scripted::{Scripted, json as answer, with_header},
    targets,
};
use anyhow::Result;
use engine::{
    fakes::FakeClock,
    ports::{Clock as _, SystemClock},
};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use wire::{ErrorCode, Fix, IntegrationId, Reason, Status, Time};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn api(headers: &'static [(&'static str, &'static str)]) -> Result<Scripted> {
    Scripted::serve(move |_| async move {
        headers
            .iter()
            .fold(answer(200, &json!({ "ok": true })), |response, header| {
                with_header(response, header.0, header.1)
            })
    })
    .await
}

async fn connect(home: &Home, server: &Scripted, ends_at: Option<Time>) -> Result<IntegrationId> {
    let target = targets::api(&server.url("/v1"), "/health", targets::bearer("a-key"));
    let request = json!({
        "target": target,
        "confirmed": { "private_address": true },
        "ends_at": ends_at,
    });
    let attempt = home.ask::<wire::StartConnect>(request).await?.id;
    home.done(attempt).await
}

fn now(clock: &FakeClock) -> Time {
    clock.now()
}

#[tokio::test]
async fn a_key_with_a_typed_end_warns_before_it_once_and_a_later_end_withdraws_it() -> Result<()> {
    let server = api(&[]).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let end = now(&clock).plus(60 * DAY);
    let id = connect(&home, &server, Some(end)).await?;
    assert_eq!(home.card(id).await?.health.reason, Reason::Ok);
    clock.advance(54 * DAY);
    drive(&home, &clock, "the warning", async || {
        Ok(!notices(&home)?.is_empty())
    })
    .await?;
    let health = home.card(id).await?.health;
    assert_eq!(health.reason, Reason::EndsOn { at: end });
    assert_eq!(
        (health.status, health.fix),
        (Status::Expiring, Some(Fix::PasteKey))
    );
    clock.advance(2 * DAY);
    drive(&home, &clock, "a ping", async || {
        let checked = home.card(id).await?.health.checked_at;
        Ok(checked.is_some_and(|at| at > now(&clock).plus(-HOUR)))
    })
    .await?;
    assert_eq!(notices(&home)?.len(), 1, "told once");

    let past = json!({ "id": id, "ends_at": now(&clock).plus(-1) });
    assert_eq!(
        code(home.ask::<wire::SetEnd>(past).await)?,
        ErrorCode::FieldInvalid
    );
    let later = now(&clock).plus(90 * DAY);
    home.ask::<wire::SetEnd>(json!({ "id": id, "ends_at": later }))
        .await?;
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    let told = notices(&home)?;
    assert!(told.len() == 1 && told[0].resolved, "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_fresh_key_takes_the_old_ones_end_away() -> Result<()> {
    let server = api(&[]).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let id = connect(&home, &server, Some(now(&clock).plus(DAY))).await?;
    clock.advance(23 * HOUR);
    assert_eq!(home.card(id).await?.health.status, Status::Expiring);
    let attempt = home.begin_again(id, Some("another-key")).await?;
    home.done(attempt).await?;
    assert_eq!(home.card(id).await?.health.reason, Reason::Ok);
    assert!(notices(&home)?.iter().all(|told| told.resolved));
    Ok(())
}

#[tokio::test]
async fn the_end_that_github_names_is_the_keys_end() -> Result<()> {
    let header = "github-authentication-token-expiration";
    let server = api(&[(
        "github-authentication-token-expiration",
        "2099-12-31 08:15:30 UTC",
    )])
    .await?;
    let (home, _clock) = Home::with_fake_clock().await?;
    let id = connect(&home, &server, None).await?;
    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    assert_eq!(page.ends_at, Some(Time(4_102_388_130_000)), "{header}");
    // Said at a ping, it takes the place of what was typed.
    let typed = json!({ "id": id, "ends_at": SystemClock.now().plus(DAY) });
    home.ask::<wire::SetEnd>(typed).await?;
    assert_eq!(
        home.card(id).await?.health.status,
        Status::Healthy,
        "a day is not a fifth yet"
    );
    home.test(id).await?;
    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    assert_eq!(page.ends_at, Some(Time(4_102_388_130_000)));
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_is_kept_warm_over_restarts_also_of_what_is_switched_off() -> Result<()> {
    let authority = Authority::start().await?;
    // An access token without an end: nothing else would ever use the refresh token.
    authority.state.lives.store(0, Ordering::Relaxed);
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    home.ask::<wire::SwitchIntegration>(json!({ "id": id, "enabled": false }))
        .await?;
    for round in 1..=2 {
        clock.advance(11 * DAY);
        drive(&home, &clock, "the refresh", async || {
            Ok(authority.token_requests("refresh_token") >= round)
        })
        .await?;
    }
    let home = home.restart().await?;
    clock.advance(11 * DAY);
    drive(&home, &clock, "the refresh in the next run", async || {
        Ok(authority.token_requests("refresh_token") >= 3)
    })
    .await?;
    clock.advance(DAY);
    drive(&home, &clock, "a day", async || Ok(true)).await?;
    assert_eq!(
        authority.token_requests("refresh_token"),
        3,
        "no more than it takes"
    );
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_near_its_own_end_is_refreshed_first_and_told_of_only_then() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let born = now(&clock).0;
    let _ends = browser::signs_in(&home.desk);
    // The grant lasts thirty days, however often it is refreshed: the server counts down.
    let told = clock.clone();
    authority.server_says_more(move |body: &mut Value| {
        let left = (born + 30 * DAY - told.now().0) / 1000;
        body["refresh_token_expires_in"] = left.into();
    });
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    clock.advance(25 * DAY);
    drive(&home, &clock, "the warning", async || {
        Ok(!notices(&home)?.is_empty())
    })
    .await?;
    assert!(
        authority.token_requests("refresh_token") >= 1,
        "tried first"
    );
    let health = home.card(id).await?.health;
    assert!(matches!(health.reason, Reason::EndsOn { .. }), "{health:?}");
    assert_eq!(health.fix, Some(Fix::Reconnect));
    let attempt = home.begin_again(id, None).await?;
    home.done(attempt).await?;
    Ok(())
}
