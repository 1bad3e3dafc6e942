//! Getting the keyring's key, and making it.
//!
//! The order at each load: the key, then the anchor (which may still be authenticated by the key
//! before), then whatever an interrupted run left behind. Each step leaves a state that the next
//! load takes up.

use super::{
    Current, Vault,
    anchor::Anchor,
    beside::{Beside, mistrustful},
    destroy::Step,
    internal,
    keyring::lost,
    no_key, record, refused, run,
    seal::Key,
};
use crate::{
    ports::KeyringError,
    store::{
        Durability, apps, credentials,
        keys::{self, KeyRow, KeyState, VaultRow},
    },
};
use rand::{TryRngCore, rngs::OsRng};
use wire::{Error, IntegrationId, KeyringView};
use zeroize::Zeroizing;

/// What somebody needs of the keyring.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    create: Create,
    /// The key of this generation too.
    generation: Option<u64>,
    /// Ask the person to unlock, and wait.
    unlock: bool,
}

/// When a key may be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Create {
    Never,
    /// Where nothing is sealed that it could not open.
    First,
    /// Also where the key that sealed is lost: what is sealed stays as it is.
    Afresh,
}

impl Need {
    pub(super) const KEY: Self = Self {
        create: Create::First,
        generation: None,
        unlock: false,
    };
    pub(super) const SEAL: Self = Self {
        create: Create::Afresh,
        generation: None,
        unlock: false,
    };
    pub(super) const UNLOCK: Self = Self {
        create: Create::Never,
        generation: None,
        unlock: true,
    };
    /// The keys that there are, none made.
    pub(super) const PRESENT: Self = Self {
        create: Create::Never,
        generation: None,
        unlock: false,
    };

    pub(super) fn generation(generation: u64) -> Self {
        Self {
            generation: Some(generation),
            ..Self::PRESENT
        }
    }
}

/// What the database says.
pub(super) struct Facts {
    pub vault: Option<VaultRow>,
    pub keys: Vec<KeyRow>,
    /// Id and generation of each sealed credential.
    pub sealed: Vec<(IntegrationId, u64)>,
    /// Client secrets are sealed too.
    pub seals_apps: bool,
    /// Where the record ends.
    pub record_end: i64,
}

impl Facts {
    fn seals_nothing(&self) -> bool {
        self.sealed.is_empty() && !self.seals_apps
    }

    /// True where a key was in use, so that an anchor was written.
    fn had_key(&self) -> bool {
        self.keys.iter().any(|row| row.state != KeyState::New)
    }

    pub(super) fn current(&self) -> Option<&KeyRow> {
        self.keys.iter().find(|row| row.state == KeyState::Current)
    }
}

impl Vault {
    /// Brings into memory what is needed, where it is not there.
    pub(super) async fn load(&self, need: Need) -> Result<(), Error> {
        let before = {
            let state = self.lock();
            if state.session_only && !need.unlock {
                let fault = state.fault.as_ref().unwrap_or(&KeyringError::Locked);
                return Err(refused(fault));
            }
            state.asked
        };
        if self.has(need) {
            return Ok(());
        }
        let vault = self.clone();
        run(async move {
            let keys = vault.0.keys.lock().await;
            if vault.has(need) {
                return Ok(());
            }
            // Whoever waited for another's question shares its answer.
            let shared = {
                let state = vault.lock();
                state
                    .fault
                    .clone()
                    .filter(|_| state.asked != before && !need.unlock)
            };
            if let Some(fault) = shared {
                return Err(refused(&fault));
            }
            let loaded = vault.load_now(need).await;
            drop(keys);
            if loaded.is_ok() {
                vault.settle().await;
            }
            loaded
        })
        .await
    }

    fn has(&self, need: Need) -> bool {
        let state = self.lock();
        let current = state.current.as_ref().map(|current| current.generation);
        !need.unlock
            && state.anchor.is_some()
            && [need.generation, current.or(Some(0))]
                .into_iter()
                .flatten()
                .all(|generation| state.keys.contains_key(&generation))
    }

