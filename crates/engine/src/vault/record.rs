//! The record's key, sealed as a credential is, and the record's mark in the anchor.
//!
//! The key is made where the keyring first gives one, and handed to the store, which chains each row with
//! it. The anchor is told where the record ends each second that rows are added ([`Vault::tell_record`],
//! by `engine::record`), after the rows are on disk: so a loss of power never looks like tampering, and
//! who cuts off the end within that second goes unseen, no more.

use super::{
    Vault,
    anchor::{Marked, Trouble},
    seal::{self, Key, Place},
};
use crate::store::{
    Durability,
    record::{
        self, RecordKey,
        keys::{KeyRow, Keys},
        mark::{self, Mark, Seen},
    },
};
use rusqlite::Connection;
use std::sync::Arc;
use wire::{CannotCheck, Error, ErrorCode, IntegrationId, RecordState, Tampering};

/// A key is never sealed twice: another key is another row.
const GENERATION: u64 = 1;

/// The anchor beside the data is another database's.
pub(super) const OTHER: RecordState = tampered(Tampering::OtherData, 1);
/// The anchor is gone, or no key that the keyring has authenticates it.
pub(super) const GONE: RecordState = tampered(Tampering::AnchorMissing, 1);
/// The keyring has lost what authenticated the anchor and opened the record's key.
pub(super) const LOST: RecordState = RecordState::CannotCheck {
    why: CannotCheck::KeyLost,
};

/// What the vault knows of the record.
#[derive(Default)]
pub(super) struct Known {
    /// Its keys, once it is chained with one.
    keys: Option<Keys>,
    /// What it was found to be when it was given its key.
    trouble: Option<Trouble>,
}

/// What the record is checked with.
pub(crate) struct Proofs {
    pub keys: Keys,
    pub mark: Option<Mark>,
    trouble: Option<Trouble>,
}

impl Vault {
    /// As [`Vault::begin_record`]. Where that fails rows go on without a key, which the check tells.
    pub(super) async fn chain_record(&self) {
        if let Err(error) = self.begin_record().await {
            tracing::error!(%error, "the record could not be given its key");
        }
    }

    /// Gives the record its key, and holds its end against the anchor. `keys` must be held.
    pub(super) async fn begin_record(&self) -> Result<(), Error> {
        if self.lock().record.keys.is_some() {
            return Ok(());
        }
        let Some((generation, sealing)) = self.current_key() else {
            return Ok(());
        };
        let rows = self.0.store.read(record::keys::all).await?;
        let marked = self.marked();
        let mut keys = Keys::default();
        for row in &rows {
            match self.open_record_key(row).await? {
                Some(key) => {
                    keys.open.insert(row.n, Arc::new(key));
                }
                None => {
                    keys.lost.insert(row.n);
                }
            }
        }
        if let Some(told) = marked.as_ref().filter(|told| !told.keys.is_empty()) {
            // A number that the anchor was never told is made up.
            keys.lost.retain(|n| told.keys.contains(n));
        }
        let trouble = self.look(&keys, marked).await?;
        let newest = keys.open.last_key_value().map(|(_, key)| key.clone());
        let key = match newest {
            Some(key) => key,
            None => {
                let last = rows.last().map_or(0, |row| row.n);
                let (row, key) = make(last.saturating_add(1), (generation, &sealing))?;
                self.0
                    .store
                    .write(Durability::Full, move |tx| record::keys::add(tx, &row))
                    .await?;
                Arc::new(key)
            }
        };
        keys.open.insert(key.n, key.clone());
        self.0
            .store
            .write(Durability::Normal, move |tx| record::use_key(tx, key))
            .await?;
        {
            let mut state = self.lock();
            state.record.keys = Some(keys);
            state.record.trouble = trouble;
        }
        if trouble.is_some() {
            // It is kept from now on, and the record held against how it stands now.
            self.tell_record().await?;
        }
        Ok(())
    }

    async fn open_record_key(&self, row: &KeyRow) -> Result<Option<RecordKey>, Error> {
        let facts = self.facts().await?;
        let by = facts
            .keys
            .iter()
            .find(|key| key.generation == row.key_generation);
        let Some(by) = by else { return Ok(None) };
        let Some(key) = self.fetch(by).await? else {
            return Ok(None);
        };
        Ok(seal::open(&key, place(row), &row.wrapped_key, &row.sealed)
            .map(|bytes| RecordKey::new(row.n, &bytes)))
    }

    /// What the anchor keeps of the record.
    fn marked(&self) -> Option<Marked> {
        let state = self.lock();
        state.anchor.as_ref().and_then(|found| found.record.clone())
    }

    /// What the anchor says to the record as it stands at the start of a run.
    async fn look(&self, keys: &Keys, marked: Option<Marked>) -> Result<Option<Trouble>, Error> {
        let Some(marked) = marked else {
            return Ok(None);
        };
        let Some(mark) = marked.mark() else {
            return Ok(marked.trouble());
        };
        let known = keys.clone();
        let (seen, end) = self
            .0
            .store
            .read(move |conn| Ok((mark::compare(conn, &mark, &known)?, record::head(conn)?.seq)))
            .await?;
        let seen = match state_of(seen) {
            // Whether it is from a backup, a signature would say.
            Some(_) if keys.all_lost() => Some(LOST),
            seen => seen,
        };
        Ok(worse(marked.trouble(), seen.map(|seen| (seen, end))))
    }

