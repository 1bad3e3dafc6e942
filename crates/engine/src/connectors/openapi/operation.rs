//! One operation of a document: the tool it becomes, and how a call of it is put on the wire.

use super::{
    arguments::{Arguments, described, usable},
    auth,
    document::server_views,
    names,
    refs::{At, resolve},
    schema::{self, Dialect},
};
use crate::connectors::Tool;
use crate::connectors::{method, sent};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;
use wire::{Problem, ProblemView};

/// Bytes of schema of one tool: more than that helps no agent.
const SCHEMA_BYTES: usize = 48 << 10;
/// Characters of a description.
const DESCRIPTION: usize = 4_000;
/// Ignored as parameters (OpenAPI 3.1.1, "Parameter Object", `name`).
const IGNORED: [&str; 3] = ["accept", "content-type", "authorization"];

/// One operation that can be called. Kept in the store as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub tool: Tool,
    /// Upper case.
    pub method: String,
    /// The template: `/pets/{petId}`.
    pub path: String,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    /// The base URLs that it is under, without a slash at their end; none: under any. Known until it is
    /// chosen which one is meant.
    #[serde(skip)]
    pub(super) only_under: Vec<String>,
}

impl Operation {
    /// Whether it can be called under that base URL, for which the credential is.
    #[must_use]
    pub fn is_under(&self, base: &str) -> bool {
        let base = base.trim_end_matches('/');
        self.only_under.is_empty() || self.only_under.iter().any(|only| only == base)
    }
}

/// Where an argument goes that is no body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The argument's name; the parameter's own but where models would not take that, or it is taken.
    pub argument: String,
    pub name: String,
    pub place: Place,
    pub style: Style,
    pub explode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Path,
    Query,
    Header,
}

/// How a value that is no plain text is written (OpenAPI 3.1.1, "Style Values").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    Simple,
    Label,
    Matrix,
    Form,
    Spaces,
    Pipes,
    Deep,
    /// `content: application/json`: the value as JSON text.
    Json,
}

/// The argument that is the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub argument: String,
    /// As `Content-Type` says it.
    pub media: String,
    pub kind: BodyKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyKind {
    Json,
    Text,
    /// `application/x-www-form-urlencoded`. `deep`: members whose own members are `name[member]`.
    Form {
        deep: Vec<String>,
    },
}

/// Where an operation stands.
pub(super) struct Found<'a> {
    pub at: At<'a>,
    /// The path item it is of, whose parameters it shares.
    pub item: At<'a>,
    pub method: &'static str,
    pub path: &'a str,
}

/// What all operations of a document share.
pub(super) struct Around<'a> {
    pub root: At<'a>,
    pub dialect: Dialect,
    /// The document's own address.
    pub from: Option<&'a Url>,
    /// The URLs of its servers.
    pub servers: Vec<String>,
}

impl<'a> Found<'a> {
    pub fn plain_name(&self) -> String {
        names::name(self.at.text("operationId"), self.method, self.path)
    }

    /// Reads it as the tool `name`. `budget`: bytes of schema that the document may still bring.
    /// Errors: why it is left out. Problems that leave it usable are pushed.
    pub fn read(
        &self,
        name: &str,
        around: &Around<'a>,
        (budget, problems): (&mut usize, &mut Vec<ProblemView>),
    ) -> Result<Operation, ProblemView> {
        let only_under = self.only_under(around, problems)?;
        let most = SCHEMA_BYTES.min(*budget);
        let mut reader = schema::Reader::new(around.root.value, around.dialect, most);
        let mut arguments = Arguments::default();
        let parameters = self.parameters(around, &mut reader, &mut arguments)?;
        self.path_is_told(&parameters)?;
        let body = self.body(around, &mut reader, &mut arguments)?;
        *budget -= most - reader.left();
        problems.append(&mut arguments.aside);
        let mut schema = arguments.schema();
        let checked = usable(&schema);
        if reader.too_large || !checked.whole {
            problems.push(self.at.problem(Problem::Schema, name));
        }
        if let Some(replaced) = checked.instead {
            schema = replaced;
        }
        let told = self.told(name, schema);
        let mut tool = Tool::read(&told, "document")
            .map_err(|error| self.at.problem(Problem::Unreadable, &error.to_string()))?;
        let operation = Operation {
            method: self.method.to_owned(),
            path: self.path.to_owned(),
            parameters,
            body,
            tool: tool.clone(),
            only_under,
        };
        tool.hash = hash(&operation);
        tool.told = None;
        Ok(Operation { tool, ..operation })
    }

    /// The tool as an MCP server would tell it.
    fn told(&self, name: &str, schema: Value) -> Value {
        let title = self.at.text("summary").unwrap_or_default();
        let mut description: String = self
            .at
            .text("description")
            .unwrap_or(title)
            .chars()
            .take(DESCRIPTION)
            .collect();
        if self.at.flag("deprecated") == Some(true) {
            description = format!("Deprecated. {description}");
        }
        if !description.is_empty() {
            description.push_str("\n\n");
        }
        description.push_str(&format!("{} {}", self.method, self.path));
        json!({
            "name": name,
            "title": title,
            "description": description,
            "inputSchema": schema,
            "annotations": {
                "readOnlyHint": matches!(self.method, "GET" | "HEAD"),
                "destructiveHint": self.method == "DELETE",
                "openWorldHint": true
            }
        })
    }

