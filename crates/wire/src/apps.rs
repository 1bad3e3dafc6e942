use crate::{ClientAuth, Icon, Time};
use serde::{Deserialize, Serialize};

/// Whose app credentials they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(Serialize),
    serde(rename_all = "snake_case", tag = "owner")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#owner")
)]
pub enum AppOwner {
    /// A provider of the catalogue.
    Provider { id: String },
    /// Any other authorization server, by its issuer.
    Issuer { issuer: String },
}

/// As everywhere else; on wasm the derived form would be another (see the crate's head).
#[cfg(target_arch = "wasm32")]
impl Serialize for AppOwner {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let (owner, name, value) = match self {
            Self::Provider { id } => ("provider", "id", id),
            Self::Issuer { issuer } => ("issuer", "issuer", issuer),
        };
        let mut object = serializer.serialize_struct("AppOwner", 2)?;
        object.serialize_field("owner", owner)?;
        object.serialize_field(name, value)?;
        object.end()
    }
}

/// App credentials that the admin saved, without their secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppCredentialsView {
    pub owner: AppOwner,
    pub client_id: String,
    pub client_auth: ClientAuth,
    pub has_secret: bool,
    /// The admin's full name.
    pub saved_by: String,
    pub saved_at: Time,
}

/// A provider that needs app credentials, how to get them, and those that are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppGuideView {
    pub owner: AppOwner,
    pub name: String,
    pub icon: Icon,
    /// The provider's page where an app is registered, https.
    pub page: Option<String>,
    /// One sentence each.
    pub steps: Vec<String>,
    /// Redirect URIs to register, exactly so. (A loopback address without a port stands for any.)
    pub redirects: Vec<String>,
    /// Scopes to allow there, as the provider writes them.
    pub scopes: Vec<String>,
    /// The client id that came with this build.
    pub built_in: Option<String>,
    pub saved: Option<AppCredentialsView>,
}

/// Settings → App credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppCredentialsPage {
    /// Providers that need them, by name.
    pub providers: Vec<AppGuideView>,
    /// Those of other authorization servers.
    pub others: Vec<AppCredentialsView>,
}
