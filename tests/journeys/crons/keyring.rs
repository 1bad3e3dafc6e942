//! A start at login before the keyring is unlocked: the icon and one notice say it, and what came due is
//! made up for.

use super::{
    MINUTE,
    home::{cron, greet, refusing},
};
use crate::kit::{Home, targets, tick};
use anyhow::{Context, Result};
use engine::ports::{Clock as _, KeyringError};
use serde_json::json;
use std::time::Instant;
use wire::{ErrorCode, NoticeView, RunCause, RunOutcome, Status};

async fn open_notices(home: &Home) -> Result<Vec<NoticeView>> {
    let mut all = home.ask::<wire::ListNotices>(json!({})).await?;
    all.retain(|notice| notice.resolved_at.is_none());
    Ok(all)
}

#[tokio::test]
async fn what_comes_due_before_the_keyring_is_unlocked_is_told_and_made_up_for() -> Result<()> {
    let (server, _) = refusing().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let keyed = targets::mcp_bearer(&server.url("/mcp"), "key");
    let keyed = home.connect(keyed).await?;
    // Half a minute before the next of its moments.
    clock.advance(20 * MINUTE - clock.now().0 % (10 * MINUTE) - MINUTE / 2);
    let late = home
        .save(cron("Late", "*/10 * * * *", greet(keyed)))
        .await?;
    let mut left_out = cron("Left out", "*/10 * * * *", greet(keyed));
    left_out["cron"]["missed"] = json!("leave_out");
    let left_out = home.save(left_out).await?;

    let resting = home.rest().await?;
    resting.keyring.fail_with(Some(KeyringError::Locked));
    let home = resting.wake().await?;
    clock.advance(MINUTE);
    let began = Instant::now();
    while open_notices(&home).await?.len() < 2 {
        tick(began, "a notice for each of them").await?;
    }
    for notice in open_notices(&home).await? {
        let why = notice.stuck.as_ref().map(|error| error.code);
        assert_eq!(why, Some(ErrorCode::KeyringLocked), "{notice:?}");
    }
    // The page that a notice leads to says it, too.
    for cron in home.crons().await? {
        let why = cron.obstacle.as_ref().map(|error| error.code);
        assert_eq!(why, Some(ErrorCode::KeyringLocked), "{cron:?}");
    }
    let tray = home.engine.tray().await?;
    assert_eq!(tray.worst, Status::Expiring);
    let trouble = tray.trouble.context("it is told beside the clock")?;
    assert!(trouble.contains("locked"), "{trouble}");
    clock.advance(3 * MINUTE);
    for id in [late, left_out] {
        assert!(home.ended(id).await?.is_empty(), "no moment is used up");
    }

    home.keyring.fail_with(None);
    home.ask::<wire::UnlockKeyring>(json!({})).await?;
    let run = home.ran(late, 1).await?.runs.remove(0);
    assert_eq!(
        (run.outcome, run.cause),
        (RunOutcome::Ok, RunCause::CatchUp)
    );
    let began = Instant::now();
    while !open_notices(&home).await?.is_empty() {
        tick(began, "the notices to be over").await?;
    }
    assert!(home.ended(left_out).await?.is_empty(), "as it was set");
    assert_eq!(home.engine.tray().await?.trouble, None);
    for cron in home.crons().await? {
        assert_eq!(cron.obstacle, None, "{}", cron.name);
    }
    Ok(())
}
