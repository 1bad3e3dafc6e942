//! The fields of a custom API that signs in, as a way.

use super::{Plan, address, invalid};
use crate::{
    connect::way::{
        Endpoints, Grant, Method, OAuthWay, Ping, Pkce, Revocation, ScopeStyle, Server, Service,
        TokenQuirks, Way, WayBack,
    },
    secret::Secret,
};
use std::collections::BTreeMap;
use url::Url;
use wire::{ApiAuth, AuthServer, ClientAuth, Error, ErrorCode, Reconnect, SecretInput};

/// Longest client id, in bytes.
const LONGEST_ID: usize = 1_000;

/// The way, and the client's secret where one was typed. Errors: the field that is wrong.
pub(super) fn read(auth: &ApiAuth, plan: &Plan) -> Result<(Way, Option<Secret>), Error> {
    let (
        ApiAuth::SignIn {
            server,
            scopes,
            client_id,
            client_secret,
            client_auth,
        },
        Some(base_url),
    ) = (auth, plan.url.clone())
    else {
        return Err(Error::new(ErrorCode::Internal).with("why", "these fields are no sign-in"));
    };
    let (server, pkce) = read_server(server)?;
    let id = read_id(client_id)?;
    if id.is_empty() && matches!(server, Server::Endpoints(_)) {
        // Only metadata can tell where a client registers itself.
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Client ID"));
    }
    let secret = read_secret(client_secret.as_ref(), *client_auth)?;
    if secret.is_none() && *client_auth != ClientAuth::None && !id.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Client secret"));
    }
    let way = OAuthWay {
        server,
        grant: Grant::Code {
            back: WayBack::Loopback,
            pkce,
        },
        client_auth: *client_auth,
        client_id: Some(id.to_owned()).filter(|id| !id.is_empty()),
        scopes: read_scopes(scopes)?,
        scope_style: ScopeStyle::default(),
        authorize: BTreeMap::new(),
        token: TokenQuirks::default(),
        revocation: Revocation::Rfc7009,
        identity: None,
        service: Service::Api {
            base_url,
            ping: Ping {
                method: Method::Get,
                path: plan.health_path.clone(),
                body: None,
                statuses: BTreeMap::new(),
                verdict: None,
            },
        },
    };
    Ok((Way::OAuth(Box::new(way)), secret))
}

/// On Reconnect: the client as it is to be from now on. Its secret, where one was typed.
pub(super) fn client_anew(way: Option<&mut Way>, ask: &Reconnect) -> Result<Option<Secret>, Error> {
    let id = read_id(&ask.client_id)?;
    let typed = ask.client_secret.as_ref().filter(|typed| !typed.is_empty());
    if id.is_empty() && typed.is_none() {
        return Ok(None);
    }
    match way {
        Some(Way::OAuth(way)) if way.client_id.is_some() => {
            if !id.is_empty() {
                way.client_id = Some(id.to_owned());
            }
            read_secret(typed, way.client_auth)
        }
        _ => Err(invalid("Client ID", "this integration has none of its own")),
    }
}

fn read_id(typed: &str) -> Result<&str, Error> {
    let id = typed.trim();
    if id.len() > LONGEST_ID || id.chars().any(char::is_control) {
        return Err(invalid("Client ID", "it cannot be one"));
    }
    Ok(id)
}

fn read_secret(
    typed: Option<&SecretInput>,
    client_auth: ClientAuth,
) -> Result<Option<Secret>, Error> {
    let typed = typed.filter(|typed| !typed.is_empty());
    let secret = typed.map(|typed| super::secret(typed, "Client secret"));
    if secret.is_some() && client_auth == ClientAuth::None {
        let why = "a public client has none; choose how it is sent";
        return Err(invalid("Client secret", why));
    }
    secret.transpose()
}

/// PKCE is always sent. Where metadata can say whether the server looks at it, it must: RFC 9700
/// section 2.1.1.
fn read_server(server: &AuthServer) -> Result<(Server, Pkce), Error> {
    match server {
        AuthServer::Issuer { issuer } => {
            // Letter for letter: it is compared with what the metadata say (RFC 8414 section 3.3).
            let url = server_url(issuer, "Issuer")?;
            if url.query().is_some() {
                return Err(invalid("Issuer", "it must not hold a query (“?…”)"));
            }
            let issuer = issuer.trim().to_owned();
            Ok((Server::Issuer { issuer }, Pkce::Required))
        }
        AuthServer::Endpoints {
            authorization_url,
            token_url,
            revocation_url,
        } => {
            let revocation: Option<Url> = if revocation_url.trim().is_empty() {
                None
            } else {
                Some(server_url(revocation_url, "Revocation URL")?)
            };
            let endpoints = Endpoints {
                issuer: None,
                authorization: Some(server_url(authorization_url, "Authorization URL")?),
                token: server_url(token_url, "Token URL")?,
                revocation,
                device_authorization: None,
            };
            Ok((Server::Endpoints(Box::new(endpoints)), Pkce::Sent))
        }
    }
}

/// An address whose error names the field: there are several in this form.
fn server_url(text: &str, field: &str) -> Result<Url, Error> {
    address(text, field).map_err(|error| match error.code {
        ErrorCode::UrlInvalid => invalid(field, "it is not an address that begins with https://"),
        ErrorCode::UrlHasCredentials => invalid(field, "it must not hold a user name or password"),
        _ => error,
    })
}

/// RFC 6749 section 3.3: visible ASCII without quote and backslash, separated by spaces.
fn read_scopes(text: &str) -> Result<Vec<String>, Error> {
    let mut scopes: Vec<String> = vec![];
    for scope in text.split_whitespace() {
        let fits = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        if !scope.chars().all(fits) {
            return Err(invalid(
                "Scopes",
                "a scope holds visible ASCII characters only",
            ));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}
