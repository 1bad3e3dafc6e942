//! The file, its lock, its migrations, its writer and its backups.

use super::*;
use anyhow::{Context, Result};
use rusqlite_migration::M;
use std::{collections::HashMap, fs, sync::mpsc, time::Duration};
use tempfile::TempDir;

mod along;
mod behind;
mod damage;
mod intake;
mod stuck;

/// A folder and the store in it.
fn fresh() -> Result<(TempDir, Store)> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path())?;
    Ok((folder, store))
}

/// A write that waits: whatever is sent meanwhile is one group after it. Let go by dropping.
async fn hold_up(store: &Store) -> (mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (release, held) = mpsc::channel::<()>();
    let (began, begun) = oneshot::channel();
    let writer = store.clone();
    let task = tokio::spawn(async move {
        let held = writer.write(Durability::Normal, move |_| {
            let _ = began.send(());
            let _ = held.recv();
            Ok(())
        });
        held.await.expect("it only waits");
    });
    begun.await.expect("the writer runs");
    (release, task)
}

fn set(key: &'static str) -> impl FnOnce(&mut Tx<'_>) -> Result<(), Error> + Send + 'static {
    move |tx| settings::set(tx, key, &key)
}

async fn keys(store: &Store) -> Result<Vec<String>, Error> {
    store
        .read(|connection| {
            connection
                .prepare("select key from settings order by key")
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
                .map_err(failed)
        })
        .await
}

fn files(folder: &Path) -> Result<HashMap<PathBuf, Vec<u8>>> {
    let mut found = HashMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(path)?);
            }
        }
    }
    Ok(found)
}

#[tokio::test]
async fn jobs_that_wait_together_are_one_commit_and_a_failing_one_undoes_only_itself() -> Result<()>
{
    let (_folder, store) = fresh()?;
    let (release, task) = hold_up(&store).await;
    let mut changes = store.changes();
    let refused = |tx: &mut Tx<'_>| -> Result<(), Error> {
        settings::set(tx, "undone", &1)?;
        tx.touch(Topic::Attempts);
        Err(Error::new(ErrorCode::NotAKey))
    };
    let panics = |tx: &mut Tx<'_>| -> Result<(), Error> {
        settings::set(tx, "undone too", &1)?;
        panic!("a job that panics")
    };
    let activity = |tx: &mut Tx<'_>| -> Result<(), Error> {
        tx.touch(Topic::Activity);
        Ok(())
    };
    let all = async {
        tokio::join!(
            store.write(Durability::Normal, set("a")),
            store.write(Durability::Full, refused),
            store.write(Durability::Normal, panics),
            store.write(Durability::Normal, activity),
            store.write(Durability::Normal, set("b")),
        )
    };
    // The futures send when they are first polled; then the writer may go on.
    let (results, ()) = tokio::join!(all, async { drop(release) });
    task.await?;
    assert_eq!(results.0, Ok(()));
    assert_eq!(
        results.1.map_err(|e| e.code),
        Err(ErrorCode::NotAKey),
        "its own error comes back"
    );
    assert_eq!(
        results.2.map_err(|e| e.code),
        Err(ErrorCode::Internal),
        "a panic is an error"
    );
    assert_eq!((results.3, results.4), (Ok(()), Ok(())));
    assert_eq!(
        keys(&store).await?,
        ["a", "b"],
        "what failed left nothing behind"
    );
    // Answers come first, the news after them.
    assert_eq!(
        changes.recv().await?.topics,
        [Topic::Activity, Topic::App],
        "the union, without what was undone"
    );
    store.write(Durability::Full, set("c")).await?;
    assert_eq!(
        changes.recv().await?.topics,
        [Topic::App],
        "one commit is told once: the next news is the next commit's"
    );
    assert_eq!(keys(&store).await?, ["a", "b", "c"], "the writer lives on");
    Ok(())
}

