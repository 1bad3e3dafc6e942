//! A provider's way as a plan.

use super::{Plan, invalid, secret};
use crate::{
    connect::way::{KeyPlace, Service, Way},
    vault::Credential,
};
use url::Url;
use wire::{Error, Kind, SecretInput};

/// Fills the plan with where the way leads, and with the key where it takes one.
pub(super) fn read(plan: &mut Plan, way: &Way, key: &SecretInput) -> Result<(), Error> {
    match way {
        Way::Mcp(mcp) => {
            mcp_server(plan, &mcp.url);
        }
        Way::Key(key_way) => {
            let value = secret(key, "Key")?;
            plan.typed = Some(match &key_way.place {
                KeyPlace::Bearer => Credential::Bearer { token: value },
                KeyPlace::Header { name } => Credential::Header {
                    name: name.clone(),
                    value,
                },
                KeyPlace::Query { name } => Credential::Query {
                    name: name.clone(),
                    value,
                },
                KeyPlace::Basic { user: Some(user) } => Credential::Basic {
                    user: user.clone(),
                    password: value,
                },
                KeyPlace::Basic { user: None } => {
                    return Err(invalid("Key", "this way needs a user name beside it"));
                }
            });
            service(plan, &key_way.service);
        }
        Way::OAuth(oauth) => service(plan, &oauth.service),
    }
    plan.way = Some(Box::new(way.clone()));
    Ok(())
}

fn service(plan: &mut Plan, service: &Service) {
    match service {
        Service::Mcp { url } => mcp_server(plan, url),
        Service::Api { base_url, ping } => {
            plan.kind = Kind::Api;
            plan.url = Some(base_url.clone());
            plan.health_path.clone_from(&ping.path);
        }
    }
}

fn mcp_server(plan: &mut Plan, url: &Url) {
    plan.kind = Kind::Mcp;
    plan.url = Some(url.clone());
}
