//! A custom HTTP API whose operations an OpenAPI document names: each is a tool.
//!
//! Owns: reading documents ([`read`]), and calls that are held to their schema before anything is
//! sent. Must not know: where documents come from or are kept. Requests go out as any other of a
//! custom API's (`connectors::rest`).
//!
//! Documents are read as plain JSON values rather than into a library's types (`oas3`, `openapiv3`):
//! those refuse a whole document for one member that is not to the letter, cannot name its place, and
//! drop keywords of schemas that an agent needs.

mod arguments;
mod auth;
mod document;
mod names;
mod operation;
mod refs;
mod request;
mod schema;
mod text;

pub use document::{Document, MAX_OPERATIONS, read, views};
pub use operation::Operation;

use super::{Pong, Tool, fit::validator, rest::Rest};
use crate::vault::Credential;
use jsonschema::Validator;
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;
use wire::{Error, ErrorCode};

/// One HTTP API and its operations.
pub struct OpenApi {
    rest: Rest,
    operations: Arc<Vec<Operation>>,
    /// Made on first use of each tool.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl OpenApi {
    pub(super) fn new(rest: Rest, operations: Arc<Vec<Operation>>) -> Self {
        Self {
            rest,
            operations,
            validators: Mutex::default(),
        }
    }

    pub(super) fn ping_in_words(&self) -> String {
        self.rest.ping_in_words()
    }

    pub(super) async fn ping(&self, credential: &Credential) -> Result<Pong, Error> {
        self.rest.ping(credential).await
    }

    pub(super) fn list_tools(&self) -> Vec<Tool> {
        self.operations
            .iter()
            .map(|each| each.tool.clone())
            .collect()
    }

    pub(super) async fn call(
        &self,
        credential: &Credential,
        tool: &str,
        arguments: Value,
        cancel: CancellationToken,
    ) -> Result<Value, Error> {
        let operation = self.operations.iter().find(|each| each.tool.name == tool);
        let operation = operation.ok_or_else(|| {
            Error::new(ErrorCode::ToolUnknown)
                .with("integration", self.rest.host())
                .with("tool", crate::http::inert(tool))
        })?;
        let arguments = match arguments {
            Value::Null => Value::Object(Map::new()),
            other => other,
        };
        let arguments = request::check(operation, &*self.validator(operation)?, &arguments)?;
        let members = arguments.as_object().cloned().unwrap_or_default();
        let (request, url) = request::build(operation, self.rest.base(), credential, &members)?;
        self.rest
            .exchange(credential, (request, &url), cancel)
            .await
    }

    pub(super) fn trouble(&self, answer: &Value) -> Option<Error> {
        self.rest.trouble(answer)
    }

    fn validator(&self, operation: &Operation) -> Result<Arc<Validator>, Error> {
        let lock = || {
            self.validators
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(made) = lock().get(&operation.tool.name) {
            return Ok(made.clone());
        }
        let made = validator(&operation.tool.input_schema).map_err(|why| {
            Error::new(ErrorCode::Internal).with(
                "why",
                crate::http::inert(&format!("a schema that cannot be used: {why}")),
            )
        })?;
        let made = Arc::new(made);
        lock().insert(operation.tool.name.clone(), made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests;
