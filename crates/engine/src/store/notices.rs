//! Notices: what an admin is told once, one row for each episode of an integration. Written in the
//! commit that changes the status; how they are delivered is not known here.

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::{Error, IntegrationId, NoticeId, NoticeKind, Reason, Time, Topic};

/// One episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    pub id: NoticeId,
    pub integration: IntegrationId,
    /// Its name when the episode began.
    pub integration_name: String,
    pub kind: NoticeKind,
    /// What it tells now; may change while it is open.
    pub reason: Reason,
    pub opened_at: Time,
    /// It works again since then, though the episode is not over.
    pub well_since: Option<Time>,
    /// When to resume was first offered: once in an episode.
    pub resume_offered_at: Option<Time>,
    /// Withdrawn: repaired, an hour of health, switched off, or disconnected.
    pub resolved_at: Option<Time>,
    /// When the admin has seen it.
    pub seen_at: Option<Time>,
    /// The admin wants to hear of it again, but not before then.
    pub snoozed_until: Option<Time>,
    /// Why a cron could not start: then the notice is of the cron, whose id and name stand in the
    /// integration's place.
    pub obstacle: Option<Error>,
}

impl NoticeRow {
    /// One that begins now, of an integration with this id and name.
    #[must_use]
    pub fn begun(
        (id, name): (IntegrationId, &str),
        kind: NoticeKind,
        reason: Reason,
        now: Time,
    ) -> Self {
        Self {
            id: NoticeId(uuid::Uuid::now_v7()),
            integration: id,
            integration_name: name.to_owned(),
            kind,
            reason,
            opened_at: now,
            well_since: None,
            resume_offered_at: None,
            resolved_at: None,
            seen_at: None,
            snoozed_until: None,
            obstacle: None,
        }
    }
}

pub(super) const COLUMNS: &str = "id, integration_id, integration_name, kind, reason, opened_at, well_since, \
    resume_offered_at, resolved_at, seen_at, snoozed_until, obstacle";

/// Opens one. Where one of that kind is open already it stays as it is: one notice for one episode.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`, here and below.
pub fn open(tx: &Tx<'_>, row: &NoticeRow) -> Result<(), Error> {
    let done = tx
        .prepare_cached(&format!(
            "insert into notices ({COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             on conflict (integration_id, kind) where resolved_at is null do nothing"
        ))
        .map_err(failed)?
        .execute(params![
            row.id.to_string(),
            row.integration.to_string(),
            row.integration_name,
            text::word(&row.kind)?,
            text::json(&row.reason)?,
            row.opened_at.0,
            row.well_since.map(|at| at.0),
            row.resume_offered_at.map(|at| at.0),
            row.resolved_at.map(|at| at.0),
            row.seen_at.map(|at| at.0),
            row.snoozed_until.map(|at| at.0),
            row.obstacle.as_ref().map(text::json).transpose()?,
        ])
        .map_err(failed)?;
    changed(tx, done);
    Ok(())
}

/// What the open notice of that kind tells from now on; nothing where none is open. That an admin has
/// seen it stands for no other cause, and for nothing that came back.
pub fn change(
    tx: &Tx<'_>,
    (id, kind): (IntegrationId, NoticeKind),
    reason: &Reason,
    well_since: Option<Time>,
) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update notices set reason = ?3, well_since = ?4, seen_at = iif(?4 is null and \
                (well_since is not null or reason ->> 'reason' <> ?3 ->> 'reason'), null, seen_at) \
             where integration_id = ?1 and kind = ?2 and resolved_at is null",
        )
        .map_err(failed)?
        .execute(params![
            id.to_string(),
            text::word(&kind)?,
            text::json(reason)?,
            well_since.map(|at| at.0),
        ])
        .map_err(failed)?;
    changed(tx, done);
    Ok(())
}

/// Notes that the open *failing* notice offers to resume.
pub fn offer_resume(tx: &Tx<'_>, id: IntegrationId, now: Time) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update notices set resume_offered_at = coalesce(resume_offered_at, ?2) \
             where integration_id = ?1 and kind = 'failing' and resolved_at is null",
        )
        .and_then(|mut statement| statement.execute(params![id.to_string(), now.0]))
        .map_err(failed)?;
    changed(tx, done);
    Ok(())
}

/// What keeps a cron from starting by now, in the notice that is open of it. Seen stands for no other cause, as above.
pub fn change_obstacle(tx: &Tx<'_>, about: IntegrationId, why: &Error) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update notices set obstacle = ?2, \
                seen_at = iif(obstacle ->> 'code' <> ?2 ->> 'code', null, seen_at) \
             where integration_id = ?1 and resolved_at is null and obstacle <> ?2",
        )
        .map_err(failed)?
        .execute(params![about.to_string(), text::json(why)?])
        .map_err(failed)?;
    changed(tx, done);
    Ok(())
}

