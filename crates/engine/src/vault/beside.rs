//! What lies in the anchor's place when the keyring gives its key, and what stands in where it is nothing to
//! believe.

use super::{
    Vault,
    anchor::{self, Anchor, Marked},
    internal,
    load::Facts,
    record,
    seal::Key,
};
use crate::store::{
    Durability,
    keys::{self, VaultRow},
};
use wire::{Error, RecordState};

/// What lies in the anchor's place.
pub(super) enum Beside {
    Anchor(Box<Anchor>),
    /// Another database's.
    Other,
    /// One that no key authenticates which the keyring has.
    Sealed,
    /// None.
    Nothing,
}

impl Vault {
    /// The anchor file, where a key that the keyring still has authenticates it.
    pub(super) async fn find_anchor(
        &self,
        facts: &Facts,
        vault: &VaultRow,
    ) -> Result<Beside, Error> {
        let file = self.0.anchor_file.clone();
        let found = tokio::task::spawn_blocking(move || anchor::find(&file))
            .await
            .map_err(|_| internal("the anchor's task ended"))?;
        let Some(found) = found else {
            return Ok(Beside::Nothing);
        };
        if found.vault() != vault.id {
            return Ok(Beside::Other);
        }
        let item = found.key_item().to_owned();
        let known = facts.keys.iter().find(|row| row.item == item);
        let key = match known {
            Some(row) => self.fetch(row).await?,
            None => self
                .ask_for(&item)
                .await?
                .and_then(|bytes| Key::from_bytes(&bytes)),
        };
        let Some(key) = key else {
            return Ok(Beside::Sealed);
        };
        let Some(mut anchor) = found.check(&key, vault.id) else {
            return Ok(Beside::Sealed);
        };
        if known.is_none() {
            // This database is older than the anchor: the item belongs to what came after it.
            self.0
                .store
                .write(Durability::Full, move |tx| keys::adopt(tx, &item))
                .await?;
        }
        let kept = std::mem::take(&mut anchor.keys);
        self.lock().record.kept = record::unsealed(&kept, &key, vault.id);
        Ok(Beside::Anchor(Box::new(anchor)))
    }

    /// Writes the anchor as it is in memory now.
    pub(super) async fn write_anchor(&self) -> Result<(), Error> {
        // One at a time, and each reads the memory anew: an older state never replaces a newer one.
        let writing = self.0.anchor_writing.lock().await;
        let now = {
            let mut state = self.lock();
            state.anchor_is_behind = false;
            let key = state
                .current
                .and_then(|current| state.keys.get(&current.generation).cloned());
            state.anchor.clone().zip(key)
        };
        if let Some((anchor, key)) = now {
            let written = self.put_anchor(&anchor, &key).await;
            let mut state = self.lock();
            match written {
                Ok(()) => state.record.written = anchor.record.map_or(0, |record| record.epoch),
                Err(error) => {
                    state.anchor_is_behind = true;
                    return Err(error);
                }
            }
        }
        drop(writing);
        Ok(())
    }

    /// Writes the anchor's file, and the record's keys into it.
    pub(super) async fn put_anchor(&self, anchor: &Anchor, key: &Key) -> Result<(), Error> {
        let (file, mut anchor, key) = (self.0.anchor_file.clone(), anchor.clone(), key.clone());
        let keys = self.lock().record.kept.clone();
        anchor.keys = record::sealed(&keys, &key, anchor.vault)?;
        tokio::task::spawn_blocking(move || anchor.write(&file, &key))
            .await
            .map_err(|_| internal("the anchor's task ended"))?
    }
}

/// An anchor where the one that should be there is missing or not authentic: every sealed credential
/// counts as restored from a backup, and the record keeps what was found.
pub(super) fn mistrustful(facts: &Facts, vault: &VaultRow, trouble: Option<RecordState>) -> Anchor {
    let mut anchor = Anchor::new(vault.id, "");
    anchor.record = trouble.map(|trouble| Marked::troubled((trouble, facts.record_end)));
    // For how long rows are to be kept the lost one knew. Until the admin says so anew nothing is removed.
    anchor.keep_days = trouble.map(|_| record::FOR_EVER);
    if !facts.sealed.is_empty() {
        tracing::warn!("the anchor is missing or not authentic: stored credentials are not used");
    }
    for (id, generation) in &facts.sealed {
        anchor.raise(*id, generation.saturating_add(1));
    }
    anchor
}
