//! Documents as they should be. What is wrong with them: `hostile`; how a call is written: `calls`.

use super::*;
use serde_json::json;
use url::Url;
use wire::{AuthOffer, Problem, Risk};

mod calls;
mod hostile;

const V30: &str = include_str!("tests/petstore-3.0.yaml");
const V31: &str = include_str!("tests/petstore-3.1.json");

fn read_well(text: &str) -> Document {
    read(text, None).expect("a document that can be read")
}

fn tool<'a>(document: &'a Document, name: &str) -> &'a Operation {
    let found = document
        .operations
        .iter()
        .find(|each| each.tool.name == name);
    found.unwrap_or_else(|| panic!("no tool {name} among {:?}", names_of(document)))
}

fn names_of(document: &Document) -> Vec<&str> {
    document
        .operations
        .iter()
        .map(|each| each.tool.name.as_str())
        .collect()
}

#[test]
fn each_operation_of_a_3_0_document_is_a_tool_with_its_risk() {
    let document = read_well(V30);
    let told: Vec<_> = document
        .operations
        .iter()
        .map(|each| {
            (
                each.tool.name.as_str(),
                each.method.as_str(),
                each.tool.risk,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("get_me", "GET", Risk::Reads),
            ("open", "GET", Risk::Reads),
            ("list_pets", "GET", Risk::Reads),
            ("create_pet", "POST", Risk::Writes),
            ("show_pet_by_id", "GET", Risk::Reads),
            ("delete_pet", "DELETE", Risk::Destroys),
        ]
    );
    let aside: Vec<_> = document
        .problems
        .iter()
        .map(|each| (each.problem, each.what.as_str()))
        .collect();
    let header = (Problem::Optional, "header X-HTTP-Method-Override");
    assert_eq!(aside, [header], "it would change what a GET is");
    let list = tool(&document, "list_pets");
    assert_eq!(list.tool.title.as_deref(), Some("List pets"));
    assert_eq!(
        list.tool.description,
        "Every pet, a page at a time.\n\nGET /pets"
    );
    assert!(
        tool(&document, "delete_pet")
            .tool
            .description
            .starts_with("Deprecated.")
    );
}

#[test]
fn a_3_0_schema_becomes_json_schema_that_stands_by_itself() {
    let document = read_well(V30);
    assert_eq!(
        tool(&document, "list_pets").tool.input_schema,
        json!({
            "type": "object",
            "properties": {
                "limit": { "type": "integer", "exclusiveMinimum": 0, "maximum": 100 },
                "tags": { "type": "array", "items": { "type": "string" } },
                "X-Trace": { "type": "string" }
            },
            "additionalProperties": false
        }),
        "the key of the credential, and a header that changes the method, are no arguments"
    );
    let create = &tool(&document, "create_pet").tool.input_schema;
    assert_eq!(
        create["properties"]["body"],
        json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": { "type": "string", "minLength": 1 },
                "tag": { "type": ["string", "null"], "enum": ["cat", "dog", null] },
                "parent": { "description": "(Pet again)" }
            }
        }),
        "what the server fills in is not asked for, and a circle is cut"
    );
    assert_eq!(create["required"], json!(["body"]));
    assert_eq!(
        tool(&document, "show_pet_by_id").tool.input_schema["required"],
        json!(["petId"]),
        "a path's own parameters are its operations'"
    );
}

#[test]
fn a_3_1_document_is_read_in_its_own_words() {
    let document = read_well(V31);
    assert_eq!(
        names_of(&document),
        ["create_charge", "health", "update_pet"]
    );
    let update = tool(&document, "update_pet");
    assert_eq!(
        update.tool.input_schema["properties"],
        json!({
            "petId": { "type": ["integer", "string"] },
            "petId_2": { "type": "boolean", "description": "`petId`" },
            "body": {
                "type": "object",
                "additionalProperties": false,
                "description": "What changes",
                "properties": { "name": { "type": "string" }, "age": { "type": "integer", "exclusiveMinimum": 0 } }
            }
        }),
        "two places with one name are two arguments"
    );
    let body = update.body.as_ref().expect("a body");
    assert_eq!(body.media, "application/merge-patch+json");
    let left_out: Vec<_> = document
        .problems
        .iter()
        .map(|p| (p.problem, p.what.as_str()))
        .collect();
    assert_eq!(left_out, [(Problem::Body, "multipart/form-data")]);
    assert_eq!(
        document.problems[0].place,
        "/paths/~1upload/post/requestBody"
    );
}

