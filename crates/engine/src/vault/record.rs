//! The record's key, sealed as a credential is, and the record's mark in the anchor.
//!
//! The key is made where the keyring first gives one, and handed to the store, which chains each row with
//! it. The anchor is told where the record ends each second that rows are added ([`Vault::tell_record`],
//! by `engine::record`), after the rows are on disk: so a loss of power never looks like tampering, and
//! who cuts off the end within that second goes unseen, no more.

mod keeping;
mod keys;
mod proofs;

pub(super) use keeping::FOR_EVER;
pub(super) use keys::{place, sealed, unsealed};

use super::{
    Vault,
    anchor::{Marked, Trouble},
    load::Need,
};
use crate::store::{
    Durability,
    record::{
        self, Head, RecordKey,
        keys::Keys,
        mark::{self, Mark, Seen, Telling},
        tables,
    },
};
use proofs::{state_of, worse};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;
use wire::{CannotCheck, Error, RecordState, Tampering};

/// The anchor beside the data is another database's.
pub(super) const OTHER: RecordState = tampered(Tampering::OtherData, 1);
/// The anchor is gone, or no key that the keyring has authenticates it.
pub(super) const GONE: RecordState = tampered(Tampering::AnchorMissing, 1);
/// What the record lies in is not what the app makes.
pub(crate) const TABLES: RecordState = tampered(Tampering::Tables, 1);
/// The keyring has lost what authenticated the anchor and opened the record's key.
pub(super) const LOST: RecordState = RecordState::CannotCheck {
    why: CannotCheck::KeyLost,
};

/// What the vault knows of the record.
#[derive(Default)]
pub(super) struct Known {
    /// Its keys, as the anchor keeps them; none where it is one of before it kept any, or nothing to believe.
    pub kept: Keys,
    /// It is chained, with the newest of these, and held against the anchor.
    chained: bool,
    /// Where it begins: as that found it, and as retention moved it since.
    base: Option<Head>,
    /// The epoch that the anchor's file has.
    pub written: i64,
    /// What it was found to be when it was given its key.
    trouble: Option<Trouble>,
}

impl Vault {
    /// At the start of the app: the record gets the key that it had, so that no run goes on without one that
    /// is there. Makes none, and asks nothing of a keyring that was given nothing.
    pub(crate) async fn wake_record(&self) {
        let had_key = self
            .facts()
            .await
            .is_ok_and(|facts| facts.current().is_some());
        if had_key && let Err(error) = self.load(Need::PRESENT).await {
            tracing::warn!(%error, "the record goes on without its key for now");
        }
    }

    /// As [`Vault::begin_record`]. Where that fails rows go on without a key, which the check tells.
    pub(super) async fn chain_record(&self) {
        if let Err(error) = self.begin_record().await {
            tracing::error!(%error, "the record could not be given its key");
        }
    }

    /// Where the keyring gave its key in this run, but the record could not be given its own then (the disk was full,
    /// say): once more.
    pub(crate) async fn chain_late(&self) {
        let is_due = {
            let state = self.lock();
            state.current.is_some() && state.anchor.is_some() && !state.record.chained
        };
        if is_due {
            let keys = self.0.keys.lock().await;
            self.chain_record().await;
            drop(keys);
        }
    }

