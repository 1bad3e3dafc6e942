use serde::{Deserialize, Serialize};

/// What an episode is about: the status that it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A credential ends soon and cannot renew itself.
    Expiring,
    /// An integration does not work.
    Failing,
}
