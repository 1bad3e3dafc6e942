//! A tool as an agent is told of it: in a list, and as what a search has found.
//!
//! Owns: how much of what its server tells is handed on. Must not know: who may use it.

use crate::{schema, shown::Schemas};
use engine::store::tools::ToolRow;
use serde_json::{Value, json};

/// Characters of a description where there is no room for the whole.
const BRIEF: usize = 200;

pub(crate) struct Described {
    /// Its name on the wire.
    pub name: String,
    /// Its integration's name.
    pub of: String,
    pub row: ToolRow,
}

impl Described {
    /// As MCP lists a tool. `None`: models' APIs refuse every request that brings it along, since it has
    /// an argument of a name that they do not take. A search tells it all the same.
    pub fn listed(&self, schemas: &Schemas) -> Option<Value> {
        let are_named_well = schemas.arguments.are_named_well;
        are_named_well.then(|| self.listed_alone(schemas))
    }

    /// The same in the list of one integration alone, where no search could tell it.
    pub fn listed_alone(&self, schemas: &Schemas) -> Value {
        let mut told = self.told(schemas.arguments.schema.clone());
        if let (Value::String(description), Some(more)) =
            (&mut told["description"], &schemas.arguments.beyond)
        {
            description.push_str("\n\n");
            description.push_str(more);
        }
        if let Some(promise) = &schemas.promise {
            told["outputSchema"] = promise.clone();
        }
        told
    }

    /// As a search tells it whole: all of what its arguments must fit, and nothing of its results.
    pub fn found(&self) -> Value {
        self.told(schema::schema(self.input()))
    }

    /// As a search tells it where there is no room for the whole.
    pub fn brief(&self) -> Value {
        let description = self.description();
        let line = description.lines().next().unwrap_or_default();
        let line: String = line.chars().take(BRIEF).collect();
        json!({ "name": self.name, "description": line })
    }

    fn told(&self, input: Value) -> Value {
        let mut told = json!({
            "name": self.name,
            "description": self.description(),
            "inputSchema": input,
        });
        if let Some(title) = &self.row.title {
            told["title"] = json!(title);
        }
        if let Ok(hints @ Value::Object(_)) = serde_json::from_str(&self.row.annotations_json) {
            told["annotations"] = schema::hints(hints);
        }
        told
    }

    /// It says whose it is: to a model, many servers are one list.
    fn description(&self) -> String {
        format!("[{}] {}", self.of, self.row.description)
    }

    fn input(&self) -> Value {
        serde_json::from_str(&self.row.input_schema_json)
            .unwrap_or_else(|_| json!({ "type": "object" }))
    }
}
