//! Retention: what is old is removed in segments, each leaving a signed tombstone.
//!
//! A segment ends at any row, since where many calls are made some are always under way. An outcome whose
//! intent is gone is shown to nobody, and goes with the next segment. A call that is that old and has no outcome
//! is one whose outcome could not be written.

use super::{
    super::{Tx, failed},
    Head, MAC, base,
    keys::{Keys, Named},
    mark::Mark,
};
use rusqlite::{Connection, OptionalExtension as _, params};
use wire::{Error, Time, Topic};

const PURPOSE: &str = "app.chief.integrations/record-tombstone/1";
/// Rows of one segment, about: what one commit removes.
const SEGMENT: i64 = 4_000;

/// Removes the rows up to `last`, which is a [`segment_end`], leaving their tombstone. Returns the calls that
/// went; `None` where nothing can be signed.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(crate) fn retire(tx: &Tx<'_>, last: Head, now: Time) -> Result<Option<usize>, Error> {
    let Some(key) = tx.chained(|chain| chain.key.clone())? else {
        return Ok(None);
    };
    let calls: i64 = tx
        .query_row(
            "select count(*) from calls where seq <= ?1",
            [last.seq],
            |row| row.get(0),
        )
        .map_err(failed)?;
    let mac = key.sign(PURPOSE, &bytes(last, now, calls));
    tx.execute(
        "insert into tombstones (last_seq, at, calls, hash, key, mac) values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![last.seq, now.0, calls, &last.hash[..], key.n, &mac[..]],
    )
    .map_err(failed)?;
    super::text::forget(tx, last.seq)?;
    let remove = |sql| tx.execute(sql, [last.seq]).map_err(failed);
    remove("delete from open_calls where call_seq <= ?1")?;
    remove("delete from outcomes where seq <= ?1")?;
    let removed = remove("delete from calls where seq <= ?1")?;
    tx.execute(
        "update record_base set seq = ?1, hash = ?2",
        params![last.seq, &last.hash[..]],
    )
    .map_err(failed)?;
    tx.touch(Topic::Activity);
    Ok(Some(removed))
}

/// The last row of the oldest segment, where all of it is before `before`.
///
/// # Errors
/// `StoreFailed`.
pub(crate) fn segment_end(connection: &Connection, before: Time) -> Result<Option<Head>, Error> {
    let first = base(connection)?;
    // Also the rows from before the chain count: they go with the first segment.
    let begins: Option<i64> = connection
        .query_row(
            "select min(seq) from ( \
               select min(seq) as seq from calls union all select min(seq) from outcomes)",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    let Some(begins) = begins else {
        return Ok(None);
    };
    let young: Option<i64> = connection
        .query_row(
            "select min(seq) from (select seq from calls where at >= ?1 order by at limit 1000)",
            [before.0],
            |row| row.get(0),
        )
        .map_err(failed)?;
    let until = begins.max(first.seq).saturating_add(SEGMENT);
    let until = young.map_or(until, |young| until.min(young.saturating_sub(1)));
    let last = super::newest(connection, super::TABLES, until)?;
    Ok(last.filter(|last| last.seq > first.seq))
}

/// Until when rows were removed last: the moment of the newest tombstone.
pub(crate) fn newest(connection: &Connection) -> Result<Option<Time>, Error> {
    connection
        .query_row(
            "select at from tombstones order by last_seq desc limit 1",
            [],
            |row| row.get(0).map(Time),
        )
        .optional()
        .map_err(failed)
}

/// Whether the chain may begin where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    Proven,
    /// Its tombstone was signed with a key that is lost.
    Unchecked,
    Unproven,
}

/// Whether the chain may begin after its base: the anchor knows it, and the newest tombstone says so and is
/// signed, or nothing was ever removed.
pub(super) fn beginning(
    connection: &Connection,
    keys: &Keys,
    known: Option<&Mark>,
) -> Result<Beginning, Error> {
    let base = base(connection)?;
    if known.is_some_and(|known| !known.allows(base)) {
        return Ok(Beginning::Unproven);
    }
    let newest = connection
        .query_row(
            "select last_seq, hash, at, calls, key, mac from tombstones order by last_seq desc limit 1",
            [],
            |row| {
                Ok((
                    super::place(row)?,
                    Time(row.get(2)?),
                    row.get::<_, i64>(3)?,
                    row.get::<_, i64>(4)?,
                    row.get::<_, Vec<u8>>(5)?,
                ))
            },
        )
        .optional()
        .map_err(failed)?;
    let Some((last, at, calls, key, mac)) = newest else {
        return Ok(match base.hash == [0; MAC] {
            true => Beginning::Proven,
            false => Beginning::Unproven,
        });
    };
    Ok(match keys.named(key) {
        _ if last != base => Beginning::Unproven,
        Named::Open(key) if key.sign(PURPOSE, &bytes(last, at, calls))[..] == mac[..] => {
            Beginning::Proven
        }
        Named::Lost => Beginning::Unchecked,
        Named::Open(_) | Named::Unknown => Beginning::Unproven,
    })
}

fn bytes(last: Head, at: Time, calls: i64) -> Vec<u8> {
    let mut bytes = last.seq.to_be_bytes().to_vec();
    bytes.extend_from_slice(&last.hash);
    bytes.extend_from_slice(&at.0.to_be_bytes());
    bytes.extend_from_slice(&calls.to_be_bytes());
    bytes
}
