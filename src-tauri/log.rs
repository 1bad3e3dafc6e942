//! The log: one file a day in the log folder, fourteen kept.
//!
//! Secrets are kept out by what may write here: our own crates, whose secret types have no text
//! form, and warnings of others. Libraries that see requests do not get further than errors, and
//! no setting turns them up.

use std::{panic, path::Path};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

const WHO_MAY_WRITE: &str = "warn,chief_integrations=info,chief_engine=info,\
    reqwest=error,hyper=error,hyper_util=error,h2=error,rustls=error,rmcp=error,axum=error,\
    oauth2=error,zbus=error";
const DAYS_KEPT: usize = 14;

/// Writes there from now on. A folder that cannot be written costs the log, not the start.
pub fn open(folder: &Path) {
    let mut maker = std::fs::DirBuilder::new();
    // For this person only; on Linux the data folder is above it.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    let _ = maker.recursive(true).create(folder);
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("chief")
        .filename_suffix("log")
        .max_log_files(DAYS_KEPT)
        .build(folder);
    // Straight to the file, so that the last lines before a crash are there.
    if let Ok(file) = file {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(WHO_MAY_WRITE))
            .with_ansi(false)
            .with_writer(file)
            .try_init();
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // Where, not what: a library's message may quote what it worked on.
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, "a part of the app stopped");
        if cfg!(debug_assertions) {
            before(panic);
        }
    }));
}
