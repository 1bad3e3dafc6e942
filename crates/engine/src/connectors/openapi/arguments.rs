//! A tool's arguments as one schema that a validator takes.

use super::{names, schema};
use serde_json::{Map, Value, json};
use wire::ProblemView;

/// Characters of what is said of one argument.
const DESCRIPTION: usize = 1_000;

/// A schema with the words of what holds it, where it has none itself.
pub(super) fn described(schema: Value, told: Option<&str>) -> Value {
    match (schema, told) {
        (Value::Object(mut members), Some(told)) => {
            let told: String = told.chars().take(DESCRIPTION).collect();
            members
                .entry("description")
                .or_insert_with(|| Value::String(told));
            Value::Object(members)
        }
        (schema, _) => schema,
    }
}

/// The tool's arguments: parameters and body side by side.
#[derive(Default)]
pub(super) struct Arguments {
    properties: Map<String, Value>,
    required: Vec<String>,
    /// What no argument may set, or the app cannot send, and the operation does without.
    pub aside: Vec<ProblemView>,
}

impl Arguments {
    /// The name it got: its own as far as models take it, or with a number where that is taken. What the
    /// API calls it is then said with it.
    pub fn add(&mut self, name: &str, mut schema: Value, required: bool) -> String {
        let plain = names::argument(name);
        let mut argument = plain.clone();
        let mut next = 2;
        while self.properties.contains_key(&argument) {
            let suffix = format!("_{next}");
            let kept: String = plain.chars().take(names::LONGEST - suffix.len()).collect();
            argument = kept + &suffix;
            next += 1;
        }
        if let Value::Object(members) = &mut schema
            && argument != name
        {
            let told = members.get("description").and_then(Value::as_str);
            let told = told.map(|told| format!(": {told}")).unwrap_or_default();
            members.insert("description".to_owned(), json!(format!("`{name}`{told}")));
        }
        self.properties.insert(argument.clone(), schema);
        if required {
            self.required.push(argument.clone());
        }
        argument
    }

    pub fn schema(self) -> Value {
        let mut schema = json!({
            "type": "object",
            "properties": self.properties,
            "additionalProperties": false
        });
        if !self.required.is_empty() {
            schema["required"] = json!(self.required);
        }
        schema
    }
}

/// What can be done with a schema.
pub(super) struct Checked {
    pub whole: bool,
    /// Where it cannot be used as it is.
    pub instead: Option<Value>,
}

/// A schema that no validator can be made of would make its tool useless: then without patterns, and
/// then with the arguments' names only.
pub(super) fn usable(schema: &Value) -> Checked {
    if super::validator(schema).is_ok() {
        return Checked {
            whole: true,
            instead: None,
        };
    }
    let plainer = schema::without_patterns(schema);
    if super::validator(&plainer).is_ok() {
        return Checked {
            whole: false,
            instead: Some(plainer),
        };
    }
    let mut open = schema.clone();
    if let Some(properties) = open.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut() {
            let told = property.get("description").filter(|told| told.is_string());
            *property = told.map_or_else(|| json!({}), |told| json!({ "description": told }));
        }
    }
    Checked {
        whole: false,
        instead: Some(open),
    }
}
