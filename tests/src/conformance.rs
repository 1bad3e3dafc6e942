//! What the client under test of MCP's conformance suite types in: something that fits a schema.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// Arguments that fit a tool's input schema (JSON text).
///
/// # Errors
/// Where it is no JSON.
pub fn arguments(schema: &str) -> Result<Value> {
    let schema: Value = serde_json::from_str(schema).context("a tool's schema is JSON")?;
    Ok(Value::Object(values(&schema, |_| true)))
}

/// What a person fills in: every field that has no default.
#[must_use]
pub fn fields(schema: &Value) -> Map<String, Value> {
    values(schema, |property| property.get("default").is_none())
}

fn values(schema: &Value, wanted: impl Fn(&Value) -> bool) -> Map<String, Value> {
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flatten()
        .filter(|(_, property)| wanted(property))
        .filter_map(|(name, property)| Some((name.clone(), value(property)?)))
        .collect()
}

/// Something of the property's type; `None` where it names none (a reference).
fn value(property: &Value) -> Option<Value> {
    if let Some(first) = property["enum"].as_array().and_then(|all| all.first()) {
        return Some(first.clone());
    }
    Some(match property["type"].as_str()? {
        "string" => json!("text"),
        "integer" | "number" => json!(2),
        "boolean" => json!(true),
        "array" => json!([]),
        "object" => json!({}),
        _ => Value::Null,
    })
}
