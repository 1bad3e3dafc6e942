//! A keyring that is locked, absent, hanging, or has lost the key.

use super::*;

const FAULTS: [(KeyringError, ErrorCode, KeyringView); 3] = [
    (
        KeyringError::Locked,
        ErrorCode::KeyringLocked,
        KeyringView::Locked,
    ),
    (
        KeyringError::Absent,
        ErrorCode::KeyringAbsent,
        KeyringView::Absent,
    ),
    (
        KeyringError::Hanging,
        ErrorCode::KeyringHanging,
        KeyringView::Hanging,
    ),
];

#[tokio::test]
async fn each_fault_is_named_changes_nothing_and_is_over_when_the_keyring_is_back() -> Result<()> {
    for (fault, expected, view) in FAULTS {
        let world = World::new()?;
        world.add(1, "first").await?;
        world.add(2, "second").await?;
        let world = world.reopened()?;
        let (items, changes) = (world.shelf.items(), world.shelf.changes());
        world.shelf.fail_with(Some(fault.clone()));
        let error = world.vault.ready().await.err().context("it fails")?;
        assert_eq!((error.code, error.fix), (expected, Some(Fix::Unlock)));
        assert_eq!(world.vault.state(), view);
        assert_eq!(code(world.read(1).await), Some(expected));
        assert_eq!(code(world.renew(1, "new").await), Some(expected));
        assert_eq!(code(world.add(3, "third").await), Some(expected));
        assert_eq!(code(world.destroy(1).await), Some(expected));
        assert_eq!(code(world.vault.ready_to_save().await), Some(expected));
        assert_eq!(
            world.shelf.changes(),
            changes,
            "it was never asked to write or to delete"
        );
        world.shelf.fail_with(None);
        assert_eq!(world.read(1).await?, "first", "nothing was lost");
        assert_eq!(world.vault.state(), KeyringView::Ready);
        assert_eq!(world.shelf.items(), items);
    }
    Ok(())
}

#[tokio::test]
async fn a_first_key_is_not_made_in_a_keyring_that_does_not_answer() -> Result<()> {
    for (fault, expected, _) in FAULTS {
        let world = World::new()?;
        world.shelf.fail_with(Some(fault));
        assert_eq!(code(world.add(1, "first").await), Some(expected));
        assert_eq!(world.shelf.changes(), 0);
        let rows = world
            .vault
            .0
            .store
            .read(|c| Ok(integrations::list(c)?.len()))
            .await?;
        assert_eq!(rows, 0, "an attempt that failed leaves nothing behind");
        world.shelf.fail_with(None);
        assert_eq!(world.add(1, "first").await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_key_is_named_and_not_replaced_until_a_fresh_credential_comes() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    world.add(2, "second").await?;
    let world = world.reopened()?;
    let lost = std::mem::take(&mut *world.shelf.items.lock().expect("no test panics inside"));
    let changes = world.shelf.changes();
    assert_eq!(
        code(world.vault.ready().await),
        Some(ErrorCode::KeyringLost)
    );
    assert_eq!(world.vault.state(), KeyringView::Lost);
    assert_eq!(code(world.read(1).await), Some(ErrorCode::KeyringLost));
    assert_eq!(
        world.shelf.changes(),
        changes,
        "an empty keyring alone makes no new key"
    );
    world.vault.ready_to_save().await?;

    world.renew(1, "fresh").await?;
    assert_eq!(world.vault.state(), KeyringView::Ready);
    assert_eq!(world.read(1).await?, "fresh");
    assert_eq!(code(world.read(2).await), Some(ErrorCode::KeyringLost));
    let world = world.reopened()?;
    assert_eq!(
        (world.told(1).await, world.told(2).await),
        ("fresh".into(), "keyring-lost".into())
    );

    // The old keyring comes back beside the new item: its credential cannot be proved the newest.
    world
        .shelf
        .items
        .lock()
        .expect("no test panics inside")
        .extend(lost);
    let world = world.reopened()?;
    assert_eq!(world.told(1).await, "fresh");
    assert_eq!(world.told(2).await, "credential-restored");
    world.destroy(2).await?;
    assert_eq!(world.told(1).await, "fresh");
    assert_eq!(
        world.shelf.items().len(),
        1,
        "Disconnect removes what was kept aside"
    );
    Ok(())
}

#[tokio::test]
async fn a_lost_key_does_not_stop_a_disconnect() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    world.add(2, "second").await?;
    let world = world.reopened()?;
    world.shelf.forget();
    world.destroy(1).await?;
    assert_eq!(world.told(1).await, "integration-unknown");
    assert_eq!(world.told(2).await, "keyring-lost");
    world.destroy(2).await?;
    Ok(())
}

#[tokio::test]
async fn an_item_that_is_no_key_counts_as_lost_and_is_not_overwritten() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    let world = world.reopened()?;
    for item in world
        .shelf
        .items
        .lock()
        .expect("no test panics inside")
        .values_mut()
    {
        *item = b"something else".to_vec();
    }
    let items = world.shelf.items();
    assert_eq!(
        code(world.vault.ready().await),
        Some(ErrorCode::KeyringLost)
    );
    assert_eq!(world.shelf.items(), items);
    Ok(())
}

