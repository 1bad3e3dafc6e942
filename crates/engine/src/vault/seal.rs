//! Sealing: XChaCha20-Poly1305, twice. A random key of its own seals each credential; the keyring's
//! key wraps that key. Both are bound to what they belong to by their associated data.
//!
//! XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03; its 192-bit nonce may be drawn at random for any
//! number of messages. HKDF: RFC 5869.

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hkdf::Hkdf;
use rand::{TryRngCore, rngs::OsRng};
use sha2::Sha256;
use wire::{Error, ErrorCode, IntegrationId};
use zeroize::Zeroizing;

/// Bytes of a key.
pub(super) const KEY: usize = 32;
const NONCE: usize = 24;
/// The form of a sealed value, its first byte.
const FORM: u8 = 1;

/// A key, wiped when dropped.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<[u8; KEY]>);

/// What sealed bytes belong to: opened under anything else, they do not open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub integration: IntegrationId,
    /// The credential's.
    pub generation: u64,
}

/// What sealed bytes are, so that one kind never opens as another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Credential,
    WrappedKey,
    /// A key of the record, in the anchor.
    RecordKey,
}

impl Key {
    /// A new one from the system's own generator.
    pub(super) fn random() -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; KEY]);
        OsRng
            .try_fill_bytes(&mut *key)
            .map_err(|_| no_randomness())?;
        Ok(Self(key))
    }

    /// `None` where it has not [`KEY`] bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY]);
        if bytes.len() != KEY {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &*self.0
    }

    /// Another key, for another purpose, from this one.
    pub(super) fn derive(&self, purpose: &str) -> Self {
        let mut key = Zeroizing::new([0; KEY]);
        Hkdf::<Sha256>::new(None, self.bytes())
            .expand(purpose.as_bytes(), &mut *key)
            .expect("32 bytes are within what HKDF-SHA256 can give (8160)");
        Self(key)
    }

    pub(super) fn seal(
        &self,
        purpose: Purpose,
        place: Place,
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        OsRng
            .try_fill_bytes(&mut nonce)
            .map_err(|_| no_randomness())?;
        let aad = place.associated_data(purpose);
        let sealed = XChaCha20Poly1305::new((&*self.0).into())
            .encrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: plain,
                    aad: &aad,
                },
            )
            .map_err(|_| Error::new(ErrorCode::Internal).with("why", "too large to seal"))?;
        let mut bytes = Vec::with_capacity(1 + NONCE + sealed.len());
        bytes.push(FORM);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// `None` where the bytes were not sealed by this key for this purpose and place.
    pub(super) fn open(
        &self,
        purpose: Purpose,
        place: Place,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (&form, rest) = sealed.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        if form != FORM {
            return None;
        }
        let aad = place.associated_data(purpose);
        XChaCha20Poly1305::new((&*self.0).into())
            .decrypt(
                XNonce::from_slice(nonce),
                Payload {
                    msg: sealed,
                    aad: &aad,
                },
            )
            .ok()
            .map(Zeroizing::new)
    }
}

impl Place {
    fn associated_data(self, purpose: Purpose) -> Vec<u8> {
        let tag: &[u8] = match purpose {
            Purpose::Credential => b"app.chief.integrations/credential/1\0",
            Purpose::WrappedKey => b"app.chief.integrations/wrapped-key/1\0",
            Purpose::RecordKey => b"app.chief.integrations/record-key/1\0",
        };
        let mut bytes = tag.to_vec();
        bytes.extend_from_slice(self.integration.0.as_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes
    }
}

/// Seals `plain` by a new key and wraps that by `key`: (wrapped key, sealed bytes).
pub(super) fn seal(key: &Key, place: Place, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let own = Key::random()?;
    let sealed = own.seal(Purpose::Credential, place, plain)?;
    Ok((key.seal(Purpose::WrappedKey, place, own.bytes())?, sealed))
}

/// What [`seal`] was given; `None` where anything does not fit.
pub(super) fn open(
    key: &Key,
    place: Place,
    wrapped: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let own = Key::from_bytes(&key.open(Purpose::WrappedKey, place, wrapped)?)?;
    own.open(Purpose::Credential, place, sealed)
}

/// The wrapped key, wrapped anew by `to`; `None` where `from` does not open it.
pub(super) fn rewrap(
    from: &Key,
    to: &Key,
    place: Place,
    wrapped: &[u8],
) -> Option<Result<Vec<u8>, Error>> {
    let own = from.open(Purpose::WrappedKey, place, wrapped)?;
    Some(to.seal(Purpose::WrappedKey, place, &own))
}

fn no_randomness() -> Error {
    Error::new(ErrorCode::Internal).with("why", "the system gave no random bytes")
}

#[cfg(test)]
mod tests;
