//! The ways to give a credential that a document's security schemes name.

use super::refs::{At, resolve};
use crate::http::inert;
use serde_json::Value;
use std::collections::BTreeMap;
use wire::{AuthOffer, Problem, ProblemView};

/// Schemes that are read, at most.
const SCHEMES: usize = 50;
/// Scopes of one scheme that are told, at most.
const SCOPES: usize = 200;

/// Whether an operation asks for a credential: the requirement that holds for it has no way without.
pub(super) fn is_needed(root: &At<'_>, operation: &At<'_>) -> bool {
    operation
        .get("security")
        .or_else(|| root.get("security"))
        .is_some_and(|security| {
            let mut ways = security.items().peekable();
            ways.peek().is_some() && ways.all(|way| way.members().next().is_some())
        })
}

/// What the document offers, the likeliest first; [`AuthOffer::None`] where nothing asks for one.
/// `operations`: each that can be called.
pub(super) fn offers<'a>(
    root: &At<'a>,
    operations: &[At<'a>],
    problems: &mut Vec<ProblemView>,
) -> Vec<AuthOffer> {
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut asks = false;
    let mut two = None;
    let own = operations.iter().filter_map(|each| each.get("security"));
    // The document's own holds for every operation that says nothing: it comes first.
    for (weight, security) in root
        .get("security")
        .map(|security| (operations.len() + 1, security))
        .into_iter()
        .chain(own.map(|security| (1, security)))
    {
        for way in security.items() {
            let schemes: Vec<&str> = way.members().map(|(name, _)| name).collect();
            asks |= !schemes.is_empty();
            if schemes.len() > 1 && two.is_none() {
                two = Some(way.problem(Problem::TwoKeys, &schemes.join(" + ")));
            }
            for name in schemes {
                *used.entry(name).or_default() += weight;
            }
        }
    }
    problems.extend(two);
    let mut names: Vec<(&str, usize)> = used.into_iter().collect();
    let schemes = root
        .get("components")
        .and_then(|parts| parts.get("securitySchemes"));
    // Where either will do, Basic is the way in which a key is easily taken for a person's name.
    let is_basic = |name: &str| {
        let scheme = schemes.as_ref().and_then(|all| all.get(name));
        scheme
            .and_then(|scheme| scheme.text("scheme"))
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
    };
    names.sort_by_key(|(name, uses)| (std::cmp::Reverse(*uses), is_basic(name), *name));
    if !asks {
        // Documents that name their schemes often forget to say that they are needed.
        names = schemes
            .iter()
            .flat_map(At::members)
            .map(|(name, _)| (name, 0))
            .collect();
        names.sort_by_key(|(name, _)| is_basic(name));
    }
    let mut found = vec![];
    for (name, _) in names.into_iter().take(SCHEMES) {
        let scheme = schemes.as_ref().and_then(|all| all.get(name));
        let Some(scheme) = scheme else {
            problems.push(root.problem(Problem::MissingReference, name));
            continue;
        };
        match resolve(root.value, &scheme) {
            Ok(scheme) => match offer(&scheme) {
                Some(offer) if found.contains(&offer) => {}
                Some(offer) => found.push(offer),
                None => problems.push(scheme.problem(Problem::Auth, name)),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if !asks {
        found.push(AuthOffer::None);
    }
    found
}

fn offer(scheme: &At<'_>) -> Option<AuthOffer> {
    let named = |name: Option<&str>| {
        name.map(inert)
            .filter(|name| !name.is_empty() && name.is_ascii())
    };
    match scheme.text("type")? {
        "http" => match scheme.text("scheme")?.to_ascii_lowercase().as_str() {
            "bearer" => Some(AuthOffer::Bearer),
            "basic" => Some(AuthOffer::Basic),
            _ => None,
        },
        "apiKey" => {
            let name = named(scheme.text("name"))?;
            match scheme.text("in")? {
                // Written as an API key, but it is what a bearer token looks like.
                "header" if name.eq_ignore_ascii_case("authorization") => Some(AuthOffer::Bearer),
                "header" => Some(AuthOffer::Header { name }),
                "query" => Some(AuthOffer::Query { name }),
                _ => None,
            }
        }
        "oauth2" => Some(oauth(scheme)),
        "openIdConnect" => Some(AuthOffer::OAuth {
            authorization_url: None,
            token_url: None,
            scopes: vec![],
        }),
        _ => None,
    }
}

/// Only the authorization code flow is told in full: it is the one that a desktop app may use.
fn oauth(scheme: &At<'_>) -> AuthOffer {
    let flow = scheme
        .get("flows")
        .and_then(|flows| flows.get("authorizationCode"));
    let url = |name: &str| {
        flow.as_ref()
            .and_then(|flow| flow.text(name))
            .map(inert)
            .filter(|url| url.starts_with("https://"))
    };
    let scopes = flow
        .as_ref()
        .and_then(|flow| flow.get("scopes"))
        .map(|scopes| {
            scopes
                .members()
                .take(SCOPES)
                .map(|(name, _)| inert(name))
                .collect()
        });
    AuthOffer::OAuth {
        authorization_url: url("authorizationUrl"),
        token_url: url("tokenUrl"),
        scopes: scopes.unwrap_or_default(),
    }
}

/// The headers and query parameters that the document's schemes use: they are the credential's, and
/// no argument may set them. Header names in lower case.
pub(super) fn reserved(root: &Value) -> Vec<(&str, String)> {
    let schemes = root.pointer("/components/securitySchemes");
    let members = schemes.and_then(Value::as_object);
    members
        .into_iter()
        .flat_map(|all| all.values())
        .filter(|scheme| scheme.get("type").and_then(Value::as_str) == Some("apiKey"))
        .filter_map(|scheme| {
            let place = scheme.get("in")?.as_str()?;
            let name = scheme.get("name")?.as_str()?;
            Some(match place {
                "header" => (place, name.to_ascii_lowercase()),
                _ => (place, name.to_owned()),
            })
        })
        .collect()
}
