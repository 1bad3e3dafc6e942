//! What the admin typed, read and checked: a plan, or an error that names the field.

mod api_sign_in;
mod fields;
mod provider;

use crate::{
    Engine,
    connect::way::Way,
    connectors::Config,
    documents::Inspected,
    integrations::{self, Integration},
    secret::Secret,
    vault::Credential,
};
use fields::{header, parameter, path, secret};
use std::sync::Arc;
use url::Url;
use wire::{ApiAuth, AuthView, Error, ErrorCode, Fix, Kind, McpAuth, Reconnect, Target};

/// What an attempt will try.
pub(crate) struct Plan {
    pub kind: Kind,
    /// Typed; else the server's own name, else its host.
    pub name: Option<String>,
    /// The address, but for the sample.
    pub url: Option<Url>,
    pub sample_url: Option<Url>,
    pub health_path: String,
    pub private_hosts: Vec<String>,
    /// The credential as typed; `None`: find out, and sign in where the server asks for it.
    pub typed: Option<Credential>,
    /// The issuer that the integration signed in at before; another one is refused.
    pub issuer: Option<String>,
    /// Scopes held before, asked for again.
    pub scopes: Vec<String>,
    /// Those of them that were granted.
    pub granted: Vec<String>,
    /// A refusal named no scope: everything that the server offers is asked for.
    pub all_offered: bool,
    /// The catalogue's provider that it is of.
    pub provider: Option<String>,
    /// How to connect, where that is written down.
    pub way: Option<Box<Way>>,
    /// The secret of the client that the way brings, as typed.
    pub client_secret: Option<Secret>,
    /// The OpenAPI document that was inspected for it.
    pub document: Option<Arc<Inspected>>,
    /// An OpenAPI document names its tools: that one, or the one of the integration.
    pub described: bool,
    /// When the typed key ends, where the admin knows.
    pub ends_at: Option<wire::Time>,
}

impl Plan {
    /// The host that the admin knows it by.
    pub fn host(&self) -> String {
        self.url
            .as_ref()
            .and_then(Url::host_str)
            .unwrap_or("Sample")
            .to_owned()
    }

    /// What is kept of it, without secrets.
    pub fn config(&self, credential: &Credential) -> Config {
        let url = self.url.as_ref().map(Url::to_string).unwrap_or_default();
        let private_hosts = self.private_hosts.clone();
        match self.kind {
            Kind::Sample => Config::Sample,
            Kind::Mcp => {
                let (issuer, resource) = match credential {
                    Credential::OAuth(oauth) => {
                        (Some(oauth.issuer.clone()), oauth.resource.clone())
                    }
                    Credential::None
                    | Credential::Bearer { .. }
                    | Credential::Header { .. }
                    | Credential::Query { .. }
                    | Credential::Basic { .. } => (None, None),
                };
                Config::Mcp {
                    url,
                    private_hosts,
                    issuer,
                    resource,
                    way: self.way.clone(),
                    guard: crate::connectors::mcp::Guard::default(),
                }
            }
            Kind::Api => Config::Api {
                base_url: url,
                health_path: self.health_path.clone(),
                private_hosts,
                way: self.way.clone(),
                described: self.described,
            },
        }
    }

    /// The address as `Integration::address` tells it.
    pub fn address(&self) -> String {
        match &self.url {
            None => "inside this app".to_owned(),
            Some(url) => {
                let text = url.as_str();
                let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
                rest.trim_end_matches('/').to_owned()
            }
        }
    }

    /// The account, where what was typed tells it.
    pub fn account(&self) -> Option<String> {
        self.typed
            .as_ref()
            .and_then(super::account::told_by)
            .map(|account| account.id)
    }
}

