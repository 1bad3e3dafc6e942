//! The `chief` command: what it shows of the running app, how the bridge ends, and who is let in.

use crate::{
    doors::Bare,
    kit::{
        Home, PATIENCE,
        agent::{chief_command, raw},
        mcp::refusing,
        targets, tick,
    },
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

/// What one run of it said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| self.stdout.clone())
    }
}

async fn chief(home: &Home, arguments: &[&str]) -> Result<Said> {
    let run = Command::new(chief_command()?)
        .args(arguments)
        .env("CHIEF_DATA", home.folder())
        .env_remove("CHIEF_AGENT_TOKEN")
        .output();
    let output = tokio::time::timeout(Duration::from_secs(30), run).await??;
    Ok(Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

#[tokio::test]
async fn it_shows_what_the_window_shows() -> Result<()> {
    let home = Home::new().await?;
    let sample = home.connect(targets::sample()).await?;
    let _door = home.open_door().await?;
    wait_for_the_door(&home).await?;

    let list = chief(&home, &["list"]).await?;
    assert_eq!(list.code, Some(0), "{}", list.stderr);
    assert!(
        list.stdout.contains("sample") && list.stdout.contains("Healthy"),
        "{}",
        list.stdout
    );
    let cards = chief(&home, &["list", "--json"]).await?.json()?;
    assert_eq!(cards[0]["id"], json!(sample));

    let test = chief(&home, &["test", "SAMPLE"]).await?;
    assert_eq!(test.code, Some(0), "{}", test.stderr);
    assert!(test.stdout.starts_with('✓'), "{}", test.stdout);
    let test = chief(&home, &["test", "nothing"]).await?;
    assert_eq!(test.code, Some(1));
    assert!(test.stderr.contains("nothing"), "{}", test.stderr);

    let activity = chief(&home, &["activity", "--limit", "5"]).await?;
    assert!(activity.stdout.contains("connected"), "{}", activity.stdout);
    let rows = chief(&home, &["activity", "--json", "--integration", "sample"]).await?;
    assert!(
        rows.json()?["rows"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
    );

    let doctor = chief(&home, &["doctor", "--json"]).await?;
    let found = doctor.json()?;
    let app = &found["found"][0];
    assert_eq!(
        (&app["what"], &app["well"]),
        (&json!("app"), &json!(true)),
        "{found}"
    );
    // The test's app is of no release, which the doctor must see.
    assert_eq!(doctor.code, Some(1), "{found}");
    assert!(doctor.stdout.contains("0.0.0-test"));

    let audit = chief(&home, &["audit", "verify"]).await?;
    assert_eq!(audit.code, Some(0), "{}", audit.stdout);
    assert!(audit.stdout.contains("intact"), "{}", audit.stdout);

    let app = chief(&home, &["ask", "get_app"]).await?.json()?;
    assert_eq!(app["version"], "0.0.0-test");
    Ok(())
}

async fn wait_for_the_door(home: &Home) -> Result<()> {
    let began = Instant::now();
    while !home.folder().join("door/chief.sock").exists() {
        tick(began, "the door of the command").await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_answer_to_audit_verify_is_an_exit_code() -> Result<()> {
    let help = Command::new(chief_command()?)
        .args(["audit", "verify", "--help"])
        .output()
        .await?;
    let help = String::from_utf8(help.stdout)?;
    for line in [
        "0  the record is intact",
        "1  it was",
        "3  the app",
        "4  the data",
        "5  the record",
    ] {
        assert!(help.contains(line), "{help}");
    }

    let home = Home::new().await?;
    let none = chief(&home, &["audit", "verify"]).await?;
    assert_eq!(none.code, Some(3), "no app: {}", none.stderr);
    let verified = async |home: &Home| {
        let _door = home.open_door().await?;
        wait_for_the_door(home).await?;
        let said = chief(home, &["audit", "verify"]).await?;
        anyhow::Ok((said.code, said.stdout))
    };
    let (code, said) = verified(&home).await?;
    assert_eq!(code, Some(5), "there is no key yet: {said}");

    let id = home.connect(targets::sample()).await?;
    let home = home.restart().await?;
    let early = home.copy()?;
    home.call(id, "echo", json!({ "text": "later" })).await?;
    let (code, said) = verified(&home).await?;
    assert_eq!(code, Some(0), "{said}");
    home.engine.stop().await;

    std::fs::copy(
        home.folder().join("chief.anchor"),
        early.path().join("chief.anchor"),
    )?;
    let restored = Home::on_copy(early, home.copy_of_keyring()?).await?;
    let (code, said) = verified(&restored).await?;
    assert_eq!(code, Some(4), "{said}");

    let changed = home.copy()?;
    rusqlite::Connection::open(changed.path().join("chief.db"))?.execute_batch(
        "drop trigger calls_no_update; update calls set action = 'nothing' where seq = 1",
    )?;
    let changed = Home::on_copy(changed, home.copy_of_keyring()?).await?;
    let (code, said) = verified(&changed).await?;
    assert_eq!(code, Some(1), "{said}");
    let ask = said.split('\'').nth(1).context("how to see the call")?;
    let _door = changed.open_door().await?;
    wait_for_the_door(&changed).await?;
    let row = chief(&changed, &["ask", "get_row", ask]).await?.json()?;
    assert_eq!(row["intent"]["seq"], 1, "{row}");
    Ok(())
}

#[tokio::test]
async fn a_failing_integration_is_its_exit_code() -> Result<()> {
    let (server, refuse) = refusing().await?;
    let home = Home::new().await?;
    home.connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let _door = home.open_door().await?;
    wait_for_the_door(&home).await?;
    refuse.store(true, std::sync::atomic::Ordering::Relaxed);
    let test = chief(&home, &["test"]).await?;
    assert_eq!(test.code, Some(1), "{}", test.stdout);
    assert!(test.stdout.starts_with("✗ Keyed"), "{}", test.stdout);
    let list = chief(&home, &["list"]).await?;
    assert_eq!(list.code, Some(1), "{}", list.stdout);
    assert!(list.stdout.contains("Failing"), "{}", list.stdout);
    Ok(())
}

#[tokio::test]
async fn only_what_reads_is_answered_by_name() -> Result<()> {
    let home = Home::new().await?;
    let sample = home.connect(targets::sample()).await?;
    let _door = home.open_door().await?;
    wait_for_the_door(&home).await?;
    for command in ["disconnect", "pair_agent", "save_settings", "nothing"] {
        let request = json!({ "id": sample }).to_string();
        let said = chief(&home, &["ask", command, &request]).await?;
        assert_eq!(said.code, Some(1), "{command}: {}", said.stdout);
        assert!(
            said.stdout.is_empty() && said.stderr.contains("list_integrations"),
            "{}",
            said.stderr
        );
    }
    assert_eq!(
        home.ask::<wire::ListIntegrations>(json!({})).await?.len(),
        1
    );
    Ok(())
}

#[tokio::test]
async fn the_door_is_this_users_alone_and_an_old_one_is_no_hindrance() -> Result<()> {
    let home = Home::new().await?;
    // As a killed app leaves it.
    let folder = home.folder().join("door");
    std::fs::create_dir(&folder)?;
    std::fs::write(folder.join("chief.sock"), "")?;
    let gone = chief(&home, &["list"]).await?;
    assert_eq!(gone.code, Some(3), "{}", gone.stderr);
    assert!(gone.stderr.contains("does not run"), "{}", gone.stderr);
    let door = home.open_door().await?;
    let mode = |path| -> Result<u32> { Ok(std::fs::metadata(path)?.permissions().mode() & 0o777) };
    let began = Instant::now();
    while chief(&home, &["list"]).await?.code != Some(0) {
        tick(began, "the door").await?;
    }
    assert_eq!(mode(folder.clone())?, 0o700);
    assert_eq!(mode(folder.join("chief.sock"))?, 0o600);
    drop(door);
    let began = Instant::now();
    while folder.join("chief.sock").exists() {
        tick(began, "the socket to be gone").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_bridge_ends_within_two_seconds_of_its_agent_and_of_the_app() -> Result<()> {
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let door = home.open_door().await?;
    wait_for_the_door(&home).await?;
    let (_, token) = home.pair(json!({})).await?;

    // Its agent closes stdin.
    let mut idle = Bare::start(&home, &token)?;
    idle.shake().await?;
    let began = Instant::now();
    assert!(idle.end().await?.is_empty());
    assert!(idle.child.wait().await?.success());
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );

    // The app ends.
    let mut left = Bare::start(&home, &token)?;
    left.shake().await?;
    let began = Instant::now();
    drop(door);
    let status = tokio::time::timeout(Duration::from_secs(2), left.child.wait()).await??;
    assert_eq!(status.code(), Some(3), "it says that the app has ended");
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn a_bridge_that_starts_before_the_app_waits_for_it_while_its_agent_does() -> Result<()> {
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let door = home.open_door().await?;
    wait_for_the_door(&home).await?;
    let (_, token) = home.pair(json!({})).await?;
    drop(door);
    let began = Instant::now();
    while chief(&home, &["list"]).await?.code != Some(3) {
        tick(began, "the door to be shut").await?;
    }

    let mut early = Bare::start(&home, &token)?;
    let mut given_up = Bare::start(&home, &token)?;
    let mut stderr = BufReader::new(early.child.stderr.take().context("it is piped")?).lines();
    let told = tokio::time::timeout(PATIENCE, stderr.next_line()).await??;
    let told = told.context("it waits")?;
    assert!(told.contains("does not run yet"), "{told}");

    let began = Instant::now();
    assert!(given_up.end().await?.is_empty());
    assert_eq!(given_up.child.wait().await?.code(), Some(3));
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );

    let _door = home.open_door().await?;
    early.shake().await?;
    assert!(early.end().await?.is_empty());
    assert!(early.child.wait().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_none_opens_nothing_and_one_that_is_revoked_no_longer() -> Result<()> {
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let _door = home.open_door().await?;
    wait_for_the_door(&home).await?;
    let without = chief(&home, &["mcp"]).await?;
    assert_eq!((without.code, without.stdout.as_str()), (Some(1), ""));
    assert!(
        without.stderr.contains("CHIEF_AGENT_TOKEN"),
        "{}",
        without.stderr
    );
    let mut wrong = Bare::start(&home, "chief_wrong")?;
    assert_eq!(wrong.child.wait().await?.code(), Some(1));

    let (agent, token) = home.pair(json!({})).await?;
    let mut bare = Bare::start(&home, &token)?;
    bare.shake().await?;
    let call = |id: u32| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": "sample__echo", "arguments": { "text": "x" } } })
    };
    bare.say(&call(1)).await?;
    assert!(bare.answer(&json!(1)).await?["result"].is_object());
    home.ask::<wire::RevokeAgent>(json!({ "id": agent.id }))
        .await?;
    bare.say(&call(2)).await?;
    let refused = bare.answer(&json!(2)).await?;
    assert_eq!(
        refused["error"]["data"]["code"], "agent-unknown",
        "{refused}"
    );

    // One message that is too long is refused under its own number; the next is answered.
    let (_, token) = home.pair(json!({})).await?;
    let mut bare = Bare::start(&home, &token)?;
    bare.shake().await?;
    let mut long = call(3);
    long["params"]["arguments"]["text"] = json!("x".repeat(5 * 1024 * 1024));
    bare.say(&long).await?;
    let refused = bare.answer(&json!(3)).await?;
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    bare.say(&call(4)).await?;
    assert!(bare.answer(&json!(4)).await?["result"].is_object());
    Ok(())
}

#[tokio::test]
async fn the_port_is_set_and_the_gateway_moves_there() -> Result<()> {
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let door = home.open_door().await?;
    let refused = home
        .ask::<wire::SetGatewayPort>(json!({ "port": 80 }))
        .await;
    assert!(refused.is_err(), "a port of the system's");
    let free = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = free.local_addr()?.port();
    home.ask::<wire::SetGatewayPort>(json!({ "port": port }))
        .await?;
    let began = Instant::now();
    // Taken: said, and not moved anywhere else.
    while !matches!(
        home.ask::<wire::ListAgents>(json!({})).await?.gateway,
        wire::GatewayView::PortTaken { port: told } if told == port
    ) {
        tick(began, "the gateway to say that the port is taken").await?;
    }
    drop(free);
    let began = Instant::now();
    let there = format!("http://127.0.0.1:{port}/mcp");
    while !matches!(
        home.ask::<wire::ListAgents>(json!({})).await?.gateway,
        wire::GatewayView::Open { url } if url == there
    ) {
        tick(began, "the gateway at its new port").await?;
    }
    let (status, _) = raw(("POST", &there), &[], &json!({})).await?;
    assert_eq!(status, 401);
    assert!(
        raw(("POST", &door.url), &[], &json!({})).await.is_err(),
        "the old one is closed"
    );
    Ok(())
}
