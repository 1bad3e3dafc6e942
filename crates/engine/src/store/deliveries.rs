//! Deliveries: how each notice reaches an admin, one row for each notice and channel. Written in the
//! commit that opens the notice; what is told, and when, is decided elsewhere (`notices`).

use super::{
    Tx, failed,
    notices::{self, NoticeRow},
    text,
};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use wire::{Error, NoticeId, Time, Topic};

/// Notices of one cause that open within a minute are told as one.
pub const ONE_MS: i64 = 60_000;

/// A way to an admin. Each has its own worker, so that none delays another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The system's own notifications.
    Native,
    /// A direct message to each admin, by the bot of a connected Slack.
    Slack,
}

/// Every channel.
pub const CHANNELS: &[Channel] = &[Channel::Native, Channel::Slack];

/// One notice as a channel tells it: its id, and the word of its reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Told {
    pub notice: NoticeId,
    pub reason: String,
}

/// One notice on its way to an admin by one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Under whose id it is told: the first notice of the same cause, or this one.
    pub bundle: NoticeId,
    /// What the channel shows now, for the whole bundle; `None` where it shows nothing.
    pub told: Option<Vec<Told>>,
    /// What the channel calls it; `None` where it is gone from there.
    pub handle: Option<String>,
    /// How often this notice was told.
    pub times: u32,
    /// When the channel was told last.
    pub told_at: Option<Time>,
    /// Failures in a row.
    pub tries: u32,
    /// The last of them.
    pub error: Option<String>,
    /// Not before that.
    pub due_at: Time,
}

/// One of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub notice: NoticeRow,
    pub delivery: DeliveryRow,
    /// It works again, and crons that it had paused wait to be resumed. Read elsewhere (`notices`).
    pub resumes: bool,
}

const COLUMNS: &str = "d.bundle, d.told, d.handle, d.times, d.told_at, d.tries, d.error, d.due_at";

/// Puts a notice that was just opened on its way by every channel. Nothing where it was not opened,
/// since one of that kind was open.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`, here and below.
pub fn queue(tx: &Tx<'_>, notice: &NoticeRow, cause: &str) -> Result<(), Error> {
    for channel in CHANNELS {
        tx.prepare_cached(
            "insert into deliveries (notice_id, channel, bundle, cause, due_at) \
             select ?1, ?2, coalesce((select d.bundle from deliveries d \
                join notices n on n.id = d.notice_id join notices first on first.id = d.bundle \
                where d.channel = ?2 and d.cause = ?3 and n.resolved_at is null \
                    and first.opened_at between ?4 - ?5 and ?4 limit 1), ?1), ?3, ?4 \
             where exists (select 1 from notices where id = ?1)",
        )
        .map_err(failed)?
        .execute(params![
            notice.id.to_string(),
            text::word(channel)?,
            cause,
            notice.opened_at.0,
            ONE_MS,
        ])
        .map_err(failed)?;
    }
    Ok(())
}

/// Every bundle that a channel tells of, or should.
pub fn pending(connection: &Connection, channel: Channel) -> Result<Vec<Vec<Item>>, Error> {
    let sql = format!(
        "select {}, {COLUMNS} from deliveries d join notices n on n.id = d.notice_id \
         where d.channel = ?1 and d.bundle in (select d.bundle from deliveries d \
            join notices n on n.id = d.notice_id \
            where d.channel = ?1 and (n.resolved_at is null or d.told is not null)) \
         order by d.bundle, n.opened_at, n.id",
        notices::COLUMNS
            .split(", ")
            .map(|column| format!("n.{}", column.trim()))
            .collect::<Vec<_>>()
            .join(", "),
    );
    let items: Vec<Item> = connection
        .prepare_cached(&sql)
        .map_err(failed)?
        .query_map([text::word(&channel)?], |row| {
            Ok(Item {
                notice: notices::read(row)?,
                delivery: read(row, 12)?,
                resumes: false,
            })
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    let mut bundles: Vec<Vec<Item>> = Vec::new();
    for item in items {
        match bundles.last_mut() {
            Some(last) if last[0].delivery.bundle == item.delivery.bundle => last.push(item),
            Some(_) | None => bundles.push(vec![item]),
        }
    }
    Ok(bundles)
}

/// How one notice's deliveries stand, by channel.
pub fn of(connection: &Connection, notice: NoticeId) -> Result<Vec<(Channel, DeliveryRow)>, Error> {
    let sql = format!("select d.channel, {COLUMNS} from deliveries d where d.notice_id = ?1");
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            statement
                .query_map([notice.to_string()], |row| {
                    Ok((text::from_word(row, 0)?, read(row, 1)?))
                })?
                .collect()
        })
        .map_err(failed)
}

