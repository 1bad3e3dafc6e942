//! A credential in memory, and as bytes to seal.
//!
//! No type here has `Debug`, `Display` or a public `Serialize`.

use crate::{oauth::Manner, secret::Secret, store::credentials::About};
use serde::{Deserialize, Serialize};
use wire::{AuthView, Error, ErrorCode, ScopeView, Time};
use zeroize::Zeroizing;

pub use wire::ClientAuth;

/// The form of the bytes, their first byte. An older build refuses a newer form.
const FORM: u8 = 1;
/// The largest credential that is sealed, in bytes.
pub const LIMIT: usize = 1024 * 1024;

/// What an integration needs to be let in.
#[derive(Clone)]
pub enum Credential {
    None,
    Bearer { token: Secret },
    Header { name: String, value: Secret },
    Query { name: String, value: Secret },
    Basic { user: String, password: Secret },
    OAuth(Box<OAuthCredential>),
}

/// A signed-in connection: the tokens and everything needed to renew and to revoke them, all of one
/// issuer.
#[derive(Clone)]
pub struct OAuthCredential {
    pub issuer: String,
    pub token_endpoint: String,
    pub revocation_endpoint: Option<String>,
    pub client_id: String,
    pub client_secret: Option<Secret>,
    pub client_auth: ClientAuth,
    /// RFC 7592: to change or remove the registration.
    pub registration_token: Option<Secret>,
    pub registration_uri: Option<String>,
    /// RFC 8707.
    pub resource: Option<String>,
    /// Granted.
    pub scopes: Vec<String>,
    pub requested_scopes: Vec<String>,
    pub access: Secret,
    pub received_at: Time,
    /// When the access token ends.
    pub expires_at: Option<Time>,
    pub refresh: Option<Secret>,
    pub refresh_expires_at: Option<Time>,
    /// What is particular about its authorization server.
    pub manner: Manner,
}

impl Credential {
    /// What may be known of it without opening it.
    #[must_use]
    pub fn about(&self) -> About {
        let auth = match self {
            Self::None => AuthView::None,
            Self::Bearer { .. } => AuthView::Bearer,
            Self::Header { name, .. } => AuthView::Header { name: name.clone() },
            Self::Query { name, .. } => AuthView::Query { name: name.clone() },
            Self::Basic { .. } if self.has_key_as_user() => AuthView::Basic {
                user: String::new(),
            },
            Self::Basic { user, .. } => AuthView::Basic { user: user.clone() },
            Self::OAuth(oauth) => return oauth.about(),
        };
        About {
            auth,
            scopes: Vec::new(),
            revokes_at: None,
            issued_at: None,
            access_ends_at: None,
            renews: false,
            refresh_ends_at: None,
        }
    }

    /// True where the admin gave it by pasting.
    #[must_use]
    pub fn is_key(&self) -> bool {
        match self {
            Self::Bearer { .. } | Self::Header { .. } | Self::Query { .. } | Self::Basic { .. } => {
                true
            }
            Self::None | Self::OAuth(_) => false,
        }
    }

    /// Whether the user name of Basic is the key, as many APIs have it: beside it stands nothing, a letter, or a word
    /// that says so; or it begins as a key does. Then it is shown nowhere.
    #[must_use]
    pub(crate) fn has_key_as_user(&self) -> bool {
        /// What vendors' own pages put there.
        const WORDS: [&str; 4] = ["api_token", "api-token", "random", "unused"];
        const SHORT: usize = 2;
        let Self::Basic { user, password } = self else {
            return false;
        };
        let beside = password.reveal();
        beside.len() <= SHORT
            || WORDS.iter().any(|word| beside.eq_ignore_ascii_case(word))
            || crate::calls::redact::is_secret(user)
    }

