//! Tasks: which calls are one, what a page shows of them, and what Stop does.

use crate::kit::{
    Home,
    agent::{Agent, Door, call_of, raw, told},
    changing::{Changing, tool},
    health::drive,
    targets, text_of, tick,
};
use anyhow::{Context, Result};
use engine::ports::Clock as _;
use serde_json::{Value, json};
use std::time::Instant;
use wire::{Outcome, RowKind, Status, TaskState, TaskView};

const THREAD: &str = "https://acme.slack.com/archives/C024BE91L/p1355517523000008";

struct Scene {
    home: Home,
    server: Changing,
    door: Door,
    token: String,
}

impl Scene {
    async fn at(home: Home) -> Result<Self> {
        let tools = vec![tool("look", "Looks."), tool("wait", "Waits for ever.")];
        let server = Changing::serve(tools).await?;
        home.connect(targets::mcp_bearer(&server.server.url("/mcp"), "key"))
            .await?;
        let door = home.open_door().await?;
        let (_, token) = home.pair(json!({ "name": "Claude" })).await?;
        Ok(Self {
            home,
            server,
            door,
            token,
        })
    }

    async fn tasks(&self) -> Result<Vec<TaskView>> {
        Ok(self.home.ask::<wire::ListTasks>(json!({})).await?)
    }

    async fn of(&self, title: &str) -> Result<TaskView> {
        let tasks = self.tasks().await?;
        let found = tasks.iter().find(|task| task.title == title);
        Ok(found
            .with_context(|| format!("{title} in {tasks:?}"))?
            .clone())
    }

    /// Calls by plain HTTP; the task is named by a header.
    async fn call(&self, tool: &str, task: Option<&str>) -> Result<Value> {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(task.map(|task| ("chief-task", task)));
        let call = call_of(&format!("keyed__{tool}"), &json!({}));
        let (_, body) = raw(("POST", &self.door.url), &headers, &call).await?;
        Ok(told(&body)?["result"].clone())
    }
}

fn code(answer: &Value) -> &Value {
    &answer["_meta"]["app.chief.integrations/error"]["code"]
}

#[tokio::test]
async fn calls_are_one_task_by_name_by_thread_or_until_thirty_idle_minutes() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let scene = Scene::at(home).await?;
    let mut agent = Agent::start("2", &scene.door.url, &scene.token).await?;
    let thread =
        |title: &str| json!({ "app.chief.integrations/thread": { "url": THREAD, "title": title } });
    for _ in 0..2 {
        agent
            .call_for("keyed__look", json!({}), thread("Refund 17"))
            .await?;
        scene.call("look", Some("nightly")).await?;
        scene.call("look", None).await?;
    }
    let all = scene.tasks().await?;
    assert_eq!(all.len(), 3, "{all:?}");
    let refund = scene.of("Refund 17").await?;
    assert_eq!((refund.calls, refund.failed, refund.refused), (2, 0, 0));
    assert_eq!(refund.url.as_deref(), Some(THREAD));
    assert_eq!(refund.agent_name, "Claude");
    assert_eq!(refund.integrations[0].name, "Keyed");
    assert!(refund.integrations[0].icon.is_some());
    assert_eq!(refund.state, TaskState::Open);
    scene
        .home
        .ask::<wire::OpenTaskThread>(json!({ "id": refund.id }))
        .await?;
    assert_eq!(
        scene.home.desk.opened().last().map(String::as_str),
        Some(THREAD)
    );
    clock.advance(30 * 60_000);
    assert_eq!(scene.of("Refund 17").await?.state, TaskState::Over);
    scene.call("look", None).await?;
    scene.call("look", Some("nightly")).await?;
    let all = scene.tasks().await?;
    let unnamed = all.iter().filter(|task| task.title.is_empty());
    assert_eq!(unnamed.count(), 2, "idle for thirty minutes: another");
    assert_eq!(scene.of("nightly").await?.calls, 3, "named: the same");
    Ok(())
}

