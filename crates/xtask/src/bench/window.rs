//! One window's start and memory.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::desktop::Desktop;
use crate::interrupt;
use crate::process::{end_group, own_group};
use crate::webdriver::Window;

/// How long the window rests before its memory is read.
const REST: Duration = Duration::from_secs(8);

/// Milliseconds from asking for the program to the first card in its page.
pub fn start_to_card(desktop: &Desktop, program: &Path) -> Result<f64> {
    let window = Window::open(desktop, program)?;
    window.wait_for("[data-testid=\"card\"]", Duration::from_secs(30))?;
    Ok(window.asked_for().elapsed().as_secs_f64() * 1e3)
}

/// The proportional set size of the program and all it started, idle, in megabytes of 10^6 bytes: shared pages are
/// counted by their share (proc_pid_smaps(5)), so that the sum counts each page once. With the program's own part.
pub fn memory(desktop: &Desktop, program: &Path) -> Result<(f64, f64)> {
    let mut command = desktop.command(program);
    own_group(&mut command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("could not start {}", program.display()))?;
    let _entry = interrupt::group(child.id());
    let began = Instant::now();
    while began.elapsed() < REST {
        thread::sleep(Duration::from_millis(200));
    }
    let sum =
        family(child.id()).map(|family| family.iter().filter_map(|pid| pss(*pid)).sum::<u64>());
    let own = pss(child.id());
    end_group(&mut child);
    let megabytes = |kilobytes: u64| {
        let kilobytes = u32::try_from(kilobytes).unwrap_or(u32::MAX);
        (f64::from(kilobytes) * 1.024 / 100.0).round() / 10.0
    };
    let own = own.with_context(|| format!("{} ended by itself", program.display()))?;
    Ok((megabytes(sum?), megabytes(own)))
}

/// The process and all its descendants.
fn family(ancestor: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // It may have ended meanwhile.
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        if let Some(parent) = field(&status, "PPid:") {
            parents.push((pid, parent));
        }
    }
    let mut family = vec![ancestor];
    let mut at = 0;
    while let Some(&pid) = family.get(at) {
        let children = parents
            .iter()
            .filter(|(_, parent)| *parent == u64::from(pid));
        family.extend(children.map(|(child, _)| *child));
        at += 1;
    }
    Ok(family)
}

/// Kilobytes.
fn pss(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    field(&rollup, "Pss:")
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn our_own_family_and_memory_can_be_read() -> Result<()> {
        let me = std::process::id();
        assert!(family(me)?.contains(&me));
        assert!(pss(me).is_some_and(|kilobytes| kilobytes > 100));
        Ok(())
    }
}
