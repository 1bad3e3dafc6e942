//! Many integrations that are all due at once, clocks that jump, and the wave that follows: spread,
//! few at a time, and nobody waits for it.

use crate::kit::{
    Home,
    authority::Authority,
    browser, call,
    health::{drive, notices},
    mcp,
    scripted::{Scripted, json as answer},
    targets, tick,
};
use anyhow::{Context, Result};
use engine::{fakes::FakeClock, ports::Clock as _};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use wire::{Status, Time};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// How long each answer takes: long enough that too many at once would be seen.
const ANSWER: Duration = Duration::from_millis(25);

/// What a server saw of a wave.
#[derive(Default)]
struct Wave {
    now: BTreeMap<String, u32>,
    most: u32,
    most_a_host: u32,
    /// When each request came, by the engine's clock.
    came: Vec<Time>,
}

/// `count` integrations on half as many hosts, all answered by one server on this computer.
async fn many(home: &Home, clock: &Arc<FakeClock>, count: usize) -> Result<(Scripted, Waves)> {
    let waves = Waves::default();
    let (seen_by, clock) = (waves.clone(), clock.clone());
    let server = Scripted::serve_at("0.0.0.0", move |seen| {
        let (waves, clock) = (seen_by.clone(), clock.clone());
        async move {
            let host = seen.header("host");
            waves.came(&host, clock.now());
            tokio::time::sleep(ANSWER).await;
            waves.went(&host);
            answer(200, &json!({ "ok": true }))
        }
    })
    .await?;
    let port = server.address.port();
    for n in 0..count {
        let base = format!("http://127.1.{}.1:{port}/v{}", n / 2, n % 2);
        let target = targets::api(&base, "/health", targets::bearer("a-key"));
        home.connect(target).await?;
    }
    Ok((server, waves))
}

#[derive(Clone, Default)]
struct Waves(Arc<Mutex<Wave>>);

impl Waves {
    fn lock(&self) -> std::sync::MutexGuard<'_, Wave> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn came(&self, host: &str, at: Time) {
        let mut wave = self.lock();
        let of_host = wave.now.entry(host.to_owned()).or_default();
        *of_host += 1;
        let of_host = *of_host;
        let all = wave.now.values().sum();
        wave.most = wave.most.max(all);
        wave.most_a_host = wave.most_a_host.max(of_host);
        wave.came.push(at);
    }

    fn went(&self, host: &str) {
        if let Some(now) = self.lock().now.get_mut(host) {
            *now -= 1;
        }
    }

    fn begin(&self) {
        *self.lock() = Wave::default();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_due_after_three_days_of_sleep_are_spread_and_nobody_waits() -> Result<()> {
    const MANY: usize = 200;
    let (home, clock) = Home::with_fake_clock().await?;
    let (_server, waves) = many(&home, &clock, MANY).await?;
    for slept in [3 * DAY, 10 * MINUTE] {
        waves.begin();
        clock.advance(slept);
        let woken = clock.now();
        let mut slowest = Duration::ZERO;
        let began = Instant::now();
        // Second by second, so that each ping's moment is seen.
        while clock.now() < woken.plus(100 * SECOND) || waves.lock().came.len() < MANY {
            let asked = Instant::now();
            home.cards().await?;
            slowest = slowest.max(asked.elapsed());
            tick(began, "all to be pinged").await?;
            tokio::time::sleep(Duration::from_millis(40)).await;
            clock.advance(SECOND);
        }
        let wave = std::mem::take(&mut *waves.lock());
        let (first, last) = (wave.came.iter().min(), wave.came.iter().max());
        let (first, last) = (first.context("pings")?, last.context("pings")?);
        println!(
            "{MANY} after {} h: {} at once, {} a host, over {} s, slowest command {slowest:?}",
            slept / HOUR,
            wave.most,
            wave.most_a_host,
            last.since(*first) / 1000
        );
        assert_eq!(wave.came.len(), MANY, "each once, not once for each turn");
        assert!(wave.most <= 8, "{} at once", wave.most);
        assert!(wave.most_a_host <= 2, "{} at one host", wave.most_a_host);
        assert!(last.since(*first) >= 60 * SECOND, "{first:?} to {last:?}");
        assert!(
            slowest < Duration::from_secs(3),
            "a command took {slowest:?}"
        );
        assert!(
            home.cards()
                .await?
                .iter()
                .all(|card| card.health.status == Status::Healthy)
        );
    }
    assert!(notices(&home)?.is_empty());
    Ok(())
}

#[tokio::test]
async fn on_waking_a_call_renews_at_once_and_waits_for_no_wave() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    authority.end_access();
    clock.advance(3 * DAY);
    home.call(id, "greet", json!({})).await?;
    assert_eq!(authority.token_requests("refresh_token"), 1);
    Ok(())
}

