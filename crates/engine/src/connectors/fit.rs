//! Whether arguments fit a tool's schema, where servers choose the schema.
//!
//! Owns: validators that fetch nothing and end, what is said of an argument that does not fit, and which
//! schemas are left to their server. Must not know: whose tool it is, or who calls.

mod work;

use crate::http::inert;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use wire::{Error, ErrorCode};
use work::Work;

/// Steps of a pattern's search, at most.
const PATTERN_STEPS: usize = 100_000;
/// Bytes of a compiled pattern, at most.
const PATTERN_BYTES: usize = 1024 * 1024;
/// Bytes of the schemas whose validators are kept; when there are more, all are made anew.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
/// The stack for what recurses as deep as a schema goes, or refers.
const STACK: usize = 64 * 1024 * 1024;

/// How arguments and a schema go together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Fits,
    /// The argument, as `filter.since`, empty for the arguments as a whole; and why it does not. No value
    /// is repeated.
    Misfit(String, String),
    /// No validator can be made of the schema, or it would take too long: its server judges.
    Unchecked,
}

/// A schema that can be held against arguments.
pub(crate) struct Schema {
    validator: Validator,
    work: Work,
}

impl Schema {
    /// `None`: no validator can be made of it. Only what it holds itself is followed.
    pub fn read(text: &str) -> Option<Self> {
        apart(|| {
            let schema: Value = serde_json::from_str(text).ok()?;
            if has_addresses_within(&schema, text) {
                return None;
            }
            let work = Work::of(&schema)?;
            // A server's own dialect, where it names one.
            let validator = options().build(&schema).ok()?;
            Some(Self { validator, work })
        })?
    }

    pub fn check(&self, arguments: &Value) -> Fit {
        if !self.work.is_little(arguments) {
            return Fit::Unchecked;
        }
        match fitting(&self.validator, arguments) {
            Ok(_) => Fit::Fits,
            Err((argument, why)) => Fit::Misfit(argument, why),
        }
    }
}

/// Looks through a server's schema on a stack of its own. `None`: it panicked, which is nobody else's panic.
pub fn apart<T: Send>(look: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, look)
            .ok()?
            .join()
            .ok()
    })
}

/// Whether this is a schema of the newest dialect (draft 2020-12). Where its references lead is not looked at.
#[must_use]
pub fn is_schema(schema: &Value) -> bool {
    jsonschema::draft202012::meta::is_valid(schema)
}

/// Whether this is a pattern that ends, as a schema has them.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    validator(&serde_json::json!({ "pattern": text })).is_ok()
}

/// The arguments as they fit: without those that are null, where only these are in the way. Clients may
/// say null for what they leave out (MCP 2026-07-28, headers from tool parameters).
///
/// Errors: the first that does not fit, as of [`misfit`].
pub(crate) fn fitting<'a>(
    validator: &Validator,
    arguments: &'a Value,
) -> Result<Cow<'a, Value>, (String, String)> {
    let Some(found) = misfit(validator, arguments) else {
        return Ok(Cow::Borrowed(arguments));
    };
    without_nulls(arguments)
        .filter(|fewer| misfit(validator, fewer).is_none())
        .map(Cow::Owned)
        .ok_or(found)
}

/// The same without the arguments that are null, where any is.
fn without_nulls(arguments: &Value) -> Option<Value> {
    let mut fewer = arguments.as_object()?.clone();
    let before = fewer.len();
    fewer.retain(|_, value| !value.is_null());
    (fewer.len() < before).then_some(Value::Object(fewer))
}

/// The schemas of tools that were called in this run, by the hash of the text.
#[derive(Default)]
pub(crate) struct Schemas(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    bytes: usize,
    /// `None`: no validator can be made of it.
    of: HashMap<String, Option<Arc<Schema>>>,
}

impl Schemas {
    /// Holds arguments against a tool's schema. `hash`: the tool's, which its schema is a part of.
    pub async fn check(&self, hash: &str, text: &str, arguments: &Value) -> Fit {
        let known = self.kept().of.get(hash).cloned();
        let schema = match known {
            Some(known) => known,
            None => self.make(hash, text).await,
        };
        schema.map_or(Fit::Unchecked, |schema| schema.check(arguments))
    }

    async fn make(&self, hash: &str, text: &str) -> Option<Arc<Schema>> {
        let own = text.to_owned();
        let made = tokio::task::spawn_blocking(move || Schema::read(&own)).await;
        let made = made.ok().flatten().map(Arc::new);
        let mut kept = self.kept();
        if kept.bytes + text.len() > KEPT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += text.len();
        kept.of.insert(hash.to_owned(), made.clone());
        made
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether parts of it may have addresses of their own, by which its references would mean something else
/// than they say; or it is in an old dialect, where any `id` is one.
fn has_addresses_within(schema: &Value, text: &str) -> bool {
    let dialect = schema.get("$schema").and_then(Value::as_str);
    let is_old = dialect.is_some_and(|name| name.contains("draft-04") || name.contains("draft-03"));
    let own = usize::from(schema.get("$id").is_some());
    is_old || text.matches("\"$id\"").count() > own
}

/// A validator that fetches nothing and whose patterns end.
fn options<'a>() -> jsonschema::ValidationOptions<'a> {
    jsonschema::options().offline().with_pattern_options(
        PatternOptions::fancy_regex()
            .backtrack_limit(PATTERN_STEPS)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES),
    )
}

/// A validator of the newest dialect.
pub(crate) fn validator(schema: &Value) -> Result<Validator, String> {
    options()
        .with_draft(jsonschema::Draft::Draft202012)
        .build(schema)
        .map_err(|error| error.masked().to_string())
}

/// The first argument that does not fit, as `filter.since`, and why; no value is repeated.
pub(crate) fn misfit(validator: &Validator, arguments: &Value) -> Option<(String, String)> {
    use jsonschema::error::ValidationErrorKind as Kind;
    let error = validator.validate(arguments).err()?;
    let at = error.instance_path().to_string();
    let at = at.trim_start_matches('/').replace('/', ".");
    let inside = |name: &str| match at.as_str() {
        "" => name.to_owned(),
        at => format!("{at}.{name}"),
    };
    Some(match error.kind() {
        Kind::Required { property } => (
            inside(property.as_str().unwrap_or_default()),
            "it is missing".to_owned(),
        ),
        Kind::AdditionalProperties { unexpected } => (
            inside(unexpected.first().map_or("", String::as_str)),
            "there is no argument of that name".to_owned(),
        ),
        _ => (at, error.masked_with("it").to_string()),
    })
}

/// The error of an argument that does not fit: `tool`, `argument`, `why`.
pub(crate) fn invalid(tool: &str, argument: &str, why: &str) -> Error {
    let said = match argument {
        "" => why.to_owned(),
        argument => format!("{argument}: {why}"),
    };
    Error::new(ErrorCode::ArgumentsInvalid)
        .with("tool", inert(tool))
        .with("argument", inert(argument))
        .with("why", inert(&said))
}

#[cfg(test)]
mod tests;
