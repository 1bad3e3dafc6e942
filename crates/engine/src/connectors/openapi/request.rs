//! A call's arguments as a request: checked against the schema, then written the way the document says.

use super::operation::{BodyKind, Operation, Parameter, Place, Style};
use crate::{
    connectors::{fit, rest::target},
    http::{Limits, Outgoing},
    vault::Credential,
};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use std::borrow::Cow;
use url::Url;
use wire::{Error, ErrorCode};

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Seconds for one call.
const CALL_SECONDS: u64 = 120;

/// The error of an argument that does not fit: `tool`, `argument`, `why`.
fn invalid(operation: &Operation, argument: &str, why: &str) -> Error {
    fit::invalid(&operation.tool.name, argument, why)
}

/// Holds `arguments` to the tool's schema, and gives them as they fit. Errors: `ArgumentsInvalid` with the
/// argument's name; no value is repeated.
pub(super) fn check<'a>(
    operation: &Operation,
    validator: &jsonschema::Validator,
    arguments: &'a Value,
) -> Result<Cow<'a, Value>, Error> {
    fit::fitting(validator, arguments)
        .map_err(|(argument, why)| invalid(operation, &argument, &why))
}

/// The request and its path as it may be shown. `arguments` have passed [`check`].
pub(super) fn build(
    operation: &Operation,
    base: &Url,
    credential: &Credential,
    arguments: &Map<String, Value>,
) -> Result<(Outgoing, Url), Error> {
    let mut path = operation.path.clone();
    let (mut query, mut headers) = (vec![], HeaderMap::new());
    for parameter in &operation.parameters {
        let value = arguments.get(&parameter.argument);
        let bad = |why: &str| invalid(operation, &parameter.argument, why);
        match (parameter.place, value) {
            (Place::Path, None | Some(Value::Null)) => return Err(bad("it is missing")),
            (Place::Query | Place::Header, None | Some(Value::Null)) => {}
            (Place::Path, Some(value)) => {
                let text = in_path(parameter, value).ok_or_else(|| bad(NOT_PLAIN))?;
                if text.is_empty() {
                    return Err(bad("it is empty"));
                }
                path = path.replace(&format!("{{{}}}", parameter.name), &text);
            }
            (Place::Query, Some(value)) => {
                query.extend(in_query(parameter, value).ok_or_else(|| bad(NOT_PLAIN))?);
            }
            (Place::Header, Some(value)) => {
                let text = simple(parameter, value, str::to_owned).ok_or_else(|| bad(NOT_PLAIN))?;
                let value = HeaderValue::from_str(&text)
                    .map_err(|_| bad("it holds a character that no header can carry"))?;
                let name = HeaderName::from_bytes(parameter.name.as_bytes())
                    .map_err(|_| bad("no header can have that name"))?;
                headers.insert(name, value);
            }
        }
    }
    let mut url = target::under(base, &path).map_err(|why| invalid(operation, "", why))?;
    if !query.is_empty() {
        url.set_query(Some(&query.join("&")));
    }
    not_the_credential(operation, credential, &url, &headers)?;
    let accept = "application/json, text/*;q=0.9, */*;q=0.5";
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    let body = body(operation, arguments, &mut headers)?;
    let method = Method::from_bytes(operation.method.as_bytes())
        .map_err(|_| Error::new(ErrorCode::Internal).with("why", "a method that is none"))?;
    let request = Outgoing {
        method,
        headers,
        body,
        limits: Limits {
            seconds: CALL_SECONDS,
            ..Limits::default()
        },
        ..Outgoing::get(url.clone())
    };
    Ok((request, url))
}

const NOT_PLAIN: &str = "it holds lists or objects deeper than its place can carry";

/// An agent cannot put another key in the credential's place.
fn not_the_credential(
    operation: &Operation,
    credential: &Credential,
    url: &Url,
    headers: &HeaderMap,
) -> Result<(), Error> {
    let taken = match credential {
        Credential::Query { name, .. } => url
            .query_pairs()
            .any(|(found, _)| found == name.as_str())
            .then_some(name),
        Credential::Header { name, .. } => headers.contains_key(name).then_some(name),
        Credential::None
        | Credential::Bearer { .. }
        | Credential::Basic { .. }
        | Credential::OAuth(_) => None,
    };
    match taken {
        Some(name) => Err(invalid(operation, name, "it is the credential’s own")),
        None => Ok(()),
    }
}

