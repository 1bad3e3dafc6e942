use super::*;
use proptest::prelude::*;
use rstest::rstest;
use wire::{DOCUMENT_MAX, ErrorCode};

fn fails(text: &str) -> Error {
    match read(text, None) {
        Ok(document) => panic!("it was read: {:?}", names_of(&document)),
        Err(error) => error,
    }
}

fn argument(error: &Error, name: &str) -> String {
    error.args.get(name).cloned().unwrap_or_default()
}

/// A document with this one path item.
fn with_path(item: Value) -> Value {
    json!({ "openapi": "3.1.0", "paths": { "/ok": { "get": {} }, "/x": item } })
}

#[rstest]
#[case("{ \"openapi\": \"3.1.0\",\n  \"paths\": }", "line 2, column 12")]
#[case("openapi: 3.1.0\npaths:\n  /a: [1\n", "line 3, column 7")]
#[case("openapi: 3.1.0\nopenapi: 3.1.0\n", "line 2, column 1")]
#[case("openapi: 3.1.0\npaths:\n  /a: b: c\n", "line 3, column 8")]
#[case("openapi: 3.1.0\npaths: []\n", "/paths")]
fn what_cannot_be_read_is_told_with_its_place(#[case] text: &str, #[case] place: &str) {
    let error = fails(text);
    assert_eq!(
        (error.code, argument(&error, "place").as_str()),
        (ErrorCode::DocumentUnreadable, place),
        "{error}"
    );
    assert!(!argument(&error, "why").is_empty());
}

#[rstest]
#[case("swagger: '2.0'\npaths: {}", "Swagger 2.0")]
#[case("openapi: 4.0.0\npaths: {}", "OpenAPI")]
#[case("name: something\n", "openapi")]
#[case("just words", "no document")]
#[case("", "no document")]
#[case("[1, 2]", "no document")]
#[case("<!doctype html><html></html>", "no document")]
fn what_is_no_openapi_3_is_told_as_what_it_is(#[case] text: &str, #[case] found: &str) {
    let error = fails(text);
    assert_eq!(error.code, ErrorCode::DocumentUnsupported, "{error}");
    assert!(argument(&error, "found").contains(found), "{error}");
}

#[test]
fn a_document_of_twenty_one_megabytes_is_refused_unread() {
    let error = fails(&" ".repeat(DOCUMENT_MAX + 1));
    assert_eq!(error.code, ErrorCode::DocumentTooLarge);
    assert_eq!(argument(&error, "limit"), "20 MB");
}

#[test]
fn a_hundred_thousand_operations_are_refused_with_their_number() {
    let paths: serde_json::Map<String, Value> = (0..100_000)
        .map(|n| (format!("/p{n}"), json!({ "get": {} })))
        .collect();
    let error = fails(&json!({ "openapi": "3.1.0", "paths": paths }).to_string());
    assert_eq!(error.code, ErrorCode::DocumentTooMany);
    assert_eq!(argument(&error, "found"), "100000");
    assert_eq!(argument(&error, "limit"), MAX_OPERATIONS.to_string());
}

#[rstest]
#[case("https://evil.example/schemas.json#/Pet")]
#[case("file:///etc/passwd")]
#[case("other.yaml#/Pet")]
#[case("//evil.example/x")]
fn a_reference_out_of_the_document_leaves_its_operation_out(#[case] reference: &str) {
    let item = json!({ "post": { "requestBody": { "content": { "application/json": {
        "schema": { "type": "object", "properties": { "pet": { "$ref": reference } } } } } } } });
    let document = read_well(&with_path(item).to_string());
    assert_eq!(names_of(&document), ["get_ok"], "the rest can be used");
    let problem = &document.problems[0];
    assert_eq!(
        (problem.problem, problem.what.as_str()),
        (Problem::ExternalReference, reference)
    );
    assert_eq!(
        problem.place,
        "/paths/~1x/post/requestBody/content/application~1json/schema/properties/pet"
    );
    let whole = json!({ "openapi": "3.1.0", "paths": { "/x": { "$ref": reference } } });
    let error = fails(&whole.to_string());
    assert_eq!(error.code, ErrorCode::DocumentEmpty);
    assert_eq!(argument(&error, "place"), "/paths/~1x");
    assert!(argument(&error, "why").contains(reference), "{error}");
}

