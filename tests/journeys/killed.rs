//! The record under an app that dies, and under a disk that fails: what reached the far side is in the
//! record, always.
//!
//! The app that dies is a process of its own: this test's program, started anew, with the real engine on
//! the test's folder. `cargo xtask soak` kills it a thousand times (`CHIEF_KILLS`).

use crate::kit::{
    Home,
    resting::Resting,
    scripted::{Scripted, json as json_answer},
    targets,
};
use anyhow::{Context, Result, ensure};
use engine::{
    Engine, Options,
    fakes::{FakeDesk, MemoryKeyring},
    ports::{Keyring as _, Ports, SystemClock},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use std::{
    collections::BTreeSet,
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;
use wire::{Because, IntegrationId, RecordState};

/// What the child is told.
const FOLDER: &str = "CHIEF_TEST_KILLED_FOLDER";
const KEYRING: &str = "CHIEF_TEST_KILLED_KEYRING";
const INTEGRATION: &str = "CHIEF_TEST_KILLED_INTEGRATION";
/// How often it is killed.
const KILLS: &str = "CHIEF_KILLS";
/// Calls under way at once.
const CALLERS: usize = 8;

/// A far side that answers everything, and counts.
struct Far {
    server: Scripted,
}

impl Far {
    async fn serve() -> Result<Self> {
        let server =
            Scripted::serve(|_| async move { json_answer(200, &json!({ "ok": true })) }).await?;
        Ok(Self { server })
    }

    /// The calls that arrived, by the number that each has of its own.
    fn arrived(&self) -> BTreeSet<String> {
        let seen = self.server.seen();
        let calls = seen.iter().filter_map(|seen| seen.path.strip_prefix("/n/"));
        calls.map(str::to_owned).collect()
    }
}

/// Ends the child also where the test fails half way.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be dead already: that is what the test is about.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connected, and at rest: its folder and keyring are the child's from now on.
async fn connected(far: &Far) -> Result<(Home, IntegrationId)> {
    let home = Home::new().await?;
    let id = home
        .connect(targets::api(
            &far.server.url(""),
            "/health",
            targets::bearer("sk_test"),
        ))
        .await?;
    Ok((home, id))
}

fn child(home: &Resting, id: IntegrationId, test: &str, before: &[&str]) -> Result<Running> {
    let mut keyring = String::new();
    for item in home.keyring.items() {
        let bytes = home.keyring.read(&item)?.context("it was listed")?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        keyring += &format!("{item}={hex};");
    }
    let program = env::current_exe()?;
    let mut command = match before.split_first() {
        None => Command::new(program),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    let child = command
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, home.folder())
        .env(KEYRING, keyring)
        .env(INTEGRATION, id.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("the child did not start")?;
    Ok(Running(child))
}

/// The child: calls without end, and says how each went.
async fn call_for_ever(folder: PathBuf) -> Result<()> {
    let keyring = MemoryKeyring::default();
    for item in env::var(KEYRING)?.split_terminator(';') {
        let (name, hex) = item.split_once('=').context("an item")?;
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .filter_map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
            .collect();
        keyring.write(name, &bytes)?;
    }
    let id: IntegrationId = env::var(INTEGRATION)?.parse()?;
    let engine = Engine::start(
        Options {
            log_folder: folder.join("logs"),
            providers: engine::providers::Sources::default(),
            folder,
            version: "0.0.0-test".to_owned(),
            client_document: None,
        },
        Ports {
            clock: Arc::new(SystemClock),
            desk: Arc::new(FakeDesk::default()),
            keyring: Arc::new(keyring),
        },
    )
    .await?;
    writeln!(std::io::stdout(), "pid {}.", std::process::id())?;
    let callers = (0..CALLERS).map(|_| {
        let engine = engine.clone();
        async move {
            // Nobody killed it: the test that should have done so has gone.
            for _ in 0..20_000 {
                let n = uuid::Uuid::now_v7().to_string();
                let asked = json!({ "method": "GET", "path": format!("/n/{n}") });
                let because = Because::task(&n, None);
                let cancel = CancellationToken::new();
                let done = engine::calls::call(&engine, id, "call", asked, because, cancel).await;
                let word = match done {
                    Ok(_) => "done".to_owned(),
                    Err(error) => format!("refused {}", error.code.as_str()),
                };
                writeln!(std::io::stdout(), "{word} {n}.")?;
            }
            Ok::<_, anyhow::Error>(())
        }
    });
    futures::future::try_join_all(callers).await?;
    Ok(())
}

/// What the record has of the calls: each one's number, and how it ended.
fn recorded(folder: &Path) -> Result<Vec<(String, Option<String>)>> {
    let file = folder.join("chief.db");
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = database.prepare(
        // With what the next start files.
        "with begun as (select seq, kind, because from calls \
           union all select seq, kind, because from intake_calls), \
         ended as (select call_seq, outcome from outcomes \
           union all select call_seq, outcome from intake_outcomes) \
         select b.because ->> '$.title', e.outcome from begun b \
         left join ended e on e.call_seq = b.seq where b.kind = 'call'",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Every call that arrived has its row; every row that ended well arrived; what has no outcome is no more
/// than what was under way.
fn agree(far: &Far, folder: &Path, deaths: usize) -> Result<()> {
    let rows = recorded(folder)?;
    let intents: BTreeSet<String> = rows.iter().map(|(n, _)| n.clone()).collect();
    ensure!(intents.len() == rows.len(), "one row for each call");
    let arrived = far.arrived();
    let unrecorded: Vec<&String> = arrived.difference(&intents).collect();
    ensure!(
        unrecorded.is_empty(),
        "nothing of these is recorded: {unrecorded:?}"
    );
    for (n, outcome) in &rows {
        let well = outcome.as_deref() == Some("ok");
        ensure!(
            !well || arrived.contains(n),
            "{n} ended well, and never arrived"
        );
    }
    let not_sent = intents.difference(&arrived).count();
    ensure!(
        not_sent <= deaths * CALLERS,
        "{not_sent} rows of calls that never arrived, after {deaths} deaths"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrived_is_recorded_however_often_the_app_is_killed() -> Result<()> {
    let test = "killed::what_arrived_is_recorded_however_often_the_app_is_killed";
    if let Ok(folder) = env::var(FOLDER) {
        return call_for_ever(folder.into()).await;
    }
    let kills: usize = env::var(KILLS).map_or(Ok(20), |kills| kills.parse())?;
    let far = Far::serve().await?;
    let (home, id) = connected(&far).await?;
    let home = home.rest().await?;
    for kill in 0..kills {
        let mut child = child(&home, id, test, &[])?;
        let lines = BufReader::new(child.0.stdout.take().context("it is piped")?).lines();
        // Another number of calls each time, so that it dies at another place.
        let wanted = 3 + kill % 17 * 4;
        let told = lines
            .map_while(Result::ok)
            .filter(|line| line.contains("done "))
            .take(wanted)
            .count();
        ensure!(
            told == wanted,
            "it ended by itself in round {kill}, after {told}"
        );
        child.0.kill()?;
        child.0.wait()?;
        agree(&far, home.folder(), kill + 1)?;
    }
    let home = home.wake().await?;
    let proof = home.ask::<wire::VerifyRecord>(json!({})).await?;
    ensure!(proof.state == RecordState::Intact, "{proof:?}");
    let unfinished = recorded(home.folder())?
        .into_iter()
        .filter(|(_, outcome)| outcome.is_none())
        .count();
    ensure!(
        unfinished == 0,
        "{unfinished} rows still look as if they ran"
    );
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_or_fails_lets_no_call_out() -> Result<()> {
    let test = "killed::a_disk_that_is_full_or_fails_lets_no_call_out";
    if let Ok(folder) = env::var(FOLDER) {
        return call_for_ever(folder.into()).await;
    }
    let far = Far::serve().await?;
    let (home, id) = connected(&far).await?;
    let home = home.rest().await?;
    for fault in ["ENOSPC", "EIO"] {
        let log = home.folder().join("chief.db-wal");
        let log = log.display().to_string();
        // From the sixtieth write to the log on, the disk takes nothing more.
        let inject = format!("inject=write,pwrite64:error={fault}:when=60+");
        let strace = [
            "strace",
            "-qqf",
            "-o",
            "/dev/null",
            "-P",
            &log,
            "-e",
            &inject,
        ];
        let before = far.arrived().len();
        let mut child = child(&home, id, test, &strace)?;
        let lines = BufReader::new(child.0.stdout.take().context("it is piped")?).lines();
        let (mut done, mut refused, mut process) = (0, 0, String::new());
        for line in lines.map_while(Result::ok) {
            if let Some((_, pid)) = line.split_once("pid ") {
                pid.trim_end_matches('.').clone_into(&mut process);
            }
            done += usize::from(line.contains("done "));
            refused += usize::from(line.contains("refused store-"));
            if refused >= 4 * CALLERS {
                break;
            }
        }
        ensure!(
            refused >= 4 * CALLERS,
            "{fault}: {refused} refused, {done} done"
        );
        // The app itself; strace ends with it.
        Command::new("kill").args(["-9", &process]).status()?;
        child.0.wait()?;
        // A call whose outcome could not be written had its intent on disk before it left.
        let arrived = far.arrived().len() - before;
        ensure!(
            arrived <= done + CALLERS,
            "{fault}: {arrived} arrived, though {done} were done and the rest refused"
        );
        agree(&far, home.folder(), 100)?;
    }
    Ok(())
}
