use crate::Fix;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{borrow::Cow, collections::BTreeMap};

/// Why a command was not done: a code that the UI may act on, and arguments for its sentence.
///
/// The sentence is in `words` under `error-{code}`. Arguments are short, inert and never secret;
/// text that came from a server is capped at 300 characters with control characters removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub code: ErrorCode,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

impl Error {
    /// An error without arguments.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            args: BTreeMap::new(),
            fix: None,
        }
    }

    /// The same error with one more argument for its sentence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.args.insert(name.to_owned(), value.into());
        self
    }

    /// The same error with the button that mends it.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code.as_str())?;
        for (name, value) in &self.args {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// Every way a command can end other than well. The comment lists the sentence's arguments.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum ErrorCode {$($(#[$doc])* #[serde(rename = $text)] $name),*}

        impl ErrorCode {
            /// Every code, for the test that each has a sentence.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as it stands on the wire and in `words` (`error-{code}`).
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {$(Self::$name => $text),*}
            }
        }
    };
}

/// By the table: what serde derives for so many names weighs more than all of this crate's structs.
impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let found = Self::ALL.iter().find(|code| code.as_str() == text);
        let unknown = || de::Error::unknown_variant(&text, &[]);
        found.copied().ok_or_else(unknown)
    }
}

