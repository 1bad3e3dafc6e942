//! The store under a process that dies: killed again and again while it commits, takes backups and
//! migrates, it loses no row that was answered, and the data stays whole.

use anyhow::{Context, Result, bail, ensure};
use chief_engine::store::{
    Durability, Store, backup, calls, calls::CallRow, calls::Filter, settings,
};
use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use uuid::Uuid;
use wire::{Because, CallId, Outcome, RowKind, Time};

const FOLDER: &str = "CHIEF_TEST_STORE";
const KILLS: u32 = 25;

/// Ends the writing process also where the test fails half way.
struct Writing(Child);

impl Drop for Writing {
    fn drop(&mut self) {
        // It may be dead already: that is what the test is about.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_that_is_killed_while_it_commits_loses_no_answered_row() -> Result<()> {
    let test = "a_process_that_is_killed_while_it_commits_loses_no_answered_row";
    if let Ok(folder) = env::var(FOLDER) {
        return write_for_ever(Path::new(&folder));
    }
    let folder = tempfile::tempdir()?;
    let mut answered = BTreeSet::new();
    for kill in 0..KILLS {
        let child = Command::new(env::current_exe()?)
            .args(["--exact", test, "--nocapture"])
            .env(FOLDER, folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut child = Writing(child);
        let mut lines = BufReader::new(child.0.stdout.take().context("it is piped")?).lines();
        let mut told = 0;
        // Another number of rows each time, so that it dies at another place.
        while told < 5 + kill * 7 {
            match lines.next() {
                Some(line) => told += u32::from(note(&line?, &mut answered)),
                None => bail!("it ended by itself, after {told} rows in round {kill}"),
            }
        }
        child.0.kill()?;
        child.0.wait()?;
        // What it had said before it died counts too.
        for line in lines {
            note(&line?, &mut answered);
        }
        verify(folder.path(), &answered)?;
    }
    ensure!(
        answered.len() > 1_000,
        "only {} rows were written",
        answered.len()
    );
    Ok(())
}

/// True where the line tells of a row. A line that was cut off tells nothing.
fn note(line: &str, answered: &mut BTreeSet<Uuid>) -> bool {
    let id = line
        .strip_prefix("row ")
        .and_then(|line| line.strip_suffix('.'));
    id.and_then(|id| id.parse().ok())
        .is_some_and(|id| answered.insert(id))
}

/// Sixteen writers at once, of both durabilities, each telling of a row once it was answered.
fn write_for_ever(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = Store::open(folder)?;
        let began = Instant::now();
        let writers = (0..16).map(|n: u32| {
            let store = store.clone();
            async move {
                // Nobody killed it: the test that should have done so has gone.
                while began.elapsed() < Duration::from_secs(60) {
                    let id = Uuid::now_v7();
                    let durability = if n.is_multiple_of(4) {
                        Durability::Full
                    } else {
                        Durability::Normal
                    };
                    let row = CallRow {
                        id: CallId(id),
                        at: Time(1),
                        kind: RowKind::Call,
                        integration: None,
                        integration_name: "Orders".into(),
                        action: "orders.call".into(),
                        because: Because::Health,
                        sent: None,
                    };
                    store
                        .write(durability, move |tx| {
                            // Two tables in one commit: both or neither.
                            settings::set(tx, &id.to_string(), &n)?;
                            calls::note(tx, &row, Outcome::Ok, "HTTP 200")
                        })
                        .await?;
                    writeln!(std::io::stdout(), "row {id}.")?;
                }
                Ok::<_, anyhow::Error>(())
            }
        });
        let backups = async {
            while began.elapsed() < Duration::from_secs(60) {
                store.backup(Time(1), backup::KEPT).await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        futures::future::try_join(futures::future::try_join_all(writers), backups).await?;
        Ok(())
    })
}

/// Killed a little later each time, until once it lives long enough to be done.
#[test]
fn a_process_that_is_killed_while_it_migrates_leaves_the_old_data_or_the_new() -> Result<()> {
    let test = "a_process_that_is_killed_while_it_migrates_leaves_the_old_data_or_the_new";
    if let Ok(folder) = env::var(FOLDER) {
        let _store = Store::open(Path::new(&folder))?;
        println!("migrated");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("chief.db");
    let old = rusqlite::Connection::open(&file)?;
    old.execute_batch(include_str!("../src/store/schema/1.sql"))?;
    // Enough of it that the copy and the steps take a while.
    old.execute_batch(
        "pragma user_version = 1;
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
         insert into settings (key, value) select 'key ' || i, json_quote(hex(randomblob(100))) from n;",
    )?;
    drop(old);
    let mut done = false;
    for kill in 0..200_u64 {
        let child = Command::new(env::current_exe()?)
            .args(["--exact", test, "--nocapture"])
            .env(FOLDER, folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut child = Writing(child);
        let until = Instant::now() + Duration::from_millis(5 + kill * 4);
        while Instant::now() < until && child.0.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        done = child.0.try_wait()?.is_some_and(|status| status.success());
        child.0.kill()?;
        child.0.wait()?;
        let left = rusqlite::Connection::open(&file)?;
        let look = |sql: &str| left.query_row(sql, [], |row| row.get::<_, String>(0));
        ensure!(look("pragma integrity_check")? == "ok", "after kill {kill}");
        let rows = look("select cast(count(*) as text) from settings where key like 'key %'")?;
        ensure!(rows == "20000", "{rows} rows after kill {kill}");
        if done {
            println!("done after {kill} kills");
            break;
        }
    }
    ensure!(done, "it never lived long enough");
    Store::open(folder.path())?;
    Ok(())
}

/// Opens what the dead process left: whole, every answered row there, no half commit.
fn verify(folder: &Path, answered: &BTreeSet<Uuid>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let store = Store::open(folder)?;
        ensure!(store.restored().is_none(), "a kill damages nothing");
        let (whole, halves) = store
            .read(|connection| {
                let look = |sql| connection.query_row(sql, [], |row| row.get::<_, String>(0));
                let halves = "select cast( \
                     (select count(*) from (select id from calls except select key from settings)) \
                     + (select count(*) from (select key from settings except select c.id from outcomes o join calls c on c.seq = o.call_seq)) \
                     as text)";
                let look = || Ok((look("pragma integrity_check")?, look(halves)?));
                look().map_err(chief_engine::store::failed)
            })
            .await?;
        ensure!(whole == "ok", "{whole}");
        for (_, copy) in backup::all(folder) {
            let copy = rusqlite::Connection::open(copy)?;
            let whole: String = copy.query_row("pragma integrity_check", [], |row| row.get(0))?;
            ensure!(whole == "ok", "a backup: {whole}");
        }
        ensure!(halves == "0", "a commit is there by half: {halves}");
        let mut found = BTreeSet::new();
        let mut filter = Filter {
            limit: calls::PAGE,
            ..Filter::default()
        };
        loop {
            let asked = filter.clone();
            let page = store
                .read(move |connection| calls::page(connection, &asked))
                .await?;
            found.extend(page.rows.iter().map(|row| row.id));
            match page.next {
                Some(next) => filter.before = Some(next),
                None => break,
            }
        }
        let lost: Vec<_> = answered.difference(&found).collect();
        ensure!(
            lost.is_empty(),
            "{} answered rows are lost: {lost:?}",
            lost.len()
        );
        Ok(())
    })
}
