//! How often an integration is checked while it is well, as the admin wants it.
//!
//! Owns: the setting. Must not know: when a check is due (`monitor::schedule`).

use super::{change, status::State, to_json};
use crate::{Engine, store};
use wire::{Error, ErrorCode, IntegrationId};

/// Minutes between two checks, at most: a day.
pub(super) const PACE_MAX: u32 = 1_440;

/// Sets how often it is checked while it is well.
pub(crate) async fn set_pace(
    engine: &Engine,
    id: IntegrationId,
    minutes: Option<u32>,
) -> Result<(), Error> {
    if minutes.is_some_and(|minutes| !(1..=PACE_MAX).contains(&minutes)) {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "check every")
            .with("why", "it is between a minute and a day"));
    }
    let what = minutes.map_or_else(
        || "checked as often as usual".to_owned(),
        |minutes| format!("checked every {minutes} min"),
    );
    change(engine, id, move |tx, found| {
        let state = State {
            pace: minutes,
            ..found.state.clone()
        };
        store::integrations::set_state(tx, id, &to_json(&state)?)?;
        Ok((what, ()))
    })
    .await?;
    engine.network().wake();
    Ok(())
}