/// Those of before the sleep may lead nowhere, and need not know it.
#[tokio::test]
async fn on_waking_connections_are_made_anew() -> Result<()> {
    let server = Scripted::serve(|seen| async move {
        match seen.path.as_str() {
            "/mcp" => mcp::open(&seen, &Arc::default()).await,
            _ => answer(200, &json!({ "ok": true })),
        }
    })
    .await?;
    let api = targets::api(&server.url("/v1"), "/health", targets::bearer("a-key"));
    for target in [targets::mcp(&server.url("/mcp")), api] {
        let (home, clock) = Home::with_fake_clock().await?;
        let id = home.connect(target).await?;
        home.test(id).await?;
        let before = server.seen();
        clock.advance(DAY);
        drive(&home, &clock, "a ping", async || {
            Ok(server.seen().len() > before.len())
        })
        .await?;
        let known: BTreeSet<_> = before.iter().map(|seen| seen.from).collect();
        let seen = server.seen();
        let ping = seen.get(before.len()).context("a ping")?;
        assert!(!known.contains(&ping.from), "{ping:?}");
    }
    Ok(())
}

/// Two hours ahead, two hours back, and a year past what 32 bits hold.
#[tokio::test]
async fn a_clock_that_is_set_makes_no_storm_and_no_lockout() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    let to_2040 = 2_208_988_800_000 - clock.now().0;
    let mut asked = 0;
    for jump in [2 * HOUR, -2 * HOUR, -2 * HOUR, 2 * HOUR, to_2040] {
        clock.advance(jump);
        let before = clock.now();
        drive(&home, &clock, "two minutes", async || {
            Ok(clock.now() >= before.plus(2 * MINUTE))
        })
        .await?;
        for _ in 0..20 {
            home.call(id, "greet", json!({})).await?;
        }
        let now = authority.token_requests("refresh_token");
        assert!(now - asked <= 1, "{} requests after {jump}", now - asked);
        asked = now;
        assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    }
    // The clock is behind, the token is dead: the server's word counts, once.
    clock.advance(-HOUR);
    authority.end_access();
    let before = authority.token_requests("refresh_token");
    home.call(id, "greet", json!({})).await?;
    home.call(id, "greet", json!({})).await?;
    assert_eq!(authority.token_requests("refresh_token"), before + 1);
    assert!(notices(&home)?.is_empty());
    assert_eq!(home.desk.opened().len(), 1, "one sign-in, at the start");
    Ok(())
}

#[tokio::test]
async fn a_clock_that_jumps_during_a_call_harms_neither_call_nor_token() -> Result<()> {
    for jump in [3 * DAY, -2 * HOUR] {
        let authority = Authority::start().await?;
        let (home, clock) = Home::with_fake_clock().await?;
        let _ends = browser::signs_in(&home.desk);
        let id = home.connect(targets::mcp(&authority.resource())).await?;
        let engine = home.engine.clone();
        let slow = tokio::spawn(async move { call(&engine, id, "wait", json!({})).await });
        let began = Instant::now();
        let arrived = || {
            let seen = authority.server.seen_at("/mcp");
            seen.iter()
                .any(|seen| seen.json()["params"]["name"] == "wait")
        };
        while !arrived() {
            tick(began, "the call to arrive").await?;
        }
        clock.advance(jump);
        authority.state.go_on.notify_one();
        slow.await??;
        home.call(id, "greet", json!({})).await?;
        assert!(authority.token_requests("refresh_token") <= 1);
        let rows = home.record().await?;
        assert!(
            rows.iter()
                .all(|row| row.took_ms.is_none_or(|took| took < u32::MAX)),
            "{rows:?}"
        );
        assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    }
    Ok(())
}