    /// The bytes to seal.
    ///
    /// # Errors
    /// `FieldInvalid` (`field` = `credential`) where it is larger than [`LIMIT`].
    pub(crate) fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        // Room for every character escaped (`\u0000`), so that no growth leaves a copy behind.
        let room = self.room().saturating_mul(6).saturating_add(1024);
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        bytes.push(FORM);
        serde_json::to_writer(&mut *bytes, &Out::from(self)).map_err(|_| {
            Error::new(ErrorCode::Internal).with("why", "a credential cannot be written")
        })?;
        debug_assert!(bytes.capacity() == room, "the bytes moved while they grew");
        if bytes.len() > LIMIT {
            return Err(Error::new(ErrorCode::FieldInvalid)
                .with("field", "credential")
                .with("why", "larger than 1 MiB"));
        }
        Ok(bytes)
    }

    /// What [`Credential::to_bytes`] wrote; `None` for anything else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&form, json) = bytes.split_first()?;
        if form != FORM {
            return None;
        }
        serde_json::from_slice::<In>(json)
            .ok()
            .map(In::into_credential)
    }

    /// Bytes of text in it.
    fn room(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Bearer { token } => token.reveal().len(),
            Self::Header { name, value } | Self::Query { name, value } => {
                name.len() + value.reveal().len()
            }
            Self::Basic { user, password } => user.len() + password.reveal().len(),
            Self::OAuth(oauth) => oauth.room(),
        }
    }
}

impl OAuthCredential {
    fn about(&self) -> About {
        let granted = self.scopes.iter().map(|name| (name, true));
        let missing = self
            .requested_scopes
            .iter()
            .filter(|name| !self.scopes.contains(name))
            // Servers answer it with the refresh token and seldom name it (OpenID Connect Core,
            // section 11).
            .filter(|name| !(self.refresh.is_some() && name.as_str() == "offline_access"))
            .map(|name| (name, false));
        About {
            auth: AuthView::OAuth {
                issuer: self.issuer.clone(),
                renews: self.refresh.is_some(),
                ends_at: self.expires_at,
            },
            scopes: granted
                .chain(missing)
                .map(|(name, granted)| ScopeView {
                    name: name.clone(),
                    plain: None,
                    granted,
                    tools: vec![],
                })
                .collect(),
            revokes_at: self.revokes_at(),
            issued_at: Some(self.received_at),
            access_ends_at: self.expires_at,
            renews: self.refresh.is_some(),
            refresh_ends_at: self.refresh_expires_at,
        }
    }

    /// The host that Disconnect revokes at; `None` where there is no way to.
    #[must_use]
    pub fn revokes_at(&self) -> Option<String> {
        use crate::connect::way::Revocation;
        let url = match &self.manner.revocation {
            Revocation::Rfc7009 => url::Url::parse(self.revocation_endpoint.as_deref()?).ok()?,
            Revocation::Bearer { url, .. } | Revocation::InPath { url, .. } => url.clone(),
            Revocation::Nothing => return None,
        };
        url.host_str().map(str::to_owned)
    }

    fn room(&self) -> usize {
        let plain = [&self.issuer, &self.token_endpoint, &self.client_id].into_iter();
        let maybe = [
            &self.revocation_endpoint,
            &self.registration_uri,
            &self.resource,
        ];
        let secret = [&self.client_secret, &self.registration_token, &self.refresh];
        plain
            .chain(maybe.into_iter().flatten())
            .chain(&self.scopes)
            .chain(&self.requested_scopes)
            .map(|text| text.len() + 64)
            .chain(
                secret
                    .into_iter()
                    .flatten()
                    .map(|secret| secret.reveal().len() + 64),
            )
            .sum::<usize>()
            + self.access.reveal().len()
            + serde_json::to_string(&self.manner).map_or(0, |text| text.len())
    }
}

/// The bytes' shape when writing. Borrows, so that no copy is made.
#[derive(Serialize)]
enum Out<'a> {
    None,
    Bearer { token: &'a str },
    Header { name: &'a str, value: &'a str },
    Query { name: &'a str, value: &'a str },
    Basic { user: &'a str, password: &'a str },
    OAuth(Box<OAuthOut<'a>>),
}

#[derive(Serialize)]
struct OAuthOut<'a> {
    issuer: &'a str,
    token_endpoint: &'a str,
    revocation_endpoint: Option<&'a str>,
    client_id: &'a str,
    client_secret: Option<&'a str>,
    client_auth: ClientAuth,
    registration_token: Option<&'a str>,
    registration_uri: Option<&'a str>,
    resource: Option<&'a str>,
    scopes: &'a [String],
    requested_scopes: &'a [String],
    access: &'a str,
    received_at: Time,
    expires_at: Option<Time>,
    refresh: Option<&'a str>,
    refresh_expires_at: Option<Time>,
    manner: &'a Manner,
}

