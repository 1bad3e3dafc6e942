//! Activity: what each filter finds, export, the file for a collector, and how long rows stay.

use crate::kit::{Home, agent::raw, tick};
use anyhow::{Context, Result};
use engine::ports::Clock as _;
use serde_json::{Value, json};
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{
    AgentId, Because, ByAgent, ErrorCode, ExportState, IntegrationId, Outcome, RecordState,
    RowView, Time,
};

const THREAD: &str = "https://acme.slack.com/archives/C1/p2";

async fn call_as(
    home: &Home,
    id: IntegrationId,
    tool: &str,
    because: Because,
) -> Result<Value, wire::Error> {
    let arguments = json!({ "text": "hunter2-in-arguments" });
    let cancel = CancellationToken::new();
    engine::calls::call(&home.engine, id, tool, arguments, because, cancel).await
}

fn by(agent: u128, name: &str, thread: Option<&str>) -> Because {
    Because::Task {
        title: format!("{name} · Refund 17"),
        url: thread.map(str::to_owned),
        agent: Some(ByAgent {
            id: AgentId(uuid::Uuid::from_u128(agent)),
            name: name.to_owned(),
        }),
        task: Some(format!("task of {name}")),
    }
}

async fn found(home: &Home, filter: Value) -> Result<Vec<RowView>> {
    let request = json!({
        "integration": null, "before": null, "limit": 50, "pings": false, "filter": filter,
    });
    Ok(home.ask::<wire::ListActivity>(request).await?.rows)
}

/// The sample, with a call of each kind.
async fn used() -> Result<Home> {
    let home = Home::new().await?;
    let id = home.connect(crate::kit::targets::sample()).await?;
    call_as(&home, id, "echo", by(1, "Chief", Some(THREAD))).await?;
    call_as(&home, id, "echo", by(2, "Cursor", None)).await?;
    let refused = call_as(&home, id, "nothing", by(1, "Chief", Some(THREAD))).await;
    assert_eq!(
        refused.err().map(|error| error.code),
        Some(ErrorCode::ToolUnknown)
    );
    Ok(home)
}

#[tokio::test]
async fn each_filter_finds_its_rows_and_no_others() -> Result<()> {
    let home = used().await?;
    let actions =
        |rows: &[RowView]| -> Vec<String> { rows.iter().map(|row| row.action.clone()).collect() };
    let both = ["sample.nothing", "sample.echo"];
    assert_eq!(
        actions(&found(&home, json!({ "thread": THREAD })).await?),
        both
    );
    let agent = uuid::Uuid::from_u128(1).to_string();
    assert_eq!(
        actions(&found(&home, json!({ "agent": agent })).await?),
        both
    );
    assert_eq!(
        actions(&found(&home, json!({ "task": "task of Cursor" })).await?),
        ["sample.echo"]
    );
    assert_eq!(
        found(&home, json!({ "tool": "sample.echo" })).await?.len(),
        2
    );
    assert_eq!(
        actions(&found(&home, json!({ "outcome": "refused" })).await?),
        ["sample.nothing"]
    );
    assert!(found(&home, json!({ "until": 1 })).await?.is_empty());
    assert!(found(&home, json!({ "from": 1 })).await?.len() > 3);
    // Words, from their beginnings, of names, tools, threads and what went wrong.
    assert_eq!(
        actions(&found(&home, json!({ "text": "chie refun" })).await?),
        both
    );
    assert_eq!(
        actions(&found(&home, json!({ "text": "NOTHING tool-unk" })).await?),
        ["sample.nothing"]
    );
    assert_eq!(
        found(&home, json!({ "text": "cursor", "outcome": "ok" }))
            .await?
            .len(),
        1
    );
    assert!(found(&home, json!({ "text": "hunter2" })).await?.is_empty());
    assert!(
        found(&home, json!({ "text": "\") OR (\"" }))
            .await?
            .is_empty()
    );

    let row = found(&home, json!({ "text": "cursor" }))
        .await?
        .pop()
        .context("a row")?;
    let detail = home.ask::<wire::GetRow>(json!({ "call": row.id })).await?;
    assert_eq!(detail.agent.as_deref(), Some("Cursor"));
    let sent = detail.sent.context("what its arguments were like")?;
    assert_eq!(sent.shape, "{text: string}");
    assert!(sent.hash.is_some() && detail.got.is_some() && detail.intent.key.is_some());
    let none = home
        .ask::<wire::GetRow>(json!({ "call": uuid::Uuid::nil() }))
        .await;
    assert_eq!(
        none.err().map(|error| error.code),
        Some(ErrorCode::RowUnknown)
    );
    Ok(())
}

