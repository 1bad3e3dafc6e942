//! The steps of a refresh, so that a test can kill the process at each of them.
//!
//! Owns: where a process that is told to stop stops. Must not know: what a refresh does. In the app
//! nothing of this is compiled: only with the feature `fakes` is anybody told.

/// A step that has just been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The row that says that a token is asked for is on disk; nothing has been sent.
    Intended,
    /// The new pair is in memory.
    Answered,
    /// The new pair is in the open transaction.
    Sealed,
    /// The new pair is on disk; the anchor does not know it yet.
    Committed,
    /// The anchor knows it.
    Anchored,
}

impl Step {
    /// In their order.
    pub const ALL: [Self; 5] = [
        Self::Intended,
        Self::Answered,
        Self::Sealed,
        Self::Committed,
        Self::Anchored,
    ];

    /// Its name in [`STOP_AT`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Answered => "answered",
            Self::Sealed => "sealed",
            Self::Committed => "committed",
            Self::Anchored => "anchored",
        }
    }
}

/// The variable of the environment that names the step to stop at.
pub const STOP_AT: &str = "CHIEF_TEST_STOP_AT";

/// Stands still for good at the step that [`STOP_AT`] names, after one line on standard output.
#[cfg(feature = "fakes")]
pub(crate) fn reached(step: Step) {
    if std::env::var(STOP_AT).is_ok_and(|name| name == step.name()) {
        println!("stopped at {}", step.name());
        loop {
            std::thread::park();
        }
    }
}

#[cfg(not(feature = "fakes"))]
pub(crate) fn reached(_: Step) {}
