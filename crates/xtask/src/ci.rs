//! `cargo xtask ci`: what must hold for every change.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::process::{cargo, minutes, root, run};
use crate::setup::{self, Consent, Purpose, WASM, WINDOWS};
use crate::{test, tidy, ui};

/// Runs every check, then the tests unless `checks_only`, whose exit code is the number of failed checks.
pub fn ci(checks_only: bool, consent: Consent) -> Result<ExitCode> {
    let mut checks = Checks::default();
    checks.step("setup", || setup::prepare(Purpose::Checks, consent));
    checks.step("fmt", || run(cargo().args(["fmt", "--all", "--check"])));
    checks.step("tidy", tidy::check);
    // First of those that build, since the shell reads ui/dist when it is compiled.
    checks.step("ui", || ui::build().map(drop));
    checks.step("clippy", clippy);
    checks.step("clippy wasm", clippy_wasm);
    checks.step("windows", windows);
    checks.print();
    if checks_only {
        return Ok(ExitCode::from(checks.failed()));
    }
    let tests = test::test(None, None, consent)?;
    if checks.failed() > 0 {
        eprintln!("xtask: {} checks failed, see above", checks.failed());
        return Ok(ExitCode::FAILURE);
    }
    Ok(tests)
}

fn clippy() -> Result<()> {
    run(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--keep-going",
        "--features",
        "chief-integrations/custom-protocol,chief-tests/benchmarks",
        "--",
        "--deny",
        "warnings",
    ]))
}

fn clippy_wasm() -> Result<()> {
    run(setup::toolchain(WASM)?
        .clippy()
        .args(["--package", "chief-ui", "--target", WASM, "--target-dir"])
        .arg(root().join("target/wasm"))
        .args(["--", "--deny", "warnings"]))
}

/// The shell compiles for Windows: nothing in it, or in what it stands on, is Unix only.
fn windows() -> Result<()> {
    run(setup::toolchain(WINDOWS)?
        .cargo()
        .args([
            "check",
            "--package",
            "chief-integrations",
            "--package",
            "chief-cli",
            "--target",
            WINDOWS,
        ])
        .args([
            "--features",
            "chief-integrations/custom-protocol",
            "--target-dir",
        ])
        .arg(root().join("target/windows")))
}

#[derive(Default)]
struct Checks {
    done: Vec<(&'static str, Duration, bool)>,
}

impl Checks {
    fn step(&mut self, name: &'static str, check: impl FnOnce() -> Result<()>) {
        eprintln!("\n== {name}");
        let began = Instant::now();
        let outcome = check();
        if let Err(error) = &outcome {
            eprintln!("xtask: {name}: {error:#}");
        }
        self.done.push((name, began.elapsed(), outcome.is_ok()));
    }

    fn failed(&self) -> u8 {
        let failed = self.done.iter().filter(|(_, _, well)| !well).count();
        u8::try_from(failed).unwrap_or(u8::MAX)
    }

    fn print(&self) {
        println!();
        for (name, took, well) in &self.done {
            println!(
                "{name:<12} {}  {}",
                minutes(*took),
                if *well { "ok" } else { "FAILED" }
            );
        }
    }
}
