//! Where nothing would come of asking Slack, it is not asked, and the record stays as it is.

use super::*;

async fn rows(office: &Office) -> Result<usize> {
    let ask = json!({ "limit": 200, "pings": false });
    let page = crate::commands::answer(&office.home.engine, "list_activity", ask).await?;
    let page: wire::ActivityPage = serde_json::from_value(page)?;
    let calls = page.rows.iter().filter(|row| row.kind == RowKind::Call);
    Ok(calls.count())
}

/// What the worker does within so many minutes.
async fn pass(office: &Office, minutes: i64) -> Result<()> {
    for _ in 0..minutes {
        office.home.clock.advance(MINUTE);
        office.deliver().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_slack_that_failed_is_no_row_of_the_record_each_time_it_is_looked_at() -> Result<()> {
    let office = Office::new(&[ADA]).await?;
    // A check would find that it works, in truth.
    crate::background::pause(&office.home.engine, Some(24)).await?;
    let slack = office.channel.integration.context("Slack")?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    office.learn(slack, Signal::Rejected).await?;
    office.learn(id, Signal::Rejected).await?;
    pass(&office, 300).await?;
    ensure!(rows(&office).await? == 0, "{}", rows(&office).await?);
    for notice in inbox::list(&office.home.engine).await? {
        let Some(Delivery::Failing { why, .. }) = &notice.slack else {
            bail!("{notice:?}")
        };
        ensure!(why.contains("Acme Slack is failing"), "{why}");
    }

    office.learn(slack, Signal::Connected { end: None }).await?;
    pass(&office, 1).await?;
    ensure!(office.slack.messages().len() == 1, "at once");
    Ok(())
}

#[tokio::test]
async fn whoever_is_not_found_is_looked_up_once_an_hour_for_all_notices_together() -> Result<()> {
    let office = Office::new(&["nobody@example.com", ADA]).await?;
    for n in 1..=3 {
        let id = office.home.add(n, &format!("127.0.0.1:{n}")).await?;
        office.learn(id, Signal::Rejected).await?;
    }
    pass(&office, 300).await?;
    // Those of Ada, and of nobody.
    let asked = office.slack.asked("users.lookupByEmail") - 1;
    ensure!((4..=6).contains(&asked), "{asked} times in five hours");
    ensure!(office.slack.messages().len() == 3);

    // Somebody is called so by now, which an admin says.
    save(&office.home.engine, office.channel.clone()).await?;
    office.deliver().await?;
    ensure!(office.slack.asked("users.lookupByEmail") - 1 == asked + 1);
    Ok(())
}
