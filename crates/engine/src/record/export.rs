//! Export: what a filter finds, newest first, as a file of CSV or of JSON lines.
//!
//! The file is there under its name only once it is whole. Runs live in memory: one that the app did not
//! live to finish leaves a `.partial` file and nothing else.

mod out;

use crate::{
    Engine,
    store::{self, bodies::Body, calls::Filter},
};
use out::{Begun, Out};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;
use wire::{
    Because, CallId, Error, ErrorCode, ExportForm, ExportId, ExportState, ExportView, Outcome,
    RowView, StartExport, Time, Topic,
};

/// Rows of one look at the record.
const PAGE: u32 = 500;
/// Pages between two tellings of how far it is.
const TELL_EACH: u64 = 8;
/// Bytes that are written at a time, about.
const PIECE: usize = 1 << 20;
/// Exports that are remembered.
const KEPT: usize = 8;

/// The exports of this run.
#[derive(Default)]
pub(crate) struct Exports(Mutex<BTreeMap<ExportId, (ExportView, CancellationToken)>>);

impl Exports {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ExportId, (ExportView, CancellationToken)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, id: ExportId, change: impl FnOnce(&mut ExportView)) {
        if let Some((view, _)) = self.lock().get_mut(&id) {
            change(view);
        }
    }
}

/// How far an export is.
pub(crate) fn get(engine: &Engine, id: ExportId) -> Result<ExportView, Error> {
    let exports = engine.exports().lock();
    let found = exports.get(&id).map(|(view, _)| view.clone());
    found.ok_or_else(|| Error::new(ErrorCode::ExportUnknown))
}

/// Stops it; its file goes. No error where it is over.
pub(crate) fn cancel(engine: &Engine, id: ExportId) {
    if let Some((_, cancel)) = engine.exports().lock().get(&id) {
        cancel.cancel();
    }
}

/// Begins to write what `ask` finds.
pub(crate) async fn start(engine: &Engine, ask: StartExport) -> Result<ExportView, Error> {
    let folder = ask.folder.as_ref().map(PathBuf::from);
    if folder.as_ref().is_some_and(|folder| !folder.is_absolute()) {
        return Err(no_folder());
    }
    let (name, own) = (
        name(engine.now(), ask.form),
        engine.store().folder().to_owned(),
    );
    let begin = move || out::begin(&folder.unwrap_or_else(|| downloads(own)), &name);
    start_by(engine, ask, begin).await
}

async fn start_by(
    engine: &Engine,
    ask: StartExport,
    begin: impl FnOnce() -> Result<Begun, Error> + Send + 'static,
) -> Result<ExportView, Error> {
    let out = Out::open(begin).await?;
    let id = ExportId(uuid::Uuid::now_v7());
    let view = ExportView {
        id,
        rows: 0,
        file: out.path.display().to_string(),
        state: ExportState::Running,
    };
    let cancel = engine.stopping().child_token();
    {
        let mut exports = engine.exports().lock();
        while exports.len() >= KEPT {
            if let Some((_, (_, oldest))) = exports.pop_first() {
                oldest.cancel();
            }
        }
        exports.insert(id, (view.clone(), cancel.clone()));
    }
    let engine = engine.clone();
    tokio::spawn(async move {
        let mut out = out;
        let writing = write(&engine, (id, ask), &mut out);
        let state = match cancel.run_until_cancelled(writing).await {
            Some(Ok(())) => ExportState::Done,
            Some(Err(error)) => ExportState::Failed { error },
            None if out.give_up().await => ExportState::Done,
            None => ExportState::Cancelled,
        };
        engine.exports().change(id, |view| view.state = state);
        engine.store().announce([Topic::Exports]);
    });
    Ok(view)
}

fn no_folder() -> Error {
    Error::new(ErrorCode::FieldInvalid)
        .with("field", "Folder")
        .with("why", "give the whole path of a folder that exists")
}

/// It would leave rows out.
fn too_many(beginning: &str) -> Error {
    let why =
        format!("more words begin with “{beginning}” than are looked for at once: type more of it");
    Error::new(ErrorCode::FieldInvalid)
        .with("field", "Search")
        .with("why", why)
}

