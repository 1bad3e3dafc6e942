//! What a manifest may hold: data only, one TOML file for each provider. An unknown key is refused.
//!
//! Owns: the shape, documented for people in `providers/README.md` beside the manifests. Must not
//! know: how a way is carried out, or what is shown. What a shape cannot say is in [`super::read`].

pub use crate::connect::way::{Meaning, Method, Ping, Pkce, TokenQuirks, Verdict};
use crate::vault::ClientAuth;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;
use wire::Category;

/// One provider of the catalogue.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this shape: 1.
    pub schema: Spanned<u32>,
    /// `[a-z0-9-]`, at most 40 characters, unique: kept on each integration that came of it.
    pub id: Spanned<String>,
    /// At most 40 characters, as the vendor writes it.
    pub name: Spanned<String>,
    /// What it does, in a few words: at most 90 characters.
    pub summary: Spanned<String>,
    pub category: Category,
    /// More words to find it by.
    #[serde(default)]
    pub search: Vec<String>,
    /// One of the brand icons that the window has; without it, a letter stands on the colour.
    #[serde(default)]
    pub icon: Option<String>,
    /// `#rrggbb`, the tile's ground.
    pub colour: Spanned<String>,
    /// True only where every way below was tried against the live service.
    pub verified: bool,
    /// Where the facts are from, by the short name that the parts below use.
    pub sources: BTreeMap<String, Source>,
    /// In order of preference; at least one.
    pub ways: Spanned<Vec<Spanned<Way>>>,
    /// The HTTP API that OAuth, device and key ways lead to.
    #[serde(default)]
    pub api: Option<Api>,
    #[serde(default)]
    pub identity: Option<Identity>,
    #[serde(default)]
    pub scopes: Scopes,
    /// Scopes in plain words, the least first.
    #[serde(default)]
    pub bundles: Vec<Bundle>,
    /// Which tools need which scopes.
    #[serde(default)]
    pub tools: Vec<Tool>,
    #[serde(default)]
    pub tokens: Option<Tokens>,
    /// Minutes between checks of what is well, where the usual fifteen are too many or too few for this
    /// service: 1 to 1440.
    #[serde(default)]
    pub check_minutes: Option<u32>,
    /// What the vendor ends, and when.
    #[serde(default)]
    pub sunsets: Vec<Sunset>,
    /// What an admin should know beforehand, one sentence each.
    #[serde(default)]
    pub notes: Vec<Note>,
}

/// Where facts come from.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A page or a document, by URL or by name and version.
    pub what: String,
    /// The day on which it was read: `2026-11-22`.
    pub day: toml::value::Datetime,
}

/// A note and where it is from.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Note {
    pub says: String,
    pub source: Vec<Spanned<String>>,
}

/// One way to connect.
#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Mcp(Mcp),
    Oauth(Box<OAuth>),
    Device(Box<Device>),
    Key(Key),
}

impl Way {
    /// Its name within the manifest; the kind of way where none is written.
    #[must_use]
    pub fn id(&self) -> &str {
        let (written, kind) = match self {
            Self::Mcp(way) => (&way.id, "mcp"),
            Self::Oauth(way) => (&way.id, "oauth"),
            Self::Device(way) => (&way.id, "device"),
            Self::Key(way) => (&way.id, "key"),
        };
        written.as_ref().map_or(kind, |id| id.get_ref().as_str())
    }

    /// Where its facts are from.
    #[must_use]
    pub fn source(&self) -> &[Spanned<String>] {
        match self {
            Self::Mcp(way) => &way.source,
            Self::Oauth(way) => &way.source,
            Self::Device(way) => &way.source,
            Self::Key(way) => &way.source,
        }
    }
}

/// The vendor's own MCP server.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Mcp {
    #[serde(default)]
    pub id: Option<Spanned<String>>,
    /// What sets it apart from another way of the same kind: `Observability`.
    #[serde(default)]
    pub label: Option<String>,
    /// Streamable HTTP, https.
    pub url: Spanned<String>,
    pub client: Client,
    /// The loopback port that is registered, where the redirect URI must match exactly.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the company gets its app credentials, where `client` is its own.
    #[serde(default)]
    pub guide: Option<Guide>,
    pub source: Vec<Spanned<String>>,
}

/// Which client the app is there.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    /// It registers itself (RFC 7591): one click.
    Dynamic,
    /// The company registers one, once: app credentials.
    Own,
}

/// Sign-in in the browser, with the provider's endpoints.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    #[serde(default)]
    pub id: Option<Spanned<String>>,
    #[serde(default)]
    pub label: Option<String>,
    /// Endpoints are discovered there (RFC 8414), instead of the two below.
    #[serde(default)]
    pub issuer: Option<Spanned<String>>,
    #[serde(default)]
    pub authorization_endpoint: Option<Spanned<String>>,
    #[serde(default)]
    pub token_endpoint: Option<Spanned<String>>,
    #[serde(default)]
    pub revocation: Option<Revocation>,
    pub client_auth: ClientAuth,
    /// In order of preference.
    pub return_by: Vec<ReturnBy>,
    pub pkce: Pkce,
    /// Between scopes in the request; a space where it is not written (RFC 6749 section 3.3).
    #[serde(default)]
    pub scope_separator: Option<String>,
    /// The name of the parameter that carries the scopes: `scope`, Slack's `user_scope`.
    #[serde(default)]
    pub scope_parameter: Option<String>,
    /// More parameters of the authorization request.
    #[serde(default)]
    pub extra: BTreeMap<String, String>,
    /// What a token answer does otherwise than RFC 6749 section 5.1 says.
    #[serde(default)]
    pub token: TokenQuirks,
    /// How the company gets its app credentials.
    #[serde(default)]
    pub guide: Option<Guide>,
    pub source: Vec<Spanned<String>>,
}

