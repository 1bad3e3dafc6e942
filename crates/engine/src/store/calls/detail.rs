//! One row with everything that is known of it, and rows in the order in which they ended.

use super::{
    super::{failed, text},
    page::{COLUMNS, read},
    payload::{hex, view},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use wire::{CallAt, CallId, Chained, Error, RowDetail, RowView, Time};

/// Everything of one call; `None` where there is no such row.
///
/// # Errors
/// `StoreFailed`.
pub fn detail(connection: &Connection, id: CallId) -> Result<Option<RowDetail>, Error> {
    connection
        .prepare_cached(
            "select c.seq, c.key, c.mac, o.seq, o.key, o.mac, o.at, c.agent_name, c.task, \
             c.thread_url, c.cron_run, c.sent, o.got from calls c left join outcomes o on o.call_seq = c.seq where c.id = ?1",
        )
        .and_then(|mut statement| {
            let of_text = |text: Option<String>| text.as_deref().and_then(view);
            statement
                .query_row([id.to_string()], |row| {
                    let ended_at = row.get::<_, Option<i64>>(6)?.map(Time);
                    Ok(RowDetail {
                        id,
                        intent: chained(row, 0)?,
                        outcome: ended_at.map(|_| chained(row, 3)).transpose()?,
                        ended_at,
                        agent: row.get(7)?,
                        task: row.get(8)?,
                        thread: row.get(9)?,
                        cron_run: row.get(10)?,
                        sent: of_text(row.get(11)?),
                        got: of_text(row.get(12)?),
                        bodies: None,
                    })
                })
                .optional()
        })
        .map_err(failed)
}

/// Place, key and mac, from the column `first` on.
fn chained(row: &Row<'_>, first: usize) -> rusqlite::Result<Chained> {
    Ok(Chained {
        // Somebody may have written what is no place.
        seq: row.get::<_, i64>(first)?.unsigned_abs(),
        key: row.get::<_, Option<i64>>(first + 1)?.map(i64::unsigned_abs),
        mac: hex(row.get_ref(first + 2)?.as_blob()?),
    })
}

/// The call whose intent or outcome stands at this place, or the nearest before it, or after it.
///
/// # Errors
/// `StoreFailed`.
pub fn call_at(connection: &Connection, seq: i64) -> Result<Option<CallAt>, Error> {
    const NEAREST: [&str; 2] = ["<= ?1 order by seq desc", "> ?1 order by seq"];
    for nearest in NEAREST {
        let sql = format!(
            "select c.id, c.at from calls c join (select * from ( \
               select * from (select seq, seq as call_seq from calls where seq {nearest} limit 1) \
               union all \
               select * from (select seq, call_seq from outcomes \
                 where call_seq in (select seq from calls) and seq {nearest} limit 1)) \
             order by abs(seq - ?1) limit 1) n on n.call_seq = c.seq"
        );
        let found = connection
            .query_row(&sql, [seq], |row| {
                // Somebody may have written what is no id.
                let call = text::id(row, 0).ok().map(CallId);
                let began = Time(row.get(1)?);
                Ok(call.map(|call| CallAt { call, began }))
            })
            .optional()
            .map_err(failed)?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Ok(None)
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
