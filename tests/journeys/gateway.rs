//! Agents at the gateway: who gets in, what they are listed, what is written down, and what never
//! leaves.

use crate::kit::{
    Home,
    agent::{Agent, Door, ERAS, call_of, raw, told},
    mcp,
    scripted::Scripted,
    targets, text_of, tick,
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::sync::Notify;
use wire::{Because, ErrorCode, GatewayView, IntegrationId, Outcome, RowKind, Status};

const THREAD: &str = "https://acme.slack.com/archives/C024BE91L/p1355517523000008";

#[tokio::test]
async fn official_clients_of_both_eras_list_and_call_and_the_thread_is_on_the_row() -> Result<()> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({ "name": "Support bot" })).await?;
    for (n, era) in ERAS.into_iter().enumerate() {
        let mut agent = Agent::start(era, &door.url, &token).await?;
        assert_eq!(agent.facts["server"]["name"], "Chief", "{}", agent.facts);
        let tools = agent.tools().await?;
        assert!(tools.contains(&"sample__echo".to_owned()), "{tools:?}");
        let own = tools.iter().filter(|name| name.starts_with("chief_crons_"));
        assert_eq!((tools.len(), own.count()), (12, 6));
        let meta =
            json!({ "app.chief.integrations/thread": { "url": THREAD, "title": "Refund 17" } });
        let answer = agent
            .call_for("sample__echo", json!({ "text": "hello" }), meta)
            .await?;
        assert_eq!(text_of(&answer), "hello", "{answer}");
        let rows = home.rows_of(RowKind::Call, "sample.echo").await?;
        assert_eq!(rows.len(), n + 1);
        let Because::Task {
            title,
            url,
            agent: by,
            ..
        } = &rows[0].because
        else {
            panic!("a task: {:?}", rows[0].because);
        };
        assert_eq!(
            (title.as_str(), url.as_deref()),
            ("Support bot · Refund 17", Some(THREAD))
        );
        assert_eq!(by.as_ref().map(|by| by.name.as_str()), Some("Support bot"));
        assert_eq!(rows[0].outcome, Outcome::Ok);
        home.ask::<wire::OpenThread>(json!({ "call": rows[0].id }))
            .await?;
        assert_eq!(home.desk.opened().last().map(String::as_str), Some(THREAD));
        // A tool that is not there is an error of the protocol, and a row.
        let error = agent.call("sample__nothing", json!({})).await?;
        assert_eq!(error["code"], -32602, "{error}");
        // Arguments that the tool cannot take are the tool's answer, which a model reads.
        let answer = agent
            .call("sample__add", json!({ "numbers": "many" }))
            .await?;
        assert!(
            answer["isError"] == true || answer["code"] == -32602,
            "{answer}"
        );
    }
    let used = home.card(id).await?.last_used.context("it was used")?;
    assert!(
        matches!(used.because, Because::Task { title, .. } if title.starts_with("Support bot"))
    );
    let agents = home.ask::<wire::ListAgents>(json!({})).await?.agents;
    assert_eq!(agents[0].calls, 2, "what reached a tool");
    assert!(agents[0].last_used_at.is_some());
    Ok(())
}

#[tokio::test]
async fn an_agent_of_either_era_reaches_a_server_of_either_era() -> Result<()> {
    let old = Peer::start("everything", &[]).await?;
    let new = Peer::start("mcp-modern", &[("LEGACY", "reject")]).await?;
    let home = Home::new().await?;
    home.connect(
        json!({ "kind": "mcp", "name": "Old", "url": old.url, "auth": { "auth": "discover" } }),
    )
    .await?;
    home.connect(
        json!({ "kind": "mcp", "name": "New", "url": new.url, "auth": { "auth": "discover" } }),
    )
    .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    for era in ERAS {
        let mut agent = Agent::start(era, &door.url, &token).await?;
        let answer = agent
            .call("old__echo", json!({ "message": "across" }))
            .await?;
        assert_eq!(text_of(&answer), "Echo: across", "{era}: {answer}");
        let answer = agent.call("new__greet", json!({ "name": "Ada" })).await?;
        assert_eq!(text_of(&answer), "Hello, Ada!", "{era}: {answer}");
        let failed = agent.call("new__fail", json!({})).await?;
        assert_eq!(failed["isError"], true, "{era}: {failed}");
        let rows = home.rows_of(RowKind::Call, "new.fail").await?;
        let row = rows.first().context("its row")?;
        let why = row.error.as_ref().map(|error| error.code);
        assert_eq!(
            (row.outcome, why),
            (Outcome::Failed, Some(ErrorCode::ToolFailed))
        );
        let cards = home.cards().await?;
        assert!(
            cards
                .iter()
                .all(|card| card.health.status == Status::Healthy),
            "what a tool says of itself tells nothing of its server"
        );
        // One integration alone, un-prefixed.
        let mut alone = Agent::start(era, &format!("{}/new", door.url), &token).await?;
        assert!(alone.tools().await?.contains(&"greet".to_owned()));
        let answer = alone.call("greet", json!({ "name": "Bob" })).await?;
        assert_eq!(text_of(&answer), "Hello, Bob!", "{era}: {answer}");
    }
    Ok(())
}

