//! For how long the admin wants rows kept, as the anchor was told: who writes the settings' table alone has
//! nothing removed.

use super::super::Vault;
use wire::Error;

/// What stands for "for ever" in the anchor.
pub(in super::super) const FOR_EVER: u32 = 0;

impl Vault {
    /// Days that rows are kept, the inner `None`: for ever. `None` where the anchor was told nothing, or none is
    /// known yet.
    pub(crate) fn keeping(&self) -> Option<Option<u32>> {
        let state = self.lock();
        let days = state.anchor.as_ref()?.keep_days?;
        Some((days != FOR_EVER).then_some(days))
    }

    /// Tells it. False where no anchor is known yet.
    ///
    /// # Errors
    /// `StoreUnwritable` where the anchor cannot be written: the next writing of it tells it.
    pub(crate) async fn tell_keeping(&self, days: Option<u32>) -> Result<bool, Error> {
        {
            let mut state = self.lock();
            let Some(anchor) = &mut state.anchor else {
                return Ok(false);
            };
            let days = Some(days.unwrap_or(FOR_EVER));
            if anchor.keep_days == days {
                return Ok(true);
            }
            anchor.keep_days = days;
            state.anchor_is_behind = true;
        }
        self.write_anchor().await?;
        Ok(true)
    }
}
