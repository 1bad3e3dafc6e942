//! Sign-ins that wait for a link, sealed as credentials are. The anchor does not count them: an old one
//! is good for ten minutes and one code.

use super::{
    Vault, load, no_key, run,
    seal::{self, Place},
};
use crate::store::{
    Durability,
    credentials::Sealed,
    waiting::{self, WaitingRow},
};
use wire::{AttemptId, Error, IntegrationId, KeyringView, Time};
use zeroize::Zeroizing;

/// A row is never sealed twice.
const GENERATION: u64 = 1;

/// What sealed bytes came to.
pub(crate) enum Opened {
    Bytes(Zeroizing<Vec<u8>>),
    /// The keyring gives no key for them: locked, absent, hanging, or it lost the key.
    Shut,
    /// It was kept for the run that began it, in its memory.
    OtherRun,
}

impl Vault {
    /// Keeps what a sign-in needs that waits for a link, until `ends_at`. Where credentials are kept for
    /// this run only, nothing of it but that it was there.
    ///
    /// # Errors
    /// The keyring's as in [`Vault::ready_to_save`]; those of the store.
    pub(crate) async fn keep_waiting(
        &self,
        (id, ends_at): (AttemptId, Time),
        plain: Zeroizing<Vec<u8>>,
    ) -> Result<(), Error> {
        let vault = self.clone();
        run(async move {
            let session_only = vault.lock().session_only;
            if !session_only {
                vault.load(load::Need::SEAL).await?;
            }
            // A destroy, which changes the key under all that is sealed, waits for this.
            let _gate = vault.0.gate.read().await;
            let sealed = if session_only {
                None
            } else {
                let (key_generation, key) = vault.current_key().ok_or_else(no_key)?;
                let (wrapped_key, sealed) = seal::seal(&key, place(id), &plain)?;
                Some(Sealed {
                    key_generation,
                    wrapped_key,
                    sealed,
                })
            };
            let row = WaitingRow {
                id,
                ends_at,
                sealed,
            };
            let write = move |tx: &mut crate::store::Tx<'_>| waiting::add(tx, &row);
            vault.0.store.write(Durability::Full, write).await
        })
        .await
    }

    /// What was kept in `row`. A keyring that said no is not asked once more: that is for the admin.
    pub(crate) async fn open_waiting(&self, row: &WaitingRow) -> Opened {
        let Some(sealed) = &row.sealed else {
            return Opened::OtherRun;
        };
        match self.state() {
            KeyringView::Unasked | KeyringView::Ready => {}
            KeyringView::Locked
            | KeyringView::Absent
            | KeyringView::Hanging
            | KeyringView::Lost
            | KeyringView::SessionOnly => return Opened::Shut,
        }
        let need = load::Need::generation(sealed.key_generation);
        if let Err(error) = self.load(need).await {
            tracing::info!(error = %error, "a sign-in that waits could not be opened");
            return Opened::Shut;
        }
        let key = self.lock().keys.get(&sealed.key_generation).cloned();
        let opened = key
            .and_then(|key| seal::open(&key, place(row.id), &sealed.wrapped_key, &sealed.sealed));
        opened.map_or(Opened::Shut, Opened::Bytes)
    }
}

/// What sealed bytes are bound to.
pub(super) fn place(id: AttemptId) -> Place {
    Place {
        // Its own id, not an integration's: no credential opens as it.
        integration: IntegrationId(id.0),
        generation: GENERATION,
    }
}
