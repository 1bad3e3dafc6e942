//! The mark: where the record ended when the anchor was last told, and what the tables say to it now.
//!
//! Data that was brought back from a backup and data whose end was cut off look alike, but for the
//! epoch: it counts the tellings, and goes back with a backup only.

use super::{
    super::{Tx, failed},
    Head, MAC, RecordKey, base, head,
    keys::{Keys, Named},
    tombstones::{self, Beginning},
    walk,
};
use rusqlite::{Connection, OptionalExtension as _, params};
use wire::{Error, Tampering};

const PURPOSE: &str = "app.chief.integrations/record-head/1";

/// What the anchor keeps of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub epoch: i64,
    pub head: Head,
    /// The row before the first one of the chain.
    pub base: Head,
    /// The same once the segment is gone that retention was about to remove.
    pub next: Option<Head>,
}

impl Mark {
    /// True where the record may begin there: nobody but retention moves its beginning, and only to where it
    /// said it would.
    pub fn allows(&self, base: Head) -> bool {
        base == self.base || Some(base) == self.next
    }

    /// True where an earlier state of the record may have begun there. Without a tombstone it began where it
    /// first did, which nothing but retention leaves behind.
    fn follows(&self, earlier: Head) -> bool {
        if earlier.hash != [0; MAC] {
            return true;
        }
        earlier == self.base || self.base.hash != [0; MAC] && earlier.seq < self.base.seq
    }
}

/// What a mark tells of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The marked row stands as it did.
    Whole,
    /// The data is an earlier state of itself, which ended at this row.
    Restored { seq: i64 },
    /// Somebody removed or changed what was there.
    Tampered { how: Tampering, seq: i64 },
}

/// What the vault knows when it tells the anchor.
pub(crate) struct Telling {
    /// Those that the record has.
    pub keys: Keys,
    /// What the anchor was told last.
    pub known: Option<Mark>,
    /// The epoch that the anchor's file has; a later one is used again until it has that, so that the file is
    /// never more than one behind.
    pub written: i64,
    /// The row before the first one of the chain, as this run found it or moved it. What the tables say of it
    /// meanwhile, anybody may have written.
    pub base: Head,
}

/// Notes where the record begins and ends now, under the next epoch. `None` where it has no key yet, or
/// stands as the anchor knows it.
pub(crate) fn tell(tx: &Tx<'_>, telling: Telling) -> Result<Option<Mark>, Error> {
    tx.only_records();
    let (end, key) = tx.chained(|chain| (chain.head, chain.key.clone()))?;
    let Some(key) = key else { return Ok(None) };
    if telling
        .known
        .is_some_and(|known| (known.head, known.base) == (end, telling.base))
    {
        return Ok(None);
    }
    sign(tx, telling, (end, &key)).map(Some)
}

/// The same for the first time, before the first row that `key` signs: an anchor that keeps keys and was told
/// nothing would vouch for any end.
pub(crate) fn tell_first(tx: &Tx<'_>, telling: Telling, key: &RecordKey) -> Result<Mark, Error> {
    tx.only_records();
    let end = tx.chained(|chain| chain.head)?;
    sign(tx, telling, (end, key))
}

fn sign(tx: &Tx<'_>, telling: Telling, (end, key): (Head, &RecordKey)) -> Result<Mark, Error> {
    let Telling {
        keys,
        known,
        written,
        base,
    } = telling;
    // Also higher than the anchor's, where the data is from a backup: it was used up in another past.
    // What nobody signed counts for nothing: no epoch would follow the highest of all.
    let told = told(tx)?.filter(|told| told.is_signed(&keys));
    let told = told.map_or(0, |told| told.epoch);
    let newest = known.map_or(0, |known| known.epoch).max(told);
    let epoch = match newest > written {
        true => newest,
        false => newest.saturating_add(1),
    };
    let mac = key.sign(PURPOSE, &bytes(epoch, end));
    tx.execute(
        "insert into record_head (one, epoch, seq, hash, key, mac) values (1, ?1, ?2, ?3, ?4, ?5) \
         on conflict (one) do update set epoch = excluded.epoch, seq = excluded.seq, \
         hash = excluded.hash, key = excluded.key, mac = excluded.mac",
        params![epoch, end.seq, &end.hash[..], key.n, &mac[..]],
    )
    .map_err(failed)?;
    Ok(Mark {
        epoch,
        head: end,
        base,
        next: None,
    })
}

struct Told {
    epoch: i64,
    head: Head,
    key: i64,
    mac: Vec<u8>,
}

impl Told {
    fn is_signed(&self, keys: &Keys) -> bool {
        match keys.named(self.key) {
            Named::Open(key) => {
                key.sign(PURPOSE, &bytes(self.epoch, self.head))[..] == self.mac[..]
            }
            Named::Lost | Named::Unknown => false,
        }
    }
}

fn told(connection: &Connection) -> Result<Option<Told>, Error> {
    connection
        .query_row(
            "select seq, hash, epoch, key, mac from record_head",
            [],
            |row| {
                Ok(Told {
                    head: super::place(row)?,
                    epoch: row.get(2)?,
                    key: row.get(3)?,
                    mac: row.get(4)?,
                })
            },
        )
        .optional()
        .map_err(failed)
}