#[test]
fn the_ways_to_give_a_credential_are_read_the_likeliest_first() {
    assert_eq!(
        read_well(V30).auth,
        [AuthOffer::Query {
            name: "api_key".to_owned()
        }]
    );
    assert_eq!(read_well(V31).auth, [AuthOffer::Bearer, AuthOffer::Basic]);
    let with = |schemes: Value, security: Value| {
        let text = json!({
            "openapi": "3.1.0", "security": security,
            "components": { "securitySchemes": schemes },
            "paths": { "/a": { "get": {} } }
        });
        read_well(&text.to_string())
    };
    let none = with(json!({}), json!([]));
    assert_eq!(none.auth, [AuthOffer::None]);
    let cookie = with(
        json!({ "c": { "type": "apiKey", "in": "cookie", "name": "sid" } }),
        json!([{ "c": [] }]),
    );
    assert_eq!(
        (cookie.auth, cookie.problems[0].problem),
        (vec![], Problem::Auth)
    );
    let two = with(
        json!({ "a": { "type": "apiKey", "in": "header", "name": "X-A" }, "b": { "type": "apiKey", "in": "header", "name": "X-B" } }),
        json!([{ "a": [], "b": [] }]),
    );
    assert_eq!(two.problems[0].problem, Problem::TwoKeys);
    let oauth = with(
        json!({ "o": { "type": "oauth2", "flows": { "authorizationCode": {
            "authorizationUrl": "https://auth.example.com/a", "tokenUrl": "http://auth.example.com/t",
            "scopes": { "read": "Reads", "write": "Writes" } } } } }),
        json!([{ "o": ["read"] }]),
    );
    assert_eq!(
        oauth.auth,
        [AuthOffer::OAuth {
            authorization_url: Some("https://auth.example.com/a".to_owned()),
            token_url: None,
            scopes: vec!["read".to_owned(), "write".to_owned()],
        }],
        "an http token endpoint is not offered"
    );
}

#[test]
fn basic_is_proposed_only_where_a_document_does_not_let_one_choose() {
    let schemes = "components: {securitySchemes: {a: {type: http, scheme: basic}, b: {type: http, scheme: bearer}}}";
    let text = |security: &str| {
        format!(
            "openapi: 3.0.3\ninfo: {{title: Payments, version: '1'}}\nservers: [{{url: https://api.example.com}}]\n\
             {security}\n{schemes}\npaths: {{/a: {{get: {{operationId: a, responses: {{'200': {{description: ok}}}}}}}}}}\n"
        )
    };
    let offers = |security: &str| read_well(&text(security)).auth;
    let (basic, bearer) = (AuthOffer::Basic, AuthOffer::Bearer);
    let either = [bearer.clone(), basic.clone()];
    assert_eq!(offers("security: [{a: []}, {b: []}]"), either);
    assert_eq!(offers(""), [bearer, basic.clone(), AuthOffer::None]);
    assert_eq!(offers("security: [{a: []}]"), [basic]);
}

#[test]
fn the_proposed_ping_asks_for_the_credential_and_takes_no_argument() {
    assert_eq!(read_well(V30).health_path.as_deref(), Some("/me"));
    assert_eq!(
        read_well(V31).health_path.as_deref(),
        Some("/health"),
        "better than nothing, although it asks for none"
    );
    let only = json!({ "openapi": "3.1.0", "paths": { "/a": { "post": {} }, "/b/{x}": { "get": {
        "parameters": [{ "name": "x", "in": "path", "required": true }] } } } });
    assert_eq!(read_well(&only.to_string()).health_path, None);
}

