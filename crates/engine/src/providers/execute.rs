//! A manifest's way as the engine goes it: [`crate::connect::way`].
//!
//! Owns: nothing but the translation. Must not know: how it is gone.

use super::{
    Provider,
    manifest::{self, KeyAuth, OAuth, ReturnBy, RevokedBy},
};
use crate::connect::way::{
    Endpoints, Grant, Identity, KeyPlace, KeyWay, McpWay, Method, OAuthWay, Revocation, ScopeStyle,
    Server, Service, TokenQuirks, Way, WayBack,
};
use toml::Spanned;
use url::Url;
use wire::{Error, ErrorCode};

impl Provider {
    /// One of its ways, with the scopes of the chosen bundles.
    ///
    /// # Errors
    /// `FieldInvalid` for a way or a bundle that the manifest does not have; `RelayMissing` where it comes
    /// back by a relay only and the build names none; `Internal` for a way that no check let through.
    pub fn execute(&self, way: &str, bundles: &[String]) -> Result<Way, Error> {
        let known = |id: &String| {
            let mut all = self.manifest.bundles.iter();
            all.any(|bundle| bundle.id.get_ref() == id)
        };
        if let Some(unknown) = bundles.iter().find(|id| !known(id)) {
            return Err(invalid("bundles", unknown));
        }
        let found = self.way(way).ok_or_else(|| invalid("way", way))?;
        let scopes = self.scopes(bundles);
        let made = match found {
            manifest::Way::Mcp(mcp) => Way::Mcp(McpWay {
                url: url(&mcp.url)?,
                back: mcp.port.map_or(WayBack::Loopback, fixed),
                client_auth: None,
                scopes: vec![],
            }),
            manifest::Way::Oauth(oauth) => Way::OAuth(Box::new(self.oauth(oauth, scopes)?)),
            manifest::Way::Device(device) => Way::OAuth(Box::new(OAuthWay {
                server: Server::Endpoints(Box::new(Endpoints {
                    issuer: None,
                    authorization: None,
                    token: url(&device.token_endpoint)?,
                    revocation: None,
                    device_authorization: Some(url(&device.device_authorization_endpoint)?),
                })),
                grant: Grant::Device,
                client_auth: device.client_auth,
                client_id: None,
                scopes,
                scope_style: style(device.scope_separator.as_deref(), None),
                authorize: std::collections::BTreeMap::new(),
                token: self.token(&device.token),
                revocation: Revocation::Nothing,
                identity: self.identity()?,
                service: self.api()?,
            })),
            manifest::Way::Key(key) => Way::Key(Box::new(KeyWay {
                place: {
                    let name = key.name.clone().unwrap_or_default();
                    match key.auth {
                        KeyAuth::Bearer => KeyPlace::Bearer,
                        KeyAuth::Header => KeyPlace::Header { name },
                        KeyAuth::Query => KeyPlace::Query { name },
                        KeyAuth::Basic => KeyPlace::Basic {
                            user: key.user.clone(),
                        },
                    }
                },
                identity: match &key.mcp {
                    // The identity request is the API's.
                    Some(_) => None,
                    None => self.identity()?,
                },
                service: match &key.mcp {
                    Some(mcp) => Service::Mcp { url: url(mcp)? },
                    None => self.api()?,
                },
            })),
        };
        Ok(made)
    }

