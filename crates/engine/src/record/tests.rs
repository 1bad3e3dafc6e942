use super::*;
use crate::{notices::tests::Home, store::calls::tests::call};
use anyhow::{Context, Result};
use wire::{ActivityFilter, ExportForm, ExportState, StartExport};

/// Adds calls in one commit; the title of the last is `last`.
async fn add(home: &Home, count: i64, last: &str) -> Result<()> {
    let (now, last) = (home.engine.now(), last.to_owned());
    let added = home.engine.store().write(Durability::Normal, move |tx| {
        for n in 1..=count {
            let title = if n == count { &last } else { "Ordinary" };
            let call = store::calls::CallRow {
                because: Because::task(title, None),
                ..call(n.unsigned_abs().into(), now.plus(n).0, None)
            };
            store::calls::begin(tx, &call, None)?;
        }
        Ok(())
    });
    Ok(added.await?)
}

fn words(text: &str) -> Filter {
    Filter {
        limit: 50,
        only: ActivityFilter {
            text: Some(text.to_owned()),
            ..ActivityFilter::default()
        },
        ..Filter::default()
    }
}

#[tokio::test]
async fn a_search_says_where_rows_are_not_read_in_yet_and_who_looks_is_told_once_they_are()
-> Result<()> {
    let home = Home::new().await?;
    add(&home, 3_000, "Zebulon asks").await?;
    let behind = page_after(&home.engine, words("zebulon"), 2).await?;
    assert!(behind.rows.is_empty() && behind.behind, "{behind:?}");
    let before = home.desk.changes().len();
    let told = async {
        loop {
            let told = home.desk.changes().split_off(before);
            if told.iter().any(|each| each.topics == [Topic::Activity]) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await?;
    let page = page_after(&home.engine, words("zebulon"), 1).await?;
    assert_eq!((page.rows.len(), page.behind), (1, false));
    Ok(())
}

/// A day of calls of which so many are always under way, and one that stays so all day. The intent of another,
/// which gets no outcome.
async fn busy(home: &Home, count: u128, under_way: usize) -> Result<(i64, Time)> {
    let now = home.engine.now();
    let added = home.engine.store().write(Durability::Normal, move |tx| {
        let begin = |n| Ok((store::calls::begin(tx, &call(n, now.0, None), None)?, now));
        let finish = |intent| {
            store::calls::finish(tx, &store::calls::tests::ended(intent, wire::Outcome::Ok))
        };
        let (long, never) = (begin(1)?, begin(2)?);
        let mut open = std::collections::VecDeque::new();
        for n in 3..count {
            open.push_back(begin(n)?);
            if open.len() > under_way
                && let Some(oldest) = open.pop_front()
            {
                finish(oldest)?;
            }
        }
        open.into_iter().try_for_each(finish)?;
        finish(long)?;
        Ok(never)
    });
    Ok(added.await?)
}

async fn keep(home: &Home, days: u32) -> Result<()> {
    let settings = wire::RecordSettings {
        keep_days: Some(days),
        ..wire::RecordSettings::default()
    };
    Ok(settings::save(&home.engine, settings).await?)
}

async fn number(home: &Home, sql: &'static str) -> Result<i64> {
    let read = home.engine.store().read(move |conn| {
        conn.query_row(sql, [], |row| row.get(0))
            .map_err(store::failed)
    });
    Ok(read.await?)
}

#[tokio::test]
async fn old_rows_go_though_some_call_was_always_under_way() -> Result<()> {
    for (count, under_way) in [(2_100, 0), (5_000, 12)] {
        let home = Home::new().await?;
        home.engine.vault().ready().await?;
        let never = busy(&home, count, under_way).await?;
        keep(&home, 90).await?;
        home.clock.advance(100 * DAY_MS);
        retire(&home.engine, home.engine.now()).await?;
        let old = "select count(*) from calls where action = 'orders.call'";
        assert_eq!(number(&home, old).await?, 0, "{under_way} under way");
        let proof = verify(&home.engine).await?;
        assert_eq!(proof.state, RecordState::Intact);
        assert_eq!(settings::view(&home.engine).await?.overdue, None);
        // What ends after all has no call any more.
        let ended = store::calls::tests::ended(never, wire::Outcome::Ok);
        let late = home.engine.store().write(Durability::Normal, move |tx| {
            store::calls::finish(tx, &ended)
        });
        late.await?;
        home.engine.store().settle().await;
        assert_eq!(verify(&home.engine).await?.state, RecordState::Intact);
    }
    Ok(())
}

#[tokio::test]
async fn a_collectors_file_whose_disk_is_gone_keeps_no_other_setting_from_being_saved() -> Result<()>
{
    let home = Home::new().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rows.jsonl");
    let settings = wire::RecordSettings {
        tail_file: Some(file.to_str().context("a path")?.to_owned()),
        ..wire::RecordSettings::default()
    };
    settings::save(&home.engine, settings.clone()).await?;
    folder.close()?;
    let strict = wire::RecordSettings {
        strict: true,
        ..settings
    };
    settings::save(&home.engine, strict.clone()).await?;
    assert_eq!(settings::get(&home.engine).await?, strict);
    let other = wire::RecordSettings {
        tail_file: Some(
            file.with_extension("2")
                .to_str()
                .context("a path")?
                .to_owned(),
        ),
        ..strict
    };
    assert!(settings::save(&home.engine, other).await.is_err());
    Ok(())
}

#[tokio::test]
async fn that_rows_stay_for_want_of_a_key_is_told() -> Result<()> {
    let home = Home::new().await?;
    add(&home, 3, "Old").await?;
    keep(&home, 90).await?;
    home.clock.advance(100 * DAY_MS);
    for _ in 0..2 {
        retire(&home.engine, home.engine.now()).await?;
        let view = settings::view(&home.engine).await?;
        assert_eq!(view.overdue, Some(Overdue::NoKey));
    }
    let old = "select count(*) from calls where action = 'orders.call'";
    assert_eq!(number(&home, old).await?, 3);
    let notes = "select count(*) from calls where action like '%kept for longer%no key%'";
    assert_eq!(number(&home, notes).await?, 1);
    home.engine.vault().ready().await?;
    retire(&home.engine, home.engine.now()).await?;
    assert_eq!(number(&home, old).await?, 0);
    assert_eq!(settings::view(&home.engine).await?.overdue, None);
    Ok(())
}

#[tokio::test]
async fn an_export_by_words_waits_until_all_rows_are_read_in() -> Result<()> {
    let home = Home::new().await?;
    let folder = tempfile::tempdir()?;
    add(&home, 15_000, "Zebulon asks").await?;
    let ask = StartExport {
        form: ExportForm::Jsonl,
        folder: Some(folder.path().to_str().context("a path")?.to_owned()),
        integration: None,
        pings: false,
        filter: words("zebulon").only,
        bodies: false,
    };
    let id = export::start(&home.engine, ask).await?.id;
    let over = async {
        loop {
            let view = export::get(&home.engine, id)?;
            if view.state != ExportState::Running {
                return Ok::<_, Error>(view);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let view = tokio::time::timeout(Duration::from_secs(60), over).await??;
    assert_eq!((view.state, view.rows), (ExportState::Done, 1));
    Ok(())
}

#[tokio::test]
async fn rows_that_go_before_the_collectors_file_got_them_are_told() -> Result<()> {
    const LOST: &str = "select coalesce(max(at), 0) from calls where action = 'rows of the record were removed \
        before the file for a collector got them'";
    let home = Home::new().await?;
    let engine = &home.engine;
    engine.vault().ready().await?;
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("share");
    std::fs::create_dir(&place)?;
    let file = place.join("rows.jsonl");
    let settings = wire::RecordSettings {
        tail_file: Some(file.to_str().context("a path")?.to_owned()),
        keep_days: Some(7),
        ..wire::RecordSettings::default()
    };
    settings::save(engine, settings).await?;
    std::fs::remove_dir(&place)?;
    engine.note("of the lost week", &Because::Health).await?;
    let is_in_trouble = async |wanted: bool| {
        let began = std::time::Instant::now();
        while engine.manner().tail_trouble().is_some() != wanted {
            anyhow::ensure!(
                began.elapsed() < Duration::from_secs(20),
                "in trouble: {}",
                !wanted
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    };
    is_in_trouble(true).await?;
    // The last of a segment stays until something stands behind it.
    for _ in 0..2 {
        home.clock.advance(9 * DAY_MS);
        retire(engine, engine.now()).await?;
    }
    assert!(number(&home, LOST).await? > 0);
    std::fs::create_dir(&place)?;
    engine.note("it is back", &Because::Health).await?;
    is_in_trouble(false).await?;
    let began = std::time::Instant::now();
    let lines = loop {
        let lines = std::fs::read_to_string(&file)?;
        if lines.contains("is written again") {
            break lines;
        }
        anyhow::ensure!(began.elapsed() < Duration::from_secs(20), "{lines}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(lines.contains("were removed before the file"), "{lines}");
    assert!(!lines.contains("of the lost week"), "{lines}");
    let got = "select json_extract(value, '$.seq') from settings where key = 'record_tail'";
    let began = std::time::Instant::now();
    while number(&home, got).await? < number(&home, "select max(seq) from outcomes").await? {
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(20),
            "all is in the file"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told = number(&home, LOST).await?;
    home.clock.advance(9 * DAY_MS);
    retire(engine, engine.now()).await?;
    assert!(number(&home, LOST).await? <= told, "the file has the rest");
    Ok(())
}
