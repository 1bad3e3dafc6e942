//! The file for a company's own collector: each row that ends, once, from the moment it is named; what
//! cannot be written is said, and made up for.

use crate::kit::{Home, targets, tick};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Command,
    sync::mpsc,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use wire::{Because, ErrorCode, IntegrationId, RecordSettingsView, RowView};

/// The sample, an empty folder, and a file in it that is not named yet.
async fn home() -> Result<(Home, IntegrationId, tempfile::TempDir)> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    call(&home, id, 2).await?;
    Ok((home, id, tempfile::tempdir()?))
}

async fn call(home: &Home, id: IntegrationId, count: usize) -> Result<()> {
    for _ in 0..count {
        let (because, cancel) = (Because::task("#ops", None), CancellationToken::new());
        let text = json!({ "text": "hunter2-in-arguments" });
        engine::calls::call(&home.engine, id, "echo", text, because, cancel).await?;
    }
    Ok(())
}

async fn name(home: &Home, file: Option<&Path>) -> Result<(), wire::Error> {
    home.ask::<wire::SaveRecordSettings>(json!({ "settings": { "tail_file": file } }))
        .await
}

/// The actions of the lines, once there are so many. A line that is no row of JSON is left out.
async fn lines(file: &Path, count: usize) -> Result<Vec<String>> {
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        let rows: Vec<RowView> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        if rows.len() >= count {
            let mut ids: Vec<_> = rows.iter().map(|row| row.id).collect();
            ids.sort();
            ids.dedup();
            ensure!(ids.len() == rows.len(), "each once: {text}");
            ensure!(!text.contains("hunter2"), "{text}");
            return Ok(rows.into_iter().map(|row| row.action).collect());
        }
        tick(
            began,
            &format!("{count} lines in the file, which says:\n{text}"),
        )
        .await?;
    }
}

async fn trouble(home: &Home, is_there: bool) -> Result<RecordSettingsView> {
    let began = Instant::now();
    loop {
        let view = home.ask::<wire::GetRecordSettings>(json!({})).await?;
        if view.tail_trouble.is_some() == is_there {
            return Ok(view);
        }
        tick(began, "the trouble to be told, or to be over").await?;
    }
}

#[tokio::test]
async fn the_first_row_after_the_file_was_named_is_in_it_and_none_of_before() -> Result<()> {
    let (home, id, folder) = home().await?;
    let refused = name(&home, Some(Path::new("chief.jsonl"))).await;
    let code = refused.err().map(|error| error.code);
    assert_eq!(
        code,
        Some(ErrorCode::FieldInvalid),
        "a path that is not whole"
    );
    let file = folder.path().join("chief.jsonl");
    name(&home, Some(&file)).await?;
    call(&home, id, 1).await?;
    assert_eq!(lines(&file, 1).await?, ["sample.echo"]);
    call(&home, id, 3).await?;
    assert_eq!(lines(&file, 4).await?, ["sample.echo"; 4]);
    // The other settings leave it where it is.
    let settings = json!({ "settings": { "tail_file": file, "keep_days": 90 } });
    home.ask::<wire::SaveRecordSettings>(settings).await?;
    call(&home, id, 1).await?;
    assert_eq!(lines(&file, 5).await?.len(), 5);
    Ok(())
}

