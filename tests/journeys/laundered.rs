//! Who writes the data folder while the app runs, or makes it so that the app itself signs, forgets or removes
//! what was done there: found and named all the same. And what the app does by itself, which looks like it, is
//! no tampering.

use crate::{
    kit::{Home, targets, tick},
    record::put,
    tampered::{calls, change, is, proof, told, told_all, used},
};
use anyhow::{Context, Result};
use engine::{fakes::FakeClock, ports::Keyring as _};
use rusqlite::Connection;
use serde_json::json;
use std::{fs, path::Path, time::Instant};
use wire::{CannotCheck, RecordState, Tampering};

const DAY: i64 = 86_400_000;
/// The last row of the record.
const END: &str =
    "(select max(seq) from (select seq from calls union all select seq from outcomes))";

/// One number from a database that may be in use.
fn number(folder: &Path, sql: &str) -> Result<i64> {
    let database = Connection::open(folder.join("chief.db"))?;
    Ok(database.query_row(sql, [], |row| row.get(0))?)
}

fn is_tampered(state: &RecordState) -> bool {
    matches!(state, RecordState::Tampered { .. })
}

/// What makes the settings say, from outside, that rows are kept for a week.
const KEEP_A_WEEK: &str = "insert or replace into settings values ('record', '{\"keep_days\":7}')";

