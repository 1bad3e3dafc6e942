//! What is typed into Add integration, kept until the sheet closes, and how it becomes a request.

use wire::{
    ApiAuth, AuthServer, ClientAuth, DocumentId, Error, ErrorCode, McpAuth, SecretInput, Target,
};

/// How an MCP server is to know us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum McpWay {
    Discover,
    Bearer,
    Header,
    Query,
}

/// How a custom API is to know us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ApiWay {
    Bearer,
    Header,
    Query,
    Basic,
    /// Through the browser.
    SignIn,
    /// It asks for no credential.
    None,
}

/// What the admin knows of an authorization server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Knows {
    Issuer,
    Addresses,
}

/// The fields of a sign-in, but the client's secret.
#[derive(Clone, PartialEq)]
pub struct SignIn {
    pub knows: Knows,
    pub issuer: String,
    pub authorization_url: String,
    pub token_url: String,
    pub revocation_url: String,
    pub client_id: String,
    pub client_auth: ClientAuth,
    pub scopes: String,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            knows: Knows::Issuer,
            issuer: String::new(),
            authorization_url: String::new(),
            token_url: String::new(),
            revocation_url: String::new(),
            client_id: String::new(),
            client_auth: ClientAuth::None,
            scopes: String::new(),
        }
    }
}

/// Every field of both forms. One secret field serves all ways, so that changing the way keeps it.
/// It holds secrets: it can be neither printed nor sent.
#[derive(Clone, PartialEq)]
pub struct Typed {
    pub url: String,
    pub name: String,
    pub mcp: McpWay,
    pub api: ApiWay,
    /// Name of the header or query parameter.
    pub key_name: String,
    pub user: String,
    pub secret: String,
    pub health_path: String,
    /// The day on which the key ends, as a date field holds it.
    pub ends_on: String,
    pub sign_in: SignIn,
}

impl Default for Typed {
    fn default() -> Self {
        Self {
            url: String::new(),
            name: String::new(),
            mcp: McpWay::Discover,
            api: ApiWay::Bearer,
            key_name: String::new(),
            user: String::new(),
            secret: String::new(),
            health_path: String::new(),
            ends_on: String::new(),
            sign_in: SignIn::default(),
        }
    }
}

impl Typed {
    fn secret(&self) -> SecretInput {
        SecretInput::new(&self.secret)
    }

    /// The MCP form as a request.
    #[must_use]
    pub fn mcp(&self) -> Target {
        Target::Mcp {
            name: self.name.trim().to_owned(),
            url: self.url.trim().to_owned(),
            auth: match self.mcp {
                McpWay::Discover => McpAuth::Discover,
                McpWay::Bearer => McpAuth::Bearer {
                    token: self.secret(),
                },
                McpWay::Header => McpAuth::Header {
                    name: self.key_name.trim().to_owned(),
                    value: self.secret(),
                },
                McpWay::Query => McpAuth::Query {
                    name: self.key_name.trim().to_owned(),
                    value: self.secret(),
                },
            },
        }
    }

    /// The API form as a request.
    #[must_use]
    pub fn api(&self) -> Target {
        Target::Api {
            name: self.name.trim().to_owned(),
            base_url: self.url.trim().to_owned(),
            auth: self.api_auth(),
            health_path: self.health_path.trim().to_owned(),
        }
    }

    /// The same for an API whose operations a document names.
    #[must_use]
    pub fn openapi(&self, document: DocumentId) -> Target {
        Target::OpenApi {
            document,
            name: self.name.trim().to_owned(),
            base_url: self.url.trim().to_owned(),
            auth: self.api_auth(),
            health_path: self.health_path.trim().to_owned(),
        }
    }

    fn api_auth(&self) -> ApiAuth {
        let name = self.key_name.trim().to_owned();
        let value = self.secret();
        match self.api {
            ApiWay::Bearer => ApiAuth::Bearer { token: value },
            ApiWay::Header => ApiAuth::Header { name, value },
            ApiWay::Query => ApiAuth::Query { name, value },
            ApiWay::Basic => ApiAuth::Basic {
                user: self.user.trim().to_owned(),
                password: value,
            },
            ApiWay::SignIn => self.signs_in(value),
            ApiWay::None => ApiAuth::None,
        }
    }
}

impl Typed {
    fn signs_in(&self, secret: SecretInput) -> ApiAuth {
        let text = |text: &String| text.trim().to_owned();
        let typed = &self.sign_in;
        ApiAuth::SignIn {
            server: match typed.knows {
                Knows::Issuer => AuthServer::Issuer {
                    issuer: text(&typed.issuer),
                },
                Knows::Addresses => AuthServer::Endpoints {
                    authorization_url: text(&typed.authorization_url),
                    token_url: text(&typed.token_url),
                    revocation_url: text(&typed.revocation_url),
                },
            },
            scopes: text(&typed.scopes),
            client_id: text(&typed.client_id),
            client_secret: (typed.client_auth != ClientAuth::None).then_some(secret),
            client_auth: typed.client_auth,
        }
    }
}

/// Whether it is mended where app credentials are entered.
#[must_use]
pub fn is_of_app(error: &Error) -> bool {
    matches!(
        error.code,
        ErrorCode::OauthClientRefused | ErrorCode::AppSecretUnreadable
    )
}

/// The field that an error is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    Url,
    Name,
    KeyName,
    User,
    Secret,
    EndsOn,
    HealthPath,
    Issuer,
    AuthorizationUrl,
    TokenUrl,
    RevocationUrl,
    ClientId,
    Scopes,
    /// No field of its own: it stands above the form.
    Form,
}

/// Where an error is shown.
#[must_use]
pub fn at(error: &Error) -> At {
    match error.code {
        ErrorCode::FieldEmpty | ErrorCode::FieldInvalid => {
            // The engine names fields by their labels.
            let field = error
                .args
                .get("field")
                .map(|field| field.to_lowercase().replace('_', " "));
            match field.as_deref().unwrap_or_default() {
                "url" | "base url" => At::Url,
                "name" => At::Name,
                "header name" | "parameter name" | "header" | "parameter" => At::KeyName,
                "user name" | "user" => At::User,
                "token" | "value" | "key" | "password" => At::Secret,
                "health path" => At::HealthPath,
                "ends on" => At::EndsOn,
                "issuer" => At::Issuer,
                "authorization url" => At::AuthorizationUrl,
                "token url" => At::TokenUrl,
                "revocation url" => At::RevocationUrl,
                "client id" => At::ClientId,
                "client secret" => At::Secret,
                "scopes" => At::Scopes,
                _ => At::Form,
            }
        }
        ErrorCode::UrlInvalid
        | ErrorCode::UrlHasCredentials
        | ErrorCode::UrlNotSecure
        | ErrorCode::AddressForbidden
        | ErrorCode::AddressPrivate
        | ErrorCode::Unreachable
        | ErrorCode::NotMcp
        | ErrorCode::RedirectRefused => At::Url,
        ErrorCode::OauthIssuerMismatch | ErrorCode::OauthNoMetadata | ErrorCode::OauthNoPkce => {
            At::Issuer
        }
        ErrorCode::OauthClientRefused => At::ClientId,
        ErrorCode::Rejected
        | ErrorCode::Forbidden
        | ErrorCode::ClientSecretMissing
        | ErrorCode::OwnClientRefused => At::Secret,
        _ => At::Form,
    }
}