    async fn load_now(&self, need: Need) -> Result<(), Error> {
        if need.unlock {
            let unlocked = self.0.asker.unlock().await;
            self.answered(unlocked)?;
        }
        let facts = self.facts().await?;
        let key = match facts.current() {
            Some(row) => self.fetch(row).await?,
            // Before anything is written down: is there a keyring to write to?
            None => self.ask_for("none").await?.and(None),
        };
        match (facts.current(), key) {
            (Some(row), Some(key)) => self.install(&facts, row, key).await?,
            (_, None) => match need.create {
                Create::Afresh => self.create().await?,
                Create::First if facts.seals_nothing() => self.create().await?,
                Create::First | Create::Never if !facts.seals_nothing() => {
                    self.show(KeyringView::Lost);
                    return Err(lost());
                }
                Create::First | Create::Never => {
                    self.show(KeyringView::Unasked);
                    return if need.generation.is_some() {
                        Err(lost())
                    } else {
                        Ok(())
                    };
                }
            },
            (None, Some(_)) => return Err(no_key()),
        }
        if let Some(generation) = need.generation {
            self.load_generation(&facts, generation).await?;
        }
        self.chain_record().await;
        self.tidy().await;
        Ok(())
    }

    /// A key beside the current one. None where the database does not know of it any more: whoever
    /// needs it looks at its row again.
    pub(super) async fn load_generation(
        &self,
        facts: &Facts,
        generation: u64,
    ) -> Result<(), Error> {
        if self.lock().keys.contains_key(&generation) {
            return Ok(());
        }
        let row = facts
            .keys
            .iter()
            .find(|row| row.generation == generation && row.state != KeyState::New);
        if let Some(row) = row {
            let key = self.fetch(row).await?.ok_or_else(lost)?;
            self.lock().keys.insert(generation, key);
        }
        Ok(())
    }

    pub(super) async fn facts(&self) -> Result<Facts, Error> {
        self.0
            .store
            .read(|connection| {
                Ok(Facts {
                    vault: keys::vault(connection)?,
                    keys: keys::all(connection)?,
                    sealed: credentials::sealed(connection)?,
                    seals_apps: apps::any_sealed(connection)?,
                    record_end: crate::store::record::head(connection)?.seq,
                })
            })
            .await
    }

    /// An item of the keyring as a key; `None` where it is missing, or not a key.
    pub(super) async fn fetch(&self, row: &KeyRow) -> Result<Option<Key>, Error> {
        let known = self.lock().keys.get(&row.generation).cloned();
        match known {
            Some(key) => Ok(Some(key)),
            None => Ok(self
                .ask_for(&row.item)
                .await?
                .and_then(|bytes| Key::from_bytes(&bytes))),
        }
    }

    pub(super) async fn ask_for(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let item = item.to_owned();
        let answer = self.0.asker.ask(move |keyring| keyring.read(&item)).await;
        self.answered(answer)
    }

    /// Notes how the keyring answered.
    pub(super) fn answered<T>(&self, answer: Result<T, KeyringError>) -> Result<T, Error> {
        let fault = answer.as_ref().err().cloned();
        {
            let mut state = self.lock();
            state.asked += 1;
            state.fault.clone_from(&fault);
        }
        // With the key in memory credentials are opened and kept, whatever the keyring says now.
        if !self.has(Need::KEY) {
            match fault {
                None => {}
                Some(KeyringError::Locked) => self.show(KeyringView::Locked),
                Some(KeyringError::Hanging) => self.show(KeyringView::Hanging),
                Some(KeyringError::Absent | KeyringError::Failed(_)) => {
                    self.show(KeyringView::Absent)
                }
            }
        }
        answer.map_err(|fault| {
            tracing::warn!(%fault, "the keyring did not do it");
            refused(&fault)
        })
    }

