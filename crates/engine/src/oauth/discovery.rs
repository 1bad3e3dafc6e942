//! Finding the authorization server of an MCP server: RFC 9728, then RFC 8414 or OpenID Connect.

use super::{challenge::Challenge, said};
use crate::{
    connect::way::Pkce,
    http::{self, Http, Limits, Outgoing, Reach, Redirects},
};
use reqwest::{
    Url,
    header::{ACCEPT, HeaderValue},
};
use serde::{Deserialize, Serialize};
use url::Host;
use wire::{Error, ErrorCode};

/// Authorization servers of one resource that are tried, in the order of its metadata.
const SERVERS_TRIED: usize = 3;
/// Scopes that are taken over from anyone's metadata.
const SCOPES_TAKEN: usize = 200;

/// An authorization server, as its own checked metadata describes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Discovered {
    /// Letter for letter as the metadata says it; what `iss` is compared with.
    pub issuer: String,
    /// `None` where only the device flow is offered.
    pub authorization_endpoint: Option<Url>,
    pub token_endpoint: Url,
    pub registration_endpoint: Option<Url>,
    pub revocation_endpoint: Option<Url>,
    /// RFC 8628 section 4.
    pub device_authorization_endpoint: Option<Url>,
    /// What `resource` must say (RFC 8707); `None` where the server has no such metadata.
    pub resource: Option<String>,
    /// From the challenge, else `scopes_supported` of the resource, and `offline_access` where the
    /// authorization server knows it. Empty: send no scope.
    pub scopes: Vec<String>,
    /// `scopes_supported` of the resource, whatever the challenge named.
    pub offered: Vec<String>,
    /// It promises `iss` in its answers (RFC 9207).
    pub iss_in_response: bool,
    /// How clients may show who they are at the token endpoint; empty where it does not say.
    pub auth_methods: Vec<String>,
    /// It takes a URL as a client id, and reads the client's metadata there (Client ID Metadata
    /// Documents).
    pub takes_client_documents: bool,
}

/// Finds where to sign in for `server`. `challenge` is its `WWW-Authenticate`, where it sent one.
///
/// # Errors
/// `OauthNoMetadata`, `OauthResourceMismatch`, `OauthIssuerMismatch`, `OauthNoPkce`, and those of
/// [`Http::send`].
pub async fn discover(
    http: &Http,
    reach: &Reach,
    server: &Url,
    challenge: Option<&str>,
) -> Result<Discovered, Error> {
    let challenge = challenge.map(Challenge::parse).unwrap_or_default();
    let finder = Finder::new(http, reach, server, Pkce::Required);
    match finder.resource(&challenge).await? {
        Some(resource) => {
            let offered = resource.scopes.clone();
            let scopes = [challenge.scopes, resource.scopes]
                .into_iter()
                .find(|s| !s.is_empty());
            let mut refused = None;
            for issuer in resource.issuers.iter().take(SERVERS_TRIED) {
                match finder.authorization_server(issuer).await {
                    Ok(Some(found)) => {
                        let scopes = scopes.unwrap_or_default();
                        let mut found = found.into_discovered(Some(resource.name), scopes);
                        found.offered = offered;
                        return Ok(found);
                    }
                    Ok(None) => {}
                    Err(error) => refused = refused.or(Some(error)),
                }
            }
            Err(refused.unwrap_or_else(|| finder.no_metadata()))
        }
        // Servers of before June 2025 are their own authorization server.
        None => match finder.authorization_server(&http::origin(server)).await? {
            Some(found) => Ok(found.into_discovered(Some(canonical(server)), challenge.scopes)),
            None => Err(finder.no_metadata()),
        },
    }
}

/// Whether the server has metadata of itself as a protected resource (RFC 9728), which it refused nobody for want of yet.
pub(crate) async fn tells_of_a_sign_in(http: &Http, reach: &Reach, server: &Url) -> bool {
    let finder = Finder::new(http, reach, server, Pkce::Required);
    matches!(finder.resource(&Challenge::default()).await, Ok(Some(_)))
}

