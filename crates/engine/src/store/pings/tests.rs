use super::*;
use crate::store::{Tx, schema};
use anyhow::Result;
use uuid::Uuid;

const DAY: i64 = 24 * 3_600_000;

fn database() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    schema::migrate(&mut connection, schema::MIGRATIONS)?;
    connection.execute_batch(
        "pragma foreign_keys = on;
         insert into integrations (id, slug, name, kind, config, connected_by, connected_at, enabled, state)
         values ('00000000-0000-0000-0000-000000000001', 's', 'S', 'mcp', '{}', 'Ann', 0, 1, '{}')",
    )?;
    Ok(connection)
}

/// Noon today by this computer's own calendar, so that no daylight saving moves a ping to another
/// day.
fn noon(connection: &Connection) -> Result<Time> {
    Ok(Time(connection.query_row(
        "select 1000 * unixepoch(date('now', 'localtime') || ' 12:00', 'utc')",
        [],
        |row| row.get(0),
    )?))
}

fn ping(n: u128, at: Time, outcome: Outcome) -> PingRow {
    PingRow {
        id: PingId(Uuid::from_u128(n)),
        at,
        integration: Some(IntegrationId(Uuid::from_u128(1))),
        integration_name: "S".into(),
        outcome,
        took_ms: None,
        error: None,
        detail: String::new(),
        because: Because::Health,
    }
}

#[test]
fn days_say_how_each_one_went_and_the_last_is_today() -> Result<()> {
    let connection = database()?;
    let tx = Tx::new(&connection);
    let noon = noon(&connection)?;
    let pings = [
        (0, Outcome::Ok),
        (1, Outcome::Failed),
        (2, Outcome::Ok),
        (2, Outcome::Failed),
        (3, Outcome::Refused),
        (4, Outcome::Ok),
    ];
    for (n, (ago, outcome)) in (1..).zip(pings) {
        add(&tx, &ping(n, noon.plus(-ago * DAY), outcome))?;
    }
    let days = days(&connection, noon, 4)?;
    let own = days.get(&IntegrationId(Uuid::from_u128(1)));
    let expected = vec![Day::Unknown, Day::Troubled, Day::Failing, Day::Healthy];
    assert_eq!(
        own,
        Some(&expected),
        "oldest first, and none from before the four"
    );
    Ok(())
}

#[test]
fn purge_removes_what_is_older_and_tells_only_when_it_did() -> Result<()> {
    let connection = database()?;
    let noon = noon(&connection)?;
    let tx = Tx::new(&connection);
    for (n, ago) in (1..).zip([0, 10, 29, 31, 45]) {
        add(&tx, &ping(n, noon.plus(-ago * DAY), Outcome::Ok))?;
    }
    assert_eq!(purge(&tx, noon.plus(-30 * DAY))?, 2);
    assert_eq!(newest(&connection)?, Some(noon));
    let left: i64 = connection.query_row("select count(*) from pings", [], |row| row.get(0))?;
    assert_eq!(left, 3);
    let quiet = Tx::new(&connection);
    assert_eq!(purge(&quiet, noon.plus(-30 * DAY))?, 0);
    assert!(quiet.into_parts().topics.is_empty());
    Ok(())
}

#[test]
fn a_ping_of_an_integration_that_has_gone_is_kept_in_the_record_only() -> Result<()> {
    let connection = database()?;
    let noon = noon(&connection)?;
    let tx = Tx::new(&connection);
    let gone = PingRow {
        integration: Some(IntegrationId(Uuid::from_u128(9))),
        ..ping(1, noon, Outcome::Ok)
    };
    add(&tx, &gone)?;
    assert!(days(&connection, noon, 30)?.is_empty());
    assert_eq!(newest(&connection)?, Some(noon));
    Ok(())
}
