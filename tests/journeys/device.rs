//! The device flow (RFC 8628): at a scripted provider that sets the pace, and at a certified server.

use crate::{
    kit::{Home, tick},
    ways::{odd_way, ready, save},
};
use anyhow::{Result, bail};
use chief_tests::peers::Peer;
use engine::fakes::FakeClock;
use serde_json::json;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};
use wire::{AuthView, ErrorCode, Phase};

/// Moves the clock second by second until `done`; how many seconds that took.
async fn seconds_until(clock: &FakeClock, most: u32, done: impl Fn() -> bool) -> Result<u32> {
    for passed in 0..=most {
        // What the last second woke has its moment.
        for _ in 0..20 {
            if done() {
                return Ok(passed);
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        clock.advance(1_000);
    }
    bail!("not in {most} seconds")
}

#[tokio::test]
async fn the_device_flow_keeps_the_servers_pace_and_connects() -> Result<()> {
    let (odd, home, clock, _) = ready().await?;
    save(&home, None).await?;
    odd.state.slow_downs.store(1, Ordering::Relaxed);
    let attempt = home.begin(odd_way("device")).await?;
    let began = Instant::now();
    let shown = loop {
        match home.rests(attempt).await? {
            Phase::WaitingForCode {
                host, page, code, ..
            } => break (host, page, code),
            Phase::Failed { error } => return Err(error.into()),
            _ => tick(began, "the code").await?,
        }
    };
    assert_eq!(
        shown,
        (
            "odd.example".into(),
            "https://odd.example/device".into(),
            "WDJB-MJHT".into()
        )
    );
    let asked = |times: usize| {
        let odd = &odd;
        move || odd.server.seen_at("/device-token").len() >= times
    };
    assert_eq!(
        seconds_until(&clock, 30, asked(1)).await?,
        5,
        "five seconds where the server names none (RFC 8628 section 3.2)"
    );
    assert_eq!(
        seconds_until(&clock, 30, asked(2)).await?,
        10,
        "slow_down adds five, from then on"
    );
    odd.state.trouble.store(1, Ordering::Relaxed);
    assert_eq!(seconds_until(&clock, 30, asked(3)).await?, 10);
    odd.state.agreed.store(true, Ordering::Relaxed);
    assert_eq!(
        seconds_until(&clock, 60, asked(4)).await?,
        20,
        "a server in trouble is asked half as often"
    );
    let id = home.done(attempt).await?;
    assert_eq!(home.test(id).await?.error, None);
    Ok(())
}

#[tokio::test]
async fn the_device_flow_ends_with_its_code() -> Result<()> {
    let (odd, home, clock, _) = ready().await?;
    save(&home, None).await?;
    let attempt = home.begin(odd_way("device")).await?;
    let began = Instant::now();
    while !matches!(home.rests(attempt).await?, Phase::WaitingForCode { .. }) {
        tick(began, "the code").await?;
    }
    clock.advance(301_000);
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptExpired);
    let asked = odd.server.seen_at("/device-token").len();
    assert!(asked <= 1, "no question after the end: {asked}");
    home.holds_nothing()
}

#[tokio::test]
async fn the_device_flow_works_at_a_certified_server() -> Result<()> {
    let issuer = Arc::new(Peer::start("oidc", &[]).await?);
    let home = Home::new().await?;
    device_manifest(&home, &issuer)?;
    home.ask::<wire::ListProviders>(json!({})).await?;
    home.ask::<wire::SaveAppCredentials>(json!({
        "owner": { "owner": "provider", "id": "certified" }, "client_id": "chief-preregistered",
        "client_secret": null, "client_auth": "none",
    }))
    .await?;
    let attempt = home
        .begin(json!({
            "kind": "provider", "provider": "certified", "way": "device", "bundles": [], "key": "", "name": "",
        }))
        .await?;
    let began = Instant::now();
    let (page, typed) = loop {
        match home.rests(attempt).await? {
            Phase::WaitingForCode { page, code, .. } => break (page, code),
            Phase::Failed { error } => return Err(error.into()),
            _ => tick(began, "the code").await?,
        }
    };
    assert!(
        page.starts_with(&issuer.url),
        "the page is the server's: {page}"
    );
    chief_tests::peers::sign_in::type_code(&page, &typed, "ann").await?;
    let id = home.done(attempt).await?;
    assert!(matches!(home.card(id).await?.auth, AuthView::OAuth { .. }));
    Ok(())
}

fn device_manifest(home: &Home, issuer: &Peer) -> Result<()> {
    let url = &issuer.url;
    let text = format!(
        r##"
schema = 1
id = "certified"
name = "Certified"
summary = "A certified server of the tests"
category = "other"
colour = "#336699"
verified = false
[sources]
T = {{ what = "the tests", day = 2026-11-22 }}
[[ways]]
[ways.device]
device_authorization_endpoint = "{url}/device/auth"
token_endpoint = "{url}/token"
client_auth = "none"
source = ["T"]
[scopes]
always = ["openid", "offline_access"]
[api]
base_url = "{url}"
ping = {{ path = "/me" }}
source = ["T"]
"##
    );
    let folder = home.folder().join("providers");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join("certified.toml"), text)?)
}