fn calls(server: &Scripted) -> usize {
    server
        .seen()
        .iter()
        .filter(|seen| seen.method == "POST" && seen.json()["method"] == "tools/call")
        .count()
}

#[tokio::test]
async fn nobody_without_a_valid_token_gets_in_and_rows_say_who_it_was() -> Result<()> {
    let (server, _) = mcp::waiting().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    home.connect(targets::mcp_bearer(&server.url("/mcp"), "the-key"))
        .await?;
    let door = home.open_door().await?;
    let (revoked, old) = home.pair(json!({ "name": "Old" })).await?;
    home.ask::<wire::RevokeAgent>(json!({ "id": revoked.id }))
        .await?;
    let (_, expired) = home.pair(json!({ "name": "Brief", "days": 1 })).await?;
    clock.advance(24 * 3_600_000);
    let call = call_of("keyed__greet", &json!({}));
    let wrong = format!("Bearer {old}");
    let late = format!("Bearer {expired}");
    for headers in [
        vec![],
        vec![("authorization", "Bearer chief_wrong")],
        vec![("authorization", "Basic YTpi")],
        vec![("authorization", wrong.as_str())],
        vec![("authorization", late.as_str())],
    ] {
        let (status, body) = raw(("POST", &door.url), &headers, &call).await?;
        assert_eq!(status, 401, "{headers:?}: {body}");
    }
    assert_eq!(calls(&server), 0, "nothing went upstream");
    let rows = home.record().await?;
    let refused = |what: &str| {
        let rows = rows.iter().filter(|row| row.outcome == Outcome::Refused);
        rows.filter(|row| row.action.contains(what)).count()
    };
    assert_eq!(refused("without a valid agent token"), 3, "{rows:?}");
    assert_eq!(
        refused("the agent Old was refused at the gateway: it was removed"),
        1
    );
    assert_eq!(
        refused("the agent Brief was refused at the gateway: its token has ended"),
        1
    );

    // A valid one does, and its token is nowhere on disk.
    let (_, token) = home.pair(json!({})).await?;
    let bearer = format!("Bearer {token}");
    let (status, body) = raw(("POST", &door.url), &[("authorization", &bearer)], &call).await?;
    assert_eq!(status, 200, "{body}");
    assert_eq!(text_of(&told(&body)?["result"]), "Hello, you!");
    assert_eq!(calls(&server), 1);
    assert!(
        !server
            .seen()
            .iter()
            .any(|seen| format!("{seen:?}").contains(&token)),
        "the agent's token never goes upstream"
    );
    let finder = memchr::memmem::Finder::new(token.as_bytes());
    for file in std::fs::read_dir(home.folder())? {
        let path = file?.path();
        if path.is_file() {
            assert!(
                finder.find(&std::fs::read(&path)?).is_none(),
                "{}",
                path.display()
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_on_every_method_and_path() -> Result<()> {
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let bearer = format!("Bearer {token}");
    let own_host = door
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp")
        .to_owned();
    let own_origin = format!("http://{own_host}");
    let call = call_of("sample__echo", &json!({ "text": "x" }));
    let before = home.rows_of(RowKind::Call, "sample.echo").await?.len();
    for method in ["POST", "GET", "DELETE", "OPTIONS", "PUT"] {
        for path in ["", "/sample", "/../other"] {
            for (host, origin) in [
                ("evil.example", None),
                ("evil.example", Some(own_origin.as_str())),
                (own_host.as_str(), Some("http://evil.example")),
                (own_host.as_str(), Some("null")),
            ] {
                let mut headers = vec![("authorization", bearer.as_str()), ("host", host)];
                headers.extend(origin.map(|origin| ("origin", origin)));
                let url = format!("{}{path}", door.url);
                let (status, body) = raw((method, &url), &headers, &call).await?;
                assert_eq!(status, 403, "{method} {path} {host} {origin:?}: {body}");
            }
        }
    }
    assert_eq!(
        home.rows_of(RowKind::Call, "sample.echo").await?.len(),
        before
    );
    let headers = [
        ("authorization", bearer.as_str()),
        ("origin", own_origin.as_str()),
    ];
    let (status, _) = raw(("POST", &door.url), &headers, &call).await?;
    assert_eq!(status, 200, "our own origin may");
    Ok(())
}

#[tokio::test]
async fn a_read_only_agent_is_listed_what_reads_and_refused_the_rest_by_name() -> Result<()> {
    let (server, _) = mcp::waiting().await?;
    let home = Home::new().await?;
    let sample = home.connect(targets::sample()).await?;
    home.connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let door = home.open_door().await?;
    let (_, token) = home
        .pair(json!({ "name": "Reader", "read_only": true, "integrations": [sample] }))
        .await?;
    let mut agent = Agent::start("2", &door.url, &token).await?;
    let tools = agent.tools().await?;
    assert!(
        !tools.contains(&"sample__keep_note".to_owned()),
        "{tools:?}"
    );
    assert_eq!(tools.len(), 5 + 6, "and those of its own crons: {tools:?}");
    let refused = agent
        .call("sample__keep_note", json!({ "text": "x" }))
        .await?;
    assert_eq!(refused["isError"], true, "{refused}");
    assert!(text_of(&refused).contains("Reader") && text_of(&refused).contains("sample.keep_note"));
    let rows = home.rows_of(RowKind::Call, "sample.keep_note").await?;
    assert_eq!(rows[0].outcome, Outcome::Refused);
    assert_eq!(rows[0].integration, Some(sample));
    // What it was not given does not exist for it.
    let unknown = agent.call("keyed__greet", json!({})).await?;
    assert_eq!(unknown["code"], -32602, "{unknown}");
    assert_eq!(calls(&server), 0);
    Ok(())
}

#[tokio::test]
async fn a_failing_integration_is_not_listed_and_a_call_of_it_is_refused_by_name() -> Result<()> {
    let refuse = Arc::new(Mutex::new(false));
    let script = refuse.clone();
    let server = Scripted::serve(move |seen| {
        let refused = *script.lock().expect("one thread at a time");
        async move {
            if refused {
                crate::kit::scripted::text(401, "")
            } else {
                mcp::answer(&seen, &Arc::new(Notify::new())).await
            }
        }
    })
    .await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    home.connect(targets::sample()).await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let mut agent = Agent::start("1", &door.url, &token).await?;
    assert!(agent.tools().await?.contains(&"keyed__greet".to_owned()));
    *refuse.lock().expect("one thread at a time") = true;
    home.test(id).await?;
    assert_eq!(home.card(id).await?.health.status, Status::Failing);
    let tools = agent.tools().await?;
    assert!(
        tools
            .iter()
            .all(|name| name.starts_with("sample__") || name.starts_with("chief_crons_")),
        "{tools:?}"
    );
    let before = server.seen().len();
    let refused = agent.call("keyed__greet", json!({})).await?;
    assert_eq!(refused["isError"], true);
    assert!(text_of(&refused).contains("Keyed"), "by name: {refused}");
    assert_eq!(server.seen().len(), before, "nothing went out");
    Ok(())
}

#[tokio::test]
async fn above_sixty_tools_they_are_searched_and_called_by_name() -> Result<()> {
    let server = Scripted::serve(|seen| async move {
        let request = seen.json();
        if request["method"] == "tools/list" {
            let tools: Vec<Value> = (0..70)
                .map(|n| {
                    json!({
                        "name": format!("tool_{n}"),
                        "description": if n == 42 { "Refunds a charge." } else { "Does something." },
                        "inputSchema": { "type": "object" },
                    })
                })
                .collect();
            let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": { "tools": tools } });
            return crate::kit::scripted::json(200, &answer);
        }
        if request["method"] == "tools/call" {
            let name = request["params"]["name"].clone();
            let result = json!({ "content": [{ "type": "text", "text": name }] });
            let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
            return crate::kit::scripted::json(200, &answer);
        }
        mcp::answer(&seen, &Arc::new(Notify::new())).await
    })
    .await?;
    let home = Home::new().await?;
    home.connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let mut agent = Agent::start("2", &door.url, &token).await?;
    assert_eq!(
        agent.tools().await?[..2],
        ["chief__search_tools", "chief__call_tool"]
    );
    let found = agent
        .call("chief__search_tools", json!({ "query": "refund a charge" }))
        .await?;
    let found: Value = serde_json::from_str(&text_of(&found))?;
    assert_eq!(found[0]["name"], "keyed__tool_42", "{found}");
    assert!(found[0]["inputSchema"].is_object());
    let asked = json!({ "name": "keyed__tool_42", "arguments": {} });
    let answer = agent.call("chief__call_tool", asked).await?;
    assert_eq!(text_of(&answer), "tool_42", "{answer}");
    assert_eq!(home.rows_of(RowKind::Call, "keyed.tool_42").await?.len(), 1);
    // One integration alone is listed whole.
    let mut alone = Agent::start("2", &format!("{}/keyed", door.url), &token).await?;
    assert_eq!(alone.tools().await?.len(), 70);
    Ok(())
}

/// A call of an agent that has arrived upstream and is not answered.
struct UnderWay {
    home: Home,
    id: IntegrationId,
    call: tokio::task::JoinHandle<Result<(u16, String)>>,
    _server: Scripted,
    _door: Door,
}

impl UnderWay {
    async fn begin() -> Result<Self> {
        let (server, _) = mcp::waiting().await?;
        let home = Home::new().await?;
        let id = home
            .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
            .await?;
        let door = home.open_door().await?;
        let (_, token) = home.pair(json!({})).await?;
        let (url, bearer) = (door.url.clone(), format!("Bearer {token}"));
        let call = tokio::spawn(async move {
            let call = call_of("keyed__wait", &json!({}));
            raw(("POST", &url), &[("authorization", &bearer)], &call).await
        });
        let began = Instant::now();
        while calls(&server) == 0 {
            tick(began, "the call to arrive").await?;
        }
        Ok(Self {
            home,
            id,
            call,
            _server: server,
            _door: door,
        })
    }
}

#[tokio::test]
async fn an_agent_that_hangs_up_ends_its_call_and_the_row_says_how() -> Result<()> {
    let way = UnderWay::begin().await?;
    way.call.abort();
    let began = Instant::now();
    loop {
        let rows = way.home.rows_of(RowKind::Call, "keyed.wait").await?;
        if rows
            .first()
            .is_some_and(|row| row.outcome == Outcome::Failed)
        {
            return Ok(());
        }
        tick(began, "the row of a call that nobody waits for").await?;
    }
}

#[tokio::test]
async fn disconnect_ends_an_agents_call_by_name() -> Result<()> {
    let way = UnderWay::begin().await?;
    way.home.disconnect(way.id).await?;
    let (status, body) = way.call.await??;
    assert_eq!(status, 200);
    let result = told(&body)?["result"].clone();
    assert_eq!(result["isError"], true, "{body}");
    assert!(
        text_of(&result).contains("Keyed was disconnected"),
        "{body}"
    );
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_never_moved() -> Result<()> {
    let squatter = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = squatter.local_addr()?.port();
    let home = Home::new().await?;
    let _gateway = gateway::Gateway::start(home.engine.clone(), port);
    let began = Instant::now();
    loop {
        match home.ask::<wire::ListAgents>(json!({})).await?.gateway {
            GatewayView::PortTaken { port: told } => {
                assert_eq!(told, port);
                break;
            }
            GatewayView::Closed => tick(began, "the gateway to say so").await?,
            GatewayView::Open { url } => anyhow::bail!("it listens at {url}"),
        }
    }
    // Whoever has the port would get the token: nobody is paired meanwhile.
    let refused = home.pair(json!({})).await.err().context("it was paired")?;
    let refused = refused.downcast::<wire::Error>()?;
    assert_eq!(refused.code, wire::ErrorCode::GatewayClosed);
    drop(squatter);
    let began = Instant::now();
    while !matches!(
        home.ask::<wire::ListAgents>(json!({})).await?.gateway,
        GatewayView::Open { .. }
    ) {
        tick(began, "the port, which is free now").await?;
    }
    Ok(())
}
