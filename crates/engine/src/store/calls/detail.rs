//! One row with everything that is known of it, and rows in the order in which they ended.

use super::{
    super::failed,
    page::{COLUMNS, read},
    payload::{hex, view},
};
use rusqlite::{Connection, OptionalExtension as _, params};
use wire::{CallId, Error, RowDetail, RowView, Time};

/// Everything of one call; `None` where there is no such row.
///
/// # Errors
/// `StoreFailed`.
pub fn detail(connection: &Connection, id: CallId) -> Result<Option<RowDetail>, Error> {
    connection
        .prepare_cached(
            "select c.seq, c.key, c.mac, o.at, c.agent_name, c.task, c.thread_url, c.sent, o.got \
             from calls c left join outcomes o on o.call_seq = c.seq where c.id = ?1",
        )
        .and_then(|mut statement| {
            let of_text = |text: Option<String>| text.as_deref().and_then(view);
            statement
                .query_row([id.to_string()], |row| {
                    Ok(RowDetail {
                        seq: row.get(0)?,
                        keyed: row.get::<_, Option<i64>>(1)?.is_some(),
                        mac: hex(row.get_ref(2)?.as_blob()?),
                        ended_at: row.get::<_, Option<i64>>(3)?.map(Time),
                        agent: row.get(4)?,
                        task: row.get(5)?,
                        thread: row.get(6)?,
                        sent: of_text(row.get(7)?),
                        got: of_text(row.get(8)?),
                        bodies: None,
                    })
                })
                .optional()
        })
        .map_err(failed)
}

/// Calls whose outcome was written after the row `after`, in that order, at most `limit`; with the place
/// of their outcome.
///
/// # Errors
/// `StoreFailed`.
pub fn ended_after(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, RowView)>, Error> {
    let sql = format!(
        "select {COLUMNS}, o.seq from outcomes o join calls c on c.seq = o.call_seq \
         where o.seq > ?1 order by o.seq limit ?2"
    );
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            statement
                .query_map(params![after, limit], |row| Ok((row.get(11)?, read(row)?)))?
                .collect()
        })
        .map_err(failed)
}
