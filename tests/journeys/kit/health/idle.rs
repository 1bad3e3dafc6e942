//! When this process, and those that it started, have nothing to do: what waits for its turn on a busy
//! computer has (proc(5): a thread in state `R`, or `D` where it waits for the disk).

use anyhow::{Context, Result};
use std::{
    fs,
    time::{Duration, Instant},
};

/// Looks in a row that must find nothing.
const LOOKS: u32 = 4;
const BETWEEN: Duration = Duration::from_millis(5);

/// Waits for it.
pub async fn settles(what: &str) -> Result<()> {
    let began = Instant::now();
    let mut looks = 0;
    while looks < LOOKS {
        super::tick(began, what).await?;
        tokio::time::sleep(BETWEEN).await;
        looks = if is_idle()? { looks + 1 } else { 0 };
    }
    Ok(())
}

fn is_idle() -> Result<bool> {
    let here = fs::read_link("/proc/thread-self")?;
    let here = here.file_name().context("this thread")?;
    let mut processes = vec![std::process::id().to_string()];
    while let Some(process) = processes.pop() {
        // One that has ended meanwhile has nothing to do.
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
            continue;
        };
        for thread in threads.flatten() {
            let path = thread.path();
            let children = fs::read_to_string(path.join("children")).unwrap_or_default();
            processes.extend(children.split_whitespace().map(str::to_owned));
            let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
            let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
            if thread.file_name() != here && state.starts_with(['R', 'D']) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
