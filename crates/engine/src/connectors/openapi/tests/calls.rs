use super::{super::request, *};
use crate::{secret::Secret, vault::Credential};
use rstest::rstest;

/// Method, URL, content type and body of a call, or the argument and the reason why not.
fn sent(document: &Document, name: &str, arguments: Value) -> Result<(String, String), Error> {
    let operation = tool(document, name);
    let made = validator(&operation.tool.input_schema).expect("a schema");
    let arguments = request::check(operation, &made, &arguments)?;
    let base = Url::parse("https://pets.example.com/v1").expect("a URL");
    let key = Credential::Query {
        name: "api_key".to_owned(),
        value: Secret::new("k"),
    };
    let members = arguments.as_object().cloned().unwrap_or_default();
    let (request, _) = request::build(operation, &base, &key, &members)?;
    let body = String::from_utf8(request.body.unwrap_or_default()).expect("text");
    let line = format!("{} {}", request.method, request.url);
    let kind = request
        .headers
        .get("content-type")
        .map(|kind| kind.to_str().expect("text"));
    Ok((
        line,
        format!("{} {body}", kind.unwrap_or_default())
            .trim()
            .to_owned(),
    ))
}

fn line(document: &Document, name: &str, arguments: Value) -> String {
    let sent = sent(document, name, arguments);
    sent.map(|(line, _)| line)
        .unwrap_or_else(|error| format!("{error}"))
}

#[test]
fn arguments_go_where_the_document_says() {
    let document = read_well(V30);
    assert_eq!(
        line(
            &document,
            "list_pets",
            json!({ "limit": 5, "tags": ["a b", "c&d"] })
        ),
        "GET https://pets.example.com/v1/pets?limit=5&tags=a%20b&tags=c%26d"
    );
    assert_eq!(
        line(&document, "list_pets", json!({})),
        "GET https://pets.example.com/v1/pets"
    );
    assert_eq!(
        line(&document, "delete_pet", json!({ "petId": "rex-1" })),
        "DELETE https://pets.example.com/v1/pets/rex-1"
    );
    assert_eq!(
        sent(
            &document,
            "create_pet",
            json!({ "body": { "name": "Rex", "tag": null } })
        )
        .expect("it fits"),
        (
            "POST https://pets.example.com/v1/pets".to_owned(),
            r#"application/json {"name":"Rex","tag":null}"#.to_owned()
        )
    );
}

#[test]
fn null_stands_for_an_argument_that_is_left_out() {
    let document = read_well(V30);
    assert_eq!(
        line(
            &document,
            "list_pets",
            json!({ "limit": null, "tags": ["a"] })
        ),
        "GET https://pets.example.com/v1/pets?tags=a"
    );
    let error = sent(&document, "show_pet_by_id", json!({ "petId": null }));
    let error = error.expect_err("it is required");
    assert_eq!(error.args["argument"], "petId", "{error}");
    let error = sent(&document, "list_pets", json!({ "limit": null, "tags": 7 }));
    assert_eq!(
        error.expect_err("tags is a list").code,
        ErrorCode::ArgumentsInvalid
    );
}

#[test]
fn a_form_is_written_as_its_encoding_says() {
    let document = read_well(V31);
    let body = json!({ "amount": 100, "expand": ["a", "b c"], "card": { "n": 1 }, "metadata": { "order": "10&42" } });
    assert_eq!(
        sent(&document, "create_charge", json!({ "body": body }))
            .expect("it fits")
            .1,
        "application/x-www-form-urlencoded amount=100&card=%7B%22n%22%3A1%7D&expand=a&expand=b%20c&metadata%5Border%5D=10%2642"
    );
}

#[rstest]
#[case("list_pets", json!({ "limit": 500 }), "limit", "maximum of 100")]
#[case("list_pets", json!({ "limit": "secret-value" }), "limit", "integer")]
#[case("list_pets", json!({ "tags": ["a", 7] }), "tags.1", "string")]
#[case("list_pets", json!({ "limits": 5 }), "limits", "no argument of that name")]
#[case("list_pets", json!({ "api_key": "mine" }), "api_key", "no argument of that name")]
#[case("list_pets", json!(7), "", "object")]
#[case("show_pet_by_id", json!({}), "petId", "missing")]
#[case("show_pet_by_id", json!({ "petId": "../admin" }), "petId", "match")]
#[case("create_pet", json!({ "body": { "tag": "cat" } }), "body.name", "missing")]
#[case("create_pet", json!({ "body": { "name": "" } }), "body.name", "shorter than 1 character")]
fn an_argument_that_does_not_fit_is_named_and_its_value_is_not_repeated(
    #[case] name: &str,
    #[case] arguments: Value,
    #[case] argument: &str,
    #[case] why: &str,
) {
    let error = sent(&read_well(V30), name, arguments).expect_err("it does not fit");
    assert_eq!(error.code, ErrorCode::ArgumentsInvalid);
    assert_eq!(
        error.args.get("argument").map(String::as_str),
        Some(argument),
        "{error}"
    );
    assert!(error.args["why"].contains(why), "{error}");
    assert!(!error.to_string().contains("secret-value"), "{error}");
}