/// Reads a new target.
pub(super) fn read(engine: &Engine, target: &Target) -> Result<Plan, Error> {
    let mut plan = Plan {
        kind: Kind::Sample,
        name: Some("Sample".to_owned()),
        url: None,
        sample_url: None,
        health_path: String::new(),
        private_hosts: vec![],
        typed: None,
        issuer: None,
        scopes: vec![],
        granted: vec![],
        all_offered: false,
        provider: None,
        way: None,
        client_secret: None,
        document: None,
        described: false,
        ends_at: None,
    };
    match target {
        Target::Sample => {}
        Target::Provider {
            provider,
            way,
            bundles,
            key,
            name,
        } => {
            let provider = engine
                .catalogue()
                .get(provider)
                .ok_or_else(|| invalid("Provider", "it is no longer in the catalogue"))?;
            plan.name = Some(if name.trim().is_empty() {
                integrations::checked_name(provider.manifest.name.get_ref())?
            } else {
                integrations::checked_name(name)?
            });
            plan.provider = Some(provider.id().to_owned());
            self::provider::read(&mut plan, &provider.execute(way, bundles)?, key)?;
        }
        Target::Mcp { name, url, auth } => {
            plan.kind = Kind::Mcp;
            plan.name = if name.trim().is_empty() {
                None
            } else {
                Some(integrations::checked_name(name)?)
            };
            let url = address(url, "URL")?;
            let keys: Vec<String> = integrations::address::keys(url.as_str()).collect();
            if !keys.is_empty() {
                let names = crate::http::inert(&keys.join(", "));
                let why = match keys.len() {
                    1 => format!(
                        "it holds a key ({names}): take it out, and give it as “API key in the query”"
                    ),
                    _ => format!(
                        "it holds keys ({names}): only one can be kept safely, as “API key in the query”"
                    ),
                };
                return Err(invalid("URL", &why));
            }
            plan.url = Some(url);
            plan.typed = match auth {
                McpAuth::Discover => None,
                McpAuth::Bearer { token } => Some(Credential::Bearer {
                    token: secret(token, "Token")?,
                }),
                McpAuth::Header { name, value } => Some(Credential::Header {
                    name: header(name)?,
                    value: secret(value, "Value")?,
                }),
                McpAuth::Query { name, value } => Some(Credential::Query {
                    name: parameter(name)?,
                    value: secret(value, "Key")?,
                }),
            };
        }
        Target::Api {
            name,
            base_url,
            auth,
            health_path,
        } => api(&mut plan, (name, base_url, health_path), auth)?,
        Target::OpenApi {
            document,
            name,
            base_url,
            auth,
            health_path,
        } => {
            let document = engine.documents().get(*document)?;
            plan.described = true;
            api(&mut plan, (name, base_url, health_path), auth)?;
            let base = plan.url.as_ref();
            plan.document = base.map(|base| document.under(base.as_str()));
        }
    }
    Ok(plan)
}

/// Reads a custom API: its name, base URL and health path, and how it knows us.
fn api(
    plan: &mut Plan,
    (name, base_url, health_path): (&str, &str, &str),
    auth: &ApiAuth,
) -> Result<(), Error> {
    plan.kind = Kind::Api;
    plan.name = Some(integrations::checked_name(name)?);
    let mut url = address(base_url, "Base URL")?;
    if url.query().is_some() {
        return Err(invalid("Base URL", "it must not hold a query (“?…”)"));
    }
    url.set_fragment(None);
    plan.url = Some(url);
    plan.health_path = path(health_path)?;
    plan.typed = match auth {
        ApiAuth::None => Some(Credential::None),
        ApiAuth::Bearer { token } => Some(Credential::Bearer {
            token: secret(token, "Token")?,
        }),
        ApiAuth::Header { name, value } => Some(Credential::Header {
            name: header(name)?,
            value: secret(value, "Key")?,
        }),
        ApiAuth::Query { name, value } => Some(Credential::Query {
            name: parameter(name)?,
            value: secret(value, "Key")?,
        }),
        ApiAuth::Basic { user, password } => {
            if user.trim().is_empty() {
                return Err(Error::new(ErrorCode::FieldEmpty).with("field", "User name"));
            }
            if user.contains(':') {
                // RFC 7617 section 2: a user-id with a colon is invalid.
                return Err(invalid("User name", "it must not hold a colon"));
            }
            Some(Credential::Basic {
                user: user.trim().to_owned(),
                // Empty where the user name is the key (RFC 7617 section 2 lets it).
                password: if password.is_empty() {
                    Secret::new(String::new())
                } else {
                    secret(password, "Password")?
                },
            })
        }
        ApiAuth::SignIn { .. } => {
            let (way, secret) = api_sign_in::read(auth, plan)?;
            plan.way = Some(Box::new(way));
            plan.client_secret = secret;
            None
        }
    };
    Ok(())
}

