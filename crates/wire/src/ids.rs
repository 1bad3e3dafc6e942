use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// One connected thing: what a card shows. Never reused.
    IntegrationId,
    /// One try to connect or reconnect, from the form to success or failure. Lives in memory only.
    AttemptId,
    /// One row of the record.
    CallId,
    /// One ping.
    PingId,
    /// One paired agent.
    AgentId,
    /// One notice: one episode of one integration.
    NoticeId,
    /// A call that waits for an admin. Lives in memory only.
    ApprovalId,
    /// One piece of an agent's work.
    TaskId,
    /// An OpenAPI document that was looked at. Lives in memory only.
    DocumentId,
    /// One cron. Never reused.
    CronId,
    /// One run of a cron.
    CronRunId,
    /// One export of activity. Lives in memory only.
    ExportId,
}
