//! Messages in Slack: which were posted, to whom, and what each shows. Written before a message is
//! posted; what is said, and when, is decided elsewhere (`notices::slack`).

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension, params};
use wire::{Error, IntegrationId, NoticeId, Time};

/// One message, to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// The e-mail address, as set.
    pub admin: String,
    /// Whose bot posted it.
    pub integration: IntegrationId,
    /// The conversation it is in.
    pub dm: String,
    /// When it was first posted, by this computer's clock.
    pub asked_at: Time,
    /// Slack's name of it; `None`: it may have been posted, or not.
    pub ts: Option<String>,
    /// What it shows, as far as is known.
    pub shows: Option<String>,
}

/// Every message of a bundle, by address.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`, here and below.
pub fn messages(connection: &Connection, bundle: NoticeId) -> Result<Vec<MessageRow>, Error> {
    connection
        .prepare_cached(
            "select admin, integration_id, dm, asked_at, ts, shows from slack_messages \
             where bundle = ?1 order by admin",
        )
        .and_then(|mut statement| {
            statement
                .query_map([bundle.to_string()], |row| {
                    Ok(MessageRow {
                        admin: row.get(0)?,
                        integration: text::id(row, 1)?,
                        dm: row.get(2)?,
                        asked_at: Time(row.get(3)?),
                        ts: row.get(4)?,
                        shows: row.get(5)?,
                    })
                })?
                .collect()
        })
        .map_err(failed)
}

/// Puts a message in the place of what was known of it.
pub fn put(tx: &Tx<'_>, bundle: NoticeId, row: &MessageRow) -> Result<(), Error> {
    tx.prepare_cached(
        "insert into slack_messages (bundle, admin, integration_id, dm, asked_at, ts, shows) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict (bundle, admin) do update set \
         integration_id = excluded.integration_id, dm = excluded.dm, \
         asked_at = excluded.asked_at, ts = excluded.ts, shows = excluded.shows",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            bundle.to_string(),
            row.admin,
            row.integration.to_string(),
            row.dm,
            row.asked_at.0,
            row.ts,
            row.shows,
        ])
    })
    .map_err(failed)?;
    Ok(())
}

/// A message that is not there, after all.
pub fn drop(tx: &Tx<'_>, bundle: NoticeId, admin: &str) -> Result<(), Error> {
    tx.prepare_cached("delete from slack_messages where bundle = ?1 and admin = ?2")
        .and_then(|mut statement| statement.execute(params![bundle.to_string(), admin]))
        .map_err(failed)?;
    Ok(())
}

/// The conversation with a person, where it is known.
pub fn dm(
    connection: &Connection,
    integration: IntegrationId,
    admin: &str,
) -> Result<Option<String>, Error> {
    connection
        .prepare_cached("select dm from slack_people where integration_id = ?1 and admin = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![integration.to_string(), admin], |row| row.get(0))
                .optional()
        })
        .map_err(failed)
}

/// The conversation with a person is this one; `None`: it is not known any more.
pub fn set_dm(
    tx: &Tx<'_>,
    (integration, admin): (IntegrationId, &str),
    dm: Option<&str>,
) -> Result<(), Error> {
    let integration = integration.to_string();
    let done = match dm {
        Some(dm) => tx
            .prepare_cached(
                "insert into slack_people (integration_id, admin, dm) values (?1, ?2, ?3) \
                 on conflict (integration_id, admin) do update set dm = excluded.dm",
            )
            .and_then(|mut statement| statement.execute(params![integration, admin, dm])),
        None => tx
            .prepare_cached("delete from slack_people where integration_id = ?1 and admin = ?2")
            .and_then(|mut statement| statement.execute(params![integration, admin])),
    };
    done.map_err(failed)?;
    Ok(())
}