#[tokio::test]
async fn another_key_under_the_same_name_opens_nothing() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    let world = world.reopened()?;
    for item in world
        .shelf
        .items
        .lock()
        .expect("no test panics inside")
        .values_mut()
    {
        *item = vec![9; 32];
    }
    assert_eq!(
        world.told(1).await,
        "credential-restored",
        "its anchor is not authentic either"
    );
    Ok(())
}

#[tokio::test]
async fn waiting_for_a_keyring_that_hangs_is_shared() -> Result<()> {
    struct Never;
    impl Keyring for Never {
        fn read(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
            std::thread::sleep(Duration::from_secs(30));
            Err(KeyringError::Hanging)
        }
        fn write(&self, _: &str, _: &[u8]) -> Result<(), KeyringError> {
            Err(KeyringError::Hanging)
        }
        fn delete(&self, _: &str) -> Result<(), KeyringError> {
            Err(KeyringError::Hanging)
        }
        fn unlock(&self) -> Result<(), KeyringError> {
            Err(KeyringError::Hanging)
        }
    }
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path())?;
    let vault = Vault::with_limit(
        store,
        Arc::new(Never),
        folder.path(),
        Duration::from_millis(300),
    );
    let began = std::time::Instant::now();
    let all = futures::future::join_all((0..50).map(|_| vault.ready())).await;
    assert!(
        all.into_iter()
            .all(|ready| code(ready) == Some(ErrorCode::KeyringHanging))
    );
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "not fifty times the limit, one after the other"
    );
    assert_eq!(vault.state(), KeyringView::Hanging);
    Ok(())
}

#[tokio::test]
async fn for_this_run_only_means_nothing_on_disk_and_nothing_in_the_keyring() -> Result<()> {
    let world = World::new()?;
    world.shelf.fail_with(Some(KeyringError::Absent));
    assert_eq!(
        code(world.vault.ready().await),
        Some(ErrorCode::KeyringAbsent)
    );
    let asked = world.shelf.reads();
    assert_eq!(world.vault.use_session_only(), KeyringView::SessionOnly);
    world.vault.ready().await?;
    world.add(1, "only in memory").await?;
    assert_eq!(world.read(1).await?, "only in memory");
    world.renew(1, "still only in memory").await?;
    assert_eq!(world.read(1).await?, "still only in memory");
    assert_eq!((world.shelf.reads(), world.shelf.changes()), (asked, 0));
    let sealed = world.vault.0.store.read(credentials::sealed).await?;
    assert!(sealed.is_empty(), "no sealed bytes either");
    let world = world.reopened()?;
    assert_eq!(
        world.told(1).await,
        "credential-unreadable",
        "the next run does not have it"
    );
    world.shelf.fail_with(None);
    world.renew(1, "kept").await?;
    let world = world.reopened()?;
    assert_eq!(world.read(1).await?, "kept");
    Ok(())
}

#[tokio::test]
async fn unlocking_ends_session_only_and_what_was_kept_in_memory_stays_usable() -> Result<()> {
    let world = World::new()?;
    world.add(1, "sealed").await?;
    let world = world.reopened()?;
    world.shelf.fail_with(Some(KeyringError::Locked));
    assert_eq!(
        code(world.vault.ready().await),
        Some(ErrorCode::KeyringLocked)
    );
    world.vault.use_session_only();
    world.add(2, "in memory").await?;
    assert_eq!(
        world.told(1).await,
        "keyring-locked",
        "the sealed one stays closed"
    );
    assert_eq!(world.vault.unlock().await, KeyringView::Ready);
    assert_eq!(
        (world.told(1).await, world.told(2).await),
        ("sealed".into(), "in memory".into())
    );
    assert_eq!(world.renew(2, "sealed too").await?, 2);
    let world = world.reopened()?;
    assert_eq!(world.told(2).await, "sealed too");
    Ok(())
}
