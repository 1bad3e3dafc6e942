//! Disconnect: what is left, and what opens afterwards.

use super::*;

async fn any_opens(folder: TempDir, shelf: &Shelf, numbers: &[u128]) -> Result<Vec<String>> {
    let world = World::over(folder, Shelf::holding(shelf.items()))?;
    let mut opened = Vec::new();
    for n in numbers {
        opened.extend(world.read(*n).await);
    }
    Ok(opened)
}

#[tokio::test]
async fn no_copy_from_before_opens_anything_and_the_others_still_do() -> Result<()> {
    let world = World::new()?;
    for (n, secret) in [(1, "stays"), (2, "goes"), (3, "stays too")] {
        world.add(n, secret).await?;
    }
    let early = world.copy()?;
    world.renew(2, "goes as well").await?;
    world.vault.0.store.backup(Time(1_000), 3).await?;
    let late = world.copy()?;
    let backup = tempfile::tempdir()?;
    let taken = crate::store::backup::all(world.folder.path()).remove(0).1;
    fs::copy(taken, backup.path().join("chief.db"))?;
    fs::copy(
        anchor::file(world.folder.path()),
        anchor::file(backup.path()),
    )?;
    for copy in [&early, &late, &backup] {
        let again = tempfile::tempdir()?;
        copy_folder(copy.path(), again.path())?;
        assert_eq!(
            any_opens(again, &world.shelf, &[3]).await?,
            ["stays too"],
            "the copies are good"
        );
    }

    world.destroy(2).await?;
    for copy in [early, late, backup] {
        assert!(any_opens(copy, &world.shelf, &[1, 2, 3]).await?.is_empty());
    }
    assert_eq!(
        (world.told(1).await, world.told(3).await),
        ("stays".into(), "stays too".into())
    );
    assert_eq!(world.told(2).await, "integration-unknown");
    assert_eq!(world.shelf.items().len(), 1);
    let world = world.reopened()?;
    assert_eq!(
        (world.told(1).await, world.told(3).await),
        ("stays".into(), "stays too".into())
    );
    world.renew(3, "renewed").await?;
    assert_eq!(world.read(3).await?, "renewed");
    Ok(())
}

#[tokio::test]
async fn its_sealed_bytes_are_in_no_file_and_one_fresh_backup_is_left() -> Result<()> {
    let world = World::new()?;
    world.add(1, "stays").await?;
    world.add(2, &"goes".repeat(3_000)).await?;
    for at in [1_000, 2_000, 3_000] {
        world.vault.0.store.backup(Time(at), 3).await?;
    }
    let row = world
        .vault
        .0
        .store
        .read(|c| credentials::find(c, id(2)))
        .await?;
    let Some(CredentialRow {
        form: Form::Sealed(sealed),
        ..
    }) = row
    else {
        anyhow::bail!("it is sealed");
    };
    let (start, end) = (sealed.sealed.get(..64), sealed.sealed.last_chunk::<64>());
    let parts = [
        start.context("long")?,
        end.context("long")?,
        &sealed.wrapped_key,
    ];
    let found = |files: &[Vec<u8>]| {
        files
            .iter()
            .any(|f| parts.iter().any(|part| contains(f, part)))
    };
    assert!(found(&world.bytes()?), "the search finds what is there");
    world.destroy(2).await?;
    assert!(
        !found(&world.bytes()?),
        "not in the database, its log, or a backup"
    );
    let backups = crate::store::backup::all(world.folder.path());
    assert_eq!(backups.len(), 1);
    assert!(backups.iter().all(|(at, _)| at.0 > 3_000), "a fresh one");
    let restored = tempfile::tempdir()?;
    fs::copy(
        &backups.first().context("one")?.1,
        restored.path().join("chief.db"),
    )?;
    fs::copy(
        anchor::file(world.folder.path()),
        anchor::file(restored.path()),
    )?;
    assert_eq!(
        any_opens(restored, &world.shelf, &[1]).await?,
        ["stays"],
        "and it is good"
    );
    Ok(())
}

#[tokio::test]
async fn what_fails_in_the_commit_undoes_the_destroy_and_the_new_item() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    let items = world.shelf.items();
    let failed = world
        .vault
        .destroy(id(1), |_| Err::<(), _>(Error::new(ErrorCode::NotAKey)))
        .await;
    assert_eq!(code(failed), Some(ErrorCode::NotAKey));
    assert_eq!(world.shelf.items(), items);
    assert_eq!(world.read(1).await?, "first");
    let rows = world.vault.0.store.read(keys::all).await?;
    assert_eq!(rows.len(), 1);
    world.destroy(1).await?;
    Ok(())
}