    /// The servers of its own, where it is not at all of the document's: the credential is for the base
    /// URL, which is one of those.
    fn only_under(
        &self,
        around: &Around<'a>,
        problems: &mut Vec<ProblemView>,
    ) -> Result<Vec<String>, ProblemView> {
        let own = self.at.get("servers").or_else(|| self.item.get("servers"));
        let Some(own) = own.filter(|own| own.items().next().is_some()) else {
            return Ok(vec![]);
        };
        let urls = server_views(Some(&own), around.from);
        let urls: Vec<String> = urls.into_iter().map(|view| view.url).collect();
        if around.servers.iter().all(|url| urls.contains(url)) {
            return Ok(vec![]);
        }
        let problem = own.problem(Problem::OtherServer, &urls.join(", "));
        if !around.servers.iter().any(|url| urls.contains(url)) {
            return Err(problem);
        }
        problems.push(problem);
        Ok(urls)
    }

    /// Its parameters and its path's, its own in the place of those with the same name and place.
    fn parameters(
        &self,
        around: &Around<'a>,
        reader: &mut schema::Reader<'a>,
        arguments: &mut Arguments,
    ) -> Result<Vec<Parameter>, ProblemView> {
        let root = around.root.value;
        let mut all: Vec<At<'a>> = vec![];
        for list in [self.item.get("parameters"), self.at.get("parameters")] {
            for each in list.iter().flat_map(At::items) {
                let each = resolve(root, &each)?;
                let key = |at: &At<'a>| (at.text("name"), at.text("in"));
                all.retain(|known| key(known) != key(&each));
                all.push(each);
            }
        }
        let reserved = auth::reserved(root);
        let mut parameters = vec![];
        for at in all {
            let (Some(name), Some(place)) = (at.text("name"), at.text("in")) else {
                return Err(at.problem(Problem::Unreadable, "a parameter without name or place"));
            };
            let required = at.flag("required") == Some(true);
            let Some(place) = usable_place(name, place, &reserved) else {
                let is_credential = IGNORED.contains(&name.to_ascii_lowercase().as_str())
                    || reserved
                        .iter()
                        .any(|(_, key)| key.eq_ignore_ascii_case(name));
                if is_credential {
                    continue;
                }
                if required {
                    return Err(at.problem(Problem::Parameter, name));
                }
                let what = format!("{place} {name}");
                arguments.aside.push(at.problem(Problem::Optional, &what));
                continue;
            };
            let (style, explode) = style(&at, place)
                .ok_or_else(|| at.problem(Problem::Unreadable, &format!("the style of {name}")))?;
            let schema = match value_schema(root, &at)? {
                Some(schema) => reader.read(&schema)?,
                None => json!({}),
            };
            let needed = required || place == Place::Path;
            let argument = arguments.add(name, described(schema, at.text("description")), needed);
            parameters.push(Parameter {
                argument,
                name: name.to_owned(),
                place,
                style,
                explode,
            });
        }
        Ok(parameters)
    }

    /// Each `{name}` in the path is a parameter, and each path parameter is in the path.
    fn path_is_told(&self, parameters: &[Parameter]) -> Result<(), ProblemView> {
        let mut rest = self.path;
        while let Some((_, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| self.at.problem(Problem::Unreadable, self.path))?;
            let known = |p: &Parameter| p.place == Place::Path && p.name == name;
            if !parameters.iter().any(known) {
                return Err(self.at.problem(Problem::Unreadable, self.path));
            }
            rest = after;
        }
        Ok(())
    }

