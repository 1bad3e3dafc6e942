//! The record's key, sealed as a credential is, and the record's mark in the anchor.
//!
//! The key is made where the keyring first gives one, and handed to the store, which chains each row with
//! it. The anchor is told where the record ends each second that rows are added ([`Vault::tell_record`],
//! by `engine::record`), after the rows are on disk: so a loss of power never looks like tampering, and
//! who cuts off the end within that second goes unseen, no more.

use super::{
    Vault,
    anchor::Marked,
    seal::{self, Key, Place},
};
use crate::store::{
    Durability,
    record::{
        self, RecordKey,
        keys::KeyRow,
        mark::{self, Keys, Mark, Seen},
    },
};
use std::sync::Arc;
use wire::{CannotCheck, Error, ErrorCode, IntegrationId, RecordState, Tampering};

/// A key is never sealed twice: another key is another row.
const GENERATION: u64 = 1;

/// What the vault knows of the record.
#[derive(Default)]
pub(super) struct Known {
    pub beside: Beside,
    /// Its keys, once it is chained with one.
    keys: Option<Keys>,
    /// What it was found to be when it was given its key.
    trouble: Option<RecordState>,
}

/// What lay in the anchor's place when it was looked for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Beside {
    /// This database's own anchor.
    Anchor,
    /// Another database's.
    Other,
    /// None, or one that no key authenticates.
    #[default]
    Nothing,
}

/// What the record is checked with.
pub(crate) struct Proofs {
    pub keys: Keys,
    pub mark: Option<Mark>,
    /// What the start of a run found, this one or an earlier.
    pub trouble: Option<RecordState>,
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
        let mut keys = Keys::new();
        for row in &rows {
            if let Some(key) = self.open_record_key(row).await? {
                keys.insert(row.n, Arc::new(key));
            }
        }
        let newest = rows.last().map_or(0, |row| row.n);
        let key = match keys.get(&newest) {
            Some(key) => key.clone(),
            None => {
                let (row, key) = make(newest + 1, (generation, &sealing))?;
                self.0
                    .store
                    .write(Durability::Full, move |tx| record::keys::add(tx, &row))
                    .await?;
                let key = Arc::new(key);
                keys.insert(newest + 1, key.clone());
                key
            }
        };
        let trouble = self.look(&keys).await?;
        self.0
            .store
            .write(Durability::Normal, move |tx| record::use_key(tx, key))
            .await?;
        let mut state = self.lock();
        state.record.keys = Some(keys);
        state.record.trouble = trouble;
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

    /// What the anchor says to the record as it stands at the start of a run.
    async fn look(&self, keys: &Keys) -> Result<Option<RecordState>, Error> {
        let (marked, beside) = {
            let state = self.lock();
            let marked = state
                .anchor
                .as_ref()
                .and_then(|anchor| anchor.record.clone());
            (marked, state.record.beside)
        };
        let Some(marked) = marked else {
            let was_told = self.0.store.read(mark::was_told).await?;
            return Ok(match beside {
                Beside::Other => Some(tampered(Tampering::OtherData, 1)),
                Beside::Nothing if was_told => Some(tampered(Tampering::AnchorMissing, 1)),
                Beside::Nothing | Beside::Anchor => None,
            });
        };
        if marked.trouble.is_some() {
            return Ok(marked.trouble);
        }
        let (mark, keys) = (marked.mark(), keys.clone());
        let seen = self
            .0
            .store
            .read(move |conn| mark::compare(conn, &mark, &keys))
            .await?;
        Ok(state_of(seen))
    }

    /// Tells the anchor where the record ends now, where that is news. Nothing where there is no key.
    ///
    /// # Errors
    /// Those of the store; `StoreUnwritable` where the anchor cannot be written.
    pub(crate) async fn tell_record(&self) -> Result<(), Error> {
        if self.lock().record.keys.is_none() {
            return Ok(());
        }
        // On disk first: the anchor never knows of a row that a loss of power may take back.
        let told = self
            .0
            .store
            .write(Durability::Full, |tx| mark::tell(tx))
            .await?;
        let Some(mark) = told else { return Ok(()) };
        {
            let mut state = self.lock();
            let trouble = state.record.trouble;
            if let Some(anchor) = &mut state.anchor {
                anchor.record = Some(Marked::new(&mark, trouble));
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
        let state = self.lock();
        Ok(match &state.record.keys {
            None => Err(CannotCheck::NoKey),
            Some(keys) => Ok(Proofs {
                keys: keys.clone(),
                mark: state
                    .anchor
                    .as_ref()
                    .and_then(|anchor| anchor.record.as_ref().map(Marked::mark)),
                trouble: state.record.trouble,
            }),
        })
    }
}

/// What a comparison means; `None` where all is well.
pub(crate) fn state_of(seen: Seen) -> Option<RecordState> {
    match seen {
        Seen::Whole => None,
        Seen::Restored { seq } => Some(RecordState::Restored {
            seq: seq.unsigned_abs(),
        }),
        Seen::Tampered { how, seq } => Some(tampered(how, seq)),
    }
}

pub(crate) fn tampered(how: Tampering, seq: i64) -> RecordState {
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
