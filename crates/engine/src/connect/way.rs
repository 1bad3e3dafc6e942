//! The ways to connect, as plain data: what a manifest of the catalogue, or the form for a custom API,
//! says about how a service lets people in.
//!
//! Owns: the types, and [`Way::check`]. Must not know: how a manifest is written, how a way is gone
//! (`connect::credential`, `oauth`), or any particular service. Nothing here is secret: a way is kept
//! with the integration, so that Reconnect goes the same way again.

mod check;

pub use wire::ClientAuth;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;

/// One way to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "way")]
pub enum Way {
    /// An MCP server that tells by itself where to sign in (RFC 9728, RFC 8414).
    Mcp(McpWay),
    /// A sign-in at an authorization server, for an API or an MCP server.
    OAuth(Box<OAuthWay>),
    /// A key that the admin pastes.
    Key(Box<KeyWay>),
}

/// An MCP server with discovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpWay {
    pub url: Url,
    /// `LoopbackFixed` where its authorization server compares redirect URIs letter for letter. Other
    /// ways back do not exist for MCP servers (MCP, "Communication Security").
    #[serde(default)]
    pub back: WayBack,
    /// How app credentials are shown at its token endpoint; unused where clients register themselves.
    #[serde(default)]
    pub client_auth: Option<ClientAuth>,
    /// Asked for besides what the server names.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// A sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthWay {
    pub server: Server,
    pub grant: Grant,
    /// How the client shows who it is at the token and revocation endpoints.
    pub client_auth: ClientAuth,
    /// The client that the way itself brings: what the admin typed for a custom API. Its secret, where
    /// it has one, is sealed with the credential.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Asked for. Empty: no scope is sent.
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub scope_style: ScopeStyle,
    /// Further parameters of the authorization (or device authorization) request, such as
    /// `access_type=offline`. None of those that the sign-in itself sets.
    #[serde(default)]
    pub authorize: BTreeMap<String, String>,
    #[serde(default)]
    pub token: TokenQuirks,
    #[serde(default)]
    pub revocation: Revocation,
    #[serde(default)]
    pub identity: Option<Identity>,
    pub service: Service,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyWay {
    pub place: KeyPlace,
    #[serde(default)]
    pub identity: Option<Identity>,
    pub service: Service,
}

/// Where a key goes on a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "in")]
pub enum KeyPlace {
    /// `Authorization: Bearer …`
    Bearer,
    Header {
        name: String,
    },
    Query {
        name: String,
    },
    /// The user name is asked for besides the key where `user` is `None`.
    Basic {
        #[serde(default)]
        user: Option<String>,
    },
}

/// Who gives the tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Server {
    /// Its metadata says the rest (RFC 8414, OpenID Connect Discovery). Letter for letter as it names
    /// itself.
    Issuer { issuer: String },
    /// It has no metadata, or none that can be relied on.
    Endpoints(Box<Endpoints>),
}

/// The endpoints, where they are known beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// What its credentials are filed under, and what an `iss` in its answer is compared with; `None`:
    /// the origin of the token endpoint.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Needed by [`Grant::Code`].
    #[serde(default)]
    pub authorization: Option<Url>,
    pub token: Url,
    /// RFC 7009; see [`Revocation`].
    #[serde(default)]
    pub revocation: Option<Url>,
    /// RFC 8628 section 3.1; needed by [`Grant::Device`].
    #[serde(default)]
    pub device_authorization: Option<Url>,
}

/// How the person's consent is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "grant")]
pub enum Grant {
    /// The authorization code, through the browser (RFC 6749 section 4.1).
    Code {
        #[serde(default)]
        back: WayBack,
        #[serde(default)]
        pkce: Pkce,
    },
    /// A code that the person types on a page of the server's (RFC 8628).
    Device,
}

/// How the browser comes back (RFC 8252 section 7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "back")]
pub enum WayBack {
    /// `http://127.0.0.1:{any free port}/callback`
    #[default]
    Loopback,
    /// `http://127.0.0.1:{port}/callback` where the URI must match the registered one exactly.
    LoopbackFixed {
        port: u16,
        /// How the registered URI names this computer.
        #[serde(default)]
        name: LoopbackName,
    },
    /// `app.chief.integrations:/oauth/callback`
    DeepLink,
    /// A page on https that hands the query to the deep link (`relay/index.html`).
    Relay { url: Url },
}

/// How the loopback address is written in a redirect URI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopbackName {
    /// `127.0.0.1`, as RFC 8252 section 8.3 prefers.
    #[default]
    Address,
    /// `localhost`, for servers that know only this.
    Localhost,
}

impl LoopbackName {
    /// As it stands in a URI.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "127.0.0.1",
            Self::Localhost => "localhost",
        }
    }
}

/// Proof Key for Code Exchange, always with S256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// A server whose metadata does not offer S256 is refused.
    #[default]
    Required,
    /// Sent, whether or not the server says that it looks.
    Sent,
    /// Not sent: the server refuses requests that hold it.
    Off,
}

/// How scopes are written in the authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeStyle {
    /// Between two scopes, also in the token answer: a space (RFC 6749 section 3.3), or a comma.
    #[serde(default = "space")]
    pub separator: char,
    /// The parameter's name: `scope`; Slack has `user_scope` for a person's own.
    #[serde(default = "scope")]
    pub parameter: String,
}