#[tokio::test]
async fn what_is_disconnected_can_still_be_asked_for() -> Result<()> {
    let home = used().await?;
    let id = home.cards().await?.pop().context("the card")?.id;
    let past = async || home.ask::<wire::ListPastIntegrations>(json!({})).await;
    assert_eq!(past().await?, [], "it is connected");
    home.disconnect(id).await?;
    let name = "Sample".to_owned();
    assert_eq!(past().await?, [wire::PastIntegration { id, name }]);
    let request = json!({ "integration": id, "before": null, "limit": 50, "pings": false });
    let rows = home.ask::<wire::ListActivity>(request).await?.rows;
    assert!(rows.len() > 3, "{rows:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_in_sight_is_exported_whole_or_not_at_all() -> Result<()> {
    let home = used().await?;
    let folder = tempfile::tempdir()?;
    let export = |form: &'static str| {
        let ask = json!({
            "form": form, "folder": folder.path(), "integration": null, "pings": true,
            "filter": { "thread": THREAD },
        });
        home.ask::<wire::StartExport>(ask)
    };
    for form in ["csv", "jsonl"] {
        let id = export(form).await?.id;
        let began = Instant::now();
        let done = loop {
            let view = home.ask::<wire::GetExport>(json!({ "id": id })).await?;
            match &view.state {
                ExportState::Running => tick(began, "the export").await?,
                ExportState::Done => break view,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(done.rows, 2);
        let text = std::fs::read_to_string(&done.file)?;
        let lines: Vec<&str> = text.lines().collect();
        if form == "csv" {
            assert!(lines[0].starts_with("\"time\",\"integration\""), "{text}");
            assert!(
                lines[1].contains("\"sample.nothing\",\"refused\""),
                "{text}"
            );
            assert_eq!(lines.len(), 3);
        } else {
            let row: RowView = serde_json::from_str(lines[0])?;
            assert_eq!((row.action.as_str(), lines.len()), ("sample.nothing", 2));
        }
    }
    let wrong = json!({
        "form": "csv", "folder": "somewhere", "integration": null, "pings": false,
    });
    let refused = home.ask::<wire::StartExport>(wrong).await;
    assert_eq!(
        refused.err().map(|error| error.code),
        Some(ErrorCode::FieldInvalid)
    );
    let left = std::fs::read_dir(folder.path())?.count();
    assert_eq!(left, 2, "the two files, and nothing half");
    Ok(())
}

#[tokio::test]
async fn an_export_that_is_stopped_leaves_nothing() -> Result<()> {
    let home = used().await?;
    let folder = tempfile::tempdir()?;
    for form in ["csv", "jsonl"] {
        let ask =
            json!({ "form": form, "folder": folder.path(), "integration": null, "pings": true });
        let id = home.ask::<wire::StartExport>(ask).await?.id;
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "it has begun");
        home.ask::<wire::CancelExport>(json!({ "id": id })).await?;
        let began = Instant::now();
        loop {
            let view = home.ask::<wire::GetExport>(json!({ "id": id })).await?;
            match view.state {
                ExportState::Running => tick(began, "the export to stop").await?,
                ExportState::Cancelled => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
        // Over is over.
        home.ask::<wire::CancelExport>(json!({ "id": id })).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_export_that_is_stopped_midway_leaves_nothing_either() -> Result<()> {
    let home = used().await?;
    let folder = tempfile::tempdir()?;
    chief_tests::rows::add(home.folder(), 20_000)?;
    for form in ["csv", "jsonl"] {
        let ask = json!({ "form": form, "folder": folder.path(), "integration": null, "pings": false,
            "bodies": true });
        let id = home.ask::<wire::StartExport>(ask).await?.id;
        let began = Instant::now();
        let mut stopped = false;
        let view = loop {
            let view = home.ask::<wire::GetExport>(json!({ "id": id })).await?;
            match view.state {
                ExportState::Running if view.rows > 0 && !stopped => {
                    let partial = std::fs::read_dir(folder.path())?
                        .next()
                        .context("a file")??;
                    #[cfg(unix)]
                    {
                        let mode = std::os::unix::fs::PermissionsExt::mode(
                            &partial.metadata()?.permissions(),
                        );
                        assert_eq!(
                            mode & 0o777,
                            0o600,
                            "what calls said is for this user alone"
                        );
                    }
                    assert!(
                        partial
                            .path()
                            .extension()
                            .is_some_and(|end| end == "partial")
                    );
                    home.ask::<wire::CancelExport>(json!({ "id": id })).await?;
                    stopped = true;
                }
                // Both have one thread: each takes its turn, however quick the export is.
                ExportState::Running if !stopped => tokio::task::yield_now().await,
                ExportState::Running => tick(began, "the export to stop").await?,
                _ => break view,
            }
        };
        assert_eq!(view.state, ExportState::Cancelled);
        assert!(
            (1..20_000).contains(&view.rows),
            "midway: {} rows",
            view.rows
        );
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
    }
    Ok(())
}

/// When it was taken, as its name tells.
fn newest_backup(home: &Home) -> Option<Time> {
    let all = std::fs::read_dir(home.folder().join("backups")).ok()?;
    let times = all.filter_map(|entry| entry.ok()?.path().file_stem()?.to_str()?.parse().ok());
    times.max().map(Time)
}

#[tokio::test]
async fn old_rows_go_whole_and_what_stays_is_still_proved() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let id = home.connect(crate::kit::targets::sample()).await?;
    for _ in 0..5 {
        call_as(&home, id, "echo", by(2, "Cursor", None)).await?;
    }
    let settings = json!({ "settings": { "keep_days": 7 } });
    home.ask::<wire::SaveRecordSettings>(settings).await?;
    let door = home.open_door().await?;
    let (agent, token) = home.pair(json!({ "name": "Gone" })).await?;
    home.ask::<wire::RevokeAgent>(json!({ "id": agent.id }))
        .await?;
    let knock = async || -> Result<RowView> {
        let bearer = format!("Bearer {token}");
        let (status, _) = raw(
            ("GET", &door.url),
            &[("authorization", &bearer)],
            &json!({}),
        )
        .await?;
        assert_eq!(status, 401);
        let rows = home.record().await?;
        rows.into_iter()
            .find(|row| row.outcome == Outcome::Refused)
            .context("a row")
    };
    assert!(knock().await?.action.contains("the agent Gone was refused"));
    let before = home.count("calls")?;
    clock.advance(8 * 86_400_000);
    let (now, began) = (clock.now(), Instant::now());
    while newest_backup(&home) < Some(now) {
        tick(began, "the daily housekeeping").await?;
    }
    assert_eq!(home.count("tombstones")?, 0, "the clock may be wrong");
    clock.advance(86_400_000);
    let began = Instant::now();
    while home.count("tombstones")? == 0 {
        tick(began, "the daily housekeeping").await?;
    }
    // Nor is it known any longer whose that token was.
    assert_eq!(home.count("removed_agents")?, 0);
    let newest = knock().await?;
    assert!(newest.action.contains("without a valid"), "{newest:?}");
    drop(door);
    call_as(&home, id, "echo", by(1, "Chief", Some(THREAD))).await?;
    assert!(home.count("calls")? < before);
    let proof = home.ask::<wire::VerifyRecord>(json!({})).await?;
    assert_eq!(proof.state, RecordState::Intact);
    assert!(proof.removed_at.is_some());
    assert!(found(&home, json!({ "text": "cursor" })).await?.is_empty());
    let home = home.restart().await?;
    let proof = home.ask::<wire::VerifyRecord>(json!({})).await?;
    assert_eq!(proof.state, RecordState::Intact);
    // A tombstone that nobody signed proves nothing.
    let database = rusqlite::Connection::open(home.folder().join("chief.db"))?;
    database.execute_batch(
        "update tombstones set calls = calls + 1 where last_seq = (select max(last_seq) from tombstones)",
    )?;
    let proof = home.ask::<wire::VerifyRecord>(json!({})).await?;
    assert!(
        matches!(proof.state, RecordState::Tampered { .. }),
        "{proof:?}"
    );
    Ok(())
}

#[tokio::test]
async fn words_are_forgotten_with_the_rows_that_had_them() -> Result<()> {
    let (home, clock) = Home::with_fake_clock().await?;
    let id = home.connect(crate::kit::targets::sample()).await?;
    let said = |title: &str| Because::task(title, None);
    call_as(&home, id, "echo", said("Zebulon Quixote asks")).await?;
    for _ in 0..70 {
        call_as(&home, id, "echo", said("Ordinary")).await?;
    }
    let words = |word: &str| -> Result<i64> {
        let database = rusqlite::Connection::open(home.folder().join("chief.db"))?;
        let sql = "select count(*) from record_words where word = ?1";
        Ok(database.query_row(sql, [word], |row| row.get(0))?)
    };
    assert_eq!(found(&home, json!({ "text": "zebu quix" })).await?.len(), 1);
    assert_eq!(words("zebulon")?, 1);

    clock.advance(8 * 86_400_000);
    call_as(&home, id, "echo", said("Ordinary")).await?;
    found(&home, json!({ "text": "ordinary" })).await?;
    let settings = json!({ "settings": { "keep_days": 7 } });
    home.ask::<wire::SaveRecordSettings>(settings).await?;
    clock.advance(86_400_000);
    let began = Instant::now();
    while home.count("tombstones")? == 0 {
        tick(began, "the daily housekeeping").await?;
    }
    assert_eq!(
        words("zebulon")? + words("quixote")?,
        0,
        "a customer's name"
    );
    assert_eq!(words("ordinary")?, 1, "a later row has it");
    assert_eq!(found(&home, json!({ "text": "ordin" })).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn ids_of_tasks_do_not_stand_in_the_way_of_words() -> Result<()> {
    let home = used().await?;
    let id = home.cards().await?.pop().context("the card")?.id;
    // Each id has pieces that begin as the tool's name does, and come before it.
    for n in 0..60_u128 {
        let task = uuid::Uuid::from_u128((0xdead_0000_u128 << 96) | (n << 96) | 0xdead_0000_0000);
        let because = Because::Task {
            title: "Clean up".to_owned(),
            url: None,
            agent: None,
            task: Some(task.to_string()),
        };
        call_as(&home, id, "echo", because).await?;
    }
    call_as(&home, id, "delete_note", Because::task("Clean up", None))
        .await
        .ok();
    let rows = found(&home, json!({ "text": "de" })).await?;
    assert!(
        rows.iter().any(|row| row.action == "sample.delete_note"),
        "{rows:?}"
    );
    Ok(())
}
