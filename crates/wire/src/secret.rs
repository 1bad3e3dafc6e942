use serde::Deserialize;
use zeroize::Zeroizing;

/// A secret on its way in: typed by the admin, read once by the engine.
///
/// It has no `Debug` and no `Display`, is wiped when dropped, and serialises only in the browser
/// (wasm), where the admin typed it: the engine cannot send one back.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[cfg_attr(target_arch = "wasm32", derive(serde::Serialize))]
#[serde(transparent)]
pub struct SecretInput(Zeroizing<String>);

impl SecretInput {
    /// Wraps what was typed. Surrounding white space, which pasting often brings, is removed.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The secret itself, for the one place that seals or sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True where nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
