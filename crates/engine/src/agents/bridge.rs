//! The `chief` command, as agents' configurations start it.

use std::{env, path::PathBuf};

/// The variable that hands the token over: arguments can be read by every process of this computer.
pub(super) const VARIABLE: &str = "CHIEF_AGENT_TOKEN";
const NAME: &str = if cfg!(windows) { "chief.exe" } else { "chief" };

/// How long a client that can be told should wait for a tool, in seconds: an admin may be asked first, and
/// the tool takes its own time after.
pub(super) const PATIENCE_S: i64 = crate::calls::approval::MINUTES * 60 + 60;

/// Where it lies: beside the app, as it is shipped; else by PATH.
pub(super) fn command() -> String {
    beside().map_or_else(|| NAME.to_owned(), |path| path.display().to_string())
}

fn beside() -> Option<PathBuf> {
    let path = env::current_exe().ok()?.with_file_name(NAME);
    path.is_file().then_some(path)
}
