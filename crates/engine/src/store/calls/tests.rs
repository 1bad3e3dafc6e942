use super::*;
use crate::store::{Durability, Store, pings, pings::PingRow, schema};
use anyhow::Result;
use proptest::prelude::*;
use uuid::Uuid;
use wire::PingId;
use wire::RowView;

fn database() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    schema::migrate(&mut connection, schema::MIGRATIONS)?;
    connection.execute_batch("pragma recursive_triggers = on; insert into runs values (1)")?;
    Ok(connection)
}

pub(crate) fn call(id: u128, at: i64, integration: Option<u128>) -> CallRow {
    CallRow {
        id: CallId(Uuid::from_u128(id)),
        at: Time(at),
        kind: RowKind::Call,
        integration: integration.map(|id| IntegrationId(Uuid::from_u128(id))),
        integration_name: "Orders".into(),
        action: "orders.call".into(),
        because: Because::task("Refunds", Some("https://x.slack.com/archives/C1")),
        sent: None,
    }
}

fn ping(id: u128, at: i64, integration: Option<u128>) -> PingRow {
    PingRow {
        id: PingId(Uuid::from_u128(id)),
        at: Time(at),
        integration: integration.map(|id| IntegrationId(Uuid::from_u128(id))),
        integration_name: "Orders".into(),
        outcome: Outcome::Ok,
        took_ms: Some(12),
        error: None,
        detail: "HTTP 200".into(),
        because: Because::Health,
    }
}

pub(crate) fn ended(intent: (i64, Time), outcome: Outcome) -> OutcomeRow {
    OutcomeRow {
        intent,
        at: Time(50),
        outcome,
        took_ms: Some(31),
        error: Some(Error::new(wire::ErrorCode::Rejected).with("host", "api.example.com")),
        detail: "HTTP 401".into(),
        got: None,
    }
}

fn everything(limit: u32) -> Filter {
    Filter {
        limit,
        ..Filter::default()
    }
}

#[test]
fn the_record_takes_no_change_and_no_deletion() -> Result<()> {
    let connection = database()?;
    let tx = Tx::new(&connection);
    let intent = (begin(&tx, &call(1, 10, None), None)?, Time(10));
    finish(&tx, &ended(intent, Outcome::Failed))?;
    for attack in [
        "update calls set action = 'nothing'",
        "delete from calls",
        "update outcomes set outcome = 'ok'",
        "delete from outcomes",
        "insert or replace into calls (seq, id, at, kind, integration_name, action, because, run, mac) \
         select seq, id, 0, kind, 'x', 'x', because, run, mac from calls",
        "replace into outcomes (call_seq, seq, call_at, at, outcome, detail, mac) \
         values ((select seq from calls), 2, 0, 0, 'ok', '', x'')",
    ] {
        assert!(connection.execute(attack, []).is_err(), "{attack}");
    }
    assert!(
        finish(&tx, &ended(intent, Outcome::Ok)).is_err(),
        "an intent takes one outcome"
    );
    let row = page(&connection, &everything(10))?.rows.remove(0);
    assert_eq!((row.outcome, row.at), (Outcome::Failed, Time(10)));
    Ok(())
}

#[test]
fn a_row_comes_back_as_it_was_written() -> Result<()> {
    let connection = database()?;
    connection.execute_batch("pragma foreign_keys = on")?;
    let tx = Tx::new(&connection);
    let written = call(7, 40, Some(3));
    let intent = (begin(&tx, &written, None)?, written.at);
    assert!(
        finish(&tx, &ended((intent.0 + 1, Time(40)), Outcome::Ok)).is_err(),
        "no outcome without an intent"
    );
    finish(&tx, &ended(intent, Outcome::Refused))?;
    let view = page(&connection, &everything(10))?.rows.remove(0);
    assert_eq!(
        view,
        RowView {
            id: written.id.0,
            at: written.at,
            kind: written.kind,
            integration: written.integration,
            integration_name: written.integration_name,
            action: written.action,
            outcome: Outcome::Refused,
            took_ms: Some(31),
            error: ended(intent, Outcome::Refused).error,
            detail: "HTTP 401".into(),
            because: written.because,
        }
    );
    assert_eq!(
        count_since(&connection, IntegrationId(Uuid::from_u128(3)), Time(40))?,
        1
    );
    assert_eq!(
        count_since(&connection, IntegrationId(Uuid::from_u128(3)), Time(41))?,
        0
    );
    assert_eq!(
        tx.into_parts().topics.into_iter().collect::<Vec<_>>(),
        [Topic::Activity]
    );
    Ok(())
}