#[tokio::test]
async fn a_beginning_that_is_moved_while_the_app_runs_is_not_told_to_the_anchor() -> Result<()> {
    // By a kill once the anchor was told, and by the last telling.
    for is_killed in [true, false] {
        let home = Home::new().await?;
        used(&home).await?;
        let home = home.restart().await?;
        calls(&home, 1).await?;
        change(
            home.folder(),
            &format!(
                "update record_base set seq = {END}, hash = zeroblob(32); delete from tombstones; \
                 update calls set action = 'nothing' where seq = 5"
            ),
        )?;
        if is_killed {
            told_all(&home).await?;
        } else {
            home.engine.stop().await;
        }
        for state in told(home.copy()?, &home).await? {
            assert!(is_tampered(&state), "{state:?}");
        }
        if is_killed {
            // Not that all rows are gone: they stand there.
            let state = proof(&home).await?.state;
            assert!(is(&state, Tampering::BeginningMissing), "{state:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn rows_that_pass_for_ones_from_before_the_chain_are_named() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    let home = home.restart().await?;
    let early: (i64, String) = Connection::open(home.folder().join("chief.db"))?.query_row(
        "select seq, 'insert or replace into record_head values (1, ' || epoch || ', ' || seq || ', x''' \
         || hex(hash) || ''', ' || key || ', x''' || hex(mac) || ''')' from record_head",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    calls(&home, 3).await?;
    home.engine.stop().await;
    let (end, head) = early;
    // Restored, it says of itself, to a day when the record began right there; and nothing before had a mac.
    for also in [
        "",
        "update calls set key = null, mac = x''; update outcomes set key = null, mac = x'';",
    ] {
        let copy = home.copy()?;
        change(
            copy.path(),
            &format!(
                "delete from outcomes where seq > {end}; delete from calls where seq > {end}; {head}; \
                 update calls set action = 'nothing' where seq = 5; {also} \
                 update record_base set seq = {end}, hash = zeroblob(32); delete from tombstones"
            ),
        )?;
        for state in told(copy, &home).await? {
            assert!(is_tampered(&state), "{also}: {state:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_a_check_found_stays_though_it_is_put_back() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    let found = RecordState::Tampered {
        how: Tampering::Changed,
        seq: 5,
    };
    // Whoever reads has all rows filed.
    home.record().await?;
    let database = home.folder().join("chief.db");
    let was: String = Connection::open(database)?.query_row(
        "select action from calls where seq = 5",
        [],
        |row| row.get(0),
    )?;
    change(
        home.folder(),
        "update calls set action = 'nothing' where seq = 5",
    )?;
    assert_eq!(proof(&home).await?.state, found);
    change(
        home.folder(),
        &format!("update calls set action = '{was}' where seq = 5"),
    )?;
    assert_eq!(proof(&home).await?.state, found);
    let home = home.restart().await?;
    assert_eq!(proof(&home).await?.state, found);
    Ok(())
}

/// Keeps rows for a week, and lets more than that pass, until retention was at them once more.
async fn a_week_passes(home: &Home, clock: &FakeClock) -> Result<()> {
    let before = home.count("tombstones")?;
    let settings = json!({ "settings": { "keep_days": 7 } });
    home.ask::<wire::SaveRecordSettings>(settings).await?;
    clock.advance(8 * DAY);
    let began = Instant::now();
    while home.count("tombstones")? == before {
        clock.advance(60_000);
        tick(began, "the daily housekeeping").await?;
    }
    Ok(())
}

#[tokio::test]
async fn retentions_and_a_restore_across_them_are_no_tampering() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    used(&home).await?;
    told_all(&home).await?;
    let before = home.copy()?;
    for _ in 0..2 {
        a_week_passes(&home, &clock).await?;
        calls(&home, 2).await?;
        assert_eq!(proof(&home).await?.state, RecordState::Intact);
    }
    let killed = home.copy()?;
    for state in told(killed, &home).await? {
        assert_eq!(state, RecordState::Intact);
    }
    home.engine.stop().await;
    // The data of before both, beside the anchor of now; and on it goes.
    let copy = home.copy()?;
    put(before.path(), copy.path())?;
    let restored = Home::on_copy_at(copy, home.copy_of_keyring()?, clock.clone()).await?;
    let first = proof(&restored).await?.state;
    assert!(matches!(first, RecordState::Restored { .. }), "{first:?}");
    for _ in 0..2 {
        calls(&restored, 2).await?;
        a_week_passes(&restored, &clock).await?;
        assert_eq!(proof(&restored).await?.state, first);
    }
    let killed = restored.copy()?;
    for state in told(killed, &restored).await? {
        assert_eq!(state, first);
    }
    let restored = restored.restart().await?;
    assert_eq!(proof(&restored).await?.state, first);
    Ok(())
}

#[tokio::test]
async fn a_time_of_keeping_that_was_not_set_in_the_app_removes_nothing() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    used(&home).await?;
    told_all(&home).await?;
    home.engine.stop().await;
    change(home.folder(), KEEP_A_WEEK)?;
    let home = home.restart().await?;
    clock.advance(9 * DAY);
    let began = Instant::now();
    let is_told = |row: &wire::RowView| row.action.contains("kept for longer");
    while !home.record().await?.iter().any(is_told) {
        clock.advance(60_000);
        tick(began, "the daily housekeeping").await?;
    }
    assert_eq!(home.count("tombstones")?, 0);
    // What the admin saves counts, at once and in later runs.
    a_week_passes(&home, &clock).await?;
    let home = home.restart().await?;
    calls(&home, 1).await?;
    let gone = home.count("tombstones")?;
    clock.advance(9 * DAY);
    while home.count("tombstones")? == gone {
        clock.advance(60_000);
        tick(began, "the housekeeping of a later day").await?;
    }
    assert_eq!(proof(&home).await?.state, RecordState::Intact);
    Ok(())
}

#[tokio::test]
async fn garbage_beside_the_record_does_not_make_a_run_keyless() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    home.engine.stop().await;
    for (spoilt, state) in [
        (
            "insert into record_keys values (99, 'x', -1, x'', x'')",
            RecordState::Intact,
        ),
        ("drop table tombstones", TABLES),
        ("drop table record_head", TABLES),
        ("drop table record_keys", TABLES),
    ] {
        let copy = home.copy()?;
        Connection::open(copy.path().join("chief.db"))?.execute_batch(spoilt)?;
        let home = Home::on_copy(copy, home.copy_of_keyring()?).await?;
        let id = home.cards().await?.pop().context("the card")?.id;
        calls(&home, 2).await?;
        assert_eq!(proof(&home).await?.state, state, "{spoilt}");
        // The check has waited for the keyring, which the start of a run on a busy computer may not.
        calls(&home, 1).await?;
        let keyless = number(
            home.folder(),
            "select count(*) from calls c join outcomes o on o.call_seq = c.seq \
             where c.seq = (select max(seq) from calls) and (c.key is null or o.key is null)",
        )?;
        assert_eq!(keyless, 0, "{spoilt}");
        home.disconnect(id).await?;
        assert_eq!(proof(&home).await?.state, state, "{spoilt}");
        home.engine.stop().await;
        if state != TABLES {
            continue;
        }
        // Put back, empty, it says no more than that it was gone.
        let copy = home.copy()?;
        let made: String = {
            let other = Home::new().await?;
            let name = spoilt.trim_start_matches("drop table ");
            let ask = format!("select sql from sqlite_schema where name = '{name}'");
            Connection::open(other.folder().join("chief.db"))?
                .query_row(&ask, [], |row| row.get(0))?
        };
        Connection::open(copy.path().join("chief.db"))?.execute_batch(&made)?;
        if spoilt == "drop table record_keys" {
            // The anchor has them.
            assert_eq!(told(copy, &home).await?, [RecordState::Intact; 2]);
            continue;
        }
        for state in told(copy, &home).await? {
            assert!(is_tampered(&state), "{spoilt}: {state:?}");
        }
    }
    Ok(())
}

const TABLES: RecordState = RecordState::Tampered {
    how: Tampering::Tables,
    seq: 1,
};

#[tokio::test]
async fn a_used_folder_that_is_made_to_look_new_is_named() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    home.engine.stop().await;
    let copy = home.copy()?;
    fs::remove_file(copy.path().join("chief.anchor"))?;
    change(
        copy.path(),
        "delete from record_head; delete from credentials; update vault_keys set state = 'new'; \
         delete from outcomes where seq = (select max(seq) from outcomes)",
    )?;
    let home = Home::on_copy(copy, home.copy_of_keyring()?).await?;
    let id = home.cards().await?.pop().context("the card")?.id;
    let attempt = home.begin_again(id, None).await?;
    home.done(attempt).await?;
    let state = proof(&home).await?.state;
    assert!(is(&state, Tampering::AnchorMissing), "{state:?}");
    let home = home.restart().await?;
    assert_eq!(proof(&home).await?.state, state);
    Ok(())
}

/// Spoils the database of an app that is not running.
fn damage(folder: &Path) -> Result<()> {
    for name in ["chief.db-wal", "chief.db-shm"] {
        let file = folder.join(name);
        if file.exists() {
            fs::remove_file(file)?;
        }
    }
    fs::write(folder.join("chief.db"), vec![7; 8_192])?;
    Ok(())
}

/// Until the first backup was taken.
async fn backed_up(home: &Home) -> Result<()> {
    let began = Instant::now();
    let folder = home.folder().join("backups");
    while fs::read_dir(&folder).map_or(0, Iterator::count) == 0 {
        tick(began, "the first backup").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_apps_own_restore_on_the_day_of_a_new_key_is_no_tampering() -> Result<()> {
    let home = Home::new().await?;
    backed_up(&home).await?;
    used(&home).await?;
    let home = home.rest().await?;
    damage(home.folder())?;
    let home = home.wake().await?;
    home.connect(targets::sample()).await?;
    for state in [proof(&home).await?.state, proof(&home).await?.state] {
        assert!(matches!(state, RecordState::Restored { .. }), "{state:?}");
    }
    // The keyring is reset, and on the same day the data is damaged once more.
    for item in home.keyring.items() {
        home.keyring.delete(&item)?;
    }
    let home = home.restart().await?;
    let id = home.cards().await?.pop().context("the card")?.id;
    home.disconnect(id).await?;
    used(&home).await?;
    let home = home.rest().await?;
    damage(home.folder())?;
    let mut home = home.wake().await?;
    for _ in 0..2 {
        let state = proof(&home).await?.state;
        let lost = RecordState::CannotCheck {
            why: CannotCheck::KeyLost,
        };
        assert!(
            state == lost || matches!(state, RecordState::Restored { .. }),
            "{state:?}"
        );
        home = home.restart().await?;
    }
    Ok(())
}

#[tokio::test]
async fn of_two_restores_the_later_is_told() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    let mut home = home.restart().await?;
    let mut told_at = vec![];
    for _ in 0..2 {
        calls(&home, 1).await?;
        told_all(&home).await?;
        let early = home.copy()?;
        let end = number(early.path(), "select seq from record_head")?;
        calls(&home, 3).await?;
        home.engine.stop().await;
        let copy = home.copy()?;
        put(early.path(), copy.path())?;
        home = Home::on_copy(copy, home.copy_of_keyring()?).await?;
        for _ in 0..2 {
            let state = proof(&home).await?.state;
            assert_eq!(
                state,
                RecordState::Restored {
                    seq: end.unsigned_abs()
                }
            );
            home = home.restart().await?;
        }
        told_at.push(end);
    }
    assert!(told_at[0] < told_at[1]);
    Ok(())
}

#[tokio::test]
async fn housekeeping_that_fails_is_tried_again_an_hour_after_and_tells_no_more_than_once()
-> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    used(&home).await?;
    told_all(&home).await?;
    home.engine.stop().await;
    change(home.folder(), KEEP_A_WEEK)?;
    // No backup can be taken.
    let backups = home.folder().join("backups");
    if backups.is_dir() {
        fs::remove_dir_all(&backups)?;
    }
    fs::write(&backups, "")?;
    let home = home.restart().await?;
    let told = async || -> Result<usize> {
        let rows = home.record().await?;
        let is_told = |row: &&wire::RowView| row.action.contains("kept for longer");
        Ok(rows.iter().filter(is_told).count())
    };
    let began = Instant::now();
    while told().await? == 0 {
        clock.advance(60_000);
        tick(began, "the daily housekeeping").await?;
    }
    for _ in 0..30 {
        clock.advance(60_000);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(told().await?, 1);
    fs::remove_file(&backups)?;
    while fs::read_dir(&backups).map_or(0, Iterator::count) == 0 {
        clock.advance(60_000);
        tick(began, "the next try").await?;
    }
    assert_eq!(told().await?, 1);
    Ok(())
}
