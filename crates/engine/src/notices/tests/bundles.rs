//! Notices of one cause are told as one.

use super::*;

#[tokio::test]
async fn two_that_fail_for_one_cause_within_a_minute_are_one_popup() -> Result<()> {
    let home = Home::new().await?;
    let one = home.add(1, "127.0.0.1:1").await?;
    let two = home.add(2, "127.0.0.1:1").await?;
    let other = home.add(3, "127.0.0.1:2").await?;
    home.learn(one, Signal::Rejected).await?;
    home.later(30_000).await?;
    home.learn(two, Signal::Rejected).await?;
    assert_eq!(home.titles(), ["2 integrations are failing"]);
    let (handle, popup) = home.desk.popups().pop().context("one popup")?;
    assert!(
        popup.body.starts_with("Orders 1, Orders 2\n"),
        "{}",
        popup.body
    );
    let labels: Vec<&str> = popup.buttons.iter().map(|(_, l)| l.as_str()).collect();
    assert_eq!(labels, ["Open"], "nothing mends both");
    assert_eq!(home.inbox().await?.len(), 2, "the inbox keeps them apart");

    home.learn(other, Signal::Rejected).await?;
    assert_eq!(home.titles().len(), 2, "another host is another cause");

    let press = Press::Open;
    home.engine
        .popup_said(PopupEvent::Pressed { handle, press })
        .await?;
    assert_eq!(home.engine.outbox().take_errand(), Some(Errand::Notices));

    home.later(MINUTE).await?;
    home.learn(one, Signal::Connected { end: None }).await?;
    let mut titles = home.titles();
    titles.sort();
    assert_eq!(
        titles,
        ["Orders 2 is failing", "Orders 3 is failing"],
        "the repaired one leaves the popup"
    );
    home.learn(two, Signal::Connected { end: None }).await?;
    assert_eq!(home.titles(), ["Orders 3 is failing"]);
    Ok(())
}

#[tokio::test]
async fn fifty_that_fail_together_are_one_popup_told_a_few_times() -> Result<()> {
    let home = Home::new().await?;
    let mut ids = vec![];
    for n in 1..=50 {
        ids.push(home.add(n, &format!("127.0.0.1:{n}")).await?);
    }
    for id in &ids {
        home.learn(*id, Signal::KeyringLost).await?;
        home.later(500).await?;
    }
    home.later(6_000).await?;
    assert_eq!(home.titles(), ["50 integrations are failing"]);
    let told = home.desk.told().len();
    assert!((2..=8).contains(&told), "told {told} times in 25 seconds");
    let body = home.desk.popups().pop().context("one")?.1.body;
    assert!(
        body.contains("Orders 1, Orders 2, Orders 3, Orders 4 and 46 more"),
        "{body}"
    );
    Ok(())
}

#[tokio::test]
async fn a_popup_that_was_dismissed_does_not_come_back_because_another_is_repaired() -> Result<()> {
    let home = Home::new().await?;
    let one = home.add(1, "127.0.0.1:1").await?;
    let two = home.add(2, "127.0.0.1:1").await?;
    home.learn(one, Signal::Rejected).await?;
    home.later(10_000).await?;
    home.learn(two, Signal::Rejected).await?;
    let (handle, _) = home.desk.popups().pop().context("one popup")?;
    home.engine
        .popup_said(PopupEvent::Closed { handle })
        .await?;
    let told = home.desk.told().len();
    home.later(MINUTE).await?;
    home.learn(one, Signal::Connected { end: None }).await?;
    assert_eq!(home.desk.told().len(), told);
    Ok(())
}

#[tokio::test]
async fn a_cause_that_changes_is_told_in_the_same_popup() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.learn(id, Signal::KeyringLost).await?;
    home.later(MINUTE).await?;
    home.learn(id, Signal::Rejected).await?;
    let popups = home.desk.popups();
    assert_eq!(popups.len(), 1);
    assert!(popups[0].1.body.contains("no longer accepts"));
    assert_eq!(home.desk.told().len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_was_put_off_comes_again_also_out_of_a_popup_that_was_dismissed() -> Result<()> {
    for replaces in [true, false] {
        let home = Home::new().await?;
        crate::background::pause(&home.engine, Some(24)).await?;
        if !replaces {
            home.desk.shows_only_once();
        }
        let one = home.add(1, "127.0.0.1:1").await?;
        let two = home.add(2, "127.0.0.1:1").await?;
        home.learn(one, Signal::Rejected).await?;
        home.later(10_000).await?;
        home.learn(two, Signal::Rejected).await?;
        home.later(MINUTE).await?;
        if let Some((handle, _)) = home.desk.popups().pop() {
            home.engine
                .popup_said(PopupEvent::Closed { handle })
                .await?;
        }
        let notice = home.inbox().await?.into_iter();
        let mut notice = notice.filter(|each| each.integration == one);
        let notice = notice.next().context("a notice of the first")?.id;
        inbox::snooze(&home.engine, notice, Some(1)).await?;
        home.deliver().await?;
        let told = home.desk.told().len();
        home.later(59 * MINUTE).await?;
        assert_eq!(home.desk.told().len(), told, "{replaces}: not before");
        home.later(MINUTE).await?;
        assert_eq!(home.desk.told().len(), told + 1, "{replaces}: then");
        home.later(DAY / 2).await?;
        assert_eq!(home.desk.told().len(), told + 1, "{replaces}: and once");
    }
    Ok(())
}

#[tokio::test]
async fn where_popups_cannot_be_replaced_those_that_join_one_are_told_in_a_second() -> Result<()> {
    let home = Home::new().await?;
    crate::background::pause(&home.engine, Some(24)).await?;
    home.desk.shows_only_once();
    for n in 1..=3 {
        let id = home.add(n, "127.0.0.1:1").await?;
        home.learn(id, Signal::Rejected).await?;
        home.later(10_000).await?;
    }
    let told = || -> Vec<String> {
        let popups = home.desk.told().into_iter();
        popups.map(|popup| popup.title).collect()
    };
    assert_eq!(told(), ["Orders 1 is failing"], "at once");
    home.later(MINUTE).await?;
    let both = ["Orders 1 is failing", "3 integrations are failing"];
    assert_eq!(told(), both, "and after a minute the others");
    home.later(DAY / 2).await?;
    assert_eq!(told(), both);
    Ok(())
}
