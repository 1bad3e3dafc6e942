use crate::{AgentId, CronId, CronRunId, IntegrationId, Time};
use serde::{Deserialize, Serialize};

/// The three kinds of thing that can be connected so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The small MCP server inside the app.
    Sample,
    /// An MCP server by URL.
    Mcp,
    /// A custom HTTP API.
    Api,
}

/// Exactly three. What the icon, the word and the colour of a card say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Healthy,
    Expiring,
    Failing,
}

/// Why a status is what it is. Its sentence is in `words` under `reason-{as_str}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "reason")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#reason")
)]
pub enum Reason {
    /// The last ping or call went well.
    Ok,
    /// The provider asked us to slow down; nothing is broken.
    RateLimited { until: Time },
    /// The credential ends and cannot renew itself.
    EndsOn { at: Time },
    /// The vendor ends this kind of access.
    VendorEnds { at: Time },
    /// Revoked, expired, or `invalid_grant`.
    Rejected { since: Time },
    /// The credential is known but may not do what the ping needs.
    NeedsAccess { since: Time },
    /// No answer for long enough while other origins answer.
    Unreachable { since: Time },
    /// The server now names another authorization server.
    IssuerChanged,
    /// The stored credential is older than the one last used.
    RestoredFromBackup,
    /// The keyring no longer holds the key that opens it.
    KeyringLost,
    /// It was kept for one run of the app only, which has ended.
    RunEnded,
}

impl Reason {
    /// One status for each reason, on every surface (the table of reasons in ARCHITECTURE.md).
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Ok | Self::RateLimited { .. } => Status::Healthy,
            Self::EndsOn { .. } | Self::VendorEnds { .. } => Status::Expiring,
            Self::Rejected { .. }
            | Self::NeedsAccess { .. }
            | Self::Unreachable { .. }
            | Self::IssuerChanged
            | Self::RestoredFromBackup
            | Self::KeyringLost
            | Self::RunEnded => Status::Failing,
        }
    }

    /// The one button that may mend it. `pasted_key`: the credential is a key that can be pasted.
    #[must_use]
    pub fn fix(&self, pasted_key: bool) -> Option<Fix> {
        match self {
            Self::Ok | Self::RateLimited { .. } => None,
            Self::Unreachable { .. } => Some(Fix::Test),
            Self::EndsOn { .. }
            | Self::VendorEnds { .. }
            | Self::Rejected { .. }
            | Self::NeedsAccess { .. }
            | Self::IssuerChanged
            | Self::RestoredFromBackup
            | Self::KeyringLost
            | Self::RunEnded => Some(if pasted_key {
                Fix::PasteKey
            } else {
                Fix::Reconnect
            }),
        }
    }

    /// The key of its sentence in `words`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::RateLimited { .. } => "rate-limited",
            Self::EndsOn { .. } => "ends-on",
            Self::VendorEnds { .. } => "vendor-ends",
            Self::Rejected { .. } => "rejected",
            Self::NeedsAccess { .. } => "needs-access",
            Self::Unreachable { .. } => "unreachable",
            Self::IssuerChanged => "issuer-changed",
            Self::RestoredFromBackup => "restored-from-backup",
            Self::KeyringLost => "keyring-lost",
            Self::RunEnded => "run-ended",
        }
    }
}

/// The one thing to do about it; also the label of its button (`fix-{as_str}` in `words`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    Reconnect,
    PasteKey,
    Test,
    Unlock,
    SwitchOn,
}

/// How an integration is, as every surface shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthView {
    pub status: Status,
    pub reason: Reason,
    pub fix: Option<Fix>,
    /// Since when the reason stands.
    pub since: Time,
    /// The newest ping or call that told anything; `None` before the first.
    pub checked_at: Option<Time>,
}

/// The tile of a card: the provider's own, else a letter on a colour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icon {
    /// One or two characters.
    pub monogram: String,
    /// 0..=11: one of the palette's twelve tile colours (`tile-{n}` in the style sheet).
    pub colour: u8,
    /// Of a provider of the catalogue.
    #[serde(default)]
    pub brand: Option<Brand>,
}

/// How a provider looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand {
    /// The name of a picture that the window may have; without it the monogram stands.
    pub picture: Option<String>,
    /// `#rrggbb`, lower case.
    pub ground: String,
}

