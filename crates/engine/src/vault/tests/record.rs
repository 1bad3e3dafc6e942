//! The record's key and its mark, from the anchor's first moment on.

use super::{super::record::LOST, *};

/// Signs a row of the record.
async fn noted(world: &World) -> Result<(), Error> {
    world
        .vault
        .0
        .store
        .write(Durability::Normal, |tx| {
            crate::integrations::note(tx, Time(1), None, "noted", &wire::Because::Health)
        })
        .await
}

fn found(world: &World) -> Option<wire::RecordState> {
    let anchor = world.vault.lock().anchor.clone();
    anchor?.record?.trouble
}

/// The anchor's file with `change` done to it by somebody who kept it from the first moments: still authentic.
fn rewritten(world: &World, change: impl FnOnce(&mut Anchor)) -> Result<()> {
    let file = anchor::file(world.folder.path());
    let (item, bytes) = world.shelf.items().pop_first().context("the one item")?;
    let key = Key::from_bytes(&bytes).context("a key")?;
    let id = {
        let state = world.vault.lock();
        state.anchor.as_ref().context("it is loaded")?.vault
    };
    let mut anchor = anchor::find(&file)
        .and_then(|found| found.check(&key, id))
        .context("it is authentic")?;
    assert_eq!(anchor.key_item, item);
    change(&mut anchor);
    anchor.write(&file, &key)?;
    Ok(())
}

