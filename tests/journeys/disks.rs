//! A disk that fails under the app: a call that cannot be written down is not made, the trouble is
//! told, and what was there before is there after. The engine runs in a process of its own, whose
//! system calls on the database fail as `strace` is told to let them.

use crate::{
    kit::{Home, call, child, mcp, scripted::Scripted, targets, tick},
    refreshing::whole,
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{io::Write as _, path::PathBuf, sync::Arc, time::Instant};
use tokio::process::Command;
use wire::RowKind;

const TEST: &str = "disks::a_call_that_cannot_be_written_down_is_not_made_and_nothing_is_lost";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_cannot_be_written_down_is_not_made_and_nothing_is_lost() -> Result<()> {
    if child::asked() {
        return child::calls("greet").await;
    }
    let server =
        Scripted::serve(|seen| async move { mcp::answer(&seen, &Arc::default()).await }).await?;
    let mut home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    home.call(id, "greet", json!({})).await?;
    let calls = || {
        let seen = server.seen_at("/mcp");
        seen.iter()
            .filter(|seen| seen.json()["method"] == "tools/call")
            .count()
    };
    // Full, broken, read-only.
    for error in ["ENOSPC", "EIO", "EROFS"] {
        let (rows, arrived) = (home.count("calls")?, calls());
        let closed = home.close().await;
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null"]);
        for file in ["chief.db", "chief.db-wal"] {
            command.arg("-P").arg(closed.folder().join(file));
        }
        command
            .args(["-e", "trace=write,pwrite64"])
            .args(["-e", &format!("inject=write,pwrite64:error={error}")])
            .arg(std::env::current_exe()?);
        let mut other = closed.elsewhere(command, TEST)?;
        let said = other
            .says_one_of(&["refused", "did not start", "answered"])
            .await
            .context("strace is missing, or may not trace here")?;
        println!("{error}: {said}");
        ensure!(!said.starts_with("answered"), "{error}: {said}");
        ensure!(calls() == arrived, "{error}: it was sent all the same");
        other.ends().await?;

        home = closed.open().await?;
        ensure!(whole(&home)? == "ok", "{error}: the database is damaged");
        ensure!(home.count("calls")? >= rows, "{error}: rows are lost");
        home.call(id, "greet", json!({})).await?;
        ensure!(
            home.rows_of(RowKind::Call, "keyed.greet").await?.len() > 1,
            "{error}: what was written before is still there"
        );
    }
    Ok(())
}

/// What must survive a loss of power is told only once it is on disk: here it never is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_the_disk_does_not_confirm_is_told_as_refused() -> Result<()> {
    const TEST: &str = "disks::a_change_that_the_disk_does_not_confirm_is_told_as_refused";
    if child::asked() {
        match child::engine(true).await {
            Err(error) => println!("did not start: {error}"),
            Ok(engine) => {
                let change = json!({ "settings": { "person": "Eve", "theme": "dark" } });
                match engine::commands::answer(&engine, "save_settings", change).await {
                    Ok(_) => println!("answered"),
                    Err(error) => println!("refused: {error}"),
                }
            }
        }
        return Ok(());
    }
    let home = Home::new().await?;
    home.connect(targets::sample()).await?;
    let closed = home.close().await;
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null"]);
    for file in ["chief.db", "chief.db-wal"] {
        command.arg("-P").arg(closed.folder().join(file));
    }
    command
        .args(["-e", "trace=fsync,fdatasync"])
        .args(["-e", "inject=fsync,fdatasync:error=EIO"])
        .arg(std::env::current_exe()?);
    let mut other = closed.elsewhere(command, TEST)?;
    let said = other
        .says_one_of(&["refused", "did not start", "answered"])
        .await?;
    println!("EIO at fsync: {said}");
    ensure!(!said.starts_with("answered"), "{said}");
    other.ends().await?;
    let home = closed.open().await?;
    ensure!(whole(&home)? == "ok", "the database is damaged");
    ensure!(home.cards().await?.len() == 1, "what stood still stands");
    Ok(())
}

