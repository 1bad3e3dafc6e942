//! What an admin puts off on this computer is not over: a message that was sent stays true.

use super::{ADA, BOB, Office};
use crate::{integrations::status::Signal, notices::inbox, notices::tests::MINUTE};
use anyhow::{Context, Result, ensure};

#[tokio::test]
async fn a_snooze_changes_no_message_and_its_end_says_what_is_over() -> Result<()> {
    let office = Office::new(&[ADA, BOB]).await?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    office.learn(id, Signal::Rejected).await?;
    office.settle().await?;
    let all = inbox::list(&office.home.engine).await?;
    let notice = all.first().context("a notice")?.id;
    inbox::snooze(&office.home.engine, notice, Some(1)).await?;
    for _ in 0..3 {
        office.settle().await?;
        let messages = office.slack.messages();
        ensure!(messages.len() == 2, "{messages:?}");
        for message in &messages {
            ensure!(
                message.text == "Orders 1 is failing" && message.edits == 0,
                "{message:?}"
            );
        }
        office.home.clock.advance(30 * MINUTE);
    }
    office.learn(id, Signal::Connected { end: None }).await?;
    office.settle().await?;
    let messages = office.slack.messages();
    ensure!(messages.len() == 2, "{messages:?}");
    ensure!(
        messages.iter().all(|each| each.text == "Over: Orders 1"),
        "{messages:?}"
    );
    Ok(())
}
