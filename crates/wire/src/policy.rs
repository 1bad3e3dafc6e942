use crate::{AgentId, ApprovalId, CallId, IntegrationId, Risk, TaskId, Time};
use serde::{Deserialize, Serialize};

/// What happens when an agent calls a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// It is made.
    Allow,
    /// An admin is asked, each time.
    Ask,
    /// It is refused, and the tool is not listed.
    Deny,
}

impl Choice {
    /// From the loosest to the strictest.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Ask, Self::Deny];

    /// As it stands on the wire and in `words` (`choice-{as_str}`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// What holds for one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// What holds where nobody chose: by the tool's risk.
    pub default: Choice,
    /// What an admin chose for every agent.
    pub chosen: Option<Choice>,
    /// What an admin chose for one agent. It goes before the choice for all, but loosens no denial.
    pub agents: Vec<AgentChoice>,
}

/// A choice for one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentChoice {
    pub agent: AgentId,
    pub choice: Choice,
}

/// A tool that is held back: it is new or says something else than what was accepted. Not listed to
/// agents, and refused by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldView {
    /// SHA-256, hex, of what the server tells now: accepting names it.
    pub hash: String,
    /// The server had no tool of this name; else it tells something else of it than before.
    pub is_new: bool,
    /// What it tells, member by member: all of them of a new tool, else those that changed. The
    /// server's text as it came, to be revealed where it is shown.
    pub parts: Vec<Part>,
}

/// One member of what a tool tells of itself, word by word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// As MCP calls it: `description`, `inputSchema`.
    pub member: String,
    pub words: Vec<Words>,
}

/// A run of words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    pub how: How,
    pub text: String,
}

/// Where a run of words stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Same,
    Added,
    Removed,
}

/// A held tool as the admin saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenTool {
    pub name: String,
    /// `HeldView.hash`.
    pub hash: String,
}

/// A call that waits for an admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    pub id: ApprovalId,
    /// Its row in the record.
    pub call: CallId,
    /// The task that it is part of.
    pub task: Option<TaskId>,
    pub integration: IntegrationId,
    pub integration_name: String,
    /// The tool's own name.
    pub tool: String,
    /// `stripe.refund`.
    pub action: String,
    pub risk: Risk,
    /// Who asks, and what for, as told by the agent.
    pub agent: String,
    pub title: String,
    /// The Slack thread, where one was named.
    pub url: Option<String>,
    /// The arguments, pretty-printed; what looks like a secret in them is hidden.
    pub arguments: String,
    /// How much that is: the agent may have made it look like a secret.
    pub hidden: Hidden,
    /// SHA-256, hex, of what would run: the arguments, all of them, and the tool. Approving names it.
    pub hash: String,
    pub asked_at: Time,
    /// Denied then.
    pub until: Time,
}

/// How much of a text is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// Places.
    pub parts: u32,
    /// Characters of all of them.
    pub characters: u32,
}

/// What an admin says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// `hash`: that of the view that was seen.
    Approve {
        hash: String,
    },
    Deny,
}
