//! The authorization server behind a bad line: its answers lost, late, cut, or somebody else's. Real
//! programs on both sides, and a proxy between them that misbehaves on command.

use crate::kit::{
    Home, browser, call,
    health::{drive, notices},
    scripted::{Scripted, json as answer, text},
    targets,
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use engine::{fakes::FakeClock, vault::Credential};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use wire::{ErrorCode, Fix, IntegrationId, Reason, Status};

const MINUTE: i64 = 60_000;

/// An API whose tokens come from a certified server, its token endpoint reached through a proxy.
struct Line {
    issuer: Arc<Peer>,
    proxy: Peer,
    _api: Scripted,
    home: Home,
    clock: Arc<FakeClock>,
    id: IntegrationId,
}

impl Line {
    async fn connected() -> Result<Self> {
        let issuer = Arc::new(Peer::start("oidc", &[("ACCESS_TTL", "300")]).await?);
        // Its token endpoint has another origin here than its own name.
        issuer.control("/test/set?iss=none").await?;
        let proxy = Peer::start("faultproxy", &[("UPSTREAM", &issuer.url)]).await?;
        let asks = issuer.clone();
        let api = Scripted::serve(move |seen| {
            let asks = asks.clone();
            async move {
                let about = format!("/test/token?token={}", seen.bearer());
                match asks.control(&about).await {
                    Ok(told) if told["active"] == true => answer(200, &json!({ "id": 7 })),
                    Ok(_) | Err(_) => text(401, "sign in"),
                }
            }
        })
        .await?;
        let (home, clock) = Home::with_fake_clock().await?;
        let _browser = browser::signs_in(&home.desk);
        let through = proxy.url.trim_end_matches('/');
        let server = json!({
            "by": "endpoints", "authorization_url": format!("{}/auth", issuer.url),
            "token_url": format!("{through}/token"),
            "revocation_url": format!("{through}/token/revocation"),
        });
        let client = ("chief-preregistered", None, "none");
        let auth = targets::sign_in(server, "openid offline_access", client);
        let id = home
            .connect(targets::api(&api.url("/v1"), "/me", auth))
            .await?;
        Ok(Self {
            issuer,
            proxy,
            _api: api,
            home,
            clock,
            id,
        })
    }

    async fn refreshes(&self) -> Result<usize> {
        let log = self.issuer.control("/test/log").await?;
        let log = log.as_array().context("a log")?;
        Ok(log
            .iter()
            .filter(|entry| entry["parameters"]["grant_type"] == "refresh_token")
            .count())
    }

    async fn get(&self) -> Result<Value, wire::Error> {
        let arguments = json!({ "method": "GET", "path": "/me" });
        self.home.call(self.id, "call", arguments).await
    }

    async fn refresh_token(&self) -> Result<String> {
        match self.home.held(self.id).await? {
            Credential::OAuth(held) => {
                Ok(held.refresh.context("a refresh token")?.reveal().to_owned())
            }
            _ => anyhow::bail!("no sign-in is held"),
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_once_more_and_never_in_a_loop() -> Result<()> {
    let line = Line::connected().await?;
    let held = line.refresh_token().await?;
    line.clock.advance(6 * MINUTE);
    line.proxy
        .control("/set?mode=drop-response&count=1")
        .await?;
    // The server acted, the answer was lost; asked again it takes the token for stolen.
    let error = line.get().await.err().context("the pair was lost")?;
    assert_eq!(error.code, ErrorCode::OauthInvalidGrant, "{error}");
    assert_eq!(line.refreshes().await?, 2, "asked, and once more");
    let health = line.home.card(line.id).await?.health;
    assert!(
        matches!(health.reason, Reason::Rejected { .. }),
        "{health:?}"
    );
    assert_eq!(health.fix, Some(Fix::Reconnect));
    assert_eq!(line.refresh_token().await?, held, "what is held is kept");

    // Fifty more callers and three hours of checks: no loop, and one notice.
    for _ in 0..50 {
        assert!(line.get().await.is_err());
    }
    assert_eq!(line.refreshes().await?, 2);
    let until = now(&line.clock) + 180 * MINUTE;
    drive(&line.home, &line.clock, "three hours", async || {
        Ok(now(&line.clock) >= until)
    })
    .await?;
    let asked = line.refreshes().await?;
    assert!(asked <= 5, "{asked} requests in three hours");
    assert_eq!(notices(&line.home)?.len(), 1);

    let _browser = browser::signs_in(&line.home.desk);
    let attempt = line.home.begin_again(line.id, None).await?;
    line.home.done(attempt).await?;
    line.get().await?;
    assert!(notices(&line.home)?[0].resolved);
    Ok(())
}

#[tokio::test]
async fn answers_that_are_always_lost_are_not_asked_for_faster_and_faster() -> Result<()> {
    let line = Line::connected().await?;
    line.clock.advance(6 * MINUTE);
    line.proxy.control("/set?mode=reset").await?;
    let until = now(&line.clock) + 60 * MINUTE;
    drive(&line.home, &line.clock, "an hour", async || {
        Ok(now(&line.clock) >= until)
    })
    .await?;
    let hits = line.proxy.control("/hits").await?;
    let hits = hits["hits"]["reset"].as_u64().unwrap_or_default();
    assert!((2..=40).contains(&hits), "{hits} connections in an hour");
    let health = line.home.card(line.id).await?.health;
    assert!(
        !matches!(health.reason, Reason::Rejected { .. }),
        "a bad line is no dead sign-in: {health:?}"
    );
    line.proxy.control("/set?mode=pass").await?;
    drive(&line.home, &line.clock, "it to recover", async || {
        Ok(
            line.home.card(line.id).await?.health.status == Status::Healthy
                && line.refreshes().await? == 1,
        )
    })
    .await
}

#[tokio::test]
async fn an_issuer_in_trouble_breaks_nothing_and_its_wish_to_be_left_alone_is_kept() -> Result<()> {
    let line = Line::connected().await?;
    let mut asked = 0;
    for (mode, code) in [
        ("500", ErrorCode::ServerError),
        ("html", ErrorCode::OauthTokenRefused),
        ("json", ErrorCode::OauthTokenRefused),
        ("503", ErrorCode::RateLimited),
    ] {
        line.clock.advance(6 * MINUTE);
        let held = line.refresh_token().await?;
        let fail = format!("/test/fail?path=/token&mode={mode}");
        line.issuer.control(&fail).await?;
        let error = line.get().await.err().context(mode)?;
        assert_eq!(error.code, code, "{mode}: {error}");
        asked += 1;
        assert_eq!(line.refreshes().await?, asked, "{mode}: once is enough");
        assert_eq!(line.refresh_token().await?, held, "{mode}");
        let status = line.home.card(line.id).await?.health.status;
        assert_eq!(status, Status::Healthy, "{mode}");
        // Whoever comes at once is answered by what came last, not by the server.
        assert!(line.get().await.is_err(), "{mode}");
        assert_eq!(line.refreshes().await?, asked, "{mode}");
        line.clock.advance(MINUTE);
        line.get().await.context(mode)?;
        asked += 1;
        assert_eq!(line.refreshes().await?, asked, "{mode}");
    }
    assert!(notices(&line.home)?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_slow_issuer_is_waited_for() -> Result<()> {
    let line = Line::connected().await?;
    line.clock.advance(6 * MINUTE);
    line.proxy.control("/set?mode=throttle&ms=5").await?;
    line.get().await?;
    assert_eq!(line.refreshes().await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_swallows_everything_holds_up_nobody_else() -> Result<()> {
    let line = Line::connected().await?;
    let other = Scripted::serve(|_| async { answer(200, &json!({})) }).await?;
    let target = targets::api(&other.url("/v1"), "/health", targets::bearer("a-key"));
    let other = line.home.connect(target).await?;
    line.clock.advance(6 * MINUTE);
    line.proxy.control("/set?mode=blackhole").await?;
    let engine = line.home.engine.clone();
    let id = line.id;
    let began = Instant::now();
    let waiting = tokio::spawn(async move {
        call(
            &engine,
            id,
            "call",
            json!({ "method": "GET", "path": "/me" }),
        )
        .await
    });
    for _ in 0..20 {
        let asked = Instant::now();
        let arguments = json!({ "method": "GET", "path": "/orders" });
        line.home.call(other, "call", arguments).await?;
        line.home.cards().await?;
        assert!(asked.elapsed() < Duration::from_secs(5), "held up");
    }
    assert!(!waiting.is_finished(), "it still waits for the issuer");
    let error = waiting.await?.err().context("nothing came")?;
    assert_eq!(error.code, ErrorCode::Unreachable, "{error}");
    // Fifteen seconds, and once more since the answer may have been lost.
    assert!(
        began.elapsed() < Duration::from_secs(45),
        "{:?}",
        began.elapsed()
    );
    let status = line.home.card(line.id).await?.health.status;
    assert_eq!(status, Status::Healthy);
    line.proxy.control("/set?mode=pass").await?;
    line.clock.advance(MINUTE);
    line.get().await?;
    Ok(())
}

fn now(clock: &FakeClock) -> i64 {
    use engine::ports::Clock as _;
    clock.now().0
}
