//! What was begun gets its end in the record, and what was changed before it left holds for it: on a disk
//! that stumbles or takes its time, for agents that hang up, and as the app ends.

use crate::kit::{
    Home,
    agent::{call_of, raw, told},
    call, mcp,
    scripted::Scripted,
    targets, tick,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt as _, sync::Notify, task::JoinHandle};
use wire::{ErrorCode, IntegrationId, Outcome, RowKind};

/// A server with a tool that waits, and the app beside it.
struct Scene {
    home: Home,
    server: Scripted,
    go_on: Arc<Notify>,
    id: IntegrationId,
}

impl Scene {
    async fn with(home: Home) -> Result<Self> {
        let (server, go_on) = mcp::waiting().await?;
        let target = targets::mcp_bearer(&server.url("/mcp"), "key");
        let id = home.connect(target).await?;
        Ok(Self {
            home,
            server,
            go_on,
            id,
        })
    }

    /// A call that has arrived at the server and waits there.
    async fn waiting(&self) -> Result<JoinHandle<Result<Value, wire::Error>>> {
        let (engine, id) = (self.home.engine.clone(), self.id);
        let slow = tokio::spawn(async move { call(&engine, id, "wait", json!({})).await });
        let began = Instant::now();
        while self.arrived("wait") == 0 {
            tick(began, "the call to arrive").await?;
        }
        Ok(slow)
    }

    fn arrived(&self, tool: &str) -> usize {
        let seen = self.server.seen();
        seen.iter()
            .filter(|seen| seen.json()["params"]["name"] == tool)
            .count()
    }

    /// Another program's hands on the database.
    fn hands(&self) -> Result<rusqlite::Connection> {
        let connection = rusqlite::Connection::open(self.home.folder().join("chief.db"))?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection)
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_down_is_given_all_the_same_and_written_later()
-> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let scene = Scene::with(home).await?;
    let slow = scene.waiting().await?;
    let hands = scene.hands()?;
    hands.execute_batch(
        "create trigger stumbles before insert on outcomes begin select raise(abort, 'a fault'); end",
    )?;
    scene.go_on.notify_one();
    let answer = slow.await?.context("the call was made")?;
    ensure!(answer["content"][0]["text"] == "waited", "{answer}");
    let rows = scene.home.rows_of(RowKind::Call, "keyed.wait").await?;
    ensure!(rows.first().map(|row| row.outcome) == Some(Outcome::Running));

    hands.execute_batch("drop trigger stumbles")?;
    let began = Instant::now();
    loop {
        clock.advance(1_000);
        let rows = scene.home.rows_of(RowKind::Call, "keyed.wait").await?;
        if rows.first().map(|row| row.outcome) == Some(Outcome::Ok) {
            return Ok(());
        }
        tick(began, "the outcome to be written").await?;
    }
}

#[tokio::test]
async fn a_refusal_is_written_whole_for_an_agent_that_hangs_up() -> Result<()> {
    let scene = Scene::with(Home::new().await?).await?;
    let door = scene.home.open_door().await?;
    let (_, token) = scene.home.pair(json!({})).await?;
    let hands = scene.hands()?;
    // Nothing is written meanwhile: the agent goes before the first row is there.
    hands.execute_batch("begin immediate")?;
    let body = call_of("keyed__nothing_like_it", &json!({})).to_string();
    let host = door
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp");
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         mcp-protocol-version: 2025-11-25\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(200)).await;
    hands.execute_batch("commit")?;
    let began = Instant::now();
    loop {
        let rows = scene.home.record().await?;
        let row = rows
            .iter()
            .find(|row| row.action.contains("nothing_like_it"));
        if row.is_some_and(|row| row.outcome == Outcome::Refused) {
            return Ok(());
        }
        tick(began, "the refusal").await?;
    }
}

#[tokio::test]
async fn what_an_admin_denies_before_a_call_is_written_down_does_not_leave() -> Result<()> {
    let scene = Scene::with(Home::new().await?).await?;
    let door = scene.home.open_door().await?;
    let (_, token) = scene.home.pair(json!({})).await?;
    let bearer = format!("Bearer {token}");
    let greet = call_of("keyed__greet", &json!({}));
    let headers = [("authorization", bearer.as_str())];
    // What it finds is remembered from here on.
    let (_, body) = raw(("POST", &door.url), &headers, &greet).await?;
    ensure!(told(&body)?["result"]["isError"] != true, "{body}");
    // Nor is there a row that whoever reads would have filed first.
    scene.home.record().await?;
    let before = scene.arrived("greet");
    let set = |tool: &str, choice: &str| {
        let ask = json!({ "id": scene.id, "tool": tool, "agent": null, "choice": choice });
        scene.home.ask::<wire::SetPolicy>(ask)
    };
    let moment = || tokio::time::sleep(Duration::from_millis(200));
    let hands = scene.hands()?;
    hands.execute_batch("begin immediate")?;
    // One write waits for the disk; behind it the call's first row and the change, for one commit.
    let (other, denied, late) = tokio::join!(
        set("wait", "allow"),
        async {
            moment().await;
            moment().await;
            set("greet", "deny").await
        },
        async {
            moment().await;
            let late = raw(("POST", &door.url), &headers, &greet);
            let freed = async {
                moment().await;
                moment().await;
                hands.execute_batch("commit")
            };
            let (late, freed) = tokio::join!(late, freed);
            freed?;
            late
        }
    );
    other?;
    denied?;
    let (_, body) = late?;
    ensure!(told(&body)?["result"]["isError"] == true, "{body}");
    ensure!(scene.arrived("greet") == before, "it left");
    let rows = scene.home.rows_of(RowKind::Call, "keyed.greet").await?;
    ensure!(rows.first().map(|row| row.outcome) == Some(Outcome::Denied));
    Ok(())
}

#[tokio::test]
async fn the_end_of_the_app_is_not_told_as_a_disconnect() -> Result<()> {
    let scene = Scene::with(Home::new().await?).await?;
    let slow = scene.waiting().await?;
    let home = scene.home.restart().await?;
    let error = slow.await?.err().context("it was broken off")?;
    ensure!(error.code == ErrorCode::CallCancelled, "{error}");
    let rows = home.rows_of(RowKind::Call, "keyed.wait").await?;
    let told = rows.first().context("its row")?;
    let code = told.error.as_ref().map(|error| error.code);
    ensure!(code != Some(ErrorCode::IntegrationDisconnected), "{told:?}");
    Ok(())
}
