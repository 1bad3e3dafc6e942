//! Everything the app does: connections, credentials, health, calls, the record.
//!
//! Owns: the engine and its three ports ([`ports`]). Must not know: Tauri, windows, WebKit, or how
//! agents reach the gateway. The shell and the test host give it a folder and the three ports, and
//! hand it the commands of `wire`'s table ([`commands`]).

pub mod agents;
mod apps;
pub mod background;
pub mod calls;
mod came_back;
pub mod commands;
mod connect;
pub mod connectors;
pub mod crons;
mod documents;
#[cfg(any(test, feature = "fakes"))]
pub mod fakes;
pub mod finish;
mod health;
pub mod http;
pub mod integrations;
pub mod links;
mod live;
pub mod local;
mod monitor;
pub mod notices;
pub mod oauth;
pub mod ports;
pub mod providers;
pub mod record;
mod refusals;
pub mod sample;
pub mod secret;
mod settings;
pub mod steps;
pub mod store;
mod tasks;
mod tokens;
pub mod vault;

pub use apps::{client_document, relay};
pub use connect::{Arrived, way};

use connect::attempt::Attempts;
use connectors::{Config, openapi::Operation};
use http::Http;
use integrations::Integration;
pub(crate) use live::Live;
use ports::{Clock, Desk, Ports};
use sample::Sample;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Durability, Store};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vault::{Credential, Vault};
use wire::{Because, Changed, Error, IntegrationId, Time};

/// Where one engine lives.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder: database, backups, anchor. Made where it is missing.
    pub folder: PathBuf,
    /// Where the log goes; only shown.
    pub log_folder: PathBuf,
    /// Where manifests of providers are read from besides the app itself.
    pub providers: providers::Sources,
    /// The app's version; only shown.
    pub version: String,
    /// Where the company hosts the app's client-id metadata document ([`client_document`]).
    pub client_document: Option<url::Url>,
}

/// The app without its window. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    options: Options,
    ports: Ports,
    store: Store,
    vault: Vault,
    http: Http,
    sample: tokio::sync::OnceCell<Sample>,
    live: live::Lives,
    attempts: Attempts,
    waiting: connect::waiting::Waiting,
    documents: documents::Documents,
    door: agents::Door,
    network: monitor::Network,
    crons: crons::Pulse,
    outbox: notices::Outbox,
    manner: record::settings::Manner,
    house: monitor::house::House,
    waits: came_back::Waits,
    approvals: calls::approval::Approvals,
    exports: record::export::Exports,
    running: tasks::Running,
    providers: providers::Shelf,
    refusals: refusals::Refusals,
    schemas: connectors::fit::Schemas,
    looked: calls::Looked,
    offers: agents::Offers,
    integrations: store::Kept<IntegrationId, Option<Integration>>,
    /// When each integration answered last, in this run, whatever it said.
    answered: Mutex<HashMap<IntegrationId, Time>>,
    stopping: CancellationToken,
    /// Refreshes under way.
    renewals: TaskTracker,
}

/// How long a stop waits for refreshes under way: an answer that is on its way takes a moment.
const RENEWALS: Duration = Duration::from_secs(4);

