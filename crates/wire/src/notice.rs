use crate::{Error, Fix, Icon, IntegrationId, NoticeId, Reason, Time};
use serde::{Deserialize, Serialize};

/// What an episode is about: the status that it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A credential, or an agent's token, ends soon and cannot renew itself.
    Expiring,
    /// An integration does not work.
    Failing,
}

/// One row of the inbox: one episode of one integration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeView {
    pub id: NoticeId,
    pub integration: IntegrationId,
    /// The integration's name; its last one where it is disconnected.
    pub name: String,
    /// Its tile; `None` where it is disconnected.
    pub icon: Option<Icon>,
    pub kind: NoticeKind,
    /// What it tells now.
    pub reason: Reason,
    /// The one button that may mend it; `None` where nothing is left to mend.
    pub fix: Option<Fix>,
    pub opened_at: Time,
    /// It works again since then, though the episode is not over.
    pub well_since: Option<Time>,
    /// Repaired, an hour of health, switched off, or disconnected.
    pub resolved_at: Option<Time>,
    pub seen_at: Option<Time>,
    /// Told again then, where it is still open.
    pub snoozed_until: Option<Time>,
    /// The crons that this failure has paused, and nobody has resumed.
    #[serde(default)]
    pub crons: Vec<String>,
    /// Why a cron could not start: then the notice is of that cron, whose name stands in the
    /// integration's place.
    #[serde(default)]
    pub stuck: Option<Error>,
    /// It is of an agent whose token ends, by the agent's id and name in the integration's place, and open.
    #[serde(default)]
    pub of_agent: bool,
    /// How the system's own notification of it stands.
    pub popup: Delivery,
    /// How its message in Slack stands; `None` where nobody is told there.
    #[serde(default)]
    pub slack: Option<Delivery>,
}

impl NoticeView {
    /// True where the admin is still to look at it: open, not seen, not put off.
    #[must_use]
    pub fn is_new(&self, now: Time) -> bool {
        self.resolved_at.is_none()
            && self.well_since.is_none()
            && self.seen_at.is_none()
            && self.snoozed_until.is_none_or(|until| until <= now)
    }
}

/// How a notice stands in one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "delivery")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#delivery")
)]
pub enum Delivery {
    /// On its way, or not needed any more before it was.
    Waiting,
    /// The admin was told.
    Told { at: Time },
    /// It could not be told; tried again at `again_at`, and as soon as somebody answers.
    Failing { why: String, again_at: Time },
}

/// Where a pressed notification leads, once: the window takes it and goes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "errand")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#errand")
)]
pub enum Errand {
    /// The inbox: more than one integration is concerned.
    Notices,
    /// A call that waits for an admin.
    Review { approval: crate::ApprovalId },
    /// The window is to be closed where nothing could bring it back: ask.
    Quit,
    /// A sign-in that goes on, or says why it cannot.
    Attempt { attempt: crate::AttemptId },
    /// The crons: one of them could not start.
    Crons,
    /// The agents: one of them needs a new token.
    Agents,
    /// One integration's page.
    Open { integration: IntegrationId },
    /// One integration, and what mends it.
    Mend {
        integration: IntegrationId,
        fix: Fix,
    },
}
