//! Servers that ask to be left alone for a while: no call goes there meanwhile, each is a row, and nothing
//! is broken.

use crate::kit::{
    Home, code,
    health::notices,
    mcp,
    scripted::{Scripted, Seen, text, with_header},
    targets,
};
use anyhow::{Context, Result};
use engine::{fakes::FakeClock, ports::Clock as _};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;
use wire::{ErrorCode, IntegrationId, Outcome, Reason, Status};

/// What a call is answered, where that is out of the ordinary: a status, with the `Retry-After` named.
type Says = Option<(u16, Option<&'static str>)>;

struct Scene {
    home: Home,
    clock: Arc<FakeClock>,
    server: Scripted,
    says: Arc<Mutex<Says>>,
    id: IntegrationId,
    /// The tool, and what it is called with.
    call: (&'static str, Value),
}

fn is_call(seen: &Seen) -> bool {
    seen.json()["method"] == "tools/call" || seen.path.ends_with("/orders")
}

impl Scene {
    async fn of(kind: &str) -> Result<Self> {
        let says: Arc<Mutex<Says>> = Arc::default();
        let script = says.clone();
        let server = Scripted::serve(move |seen| {
            let told = *script.lock().unwrap_or_else(PoisonError::into_inner);
            async move {
                match told {
                    Some((status, Some(after))) if is_call(&seen) => {
                        with_header(text(status, ""), "retry-after", after)
                    }
                    Some((status, None)) if is_call(&seen) => text(status, ""),
                    _ if seen.path.starts_with("/v1") => text(200, "ok"),
                    _ => mcp::answer(&seen, &Arc::new(Notify::new())).await,
                }
            }
        })
        .await?;
        let (home, clock) = Home::with_fake_clock().await?;
        let (target, call) = if kind == "api" {
            let auth = targets::bearer("key");
            (
                targets::api(&server.url("/v1"), "/health", auth),
                ("call", json!({ "method": "GET", "path": "/orders" })),
            )
        } else {
            let target = targets::mcp_bearer(&server.url("/mcp"), "key");
            (target, ("greet", json!({})))
        };
        let id = home.connect(target).await?;
        home.ask::<wire::RenameIntegration>(json!({ "id": id, "name": "Acme" }))
            .await?;
        Ok(Self {
            home,
            clock,
            server,
            says,
            id,
            call,
        })
    }

    fn answers(&self, says: Says) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = says;
    }

    async fn calls(&self) -> Result<Value, wire::Error> {
        self.home
            .call(self.id, self.call.0, self.call.1.clone())
            .await
    }

    /// Calls that arrived.
    fn arrived(&self) -> usize {
        self.server
            .seen()
            .iter()
            .filter(|seen| is_call(seen))
            .count()
    }

    /// A call is refused here, for so many seconds more.
    async fn refused(&self, seconds: &str) -> Result<()> {
        let before = self.arrived();
        let error = self.calls().await.err().context("it is refused")?;
        assert_eq!(error.code, ErrorCode::RateLimited, "{error:?}");
        assert_eq!(
            (error.args["host"].as_str(), error.args["seconds"].as_str()),
            ("Acme", seconds)
        );
        assert_eq!(self.arrived(), before, "nothing went there");
        let rows = self.home.record().await?;
        let row = rows.first().context("a row")?;
        assert_eq!(row.outcome, Outcome::Refused, "{row:?}");
        let card = &self.home.cards().await?[0];
        assert_eq!(card.health.status, Status::Healthy);
        Ok(())
    }
}

#[tokio::test]
async fn whoever_asks_to_be_left_alone_is_left_alone_by_calls_for_as_long() -> Result<()> {
    // Before the first call of an MCP server has gone well, its answer is read by rmcp alone.
    for (kind, status, well) in [
        ("mcp", 429, 2),
        ("mcp", 503, 0),
        ("api", 429, 2),
        ("api", 503, 0),
    ] {
        let scene = Scene::of(kind).await?;
        for _ in 0..well {
            scene.calls().await?;
        }
        scene.answers(Some((status, Some("12"))));
        let asked = scene.calls().await;
        // An API's answer is passed on as it is.
        assert!(asked.is_err() || asked.is_ok_and(|answer| answer["isError"] == true));
        assert_eq!(scene.arrived(), well + 1, "{kind}");
        scene.answers(None);
        scene.refused("12").await?;
        let card = &scene.home.cards().await?[0];
        assert!(
            matches!(card.health.reason, Reason::RateLimited { .. }),
            "with a note: {:?}",
            card.health.reason
        );
        scene.clock.advance(11_500);
        scene.refused("1").await?;
        scene.clock.advance(500);
        scene.calls().await?;
        assert_eq!(scene.arrived(), well + 2, "{kind}");

        // For a minute at most; then one call asks again.
        scene.answers(Some((status, Some("86400"))));
        let _ = scene.calls().await;
        scene.refused("60").await?;
        scene.clock.advance(60_000);
        let before = scene.arrived();
        let _ = scene.calls().await;
        assert_eq!(scene.arrived(), before + 1, "{kind}");
        scene.refused("60").await?;

        // A test that succeeds is word enough.
        scene.home.test(scene.id).await?;
        scene.answers(None);
        scene.calls().await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_names_no_time_is_asked_again_as_the_agent_likes() -> Result<()> {
    for kind in ["mcp", "api"] {
        let scene = Scene::of(kind).await?;
        scene.answers(Some((429, None)));
        for arrived in 1..=2 {
            match scene.calls().await {
                Ok(answer) => assert_eq!((kind, &answer["isError"]), ("api", &json!(true))),
                error => assert_eq!(code(error)?, ErrorCode::RateLimited),
            }
            assert_eq!(scene.arrived(), arrived);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_limit_that_is_used_up_and_told_by_403_breaks_nothing() -> Result<()> {
    let used_up = Arc::new(AtomicBool::new(false));
    let forbids = Arc::new(AtomicBool::new(false));
    let (limit, forbidden) = (used_up.clone(), forbids.clone());
    let server = Scripted::serve(move |_| {
        let limited = limit.load(Ordering::Relaxed);
        let status = if limited || forbidden.load(Ordering::Relaxed) {
            403
        } else {
            200
        };
        let left = if limited { "0" } else { "17" };
        let said = with_header(text(status, ""), "x-ratelimit-remaining", left);
        std::future::ready(with_header(said, "x-ratelimit-reset", "1800"))
    })
    .await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let auth = targets::bearer("key");
    let target = targets::api(&server.url("/v1"), "/health", auth);
    let id = home.connect(target).await?;
    used_up.store(true, Ordering::Relaxed);

    let report = home.test(id).await?;
    let error = report.error.context("it did not let the ping through")?;
    assert_eq!(error.code, ErrorCode::RateLimited, "{error}");
    let until = clock.now().plus(1_800_000);
    assert_eq!(
        (report.health.status, report.health.reason),
        (Status::Healthy, Reason::RateLimited { until })
    );
    assert!(notices(&home)?.is_empty(), "nobody needs to act");
    clock.advance(1_800_000);
    let get = || json!({ "method": "GET", "path": "/orders" });
    let passed_on = home.call(id, "call", get()).await?;
    assert_eq!(passed_on["structuredContent"]["retry_after_seconds"], 1800);
    let error = home.call(id, "call", get()).await;
    assert_eq!(code(error)?, ErrorCode::RateLimited, "it is left alone");

    used_up.store(false, Ordering::Relaxed);
    forbids.store(true, Ordering::Relaxed);
    let report = home.test(id).await?;
    assert!(
        matches!(report.health.reason, Reason::NeedsAccess { .. }),
        "{:?}",
        report.health
    );
    Ok(())
}