/// A document with one parameter `p` of this kind, and its tool's name.
fn one(parameter: Value) -> Document {
    let path = if parameter["in"] == "path" {
        "/x/{p}/y"
    } else {
        "/x"
    };
    let mut parameter = parameter;
    parameter["name"] = json!("p");
    parameter["required"] = json!(true);
    let text = json!({ "openapi": "3.1.0", "paths": { path: { "get": { "operationId": "x", "parameters": [parameter] } } } });
    read_well(&text.to_string())
}

// The examples of OpenAPI 3.1.1, "Style Examples"; commas of lists in the query are never ambiguous.
#[rstest]
#[case("path", "simple", false, json!("a/b ?#"), "/x/a%2Fb%20%3F%23/y")]
#[case("path", "simple", false, json!(["blue", "black"]), "/x/blue,black/y")]
#[case("path", "simple", false, json!({ "R": 1, "G": 2 }), "/x/G,2,R,1/y")]
#[case("path", "simple", true, json!({ "R": 1, "G": 2 }), "/x/G=2,R=1/y")]
#[case("path", "label", false, json!(["blue", "black"]), "/x/.blue,black/y")]
#[case("path", "label", true, json!(["blue", "black"]), "/x/.blue.black/y")]
#[case("path", "label", true, json!({ "R": 1, "G": 2 }), "/x/.G=2.R=1/y")]
#[case("path", "matrix", false, json!("blue"), "/x/;p=blue/y")]
#[case("path", "matrix", false, json!(["blue", "black"]), "/x/;p=blue,black/y")]
#[case("path", "matrix", true, json!(["blue", "black"]), "/x/;p=blue;p=black/y")]
#[case("path", "matrix", true, json!({ "R": 1, "G": 2 }), "/x/;G=2;R=1/y")]
#[case("query", "form", true, json!(["a,b", "c"]), "/x?p=a%2Cb&p=c")]
#[case("query", "form", false, json!(["a,b", "c"]), "/x?p=a%2Cb,c")]
#[case("query", "form", true, json!({ "R": 1, "G": 2 }), "/x?G=2&R=1")]
#[case("query", "form", false, json!({ "R": 1, "G": 2 }), "/x?p=G,2,R,1")]
#[case("query", "spaceDelimited", false, json!(["a", "b"]), "/x?p=a%20b")]
#[case("query", "pipeDelimited", false, json!(["a", "b"]), "/x?p=a%7Cb")]
#[case("query", "deepObject", true, json!({ "R": 1, "L": [2], "O": { "q": true } }), "/x?p%5BL%5D%5B0%5D=2&p%5BO%5D%5Bq%5D=true&p%5BR%5D=1")]
#[case("query", "form", true, json!(true), "/x?p=true")]
fn each_style_is_written_by_its_rules(
    #[case] place: &str,
    #[case] style: &str,
    #[case] explode: bool,
    #[case] value: Value,
    #[case] expected: &str,
) {
    let document = one(json!({ "in": place, "style": style, "explode": explode, "schema": {} }));
    assert_eq!(
        line(&document, "x", json!({ "p": value })),
        format!("GET https://pets.example.com/v1{expected}")
    );
}

#[test]
fn no_argument_leaves_its_place() {
    let path = one(json!({ "in": "path", "schema": {} }));
    for value in [
        "..",
        ".",
        "",
        "%2e%2e",
        "..\\..",
        "a\r\nHost: evil",
        "../../admin",
    ] {
        let error = sent(&path, "x", json!({ "p": value })).expect_err(value);
        assert_eq!(error.code, ErrorCode::ArgumentsInvalid, "{value}");
    }
    let query = one(json!({ "in": "query", "schema": {} }));
    assert_eq!(
        line(&query, "x", json!({ "p": "1&admin=true#x" })),
        "GET https://pets.example.com/v1/x?p=1%26admin%3Dtrue%23x"
    );
    let header = one(json!({ "in": "header", "schema": {} }));
    let error = sent(&header, "x", json!({ "p": "a\r\nX-Evil: 1" })).expect_err("a line break");
    assert_eq!(error.args["argument"], "p");
    // An object's members become parameters of their own: none of them the credential's.
    let error =
        sent(&query, "x", json!({ "p": { "api_key": "mine" } })).expect_err("the key's place");
    assert_eq!(error.args["argument"], "api_key");
}

