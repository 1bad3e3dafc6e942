use super::*;
use rstest::rstest;
use serde_json::json;
use std::time::{Duration, Instant};

fn check(schema: &Value, arguments: &Value) -> Fit {
    Schema::read(&schema.to_string()).map_or(Fit::Unchecked, |schema| schema.check(arguments))
}

fn misfit_of(schema: &Value, arguments: &Value) -> (String, String) {
    match check(schema, arguments) {
        Fit::Misfit(argument, why) => (argument, why),
        other => panic!("{other:?}"),
    }
}

fn order() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "filter": { "$ref": "#/$defs/filter" },
        },
        "required": ["id"],
        "additionalProperties": false,
        "$defs": { "filter": {
            "type": "object",
            "properties": { "since": { "type": "integer" }, "or": { "$ref": "#/$defs/filter" } },
        } },
    })
}

#[test]
fn an_argument_that_does_not_fit_is_named_and_its_value_is_not() {
    let order = order();
    assert_eq!(check(&order, &json!({ "id": "1" })), Fit::Fits);
    assert_eq!(
        misfit_of(&order, &json!({})),
        ("id".to_owned(), "it is missing".to_owned())
    );
    assert_eq!(
        misfit_of(&order, &json!({ "id": "1", "colour": 1 })).0,
        "colour"
    );
    let deep = json!({ "id": "1", "filter": { "or": { "since": "hunter2" } } });
    let (argument, why) = misfit_of(&order, &deep);
    assert_eq!(argument, "filter.or.since");
    assert!(!why.contains("hunter2"), "{why}");
}

#[rstest]
#[case::no_json(json!("{"))]
#[case::no_such_type(json!({ "type": "nothing" }))]
#[case::elsewhere(json!({ "$ref": "https://example.com/schema.json" }))]
#[case::nowhere(json!({ "properties": { "a": { "$ref": "#/$defs/none" } } }))]
#[case::of_its_own_place(json!({ "$dynamicRef": "#meta" }))]
#[case::to_itself(json!({ "$ref": "#" }))]
#[case::to_itself_by_another(json!({ "allOf": [{ "$ref": "#/$defs/a" }],
    "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/b" }] }, "b": { "not": { "$ref": "#/$defs/a" } } } }))]
#[case::a_dialect_that_nobody_knows(json!({ "$schema": "https://example.com/own", "type": "object" }))]
#[case::a_pattern_that_is_none(json!({ "properties": { "a": { "pattern": "(" } } }))]
fn a_schema_that_cannot_be_used_is_left_to_its_server(#[case] schema: Value) {
    assert_eq!(check(&schema, &json!({ "a": "b" })), Fit::Unchecked);
}

/// Each refers to the next one twice, so that the last one is looked at 2^n times.
fn doubling(n: usize, below: bool) -> Value {
    let defs: serde_json::Map<String, Value> = (0..n)
        .map(|i| {
            let next = json!({ "$ref": format!("#/$defs/d{}", (i + 1) % n) });
            let twice = if below {
                json!({ "anyOf": [{ "properties": { "x": next } }, { "properties": { "x": next } }] })
            } else if i + 1 == n {
                json!({ "type": "integer" })
            } else {
                json!({ "anyOf": [next.clone(), next] })
            };
            (format!("d{i}"), twice)
        })
        .collect();
    json!({ "$ref": "#/$defs/d0", "$defs": defs })
}

fn nested(n: usize) -> Value {
    (0..n).fold(json!({}), |inner, _| json!({ "x": inner }))
}

#[test]
fn a_schema_that_would_take_for_ever_is_left_to_its_server_at_once() {
    let began = Instant::now();
    assert_eq!(check(&doubling(40, false), &json!({})), Fit::Unchecked);
    assert_eq!(check(&doubling(3, true), &nested(60)), Fit::Unchecked);
    assert_eq!(check(&doubling(3, true), &nested(3)), Fit::Fits);
    let wide: Vec<Value> = (0..300).map(|n| json!({ "const": n })).collect();
    let wide = json!({ "properties": { "x": { "anyOf": wide } } });
    let many = json!({ "x": vec![1; 100_000] });
    assert_eq!(check(&wide, &many), Fit::Unchecked);
    // A long chain of references, which a validator follows by recursion.
    let defs: serde_json::Map<String, Value> = (0..5_000)
        .map(|i| {
            let next = json!({ "properties": { "x": { "$ref": format!("#/$defs/d{}", i + 1) } } });
            (format!("d{i}"), next)
        })
        .chain([("d5000".to_owned(), json!({}))])
        .collect();
    let long = json!({ "$ref": "#/$defs/d0", "$defs": defs });
    assert_eq!(
        check(&long, &nested(100)),
        Fit::Fits,
        "no stack is too small"
    );
    let slow = json!({ "properties": { "a": { "pattern": "^(a+)+$" } } });
    check(&slow, &json!({ "a": format!("{}!", "a".repeat(5_000)) }));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn schemas_are_read_once_and_a_limited_number_is_kept() {
    let schemas = Schemas::default();
    let text = order().to_string();
    assert_eq!(
        schemas.check("a", &text, &json!({ "id": "1" })).await,
        Fit::Fits
    );
    // The hash is what it is known by.
    let fit = schemas.check("a", "{", &json!({})).await;
    assert!(matches!(fit, Fit::Misfit(_, _)), "{fit:?}");
    let large = json!({ "description": "x".repeat(KEPT_BYTES / 2) }).to_string();
    for n in 0..4 {
        schemas.check(&n.to_string(), &large, &json!({})).await;
        assert!(schemas.kept().bytes <= KEPT_BYTES);
    }
    assert!(!schemas.kept().of.contains_key("a"));
}

#[test]
fn null_stands_for_what_is_left_out_and_for_nothing_that_is_asked_for() {
    let schema = json!({
        "type": "object", "required": ["who"],
        "properties": { "who": { "type": "string" }, "where": { "type": "string" } },
    });
    let schema = Schema::read(&schema.to_string()).expect("a schema");
    let fits = |arguments: Value| schema.check(&arguments) == Fit::Fits;
    assert!(fits(json!({ "who": "Ada", "where": null })));
    assert!(!fits(json!({ "who": null })));
    assert!(!fits(json!({ "who": "Ada", "where": [null] })));
}
