//! A cron whose moment comes while there is no network: it waits for one. In a network of the test's own.

use super::home::{cron, greet};
use crate::kit::{Home, health::drive_alone, mcp, net, scripted::Scripted, targets};
use anyhow::{Context, Result};
use engine::ports::Clock as _;
use serde_json::json;
use std::sync::Arc;
use wire::{RunCause, RunOutcome};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_due_without_a_network_is_caught_up_with_once_when_there_is_one() -> Result<()> {
    let test =
        "crons::away::what_comes_due_without_a_network_is_caught_up_with_once_when_there_is_one";
    if !net::inside(test, &[])? {
        return Ok(());
    }
    net::plug_in(1)?;
    let server = Scripted::serve_at("0.0.0.0", |seen| async move {
        mcp::answer(&seen, &Arc::default()).await
    })
    .await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let url = format!("http://{}:{}/mcp", net::address(1), server.address.port());
    let far = home.connect(targets::mcp_bearer(&url, "key")).await?;
    let near = home.connect(targets::sample()).await?;
    let echo = json!([{ "integration": near, "tool": "echo", "arguments": "{\"text\": \"x\"}" }]);
    // Half past: the moment is well away from either end of the hour that is slept through.
    clock.advance(90 * MINUTE - clock.now().0 % HOUR);
    let mut left_out = cron("Left out", "0 * * * *", greet(far));
    let far = home.save(cron("Far", "0 * * * *", greet(far))).await?;
    let near = home.save(cron("Near", "0 * * * *", echo)).await?;
    left_out["cron"]["missed"] = json!("leave_out");
    let left_out = home.save(left_out).await?;

    // The lid is opened: the moment is past, and the Wi-Fi is not up yet.
    net::pull_out(1)?;
    clock.advance(HOUR);
    let woken = clock.now();
    drive_alone(&home, &clock, "five minutes", async || {
        Ok(clock.now().since(woken) >= 5 * MINUTE)
    })
    .await?;
    assert_eq!(home.ended(near).await?, [RunOutcome::Ok], "it needs none");
    assert!(home.ended(far).await?.is_empty(), "it waits");

    net::plug_in(1)?;
    let back = clock.now();
    drive_alone(&home, &clock, "the run", async || {
        Ok(!home.ended(far).await?.is_empty())
    })
    .await?;
    assert!(clock.now().since(back) <= MINUTE / 2, "soon");
    let run = home.ran(far, 1).await?.runs;
    let run = run.first().context("its run")?;
    assert_eq!(
        (run.outcome, &run.cause),
        (RunOutcome::Ok, &RunCause::CatchUp)
    );
    drive_alone(&home, &clock, "five more", async || {
        Ok(clock.now().since(back) >= 5 * MINUTE)
    })
    .await?;
    assert_eq!(home.ended(far).await?.len(), 1, "once");
    assert!(home.ended(left_out).await?.is_empty(), "as it was set");
    Ok(())
}
