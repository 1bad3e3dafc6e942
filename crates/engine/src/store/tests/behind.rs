//! What is kept between two changes, and what is counted behind the calls.

use super::*;
use crate::store::calls::{CallRow, OutcomeRow};
use std::sync::atomic::AtomicU32;
use wire::{AgentId, AgentView, Because, ByAgent, CallId, IntegrationId, Outcome, RowKind, TaskId};

const AGENT: u128 = 3;
const TASK: u128 = 5;

/// An agent with one task.
async fn paired(store: &Store) -> Result<(), Error> {
    let agent = AgentView {
        id: AgentId(uuid::Uuid::from_u128(AGENT)),
        name: "Chief".to_owned(),
        integrations: None,
        read_only: false,
        paired_at: Time(1),
        expires_at: None,
        last_used_at: None,
        calls: 0,
    };
    let task = tasks::TaskRow {
        id: TaskId(uuid::Uuid::from_u128(TASK)),
        agent: agent.id,
        agent_name: agent.name.clone(),
        key: String::new(),
        title: String::new(),
        url: None,
        begun_at: Time(1),
        last_at: Time(1),
        stopped: None,
        calls: 0,
        failed: 0,
        refused: 0,
    };
    store
        .write(Durability::Normal, move |tx| {
            agents::add(tx, &agent, &[7; 32])?;
            tasks::begin(tx, &task)
        })
        .await
}

/// A call of that agent's, which ends so, or whose process ends before.
async fn call(store: &Store, at: i64, ends: Option<Outcome>) -> Result<(), Error> {
    let row = CallRow {
        id: CallId(uuid::Uuid::now_v7()),
        at: Time(at),
        kind: RowKind::Call,
        integration: Some(IntegrationId(uuid::Uuid::from_u128(9))),
        integration_name: "Orders".to_owned(),
        action: "orders.read".to_owned(),
        because: Because::Task {
            title: "Chief".to_owned(),
            url: None,
            agent: Some(ByAgent {
                id: AgentId(uuid::Uuid::from_u128(AGENT)),
                name: "Chief".to_owned(),
            }),
            task: None,
        },
        sent: None,
    };
    let task = Some(TaskId(uuid::Uuid::from_u128(TASK)));
    store
        .write(Durability::Normal, move |tx| {
            let seq = calls::begin(tx, &row, task)?;
            let Some(outcome) = ends else {
                return Ok(());
            };
            let ended = OutcomeRow {
                intent: (seq, row.at),
                at: row.at.plus(1),
                outcome,
                took_ms: Some(1),
                error: None,
                detail: String::new(),
                got: None,
            };
            calls::finish(tx, &ended)
        })
        .await
}

/// Calls, when the last was, and of the task: calls, failed, refused, when the last was.
async fn counted(store: &Store) -> Result<(u64, Option<Time>, [i64; 4]), Error> {
    store
        .read(|conn| {
            let agent = agents::list(conn)?.pop().expect("it was paired");
            let task = tasks::list(conn, 9)?.pop().expect("it began");
            let of_task = [task.calls, task.failed, task.refused].map(i64::from);
            let [calls, failed, refused] = of_task;
            let sums = [calls, failed, refused, task.last_at.0];
            Ok((u64::from(agent.calls), agent.last_used_at, sums))
        })
        .await
}

#[tokio::test]
async fn calls_that_are_over_are_counted_once_and_what_was_refused_is_no_use() -> Result<()> {
    let (_folder, store) = fresh()?;
    paired(&store).await?;
    for n in 0..250 {
        call(&store, 100 + n, Some(Outcome::Ok)).await?;
    }
    call(&store, 500, Some(Outcome::Failed)).await?;
    call(&store, 600, Some(Outcome::Denied)).await?;
    call(&store, 700, None).await?;
    for _ in 0..2 {
        store.settle().await;
        let sums = [252, 1, 1, 601];
        assert_eq!(counted(&store).await?, (251, Some(Time(501)), sums));
    }
    Ok(())
}