#[tokio::test]
async fn stop_ends_the_call_that_runs_and_refuses_the_rest_of_that_task() -> Result<()> {
    let scene = Scene::at(Home::new().await?).await?;
    let (url, bearer) = (scene.door.url.clone(), format!("Bearer {}", scene.token));
    let running = tokio::spawn(async move {
        let headers = [("authorization", bearer.as_str()), ("chief-task", "Sweep")];
        raw(
            ("POST", &url),
            &headers,
            &call_of("keyed__wait", &json!({})),
        )
        .await
    });
    let began = Instant::now();
    while scene.server.calls().is_empty() {
        tick(began, "the call to arrive").await?;
    }
    let task = scene.of("Sweep").await?;
    assert_eq!((task.state, task.running), (TaskState::Running, 1));
    scene
        .home
        .ask::<wire::StopTask>(json!({ "id": task.id }))
        .await?;
    let (_, body) = running.await??;
    let ended = told(&body)?["result"].clone();
    assert_eq!(code(&ended), "task-stopped", "{ended}");
    let row = scene.home.rows_of(RowKind::Call, "keyed.wait").await?;
    assert_eq!(row[0].outcome, Outcome::Failed, "something was sent");
    let began = Instant::now();
    while scene.server.asked("notifications/cancelled").is_empty() {
        tick(began, "the server to be told").await?;
    }
    let refused = scene.call("look", Some("Sweep")).await?;
    assert_eq!(code(&refused), "task-stopped", "{refused}");
    assert_eq!(scene.server.calls().len(), 1, "nothing more goes out");
    assert_eq!(text_of(&scene.call("look", Some("Other")).await?), "look");
    let task = scene.of("Sweep").await?;
    assert!(matches!(task.state, TaskState::Stopped { .. }), "{task:?}");
    assert_eq!((task.failed, task.refused, task.running), (1, 1, 0));
    let stopped = scene.home.record().await?;
    assert!(stopped.iter().any(|row| row.action.contains("Sweep")));
    Ok(())
}

#[tokio::test]
async fn an_agent_that_names_no_task_is_stopped_for_thirty_minutes_however_often_it_tries()
-> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let scene = Scene::at(home).await?;
    assert_eq!(text_of(&scene.call("look", None).await?), "look");
    clock.advance(60_000);
    let stopped = scene.of("").await?;
    scene
        .home
        .ask::<wire::StopTask>(json!({ "id": stopped.id }))
        .await?;
    for _ in 0..3 {
        clock.advance(9 * 60_000);
        let refused = scene.call("look", None).await?;
        assert_eq!(code(&refused), "task-stopped", "{refused}");
        let told = text_of(&refused);
        assert!(
            told.contains("(without a name)") && told.contains("30 minutes"),
            "{told}"
        );
    }
    let after = scene.of("").await?;
    assert_eq!((after.calls, after.refused), (4, 3));
    let lasted = after.last_at.since(after.begun_at);
    assert_eq!(lasted, 0, "what is refused is no work of it");
    clock.advance(3 * 60_000);
    assert_eq!(text_of(&scene.call("look", None).await?), "look");
    let tasks = scene.tasks().await?;
    assert_eq!(tasks.len(), 2, "another task: {tasks:?}");
    assert_eq!(scene.server.calls().len(), 2, "nothing of the stopped one");
    Ok(())
}

#[tokio::test]
async fn a_stopped_task_goes_on_where_an_admin_lets_it_and_can_be_stopped_again() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let scene = Scene::at(home).await?;
    assert_eq!(text_of(&scene.call("look", Some("nightly")).await?), "look");
    let task = scene.of("nightly").await?;
    let stop = || scene.home.ask::<wire::StopTask>(json!({ "id": task.id }));
    let resume = || scene.home.ask::<wire::ResumeTask>(json!({ "id": task.id }));
    let until = async || -> Result<Option<wire::Time>> {
        match scene.of("nightly").await?.state {
            TaskState::Stopped { until, .. } => Ok(until),
            other => anyhow::bail!("{other:?}"),
        }
    };
    stop().await?;
    let refused = scene.call("look", Some("nightly")).await?;
    assert_eq!(code(&refused), "task-stopped", "{refused}");
    let day = clock.now().plus(24 * 3_600_000);
    assert_eq!(until().await?, Some(day));
    clock.advance(3_600_000);
    resume().await?;
    let open = scene.of("nightly").await?;
    assert_eq!((open.id, open.state), (task.id, TaskState::Open));
    assert_eq!(text_of(&scene.call("look", Some("nightly")).await?), "look");
    assert_eq!(scene.of("nightly").await?.id, task.id, "the same task");
    resume().await?;
    let said = |row: &wire::RowView| row.action.contains("nightly") && row.action.contains("go on");
    let rows = scene.home.record().await?;
    assert_eq!(rows.iter().filter(|row| said(row)).count(), 1, "{rows:?}");

    stop().await?;
    let refused = scene.call("look", Some("nightly")).await?;
    assert_eq!(code(&refused), "task-stopped", "{refused}");
    assert_eq!(
        scene.server.calls().len(),
        2,
        "nothing of it while it is stopped"
    );
    let agent = task.agent.context("an agent's")?;
    scene
        .home
        .ask::<wire::RevokeAgent>(json!({ "id": agent }))
        .await?;
    assert_eq!(until().await?, None, "nobody is left to go on with it");
    let unknown = wire::TaskId(uuid::Uuid::now_v7());
    let gone = scene.home.ask::<wire::ResumeTask>(json!({ "id": unknown }));
    let gone = gone.await.err().context("no such task")?;
    assert_eq!(gone.code, wire::ErrorCode::TaskUnknown);
    Ok(())
}

