//! A schema of the document as one that stands by itself: references put in place, OpenAPI 3.0's own
//! words turned into JSON Schema's, and no more of it than an agent can use.

use super::refs::{At, follow};
use serde_json::{Map, Value, json};
use wire::ProblemView;

/// Levels of nesting, at most.
const DEPTH: usize = 24;
/// Characters of a description inside a schema.
const DESCRIPTION: usize = 600;

/// Keywords that are taken over as they are.
const PLAIN: [&str; 20] = [
    "type",
    "enum",
    "const",
    "default",
    "format",
    "multipleOf",
    "maximum",
    "minimum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
];
/// Keywords that hold one schema.
const ONE: [&str; 6] = [
    "items",
    "contains",
    "propertyNames",
    "additionalProperties",
    "not",
    "unevaluatedProperties",
];
/// Keywords that hold a list of schemas.
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name.
const NAMED: [&str; 2] = ["properties", "patternProperties"];

/// Which words the document uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// `nullable`, boolean `exclusiveMinimum`, nothing beside `$ref`.
    V30,
    /// JSON Schema 2020-12.
    V31,
}

/// Reads schemas of one operation.
pub(super) struct Reader<'a> {
    root: &'a Value,
    dialect: Dialect,
    /// Bytes that may still be written.
    left: usize,
    /// References that are being put in place: meeting one again is a circle.
    open: Vec<String>,
    /// How often something was left open, because of a circle or of its size.
    cuts: usize,
    /// Whether its size was a reason.
    pub too_large: bool,
}

impl<'a> Reader<'a> {
    /// `budget`: bytes of schema that may come of it.
    pub fn new(root: &'a Value, dialect: Dialect, budget: usize) -> Self {
        Self {
            root,
            dialect,
            left: budget,
            open: vec![],
            cuts: 0,
            too_large: false,
        }
    }

    /// What of the budget is left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// The schema at `at`. Errors: a reference that leads out of the document, or nowhere.
    pub fn read(&mut self, at: &At<'a>) -> Result<Value, ProblemView> {
        self.schema(at, 0)
    }

