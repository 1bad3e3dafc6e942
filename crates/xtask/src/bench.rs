//! `cargo xtask bench`: what the budgets are about, measured on this machine in one run, as JSON on standard output.

pub mod seeded;
mod window;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use self::seeded::{Fill, Seeded};
use crate::desktop::{Desktop, Keyring, Theme};
use crate::process::{cargo, output, root, run};
use crate::setup::{self, Consent, Purpose};
use crate::ui;

/// Cards in the measured window.
const INTEGRATIONS: usize = 200;

/// Starts of each window, alternating, after one of each that is not counted.
const STARTS: usize = 7;

/// Builds and measures; release builds unless `debug`.
pub fn command(consent: Consent, debug: bool) -> Result<()> {
    setup::prepare(Purpose::Desktop, consent)?;
    let dist = ui::build()?;
    ui::build_bare()?;
    let app = build("chief-integrations", debug)?;
    let bare = build("chief-bare", debug)?;
    let engine = build_program("chief-tests", "bench_engine", debug)?;
    let gateway = build_program("chief-tests", "bench_gateway", debug)?;
    let record = build_program("chief-tests", "bench_record", debug)?;
    let notices = build_program("chief-tests", "bench_notices", debug)?;
    let crons = build_program("chief-tests", "bench_crons", debug)?;

    let report = json!({
        "profile": if debug { "debug" } else { "release" },
        "ui": sizes(&dist)?,
        "window": windows(&app, &bare)?,
        "engine": measured(&engine)?,
        "gateway": measured(&gateway)?,
        "record": measured(&record)?,
        "notices": measure_notices(&notices)?,
        "crons": measured(&crons)?,
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// A window's program, with its page inside.
fn build(package: &str, debug: bool) -> Result<PathBuf> {
    built(
        cargo().args([
            "build",
            "--package",
            package,
            "--features",
            "custom-protocol",
        ]),
        package,
        debug,
    )
}

fn build_program(package: &str, program: &str, debug: bool) -> Result<PathBuf> {
    built(
        cargo().args([
            "build",
            "--package",
            package,
            "--features",
            "benchmarks",
            "--bin",
            program,
        ]),
        program,
        debug,
    )
}

fn built(command: &mut Command, program: &str, debug: bool) -> Result<PathBuf> {
    if !debug {
        command.arg("--release");
    }
    run(command)?;
    let profile = if debug { "debug" } else { "release" };
    Ok(root().join("target").join(profile).join(program))
}

/// Bytes after gzip -9.
fn sizes(dist: &Path) -> Result<Value> {
    let mut css = 0;
    for file in fs::read_dir(dist.join("styles"))? {
        css += gzipped(&file?.path())?;
    }
    Ok(json!({
        "wasm_gzip_bytes": gzipped(&dist.join("chief-ui_bg.wasm"))?,
        "wasm_gzip_budget": 350_000,
        // What no first card waits for: ui/src/later.rs.
        "wasm_later_gzip_bytes": gzipped(&dist.join("split_rest.wasm"))?,
        "css_gzip_bytes": css,
        "css_gzip_budget": 30_000,
    }))
}

fn gzipped(path: &Path) -> Result<usize> {
    let bytes = fs::read(path).with_context(|| format!("no {}", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len())
}

/// The app with its cards beside the bare window: medians of alternating starts, and memory at rest.
fn windows(app: &Path, bare: &Path) -> Result<Value> {
    let desktop = Desktop::start(Keyring::Unlocked, Theme::Light)?;
    let _seeded = Seeded::start(&desktop, Fill::Many(INTEGRATIONS))?;
    let (mut apps, mut bares) = (Vec::new(), Vec::new());
    for _ in 0..=STARTS {
        apps.push(window::start_to_card(&desktop, app)?);
        bares.push(window::start_to_card(&desktop, bare)?);
    }
    let (app_start, bare_start) = (median(&apps), median(&bares));
    let (app_memory, app_own) = window::memory(&desktop, app)?;
    let (bare_memory, bare_own) = window::memory(&desktop, bare)?;
    Ok(json!({
        "integrations": INTEGRATIONS,
        "starts": STARTS,
        "app_start_to_first_card_ms": app_start,
        "bare_start_to_first_card_ms": bare_start,
        "start_ratio": ratio(app_start, bare_start),
        "start_ratio_budget": 1.3,
        "app_memory_pss_mb": app_memory,
        "app_own_process_pss_mb": app_own,
        "bare_memory_pss_mb": bare_memory,
        "bare_own_process_pss_mb": bare_own,
        "memory_ratio": ratio(app_memory, bare_memory),
        "memory_ratio_budget": 1.25,
    }))
}

/// Without the first, which warms the caches.
fn median(times: &[f64]) -> f64 {
    let mut times = times.get(1..).unwrap_or_default().to_vec();
    times.sort_by(f64::total_cmp);
    times
        .get(times.len() / 2)
        .copied()
        .unwrap_or(f64::NAN)
        .round()
}

fn ratio(one: f64, other: f64) -> f64 {
    (one / other * 100.0).round() / 100.0
}

/// What a program of the benchmarks printed. It works on the disk that target/ is on.
fn measured(program: &Path) -> Result<Value> {
    let answer = output(Command::new(program).arg(root().join("target")))?;
    serde_json::from_str(&answer).with_context(|| format!("{} printed no JSON", program.display()))
}

/// From the commit of a status to the D-Bus call that shows it, on a session bus of its own.
fn measure_notices(program: &Path) -> Result<Value> {
    let answer = output(Command::new("dbus-run-session").arg("--").arg(program))?;
    serde_json::from_str(&answer).context("bench_notices printed no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_leaves_the_first_start_out() {
        assert!((median(&[900.0, 3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
