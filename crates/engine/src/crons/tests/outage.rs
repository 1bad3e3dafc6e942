//! What an outage paused goes on by itself, where the admin has set so: once a check has proved it.

use crate::{
    commands::answer,
    integrations::status::{Elsewhere, Signal},
    notices::tests::{Home, MINUTE},
    store::{self, Durability, crons::CronRow},
};
use anyhow::{Result, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use wire::{CronId, Missed};

#[tokio::test]
async fn too_many_requests_is_no_proof_that_crons_may_go_on() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    crate::background::pause(&home.engine, Some(24)).await?;
    let mut settings = answer(&home.engine, "get_settings", json!({})).await?;
    settings["resume_after_outage"] = json!(true);
    answer(
        &home.engine,
        "save_settings",
        json!({ "settings": settings }),
    )
    .await?;
    let now = home.engine.now();
    let row = CronRow {
        id: CronId(uuid::Uuid::from_u128(7)),
        name: "Refund watch".to_owned(),
        agent: None,
        schedule: "0 9 * * *".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        calls: Vec::new(),
        missed: Missed::CatchUp,
        limit_min: 1,
        created_at: now,
        paused: None,
        next_at: None,
        handled_at: now,
        obstacle: None,
    };
    let cron = row.id;
    home.engine
        .store()
        .write(Durability::Full, move |tx| {
            store::crons::put(tx, &row)?;
            let depends = BTreeMap::from([(id, "Orders 1".to_owned())]);
            store::crons::set_depends(tx, cron, &depends)
        })
        .await?;
    let held = async || {
        let read = move |conn: &_| store::crons::depends_of(conn, cron);
        let depends = home.engine.store().read(read).await?;
        anyhow::Ok(depends.iter().any(|each| each.held_since.is_some()))
    };
    // Where the monitor takes the steps of this clock for a sleep, the outage begins anew.
    for _ in 0..20 {
        for _ in 0..25 {
            home.learn(id, Signal::Unreachable(Elsewhere::Alone))
                .await?;
            home.clock.advance(MINUTE / 2);
        }
        if held().await? {
            break;
        }
    }
    ensure!(held().await?, "the outage paused it");
    let until = home.engine.now().plus(60 * MINUTE);
    let named = true;
    home.learn(id, Signal::RateLimited { until, named }).await?;
    ensure!(held().await?, "its server asked to be left alone");
    home.clock.advance(60 * MINUTE);
    home.learn(id, Signal::PingOk).await?;
    ensure!(!held().await?, "proved");
    Ok(())
}
