use super::*;
use crate::store::schema;
use anyhow::{Context, Result};
use uuid::Uuid;

fn database() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    schema::migrate(&mut connection, schema::MIGRATIONS)?;
    Ok(connection)
}

fn notice(n: u128, at: i64) -> NoticeRow {
    NoticeRow {
        id: NoticeId(Uuid::from_u128(n)),
        integration: IntegrationId(Uuid::from_u128(1)),
        integration_name: "Stripe".into(),
        kind: NoticeKind::Failing,
        reason: Reason::Rejected { since: Time(at) },
        opened_at: Time(at),
        well_since: None,
        resume_offered_at: None,
        resolved_at: None,
        seen_at: None,
        snoozed_until: None,
        obstacle: None,
    }
}

#[test]
fn one_episode_is_one_row_and_the_next_episode_is_another() -> Result<()> {
    let connection = database()?;
    let tx = Tx::new(&connection);
    let id = notice(1, 10).integration;
    open(&tx, &notice(1, 10))?;
    open(&tx, &notice(2, 20))?;
    assert_eq!(open_ones(&connection)?, [notice(1, 10)], "still the first");

    let down = Reason::Unreachable { since: Time(25) };
    change(&tx, (id, NoticeKind::Failing), &down, Some(Time(30)))?;
    offer_resume(&tx, id, Time(30))?;
    offer_resume(&tx, id, Time(40))?;
    let now = find(&connection, NoticeId(Uuid::from_u128(1)))?.context("it is there")?;
    assert_eq!(
        (now.reason, now.well_since, now.resume_offered_at),
        (down, Some(Time(30)), Some(Time(30))),
        "to resume is offered once"
    );

    resolve(&tx, (id, NoticeKind::Expiring), Time(50))?;
    assert_eq!(open_ones(&connection)?.len(), 1, "another kind stays open");
    resolve_all(&tx, id, Time(50))?;
    assert!(open_ones(&connection)?.is_empty());
    open(&tx, &notice(3, 60))?;
    let opened: Vec<Time> = newest(&connection, 10)?
        .iter()
        .map(|row| row.opened_at)
        .collect();
    assert_eq!(opened, [Time(60), Time(10)]);
    Ok(())
}
