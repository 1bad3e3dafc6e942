use crate::{Error, GatewayView, Time};
use serde::{Deserialize, Serialize};

/// What the admin can set for the whole app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Shown as "connected by"; from the OS account's full name at first.
    pub person: String,
    pub theme: Theme,
    /// Crons that an outage paused go on by themselves once it is over. Never those that a refused
    /// credential paused.
    #[serde(default)]
    pub resume_after_outage: bool,
    /// So many tools an agent is listed at most, 1 to 1000; where it may use more, two tools stand for all:
    /// one that searches, and one that calls.
    #[serde(default = "tools_listed")]
    pub tools_listed: u32,
}

/// What holds until an admin sets another number.
fn tools_listed() -> u32 {
    Settings::TOOLS_LISTED
}

impl Settings {
    /// More are many to a model, which reads each tool's description and schema with every turn.
    pub const TOOLS_LISTED: u32 = 60;
    /// As many as can be set.
    pub const TOOLS_LISTED_MAX: u32 = 1_000;
}

/// Light, dark, or as the system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// How the app itself is: what the banner and the side bar's foot show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppView {
    pub version: String,
    pub keyring: KeyringView,
    /// The data folder, for Settings and for support.
    pub data_folder: String,
    /// The newest ping of any integration.
    pub checked_at: Option<Time>,
    /// The log folder.
    pub log_folder: String,
    pub now: Time,
    /// Nothing answers and nothing can: cards keep their last known status.
    #[serde(default)]
    pub offline: bool,
    /// The admin paused the scheduled checks until then.
    #[serde(default)]
    pub paused_until: Option<Time>,
    /// Where agents reach it.
    #[serde(default)]
    pub gateway: GatewayView,
    /// What is wrong with the data on disk.
    #[serde(default)]
    pub data: Option<DataTrouble>,
}

/// What is wrong with the data on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "trouble")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#trouble")
)]
pub enum DataTrouble {
    /// It is damaged: the next start goes back to the newest good backup, which should be this one.
    Damaged { backup: Option<Time> },
    /// It was damaged, and came back from the backup of then: agents and crons wait until an admin says that
    /// they go on ([`crate::GoOn`]). What was damaged lies in that folder.
    CameBack { taken: Time, damaged: String },
    /// No backup could be made since this one, or ever.
    NoBackup { since: Option<Time>, error: Error },
}

impl DataTrouble {
    /// When the backup was taken that it names, where it names one.
    #[must_use]
    pub fn at(&self) -> Option<Time> {
        match self {
            Self::Damaged { backup: at } | Self::NoBackup { since: at, .. } => *at,
            Self::CameBack { taken, .. } => Some(*taken),
        }
    }
}

/// Whether credentials can be opened and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyringView {
    /// Not asked yet (start-up), or no credential needed so far.
    Unasked,
    Ready,
    /// Credentials are kept in memory for this run only, as the admin chose.
    SessionOnly,
    Absent,
    Locked,
    Hanging,
    /// The keyring answers, but this app's key is gone while sealed credentials exist.
    Lost,
}

impl KeyringView {
    /// True where the keyring itself keeps no credential shut.
    #[must_use]
    pub fn opens(self) -> bool {
        match self {
            Self::Ready | Self::SessionOnly | Self::Lost => true,
            Self::Unasked | Self::Absent | Self::Locked | Self::Hanging => false,
        }
    }
}
