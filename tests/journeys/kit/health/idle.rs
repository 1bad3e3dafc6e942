//! When this process, and those that it started, have nothing to do: what waits for its turn on a busy
//! computer has (proc(5): a thread in state `R`, or `D` where it waits for the disk).

use super::super::PATIENCE;
use anyhow::{Context, Result, ensure};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// Looks in a row that must find nothing.
const LOOKS: u32 = 4;
const BETWEEN: Duration = Duration::from_millis(5);

/// Waits for it, in a runtime of several threads. (It sleeps as a thread: a timer of the runtime would wake
/// one of those that are looked at.)
pub fn settles(what: &str) -> Result<()> {
    let began = Instant::now();
    let mut looks = 0;
    while looks < LOOKS {
        ensure!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        thread::sleep(BETWEEN);
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
