//! The engine in a process of its own, so that it can be killed: this very program once more, which
//! runs the one test that started it, and there finds itself [`asked`].

use super::Home;
use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::{
    Engine, Options,
    fakes::{FakeClock, FakeDesk, MemoryKeyring},
    ports::{Clock, Keyring as _, Ports},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use wire::{ErrorCode, IntegrationId, Time};

/// The variable that holds the [`Errand`].
const ERRAND: &str = "CHIEF_TEST_ERRAND";
/// Two cores may be busy with a build.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the other process opens.
#[derive(Serialize, Deserialize)]
struct Errand {
    folder: PathBuf,
    now: Time,
    /// The keyring's items, in base64: they are the tests' own.
    items: BTreeMap<String, String>,
}

/// A home whose engine has ended.
pub struct Closed {
    keyring: Arc<MemoryKeyring>,
    clock: Arc<dyn Clock>,
    folder: Arc<TempDir>,
    replies: Arc<Mutex<Vec<String>>>,
}

impl Home {
    /// Ends this engine and keeps what another needs.
    pub async fn close(self) -> Closed {
        let events = self.desk.changes();
        self.replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(
                events
                    .iter()
                    .filter_map(|event| serde_json::to_string(event).ok()),
            );
        self.engine.stop().await;
        Closed {
            keyring: self.keyring,
            clock: self.clock,
            folder: self.folder,
            replies: self.replies,
        }
    }

    /// Another process on the same data, while this engine runs.
    pub fn beside(&self, test: &str) -> Result<Other> {
        let errand = errand(self.folder.path().to_owned(), &*self.clock, &self.keyring)?;
        Other::start(Command::new(std::env::current_exe()?), test, &errand)
    }
}

impl Closed {
    /// Another engine on the same folder, clock and keyring.
    pub async fn open(self) -> Result<Home> {
        Home::open(self.folder, self.clock, self.keyring, self.replies).await
    }

    /// Another process on the same data, which begins by `command` (this program, or one that starts
    /// it).
    pub fn elsewhere(&self, command: Command, test: &str) -> Result<Other> {
        let errand = errand(self.folder.path().to_owned(), &*self.clock, &self.keyring)?;
        Other::start(command, test, &errand)
    }

    /// Where its data lies.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

fn errand(folder: PathBuf, clock: &dyn Clock, keyring: &MemoryKeyring) -> Result<String> {
    let mut items = BTreeMap::new();
    for item in keyring.items() {
        if let Some(bytes) = keyring.read(&item)? {
            items.insert(item, STANDARD.encode(&*bytes));
        }
    }
    let now = clock.now();
    Ok(serde_json::to_string(&Errand { folder, now, items })?)
}

/// The other process. It ends when dropped.
pub struct Other {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(mut command: Command, test: &str, errand: &str) -> Result<Self> {
        let mut child = command
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(ERRAND, errand)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("the other process")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let lines = BufReader::new(stdout).lines();
        Ok(Self { child, lines })
    }

    /// Waits until it has said a line that begins like this; the whole line.
    pub async fn says(&mut self, what: &str) -> Result<String> {
        self.says_one_of(&[what]).await
    }

    /// The same, with more than one way to begin.
    pub async fn says_one_of(&mut self, what: &[&str]) -> Result<String> {
        let mut heard = Vec::new();
        let listen = async {
            while let Some(line) = self.lines.next_line().await? {
                // The first line follows the test's name.
                let line = match line.split_once(" ... ") {
                    Some((_, said)) => said.to_owned(),
                    None => line,
                };
                if what.iter().any(|what| line.starts_with(what)) {
                    return Ok(line);
                }
                heard.push(line);
            }
            bail!("it ended")
        };
        let told: Result<String> = match tokio::time::timeout(PATIENCE, listen).await {
            Ok(told) => told,
            Err(_) => bail!("it never said {what:?}; it said {heard:?}"),
        };
        told.with_context(|| format!("it never said {what:?}; it said {heard:?}"))
    }

    /// `kill -9`.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("it had ended before")
    }

    /// Waits for its end.
    pub async fn ends(mut self) -> Result<()> {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await??;
        anyhow::ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

/// True in the other process.
pub fn asked() -> bool {
    std::env::var_os(ERRAND).is_some()
}

/// In the other process: the engine on the data that it was given; tried again while another still
/// closes its file, where `patiently`.
pub async fn engine(patiently: bool) -> Result<Engine, wire::Error> {
    let bad = |why: String| wire::Error::new(ErrorCode::Internal).with("why", why);
    let errand = std::env::var(ERRAND).map_err(|error| bad(error.to_string()))?;
    let errand: Errand = serde_json::from_str(&errand).map_err(|error| bad(error.to_string()))?;
    let keyring = MemoryKeyring::default();
    for (item, bytes) in &errand.items {
        let bytes = STANDARD
            .decode(bytes)
            .map_err(|error| bad(error.to_string()))?;
        keyring
            .write(item, &bytes)
            .map_err(|error| bad(error.to_string()))?;
    }
    let options = Options {
        client_document: None,
        log_folder: errand.folder.join("logs"),
        providers: engine::providers::Sources::with_loopback(errand.folder.join("providers")),
        folder: errand.folder,
        version: "0.0.0-test".to_owned(),
    };
    let ports = Ports {
        clock: Arc::new(FakeClock::at(errand.now)),
        desk: Arc::new(FakeDesk::default()),
        keyring: Arc::new(keyring),
    };
    let began = Instant::now();
    loop {
        match Engine::start(options.clone(), ports.clone()).await {
            Err(error)
                if patiently
                    && error.code == ErrorCode::StoreInUse
                    && began.elapsed() < PATIENCE =>
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            started => return started,
        }
    }
}

/// The one integration there is.
pub async fn only(engine: &Engine) -> Result<IntegrationId> {
    let cards =
        engine::commands::answer(engine, "list_integrations", serde_json::json!({})).await?;
    Ok(serde_json::from_value(cards[0]["id"].clone())?)
}

/// In the other process: calls a tool of the one integration and says what came of it.
pub async fn calls(tool: &str) -> Result<()> {
    match engine(true).await {
        Err(error) => println!("did not start: {error}"),
        Ok(engine) => {
            let id = only(&engine).await?;
            match super::call(&engine, id, tool, serde_json::json!({})).await {
                Ok(_) => println!("answered"),
                Err(error) => println!("refused: {error}"),
            }
        }
    }
    Ok(())
}
