//! Export: what a filter finds, newest first, as a file of CSV or of JSON lines.
//!
//! The file is there under its name only once it is whole. Runs live in memory: one that the app did not
//! live to finish leaves a `.partial` file and nothing else.

use crate::{
    Engine,
    store::{self, bodies::Body, calls::Filter},
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write as _},
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
    let folder = match &ask.folder {
        Some(folder) => PathBuf::from(folder),
        None => downloads(engine),
    };
    if !folder.is_absolute() || !folder.is_dir() {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Folder")
            .with("why", "give the whole path of a folder that exists"));
    }
    let id = ExportId(uuid::Uuid::now_v7());
    let file = folder.join(name(engine.now(), ask.form));
    let partial = file.with_extension("partial");
    let mut options = File::options();
    options.create_new(true).write(true);
    // It may hold what calls said.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let out = options.open(&partial).map_err(|error| unwritable(&error))?;
    let view = ExportView {
        id,
        rows: 0,
        file: file.display().to_string(),
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
        let written = write(&engine, (id, ask), BufWriter::new(out), &cancel).await;
        let state = match written {
            Ok(true) => match crate::store::backup::replace(&partial, &file) {
                Ok(()) => ExportState::Done,
                Err(error) => ExportState::Failed { error },
            },
            Ok(false) => ExportState::Cancelled,
            Err(error) => ExportState::Failed { error },
        };
        if !matches!(state, ExportState::Done) {
            // What is half is worth nothing.
            let _ = std::fs::remove_file(&partial);
        }
        engine.exports().change(id, |view| view.state = state);
        engine.store().announce([Topic::Exports]);
    });
    Ok(view)
}

/// Writes page after page. False where it was stopped.
async fn write(
    engine: &Engine,
    (id, ask): (ExportId, StartExport),
    mut out: BufWriter<File>,
    cancel: &CancellationToken,
) -> Result<bool, Error> {
    let io = |error: std::io::Error| unwritable(&error);
    if ask.form == ExportForm::Csv {
        let bodies = ["arguments", "result"].into_iter().filter(|_| ask.bodies);
        let head: Vec<String> = HEAD.into_iter().chain(bodies).map(str::to_owned).collect();
        out.write_all(csv_line(&head).as_bytes()).map_err(io)?;
    }
    // What is read in while pages are written would be newer than all that follow.
    if ask.filter.text.is_some() {
        while !super::index(engine.store(), super::IN_A_ROW).await? {
            if cancel.is_cancelled() {
                return Ok(false);
            }
        }
    }
    let mut filter = Filter {
        integration: ask.integration,
        before: None,
        limit: PAGE,
        pings: ask.pings,
        only: ask.filter,
    };
    for n in 1_u64.. {
        if cancel.is_cancelled() {
            return Ok(false);
        }
        let page = super::page(engine, filter.clone()).await?;
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
            out.write_all(line.as_bytes()).map_err(io)?;
        }
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
    let file = out.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().map_err(io)?;
    Ok(true)
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

/// The user's own folder for such files, else the app's.
fn downloads(engine: &Engine) -> PathBuf {
    std::env::home_dir()
        .map(|home| home.join("Downloads"))
        .filter(|folder| Path::is_dir(folder))
        .unwrap_or_else(|| engine.store().folder().to_owned())
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

    #[test]
    fn a_file_is_named_by_its_moment() {
        assert_eq!(
            name(Time(1_800_000_000_123), ExportForm::Csv),
            "chief-activity-2027-01-15T08-00-00-123Z.csv"
        );
    }
}