    /// The keyring gave the key: reads the anchor, and puts both into memory.
    async fn install(&self, facts: &Facts, row: &KeyRow, key: Key) -> Result<(), Error> {
        let vault = facts.vault.as_ref().ok_or_else(no_key)?;
        let known = {
            let mut state = self.lock();
            state.keys.insert(row.generation, key.clone());
            let now = Current {
                generation: row.generation,
            };
            let before = state.current.replace(now);
            state.anchor.is_some() && before == Some(now)
        };
        if known {
            // Memory knows more than the file, which a save may be about to write.
            self.show(KeyringView::Ready);
            return Ok(());
        }
        let (before, mut anchor) = match self.find_anchor(facts, vault).await? {
            Beside::Anchor(anchor) => (Some((*anchor).clone()), *anchor),
            Beside::Other => (None, mistrustful(facts, vault, Some(record::OTHER))),
            Beside::Sealed | Beside::Nothing => {
                (None, mistrustful(facts, vault, Some(record::GONE)))
            }
        };
        row.item.clone_into(&mut anchor.key_item);
        if before.is_some() {
            for (id, generation) in &facts.sealed {
                anchor.raise(*id, *generation);
            }
        }
        if before.as_ref() != Some(&anchor) {
            self.put_anchor(&anchor, &key).await?;
        }
        self.lock().anchor = Some(anchor);
        self.show(KeyringView::Ready);
        Ok(())
    }

    /// Makes the first key, or one beside a lost one.
    async fn create(&self) -> Result<(), Error> {
        let (row, key) = self.new_key().await?;
        let facts = self.facts().await?;
        let vault = facts.vault.as_ref().ok_or_else(no_key)?;
        let mut anchor = self.first_anchor(&facts, vault).await?;
        row.item.clone_into(&mut anchor.key_item);
        // Before anything is sealed: a missing anchor always means that somebody took it away.
        self.put_anchor(&anchor, &key).await?;
        self.reached(Step::Anchored);
        let generation = row.generation;
        self.0
            .store
            .write(Durability::Full, move |tx| {
                keys::activate(tx, generation, KeyState::Aside)
            })
            .await?;
        {
            let mut state = self.lock();
            state.keys.insert(generation, key);
            state.current = Some(Current { generation });
            state.anchor = Some(anchor);
        }
        self.show(KeyringView::Ready);
        Ok(())
    }

    /// The anchor that goes on where the key that authenticated it may be lost.
    pub(super) async fn first_anchor(
        &self,
        facts: &Facts,
        vault: &VaultRow,
    ) -> Result<Anchor, Error> {
        Ok(match self.find_anchor(facts, vault).await? {
            Beside::Anchor(anchor) => *anchor,
            Beside::Other => mistrustful(facts, vault, Some(record::OTHER)),
            // The key that was lost authenticated it, and sealed the record's own. It took no file away.
            Beside::Sealed => mistrustful(facts, vault, Some(record::LOST)),
            Beside::Nothing => {
                let was_used =
                    facts.had_key() || !facts.seals_nothing() || self.has_record_keys().await;
                mistrustful(facts, vault, was_used.then_some(record::GONE))
            }
        })
    }

    /// True where the record had a key, whatever became of the keyring's. What cannot be read is no new
    /// installation's.
    async fn has_record_keys(&self) -> bool {
        self.0
            .store
            .read(|connection| {
                Ok(crate::store::record::keys::any(connection)?
                    || crate::store::record::mark::has_signed_rows(connection)?)
            })
            .await
            .unwrap_or(true)
    }

    /// A new key, written down in the database, put into the keyring, and read back.
    pub(super) async fn new_key(&self) -> Result<(KeyRow, Key), Error> {
        let mut random = [0; 8];
        OsRng
            .try_fill_bytes(&mut random)
            .map_err(|_| internal("the system gave no random bytes"))?;
        let random = u64::from_be_bytes(random);
        let row = self
            .0
            .store
            .write(Durability::Full, move |tx| keys::prepare(tx, random))
            .await?;
        self.reached(Step::Prepared);
        let key = Key::random()?;
        let (item, bytes) = (row.item.clone(), Zeroizing::new(key.bytes().to_vec()));
        let kept = self
            .0
            .asker
            .ask(move |keyring| {
                keyring.write(&item, &bytes)?;
                match keyring.read(&item)? {
                    Some(read) if *read == *bytes => Ok(()),
                    Some(_) | None => Err(KeyringError::Failed(
                        "it did not keep what was written".into(),
                    )),
                }
            })
            .await;
        if let Err(error) = self.answered(kept) {
            // Its row says that it may be there: the next load removes it.
            self.lock().leftovers = true;
            return Err(error);
        }
        self.reached(Step::Written);
        Ok((row, key))
    }
}