/// The authorization server that names itself `issuer`, asked for its own metadata. The scopes are the
/// caller's to choose: none are taken over.
///
/// # Errors
/// `OauthNoMetadata`, `OauthIssuerMismatch`, `OauthNoPkce` (where `pkce` is required), `BadAnswer`, and
/// those of [`Http::send`].
pub async fn discover_issuer(
    http: &Http,
    reach: &Reach,
    issuer: &str,
    pkce: Pkce,
) -> Result<Discovered, Error> {
    let server = Url::parse(issuer)
        .map_err(|_| Error::new(ErrorCode::UrlInvalid).with("url", http::inert(issuer)))?;
    let finder = Finder::new(http, reach, &server, pkce);
    match finder.authorization_server(issuer).await? {
        Some(found) => Ok(found.into_discovered(None, vec![])),
        None => Err(finder.no_metadata()),
    }
}

struct Finder<'a> {
    http: &'a Http,
    reach: &'a Reach,
    server: &'a Url,
    pkce: Pkce,
}

/// What the resource says of itself, after the check that it is the right one.
struct Resource {
    name: String,
    issuers: Vec<String>,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct ResourceMetadata {
    resource: Option<String>,
    #[serde(default)]
    authorization_servers: Option<Vec<String>>,
    #[serde(default)]
    scopes_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ServerMetadata {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    client_id_metadata_document_supported: Option<bool>,
    #[serde(default)]
    scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    response_types_supported: Option<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: Option<bool>,
}

impl<'a> Finder<'a> {
    fn new(http: &'a Http, reach: &'a Reach, server: &'a Url, pkce: Pkce) -> Self {
        Self {
            http,
            reach,
            server,
            pkce,
        }
    }

    fn no_metadata(&self) -> Error {
        Error::new(ErrorCode::OauthNoMetadata).with("host", http::host(self.server))
    }

    /// The resource's metadata: where the challenge says, else (or where that leads nowhere) at the
    /// well-known places. All are checked alike.
    async fn resource(&self, challenge: &Challenge) -> Result<Option<Resource>, Error> {
        let mut places = Vec::new();
        places.extend(
            challenge
                .resource_metadata
                .as_deref()
                .and_then(|text| Url::parse(text).ok()),
        );
        places.extend(well_known(
            self.server,
            "oauth-protected-resource",
            Place::Inserted,
        ));
        places.extend(well_known(
            self.server,
            "oauth-protected-resource",
            Place::Root,
        ));
        let mut trouble = None;
        for (index, place) in places.iter().enumerate() {
            if places[..index].contains(place) {
                continue;
            }
            match self.fetch::<ResourceMetadata>(place).await {
                Ok(Some(metadata)) => return self.checked_resource(metadata).map(Some),
                Ok(None) => {}
                // Many sites send every unknown path to a sign-in page elsewhere.
                Err(error) if error.code == ErrorCode::RedirectRefused => {}
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        // "Could not be asked" is not "has none".
        trouble.map_or(Ok(None), Err)
    }

    fn checked_resource(&self, metadata: ResourceMetadata) -> Result<Resource, Error> {
        let name = metadata.resource.unwrap_or_default();
        if !Url::parse(&name).is_ok_and(|resource| identifies(&resource, self.server)) {
            return Err(Error::new(ErrorCode::OauthResourceMismatch)
                .with("expected", http::inert(&canonical(self.server)))
                .with(
                    "found",
                    if name.is_empty() {
                        "nothing".into()
                    } else {
                        said(&name, &[])
                    },
                ));
        }
        let issuers = metadata.authorization_servers.unwrap_or_default();
        if issuers.is_empty() {
            return Err(self.no_metadata());
        }
        Ok(Resource {
            name,
            issuers,
            scopes: taken(metadata.scopes_supported),
        })
    }

    /// The metadata of `issuer`, at the three places in order; `None` where none of them has any.
    async fn authorization_server(&self, issuer: &str) -> Result<Option<Server>, Error> {
        let bad = |why: &str| {
            Error::new(ErrorCode::BadAnswer)
                .with("host", http::host(self.server))
                .with("why", why)
        };
        let url = Url::parse(issuer)
            .map_err(|_| bad("the address of its authorization server is not one"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("the address of its authorization server has a query"));
        }
        let mut trouble = None;
        let places = [
            well_known(&url, "oauth-authorization-server", Place::Inserted),
            well_known(&url, "openid-configuration", Place::Inserted),
            well_known(&url, "openid-configuration", Place::Appended),
        ];
        for (index, place) in places.iter().enumerate() {
            let Some(place) = place.as_ref().filter(|_| !places[..index].contains(place)) else {
                continue;
            };
            match self.fetch::<ServerMetadata>(place).await {
                Ok(Some(metadata)) => return self.checked_server(metadata, issuer).map(Some),
                Ok(None) => {}
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        trouble.map_or(Ok(None), Err)
    }

    fn checked_server(&self, metadata: ServerMetadata, issuer: &str) -> Result<Server, Error> {
        let found = metadata.issuer.clone().unwrap_or_default();
        // RFC 8414 section 3.3 asks for identity. One difference is let through: the slash of an
        // empty path, which `https://host` and `https://host/` are one address with or without.
        let same = found == issuer || (is_origin(issuer) && bare(&found) == bare(issuer));
        if !same {
            return Err(Error::new(ErrorCode::OauthIssuerMismatch)
                .with("expected", http::inert(issuer))
                .with(
                    "found",
                    if found.is_empty() {
                        "nothing".into()
                    } else {
                        said(&found, &[])
                    },
                ));
        }
        let s256 = |methods: &Vec<String>| methods.iter().any(|method| method == "S256");
        let offers_s256 = metadata
            .code_challenge_methods_supported
            .as_ref()
            .is_some_and(s256);
        if self.pkce == Pkce::Required && !offers_s256 {
            return Err(Error::new(ErrorCode::OauthNoPkce).with("issuer", http::inert(&found)));
        }
        let no_code = |types: &Vec<String>| !types.iter().any(|kind| kind == "code");
        if metadata
            .response_types_supported
            .as_ref()
            .is_some_and(no_code)
        {
            return Err(self.bad_metadata(&found, "it offers no authorization code"));
        }
        let endpoint = |text: &Option<String>, name: &str| match text {
            None => Ok(None),
            Some(text) => self
                .endpoint(text)
                .map(Some)
                .ok_or_else(|| self.bad_metadata(&found, &format!("its {name} cannot be used"))),
        };
        let authorization = endpoint(&metadata.authorization_endpoint, "authorization endpoint")?;
        let token = endpoint(&metadata.token_endpoint, "token endpoint")?;
        let registration = endpoint(&metadata.registration_endpoint, "registration endpoint")?;
        let revocation = endpoint(&metadata.revocation_endpoint, "revocation endpoint")?;
        let device = endpoint(
            &metadata.device_authorization_endpoint,
            "device authorization endpoint",
        )?;
        let (Some(authorization), Some(token)) = (authorization, token) else {
            return Err(self.bad_metadata(&found, "it names no authorization or no token endpoint"));
        };
        Ok(Server {
            metadata,
            issuer: found,
            authorization,
            token,
            registration,
            revocation,
            device,
        })
    }

    fn bad_metadata(&self, issuer: &str, why: &str) -> Error {
        let host =
            Url::parse(issuer).map_or_else(|_| http::host(self.server), |url| http::host(&url));
        Error::new(ErrorCode::BadAnswer)
            .with("host", host)
            .with("why", why)
    }

    /// An endpoint that may be used: https, or http on this computer or a confirmed host.
    fn endpoint(&self, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let safe = match url.scheme() {
            "https" => true,
            "http" => is_loopback(&url) || self.reach.confirms(&http::host(&url)),
            _ => false,
        };
        let plain =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (safe && plain && url.has_host()).then_some(url)
    }

    /// A JSON document; `None` where there is none (any 4xx). Redirects only on the same origin.
    async fn fetch<T: serde::de::DeserializeOwned>(&self, place: &Url) -> Result<Option<T>, Error> {
        let mut get = Outgoing::get(place.clone());
        get.redirects = Redirects::SameOrigin;
        get.limits = Limits::small();
        get.headers
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.http.send(get, self.reach).await?;
        match answer.status {
            // Many servers answer every unknown path with 200 and a page.
            200 => Ok(serde_json::from_slice(&answer.body).ok()),
            400..=428 | 430..=499 => Ok(None),
            status => match http::classify(status, &answer.headers, &http::host(place)) {
                Some(error) => Err(error),
                None => Ok(None),
            },
        }
    }
}

/// An authorization server whose metadata passed.
struct Server {
    metadata: ServerMetadata,
    issuer: String,
    authorization: Url,
    token: Url,
    registration: Option<Url>,
    revocation: Option<Url>,
    device: Option<Url>,
}

impl Server {
    fn into_discovered(self, resource: Option<String>, mut scopes: Vec<String>) -> Discovered {
        let known = taken(self.metadata.scopes_supported);
        let offline = "offline_access";
        if !scopes.is_empty()
            && known.iter().any(|s| s == offline)
            && !scopes.iter().any(|s| s == offline)
        {
            scopes.push(offline.to_owned());
        }
        Discovered {
            issuer: self.issuer,
            authorization_endpoint: Some(self.authorization),
            token_endpoint: self.token,
            registration_endpoint: self.registration,
            revocation_endpoint: self.revocation,
            device_authorization_endpoint: self.device,
            resource,
            scopes,
            offered: vec![],
            iss_in_response: self.metadata.authorization_response_iss_parameter_supported
                == Some(true),
            auth_methods: taken(self.metadata.token_endpoint_auth_methods_supported),
            takes_client_documents: self.metadata.client_id_metadata_document_supported
                == Some(true),
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    /// `/.well-known/name/path` (RFC 8414 section 3.1, RFC 9728 section 3.1).
    Inserted,
    /// `/path/.well-known/name` (OpenID Connect Discovery section 4).
    Appended,
    /// `/.well-known/name`.
    Root,
}

fn well_known(base: &Url, name: &str, place: Place) -> Option<Url> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let path = base.path().trim_end_matches('/');
    url.set_path(&match place {
        Place::Inserted => format!("/.well-known/{name}{path}"),
        Place::Appended => format!("{path}/.well-known/{name}"),
        Place::Root => format!("/.well-known/{name}"),
    });
    Some(url)
}

/// The server's own name as a resource (MCP: the canonical URI, RFC 8707 section 2): without
/// fragment, and without the slash of an empty path.
fn canonical(server: &Url) -> String {
    let mut url = server.clone();
    url.set_fragment(None);
    let text = url.to_string();
    if url.path() == "/" && url.query().is_none() {
        return text.trim_end_matches('/').to_owned();
    }
    text
}

/// Whether metadata of `resource` speaks for `server`: the same origin, and the same path or one
/// above it.
fn identifies(resource: &Url, server: &Url) -> bool {
    let path = resource.path().trim_end_matches('/');
    let under = server
        .path()
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let plain = resource.fragment().is_none()
        && resource.username().is_empty()
        && resource.password().is_none();
    let query = resource.query().is_none() || resource.query() == server.query();
    resource.origin() == server.origin() && resource.has_host() && under && plain && query
}

fn is_origin(issuer: &str) -> bool {
    Url::parse(issuer).is_ok_and(|url| url.path() == "/" && url.query().is_none())
}

/// The other way to write an issuer that is an origin alone: both are one address.
pub(crate) fn other_spelling(issuer: &str) -> Option<String> {
    is_origin(issuer).then(|| match issuer.strip_suffix('/') {
        Some(bare) => bare.to_owned(),
        None => format!("{issuer}/"),
    })
}

fn bare(issuer: &str) -> &str {
    issuer.strip_suffix('/').unwrap_or(issuer)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(v4)) => v4.is_loopback(),
        Some(Host::Ipv6(v6)) => v6.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn taken(list: Option<Vec<String>>) -> Vec<String> {
    let mut list = list.unwrap_or_default();
    list.truncate(SCOPES_TAKEN);
    list
}

#[cfg(test)]
mod tests;