#[tokio::test]
async fn an_anchor_of_before_the_first_telling_is_named_beside_rows_that_a_key_signed() -> Result<()>
{
    for has_keys in [true, false] {
        let world = World::new()?;
        world.add(1, "first").await?;
        noted(&world).await?;
        world.vault.tell_record().await?;
        rewritten(&world, |anchor| {
            anchor.record = None;
            if !has_keys {
                anchor.keys.clear();
            }
        })?;
        world
            .vault
            .0
            .store
            .write(Durability::Full, |tx| {
                tx.execute("delete from record_head", [])
                    .map_err(|error| Error::new(ErrorCode::Internal).with("why", error.to_string()))
            })
            .await?;
        let world = world.reopened()?;
        world.read(1).await?;
        assert_eq!(
            found(&world),
            Some(wire::RecordState::Tampered {
                how: wire::Tampering::AnchorOld,
                seq: 1
            }),
            "with keys: {has_keys}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_while_the_record_gets_its_first_key_is_no_tampering() -> Result<()> {
    let world = World::new()?;
    noted(&world).await?;
    let wrecks = world.wrecks();
    world.add(1, "first").await?;
    for wreck in crash::taken(&wrecks) {
        let step = wreck.step;
        let world = World::over(wreck.folder, Shelf::holding(wreck.items))?;
        world.vault.ready().await?;
        assert_eq!(found(&world), None, "{step:?}");
        noted(&world).await?;
        let world = world.reopened()?;
        world.vault.ready().await?;
        assert_eq!(found(&world), None, "{step:?}, a run later");
    }
    Ok(())
}

/// A connection beside the store's own, as somebody else's program has it, in a transaction without triggers.
fn beside(world: &World, sql: &str) -> Result<rusqlite::Connection> {
    let beside = rusqlite::Connection::open(world.folder.path().join("chief.db"))?;
    beside.execute_batch("pragma foreign_keys = off; begin immediate")?;
    let triggers: Vec<(String, String)> = beside
        .prepare("select name, sql from sqlite_schema where type = 'trigger'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (name, _) in &triggers {
        beside.execute_batch(&format!("drop trigger \"{name}\""))?;
    }
    beside.execute_batch(sql)?;
    for (_, made) in &triggers {
        beside.execute_batch(made)?;
    }
    Ok(beside)
}

/// With a key of the record, and told where it ends.
async fn told_world() -> Result<World> {
    let world = World::new()?;
    world.add(1, "first").await?;
    for _ in 0..3 {
        noted(&world).await?;
    }
    world.vault.tell_record().await?;
    Ok(world)
}

fn end_is_missing(world: &World) -> bool {
    matches!(
        found(world),
        Some(wire::RecordState::Tampered {
            how: wire::Tampering::EndMissing,
            ..
        })
    )
}

const CUT: &str = "delete from outcomes where seq = (select max(seq) from outcomes)";

#[tokio::test]
async fn an_end_that_is_cut_off_while_the_start_of_a_run_looks_is_found() -> Result<()> {
    let world = told_world().await?.reopened()?;
    let cutter = beside(&world, CUT)?;
    let vault = world.vault.clone();
    let woken = tokio::spawn(async move { vault.wake_record().await });
    // Readers see the record of before, and whoever writes waits.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    cutter.execute_batch("commit")?;
    woken.await?;
    assert!(end_is_missing(&world), "{:?}", found(&world));
    Ok(())
}

#[tokio::test]
async fn rows_of_this_run_that_are_gone_before_it_has_its_key_are_found() -> Result<()> {
    let world = told_world().await?.reopened()?;
    noted(&world).await?;
    beside(&world, CUT)?.execute_batch("commit")?;
    world.vault.wake_record().await;
    assert!(end_is_missing(&world), "{:?}", found(&world));
    Ok(())
}

#[tokio::test]
async fn an_epoch_that_nobody_signed_is_not_taken_over() -> Result<()> {
    let world = told_world().await?;
    let spoil = format!("update record_head set epoch = {}", i64::MAX);
    beside(&world, &spoil)?.execute_batch("commit")?;
    noted(&world).await?;
    world.vault.tell_record().await?;
    let anchor = world.vault.lock().anchor.clone();
    let epoch = anchor
        .and_then(|anchor| anchor.record)
        .map(|told| told.epoch);
    assert!(epoch.is_some_and(|epoch| epoch < 100), "{epoch:?}");
    let world = world.reopened()?;
    world.vault.ready().await?;
    assert_eq!(found(&world), None);
    Ok(())
}

#[tokio::test]
async fn rows_beside_the_records_keys_ask_nothing_of_the_keyring() -> Result<()> {
    let world = told_world().await?;
    let spoil = "insert into vault_keys values (90, 'no-such-item', 'aside'); \
         with recursive n(i) as (select 100 union all select i + 1 from n where i < 300) \
         insert into record_keys select i, 'x' || i, 90, x'', x'' from n";
    beside(&world, spoil)?.execute_batch("commit")?;
    let world = world.reopened()?;
    world.vault.ready().await?;
    assert!(world.vault.told_record().is_some());
    assert!(world.shelf.reads() < 10, "{}", world.shelf.reads());
    let before = world.shelf.reads();
    world.destroy(1).await?;
    assert!(world.shelf.reads() - before < 10);
    assert_eq!(found(&world), None);
    Ok(())
}

#[tokio::test]
async fn rows_of_the_vault_that_cannot_be_read_leave_no_run_without_a_key() -> Result<()> {
    for spoil in [
        "insert into vault_keys values (-1, 'x', 'old')",
        "update vault set id = 'x'",
    ] {
        let world = told_world().await?;
        beside(&world, spoil)?.execute_batch("commit")?;
        let world = world.reopened()?;
        world.vault.wake_record().await;
        assert!(world.vault.told_record().is_some(), "{spoil}");
    }
    Ok(())
}

#[tokio::test]
async fn a_record_that_could_not_be_given_its_key_gets_it_with_the_next_rows() -> Result<()> {
    let world = World::new()?;
    let file = anchor::file(world.folder.path());
    let blocked = file.clone();
    world.on_step(move |step| {
        if step == Step::Anchored {
            fs::remove_file(&blocked).expect("it is there");
            fs::create_dir(&blocked).expect("there is room");
        }
    });
    // Whether it is kept does not matter here.
    drop(world.add(1, "first").await);
    assert!(world.vault.told_record().is_none());
    noted(&world).await?;
    fs::remove_dir(&file)?;
    world.vault.chain_late().await;
    assert!(world.vault.told_record().is_some());
    assert_eq!(found(&world), None);
    Ok(())
}

#[tokio::test]
async fn a_crash_in_a_disconnect_after_the_keyring_was_reset_is_told_as_a_lost_key() -> Result<()> {
    let world = told_world().await?;
    world.shelf.forget();
    let world = world.reopened()?;
    let wrecks = world.wrecks();
    world.destroy(1).await?;
    assert_eq!(world.vault.keeping(), Some(None), "nothing is removed");
    let mut looked = 0;
    for wreck in crash::taken(&wrecks) {
        let step = wreck.step;
        if step < Step::Committed {
            continue;
        }
        looked += 1;
        let world = World::over(wreck.folder, Shelf::holding(wreck.items))?;
        world.vault.ready().await?;
        assert_eq!(found(&world), Some(LOST), "{step:?}");
    }
    assert!(looked > 1);
    Ok(())
}
