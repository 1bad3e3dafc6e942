//! What goes along with another's commit.

use super::*;
use std::sync::atomic::AtomicU32;

fn nothing_to_tell(result: Result<(), Error>) {
    assert_eq!(result, Ok(()));
}

#[tokio::test]
async fn whoever_reads_finds_what_only_waits_for_a_commit() -> Result<()> {
    let (_folder, store) = fresh()?;
    for key in ["a", "b", "c"] {
        store.append_along(set(key), nothing_to_tell);
        assert!(keys(&store).await?.contains(&key.to_owned()), "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn it_is_committed_also_where_no_other_write_comes() -> Result<()> {
    let (folder, store) = fresh()?;
    // Once where the writer has long slept, once right after a commit.
    for key in ["a", "b"] {
        let (told, tell) = oneshot::channel();
        store.append_along(set(key), |result| drop(told.send(result)));
        assert_eq!(tell.await?, Ok(()));
        let seen = Connection::open(folder.path().join("chief.db"))?.query_row(
            "select count(*) from settings where key = ?1",
            [key],
            |row| row.get::<_, u32>(0),
        )?;
        assert_eq!(seen, 1, "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_reads_waits_for_one_that_is_being_committed() -> Result<()> {
    let (_folder, store) = fresh()?;
    let (began, begun) = oneshot::channel();
    let (release, held) = mpsc::channel::<()>();
    let slow = move |tx: &mut Tx<'_>| {
        let _ = began.send(());
        let _ = held.recv();
        settings::set(tx, "slow", &1)
    };
    store.append_along(slow, nothing_to_tell);
    begun.await?;
    let mut read = std::pin::pin!(keys(&store));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut read).await;
    assert!(early.is_err(), "{early:?}");
    drop(release);
    assert_eq!(read.await?, ["slow"]);
    Ok(())
}

#[tokio::test]
async fn it_comes_before_each_write_that_is_asked_for_later() -> Result<()> {
    let (_folder, store) = fresh()?;
    let (release, task) = hold_up(&store).await;
    store.append_along(set("first"), nothing_to_tell);
    let later = store.write(Durability::Normal, |tx| {
        tx.query_row(
            "select count(*) from settings where key = 'first'",
            [],
            |row| row.get::<_, u32>(0),
        )
        .map_err(failed)
    });
    let (found, ()) = tokio::join!(later, async { drop(release) });
    task.await?;
    assert_eq!(found, Ok(1));
    Ok(())
}

#[tokio::test]
async fn a_store_that_closes_writes_it_first_and_one_that_fails_is_told() -> Result<()> {
    let (folder, store) = fresh()?;
    let (told, tell) = oneshot::channel();
    let fails = |_: &mut Tx<'_>| -> Result<(), Error> { Err(Error::new(ErrorCode::NotAKey)) };
    store.append_along(fails, |result| drop(told.send(result)));
    let told = tell.await?.map_err(|error| error.code);
    assert_eq!(told, Err(ErrorCode::NotAKey));
    store.append_along(set("last"), nothing_to_tell);
    drop(store);
    assert_eq!(keys(&Store::open(folder.path())?).await?, ["last"]);
    Ok(())
}

#[tokio::test]
async fn news_of_many_calls_is_told_a_few_times_and_the_last_is_told() -> Result<()> {
    let (_folder, store) = fresh()?;
    let mut changes = store.changes();
    let told = Arc::new(AtomicU32::new(0));
    let began = std::time::Instant::now();
    for _ in 0..200 {
        store
            .write(Durability::Normal, |tx| {
                tx.touch(Topic::Activity);
                Ok(())
            })
            .await?;
        store.announce_soon(Topic::Tasks);
    }
    let took = began.elapsed();
    let count = told.clone();
    let mut last = Vec::new();
    let all = async {
        while let Ok(changed) = changes.recv().await {
            count.fetch_add(1, Ordering::Relaxed);
            last = changed.topics;
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(200), all).await;
    let most = took.as_millis() / 20 + 3;
    let told = told.load(Ordering::Relaxed);
    assert!(u128::from(told) <= most, "{told} in {took:?}");
    assert!(last.contains(&Topic::Tasks), "{last:?}");
    // Anything else is told at once.
    store.write(Durability::Normal, set("a")).await?;
    assert_eq!(changes.recv().await?.topics, [Topic::App]);
    Ok(())
}