/// Writes page after page.
async fn write(
    engine: &Engine,
    (id, ask): (ExportId, StartExport),
    out: &mut Out,
) -> Result<(), Error> {
    if ask.form == ExportForm::Csv {
        let bodies = ["arguments", "result"].into_iter().filter(|_| ask.bodies);
        let head: Vec<String> = HEAD.into_iter().chain(bodies).map(str::to_owned).collect();
        out.write(csv_line(&head)).await?;
    }
    // What is read in while pages are written would be newer than all that follow.
    if ask.filter.text.is_some() {
        while !super::index(engine.store(), super::IN_A_ROW).await? {}
    }
    let mut filter = Filter {
        integration: ask.integration,
        before: None,
        limit: PAGE,
        pings: ask.pings,
        only: ask.filter,
    };
    for n in 1_u64.. {
        let mut lines = String::new();
        let page = super::page(engine, filter.clone()).await?;
        if let Some(beginning) = page.cut {
            return Err(too_many(&beginning));
        }
        let mut bodies = match ask.bodies {
            true => said(engine, &page.rows).await?,
            false => BTreeMap::new(),
        };
        for row in &page.rows {
            let body = ask
                .bodies
                .then(|| bodies.remove(&row.id).unwrap_or_default());
            let line = match ask.form {
                ExportForm::Csv => {
                    let body = body.into_iter().flat_map(|body| [body.sent, body.got]);
                    let body = body.map(Option::unwrap_or_default);
                    csv_line(&cells(row).into_iter().chain(body).collect::<Vec<_>>())
                }
                ExportForm::Jsonl => match body.filter(|body| *body != Body::default()) {
                    Some(body) => json_line(&With {
                        row,
                        sent: body.sent,
                        got: body.got,
                    })?,
                    None => json_line(row)?,
                },
            };
            lines += &line;
            if lines.len() > PIECE {
                out.write(std::mem::take(&mut lines)).await?;
            }
        }
        out.write(lines).await?;
        let more = page.rows.len() as u64;
        engine.exports().change(id, |view| view.rows += more);
        if n % TELL_EACH == 0 {
            engine.store().announce([Topic::Exports]);
        }
        filter.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    out.finish().await
}

/// A file outside of the data folder could not be written.
pub(super) fn unwritable(error: &std::io::Error) -> Error {
    Error::new(ErrorCode::FileUnwritable).with("why", error.kind().to_string())
}

/// A row and what its call said.
#[derive(serde::Serialize)]
struct With<'a> {
    #[serde(flatten)]
    row: &'a RowView,
    sent: Option<String>,
    got: Option<String>,
}

/// What these calls said, where that is kept.
async fn said(engine: &Engine, rows: &[RowView]) -> Result<BTreeMap<uuid::Uuid, Body>, Error> {
    let (now, calls) = (engine.now(), rows.iter().map(|row| row.id));
    let calls: Vec<uuid::Uuid> = calls.collect();
    engine
        .store()
        .read(move |conn| {
            let mut found = BTreeMap::new();
            for id in calls {
                if let Some(kept) = store::bodies::of(conn, CallId(id), now)? {
                    let (sent, got) = (kept.sent, kept.got);
                    found.insert(id, Body { sent, got });
                }
            }
            Ok(found)
        })
        .await
}

/// One row as a line of JSON, as the window gets it.
pub(super) fn json_line(row: &impl serde::Serialize) -> Result<String, Error> {
    let mut line = serde_json::to_string(row).map_err(|_| {
        Error::new(ErrorCode::Internal).with("why", "a row cannot be written as JSON")
    })?;
    line.push('\n');
    Ok(line)
}

const HEAD: [&str; 13] = [
    "time",
    "integration",
    "kind",
    "action",
    "status",
    "took_ms",
    "because",
    "agent",
    "task",
    "thread",
    "error",
    "detail",
    "id",
];

