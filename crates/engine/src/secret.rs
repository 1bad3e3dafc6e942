//! The one type a secret has inside the engine.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A secret in memory: wiped when dropped, without `Debug`, `Display` or `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller's copy, if any, is the caller's to wipe.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// A token of our own making: `prefix` and 256 random bits.
    #[must_use]
    pub fn fresh(prefix: &str) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        rand::rng().fill(&mut bytes[..]);
        Self::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(&bytes[..])))
    }

    /// The secret itself, for sealing it or for putting it on a request.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&wire::SecretInput> for Secret {
    fn from(input: &wire::SecretInput) -> Self {
        Self::new(input.reveal())
    }
}

/// SHA-256 of a token of our own making, which is all that is kept of it: with 256 random bits, nobody
/// finds the token from it, and what comparing or looking it up tells by its timing is of no use.
#[must_use]
pub fn fingerprint(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
