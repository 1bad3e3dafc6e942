//! Pairing an agent, and taking its token away.

use crate::kit::Screen;
use anyhow::{Context, Result};
use chief_tests::home;
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_paired_its_token_works_and_is_refused_once_it_is_removed() -> Result<()> {
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    screen.go("#/agents").await?;
    screen
        .reads("[data-testid=gateway]", "Agents reach Chief at")
        .await?;
    screen.reads("main", "No agent is paired").await?;
    screen.click("[data-testid=pair-agent]").await?;
    screen
        .see("#agent-name")
        .await?
        .send_keys("Claude Code")
        .await?;
    screen.click("[data-testid=pair]").await?;
    screen
        .reads("[data-testid=sheet] h1", "Claude Code is paired")
        .await?;
    let snippet = screen.text("[data-testid=snippet]").await?;
    let config: serde_json::Value = serde_json::from_str(&snippet)?;
    let server = &config["mcpServers"]["chief"];
    assert_eq!(
        server["args"][2], "mcp",
        "the bridge comes first: {snippet}"
    );
    let token = server["env"]["CHIEF_AGENT_TOKEN"]
        .as_str()
        .context("a token")?;
    let url = screen.text("[data-testid=gateway] code").await?;
    let bearer = format!("Bearer {token}");
    let list = || async {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let asked = client
            .post(&url)
            .header("authorization", &bearer)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
            .send()
            .await?;
        anyhow::Ok((asked.status().as_u16(), asked.text().await?))
    };
    let (status, body) = list().await?;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("sample__echo"), "{body}");
    assert!(
        !body.contains("sample__keep_note"),
        "read-only, as the form proposes"
    );

    screen.click("[data-testid=pair-finish]").await?;
    screen.reads("[data-testid=agent]", "Claude Code").await?;
    screen
        .reads("[data-testid=agent]", "Only tools that read")
        .await?;
    assert!(
        !screen.text("body").await?.contains(token),
        "shown once, and never again"
    );
    screen.picture("agents-paired").await?;
    screen.press("New token for Claude Code").await?;
    screen.picture("agents-renew").await?;
    screen.click("[data-testid=renew]").await?;
    screen
        .reads("[data-testid=sheet] h1", "Claude Code has a new token")
        .await?;
    let renewed = screen.text("[data-testid=snippet]").await?;
    assert!(renewed.contains("CHIEF_AGENT_TOKEN") && !renewed.contains(token));
    assert_eq!(list().await?.0, 401, "the one of before");
    screen.picture("agents-renewed").await?;
    screen.click("[data-testid=pair-finish]").await?;
    screen.press("Remove Claude Code").await?;
    screen.click("[data-testid=remove-agent]").await?;
    screen.reads("main", "No agent is paired").await?;
    screen.go("#/activity").await?;
    screen
        .reads("table", "the agent Claude Code was removed")
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn chief_is_added_to_a_program_and_taken_out_again_another_day() -> Result<()> {
    let test = "agents::chief_is_added_to_a_program_and_taken_out_again_another_day";
    let Some(folder) = home::inside(test)? else {
        return Ok(());
    };
    let config = folder.join(".cursor/mcp.json");
    fs::create_dir_all(folder.join(".cursor"))?;
    fs::write(&config, "{}\n")?;
    let screen = Screen::open().await?;
    screen.connect_sample().await?;
    screen.go("#/agents").await?;
    screen.reads("main", "No agent is paired").await?;
    screen.click("[data-testid=pair-agent]").await?;
    screen.see("#agent-name").await?.send_keys("Cursor").await?;
    screen.click("[data-testid=pair]").await?;
    screen.click("[data-testid=add-to]").await?;
    screen
        .reads("[data-testid=edit]", "CHIEF_AGENT_TOKEN")
        .await?;
    screen.click("[data-testid=write]").await?;
    screen
        .reads("[data-testid=added]", "Chief was added to Cursor")
        .await?;
    screen.click("[data-testid=pair-finish]").await?;
    let place = config.display().to_string();
    screen.reads("[data-testid=configured]", &place).await?;
    assert!(fs::read_to_string(&config)?.contains("CHIEF_AGENT_TOKEN"));
    for (theme, option) in [("light", "#theme-1"), ("dark", "#theme-2")] {
        screen.go("#/settings").await?;
        screen.click(option).await?;
        screen.see(&format!("html[data-theme={theme}]")).await?;
        screen.go("#/agents").await?;
        screen.reads("[data-testid=configured]", &place).await?;
        screen
            .picture(&format!("agents-configured-{theme}"))
            .await?;
    }

    // Cursor has written there since.
    let now = fs::read_to_string(&config)?.replacen('{', "{ \"theme\": 1,", 1);
    fs::write(&config, now)?;
    screen.press("Take Chief out of Cursor").await?;
    screen
        .reads("body", "Chief’s entry was taken out of Cursor")
        .await?;
    let left: serde_json::Value = serde_json::from_str(&fs::read_to_string(&config)?)?;
    assert_eq!(left, serde_json::json!({ "theme": 1, "mcpServers": {} }));
    screen.gone("[data-testid=configured]").await?;
    screen.close().await
}