impl Engine {
    /// Opens the folder and starts. Asks nothing of the keyring and sends nothing yet.
    ///
    /// # Errors
    /// `StoreInUse`, `StoreNewer`, `StoreUnwritable`, `StoreFailed`.
    pub async fn start(options: Options, ports: Ports) -> Result<Self, Error> {
        let folder = options.folder.clone();
        let store = tokio::task::spawn_blocking(move || Store::open(&folder))
            .await
            .map_err(|e| Error::new(wire::ErrorCode::Internal).with("why", e.to_string()))??;
        let vault = Vault::new(store.clone(), ports.keyring.clone(), &options.folder);
        let engine = Self(Arc::new(Inner {
            http: Http::new()?,
            sample: tokio::sync::OnceCell::new(),
            live: live::Lives::default(),
            attempts: Attempts::default(),
            waiting: connect::waiting::Waiting::default(),
            documents: documents::Documents::default(),
            door: agents::Door::default(),
            network: monitor::Network::default(),
            crons: crons::Pulse::default(),
            outbox: notices::Outbox::default(),
            manner: record::settings::Manner::default(),
            house: monitor::house::House::default(),
            waits: came_back::Waits::default(),
            approvals: calls::approval::Approvals::default(),
            exports: record::export::Exports::default(),
            running: tasks::Running::default(),
            providers: providers::Shelf::default(),
            refusals: refusals::Refusals::default(),
            schemas: connectors::fit::Schemas::default(),
            looked: calls::Looked::default(),
            offers: agents::Offers::default(),
            integrations: store::Kept::default(),
            answered: Mutex::default(),
            stopping: CancellationToken::new(),
            renewals: TaskTracker::new(),
            options,
            ports,
            store,
            vault,
        }));
        engine.pass_changes_on();
        if let Some(restored) = engine.store().restored() {
            let what = format!(
                "the data was damaged and restored from a backup; the damaged copy is {}",
                restored.damaged.display()
            );
            if let Err(error) = engine.note(&what, &Because::Health).await {
                // The window says it, too, until an admin has answered.
                tracing::error!(%error, "no row could be written of it");
            }
        }
        came_back::begin(&engine).await?;
        let manner = record::settings::get(&engine).await?;
        engine.manner().learn(&manner);
        record::wake(&engine).await;
        integrations::note_ended_run(&engine).await?;
        connect::waiting::begin(&engine).await?;
        crons::begin(&engine).await?;
        monitor::run(&engine);
        record::run(&engine);
        crons::run(&engine);
        notices::run(&engine);
        Ok(engine)
    }