    fn body(
        &self,
        around: &Around<'a>,
        reader: &mut schema::Reader<'a>,
        arguments: &mut Arguments,
    ) -> Result<Option<Body>, ProblemView> {
        let root = around.root.value;
        let Some(body) = self.at.get("requestBody") else {
            return Ok(None);
        };
        let body = resolve(root, &body)?;
        let required = body.flag("required") == Some(true);
        if matches!(self.method, "GET" | "HEAD") {
            // It has no meaning there (RFC 9110 section 9.3.1), and proxies drop it.
            let what = format!("part of a {} request", self.method);
            return unsent(&body, (required, &what), arguments);
        }
        let content = body.get("content");
        let mut medias: Vec<(u8, &str, At<'a>)> = content
            .iter()
            .flat_map(At::members)
            .filter_map(|(media, at)| rank(media).map(|rank| (rank, media, at)))
            .collect();
        medias.sort_by_key(|(rank, _, _)| *rank);
        let Some((_, media, at)) = medias.into_iter().next() else {
            let offered: Vec<&str> = content.iter().flat_map(At::members).map(|m| m.0).collect();
            if offered.is_empty() && !required {
                return Ok(None);
            }
            return unsent(&body, (required, &offered.join(", ")), arguments);
        };
        let plain = media.split(';').next().unwrap_or_default().trim();
        let kind = match plain {
            "application/x-www-form-urlencoded" => BodyKind::Form { deep: deep(&at) },
            text if text.starts_with("text/") => BodyKind::Text,
            _ => BodyKind::Json,
        };
        let schema = match (&kind, at.get("schema")) {
            (BodyKind::Text, _) => json!({ "type": "string" }),
            (_, Some(schema)) => reader.read(&schema)?,
            (BodyKind::Form { .. }, None) => json!({ "type": "object" }),
            (BodyKind::Json, None) => json!({}),
        };
        let schema = described(schema, body.text("description"));
        let media = if plain == "*/*" || plain == "application/*" {
            "application/json"
        } else {
            plain
        };
        Ok(Some(Body {
            argument: arguments.add("body", schema, required),
            media: media.to_owned(),
            kind,
        }))
    }
}

/// A body that the app does not send: the operation is left out, or does without.
fn unsent(
    body: &At<'_>,
    (required, what): (bool, &str),
    arguments: &mut Arguments,
) -> Result<Option<Body>, ProblemView> {
    if required {
        return Err(body.problem(Problem::Body, what));
    }
    let what = format!("body ({what})");
    arguments.aside.push(body.problem(Problem::Optional, &what));
    Ok(None)
}

/// Which of the offered media types is used: JSON, else a form, else text.
fn rank(media: &str) -> Option<u8> {
    let plain = media.split(';').next().unwrap_or_default().trim();
    if !plain.is_ascii() || plain.chars().any(char::is_control) {
        return None;
    }
    match plain {
        "application/json" => Some(0),
        json if json.ends_with("+json") && !json.contains('*') => Some(1),
        "application/x-www-form-urlencoded" => Some(2),
        "*/*" | "application/*" => Some(3),
        "text/plain" => Some(4),
        text if text.starts_with("text/") && !text.contains('*') => Some(5),
        _ => None,
    }
}

/// The members of a form that `encoding` gives the style `deepObject`.
fn deep(media: &At<'_>) -> Vec<String> {
    let encoding = media.get("encoding");
    encoding
        .iter()
        .flat_map(At::members)
        .filter(|(_, how)| how.text("style") == Some("deepObject"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The place, where an argument may go there: no cookie, nothing that is the credential's or the
/// connection's, nothing that changes what the method means.
fn usable_place(name: &str, place: &str, reserved: &[(&str, String)]) -> Option<Place> {
    let lower = name.to_ascii_lowercase();
    match place {
        "path" => Some(Place::Path),
        "query" => {
            let taken = method::is_method(&lower)
                || reserved
                    .iter()
                    .any(|(at, key)| *at == "query" && key == name);
            (!taken).then_some(Place::Query)
        }
        "header" => {
            let taken = IGNORED.contains(&lower.as_str())
                || method::is_method(&lower)
                || sent::is_reserved(&lower)
                || ::http::HeaderName::from_bytes(lower.as_bytes()).is_err()
                || reserved
                    .iter()
                    .any(|(at, key)| *at == "header" && *key == lower);
            (!taken).then_some(Place::Header)
        }
        _ => None,
    }
}

/// The schema of a parameter's value: its own, or that of its one `content`.
fn value_schema<'a>(root: &'a Value, at: &At<'a>) -> Result<Option<At<'a>>, ProblemView> {
    if let Some(schema) = at.get("schema") {
        return Ok(Some(schema));
    }
    match at
        .get("content")
        .and_then(|content| content.members().next())
    {
        Some((_, media)) => Ok(resolve(root, &media)?.get("schema")),
        None => Ok(None),
    }
}

/// Style and explode, with their defaults for each place.
fn style(at: &At<'_>, place: Place) -> Option<(Style, bool)> {
    if at.get("schema").is_none() && at.get("content").is_some() {
        return Some((Style::Json, false));
    }
    let style = match (at.text("style"), place) {
        (None | Some("simple"), Place::Path | Place::Header) => Style::Simple,
        (Some("label"), Place::Path) => Style::Label,
        (Some("matrix"), Place::Path) => Style::Matrix,
        (None | Some("form"), Place::Query) => Style::Form,
        (Some("spaceDelimited"), Place::Query) => Style::Spaces,
        (Some("pipeDelimited"), Place::Query) => Style::Pipes,
        (Some("deepObject"), Place::Query) => Style::Deep,
        _ => return None,
    };
    Some((style, at.flag("explode").unwrap_or(style == Style::Form)))
}

/// Pins the tool: what is told about it, and how a call of it is sent.
fn hash(operation: &Operation) -> String {
    use std::fmt::Write as _;
    let how = json!([
        operation.tool.hash,
        operation.method,
        operation.path,
        operation.parameters,
        operation.body
    ]);
    Sha256::digest(how.to_string().as_bytes()).iter().fold(
        String::with_capacity(64),
        |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        },
    )
}
