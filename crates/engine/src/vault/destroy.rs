//! Disconnect: destroying one credential for good.
//!
//! Old copies of the database hold the sealed bytes for ever, so what must go is the key: a new
//! keyring key is put in place, the other credentials' own keys are wrapped anew under it, and the
//! old item is deleted. One commit decides. Before it everything is as it was (and the new item is
//! removed at the next load), after it the credential is gone (and the old item, the log and the
//! older backups are removed at the next load, if not at once).

use super::{
    Current, Vault,
    anchor::{Anchor, Marked},
    load::{Facts, Need},
    run,
    seal::{self, Key, Place},
};
use crate::store::{
    Durability, Tx, apps,
    credentials::{self, Form},
    keys::{self, KeyState},
    record, waiting,
};
use std::collections::BTreeMap;
use wire::{Error, ErrorCode, IntegrationId};

/// The states that a crash can leave behind, in their order.
#[cfg_attr(not(test), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    /// The database knows of the new item, the keyring does not have it yet.
    Prepared,
    /// The keyring has the new item.
    Written,
    /// First key only: the anchor is there, the key is not used yet.
    Anchored,
    /// The credential is gone, the others are under the new key.
    Committed,
    /// The anchor knows it too.
    Told,
    /// An old item is gone from the keyring.
    Deleted,
    /// The database knows that.
    Forgotten,
    /// The log is empty.
    Emptied,
    /// The fresh backup is there, the older ones are gone.
    BackedUp,
}

impl Vault {
    /// Destroys the integration's credential in one commit with `also` (which removes the
    /// integration and writes the record). After it no copy of the database made before opens
    /// anything. Goes through also where the caller stops waiting; after a crash the next load
    /// finishes it, or nothing of it has happened.
    ///
    /// # Errors
    /// `KeyringAbsent`, `KeyringLocked`, `KeyringHanging`, `KeyringFailed` where a credential was
    /// ever sealed and the keyring cannot be written: nothing is changed then; those of `also` and
    /// of the store. A key that the keyring has lost is no error: what it sealed is destroyed
    /// already.
    pub async fn destroy<T: Send + 'static>(
        &self,
        id: IntegrationId,
        also: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let vault = self.clone();
        run(async move {
            let done = vault.destroy_now(id, also).await?;
            vault.settle().await;
            Ok(done)
        })
        .await
    }

    async fn destroy_now<T: Send + 'static>(
        &self,
        id: IntegrationId,
        also: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        // Saves that began are let through; none begins until this is over.
        let _alone = self.0.gate.write().await;
        let row = self
            .0
            .store
            .read(move |connection| credentials::find(connection, id))
            .await?;
        let done = if row.is_some_and(|row| row.held) {
            self.rotate(id, also).await?
        } else {
            let remove = move |tx: &mut Tx<'_>| {
                let value = also(tx)?;
                credentials::remove(tx, id)?;
                Ok(value)
            };
            self.0.store.write(Durability::Full, remove).await?
        };
        self.lock().session.remove(&id);
        Ok(done)
    }

    pub(super) async fn rotate<T: Send + 'static>(
        &self,
        id: IntegrationId,
        also: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match self.load(Need::PRESENT).await {
            Ok(()) => {}
            // The keyring answered: it has lost the key. Others may have been kept aside.
            Err(error) if error.code == ErrorCode::KeyringLost => {}
            Err(error) => return Err(error),
        }
        let keys = self.0.keys.lock().await;
        let facts = self.facts().await?;
        let old = self.old_keys(&facts).await?;
        let (row, key) = match self.new_key().await {
            Ok(made) => made,
            Err(error) => {
                self.tidy().await;
                return Err(error);
            }
        };
        let is_anchored = self.lock().anchor.is_some();
        let mut first = match &facts.vault {
            Some(vault) if !is_anchored => Some(self.first_anchor(&facts, vault).await?),
            _ => None,
        };
        if let Some(first) = first.as_mut().filter(|first| is_of_lost_key(first)) {
            // Before the key is used: after a crash the old file would look as if somebody had put it there.
            row.item.clone_into(&mut first.key_item);
            if let Err(error) = self.put_anchor(first, &key).await {
                tracing::error!(%error, "the anchor could not be written before the key is used");
            }
        }
        let (generation, new) = (row.generation, key.clone());
        let kept = self.lock().record.kept.clone();
        let committed = self
            .0
            .store
            .write(Durability::Full, move |tx| {
                let value = also(tx)?;
                credentials::remove(tx, id)?;
                rewrap(tx, (&old, &kept), (generation, &new))?;
                keys::retire_all(tx)?;
                keys::activate(tx, generation, KeyState::Old)?;
                keys::owe_backup(tx)?;
                Ok(value)
            })
            .await;
        let value = match committed {
            Ok(value) => value,
            Err(error) => {
                // The new item is not needed.
                self.tidy().await;
                return Err(error);
            }
        };
        self.reached(Step::Committed);
        {
            let mut state = self.lock();
            state.keys.insert(generation, key);
            state.current = Some(Current { generation });
            if let Some(first) = first {
                state.anchor = Some(first);
            }
            if let Some(anchor) = &mut state.anchor {
                anchor.forget(id);
                row.item.clone_into(&mut anchor.key_item);
            }
        }
        match self.write_anchor().await {
            Ok(()) => self.reached(Step::Told),
            // It is still authentic under the old key, which stays until it is written.
            Err(error) => tracing::error!(%error, "the anchor could not be written"),
        }
        self.chain_record().await;
        self.tidy().await;
        drop(keys);
        Ok(value)
    }

    /// Every key that the database knows and the keyring still has.
    async fn old_keys(&self, facts: &Facts) -> Result<BTreeMap<u64, Key>, Error> {
        let mut found = BTreeMap::new();
        for row in &facts.keys {
            match row.state {
                KeyState::Current | KeyState::Aside => {}
                KeyState::New | KeyState::Old => continue,
            }
            if let Some(key) = self.fetch(row).await? {
                found.insert(row.generation, key);
            }
        }
        Ok(found)
    }
}

