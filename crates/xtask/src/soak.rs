//! `cargo xtask soak`: what the tests try a few thousand times, tried until it means something.

use anyhow::Result;

use crate::process::{cargo, run};

/// Histories that the promises of the state machine are held against, where nobody says how many.
pub const HISTORIES: u32 = 100_000;

/// How often the app is killed while it calls.
const KILLS: u32 = 1_000;

/// Runs the properties of the state machine over `histories` random histories: seconds, since they
/// are pure.
pub fn command(histories: u32) -> Result<()> {
    run(cargo()
        .args(["test", "--package", "chief-engine", "--lib", "--"])
        .args(["integrations::status::tests::properties", "--nocapture"])
        .env("PROPTEST_CASES", histories.to_string()))?;
    run(cargo()
        .args([
            "test",
            "--package",
            "chief-tests",
            "--test",
            "journeys",
            "--",
        ])
        .args(["killed::what_arrived", "--nocapture"])
        .env("CHIEF_KILLS", KILLS.to_string()))
}