/// A code to type on another screen (RFC 8628).
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Device {
    #[serde(default)]
    pub id: Option<Spanned<String>>,
    #[serde(default)]
    pub label: Option<String>,
    pub device_authorization_endpoint: Spanned<String>,
    pub token_endpoint: Spanned<String>,
    pub client_auth: ClientAuth,
    #[serde(default)]
    pub scope_separator: Option<String>,
    /// What a token answer does otherwise than RFC 6749 section 5.1 says.
    #[serde(default)]
    pub token: TokenQuirks,
    #[serde(default)]
    pub guide: Option<Guide>,
    pub source: Vec<Spanned<String>>,
}

/// A key that the admin pastes.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Key {
    #[serde(default)]
    pub id: Option<Spanned<String>>,
    #[serde(default)]
    pub label: Option<String>,
    /// The MCP server that takes it; without it, `[api]` does.
    #[serde(default)]
    pub mcp: Option<Spanned<String>>,
    pub auth: KeyAuth,
    /// Of the header or the query parameter.
    #[serde(default)]
    pub name: Option<String>,
    /// The user name that stands beside the key in Basic authentication.
    #[serde(default)]
    pub user: Option<String>,
    pub guide: Guide,
    pub source: Vec<Spanned<String>>,
}

/// How a key is sent.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum KeyAuth {
    Bearer,
    Header,
    Query,
    Basic,
}

/// How the browser comes back.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReturnBy {
    /// `http://127.0.0.1:{any}/callback` (RFC 8252 section 7.3).
    Loopback,
    /// `app.chief.integrations:/oauth/callback` (RFC 8252 section 7.1).
    DeepLink,
    /// `http://127.0.0.1:{port}/callback`, where the registered URI must match exactly.
    Port(u16),
    /// The page on https that the company hosts (`relay/index.html`), where the build names one.
    Relay,
}

/// How a token is revoked.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    pub url: Spanned<String>,
    pub by: RevokedBy,
}

/// In what form the provider wants it.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RevokedBy {
    /// RFC 7009: a form with `token`.
    Rfc7009,
    /// POST with the access token as bearer.
    Bearer,
    /// DELETE on the URL with the refresh token as the last segment of its path.
    DeleteInPath,
}

/// How the company gets app credentials or a key.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Guide {
    /// The page to open, https.
    #[serde(default)]
    pub page: Option<Spanned<String>>,
    /// One sentence each.
    pub steps: Vec<String>,
    pub source: Vec<Spanned<String>>,
}

/// The HTTP API behind the ways that are no MCP server.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Api {
    pub base_url: Spanned<String>,
    /// The cheapest safe request that proves the credential.
    pub ping: Ping,
    pub source: Vec<Spanned<String>>,
}

/// Who is signed in: for the second card of one account, and the wrong account on Reconnect.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    #[serde(default)]
    pub method: Method,
    pub url: Spanned<String>,
    /// JSON, for POST.
    #[serde(default)]
    pub body: Option<String>,
    /// JSON pointer to what never changes.
    pub account: String,
    /// JSON pointer to what a person knows it by; without it, the account itself.
    #[serde(default)]
    pub label: Option<String>,
    pub source: Vec<Spanned<String>>,
}

/// How scopes are asked for and learned.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Scopes {
    /// Asked for whatever is chosen: `openid`, `offline_access`.
    #[serde(default)]
    pub always: Vec<String>,
    #[serde(default)]
    pub granted_in: GrantedIn,
}

/// Where the provider tells which scopes were granted.
#[derive(Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum GrantedIn {
    /// `scope` of the token answer (RFC 6749 section 5.1).
    TokenAnswer,
    /// Nowhere that is known: the page says what was asked for.
    #[default]
    Nowhere,
}

/// Some scopes, in plain words.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    pub id: Spanned<String>,
    /// `Read calendars`: at most 60 characters.
    pub says: Spanned<String>,
    pub scopes: Vec<String>,
    /// Chosen at first. The least that is of use.
    #[serde(default)]
    pub default: bool,
    pub source: Vec<Spanned<String>>,
}

/// A tool and the scopes of which it needs one; none: it needs no scope of its own.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    pub name: String,
    #[serde(default)]
    pub scopes: Vec<Spanned<String>>,
}

/// How long tokens live.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Seconds, where the vendor says so.
    #[serde(default)]
    pub access_seconds: Option<u64>,
    /// Whether each refresh gives a new refresh token.
    #[serde(default)]
    pub rotates: Option<bool>,
    /// Days after which a refresh token that was not used is dead.
    #[serde(default)]
    pub idle_days: Option<u32>,
    /// Days after which a refresh token is dead however much it was used.
    #[serde(default)]
    pub refresh_days: Option<u32>,
    pub source: Vec<Spanned<String>>,
}

/// What the vendor ends.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Sunset {
    /// `API tokens stop working`.
    pub what: String,
    pub on: toml::value::Datetime,
    #[serde(default)]
    pub concerns: Concerns,
    pub link: Spanned<String>,
    pub source: Vec<Spanned<String>>,
}

/// Which integrations of the provider a sunset concerns.
#[derive(Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Concerns {
    #[default]
    Everything,
    /// Those with a pasted key.
    Keys,
    /// All others.
    SignIns,
}

impl Sunset {
    /// The beginning of its day, UTC; `None` where `on` is no date.
    #[must_use]
    pub fn day(&self) -> Option<wire::Time> {
        let date = self.on.date?;
        let day =
            chrono::NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())?;
        Some(wire::Time(
            day.and_time(chrono::NaiveTime::MIN)
                .and_utc()
                .timestamp_millis(),
        ))
    }
}
