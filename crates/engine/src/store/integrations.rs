//! Integrations: one row for each card.

use super::{Tx, failed, text};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use wire::{Because, Error, ErrorCode, IntegrationId, Kind, LastUsed, Time, Topic};

/// One integration as it is stored. `config_json` and `state_json` belong to the connectors and to
/// `integrations::status`, which read and write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationRow {
    pub id: IntegrationId,
    /// Unique, `[a-z0-9-]`.
    pub slug: String,
    pub name: String,
    pub kind: Kind,
    /// `connectors::Config` as JSON. No secrets.
    pub config_json: String,
    /// The account at the other side, as it never changes there.
    pub account_id: Option<String>,
    /// The same, as a person knows it.
    pub account_label: Option<String>,
    pub connected_by: String,
    pub connected_at: Time,
    pub enabled: bool,
    /// `integrations::status::State` as JSON.
    pub state_json: String,
    pub protocol: Option<String>,
    pub server: Option<String>,
    pub probed_at: Option<Time>,
    pub last_used: Option<LastUsed>,
    /// The id of the catalogue's provider that it came of.
    pub provider: Option<String>,
}

/// How long the slug of one that was removed names nothing else: thirty days, in milliseconds.
pub(super) const SLUG_RESTS_MS: i64 = 30 * 24 * 3_600_000;

const COLUMNS: &str = "id, slug, name, kind, config, account_id, account_label, connected_by, \
    connected_at, enabled, state, protocol, server, probed_at, last_used_at, last_used_because, provider";

/// Adds a new one.
///
/// # Errors
/// `StoreFailed` where id or slug is taken.
pub fn add(tx: &Tx<'_>, row: &IntegrationRow) -> Result<(), Error> {
    let sql = format!(
        "insert into integrations ({COLUMNS}) values (:id, :slug, :name, :kind, :config, \
         :account_id, :account_label, :connected_by, :connected_at, :enabled, :state, :protocol, \
         :server, :probed_at, :last_used_at, :last_used_because, :provider)"
    );
    put(tx, row, &sql)
}

/// Writes every column of an existing one. Prefer the narrow functions below: this overwrites what
/// another task may have written since `row` was read.
///
/// # Errors
/// `IntegrationUnknown` where it is gone.
pub fn save(tx: &Tx<'_>, row: &IntegrationRow) -> Result<(), Error> {
    let sql = "update integrations set slug = :slug, name = :name, kind = :kind, config = :config, \
         account_id = :account_id, account_label = :account_label, connected_by = :connected_by, \
         connected_at = :connected_at, enabled = :enabled, state = :state, protocol = :protocol, \
         server = :server, probed_at = :probed_at, last_used_at = :last_used_at, \
         last_used_because = :last_used_because, provider = :provider where id = :id";
    put(tx, row, sql)
}

fn put(tx: &Tx<'_>, row: &IntegrationRow, sql: &str) -> Result<(), Error> {
    let because = row
        .last_used
        .as_ref()
        .map(|used| text::json(&used.because))
        .transpose()?;
    let kind = text::word(&row.kind)?;
    let done = tx
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement.execute(named_params! {
                ":id": row.id.to_string(),
                ":slug": row.slug,
                ":name": row.name,
                ":kind": kind,
                ":config": row.config_json,
                ":account_id": row.account_id,
                ":account_label": row.account_label,
                ":connected_by": row.connected_by,
                ":connected_at": row.connected_at.0,
                ":enabled": row.enabled,
                ":state": row.state_json,
                ":protocol": row.protocol,
                ":server": row.server,
                ":probed_at": row.probed_at.map(|at| at.0),
                ":last_used_at": row.last_used.as_ref().map(|used| used.at.0),
                ":last_used_because": because,
                ":provider": row.provider,
            })
        })
        .map_err(failed)?;
    changed(tx, row.id, done)
}

/// Sets the name.
///
/// # Errors
/// `IntegrationUnknown` where it is gone, here and in the functions below.
pub fn set_name(tx: &Tx<'_>, id: IntegrationId, name: &str) -> Result<(), Error> {
    set(
        tx,
        id,
        "update integrations set name = ?2 where id = ?1",
        name,
    )
}

/// Switches it on or off.
///
/// # Errors
/// `IntegrationUnknown`.
pub fn set_enabled(tx: &Tx<'_>, id: IntegrationId, enabled: bool) -> Result<(), Error> {
    set(
        tx,
        id,
        "update integrations set enabled = ?2 where id = ?1",
        enabled,
    )
}

/// Sets the health as `integrations::status` knows it.
///
/// # Errors
/// `IntegrationUnknown`.
pub fn set_state(tx: &Tx<'_>, id: IntegrationId, state_json: &str) -> Result<(), Error> {
    set(
        tx,
        id,
        "update integrations set state = ?2 where id = ?1",
        state_json,
    )
}

/// Sets the connector's configuration.
///
/// # Errors
/// `IntegrationUnknown`.
pub fn set_config(tx: &Tx<'_>, id: IntegrationId, config_json: &str) -> Result<(), Error> {
    set(
        tx,
        id,
        "update integrations set config = ?2 where id = ?1",
        config_json,
    )
}

