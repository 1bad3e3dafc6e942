//! `cargo xtask soak`: what the tests try a few times, tried until it means something.

use anyhow::Result;

use crate::process::{cargo, run};
use crate::setup::Consent;
use crate::test;

/// Histories that the promises of the state machine and of the crons are held against, where nobody says how many.
pub const HISTORIES: u32 = 100_000;

/// How often the app is killed while it calls.
const CALLS_KILLED: u32 = 1_000;

/// Refreshes that are killed, where nobody says how many.
pub const KILLS: u32 = 200;

/// Forged callbacks at a sign-in's open door, over its real sockets.
const CALLBACKS: &str = "100000";

/// Sequences of faults that notices in Slack are put through.
const SLACK_SEQUENCES: &str = "1000";

/// Runs the properties of the state machine and of the crons over `histories` random histories each: both
/// are pure, and the crons' are checked minute by minute. Then calls that are killed, forged callbacks,
/// `kills` refreshes that are killed, each at the next of its steps, and notices in Slack through a thousand
/// sequences of faults and kills: minutes, since every one has an engine and a server of its own.
pub fn command(histories: u32, kills: u32, consent: Consent) -> Result<()> {
    run(cargo()
        .args(["test", "--lib", "--"])
        .args([
            "integrations::status::tests::properties",
            "crons::tests",
            "--nocapture",
        ])
        .env("PROPTEST_CASES", histories.to_string()))?;
    run(cargo()
        .args(["test", "--test", "journeys", "--"])
        .args(["killed::what_arrived", "--nocapture"])
        .env("CHIEF_KILLS", CALLS_KILLED.to_string()))?;
    test::one_journey(
        "forged::thousands_of_forged_callbacks_at_the_open_door_change_no_state",
        ("CHIEF_CALLBACKS", CALLBACKS),
        consent,
    )?;
    test::one_journey(
        "refreshing::a_kill_at_any_step_of_a_refresh_locks_nobody_out",
        ("CHIEF_TEST_KILLS", &kills.to_string()),
        consent,
    )?;
    run(cargo()
        .args(["test", "--lib", "--"])
        .args(["notices::slack::tests::faults", "--nocapture"])
        .env("CHIEF_SLACK_SEQUENCES", SLACK_SEQUENCES))
}
