//! What works again by itself while crons wait for it: the same notice offers to resume them.

use super::*;
use crate::store::crons::CronRow;
use std::collections::BTreeMap;
use wire::{CronId, Missed};

const SETTLED: i64 = 21_000;

async fn add_cron(home: &Home, n: u128, name: &str, needs: IntegrationId) -> Result<CronId> {
    let id = CronId(Uuid::from_u128(n));
    let row = CronRow {
        id,
        name: name.to_owned(),
        agent: None,
        schedule: "0 3 * * *".to_owned(),
        zone: "UTC".to_owned(),
        calls: vec![],
        missed: Missed::LeaveOut,
        limit_min: 10,
        created_at: T0,
        paused: None,
        next_at: None,
        handled_at: home.engine.now(),
        obstacle: None,
    };
    let depends = BTreeMap::from([(needs, "Orders".to_owned())]);
    home.engine
        .store()
        .write(Durability::Full, move |tx| {
            crate::store::crons::put(tx, &row)?;
            crate::store::crons::set_depends(tx, id, &depends)
        })
        .await?;
    Ok(id)
}

fn shown(home: &Home) -> Result<crate::ports::Popup> {
    let mut popups = home.desk.popups();
    assert!(popups.len() <= 1, "{popups:?}");
    Ok(popups.pop().context("one popup")?.1)
}

#[tokio::test]
async fn what_heals_offers_in_the_same_place_to_resume_and_a_press_does_it() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    add_cron(&home, 11, "Weekly revenue", id).await?;
    add_cron(&home, 12, "Refund watch", id).await?;
    home.learn(id, Signal::Rejected).await?;
    let failing = shown(&home)?;
    assert!(failing.body.contains("are paused."), "{failing:?}");
    home.learn(id, Signal::PingOk).await?;
    assert!(
        home.titles().is_empty(),
        "it does not say any more that it fails"
    );
    home.later(SETTLED).await?;
    let offer = shown(&home)?;
    assert_eq!(offer.id, failing.id, "the same notice");
    assert_eq!(offer.title, "Orders 1 works again.");
    assert_eq!(offer.body, "Refund watch and Weekly revenue are paused.");
    let buttons: Vec<(Press, &str)> = offer
        .buttons
        .iter()
        .map(|(press, label)| (*press, label.as_str()))
        .collect();
    assert_eq!(
        buttons,
        [(Press::Resume, "Resume 2 crons"), (Press::Open, "Open")]
    );
    // It stays, also once the episode is over; the monitor, which sees the clock jump, comes after the answer.
    home.clock.advance(2 * 60 * MINUTE);
    home.learn(id, Signal::PingOk).await?;
    assert!(home.only_notice().await?.resolved_at.is_some());
    assert_eq!(shown(&home)?.title, offer.title);
    assert_eq!(home.desk.told().len(), 2);

    let (handle, _) = home.desk.popups().pop().context("the offer")?;
    let press = Press::Resume;
    home.engine
        .popup_said(PopupEvent::Pressed { handle, press })
        .await?;
    home.deliver().await?;
    assert!(home.titles().is_empty(), "done: it goes");
    let crons = crate::crons::list(&home.engine).await?;
    assert!(crons.iter().all(|cron| cron.next.is_some()), "{crons:?}");
    assert_eq!(home.desk.raised(), 0, "nothing is left to look at");
    Ok(())
}

