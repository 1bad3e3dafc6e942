//! Rows of calls that lie in the intake.

use super::*;
use crate::store::{
    calls::{self, tests as rows},
    intake::MANY,
};
use wire::{CallId, Outcome, TaskId};

/// A call that begins, in a task, by the way of every call. Its place.
pub(super) async fn begun(store: &Store, id: u128) -> Result<i64, Error> {
    let task = Some(TaskId(uuid::Uuid::from_u128(5)));
    let begin = move |tx: &mut Tx<'_>| calls::begin(tx, &rows::call(id, 10, None), task);
    store.append(Durability::Normal, begin).await
}

pub(super) async fn ended(store: &Store, place: i64) -> Result<(), Error> {
    let outcome = rows::ended((place, Time(10)), Outcome::Failed);
    let finish = move |tx: &mut Tx<'_>| calls::finish(tx, &outcome);
    store.append(Durability::Normal, finish).await
}

/// Rows in both tables of the intake, and in both of the record, for whoever looks from outside.
pub(super) fn lie(folder: &Path) -> Result<[usize; 2]> {
    let file = Connection::open(folder.join("chief.db"))?;
    let count = |one: &str, other: &str| {
        let sql = format!("select (select count(*) from {one}) + (select count(*) from {other})");
        file.query_row(&sql, [], |row| row.get(0))
    };
    Ok([
        count("intake_calls", "intake_outcomes")?,
        count("calls", "outcomes")?,
    ])
}

/// How a call ended, for whoever reads.
pub(super) async fn outcome(store: &Store, id: u128) -> Result<Option<bool>, Error> {
    let id = CallId(uuid::Uuid::from_u128(id));
    let row = store.read(move |conn| calls::detail(conn, id)).await?;
    Ok(row.map(|row| row.outcome.is_some()))
}

#[tokio::test]
async fn whoever_reads_or_writes_finds_them_in_the_record() -> Result<()> {
    let (folder, store) = fresh()?;
    let place = begun(&store, 1).await?;
    assert_eq!(lie(folder.path())?, [1, 0]);
    assert_eq!(outcome(&store, 1).await?, Some(false));
    assert_eq!(lie(folder.path())?, [0, 1]);
    ended(&store, place).await?;
    begun(&store, 2).await?;
    assert_eq!(lie(folder.path())?, [2, 1]);
    let found = store.write(Durability::Normal, |tx| {
        tx.query_row("select count(*) from outcomes, calls", [], |row| row.get(0))
            .map_err(failed)
    });
    assert_eq!(found.await, Ok(2));
    assert_eq!(outcome(&store, 1).await?, Some(true));
    Ok(())
}

#[tokio::test]
async fn a_write_that_fails_leaves_them_where_they_can_be_found() -> Result<()> {
    let (folder, store) = fresh()?;
    begun(&store, 1).await?;
    let fails = |_: &mut Tx<'_>| -> Result<(), Error> { Err(Error::new(ErrorCode::NotAKey)) };
    assert!(store.write(Durability::Normal, fails).await.is_err());
    assert_eq!(lie(folder.path())?, [1, 0]);
    assert_eq!(outcome(&store, 1).await?, Some(false));
    Ok(())
}

#[tokio::test]
async fn a_call_has_one_outcome_wherever_its_rows_lie_and_none_that_did_not_begin() -> Result<()> {
    let (_folder, store) = fresh()?;
    // Whether what was written before is filed before the first outcome, and before the second.
    for (id, filed) in [[false, false], [true, false], [false, true], [true, true]]
        .into_iter()
        .enumerate()
    {
        let place = begun(&store, u128::try_from(id)?).await?;
        for (n, filed) in filed.into_iter().enumerate() {
            if filed {
                outcome(&store, 0).await?;
            }
            let done = ended(&store, place).await;
            assert_eq!(done.is_ok(), n == 0, "{id} {filed}: {done:?}");
        }
        assert!(ended(&store, place + 900).await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn many_of_them_are_filed_though_nobody_asks_and_few_a_moment_after() -> Result<()> {
    let (folder, store) = fresh()?;
    for id in 0..MANY {
        begun(&store, u128::try_from(id)?).await?;
    }
    // The last one's answer came before the filing.
    let none_left = async || -> Result<()> {
        let mut looks = 0;
        while lie(folder.path())?[0] > 0 {
            looks += 1;
            assert!(looks < 1_000, "ten seconds");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    };
    none_left().await?;
    begun(&store, u128::MAX).await?;
    none_left().await?;
    assert_eq!(lie(folder.path())?, [0, MANY + 1]);
    Ok(())
}

/// The data of an app that was killed with two rows of three in the intake.
pub(super) async fn killed() -> Result<TempDir> {
    let (folder, store) = fresh()?;
    let first = begun(&store, 1).await?;
    outcome(&store, 1).await?;
    ended(&store, first).await?;
    begun(&store, 2).await?;
    assert_eq!(lie(folder.path())?, [2, 1]);
    let copy = tempfile::tempdir()?;
    for name in ["chief.db", "chief.db-wal"] {
        fs::copy(folder.path().join(name), copy.path().join(name))?;
    }
    Ok(copy)
}

/// What a check of the record finds.
pub(super) async fn walked(store: &Store) -> Result<record::walk::Walk, Error> {
    let walk = |conn: &Connection| {
        let keys = record::keys::Keys::default();
        record::walk::walk(conn, &keys, None, i64::MAX)
    };
    store.read(walk).await
}

#[tokio::test]
async fn what_a_killed_app_left_there_is_filed_by_the_next_and_bound_to_the_rest() -> Result<()> {
    let folder = killed().await?;
    let next = Store::open(folder.path())?;
    // How the second went is not known: that is its outcome.
    assert_eq!(lie(folder.path())?, [0, 4]);
    assert_eq!(outcome(&next, 1).await?, Some(true));
    assert_eq!(begun(&next, 3).await?, 5);
    let whole = record::walk::Walk {
        rows: 5,
        keyless: 5,
        ..record::walk::Walk::default()
    };
    assert_eq!(walked(&next).await?, whole);
    Ok(())
}

#[tokio::test]
async fn whoever_changes_adds_or_takes_away_what_lies_there_is_found_out() -> Result<()> {
    let second = "(select seq from intake_calls)";
    for (hand, place) in [
        ("update intake_calls set action = 'nothing'".to_owned(), 3),
        ("update intake_outcomes set outcome = 'ok'".to_owned(), 2),
        ("delete from intake_outcomes".to_owned(), 2),
        // A second row in the place of one that is filed: the end is cut off, which the anchor knows.
        (
            format!("update intake_calls set seq = 1 where seq = {second}"),
            0,
        ),
    ] {
        let folder = killed().await?;
        let file = Connection::open(folder.path().join("chief.db"))?;
        file.execute_batch(
            "drop trigger intake_calls_no_update; drop trigger intake_outcomes_no_update",
        )?;
        file.execute_batch(&hand)?;
        file.close().map_err(|(_, error)| error)?;
        let next = Store::open(folder.path())?;
        assert_eq!(begun(&next, 3).await.map(|seq| seq > 0), Ok(true), "{hand}");
        let fault = walked(&next).await?.fault.map_or(0, |(_, seq)| seq);
        assert_eq!(fault, place, "{hand}");
        assert_eq!(lie(folder.path())?[0], 0, "{hand}");
    }
    Ok(())
}
