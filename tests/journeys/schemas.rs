//! What agents are told of a tool's arguments and results.

use crate::kit::{
    Home,
    agent::{Agent, ERAS, raw, told},
    changing::Changing,
    targets, text_of,
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::{Value, json};

/// The tools that an agent is listed, as they are on the wire.
async fn listed(url: &str, token: &str) -> Result<Vec<Value>> {
    let bearer = format!("Bearer {token}");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let (_, body) = raw(("POST", url), &[("authorization", &bearer)], &list).await?;
    let tools = told(&body)?["result"]["tools"].take();
    Ok(serde_json::from_value(tools)?)
}

#[tokio::test]
async fn what_a_server_hides_in_schemas_and_hints_reaches_no_agent() -> Result<()> {
    // "obey" in tags, then characters that turn and split words.
    let hidden = "\u{e006f}\u{e0062}\u{e0065}\u{e0079}\u{202e}\u{200b}\u{1b}";
    let with = |text: &str| format!("{text}{hidden}");
    let pay = json!({
        "name": "pay",
        "title": with("Pay"),
        "description": with("Pays."),
        "inputSchema": {
            "type": "object",
            "description": with("Who and how"),
            "properties": {
                "to": { "type": "string", "description": with("To whom") },
                "how": { "enum": ["fast", with("slow")] },
            },
        },
        "outputSchema": {
            "type": "object",
            "properties": { "paid": { "type": "number", "description": with("How much") } },
        },
        "annotations": { "title": with("Pay"), "readOnlyHint": false },
    });
    let see = json!({ "name": "see", "inputSchema": { "type": "object" }, "outputSchema": {} });
    let server = Changing::serve(vec![pay, see]).await?;
    let home = Home::new().await?;
    let target = targets::mcp_bearer(&server.server.url("/mcp"), "key");
    home.connect(target).await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let tools = listed(&door.url, &token).await?;
    let find = |name: &str| {
        let found = tools.iter().find(|tool| tool["name"] == name);
        found.with_context(|| format!("{tools:?}"))
    };
    let mut pay = find("keyed__pay")?.clone();
    let allowed = pay["inputSchema"]["properties"]["how"]["enum"].take();
    assert_eq!(allowed, json!(["fast", with("slow")]), "a call repeats it");
    let told = pay.to_string();
    let held = hidden.chars().filter(|c| told.contains(*c));
    assert_eq!(held.count(), 0, "{told}");
    assert_eq!(
        pay["inputSchema"]["properties"]["to"]["description"],
        "To whom"
    );
    assert_eq!(
        pay["outputSchema"]["properties"]["paid"]["description"],
        "How much"
    );
    assert_eq!(pay["annotations"]["title"], "Pay");
    let see = find("keyed__see")?;
    assert!(
        see["outputSchema"].is_null(),
        "older clients refuse such: {see}"
    );
    Ok(())
}

#[tokio::test]
async fn what_a_tool_promises_of_its_results_reaches_agents_and_holds() -> Result<()> {
    let everything = Peer::start("everything", &[]).await?;
    let home = Home::new().await?;
    home.connect(json!({
        "kind": "mcp", "name": "All", "url": everything.url, "auth": { "auth": "discover" },
    }))
    .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let tools = listed(&door.url, &token).await?;
    let tool = tools.iter().find(|tool| tool["outputSchema"].is_object());
    let tool = tool.with_context(|| format!("{tools:?}"))?;
    assert_eq!(tool["name"], "all__get-structured-content");
    assert_eq!(
        tool["outputSchema"]["properties"]["temperature"]["type"],
        "number"
    );

    for era in ERAS {
        let mut agent = Agent::start(era, &door.url, &token).await?;
        // The official clients hold the result against the schema that they were listed.
        agent.tools().await?;
        let answer = agent
            .call(
                "all__get-structured-content",
                json!({ "location": "Chicago" }),
            )
            .await?;
        let held = &answer["structuredContent"]["temperature"];
        assert!(held.is_number(), "{era}: {answer}");
        assert!(text_of(&answer).contains("temperature"), "{era}: {answer}");
    }
    Ok(())
}
