use crate::{AttemptId, DocumentId, Error, IntegrationId, Kind, SecretInput, Time};
use serde::{Deserialize, Serialize};

/// What to connect to, as the admin filled it in.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[cfg_attr(target_arch = "wasm32", derive(Serialize))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Target {
    Sample,
    /// A provider of the catalogue.
    Provider {
        /// Its id.
        provider: String,
        /// The id of one of its ways.
        way: String,
        /// Ids of the bundles of scopes to ask for.
        bundles: Vec<String>,
        /// For a way that takes a key; else empty.
        key: SecretInput,
        /// Empty: the provider's name.
        name: String,
    },
    Mcp {
        /// Empty: the server's own name, else its host.
        name: String,
        url: String,
        auth: McpAuth,
    },
    Api {
        name: String,
        base_url: String,
        auth: ApiAuth,
        /// Path of the ping, relative to the base URL: `/health`. Empty: the base URL itself.
        health_path: String,
    },
    /// A custom HTTP API whose operations an OpenAPI document names.
    OpenApi {
        /// Of `InspectOpenapi`.
        document: DocumentId,
        name: String,
        base_url: String,
        auth: ApiAuth,
        /// As in `Api`.
        health_path: String,
    },
}

/// How an MCP server knows us.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[cfg_attr(target_arch = "wasm32", derive(Serialize))]
#[serde(rename_all = "snake_case", tag = "auth")]
pub enum McpAuth {
    /// Find out: sign-in where the server asks for it, else none.
    Discover,
    Bearer {
        token: SecretInput,
    },
    Header {
        name: String,
        value: SecretInput,
    },
    Query {
        name: String,
        value: SecretInput,
    },
}

/// How a custom API knows us.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[cfg_attr(target_arch = "wasm32", derive(Serialize))]
#[serde(rename_all = "snake_case", tag = "auth")]
pub enum ApiAuth {
    /// It asks for none.
    None,
    Bearer {
        token: SecretInput,
    },
    Header {
        name: String,
        value: SecretInput,
    },
    Query {
        name: String,
        value: SecretInput,
    },
    Basic {
        user: String,
        password: SecretInput,
    },
    /// Sign in through the browser.
    SignIn {
        server: AuthServer,
        /// Separated by spaces; empty: none is asked for.
        scopes: String,
        /// Of the app that was registered there. Empty: the app registers itself, where the server lets
        /// it.
        client_id: String,
        client_secret: Option<SecretInput>,
        client_auth: ClientAuth,
    },
}

/// Who gives the tokens of a custom API.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[cfg_attr(target_arch = "wasm32", derive(Serialize))]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum AuthServer {
    /// It describes itself (RFC 8414, OpenID Connect Discovery).
    Issuer { issuer: String },
    Endpoints {
        authorization_url: String,
        token_url: String,
        /// RFC 7009. Empty: Disconnect cannot revoke there.
        revocation_url: String,
    },
}

/// How a client shows who it is at the token endpoint (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// A public client: by its id alone.
    None,
    /// In the `Authorization` header.
    Basic,
    /// In the body.
    Post,
}

/// What the admin has confirmed so far. Each is asked for by name ([`Question`]), never assumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The address is private or loopback, and meant.
    #[serde(default)]
    pub private_address: bool,
    /// It is already connected, and a second card is wanted.
    #[serde(default)]
    pub duplicate: bool,
    /// On Reconnect: the account is another one, and that is meant.
    #[serde(default)]
    pub other_account: bool,
    /// On Reconnect: the server now signs people in elsewhere, and that is meant.
    #[serde(default)]
    pub other_issuer: bool,
}

/// One try to connect or reconnect, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptView {
    pub id: AttemptId,
    /// What is being connected: the typed name, or the host until the server has told its own.
    pub name: String,
    pub kind: Kind,
    /// Set on Reconnect.
    pub integration: Option<IntegrationId>,
    pub phase: Phase,
    pub started_at: Time,
    /// It ends by itself then.
    pub expires_at: Time,
}

/// Where an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "phase")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#phase")
)]
pub enum Phase {
    /// Talking to the server: what does it want?
    Checking,
    /// The admin must sign in there. `host` of the authorization server.
    WaitingForBrowser { host: String },
    /// The admin must type `code` on `page`, whose host is `host`, before `ends_at` (RFC 8628).
    WaitingForCode {
        host: String,
        page: String,
        code: String,
        ends_at: Time,
    },
    /// The browser came back; the code is being exchanged.
    Exchanging,
    /// One authenticated request proves the credential; then the tools are listed.
    Proving,
    /// A question must be answered (`AnswerAttempt`) before it goes on.
    Asking { question: Question },
    /// Saved. `tools`: how many were found.
    Done {
        integration: IntegrationId,
        tools: u32,
    },
    /// Nothing was saved.
    Failed { error: Error },
}

impl Phase {
    /// True where nothing more will happen.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Done { .. } | Self::Failed { .. } => true,
            Self::Checking
            | Self::WaitingForBrowser { .. }
            | Self::WaitingForCode { .. }
            | Self::Exchanging
            | Self::Proving
            | Self::Asking { .. } => false,
        }
    }
}

/// What only the admin can decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "question")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#question")
)]
pub enum Question {
    /// The host resolves to a private or loopback address: is that meant?
    PrivateAddress { host: String, address: String },
    /// The same URL with the same (or an unknown) account is connected already.
    Duplicate {
        existing: IntegrationId,
        name: String,
        same_account: bool,
    },
    /// On Reconnect: signed in as somebody else than before.
    OtherAccount { before: String, now: String },
    /// On Reconnect: the server now names another authorization server than it was connected at. Both
    /// by issuer.
    OtherIssuer { before: String, now: String },
}