#[rstest]
#[case(json!({ "$ref": "#/components/none" }), Problem::MissingReference)]
#[case(json!({ "$ref": "#/paths/~1x" }), Problem::EndlessReference)]
#[case(json!({ "get": 7 }), Problem::Unreadable)]
#[case(json!({ "get": { "parameters": [{ "in": "query" }] } }), Problem::Unreadable)]
#[case(json!({ "get": { "parameters": [{ "name": "c", "in": "cookie", "required": true }] } }), Problem::Parameter)]
#[case(json!({ "get": { "parameters": [{ "name": "Host", "in": "header", "required": true }] } }), Problem::Parameter)]
#[case(json!({ "get": { "parameters": [{ "name": "a", "in": "query", "style": "odd" }] } }), Problem::Unreadable)]
#[case(json!({ "get": { "servers": [{ "url": "https://evil.example" }] } }), Problem::OtherServer)]
fn what_cannot_be_called_is_left_out_and_said(#[case] item: Value, #[case] problem: Problem) {
    let document = read_well(&with_path(item).to_string());
    assert_eq!(names_of(&document), ["get_ok"]);
    let told: Vec<_> = document.problems.iter().map(|each| each.problem).collect();
    assert_eq!(told, [problem]);
}

#[rstest]
#[case(json!({ "get": { "parameters": [{ "name": "c", "in": "cookie" }] } }), "cookie c")]
#[case(json!({ "get": { "requestBody": { "content": { "application/json": {} } } } }), "body (part of a GET request)")]
#[case(json!({ "post": { "requestBody": { "content": { "multipart/form-data": {} } } } }), "body (multipart/form-data)")]
fn what_a_call_can_do_without_is_said_and_the_tool_is_there(
    #[case] item: Value,
    #[case] what: &str,
) {
    let document = read_well(&with_path(item).to_string());
    assert_eq!(document.operations.len(), 2);
    let told: Vec<_> = document
        .problems
        .iter()
        .map(|each| (each.problem, each.what.as_str()))
        .collect();
    assert_eq!(told, [(Problem::Optional, what)]);
}

#[test]
fn a_path_whose_argument_nobody_declares_is_left_out() {
    let document = json!({ "openapi": "3.1.0", "paths": { "/ok": { "get": {} }, "/x/{id}": { "get": {} },
        "//evil.example": {}, "https://evil.example/": { "get": {} } } });
    let document = read_well(&document.to_string());
    assert_eq!(names_of(&document), ["get_ok"]);
    assert_eq!(document.problems.len(), 2, "{:?}", document.problems);
}

#[test]
fn names_that_stand_twice_are_told_apart_whatever_their_order() {
    let document = |first: &str, second: &str| {
        let text = json!({ "openapi": "3.1.0", "paths": {
            first: { "post": { "operationId": "pay" } },
            second: { "post": { "operationId": "pay" } } } });
        let document = read_well(&text.to_string());
        assert_eq!(document.problems.len(), 2, "both are told of");
        document
            .operations
            .into_iter()
            .map(|each| (each.path, each.tool.name))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let names = document("/a", "/b");
    assert!(
        names.values().all(|name| name.starts_with("pay_")),
        "{names:?}"
    );
    assert_ne!(names["/a"], names["/b"]);
    assert_eq!(names, document("/b", "/a"));
}

#[test]
fn a_thousand_operations_with_one_name_still_get_a_thousand_names() {
    let paths: serde_json::Map<String, Value> = (0..MAX_OPERATIONS)
        .map(|n| {
            (
                format!("/p{n}"),
                json!({ "get": { "operationId": "same" } }),
            )
        })
        .collect();
    let document = read_well(&json!({ "openapi": "3.1.0", "paths": paths }).to_string());
    let names: std::collections::BTreeSet<_> = names_of(&document).into_iter().collect();
    assert_eq!(names.len(), MAX_OPERATIONS);
    assert!(document.problems.len() <= 200);
}

#[test]
fn characters_that_hide_or_reorder_reach_no_name_and_no_text() {
    let text = json!({ "openapi": "3.1.0", "info": { "title": "Pay\u{202e}pal\u{200b}", "version": "\u{1b}[31m1" },
        "paths": { "/x": { "get": { "operationId": "pay\u{200b}Now\u{202e}", "summary": "a\u{202e}b",
            "description": "c\u{e0041}d" } } } });
    let document = read_well(&text.to_string());
    assert_eq!(document.title, "Paypal");
    let tool = &document.operations[0].tool;
    assert_eq!(tool.name, "pay_now");
    assert_eq!(tool.title.as_deref(), Some("ab"));
    assert_eq!(tool.description, "cd\n\nGET /x");
}

#[test]
fn schemas_that_branch_into_themselves_end_within_their_budget() {
    // Each level refers to the next one twice: 2^40 schemas, if all were written out.
    let mut schemas = serde_json::Map::new();
    for n in 0..40 {
        let next = json!({ "$ref": format!("#/components/schemas/S{}", n + 1) });
        schemas.insert(
            format!("S{n}"),
            json!({ "type": "object", "properties": { "a": next, "b": next } }),
        );
    }
    schemas.insert("S40".to_owned(), json!({ "type": "string" }));
    let text = json!({ "openapi": "3.1.0", "components": { "schemas": schemas }, "paths": { "/x": { "post": {
        "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/S0" } } } } } } } });
    let document = read_well(&text.to_string());
    let size = document.operations[0].tool.input_schema.to_string().len();
    assert!(size < 200_000, "{size} bytes");
    assert_eq!(document.problems[0].problem, Problem::Schema);
}