/// The bundle is told like this now, under this handle. `counted`: those to whom it was news.
pub fn tell(
    tx: &Tx<'_>,
    (channel, bundle): (Channel, NoticeId),
    (told, handle): (&[Told], &str),
    counted: &[NoticeId],
    now: Time,
) -> Result<(), Error> {
    let channel = text::word(&channel)?;
    tx.prepare_cached(
        "update deliveries set told = ?3, handle = ?4, told_at = ?5, tries = 0, error = null \
         where channel = ?1 and bundle = ?2",
    )
    .map_err(failed)?
    .execute(params![
        channel,
        bundle.to_string(),
        text::json(&told)?,
        handle,
        now.0
    ])
    .map_err(failed)?;
    for notice in counted {
        tx.prepare_cached(
            "update deliveries set times = times + 1 where channel = ?1 and notice_id = ?2",
        )
        .and_then(|mut statement| statement.execute(params![channel, notice.to_string()]))
        .map_err(failed)?;
    }
    tx.touch(Topic::Notices);
    Ok(())
}

/// The channel shows nothing of the bundle any more.
pub fn withdraw(tx: &Tx<'_>, channel: Channel, bundle: NoticeId) -> Result<(), Error> {
    set(
        tx,
        (channel, bundle),
        "told = null, handle = null, tries = 0, error = null",
    )
}

/// The person, or the system, took it off the screen.
pub fn closed(tx: &Tx<'_>, channel: Channel, bundle: NoticeId) -> Result<(), Error> {
    set(tx, (channel, bundle), "handle = null")
}

fn set(tx: &Tx<'_>, (channel, bundle): (Channel, NoticeId), what: &str) -> Result<(), Error> {
    tx.prepare_cached(&format!(
        "update deliveries set {what} where channel = ?1 and bundle = ?2"
    ))
    .map_err(failed)?
    .execute(params![text::word(&channel)?, bundle.to_string()])
    .map_err(failed)?;
    tx.touch(Topic::Notices);
    Ok(())
}

/// It could not be told: why, and when to try again.
pub fn fail(
    tx: &Tx<'_>,
    (channel, bundle): (Channel, NoticeId),
    why: &str,
    again_at: Time,
) -> Result<(), Error> {
    tx.prepare_cached(
        "update deliveries set tries = tries + 1, error = ?3, due_at = ?4 \
         where channel = ?1 and bundle = ?2",
    )
    .map_err(failed)?
    .execute(params![
        text::word(&channel)?,
        bundle.to_string(),
        why,
        again_at.0
    ])
    .map_err(failed)?;
    tx.touch(Topic::Notices);
    Ok(())
}

/// The channel works again: what failed is due at once.
pub fn hurry(tx: &Tx<'_>, channel: Channel, now: Time) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update deliveries set due_at = ?2 \
             where channel = ?1 and error is not null and due_at > ?2",
        )
        .map_err(failed)?
        .execute(params![text::word(&channel)?, now.0])
        .map_err(failed)?;
    if done > 0 {
        tx.touch(Topic::Notices);
    }
    Ok(())
}

/// What the channel keeps in mind of the bundle, of which it shows nothing now.
pub fn hide(
    tx: &Tx<'_>,
    (channel, bundle): (Channel, NoticeId),
    told: &[Told],
) -> Result<(), Error> {
    tx.prepare_cached(
        "update deliveries set told = ?3, handle = null, tries = 0, error = null \
         where channel = ?1 and bundle = ?2",
    )
    .map_err(failed)?
    .execute(params![
        text::word(&channel)?,
        bundle.to_string(),
        text::json(&told)?
    ])
    .map_err(failed)?;
    tx.touch(Topic::Notices);
    Ok(())
}

/// The bundle that a channel calls this, those that are over among it; empty where there is none.
pub fn find(connection: &Connection, channel: Channel, handle: &str) -> Result<Vec<Item>, Error> {
    let bundles = pending(connection, channel)?.into_iter();
    Ok(bundles
        .flatten()
        .filter(|item| item.delivery.handle.as_deref() == Some(handle))
        .collect())
}

/// The channel tells of it anew, as if it had never told.
pub fn forget(tx: &Tx<'_>, channel: Channel, notice: NoticeId) -> Result<(), Error> {
    let channel = text::word(&channel)?;
    tx.prepare_cached("update deliveries set times = 0 where channel = ?1 and notice_id = ?2")
        .and_then(|mut statement| statement.execute(params![channel, notice.to_string()]))
        .map_err(failed)?;
    Ok(())
}

fn read(row: &Row<'_>, from: usize) -> rusqlite::Result<DeliveryRow> {
    Ok(DeliveryRow {
        bundle: text::id(row, from)?,
        told: text::from_json_or_null(row, from + 1)?,
        handle: row.get(from + 2)?,
        times: row.get(from + 3)?,
        told_at: row.get::<_, Option<i64>>(from + 4)?.map(Time),
        tries: row.get(from + 5)?,
        error: row.get(from + 6)?,
        due_at: Time(row.get(from + 7)?),
    })
}
