//! A document as a whole: which version, which servers, which operations, and what is wrong with it.

use super::{
    auth, names,
    operation::{Around, Found, Operation},
    refs::{At, resolve},
    schema::Dialect,
    text::unreadable,
};
use crate::http::inert;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;
use wire::{AuthOffer, Error, ErrorCode, OperationView, Problem, ProblemView, ServerView};

/// Operations of one document, at most. GitHub's has about a thousand.
pub const MAX_OPERATIONS: usize = 3_000;
/// Bytes of all the tools' schemas together.
const SCHEMA_BYTES: usize = 12 << 20;
/// Problems that are told, at most.
const PROBLEMS: usize = 200;
/// Servers that are told, at most.
const SERVERS: usize = 20;

/// The methods that become tools. OPTIONS and TRACE tell about the connection, not the API.
const METHODS: [(&str, &str); 6] = [
    ("get", "GET"),
    ("head", "HEAD"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
];

/// Last parts of paths that usually tell who is asking, or that all is well.
const LIKELY_PINGS: [&str; 9] = [
    "whoami", "me", "user", "account", "health", "healthz", "ping", "status", "self",
];

/// What was read of a document. All text is inert.
#[derive(Clone, Debug)]
pub struct Document {
    pub title: String,
    pub version: String,
    pub openapi: String,
    pub servers: Vec<ServerView>,
    pub auth: Vec<AuthOffer>,
    pub health_path: Option<String>,
    pub operations: Vec<Operation>,
    pub problems: Vec<ProblemView>,
}

/// Each operation, as it is shown.
#[must_use]
pub fn views(operations: &[Operation]) -> Vec<OperationView> {
    operations
        .iter()
        .map(|operation| OperationView {
            tool: operation.tool.name.clone(),
            title: operation.tool.title.clone(),
            method: operation.method.clone(),
            path: inert(&operation.path),
            risk: operation.tool.risk,
        })
        .collect()
}

/// Reads a document's text. `from`: its own address, which its relative servers are meant against.
///
/// # Errors
/// `DocumentTooLarge`; `DocumentUnreadable` with the place; `DocumentUnsupported`;
/// `DocumentTooMany`; `DocumentEmpty` with the first reason.
pub fn read(text: &str, from: Option<&Url>) -> Result<Document, Error> {
    let value = super::text::parse(text)?;
    let root = At::root(&value);
    let (openapi, dialect) = version(&root)?;
    let found = operations(&root)?;
    let servers = server_views(root.get("servers").as_ref(), from);
    let around = Around {
        root: root.clone(),
        dialect,
        from,
        servers: servers.iter().map(|view| view.url.clone()).collect(),
    };
    let mut problems = vec![];
    let named = named(&found.operations, &mut problems);
    problems.extend(found.problems);
    let (mut read, mut used, mut left) = (vec![], vec![], SCHEMA_BYTES);
    for (each, name) in found.operations.iter().zip(named) {
        match each.read(&name, &around, (&mut left, &mut problems)) {
            Ok(operation) => {
                read.push(operation);
                used.push(each);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if read.is_empty() {
        return Err(empty(problems.first()));
    }
    let places: Vec<At<'_>> = used.iter().map(|each| each.at.clone()).collect();
    let auth = auth::offers(&root, &places, &mut problems);
    let info = root.get("info");
    let about = |name: &str| {
        let text = info.as_ref().and_then(|info| info.text(name));
        inert(text.unwrap_or_default())
    };
    let health_path = health_path(&root, &used);
    problems.truncate(PROBLEMS);
    Ok(Document {
        title: about("title"),
        version: about("version"),
        openapi,
        servers,
        auth,
        health_path,
        operations: read,
        problems,
    })
}

/// The version it says it is in.
fn version(root: &At<'_>) -> Result<(String, Dialect), Error> {
    let unsupported =
        |found: &str| Error::new(ErrorCode::DocumentUnsupported).with("found", inert(found));
    if !root.value.is_object() {
        return Err(unsupported("no document of names and values"));
    }
    if let Some(swagger) = root.value.get("swagger") {
        let told = swagger
            .as_str()
            .map_or_else(|| swagger.to_string(), str::to_owned);
        return Err(unsupported(&format!("Swagger {told}")));
    }
    match root.value.get("openapi") {
        Some(Value::String(told)) if told.starts_with("3.0") => Ok((inert(told), Dialect::V30)),
        Some(Value::String(told)) if told.starts_with("3.1") => Ok((inert(told), Dialect::V31)),
        // `openapi: 3.1` without quotes is a number to YAML.
        Some(Value::Number(told)) if told.to_string() == "3.1" => {
            Ok((told.to_string(), Dialect::V31))
        }
        Some(Value::Number(told)) if matches!(told.to_string().as_str(), "3.0" | "3") => {
            Ok(("3.0".to_owned(), Dialect::V30))
        }
        Some(told) => Err(unsupported(&format!("OpenAPI {told}"))),
        None => Err(unsupported("a document without the member “openapi”")),
    }
}

struct Operations<'a> {
    operations: Vec<Found<'a>>,
    problems: Vec<ProblemView>,
}

/// Every operation of every path, in the order of their paths.
fn operations<'a>(root: &At<'a>) -> Result<Operations<'a>, Error> {
    let mut found = Operations {
        operations: vec![],
        problems: vec![],
    };
    let Some(paths) = root.get("paths") else {
        return Err(Error::new(ErrorCode::DocumentEmpty)
            .with("place", "/paths")
            .with("why", "it names no path"));
    };
    if !paths.value.is_object() {
        return Err(unreadable(&paths.place, "it is no list of paths"));
    }
    let mut count = 0_usize;
    for (path, item) in paths.members().filter(|(path, _)| !path.starts_with("x-")) {
        let item = match resolve(root.value, &item) {
            Ok(item) => item,
            Err(problem) => {
                found.problems.push(problem);
                continue;
            }
        };
        if !path.starts_with('/')
            || path.contains(['?', '#', '\\'])
            || path.chars().any(char::is_control)
        {
            found.problems.push(item.problem(Problem::Unreadable, path));
            continue;
        }
        for (member, method) in METHODS {
            let Some(at) = item.get(member) else { continue };
            count += 1;
            if at.value.is_object() && count <= MAX_OPERATIONS {
                found.operations.push(Found {
                    at,
                    item: item.clone(),
                    method,
                    path,
                });
            } else if found.problems.len() < PROBLEMS {
                found.problems.push(at.problem(Problem::Unreadable, method));
            }
        }
    }
    if count > MAX_OPERATIONS {
        return Err(Error::new(ErrorCode::DocumentTooMany)
            .with("found", count.to_string())
            .with("limit", MAX_OPERATIONS.to_string()));
    }
    Ok(found)
}

/// A name for each, unique.
fn named(found: &[Found<'_>], problems: &mut Vec<ProblemView>) -> Vec<String> {
    let plain: Vec<String> = found.iter().map(Found::plain_name).collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &plain {
        *uses.entry(name).or_default() += 1;
    }
    let mut taken = BTreeSet::new();
    found
        .iter()
        .zip(&plain)
        .map(|(each, name)| {
            let shared = uses.get(name.as_str()).is_some_and(|uses| *uses > 1);
            if shared && let Some(id) = each.at.text("operationId") {
                problems.push(each.at.problem(Problem::DuplicateName, id));
            }
            let mut unique = name.clone();
            // Again and again only where a suffix meets another's name or digest.
            for again in 0_usize.. {
                let whole = again == 0 && !shared;
                if !whole {
                    let path = match again {
                        0 => each.path.to_owned(),
                        again => format!("{}#{again}", each.path),
                    };
                    unique = names::with_suffix(name, each.method, &path);
                }
                let meets_plain = !whole && uses.contains_key(unique.as_str());
                if !meets_plain && taken.insert(unique.clone()) {
                    break;
                }
            }
            unique
        })
        .collect()
}

/// No operation can be used.
fn empty(first: Option<&ProblemView>) -> Error {
    let error = Error::new(ErrorCode::DocumentEmpty);
    match first {
        None => error
            .with("place", "/paths")
            .with("why", "it names no operation"),
        Some(problem) => {
            let key = format!("openapi-problem-{}", problem.problem.as_str());
            let why = words::with(&key, &[("what", &problem.what)]);
            error
                .with("place", problem.place.clone())
                .with("why", inert(why.trim_end_matches('.')))
        }
    }
}

/// The read that proves a credential best: one that asks for it and takes no argument.
fn health_path(root: &At<'_>, found: &[&Found<'_>]) -> Option<String> {
    let is_plain = |each: &&&Found<'_>| {
        let needs = |at: &At<'_>| {
            let list = at.get("parameters");
            list.iter().flat_map(At::items).any(|parameter| {
                resolve(root.value, &parameter)
                    .is_ok_and(|parameter| parameter.flag("required") == Some(true))
            })
        };
        each.method == "GET" && !each.path.contains('{') && !needs(&each.at) && !needs(&each.item)
    };
    found
        .iter()
        .filter(is_plain)
        .min_by_key(|each| {
            let last = each.path.rsplit('/').next().unwrap_or_default();
            let likely = LIKELY_PINGS
                .iter()
                .position(|known| *known == last.to_ascii_lowercase());
            (
                !auth::is_needed(root, &each.at),
                each.at.flag("deprecated") == Some(true),
                likely.unwrap_or(LIKELY_PINGS.len()),
                each.path.len(),
                each.path,
            )
        })
        .map(|each| each.path.to_owned())
}

