//! `cargo run -p chief-tests --bin host -- FOLDER DIST [PORT]`: the UI in an ordinary browser, on
//! the real engine with a keyring in memory. Prints its URL.

use anyhow::{Context, Result};
use chief_tests::host::{self, HostDesk};
use engine::{
    fakes::MemoryKeyring,
    ports::{Ports, SystemClock},
};
use std::{path::PathBuf, sync::Arc};

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("usage: host FOLDER DIST [PORT]")?);
    let dist = PathBuf::from(args.next().context("usage: host FOLDER DIST [PORT]")?);
    let port = args.next().map_or(Ok(0), |port| port.parse())?;
    let desk = Arc::new(HostDesk::new(|url| println!("open {url}")));
    let running = host::start(&folder, &dist, port, desk, |desk| Ports {
        clock: Arc::new(SystemClock),
        desk,
        keyring: Arc::new(MemoryKeyring::default()),
    })
    .await?;
    println!("{}", running.url());
    std::future::pending().await
}