fn bytes(epoch: i64, head: Head) -> Vec<u8> {
    let mut bytes = epoch.to_be_bytes().to_vec();
    bytes.extend_from_slice(&head.seq.to_be_bytes());
    bytes.extend_from_slice(&head.hash);
    bytes
}

/// Holds the tables against what the anchor was told last.
pub(crate) fn compare(connection: &Connection, mark: &Mark, keys: &Keys) -> Result<Seen, Error> {
    let (first, end) = (base(connection)?, head(connection)?);
    let beginning = tombstones::beginning(connection, keys, Some(mark))?;
    if beginning != Beginning::Unproven && stands(connection, mark.head, first)? {
        return Ok(Seen::Whole);
    }
    if let Some(told) = told(connection)?
        && (told.epoch, told.head.seq) < (mark.epoch, mark.head.seq)
        && told.is_signed(keys)
        && mark.follows(first)
        && stands(connection, told.head, first)?
    {
        return Ok(Seen::Restored { seq: told.head.seq });
    }
    // Where rows stand before the beginning, that was moved.
    let is_all = end.seq == first.seq && walk::stranger(connection, first)?.is_none();
    Ok(match end.seq {
        _ if is_all => Seen::Tampered {
            how: Tampering::AllMissing,
            seq: mark.base.seq.min(first.seq).saturating_add(1),
        },
        _ if beginning == Beginning::Unproven || mark.head.seq <= first.seq => Seen::Tampered {
            how: Tampering::BeginningMissing,
            seq: first.seq.saturating_add(1),
        },
        last if last < mark.head.seq => Seen::Tampered {
            how: Tampering::EndMissing,
            seq: last.saturating_add(1),
        },
        _ => Seen::Tampered {
            how: Tampering::Changed,
            seq: mark.head.seq,
        },
    })
}

/// At the start of a run, when nobody tells anything: whether the anchor is the newest one. One that was kept
/// from before, put back, would vouch for a record whose end was cut off since. The data itself says how far
/// the anchor was told, signed. `None` where it is.
pub(crate) fn overtaken(
    connection: &Connection,
    mark: Option<&Mark>,
    keys: &Keys,
) -> Result<Option<Seen>, Error> {
    let (first, end) = (base(connection)?, head(connection)?);
    let known = mark.map_or(0, |mark| mark.epoch);
    let old = Seen::Tampered {
        how: Tampering::AnchorOld,
        seq: mark
            .map_or(first.seq, |mark| mark.head.seq)
            .saturating_add(1),
    };
    if known == 0 {
        // It is told before the first row that has a key.
        return Ok(has_signed_rows(connection)?.then_some(old));
    }
    let Some(told) = told(connection)? else {
        return Ok(Some(old));
    };
    // A crash comes between the two at most once.
    let is_newest = told.epoch <= known.saturating_add(1);
    Ok(if !told.is_signed(keys) {
        Some(old)
    } else if told.epoch >= known && !stands(connection, told.head, first)? {
        Some(Seen::Tampered {
            how: Tampering::EndMissing,
            seq: end.seq.saturating_add(1),
        })
    } else if is_newest {
        None
    } else {
        // Copied one after the other while the app ran, say.
        Some(Seen::Restored { seq: told.head.seq })
    })
}

/// Whether the tables end elsewhere than where the next row of this run goes on: what it would sign is not
/// what stands there. `None` where they do not.
pub(crate) fn left(tx: &Tx<'_>) -> Result<Option<Seen>, Error> {
    let next = tx.chained(|chain| chain.head)?;
    let end = head(tx)?;
    Ok(match end.seq {
        _ if end == next => None,
        last if last < next.seq => Some(Seen::Tampered {
            how: Tampering::EndMissing,
            seq: last.saturating_add(1),
        }),
        _ => Some(Seen::Tampered {
            how: Tampering::Changed,
            seq: next.seq.max(1),
        }),
    })
}

/// True where some row says that a key signed it.
pub(crate) fn has_signed_rows(connection: &Connection) -> Result<bool, Error> {
    connection
        .query_row(
            "select exists (select 1 from calls where key is not null) \
             or exists (select 1 from outcomes where key is not null)",
            [],
            |row| row.get(0),
        )
        .map_err(failed)
}

/// True where this row is there with its mac, or was the last before a record that begins after it.
fn stands(connection: &Connection, row: Head, first: Head) -> Result<bool, Error> {
    Ok(row == first || mac_at(connection, row.seq)? == Some(row.hash))
}

fn mac_at(connection: &Connection, seq: i64) -> Result<Option<[u8; MAC]>, Error> {
    connection
        .prepare_cached(
            "select seq, mac from calls where seq = ?1 \
             union all select seq, mac from outcomes where seq = ?1",
        )
        .and_then(|mut statement| statement.query_row([seq], super::place).optional())
        .map(|found| found.map(|head| head.hash))
        .map_err(failed)
}
