//! A disk that refuses a run's rows for a while: the run ends all the same, and the cron goes on.

use crate::{
    Engine,
    commands::answer,
    notices::tests::{Home, MINUTE},
    store::{Durability, failed},
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::time::Duration;

/// Waits until `found` is there, while the clock goes on by `step` milliseconds each time.
async fn until<T>(home: &Home, step: i64, found: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    for _ in 0..2_000 {
        if let Some(found) = found().await? {
            return Ok(found);
        }
        home.clock.advance(step);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!("it did not come")
}

async fn sample(home: &Home) -> Result<Value> {
    let ask = json!({ "target": { "kind": "sample" }, "confirmed": {} });
    let id = answer(&home.engine, "start_connect", ask).await?["id"].clone();
    until(home, 0, async || {
        let view = answer(&home.engine, "get_attempt", json!({ "id": id })).await?;
        let view: wire::AttemptView = serde_json::from_value(view)?;
        Ok(match view.phase {
            wire::Phase::Done { integration, .. } => Some(json!(integration)),
            wire::Phase::Failed { error } => return Err(error.into()),
            _ => None,
        })
    })
    .await
}

async fn sql(engine: &Engine, what: &'static str) -> Result<()> {
    let job = move |tx: &mut crate::store::Tx<'_>| tx.execute_batch(what).map_err(failed);
    Ok(engine.store().write(Durability::Full, job).await?)
}

async fn runs(home: &Home) -> Result<Vec<Value>> {
    let crons = answer(&home.engine, "list_crons", json!({})).await?;
    Ok(crons[0]["runs"].as_array().context("runs")?.clone())
}

#[tokio::test]
async fn a_run_whose_rows_are_refused_is_ended_as_soon_as_they_can_be_written() -> Result<()> {
    let home = Home::new().await?;
    let sample = sample(&home).await?;
    let calls =
        json!([{ "integration": sample, "tool": "echo", "arguments": "{\"text\": \"x\"}" }]);
    let cron = json!({ "id": null, "cron": {
        "name": "Each minute", "schedule": "* * * * *", "zone": "Europe/Berlin", "calls": calls,
        "missed": "leave_out", "limit_min": 10,
    } });
    answer(&home.engine, "save_cron", cron).await?;
    sql(
        &home.engine,
        "create trigger full before update on cron_runs begin select raise(abort, 'full'); end",
    )
    .await?;
    home.clock.advance(MINUTE);
    until(&home, 0, async || {
        let ask = json!({ "limit": 50, "pings": false });
        let page = answer(&home.engine, "list_activity", ask).await?;
        let page: wire::ActivityPage = serde_json::from_value(page)?;
        let mut rows = page.rows.into_iter();
        Ok(rows.find(|row| row.action == "sample.echo" && row.outcome == wire::Outcome::Ok))
    })
    .await
    .context("the call is made, though how far the run came cannot be noted")?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(runs(&home).await?[0]["outcome"], "running");

    sql(&home.engine, "drop trigger full").await?;
    let over = until(&home, 1_000, async || {
        let mut runs = runs(&home).await?.into_iter();
        Ok(runs.find(|run| run["outcome"] != "running"))
    })
    .await?;
    assert_eq!(over["outcome"], "ok", "{over}");
    until(&home, MINUTE / 2, async || {
        let runs = runs(&home).await?;
        Ok((runs.len() > 1).then_some(()))
    })
    .await
    .context("the next moment runs")?;
    Ok(())
}
