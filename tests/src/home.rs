//! A home folder of its own: the test runs once more in a process whose home it is, since the programs whose
//! configurations the app writes keep them there.

use anyhow::{Result, ensure};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// The variable that says that this is the inside.
const INSIDE: &str = "CHIEF_TEST_HOME";

/// The home folder, inside. Outside, runs `test` there and is its outcome.
///
/// # Errors
/// Where the test fails there.
pub fn inside(test: &str) -> Result<Option<PathBuf>> {
    if let Some(home) = std::env::var_os(INSIDE) {
        return Ok(Some(home.into()));
    }
    let home = tempfile::Builder::new().prefix("chief-home-").tempdir()?;
    let done = Command::new(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, home.path())
        .env("HOME", home.path())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("CODEX_HOME")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&done.stdout);
    print!("{said}");
    eprint!("{}", String::from_utf8_lossy(&done.stderr));
    ensure!(
        done.status.success() && said.contains("1 passed"),
        "in a home of its own it ended with {}",
        done.status
    );
    Ok(None)
}
