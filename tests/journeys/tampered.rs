//! Who knows the app well and can write its data folder, but has no key: whatever is put together from older
//! states of it, from runs without a key or by the app's own retention is found.

use crate::{
    kit::{
        Home,
        scripted::{Scripted, json as answer},
        targets, tick,
    },
    record::{put, unguarded},
};
use anyhow::{Context, Result};
use rusqlite::Connection;
use serde_json::json;
use std::{fs, path::Path, time::Instant};
use wire::{IntegrationId, RecordProof, RecordState, Tampering};

const DAY: i64 = 86_400_000;

/// An API that asks for no credential, and one that does, so that the record has its key; calls go to the first.
async fn open_and_keyed(home: &Home) -> Result<(Scripted, IntegrationId)> {
    let server = Scripted::serve(|_| async { answer(200, &json!({})) }).await?;
    let api = |path, auth| targets::api(&server.url(path), "/health", auth);
    home.connect(api("/keyed", targets::bearer("a-token-of-its-own")))
        .await?;
    let id = home
        .connect(api("/open", json!({ "auth": "none" })))
        .await?;
    Ok((server, id))
}

async fn get(home: &Home, id: IntegrationId, count: usize) -> Result<()> {
    for _ in 0..count {
        home.call(id, "call", json!({ "method": "GET", "path": "/orders" }))
            .await?;
    }
    Ok(())
}

pub(crate) async fn used(home: &Home) -> Result<IntegrationId> {
    let id = home.connect(targets::sample()).await?;
    calls(home, 4).await?;
    Ok(id)
}

pub(crate) async fn calls(home: &Home, count: usize) -> Result<()> {
    let id = home.cards().await?.pop().context("the card")?.id;
    for n in 0..count {
        home.call(id, "echo", json!({ "text": n.to_string() }))
            .await?;
    }
    Ok(())
}

pub(crate) async fn proof(home: &Home) -> Result<RecordProof> {
    Ok(home.ask::<wire::VerifyRecord>(json!({})).await?)
}

/// What a start on this copy says, and the start after it.
pub(crate) async fn told(copy: tempfile::TempDir, home: &Home) -> Result<[RecordState; 2]> {
    let home = Home::on_copy(copy, home.copy_of_keyring()?).await?;
    let first = proof(&home).await?.state;
    let home = home.restart().await?;
    let second = proof(&home).await?.state;
    home.engine.stop().await;
    Ok([first, second])
}

pub(crate) fn is(state: &RecordState, what: Tampering) -> bool {
    matches!(state, RecordState::Tampered { how, .. } if *how == what)
}

pub(crate) fn change(folder: &Path, sql: &str) -> Result<()> {
    unguarded(folder, |database| Ok(database.execute_batch(sql)?))
}

