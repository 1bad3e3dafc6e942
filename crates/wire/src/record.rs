//! Whether the record is whole: what is asked and answered.

use crate::{CallId, Error, ExportId, Time};
use serde::{Deserialize, Serialize};

/// What the record's chain proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordProof {
    pub state: RecordState,
    /// Rows that were checked: an intent and its outcome are two.
    pub rows: u64,
    /// Of those, rows that were written while the keyring gave no key: bound by the row after them.
    pub keyless: u64,
    /// When retention last removed old rows; `None` where it never did.
    pub removed_at: Option<Time>,
    /// The call at the row that `state` names: of it, or the nearest that is left where rows are missing.
    #[serde(default)]
    pub at: Option<CallAt>,
    pub checked_at: Time,
}

/// A call of the record, and its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAt {
    pub call: CallId,
    pub began: Time,
}

/// The four answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "state")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#state")
)]
pub enum RecordState {
    /// Every row is there, in its place, as it was written.
    Intact,
    /// Somebody changed it from outside; `seq`: the first row where it shows.
    Tampered { how: Tampering, seq: u64 },
    /// The data is an earlier state of itself, from a backup: what came after row `seq` is lost. What was
    /// written since is whole.
    Restored { seq: u64 },
    /// Nothing can be said.
    CannotCheck { why: CannotCheck },
}

/// What was done to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tampering {
    /// A row says something else than it did.
    Changed,
    /// A row stands in another's place.
    Moved,
    /// Rows are gone from the middle.
    Missing,
    BeginningMissing,
    EndMissing,
    AllMissing,
    /// The data is another installation's.
    OtherData,
    /// The anchor file beside the data is gone, or not the app's.
    AnchorMissing,
    /// The anchor file beside the data is one of before: it does not know how far the record went.
    AnchorOld,
    /// What holds the record is not as the app made it: lists may leave rows out.
    Tables,
}

/// What the admin can set of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordSettings {
    /// A call leaves only once its row is on the disk itself: it then survives a loss of power, and each
    /// call waits for the disk. Otherwise the last second may be lost with the power.
    pub strict: bool,
    /// Days that rows are kept, 7 to 3650; `None`: for ever.
    pub keep_days: Option<u32>,
    /// A file, by its whole path, that gets each finished row as a line of JSON, for a collector.
    pub tail_file: Option<String>,
}

/// The same, with how it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSettingsView {
    pub settings: RecordSettings,
    /// Why the file for a collector does not get its lines; `None` where it does, or there is none.
    pub tail_trouble: Option<TailTrouble>,
    /// Why rows are kept for longer than that, as found when rows were removed last.
    pub overdue: Option<Overdue>,
}

/// Why rows are there still that the settings would have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overdue {
    /// The settings are not those that an admin saved in the app.
    Disagreed,
    /// The keyring gave no key to sign a removal with.
    NoKey,
    /// What stands before them is younger, or was changed from outside.
    Held,
}

/// The file for a collector cannot be written. What is due is kept, and written once it can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailTrouble {
    pub error: Error,
    pub since: Time,
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CannotCheck {
    /// The keyring is locked, absent or does not answer.
    Keyring,
    /// Nothing was kept in the keyring yet, so there is no key.
    NoKey,
    /// The keyring has lost the key that the record was written with.
    KeyLost,
}

/// How a row stands in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chained {
    /// Its place.
    pub seq: u64,
    /// The number of its key; `None`: it was written while the keyring gave none.
    pub key: Option<u64>,
    /// What binds it to the row before, in hex.
    pub mac: String,
}

/// Everything that is known of one row, beside what its line shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDetail {
    pub id: CallId,
    /// How its intent stands in the chain.
    pub intent: Chained,
    /// How its outcome does; `None` where it has none yet.
    pub outcome: Option<Chained>,
    pub ended_at: Option<Time>,
    pub agent: Option<String>,
    pub task: Option<String>,
    /// As told by the agent.
    pub thread: Option<String>,
    /// The run of a cron that made it.
    pub cron_run: Option<String>,
    pub sent: Option<PayloadView>,
    pub got: Option<PayloadView>,
    /// What was said, where that is kept.
    #[serde(default)]
    pub bodies: Option<BodiesView>,
}

/// What a call said, secrets hidden. It is no part of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodiesView {
    /// JSON, long texts cut.
    pub sent: Option<String>,
    pub got: Option<String>,
    /// When it goes.
    pub until: Time,
}

/// What arguments or a result were like, without what they said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadView {
    /// As JSON.
    pub bytes: u64,
    /// `{text: string, numbers: [number × 3]}`
    pub shape: String,
    /// HMAC-SHA256 of the SHA-256 of the JSON, in hex: the same content has the same hash.
    pub hash: Option<String>,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportForm {
    /// For spreadsheets: no cell is a formula.
    Csv,
    /// A line of JSON for each row, as `ListActivity` gives it.
    Jsonl,
}

/// How far an export is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportView {
    pub id: ExportId,
    /// Rows written so far.
    pub rows: u64,
    /// Where it is once it is done.
    pub file: String,
    pub state: ExportState,
}

/// Where an export stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "state")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#state")
)]
pub enum ExportState {
    Running,
    Done,
    /// Nothing of it is left.
    Cancelled,
    Failed {
        error: Error,
    },
}
