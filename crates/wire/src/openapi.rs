use crate::{DocumentId, Risk, Time};
use serde::{Deserialize, Serialize};

/// Most bytes of an OpenAPI document: 20 MB.
pub const DOCUMENT_MAX: usize = 20_000_000;

/// Where an OpenAPI document comes from.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[cfg_attr(target_arch = "wasm32", derive(Serialize))]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum DocumentSource {
    /// A file that the admin chose or dropped. `name`: the file's, only shown.
    File { name: String, text: String },
    /// Fetched once by the app, through the same guard as every request, without a credential.
    Url { url: String },
}

/// What an OpenAPI document (3.0 or 3.1) offers. All text is the document's: inert, capped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentView {
    /// Names it in `Target::OpenApi` and `ImportAgain`, for as long as the app keeps it in memory.
    pub id: DocumentId,
    pub title: String,
    /// The API's own version.
    pub version: String,
    /// The version of OpenAPI it is written in, such as `3.1.0`.
    pub openapi: String,
    /// The document's servers, in its order.
    pub servers: Vec<ServerView>,
    /// The ways to give a credential that the document names, the likeliest first.
    pub auth: Vec<AuthOffer>,
    /// A read that needs no argument: proposed as the ping.
    pub health_path: Option<String>,
    /// One tool for each operation that can be called, in the order of their paths.
    pub operations: Vec<OperationView>,
    /// What was left out or read only in part, with its place. At most 200.
    pub problems: Vec<ProblemView>,
    /// Against the tools of the integration that it was inspected for.
    pub changes: Option<ToolChanges>,
}

/// One of a document's servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerView {
    /// With its variables at their defaults, and made absolute where the document's own address is known.
    pub url: String,
    pub description: Option<String>,
    /// False: relative, or with variables, so that the admin must complete it.
    pub complete: bool,
}

/// A way to give a credential, as a document's security scheme names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "offer")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#offer")
)]
pub enum AuthOffer {
    /// No operation asks for a credential.
    None,
    Bearer,
    Header {
        name: String,
    },
    Query {
        name: String,
    },
    Basic,
    /// OAuth 2.0 or OpenID Connect: its access token is given as a bearer token.
    OAuth {
        authorization_url: Option<String>,
        token_url: Option<String>,
        /// Each scope of the flow.
        scopes: Vec<String>,
    },
}

/// One operation, as the tool it becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationView {
    /// The tool's name: stable, unique in the document, `[a-z0-9_]`.
    pub tool: String,
    pub title: Option<String>,
    /// `GET`, `POST`, …
    pub method: String,
    /// The template: `/pets/{petId}`.
    pub path: String,
    pub risk: Risk,
}

/// Something in a document that could not be used as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// JSON pointer: `/paths/~1pets/get`.
    pub place: String,
    pub problem: Problem,
    /// What it is about: a reference, a media type, a name. Inert.
    pub what: String,
}

/// What is wrong there. Its sentence is in `words` under `openapi-problem-{as_str}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// A reference that leads out of the document. Nothing was fetched; the operation is left out.
    ExternalReference,
    /// A reference to what is not there; the operation is left out.
    MissingReference,
    /// References in a circle, or one after the other without end; the operation is left out.
    EndlessReference,
    /// Not what OpenAPI asks for there; left out.
    Unreadable,
    /// A body that only other media types can carry; the operation is left out.
    Body,
    /// It needs a cookie, or a header that requests keep for themselves; left out.
    Parameter,
    /// The same, but it can do without: the operation is there, and that cannot be set.
    Optional,
    /// It is at a server of its own; left out, since the credential is for the base URL.
    OtherServer,
    /// The same operationId more than once; each of them got a suffix.
    DuplicateName,
    /// The schema is too large or cannot be used, so arguments are checked in part only.
    Schema,
    /// A security scheme that this app cannot give.
    Auth,
    /// More than one key at once is asked for.
    TwoKeys,
}

impl Problem {
    /// The key of its sentence in `words`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExternalReference => "external-reference",
            Self::MissingReference => "missing-reference",
            Self::EndlessReference => "endless-reference",
            Self::Unreadable => "unreadable",
            Self::Body => "body",
            Self::Parameter => "parameter",
            Self::Optional => "optional",
            Self::OtherServer => "other-server",
            Self::DuplicateName => "duplicate-name",
            Self::Schema => "schema",
            Self::Auth => "auth",
            Self::TwoKeys => "two-keys",
        }
    }
}

/// What importing a document again changes, by the names of tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolChanges {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// The same name, but another hash: what it takes, does or says is not what it was.
    pub changed: Vec<String>,
    /// How many stay as they are.
    pub same: u32,
}

/// The document that an integration's tools are from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedView {
    pub title: String,
    pub version: String,
    /// The file's name or the URL without its query.
    pub source: String,
    pub imported_at: Time,
}
