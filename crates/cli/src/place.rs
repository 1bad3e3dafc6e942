//! Where the running app has its door.

use crate::say::Failure;
use std::{
    env,
    path::{Path, PathBuf},
};

/// The app's identifier: its folder's name on every system.
const APP: &str = "app.chief.integrations";

/// The app's data folder: as said, else by `CHIEF_DATA`, else where the system keeps such folders.
pub fn folder(said: Option<PathBuf>) -> Result<PathBuf, Failure> {
    said.or_else(|| env::var_os("CHIEF_DATA").map(PathBuf::from))
        .or_else(|| usual().map(|folder| folder.join(APP)))
        .ok_or(Failure::NoFolder)
}

#[cfg(all(unix, not(target_os = "macos")))]
fn usual() -> Option<PathBuf> {
    // The base directory specification: a relative path there is none.
    let set = env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    set.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/share")))
}

#[cfg(target_os = "macos")]
fn usual() -> Option<PathBuf> {
    Some(PathBuf::from(env::var_os("HOME")?).join("Library/Application Support"))
}

#[cfg(windows)]
fn usual() -> Option<PathBuf> {
    env::var_os("LOCALAPPDATA").map(PathBuf::from)
}

/// The socket; on Windows, the file that names the pipe.
pub fn door(folder: &Path) -> PathBuf {
    folder.join(wire::DOOR_FOLDER).join(wire::DOOR_FILE)
}
