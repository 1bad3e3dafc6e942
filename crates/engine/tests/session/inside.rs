//! A session of its own for each test.

use anyhow::{Context, Result, bail, ensure};
use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

/// Set inside the session.
const INSIDE: &str = "CHIEF_TEST_INSIDE";

/// Runs `body` in a session bus of its own: outside of it the test starts itself again under
/// `dbus-run-session`. `config`: the bus's configuration, a file beside the tests; `None`: the
/// system's own, which can start services.
pub fn inside(test: &str, config: Option<&str>, body: impl FnOnce() -> Result<()>) -> Result<()> {
    if env::var(INSIDE).as_deref() == Ok(test) {
        return body();
    }
    let mut session = Command::new("dbus-run-session");
    if let Some(config) = config {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keyring");
        let file = folder.join(config);
        ensure!(file.is_file(), "{} is missing", file.display());
        session.arg("--config-file").arg(file);
    }
    session.arg("--").arg(env::current_exe()?);
    again(session, test)
}

/// Runs `body` where no session bus can be found.
pub fn without_a_bus(test: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
    if env::var(INSIDE).as_deref() == Ok(test) {
        return body();
    }
    again(Command::new(env::current_exe()?), test)
}

fn again(mut command: Command, test: &str) -> Result<()> {
    let home = tempfile::tempdir()?;
    let runtime = home.path().join("run");
    fs::create_dir(&runtime)?;
    fs::set_permissions(
        &runtime,
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )?;
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    for name in [
        "DBUS_SESSION_BUS_ADDRESS",
        "DBUS_STARTER_ADDRESS",
        "GNOME_KEYRING_CONTROL",
        "DISPLAY",
        "WAYLAND_DISPLAY",
    ] {
        command.env_remove(name);
    }
    let output = command
        .args(["--exact", test, "--nocapture"])
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", &runtime)
        .env(INSIDE, test)
        .stdin(Stdio::null())
        .output()
        .with_context(|| {
            format!(
                "{} cannot be started: is it installed?",
                command.get_program().display()
            )
        })?;
    let said = String::from_utf8_lossy(&output.stdout);
    // A name that matches no test would pass with nothing done.
    if output.status.success() && said.contains("1 passed") {
        return Ok(());
    }
    bail!(
        "inside the session:\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    )
}