#[test]
fn a_server_that_must_be_completed_says_so() {
    let from = Url::parse("https://docs.example.com/api/openapi.yaml?x=1").expect("a URL");
    let told = |from| -> Vec<(String, bool)> {
        let document = read(V30, from).expect("a document");
        document
            .servers
            .into_iter()
            .map(|each| (each.url, each.complete))
            .collect()
    };
    assert_eq!(
        told(None),
        [
            ("https://eu.pets.example.com/v1".to_owned(), false),
            ("/v1".to_owned(), false)
        ]
    );
    assert_eq!(
        told(Some(&from))[1],
        ("https://docs.example.com/v1".to_owned(), true)
    );
}

#[test]
fn an_operation_with_servers_of_its_own_is_there_where_one_of_them_is_the_base() {
    let at = |urls: &[&str]| -> Value { urls.iter().map(|url| json!({ "url": url })).collect() };
    let (api, files) = ("https://api.example.com/v1", "https://files.example.com");
    let document = read_well(
        &json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" },
            "servers": at(&[api, files]),
            "paths": {
                "/me": { "get": { "operationId": "me" } },
                "/upload": { "servers": at(&["https://elsewhere.example"]),
                    "post": { "operationId": "upload", "servers": at(&[files]) } },
                "/copy": { "get": { "operationId": "copy", "servers": at(&[files, "https://mirror.example", api]) } },
                "/gone": { "get": { "operationId": "gone", "servers": at(&["https://elsewhere.example"]) } },
            } })
        .to_string(),
    );
    let under = |base: &str| -> Vec<&str> {
        let all = document.operations.iter();
        let under = all.filter(|each| each.is_under(base));
        under.map(|each| each.tool.name.as_str()).collect()
    };
    assert_eq!(under(&format!("{api}/")), ["copy", "me"]);
    assert_eq!(under(files), ["copy", "me", "upload"]);
    let told: Vec<_> = document
        .problems
        .iter()
        .map(|each| (each.problem, each.what.as_str(), each.place.as_str()))
        .collect();
    let other = Problem::OtherServer;
    assert_eq!(
        told,
        [
            (
                other,
                "https://elsewhere.example",
                "/paths/~1gone/get/servers"
            ),
            (other, files, "/paths/~1upload/post/servers"),
        ]
    );
}

#[test]
fn the_same_document_gives_the_same_hashes_and_any_change_of_a_call_another() {
    let hash = |text: &str| tool(&read_well(text), "show_pet_by_id").tool.hash.clone();
    assert_eq!(hash(V30), hash(V30));
    let moved = V30.replace("/pets/{petId}:", "/animals/{petId}:");
    assert_ne!(hash(V30), hash(&moved), "another path is another tool");
    let styled = V30.replace(
        "name: petId, in: path,",
        "name: petId, in: path, style: label,",
    );
    assert_ne!(
        hash(V30),
        hash(&styled),
        "so is another way to write an argument"
    );
    assert_eq!(
        tool(&read_well(V30), "list_pets").tool.hash,
        tool(&read_well(&moved), "list_pets").tool.hash,
        "what did not change keeps its hash"
    );
}

#[test]
fn what_tells_another_method_is_no_argument() {
    let read = read_well(
        "openapi: 3.0.3\ninfo: {title: T, version: '1'}\nservers: [{url: https://api.example.com}]\n\
         paths: {/a: {post: {operationId: a, parameters: [\
         {name: _method, in: query, schema: {type: string}}, {name: method, in: query, schema: {type: string}}, \
         {name: X-HTTP-Method, in: header, schema: {type: string}}], responses: {'200': {description: ok}}}}}\n",
    );
    let operation = &read.operations[0];
    let names: Vec<&str> = operation
        .parameters
        .iter()
        .map(|each| each.name.as_str())
        .collect();
    assert_eq!(names, ["method"]);
}
