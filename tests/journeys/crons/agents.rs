//! Crons of agents' own, told by a real agent process through either door.

use super::home::refusing;
use crate::kit::{
    Home,
    agent::{Agent, Door, ERAS, call_of, raw, told},
    targets, text_of,
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use wire::{Outcome, RowKind, RunOutcome};

#[tokio::test]
async fn by_http_an_agents_cron_is_refused_while_what_it_needs_fails_and_runs_after_the_repair()
-> Result<()> {
    lives(ByDoor::Http).await
}

#[tokio::test]
async fn by_chief_mcp_an_agents_cron_is_refused_while_what_it_needs_fails_and_runs_after_the_repair()
-> Result<()> {
    lives(ByDoor::Stdio).await
}

/// How the agent reaches the app.
#[derive(Clone, Copy)]
enum ByDoor {
    Http,
    /// Through `chief mcp`, a process of its own that the agent starts.
    Stdio,
}

/// The agent, a process of its own in either case.
async fn start(by: ByDoor, era: &str, (home, door): (&Home, &Door), token: &str) -> Result<Agent> {
    match by {
        ByDoor::Http => Agent::start(era, &door.url, token).await,
        ByDoor::Stdio => Agent::bridged(era, home, token, &[]).await,
    }
}

async fn lives(by: ByDoor) -> Result<()> {
    let (server, refuse) = refusing().await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let door = home.open_door().await?;
    for era in ERAS {
        let (_, token) = home.pair(json!({ "name": format!("Bot {era}") })).await?;
        let mut agent = start(by, era, (&home, &door), &token).await?;
        let told = json!({
            "name": "Nightly digest", "schedule": "0 3 * * *", "time_zone": "Europe/Berlin",
            "depends_on": ["keyed"],
        });
        let answer = agent.call("chief_crons_register", told.clone()).await?;
        let cron = answer["structuredContent"]["cron"].clone();
        assert!(cron.is_string(), "{answer}");
        let again = agent.call("chief_crons_register", told).await?;
        assert_eq!(again["structuredContent"]["cron"], cron, "by its name");
        let listed = home.crons().await?;
        let own = listed
            .iter()
            .find(|each| json!(each.id) == cron)
            .context("in the same list")?;
        assert!(matches!(&own.owner, wire::CronOwner::Agent { name, .. } if name.ends_with(era)));

        *refuse.lock().expect("one thread") = true;
        home.test(id).await?;
        let ask = json!({ "cron": cron });
        let no = agent.call("chief_crons_may_run", ask.clone()).await?;
        let no = &no["structuredContent"];
        assert_eq!(no["may_run"], false, "{no}");
        assert!(
            no["why"]
                .as_str()
                .unwrap_or_default()
                .starts_with("Paused because Keyed is failing."),
            "{no}"
        );
        let refused = agent.call("keyed__greet", json!({})).await?;
        assert!(
            refused["code"].is_number() || refused["isError"] == true,
            "nothing can be called either: {refused}"
        );
        let inbox = home.ask::<wire::ListNotices>(json!({})).await?;
        assert!(inbox[0].crons.contains(&"Nightly digest".to_owned()));

        *refuse.lock().expect("one thread") = false;
        home.test(id).await?;
        let no = agent.call("chief_crons_may_run", ask.clone()).await?;
        assert_eq!(
            no["structuredContent"]["may_run"], false,
            "an admin is to resume"
        );
        home.ask::<wire::ResumeCrons>(json!({ "integration": id }))
            .await?;
        let yes = agent.call("chief_crons_may_run", ask.clone()).await?;
        let yes = &yes["structuredContent"];
        assert_eq!(yes["may_run"], true, "{yes}");
        let no = agent.call("chief_crons_may_run", ask.clone()).await?;
        assert_eq!(
            no["structuredContent"]["may_run"], false,
            "never two at once"
        );
        // It runs: its calls go out, and are in the record.
        let before = home.rows_of(RowKind::Call, "keyed.greet").await?.len();
        let greeted = agent.call("keyed__greet", json!({ "name": "Ada" })).await?;
        assert_eq!(text_of(&greeted), "Hello, Ada!", "{greeted}");
        let rows = home.rows_of(RowKind::Call, "keyed.greet").await?;
        assert_eq!(
            (rows.len(), rows[0].outcome),
            (before + 1, Outcome::Ok),
            "the call of the run"
        );
        let reported = json!({ "run": yes["run"], "ok": true });
        agent.call("chief_crons_report", reported).await?;
        let runs = &home.cron(serde_json::from_value(cron.clone())?).await?.runs;
        assert_eq!(runs[0].outcome, RunOutcome::Ok);
        // Bad input is told by its field; another agent's cron is not there.
        let wrong = json!({ "name": "x", "schedule": "never", "depends_on": [] });
        let wrong = agent.call("chief_crons_register", wrong).await?;
        assert!(text_of(&wrong).contains("Schedule"), "{wrong}");
        let wrong = json!({ "name": "x", "schedule": "0 3 * * *", "depends_on": ["stripe"] });
        let wrong = agent.call("chief_crons_register", wrong).await?;
        assert!(text_of(&wrong).contains("stripe"), "{wrong}");
        let stranger = json!({ "name": format!("Stranger {era}") });
        let (_, token) = home.pair(stranger).await?;
        let mut stranger = start(by, era, (&home, &door), &token).await?;
        let refused = stranger.call("chief_crons_may_run", ask.clone()).await?;
        assert_eq!(refused["isError"], true, "{refused}");
        agent.call("chief_crons_remove", ask).await?;
        let none = agent.call("chief_crons_list", json!({})).await?;
        assert_eq!(none["structuredContent"]["crons"], json!([]));
    }
    Ok(())
}

/// What the gateway's own tool says to that.
async fn own(door: &Door, token: &str, tool: &str, arguments: Value) -> Result<Value> {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let call = call_of(tool, &arguments);
    let (_, body) = raw(("POST", &door.url), &headers, &call).await?;
    Ok(told(&body)?["result"]["structuredContent"].clone())
}

#[tokio::test]
async fn an_agent_cannot_lift_a_pause_by_removing_its_cron_or_what_it_depends_on() -> Result<()> {
    let (server, refuse) = refusing().await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({ "name": "Bot" })).await?;
    let ask = async |tool: &str, arguments| own(&door, &token, tool, arguments).await;
    let register = async |depends: &[&str]| -> Result<Value> {
        let told = json!({ "name": "Digest", "schedule": "0 3 * * *", "depends_on": depends });
        let cron = ask("chief_crons_register", told).await?["cron"].clone();
        let own = json!({ "cron": cron });
        let may = ask("chief_crons_may_run", own.clone()).await?;
        if may["may_run"] == true {
            let done = json!({ "run": may["run"], "ok": true });
            ask("chief_crons_report", done).await?;
        }
        ask("chief_crons_remove", own).await?;
        Ok(json!({ "cron": cron, "may_run": may["may_run"], "why": may["why"] }))
    };
    let first = register(&["keyed"]).await?;
    assert_eq!(first["may_run"], true, "{first}");
    let second = register(&["keyed"]).await?;
    assert_ne!(second["cron"], first["cron"], "what nobody paused is new");

    // A failure that is over, and nobody has resumed it.
    home.ask::<wire::RestoreCron>(json!({ "id": second["cron"] }))
        .await?;
    *refuse.lock().expect("one thread") = true;
    home.test(id).await?;
    *refuse.lock().expect("one thread") = false;
    home.test(id).await?;
    for depends in [&["keyed"][..], &[], &[]] {
        let held = register(depends).await?;
        assert_eq!(held["cron"], second["cron"]);
        assert_eq!(held["may_run"], false, "{depends:?}: {held}");
    }
    home.ask::<wire::RestoreCron>(json!({ "id": second["cron"] }))
        .await?;
    home.ask::<wire::ResumeCrons>(json!({ "integration": id }))
        .await?;

    // An admin's pause.
    home.ask::<wire::PauseCron>(json!({ "id": second["cron"] }))
        .await?;
    for _ in 0..2 {
        let paused = register(&[]).await?;
        assert_eq!(paused["cron"], second["cron"]);
        assert_eq!(paused["may_run"], false, "{paused}");
    }
    home.ask::<wire::RestoreCron>(json!({ "id": second["cron"] }))
        .await?;
    home.ask::<wire::ResumeCron>(json!({ "id": second["cron"] }))
        .await?;
    let resumed = register(&[]).await?;
    assert_eq!(resumed["may_run"], true, "{resumed}");
    Ok(())
}

/// Its session ended before the report: the moments that come later are not lost with it.
#[tokio::test]
async fn a_run_that_an_agent_never_reports_gives_way_to_a_later_moment() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({ "name": "Bot" })).await?;
    let ask = async |tool: &str, arguments| own(&door, &token, tool, arguments).await;
    let told = json!({ "name": "Digest", "schedule": "*/20 * * * *", "depends_on": [] });
    let cron = ask("chief_crons_register", told).await?["cron"].clone();
    let own = json!({ "cron": cron });
    let first = ask("chief_crons_may_run", own.clone()).await?;
    assert_eq!(first["may_run"], true, "{first}");
    clock.advance(59 * 60_000);
    let second = ask("chief_crons_may_run", own.clone()).await?;
    assert_eq!(second["may_run"], false, "it may still be at work");
    clock.advance(60_000);
    let third = ask("chief_crons_may_run", own).await?;
    assert_eq!(third["may_run"], true, "{third}");
    let done = json!({ "run": third["run"], "ok": true });
    ask("chief_crons_report", done).await?;
    let cron = serde_json::from_value(cron)?;
    assert_eq!(
        home.ended(cron).await?,
        [RunOutcome::Interrupted, RunOutcome::Ok]
    );
    Ok(())
}
