//! Time that passes, and what an admin was told meanwhile.

use super::{Home, tick};
use anyhow::Result;
use engine::fakes::FakeClock;
use std::time::{Duration, Instant};

mod idle;

/// Lets the engine's clock run in steps of ten seconds, until `done`.
pub async fn drive(
    home: &Home,
    clock: &FakeClock,
    what: &str,
    done: impl AsyncFn() -> Result<bool>,
) -> Result<()> {
    let began = Instant::now();
    loop {
        for _ in 0..3 {
            if done().await? {
                return Ok(());
            }
            // What the last step began is given a moment to end.
            home.cards().await?;
            tick(began, what).await?;
        }
        clock.advance(10_000);
    }
}

/// The same where the time that it takes is looked at: whatever a step begins is given a while to end,
/// also on a busy computer.
pub async fn drive_gently(
    home: &Home,
    clock: &FakeClock,
    what: &str,
    done: impl AsyncFn() -> Result<bool>,
) -> Result<()> {
    let began = Instant::now();
    while !done().await? {
        tick(began, what).await?;
        clock.advance(10_000);
        tokio::time::sleep(Duration::from_millis(250)).await;
        home.cards().await?;
    }
    Ok(())
}

/// The same in a process of the test's own, where the time that it takes is looked at: whatever a step
/// begins ends before the next, however busy the computer is.
pub async fn drive_alone(
    home: &Home,
    clock: &FakeClock,
    what: &str,
    done: impl AsyncFn() -> Result<bool>,
) -> Result<()> {
    // An hour.
    for _ in 0..360 {
        idle::settles(what)?;
        home.cards().await?;
        if done().await? {
            return Ok(());
        }
        clock.advance(10_000);
    }
    anyhow::bail!("an hour went by without {what}")
}

/// One notice, as it stands on disk.
#[derive(Debug)]
pub struct Told {
    pub kind: String,
    pub resolved: bool,
    pub offered: bool,
}

/// Every notice so far, oldest first.
pub fn notices(home: &Home) -> Result<Vec<Told>> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let file = home.folder().join("chief.db");
    let connection = rusqlite::Connection::open_with_flags(file, flags)?;
    let mut asked = connection.prepare(
        "select kind, resolved_at is not null, resume_offered_at is not null \
         from notices order by opened_at, id",
    )?;
    let told = asked.query_map([], |row| {
        Ok(Told {
            kind: row.get(0)?,
            resolved: row.get(1)?,
            offered: row.get(2)?,
        })
    })?;
    Ok(told.collect::<Result<_, _>>()?)
}
