//! Crons that could not start: what their popup says.

use super::*;
use crate::{
    notices::open_stuck,
    store::{
        crons::CronRow,
        notices::{NoticeRow, change_obstacle},
    },
};
use wire::{CronId, Error, ErrorCode, Missed, NoticeKind, Reason};

fn no_tool(name: &str) -> Error {
    Error::new(ErrorCode::ToolUnknown)
        .with("tool", name)
        .with("integration", "Orders")
}

async fn stick(home: &Home, n: u128, name: &str, why: Error) -> Result<IntegrationId> {
    let about = IntegrationId(Uuid::from_u128(n));
    let notice = NoticeRow {
        obstacle: Some(why.clone()),
        ..NoticeRow::begun(
            (about, name),
            NoticeKind::Failing,
            Reason::Ok,
            home.engine.now(),
        )
    };
    home.engine
        .store()
        .write(Durability::Full, move |tx| open_stuck(tx, notice, &why))
        .await?;
    home.deliver().await?;
    Ok(about)
}

fn body(home: &Home) -> Result<String> {
    let mut popups = home.desk.popups();
    assert_eq!(popups.len(), 1, "{popups:?}");
    Ok(popups.pop().context("one popup")?.1.body)
}

#[tokio::test]
async fn of_several_for_one_kind_of_cause_each_says_its_own() -> Result<()> {
    let home = Home::new().await?;
    stick(&home, 1, "Weekly revenue", no_tool("report")).await?;
    home.clock.advance(6_000);
    stick(&home, 2, "Refund watch", no_tool("refunds")).await?;
    let body = body(&home)?;
    let lines: Vec<&str> = body.lines().collect();
    let [first, second] = lines.as_slice() else {
        anyhow::bail!("two lines, not {body}")
    };
    assert!(first.starts_with("Weekly revenue: ") && first.contains("report"));
    assert!(second.starts_with("Refund watch: ") && second.contains("refunds"));
    Ok(())
}

#[tokio::test]
async fn another_cause_is_told_in_the_same_popup() -> Result<()> {
    let home = Home::new().await?;
    let about = stick(&home, 1, "Weekly revenue", no_tool("report")).await?;
    let was = body(&home)?;
    home.clock.advance(6_000);
    home.engine
        .store()
        .write(Durability::Full, move |tx| {
            let why = Error::new(ErrorCode::IntegrationGone).with("integration", "Orders");
            change_obstacle(tx, about, &why)
        })
        .await?;
    home.deliver().await?;
    assert_ne!(body(&home)?, was);
    assert_eq!(home.desk.told().len(), 2);
    Ok(())
}

#[tokio::test]
async fn that_one_cause_was_seen_stands_for_no_other() -> Result<()> {
    let home = Home::new().await?;
    let about = stick(&home, 1, "Weekly revenue", no_tool("report")).await?;
    let notice = home.only_notice().await?.id;
    inbox::see(&home.engine, notice).await?;
    home.later(MINUTE).await?;
    let gone = Error::new(ErrorCode::IntegrationGone).with("integration", "Orders");
    for (why, told) in [(no_tool("refunds"), 1), (gone, 2)] {
        home.engine
            .store()
            .write(Durability::Full, move |tx| change_obstacle(tx, about, &why))
            .await?;
        home.deliver().await?;
        assert_eq!(home.desk.told().len(), told);
        assert_eq!(home.engine.new_notices().await? + 1, u32::try_from(told)?);
    }
    Ok(())
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_any_more_is_told_as_well() -> Result<()> {
    let home = Home::new().await?;
    let row = CronRow {
        id: CronId(Uuid::from_u128(11)),
        name: "Weekly revenue".to_owned(),
        agent: None,
        schedule: "0 3 * * *".to_owned(),
        // As where an update of the system has taken it away.
        zone: "Mars/Olympus".to_owned(),
        calls: vec![],
        missed: Missed::LeaveOut,
        limit_min: 10,
        created_at: T0,
        paused: None,
        next_at: Some(T0),
        handled_at: T0,
        obstacle: None,
    };
    home.engine
        .store()
        .write(Durability::Full, move |tx| {
            crate::store::crons::put(tx, &row)
        })
        .await?;
    crate::crons::look(&home.engine).await?;
    home.deliver().await?;
    assert_eq!(home.titles(), ["Weekly revenue did not start"]);
    assert!(body(&home)?.starts_with("Time zone cannot be used"));
    Ok(())
}
