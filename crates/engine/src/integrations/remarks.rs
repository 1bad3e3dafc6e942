//! What an admin should know of an integration beyond how it is: what its vendor ends, and what a
//! check cannot prove.
//!
//! Owns: which of a manifest's sunsets concern an integration. Must not know: when that is worth a
//! warning (`status`).

use super::Integration;
use crate::{
    connectors::{Config, mcp::Guard},
    providers::{
        Catalogue,
        manifest::{Concerns, Sunset},
        view::sunset_in_words,
    },
    store,
};
use rusqlite::Connection;
use wire::{Error, Time};

/// The first day on which the vendor ends this kind of access; `None` where nothing is announced.
pub(crate) fn sunset(catalogue: &Catalogue, of: &Integration) -> Option<Time> {
    concerning(catalogue, of)
        .iter()
        .filter_map(Sunset::day)
        .min()
}

/// Minutes between checks of what is well.
const PACE_MIN: u32 = 15;

/// How often it is checked where the admin has not said, in minutes: as its provider's manifest says.
pub(crate) fn usual_pace(catalogue: &Catalogue, of: &Integration) -> u32 {
    let provider = of.row.provider.as_deref().and_then(|id| catalogue.get(id));
    provider
        .and_then(|provider| provider.manifest.check_minutes)
        .map_or(PACE_MIN, |minutes| minutes.clamp(1, super::pace::PACE_MAX))
}

/// One sentence each.
pub(crate) fn of(
    conn: &Connection,
    catalogue: &Catalogue,
    of: &Integration,
) -> Result<Vec<String>, Error> {
    let proves = match &of.config {
        Config::Mcp { guard, .. } => match guard {
            Guard::Ping => None,
            Guard::Calls => Some("guard-calls"),
            Guard::Nothing => Some("guard-nothing"),
        },
        Config::Sample | Config::Api { .. } => None,
    };
    let holds_key = match &of.config {
        Config::Mcp { url, .. } if super::address::keys(url).next().is_some() => {
            Some("key-in-address")
        }
        Config::Mcp { .. } | Config::Sample | Config::Api { .. } => None,
    };
    let is_of_before = store::documents::names_as_before(conn, of.row.id)?;
    let import_anew = is_of_before.then_some("openapi-import-anew");
    Ok(concerning(catalogue, of)
        .iter()
        .map(sunset_in_words)
        .chain(
            [proves, holds_key, import_anew]
                .into_iter()
                .flatten()
                .map(words::text),
        )
        .collect())
}

fn concerning(catalogue: &Catalogue, of: &Integration) -> Vec<Sunset> {
    let provider = of.row.provider.as_deref().and_then(|id| catalogue.get(id));
    let Some(provider) = provider else {
        return Vec::new();
    };
    let concerns = |sunset: &&Sunset| match sunset.concerns {
        Concerns::Everything => true,
        Concerns::Keys => of.takes_key(),
        Concerns::SignIns => !of.takes_key(),
    };
    let all = provider.manifest.sunsets.iter();
    all.filter(concerns).cloned().collect()
}
