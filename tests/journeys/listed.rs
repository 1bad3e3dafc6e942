//! A list and a search that every agent can take, whatever servers say of their tools.

use crate::kit::{
    Home,
    agent::{Agent, Door, ERAS, raw, told},
    changing::{Changing, tool},
    targets, text_of,
};
use anyhow::{Context, Result};
use engine::connectors::is_schema;
use serde_json::{Value, json};

/// A server with these tools, the gateway, and the token of an agent that may use them all.
async fn scene(tools: Vec<Value>) -> Result<(Home, Changing, Door, String)> {
    let server = Changing::serve(tools).await?;
    let home = Home::new().await?;
    let target = targets::mcp_bearer(&server.server.url("/mcp"), "key");
    home.connect(target).await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    Ok((home, server, door, token))
}

fn with(name: &str, input: Value) -> Value {
    json!({ "name": name, "description": "Does.", "inputSchema": input })
}

#[tokio::test]
async fn a_schema_that_models_or_clients_refuse_takes_no_other_tool_along() -> Result<()> {
    let text = json!({ "type": "string" });
    let either = json!({
        "type": "object",
        "$defs": { "named": { "type": "object", "properties": { "name": text }, "required": ["name"] } },
        "anyOf": [
            { "properties": { "id": { "type": "integer" } }, "required": ["id"] },
            { "$ref": "#/$defs/named" },
        ],
    });
    let mut promises = tool("promises", "Promises.");
    promises["outputSchema"] =
        json!({ "type": "object", "properties": { "x": { "$ref": "https://a.test/x.json" } } });
    let (_home, server, door, token) = scene(vec![
        with("nothing", json!({})),
        with("either", either),
        with(
            "any",
            json!({ "type": "object", "properties": { "x": true }, "required": true }),
        ),
        with(
            "filters",
            json!({ "type": "object", "properties": { "filter[name]": text } }),
        ),
        promises,
        tool("good", "Is as it should be."),
    ])
    .await?;
    for era in ERAS {
        let mut agent = Agent::start(era, &door.url, &token).await?;
        let mut names = agent.tools().await?;
        names.retain(|name| !name.starts_with("chief_crons_"));
        let expected = [
            "keyed__nothing",
            "keyed__either",
            "keyed__any",
            "keyed__promises",
            "keyed__good",
            // The one that is not listed is found and called by these.
            "chief__search_tools",
            "chief__call_tool",
        ];
        assert_eq!(names, expected, "{era}");
        let neither = agent.call("keyed__either", json!({})).await?;
        assert_eq!(
            neither["isError"], true,
            "the whole schema holds: {neither}"
        );
        for (name, given) in [
            ("nothing", json!({ "a": 1 })),
            ("either", json!({ "name": "a" })),
            ("filters", json!({ "filter[name]": "a" })),
            ("good", json!({})),
        ] {
            let inner = json!({ "name": format!("keyed__{name}"), "arguments": given });
            let answer = agent.call("chief__call_tool", inner).await?;
            assert_eq!(text_of(&answer), name, "{era}: {answer}");
        }
    }
    assert_eq!(server.calls().len(), 8);

    let bearer = format!("Bearer {token}");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let (_, body) = raw(("POST", &door.url), &[("authorization", &bearer)], &list).await?;
    let tools = told(&body)?["result"]["tools"].take();
    let find = |name: &str| {
        let mut all = tools.as_array().into_iter().flatten();
        let found = all.find(|tool| tool["name"] == name);
        found.cloned().with_context(|| format!("{name}: {tools}"))
    };
    let either = find("keyed__either")?;
    let input = &either["inputSchema"];
    assert_eq!(input["properties"]["id"], json!({ "type": "integer" }));
    assert_eq!(input["properties"]["name"], text);
    assert!(input.get("anyOf").is_none(), "{input}");
    let said = either["description"].as_str().unwrap_or_default();
    assert!(said.contains("\"required\":[\"id\"]"), "{said}");
    assert_eq!(
        find("keyed__any")?["inputSchema"],
        json!({ "type": "object", "properties": { "x": {} } })
    );
    assert!(find("keyed__promises")?.get("outputSchema").is_none());
    Ok(())
}