codes! {
    // --- input -------------------------------------------------------------------------------
    /// A required field is empty. `field`
    FieldEmpty = "field-empty",
    /// A field is not what it must be. `field`, `why`
    FieldInvalid = "field-invalid",
    /// A URL that is not one, or not http(s). `url`
    UrlInvalid = "url-invalid",
    /// A URL with user name or password in it.
    UrlHasCredentials = "url-has-credentials",
    /// http where only https is safe (a host that is not loopback or private). `host`
    UrlNotSecure = "url-not-secure",
    /// An address that is never allowed: link-local, metadata, multicast and the like. `host`, `address`
    AddressForbidden = "address-forbidden",
    /// A private or loopback address that the admin has not confirmed. `host`, `address`
    AddressPrivate = "address-private",
    // --- the far side ------------------------------------------------------------------------
    /// No answer: connection refused, name unknown, TLS, timeout. `host`, `why`
    Unreachable = "unreachable",
    /// A call was given up before it was done; it may have been acted on. `host`, `seconds`
    CallLate = "call-late",
    /// It answered, but refused the credential. `host`, `status`
    Rejected = "rejected",
    /// It knows the credential but forbids this. `host`, `status`
    Forbidden = "forbidden",
    /// A tool is still refused after three sign-ins. `integration`, `tool`
    AccessRefused = "access-refused",
    /// Too many requests. `host`, `seconds`
    RateLimited = "rate-limited",
    /// It answered with an error of its own. `host`, `status`
    ServerError = "server-error",
    /// It answered something that cannot be read as what was asked. `host`, `why`
    BadAnswer = "bad-answer",
    /// It answered more than the limit. `host`, `limit`
    TooLarge = "too-large",
    /// It sent us to another origin: no credential follows. `host`, `target`
    RedirectRefused = "redirect-refused",
    /// Not an MCP server, as far as it can be told. `host`, `why`
    NotMcp = "not-mcp",
    // --- OAuth -------------------------------------------------------------------------------
    /// The server asks for sign-in but tells no authorization server. `host`
    OauthNoMetadata = "oauth-no-metadata",
    /// Metadata of another issuer than asked. `expected`, `found`
    OauthIssuerMismatch = "oauth-issuer-mismatch",
    /// Protected-resource metadata for another resource. `expected`, `found`
    OauthResourceMismatch = "oauth-resource-mismatch",
    /// The authorization server does not offer PKCE with S256. `issuer`
    OauthNoPkce = "oauth-no-pkce",
    /// The provider sends people back to https only, and the build names no relay. `provider`
    RelayMissing = "relay-missing",
    /// It does not let apps register themselves. `issuer`
    OauthNoRegistration = "oauth-no-registration",
    /// It refused to register the app. `issuer`, `why`
    OauthRegistrationRefused = "oauth-registration-refused",
    /// The way back carried a wrong or used `state`.
    OauthWrongState = "oauth-wrong-state",
    /// The way back came from another issuer. `expected`, `found`
    OauthWrongIssuer = "oauth-wrong-issuer",
    /// The person or the server said no in the browser. `why`
    OauthDenied = "oauth-denied",
    /// The token endpoint did not give a token. `host`, `why`
    OauthTokenRefused = "oauth-token-refused",
    /// It does not accept the client: an id or a secret that is wrong, or not for this. `host`, `why`; `provider`
    /// of the catalogue, where its app credentials are meant
    OauthClientRefused = "oauth-client-refused",
    /// It no longer knows the client that once signed in, or no longer accepts its secret. `host`, `why`
    OauthClientGone = "oauth-client-gone",
    /// On Reconnect: the secret of the client that the admin typed cannot be opened. `host`
    ClientSecretMissing = "client-secret-missing",
    /// On Reconnect: that client, or its secret, is no longer accepted. `host`, `why`
    OwnClientRefused = "own-client-refused",
    /// The secret of saved app credentials cannot be opened. `app`; `provider` as above
    AppSecretUnreadable = "app-secret-unreadable",
    /// The refresh token is no longer accepted (`invalid_grant`). `host`
    OauthInvalidGrant = "oauth-invalid-grant",
    /// Neither 127.0.0.1 nor ::1 could be listened on. `why`
    LoopbackUnavailable = "loopback-unavailable",
    /// The browser could not be opened. `why`
    BrowserUnavailable = "browser-unavailable",
    // --- attempts ----------------------------------------------------------------------------
    /// No such attempt, or it is over.
    AttemptUnknown = "attempt-unknown",
    /// Ten minutes passed without an answer from the browser.
    AttemptExpired = "attempt-expired",
    /// Of an earlier run of the app, and the keyring does not open what was kept of it.
    SignInSealed = "sign-in-sealed",
    /// Of an earlier run of the app, which kept credentials for itself only.
    SignInForRun = "sign-in-for-run",
    /// The admin cancelled it.
    AttemptCancelled = "attempt-cancelled",
    /// The account is another one than before. `before`, `now`
    DifferentAccount = "different-account",
    // --- integrations ------------------------------------------------------------------------
    /// No such integration: it was disconnected.
    IntegrationUnknown = "integration-unknown",
    /// That call names no thread that can be opened.
    ThreadUnknown = "thread-unknown",
    /// No row of the record with this id.
    RowUnknown = "row-unknown",
    /// No export with this id in this run.
    ExportUnknown = "export-unknown",
    /// The gateway is not open, so there is no address to give to an agent.
    GatewayClosed = "gateway-closed",
    /// This agent may not use this tool. `agent`, `tool`
    AgentNotAllowed = "agent-not-allowed",
    /// A client's configuration that cannot be read, or is not what the client reads. `place`, `why`
    ClientFileUnreadable = "client-file-unreadable",
    /// A client's configuration that somebody has written to since. `place`
    ClientFileChanged = "client-file-changed",
    /// No valid token of a paired agent.
    AgentUnknown = "agent-unknown",
    /// The data came back from a backup, and no admin has gone on with it yet.
    AgentsWait = "agents-wait",
    /// It has as many calls under way as one agent may have. `agent`
    AgentBusy = "agent-busy",
    /// Nobody waited for the call any longer. `host`
    CallCancelled = "call-cancelled",
    /// It was disconnected while the call ran. `integration`
    IntegrationDisconnected = "integration-disconnected",
    /// It is failing, so the call was not made. `integration`, `why`
    IntegrationFailing = "integration-failing",
    /// It is switched off. `integration`
    IntegrationOff = "integration-off",
    /// No such tool. `integration`, `tool`
    ToolUnknown = "tool-unknown",
    /// It is new or changed, and no admin has accepted it. `integration`, `tool`
    ToolHeld = "tool-held",
    /// An admin stopped the task. `task`, `person`
    TaskStopped = "task-stopped",
    /// There is no such task any longer.
    TaskUnknown = "task-unknown",
    /// It tells something else than what was seen. `tool`
    ToolChanged = "tool-changed",
    /// An admin's rule denies it. `agent`, `tool`
    PolicyDenied = "policy-denied",
    /// An admin said no. `tool`, `person`
    ApprovalDenied = "approval-denied",
    /// Nobody approved it in time. `tool`, `n` (minutes)
    ApprovalLate = "approval-late",
    /// Whoever asked does not wait any longer. `tool`
    ApprovalWithdrawn = "approval-withdrawn",
    /// It waits no longer.
    ApprovalGone = "approval-gone",
    /// Too many calls of that agent wait already, or its arguments are too many to be looked at.
    /// `tool`, `why`
    ApprovalImpossible = "approval-impossible",
    /// It asks first, and there was nobody to ask: what runs by itself is approved beforehand. `tool`
    ApprovalNeeded = "approval-needed",
    /// Arguments that do not fit the tool. `tool`, `why`
    ArgumentsInvalid = "arguments-invalid",
    /// The tool itself answered with an error. `tool`, `why`
    ToolFailed = "tool-failed",
    /// The kind of key cannot be pasted here: it is a sign-in.
    NotAKey = "not-a-key",
    // --- crons -------------------------------------------------------------------------------
    /// No such cron: it was deleted.
    CronUnknown = "cron-unknown",
    /// It runs already. `cron`
    CronRunning = "cron-running",
    /// It is paused by a failure that is not mended. `cron`, `integration`
    CronHeld = "cron-held",
    /// What a cron depends on was disconnected. `integration`
    IntegrationGone = "integration-gone",
    /// A run took longer than its limit. `limit`
    CronTimedOut = "cron-timed-out",
    // --- OpenAPI documents --------------------------------------------------------------------
    /// A document that is neither JSON nor YAML, or not what OpenAPI asks for. `place`, `why`
    DocumentUnreadable = "document-unreadable",
    /// Readable, but not OpenAPI 3.0 or 3.1. `found`
    DocumentUnsupported = "document-unsupported",
    /// More bytes than a document may have. `limit`
    DocumentTooLarge = "document-too-large",
    /// More operations than one integration may have tools. `found`, `limit`
    DocumentTooMany = "document-too-many",
    /// No operation of it can be called; the first reason. `place`, `why`
    DocumentEmpty = "document-empty",
    /// It is no longer in memory: choose it again.
    DocumentGone = "document-gone",
    // --- Slack as a way to admins --------------------------------------------------------------
    /// Slack said no to a request for a notice. `why`
    SlackRefused = "slack-refused",
    /// The token may not do what a notice needs. `why`: the scopes it lacks.
    SlackScope = "slack-scope",
    /// The token is a person's, not a bot's. `integration`
    SlackNotABot = "slack-not-a-bot",
    /// Nobody in the workspace has this e-mail address. `address`
    SlackNoPerson = "slack-no-person",
    // --- the desktop ----------------------------------------------------------------------------
    /// The desktop did not do what was asked of it. `why`
    DesktopRefused = "desktop-refused",
    // --- keyring and store -------------------------------------------------------------------
    /// This computer has no keyring that answers.
    KeyringAbsent = "keyring-absent",
    /// The keyring is locked.
    KeyringLocked = "keyring-locked",
    /// The keyring did not answer in time. `seconds`
    KeyringHanging = "keyring-hanging",
    /// The keyring no longer holds this app's key.
    KeyringLost = "keyring-lost",
    /// Any other word of the keyring's. `why`
    KeyringFailed = "keyring-failed",
    /// A credential older than the one last used: from a backup. `integration`
    CredentialRestored = "credential-restored",
    /// A credential that cannot be opened. `integration`
    CredentialUnreadable = "credential-unreadable",
    /// The disk is full or cannot be written. `why`
    StoreUnwritable = "store-unwritable",
    /// A file of the admin's choice, such as an export, cannot be written. `why`
    FileUnwritable = "file-unwritable",
    /// Anything of the store's that is not the disk. `why`
    StoreFailed = "store-failed",
    /// The data is of a newer version of the app. `found`, `known`
    StoreNewer = "store-newer",
    /// Another process of the app has the data open.
    StoreInUse = "store-in-use",
    /// A bug of ours. `why`
    Internal = "internal",
}
