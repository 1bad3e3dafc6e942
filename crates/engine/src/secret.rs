//! The one type a secret has inside the engine.

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
