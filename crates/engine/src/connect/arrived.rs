//! What comes by a deep link, and whose answer it is: untrusted, whoever sent it.
//!
//! Must not know: how a link reaches the app, or what an answer is good for.

use super::waiting::{self, TakenUp};
use crate::{Engine, links};
use wire::Error;

/// What became of a deep link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// It was what a sign-in waits for, of this run or of an earlier one.
    Taken,
    /// It looks like a sign-in's answer, but none waits for it: it came late or twice, is forged, or
    /// cannot be known as long as the keyring is shut.
    Late,
    /// Nothing that is known.
    Refused,
}

impl Engine {
    /// A deep link that is not the raise link: untrusted text from any program on this computer. The
    /// answer to the one sign-in that waits for it is handed on, once; anything else changes nothing,
    /// and one row says that it came.
    ///
    /// # Errors
    /// Where the row cannot be written.
    pub async fn deep_link(&self, link: &str) -> Result<Arrived, Error> {
        // The text itself is not kept: it may hold a code, and whoever sent it chose it.
        let Some(query) = links::callback_query(link) else {
            self.note_refused("an unknown link to the app was refused")
                .await?;
            return Ok(Arrived::Refused);
        };
        if self.attempts().link_came(query) {
            return Ok(Arrived::Taken);
        }
        let why = match waiting::take_up(self, query).await? {
            TakenUp::Yes => return Ok(Arrived::Taken),
            TakenUp::Nobodys => "a sign-in answer by link that nothing waits for was refused",
            TakenUp::Late => "a sign-in answer by link came after its ten minutes and was refused",
            TakenUp::Shut => "a sign-in answer by link came while what waits for it was shut away",
        };
        self.note_refused(why).await?;
        Ok(Arrived::Late)
    }
}
