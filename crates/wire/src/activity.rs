use crate::{AgentId, Because, CallId, Error, IntegrationId, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A tool was called in a task.
    Call,
    /// A token was asked for, renewed or revoked.
    Token,
    /// The tools were listed.
    Probe,
    /// Connected, reconnected, renamed, switched, disconnected; a forged callback was refused.
    Change,
    /// A ping: kept apart from the record, thirty days.
    Ping,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Begun, no outcome yet.
    Running,
    Ok,
    /// An admin approved it, and it went well.
    Approved,
    /// The far side or the transport failed.
    Failed,
    /// Refused here, before anything left.
    Refused,
    /// A policy or an admin said no, before anything left.
    Denied,
    /// The app died before the outcome was known.
    Unknown,
}

/// One row of activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowView {
    pub id: Uuid,
    pub at: Time,
    pub kind: RowKind,
    /// The integration, which may be gone: its name stays.
    pub integration: Option<IntegrationId>,
    pub integration_name: String,
    /// `orders.call`, `ping`, `token.refresh`, `connected`.
    pub action: String,
    pub outcome: Outcome,
    /// Milliseconds; `None` while running, or where nothing was sent.
    pub took_ms: Option<u32>,
    pub error: Option<Error>,
    /// What came back in a few words: `HTTP 200`.
    pub detail: String,
    pub because: Because,
}

/// A page of activity, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityPage {
    pub rows: Vec<RowView>,
    /// Ask for the next page with this; `None` at the end. Where words are looked for, a page may end early, also
    /// without any row: it looked at what is not older than this.
    pub next: Option<Cursor>,
    /// Where words are looked for: the newest row that has them, whether the rest of the filter fits or not.
    pub newest: Option<Cursor>,
    /// Where words are looked for: those of some rows are not read in yet, mostly of the newest.
    pub behind: bool,
    /// Where words are looked for: a beginning that more words have than are looked for at once; what has only the
    /// others is not found.
    pub cut: Option<String>,
}

/// A place between two rows: everything older than (`at`, `id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub at: Time,
    pub id: Uuid,
}

/// An integration that is disconnected, and has rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastIntegration {
    pub id: IntegrationId,
    /// The last one it had.
    pub name: String,
}

/// Which rows of activity, beside the integration. What is `None` does not matter; all of the rest must
/// hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActivityFilter {
    /// From this moment on.
    pub from: Option<Time>,
    /// Before this moment.
    pub until: Option<Time>,
    /// This one call.
    pub call: Option<CallId>,
    /// The whole action, as rows show it: `stripe.list_charges`.
    pub tool: Option<String>,
    pub outcome: Option<Outcome>,
    pub agent: Option<AgentId>,
    pub task: Option<String>,
    /// A thread by its address.
    pub thread: Option<String>,
    /// Words that a row has, each from its beginning: `refu char`. Finds calls, not pings.
    pub text: Option<String>,
}