/// Sets when its newest call was and why (a [`Because`] as JSON), unless a newer one is there already.
/// Nothing happens where it is gone.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(super) fn set_last_used(
    tx: &Tx<'_>,
    id: IntegrationId,
    at: Time,
    because: &str,
) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update integrations set \
               last_used_because = iif(last_used_at > ?2, last_used_because, ?3), \
               last_used_at = max(coalesce(last_used_at, ?2), ?2) where id = ?1",
        )
        .and_then(|mut statement| statement.execute(params![id.to_string(), at.0, because]))
        .map_err(failed)?;
    if done > 0 {
        changed(tx, id, done)?;
    }
    Ok(())
}

/// Sets what the probe found out about the server. `None` leaves a value as it is.
///
/// # Errors
/// `IntegrationUnknown`.
pub fn set_probe(
    tx: &Tx<'_>,
    id: IntegrationId,
    (protocol, server): (Option<&str>, Option<&str>),
    at: Time,
) -> Result<(), Error> {
    let done = tx
        .prepare_cached(
            "update integrations set protocol = coalesce(?2, protocol), \
             server = coalesce(?3, server), probed_at = ?4 where id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![id.to_string(), protocol, server, at.0])
        })
        .map_err(failed)?;
    changed(tx, id, done)
}

/// Removes it with its credential row, tools and counted days. The record and the pings stay, and its slug
/// is taken for a while (the sample is always the same, so its own is free at once). Disconnect calls this from `Vault::destroy`, which destroys the credential itself.
///
/// # Errors
/// `IntegrationUnknown`.
pub fn remove(tx: &Tx<'_>, id: IntegrationId, now: Time) -> Result<(), Error> {
    tx.execute(
        "delete from retired_slugs where retired_at <= ?1",
        [now.plus(-SLUG_RESTS_MS).0],
    )
    .map_err(failed)?;
    tx.execute(
        "insert into retired_slugs (slug, retired_at) \
         select slug, ?2 from integrations where id = ?1 and kind <> ?3 \
         on conflict (slug) do update set retired_at = excluded.retired_at",
        params![id.to_string(), now.0, text::word(&Kind::Sample)?],
    )
    .map_err(failed)?;
    let done = tx
        .execute("delete from integrations where id = ?1", [id.to_string()])
        .map_err(failed)?;
    changed(tx, id, done)
}

/// One of them.
///
/// # Errors
/// `StoreFailed`.
pub fn find(connection: &Connection, id: IntegrationId) -> Result<Option<IntegrationRow>, Error> {
    connection
        .prepare_cached(&format!("select {COLUMNS} from integrations where id = ?1"))
        .and_then(|mut statement| statement.query_row([id.to_string()], read).optional())
        .map_err(failed)
}

/// One of them.
///
/// # Errors
/// `IntegrationUnknown` where it is gone.
pub fn get(connection: &Connection, id: IntegrationId) -> Result<IntegrationRow, Error> {
    find(connection, id)?.ok_or_else(|| Error::new(ErrorCode::IntegrationUnknown))
}

/// All of them, by name without regard to case, then by id.
///
/// # Errors
/// `StoreFailed`.
pub fn list(connection: &Connection) -> Result<Vec<IntegrationRow>, Error> {
    connection
        .prepare_cached(&format!(
            "select {COLUMNS} from integrations order by name collate nocase, id"
        ))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(failed)
}

/// Whose slug this is.
///
/// # Errors
/// `StoreFailed`.
pub fn id_of(connection: &Connection, slug: &str) -> Result<Option<IntegrationId>, Error> {
    connection
        .prepare_cached("select id from integrations where slug = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([slug], |row| text::id(row, 0))
                .optional()
        })
        .map_err(failed)
}

/// Whether a slug is taken, or was until lately.
///
/// # Errors
/// `StoreFailed`.
pub fn slug_taken(connection: &Connection, slug: &str, now: Time) -> Result<bool, Error> {
    connection
        .prepare_cached(
            "select exists (select 1 from integrations where slug = ?1) or exists \
             (select 1 from retired_slugs where slug = ?1 and retired_at > ?2)",
        )
        .and_then(|mut statement| {
            let resting = now.plus(-SLUG_RESTS_MS).0;
            statement.query_row(params![slug, resting], |row| row.get(0))
        })
        .map_err(failed)
}

fn set(
    tx: &Tx<'_>,
    id: IntegrationId,
    sql: &str,
    value: impl rusqlite::ToSql,
) -> Result<(), Error> {
    let done = tx
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params![id.to_string(), value]))
        .map_err(failed)?;
    changed(tx, id, done)
}

fn changed(tx: &Tx<'_>, id: IntegrationId, rows: usize) -> Result<(), Error> {
    if rows == 0 {
        return Err(Error::new(ErrorCode::IntegrationUnknown));
    }
    tx.touch(Topic::Integrations);
    tx.touch(Topic::Integration(id));
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<IntegrationRow> {
    let because: Option<Because> = text::from_json_or_null(row, 15)?;
    let used_at: Option<i64> = row.get(14)?;
    Ok(IntegrationRow {
        id: text::id(row, 0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        kind: text::from_word(row, 3)?,
        config_json: row.get(4)?,
        account_id: row.get(5)?,
        account_label: row.get(6)?,
        connected_by: row.get(7)?,
        connected_at: Time(row.get(8)?),
        enabled: row.get(9)?,
        state_json: row.get(10)?,
        protocol: row.get(11)?,
        server: row.get(12)?,
        probed_at: row.get::<_, Option<i64>>(13)?.map(Time),
        last_used: used_at.zip(because).map(|(at, because)| LastUsed {
            at: Time(at),
            because,
        }),
        provider: row.get(16)?,
    })
}
