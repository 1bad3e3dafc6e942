//! What calls said: for how long it is kept, and how it goes, some at a time, so that no call waits for long.
//!
//! Owns: when that is done. Must not know: where it stands (`store/bodies.rs`).

use crate::{
    Engine, integrations,
    store::{self, Durability, Store},
};
use tokio::sync::Notify;
use wire::{Error, ErrorCode, IntegrationId, Time};

/// Days for which what calls say may be kept.
const DAYS_MAX: u32 = 365;

/// Sets for how long what an integration's calls say is kept. What is kept no longer is not shown from then on.
pub(crate) async fn set_days(
    engine: &Engine,
    id: IntegrationId,
    days: Option<u32>,
) -> Result<(), Error> {
    if let Some(days) = days.filter(|days| !(1..=DAYS_MAX).contains(days)) {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Arguments and results")
            .with("why", format!("{days} days: 1 to {DAYS_MAX} are possible")));
    }
    let what = match days {
        Some(days) => {
            forget(engine.store()).await?;
            format!("what its calls say is kept for {days} days")
        }
        None => "what its calls say is not kept any more".to_owned(),
    };
    integrations::change(engine, id, move |tx, _| {
        store::bodies::set_days(tx, id, days)?;
        Ok((what, ()))
    })
    .await?;
    if days.is_none() {
        engine.manner().forgets().notify_one();
    }
    Ok(())
}

/// Removes what no setting keeps: at the start what an earlier run has left, then what it is told of. Until the
/// engine stops; what fails is tried again with the next.
pub(super) async fn run(engine: &Engine) {
    let (stopping, asked): (_, &Notify) = (engine.stopping(), engine.manner().forgets());
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            done = forget(engine.store()) => if let Err(error) = done {
                tracing::warn!(%error, "what calls said could not be removed");
            }
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = asked.notified() => {}
        }
    }
}

/// Removes what no setting keeps.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(crate) async fn forget(store: &Store) -> Result<(), Error> {
    while store
        .write(Durability::Normal, |tx| store::bodies::forget(tx))
        .await?
    {}
    Ok(())
}

/// Removes what is to go by now, and what is of calls that began before `before`.
pub(super) async fn purge(store: &Store, now: Time, before: Option<Time>) -> Result<(), Error> {
    while store
        .write(Durability::Normal, move |tx| {
            store::bodies::purge(tx, now, before)
        })
        .await?
    {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{notices::tests::Home, store::bodies};
    use anyhow::Result;
    use std::time::{Duration, Instant};
    use wire::CallId;

    const CALLS: u128 = 1_000;

    fn count(conn: &rusqlite::Connection) -> Result<u32, Error> {
        conn.query_row("select count(*) from bodies", [], |row| row.get(0))
            .map_err(store::failed)
    }

    async fn gone(home: &Home) -> Result<()> {
        let began = Instant::now();
        while home.engine.store().read(count).await? > 0 {
            anyhow::ensure!(began.elapsed() < Duration::from_secs(20), "it stays");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Much is kept of its calls.
    async fn kept(home: &Home) -> Result<IntegrationId> {
        let id = home.add(1, "127.0.0.1").await?;
        set_days(&home.engine, id, Some(30)).await?;
        let now = home.engine.now();
        let all = move |tx: &mut store::Tx<'_>| {
            let body = bodies::Body {
                sent: Some("x".repeat(8_000)),
                got: None,
            };
            (0..CALLS).try_for_each(|n| {
                bodies::keep(tx, (CallId(uuid::Uuid::from_u128(n)), id), &body, now)
            })
        };
        home.engine.store().write(Durability::Normal, all).await?;
        Ok(id)
    }

    #[tokio::test]
    async fn what_is_switched_off_goes_by_itself_while_others_write() -> Result<()> {
        let home = Home::new().await?;
        let id = kept(&home).await?;
        let store = home.engine.store();
        set_days(&home.engine, id, None).await?;
        // A write that comes meanwhile has its turn before all of it is gone.
        let seen = store.write(Durability::Normal, |tx| count(tx)).await?;
        assert!(seen > 0, "it goes in one piece");
        let shown = store.read(move |conn| bodies::count(conn, id)).await?;
        assert_eq!(shown, 0);
        gone(&home).await
    }

    #[tokio::test]
    async fn what_a_run_that_was_cut_short_has_left_goes_in_the_next() -> Result<()> {
        let home = Home::new().await?;
        let id = kept(&home).await?;
        let off = move |tx: &mut store::Tx<'_>| bodies::set_days(tx, id, None);
        home.engine.store().write(Durability::Full, off).await?;
        let home = home.killed().await?;
        gone(&home).await
    }
}
