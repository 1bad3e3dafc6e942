//! Fills a data folder by connecting, through the engine itself and the keyring of the session that it runs in.

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    extract::{Path as Named, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use engine::{
    Engine, Options, commands,
    fakes::FakeDesk,
    ports::{Ports, SystemClock},
    vault::keyring::SystemKeyring,
};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::HashSet,
    io::Read,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use wire::{
    ApiAuth, Confirmed, GetAttempt, IntegrationId, Phase, SecretInput, StartConnect, Target,
    TestIntegration,
};

/// How long one connection may take.
const LIMIT: Duration = Duration::from_secs(30);

/// An API whose every account is a path, and which can come to refuse one.
#[derive(Clone, Default)]
struct Api(Arc<Mutex<HashSet<String>>>);

impl Api {
    fn refuse(&self, account: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(account.to_owned());
    }

    async fn answer(
        State(api): State<Self>,
        Named(account): Named<String>,
        headers: HeaderMap,
    ) -> StatusCode {
        let refused = api
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&account);
        if refused || !headers.contains_key("authorization") {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::OK
        }
    }

    async fn serve(&self) -> Result<SocketAddr> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/{account}/health", get(Self::answer))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }
}

/// `bench seed`.
pub async fn fill(folder: &Path, names: Vec<String>) -> Result<()> {
    let address = Api::default().serve().await?;
    let engine = start(folder).await?;
    connect_all(&engine, address, names).await?;
    finish(engine).await
}

/// `bench demo`.
pub async fn demo(folder: &Path) -> Result<()> {
    let api = Api::default();
    let address = api.serve().await?;
    let engine = start(folder).await?;
    let names = ["Orders", "Billing", "Support desk", "Warehouse", "Payroll"];
    follow(&engine, Target::Sample).await?;
    let ids = connect_all(&engine, address, names.map(str::to_owned).to_vec()).await?;
    api.refuse("payroll");
    let payroll = ids
        .into_iter()
        .find(|(name, _)| name == "Payroll")
        .context("it was connected")?
        .1;
    // The test is what finds out that the key is refused now.
    commands::test_integration(&engine, TestIntegration { id: payroll }).await?;
    finish(engine).await
}

async fn start(folder: &Path) -> Result<Engine> {
    let options = Options {
        folder: folder.to_owned(),
        log_folder: folder.join("logs"),
        providers: engine::providers::Sources::default(),
        version: "bench".to_owned(),
        client_document: None,
    };
    let ports = Ports {
        clock: Arc::new(SystemClock),
        desk: Arc::new(FakeDesk::default()),
        keyring: Arc::new(SystemKeyring),
    };
    Ok(Engine::start(options, ports).await?)
}

async fn connect_all(
    engine: &Engine,
    address: SocketAddr,
    names: Vec<String>,
) -> Result<Vec<(String, IntegrationId)>> {
    stream::iter(names)
        .map(|name| async move {
            let id = connect(engine, address, &name)
                .await
                .with_context(|| format!("connecting {name}"))?;
            anyhow::Ok((name, id))
        })
        .buffer_unordered(8)
        .try_collect()
        .await
}

async fn connect(engine: &Engine, address: SocketAddr, name: &str) -> Result<IntegrationId> {
    let account = name.to_lowercase().replace(' ', "-");
    let target = Target::Api {
        name: name.to_owned(),
        base_url: format!("http://{address}/{account}"),
        auth: ApiAuth::Bearer {
            token: SecretInput::new(&format!("key-of-{account}")),
        },
        health_path: "/health".to_owned(),
    };
    follow(engine, target).await
}

/// Begins an attempt and waits for its integration.
async fn follow(engine: &Engine, target: Target) -> Result<IntegrationId> {
    let confirmed = Confirmed {
        private_address: true,
        ..Confirmed::default()
    };
    let ask = StartConnect {
        target,
        confirmed,
        ends_at: None,
    };
    let attempt = commands::start_connect(engine, ask).await?;
    let followed = async {
        loop {
            match commands::get_attempt(engine, GetAttempt { id: attempt.id })
                .await?
                .phase
            {
                Phase::Done { integration, .. } => return Ok(integration),
                Phase::Failed { error } => return Err(error.into()),
                Phase::Asking { question } => bail!("it asks {question:?}"),
                Phase::Checking
                | Phase::WaitingForBrowser { .. }
                | Phase::WaitingForCode { .. }
                | Phase::Exchanging
                | Phase::Proving => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    };
    tokio::time::timeout(LIMIT, followed)
        .await
        .context("it took too long")?
}

/// Closes the folder, says so, and goes on serving the API until standard input ends.
async fn finish(engine: Engine) -> Result<()> {
    engine.stop().await;
    drop(engine);
    println!("ready");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
