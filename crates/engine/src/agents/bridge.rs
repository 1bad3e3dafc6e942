//! The `chief` command, as agents' configurations start it.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The variable that hands the token over: arguments can be read by every process of this computer.
pub(super) const VARIABLE: &str = "CHIEF_AGENT_TOKEN";
const NAME: &str = if cfg!(windows) { "chief.exe" } else { "chief" };

/// How long a client that can be told should wait for a tool, in seconds: an admin may be asked first, and
/// the tool takes its own time after.
pub(super) const PATIENCE_S: i64 = crate::calls::approval::MINUTES * 60 + 60;

/// How a client starts the command.
pub(super) struct Bridge {
    pub command: String,
    pub args: Vec<String>,
}

impl Bridge {
    /// For an app that keeps its data in `folder`. That is said in full, since some clients hand on no variable that
    /// tells where such folders are (codex-rs/rmcp-client: `DEFAULT_ENV_VARS`).
    pub fn new(command: String, folder: &Path) -> Self {
        let folder = folder.to_str();
        let data = folder.map(|folder| ["--data".to_owned(), folder.to_owned()]);
        let args = data.into_iter().flatten().chain(["mcp".to_owned()]);
        Self {
            command,
            args: args.collect(),
        }
    }

    /// By the command beside this app, as it is shipped; `None` where there is none.
    pub fn beside_this_app(folder: &Path) -> Option<Self> {
        let command = beside(&env::current_exe().ok()?)?;
        Some(Self::new(command.display().to_string(), folder))
    }

    /// By whatever is called so on the client's path: for somebody who reads it before it is used.
    pub fn by_name(folder: &Path) -> Self {
        Self::new(NAME.to_owned(), folder)
    }
}

/// Cargo lays test programs one folder further down.
fn beside(app: &Path) -> Option<PathBuf> {
    let folder = app.parent()?;
    let folder = folder
        .parent()
        .filter(|_| folder.ends_with("deps"))
        .unwrap_or(folder);
    let path = folder.join(NAME);
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_lies_beside_the_app_or_is_not_there() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let apps = [folder.path().join("app"), folder.path().join("deps/test-1")];
        assert!(apps.iter().all(|app| beside(app).is_none()));
        let command = folder.path().join(NAME);
        std::fs::write(&command, "")?;
        assert!(
            apps.iter()
                .all(|app| beside(app).as_ref() == Some(&command))
        );
        Ok(())
    }
}