#[test]
fn circles_of_every_kind_end() {
    let text = json!({ "openapi": "3.1.0", "components": { "schemas": {
        "A": { "$ref": "#/components/schemas/B" }, "B": { "$ref": "#/components/schemas/A" },
        "Or": { "oneOf": [{ "$ref": "#/components/schemas/Or" }, { "type": "string" }], "not": { "$ref": "#/components/schemas/Or" } } } },
        "paths": { "/x": { "post": {
            "parameters": [{ "name": "a", "in": "query", "schema": { "$ref": "#/components/schemas/A" } }],
            "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Or" } } } } } } } });
    let document = read_well(&text.to_string());
    let schema = &document.operations[0].tool.input_schema["properties"];
    assert_eq!(schema["a"], json!({ "description": "(A again)" }));
    assert_eq!(
        schema["body"],
        json!({ "anyOf": [{ "description": "(Or again)" }, { "type": "string" }] }),
        "what is left open neither forbids everything nor fits twice"
    );
}

#[test]
fn a_schema_that_no_validator_takes_leaves_the_tool_usable() {
    let property = |schema: Value| {
        let text = with_path(json!({ "get": { "parameters": [
            { "name": "a", "in": "query", "description": "An a", "schema": schema }] } }));
        let document = read_well(&text.to_string());
        assert_eq!(document.problems[0].problem, Problem::Schema);
        tool(&document, "get_x").tool.input_schema["properties"]["a"].clone()
    };
    assert_eq!(
        property(json!({ "type": "string", "pattern": "(" })),
        json!({ "type": "string", "description": "An a" })
    );
    assert_eq!(
        property(json!({ "type": "file" })),
        json!({ "description": "An a" })
    );
}

#[test]
fn aliases_of_yaml_repeat_no_more_than_their_budget() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}, ", n - 1).repeat(10);
        bomb.push_str(&format!(
            "a{n}: &a{n} [{}]\n",
            before.trim_end_matches(", ")
        ));
    }
    assert_eq!(fails(&bomb).code, ErrorCode::DocumentUnreadable);
    let text = "x".repeat(1_000_000);
    let wide = format!(
        "a: &a {text}\nb: [{}]\n",
        "*a,".repeat(5_000).trim_end_matches(',')
    );
    assert_eq!(
        fails(&wide).code,
        ErrorCode::DocumentUnreadable,
        "5 GB of text"
    );
    let deep = format!(
        "openapi: 3.1.0\nx: {}{}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert_eq!(fails(&deep).code, ErrorCode::DocumentUnreadable);
    let deep = format!("{{\"x\": {}{}}}", "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(fails(&deep).code, ErrorCode::DocumentUnreadable);
}

/// JSON of the words that documents are made of.
fn any_value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "get",
        "post",
        "/a",
        "/a/{b}",
        "paths",
        "openapi",
        "3.1.0",
        "3.0.0",
        "parameters",
        "name",
        "in",
        "query",
        "path",
        "header",
        "schema",
        "$ref",
        "#/paths",
        "#",
        "#/components/schemas/A",
        "components",
        "schemas",
        "A",
        "requestBody",
        "content",
        "application/json",
        "type",
        "string",
        "properties",
        "items",
        "allOf",
        "oneOf",
        "not",
        "required",
        "nullable",
        "security",
        "servers",
        "url",
        "{",
        "}",
        "variables",
        "default",
        "operationId",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&String::from_utf8_lossy(&bytes), None);
    }

    #[test]
    fn no_document_of_openapis_own_words_panics(paths in any_value(), components in any_value(), servers in any_value()) {
        let text = json!({ "openapi": "3.0.3", "paths": { "/a": paths.clone(), "/b/{c}": { "post": paths } },
            "components": components, "servers": servers });
        if let Ok(document) = read(&text.to_string(), None) {
            let names: std::collections::BTreeSet<_> = names_of(&document).into_iter().collect();
            prop_assert_eq!(names.len(), document.operations.len(), "names are unique");
        }
    }
}
