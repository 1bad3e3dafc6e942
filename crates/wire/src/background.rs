use serde::{Deserialize, Serialize};

/// How the app goes on without its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackgroundView {
    /// Whether it starts when this person signs in to the computer; `None` where the system does not
    /// say.
    pub at_login: Option<bool>,
}
