//! Measures the store and the vault, and fills a data folder for measuring the window: what `cargo xtask bench` and
//! `cargo xtask screenshots` call.
//!
//! - `bench store FOLDER`: JSON on standard output; `FOLDER` decides which disk is measured.
//! - `bench seed FOLDER COUNT`: connects so many integrations to a real HTTP API, under the session's own keyring,
//!   prints `ready`, and serves that API until standard input ends.
//! - `bench demo FOLDER`: the same with a few that have names, one of which its API has come to refuse.

mod seed;
mod store;

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let what = args
        .next()
        .context("bench store|seed|demo FOLDER [COUNT]")?;
    let folder = PathBuf::from(args.next().context("which folder?")?);
    match what.as_str() {
        "store" => store::measure(&folder).await,
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
