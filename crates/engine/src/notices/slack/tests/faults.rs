//! Random sequences of faults: whatever goes wrong, and whenever the app is killed, each admin has one
//! message for each episode, and in the end it says that it is over.

use super::{ADA, BOB, Office, peer::Fault, save};
use crate::integrations::status::Signal;
use anyhow::{Context, Result, ensure};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use std::collections::BTreeMap;

/// How many, where nobody says it. `cargo xtask soak`: a thousand.
const SEQUENCES: u64 = 24;

#[tokio::test]
async fn whatever_goes_wrong_each_admin_has_one_message_for_each_episode() -> Result<()> {
    let sequences = std::env::var("CHIEF_SLACK_SEQUENCES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(SEQUENCES);
    for seed in 0..sequences {
        sequence(seed)
            .await
            .with_context(|| format!("in sequence {seed}"))?;
    }
    Ok(())
}

async fn sequence(seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let admins: &[&str] = if random.random() { &[ADA, BOB] } else { &[ADA] };
    let mut office = Office::new(admins).await?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    let mut faults = StdRng::seed_from_u64(seed ^ 0xfa01);
    office.slack.choose(move |_| fault(&mut faults));
    let episodes = random.random_range(1..=2);
    for _ in 0..episodes {
        office.learn(id, Signal::Rejected).await?;
        for _ in 0..random.random_range(0..12) {
            match random.random_range(0..10) {
                // It comes and goes: the same episode.
                0 => office.learn(id, Signal::PingOk).await?,
                1 => office.learn(id, Signal::Rejected).await?,
                2 => {
                    let Office {
                        home,
                        slack,
                        channel,
                    } = office;
                    office = Office {
                        home: home.killed().await?,
                        slack,
                        channel,
                    };
                }
                _ => {
                    office.home.clock.advance(random.random_range(1..90_000));
                    office.deliver().await?;
                }
            }
        }
        // Whatever was left undone is done now, or after the repair.
        if random.random() {
            office.learn(id, Signal::Rejected).await?;
            office.settle().await?;
        }
        office.learn(id, Signal::Connected { end: None }).await?;
        if random.random() {
            office.settle().await?;
        }
    }
    office.slack.heal();
    // What failed of Slack itself meanwhile is over as well.
    let slack = office.channel.integration.context("Slack")?;
    office.learn(slack, Signal::Connected { end: None }).await?;
    save(&office.home.engine, office.channel.clone()).await?;
    office.settle().await?;

    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    let messages = office.slack.messages();
    for message in &messages {
        ensure!(message.is_over(), "still said: {message:?}");
        *found
            .entry((message.dm.clone(), message.id.clone()))
            .or_default() += 1;
    }
    ensure!(
        found.values().all(|count| *count == 1),
        "doubled: {messages:?}"
    );

    // And with nothing wrong, the next episode reaches everybody.
    let before = messages.len();
    office.learn(id, Signal::Rejected).await?;
    office.settle().await?;
    let told = office.slack.messages().len() - before;
    ensure!(told == admins.len(), "{told} of {}", admins.len());
    Ok(())
}

fn fault(random: &mut StdRng) -> Option<Fault> {
    match random.random_range(0..16) {
        0 => Some(Fault::Lost),
        1 => Some(Fault::CutOff),
        2 => Some(Fault::BrokenAfter),
        3 => Some(Fault::Broken),
        4 => Some(Fault::SlowDown(random.random_range(1..90))),
        5 => Some(Fault::Says("internal_error")),
        6 => Some(Fault::Says("ratelimited")),
        7 => Some(Fault::Garbled),
        _ => None,
    }
}