/// The newest call made in a task, and what caused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUsed {
    pub at: Time,
    pub because: Because,
}

/// Why a row of activity happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "because")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#because")
)]
pub enum Because {
    /// An admin pressed a button in the window.
    Admin { name: String },
    /// The scheduled check of connections.
    Health,
    /// The integration was being connected or reconnected.
    Connecting,
    /// Something from outside that nobody here asked for: a link, a forged answer.
    Outside,
    /// An admin had to be told.
    Notice,
    /// A task: an agent's work, in a thread or not. All of it but the agent is as the agent told it.
    Task {
        /// As it is shown: `Chief · Refund 17`.
        title: String,
        /// The Slack thread.
        url: Option<String>,
        /// Who did it; `None` in rows of before agents were kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<ByAgent>,
        /// The task's id, so that its calls are found together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
    },
    /// A run of a cron of the app's own.
    Cron {
        id: CronId,
        name: String,
        run: CronRunId,
    },
}

/// An agent, as it was called then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByAgent {
    pub id: AgentId,
    pub name: String,
}

impl Because {
    /// A task of nobody in particular.
    #[must_use]
    pub fn task(title: &str, url: Option<&str>) -> Self {
        Self::Task {
            title: title.to_owned(),
            url: url.map(str::to_owned),
            agent: None,
            task: None,
        }
    }
}

/// One permission of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeView {
    /// The scope as the provider writes it, such as `tools:read`.
    pub name: String,
    /// In plain words, where the catalogue knows them.
    pub plain: Option<String>,
    /// False: asked for, but not granted.
    pub granted: bool,
    /// Where it is not granted: the tools that do not work for it, as far as the catalogue or a refusal
    /// tells.
    #[serde(default)]
    pub tools: Vec<String>,
}

/// How a day went, oldest first on the card's strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Not connected yet, or no ping that day.
    Unknown,
    Healthy,
    /// Some pings failed, or the token was about to end.
    Troubled,
    Failing,
}

/// One card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardView {
    pub id: IntegrationId,
    /// Unique, lower case, `[a-z0-9-]`, no `__`: the prefix of its tools (`stripe.list_charges`).
    pub slug: String,
    pub name: String,
    pub kind: Kind,
    pub icon: Icon,
    /// The account at the other side, where it tells.
    pub account: Option<String>,
    /// What it talks to, without scheme: `api.example.com/v1`.
    pub address: String,
    pub health: HealthView,
    /// There is no network that leads to it: its health is what was last known.
    #[serde(default)]
    pub stale: bool,
    /// False: switched off by the admin.
    pub enabled: bool,
    /// The admin's full name.
    pub connected_by: String,
    pub connected_at: Time,
    pub last_used: Option<LastUsed>,
    /// How the credential is given: decides between Reconnect and Paste a fresh key.
    pub auth: AuthView,
    /// Number of tools found by the last probe.
    pub tools: u32,
    /// How many of them are held back until an admin accepts them.
    #[serde(default)]
    pub held: u32,
    /// Names of the first tools, at most three, for the card's "Can" line.
    pub can: Vec<String>,
    pub scopes: Vec<ScopeView>,
    /// The last thirty days, oldest first.
    pub days: Vec<Day>,
    /// The crons that depend on it, by name.
    #[serde(default)]
    pub crons: Vec<crate::CronBrief>,
}

/// How a credential is given, without the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "auth")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#auth")
)]
pub enum AuthView {
    None,
    Bearer,
    Header {
        name: String,
    },
    Query {
        name: String,
    },
    /// `user` is empty where the user name is the key.
    Basic {
        user: String,
    },
    /// Sign-in. `renews`: there is a refresh token. `ends_at`: of the access token (without renewal, the connection).
    OAuth {
        issuer: String,
        renews: bool,
        ends_at: Option<Time>,
    },
}

impl AuthView {
    /// True where the admin can paste a fresh key.
    #[must_use]
    pub fn is_key(&self) -> bool {
        match self {
            Self::Bearer | Self::Header { .. } | Self::Query { .. } | Self::Basic { .. } => true,
            Self::None | Self::OAuth { .. } => false,
        }
    }
}