/// Withdraws the open notice of that kind; nothing where none is open.
pub fn resolve(
    tx: &Tx<'_>,
    (id, kind): (IntegrationId, NoticeKind),
    now: Time,
) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update notices set resolved_at = ?3 \
             where integration_id = ?1 and kind = ?2 and resolved_at is null",
        )
        .map_err(failed)?
        .execute(params![id.to_string(), text::word(&kind)?, now.0])
        .map_err(failed)?;
    changed(tx, done);
    Ok(())
}

/// Withdraws every open notice of an integration that goes.
pub fn resolve_all(tx: &Tx<'_>, id: IntegrationId, now: Time) -> Result<(), Error> {
    resolve(tx, (id, NoticeKind::Expiring), now)?;
    resolve(tx, (id, NoticeKind::Failing), now)
}

/// The admin has seen it: nothing tells of it any more but the list.
pub fn see(tx: &Tx<'_>, id: NoticeId, now: Time) -> Result<(), Error> {
    let done = tx
        .prepare_cached("update notices set seen_at = coalesce(seen_at, ?2) where id = ?1")
        .and_then(|mut statement| statement.execute(params![id.to_string(), now.0]))
        .map_err(failed)?;
    changed(tx, done);
    Ok(())
}

/// The admin will be told of it again at `until`, where it is still open then.
pub fn snooze(tx: &Tx<'_>, id: NoticeId, until: Time) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update notices set snoozed_until = ?2, seen_at = null \
             where id = ?1 and resolved_at is null",
        )
        .and_then(|mut statement| statement.execute(params![id.to_string(), until.0]))
        .map_err(failed)?;
    changed(tx, done);
    Ok(())
}

/// One of them.
pub fn find(connection: &Connection, id: NoticeId) -> Result<Option<NoticeRow>, Error> {
    connection
        .prepare_cached(&format!("select {COLUMNS} from notices where id = ?1"))
        .and_then(|mut statement| statement.query_row([id.to_string()], read).optional())
        .map_err(failed)
}

/// The open ones, oldest first.
pub fn open_ones(connection: &Connection) -> Result<Vec<NoticeRow>, Error> {
    list(
        connection,
        "where resolved_at is null order by opened_at, id",
    )
}

/// All of them, newest first; `limit` rows at most.
pub fn newest(connection: &Connection, limit: u32) -> Result<Vec<NoticeRow>, Error> {
    list(
        connection,
        &format!("order by opened_at desc, id desc limit {limit}"),
    )
}

/// The open ones and, beside them, the newest; `limit` rows at most, the newest first.
pub fn inbox(connection: &Connection, limit: u32) -> Result<Vec<NoticeRow>, Error> {
    list(
        connection,
        &format!(
            "where id in (select id from notices order by resolved_at is not null, \
             opened_at desc, id desc limit {limit}) order by opened_at desc, id desc"
        ),
    )
}

/// A moment on this computer's wall: "14:02" today, else "2026-11-27 14:02".
pub fn wall(connection: &Connection, at: Time, now: Time) -> Result<String, Error> {
    connection
        .prepare_cached(
            "with wall (at, now) as (select datetime(?1 / 1000, 'unixepoch', 'localtime'), \
                datetime(?2 / 1000, 'unixepoch', 'localtime')) \
             select iif(date(at) = date(now), substr(at, 12, 5), substr(at, 1, 16)) from wall",
        )
        .and_then(|mut statement| statement.query_row([at.0, now.0], |row| row.get(0)))
        .map_err(failed)
}

fn list(connection: &Connection, rest: &str) -> Result<Vec<NoticeRow>, Error> {
    connection
        .prepare_cached(&format!("select {COLUMNS} from notices {rest}"))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(failed)
}

fn changed(tx: &Tx<'_>, rows: usize) {
    if rows > 0 {
        tx.touch(Topic::Notices);
    }
}

/// The columns of [`COLUMNS`], which a query lists first.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<NoticeRow> {
    let time = |column: usize| -> rusqlite::Result<Option<Time>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Time))
    };
    Ok(NoticeRow {
        id: text::id(row, 0)?,
        integration: text::id(row, 1)?,
        integration_name: row.get(2)?,
        kind: text::from_word(row, 3)?,
        reason: text::from_json(row, 4)?,
        opened_at: Time(row.get(5)?),
        well_since: time(6)?,
        resume_offered_at: time(7)?,
        resolved_at: time(8)?,
        seen_at: time(9)?,
        snoozed_until: time(10)?,
        obstacle: text::from_json_or_null(row, 11)?,
    })
}

#[cfg(test)]
mod tests;