    /// Gives the record its key, and holds its end against the anchor. `keys` must be held.
    pub(super) async fn begin_record(&self) -> Result<(), Error> {
        if self.lock().record.chained {
            return Ok(());
        }
        let Some(sealing) = self.current_key() else {
            return Ok(());
        };
        let (marked, kept, is_in_file) = {
            let state = self.lock();
            let marked = state.anchor.as_ref().and_then(|found| found.record.clone());
            let kept = state.record.kept.clone();
            let is_in_file = !kept.is_empty() && !state.anchor_is_behind;
            (marked, kept, is_in_file)
        };
        let are_kept = !kept.is_empty();
        let (rows, mut keys) = self.keys_beside(kept).await?;
        let newest = keys.newest();
        let (trouble, base) = match self.look((&keys, are_kept), marked.as_ref()).await {
            Ok(looked) => looked,
            Err(error) => {
                // Rows are signed all the same. The anchor is told nothing until it was looked.
                if let Some(key) = newest.filter(|_| is_in_file) {
                    self.use_record_key(key).await?;
                }
                return Err(error);
            }
        };
        let is_new = newest.is_none();
        let key = match newest {
            Some(key) => key,
            None => self.new_record_key(&rows, &mut keys).await?,
        };
        {
            let mut state = self.lock();
            state.record.kept = keys.clone();
            state.record.trouble = trouble;
            state.record.base = Some(base);
            state.record.written = marked.as_ref().map_or(0, |marked| marked.epoch);
            state.anchor_is_behind |= !are_kept || is_new;
        }
        if marked.as_ref().and_then(Marked::mark).is_none() {
            self.tell_first(key.clone()).await?;
        }
        // Before the first row that it signs: a key that the anchor does not keep is somebody's own.
        if self.lock().anchor_is_behind {
            self.write_anchor().await?;
        }
        self.use_record_key(key).await?;
        {
            let mut state = self.lock();
            state.record.chained = true;
            // What was found is kept from now on, and the record held against how it stands now.
            state.anchor_is_behind |= trouble.is_some();
        }
        let told = self.tell_record().await;
        // Behind all that: no row waits for a copy.
        if let Err(error) = self.keep_keys(&keys, rows, sealing).await {
            tracing::error!(%error, "the database has no copy of the record's keys");
        }
        told
    }

    /// From now on rows are signed with it.
    async fn use_record_key(&self, key: Arc<RecordKey>) -> Result<(), Error> {
        self.0
            .store
            .write(Durability::Normal, move |tx| record::use_key(tx, key))
            .await
    }

    /// Puts into the anchor in memory where the record ends before `key` signs any row.
    async fn tell_first(&self, key: Arc<RecordKey>) -> Result<(), Error> {
        let telling = self.telling(None);
        let mark = self
            .0
            .store
            .write(Durability::Full, move |tx| {
                mark::tell_first(tx, telling, &key)
            })
            .await?;
        self.mark(mark);
        Ok(())
    }

    fn telling(&self, known: Option<Mark>) -> Telling {
        let state = self.lock();
        Telling {
            keys: state.record.kept.clone(),
            known,
            written: state.record.written,
            base: state.record.base.unwrap_or(Head::NONE),
        }
    }

