//! Agents whose tokens end: told once, a week before, until there is a new one.

use super::*;
use crate::agents;
use wire::{AgentId, GatewayView, NoticeKind, PairAgent, RenewAgent};

async fn pair(home: &Home, name: &str, days: Option<u32>) -> Result<AgentId> {
    home.engine.gateway_is(GatewayView::Open {
        url: "http://127.0.0.1:7317/mcp".to_owned(),
    });
    let ask = PairAgent {
        name: name.to_owned(),
        integrations: None,
        tools: vec![],
        read_only: false,
        days,
    };
    Ok(agents::pair(&home.engine, ask).await?.agent.id)
}

/// Lets the house be kept until the popups are titled so.
async fn until(home: &Home, titles: &[&str]) -> Result<()> {
    let began = std::time::Instant::now();
    while home.titles() != titles {
        anyhow::ensure!(
            began.elapsed() < std::time::Duration::from_secs(20),
            "{:?}, not {titles:?}",
            home.titles()
        );
        home.clock.advance(10_000);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Ok(())
}

#[tokio::test]
async fn that_a_token_ends_is_told_once_and_over_with_a_new_one() -> Result<()> {
    let home = Home::new().await?;
    let chief = pair(&home, "Chief", Some(90)).await?;
    pair(&home, "Cursor", None).await?;
    home.clock.advance(82 * DAY);
    agents::ends::look(&home.engine, home.engine.now()).await?;
    assert_eq!(home.inbox().await?, [], "it is too early");

    home.clock.advance(DAY);
    until(&home, &["Chief needs a new token"]).await?;
    let popup = home.desk.popups().pop().context("one")?.1;
    assert!(
        popup.body.starts_with("The token of Chief ends on ") && popup.body.contains("New token"),
        "{}",
        popup.body
    );
    let buttons: Vec<Press> = popup.buttons.iter().map(|(press, _)| *press).collect();
    assert_eq!(buttons, [Press::Open]);
    let notice = home.only_notice().await?;
    assert!(notice.of_agent && notice.fix.is_none(), "{notice:?}");
    assert_eq!(
        (notice.name.as_str(), notice.kind),
        ("Chief", NoticeKind::Expiring)
    );

    let handle = home.desk.popups().pop().context("one")?.0;
    let press = Press::Open;
    home.engine
        .popup_said(PopupEvent::Pressed { handle, press })
        .await?;
    assert_eq!(home.engine.outbox().take_errand(), Some(Errand::Agents));

    // Each day it is looked at again, also past its end, and nothing is told again.
    for _ in 0..10 {
        home.clock.advance(DAY);
        agents::ends::look(&home.engine, home.engine.now()).await?;
        home.deliver().await?;
    }
    assert_eq!(home.desk.told().len(), 1);
    assert_eq!(home.inbox().await?.len(), 1);

    let ask = RenewAgent {
        id: chief,
        days: Some(30),
    };
    agents::renew(&home.engine, ask).await?;
    until(&home, &[]).await?;
    assert!(home.only_notice().await?.resolved_at.is_some());
    agents::ends::look(&home.engine, home.engine.now()).await?;
    assert_eq!(home.inbox().await?.len(), 1, "none of the new one");
    Ok(())
}

#[tokio::test]
async fn several_that_end_are_one_notification_and_one_that_is_removed_is_told_of_no_more()
-> Result<()> {
    let home = Home::new().await?;
    let chief = pair(&home, "Chief", Some(30)).await?;
    pair(&home, "Cursor", Some(7)).await?;
    home.clock.advance(25 * DAY);
    until(&home, &["2 agents need a new token"]).await?;
    let body = home.desk.popups().pop().context("one")?.1.body;
    assert!(
        body.contains("The token of Chief ends on ")
            && body.contains("The token of Cursor ended on "),
        "{body}"
    );
    agents::revoke(&home.engine, chief).await?;
    until(&home, &["Cursor needs a new token"]).await?;
    Ok(())
}

#[tokio::test]
async fn what_a_wrong_clock_told_is_over_once_it_is_right() -> Result<()> {
    let home = Home::new().await?;
    pair(&home, "Chief", Some(90)).await?;
    let now = home.engine.now();
    agents::ends::look(&home.engine, now.plus(365 * DAY)).await?;
    assert!(home.only_notice().await?.resolved_at.is_none());
    agents::ends::look(&home.engine, now).await?;
    assert!(home.only_notice().await?.resolved_at.is_some());
    Ok(())
}