pub(super) fn server_views(servers: Option<&At<'_>>, from: Option<&Url>) -> Vec<ServerView> {
    let mut views: Vec<ServerView> = servers
        .into_iter()
        .flat_map(At::items)
        .take(SERVERS)
        .filter_map(|server| {
            let template = server.text("url")?;
            let variables = server.get("variables");
            let mut url = template.to_owned();
            for (name, variable) in variables.iter().flat_map(At::members) {
                if let Some(default) = variable.text("default") {
                    url = url.replace(&format!("{{{name}}}"), default);
                }
            }
            let has_variables = template.contains('{');
            Some(server_view(
                &url,
                has_variables,
                server.text("description"),
                from,
            ))
        })
        .collect();
    if views.is_empty() {
        // OpenAPI 3.1.1, "OpenAPI Object": without servers it is `/`.
        views.push(server_view("/", false, None, from));
    }
    views
}

fn server_view(
    url: &str,
    has_variables: bool,
    told: Option<&str>,
    from: Option<&Url>,
) -> ServerView {
    let absolute = match (Url::parse(url), from) {
        (Ok(url), _) => Some(url),
        (Err(_), Some(from)) => from.join(url).ok(),
        (Err(_), None) => None,
    }
    .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let description = told.map(inert).filter(|told| !told.is_empty());
    match absolute {
        Some(mut absolute) => {
            absolute.set_query(None);
            absolute.set_fragment(None);
            ServerView {
                url: inert(absolute.as_str().trim_end_matches('/')),
                complete: !has_variables,
                description,
            }
        }
        None => ServerView {
            url: inert(url),
            complete: false,
            description,
        },
    }
}
