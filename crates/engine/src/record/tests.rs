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
