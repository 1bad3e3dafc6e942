use crate::{AgentId, CronId, Icon, IntegrationId, TaskId, Time};
use serde::{Deserialize, Serialize};

/// One piece of an agent's work, or one run of a cron. Its title and thread are as the agent told them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    pub id: TaskId,
    /// Whose it is; `None` for a run of a cron.
    pub agent: Option<AgentId>,
    /// The cron that it is a run of.
    #[serde(default)]
    pub cron: Option<CronId>,
    /// As it was called when the task began; empty for a run of a cron.
    pub agent_name: String,
    /// `Refund 17`, or the cron's name; empty where the agent named nothing.
    pub title: String,
    /// The Slack thread, where one was named.
    pub url: Option<String>,
    pub begun_at: Time,
    /// The newest call.
    pub last_at: Time,
    /// What it called, in the order of their names.
    pub integrations: Vec<TouchedView>,
    /// Calls that are over, those that failed or were refused among them.
    pub calls: u32,
    pub failed: u32,
    /// Nothing was sent.
    pub refused: u32,
    /// Calls that run now, those that wait for an admin among them.
    pub running: u32,
    pub state: TaskState,
    /// What its rows in the record name as their task.
    #[serde(default)]
    pub in_record: String,
}

/// An integration that a task called; it may be gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchedView {
    pub id: IntegrationId,
    pub name: String,
    /// `None` where it is disconnected.
    pub icon: Option<Icon>,
}

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "state")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#state")
)]
pub enum TaskState {
    /// A call of it runs now.
    Running,
    /// The agent may go on with it.
    Open,
    /// Too long ago: the agent's next call begins another.
    Over,
    /// An admin stopped it: further calls of it are refused.
    Stopped {
        person: String,
        at: Time,
        /// Until then, where its agent is paired and may be let go on with it.
        until: Option<Time>,
    },
}