#[tokio::test]
async fn what_begins_after_a_stopped_task_may_go_on_is_not_ended_with_what_ran_before() -> Result<()>
{
    let scene = Scene::at(Home::new().await?).await?;
    let mut waiting = Vec::new();
    for n in 1..=2 {
        let (url, bearer) = (scene.door.url.clone(), format!("Bearer {}", scene.token));
        waiting.push(tokio::spawn(async move {
            let headers = [("authorization", bearer.as_str()), ("chief-task", "Sweep")];
            let call = call_of("keyed__wait", &json!({}));
            raw(("POST", &url), &headers, &call).await
        }));
        let began = Instant::now();
        while scene.server.calls().len() < n {
            tick(began, "the call to arrive").await?;
        }
        let id = scene.of("Sweep").await?.id;
        if n == 1 {
            scene
                .home
                .ask::<wire::StopTask>(json!({ "id": id }))
                .await?;
            scene
                .home
                .ask::<wire::ResumeTask>(json!({ "id": id }))
                .await?;
        }
    }
    let second = waiting.pop().context("the second")?;
    let (_, body) = waiting.pop().context("the first")?.await??;
    let ended = told(&body)?["result"].clone();
    // (Why, it may ask when it may go on already.)
    assert_eq!(ended["isError"], true, "{ended}");
    let task = scene.of("Sweep").await?;
    assert_eq!((task.state, task.running), (TaskState::Running, 1));
    second.abort();
    Ok(())
}

#[tokio::test]
async fn a_refused_credential_ends_even_a_task_that_already_has_it() -> Result<()> {
    let scene = Scene::at(Home::new().await?).await?;
    assert_eq!(text_of(&scene.call("look", Some("Old")).await?), "look");
    scene.server.trouble(401);
    let id = scene.home.cards().await?[0].id;
    let _ = scene.home.test(id).await;
    for task in ["Old", "New"] {
        let refused = scene.call("look", Some(task)).await?;
        assert_eq!(code(&refused), "integration-failing", "{refused}");
    }
    assert_eq!(scene.server.calls().len(), 1, "nothing more goes out");
    Ok(())
}

#[tokio::test]
async fn what_is_out_of_reach_may_be_tried_by_a_task_that_has_it_and_heals_but_by_no_new_one()
-> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let scene = Scene::at(home).await?;
    let home = &scene.home;
    let id = home.cards().await?[0].id;
    assert_eq!(text_of(&scene.call("look", Some("Old")).await?), "look");
    scene.server.trouble(502);
    drive(home, &clock, "the outage to be called one", async || {
        Ok(home.card(id).await?.health.status == Status::Failing)
    })
    .await?;
    let refused = scene.call("look", Some("New")).await?;
    assert_eq!(code(&refused), "integration-failing", "{refused}");
    let tried = scene.call("look", Some("Old")).await?;
    assert_eq!(code(&tried), "server-error", "it goes out: {tried}");
    scene.server.trouble(0);
    assert_eq!(text_of(&scene.call("look", Some("Old")).await?), "look");
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    assert_eq!(text_of(&scene.call("look", Some("Newer")).await?), "look");
    Ok(())
}

#[tokio::test]
async fn a_session_of_the_older_era_is_a_task_by_either_door_and_the_newer_era_has_none()
-> Result<()> {
    let scene = Scene::at(Home::new().await?).await?;
    let mut agents = vec![];
    for era in ["1", "1", "2", "2"] {
        agents.push(Agent::start(era, &scene.door.url, &scene.token).await?);
        agents.push(Agent::bridged(era, &scene.home, &scene.token, &[]).await?);
    }
    for _ in 0..2 {
        for agent in &mut agents {
            let answer = agent.call("keyed__look", json!({})).await?;
            assert_eq!(text_of(&answer), "look", "{answer}");
        }
    }
    let tasks = scene.tasks().await?;
    let mut calls: Vec<u32> = tasks.iter().map(|task| task.calls).collect();
    calls.sort_unstable();
    assert_eq!(
        calls,
        [2, 2, 2, 2, 8],
        "four sessions, and one agent: {tasks:?}"
    );
    // What it names goes before its session.
    let thread = json!({ "app.chief.integrations/thread": { "url": THREAD, "title": "Refund" } });
    agents[0].call_for("keyed__look", json!({}), thread).await?;
    assert_eq!(scene.of("Refund").await?.calls, 1);
    // Each leads to exactly its own rows in the record.
    for task in scene.tasks().await? {
        let filter = json!({ "agent": task.agent, "task": task.in_record });
        let ask = json!({ "integration": null, "before": null, "limit": 50, "pings": false, "filter": filter });
        let page = scene.home.ask::<wire::ListActivity>(ask).await?;
        assert_eq!(page.rows.len(), task.calls as usize, "{task:?}");
    }
    Ok(())
}
