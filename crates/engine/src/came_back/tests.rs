use super::*;
use crate::notices::tests::{Home, MINUTE};
use anyhow::{Context as _, Result};
use std::fs;
use store::crons::CronRow;
use uuid::Uuid;
use wire::{CronId, ErrorCode, GatewayView, Missed, RunCause, Status};

const HOUR: i64 = 60 * MINUTE;
const CRON: CronId = CronId(Uuid::from_u128(11));

/// A cron that runs each hour, also where it missed it.
async fn add_cron(home: &Home) -> Result<()> {
    let now = home.engine.now();
    let row = CronRow {
        id: CRON,
        name: "Send invoices".to_owned(),
        agent: None,
        schedule: "0 * * * *".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        calls: vec![],
        missed: Missed::CatchUp,
        limit_min: 10,
        created_at: now,
        paused: None,
        next_at: Some(now.plus(HOUR)),
        handled_at: now,
        obstacle: None,
    };
    let added = home
        .engine
        .store()
        .write(Durability::Full, move |tx| store::crons::put(tx, &row));
    Ok(added.await?)
}

/// Why each run was begun.
async fn runs(home: &Home) -> Result<Vec<RunCause>> {
    crate::crons::look(&home.engine).await?;
    let runs = home
        .engine
        .store()
        .read(|conn| store::crons::newest_of(conn, CRON, 9));
    Ok(runs.await?.into_iter().map(|run| run.cause).collect())
}

async fn is_let_in(home: &Home, token: &str) -> Result<bool> {
    let agent = crate::agents::authenticate(&home.engine, Some(token)).await?;
    Ok(agent.is_some())
}

#[tokio::test]
async fn agents_and_crons_wait_until_an_admin_has_looked_at_what_came_back() -> Result<()> {
    let home = Home::new().await?;
    home.engine.gateway_is(GatewayView::Open {
        url: "http://127.0.0.1:7317/mcp".to_owned(),
    });
    let ask = serde_json::from_value(serde_json::json!({ "name": "Cursor", "read_only": false }))?;
    let paired = crate::agents::pair(&home.engine, ask).await?;
    add_cron(&home).await?;
    home.engine.store().backup(home.engine.now(), 3).await?;
    crate::agents::revoke(&home.engine, paired.agent.id).await?;
    assert!(!is_let_in(&home, &paired.token).await?);

    // The data file is gone, and the removal with it.
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("backups"))?;
    for (_, backup) in store::backup::all(home.engine.store().folder()) {
        let name = backup.file_name().unwrap_or_default();
        fs::copy(&backup, folder.path().join("backups").join(name))?;
    }
    let home = Home::over(folder).await?;
    home.clock.advance(3 * HOUR);
    let home = home.killed().await?;
    let told = home.engine.waits().told();
    assert!(
        matches!(told, Some(DataTrouble::CameBack { .. })),
        "a start is no answer: {told:?}"
    );
    let refused = crate::agents::authenticate(&home.engine, Some(&paired.token)).await;
    let why = refused.err().map(|error| error.code);
    assert_eq!(
        why,
        Some(ErrorCode::AgentsWait),
        "it is told what would mend it"
    );
    assert_eq!(runs(&home).await?, []);
    let tray = home.engine.tray().await?;
    let says = tray.trouble.context("the icon says it")?;
    assert!(says.contains("came back from a backup"), "{says}");
    assert_eq!(tray.worst, Status::Failing);
    assert!(home.engine.waits_for_admin());

    go_on(&home.engine).await?;
    assert_eq!(home.engine.waits().told(), None);
    let tray = home.engine.tray().await?;
    assert_eq!((tray.worst, tray.trouble), (Status::Healthy, None));
    assert!(is_let_in(&home, &paired.token).await?);
    assert_eq!(runs(&home).await?, [], "it may have run for those moments");
    home.clock.advance(HOUR);
    assert_eq!(runs(&home).await?, [RunCause::Schedule]);
    let home = home.killed().await?;
    assert_eq!(home.engine.waits().told(), None);
    Ok(())
}
