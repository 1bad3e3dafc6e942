//! Which tools an agent was given of an integration: what it is listed, what it finds, what it can call,
//! and what of it changes later.

use crate::kit::{
    Home,
    agent::{Agent, Door, ERAS, call_of, raw, told},
    changing::{Changing, tool},
    code, targets, text_of, tick,
};
use anyhow::{Context, Result};
use engine::ports::Clock as _;
use serde_json::{Value, json};
use std::time::Instant;
use wire::{ErrorCode, IntegrationId, Outcome, RowKind, RowView};

/// A server with these tools, the sample, and the gateway.
struct Scene {
    home: Home,
    server: Changing,
    id: IntegrationId,
    door: Door,
}

impl Scene {
    async fn of(tools: Vec<Value>) -> Result<Self> {
        Self::at(Home::new().await?, tools).await
    }

    async fn at(home: Home, tools: Vec<Value>) -> Result<Self> {
        let server = Changing::serve(tools).await?;
        let target = targets::mcp_bearer(&server.server.url("/mcp"), "key");
        let id = home.connect(target).await?;
        home.connect(targets::sample()).await?;
        let door = home.open_door().await?;
        Ok(Self {
            home,
            server,
            id,
            door,
        })
    }

    /// What is asked of an agent that has these tools of the server, and nothing of the sample.
    fn only(&self, tools: &[&str]) -> Value {
        let chosen = json!([{ "integration": self.id, "tools": tools }]);
        json!({ "integrations": [self.id], "tools": chosen })
    }

    async fn change(&self, agent: wire::AgentId, tools: &[&str]) -> Result<(), wire::Error> {
        let mut ask = self.only(tools);
        ask["id"] = json!(agent);
        ask["read_only"] = json!(false);
        self.home.ask::<wire::ChangeAgent>(ask).await
    }

    /// Every row of a tool that an agent had not got, newest first.
    async fn refused(&self, wanted: &str) -> Result<Vec<RowView>> {
        let rows = self.home.rows_of(RowKind::Call, wanted).await?;
        let refused = |row: &RowView| row.outcome == Outcome::Refused;
        assert!(rows.iter().all(refused), "{rows:?}");
        Ok(rows)
    }
}

/// What it is listed of the integrations.
async fn listed(agent: &mut Agent) -> Result<Vec<String>> {
    let mut tools = agent.tools().await?;
    tools.retain(|name| !name.starts_with("chief_crons_"));
    Ok(tools)
}

