//! What the record says of itself where the anchor, the keyring's key or an earlier state of the data stand in
//! the way: each is told for what it is, in every later run too, and hides nothing else.

use crate::{
    kit::{
        Home,
        scripted::{Scripted, json as answer},
        targets, tick,
    },
    record::unguarded,
};
use anyhow::{Context, Result};
use engine::{fakes::MemoryKeyring, ports::Keyring as _};
use serde_json::json;
use std::{fs, path::Path, sync::Arc, time::Instant};
use tempfile::TempDir;
use wire::{CannotCheck, IntegrationId, RecordState, Tampering};

const KEY_LOST: RecordState = RecordState::CannotCheck {
    why: CannotCheck::KeyLost,
};
const ANCHOR_MISSING: RecordState = RecordState::Tampered {
    how: Tampering::AnchorMissing,
    seq: 1,
};

async fn used() -> Result<Home> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    calls(&home, id, 4).await?;
    Ok(home)
}

async fn calls(home: &Home, id: IntegrationId, count: usize) -> Result<()> {
    for n in 0..count {
        home.call(id, "echo", json!({ "text": n.to_string() }))
            .await?;
    }
    Ok(())
}

/// Disconnects the one integration, and connects and calls another.
async fn connect_anew(home: &Home) -> Result<()> {
    home.disconnect(the_one(home).await?).await?;
    let id = home.connect(targets::sample()).await?;
    calls(home, id, 2).await
}

async fn state(home: &Home) -> Result<RecordState> {
    Ok(home.ask::<wire::VerifyRecord>(json!({})).await?.state)
}

async fn the_one(home: &Home) -> Result<IntegrationId> {
    Ok(home.cards().await?.pop().context("the card")?.id)
}

fn change(folder: &Path, sql: &str) -> Result<()> {
    unguarded(folder, |database| Ok(database.execute_batch(sql)?))
}

/// What two starts of the app say, with nothing done between.
async fn twice(copy: TempDir, keyring: Arc<MemoryKeyring>) -> Result<[RecordState; 2]> {
    let home = Home::on_copy(copy, keyring).await?;
    let first = state(&home).await?;
    let home = home.restart().await?;
    let second = state(&home).await?;
    home.engine.stop().await;
    Ok([first, second])
}

/// Takes every item out of the keyring.
fn lose(keyring: &MemoryKeyring) -> Result<()> {
    for item in keyring.items() {
        keyring.delete(&item)?;
    }
    Ok(())
}

const CUT: &str = "delete from outcomes where seq = (select max(seq) from outcomes);";

