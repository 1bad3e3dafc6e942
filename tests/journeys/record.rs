//! The record proves that it is whole: each way to change it from outside is found and named.

use crate::kit::{Home, copy_folder, targets};
use anyhow::{Context, Result};
use engine::{
    fakes::MemoryKeyring,
    ports::{Keyring as _, KeyringError},
};
use rusqlite::Connection;
use serde_json::json;
use std::{fs, path::Path, sync::Arc};
use tempfile::TempDir;
use wire::{CannotCheck, RecordProof, RecordState, Tampering};

/// The sample, and some calls to it.
async fn used() -> Result<Home> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    for n in 0..6 {
        home.call(id, "echo", json!({ "text": n.to_string() }))
            .await?;
    }
    Ok(home)
}

async fn proof(home: &Home) -> Result<RecordProof> {
    Ok(home.ask::<wire::VerifyRecord>(json!({})).await?)
}

/// The data as the app left it, with `attack` done to its database from outside.
async fn after(home: &Home, attack: impl FnOnce(&Connection) -> Result<()>) -> Result<RecordState> {
    let copy = home.copy()?;
    {
        unguarded(copy.path(), attack)?;
    }
    state_of(copy, home.copy_of_keyring()?).await
}

/// The database of a data folder without the triggers that guard the record, which stand again afterwards: who
/// knows of them puts them back.
pub(crate) fn unguarded(
    folder: &Path,
    attack: impl FnOnce(&Connection) -> Result<()>,
) -> Result<()> {
    let database = Connection::open(folder.join("chief.db"))?;
    let guards: Vec<(String, String)> = database
        .prepare("select name, sql from sqlite_schema where type = 'trigger'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    database.execute_batch("pragma foreign_keys = off")?;
    for (name, _) in &guards {
        database.execute_batch(&format!("drop trigger {name}"))?;
    }
    attack(&database)?;
    for (_, made) in &guards {
        database.execute_batch(made)?;
    }
    Ok(())
}

async fn state_of(folder: TempDir, keyring: Arc<MemoryKeyring>) -> Result<RecordState> {
    let home = Home::on_copy(folder, keyring).await?;
    let state = proof(&home).await?.state;
    home.engine.stop().await;
    Ok(state)
}

fn tampered(how: Tampering, seq: u64) -> RecordState {
    RecordState::Tampered { how, seq }
}

#[tokio::test]
async fn a_record_that_nobody_touched_is_intact_in_every_run_and_after_the_key_was_changed()
-> Result<()> {
    let home = used().await?;
    let first = proof(&home).await?;
    assert_eq!(first.state, RecordState::Intact);
    assert!(first.rows >= 14, "intents and outcomes: {first:?}");
    let home = home.restart().await?;
    let id = home.cards().await?.pop().context("the card")?.id;
    home.call(id, "echo", json!({ "text": "again" })).await?;
    assert_eq!(proof(&home).await?.state, RecordState::Intact);
    // Disconnect puts another key in the keyring: the record's own is wrapped anew.
    home.disconnect(id).await?;
    assert_eq!(proof(&home).await?.state, RecordState::Intact);
    let home = home.restart().await?;
    let last = proof(&home).await?;
    assert_eq!(last.state, RecordState::Intact);
    assert!(last.rows > first.rows);
    Ok(())
}

#[tokio::test]
async fn every_change_from_outside_is_found_and_named() -> Result<()> {
    let home = used().await?;
    home.engine.stop().await;
    let run = |sql: &'static str| move |database: &Connection| Ok(database.execute_batch(sql)?);
    assert_eq!(after(&home, run("select 1")).await?, RecordState::Intact);
    let end = home.count("calls")? + home.count("outcomes")?;
    let end = u64::try_from(end)?;
    let changed = |seq| tampered(Tampering::Changed, seq);
    let cases: [(&str, RecordState); 24] = [
        (
            "update calls set action = 'nothing' where seq = 5",
            changed(5),
        ),
        (
            "update calls set agent_name = 'Nobody' where seq = 7",
            changed(7),
        ),
        (
            "update outcomes set outcome = 'failed' where seq = 6",
            changed(6),
        ),
        (
            "update outcomes set mac = zeroblob(32) where seq = 8",
            changed(8),
        ),
        (
            "delete from outcomes where seq <= 4; delete from calls where seq <= 4",
            tampered(Tampering::BeginningMissing, 1),
        ),
        (
            "update record_base set seq = 4, hash = (select mac from outcomes where seq = 4); \
             delete from outcomes where seq <= 4; delete from calls where seq <= 4",
            tampered(Tampering::BeginningMissing, 5),
        ),
        (
            "delete from outcomes where seq = 6; delete from calls where seq = 5",
            tampered(Tampering::Missing, 5),
        ),
        (
            "delete from outcomes where seq > (select max(seq) from outcomes) - 1",
            tampered(Tampering::EndMissing, end),
        ),
        (
            "delete from outcomes; delete from calls",
            tampered(Tampering::AllMissing, 1),
        ),
        // What was wiped claims to begin later.
        (
            "delete from outcomes; delete from calls; delete from tombstones; \
             update record_base set seq = 1000, hash = zeroblob(32)",
            tampered(Tampering::AllMissing, 1),
        ),
        (
            "update record_base set (seq, hash) = (select seq, hash from record_head); \
             delete from outcomes; delete from calls",
            tampered(Tampering::AllMissing, end + 1),
        ),
        (
            "update record_base set seq = 4; \
             delete from outcomes where seq <= 4; delete from calls where seq <= 4",
            tampered(Tampering::BeginningMissing, 5),
        ),
        // Made-up keys: of a tombstone, of a row, and of one that the database claims to have had.
        (
            "insert into tombstones (last_seq, at, calls, hash, key, mac) \
             select 4, 0, 2, mac, 999, zeroblob(32) from outcomes where seq = 4; \
             update record_base set seq = 4, hash = (select mac from outcomes where seq = 4); \
             delete from outcomes where seq <= 4; delete from calls where seq <= 4",
            tampered(Tampering::BeginningMissing, 5),
        ),
        (
            "update calls set action = 'nothing', key = 999 where seq = 5",
            changed(5),
        ),
        (
            "insert into record_keys values \
             (999, '01890000-0000-7000-8000-000000000000', 77, x'00', x'00'); \
             update calls set action = 'nothing', key = 999 where seq = 5",
            changed(5),
        ),
        // The record's own key is put out of use, so that what it signed cannot be checked.
        (
            "update record_keys set wrapped_key = x'00'; \
             update calls set action = 'nothing' where seq = 5",
            changed(5),
        ),
        (
            "update record_keys set key_generation = 77; \
             update calls set action = 'nothing' where seq = 5",
            changed(5),
        ),
        (
            "delete from record_keys; update calls set action = 'nothing' where seq = 5",
            changed(5),
        ),
        // What vouches for the end goes with it.
        (
            "delete from record_head",
            tampered(Tampering::AnchorOld, end + 1),
        ),
        // Lists that leave a row out, which is there.
        (
            "drop index calls_at; create index calls_at on calls (iif(seq = 5, 0, at)); \
             pragma writable_schema = on; \
             update sqlite_schema set sql = 'CREATE INDEX calls_at on calls (at)' where name = 'calls_at'; \
             pragma writable_schema = reset",
            tampered(Tampering::Tables, 1),
        ),
        (
            "drop index calls_at; create index calls_at on calls (at) where seq <> 5",
            tampered(Tampering::Tables, 1),
        ),
        // A row that nobody wrote, before the first.
        (
            "create temp table other as select * from calls where seq = 5; \
             update other set seq = 0, id = 'x'; insert into calls select * from other",
            changed(0),
        ),
        // Whole rows change places.
        (
            "update calls set seq = -5 where seq = 5; update calls set seq = 5 where seq = 7; \
             update calls set seq = 7 where seq = -5",
            tampered(Tampering::Moved, 5),
        ),
        // Only what they say does.
        (
            "create temp table other as select * from calls where seq in (5, 7); \
             update calls set id = 'x' where seq = 7; \
             update calls set (id, at, sent) = (select id, at, sent from other where seq = 7) where seq = 5; \
             update calls set (id, at, sent) = (select id, at, sent from other where seq = 5) where seq = 7",
            tampered(Tampering::Moved, 5),
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(after(&home, run(sql)).await?, expected, "{sql}");
    }
    Ok(())
}

#[tokio::test]
async fn a_fault_leads_to_the_call_where_it_shows() -> Result<()> {
    let home = used().await?;
    home.engine.stop().await;
    // An outcome, whose own number no row of Activity has; and what is left beside a gap.
    for (sql, place) in [
        ("update outcomes set outcome = 'failed' where seq = 6", 6),
        (
            "delete from outcomes where seq = 6; delete from calls where seq = 5",
            4,
        ),
        (
            "delete from outcomes where seq <= 4; delete from calls where seq <= 4",
            5,
        ),
    ] {
        let copy = home.copy()?;
        Connection::open(copy.path().join("chief.db"))?.execute_batch(&format!(
            "pragma foreign_keys = off; drop trigger calls_no_delete; \
             drop trigger outcomes_no_update; drop trigger outcomes_no_delete; {sql}"
        ))?;
        let home = Home::on_copy(copy, home.copy_of_keyring()?).await?;
        let at = proof(&home).await?.at.with_context(|| sql.to_owned())?;
        let row = home.ask::<wire::GetRow>(json!({ "call": at.call })).await?;
        assert_eq!(row.id, at.call);
        let outcome = row.outcome.context("its outcome")?;
        assert!(
            row.intent.seq == place || outcome.seq == place,
            "{sql}: {} and {}",
            row.intent.seq,
            outcome.seq
        );
        assert_ne!(row.intent.mac, outcome.mac);
        assert_eq!((row.intent.key, outcome.key), (Some(1), Some(1)));
        let ask = json!({ "integration": null, "before": null, "limit": 50, "pings": true,
            "filter": { "call": at.call } });
        let rows = home.ask::<wire::ListActivity>(ask).await?.rows;
        let [one] = &rows[..] else {
            panic!("that call alone: {rows:?}");
        };
        assert_eq!((one.id, one.at), (at.call.0, at.began));
        home.engine.stop().await;
    }
    assert_eq!(proof(&home.restart().await?).await?.at, None, "intact");
    Ok(())
}

#[tokio::test]
async fn data_of_another_installation_or_an_earlier_day_is_named() -> Result<()> {
    let (home, other) = (used().await?, used().await?);
    // The anchor is told at the end of a run.
    let home = home.restart().await?;
    let early = home.copy()?;
    let id = home.cards().await?.pop().context("the card")?.id;
    for _ in 0..3 {
        home.call(id, "echo", json!({ "text": "more" })).await?;
    }
    home.engine.stop().await;
    other.engine.stop().await;

    // Two data folders of one user, whose keys are in one keyring.
    let keyring = home.copy_of_keyring()?;
    let others = other.copy_of_keyring()?;
    for item in others.items() {
        if let Some(bytes) = others.read(&item)? {
            keyring.write(&item, &bytes)?;
        }
    }
    let swapped = home.copy()?;
    put(other.copy()?.path(), swapped.path())?;
    assert_eq!(
        state_of(swapped, keyring).await?,
        tampered(Tampering::OtherData, 1)
    );

    // The same, under the name of this one.
    let swapped = home.copy()?;
    let ours: String = Connection::open(swapped.path().join("chief.db"))?.query_row(
        "select id from vault",
        [],
        |row| row.get(0),
    )?;
    put(other.copy()?.path(), swapped.path())?;
    Connection::open(swapped.path().join("chief.db"))?
        .execute("update vault set id = ?1", [&ours])?;
    let state = state_of(swapped, home.copy_of_keyring()?).await?;
    assert!(matches!(state, RecordState::Tampered { .. }), "{state:?}");

    // The database of before, the anchor of now.
    let restored = home.copy()?;
    put(early.path(), restored.path())?;
    let state = state_of(restored, home.copy_of_keyring()?).await?;
    assert!(matches!(state, RecordState::Restored { .. }), "{state:?}");

    let without = home.copy()?;
    fs::remove_file(without.path().join("chief.anchor"))?;
    assert_eq!(
        state_of(without, home.copy_of_keyring()?).await?,
        tampered(Tampering::AnchorMissing, 1)
    );
    Ok(())
}

#[tokio::test]
async fn what_was_found_once_is_told_in_later_runs_too() -> Result<()> {
    let home = used().await?;
    home.engine.stop().await;
    let (copy, keyring) = (home.copy()?, home.copy_of_keyring()?);
    {
        let database = Connection::open(copy.path().join("chief.db"))?;
        database.execute_batch(
            "pragma foreign_keys = off; drop trigger outcomes_no_delete; \
             delete from outcomes where seq = (select max(seq) from outcomes)",
        )?;
    }
    let home = Home::on_copy(copy, keyring).await?;
    let found = proof(&home).await?.state;
    let RecordState::Tampered { how, .. } = found else {
        panic!("{found:?}");
    };
    assert_eq!(how, Tampering::EndMissing);
    let id = home.cards().await?.pop().context("the card")?.id;
    home.call(id, "echo", json!({ "text": "on" })).await?;
    assert_eq!(proof(&home).await?.state, found, "new rows do not heal it");
    let home = home.restart().await?;
    assert_eq!(proof(&home).await?.state, found);
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_checked_says_why() -> Result<()> {
    let home = Home::new().await?;
    assert_eq!(
        proof(&home).await?.state,
        RecordState::CannotCheck {
            why: CannotCheck::NoKey
        }
    );
    home.connect(targets::sample()).await?;
    home.keyring.fail_with(Some(KeyringError::Locked));
    let home = home.restart().await?;
    assert_eq!(
        proof(&home).await?.state,
        RecordState::CannotCheck {
            why: CannotCheck::Keyring
        }
    );
    home.keyring.fail_with(None);
    assert_eq!(
        proof(&home).await?.state,
        RecordState::Intact,
        "what was written meanwhile too"
    );
    Ok(())
}

/// Puts the database of `from` in the place of the one in `to`.
pub(crate) fn put(from: &Path, to: &Path) -> Result<()> {
    let only = tempfile::tempdir()?;
    copy_folder(from, only.path())?;
    for name in ["chief.db", "chief.db-wal", "chief.db-shm"] {
        let (from, to) = (only.path().join(name), to.join(name));
        if to.exists() {
            fs::remove_file(&to)?;
        }
        if from.exists() {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}