#[tokio::test]
async fn what_ends_while_the_file_is_switched_off_is_not_in_it() -> Result<()> {
    let (home, id, folder) = home().await?;
    let file = folder.path().join("chief.jsonl");
    name(&home, Some(&file)).await?;
    call(&home, id, 1).await?;
    lines(&file, 1).await?;
    name(&home, None).await?;
    call(&home, id, 2).await?;
    name(&home, Some(&file)).await?;
    let gone = home.call(id, "nothing", json!({})).await;
    assert!(gone.is_err());
    assert_eq!(lines(&file, 2).await?, ["sample.echo", "sample.nothing"]);
    // A restart is no switch.
    let home = home.restart().await?;
    call(&home, id, 1).await?;
    let all = lines(&file, 3).await?;
    assert!(all.ends_with(&["sample.echo".to_owned()]), "{all:?}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_said_once_and_made_up_for() -> Result<()> {
    let (home, id, folder) = home().await?;
    let place = folder.path().join("logs");
    fs::create_dir(&place)?;
    let file = place.join("chief.jsonl");
    name(&home, Some(&file)).await?;
    call(&home, id, 1).await?;
    lines(&file, 1).await?;
    assert_eq!(
        trouble(&home, false).await?.settings.tail_file.as_deref(),
        file.to_str()
    );

    fs::remove_dir_all(&place)?;
    call(&home, id, 1).await?;
    let told = trouble(&home, true)
        .await?
        .tail_trouble
        .context("trouble")?;
    assert_eq!(told.error.code, ErrorCode::FileUnwritable);
    call(&home, id, 2).await?;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let again = trouble(&home, true)
        .await?
        .tail_trouble
        .context("trouble")?;
    assert_eq!(again, told, "since the first time");
    let rows = home.record().await?;
    let said = |what: &str| rows.iter().filter(|row| row.action.contains(what)).count();
    assert_eq!(
        said("file for a collector cannot be written"),
        1,
        "one row tells it"
    );

    fs::create_dir(&place)?;
    call(&home, id, 1).await?;
    let all = lines(&file, 6).await?;
    let calls = all.iter().filter(|action| *action == "sample.echo").count();
    assert_eq!(calls, 4, "what was due is there: {all:?}");
    trouble(&home, false).await?;
    Ok(())
}

#[tokio::test]
async fn a_line_that_was_cut_short_costs_no_row_after_it() -> Result<()> {
    let (home, id, folder) = home().await?;
    let file = folder.path().join("chief.jsonl");
    // As a full disk or a kill leaves it.
    fs::write(&file, "{\"id\":\"0190")?;
    name(&home, Some(&file)).await?;
    call(&home, id, 2).await?;
    assert_eq!(lines(&file, 2).await?, ["sample.echo"; 2]);
    let text = fs::read_to_string(&file)?;
    assert_eq!(text.lines().count(), 3, "{text}");
    Ok(())
}

#[tokio::test]
async fn a_pipe_that_nobody_reads_is_said_and_holds_nothing_else_up() -> Result<()> {
    let (home, id, folder) = home().await?;
    let pipe = folder.path().join("pipe");
    ensure!(Command::new("mkfifo").arg(&pipe).status()?.success());
    // While nobody has it open, it forgets what was written.
    let reader = fs::File::options().read(true).write(true).open(&pipe)?;
    name(&home, Some(&pipe)).await?;
    // More than it holds.
    call(&home, id, 300).await?;
    let told = trouble(&home, true)
        .await?
        .tail_trouble
        .context("trouble")?;
    assert_eq!(told.error.args["why"], "it does not answer");

    call(&home, id, 1).await?;
    let database = rusqlite::Connection::open(home.folder().join("chief.db"))?;
    let left = || {
        let sql = "select (select max(seq) from outcomes) - seq from text_indexed";
        database.query_row(sql, [], |row| row.get::<_, i64>(0))
    };
    let began = Instant::now();
    while left()? > 0 {
        tick(began, "the words of the rows to be read in").await?;
    }

    // Somebody reads, and never sees an end.
    let (said, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if let Ok(row) = serde_json::from_str::<RowView>(&line) {
                let _ = said.send((row.action, row.id));
            }
        }
    });
    let (began, mut calls) = (Instant::now(), BTreeSet::new());
    while calls.len() < 301 {
        tick(began, "each row to be read").await?;
        let came = lines.try_iter();
        calls.extend(came.filter(|(action, _)| action == "sample.echo"));
        // It is tried again with the next rows.
        let gone = home.call(id, "nothing", json!({})).await;
        assert!(gone.is_err());
    }
    trouble(&home, false).await?;
    Ok(())
}
