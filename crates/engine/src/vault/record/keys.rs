//! The record's keys where they are kept: sealed in the database as a credential is, and in the anchor, so that
//! nobody puts others in their place.

use super::super::{
    Vault,
    anchor::KeptKey,
    load::Facts,
    seal::{self, Key, Place, Purpose},
};
use crate::store::{
    Durability, keys as vault_keys,
    record::{
        self, RecordKey,
        keys::{KeyRow, Keys},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::sync::Arc;
use uuid::Uuid;
use wire::{Error, IntegrationId};

/// A key is never sealed twice: another key is another row.
const GENERATION: u64 = 1;

impl Vault {
    /// The keys' rows in the database, and the keys: those that the anchor kept, or else as the rows have them.
    pub(super) async fn keys_beside(&self, kept: Keys) -> Result<(Vec<KeyRow>, Keys), Error> {
        let known = kept.clone();
        let rows = self
            .0
            .store
            .read(move |conn| record::keys::of(conn, &known))
            .await;
        match rows {
            // Once the anchor keeps the keys, what the database says of them matters no more.
            Err(error) if !kept.is_empty() => {
                tracing::error!(%error, "the database's copy of the record's keys cannot be read");
                Ok((Vec::new(), kept))
            }
            Ok(rows) if kept.is_empty() => {
                let keys = self.keys_of(&rows).await?;
                Ok((rows, keys))
            }
            rows => Ok((rows?, kept)),
        }
    }

    /// Another key, which follows all others. No backup of before fits the anchor from then on.
    pub(super) async fn new_record_key(
        &self,
        rows: &[KeyRow],
        keys: &mut Keys,
    ) -> Result<Arc<RecordKey>, Error> {
        self.0
            .store
            .write(Durability::Full, |tx| vault_keys::owe_backup(tx))
            .await?;
        let last = rows.last().map_or(0, |row| row.n).max(keys.last());
        let n = last.saturating_add(1);
        let key = Arc::new(RecordKey::new(n, Key::random()?.bytes()));
        keys.open.insert(n, key.clone());
        Ok(key)
    }

    /// The keys as the database has them.
    pub(super) async fn keys_of(&self, rows: &[KeyRow]) -> Result<Keys, Error> {
        let mut keys = Keys::default();
        let facts = self.facts().await?;
        for row in rows {
            match self.open_record_key(row, &facts).await? {
                Some(key) => {
                    keys.open.insert(row.n, Arc::new(key));
                }
                None => {
                    keys.lost.insert(row.n);
                }
            }
        }
        Ok(keys)
    }

    /// Sees to it that the database has them too, for the day when the anchor is gone.
    pub(super) async fn keep_keys(
        &self,
        keys: &Keys,
        rows: Vec<KeyRow>,
        (generation, sealing): (u64, Key),
    ) -> Result<(), Error> {
        let mut had = self.keys_of(&rows).await?;
        for (n, key) in &keys.open {
            if had
                .open
                .remove(n)
                .is_some_and(|had| had.bytes() == key.bytes())
            {
                continue;
            }
            let row = seal_row(key, (generation, &sealing))?;
            self.0
                .store
                .write(Durability::Full, move |tx| record::keys::put(tx, &row))
                .await?;
        }
        Ok(())
    }

    async fn open_record_key(
        &self,
        row: &KeyRow,
        facts: &Facts,
    ) -> Result<Option<RecordKey>, Error> {
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
}

/// What a key's sealed bytes are bound to.
pub(in super::super) fn place(row: &KeyRow) -> Place {
    Place {
        // Its own id, not an integration's: no credential opens as it.
        integration: IntegrationId(row.id),
        generation: GENERATION,
    }
}

/// A key's row, sealed under the keyring's key of `generation`.
fn seal_row(key: &RecordKey, (generation, sealing): (u64, &Key)) -> Result<KeyRow, Error> {
    let mut row = KeyRow {
        n: key.n,
        id: Uuid::now_v7(),
        key_generation: generation,
        wrapped_key: Vec::new(),
        sealed: Vec::new(),
    };
    (row.wrapped_key, row.sealed) = seal::seal(sealing, place(&row), key.bytes())?;
    Ok(row)
}

/// The keys as the anchor of this database keeps them.
pub(in super::super) fn sealed(keys: &Keys, by: &Key, vault: Uuid) -> Result<Vec<KeptKey>, Error> {
    let mut kept = Vec::new();
    for (n, key) in &keys.open {
        let sealed = by.seal(Purpose::RecordKey, kept_place(vault, *n), key.bytes())?;
        kept.push(KeptKey {
            n: *n,
            sealed: Some(STANDARD.encode(sealed)),
        });
    }
    kept.extend(keys.lost.iter().map(|n| KeptKey {
        n: *n,
        sealed: None,
    }));
    Ok(kept)
}

/// What [`sealed`] was given.
pub(in super::super) fn unsealed(kept: &[KeptKey], by: &Key, vault: Uuid) -> Keys {
    let mut keys = Keys::default();
    for key in kept {
        let sealed = key
            .sealed
            .as_ref()
            .and_then(|text| STANDARD.decode(text).ok());
        let bytes = sealed
            .and_then(|sealed| by.open(Purpose::RecordKey, kept_place(vault, key.n), &sealed));
        match bytes {
            Some(bytes) => {
                let open = Arc::new(RecordKey::new(key.n, &bytes));
                keys.open.insert(key.n, open);
            }
            None => {
                keys.lost.insert(key.n);
            }
        }
    }
    keys
}

/// What a kept key's sealed bytes are bound to.
fn kept_place(vault: Uuid, n: i64) -> Place {
    Place {
        integration: IntegrationId(vault),
        generation: n.unsigned_abs(),
    }
}