    fn schema(&mut self, at: &At<'a>, depth: usize) -> Result<Value, ProblemView> {
        let members = match at.value {
            Value::Bool(truth) => return Ok(Value::Bool(*truth)),
            Value::Object(members) => members,
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Ok(json!({}));
            }
        };
        if depth > DEPTH || self.left == 0 {
            self.too_large = true;
            return Ok(self.cut("its shape is too large to be shown here"));
        }
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            return self.referenced(at, reference, depth);
        }
        let mut out = Map::new();
        for name in PLAIN {
            if let Some(value) = members.get(name) {
                self.pay(name.len() + value.to_string().len());
                out.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(told) = at.text("description") {
            let told: String = told.chars().take(DESCRIPTION).collect();
            self.pay(told.len());
            out.insert("description".to_owned(), Value::String(told));
        }
        self.inner(at, depth, &mut out)?;
        if self.dialect == Dialect::V30 {
            as_json_schema(members, &mut out);
        }
        Ok(Value::Object(out))
    }

    /// The schemas inside a schema.
    fn inner(
        &mut self,
        at: &At<'a>,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<(), ProblemView> {
        for name in NAMED {
            let Some(group) = at.get(name) else { continue };
            let mut members = Map::new();
            for (key, member) in group.members() {
                if name == "properties" && self.is_read_only(&member) {
                    forget_required(out, key);
                    continue;
                }
                self.pay(key.len() + 4);
                let schema = self.schema(&member, depth + 1)?;
                members.insert(key.to_owned(), schema);
            }
            out.insert(name.to_owned(), Value::Object(members));
        }
        for name in LIST {
            let Some(list) = at.get(name).filter(|list| list.value.is_array()) else {
                continue;
            };
            let mut schemas = vec![];
            for item in list.items() {
                schemas.push(self.schema(&item, depth + 1)?);
            }
            // Several of `oneOf` often fit: a discriminator tells them apart, or what was cut here did. To
            // a validator none could be chosen then. The API chooses.
            let name = if name == "oneOf" { "anyOf" } else { name };
            if schemas.is_empty() {
                continue;
            }
            if !out.contains_key(name) {
                out.insert(name.to_owned(), Value::Array(schemas));
            } else if let Value::Array(all) = out.entry("allOf").or_insert_with(|| json!([])) {
                all.push(json!({ name: schemas }));
            }
        }
        for name in ONE {
            let Some(one) = at.get(name) else { continue };
            let before = self.cuts;
            let schema = self.schema(&one, depth + 1)?;
            // "Not anything" would refuse everything.
            if name != "not" || self.cuts == before {
                out.insert(name.to_owned(), schema);
            }
        }
        Ok(())
    }

    fn referenced(
        &mut self,
        at: &At<'a>,
        reference: &str,
        depth: usize,
    ) -> Result<Value, ProblemView> {
        let target = follow(self.root, at, reference)?;
        if self.open.contains(&target.place) {
            let name = target.place.rsplit('/').next().unwrap_or_default();
            return Ok(self.cut(&format!("{name} again")));
        }
        self.open.push(target.place.clone());
        let schema = self.schema(&target, depth + 1);
        self.open.pop();
        let schema = schema?;
        // OpenAPI 3.0 ignores what stands beside a reference; of 3.1 only words for people are common.
        match (self.dialect, at.text("description"), schema) {
            (Dialect::V31, Some(told), Value::Object(mut members)) => {
                let told: String = told.chars().take(DESCRIPTION).collect();
                self.pay(told.len());
                members.insert("description".to_owned(), Value::String(told));
                Ok(Value::Object(members))
            }
            (Dialect::V30 | Dialect::V31, _, schema) => Ok(schema),
        }
    }

    /// What the server alone fills in is no argument.
    fn is_read_only(&self, at: &At<'a>) -> bool {
        super::refs::resolve(self.root, at).is_ok_and(|meant| meant.flag("readOnly") == Some(true))
            || at.flag("readOnly") == Some(true)
    }

    fn pay(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes + 4);
    }

    /// A schema that lets everything through, and says why.
    fn cut(&mut self, why: &str) -> Value {
        self.cuts += 1;
        json!({ "description": format!("({why})") })
    }
}

fn forget_required(out: &mut Map<String, Value>, name: &str) {
    if let Some(required) = out.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|each| each != name);
    }
}

/// OpenAPI 3.0's own words in JSON Schema's (3.0.3, "Schema Object").
fn as_json_schema(from: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (limit, exclusive) in [
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ] {
        match out.get(exclusive) {
            Some(Value::Bool(true)) => match out.remove(limit) {
                Some(number) => {
                    out.insert(exclusive.to_owned(), number);
                }
                None => {
                    out.remove(exclusive);
                }
            },
            Some(Value::Bool(false)) => {
                out.remove(exclusive);
            }
            Some(_) | None => {}
        }
    }
    if from.get("nullable") != Some(&Value::Bool(true)) {
        return;
    }
    if let Some(Value::String(kind)) = out.get("type") {
        let both = json!([kind, "null"]);
        out.insert("type".to_owned(), both);
        if let Some(Value::Array(values)) = out.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
    } else {
        let plain = Value::Object(std::mem::take(out));
        *out = Map::from_iter([("anyOf".to_owned(), json!([plain, { "type": "null" }]))]);
    }
}

/// The same schema without its patterns: for those that only another regular expression engine reads.
pub(super) fn without_patterns(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => Value::Object(
            members
                .iter()
                // A property may be called `pattern`: then its value is a schema, not a text.
                .filter(|(name, value)| !(*name == "pattern" && value.is_string()))
                .filter(|(name, _)| *name != "patternProperties")
                .map(|(name, value)| (name.clone(), without_patterns(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_patterns).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}