impl<'a> From<&'a Credential> for Out<'a> {
    fn from(credential: &'a Credential) -> Self {
        match credential {
            Credential::None => Self::None,
            Credential::Bearer { token } => Self::Bearer {
                token: token.reveal(),
            },
            Credential::Header { name, value } => Self::Header {
                name,
                value: value.reveal(),
            },
            Credential::Query { name, value } => Self::Query {
                name,
                value: value.reveal(),
            },
            Credential::Basic { user, password } => Self::Basic {
                user,
                password: password.reveal(),
            },
            Credential::OAuth(oauth) => Self::OAuth(Box::new(OAuthOut {
                issuer: &oauth.issuer,
                token_endpoint: &oauth.token_endpoint,
                revocation_endpoint: oauth.revocation_endpoint.as_deref(),
                client_id: &oauth.client_id,
                client_secret: oauth.client_secret.as_ref().map(Secret::reveal),
                client_auth: oauth.client_auth,
                registration_token: oauth.registration_token.as_ref().map(Secret::reveal),
                registration_uri: oauth.registration_uri.as_deref(),
                resource: oauth.resource.as_deref(),
                scopes: &oauth.scopes,
                requested_scopes: &oauth.requested_scopes,
                access: oauth.access.reveal(),
                received_at: oauth.received_at,
                expires_at: oauth.expires_at,
                refresh: oauth.refresh.as_ref().map(Secret::reveal),
                refresh_expires_at: oauth.refresh_expires_at,
                manner: &oauth.manner,
            })),
        }
    }
}

/// A secret text as it is read: wiped also where reading stops half way.
type Text = Zeroizing<String>;

/// The bytes' shape when reading. Externally tagged: serde would buffer the others unwiped.
#[derive(Deserialize)]
enum In {
    None,
    Bearer { token: Text },
    Header { name: String, value: Text },
    Query { name: String, value: Text },
    Basic { user: String, password: Text },
    OAuth(Box<OAuthIn>),
}

#[derive(Deserialize)]
struct OAuthIn {
    issuer: String,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    client_id: String,
    client_secret: Option<Text>,
    client_auth: ClientAuth,
    registration_token: Option<Text>,
    registration_uri: Option<String>,
    resource: Option<String>,
    scopes: Vec<String>,
    requested_scopes: Vec<String>,
    access: Text,
    received_at: Time,
    expires_at: Option<Time>,
    refresh: Option<Text>,
    refresh_expires_at: Option<Time>,
    /// Not there in what was sealed before custom APIs signed in.
    #[serde(default)]
    manner: Manner,
}

/// Moves the text; nothing is copied.
fn secret(mut text: Text) -> Secret {
    Secret::new(std::mem::take(&mut *text))
}

impl In {
    fn into_credential(self) -> Credential {
        match self {
            Self::None => Credential::None,
            Self::Bearer { token } => Credential::Bearer {
                token: secret(token),
            },
            Self::Header { name, value } => Credential::Header {
                name,
                value: secret(value),
            },
            Self::Query { name, value } => Credential::Query {
                name,
                value: secret(value),
            },
            Self::Basic { user, password } => Credential::Basic {
                user,
                password: secret(password),
            },
            Self::OAuth(oauth) => Credential::OAuth(Box::new(OAuthCredential {
                issuer: oauth.issuer,
                token_endpoint: oauth.token_endpoint,
                revocation_endpoint: oauth.revocation_endpoint,
                client_id: oauth.client_id,
                client_secret: oauth.client_secret.map(secret),
                client_auth: oauth.client_auth,
                registration_token: oauth.registration_token.map(secret),
                registration_uri: oauth.registration_uri,
                resource: oauth.resource,
                scopes: oauth.scopes,
                requested_scopes: oauth.requested_scopes,
                access: secret(oauth.access),
                received_at: oauth.received_at,
                expires_at: oauth.expires_at,
                refresh: oauth.refresh.map(secret),
                refresh_expires_at: oauth.refresh_expires_at,
                manner: oauth.manner,
            })),
        }
    }
}

#[cfg(test)]
mod tests;