#[tokio::test]
async fn a_promise_that_a_client_cannot_compile_takes_no_other_tool_along() -> Result<()> {
    let odd = [
        json!({ "nullable": true, "allOf": [{ "type": "object" }] }),
        json!({ "type": "string", "pattern": r"^[\w-.]+$" }),
        json!({ "type": "string", "pattern": "(?i)yes" }),
        json!({ "type": "string", "pattern": "(?P<y>[0-9]{4})" }),
        json!({ "type": "integer", "minimum": 0, "exclusiveMinimum": true }),
        json!({ "type": "string", "required": true }),
        json!({ "enum": [] }),
        json!({ "type": "strng" }),
        json!({ "type": "object", "additionalProperties": "no" }),
        json!({ "id": "#x", "type": "string" }),
        json!({ "anyOf": [{ "$anchor": "x" }, { "$anchor": "x", "type": "string" }] }),
    ];
    let mut tools: Vec<Value> = Vec::new();
    for (n, x) in odd.into_iter().enumerate() {
        let mut odd = tool(&format!("odd_{n}"), "Promises.");
        odd["outputSchema"] = json!({ "type": "object", "properties": { "x": x } });
        tools.push(odd);
    }
    let mut good = tool("good", "Is as it should be.");
    good["outputSchema"] = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": { "id": { "type": "string", "format": "date-time" } },
    });
    tools.push(good);
    let (_home, server, door, token) = scene(tools.clone()).await?;
    for era in ERAS {
        let mut agent = Agent::start(era, &door.url, &token).await?;
        let names = agent.tools().await?;
        for tool in &tools {
            let name = format!("keyed__{}", tool["name"].as_str().unwrap_or_default());
            assert!(names.contains(&name), "{era}: {name} in {names:?}");
        }
        let answer = agent.call("keyed__odd_0", json!({})).await?;
        assert_eq!(text_of(&answer), "odd_0", "{era}: {answer}");
    }
    assert_eq!(server.calls().len(), 2);
    for told in listed(&door, &token).await? {
        let expected = json!({
            "type": "object",
            "properties": { "id": { "type": "string", "format": "date-time" } },
        });
        let expected = (told["name"] == "keyed__good").then_some(&expected);
        assert_eq!(told.get("outputSchema"), expected, "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn arguments_of_an_older_dialect_are_listed_in_the_newest_one_and_held_against_the_older()
-> Result<()> {
    let input = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "at": { "description": "Where", "type": "array", "items": [{ "type": "number" }, { "type": "number" }] },
            "mail": { "type": "string", "pattern": "^(?!x)[a-z]+@[a-z]+$" },
        },
        "required": ["at"],
    });
    let limit = json!({ "type": "integer", "minimum": 0, "exclusiveMinimum": true });
    let deep = json!({ "type": "object", "properties": { "n": limit, "odd": { "type": "string", "required": true } } });
    let bounds = json!({ "type": "object", "properties": { "deep": deep } });
    let told = vec![with("tuple", input), with("bounds", bounds)];
    let (_home, server, door, token) = scene(told).await?;
    let tools = listed(&door, &token).await?;
    for tool in &tools {
        assert!(is_schema(&tool["inputSchema"]), "{tool}");
    }
    let expected = json!({
        "type": "object",
        "properties": {
            "at": { "description": "Where", "type": "array" },
            "mail": { "type": "string" },
        },
        "required": ["at"],
    });
    assert_eq!(tools[0]["inputSchema"], expected);
    let said = "[Keyed] Does.\n\nThe arguments are checked for more than their schema says.";
    assert_eq!(tools[0]["description"], said);
    let deep = &tools[1]["inputSchema"]["properties"]["deep"]["properties"];
    let expected = json!({ "n": { "type": "integer", "minimum": 0 }, "odd": { "type": "string" } });
    assert_eq!(deep, &expected);

    let mut agent = Agent::start("2", &door.url, &token).await?;
    for (given, goes_out) in [
        (json!({ "at": [1, 2], "mail": "a@b" }), true),
        (json!({ "at": [1, "b"] }), false),
        (json!({ "at": [1, 2], "mail": "x@b" }), false),
    ] {
        let answer = agent.call("keyed__tuple", given).await?;
        assert_eq!(answer["isError"] != true, goes_out, "{answer}");
    }
    assert_eq!(server.calls().len(), 1);
    Ok(())
}