    fn oauth(&self, oauth: &OAuth, scopes: Vec<String>) -> Result<OAuthWay, Error> {
        let back = self.back(&oauth.return_by)?;
        let mut standard = None;
        let revocation = match &oauth.revocation {
            None => Revocation::Nothing,
            Some(revocation) => {
                let url = url(&revocation.url)?;
                match revocation.by {
                    RevokedBy::Rfc7009 => {
                        standard = Some(url);
                        Revocation::Rfc7009
                    }
                    RevokedBy::Bearer => Revocation::Bearer {
                        method: Method::Post,
                        url,
                    },
                    RevokedBy::DeleteInPath => Revocation::InPath {
                        method: Method::Delete,
                        url,
                    },
                }
            }
        };
        let server = match (&oauth.issuer, &oauth.token_endpoint) {
            (Some(issuer), _) => Server::Issuer {
                issuer: issuer.get_ref().clone(),
            },
            (None, Some(token)) => Server::Endpoints(Box::new(Endpoints {
                issuer: None,
                authorization: oauth.authorization_endpoint.as_ref().map(url).transpose()?,
                token: url(token)?,
                revocation: standard,
                device_authorization: None,
            })),
            (None, None) => return Err(unchecked("no issuer and no token endpoint")),
        };
        Ok(OAuthWay {
            // What an issuer's metadata says about revocation is used where the manifest says nothing.
            revocation: match (&server, &oauth.revocation) {
                (Server::Issuer { .. }, None) => Revocation::Rfc7009,
                (Server::Issuer { .. } | Server::Endpoints(_), _) => revocation,
            },
            server,
            grant: Grant::Code {
                back,
                pkce: oauth.pkce,
            },
            client_auth: oauth.client_auth,
            client_id: None,
            scopes,
            scope_style: style(
                oauth.scope_separator.as_deref(),
                oauth.scope_parameter.as_deref(),
            ),
            authorize: oauth.extra.clone(),
            token: self.token(&oauth.token),
            identity: self.identity()?,
            service: self.api()?,
        })
    }

    /// The first way back that there is.
    fn back(&self, preferred: &[ReturnBy]) -> Result<WayBack, Error> {
        let there = |by: &ReturnBy| match by {
            ReturnBy::Loopback => Some(WayBack::Loopback),
            ReturnBy::DeepLink => Some(WayBack::DeepLink),
            ReturnBy::Port(port) => Some(fixed(*port)),
            ReturnBy::Relay => self.relay.clone().map(|url| WayBack::Relay { url }),
        };
        if preferred.is_empty() {
            return Ok(WayBack::Loopback);
        }
        preferred.iter().find_map(there).ok_or_else(|| {
            let name = crate::http::inert(self.manifest.name.get_ref());
            Error::new(ErrorCode::RelayMissing).with("provider", name)
        })
    }

    /// The manifest's quirks, with the refresh token's life where the vendor documents one.
    fn token(&self, quirks: &TokenQuirks) -> TokenQuirks {
        let days = self.manifest.tokens.as_ref().and_then(|t| t.refresh_days);
        let mut quirks = quirks.clone();
        quirks.refresh_life_seconds = quirks
            .refresh_life_seconds
            .or_else(|| days.map(|days| u64::from(days) * 86_400));
        quirks
    }

    fn identity(&self) -> Result<Option<Identity>, Error> {
        let Some(identity) = &self.manifest.identity else {
            return Ok(None);
        };
        Ok(Some(Identity {
            method: identity.method,
            url: url(&identity.url)?,
            body: identity.body.clone(),
            account: identity.account.clone(),
            label: identity.label.clone(),
        }))
    }

    fn api(&self) -> Result<Service, Error> {
        let api = self.manifest.api.as_ref();
        let api = api.ok_or_else(|| unchecked("no [api]"))?;
        Ok(Service::Api {
            base_url: url(&api.base_url)?,
            ping: api.ping.clone(),
        })
    }
}

fn fixed(port: u16) -> WayBack {
    WayBack::LoopbackFixed {
        port,
        name: crate::connect::way::LoopbackName::Address,
    }
}

fn style(separator: Option<&str>, parameter: Option<&str>) -> ScopeStyle {
    let mut style = ScopeStyle::default();
    if let Some(separator) = separator.and_then(|text| text.chars().next()) {
        style.separator = separator;
    }
    if let Some(parameter) = parameter {
        parameter.clone_into(&mut style.parameter);
    }
    style
}

fn url(text: &Spanned<String>) -> Result<Url, Error> {
    Url::parse(text.get_ref()).map_err(|_| unchecked(text.get_ref()))
}

fn unchecked(what: &str) -> Error {
    Error::new(ErrorCode::Internal).with("why", format!("a manifest was not checked: {what}"))
}

fn invalid(field: &str, id: &str) -> Error {
    Error::new(ErrorCode::FieldInvalid)
        .with("field", field)
        .with("why", format!("there is no {}", crate::http::inert(id)))
}
