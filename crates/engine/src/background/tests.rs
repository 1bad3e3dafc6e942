use super::*;
use crate::{integrations::status::Signal, notices::tests::Home};
use anyhow::Result;

#[tokio::test]
async fn the_icon_shows_the_worst_status_and_its_menu_what_needs_the_admin() -> Result<()> {
    let home = Home::new().await?;
    let first = home.add(1, "127.0.0.1:1").await?;
    home.add(2, "127.0.0.1:2").await?;
    let tray = home.engine.tray().await?;
    assert_eq!((tray.worst, tray.needs.len()), (Status::Healthy, 0));
    home.learn(first, Signal::Rejected).await?;
    let tray = home.engine.tray().await?;
    assert_eq!(tray.worst, Status::Failing);
    assert_eq!(tray.needs, [(first, "Orders 1 is failing".to_owned())]);

    home.engine.show(first);
    assert_eq!(home.desk.raised(), 1);
    let errand = home.engine.outbox().take_errand();
    assert_eq!(errand, Some(Errand::Open { integration: first }));
    Ok(())
}

#[tokio::test]
async fn paused_checks_send_nothing_until_the_hour_is_over() -> Result<()> {
    let home = Home::new().await?;
    home.engine.pause_or_resume().await?;
    assert!(home.engine.tray().await?.is_paused);
    let now = home.engine.now();
    let until = home
        .engine
        .store()
        .read(move |conn| paused_until(conn, now))
        .await?;
    assert_eq!(until, Some(now.plus(HOUR_MS)));
    home.engine.pause_or_resume().await?;
    assert!(!home.engine.tray().await?.is_paused, "pressed again: on");

    assert!(pause(&home.engine, Some(25)).await.is_err());
    pause(&home.engine, Some(24)).await?;
    // Set back by a year: it would be paused for as long.
    home.clock.advance(-365 * 24 * HOUR_MS);
    assert!(!home.engine.tray().await?.is_paused);
    Ok(())
}

#[tokio::test]
async fn closing_asks_once_and_does_not_where_nobody_takes_it_up() -> Result<()> {
    let home = Home::new().await?;
    assert!(home.engine.ask_to_quit());
    assert!(!home.engine.ask_to_quit(), "the page does not answer");
    assert!(home.engine.ask_to_quit());
    assert_eq!(home.engine.outbox().take_errand(), Some(Errand::Quit));
    assert!(home.engine.ask_to_quit(), "it was taken up: asked anew");
    Ok(())
}

#[test]
fn the_icon_tells_the_worse_of_what_is_wrong_with_keyring_and_data() {
    let no_backup = DataTrouble::NoBackup {
        since: None,
        error: Error::new(ErrorCode::StoreUnwritable),
    };
    let damaged = DataTrouble::Damaged { backup: None };
    let told = |keyring, data| trouble(keyring, data);
    let of = |least, key| Some((least, words::text(key)));
    let (ready, locked) = (KeyringView::Ready, KeyringView::Locked);
    assert_eq!(told(ready, None), None);
    let no_backup_is = of(Status::Expiring, "tray-no-backup");
    assert_eq!(told(ready, Some(&no_backup)), no_backup_is);
    let locked_is = of(Status::Expiring, "cli-keyring-locked");
    assert_eq!(told(locked, Some(&no_backup)), locked_is);
    let damaged_is = of(Status::Failing, "tray-damaged");
    assert_eq!(told(locked, Some(&damaged)), damaged_is);
}
