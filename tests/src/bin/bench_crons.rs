//! `cargo run -p chief-tests --features benchmarks --bin bench_crons -- [FOLDER]`: what many crons cost, as JSON on standard
//! output: start of the engine, a look where nothing is due, a look that begins runs, the page's list,
//! and memory. `FOLDER` decides which disk is measured.

use anyhow::{Context, Result};
use engine::{
    Engine, Options,
    crons::{look, schedule::Schedule},
    fakes::{FakeClock, FakeDesk, MemoryKeyring},
    ports::{Clock, Ports, SystemClock},
    store::{
        Durability, Store,
        crons::{self, CronRow},
    },
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};
use wire::{CronId, Missed, Time};

const CRONS: usize = 10_000;
/// Looks that are measured.
const LOOKS: usize = 50;
/// Looks that each begin as many runs as there are places.
const BUSY: usize = 20;

#[tokio::main]
async fn main() -> Result<()> {
    let at = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let (empty, full) = (tempfile::tempdir_in(&at)?, tempfile::tempdir_in(&at)?);
    let clock = Arc::new(FakeClock::at(SystemClock.now()));
    fill(full.path(), clock.now()).await?;
    let (without, _) = start(empty.path(), &clock).await?;
    let before = resident()?;
    let (with, engine) = start(full.path(), &clock).await?;
    let mut quiet = Vec::new();
    for _ in 0..LOOKS {
        let began = Instant::now();
        look(&engine).await?;
        quiet.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let after = resident()?;
    let began = Instant::now();
    let listed = engine::commands::list_crons(&engine, wire::ListCrons {}).await?;
    let list_ms = began.elapsed().as_secs_f64() * 1e3;
    anyhow::ensure!(listed.len() == CRONS, "{} crons", listed.len());
    drop(listed);
    // Everything is due at once: as many begin as there are places, the others wait for theirs.
    clock.advance(86_400_000);
    let mut busy = Vec::new();
    for _ in 0..BUSY {
        let began = Instant::now();
        look(&engine).await?;
        busy.push(began.elapsed().as_secs_f64() * 1e3);
    }
    engine.stop().await;
    let report: Value = json!({
        "crons": CRONS,
        "start_ms": round(with),
        "start_without_ms": round(without),
        "look_ms": told(quiet),
        "look_all_due_ms": told(busy),
        "list_ms": round(list_ms),
        "memory_grows_mb": round((after - before) / 1024.0),
        "debug_build": cfg!(debug_assertions),
    });
    println!("{report}");
    Ok(())
}

async fn start(folder: &Path, clock: &Arc<FakeClock>) -> Result<(f64, Engine)> {
    let options = Options {
        folder: folder.to_owned(),
        log_folder: folder.join("logs"),
        providers: engine::providers::Sources::with_loopback(folder.join("providers")),
        version: "0".to_owned(),
        client_document: None,
    };
    let ports = Ports {
        clock: clock.clone(),
        desk: Arc::new(FakeDesk::default()),
        keyring: Arc::new(MemoryKeyring::default()),
    };
    let began = Instant::now();
    let engine = Engine::start(options, ports).await?;
    Ok((began.elapsed().as_secs_f64() * 1e3, engine))
}

/// Schedules of every common kind, none due at once.
async fn fill(folder: &Path, now: Time) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let store = Store::open(folder)?;
    store
        .write(Durability::Full, move |tx| {
            for n in 0..CRONS {
                let (minute, hour) = (n % 60, n / 60 % 24);
                let schedule = match n % 4 {
                    0 => format!("{minute} {hour} * * *"),
                    1 => format!("{minute} {hour} * * 1-5"),
                    2 => format!("{minute} * * * *"),
                    _ => format!("{minute} {hour} {} * *", n % 28 + 1),
                };
                let zone = "Europe/Berlin";
                let next_at = Schedule::read(&schedule, zone)?.next(now);
                crons::put(
                    tx,
                    &CronRow {
                        id: CronId(uuid::Uuid::now_v7()),
                        name: format!("Cron {n}"),
                        agent: None,
                        schedule,
                        zone: zone.to_owned(),
                        calls: Vec::new(),
                        missed: Missed::CatchUp,
                        limit_min: 10,
                        created_at: now,
                        paused: None,
                        next_at,
                        handled_at: now,
                        obstacle: None,
                    },
                )?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

fn told(mut took: Vec<f64>) -> Value {
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        took.get((took.len() - 1) * percent / 100)
            .copied()
            .map(round)
    };
    json!({ "p50": at(50), "p99": at(99) })
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Kilobytes of this process in memory.
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("no VmRSS")?.parse()?)
}
