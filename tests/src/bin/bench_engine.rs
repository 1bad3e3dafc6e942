//! `cargo run -p chief-tests --features benchmarks --bin bench_engine -- [FOLDER]`: what the engine's own disk work costs, as
//! JSON on standard output. `FOLDER` decides which disk is measured; the system's temporary one
//! otherwise.
//!
//! Sealing cannot be had without its commit, by design: `save_us` is both, `open_us` is reading and
//! opening. Rows are intents and outcomes as `calls` writes them, `synchronous=NORMAL`, from 64 callers
//! that each wait for their own row. `health`: a thousand integrations that are due at one moment, in
//! real time (see `chief_tests::wave`), and steps of the state machine.

use anyhow::{Context, Result};
use chief_tests::wave;
use engine::{
    fakes::MemoryKeyring,
    secret::Secret,
    store::{
        Durability, Store,
        calls::{self, CallRow, OutcomeRow},
        integrations::{self, IntegrationRow},
    },
    vault::{Credential, Vault},
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use wire::{Because, IntegrationId, Kind, Outcome, RowKind, Time};

/// Measured operations one at a time, after a tenth as many that are not.
const TIMES: usize = 1_000;
const CALLERS: usize = 64;
/// Calls of each caller: two rows each.
const CALLS: usize = 500;
/// Integrations that are due at one moment.
const DUE: usize = 1_000;
/// Steps of the state machine.
const STEPS: u32 = 1_000_000;

#[tokio::main]
async fn main() -> Result<()> {
    let at = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(at)?;
    let store = Store::open(folder.path())?;
    let keyring = Arc::new(MemoryKeyring::default());
    let vault = Vault::new(store.clone(), keyring, folder.path());
    let id = IntegrationId(uuid::Uuid::now_v7());
    add(&store, id).await?;

    let (mut save, mut open) = (vec![], vec![]);
    for _ in 0..TIMES + TIMES / 10 {
        let credential = Credential::Bearer {
            token: Secret::new("sk_live_0123456789abcdef0123456789abcdef"),
        };
        let began = Instant::now();
        vault.save(id, credential, None, |_| Ok(())).await?;
        save.push(began.elapsed());
        let began = Instant::now();
        vault.open(id).await?;
        open.push(began.elapsed());
    }
    let rows_per_second = rows_per_second(&store, id).await?.round();
    let many = tempfile::tempdir_in(folder.path())?;
    let report = json!({
        "health": {
            "due_at_once": wave::due_at_once(many.path(), DUE).await?,
            "state_machine_steps_per_second": wave::steps_per_second(STEPS).round(),
        },
        "times": TIMES,
        "save_us": told(save, 1e6)?,
        "open_us": told(open, 1e6)?,
        "commit_full_ms": told(commits(&store, id, Durability::Full).await?, 1e3)?,
        "commit_normal_ms": told(commits(&store, id, Durability::Normal).await?, 1e3)?,
        "callers": CALLERS,
        "rows_per_second": rows_per_second,
        "debug_build": cfg!(debug_assertions),
    });
    println!("{report}");
    Ok(())
}

async fn add(store: &Store, id: IntegrationId) -> Result<()> {
    let row = IntegrationRow {
        id,
        slug: "one".to_owned(),
        name: "One".to_owned(),
        kind: Kind::Api,
        config_json: "{}".to_owned(),
        account_id: None,
        account_label: None,
        connected_by: "bench".to_owned(),
        connected_at: Time(0),
        enabled: true,
        state_json: "{}".to_owned(),
        protocol: None,
        server: None,
        probed_at: None,
        last_used: None,
        provider: None,
    };
    let added = store.write(Durability::Full, move |tx| integrations::add(tx, &row));
    Ok(added.await?)
}

/// One row changed in each commit, one commit at a time.
async fn commits(
    store: &Store,
    id: IntegrationId,
    durability: Durability,
) -> Result<Vec<Duration>> {
    let mut took = vec![];
    for n in 0..TIMES + TIMES / 10 {
        let name = format!("One {n}");
        let began = Instant::now();
        store
            .write(durability, move |tx| integrations::set_name(tx, id, &name))
            .await?;
        took.push(began.elapsed());
    }
    Ok(took)
}

/// Many callers at once, each waiting for its row: the writer groups what waits into one commit.
async fn rows_per_second(store: &Store, id: IntegrationId) -> Result<f64> {
    let began = Instant::now();
    let callers = (0..CALLERS).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..CALLS {
                let (call, mut outcome) = one_call(id);
                let at = call.at;
                let place = store
                    .write(Durability::Normal, move |tx| calls::begin(tx, &call, None))
                    .await?;
                outcome.intent = (place, at);
                store
                    .write(Durability::Normal, move |tx| calls::finish(tx, &outcome))
                    .await?;
            }
            Ok::<_, wire::Error>(())
        })
    });
    for done in futures::future::join_all(callers).await {
        done??;
    }
    let rows = u32::try_from(CALLERS * CALLS * 2)?;
    Ok(f64::from(rows) / began.elapsed().as_secs_f64())
}

fn one_call(id: IntegrationId) -> (CallRow, OutcomeRow) {
    let call = CallRow {
        id: wire::CallId(uuid::Uuid::now_v7()),
        at: Time(1_800_000_000_000),
        kind: RowKind::Call,
        integration: Some(id),
        integration_name: "One".to_owned(),
        action: "one.call".to_owned(),
        because: Because::task("#ops: refund order 1042", None),
        sent: None,
    };
    let outcome = OutcomeRow {
        intent: (0, call.at),
        at: call.at,
        outcome: Outcome::Ok,
        took_ms: Some(12),
        error: None,
        detail: String::new(),
        got: None,
    };
    (call, outcome)
}

/// p50 and p99 after the warm-up, in `units` to the second, to three places.
fn told(mut took: Vec<Duration>, units: f64) -> Result<Value> {
    took.drain(..TIMES / 10);
    took.sort_unstable();
    let at = |percent: usize| -> Result<f64> {
        let found = took.get((took.len() - 1) * percent / 100);
        let value = found.context("nothing was measured")?.as_secs_f64() * units;
        Ok((value * 1e3).round() / 1e3)
    };
    Ok(json!({ "p50": at(50)?, "p99": at(99)? }))
}
