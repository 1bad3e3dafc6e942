//! What every journey stands on: an engine in a folder of its own, asked through the same table of
//! commands as the window asks it, and everything it said kept for the search for secrets.

pub mod acted;
pub mod agent;
pub mod authority;
pub mod browser;
pub mod changing;
pub mod child;
pub mod client;
pub mod health;
pub mod hosted;
mod log;
pub mod mcp;
pub mod net;
pub mod odd;
pub mod resting;
pub mod scripted;
pub mod search;
pub mod targets;

pub use log::log_file;

use anyhow::{Context, Result, bail};
use engine::{
    Engine, Options,
    fakes::{FakeClock, FakeDesk, MemoryKeyring},
    ports::{Clock, Keyring, Ports, SystemClock},
    store::Store,
    vault::{Credential, Vault},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wire::{
    AttemptId, AttemptView, Because, CardView, Command, ErrorCode, IntegrationId, Phase, Question,
    RowKind, RowView,
};

/// Longest wait for something that happens by itself; a journey that needs it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One engine on one data folder, with its three ports.
pub struct Home {
    pub engine: Engine,
    pub desk: Arc<FakeDesk>,
    pub keyring: Arc<MemoryKeyring>,
    clock: Arc<dyn Clock>,
    folder: Arc<TempDir>,
    /// Every reply and every error, as it crossed the boundary.
    replies: Arc<Mutex<Vec<String>>>,
}

impl Home {
    /// An empty folder and the computer's own clock.
    pub async fn new() -> Result<Self> {
        Self::with_clock(Arc::new(SystemClock)).await
    }

    /// An empty folder and a clock that stands still at the present.
    pub async fn with_fake_clock() -> Result<(Self, Arc<FakeClock>)> {
        let clock = Arc::new(FakeClock::at(SystemClock.now()));
        Ok((Self::with_clock(clock.clone()).await?, clock))
    }

    async fn with_clock(clock: Arc<dyn Clock>) -> Result<Self> {
        let folder = Arc::new(
            tempfile::Builder::new()
                .prefix("chief-journey-")
                .tempdir()?,
        );
        Self::open(folder, clock, Arc::default(), Arc::default()).await
    }

    /// An engine on a folder that is there already, such as an old copy.
    pub async fn on_copy(copy: TempDir, keyring: Arc<MemoryKeyring>) -> Result<Self> {
        Self::on_copy_at(copy, keyring, Arc::new(SystemClock)).await
    }

    /// The same by another clock.
    pub async fn on_copy_at(
        copy: TempDir,
        keyring: Arc<MemoryKeyring>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Self::open(Arc::new(copy), clock, keyring, Arc::default()).await
    }

    async fn open(
        folder: Arc<TempDir>,
        clock: Arc<dyn Clock>,
        keyring: Arc<MemoryKeyring>,
        replies: Arc<Mutex<Vec<String>>>,
    ) -> Result<Self> {
        let options = hosted::options(folder.path());
        Self::open_as(options, folder, (clock, keyring), replies).await
    }

    async fn open_as(
        options: Options,
        folder: Arc<TempDir>,
        (clock, keyring): (Arc<dyn Clock>, Arc<MemoryKeyring>),
        replies: Arc<Mutex<Vec<String>>>,
    ) -> Result<Self> {
        log_file()?;
        let desk = Arc::new(FakeDesk::default());
        let ports = Ports {
            clock: clock.clone(),
            desk: desk.clone(),
            keyring: keyring.clone(),
        };
        let began = Instant::now();
        let engine = loop {
            match Engine::start(options.clone(), ports.clone()).await {
                Ok(engine) => break engine,
                // The last engine on this folder is still closing its file.
                Err(error)
                    if error.code == ErrorCode::StoreInUse
                        && began.elapsed() < Duration::from_secs(10) =>
                {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        Ok(Self {
            engine,
            desk,
            keyring,
            clock,
            folder,
            replies,
        })
    }

    /// Ends this engine and starts another on the same folder, clock and keyring.
    pub async fn restart(self) -> Result<Self> {
        self.rest().await?.wake().await
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks one command as the window does: JSON in, JSON out.
    pub async fn ask<C: Command>(&self, request: Value) -> Result<C::Reply, wire::Error> {
        let answer = engine::commands::answer(&self.engine, C::NAME, request).await;
        let said = match &answer {
            Ok(reply) => format!("{} {reply}", C::NAME),
            Err(error) => format!(
                "{} {}",
                C::NAME,
                serde_json::to_string(error).unwrap_or_default()
            ),
        };
        self.replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(said);
        serde_json::from_value(answer?)
            .map_err(|e| wire::Error::new(ErrorCode::Internal).with("why", e.to_string()))
    }

    /// Everything that came out of this home: replies, errors, events, and what the browser was given.
    pub fn said(&self) -> Vec<String> {
        let mut said = self
            .replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        said.extend(
            self.desk
                .changes()
                .iter()
                .filter_map(|changed| serde_json::to_string(changed).ok()),
        );
        said.extend(self.desk.opened());
        said
    }

    // --- connecting --------------------------------------------------------------------------

    /// Begins to connect; the loopback address of the tests' servers is confirmed.
    pub async fn begin(&self, target: Value) -> Result<AttemptId, wire::Error> {
        let request = json!({ "target": target, "confirmed": { "private_address": true } });
        Ok(self.ask::<wire::StartConnect>(request).await?.id)
    }

    /// Connects what needs no browser, or whose browser works by itself.
    pub async fn connect(&self, target: Value) -> Result<IntegrationId> {
        let attempt = self.begin(target).await?;
        self.done(attempt).await
    }

    /// Begins to reconnect.
    pub async fn begin_again(
        &self,
        id: IntegrationId,
        key: Option<&str>,
    ) -> Result<AttemptId, wire::Error> {
        let request =
            json!({ "id": id, "fresh_key": key, "confirmed": { "private_address": true } });
        Ok(self.ask::<wire::Reconnect>(request).await?.id)
    }

    /// Where the attempt stands once it waits for somebody, or is over.
    pub async fn rests(&self, id: AttemptId) -> Result<Phase> {
        self.attempt(id, |view| match &view.phase {
            Phase::Checking | Phase::Exchanging | Phase::Proving => None,
            Phase::WaitingForBrowser { .. }
            | Phase::WaitingForCode { .. }
            | Phase::Asking { .. }
            | Phase::Done { .. }
            | Phase::Failed { .. } => Some(view.phase.clone()),
        })
        .await
    }

    /// The attempt ends well.
    pub async fn done(&self, id: AttemptId) -> Result<IntegrationId> {
        match self.over(id).await? {
            Phase::Done { integration, .. } => Ok(integration),
            Phase::Failed { error } => Err(error.into()),
            other => bail!("the attempt stands at {other:?}"),
        }
    }

    /// The attempt ends badly.
    pub async fn fails(&self, id: AttemptId) -> Result<wire::Error> {
        match self.over(id).await? {
            Phase::Failed { error } => Ok(error),
            other => bail!("the attempt stands at {other:?}"),
        }
    }

    /// The attempt asks something.
    pub async fn asks(&self, id: AttemptId) -> Result<Question> {
        match self.rests(id).await? {
            Phase::Asking { question } => Ok(question),
            other => bail!("the attempt stands at {other:?}"),
        }
    }

    /// The attempt waits for the browser. The link that was opened.
    pub async fn waits_for_browser(&self, id: AttemptId) -> Result<String> {
        match self.rests(id).await? {
            Phase::WaitingForBrowser { .. } => {}
            other => bail!("the attempt stands at {other:?}"),
        }
        let began = Instant::now();
        loop {
            // The phase is told a moment before the browser is opened.
            if let Ok(link) = self.ask::<wire::AttemptLink>(json!({ "id": id })).await {
                return Ok(link);
            }
            tick(began, "the link").await?;
        }
    }

    async fn over(&self, id: AttemptId) -> Result<Phase> {
        let asked = Instant::now();
        self.attempt(id, |view| match &view.phase {
            phase if phase.is_over() => Some(phase.clone()),
            // Nobody will answer: the journey is stuck, and says where.
            Phase::Asking { .. } if asked.elapsed() > Duration::from_secs(5) => {
                Some(view.phase.clone())
            }
            _ => None,
        })
        .await
    }

    async fn attempt(
        &self,
        id: AttemptId,
        ready: impl Fn(&AttemptView) -> Option<Phase>,
    ) -> Result<Phase> {
        let began = Instant::now();
        loop {
            let view = self.ask::<wire::GetAttempt>(json!({ "id": id })).await?;
            if let Some(phase) = ready(&view) {
                return Ok(phase);
            }
            tick(
                began,
                &format!("the attempt, which stands at {:?}", view.phase),
            )
            .await?;
        }
    }

    // --- looking -----------------------------------------------------------------------------

    pub async fn cards(&self) -> Result<Vec<CardView>> {
        Ok(self.ask::<wire::ListIntegrations>(json!({})).await?)
    }

    pub async fn card(&self, id: IntegrationId) -> Result<CardView> {
        Ok(self
            .ask::<wire::GetIntegration>(json!({ "id": id }))
            .await?
            .card)
    }

    /// The names of its tools.
    pub async fn tools(&self, id: IntegrationId) -> Result<Vec<String>> {
        let tools = self.ask::<wire::ListTools>(json!({ "id": id })).await?;
        Ok(tools.into_iter().map(|tool| tool.name).collect())
    }

    pub async fn test(&self, id: IntegrationId) -> Result<wire::TestReport, wire::Error> {
        self.ask::<wire::TestIntegration>(json!({ "id": id })).await
    }

    pub async fn disconnect(&self, id: IntegrationId) -> Result<wire::Disconnected, wire::Error> {
        self.ask::<wire::Disconnect>(json!({ "id": id })).await
    }

    /// The newest two hundred rows of the record, without pings.
    pub async fn record(&self) -> Result<Vec<RowView>> {
        self.rows(false).await
    }

    /// The same with pings.
    pub async fn record_and_pings(&self) -> Result<Vec<RowView>> {
        self.rows(true).await
    }

    async fn rows(&self, pings: bool) -> Result<Vec<RowView>> {
        let request = json!({ "integration": null, "before": null, "limit": 200, "pings": pings });
        Ok(self.ask::<wire::ListActivity>(request).await?.rows)
    }

    /// The rows of one kind whose action is `action`.
    pub async fn rows_of(&self, kind: RowKind, action: &str) -> Result<Vec<RowView>> {
        let rows = self.record_and_pings().await?;
        Ok(rows
            .into_iter()
            .filter(|row| row.kind == kind && row.action == action)
            .collect())
    }

    /// Calls a tool in a task, as an agent would.
    pub async fn call(
        &self,
        id: IntegrationId,
        tool: &str,
        arguments: Value,
    ) -> Result<Value, wire::Error> {
        call(&self.engine, id, tool, arguments).await
    }

    /// How many rows `table` holds on disk.
    pub fn count(&self, table: &str) -> Result<i64> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection =
            rusqlite::Connection::open_with_flags(self.folder().join("chief.db"), flags)?;
        Ok(
            connection.query_row(&format!("select count(*) from {table}"), [], |row| {
                row.get(0)
            })?,
        )
    }

    /// Nothing of an attempt is on disk or in the keyring (but the app's own key, which seals nothing).
    pub fn holds_nothing(&self) -> Result<()> {
        for table in ["integrations", "credentials", "tools"] {
            anyhow::ensure!(
                self.count(table)? == 0,
                "{table} holds a row of an attempt that came to nothing"
            );
        }
        let items = self.keyring.items();
        anyhow::ensure!(
            items.len() <= 1,
            "the keyring holds more than the app's key: {items:?}"
        );
        Ok(())
    }

    /// A copy of the data folder as it is on disk now: database, log, anchor, backups.
    pub fn copy(&self) -> Result<TempDir> {
        let copy = tempfile::Builder::new().prefix("chief-copy-").tempdir()?;
        copy_folder(self.folder(), copy.path())?;
        Ok(copy)
    }

    /// The credential that is held: opened by a vault of its own on copies of data and keyring.
    pub async fn held(&self, id: IntegrationId) -> Result<Credential> {
        let (copy, keyring) = (self.copy()?, self.copy_of_keyring()?);
        Ok(opened(copy.path(), keyring, id).await?)
    }

    /// A keyring of its own with the same items.
    pub fn copy_of_keyring(&self) -> Result<Arc<MemoryKeyring>> {
        let copy = MemoryKeyring::default();
        for item in self.keyring.items() {
            if let Some(bytes) = self.keyring.read(&item)? {
                copy.write(&item, &bytes)?;
            }
        }
        Ok(Arc::new(copy))
    }
}

/// Calls a tool in a task, as an agent would.
pub async fn call(
    engine: &Engine,
    id: IntegrationId,
    tool: &str,
    arguments: Value,
) -> Result<Value, wire::Error> {
    let because = Because::task("#ops: refund order 1042", None);
    engine::calls::call(
        engine,
        id,
        tool,
        arguments,
        because,
        CancellationToken::new(),
    )
    .await
}

/// What a thief with this folder and this keyring gets.
pub async fn opened(
    folder: &Path,
    keyring: Arc<MemoryKeyring>,
    id: IntegrationId,
) -> Result<Credential, wire::Error> {
    let vault = Vault::new(Store::open(folder)?, keyring, folder);
    Ok(vault.open(id).await?.0)
}

/// The text of a tool's answer.
pub fn text_of(answer: &Value) -> String {
    let parts = answer["content"].as_array().cloned().unwrap_or_default();
    parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Waits a moment, unless `what` has been waited for long enough.
pub async fn tick(began: Instant, what: &str) -> Result<()> {
    anyhow::ensure!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
    tokio::time::sleep(Duration::from_millis(5)).await;
    Ok(())
}

/// The code of an error that must be.
pub fn code<T>(result: Result<T, wire::Error>) -> Result<ErrorCode> {
    result.err().map(|error| error.code).context("it went well")
}

pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            match std::fs::copy(entry.path(), target) {
                // It was there for a moment only, beside what it took the place of.
                Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => {}
                copied => {
                    copied?;
                }
            }
        }
    }
    Ok(())
}
