use crate::Icon;
use serde::{Deserialize, Serialize};

/// The providers that can be connected, and the manifests that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueView {
    /// By name.
    pub providers: Vec<ProviderView>,
    pub refused: Vec<RefusedManifest>,
    /// Where more manifests are read from.
    pub folder: Option<String>,
}

/// A manifest that was refused; the others load. All text of the file's is inert and capped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedManifest {
    /// The file's name.
    pub file: String,
    /// The line, from 1; `None` where the file as a whole is meant.
    pub line: Option<u32>,
    /// A fragment: `the host 127.0.0.1 is private`.
    pub why: String,
}

/// What a provider is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Communication,
    Documents,
    Projects,
    Code,
    Operations,
    Sales,
    Payments,
    Other,
}

impl Category {
    /// The key of its word in `words` (`category-{as_str}`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Communication => "communication",
            Self::Documents => "documents",
            Self::Projects => "projects",
            Self::Code => "code",
            Self::Operations => "operations",
            Self::Sales => "sales",
            Self::Payments => "payments",
            Self::Other => "other",
        }
    }
}

/// One provider of the catalogue, as its tile and its sheet show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderView {
    /// `[a-z0-9-]`, unique.
    pub id: String,
    pub name: String,
    /// What it does, in a few words.
    pub summary: String,
    pub category: Category,
    /// More words to find it by, the category's among them.
    pub search: Vec<String>,
    pub icon: Icon,
    /// True only where every way was tried against the live service.
    pub verified: bool,
    /// From a file in the configuration folder, not from the app.
    pub added: bool,
    /// In order of preference; at least one.
    pub ways: Vec<WayView>,
    /// Scopes in plain words, the least first; empty where the provider's own page asks.
    pub bundles: Vec<BundleView>,
    /// What an admin should know beforehand, and what the vendor ends and when: whole sentences.
    pub notes: Vec<String>,
}

/// One way to connect it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayView {
    /// Unique within the provider.
    pub id: String,
    pub kind: WayKind,
    /// What sets it apart from another one of its kind.
    pub label: Option<String>,
    pub effort: Effort,
    /// Whose server is talked to: a host, or a URL without scheme.
    pub address: String,
    /// How to get the key or the app credentials, one sentence each.
    pub steps: Vec<String>,
    /// The page to open for it, https.
    pub page: Option<String>,
}

/// What a way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayKind {
    /// The vendor's MCP server, which asks for the sign-in itself.
    Mcp,
    /// Sign-in at the provider.
    OAuth,
    /// A code typed at the provider's page.
    Device,
    /// A pasted key.
    Key,
}

/// What it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Nothing but the sign-in.
    OneClick,
    /// A key that the admin pastes.
    Key,
    /// The company's own app credentials, once, which are there.
    Ready,
    /// The company's own app credentials, which are not there yet.
    NeedsApp,
}

/// Some scopes, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleView {
    /// Unique within the provider.
    pub id: String,
    pub says: String,
    /// As the provider writes them.
    pub scopes: Vec<String>,
    /// Chosen at first.
    pub default: bool,
    /// The tools that work with it.
    pub tools: Vec<String>,
}