/// True where it stands in for one that only a lost key authenticates: that is worth nothing any more.
fn is_of_lost_key(anchor: &Anchor) -> bool {
    let trouble = anchor.record.as_ref().and_then(Marked::trouble);
    anchor.key_item.is_empty() && trouble.is_some_and(|(state, _)| state == super::record::LOST)
}

/// Wraps the own key of all that is sealed under the new one. What no key opens stays as it is: it is
/// unreadable before and after.
fn rewrap(
    tx: &Tx<'_>,
    (old, kept): (&BTreeMap<u64, Key>, &record::keys::Keys),
    (generation, new): (u64, &Key),
) -> Result<(), Error> {
    for row in apps::all(tx)? {
        let Some(sealed) = &row.sealed else {
            continue;
        };
        let wrapped = old
            .get(&sealed.key_generation)
            .and_then(|key| seal::rewrap(key, new, super::apps::place(&row), &sealed.wrapped_key));
        if let Some(wrapped) = wrapped {
            apps::rewrap(tx, row.id, generation, &wrapped?)?;
        }
    }
    // Where somebody made them unreadable, the anchor still has them: a Disconnect goes through all the same.
    let kept = record::keys::of(tx, kept).unwrap_or_else(|error| {
        tracing::error!(%error, "the database's copy of the record's keys cannot be read");
        Vec::new()
    });
    for row in kept {
        let wrapped = old
            .get(&row.key_generation)
            .and_then(|key| seal::rewrap(key, new, super::record::place(&row), &row.wrapped_key));
        if let Some(wrapped) = wrapped {
            record::keys::rewrap(tx, row.n, generation, &wrapped?)?;
        }
    }
    for row in waiting::all(tx)? {
        let Some(sealed) = &row.sealed else {
            continue;
        };
        let place = super::waiting::place(row.id);
        let wrapped = old
            .get(&sealed.key_generation)
            .and_then(|key| seal::rewrap(key, new, place, &sealed.wrapped_key));
        if let Some(wrapped) = wrapped {
            waiting::rewrap(tx, row.id, generation, &wrapped?)?;
        }
    }
    for row in credentials::all(tx)? {
        let Form::Sealed(sealed) = row.form else {
            continue;
        };
        let place = Place {
            integration: row.integration,
            generation: row.generation,
        };
        let wrapped = old
            .get(&sealed.key_generation)
            .and_then(|key| seal::rewrap(key, new, place, &sealed.wrapped_key));
        if let Some(wrapped) = wrapped {
            credentials::rewrap(tx, row.integration, generation, &wrapped?)?;
        }
    }
    Ok(())
}