    /// What the anchor says to the record as it stands at the start of a run, and where that begins.
    /// Where it keeps no keys, it is of a version that told it of a removal only afterwards.
    async fn look(
        &self,
        (keys, are_kept): (&Keys, bool),
        marked: Option<&Marked>,
    ) -> Result<(Option<Trouble>, Head), Error> {
        let before = marked.and_then(Marked::trouble);
        let mark = marked.and_then(Marked::mark);
        if mark.is_none() && before.is_some() {
            return Ok((before, self.0.store.read(record::base).await?));
        }
        let known = keys.clone();
        // As a write, where the next row goes on: nobody comes between what is looked at and what is signed.
        let looked = self
            .0
            .store
            .write(Durability::Normal, move |tx| {
                tx.only_records();
                let (base, end) = (record::base(tx)?, record::head(tx)?.seq);
                let mark = match mark {
                    Some(mark) if !are_kept => Some(Mark {
                        next: Some(base),
                        ..mark
                    }),
                    mark => mark,
                };
                let seen = match &mark {
                    Some(mark) => mark::compare(tx, mark, &known)?,
                    None => Seen::Whole,
                };
                let seen = match seen {
                    Seen::Whole if are_kept || mark.is_none() => {
                        mark::overtaken(tx, mark.as_ref(), &known)?
                    }
                    Seen::Whole => None,
                    found => Some(found),
                };
                let seen = match seen {
                    None => mark::left(tx)?,
                    found => found,
                };
                Ok((seen, base, end))
            })
            .await;
        let (seen, base, end) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                if !matches!(self.0.store.read(tables::are_ours).await, Ok(false)) {
                    return Err(error);
                }
                let base = mark.map_or(Head::NONE, |mark| mark.base);
                return Ok((worse(before, Some((TABLES, base.seq))), base));
            }
        };
        let seen = match seen.and_then(state_of) {
            // Whether it is from a backup, a signature would say.
            Some(_) if keys.all_lost() => Some(LOST),
            seen => seen,
        };
        Ok((worse(before, seen.map(|seen| (seen, end))), base))
    }

    /// Tells the anchor where the record ends now, where that is news. Nothing where there is no key.
    ///
    /// # Errors
    /// Those of the store; `StoreUnwritable` where the anchor cannot be written: it is told again by the next.
    pub(crate) async fn tell_record(&self) -> Result<(), Error> {
        // One after the other: an older telling never comes into the memory over a newer one.
        let telling = self.0.telling.lock().await;
        let told = self.tell_now().await;
        drop(telling);
        told
    }

    /// `telling` must be held.
    async fn tell_now(&self) -> Result<(), Error> {
        let (known, is_behind) = {
            let state = self.lock();
            if !state.record.chained {
                return Ok(());
            }
            let marked = state
                .anchor
                .as_ref()
                .and_then(|found| found.record.as_ref());
            let known = marked.and_then(Marked::mark);
            (known, state.anchor_is_behind)
        };
        let telling = self.telling(known);
        // On disk first: the anchor never knows of a row that a loss of power may take back.
        let told = self
            .0
            .store
            .write(Durability::Full, move |tx| mark::tell(tx, telling))
            .await;
        // What was found is kept also where the database takes no telling.
        let news = told.as_ref().map_or(None, |told| *told);
        if let Some(mark) = news.or(known.filter(|_| is_behind)) {
            self.mark(mark);
        }
        if news.is_some() || is_behind {
            self.write_anchor().await?;
        }
        told.map(drop)
    }

    /// Puts it into the anchor in memory, with what was found.
    fn mark(&self, mark: Mark) {
        let mut state = self.lock();
        let trouble = state.record.trouble;
        state.anchor_is_behind = true;
        if let Some(anchor) = &mut state.anchor {
            let before = anchor.record.as_ref().and_then(Marked::mark);
            // A segment that is being removed still is.
            let next = mark.next.or(before.and_then(|before| before.next));
            let next = next.filter(|next| next.seq > mark.base.seq);
            anchor.record = Some(Marked::new(&Mark { next, ..mark }, trouble));
        }
    }

    /// Held while rows are removed, and while the record is checked.
    pub(crate) async fn still(&self) -> OwnedMutexGuard<()> {
        self.0.still.clone().lock_owned().await
    }

    /// What the oldest rows are checked with before they are removed; `None` where there is no key, or nothing
    /// was told.
    pub(crate) fn told_record(&self) -> Option<(Keys, Mark)> {
        let state = self.lock();
        let marked = state.anchor.as_ref()?.record.as_ref()?.mark()?;
        state
            .record
            .chained
            .then(|| (state.record.kept.clone(), marked))
    }

    /// Tells the anchor that the rows after `base`, which was checked, and up to `last` are about to be removed:
    /// from nobody else a record's beginning moves.
    ///
    /// # Errors
    /// Those of [`Vault::tell_record`].
    pub(crate) async fn tell_removal(&self, base: Head, last: Head) -> Result<(), Error> {
        self.begins_after(base);
        let telling = self.0.telling.lock().await;
        self.tell_now().await?;
        if let Some((_, mark)) = self.told_record() {
            self.mark(Mark {
                next: Some(last),
                ..mark
            });
        }
        let written = self.write_anchor().await;
        drop(telling);
        written
    }

    /// The rows up to `last` were removed.
    pub(crate) fn begins_after(&self, last: Head) {
        self.lock().record.base = Some(last);
    }

    /// Keeps that a fault was found at this place, where none was before. True where that is news.
    ///
    /// # Errors
    /// Those of [`Vault::tell_record`].
    pub(crate) async fn doubt_record(&self, how: Tampering, seq: i64) -> Result<bool, Error> {
        {
            let mut state = self.lock();
            if !state.record.chained {
                return Ok(false);
            }
            let found = Some((tampered(how, seq), seq));
            let worst = worse(state.record.trouble, found);
            if worst == state.record.trouble {
                return Ok(false);
            }
            state.record.trouble = worst;
            state.anchor_is_behind = true;
        }
        self.tell_record().await?;
        Ok(true)
    }
}

pub(crate) const fn tampered(how: Tampering, seq: i64) -> RecordState {
    RecordState::Tampered {
        how,
        seq: seq.unsigned_abs(),
    }
}
