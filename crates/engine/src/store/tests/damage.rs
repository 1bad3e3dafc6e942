//! Backups, and the way back from a damaged file.

use super::*;

pub(super) async fn backed_up() -> Result<(TempDir, PathBuf)> {
    let (folder, store) = fresh()?;
    store.write(Durability::Full, set("old")).await?;
    let path = store.backup(Time(1_000), backup::KEPT).await?;
    store.write(Durability::Full, set("new")).await?;
    Ok((folder, path))
}

/// Overwrites the middle of the file, as a failing disk would.
fn damage(folder: &Path) -> Result<()> {
    let file = folder.join("chief.db");
    let mut bytes = fs::read(&file)?;
    for byte in bytes.iter_mut().skip(4096).take(3 * 4096) {
        *byte = !*byte;
    }
    Ok(fs::write(file, bytes)?)
}

#[tokio::test]
async fn a_damaged_file_is_put_aside_and_the_newest_good_backup_comes_back() -> Result<()> {
    let (folder, _) = backed_up().await?;
    damage(folder.path())?;
    let store = Store::open(folder.path())?;
    let restored = store.restored().context("it says that it restored")?;
    assert_eq!(restored.taken, Time(1_000));
    assert!(
        restored.damaged.join("chief.db").is_file(),
        "the damaged file is kept to look at"
    );
    assert_eq!(keys(&store).await?, ["came_back", "old"]);
    drop(store);
    assert!(
        Store::open(folder.path())?.restored().is_none(),
        "only once"
    );
    Ok(())
}

