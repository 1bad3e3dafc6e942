//! Some that are down together, as behind a VPN that is off, while all others answer: their own trouble, and not
//! this computer's. In a network of the test's own.

use crate::{
    crons::home::{cron, greet},
    kit::{
        Home,
        health::{drive_alone, notices},
        mcp, net,
        scripted::{Scripted, json as answer},
        targets,
    },
};
use anyhow::{Result, ensure};
use engine::ports::Clock as _;
use serde_json::json;
use std::sync::Arc;
use wire::{IntegrationId, Reason, RunOutcome};

const MINUTE: i64 = 60_000;
const ALL: usize = 26;
const DOWN: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_that_are_down_while_twenty_answer_fail_and_nothing_else_changes() -> Result<()> {
    let test =
        "offline::together::six_that_are_down_while_twenty_answer_fail_and_nothing_else_changes";
    if !net::inside(test, &[])? {
        return Ok(());
    }
    net::plug_in(ALL)?;
    let server = Scripted::serve_at("0.0.0.0", |seen| async move {
        if seen.path == "/mcp" {
            mcp::answer(&seen, &Arc::default()).await
        } else {
            answer(200, &json!({ "ok": true }))
        }
    })
    .await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let mut all: Vec<IntegrationId> = vec![];
    for n in 1..=ALL {
        let base = format!("http://{}:{}", net::address(n), server.address.port());
        let target = if n == 1 || n == ALL {
            targets::mcp_bearer(&format!("{base}/mcp"), "key")
        } else {
            targets::api(&format!("{base}/v1"), "/health", targets::bearer("key"))
        };
        all.push(home.connect(target).await?);
    }
    let mut each_five = cron("Each five minutes", "*/5 * * * *", greet(all[ALL - 1]));
    each_five["cron"]["missed"] = json!("leave_out");
    let each_five = home.save(each_five).await?;
    let of_one = cron("Of one that is down", "0 3 * * *", greet(all[0]));
    let of_one = home.save(of_one).await?;

    // Before anybody is next asked: those six and no other.
    net::cut(1..=DOWN)?;
    let began = clock.now();
    let offline = async || anyhow::Ok(home.ask::<wire::GetApp>(json!({})).await?.offline);
    let failing = async || {
        let cards = home.cards().await?.into_iter();
        let down = |reason: &Reason| matches!(reason, Reason::Unreachable { .. });
        let failing = cards.filter(|card| down(&card.health.reason));
        anyhow::Ok(failing.map(|card| card.id).collect::<Vec<_>>())
    };
    drive_alone(&home, &clock, "the six to fail", async || {
        ensure!(!offline().await?, "this computer is not offline");
        Ok(failing().await?.len() == DOWN)
    })
    .await?;
    let failed = clock.now();
    println!("the six failed after {} s", failed.since(began) / 1_000);
    let asked = server.seen_at("/v1/health").len();
    drive_alone(&home, &clock, "the better part of an hour", async || {
        ensure!(!offline().await?, "this computer is not offline");
        Ok(clock.now().since(failed) >= 48 * MINUTE)
    })
    .await?;
    let mut failed = failing().await?;
    failed.sort_unstable();
    assert_eq!(failed, all[..DOWN], "the six and no other");
    assert_eq!(notices(&home)?.len(), DOWN);
    assert!(home.cron(of_one).await?.is_held());
    let ran = home.cron(each_five).await?.runs;
    assert!(
        ran.iter().all(|run| run.outcome == RunOutcome::Ok),
        "{ran:?}"
    );
    let (ran, due) = (
        home.count("cron_runs")?,
        clock.now().since(began) / MINUTE / 5,
    );
    assert!(ran >= due, "none is left out: {ran} of {due}");
    let of_others = server.seen_at("/v1/health").len() - asked;
    // Five an hour each.
    let most = (ALL - DOWN - 1) * 4;
    assert!(of_others <= most, "{of_others} pings of the others");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_has_been_down_for_long_is_no_witness_against_this_computer() -> Result<()> {
    let test =
        "offline::together::one_that_has_been_down_for_long_is_no_witness_against_this_computer";
    if !net::inside(test, &[])? {
        return Ok(());
    }
    net::plug_in(4)?;
    let server =
        Scripted::serve_at("0.0.0.0", |_| async { answer(200, &json!({ "ok": true })) }).await?;
    let connect = async |home: &Home, n: usize| {
        let base = format!("http://{}:{}/v1", net::address(n), server.address.port());
        let target = targets::api(&base, "/health", targets::bearer("key"));
        home.connect(target).await
    };
    let (home, clock) = Home::with_fake_clock().await?;
    let (own, public) = (connect(&home, 1).await?, connect(&home, 2).await?);
    let offline = async |home: &Home| {
        let app = home.ask::<wire::GetApp>(json!({})).await?;
        anyhow::Ok(app.offline)
    };
    for (n, id) in [(1, own), (2, public)] {
        net::cut([n])?;
        drive_alone(&home, &clock, "it to fail", async || {
            ensure!(!offline(&home).await?, "this computer is not offline");
            let reason = home.card(id).await?.health.reason;
            Ok(matches!(reason, Reason::Unreachable { .. }))
        })
        .await?;
    }
    let failed = clock.now();
    drive_alone(&home, &clock, "half an hour", async || {
        ensure!(!offline(&home).await?, "this computer is not offline");
        Ok(clock.now().since(failed) >= 30 * MINUTE)
    })
    .await?;
    assert_eq!(notices(&home)?.len(), 2);

    // Two that were well fall silent together: that is this computer.
    let (home, clock) = Home::with_fake_clock().await?;
    for n in [3, 4] {
        connect(&home, n).await?;
    }
    net::cut([3, 4])?;
    drive_alone(&home, &clock, "the banner", async || offline(&home).await).await?;
    assert!(notices(&home)?.is_empty());
    Ok(())
}
