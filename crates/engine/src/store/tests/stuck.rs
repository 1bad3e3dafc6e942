//! Rows of calls that cannot be filed, and data that is found damaged when they are to be.

use super::{
    intake::{begun, ended, killed, lie, outcome, walked},
    *,
};
use crate::store::calls::tests as rows;

/// From outside: no row of a call can be filed, as where the disk has no room for so many pages.
const STUCK: &str =
    "create trigger stuck before insert on calls begin select raise(abort, 'no'); end";

fn by_hand(folder: &Path, sql: &str) -> Result<()> {
    let file = Connection::open(folder.join("chief.db"))?;
    file.busy_timeout(open::BUSY)?;
    Ok(file.execute_batch(sql)?)
}

/// Waits for what the writer does by itself.
async fn until(what: &str, is: impl Fn() -> Result<bool>) -> Result<()> {
    let began = std::time::Instant::now();
    while !is()? {
        anyhow::ensure!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn none_lies(folder: &Path) -> Result<()> {
    until("all of it is filed", || Ok(lie(folder)?[0] == 0)).await
}

/// Where the page of an index begins in the file, and its size.
fn page_of(folder: &Path, index: &str) -> Result<(usize, usize)> {
    let file = Connection::open(folder.join("chief.db"))?;
    let sql = "select rootpage, (select page_size from pragma_page_size) from sqlite_schema where name = ?1";
    let (page, size): (usize, usize) =
        file.query_row(sql, [index], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(((page - 1) * size, size))
}

fn overwrite(folder: &Path, at: usize, bytes: &[u8]) -> Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let file = fs::OpenOptions::new()
        .write(true)
        .open(folder.join("chief.db"));
    let mut file = file?;
    file.seek(SeekFrom::Start(u64::try_from(at)?))?;
    Ok(file.write_all(bytes)?)
}

/// Zeroes the page where an index begins, as a failing disk would.
fn lose_index(folder: &Path, index: &str) -> Result<()> {
    let (begin, size) = page_of(folder, index)?;
    overwrite(folder, begin, &vec![0; size])
}

#[tokio::test]
async fn while_nothing_can_be_filed_nothing_begins_and_what_has_begun_ends() -> Result<()> {
    let (folder, store) = fresh()?;
    by_hand(folder.path(), STUCK)?;
    let place = begun(&store, 1).await?;
    let refused = store.write(Durability::Full, set("not filed")).await;
    assert!(refused.is_err());
    assert!(begun(&store, 2).await.is_err(), "nothing more begins");
    let kept = |tx: &mut Tx<'_>| {
        tx.undoable()?;
        settings::set(tx, "a fresh token", &1)
    };
    // Those that wait together: what only adds to the record does not fail with a filing.
    let (one, kept, ended, other) = tokio::join!(
        store.write(Durability::Full, set("not filed either")),
        store.append(Durability::Full, kept),
        ended(&store, place),
        store.write(Durability::Full, set("nor this")),
    );
    assert!(one.is_err() && other.is_err());
    kept?;
    ended?;
    assert!(begun(&store, 2).await.is_err());
    assert_eq!(lie(folder.path())?, [2, 0]);

    by_hand(folder.path(), "drop trigger stuck")?;
    none_lies(folder.path()).await?;
    assert_eq!(begun(&store, 3).await?, place + 2);
    assert_eq!(outcome(&store, 1).await?, Some(true));
    assert_eq!(outcome(&store, 2).await?, None);
    assert_eq!(keys(&store).await?, ["a fresh token"]);
    let walk = walked(&store).await?;
    assert_eq!((walk.rows, walk.fault), (3, None));
    Ok(())
}

#[tokio::test]
async fn damage_that_is_met_has_the_data_looked_through_and_nothing_begins() -> Result<()> {
    let (folder, store) = fresh()?;
    store.backup(Time(1_000), backup::KEPT).await?;
    store.checkpoint().await?;
    lose_index(folder.path(), "calls_at")?;
    // What another has written the writer reads anew.
    by_hand(folder.path(), "insert into settings values ('anew', '1')")?;
    let mut changes = store.changes();
    begun(&store, 1).await?;
    assert_eq!(keys(&store).await?, ["anew"]);
    until("it is found", || Ok(store.is_damaged())).await?;
    while !changes.recv().await?.topics.contains(&Topic::App) {}
    assert!(begun(&store, 2).await.is_err());
    drop(store);
    let next = Store::open(folder.path())?;
    assert_eq!(next.restored().context("restored")?.taken, Time(1_000));
    begun(&next, 3).await?;
    assert_eq!(outcome(&next, 3).await?, Some(false));
    Ok(())
}

/// More than is looked through before it is used.
const MUCH: &str = "create table much (bytes); insert into much values (zeroblob(70000000)); \
                    pragma wal_checkpoint(truncate)";

#[tokio::test]
async fn an_opening_that_comes_upon_damage_in_much_data_brings_back_a_backup() -> Result<()> {
    for has_backup in [true, false] {
        let folder = killed().await?;
        by_hand(folder.path(), MUCH)?;
        if has_backup {
            let (other, _) = damage::backed_up().await?;
            let backups = folder.path().join("backups");
            fs::rename(other.path().join("backups"), backups)?;
        }
        lose_index(folder.path(), "calls_at")?;
        match Store::open(folder.path()) {
            Ok(store) => {
                assert!(has_backup);
                assert_eq!(store.restored().context("restored")?.taken, Time(1_000));
                begun(&store, 1).await?;
                assert_eq!(outcome(&store, 1).await?, Some(false));
            }
            Err(error) => {
                assert!(!has_backup, "{error}");
                let why = &error.args["why"];
                assert!(why.contains("there is no good backup"), "{why}");
                assert!(why.contains(&folder.path().display().to_string()), "{why}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn data_opens_though_nothing_can_be_filed_and_calls_of_before_end_once_it_can() -> Result<()>
{
    let folder = killed().await?;
    by_hand(folder.path(), STUCK)?;
    let store = Store::open(folder.path())?;
    assert_eq!(lie(folder.path())?, [2, 1]);
    assert!(begun(&store, 3).await.is_err(), "nothing begins");
    assert_eq!(keys(&store).await?, [""; 0], "what is filed can be read");

    by_hand(folder.path(), "drop trigger stuck")?;
    // Two calls; the second's process died.
    until("all of it is filed", || Ok(lie(folder.path())? == [0, 4])).await?;
    assert_eq!(outcome(&store, 2).await?, Some(true));
    assert_eq!(begun(&store, 3).await?, 5);
    let walk = walked(&store).await?;
    assert_eq!((walk.rows, walk.fault), (5, None));
    Ok(())
}

/// Some bytes of a table or index are others on disk: each page still looks right by itself.
fn bend(folder: &Path, of: &str, before: &[u8], after: &[u8]) -> Result<()> {
    let (begin, size) = page_of(folder, of)?;
    let bytes = fs::read(folder.join("chief.db"))?;
    let mut parts = bytes[begin..begin + size].windows(before.len());
    let at = parts
        .position(|part| part == before)
        .context("they are there")?;
    overwrite(folder, begin + at, after)?;
    assert_eq!(said(folder, "quick_check")?, "ok");
    assert_ne!(said(folder, "integrity_check")?, "ok");
    Ok(())
}

/// Two, at the only call.
fn bend_indexes(folder: &Path) -> Result<()> {
    let call = rows::call(1, 10, None);
    for (index, key) in [
        ("calls_action", call.action),
        ("sqlite_autoindex_calls_1", call.id.to_string()),
    ] {
        let mut other = key.clone().into_bytes();
        other[0] ^= 1;
        bend(folder, index, key.as_bytes(), &other)?;
    }
    Ok(())
}

fn said(folder: &Path, check: &str) -> Result<String> {
    let file = Connection::open(folder.join("chief.db"))?;
    Ok(file.query_row(&format!("pragma {check}"), [], |row| row.get(0))?)
}

#[tokio::test]
async fn an_index_that_does_not_fit_its_table_is_made_anew_by_the_next_backup_or_start()
-> Result<()> {
    let (folder, store) = fresh()?;
    begun(&store, 1).await?;
    assert_eq!(outcome(&store, 1).await?, Some(false));
    store.checkpoint().await?;
    bend_indexes(folder.path())?;
    by_hand(folder.path(), "insert into settings values ('anew', '1')")?;
    store.backup(Time(1_000), backup::KEPT).await?;
    assert_eq!(said(folder.path(), "integrity_check")?, "ok");
    assert!(!store.is_damaged());
    drop(store);

    bend_indexes(folder.path())?;
    fs::write(folder.path().join("chief.suspect"), "")?;
    let store = Store::open(folder.path())?;
    assert!(store.restored().is_none() && !store.is_damaged());
    assert_eq!(said(folder.path(), "integrity_check")?, "ok");
    assert_eq!(outcome(&store, 1).await?, Some(true), "nothing is lost");
    Ok(())
}

#[tokio::test]
async fn a_table_with_a_row_twice_comes_back_from_a_backup_by_the_next_start() -> Result<()> {
    let (folder, store) = fresh()?;
    let make = |tx: &mut Tx<'_>| {
        let sql =
            "create table twice (name text unique); insert into twice values ('anna'), ('anne')";
        tx.execute_batch(sql).map_err(failed)
    };
    store.write(Durability::Full, make).await?;
    store.backup(Time(1_000), backup::KEPT).await?;
    store.checkpoint().await?;
    bend(folder.path(), "twice", b"anne", b"anna")?;
    by_hand(folder.path(), "insert into settings values ('anew', '1')")?;
    assert!(store.backup(Time(2_000), backup::KEPT).await.is_err());
    assert!(store.is_damaged());
    drop(store);
    let store = Store::open(folder.path())?;
    assert_eq!(store.restored().context("restored")?.taken, Time(1_000));
    assert_eq!(said(folder.path(), "integrity_check")?, "ok");
    Ok(())
}
