use super::*;
use crate::store::schema;
use anyhow::Result;
use uuid::Uuid;

const NOW: Time = Time(400 * DAY_MS);

fn id(n: u128) -> IntegrationId {
    IntegrationId(Uuid::from_u128(n))
}

fn call(n: u128) -> CallId {
    CallId(Uuid::from_u128(n))
}

/// Two integrations that keep what calls say for thirty days.
fn database() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    schema::migrate(&mut connection, schema::MIGRATIONS)?;
    connection.execute_batch(
        "pragma foreign_keys = on;
         insert into integrations (id, slug, name, kind, config, connected_by, connected_at, enabled, state)
         values ('00000000-0000-0000-0000-000000000001', 'a', 'A', 'mcp', '{}', 'Ann', 0, 1, '{}'),
                ('00000000-0000-0000-0000-000000000002', 'b', 'B', 'mcp', '{}', 'Ann', 0, 1, '{}')",
    )?;
    let tx = Tx::new(&connection);
    set_days(&tx, id(1), Some(30))?;
    set_days(&tx, id(2), Some(30))?;
    drop(tx);
    Ok(connection)
}

fn said(tx: &Tx<'_>, of: IntegrationId, calls: std::ops::Range<u128>, at: Time) -> Result<()> {
    let body = Body {
        sent: Some("{}".to_owned()),
        got: None,
    };
    for n in calls {
        keep(tx, (call(n), of), &body, at)?;
    }
    Ok(())
}

fn left(connection: &Connection) -> Result<u32> {
    Ok(connection.query_row("select count(*) from bodies", [], |row| row.get(0))?)
}

#[test]
fn what_is_switched_off_is_shown_no_more_and_goes_some_at_a_time() -> Result<()> {
    let connection = database()?;
    let tx = Tx::new(&connection);
    said(&tx, id(1), 0..250, NOW)?;
    said(&tx, id(2), 250..300, NOW)?;
    assert!(!forget(&tx)?, "all of it is wanted");
    assert_eq!((left(&tx)?, count(&tx, id(1))?), (300, 250));

    set_days(&tx, id(1), None)?;
    assert_eq!((of(&tx, call(7), NOW)?, count(&tx, id(1))?), (None, 0));
    let mut lefts = vec![left(&tx)?];
    while forget(&tx)? {
        lefts.push(left(&tx)?);
    }
    assert_eq!(lefts, [300, 200, 100], "so that calls go on between");
    assert_eq!(left(&tx)?, 50);
    assert!(of(&tx, call(270), NOW)?.is_some(), "the other's stays");
    Ok(())
}

#[test]
fn what_was_switched_off_does_not_come_back() -> Result<()> {
    let connection = database()?;
    let tx = Tx::new(&connection);
    said(&tx, id(1), 0..3, NOW)?;
    set_days(&tx, id(1), None)?;
    set_days(&tx, id(1), Some(30))?;
    assert_eq!((of(&tx, call(1), NOW)?, left(&tx)?), (None, 0));
    Ok(())
}

#[test]
fn a_shorter_time_holds_at_once_and_a_longer_one_for_what_comes() -> Result<()> {
    let connection = database()?;
    let tx = Tx::new(&connection);
    let ago = |days: i64| NOW.plus(-days * DAY_MS);
    said(&tx, id(1), 0..1, ago(10))?;
    said(&tx, id(1), 1..2, ago(3))?;
    set_days(&tx, id(1), Some(7))?;
    assert_eq!(of(&tx, call(0), NOW)?, None);
    let until = of(&tx, call(1), NOW)?.map(|kept| kept.until);
    assert_eq!(until, Some(NOW.plus(4 * DAY_MS)));
    assert!(!purge(&tx, NOW, None)?);
    assert_eq!(left(&tx)?, 1);

    said(&tx, id(1), 2..3, NOW)?;
    set_days(&tx, id(1), Some(90))?;
    let until = of(&tx, call(2), NOW)?.map(|kept| kept.until);
    assert_eq!(until, Some(NOW.plus(7 * DAY_MS)), "as was said then");
    assert!(!purge(&tx, NOW.plus(7 * DAY_MS), None)?);
    assert_eq!(left(&tx)?, 1, "the one that was made for thirty days");
    Ok(())
}

#[test]
fn what_is_old_goes_some_at_a_time_and_along_the_index() -> Result<()> {
    let connection = database()?;
    let tx = Tx::new(&connection);
    said(&tx, id(1), 0..150, NOW.plus(-31 * DAY_MS))?;
    said(&tx, id(1), 150..200, NOW.plus(-9 * DAY_MS))?;
    said(&tx, id(2), 200..201, NOW)?;
    assert!(purge(&tx, NOW, None)?);
    assert_eq!(left(&tx)?, 101);
    while purge(&tx, NOW, None)? {}
    assert_eq!(left(&tx)?, 51);
    // Rows of the record are kept for seven days only.
    while purge(&tx, NOW, Some(NOW.plus(-7 * DAY_MS)))? {}
    assert_eq!(left(&tx)?, 1);
    let plan: String = tx.query_row(
        "explain query plan select call_id from bodies where integration_id = 'a' and at <= 1 limit 1",
        [],
        |row| row.get(3),
    )?;
    assert!(plan.contains("bodies_age"), "{plan}");
    Ok(())
}