/// The integration's tools, as they are listed.
async fn listed(door: &Door, token: &str) -> Result<Vec<Value>> {
    let bearer = format!("Bearer {token}");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let (_, body) = raw(("POST", &door.url), &[("authorization", &bearer)], &list).await?;
    let tools = told(&body)?["result"]["tools"].take();
    let tools = tools.as_array().cloned().unwrap_or_default();
    let is_of_it = |tool: &Value| {
        tool["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("keyed__"))
    };
    Ok(tools.into_iter().filter(is_of_it).collect())
}

#[tokio::test]
async fn a_search_tells_no_more_than_an_agent_can_read_and_a_name_its_whole_schema() -> Result<()> {
    let long = "x".repeat(10_000);
    let tools = (0..70).map(|n| {
        json!({
            "name": format!("list_{n}"),
            "description": format!("Lists things.\n{}", "More of it. ".repeat(60)),
            "inputSchema": { "type": "object", "properties": { "a": { "description": long } } },
            "outputSchema": { "type": "object", "properties": { "b": { "description": long } } },
        })
    });
    let (_home, _server, door, token) = scene(tools.collect()).await?;
    let mut agent = Agent::start("2", &door.url, &token).await?;
    let mut search = async |query: &str| -> Result<(usize, Vec<Value>)> {
        let found = agent.call("chief__search_tools", json!({ "query": query }));
        let found = text_of(&found.await?);
        Ok((found.len(), serde_json::from_str(&found)?))
    };
    let (bytes, found) = search("things to list").await?;
    assert_eq!(found.len(), 20);
    assert!(bytes <= 48_000, "{bytes}");
    assert_eq!(found[0]["inputSchema"]["type"], "object", "{}", found[0]);
    let last = found.last().context("twenty")?;
    assert!(
        last["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("keyed__list_"))
    );
    assert_eq!(last["description"], "[Keyed] Lists things.");
    assert!(last.get("inputSchema").is_none(), "{last}");
    let (_, alone) = search("keyed__list_42").await?;
    assert_eq!(alone.len(), 1);
    assert_eq!(alone[0]["name"], "keyed__list_42");
    assert_eq!(
        alone[0]["inputSchema"]["properties"]["a"]["description"],
        long
    );
    let told = |tool: &Value| tool.get("outputSchema").is_some();
    assert!(
        !found.iter().chain(&alone).any(told),
        "it is long, and no call needs it"
    );
    Ok(())
}

#[tokio::test]
async fn a_tool_whose_name_had_to_be_changed_is_called_by_it_until_it_is_taken_away() -> Result<()>
{
    let own = [
        "list.charges",
        "a_tool_whose_name_is_longer_than_clients_take",
        "look",
    ];
    let (home, server, door, token) = scene(own.map(|name| tool(name, "Does.")).to_vec()).await?;
    let agents = home.ask::<wire::ListAgents>(json!({})).await?;
    let id = agents.agents[0].id;
    let cards = home.ask::<wire::ListIntegrations>(json!({})).await?;
    let alone = format!("{}/keyed", door.url);
    let mut both = Vec::new();
    for url in [&door.url, &alone] {
        let mut agent = Agent::start("2", url, &token).await?;
        let mut names = agent.tools().await?;
        names.retain(|name| !name.starts_with("chief_crons_"));
        for (name, own) in names.iter().zip(own) {
            for _ in 0..2 {
                let answer = agent.call(name, json!({})).await?;
                assert_eq!(text_of(&answer), own, "{name}: {answer}");
            }
        }
        both.push((agent, names));
    }
    let chosen = json!([{ "integration": cards[0].id, "tools": ["look"] }]);
    let ask = json!({ "id": id, "integrations": null, "tools": chosen, "read_only": false });
    home.ask::<wire::ChangeAgent>(ask).await?;
    let before = server.calls().len();
    for (agent, names) in &mut both {
        for name in names.iter().take(2) {
            let answer = agent.call(name, json!({})).await?;
            assert_eq!(answer["code"], -32602, "{name}: {answer}");
        }
    }
    assert_eq!(server.calls().len(), before);
    Ok(())
}
