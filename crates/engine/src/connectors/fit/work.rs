//! How much work a schema makes: servers choose schemas, and a few lines of references can keep a
//! validator busy for ever.
//!
//! A schema's references are followed within itself; what leads elsewhere, or back to itself without going
//! down into the arguments, is not worked with at all.

use serde_json::{Map, Value};
use std::collections::HashMap;

/// What is seen, at most: places of the schema.
const PLACES: usize = 20_000;
/// Places in a row that look at the same argument, at most.
const CHAIN: u64 = 64;
/// Steps of one check, at most: some tens of milliseconds.
const STEPS: u64 = 2_000_000;
/// What a pattern counts, beside a step.
const PATTERN: u64 = 100;

/// Keywords whose schemas look at the same value.
const SAME: [&str; 7] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];
/// More of them, whose members have names.
const SAME_BY_NAME: [&str; 2] = ["dependentSchemas", "dependencies"];
/// Keywords whose one schema looks at members or items.
const BELOW: [&str; 8] = [
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "items",
    "additionalItems",
    "prefixItems",
    "contains",
    "unevaluatedItems",
];
/// Keywords that name what this reading does not follow.
const ELSEWHERE: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$dynamicAnchor"];

/// The most that a place of the schema asks for.
pub(super) struct Work {
    /// Steps at one value.
    steps: u64,
    /// How often a value below one is looked at for one look at that.
    looks: u64,
}

/// The same of one place, and how long its chain is.
#[derive(Clone, Copy)]
struct Cost {
    steps: u64,
    looks: u64,
    chain: u64,
}

impl Work {
    /// `None`: this schema is not worked with.
    pub fn of(schema: &Value) -> Option<Self> {
        let mut walk = Walk {
            root: schema,
            costs: HashMap::new(),
            below: vec![schema],
            most: Self { steps: 0, looks: 0 },
        };
        while let Some(place) = walk.below.pop() {
            walk.cost(place, 0)?;
        }
        Some(walk.most)
    }

    /// Whether a check of these ends soon.
    pub fn is_little(&self, arguments: &Value) -> bool {
        let (values, depth) = size(arguments);
        let looks = self.looks.max(1).saturating_pow(depth);
        values.saturating_mul(looks).saturating_mul(self.steps) <= STEPS
    }
}

/// How many values, and how deep they lie.
fn size(value: &Value) -> (u64, u32) {
    let sum = |(values, depth): (u64, u32), below: &Value| {
        let (more, deeper) = size(below);
        (values + more, depth.max(deeper + 1))
    };
    match value {
        Value::Array(items) => items.iter().fold((1, 0), sum),
        Value::Object(members) => members.values().fold((1, 0), sum),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (1, 0),
    }
}

struct Walk<'a> {
    root: &'a Value,
    /// By place; `None` while it is being looked at: who comes back then goes in a circle.
    costs: HashMap<*const Value, Option<Cost>>,
    /// Places that look at what lies below, still to be looked at.
    below: Vec<&'a Value>,
    most: Work,
}

impl<'a> Walk<'a> {
    fn cost(&mut self, place: &'a Value, chain: u64) -> Option<Cost> {
        let key = std::ptr::from_ref(place);
        if let Some(known) = self.costs.get(&key) {
            return *known;
        }
        if chain > CHAIN || self.costs.len() > PLACES {
            return None;
        }
        self.costs.insert(key, None);
        let mut cost = Cost {
            steps: 1,
            looks: 0,
            chain: 1,
        };
        if let Value::Object(members) = place {
            for same in self.same(members)? {
                let more = self.cost(same, chain + 1)?;
                cost.steps = cost.steps.saturating_add(more.steps);
                cost.looks = cost.looks.saturating_add(more.looks);
                cost.chain = cost.chain.max(more.chain + 1);
            }
            self.own(members, &mut cost);
        }
        if cost.chain > CHAIN {
            return None;
        }
        self.most.steps = self.most.steps.max(cost.steps);
        self.most.looks = self.most.looks.max(cost.looks);
        self.costs.insert(key, Some(cost));
        Some(cost)
    }

    /// The schemas that look at the same value. `None` where one cannot be found here.
    fn same(&self, members: &'a Map<String, Value>) -> Option<Vec<&'a Value>> {
        if ELSEWHERE.iter().any(|name| members.contains_key(*name)) {
            return None;
        }
        let mut found = Vec::new();
        for name in SAME {
            match members.get(name) {
                Some(Value::Array(all)) => found.extend(all),
                Some(one) => found.push(one),
                None => {}
            }
        }
        for name in SAME_BY_NAME {
            if let Some(Value::Object(all)) = members.get(name) {
                found.extend(all.values().filter(|each| each.is_object()));
            }
        }
        if let Some(to) = members.get("$ref") {
            found.push(self.target(to.as_str()?)?);
        }
        Some(found)
    }

    /// What this place asks for itself, and what it asks of what lies below.
    fn own(&mut self, members: &'a Map<String, Value>, cost: &mut Cost) {
        let mut looks = 0_u64;
        for (name, value) in members {
            let name = name.as_str();
            match value {
                Value::Object(all) if name == "properties" => {
                    // Each looks at another member.
                    looks += 1;
                    self.below.extend(all.values());
                }
                Value::Object(all) if name == "patternProperties" => {
                    looks += all.len() as u64;
                    cost.steps = cost.steps.saturating_add(PATTERN * all.len() as u64);
                    self.below.extend(all.values());
                }
                Value::Array(all) if BELOW.contains(&name) => {
                    looks += 1;
                    self.below.extend(all);
                }
                Value::Object(_) if BELOW.contains(&name) => {
                    looks += 1;
                    self.below.push(value);
                }
                Value::Array(all) if name == "enum" || name == "required" => {
                    cost.steps = cost.steps.saturating_add(all.len() as u64);
                }
                Value::String(_) if name == "pattern" => {
                    cost.steps = cost.steps.saturating_add(PATTERN);
                }
                _ => cost.steps = cost.steps.saturating_add(1),
            }
            if name.starts_with("unevaluated") {
                // It walks all that looks at the same value once more.
                cost.steps = cost.steps.saturating_mul(3);
            }
        }
        cost.looks = cost.looks.saturating_add(looks);
    }

    /// Where a reference within the schema leads: `#`, `#/$defs/Item`.
    fn target(&self, to: &str) -> Option<&'a Value> {
        let pointer = to.strip_prefix('#')?;
        let pointer = percent_encoding::percent_decode_str(pointer)
            .decode_utf8()
            .ok()?;
        self.root.pointer(&pointer)
    }
}