fn body(
    operation: &Operation,
    arguments: &Map<String, Value>,
    headers: &mut HeaderMap,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(body) = &operation.body else {
        return Ok(None);
    };
    let Some(value) = arguments.get(&body.argument) else {
        return Ok(None);
    };
    let bad = |why: &str| invalid(operation, &body.argument, why);
    let bytes = match &body.kind {
        BodyKind::Json => value.to_string(),
        BodyKind::Text => scalar(value).ok_or_else(|| bad("it is no text"))?,
        BodyKind::Form { deep } => {
            let members = value.as_object().ok_or_else(|| bad("it is no object"))?;
            form(members, deep)
        }
    };
    let media =
        HeaderValue::from_str(&body.media).map_err(|_| bad("its media type cannot be sent"))?;
    headers.insert(header::CONTENT_TYPE, media);
    Ok(Some(bytes.into_bytes()))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Text, number or truth value; `None` of anything else.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// An object's members by name: the order of a JSON object depends on how serde_json was built.
fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

/// An object's names and values in pairs, each as text.
fn pairs(members: &Map<String, Value>) -> Option<Vec<(String, String)>> {
    sorted(members)
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| Some((name.clone(), scalar(value)?)))
        .collect()
}

/// Style `simple`: `a,b` and `k,v` or, exploded, `k=v`.
fn simple(parameter: &Parameter, value: &Value, write: fn(&str) -> String) -> Option<String> {
    if parameter.style == Style::Json {
        return Some(write(&value.to_string()));
    }
    match value {
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            let items: Vec<String> = items?.iter().map(|item| write(item)).collect();
            Some(items.join(","))
        }
        Value::Object(members) => {
            let between = if parameter.explode { "=" } else { "," };
            let members: Vec<String> = pairs(members)?
                .iter()
                .map(|(name, value)| format!("{}{between}{}", write(name), write(value)))
                .collect();
            Some(members.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            scalar(value).map(|text| write(&text))
        }
    }
}

fn in_path(parameter: &Parameter, value: &Value) -> Option<String> {
    let plain = simple(parameter, value, encoded)?;
    let name = encoded(&parameter.name);
    let is_list = value.is_array();
    Some(match (parameter.style, parameter.explode) {
        (Style::Label, true) => format!(".{}", plain.replace(',', ".")),
        (Style::Label, false) => format!(".{plain}"),
        (Style::Matrix, true) if is_list => plain
            .split(',')
            .map(|item| format!(";{name}={item}"))
            .collect(),
        (Style::Matrix, true) if value.is_object() => format!(";{}", plain.replace(',', ";")),
        (Style::Matrix, _) => format!(";{name}={plain}"),
        (
            Style::Simple | Style::Form | Style::Spaces | Style::Pipes | Style::Deep | Style::Json,
            _,
        ) => plain,
    })
}

/// The parts of the query, each `name=value`, encoded.
fn in_query(parameter: &Parameter, value: &Value) -> Option<Vec<String>> {
    let name = encoded(&parameter.name);
    let one = |value: &str| format!("{name}={value}");
    let between = match parameter.style {
        Style::Spaces => "%20",
        Style::Pipes => "%7C",
        Style::Deep => {
            let mut parts = vec![];
            deep(&parameter.name, value, &mut parts);
            return Some(parts);
        }
        Style::Json => return Some(vec![one(&encoded(&value.to_string()))]),
        Style::Form | Style::Simple | Style::Label | Style::Matrix => ",",
    };
    Some(match value {
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            let items: Vec<String> = items?.iter().map(|item| encoded(item)).collect();
            match parameter.explode {
                true => items.iter().map(|item| one(item)).collect(),
                false => vec![one(&items.join(between))],
            }
        }
        Value::Object(members) => {
            let members = pairs(members)?;
            let written = |between: &str| -> Vec<String> {
                members
                    .iter()
                    .map(|(name, value)| format!("{}{between}{}", encoded(name), encoded(value)))
                    .collect()
            };
            match parameter.explode {
                true => written("="),
                false => vec![one(&written(between).join(between))],
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            vec![one(&encoded(&scalar(value)?))]
        }
    })
}

/// Style `deepObject`: `name[member]=value`, and `name[0]` for the items of lists, as servers that
/// take it read it.
fn deep(name: &str, value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (member, value) in sorted(members) {
                deep(&format!("{name}[{member}]"), value, parts);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                deep(&format!("{name}[{index}]"), value, parts);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = scalar(value).unwrap_or_default();
            parts.push(format!("{}={}", encoded(name), encoded(&text)));
        }
    }
}

/// `application/x-www-form-urlencoded`: lists repeat their name, members named in `members_of` are
/// written as [`deep`], any other object as JSON text.
fn form(members: &Map<String, Value>, members_of: &[String]) -> String {
    let mut parts = vec![];
    for (name, value) in sorted(members) {
        if members_of.contains(name) {
            deep(name, value, &mut parts);
            continue;
        }
        let values = match value {
            Value::Array(items) => items.iter().collect(),
            Value::Null => vec![],
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
        };
        for value in values {
            let text = scalar(value).unwrap_or_else(|| value.to_string());
            parts.push(format!("{}={}", encoded(name), encoded(&text)));
        }
    }
    parts.join("&")
}