#[tokio::test]
async fn an_anchor_that_is_gone_is_named_whatever_else_is_gone_and_in_later_runs_too() -> Result<()>
{
    let home = used().await?;
    home.engine.stop().await;
    let all = "delete from outcomes; delete from calls;";
    for also in ["", CUT, all] {
        let copy = home.copy()?;
        fs::remove_file(copy.path().join("chief.anchor"))?;
        change(copy.path(), &format!("delete from record_head; {also}"))?;
        assert_eq!(
            twice(copy, home.copy_of_keyring()?).await?,
            [ANCHOR_MISSING; 2],
            "{also}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_end_that_is_cut_off_after_a_restore_is_found() -> Result<()> {
    let home = used().await?;
    let home = home.restart().await?;
    let early = home.copy()?;
    calls(&home, the_one(&home).await?, 3).await?;
    home.engine.stop().await;
    // The data of before, beside the anchor of now.
    fs::copy(
        home.folder().join("chief.anchor"),
        early.path().join("chief.anchor"),
    )?;
    let restored = Home::on_copy(early, home.copy_of_keyring()?).await?;
    let RecordState::Restored { .. } = state(&restored).await? else {
        panic!("{:?}", state(&restored).await?);
    };
    let restored = restored.restart().await?;
    assert!(matches!(
        state(&restored).await?,
        RecordState::Restored { .. }
    ));
    restored.engine.stop().await;
    let cut = restored.copy()?;
    change(cut.path(), CUT)?;
    let found = twice(cut, restored.copy_of_keyring()?).await?;
    for found in found {
        let RecordState::Tampered { how, .. } = found else {
            panic!("{found:?}");
        };
        assert_eq!(how, Tampering::EndMissing);
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_key_is_no_tampering_and_hides_none_and_is_over_with_the_rows_of_before()
-> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    home.connect(targets::sample()).await?;
    let old = the_one(&home).await?;
    calls(&home, old, 3).await?;
    home.engine.stop().await;
    lose(&home.keyring)?;
    let home = home.restart().await?;
    assert_eq!(
        state(&home).await?,
        KEY_LOST,
        "before anything is kept anew"
    );

    // Whatever is connected now makes a new key.
    let server = Scripted::serve(|_| async { answer(200, &json!({})) }).await?;
    let auth = json!({ "auth": "bearer", "token": "key" });
    home.connect(targets::api(&server.url("/v1"), "/health", auth))
        .await?;
    assert_eq!(state(&home).await?, KEY_LOST);
    let home = home.restart().await?;
    assert_eq!(state(&home).await?, KEY_LOST, "in later runs too");
    home.engine.stop().await;

    let cut = home.copy()?;
    change(cut.path(), CUT)?;
    for found in twice(cut, home.copy_of_keyring()?).await? {
        let RecordState::Tampered { how, .. } = found else {
            panic!("what the new key signed is checked: {found:?}");
        };
        assert_eq!(how, Tampering::EndMissing);
    }

    let home = home.restart().await?;
    let settings = json!({ "settings": { "keep_days": 7 } });
    home.ask::<wire::SaveRecordSettings>(settings).await?;
    assert_eq!(state(&home).await?, KEY_LOST, "and once the end is back");
    clock.advance(8 * 86_400_000);
    let began = Instant::now();
    while home.count("tombstones")? == 0 {
        // A clock that leapt is held for wrong until it has stood for a day.
        clock.advance(3_600_000);
        tick(began, "the daily housekeeping").await?;
    }
    assert_eq!(
        state(&home).await?,
        RecordState::Intact,
        "no row of before is left"
    );
    let home = home.restart().await?;
    assert_eq!(state(&home).await?, RecordState::Intact);
    Ok(())
}

#[tokio::test]
async fn a_key_that_somebody_made_up_is_no_lost_one() -> Result<()> {
    let home = used().await?;
    home.engine.stop().await;
    let made_up = "insert into record_keys values \
                   (999, '01890000-0000-7000-8000-000000000000', 77, x'00', x'00');";
    for also in [CUT, ""] {
        let copy = home.copy()?;
        change(copy.path(), &format!("{made_up} {also}"))?;
        let found = twice(copy, home.copy_of_keyring()?).await?;
        if also == CUT {
            assert!(found.iter().all(is(Tampering::EndMissing)), "{found:?}");
        } else {
            assert_eq!(found, [RecordState::Intact; 2], "no row names it");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_key_is_told_as_that_after_a_disconnect_too() -> Result<()> {
    let home = used().await?;
    let id = the_one(&home).await?;
    lose(&home.keyring)?;
    let mut home = home.restart().await?;
    home.disconnect(id).await?;
    for _ in 0..2 {
        assert_eq!(state(&home).await?, KEY_LOST);
        home = home.restart().await?;
    }
    home.connect(targets::sample()).await?;
    let id = the_one(&home).await?;
    calls(&home, id, 2).await?;
    assert_eq!(state(&home).await?, KEY_LOST);
    Ok(())
}

#[tokio::test]
async fn an_earlier_keyring_that_comes_back_is_no_tampering() -> Result<()> {
    let home = used().await?;
    home.engine.stop().await;
    let earlier = home.copy_of_keyring()?;
    lose(&home.keyring)?;
    let home = home.restart().await?;
    connect_anew(&home).await?;
    home.engine.stop().await;
    lose(&home.keyring)?;
    for item in earlier.items() {
        let bytes = earlier.read(&item)?.context("it is there")?;
        home.keyring.write(&item, &bytes)?;
    }
    let home = home.restart().await?;
    connect_anew(&home).await?;
    assert_eq!(state(&home).await?, KEY_LOST);
    Ok(())
}

#[tokio::test]
async fn a_pretended_loss_does_not_make_a_forged_record_whole() -> Result<()> {
    let home = used().await?;
    home.engine.stop().await;
    let end = home.count("calls")? + home.count("outcomes")?;
    let wiped = "delete from record_keys; delete from record_head; delete from tombstones;";
    // The keyring's item is named wrongly, or all of them are forgotten; either way with a base behind
    // whatever stands there.
    for keys in [
        "update vault_keys set item = 'key-1-0';",
        "delete from vault_keys;",
    ] {
        let copy = home.copy()?;
        let anchor = copy.path().join("chief.anchor");
        let spoilt = fs::read_to_string(&anchor)?.replace("\"hmac\":\"", "\"hmac\":\"AAAA");
        fs::write(&anchor, spoilt)?;
        change(
            copy.path(),
            &format!(
                "{wiped} {keys} update record_base set seq = {end}, hash = zeroblob(32); \
                 update calls set action = 'nothing' where seq = 5"
            ),
        )?;
        let forged = Home::on_copy(copy, home.copy_of_keyring()?).await?;
        assert_ne!(state(&forged).await?, RecordState::Intact, "{keys}");
        forged.disconnect(the_one(&forged).await?).await?;
        forged.connect(targets::sample()).await?;
        assert_ne!(state(&forged).await?, RecordState::Intact, "{keys}");
        let forged = forged.restart().await?;
        assert_ne!(state(&forged).await?, RecordState::Intact, "{keys}");
        forged.engine.stop().await;
    }
    Ok(())
}

/// Whether a state is this kind of tampering.
fn is(what: Tampering) -> impl Fn(&RecordState) -> bool {
    move |state| matches!(state, RecordState::Tampered { how, .. } if *how == what)
}
