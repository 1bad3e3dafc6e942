//! macOS: the login keychain. Windows: the Credential Manager, kept on this computer and not
//! carried along by a roaming profile.

use super::SERVICE;
use crate::ports::{Keyring, KeyringError};
use keyring_core::{Entry, Error, api::CredentialStoreApi};
use zeroize::Zeroizing;

/// The system's own keyring. Each call opens the store anew: a failure is never remembered.
#[derive(Default)]
pub struct SystemKeyring;

impl Keyring for SystemKeyring {
    fn read(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        match entry(item)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(refused(&error)),
        }
    }

    fn write(&self, item: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        entry(item)?
            .set_secret(bytes)
            .map_err(|error| refused(&error))
    }

    fn delete(&self, item: &str) -> Result<(), KeyringError> {
        match entry(item)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }

    /// The system prompts by itself when an item is used: reading any is enough.
    fn unlock(&self) -> Result<(), KeyringError> {
        self.read("unlock").map(|_| ())
    }
}

#[cfg(target_os = "macos")]
fn entry(item: &str) -> Result<Entry, KeyringError> {
    apple_native_keyring_store::keychain::Store::new()
        .and_then(|store| store.build(SERVICE, item, None))
        .map_err(|error| refused(&error))
}

#[cfg(target_os = "windows")]
fn entry(item: &str) -> Result<Entry, KeyringError> {
    let local = std::collections::HashMap::from([("persistence", "Local")]);
    windows_native_keyring_store::Store::new()
        .and_then(|store| store.build(SERVICE, item, Some(&local)))
        .map_err(|error| refused(&error))
}

/// The keyring's error, without the bytes that some of its forms carry.
fn refused(error: &Error) -> KeyringError {
    match error {
        // A locked keychain, or a prompt that was dismissed.
        Error::NoStorageAccess(_) => KeyringError::Locked,
        Error::PlatformFailure(inner) if refuses_access(&format!("{inner:?}")) => {
            KeyringError::Locked
        }
        Error::PlatformFailure(inner) => {
            KeyringError::Failed(crate::vault::short(&inner.to_string()))
        }
        Error::NoEntry => KeyringError::Failed("no such item".into()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            KeyringError::Failed("the item cannot be read".into())
        }
        Error::Ambiguous(_) => KeyringError::Failed("there are several items of that name".into()),
        Error::NoDefaultStore => KeyringError::Absent,
        _ => KeyringError::Failed("it refused".into()),
    }
}

/// macOS, by the codes of Security/SecBase.h: no prompt may be shown (-25308), the password was
/// wrong (-25293), or the person dismissed the prompt (-128). The store crate names none of them.
fn refuses_access(debugged: &str) -> bool {
    cfg!(target_os = "macos")
        && ["code: -25308", "code: -25293", "code: -128"]
            .iter()
            .any(|code| debugged.contains(code))
}
