//! Who waits for the answer of a call.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How far a call is, as the server tells it. `message` is server text, inert.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub progress: f64,
    pub total: Option<f64>,
    pub message: Option<String>,
}

/// Whoever waits for an answer: may hang up, and may want to hear how far it is.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Cancelled where nobody waits any longer.
    pub hung_up: CancellationToken,
    hears: Option<mpsc::Sender<Progress>>,
}

impl Caller {
    /// One that hears of progress. What it does not take at once is left out: a slow listener holds up
    /// no call and fills no memory.
    #[must_use]
    pub fn hearing(hung_up: CancellationToken, hears: mpsc::Sender<Progress>) -> Self {
        Self {
            hung_up,
            hears: Some(hears),
        }
    }

    pub(crate) fn hears(&self) -> Option<&mpsc::Sender<Progress>> {
        self.hears.as_ref()
    }
}

impl From<CancellationToken> for Caller {
    fn from(hung_up: CancellationToken) -> Self {
        Self {
            hung_up,
            hears: None,
        }
    }
}
