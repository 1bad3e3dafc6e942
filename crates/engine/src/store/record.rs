//! The chain of the record: what binds each row to the one before it.
//!
//! Owns: the canonical bytes of a row, its mac, and the head that the next row follows. Must not know:
//! where the key comes from (the vault hands it over), what a row means.
//!
//! Intents and outcomes share one sequence without a gap. A row's mac is HMAC-SHA256 under the record's
//! key over the mac before it, its place, and its columns. Where the keyring gave no key yet it is a plain
//! SHA-256: such rows are bound by the first row after them that has a key, or by the anchor.

pub(crate) mod keys;
pub(crate) mod mark;
pub(crate) mod tables;
pub(crate) mod text;
pub(crate) mod tombstones;
pub(crate) mod walk;

use super::failed;
use hmac::{Hmac, Mac};
use rusqlite::{Connection, OptionalExtension as _, types::ValueRef};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use wire::Error;
use zeroize::Zeroizing;

/// Bytes of a mac.
pub const MAC: usize = 32;
/// No record comes this far. A row beyond it is nobody's of ours, and has no place after it.
const LAST: i64 = i64::MAX - (1 << 40);

/// The record's key of one number, ready to be used. Shows nothing of itself.
pub struct RecordKey {
    pub(crate) n: i64,
    bytes: Zeroizing<Vec<u8>>,
    mac: Hmac<Sha256>,
}

impl RecordKey {
    /// The `n`th key of this record.
    #[must_use]
    pub fn new(n: i64, bytes: &[u8]) -> Self {
        Self {
            n,
            bytes: Zeroizing::new(bytes.to_vec()),
            mac: <Hmac<Sha256> as Mac>::new_from_slice(bytes)
                .expect("HMAC takes a key of any length"),
        }
    }

    /// What [`RecordKey::new`] was given: for the vault, to seal it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// An HMAC over something else than a row, told apart by `purpose`.
    pub(crate) fn sign(&self, purpose: &str, bytes: &[u8]) -> [u8; MAC] {
        let mut mac = self.mac.clone();
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

/// The tables of the record.
const TABLES: [&str; 2] = ["calls", "outcomes"];

/// Which of the two tables a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Intent,
    Outcome,
}

impl Part {
    fn tag(self) -> u8 {
        match self {
            Self::Intent => 1,
            Self::Outcome => 2,
        }
    }
}

/// Where the record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Of the newest row, 0 where there is none.
    pub seq: i64,
    pub hash: [u8; MAC],
}

impl Head {
    /// Of a record without a row.
    pub const NONE: Self = Self {
        seq: 0,
        hash: [0; MAC],
    };
}

/// What a new row is chained to, and with which key.
#[derive(Clone)]
pub(crate) struct Chain {
    pub head: Head,
    /// This start of the app.
    pub run: i64,
    pub key: Option<Arc<RecordKey>>,
}

/// A row's place in the chain.
pub(super) struct Link {
    pub seq: i64,
    pub key: Option<i64>,
    pub mac: [u8; MAC],
}

impl Chain {
    /// As the tables have it, and what lies before them, without a key.
    pub fn read(connection: &Connection) -> Result<Self, Error> {
        let run: Option<i64> = connection
            .query_row("select max(n) from runs", [], |row| row.get(0))
            .map_err(failed)?;
        let lies = newest(connection, ["intake_calls", "intake_outcomes"], LAST)?;
        let filed = head(connection)?;
        Ok(Self {
            head: lies.filter(|lies| lies.seq > filed.seq).unwrap_or(filed),
            run: run.unwrap_or(0),
            key: None,
        })
    }

    /// Takes the next place for a row of these columns.
    pub(super) fn link(&mut self, part: Part, columns: &[ValueRef<'_>]) -> Link {
        let seq = self.head.seq + 1;
        let mac = mac(
            self.key.as_deref(),
            self.head.hash,
            (part, seq),
            columns.iter().copied(),
        );
        self.head = Head { seq, hash: mac };
        Link {
            seq,
            key: self.key.as_ref().map(|key| key.n),
            mac,
        }
    }
}

/// What binds a row: `before` is the mac of the row before it.
pub(crate) fn mac<'a>(
    key: Option<&RecordKey>,
    before: [u8; MAC],
    (part, seq): (Part, i64),
    columns: impl Iterator<Item = ValueRef<'a>>,
) -> [u8; MAC] {
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(b"app.chief.integrations/record/1\0");
    bytes.extend_from_slice(&before);
    bytes.push(part.tag());
    bytes.extend_from_slice(&seq.to_be_bytes());
    columns.for_each(|column| canonical(column, &mut bytes));
    match key {
        Some(key) => {
            let mut mac = key.mac.clone();
            mac.update(&bytes);
            mac.finalize().into_bytes().into()
        }
        None => Sha256::digest(&bytes).into(),
    }
}

/// A kind, a length, the value: no two rows have the same bytes.
fn canonical(value: ValueRef<'_>, bytes: &mut Vec<u8>) {
    let (kind, value): (u8, &[u8]) = match &value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(value) => (1, &value.to_be_bytes()),
        // No column of the record is one; an attacker's would still be bound.
        ValueRef::Real(value) => (2, &value.to_be_bytes()),
        ValueRef::Text(value) => (3, value),
        ValueRef::Blob(value) => (4, value),
    };
    bytes.push(kind);
    bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
    bytes.extend_from_slice(value);
}

/// The newest row of both tables, or where the chain begins.
pub(crate) fn head(connection: &Connection) -> Result<Head, Error> {
    let base = Some(base(connection)?).filter(|base| base.seq <= LAST);
    let base = base.unwrap_or(Head::NONE);
    let newest = newest(connection, TABLES, LAST)?;
    Ok(newest.filter(|head| head.seq > base.seq).unwrap_or(base))
}

/// The newest row of both tables up to this place.
fn newest(connection: &Connection, tables: [&str; 2], until: i64) -> Result<Option<Head>, Error> {
    let newest = |table: &str| {
        let sql = format!("select seq, mac from {table} where seq <= ?1 order by seq desc limit 1");
        connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([until], place).optional())
            .map_err(failed)
    };
    let [intent, outcome] = tables.map(newest);
    Ok([intent?, outcome?]
        .into_iter()
        .flatten()
        .max_by_key(|head| head.seq))
}

/// The row before the first one of the chain. Where somebody took it out, as if nothing was ever removed.
pub(crate) fn base(connection: &Connection) -> Result<Head, Error> {
    connection
        .query_row("select seq, hash from record_base", [], place)
        .optional()
        .map(|base| base.unwrap_or(Head::NONE))
        .map_err(failed)
}

fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<Head> {
    let hash = row.get_ref(1)?.as_blob()?;
    Ok(Head {
        seq: row.get(0)?,
        // Anything else is not ours: no row follows it.
        hash: hash.try_into().unwrap_or([0; MAC]),
    })
}

/// From now on rows are chained with this key.
pub(crate) fn use_key(tx: &super::Tx<'_>, key: Arc<RecordKey>) -> Result<(), Error> {
    tx.chained(|chain| chain.key = Some(key))
}