#[tokio::test]
async fn a_file_that_was_cut_short_or_is_gone_comes_back_too() -> Result<()> {
    for left in [Some(10_000), Some(100), Some(0), None] {
        let (folder, _) = backed_up().await?;
        let file = folder.path().join("chief.db");
        let log = folder.path().join("chief.db-wal");
        if log.exists() {
            fs::remove_file(log)?;
        }
        match left {
            Some(left) => fs::OpenOptions::new()
                .write(true)
                .open(&file)?
                .set_len(left)?,
            None => fs::remove_file(&file)?,
        }
        let store = Store::open(folder.path()).with_context(|| format!("{left:?} left"))?;
        assert!(store.restored().is_some(), "{left:?} left");
        assert_eq!(keys(&store).await?, ["came_back", "old"], "{left:?} left");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_left_of_a_backup_that_was_cut_short_goes_with_the_next_start() -> Result<()> {
    let (folder, backup) = backed_up().await?;
    let halves = [
        backup.with_file_name("000000000002000.partial"),
        backup.with_file_name("000000000002000.partial-journal"),
    ];
    for half in &halves {
        fs::write(half, "half")?;
    }
    Store::open(folder.path())?;
    assert!(!halves.iter().any(|half| half.exists()));
    assert!(backup.exists());
    Ok(())
}

/// What one flipped bit in a value says, only its owner can know; whatever opens is a whole database.
#[tokio::test]
async fn wherever_a_bit_flips_what_opens_is_whole() -> Result<()> {
    let (folder, _) = backed_up().await?;
    let file = folder.path().join("chief.db");
    let sound = fs::read(&file)?;
    let mut restored = 0;
    for n in 0..100 {
        let mut bytes = sound.clone();
        // The head of the file, and places all over it.
        let at = if n < 40 {
            n * 3
        } else {
            (n * 7919 * 131) % bytes.len()
        };
        bytes[at] ^= 1 << (n % 8);
        let copy = tempfile::tempdir()?;
        fs::create_dir(copy.path().join("backups"))?;
        for (_, backup) in backup::all(folder.path()) {
            let name = backup.file_name().context("a name")?;
            fs::copy(&backup, copy.path().join("backups").join(name))?;
        }
        fs::write(copy.path().join("chief.db"), bytes)?;
        match Store::open(copy.path()) {
            Ok(store) => {
                restored += usize::from(store.restored().is_some());
                drop(store);
                let opened = Connection::open(copy.path().join("chief.db"))?;
                let word: String = opened.query_row("pragma quick_check", [], |row| row.get(0))?;
                assert_eq!(word, "ok", "bit {n} of byte {at}");
            }
            // The number of the schema was hit: taken for a newer build's, and left as it is.
            Err(error) => assert_eq!(error.code, ErrorCode::StoreNewer, "byte {at}: {error}"),
        }
    }
    assert!(restored > 10, "{restored} of a hundred came back");
    Ok(())
}

#[tokio::test]
async fn a_damaged_backup_is_passed_over() -> Result<()> {
    let (folder, first) = backed_up().await?;
    let newer = first.with_file_name("000000000002000.db");
    fs::write(&newer, b"not a database")?;
    damage(folder.path())?;
    let store = Store::open(folder.path())?;
    assert_eq!(
        store.restored().map(|restored| restored.taken),
        Some(Time(1_000))
    );
    Ok(())
}

#[test]
fn without_a_good_backup_a_damaged_file_is_refused_and_left_where_it_is() -> Result<()> {
    let (folder, store) = fresh()?;
    drop(store);
    damage(folder.path())?;
    let before = fs::read(folder.path().join("chief.db"))?;
    for _ in 0..2 {
        let error = Store::open(folder.path()).err().context("it is damaged")?;
        assert_eq!(error.code, ErrorCode::StoreFailed);
    }
    assert_eq!(fs::read(folder.path().join("chief.db"))?, before);
    fs::write(
        folder.path().join("chief.db"),
        b"something else entirely, and long enough to be read",
    )?;
    let error = Store::open(folder.path())
        .err()
        .context("it is no database")?;
    assert_eq!(error.code, ErrorCode::StoreFailed);
    Ok(())
}

#[tokio::test]
async fn backups_keep_their_number_and_verify() -> Result<()> {
    let (folder, store) = fresh()?;
    // The clock goes back in between: a newer backup still sorts as newer.
    for (n, at) in [5_000, 6_000, 100, 7_000, 8_000].into_iter().enumerate() {
        store
            .write(Durability::Full, move |tx| settings::set(tx, "n", &n))
            .await?;
        store.backup(Time(at), backup::KEPT).await?;
    }
    let all = backup::all(folder.path());
    assert_eq!(all.len(), backup::KEPT);
    let there = fs::read_dir(folder.path().join("backups"))?.count();
    assert_eq!(there, backup::KEPT, "nothing else lies beside them");
    for (back, (_, path)) in all.iter().enumerate() {
        backup::verify(path)?;
        let value: Option<usize> = settings::get(&Connection::open(path)?, "n")?;
        assert_eq!(value, Some(4 - back), "newest first");
    }
    Ok(())
}

#[tokio::test]
async fn a_torn_or_foreign_log_loses_no_answered_row() -> Result<()> {
    let (folder, store) = fresh()?;
    store.write(Durability::Full, set("kept")).await?;
    store.checkpoint().await?;
    store.write(Durability::Full, set("in the log")).await?;
    // As a crash leaves it, with the end of the log torn off in the middle of a frame.
    let crashed = tempfile::tempdir()?;
    for name in ["chief.db", "chief.db-wal"] {
        fs::copy(folder.path().join(name), crashed.path().join(name))?;
    }
    let log = crashed.path().join("chief.db-wal");
    let mut bytes = fs::read(&log)?;
    bytes.extend_from_slice(&[7; 1000]);
    fs::write(&log, &bytes)?;
    let again = Store::open(crashed.path())?;
    assert!(again.restored().is_none());
    assert_eq!(keys(&again).await?, ["in the log", "kept"]);
    drop(again);
    fs::write(&log, [3; 5000])?;
    let again = Store::open(crashed.path())?;
    assert_eq!(
        keys(&again).await?,
        ["in the log", "kept"],
        "a foreign log is ignored"
    );
    Ok(())
}

#[tokio::test]
async fn damage_found_behind_a_running_app_is_mended_by_the_next_start() -> Result<()> {
    let (folder, _) = backed_up().await?;
    let file = folder.path().join("chief.db");
    let sound = Connection::open(&file)?;
    assert!(open::check(&sound, folder.path())?);
    assert!(!open::is_damaged(folder.path()), "it is whole");
    drop(sound);
    damage(folder.path())?;
    assert!(!open::check(&Connection::open(&file)?, folder.path())?);
    assert!(open::is_damaged(folder.path()));
    let store = Store::open(folder.path())?;
    assert!(store.restored().is_some());
    assert!(!open::is_damaged(folder.path()));
    Ok(())
}

#[tokio::test]
async fn a_backup_that_fails_over_damaged_data_says_that_it_is() -> Result<()> {
    let (folder, store) = fresh()?;
    store.write(Durability::Full, set("old")).await?;
    store.backup(Time(1_000), backup::KEPT).await?;
    store.checkpoint().await?;
    damage(folder.path())?;
    assert!(!store.is_damaged());
    assert!(store.backup(Time(2_000), backup::KEPT).await.is_err());
    assert!(store.is_damaged());
    drop(store);
    let store = Store::open(folder.path())?;
    assert_eq!(store.restored().context("restored")?.taken, Time(1_000));
    assert!(!store.is_damaged());
    Ok(())
}

#[tokio::test]
async fn what_was_taken_for_damaged_and_is_whole_stays() -> Result<()> {
    let (folder, _) = backed_up().await?;
    fs::write(folder.path().join("chief.suspect"), "")?;
    let store = Store::open(folder.path())?;
    assert!(store.restored().is_none() && !store.is_damaged());
    Ok(())
}
