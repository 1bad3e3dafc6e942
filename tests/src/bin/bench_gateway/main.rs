//! `cargo run -p chief-tests --features benchmarks --bin bench_gateway -- [FOLDER]`: what a call costs through the gateway, beside
//! the same call made directly, as JSON on standard output.
//!
//! Far side, app and load are processes of their own on this computer, so that the app's processor time
//! and memory are its own. The ways take turns within one run: direct; through rmcp alone, which is the
//! least that any gateway of that library costs; through the app; through the app in strict mode; and an `fdatasync` of
//! this disk, which a call in strict mode waits for. The load
//! speaks HTTP/1.1 over kept connections and does as little as it can.

mod app;
mod bare;
mod disk;
mod far;
mod load;

use anyhow::{Context, Result, bail};
use disk::Disk;
use load::{Target, Way};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// As the app.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Turns of each way, after one that is not counted.
const TURNS: usize = 5;
/// Calls of a turn: by one client, and by thirty-two together.
const ALONE: usize = 400;
const TOGETHER: usize = 3_200;
const CLIENTS: usize = 32;
/// Before a turn: by then the way before has put on disk what it had left to do.
const REST: Duration = Duration::from_millis(1_500);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("far") => far::serve().await,
        Some("bare") => bare::serve(args.get(1).context("bench_gateway bare FAR")?).await,
        Some("app") => {
            let [_, folder, far, manner] = args.as_slice() else {
                bail!("bench_gateway app FOLDER FAR default|strict");
            };
            app::serve(Path::new(folder), far, manner == "strict").await
        }
        folder => measure(folder.map_or_else(std::env::temp_dir, PathBuf::from)).await,
    }
}

/// A process that ends with this one.
struct Part {
    child: Child,
    facts: Value,
}

impl Part {
    fn start(args: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it is piped")?).read_line(&mut line)?;
        let facts = serde_json::from_str(&line).with_context(|| format!("{args:?} said {line}"))?;
        Ok(Self { child, facts })
    }

    fn fact(&self, name: &str) -> Result<String> {
        let fact = self.facts[name].as_str();
        Ok(fact.with_context(|| format!("no {name}"))?.to_owned())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn measure(at: PathBuf) -> Result<()> {
    let far = Part::start(&["far"])?;
    let far_url = far.fact("url")?;
    let mut ways = vec![Way::new("direct", Target::direct(&far_url)?, None)];
    let bare = Part::start(&["bare", &far_url])?;
    let target = Target::gateway(&bare.fact("url")?, &bare.fact("token")?)?;
    ways.push(Way::new("rmcp_alone", target, Some(bare.child.id())));
    let mut parts = vec![far, bare];
    let mut folders = Vec::new();
    for manner in ["default", "strict"] {
        let folder = tempfile::tempdir_in(&at)?;
        let path = folder.path().display().to_string();
        let app = Part::start(&["app", &path, &far_url, manner])?;
        let target = Target::gateway(&app.fact("url")?, &app.fact("token")?)?;
        ways.push(Way::new(manner, target, Some(app.child.id())));
        parts.push(app);
        folders.push(folder);
    }
    let mut disk = Disk::new(&at)?;
    for turn in 0..=TURNS {
        for way in &mut ways {
            tokio::time::sleep(REST).await;
            way.turn(turn > 0, ALONE, (CLIENTS, TOGETHER)).await?;
        }
        tokio::time::sleep(REST).await;
        disk.turn(turn > 0)?;
    }
    let direct = ways.first().context("the direct way")?.alone();
    let direct_together = ways.first().context("the direct way")?.together();
    let mut report = json!({
        "turns": TURNS,
        "clients": CLIENTS,
        "calls_alone": ALONE * TURNS,
        "calls_together": TOGETHER * TURNS,
        "fdatasync": disk.told(),
        "debug_build": cfg!(debug_assertions),
    });
    for way in &ways {
        let mut told = way.told()?;
        let (alone, together) = (way.alone(), way.together());
        told["added_ms_p50"] = json!(added(alone.0, direct.0));
        told["added_ms_p99"] = json!(added(alone.1, direct.1));
        told["added_together_ms_p50"] = json!(added(together.0, direct_together.0));
        told["added_together_ms_p99"] = json!(added(together.1, direct_together.1));
        report[way.name] = told;
    }
    println!("{report}");
    drop(parts);
    drop(folders);
    Ok(())
}

fn added(ours: f64, direct: f64) -> f64 {
    ((ours - direct) * 1_000.0).round() / 1_000.0
}