#[tokio::test]
async fn a_keyring_that_forgets_what_it_is_given_is_refused() -> Result<()> {
    struct Forgets(Shelf);
    impl Keyring for Forgets {
        fn read(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
            self.0.read(item)
        }
        fn write(&self, _: &str, _: &[u8]) -> Result<(), KeyringError> {
            Ok(())
        }
        fn delete(&self, item: &str) -> Result<(), KeyringError> {
            self.0.delete(item)
        }
        fn unlock(&self) -> Result<(), KeyringError> {
            Ok(())
        }
    }
    let world = World::new()?;
    world.add(1, "first").await?;
    let (shelf, folder) = (world.shelf.items(), world.copy()?);
    let forgets = Forgets(Shelf {
        items: Mutex::new(shelf),
        ..Shelf::default()
    });
    let store = Store::open(folder.path())?;
    let vault = Vault::new(store, Arc::new(forgets), folder.path());
    let failed = vault
        .destroy(id(1), |tx| integrations::remove(tx, id(1), Time(0)))
        .await;
    assert_eq!(code(failed), Some(ErrorCode::KeyringFailed));
    let (credential, _) = vault.open(id(1)).await?;
    assert_eq!(token(&credential), "first", "the old key still opens it");
    Ok(())
}

#[tokio::test]
async fn an_old_item_that_cannot_be_deleted_now_is_deleted_by_the_next_run() -> Result<()> {
    let world = World::new()?;
    world.add(1, "stays").await?;
    world.add(2, "goes").await?;
    let before: Vec<String> = world.shelf.items().into_keys().collect();
    let shelf = world.shelf.clone();
    // The keyring is locked just after the commit.
    world.on_step(move |step| {
        if step == Step::Committed {
            shelf.fail_with(Some(KeyringError::Locked));
        }
    });
    world.destroy(2).await?;
    assert_eq!(world.shelf.items().len(), 2, "the old item is still there");
    assert_eq!(world.told(1).await, "stays");
    world.shelf.fail_with(None);
    let world = world.reopened()?;
    assert_eq!(world.told(1).await, "stays");
    let after: Vec<String> = world.shelf.items().into_keys().collect();
    assert_eq!(after.len(), 1);
    assert_ne!(after, before);
    Ok(())
}

#[tokio::test]
async fn what_could_not_be_cleaned_up_is_tried_again_in_the_same_run() -> Result<()> {
    let world = World::new()?;
    world.add(1, "stays").await?;
    world.add(2, "goes").await?;
    let shelf = world.shelf.clone();
    world.on_step(move |step| {
        if step == Step::Committed {
            shelf.fail_with(Some(KeyringError::Locked));
        }
    });
    world.destroy(2).await?;
    assert_eq!(
        world.vault.state(),
        KeyringView::Ready,
        "credentials can be opened and kept"
    );
    world.shelf.fail_with(None);
    for _ in 0..200 {
        if world.shelf.items().len() == 1 && !world.vault.lock().leftovers {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(world.shelf.items().len(), 1);
    assert_eq!(world.told(1).await, "stays");
    Ok(())
}

#[tokio::test]
async fn a_connection_that_once_held_a_secret_is_destroyed_as_one() -> Result<()> {
    let world = World::new()?;
    world.add(1, "an old key").await?;
    let copy = world.copy()?;
    world
        .vault
        .save(id(1), Credential::None, None, |_| Ok(()))
        .await?;
    world.destroy(1).await?;
    assert!(any_opens(copy, &world.shelf, &[1]).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_long_backup_is_made_credentials_are_kept_and_opened() -> Result<()> {
    let world = World::new()?;
    world.add(1, "stays").await?;
    world.add(2, "goes").await?;
    let (begins, begun) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    world.on_step(move |step| {
        if step == Step::Emptied {
            let _ = begins.send(());
            let _ = goes_on.recv();
        }
    });
    let vault = world.vault.clone();
    let remove = |tx: &mut Tx<'_>| integrations::remove(tx, id(2), Time(0));
    let destroying = tokio::spawn(async move { vault.destroy(id(2), remove).await });
    tokio::task::spawn_blocking(move || begun.recv()).await??;

    let renewed = world.renew(1, "renewed");
    tokio::time::timeout(Duration::from_secs(10), renewed)
        .await
        .context("it waits for the backup")??;
    assert_eq!(world.read(1).await?, "renewed");
    let owed = |vault: Option<keys::VaultRow>| vault.map(|row| row.owes_backup);
    let store = &world.vault.0.store;
    assert_eq!(owed(store.read(keys::vault).await?), Some(1));
    drop(go_on);
    destroying.await??;
    assert_eq!(owed(store.read(keys::vault).await?), Some(0));
    Ok(())
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_is_not_waited_for() -> Result<()> {
    let world = World::new()?;
    world.add(1, "goes").await?;
    let backups = world.folder.path().join("backups");
    fs::remove_dir_all(&backups)?;
    fs::write(&backups, "in its place")?;
    tokio::time::timeout(Duration::from_secs(10), world.destroy(1)).await??;
    let owed = world.vault.0.store.read(keys::vault).await?;
    assert_eq!(
        owed.map(|row| row.owes_backup),
        Some(1),
        "it is tried again"
    );
    Ok(())
}
