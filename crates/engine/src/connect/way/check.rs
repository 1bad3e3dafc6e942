//! What no way may be, wherever it comes from.

use super::{
    Endpoints, Grant, Identity, KeyPlace, OAuthWay, Revocation, Server, Service, Way, WayBack,
};
use crate::{connectors, secret::Secret, vault::Credential};
use url::{Host, Url};

/// Parameters that the sign-in itself sets (RFC 6749, RFC 7636, RFC 8707).
const OWN_PARAMETERS: [&str; 9] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "scope",
];

impl Way {
    /// Refuses what would not be safe or cannot work: addresses that are not https on a public name
    /// (http is let through on loopback alone, for servers on this computer), parameters that the
    /// sign-in sets itself, an endpoint that is missing. Errors: the field and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        match self {
            Self::Mcp(way) => {
                safe("url", &way.url)?;
                match way.back {
                    WayBack::Loopback | WayBack::LoopbackFixed { .. } => Ok(()),
                    WayBack::DeepLink | WayBack::Relay { .. } => Err((
                        "back",
                        "the way back from an MCP server’s sign-in is loopback".to_owned(),
                    )),
                }
            }
            Self::OAuth(way) => way.check(),
            Self::Key(way) => {
                service(&way.service)?;
                identity(way.identity.as_ref())?;
                place(&way.place)
            }
        }
    }
}

/// Whether a request can carry a key there.
fn place(place: &KeyPlace) -> Result<(), (&'static str, String)> {
    let key = || Secret::new("key");
    let carried = match place {
        KeyPlace::Bearer => return Ok(()),
        KeyPlace::Query { name } if name.is_empty() => {
            return Err(("place", "it has no name".to_owned()));
        }
        KeyPlace::Query { .. } => return Ok(()),
        KeyPlace::Header { name } => Credential::Header {
            name: name.clone(),
            value: key(),
        },
        KeyPlace::Basic { user: Some(user) } => Credential::Basic {
            user: user.clone(),
            password: key(),
        },
        KeyPlace::Basic { user: None } => {
            return Err(("place", "it needs a user name".to_owned()));
        }
    };
    connectors::check_credential(&carried).map_err(|error| {
        let why = error.args.get("why").cloned();
        ("place", why.unwrap_or_default())
    })
}

impl OAuthWay {
    fn check(&self) -> Result<(), (&'static str, String)> {
        match &self.server {
            Server::Issuer { issuer } => {
                let url = Url::parse(issuer).map_err(|_| ("issuer", "it is not a URL".into()))?;
                safe("issuer", &url)?;
            }
            Server::Endpoints(endpoints) => self.endpoints(endpoints)?,
        }
        if let Grant::Code {
            back: WayBack::Relay { url },
            ..
        } = &self.grant
        {
            safe("relay", url)?;
        }
        for name in self.authorize.keys() {
            if OWN_PARAMETERS.contains(&name.as_str()) || *name == self.scope_style.parameter {
                return Err(("authorize", format!("{name} is set by the sign-in itself")));
            }
        }
        match &self.revocation {
            Revocation::Bearer { url, .. } | Revocation::InPath { url, .. } => {
                safe("revocation", url)?;
            }
            Revocation::Rfc7009 | Revocation::Nothing => {}
        }
        service(&self.service)?;
        identity(self.identity.as_ref())
    }

    fn endpoints(&self, endpoints: &Endpoints) -> Result<(), (&'static str, String)> {
        safe("token", &endpoints.token)?;
        for (name, url) in [
            ("authorization", &endpoints.authorization),
            ("revocation", &endpoints.revocation),
            ("device_authorization", &endpoints.device_authorization),
        ] {
            if let Some(url) = url {
                safe(name, url)?;
            }
        }
        match &self.grant {
            Grant::Code { .. } if endpoints.authorization.is_none() => {
                Err(("authorization", "it is missing".to_owned()))
            }
            Grant::Device if endpoints.device_authorization.is_none() => {
                Err(("device_authorization", "it is missing".to_owned()))
            }
            Grant::Code { .. } | Grant::Device => Ok(()),
        }
    }
}

fn service(service: &Service) -> Result<(), (&'static str, String)> {
    safe("url", service.url())?;
    let Service::Api { ping, .. } = service else {
        return Ok(());
    };
    let below = ping.path.is_empty() || ping.path.starts_with('/') && !ping.path.starts_with("//");
    if below {
        Ok(())
    } else {
        Err(("ping", "its path must begin with one slash".to_owned()))
    }
}

/// What the identity request says of the account.
fn identity(found: Option<&Identity>) -> Result<(), (&'static str, String)> {
    let Some(found) = found else {
        return Ok(());
    };
    safe("identity", &found.url)?;
    for pointer in [Some(&found.account), found.label.as_ref()]
        .into_iter()
        .flatten()
    {
        if !pointer.starts_with('/') {
            return Err(("identity", format!("{pointer} is no JSON pointer")));
        }
    }
    Ok(())
}

fn safe(field: &'static str, url: &Url) -> Result<(), (&'static str, String)> {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err((field, "it has no host".to_owned())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err((field, "it holds a user name or password".to_owned()));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err((field, "http is for this computer alone".to_owned())),
        other => Err((field, format!("{other} is not https"))),
    }
}

#[cfg(test)]
mod tests;