#[tokio::test]
async fn a_call_whose_process_died_is_unknown_and_one_that_runs_is_running() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path())?;
    store
        .write(Durability::Normal, |tx| begin(tx, &call(1, 10, None), None))
        .await?;
    let outcomes = |store: &Store| {
        let store = store.clone();
        async move {
            let page = store.read(|c| page(c, &everything(10))).await?;
            Ok::<_, Error>(
                page.rows
                    .into_iter()
                    .map(|row| row.outcome)
                    .collect::<Vec<_>>(),
            )
        }
    };
    assert_eq!(outcomes(&store).await?, [Outcome::Running]);
    drop(store);
    let store = Store::open(folder.path())?;
    store
        .write(Durability::Normal, |tx| begin(tx, &call(2, 20, None), None))
        .await?;
    assert_eq!(
        outcomes(&store).await?,
        [Outcome::Running, Outcome::Unknown]
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Walking page by page gives every row once, newest first, whatever the page's size and however
    /// many rows share a moment.
    #[test]
    fn pages_follow_on_without_gap_or_repeat(
        rows in prop::collection::vec((0_i64..6, 0_u128..3, any::<bool>()), 0..60),
        limit in 1_u32..9,
        pings in any::<bool>(),
        only in prop::option::of(0_u128..3),
    ) {
        let connection = database().expect("a database in memory");
        let tx = Tx::new(&connection);
        let mut expected = Vec::new();
        for (n, (at, integration, is_ping)) in (1_u128..).zip(rows) {
            if is_ping {
                pings::add(&tx, &ping(n, at, Some(integration))).expect("it fits");
            } else {
                begin(&tx, &call(n, at, Some(integration)), None).expect("it fits");
            }
            if (pings || !is_ping) && only.is_none_or(|only| only == integration) {
                expected.push((Time(at), Uuid::from_u128(n)));
            }
        }
        expected.sort_by(|a, b| b.cmp(a));
        let mut filter = Filter {
            integration: only.map(|id| IntegrationId(Uuid::from_u128(id))),
            before: None,
            limit,
            pings,
            only: wire::ActivityFilter::default(),
        };
        let mut walked = Vec::new();
        loop {
            let page = page(&connection, &filter).expect("it reads");
            prop_assert!(page.rows.len() <= limit as usize);
            walked.extend(page.rows.iter().map(|row| (row.at, row.id)));
            match page.next {
                Some(cursor) => filter.before = Some(cursor),
                None => break,
            }
        }
        prop_assert_eq!(walked, expected);
    }
}

#[test]
fn rows_that_nobody_of_us_wrote_stand_in_no_calls_way() -> Result<()> {
    let connection = database()?;
    let last = i64::MAX;
    connection.execute_batch(&format!(
        "pragma foreign_keys = off; insert into open_calls (call_seq) values (1), (2), (700); \
         insert into calls (seq, id, at, kind, integration_name, action, because, run, mac) \
         values ({last}, 'x', 0, 'call', 'x', 'x', 'x', 1, x'')"
    ))?;
    let tx = Tx::new(&connection);
    let first = begin(&tx, &call(1, 10, None), None)?;
    assert_eq!(first, 1);
    finish(&tx, &ended((first, Time(10)), Outcome::Ok))?;
    give_up(&Tx::new(&connection))?;
    let open: i64 =
        connection.query_row("select count(*) from open_calls", [], |row| row.get(0))?;
    assert_eq!(open, 0);
    Ok(())
}