/// Keeps rows for a week, and lets more than that pass, until retention was at them.
async fn a_week_later(home: &Home, clock: &engine::fakes::FakeClock) -> Result<()> {
    let settings = json!({ "settings": { "keep_days": 7 } });
    home.ask::<wire::SaveRecordSettings>(settings).await?;
    clock.advance(8 * DAY);
    let began = Instant::now();
    while home.count("tombstones")? == 0 {
        // A clock that leapt is held for wrong until it has stood for a day.
        clock.advance(3_600_000);
        tick(began, "the daily housekeeping").await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_old_anchor_does_not_vouch_for_an_end_that_was_cut_off() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    let home = home.restart().await?;
    let old = fs::read(home.folder().join("chief.anchor"))?;
    let end = home.count("calls")? + home.count("outcomes")?;
    let home = home.restart().await?;
    for _ in 0..3 {
        calls(&home, 1).await?;
        told_all(&home).await?;
    }
    home.engine.stop().await;
    for also in ["", "delete from record_head;"] {
        let copy = home.copy()?;
        fs::write(copy.path().join("chief.anchor"), &old)?;
        change(
            copy.path(),
            &format!(
                "delete from outcomes where call_seq > {end}; delete from calls where seq > {end}; {also}"
            ),
        )?;
        for state in told(copy, &home).await? {
            assert!(
                matches!(state, RecordState::Tampered { .. }),
                "{also}: {state:?}"
            );
        }
    }
    // Where nothing else was done, the two were copied at two moments.
    let copy = home.copy()?;
    fs::write(copy.path().join("chief.anchor"), &old)?;
    for state in told(copy, &home).await? {
        assert!(matches!(state, RecordState::Restored { .. }), "{state:?}");
    }
    let copy = home.copy()?;
    fs::write(copy.path().join("chief.anchor"), &old)?;
    change(copy.path(), "delete from record_head")?;
    for state in told(copy, &home).await? {
        assert!(is(&state, Tampering::AnchorOld), "{state:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_run_that_asks_nothing_of_the_keyring_is_signed_too() -> Result<()> {
    let home = Home::new().await?;
    let (_server, id) = open_and_keyed(&home).await?;
    let home = home.restart().await?;
    get(&home, id, 3).await?;
    home.engine.stop().await;
    let copy = home.copy()?;
    change(
        copy.path(),
        "delete from outcomes where seq = (select max(seq) from outcomes)",
    )?;
    for state in told(copy, &home).await? {
        assert!(is(&state, Tampering::EndMissing), "{state:?}");
    }
    let home = home.restart().await?;
    let whole = proof(&home).await?;
    assert_eq!((whole.state, whole.keyless), (RecordState::Intact, 0));
    Ok(())
}

#[tokio::test]
async fn rows_without_a_key_are_told_and_bound_once_there_is_one() -> Result<()> {
    let home = Home::new().await?;
    let (_server, id) = open_and_keyed(&home).await?;
    let locked = engine::ports::KeyringError::Locked;
    home.keyring.fail_with(Some(locked));
    let home = home.restart().await?;
    get(&home, id, 3).await?;
    home.keyring.fail_with(None);
    // Nobody checks the record: the next run does by itself, and tells the anchor.
    let home = home.restart().await?;
    told_all(&home).await?;
    let found = proof(&home).await?;
    assert_eq!(found.state, RecordState::Intact);
    assert!(found.keyless >= 6, "intents and outcomes: {found:?}");
    home.engine.stop().await;
    let copy = home.copy()?;
    change(
        copy.path(),
        "delete from outcomes where seq = (select max(seq) from outcomes); \
         delete from calls where seq = (select max(seq) from calls)",
    )?;
    for state in told(copy, &home).await? {
        assert!(matches!(state, RecordState::Tampered { .. }), "{state:?}");
    }
    Ok(())
}

/// Whether the anchor's file has the newest row.
fn anchored(home: &Home) -> Result<bool> {
    let end = home.count("calls")? + home.count("outcomes")?;
    let text = fs::read_to_string(home.folder().join("chief.anchor"))?;
    Ok(text.contains(&format!("\\\"seq\\\":{end},")))
}

/// Until the anchor's file has it.
pub(crate) async fn told_all(home: &Home) -> Result<()> {
    let began = Instant::now();
    while !anchored(home)? {
        tick(began, "the anchor knows the end").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_past_that_the_app_itself_was_made_to_retire_does_not_pass_for_this_one() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    used(&home).await?;
    home.engine.stop().await;
    // Another past of the same record, with the same key: longer, and its beginning retired.
    let other = Home::on_copy_at(home.copy()?, home.copy_of_keyring()?, clock.clone()).await?;
    calls(&other, 12).await?;
    a_week_later(&other, &clock).await?;
    assert_eq!(proof(&other).await?.state, RecordState::Intact);
    other.engine.stop().await;
    let home = home.restart().await?;
    calls(&home, 2).await?;
    home.engine.stop().await;
    let copy = home.copy()?;
    put(other.folder(), copy.path())?;
    for state in told(copy, &home).await? {
        assert!(matches!(state, RecordState::Tampered { .. }), "{state:?}");
    }
    Ok(())
}

#[tokio::test]
async fn retention_keeps_what_was_changed_and_never_less_than_a_week() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    used(&home).await?;
    // From outside alone nobody makes it shorter.
    let settings = json!({ "settings": { "keep_days": 7 } });
    home.ask::<wire::SaveRecordSettings>(settings).await?;
    home.engine.stop().await;
    change(
        home.folder(),
        "update calls set action = 'nothing' where seq = 5; \
         insert or replace into settings values ('record', '{\"keep_days\":0}')",
    )?;
    let rows = home.count("calls")?;
    let home = home.restart().await?;
    let kept = home.ask::<wire::GetRecordSettings>(json!({})).await?;
    assert_eq!(kept.settings.keep_days, Some(7));
    clock.advance(9 * DAY);
    let began = Instant::now();
    while !home
        .record()
        .await?
        .iter()
        .any(|row| row.action.contains("changed from outside at row 5"))
    {
        // The monitor may have begun after the days had passed.
        clock.advance(60_000);
        tick(began, "the daily housekeeping").await?;
    }
    assert!(home.count("calls")? > rows, "and none is gone");
    for _ in 0..2 {
        let state = proof(&home).await?.state;
        assert_eq!(
            state,
            RecordState::Tampered {
                how: Tampering::Changed,
                seq: 5
            }
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_anchor_is_told_again_where_its_file_could_not_be_written() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    let home = home.restart().await?;
    told_all(&home).await?;
    // What it is written to first.
    let partial = home.folder().join("chief.partial");
    fs::create_dir(&partial)?;
    calls(&home, 1).await?;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert!(!anchored(&home)?);
    fs::remove_dir(&partial)?;
    // With no other call.
    told_all(&home).await?;
    let home = home.restart().await?;
    assert_eq!(proof(&home).await?.state, RecordState::Intact);
    Ok(())
}

#[tokio::test]
async fn a_retention_is_no_tampering_nor_one_that_was_cut_short() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    used(&home).await?;
    let before = home.copy()?;
    a_week_later(&home, &clock).await?;
    // The moment after the commit: the anchor may not know of it yet.
    let cut_short = home.copy()?;
    for state in told(cut_short, &home).await? {
        assert_eq!(state, RecordState::Intact);
    }
    let home = home.restart().await?;
    assert_eq!(proof(&home).await?.state, RecordState::Intact);
    let removed = Connection::open(home.folder().join("chief.db"))?.query_row(
        "select seq from record_base",
        [],
        |row| row.get::<_, i64>(0),
    )?;
    assert!(removed > 0);
    home.engine.stop().await;
    // The data of before it, beside the anchor of now, came from a backup.
    let copy = home.copy()?;
    put(before.path(), copy.path())?;
    for state in told(copy, &home).await? {
        assert!(matches!(state, RecordState::Restored { .. }), "{state:?}");
    }
    Ok(())
}

#[tokio::test]
async fn runs_that_cannot_write_the_anchor_are_no_tampering() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    let mut home = home.restart().await?;
    let partial = home.folder().join("chief.partial");
    fs::create_dir(&partial)?;
    for _ in 0..3 {
        calls(&home, 1).await?;
        home = home.restart().await?;
    }
    fs::remove_dir(&partial)?;
    for _ in 0..2 {
        home = home.restart().await?;
        assert_eq!(proof(&home).await?.state, RecordState::Intact);
    }
    Ok(())
}

#[tokio::test]
async fn a_guard_of_the_tables_that_is_gone_is_told() -> Result<()> {
    let home = Home::new().await?;
    used(&home).await?;
    home.engine.stop().await;
    let copy = home.copy()?;
    Connection::open(copy.path().join("chief.db"))?
        .execute_batch("drop trigger calls_no_update")?;
    for state in told(copy, &home).await? {
        assert!(is(&state, Tampering::Tables), "{state:?}");
    }
    Ok(())
}

#[tokio::test]
async fn data_of_before_a_disconnect_is_told_as_restored() -> Result<()> {
    let home = Home::new().await?;
    let (_server, open) = open_and_keyed(&home).await?;
    let sample = home.connect(targets::sample()).await?;
    get(&home, open, 2).await?;
    let home = home.restart().await?;
    told_all(&home).await?;
    let before = home.copy()?;
    // Its key is gone from the keyring after that.
    home.disconnect(sample).await?;
    home.engine.stop().await;
    let copy = home.copy()?;
    put(before.path(), copy.path())?;
    for state in told(copy, &home).await? {
        assert!(matches!(state, RecordState::Restored { .. }), "{state:?}");
    }
    Ok(())
}
