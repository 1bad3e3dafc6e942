//! What the record is checked with, and what a comparison with the anchor means.

use super::{
    super::{
        Vault,
        anchor::{Marked, Trouble},
        beside::Beside,
        load::Need,
        run,
    },
    LOST, tampered,
};
use crate::store::record::{
    self, Head,
    keys::Keys,
    mark::{self, Mark, Seen},
};
use rusqlite::Connection;
use tokio::sync::OwnedMutexGuard;
use wire::{CannotCheck, Error, ErrorCode, RecordState};

/// What the record is checked with. Nothing is removed from it meanwhile.
pub(crate) struct Proofs {
    pub keys: Keys,
    pub mark: Option<Mark>,
    trouble: Option<Trouble>,
    _still: OwnedMutexGuard<()>,
}

impl Vault {
    /// What the record is checked with, or why it cannot be.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn record_proofs(&self) -> Result<Result<Proofs, CannotCheck>, Error> {
        let mut why = CannotCheck::NoKey;
        match self.load(Need::PRESENT).await {
            Ok(()) => {}
            Err(error) => match error.code {
                ErrorCode::KeyringLost => why = CannotCheck::KeyLost,
                ErrorCode::KeyringAbsent
                | ErrorCode::KeyringLocked
                | ErrorCode::KeyringHanging
                | ErrorCode::KeyringFailed => return Ok(Err(CannotCheck::Keyring)),
                _ => return Err(error),
            },
        }
        let vault = self.clone();
        run(async move {
            let held = vault.0.keys.lock().await;
            let begun = vault.begin_record().await;
            drop(held);
            begun
        })
        .await?;
        let held = self.0.keys.lock().await;
        let is_chained = self.lock().record.chained;
        let beside = match is_chained {
            true => None,
            false => self.proofs_beside().await?,
        };
        drop(held);
        let still = self.still().await;
        let state = self.lock();
        let (marked, trouble) = match beside {
            Some((marked, trouble)) => (marked, trouble),
            None if state.record.chained => {
                let anchor = state.anchor.as_ref();
                let marked = anchor.and_then(|found| found.record.clone());
                (marked, state.record.trouble)
            }
            None => return Ok(Err(why)),
        };
        Ok(Ok(Proofs {
            keys: state.record.kept.clone(),
            mark: marked.as_ref().and_then(Marked::mark),
            trouble,
            _still: still,
        }))
    }

    /// Where the database names no key that the keyring has, but the anchor does: the database is an older one,
    /// or was changed. What the anchor keeps tells which. `keys` must be held.
    async fn proofs_beside(&self) -> Result<Option<(Option<Marked>, Option<Trouble>)>, Error> {
        let facts = self.facts().await?;
        let Some(vault) = &facts.vault else {
            return Ok(None);
        };
        let Beside::Anchor(anchor) = self.find_anchor(&facts, vault).await? else {
            return Ok(None);
        };
        let keys = self.lock().record.kept.clone();
        if keys.open.is_empty() {
            return Ok(None);
        }
        let (trouble, _) = self.look((&keys, true), anchor.record.as_ref()).await?;
        Ok(Some((anchor.record, trouble)))
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
            // Only retention moves the beginning to a row that has a mac.
            *state != LOST || first.seq < (*seq).max(1) || first.hash == Head::NONE.hash
        });
        let worst = worse(before, seen.map(|seen| (seen, end.seq)));
        Ok(worst.map_or(RecordState::Intact, |(state, _)| state))
    }
}

/// The one to be told of two: tampering before all, and of equals the one that was found first; but of two
/// restores the later, after which alone the record is whole.
pub(super) fn worse(before: Option<Trouble>, now: Option<Trouble>) -> Option<Trouble> {
    if let (Some((RecordState::Restored { .. }, _)), Some((RecordState::Restored { .. }, _))) =
        (before, now)
    {
        return now;
    }
    let weight = |trouble: &Trouble| match trouble.0 {
        RecordState::Tampered { .. } => 0,
        RecordState::Restored { .. } => 1,
        RecordState::CannotCheck { .. } => 2,
        RecordState::Intact => 3,
    };
    [before, now].into_iter().flatten().min_by_key(weight)
}

/// What a comparison means; `None` where all is well.
pub(super) fn state_of(seen: Seen) -> Option<RecordState> {
    match seen {
        Seen::Whole => None,
        Seen::Restored { seq } => Some(RecordState::Restored {
            seq: seq.unsigned_abs(),
        }),
        Seen::Tampered { how, seq } => Some(tampered(how, seq)),
    }
}