#[tokio::test]
async fn an_append_that_fails_takes_the_others_with_it_only_where_it_wrote_something() -> Result<()>
{
    let no = || Err::<(), _>(Error::new(ErrorCode::NotAKey));
    let (_folder, store) = fresh()?;
    let (release, task) = hold_up(&store).await;
    let undoable = move |tx: &mut Tx<'_>| {
        tx.undoable()?;
        settings::set(tx, "undone", &1)?;
        no()
    };
    let all = async {
        tokio::join!(
            store.append(Durability::Normal, set("a")),
            store.append(Durability::Normal, move |_: &mut Tx<'_>| no()),
            store.append(Durability::Normal, undoable),
            store.write(Durability::Normal, set("b")),
        )
    };
    let (results, ()) = tokio::join!(all, async { drop(release) });
    task.await?;
    assert_eq!((results.0, results.3), (Ok(()), Ok(())));
    for failed in [results.1, results.2] {
        assert_eq!(failed.map_err(|e| e.code), Err(ErrorCode::NotAKey));
    }
    assert_eq!(keys(&store).await?, ["a", "b"]);

    let (release, task) = hold_up(&store).await;
    let half = move |tx: &mut Tx<'_>| {
        settings::set(tx, "half", &1)?;
        no()
    };
    let all = async {
        tokio::join!(
            store.append(Durability::Normal, set("c")),
            store.append(Durability::Normal, half),
            store.write(Durability::Normal, set("d")),
        )
    };
    let (results, ()) = tokio::join!(all, async { drop(release) });
    task.await?;
    assert_eq!(results.1.map_err(|e| e.code), Err(ErrorCode::NotAKey));
    for failed in [results.0, results.2] {
        assert_eq!(failed.map_err(|e| e.code), Err(ErrorCode::StoreFailed));
    }
    assert_eq!(keys(&store).await?, ["a", "b"], "no half of it is kept");
    store.append(Durability::Normal, set("e")).await?;
    assert_eq!(keys(&store).await?, ["a", "b", "e"], "the writer lives on");
    Ok(())
}

#[tokio::test]
async fn a_write_goes_through_where_nobody_waits_for_it() -> Result<()> {
    let (_folder, store) = fresh()?;
    let (release, task) = hold_up(&store).await;
    let mut write = Box::pin(store.write(Durability::Full, set("kept")));
    assert!(
        futures::poll!(&mut write).is_pending(),
        "the writer is held up"
    );
    drop(write);
    drop(release);
    task.await?;
    store.write(Durability::Full, set("later")).await?;
    assert_eq!(keys(&store).await?, ["kept", "later"]);
    Ok(())
}