    /// Ends what runs: attempts, retries, the sample. Waits for refreshes under way, four seconds at most.
    /// The store closes with the last clone.
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        let renewals = self.renewals();
        renewals.close();
        let renewed = tokio::time::timeout(RENEWALS, renewals.wait());
        if let (_, Err(_)) = tokio::join!(self.end_lives(), renewed) {
            tracing::warn!("a refresh was under way when the app ended");
        }
        self.store().settle().await;
        if let Err(error) = self.0.vault.tell_record().await {
            tracing::error!(%error, "the anchor could not be told where the record ends");
        }
    }

    /// Tests every integration that is switched on.
    ///
    /// # Errors
    /// Where the list cannot be read.
    pub async fn test_all(&self) -> Result<(), Error> {
        health::test_all(self).await
    }

    /// One row of the record about the app itself.
    pub(crate) async fn note(&self, what: &str, because: &Because) -> Result<(), Error> {
        let (now, what, because) = (self.now(), what.to_owned(), because.clone());
        self.store()
            .write(Durability::Normal, move |tx| {
                integrations::note(tx, now, None, &what, &because)
            })
            .await
    }

    /// Commits are told to the UI as the topics they touched.
    fn pass_changes_on(&self) {
        let mut changes = self.0.store.changes();
        let (desk, stopping) = (self.0.ports.desk.clone(), self.0.stopping.clone());
        let store = self.0.store.clone();
        tokio::spawn(async move {
            use tokio::sync::broadcast::error::RecvError;
            loop {
                let next = tokio::select! {
                    () = stopping.cancelled() => return,
                    next = changes.recv() => next,
                };
                match next {
                    Ok(changed) => desk.changed(&changed),
                    // Too many at once: everything may have changed.
                    Err(RecvError::Lagged(_)) => {
                        let rows = store.read(store::integrations::list).await;
                        let ids = rows.unwrap_or_default().into_iter().map(|row| row.id);
                        let topics = wire::Topic::all(ids);
                        desk.changed(&Changed { topics });
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    pub(crate) fn tell(&self, changed: &Changed) {
        self.0.ports.desk.changed(changed);
    }

    pub(crate) fn now(&self) -> Time {
        self.0.ports.clock.now()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.0.ports.clock.clone()
    }

    pub(crate) fn desk(&self) -> &dyn Desk {
        &*self.0.ports.desk
    }

    /// The providers, as last read.
    pub(crate) fn catalogue(&self) -> Arc<providers::Catalogue> {
        self.0.providers.now(&self.0.options.providers)
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.0.options.folder
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn http(&self) -> &Http {
        &self.0.http
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    pub(crate) fn waiting(&self) -> &connect::waiting::Waiting {
        &self.0.waiting
    }

    pub(crate) fn documents(&self) -> &documents::Documents {
        &self.0.documents
    }

    pub(crate) fn door(&self) -> &agents::Door {
        &self.0.door
    }

    pub(crate) fn network(&self) -> &monitor::Network {
        &self.0.network
    }

    pub(crate) fn exports(&self) -> &record::export::Exports {
        &self.0.exports
    }

    /// What each call asks of the record's settings.
    pub(crate) fn manner(&self) -> &record::settings::Manner {
        &self.0.manner
    }

    /// What agents and crons wait for.
    pub(crate) fn waits(&self) -> &came_back::Waits {
        &self.0.waits
    }

    /// How keeping the house went.
    pub(crate) fn house(&self) -> &monitor::house::House {
        &self.0.house
    }

    pub(crate) fn crons(&self) -> &crons::Pulse {
        &self.0.crons
    }

    pub(crate) fn outbox(&self) -> &notices::Outbox {
        &self.0.outbox
    }

    pub(crate) fn approvals(&self) -> &calls::approval::Approvals {
        &self.0.approvals
    }

    pub(crate) fn running(&self) -> &tasks::Running {
        &self.0.running
    }

    pub(crate) fn stopping(&self) -> CancellationToken {
        self.0.stopping.clone()
    }

    pub(crate) fn renewals(&self) -> &TaskTracker {
        &self.0.renewals
    }

    /// The admin's name, for "connected by" and "because of".
    pub(crate) async fn person(&self) -> String {
        settings::get(self)
            .await
            .map_or_else(|_| String::new(), |settings| settings.person)
    }

    pub(crate) async fn admin(&self) -> Because {
        Because::Admin {
            name: self.person().await,
        }
    }

    /// The server inside the app, started on first need.
    pub(crate) async fn sample(&self) -> Result<&Sample, Error> {
        self.0.sample.get_or_try_init(Sample::start).await
    }

    /// One integration, as its row says; `None` where it is gone.
    pub(crate) fn integration(&self, id: IntegrationId) -> Result<Arc<Option<Integration>>, Error> {
        let kept = &self.0.integrations;
        kept.get(self.store(), id, |conn, id| Integration::find(conn, *id))
    }

    /// The operations of its OpenAPI document, where it has one.
    pub(crate) async fn operations(
        &self,
        id: IntegrationId,
        config: &Config,
    ) -> Result<Option<Arc<Vec<Operation>>>, Error> {
        if !matches!(
            config,
            Config::Api {
                described: true,
                ..
            }
        ) {
            return Ok(None);
        }
        let read = move |conn: &_| store::documents::operations(conn, id);
        Ok(Some(Arc::new(self.store().read(read).await?)))
    }

    /// The sample lets in the token it was connected with, which it learns only from the vault.
    pub(crate) async fn prepare(&self, live: &Live, credential: &Credential) -> Result<(), Error> {
        if let (true, Credential::Bearer { token }) = (live.is_sample, credential) {
            self.sample().await?.allow_token(token);
        }
        Ok(())
    }

    /// Notes that the integration's origin answered, whatever it said: the network works. Nothing is
    /// noted of what is on this computer itself.
    pub(crate) async fn answered(&self, id: IntegrationId) {
        match self.live(id).await {
            Ok(live) if !live.is_local => {}
            Ok(_) | Err(_) => return,
        }
        let now = self.now();
        self.answers().insert(id, now);
        self.network().answered(id);
    }

    /// When the newest answer of any of these came, in this run.
    pub(crate) fn newest_answer(&self, of: &[IntegrationId]) -> Option<Time> {
        let answers = self.answers();
        of.iter().filter_map(|id| answers.get(id)).max().copied()
    }

    /// When anybody outside answered last, in this run.
    pub(crate) fn any_answer(&self) -> Option<Time> {
        self.answers().values().max().copied()
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<IntegrationId, Time>> {
        self.0
            .answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use crate::notices::tests::Home;
    use std::collections::BTreeSet;
    use wire::Topic;

    #[tokio::test]
    async fn where_too_much_changed_at_once_everything_is_told() -> anyhow::Result<()> {
        let home = Home::new().await?;
        let id = home.add(1, "127.0.0.1").await?;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let before = home.desk.changes().len();
        // Nobody hears of them meanwhile: this test has the one thread.
        for _ in 0..1_000 {
            home.engine.store().announce([Topic::Errand]);
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let told = home.desk.changes().split_off(before);
        let told: BTreeSet<Topic> = told.into_iter().flat_map(|each| each.topics).collect();
        for topic in Topic::all([id]) {
            assert!(told.contains(&topic), "{topic:?}");
        }
        Ok(())
    }
}
