//! Agents are told when their tools have become others, in either era and by either door.

use crate::kit::{
    Home,
    agent::{Agent, ERAS, bridge},
    changing::{Changing, tool},
    targets, tick,
};
use anyhow::{Context, Result};
use engine::agents::Watch;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wire::{IntegrationId, Status};

/// Agents that listen, and how often each has been told.
struct Listening(Vec<(Agent, u64)>);

impl Listening {
    /// Each is told once more at least.
    async fn are_told(&mut self, why: &str) -> Result<()> {
        for (n, (agent, told)) in self.0.iter_mut().enumerate() {
            let now = agent.news(*told + 1).await?;
            assert!(now > *told, "{why}: agent {n}, {}", agent.facts);
            *told = now;
        }
        Ok(())
    }
}

async fn policy(home: &Home, id: IntegrationId, choice: Value) -> Result<()> {
    let ask = json!({ "id": id, "tool": "look", "agent": null, "choice": choice });
    Ok(home.ask::<wire::SetPolicy>(ask).await?)
}

async fn is(home: &Home, id: IntegrationId, status: Status) -> Result<()> {
    home.test(id).await?;
    let began = Instant::now();
    while home.card(id).await?.health.status != status {
        tick(began, "the status").await?;
    }
    Ok(())
}

#[tokio::test]
async fn whatever_changes_an_agents_tools_is_told_in_either_era_by_either_door() -> Result<()> {
    let home = Home::new().await?;
    let server = Changing::serve(vec![tool("look", "Looks."), tool("see", "Sees.")]).await?;
    let target = targets::mcp_bearer(&server.server.url("/mcp"), "key");
    let id = home.connect(target).await?;
    let door = home.open_door().await?;
    let (paired, token) = home.pair(json!({ "name": "Claude" })).await?;
    let command = bridge(&home, &token, &[])?;
    let mut agents = vec![];
    for era in ERAS {
        for environment in [
            &[("URL", door.url.as_str()), ("TOKEN", &token), ("NEWS", "1")][..],
            &[("COMMAND", &command), ("NEWS", "1")],
        ] {
            agents.push((Agent::spawn(era, environment).await?, 0));
        }
    }
    let mut all = Listening(agents);
    policy(&home, id, json!("deny")).await?;
    let mut is_hidden = true;
    for (agent, _) in &mut all.0 {
        // It began to listen after the change.
        if agent.news(1).await? == 0 {
            is_hidden = !is_hidden;
            let choice = if is_hidden {
                json!("deny")
            } else {
                Value::Null
            };
            policy(&home, id, choice).await?;
        }
    }
    all.are_told("a policy hides or shows a tool").await?;
    if !is_hidden {
        policy(&home, id, json!("deny")).await?;
        all.are_told("a policy hides a tool").await?;
    }
    policy(&home, id, Value::Null).await?;
    all.are_told("a policy shows it again").await?;

    server.trouble(401);
    is(&home, id, Status::Failing).await?;
    all.are_told("it fails").await?;
    server.trouble(0);
    is(&home, id, Status::Healthy).await?;
    all.are_told("it is mended").await?;

    server.tell(vec![tool("look", "Looks twice."), tool("see", "Sees.")]);
    let probe = json!({ "id": id });
    let tools = home
        .ask::<wire::ProbeIntegration>(probe)
        .await?
        .into_iter()
        .find_map(|tool| tool.held)
        .context("held back")?;
    all.are_told("a changed tool is held back").await?;
    let accept = json!({ "id": id, "tools": [{ "name": "look", "hash": tools.hash }] });
    home.ask::<wire::AcceptTools>(accept).await?;
    all.are_told("it is accepted").await?;

    // Held back and accepted at once: what is listed has the same names, and is another tool.
    server.tell(vec![tool("look", "Looks away."), tool("see", "Sees.")]);
    let held = home.ask::<wire::ProbeIntegration>(json!({ "id": id }));
    let held = held.await?.into_iter().find_map(|tool| tool.held);
    let hash = held.context("held back")?.hash;
    let accept = json!({ "id": id, "tools": [{ "name": "look", "hash": hash }] });
    home.ask::<wire::AcceptTools>(accept).await?;
    all.are_told("another tool has its name").await?;

    let other = home.connect(targets::sample()).await?;
    all.are_told("another is connected").await?;
    home.disconnect(other).await?;
    all.are_told("it is disconnected").await?;

    // A call changes nothing, and a token that is refused ends it.
    let before: Vec<u64> = all.0.iter().map(|(_, told)| *told).collect();
    let (agent, _) = &mut all.0[1];
    let answer = agent.call("keyed__see", json!({})).await?;
    assert_eq!(answer["content"][0]["text"], "see", "{answer}");
    home.ask::<wire::RevokeAgent>(json!({ "id": paired.id }))
        .await?;
    policy(&home, id, json!("deny")).await?;
    let (agent, told) = &mut all.0[1];
    assert_eq!(agent.news(*told).await?, before[1], "told nothing more");
    Ok(())
}

#[tokio::test]
async fn a_change_is_told_though_the_wait_for_it_was_given_up_meanwhile() -> Result<()> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    home.open_door().await?;
    let (agent, _) = home.pair(json!({ "name": "Claude" })).await?;
    let mut watch = Watch::begin(&home.engine, &agent, None).await?;
    let hide = json!({ "id": id, "tool": "echo", "agent": null, "choice": "deny" });
    home.ask::<wire::SetPolicy>(hide).await?;
    // As a stream does that only says that it is still there.
    let given_up = tokio::time::timeout(Duration::from_millis(300), watch.changed()).await;
    assert!(
        given_up.is_err(),
        "changes that come close together are one"
    );
    let told = tokio::time::timeout(Duration::from_secs(5), watch.changed()).await;
    assert!(told?, "the tool is hidden");
    Ok(())
}

#[tokio::test]
async fn calls_that_are_counted_have_no_list_looked_at_and_what_may_change_one_has() -> Result<()> {
    let (home, _clock) = Home::with_fake_clock().await?;
    let id = home.connect(targets::sample()).await?;
    home.open_door().await?;
    let (agent, _) = home.pair(json!({ "name": "Claude" })).await?;
    home.call(id, "echo", json!({ "text": "a" })).await?;
    home.ask::<wire::ListAgents>(json!({})).await?;
    let mut watch = Watch::begin(&home.engine, &agent, None).await?;
    for _ in 0..3 {
        home.call(id, "echo", json!({ "text": "a" })).await?;
        // It counts what is over, which a listener hears of.
        home.ask::<wire::ListAgents>(json!({})).await?;
        let told = tokio::time::timeout(Duration::from_millis(1_200), watch.changed()).await;
        assert!(told.is_err(), "a call changes nothing");
    }
    assert_eq!(watch.looks, 1, "nor has it anything read");
    let hide = json!({ "id": id, "tool": "echo", "agent": null, "choice": "deny" });
    home.ask::<wire::SetPolicy>(hide).await?;
    let told = tokio::time::timeout(Duration::from_secs(20), watch.changed()).await;
    assert!(told?, "the tool is hidden");
    assert_eq!(watch.looks, 2);
    Ok(())
}
