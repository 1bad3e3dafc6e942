use crate::{Because, Error, IntegrationId, Time};
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
    /// The far side or the transport failed.
    Failed,
    /// Refused here, before anything left.
    Refused,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityPage {
    pub rows: Vec<RowView>,
    /// Ask for the next page with this; `None` at the end.
    pub next: Option<Cursor>,
}

/// A place between two rows: everything older than (`at`, `id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub at: Time,
    pub id: Uuid,
}
