//! Seal, open and commit, one at a time, as the app does them.

use anyhow::{Context, Result};
use engine::{
    fakes::MemoryKeyring,
    secret::Secret,
    store::{Durability, Store, integrations, integrations::IntegrationRow},
    vault::{Credential, Vault},
};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Instant};
use wire::{IntegrationId, Kind, Time};

/// Measured operations of each kind, after a tenth as many that are not.
const TIMES: usize = 1_000;

/// Prints `{"commit_full_us": {"p50": …, "p99": …}, …}`, in microseconds.
pub async fn measure(folder: &Path) -> Result<()> {
    let folder = tempfile::tempdir_in(folder)?;
    let store = Store::open(folder.path())?;
    let vault = Vault::new(
        store.clone(),
        Arc::new(MemoryKeyring::default()),
        folder.path(),
    );
    let id = add(&store).await?;

    let mut seal_and_commit = Vec::new();
    let mut open = Vec::new();
    for _ in 0..TIMES + TIMES / 10 {
        let credential = Credential::Bearer {
            token: Secret::new("sk_live_0123456789abcdef0123456789abcdef"),
        };
        let began = Instant::now();
        vault.save(id, credential, None, |_| Ok(())).await?;
        seal_and_commit.push(began.elapsed());
        let began = Instant::now();
        vault.open(id).await?;
        open.push(began.elapsed());
    }
    let full = commits(&store, id, Durability::Full).await?;
    let normal = commits(&store, id, Durability::Normal).await?;
    let report = json!({
        "times": TIMES,
        "commit_full_us": told(full)?,
        "commit_normal_us": told(normal)?,
        "seal_with_its_full_commit_us": told(seal_and_commit)?,
        "open_with_its_read_us": told(open)?,
    });
    println!("{report}");
    Ok(())
}

async fn add(store: &Store) -> Result<IntegrationId> {
    let id = IntegrationId(uuid::Uuid::now_v7());
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
    };
    store
        .write(Durability::Full, move |tx| integrations::add(tx, &row))
        .await?;
    Ok(id)
}

/// One row changed in each commit, one commit at a time.
async fn commits(
    store: &Store,
    id: IntegrationId,
    durability: Durability,
) -> Result<Vec<std::time::Duration>> {
    let mut took = Vec::new();
    for n in 0..TIMES + TIMES / 10 {
        let began = Instant::now();
        store
            .write(durability, move |tx| {
                integrations::set_name(tx, id, &format!("One {n}"))
            })
            .await?;
        took.push(began.elapsed());
    }
    Ok(took)
}

fn told(mut took: Vec<std::time::Duration>) -> Result<Value> {
    took.drain(..TIMES / 10);
    took.sort_unstable();
    let at = |percent: usize| {
        took.get((took.len() - 1) * percent / 100)
            .context("nothing was measured")
    };
    let micros = |duration: &std::time::Duration| duration.as_secs_f64() * 1e6;
    let round = |value: f64| (value * 10.0).round() / 10.0;
    Ok(json!({ "p50": round(micros(at(50)?)), "p99": round(micros(at(99)?)) }))
}