/// Reads the plan to reconnect `found`: the same place, a fresh key or a fresh sign-in.
pub(super) fn again(found: &Integration, ask: &Reconnect) -> Result<Plan, Error> {
    let fresh_key = ask.fresh_key.as_ref();
    let fresh = || -> Result<Secret, Error> {
        fresh_key
            .ok_or_else(|| {
                Error::new(ErrorCode::FieldEmpty)
                    .with("field", "Key")
                    .fix(Fix::PasteKey)
            })
            .and_then(|key| secret(key, "Key"))
    };
    let typed = match &found.about.auth {
        AuthView::Bearer if found.kind() == Kind::Sample => None,
        AuthView::Bearer => Some(Credential::Bearer { token: fresh()? }),
        AuthView::Header { name } => Some(Credential::Header {
            name: name.clone(),
            value: fresh()?,
        }),
        AuthView::Query { name } => Some(Credential::Query {
            name: name.clone(),
            value: fresh()?,
        }),
        // The key is the user name: what stands beside it is put back behind this (`keep_what_is_beside`).
        AuthView::Basic { user } if user.is_empty() => {
            let key = fresh()?.reveal().to_owned();
            if key.contains(':') {
                return Err(invalid("Key", "it must not hold a colon"));
            }
            Some(Credential::Basic {
                user: key,
                password: Secret::new(String::new()),
            })
        }
        AuthView::Basic { user } => Some(Credential::Basic {
            user: user.clone(),
            password: fresh()?,
        }),
        // Nothing was asked for, and nothing is to be found out: it is only proved again.
        AuthView::None if found.kind() == Kind::Api && fresh_key.is_none() => {
            Some(Credential::None)
        }
        AuthView::None | AuthView::OAuth { .. } => {
            if fresh_key.is_some() {
                return Err(not_a_key());
            }
            None
        }
    };
    let parsed = |url: &str| address(url, "URL").map(Some);
    let mut way = match &found.config {
        Config::Sample => None,
        Config::Mcp { way, .. } | Config::Api { way, .. } => way.clone(),
    };
    let client_secret = api_sign_in::client_anew(way.as_deref_mut(), ask)?;
    let (url, health_path, private_hosts, issuer) = match &found.config {
        Config::Sample => (None, String::new(), vec![], None),
        Config::Mcp {
            url,
            private_hosts,
            issuer,
            ..
        } => (
            parsed(url)?,
            String::new(),
            private_hosts.clone(),
            issuer.clone(),
        ),
        Config::Api {
            base_url,
            health_path,
            private_hosts,
            ..
        } => (
            parsed(base_url)?,
            health_path.clone(),
            private_hosts.clone(),
            None,
        ),
    };
    Ok(Plan {
        kind: found.kind(),
        name: Some(found.row.name.clone()),
        url,
        sample_url: None,
        health_path,
        private_hosts,
        typed,
        issuer,
        scopes: found
            .about
            .scopes
            .iter()
            .map(|scope| scope.name.clone())
            // And those that a refused tool asked for.
            .chain(found.state.lacks.values().flatten().cloned())
            .collect(),
        granted: {
            let granted = found.about.scopes.iter().filter(|scope| scope.granted);
            granted.map(|scope| scope.name.clone()).collect()
        },
        all_offered: found.state.lacks.values().any(Vec::is_empty),
        provider: found.row.provider.clone(),
        way,
        client_secret,
        document: None,
        described: matches!(
            &found.config,
            Config::Api {
                described: true,
                ..
            }
        ),
        ends_at: None,
    })
}

/// "Not a key" with the way that works.
fn not_a_key() -> Error {
    Error::new(ErrorCode::NotAKey).fix(Fix::Reconnect)
}

fn invalid(field: &str, why: &str) -> Error {
    Error::new(ErrorCode::FieldInvalid)
        .with("field", field)
        .with("why", why)
}

pub(crate) fn address(text: &str, field: &str) -> Result<Url, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", field));
    }
    let bad = || {
        Error::new(ErrorCode::UrlInvalid).with("url", crate::http::inert(&without_secrets(text)))
    };
    let mut url = Url::parse(text).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(bad());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::new(ErrorCode::UrlHasCredentials));
    }
    url.set_fragment(None);
    Ok(url)
}

/// A URL that is refused may still hold a password or a key: neither is repeated.
fn without_secrets(text: &str) -> String {
    let holds_user_info = text.contains('@');
    let text = text.split('?').next().unwrap_or_default();
    match (text.split_once("://"), text.rsplit_once('@')) {
        // What was cut may have been a part of the password.
        (scheme, None) if holds_user_info => {
            scheme.map_or_else(|| "…".to_owned(), |(scheme, _)| format!("{scheme}://…"))
        }
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        (_, None) => text.to_owned(),
    }
}
