//! What was marked as seen is told again where it is something else by now, or came back.

use super::*;
use crate::integrations::status::Elsewhere;

#[tokio::test]
async fn seen_does_not_stand_for_another_cause() -> Result<()> {
    let home = Home::new().await?;
    // What is learned is the test's to say, not a ping's.
    crate::background::pause(&home.engine, Some(24)).await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    for _ in 0..25 {
        home.learn(id, Signal::Unreachable(Elsewhere::Alone))
            .await?;
        home.later(MINUTE / 2).await?;
    }
    inbox::see(&home.engine, home.only_notice().await?.id).await?;
    home.deliver().await?;
    assert!(home.titles().is_empty());
    let told = home.desk.told().len();
    home.learn(id, Signal::Rejected).await?;
    assert_eq!(home.desk.told().len(), told + 1);
    assert!(home.only_notice().await?.is_new(home.engine.now()));
    Ok(())
}

#[tokio::test]
async fn seen_does_not_stand_for_what_healed_and_failed_again() -> Result<()> {
    let home = Home::new().await?;
    // What is learned is the test's to say, not a ping's.
    crate::background::pause(&home.engine, Some(24)).await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.learn(id, Signal::Rejected).await?;
    inbox::see(&home.engine, home.only_notice().await?.id).await?;
    home.deliver().await?;
    home.later(MINUTE).await?;
    home.learn(id, Signal::PingOk).await?;
    assert!(
        home.only_notice().await?.seen_at.is_some(),
        "that it heals is no news"
    );
    home.later(10 * MINUTE).await?;
    home.learn(id, Signal::Rejected).await?;
    assert_eq!(home.titles(), ["Orders 1 is failing"]);
    Ok(())
}

#[tokio::test]
async fn what_was_put_off_is_told_at_once_where_the_admin_takes_that_back() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.learn(id, Signal::Rejected).await?;
    let notice = home.only_notice().await?.id;
    inbox::snooze(&home.engine, notice, Some(24)).await?;
    home.later(MINUTE).await?;
    assert!(home.titles().is_empty());
    assert!(!home.only_notice().await?.is_new(home.engine.now()));
    inbox::snooze(&home.engine, notice, None).await?;
    home.later(MINUTE).await?;
    assert_eq!(home.titles(), ["Orders 1 is failing"]);
    assert!(home.only_notice().await?.is_new(home.engine.now()));
    Ok(())
}