#[test]
fn arguments_have_names_that_models_take_and_arrive_under_their_own() {
    let named = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    let long = "x".repeat(70);
    let mut parameters: Vec<Value> = [
        "StartTime",
        "StartTime<",
        "StartTime>",
        "$top",
        "page[size]",
        "名前",
        &long,
        &format!("{long}y"),
    ]
    .map(named)
    .into();
    parameters.push(
        json!({ "name": "filter[status]", "in": "query", "description": "Which.",
        "required": true, "schema": { "type": "array", "items": { "type": "string" } } }),
    );
    let document = read_well(
        &json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" },
            "paths": { "/calls": { "get": { "parameters": parameters, "responses": {} } } } })
        .to_string(),
    );
    let operation = &document.operations[0];
    let schema = &operation.tool.input_schema;
    let properties = schema["properties"].as_object().expect("arguments");
    assert_eq!(properties.len(), 9, "{properties:?}");
    for name in properties.keys() {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        assert!(
            name.chars().all(is_plain) && (1..=64).contains(&name.len()),
            "{name}"
        );
    }
    assert_eq!(schema["required"], json!(["filter_status"]));
    let told = |name: &str| &properties[name]["description"];
    assert_eq!(told("filter_status"), "`filter[status]`: Which.");
    assert_eq!(told("StartTime_2"), "`StartTime<`");
    assert_eq!(told("StartTime"), &Value::Null);
    let arguments = json!({ "StartTime": "1", "StartTime_2": "2", "StartTime_3": "3", "top": "4",
        "page_size": "5", "argument": "6", "filter_status": ["7", "8"] });
    assert_eq!(
        line(&document, &operation.tool.name, arguments),
        "GET https://pets.example.com/v1/calls?StartTime=1&StartTime%3C=2&StartTime%3E=3&%24top=4\
         &page%5Bsize%5D=5&%E5%90%8D%E5%89%8D=6&filter%5Bstatus%5D=7&filter%5Bstatus%5D=8"
    );
}

/// OpenAPI 3.1.1, "Discriminator Object".
fn pets() -> Value {
    let of = |kind: &str, more: Value| json!({ "allOf": [{ "$ref": "#/components/schemas/Pet" }, more], "title": kind });
    json!({
        "Pet": { "type": "object", "required": ["petType"],
            "properties": { "petType": { "type": "string" } } },
        "Cat": of("Cat", json!({ "type": "object", "properties": { "name": { "type": "string" } } })),
        "Dog": of("Dog", json!({ "type": "object", "properties": { "bark": { "type": "string" } } })),
    })
}

#[rstest]
#[case::a_discriminator(
    json!({ "oneOf": [{ "$ref": "#/components/schemas/Cat" }, { "$ref": "#/components/schemas/Dog" }],
        "discriminator": { "propertyName": "petType", "mapping": { "dog": "Dog" } } }),
    json!({ "petType": "Cat", "name": "misty" }),
    json!({ "name": "misty" })
)]
#[case::one_that_is_the_other_too(
    json!({ "oneOf": [{ "$ref": "#/components/schemas/Pet" }, { "$ref": "#/components/schemas/Dog" }] }),
    json!({ "petType": "dog", "bark": "woof" }),
    json!(7)
)]
#[case::numbers(
    json!({ "oneOf": [{ "type": "integer" }, { "type": "number" }] }),
    json!(3),
    json!("three")
)]
#[case::beside_any_of(
    json!({ "oneOf": [{ "required": ["a"] }, { "required": ["b"] }],
        "anyOf": [{ "required": ["c"] }, { "required": ["d"] }], "type": "object" }),
    json!({ "a": 1, "b": 1, "d": 1 }),
    json!({ "c": 1 })
)]
fn what_fits_several_of_one_of_is_the_apis_to_choose(
    #[case] schema: Value,
    #[case] fits: Value,
    #[case] fits_none: Value,
) {
    let document = read_well(
        &json!({ "openapi": "3.0.3", "info": { "title": "t", "version": "1" },
            "components": { "schemas": pets() },
            "paths": { "/x": { "post": { "operationId": "make", "responses": {}, "requestBody": {
                "required": true, "content": { "application/json": { "schema": schema } } } } } } })
        .to_string(),
    );
    let (_, body) = sent(&document, "make", json!({ "body": fits })).expect("it fits");
    assert_eq!(body, format!("application/json {fits}"));
    let error = sent(&document, "make", json!({ "body": fits_none })).expect_err("it fits none");
    assert_eq!(error.code, ErrorCode::ArgumentsInvalid, "{error}");
}
