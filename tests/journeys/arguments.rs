//! Arguments that do not fit a tool's schema: refused at the gateway by name, and nothing leaves. Where a
//! server's schema cannot be used, the server judges, and the row says so.

use crate::kit::{
    Home,
    agent::{Agent, ERAS},
    changing::Changing,
    targets, text_of,
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wire::{ErrorCode, Outcome, RowKind};

fn tool(name: &str, schema: &Value) -> Value {
    json!({ "name": name, "description": "A tool.", "inputSchema": schema })
}

fn failure(answer: &Value) -> &Value {
    &answer["_meta"]["app.chief.integrations/error"]
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_by_name_and_nothing_goes_upstream() -> Result<()> {
    let home = Home::new().await?;
    let schema = json!({
        "type": "object",
        "properties": {
            "amount": { "type": "integer", "minimum": 1 },
            "to": { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
        },
        "required": ["amount"],
        "additionalProperties": false,
    });
    // One that asks, too: nobody is asked about what cannot run.
    let tools = vec![tool("pay", &schema), tool("delete_payment", &schema)];
    let server = Changing::serve(tools).await?;
    home.connect(targets::mcp_bearer(&server.server.url("/mcp"), "key"))
        .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({ "name": "Claude" })).await?;
    for era in ERAS {
        let mut agent = Agent::start(era, &door.url, &token).await?;
        for (arguments, argument) in [
            (json!({}), "amount"),
            (json!({ "amount": "a-planted-secret" }), "amount"),
            (json!({ "amount": 1, "colour": 2 }), "colour"),
            (json!({ "amount": 1, "to": {} }), "to.name"),
        ] {
            for name in ["pay", "delete_payment"] {
                let answer = agent
                    .call(&format!("keyed__{name}"), arguments.clone())
                    .await?;
                assert_eq!(answer["isError"], true, "{era}: {answer}");
                let failure = failure(&answer);
                assert_eq!(failure["code"], "arguments-invalid", "{era}: {answer}");
                assert_eq!(failure["args"]["argument"], argument, "{era}: {answer}");
                assert!(!answer.to_string().contains("planted"), "{answer}");
                let row = home
                    .rows_of(RowKind::Call, &format!("keyed.{name}"))
                    .await?
                    .remove(0);
                assert_eq!((row.outcome, row.took_ms), (Outcome::Refused, None));
                let error = row.error.context("why")?;
                assert_eq!(error.code, ErrorCode::ArgumentsInvalid);
                assert_eq!(error.args["argument"], argument);
            }
        }
        let answer = agent.call("keyed__pay", json!({ "amount": 3 })).await?;
        assert_eq!(text_of(&answer), "pay", "{era}: {answer}");
    }
    assert_eq!(server.calls().len(), 2, "only what fits went out");
    assert!(home.ask::<wire::ListApprovals>(json!({})).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_schema_that_is_broken_or_endless_is_left_to_its_server_and_the_row_says_so() -> Result<()>
{
    let home = Home::new().await?;
    // Each looks at the next one twice: 2^60 looks.
    let defs: Value = (0..60)
        .map(|n| {
            let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
            (format!("d{n}"), json!({ "anyOf": [next.clone(), next] }))
        })
        .chain([("d60".to_owned(), json!({ "type": "integer" }))])
        .collect::<serde_json::Map<_, _>>()
        .into();
    let wide: Vec<String> = (0..20_000).map(|n| format!("{n:08}")).collect();
    let tools = vec![
        tool(
            "broken",
            &json!({ "type": "object", "properties": { "a": { "type": "nothing" } } }),
        ),
        tool(
            "elsewhere",
            &json!({ "type": "object", "properties": { "a": { "$ref": "http://127.0.0.1:9/a.json" } } }),
        ),
        tool(
            "endless",
            &json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/d0" } }, "$defs": defs }),
        ),
        tool("circle", &json!({ "type": "object", "$ref": "#" })),
        tool(
            "large",
            &json!({ "type": "object", "properties": { "a": { "enum": wide } } }),
        ),
    ];
    let server = Changing::serve(tools).await?;
    home.connect(targets::mcp_bearer(&server.server.url("/mcp"), "key"))
        .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let mut agent = Agent::start("2", &door.url, &token).await?;
    let began = Instant::now();
    for name in ["broken", "elsewhere", "endless", "circle"] {
        let answer = agent
            .call(&format!("keyed__{name}"), json!({ "a": {} }))
            .await?;
        assert_eq!(text_of(&answer), name, "the server judges: {answer}");
        let row = home
            .rows_of(RowKind::Call, &format!("keyed.{name}"))
            .await?
            .remove(0);
        assert_eq!(row.outcome, Outcome::Ok);
        assert!(row.detail.contains("not checked"), "{name}: {}", row.detail);
    }
    let answer = agent
        .call("keyed__large", json!({ "a": "nothing" }))
        .await?;
    assert_eq!(failure(&answer)["code"], "arguments-invalid", "{answer}");
    assert!(answer.to_string().len() < 4_000, "a bounded sentence");
    let answer = agent
        .call("keyed__large", json!({ "a": "00000007" }))
        .await?;
    assert_eq!(text_of(&answer), "large");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    Ok(())
}
