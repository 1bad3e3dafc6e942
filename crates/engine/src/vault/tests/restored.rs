//! A database that comes from a backup.

use super::*;

/// Puts the copied database (with its log) in the place of the present one; the anchor stays.
fn put_back(world: World, copy: &TempDir) -> Result<World> {
    let World {
        folder,
        shelf,
        vault,
    } = world;
    drop(vault);
    for name in ["chief.db", "chief.db-wal", "chief.db-shm"] {
        let (from, to) = (copy.path().join(name), folder.path().join(name));
        if to.exists() {
            fs::remove_file(&to)?;
        }
        if from.exists() {
            fs::copy(&from, &to)?;
        }
    }
    World::over(folder, shelf)
}

#[tokio::test]
async fn a_superseded_credential_is_never_opened_and_a_fresh_one_is() -> Result<()> {
    let world = World::new()?;
    world.add(1, "rotated away").await?;
    world.add(2, "never changed").await?;
    let copy = world.copy()?;
    world.renew(1, "second").await?;
    world.renew(1, "third").await?;
    let world = put_back(world, &copy)?;
    for _ in 0..2 {
        let error = world.read(1).await.err().context("it is an old one")?;
        assert_eq!(error.code, ErrorCode::CredentialRestored);
        assert_eq!(
            error.args.get("integration").map(String::as_str),
            Some("Orders 1")
        );
    }
    assert_eq!(
        world.read(2).await?,
        "never changed",
        "what did not change is still good"
    );
    let world = world.reopened()?;
    assert_eq!(
        world.told(1).await,
        "credential-restored",
        "in the next run too"
    );
    assert_eq!(
        world.renew(1, "fresh").await?,
        4,
        "newer than all that were ever used"
    );
    assert_eq!(world.read(1).await?, "fresh");
    Ok(())
}

#[tokio::test]
async fn a_missing_or_foreign_anchor_trusts_no_stored_credential() -> Result<()> {
    for forged in [None, Some("{}"), Some("not JSON")] {
        let world = World::new()?;
        world.add(1, "first").await?;
        let world = world.reopened()?;
        let file = anchor::file(world.folder.path());
        match forged {
            None => fs::remove_file(&file)?,
            Some(text) => fs::write(&file, text)?,
        }
        assert_eq!(world.told(1).await, "credential-restored");
        let world = world.reopened()?;
        assert_eq!(
            world.told(1).await,
            "credential-restored",
            "writing a new anchor forgives nothing"
        );
        world.add(2, "new").await?;
        world.renew(1, "fresh").await?;
        assert_eq!(
            (world.told(1).await, world.told(2).await),
            ("fresh".into(), "new".into())
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_that_the_anchor_does_not_know_yet_is_good() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    let file = anchor::file(world.folder.path());
    let before = fs::read(&file)?;
    world.renew(1, "second").await?;
    world.add(2, "new").await?;
    // The process died between the commit and the anchor.
    fs::write(&file, before)?;
    let world = world.reopened()?;
    assert_eq!(
        (world.told(1).await, world.told(2).await),
        ("second".into(), "new".into())
    );
    Ok(())
}

#[tokio::test]
async fn a_database_from_before_a_disconnect_opens_nothing_and_can_be_lived_with() -> Result<()> {
    let world = World::new()?;
    world.add(1, "stays").await?;
    world.add(2, "goes").await?;
    let copy = world.copy()?;
    world.destroy(2).await?;
    let world = put_back(world, &copy)?;
    assert_eq!(
        (world.told(1).await, world.told(2).await),
        ("keyring-lost".into(), "keyring-lost".into())
    );
    assert_eq!(world.vault.state(), KeyringView::Lost);
    world.renew(1, "fresh").await?;
    assert_eq!(world.told(1).await, "fresh");
    world.destroy(2).await?;
    assert_eq!(world.told(1).await, "fresh");
    assert_eq!(
        world.shelf.items().len(),
        1,
        "the key of the later database is gone too"
    );
    let world = world.reopened()?;
    assert_eq!(world.told(1).await, "fresh");
    Ok(())
}

#[tokio::test]
async fn a_damaged_database_comes_back_without_its_superseded_credentials() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    world.add(2, "unchanged").await?;
    world.vault.0.store.backup(Time(1_000), 3).await?;
    world.renew(1, "second").await?;
    let World {
        folder,
        shelf,
        vault,
    } = world;
    drop(vault);
    fs::write(folder.path().join("chief.db"), [0xff; 20_000])?;
    let world = World::over(folder, shelf)?;
    assert!(world.vault.0.store.restored().is_some());
    assert_eq!(world.told(1).await, "credential-restored");
    assert_eq!(world.told(2).await, "unchanged");
    Ok(())
}