#[tokio::test]
async fn what_fails_again_or_is_resumed_elsewhere_takes_the_offer_back() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    add_cron(&home, 11, "Weekly revenue", id).await?;
    home.learn(id, Signal::Rejected).await?;
    home.learn(id, Signal::PingOk).await?;
    home.later(SETTLED).await?;
    home.learn(id, Signal::Rejected).await?;
    home.later(6_000).await?;
    assert_eq!(shown(&home)?.title, "Orders 1 is failing", "told once more");
    home.learn(id, Signal::PingOk).await?;
    home.later(SETTLED).await?;
    assert_eq!(shown(&home)?.title, "Orders 1 works again.");
    crate::crons::resume_all(&home.engine, id).await?;
    home.later(6_000).await?;
    assert!(home.titles().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_hundred_flaps_with_crons_show_two_popups_at_most_and_one_offer_in_the_end() -> Result<()>
{
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    add_cron(&home, 11, "Weekly revenue", id).await?;
    for _ in 0..100 {
        home.learn(id, Signal::Rejected).await?;
        home.later(18_000).await?;
        home.learn(id, Signal::PingOk).await?;
        assert!(home.titles().is_empty(), "none is left while it works");
        home.later(18_000).await?;
    }
    assert_eq!(home.desk.told().len(), 2);
    home.later(SETTLED).await?;
    assert_eq!(shown(&home)?.title, "Orders 1 works again.");
    assert_eq!(home.desk.told().len(), 3);
    // Slow ones: what was told twice is not told for ever.
    for _ in 0..20 {
        home.learn(id, Signal::Rejected).await?;
        home.later(MINUTE).await?;
        home.learn(id, Signal::PingOk).await?;
        home.later(MINUTE).await?;
    }
    assert_eq!(home.desk.told().len(), 3);
    Ok(())
}

#[tokio::test]
async fn several_that_heal_one_after_the_other_are_one_offer() -> Result<()> {
    let home = Home::new().await?;
    let one = home.add(1, "127.0.0.1:1").await?;
    let two = home.add(2, "127.0.0.1:1").await?;
    add_cron(&home, 11, "Weekly revenue", one).await?;
    add_cron(&home, 12, "Refund watch", two).await?;
    home.learn(one, Signal::Rejected).await?;
    home.later(6_000).await?;
    home.learn(two, Signal::Rejected).await?;
    assert_eq!(shown(&home)?.title, "2 integrations are failing");
    home.later(6_000).await?;
    home.learn(one, Signal::PingOk).await?;
    assert_eq!(shown(&home)?.title, "Orders 2 is failing");
    home.later(SETTLED).await?;
    assert_eq!(
        shown(&home)?.title,
        "Orders 2 is failing",
        "first what is broken"
    );
    home.learn(two, Signal::PingOk).await?;
    home.later(SETTLED).await?;
    let offer = shown(&home)?;
    assert_eq!(offer.title, "2 integrations work again");
    assert_eq!(offer.buttons[0].1, "Resume 2 crons");
    let (handle, _) = home.desk.popups().pop().context("the offer")?;
    let press = Press::Resume;
    home.engine
        .popup_said(PopupEvent::Pressed { handle, press })
        .await?;
    home.deliver().await?;
    assert!(home.titles().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_offer_outlives_the_app() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    add_cron(&home, 11, "Weekly revenue", id).await?;
    home.learn(id, Signal::Rejected).await?;
    home.learn(id, Signal::PingOk).await?;
    let home = home.killed().await?;
    home.later(SETTLED).await?;
    assert_eq!(shown(&home)?.title, "Orders 1 works again.");
    Ok(())
}

#[tokio::test]
async fn a_press_resumes_what_its_button_names_and_nothing_else() -> Result<()> {
    let home = Home::new().await?;
    let one = home.add(1, "127.0.0.1:1").await?;
    let two = home.add(2, "127.0.0.1:1").await?;
    let seen = add_cron(&home, 11, "Weekly revenue", one).await?;
    let offered = add_cron(&home, 12, "Refund watch", two).await?;
    home.learn(one, Signal::Rejected).await?;
    home.later(6_000).await?;
    home.learn(two, Signal::Rejected).await?;
    home.later(6_000).await?;
    let notices = home.inbox().await?;
    let about = notices.iter().find(|each| each.integration == one);
    inbox::see(&home.engine, about.context("its notice")?.id).await?;
    home.learn(one, Signal::PingOk).await?;
    home.learn(two, Signal::PingOk).await?;
    home.later(SETTLED).await?;
    assert_eq!(shown(&home)?.buttons[0].1, "Resume 1 cron");
    let (handle, _) = home.desk.popups().pop().context("the offer")?;
    let press = Press::Resume;
    home.engine
        .popup_said(PopupEvent::Pressed { handle, press })
        .await?;
    for cron in crate::crons::list(&home.engine).await? {
        assert!([seen, offered].contains(&cron.id));
        assert_eq!(cron.next.is_some(), cron.id == offered, "{cron:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cron_that_two_hold_is_offered_once_neither_fails() -> Result<()> {
    let home = Home::new().await?;
    let one = home.add(1, "127.0.0.1:1").await?;
    let other = home.add(2, "127.0.0.1:2").await?;
    let cron = add_cron(&home, 11, "Weekly revenue", one).await?;
    let both = BTreeMap::from([(one, "1".to_owned()), (other, "2".to_owned())]);
    home.engine
        .store()
        .write(Durability::Full, move |tx| {
            crate::store::crons::set_depends(tx, cron, &both)
        })
        .await?;
    home.learn(one, Signal::Rejected).await?;
    home.learn(other, Signal::Rejected).await?;
    home.learn(one, Signal::PingOk).await?;
    home.later(SETTLED).await?;
    let offers = || {
        let titles = home.titles().into_iter();
        titles.filter(|title| title.contains("again")).count()
    };
    assert_eq!(offers(), 0, "{:?}", home.titles());
    let resumed = crate::crons::resume_all(&home.engine, one).await?;
    assert_eq!(resumed.going, 0);
    assert_eq!(resumed.still_held_by, ["Orders 2"]);
    home.learn(other, Signal::PingOk).await?;
    home.later(SETTLED).await?;
    assert_eq!(offers(), 1, "{:?}", home.titles());
    let resumed = crate::crons::resume_all(&home.engine, other).await?;
    assert_eq!((resumed.going, resumed.still_held_by), (1, vec![]));
    Ok(())
}