#[tokio::test]
async fn a_full_disk_fails_the_write_and_nothing_else() -> Result<()> {
    let (_folder, store) = fresh()?;
    store.write(Durability::Full, set("before")).await?;
    let filled = store
        .write(Durability::Full, |tx| {
            let pages: i64 = tx
                .pragma_query_value(None, "page_count", |row| row.get(0))
                .map_err(failed)?;
            tx.pragma_update(None, "max_page_count", pages)
                .map_err(failed)?;
            settings::set(tx, "huge", &"x".repeat(1_000_000))
        })
        .await;
    let error = filled.err().context("it cannot fit")?;
    assert_eq!(error.code, ErrorCode::StoreUnwritable);
    assert_eq!(
        error.args.get("why").map(String::as_str),
        Some("the disk is full")
    );
    store
        .write(Durability::Full, |tx| {
            tx.pragma_update(None, "max_page_count", 1_000_000)
                .map_err(failed)
        })
        .await?;
    store.write(Durability::Full, set("after")).await?;
    assert_eq!(keys(&store).await?, ["after", "before"]);
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_ends_under_a_group_fails_the_whole_group_and_keeps_nothing()
-> Result<()> {
    let (_folder, store) = fresh()?;
    let (release, task) = hold_up(&store).await;
    let breaks =
        |tx: &mut Tx<'_>| -> Result<(), Error> { tx.execute_batch("rollback").map_err(failed) };
    let all = async {
        tokio::join!(
            store.write(Durability::Normal, set("earlier")),
            store.write(Durability::Normal, breaks),
            store.write(Durability::Normal, set("later")),
        )
    };
    let (results, ()) = tokio::join!(all, async { drop(release) });
    task.await?;
    assert!(
        results.0.is_err() && results.1.is_err() && results.2.is_err(),
        "none is said to be kept"
    );
    assert!(keys(&store).await?.is_empty());
    store.write(Durability::Full, set("after")).await?;
    assert_eq!(keys(&store).await?, ["after"], "the writer lives on");
    Ok(())
}

#[tokio::test]
async fn what_reads_all_of_the_data_holds_up_no_other_read() -> Result<()> {
    let (_folder, store) = fresh()?;
    let (latch, waiting) = std::sync::mpsc::channel::<()>();
    let first = store.read_all(move |_| Ok(waiting.recv().is_err()));
    let second = store.read_all(|_| Ok(()));
    let (third, fourth) = (store.backup(Time(1), 3), store.backup(Time(2), 3));
    let mut long = std::pin::pin!(async { tokio::join!(first, second, third, fourth) });
    let quick = async {
        for _ in 0..20 {
            keys(&store).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        biased;
        _ = &mut long => anyhow::bail!("they wait for the latch"),
        read = tokio::time::timeout(std::time::Duration::from_secs(20), quick) => read??,
    }
    drop(latch);
    let (first, second, third, fourth) = long.await;
    assert!(first?);
    second?;
    third?;
    fourth?;
    Ok(())
}

#[tokio::test]
async fn a_reader_cannot_write_and_survives_a_panic() -> Result<()> {
    let (_folder, store) = fresh()?;
    for _ in 0..8 {
        let wrote = store
            .read(|c| {
                c.execute("insert into settings values ('x', '1')", [])
                    .map_err(failed)
            })
            .await;
        assert_eq!(wrote.map_err(|e| e.code), Err(ErrorCode::StoreUnwritable));
        let panicked: Result<(), Error> = store.read(|_| panic!("a read that panics")).await;
        assert_eq!(panicked.map_err(|e| e.code), Err(ErrorCode::Internal));
    }
    assert!(keys(&store).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_second_opening_is_refused_until_the_first_is_closed() -> Result<()> {
    let (folder, store) = fresh()?;
    let second = Store::open(folder.path())
        .err()
        .context("it is open already")?;
    assert_eq!(second.code, ErrorCode::StoreInUse);
    store.write(Durability::Full, set("kept")).await?;
    let clone = store.clone();
    drop(store);
    assert!(
        Store::open(folder.path()).is_err(),
        "a clone still has it open"
    );
    drop(clone);
    let again = Store::open(folder.path())?;
    assert_eq!(keys(&again).await?, ["kept"]);
    Ok(())
}

#[test]
fn data_of_a_newer_build_is_refused_and_left_as_it_is() -> Result<()> {
    let (folder, store) = fresh()?;
    drop(store);
    let file = folder.path().join("chief.db");
    Connection::open(&file)?.pragma_update(None, "user_version", 99)?;
    let before = fs::read(&file)?;
    let error = Store::open(folder.path()).err().context("it is newer")?;
    assert_eq!(error.code, ErrorCode::StoreNewer);
    assert_eq!(error.args.get("found").map(String::as_str), Some("99"));
    assert_eq!(error.args.get("known"), Some(&schema::KNOWN.to_string()));
    assert_eq!(fs::read(&file)?, before, "not a byte was changed");
    assert!(
        backup::all(folder.path()).is_empty(),
        "it was not taken for damaged"
    );
    Ok(())
}

#[test]
fn a_migration_takes_a_backup_first_and_happens_whole_or_not_at_all() -> Result<()> {
    let (folder, store) = fresh()?;
    drop(store);
    let with = |next: &'static str| {
        let mut steps = schema::MIGRATIONS.to_vec();
        steps.push(M::up(next));
        open::open(folder.path(), &steps)
    };
    let half = "create table half (x integer); insert into nowhere values (1);";
    let error = with(half).err().context("its second statement fails")?;
    assert_eq!(error.code, ErrorCode::StoreFailed);
    let backups = backup::all(folder.path());
    assert_eq!(backups.len(), 1, "taken before it was tried");
    let known = |path: &Path| -> Result<(usize, bool)> {
        let connection = Connection::open(path)?;
        let half = connection.prepare("select * from half").is_ok();
        Ok((schema::version(&connection)?, half))
    };
    let file = folder.path().join("chief.db");
    assert_eq!(
        known(&file)?,
        (schema::KNOWN, false),
        "nothing of the step is kept"
    );
    drop(with("create table half (x integer);").map_err(|e| anyhow::anyhow!("{e}"))?);
    assert_eq!(known(&file)?, (schema::KNOWN + 1, true));
    assert_eq!(
        known(&backups.first().context("one")?.1)?,
        (schema::KNOWN, false)
    );
    Ok(())
}

#[tokio::test]
async fn every_table_is_strict_and_every_connection_checks_foreign_keys() -> Result<()> {
    let (_folder, store) = fresh()?;
    let lax: Vec<String> = store
        .read(|c| {
            c.prepare("select name from pragma_table_list where schema = 'main' and strict = 0 and type = 'table' and name not like 'sqlite_%'")
                .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
                .map_err(failed)
        })
        .await?;
    assert!(lax.is_empty(), "{lax:?}");
    let look = |c: &Connection| -> Result<(i64, i64, i64, String), Error> {
        let number = |pragma| c.pragma_query_value(None, pragma, |row| row.get(0));
        let all = || {
            Ok((
                number("foreign_keys")?,
                number("recursive_triggers")?,
                number("secure_delete")?,
                c.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
            ))
        };
        all().map_err(failed)
    };
    let written = store.write(Durability::Full, move |tx| look(tx)).await?;
    assert_eq!(written, (1, 1, 1, "wal".to_owned()));
    Ok(())
}

#[tokio::test]
async fn what_is_not_synced_at_once_is_within_about_a_second() -> Result<()> {
    let (folder, store) = fresh()?;
    let marker = "a row that was committed without a sync";
    store
        .write(Durability::Normal, move |tx| {
            settings::set(tx, "marker", &marker)
        })
        .await?;
    let file = folder.path().join("chief.db");
    let mut waited = Duration::ZERO;
    // The checkpoint that syncs the log also copies it into the file.
    while !contains(&fs::read(&file)?, marker.as_bytes()) {
        assert!(waited < Duration::from_secs(10), "no checkpoint came");
        tokio::time::sleep(Duration::from_millis(50)).await;
        waited += Duration::from_millis(50);
    }
    Ok(())
}

#[tokio::test]
async fn a_deleted_row_is_nowhere_in_the_files_after_a_checkpoint() -> Result<()> {
    let (folder, store) = fresh()?;
    let marker = "b".repeat(10_000) + "the end of a long row";
    let planted = marker.clone();
    store
        .write(Durability::Full, move |tx| {
            settings::set(tx, "marker", &planted)
        })
        .await?;
    let whole =
        |files: &HashMap<PathBuf, Vec<u8>>| files.values().any(|f| contains(f, &[b'b'; 100]));
    assert!(
        whole(&files(folder.path())?),
        "the search finds what is there"
    );
    store
        .write(Durability::Full, |tx| {
            tx.execute("delete from settings", []).map_err(failed)
        })
        .await?;
    store.checkpoint().await?;
    assert!(
        !whole(&files(folder.path())?),
        "not in the file, not in the log"
    );
    assert_eq!(
        fs::metadata(folder.path().join("chief.db-wal"))?.len(),
        0,
        "the log is empty"
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_data() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir()?;
    let folder = parent.path().join("data");
    let store = Store::open(&folder)?;
    let mode =
        |path: &Path| -> Result<u32> { Ok(fs::metadata(path)?.permissions().mode() & 0o777) };
    assert_eq!(mode(&folder)?, 0o700);
    for path in files(&folder)?.into_keys() {
        assert_eq!(mode(&path)?, 0o600, "{}", path.display());
    }
    drop(store);
    Ok(())
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
