use crate::{Error, IntegrationId, NoticeKind};
use serde::{Deserialize, Serialize};

/// How admins are told in Slack: one direct message each for each episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackChannel {
    /// The connected Slack whose bot writes; `None`: nobody is told there.
    pub integration: Option<IntegrationId>,
    /// E-mail addresses of their Slack accounts, at most [`SlackChannel::ADMINS`].
    pub admins: Vec<String>,
    /// What is worth a message.
    pub kinds: Vec<NoticeKind>,
    /// No message begins within these hours. One that was sent is still changed.
    pub quiet: Option<QuietHours>,
}

impl SlackChannel {
    /// Most people that are told.
    pub const ADMINS: usize = 20;
}

impl Default for SlackChannel {
    fn default() -> Self {
        Self {
            integration: None,
            admins: Vec::new(),
            kinds: vec![NoticeKind::Expiring, NoticeKind::Failing],
            quiet: None,
        }
    }
}

/// Hours of each day on this computer's wall clock, in minutes since midnight (0 to 1439). They may
/// go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    pub from: u16,
    pub until: u16,
}

/// Where notices go besides this computer, and what may be chosen there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelsView {
    pub slack: SlackChannel,
    /// The connected Slacks, by name.
    pub slacks: Vec<SlackChoice>,
}

/// One connected Slack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackChoice {
    pub integration: IntegrationId,
    pub name: String,
}

/// What became of the test message to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackTested {
    /// The address, as it was set.
    pub admin: String,
    /// Why it did not arrive; `None`: it did.
    pub error: Option<Error>,
}
