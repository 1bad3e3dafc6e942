//! A crash at each step: the files and the keyring as they are then, opened by the next run.

use super::*;
use crate::store::backup;

/// What a crash leaves behind.
pub(super) struct Wreck {
    pub step: Step,
    pub folder: TempDir,
    pub items: BTreeMap<String, Vec<u8>>,
}

impl World {
    pub(super) fn on_step(&self, look: impl Fn(Step) + Send + 'static) {
        *self.vault.0.on_step.lock().expect("no test panics inside") = Some(Box::new(look));
    }

    /// From now on every step leaves a wreck.
    pub(super) fn wrecks(&self) -> Arc<Mutex<Vec<Wreck>>> {
        let found = Arc::new(Mutex::new(Vec::new()));
        let (kept, shelf, folder) = (
            found.clone(),
            self.shelf.clone(),
            self.folder.path().to_owned(),
        );
        self.on_step(move |step| {
            let copy = tempfile::tempdir().expect("there is room");
            copy_folder(&folder, copy.path()).expect("it can be copied");
            let wreck = Wreck {
                step,
                folder: copy,
                items: shelf.items(),
            };
            kept.lock().expect("no test panics inside").push(wreck);
        });
        found
    }
}

pub(super) fn taken(wrecks: &Mutex<Vec<Wreck>>) -> Vec<Wreck> {
    std::mem::take(&mut *wrecks.lock().expect("no test panics inside"))
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_disconnect_leaves_it_whole_or_undone() -> Result<()> {
    let world = World::new()?;
    world.add(1, "stays").await?;
    world.add(2, "goes").await?;
    let older = world.vault.0.store.backup(Time(1_000), 3).await?;
    let before = world.copy()?;
    let wrecks = world.wrecks();
    world.destroy(2).await?;
    let wrecks = taken(&wrecks);
    let steps: Vec<Step> = wrecks.iter().map(|wreck| wreck.step).collect();
    use Step::{BackedUp, Committed, Deleted, Emptied, Forgotten, Prepared, Told, Written};
    let all = [
        Prepared, Written, Committed, Told, Deleted, Forgotten, Emptied, BackedUp,
    ];
    assert_eq!(steps, all, "every step was looked at");

    for Wreck {
        step,
        folder,
        items,
    } in wrecks
    {
        let world = World::over(folder, Shelf::holding(items))?;
        assert_eq!(world.told(1).await, "stays", "{step:?}");
        let done = step >= Committed;
        let expected = if done { "integration-unknown" } else { "goes" };
        assert_eq!(world.told(2).await, expected, "{step:?}");
        assert_eq!(
            world.shelf.items().len(),
            1,
            "{step:?}: one item is left, whichever it is"
        );
        let rows = world.vault.0.store.read(keys::all).await?;
        assert_eq!(rows.len(), 1, "{step:?}");
        assert!(!world.vault.lock().leftovers, "{step:?}");
        let old = tempfile::tempdir()?;
        copy_folder(before.path(), old.path())?;
        let old = World::over(old, Shelf::holding(world.shelf.items()))?;
        assert_eq!(
            old.read(2).await.is_ok(),
            !done,
            "{step:?}: the copy opens only while it is undone"
        );
        let fresh = backup::all(world.folder.path())
            .iter()
            .all(|(_, path)| path.file_name() != older.file_name());
        assert_eq!(fresh, done, "{step:?}: older backups go, once it is done");

        // And on it goes, also through one more run.
        if !done {
            world.destroy(2).await?;
        }
        world.renew(1, "renewed").await?;
        world.add(5, "new").await?;
        let world = world.reopened()?;
        assert_eq!(
            (world.told(1).await, world.told(5).await),
            ("renewed".into(), "new".into())
        );
        assert_eq!(world.shelf.items().len(), 1, "{step:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_while_the_first_key_is_made_leaves_one_that_works() -> Result<()> {
    let world = World::new()?;
    let wrecks = world.wrecks();
    world.add(1, "first").await?;
    let wrecks = taken(&wrecks);
    let steps: Vec<Step> = wrecks.iter().map(|wreck| wreck.step).collect();
    use Step::{Anchored, BackedUp, Emptied, Prepared, Written};
    // The record has its first key then: no backup of before fits the anchor.
    assert_eq!(steps, [Prepared, Written, Anchored, Emptied, BackedUp]);
    for Wreck {
        step,
        folder,
        items,
    } in wrecks
    {
        let world = World::over(folder, Shelf::holding(items))?;
        assert_eq!(
            world.told(1).await,
            "integration-unknown",
            "{step:?}: it was not saved"
        );
        world.add(1, "again").await?;
        let world = world.reopened()?;
        assert_eq!(world.told(1).await, "again", "{step:?}");
        assert_eq!(
            world.shelf.items().len(),
            1,
            "{step:?}: nothing is left of the first try"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_in_a_disconnect_after_a_crash_in_a_disconnect_is_no_worse() -> Result<()> {
    let world = World::new()?;
    for (n, secret) in [(1, "stays"), (2, "goes"), (3, "goes too")] {
        world.add(n, secret).await?;
    }
    let first = world.wrecks();
    world.destroy(2).await?;
    for Wreck {
        step,
        folder,
        items,
    } in taken(&first)
    {
        let world = World::over(folder, Shelf::holding(items))?;
        let second = world.wrecks();
        world.destroy(3).await?;
        for Wreck {
            step: then,
            folder,
            items,
        } in taken(&second)
        {
            let world = World::over(folder, Shelf::holding(items))?;
            assert_eq!(world.told(1).await, "stays", "{step:?}, {then:?}");
            assert_eq!(world.shelf.items().len(), 1, "{step:?}, {then:?}");
        }
    }
    Ok(())
}