fn space() -> char {
    ' '
}

fn scope() -> String {
    "scope".to_owned()
}

impl Default for ScopeStyle {
    fn default() -> Self {
        Self {
            separator: space(),
            parameter: scope(),
        }
    }
}

/// What a token answer has in another place or form than RFC 6749 section 5.1 says. Numbers as text, a
/// missing `token_type`, `null`s, an error or `"ok": false` with status 200 need no quirk: they are
/// understood from everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenQuirks {
    /// JSON pointer (RFC 6901) of the object that holds the tokens: `/authed_user` at Slack. Where the
    /// answer has no such object, the answer itself is read.
    #[serde(default)]
    pub within: Option<String>,
    /// The field with the access token's life in seconds, where it is not `expires_in`.
    #[serde(default)]
    pub life_field: Option<String>,
    /// The field with the refresh token's life in seconds, where it is neither
    /// `refresh_token_expires_in` nor `refresh_expires_in`.
    #[serde(default)]
    pub refresh_life_field: Option<String>,
    /// The refresh token's life in seconds from each answer, where the vendor documents one and the
    /// answer does not tell.
    #[serde(default)]
    pub refresh_life_seconds: Option<u64>,
    /// Other words for `token_type: bearer`, such as `user`.
    #[serde(default)]
    pub token_types: Vec<String>,
    /// Between two scopes of the answer, where it is another than in the request.
    #[serde(default)]
    pub scope_separator: Option<char>,
    /// Names of errors that mean `invalid_grant`, whatever the status, beside GitHub's `bad_refresh_token` and
    /// Slack's `invalid_refresh_token`, which are understood from everybody.
    #[serde(default)]
    pub dead: Vec<String>,
}

/// How a sign-in is ended at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Revocation {
    /// RFC 7009, where the server has the endpoint.
    #[default]
    Rfc7009,
    /// A request that the access token itself authorizes.
    Bearer { method: Method, url: Url },
    /// The refresh token is the last segment of the path: `url` + `/{refresh token}`.
    InPath { method: Method, url: Url },
    /// There is no way; Disconnect says so.
    Nothing,
}

/// The methods that these requests need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Delete,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Post => Self::POST,
            Method::Delete => Self::DELETE,
        }
    }
}

/// The request that tells whose account it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    #[serde(default)]
    pub method: Method,
    pub url: Url,
    /// JSON body, for POST.
    #[serde(default)]
    pub body: Option<String>,
    /// JSON pointer of what stays the same for an account: a number or text.
    pub account: String,
    /// JSON pointer of what a person knows it by, such as an e-mail address; `None`: the account itself.
    #[serde(default)]
    pub label: Option<String>,
}

/// What is connected in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "service")]
pub enum Service {
    Mcp { url: Url },
    Api { base_url: Url, ping: Ping },
}

/// The cheapest safe request that a working credential must pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {
    #[serde(default)]
    pub method: Method,
    /// Under the base URL; may hold a query. Empty: the base URL itself.
    #[serde(default)]
    pub path: String,
    /// JSON body, for POST.
    #[serde(default)]
    pub body: Option<String>,
    /// What a status means where it is not what it says: 401 rejected, 403 forbidden, 429 slow down,
    /// 5xx trouble, 2xx fine.
    #[serde(default)]
    pub statuses: BTreeMap<u16, Meaning>,
    /// For services that answer 200 and say in the body what is wrong.
    #[serde(default)]
    pub verdict: Option<Verdict>,
}

/// What an answer means for the integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    Fine,
    Rejected,
    Forbidden,
    SlowDown,
    Trouble,
}

/// Where a body says whether it went well: `{"ok": false, "error": "invalid_auth"}` at Slack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// JSON pointer of a boolean: `/ok`.
    pub ok: String,
    /// JSON pointer of the error's name: `/error`.
    pub error: String,
    /// What each error means; one that is not here is trouble.
    pub errors: BTreeMap<String, Meaning>,
    /// JSON pointer of the scope that a refusal asks for: `/needed`.
    #[serde(default)]
    pub scope: Option<String>,
}

impl Endpoints {
    /// What its credentials are filed under.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.issuer
            .clone()
            .unwrap_or_else(|| self.token.origin().ascii_serialization())
    }
}

impl Way {
    /// The request that tells whose account it is, where there is one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Mcp(_) => None,
            Self::OAuth(way) => way.identity.as_ref(),
            Self::Key(way) => way.identity.as_ref(),
        }
    }

    /// The ping, where it is an API.
    #[must_use]
    pub fn ping(&self) -> Option<&Ping> {
        let service = match self {
            Self::Mcp(_) => return None,
            Self::OAuth(way) => &way.service,
            Self::Key(way) => &way.service,
        };
        match service {
            Service::Mcp { .. } => None,
            Service::Api { ping, .. } => Some(ping),
        }
    }
}

impl Service {
    /// The address that the integration is known by.
    #[must_use]
    pub fn url(&self) -> &Url {
        match self {
            Self::Mcp { url } => url,
            Self::Api { base_url, .. } => base_url,
        }
    }
}