#[tokio::test]
async fn a_tool_that_was_not_chosen_is_as_one_of_an_integration_that_was_not_by_either_door()
-> Result<()> {
    let scene = Scene::of(vec![tool("look", "Looks."), tool("see", "Sees.")]).await?;
    let (_, token) = scene.home.pair(scene.only(&["look"])).await?;
    let mut refused = 0;
    for era in ERAS {
        let alone = format!("{}/keyed", scene.door.url);
        for (mut agent, prefix) in [
            (Agent::start(era, &scene.door.url, &token).await?, "keyed__"),
            (
                Agent::bridged(era, &scene.home, &token, &[]).await?,
                "keyed__",
            ),
            (Agent::start(era, &alone, &token).await?, ""),
        ] {
            let of = |tool: &str| format!("{prefix}{tool}");
            assert_eq!(listed(&mut agent).await?, [of("look")], "{era} {prefix}");
            let answer = agent.call(&of("look"), json!({})).await?;
            assert_eq!(text_of(&answer), "look", "{era} {prefix}: {answer}");
            let not_chosen = agent.call(&of("see"), json!({})).await?;
            assert_eq!(not_chosen["code"], -32602, "{era} {prefix}: {not_chosen}");
            let row = scene.refused(&of("see")).await?.remove(0);
            assert_eq!(
                row.error.map(|error| error.code),
                Some(ErrorCode::ToolUnknown)
            );
            if prefix.is_empty() {
                continue;
            }
            refused += 1;
            assert_eq!(scene.refused("keyed__see").await?.len(), refused);
            // Of an integration that it may not use at all: the same answer, the same row.
            let not_its = agent.call("sample__echo", json!({ "text": "" })).await?;
            assert_eq!(not_its["code"], not_chosen["code"], "{not_its}");
            let other = scene.refused("sample__echo").await?.remove(0);
            let shape = |row: &RowView| (row.kind, row.outcome, row.integration, row.took_ms);
            let mine = scene.refused("keyed__see").await?.remove(0);
            assert_eq!(shape(&mine), shape(&other));
        }
    }
    let sent = scene.server.calls();
    assert!(
        sent.iter().all(|call| call["name"] == "look") && sent.len() == 6,
        "nothing else went upstream: {sent:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_tool_that_comes_later_is_its_own_only_where_nothing_was_chosen() -> Result<()> {
    let scene = Scene::of(vec![tool("look", "Looks."), tool("see", "Sees.")]).await?;
    let (narrow, token) = scene.home.pair(scene.only(&["look"])).await?;
    let all = json!({ "name": "All", "integrations": [scene.id] });
    let (_, all) = scene.home.pair(all).await?;
    let mut agent = Agent::start("2", &scene.door.url, &token).await?;
    let mut other = Agent::start("2", &scene.door.url, &all).await?;
    let view = scene.home.ask::<wire::ListAgents>(json!({})).await?;
    assert_eq!(view.chosen.len(), 1, "{:?}", view.chosen);
    assert_eq!((view.chosen[0].there, view.chosen[0].of), (1, 2));

    // `look` is gone for a while, and `later` is new.
    scene
        .server
        .tell(vec![tool("see", "Sees."), tool("later", "Comes later.")]);
    let probe = json!({ "id": scene.id });
    let tools = scene.home.ask::<wire::ProbeIntegration>(probe).await?;
    let held = tools.into_iter().find_map(|tool| tool.held);
    let hash = held.context("a new tool is held back")?.hash;
    let accept = json!({ "id": scene.id, "tools": [{ "name": "later", "hash": hash }] });
    scene.home.ask::<wire::AcceptTools>(accept).await?;
    let none: [&str; 0] = [];
    assert_eq!(
        listed(&mut agent).await?,
        none,
        "it is not widened by a loss"
    );
    assert_eq!(listed(&mut other).await?, ["keyed__see", "keyed__later"]);
    let view = scene.home.ask::<wire::ListAgents>(json!({})).await?;
    assert_eq!((view.chosen[0].there, view.chosen[0].of), (0, 2));

    // It is chosen, beside the one that is gone.
    scene.change(narrow.id, &["look", "later"]).await?;
    assert_eq!(listed(&mut agent).await?, ["keyed__later"]);
    let answer = agent.call("keyed__later", json!({})).await?;
    assert_eq!(text_of(&answer), "later", "{answer}");
    let rows = scene.home.record().await?;
    let what = "what the agent Chief may use is now: Keyed (2 tools)";
    assert!(rows.iter().any(|row| row.action == what), "{what}");
    Ok(())
}

#[tokio::test]
async fn every_integration_is_given_and_of_one_some_tools_only() -> Result<()> {
    let scene = Scene::of(vec![tool("look", "Looks."), tool("see", "Sees.")]).await?;
    let mut ask = scene.only(&["look"]);
    ask["integrations"] = Value::Null;
    let (narrow, token) = scene.home.pair(ask.clone()).await?;
    let mut agent = Agent::start("2", &scene.door.url, &token).await?;
    let mine = |tools: Vec<String>| -> Vec<String> {
        let keyed = tools.into_iter().filter(|name| name.starts_with("keyed"));
        keyed.collect()
    };
    let tools = listed(&mut agent).await?;
    assert!(tools.iter().any(|name| name == "sample__echo"), "{tools:?}");
    assert_eq!(mine(tools), ["keyed__look"]);
    let not_chosen = agent.call("keyed__see", json!({})).await?;
    assert_eq!(not_chosen["code"], -32602, "{not_chosen}");
    assert_eq!(scene.refused("keyed__see").await?.len(), 1);
    // One that is connected later is its own, whole.
    let later = Changing::serve(vec![tool("notify", "Tells the team.")]).await?;
    let target = targets::mcp_bearer(&later.server.url("/mcp"), "key");
    scene.home.connect(target).await?;
    let tools = mine(listed(&mut agent).await?);
    assert_eq!(tools, ["keyed__look", "keyed-2__notify"]);
    // What the record says of it; and all of it again.
    ask["id"] = json!(narrow.id);
    ask["read_only"] = json!(false);
    scene.home.ask::<wire::ChangeAgent>(ask.clone()).await?;
    let rows = scene.home.record().await?;
    let what = "what the agent Chief may use is now: every integration, of these some tools only: Keyed (1 tool)";
    assert!(rows.iter().any(|row| row.action == what), "{what}");
    ask["tools"] = json!([]);
    scene.home.ask::<wire::ChangeAgent>(ask).await?;
    assert_eq!(mine(listed(&mut agent).await?).len(), 3);
    Ok(())
}

#[tokio::test]
async fn above_many_tools_a_search_finds_only_what_was_chosen() -> Result<()> {
    let names: Vec<String> = (0..80).map(|n| format!("list_{n}")).collect();
    let told_tools = names.iter().map(|name| tool(name, "Lists things."));
    let scene = Scene::of(told_tools.collect()).await?;
    let some: Vec<&str> = names.iter().skip(10).map(String::as_str).collect();
    let (_, token) = scene.home.pair(scene.only(&some)).await?;
    let mut agent = Agent::start("2", &scene.door.url, &token).await?;
    let stand = ["chief__search_tools", "chief__call_tool"];
    assert_eq!(listed(&mut agent).await?, stand);
    let found = agent
        .call(
            "chief__search_tools",
            json!({ "query": "list_7 list_70 things" }),
        )
        .await?;
    let found = text_of(&found);
    assert!(found.contains("keyed__list_70"), "{found}");
    assert!(!found.contains("\"keyed__list_7\""), "{found}");
    for (name, its) in [("keyed__list_70", true), ("keyed__list_7", false)] {
        let inner = json!({ "name": name, "arguments": {} });
        let answer = agent.call("chief__call_tool", inner).await?;
        assert_eq!(answer["code"] == -32602, !its, "{name}: {answer}");
    }
    assert_eq!(scene.server.calls().len(), 1);
    assert_eq!(scene.refused("keyed__list_7").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_lower_number_of_tools_switches_to_the_search_and_listening_agents_are_told() -> Result<()>
{
    let scene = Scene::of(vec![tool("look", "Looks."), tool("see", "Sees.")]).await?;
    let both = json!({ "integrations": [scene.id] });
    let (_, token) = scene.home.pair(both).await?;
    let environment = [
        ("URL", scene.door.url.as_str()),
        ("TOKEN", &token),
        ("NEWS", "1"),
    ];
    let mut agent = Agent::spawn("2", &environment).await?;
    assert_eq!(listed(&mut agent).await?, ["keyed__look", "keyed__see"]);
    let before = scene.home.ask::<wire::GetSettings>(json!({})).await?;
    assert_eq!(before.tools_listed, 60);
    let mut settings = json!(before);
    let mut heard = 0;
    let stand = ["chief__search_tools", "chief__call_tool"];
    for (most, expected) in [(1, stand), (2, ["keyed__look", "keyed__see"]), (1, stand)] {
        settings["tools_listed"] = json!(most);
        let ask = json!({ "settings": settings });
        scene.home.ask::<wire::SaveSettings>(ask).await?;
        let now = agent.news(heard + 1).await?;
        assert!(now > heard, "{most}: it is told");
        heard = now;
        assert_eq!(listed(&mut agent).await?, expected, "{most}");
        // A client that keeps the list of before calls by that.
        let found = json!({ "query": "sees" });
        let found = text_of(&agent.call(stand[0], found).await?);
        assert!(found.contains("keyed__see"), "{most}: {found}");
        let inner = json!({ "name": "keyed__see", "arguments": {} });
        for (name, given) in [(stand[1], inner), ("keyed__see", json!({}))] {
            let answer = agent.call(name, given).await?;
            assert_eq!(text_of(&answer), "see", "{most} {name}: {answer}");
        }
    }
    // One integration alone is listed whole, whatever the number.
    let alone = format!("{}/keyed", scene.door.url);
    let mut alone = Agent::start("2", &alone, &token).await?;
    assert_eq!(listed(&mut alone).await?, ["look", "see"]);
    for most in [0, 1_001] {
        settings["tools_listed"] = json!(most);
        let ask = json!({ "settings": settings });
        let refused = scene.home.ask::<wire::SaveSettings>(ask).await;
        assert_eq!(code(refused)?, ErrorCode::FieldInvalid, "{most}");
    }
    Ok(())
}

#[tokio::test]
async fn what_an_agent_may_use_changes_at_once_also_for_a_call_that_waits_for_an_approval()
-> Result<()> {
    let scene = Scene::of(vec![tool("look", "Looks."), tool("delete_all", "Wipes.")]).await?;
    let (paired, token) = scene.home.pair(json!({})).await?;
    let bearer = format!("Bearer {token}");
    let call = async |name: &str| {
        let headers = [("authorization", bearer.as_str())];
        let asked = call_of(name, &json!({}));
        let (status, body) = raw(("POST", &scene.door.url), &headers, &asked).await?;
        assert_eq!(status, 200, "{body}");
        told(&body)
    };
    let answered = call("keyed__look").await?;
    assert_eq!(text_of(&answered["result"]), "look", "{answered}");
    let approve = async {
        let began = Instant::now();
        let waiting = loop {
            let all = scene.home.ask::<wire::ListApprovals>(json!({})).await?;
            match all.into_iter().next() {
                Some(first) => break first,
                None => tick(began, "a call that waits").await?,
            }
        };
        scene.change(paired.id, &["look"]).await?;
        let yes = json!({ "answer": "approve", "hash": waiting.hash });
        let ask = json!({ "id": waiting.id, "answer": yes });
        anyhow::Ok(scene.home.ask::<wire::AnswerApproval>(ask).await?)
    };
    let (answered, approved) = tokio::join!(call("keyed__delete_all"), approve);
    approved?;
    assert_eq!(answered?["error"]["code"], -32602, "it was taken from it");
    assert_eq!(scene.server.calls().len(), 1, "look, and nothing else");
    let rows = scene
        .home
        .rows_of(RowKind::Call, "keyed.delete_all")
        .await?;
    assert_eq!(rows[0].outcome, Outcome::Refused);

    // From now on it is not there at all; and only what reads is another wall.
    let answered = call("keyed__delete_all").await?;
    assert_eq!(answered["error"]["code"], -32602, "{answered}");
    let reads = json!({ "id": paired.id, "integrations": null, "read_only": true });
    scene.home.ask::<wire::ChangeAgent>(reads).await?;
    let answered = call("keyed__look").await?;
    let code = &answered["result"]["_meta"]["app.chief.integrations/error"]["code"];
    assert_eq!(code, "agent-not-allowed", "{answered}");
    assert_eq!(scene.server.calls().len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_chosen_is_refused_by_name_and_changes_nothing() -> Result<()> {
    let scene = Scene::of(vec![tool("look", "Looks.")]).await?;
    let (paired, _) = scene.home.pair(scene.only(&["look"])).await?;
    let chosen = |tools: Value| json!([{ "integration": scene.id, "tools": tools }]);
    let twice = json!([chosen(json!(["look"]))[0], chosen(json!(["look"]))[0]]);
    let cards = scene.home.ask::<wire::ListIntegrations>(json!({})).await?;
    let other = cards.iter().find(|card| card.id != scene.id);
    let other = other.context("the sample")?.id;
    for (integrations, tools, expected) in [
        (json!([]), json!([]), ErrorCode::FieldEmpty),
        (json!([scene.id]), chosen(json!([])), ErrorCode::FieldEmpty),
        (
            json!([scene.id]),
            chosen(json!(["seek"])),
            ErrorCode::ToolUnknown,
        ),
        (json!([scene.id]), twice, ErrorCode::FieldInvalid),
        (
            json!([other]),
            chosen(json!(["look"])),
            ErrorCode::FieldInvalid,
        ),
        (Value::Null, chosen(json!([])), ErrorCode::FieldEmpty),
        (
            json!([uuid::Uuid::nil()]),
            json!([]),
            ErrorCode::IntegrationUnknown,
        ),
    ] {
        let mut ask = json!({ "name": "Other", "integrations": integrations, "tools": tools });
        let refused = scene.home.pair(ask.clone()).await.err();
        let refused = refused.and_then(|error| error.downcast::<wire::Error>().ok());
        assert_eq!(refused.map(|error| error.code), Some(expected), "{ask}");
        ask["id"] = json!(paired.id);
        ask["read_only"] = json!(false);
        let refused = scene.home.ask::<wire::ChangeAgent>(ask.clone()).await;
        assert_eq!(code(refused)?, expected, "{ask}");
    }
    let view = scene.home.ask::<wire::ListAgents>(json!({})).await?;
    assert_eq!(view.agents.len(), 1, "no other was paired");
    assert_eq!(view.chosen[0].chosen.tools, ["look"], "and it is as before");
    let gone = scene
        .home
        .ask::<wire::RevokeAgent>(json!({ "id": paired.id }));
    gone.await?;
    assert_eq!(
        code(scene.change(paired.id, &["look"]).await)?,
        ErrorCode::FieldInvalid
    );
    Ok(())
}

#[tokio::test]
async fn a_new_token_takes_the_place_of_the_old_one_and_the_agent_stays_as_it_was() -> Result<()> {
    const DAY_MS: i64 = 24 * 3_600_000;
    let (home, clock) = Home::with_fake_clock().await?;
    let scene = Scene::at(home, vec![tool("look", "Looks."), tool("see", "Sees.")]).await?;
    let mut ask = scene.only(&["look"]);
    ask["days"] = json!(1);
    let (paired, old) = scene.home.pair(ask).await?;
    let call = async |token: &str, name: &str, given: Value| -> Result<(u16, Value)> {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let asked = call_of(name, &given);
        let (status, body) = raw(("POST", &scene.door.url), &headers, &asked).await?;
        let answer = if status == 200 {
            told(&body)?
        } else {
            Value::Null
        };
        Ok((status, answer))
    };
    let cron = json!({ "name": "Nightly", "schedule": "0 2 * * *", "depends_on": ["keyed"] });
    let (_, registered) = call(&old, "chief_crons_register", cron).await?;
    assert_eq!(registered["result"]["isError"], Value::Null, "{registered}");
    clock.advance(DAY_MS);
    assert_eq!(
        call(&old, "keyed__look", json!({})).await?.0,
        401,
        "its end"
    );

    let renew = async |days: Value| {
        let ask = json!({ "id": paired.id, "days": days });
        scene.home.ask::<wire::RenewAgent>(ask).await
    };
    let new = renew(json!(30)).await?;
    let end = clock.now().plus(30 * DAY_MS);
    assert_eq!((new.agent.id, new.agent.expires_at), (paired.id, Some(end)));
    let listed = scene.home.ask::<wire::ListAgents>(json!({})).await?.agents;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].expires_at, Some(end));
    assert_eq!(call(&old, "keyed__look", json!({})).await?.0, 401);
    let what = "the agent Chief was refused at the gateway: it was removed, or has a new token";
    let rows = scene.home.record().await?;
    assert!(rows.iter().any(|row| row.action == what), "{rows:?}");
    let (_, answer) = call(&new.token, "keyed__look", json!({})).await?;
    assert_eq!(text_of(&answer["result"]), "look", "{answer}");
    let (_, answer) = call(&new.token, "keyed__see", json!({})).await?;
    assert_eq!(answer["error"]["code"], -32602, "not chosen before");
    let (_, crons) = call(&new.token, "chief_crons_list", json!({})).await?;
    assert!(text_of(&crons["result"]).contains("Nightly"), "{crons}");

    // One that holds is refused at once, too, and hears no more news.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let asked = client.get(&scene.door.url).bearer_auth(&new.token);
    let mut news = asked.header("accept", "text/event-stream").send().await?;
    assert_eq!(news.status(), 200);
    assert!(news.chunk().await?.is_some(), "it listens");
    let newer = renew(Value::Null).await?;
    assert_eq!(newer.agent.expires_at, None);
    assert_eq!(call(&new.token, "keyed__look", json!({})).await?.0, 401);
    assert_eq!(call(&newer.token, "keyed__look", json!({})).await?.0, 200);
    let ended = async {
        while let Some(_more) = news.chunk().await? {}
        anyhow::Ok(())
    };
    tokio::time::timeout(crate::kit::PATIENCE, ended).await??;
    let said = scene.home.said();
    let mut elsewhere = said.iter().filter(|said| !said.starts_with("renew_agent"));
    assert!(
        elsewhere.all(|said| !said.contains(&newer.token)),
        "shown once"
    );

    // What cannot be renewed.
    assert_eq!(code(renew(json!(0)).await)?, ErrorCode::FieldInvalid);
    let id = json!({ "id": paired.id });
    scene.home.ask::<wire::RevokeAgent>(id).await?;
    assert_eq!(code(renew(json!(30)).await)?, ErrorCode::FieldInvalid);
    Ok(())
}