#[tokio::test]
async fn nobody_has_to_ask_for_the_count() -> Result<()> {
    let (_folder, store) = fresh()?;
    paired(&store).await?;
    for n in 0..250 {
        call(&store, 100 + n, Some(Outcome::Ok)).await?;
    }
    let mut looks = 0;
    while counted(&store).await?.0 < 250 {
        looks += 1;
        assert!(looks < 1_000, "ten seconds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_end_of_the_process_left_uncounted_is_counted_by_the_next() -> Result<()> {
    let (folder, store) = fresh()?;
    paired(&store).await?;
    call(&store, 100, Some(Outcome::Ok)).await?;
    call(&store, 200, Some(Outcome::Failed)).await?;
    call(&store, 300, None).await?;
    // Not `settle`: nothing is done at the end.
    drop(store);
    let store = Store::open(folder.path())?;
    let sums = [2, 1, 0, 201];
    assert_eq!(counted(&store).await?, (2, Some(Time(201)), sums));
    let open: i64 = store
        .read(|conn| {
            conn.query_row("select count(*) from open_calls", [], |row| row.get(0))
                .map_err(failed)
        })
        .await?;
    assert_eq!(
        open, 0,
        "how the third went is not known, and never will be"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_kept_is_read_anew_after_a_change_and_only_then() -> Result<()> {
    let (_folder, store) = fresh()?;
    let (kept, reads) = (Kept::<(), i64>::default(), AtomicU32::new(0));
    let look = || {
        kept.get(&store, (), |conn, ()| {
            reads.fetch_add(1, Ordering::Relaxed);
            conn.query_row("select count(*) from settings", [], |row| row.get(0))
                .map_err(failed)
        })
    };
    for _ in 0..3 {
        assert_eq!(*look()?, 0);
    }
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    store
        .write(Durability::Normal, |tx| {
            tx.only_records();
            Ok(())
        })
        .await?;
    assert_eq!((*look()?, reads.load(Ordering::Relaxed)), (0, 1));
    // Whoever was answered sees it; a write that failed changes nothing.
    for (n, key) in ["a", "b", "c"].into_iter().enumerate() {
        store.write(Durability::Normal, set(key)).await?;
        assert_eq!(*look()?, i64::try_from(n)? + 1);
    }
    let refused = |tx: &mut Tx<'_>| -> Result<(), Error> {
        settings::set(tx, "undone", &1)?;
        Err(Error::new(ErrorCode::NotAKey))
    };
    assert!(store.write(Durability::Normal, refused).await.is_err());
    assert_eq!((*look()?, reads.load(Ordering::Relaxed)), (3, 4));
    Ok(())
}

#[tokio::test]
async fn the_log_does_not_grow_without_end_though_every_commit_is_on_disk_at_once() -> Result<()> {
    let (folder, store) = fresh()?;
    let text = "x".repeat(100_000);
    let (mut written, mut most) = (0, 0);
    while written < 8_000_000 {
        let value = text.clone();
        store
            .write(Durability::Full, move |tx| {
                settings::set(tx, "text", &value)
            })
            .await?;
        written += text.len();
        most = most.max(usize::try_from(
            fs::metadata(folder.path().join("chief.db-wal"))?.len(),
        )?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(most < written / 2, "{most} bytes in the log of {written}");
    Ok(())
}

#[tokio::test]
async fn a_reader_of_an_old_snapshot_holds_up_no_write_though_the_log_is_to_be_emptied()
-> Result<()> {
    let (_folder, store) = fresh()?;
    store.write(Durability::Normal, set("first")).await?;
    let (release, held) = mpsc::channel::<()>();
    let (began, begun) = oneshot::channel();
    let reader = store.clone();
    let reading = tokio::spawn(async move {
        reader
            .read(move |connection| {
                let seen = settings::get::<String>(connection, "first");
                let _ = began.send(());
                let _ = held.recv();
                seen
            })
            .await
    });
    begun.await?;
    store.write(Durability::Normal, set("second")).await?;
    let emptied = store.clone();
    let emptied = tokio::spawn(async move { emptied.checkpoint().await });
    // No measure of speed: it was a hundred seconds.
    tokio::time::timeout(Duration::from_secs(60), async {
        emptied.await?.expect_err("the reader holds it");
        store.write(Durability::Normal, set("third")).await?;
        anyhow::Ok(())
    })
    .await??;
    drop(release);
    assert_eq!(reading.await??.as_deref(), Some("first"));
    store.checkpoint().await?;
    Ok(())
}
