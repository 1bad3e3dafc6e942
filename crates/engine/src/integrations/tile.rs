//! The tile of an integration: its provider's, else a letter on a colour.

use crate::{Engine, providers, store::integrations::IntegrationRow};
use wire::Icon;

/// The provider's tile; a letter where it came of none, or of one whose manifest is gone.
pub(crate) fn tile(engine: &Engine, row: &IntegrationRow) -> Icon {
    let provider = row.provider.as_deref();
    provider
        .and_then(|id| engine.catalogue().get(id))
        .map_or_else(|| icon(&row.name), |found| providers::icon(&found.manifest))
}

pub(crate) fn icon(name: &str) -> Icon {
    let monogram = name
        .chars()
        .find(|c| c.is_alphanumeric())
        .unwrap_or('•')
        .to_uppercase()
        .collect();
    // The name decides the colour, so that the same thing looks the same on every computer.
    let sum = name.bytes().fold(0u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    Icon {
        monogram,
        colour: u8::try_from(sum % 12).unwrap_or(0),
        brand: None,
    }
}