    /// Tells the anchor where the record ends now, where that is news. Nothing where there is no key.
    ///
    /// # Errors
    /// Those of the store; `StoreUnwritable` where the anchor cannot be written.
    pub(crate) async fn tell_record(&self) -> Result<(), Error> {
        if self.lock().record.keys.is_none() {
            return Ok(());
        }
        let known = self.marked().and_then(|marked| marked.mark());
        // On disk first: the anchor never knows of a row that a loss of power may take back.
        let told = self
            .0
            .store
            .write(Durability::Full, move |tx| mark::tell(tx, known))
            .await?;
        let Some(mark) = told else { return Ok(()) };
        {
            let mut state = self.lock();
            let trouble = state.record.trouble;
            let keys = state.record.keys.as_ref().map(Keys::numbers);
            if let Some(anchor) = &mut state.anchor {
                anchor.record = Some(Marked::new(&mark, keys.unwrap_or_default(), trouble));
            }
        }
        self.write_anchor().await
    }

    /// What the record is checked with, or why it cannot be.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn record_proofs(&self) -> Result<Result<Proofs, CannotCheck>, Error> {
        match self.load(super::load::Need::PRESENT).await {
            Ok(()) => {}
            Err(error) => {
                return match error.code {
                    ErrorCode::KeyringLost => Ok(Err(CannotCheck::KeyLost)),
                    ErrorCode::KeyringAbsent
                    | ErrorCode::KeyringLocked
                    | ErrorCode::KeyringHanging
                    | ErrorCode::KeyringFailed => Ok(Err(CannotCheck::Keyring)),
                    _ => Err(error),
                };
            }
        }
        let held = self.0.keys.lock().await;
        self.begin_record().await?;
        drop(held);
        let mark = self.marked().and_then(|marked| marked.mark());
        let state = self.lock();
        Ok(match &state.record.keys {
            None => Err(CannotCheck::NoKey),
            Some(keys) => Ok(Proofs {
                keys: keys.clone(),
                mark,
                trouble: state.record.trouble,
            }),
        })
    }
}

impl Proofs {
    /// What is to be said of the record: what a start of a run found, this one or an earlier, and what is
    /// seen now.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn state(&self, connection: &Connection) -> Result<RecordState, Error> {
        let (first, end) = (record::base(connection)?, record::head(connection)?);
        let seen = match &self.mark {
            Some(mark) => state_of(mark::compare(connection, mark, &self.keys)?),
            None => None,
        };
        let before = self.trouble.filter(|(state, seq)| {
            // Once all rows of before are removed by a key that is there, the lost one matters no more.
            *state != LOST || first.seq < (*seq).max(1)
        });
        let worst = worse(before, seen.map(|seen| (seen, end.seq)));
        Ok(worst.map_or(RecordState::Intact, |(state, _)| state))
    }
}

/// The one to be told of two: tampering before all, and of equals the one that was found first.
fn worse(before: Option<Trouble>, now: Option<Trouble>) -> Option<Trouble> {
    let weight = |trouble: &Trouble| match trouble.0 {
        RecordState::Tampered { .. } => 0,
        RecordState::Restored { .. } => 1,
        RecordState::CannotCheck { .. } => 2,
        RecordState::Intact => 3,
    };
    [before, now].into_iter().flatten().min_by_key(weight)
}

/// What a comparison means; `None` where all is well.
fn state_of(seen: Seen) -> Option<RecordState> {
    match seen {
        Seen::Whole => None,
        Seen::Restored { seq } => Some(RecordState::Restored {
            seq: seq.unsigned_abs(),
        }),
        Seen::Tampered { how, seq } => Some(tampered(how, seq)),
    }
}

pub(crate) const fn tampered(how: Tampering, seq: i64) -> RecordState {
    RecordState::Tampered {
        how,
        seq: seq.unsigned_abs(),
    }
}

/// What a key's sealed bytes are bound to.
pub(super) fn place(row: &KeyRow) -> Place {
    Place {
        // Its own id, not an integration's: no credential opens as it.
        integration: IntegrationId(row.id),
        generation: GENERATION,
    }
}

/// A new key of the record and its row, sealed under the keyring's key of `generation`.
fn make(n: i64, (generation, sealing): (u64, &Key)) -> Result<(KeyRow, RecordKey), Error> {
    let bytes = Key::random()?;
    let mut row = KeyRow {
        n,
        id: uuid::Uuid::now_v7(),
        key_generation: generation,
        wrapped_key: Vec::new(),
        sealed: Vec::new(),
    };
    (row.wrapped_key, row.sealed) = seal::seal(sealing, place(&row), bytes.bytes())?;
    let key = RecordKey::new(n, bytes.bytes());
    Ok((row, key))
}
