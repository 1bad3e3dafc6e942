//! Fills a data folder for measuring the window and for taking its pictures: what `cargo xtask bench` and
//! `cargo xtask screenshots` call. The engine's own figures are `bench_engine`'s.
//!
//! - `bench seed FOLDER COUNT`: connects so many integrations to a real HTTP API, under the session's own keyring,
//!   prints `ready`, and serves that API until standard input ends.
//! - `bench demo FOLDER`: the same with a few that have names, one of which its API has come to refuse.

mod seed;

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let what = args.next().context("bench seed|demo FOLDER [COUNT]")?;
    let folder = PathBuf::from(args.next().context("which folder?")?);
    match what.as_str() {
        "seed" => {
            let count: usize = args.next().context("how many?")?.parse()?;
            seed::fill(
                &folder,
                (1..=count).map(|n| format!("Service {n}")).collect(),
            )
            .await
        }
        "demo" => seed::demo(&folder).await,
        other => bail!("bench knows no {other}"),
    }
}
