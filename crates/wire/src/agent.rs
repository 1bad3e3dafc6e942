use crate::{AgentId, IntegrationId, Time};
use serde::{Deserialize, Serialize};

/// A program that calls through the gateway, with its own token and what it may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    pub id: AgentId,
    /// As the admin called it: `Claude Code`.
    pub name: String,
    /// What it may use; `None`: every integration, also those connected later.
    pub integrations: Option<Vec<IntegrationId>>,
    /// It may only use tools whose server says that they read.
    pub read_only: bool,
    pub paired_at: Time,
    /// From then on its token is refused; `None`: never.
    pub expires_at: Option<Time>,
    pub last_used_at: Option<Time>,
    /// Calls it asked for, those that were refused among them.
    pub calls: u32,
}

/// A week, in milliseconds.
const SOON_MS: i64 = 7 * 24 * 3_600_000;

impl AgentView {
    /// True a week before its token's end, and from then on.
    #[must_use]
    pub fn ends_soon(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|end| end.plus(-SOON_MS) <= now)
    }
}

/// Of one integration, these tools only: one that comes later is not among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenTools {
    pub integration: IntegrationId,
    /// By their server's names; one at least.
    pub tools: Vec<String>,
}

/// The tools that were chosen for one agent of one integration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTools {
    pub agent: AgentId,
    pub chosen: ChosenTools,
    /// How many of these the integration has now.
    pub there: u32,
    /// How many tools it has now.
    pub of: u32,
}

/// Where agents reach the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "gateway")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#gateway")
)]
pub enum GatewayView {
    /// Not listening yet, or ended.
    #[default]
    Closed,
    /// Open at this address, such as `http://127.0.0.1:7317/mcp`.
    Open { url: String },
    /// Another program has the port. It is tried again, and never another one: whoever took it could
    /// collect tokens there.
    PortTaken { port: u16 },
}

/// The agents and the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentsView {
    pub gateway: GatewayView,
    /// Newest first.
    pub agents: Vec<AgentView>,
    /// Where an agent may use some tools of an integration only; of any other it may use all.
    #[serde(default)]
    pub chosen: Vec<AgentTools>,
}

/// A new agent, or one with a new token, and what its client needs. The only reply that holds a secret: the token is shown
/// once and kept nowhere. Without `Debug` for that reason.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    pub agent: AgentView,
    pub token: String,
    /// The gateway's address.
    pub url: String,
    /// The same, ready to paste, for each client that is known.
    pub snippets: Vec<Snippet>,
}

/// What to put where for one client. Holds the token: without `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// `Claude Code`, `Cursor`, `VS Code`, `Codex`.
    pub client: String,
    /// The file it belongs in, or how it is run.
    pub place: String,
    pub text: String,
}
