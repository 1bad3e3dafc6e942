//! The secrets of app credentials: sealed, opened and destroyed as credentials are. The anchor does not
//! count them: an old client secret that is sent is refused, and ends nothing.

use super::{
    Vault, load, no_key, run,
    seal::{self, Key, Place},
};
use crate::{
    secret::Secret,
    store::{
        Durability, Tx,
        apps::{self, AppRow},
        credentials::Sealed,
    },
};
use wire::{AppOwner, Error, ErrorCode};
use zeroize::Zeroizing;

/// A row is never sealed twice: a new secret is a new row.
const GENERATION: u64 = 1;

impl Vault {
    /// What is sealed now is sealed under it.
    pub(super) fn current_key(&self) -> Option<(u64, Key)> {
        let state = self.lock();
        let generation = state.current?.generation;
        Some((generation, state.keys.get(&generation)?.clone()))
    }

    /// Saves `row` with `secret` in one commit with `also`. What the owner had before is destroyed
    /// first, as by [`Vault::destroy_app`].
    ///
    /// # Errors
    /// The keyring's as in [`Vault::ready_to_save`], `KeyringLocked` also where credentials are kept
    /// for this run only; those of the store.
    pub(crate) async fn save_app(
        &self,
        mut row: AppRow,
        secret: Option<Secret>,
        also: impl FnOnce(&mut Tx<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let vault = self.clone();
        run(async move {
            if vault.lock().session_only && secret.is_some() {
                // They are for many sign-ins to come: "for this run" is nothing that helps.
                return Err(Error::new(ErrorCode::KeyringLocked).fix(wire::Fix::Unlock));
            }
            let before = row.owner.clone();
            let found = vault.0.store.read(move |conn| apps::find(conn, &before));
            if found.await?.is_some_and(|old| old.sealed.is_some()) {
                let owner = row.owner.clone();
                vault.destroy_app(owner, |_| Ok(())).await?;
            }
            if secret.is_some() {
                vault.load(load::Need::SEAL).await?;
            }
            let _gate = vault.0.gate.read().await;
            if let Some(secret) = secret {
                let (key_generation, key) = vault.current_key().ok_or_else(no_key)?;
                let place = place(&row);
                let plain = Zeroizing::new(secret.reveal().as_bytes().to_vec());
                let (wrapped_key, sealed) = seal::seal(&key, place, &plain)?;
                row.sealed = Some(Sealed {
                    key_generation,
                    wrapped_key,
                    sealed,
                });
            }
            let write = move |tx: &mut Tx<'_>| {
                apps::put(tx, &row)?;
                also(tx)
            };
            vault.0.store.write(Durability::Full, write).await
        })
        .await
    }

    /// The secret of `row`; `None` where it has none.
    ///
    /// # Errors
    /// The keyring's as in [`Vault::ready`]; `CredentialUnreadable`.
    pub(crate) async fn open_app(&self, row: &AppRow) -> Result<Option<Secret>, Error> {
        let Some(sealed) = &row.sealed else {
            return Ok(None);
        };
        self.load(load::Need::generation(sealed.key_generation))
            .await?;
        let key = self.lock().keys.get(&sealed.key_generation).cloned();
        let opened = key
            .and_then(|key| seal::open(&key, place(row), &sealed.wrapped_key, &sealed.sealed))
            .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        match opened {
            Some(text) => Ok(Some(Secret::new(text))),
            None => Err(Error::new(ErrorCode::CredentialUnreadable)
                .with("integration", row.client_id.clone())),
        }
    }

    /// Removes the owner's app credentials in one commit with `also`. After it no copy of the database
    /// made before opens their secret.
    ///
    /// # Errors
    /// As [`Vault::destroy`].
    pub(crate) async fn destroy_app(
        &self,
        owner: AppOwner,
        also: impl FnOnce(&mut Tx<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let vault = self.clone();
        run(async move {
            let alone = vault.0.gate.write().await;
            let looked = owner.clone();
            let read = vault.0.store.read(move |conn| apps::find(conn, &looked));
            let Some(row) = read.await? else {
                return Ok(());
            };
            let remove = move |tx: &mut Tx<'_>| {
                apps::remove(tx, &owner)?;
                also(tx)
            };
            if row.sealed.is_some() {
                vault.rotate(row.id, remove).await?;
            } else {
                vault.0.store.write(Durability::Full, remove).await?;
            }
            drop(alone);
            vault.settle().await;
            Ok(())
        })
        .await
    }
}

/// What the secret of `row` is bound to.
pub(super) fn place(row: &AppRow) -> Place {
    Place {
        integration: row.id,
        generation: GENERATION,
    }
}
