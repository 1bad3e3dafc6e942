//! What agents are shown of tools' schemas: looked through once for each tool as it is told, since it is listed
//! over and over.
//!
//! Owns: what is kept of it. Must not know: what is shown of a schema (`schema` does).

use crate::{
    described::Described,
    schema::{self, Arguments},
};
use engine::connectors::apart;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Bytes that the servers tell of what is kept; when there are more, all is looked through anew.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// The schemas of one tool as they are listed.
pub(crate) struct Schemas {
    pub arguments: Arguments,
    /// What it promises of its results, where clients take it.
    pub promise: Option<Value>,
}

/// Those of tools that were listed in this run. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Shown(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    bytes: usize,
    /// By the tool's hash, which its schemas are a part of.
    of: HashMap<String, Arc<Schemas>>,
}

impl Shown {
    /// Of each of these tools, in their order.
    pub async fn of(&self, tools: &[Described]) -> Vec<Arc<Schemas>> {
        let mut all = Vec::with_capacity(tools.len());
        for tool in tools {
            let known = self.kept().of.get(&tool.row.hash).cloned();
            all.push(match known {
                Some(known) => known,
                None => self.look(tool).await,
            });
        }
        all
    }

    async fn look(&self, tool: &Described) -> Arc<Schemas> {
        let (input, told) = (tool.row.input_schema_json.clone(), tool.row.told.clone());
        let bytes = input.len() + told.as_ref().map_or(0, String::len);
        let look = move || apart(|| Schemas::read(&input, told.as_deref()));
        let Ok(Some(schemas)) = tokio::task::spawn_blocking(look).await else {
            return Arc::new(Schemas::read("", None));
        };
        let (schemas, mut kept) = (Arc::new(schemas), self.kept());
        if kept.bytes + bytes > KEPT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.of.insert(tool.row.hash.clone(), schemas.clone());
        schemas
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Schemas {
    fn read(input: &str, told: Option<&str>) -> Self {
        const PROMISE: &str = "outputSchema";
        let input = serde_json::from_str(input).unwrap_or_else(|_| json!({ "type": "object" }));
        let told = told.filter(|told| told.contains(PROMISE));
        let promise = told.and_then(|told| {
            let mut told: Value = serde_json::from_str(told).ok()?;
            schema::promise(told.get_mut(PROMISE)?.take())
        });
        Self {
            arguments: schema::arguments(input),
            promise,
        }
    }
}
