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
use wire::{ApiAuth, AuthServer, ClientAuth, Error, ErrorCode};

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
    let id = client_id.trim();
    if id.is_empty() && matches!(server, Server::Endpoints(_)) {
        // Only metadata can tell where a client registers itself.
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Client ID"));
    }
    if id.len() > LONGEST_ID || id.chars().any(char::is_control) {
        return Err(invalid("Client ID", "it cannot be one"));
    }
    let secret = client_secret.as_ref().filter(|secret| !secret.is_empty());
    let secret = secret
        .map(|typed| super::secret(typed, "Client secret"))
        .transpose()?;
    match (&secret, client_auth) {
        (None, ClientAuth::Basic | ClientAuth::Post) if !id.is_empty() => {
            return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Client secret"));
        }
        (Some(_), ClientAuth::None) => {
            return Err(invalid(
                "Client secret",
                "a public client has none; choose how it is sent",
            ));
        }
        (Some(_) | None, _) => {}
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
