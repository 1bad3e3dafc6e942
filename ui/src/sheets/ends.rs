//! When a key that is being typed ends.

use super::form::Typed;
use crate::time::start_of;
use wire::{ApiAuth, McpAuth, Target};

/// When the key ends, as typed: only a key that is typed has such an end.
pub(super) fn typed_end(typed: &Typed, target: &Target) -> Option<wire::Time> {
    start_of(&typed.ends_on).filter(|_| has_key(target))
}

fn has_key(target: &Target) -> bool {
    match target {
        Target::Mcp { auth, .. } => !matches!(auth, McpAuth::Discover),
        Target::Api { auth, .. } | Target::OpenApi { auth, .. } => {
            !matches!(auth, ApiAuth::SignIn { .. } | ApiAuth::None)
        }
        Target::Provider { key, .. } => !key.is_empty(),
        Target::Sample => false,
    }
}