fn cells(row: &RowView) -> [String; 13] {
    let (mut agent, mut task, mut thread) = (String::new(), String::new(), String::new());
    let because = match &row.because {
        Because::Admin { name } | Because::Cron { name, .. } => name.clone(),
        Because::Health => "health".to_owned(),
        Because::Connecting => "connecting".to_owned(),
        Because::Outside => "outside".to_owned(),
        Because::Notice => "notice".to_owned(),
        Because::Task {
            title,
            url,
            agent: by,
            task: of,
        } => {
            agent = by.as_ref().map(|by| by.name.clone()).unwrap_or_default();
            task = of.clone().unwrap_or_default();
            thread = url.clone().unwrap_or_default();
            title.clone()
        }
    };
    [
        iso(row.at),
        row.integration_name.clone(),
        word(&row.kind),
        row.action.clone(),
        word::<Outcome>(&row.outcome),
        row.took_ms.map(|took| took.to_string()).unwrap_or_default(),
        because,
        agent,
        task,
        thread,
        row.error.as_ref().map(words::error).unwrap_or_default(),
        row.detail.clone(),
        row.id.to_string(),
    ]
}

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// A line of RFC 4180. A cell that a spreadsheet would run as a formula begins with an apostrophe.
fn csv_line(cells: &[String]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| {
            let guard = match cell.chars().next() {
                Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n') => "'",
                Some(_) | None => "",
            };
            format!("\"{guard}{}\"", cell.replace('"', "\"\""))
        })
        .collect();
    format!("{}\r\n", cells.join(","))
}

fn iso(at: Time) -> String {
    chrono::DateTime::from_timestamp_millis(at.0).map_or_else(
        || at.0.to_string(),
        |at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
    )
}

fn name(now: Time, form: ExportForm) -> String {
    let ending = match form {
        ExportForm::Csv => "csv",
        ExportForm::Jsonl => "jsonl",
    };
    let when = iso(now).replace([':', '.'], "-");
    format!("chief-activity-{when}.{ending}")
}

/// The user's own folder for such files, else the app's `own`. Blocks.
fn downloads(own: PathBuf) -> PathBuf {
    std::env::home_dir()
        .map(|home| home.join("Downloads"))
        .filter(|folder| Path::is_dir(folder))
        .unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_its_line() {
        let line = csv_line(&[
            "=HYPERLINK(\"http://evil\")".to_owned(),
            "@SUM(A1)".to_owned(),
            "-1+1".to_owned(),
            "two\nlines, \"quoted\"".to_owned(),
            "plain".to_owned(),
        ]);
        assert_eq!(
            line,
            "\"'=HYPERLINK(\"\"http://evil\"\")\",\"'@SUM(A1)\",\"'-1+1\",\
             \"two\nlines, \"\"quoted\"\"\",\"plain\"\r\n"
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_disk_that_does_not_answer_holds_up_nobody_and_cancel_ends_it() -> anyhow::Result<()>
    {
        let home = crate::notices::tests::Home::new().await?;
        for _ in 0..100 {
            home.engine
                .note(&"x".repeat(1_500), &Because::Health)
                .await?;
        }
        let folder = tempfile::tempdir()?;
        // A pipe that nobody reads takes 64 KiB.
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status()?;
        anyhow::ensure!(made.success());
        let begin = move || {
            let mut options = std::fs::File::options();
            let file = options.read(true).write(true).open(&pipe);
            Ok(Begun {
                file: file.map_err(|error| unwritable(&error))?,
                path: pipe.with_extension("csv"),
                partial: pipe,
            })
        };
        let ask = StartExport {
            form: ExportForm::Jsonl,
            folder: None,
            integration: None,
            pings: false,
            filter: wire::ActivityFilter::default(),
            bodies: false,
        };
        let id = start_by(&home.engine, ask, begin).await?.id;
        // The one thread of this runtime goes on.
        while get(&home.engine, id)?.rows == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert_eq!(get(&home.engine, id)?.state, ExportState::Running);
        cancel(&home.engine, id);
        let over = async {
            while get(&home.engine, id)?.state == ExportState::Running {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            get(&home.engine, id)
        };
        let over = tokio::time::timeout(std::time::Duration::from_secs(20), over).await??;
        assert_eq!(over.state, ExportState::Cancelled);
        Ok(())
    }

    #[test]
    fn a_file_is_named_by_its_moment() {
        assert_eq!(
            name(Time(1_800_000_000_123), ExportForm::Csv),
            "chief-activity-2027-01-15T08-00-00-123Z.csv"
        );
    }
}