/// One integration's own page, without its tools and activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationView {
    pub card: CardView,
    /// The full URL that is called, but for what looks like a key in it.
    pub url: String,
    /// The path of the ping, for a custom API.
    pub health_path: Option<String>,
    /// MCP protocol revision in use, such as `2025-11-25`.
    pub protocol: Option<String>,
    /// What the server calls itself, and its version: server text, inert.
    pub server: Option<String>,
    /// When the tools were last listed.
    pub probed_at: Option<Time>,
    /// Whether Disconnect can revoke at the provider.
    pub revocable: bool,
    /// The OpenAPI document that its tools are from.
    pub document: Option<crate::ImportedView>,
    /// When the credential ends for good, where that is known.
    #[serde(default)]
    pub ends_at: Option<Time>,
    /// How often it is checked, in minutes, where the admin chose that.
    #[serde(default)]
    pub pace: Option<u32>,
    /// The same where nobody chose.
    #[serde(default)]
    pub usual_pace: u32,
    /// What an admin should know of it, one sentence each: what its vendor ends, and what a check
    /// cannot prove.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// For how many days what its calls say is kept; `None`: it is not.
    #[serde(default)]
    pub body_days: Option<u32>,
}

/// One tool, as the probe found it. All text is the server's: inert, capped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolView {
    pub name: String,
    pub title: Option<String>,
    pub description: String,
    /// JSON Schema of the arguments, pretty-printed.
    pub input_schema: String,
    /// The server's hints, read so that they can only raise the risk.
    pub risk: Risk,
    /// First eight hex digits of the pinned SHA-256.
    pub hash: String,
    /// What happens when an agent calls it.
    pub policy: crate::PolicyView,
    /// It is new or changed, and not accepted yet.
    pub held: Option<crate::HeldView>,
    /// The last call of it was refused for want of a permission.
    #[serde(default)]
    pub lacks: Option<LackView>,
}

/// What a tool was refused for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LackView {
    /// The scopes that the refusal named; none where it named none.
    pub scopes: Vec<String>,
    pub remedy: Remedy,
}

/// What may bring a permission that a tool lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Request access: a sign-in that asks for it.
    SignIn,
    /// Another key.
    Key,
    /// Three sign-ins did not bring it. It stays so until the account's owner allows it there.
    Owner,
}

/// What a tool may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// The server says it only reads.
    Reads,
    /// It may change things (also where the server says nothing).
    Writes,
    /// The server says it may destroy.
    Destroys,
}

/// What Test tried and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    pub at: Time,
    /// The request in a few words: `GET https://api.example.com/v1/health`, `tools/list on …`.
    pub tried: String,
    /// Milliseconds from first byte out to the answer.
    pub took_ms: u32,
    /// `None`: it went well.
    pub error: Option<crate::Error>,
    /// What came back: `HTTP 200`, `6 tools`.
    pub answer: String,
    /// How the card stands after it.
    pub health: HealthView,
}

/// What Disconnect will break, shown before it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisconnectPreview {
    pub id: IntegrationId,
    pub name: String,
    /// Calls running now that will fail.
    pub in_flight: u32,
    /// Calls in the last thirty days.
    pub calls_30d: u32,
    pub tools: u32,
    /// Calls whose arguments and results are kept: what they said is removed.
    #[serde(default)]
    pub bodies: u32,
    /// The provider's host, where the token can be revoked.
    pub revokes_at: Option<String>,
    /// But the credential cannot be opened, so it will not be.
    #[serde(default)]
    pub cannot_revoke: bool,
    /// The crons that depend on it: none of them will start any more.
    #[serde(default)]
    pub crons: Vec<String>,
    /// The agents that it was chosen for, by name.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Those of them that can use nothing else.
    #[serde(default)]
    pub emptied: Vec<String>,
}

/// What Disconnect did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnected {
    pub revocation: Revocation,
    /// Calls that were running and were made to fail.
    pub ended_calls: u32,
}

/// What the provider said to the revocation (RFC 7009).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "revocation")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#revocation")
)]
pub enum Revocation {
    /// The provider has no revocation endpoint, or the credential is a key: revoke it there by hand.
    NotOffered,
    /// It confirmed. `host`, HTTP status.
    Done { host: String, status: u16 },
    /// It did not; retried in the background. `host`, why.
    Pending { host: String, error: crate::Error },
    /// The credential could not be opened, so it was not told. `host`, why.
    NotPossible { host: String, error: crate::Error },
}