/// A collector's file whose lines the disk never confirms: a loss of power would take them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_for_a_collector_that_the_disk_does_not_confirm_are_written_again() -> Result<()> {
    const TEST: &str =
        "disks::lines_for_a_collector_that_the_disk_does_not_confirm_are_written_again";
    if child::asked() {
        let engine = child::engine(true).await?;
        let id = child::only(&engine).await?;
        call(&engine, id, "echo", json!({ "text": "first" })).await?;
        let began = Instant::now();
        while began.elapsed() < std::time::Duration::from_secs(20) {
            let ask = "get_record_settings";
            let view = engine::commands::answer(&engine, ask, json!({})).await?;
            if let Some(trouble) = view["tail_trouble"].as_object() {
                println!("told: {trouble:?}");
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        println!("nothing was told");
        return Ok(());
    }
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("chief.jsonl");
    std::fs::write(&file, "")?;
    let settings = json!({ "settings": { "tail_file": file } });
    home.ask::<wire::SaveRecordSettings>(settings).await?;
    let closed = home.close().await;
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(&file)
        .args(["-e", "trace=fsync,fdatasync"])
        .args(["-e", "inject=fsync,fdatasync:error=EIO"])
        .arg(std::env::current_exe()?);
    let mut other = closed.elsewhere(command, TEST)?;
    let said = other.says_one_of(&["told", "nothing"]).await?;
    println!("{said}");
    ensure!(said.starts_with("told"), "{said}");
    other.ends().await?;

    // The power went.
    std::fs::write(&file, "")?;
    let home = closed.open().await?;
    home.call(id, "echo", json!({ "text": "second" })).await?;
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(&file)?;
        let echoes = text.lines().filter(|line| line.contains("sample.echo"));
        if echoes.count() == 2 {
            break;
        }
        tick(began, &format!("both calls in the file: {text}")).await?;
    }
    Ok(())
}

/// A disk of eight megabytes, made full under the running app.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_no_call_goes_out_and_with_room_again_they_do() -> Result<()> {
    const TEST: &str = "disks::on_a_full_disk_no_call_goes_out_and_with_room_again_they_do";
    const SCRIPT: &str = "cp -a \"$1/.\" \"$2\" && mount -t tmpfs -o size=8m none \"$1\" \
        && cp -a \"$2/.\" \"$1\" && export CHIEF_TEST_DISK=\"$1\" && shift 2 && exec \"$@\"";
    if child::asked() {
        return fill().await;
    }
    let server =
        Scripted::serve(|seen| async move { mcp::answer(&seen, &Arc::default()).await }).await?;
    let home = Home::new().await?;
    home.connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let closed = home.close().await;
    let aside = tempfile::tempdir()?;
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "--", "sh", "-c", SCRIPT, "sh"])
        .args([closed.folder(), aside.path()])
        .arg(std::env::current_exe()?);
    let mut other = closed.elsewhere(command, TEST)?;
    let said = other.says("done").await?;
    other.ends().await?;
    println!("{said}");
    let arrived = server
        .seen_at("/mcp")
        .iter()
        .filter(|seen| seen.json()["method"] == "tools/call")
        .count();
    ensure!(
        said.starts_with(&format!("done: {arrived} answered")),
        "{arrived} calls went out; {said}"
    );
    Ok(())
}

/// In the other process: calls until one is refused, makes room, and calls once more.
async fn fill() -> Result<()> {
    let engine = child::engine(true).await?;
    let id = child::only(&engine).await?;
    let disk = PathBuf::from(std::env::var("CHIEF_TEST_DISK")?);
    let filler = disk.join("filler");
    let mut file = std::fs::File::create(&filler)?;
    for size in [64 << 10, 1 << 10, 1] {
        while file.write_all(&vec![0_u8; size]).is_ok() {}
    }
    let (mut answered, began) = (0, Instant::now());
    let refused = loop {
        match call(&engine, id, "greet", json!({})).await {
            Ok(_) => answered += 1,
            Err(error) => break error,
        }
        tick(began, "a call to be refused").await?;
    };
    ensure!(
        matches!(
            refused.code,
            wire::ErrorCode::StoreUnwritable | wire::ErrorCode::StoreFailed
        ),
        "{refused}"
    );
    for _ in 0..5 {
        ensure!(call(&engine, id, "greet", json!({})).await.is_err());
    }
    drop(file);
    std::fs::remove_file(&filler)?;
    while call(&engine, id, "greet", json!({})).await.is_err() {
        tick(began, "a call to go out again").await?;
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(disk.join("chief.db"), flags)?;
    let whole: String = connection.query_row("pragma integrity_check", [], |row| row.get(0))?;
    ensure!(whole == "ok", "{whole}");
    println!("done: {} answered, then {refused}", answered + 1);
    Ok(())
}
