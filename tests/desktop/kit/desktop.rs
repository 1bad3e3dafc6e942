//! A desktop for one test: screen, session bus, window manager, keyring, notifications and a HOME of
//! its own, by `xtask desktop`. It ends with the test.

use super::PATIENCE;
use anyhow::{Context, Result, bail, ensure};
use futures::FutureExt as _;
use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdin, Command},
};

/// What answers for the keyring.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keyring {
    /// gnome-keyring, unlocked.
    Unlocked,
    /// No Secret Service, and none that the bus could start.
    None,
}

/// The password of the desktop's keyring (see `xtask desktop`).
pub const KEYRING_PASSWORD: &str = "chief";

/// A running desktop.
pub struct Desktop {
    xtask: Child,
    /// Open as long as the desktop is wanted.
    wanted: Option<ChildStdin>,
    variables: Vec<(OsString, OsString)>,
    /// HOME, thrown away with the desktop.
    pub home: PathBuf,
    app: PathBuf,
}

/// Runs a journey in a desktop of its own. When it fails, target/desktop/NAME.failed.png shows the
/// whole screen.
///
/// # Errors
/// The journey's own, or where the desktop could not start.
pub async fn on(
    keyring: Keyring,
    name: &str,
    journey: impl AsyncFnOnce(&Desktop) -> Result<()>,
) -> Result<()> {
    let mut desktop = Desktop::start(keyring).await?;
    let ended = AssertUnwindSafe(async {
        let outcome = journey(&desktop).await;
        if outcome.is_err() {
            desktop.picture(&format!("{name}.failed")).await?;
        }
        outcome
    })
    .catch_unwind()
    .await;
    if ended.is_err() {
        // Its own trouble must not hide the assertion.
        let _ = desktop.picture(&format!("{name}.failed")).await;
    }
    let over = desktop.end().await;
    match ended {
        Ok(outcome) => outcome.and(over),
        Err(panic) => resume_unwind(panic),
    }
}

impl Desktop {
    async fn start(keyring: Keyring) -> Result<Self> {
        let xtask = std::env::var_os("CHIEF_XTASK")
            .context("CHIEF_XTASK is not set: run `cargo xtask test desktop`")?;
        let app = std::env::var_os("CHIEF_APP")
            .map(PathBuf::from)
            .context("CHIEF_APP is not set: run `cargo xtask test desktop`")?;
        ensure!(app.is_file(), "{} is not built", app.display());
        let keyring = match keyring {
            Keyring::Unlocked => "unlocked",
            Keyring::None => "none",
        };
        // Tells what a program in there would find in its environment, and stays until told to go.
        let stay = "env -0; printf 'ready\\0'; exec cat >/dev/null";
        let mut xtask = Command::new(xtask)
            .args([
                "desktop",
                "--yes",
                "--keyring",
                keyring,
                "--",
                "sh",
                "-c",
                stay,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("xtask did not start")?;
        let wanted = xtask.stdin.take();
        let stdout = xtask.stdout.take().context("its output is piped")?;
        let variables = tokio::time::timeout(PATIENCE, variables(stdout))
            .await
            .context("the desktop did not start in time")??;
        let home = variables
            .iter()
            .find(|(name, _)| name == "HOME")
            .map(|(_, home)| PathBuf::from(home))
            .context("the desktop has a HOME")?;
        Ok(Self {
            xtask,
            wanted,
            variables,
            home,
            app,
        })
    }

    async fn end(&mut self) -> Result<()> {
        drop(self.wanted.take());
        tokio::time::timeout(PATIENCE, self.xtask.wait())
            .await
            .context("the desktop did not end in time")??;
        Ok(())
    }

    /// The app's program.
    pub fn app(&self) -> &Path {
        &self.app
    }

    /// Where the app keeps its data here.
    pub fn data(&self) -> PathBuf {
        self.home.join(".local/share/app.chief.integrations")
    }

    /// Where an admin puts more manifests.
    pub fn manifests(&self) -> PathBuf {
        self.home.join(".config/app.chief.integrations/providers")
    }

    /// A program in this desktop, ended with the test.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a program to its end. What it printed.
    ///
    /// # Errors
    /// Where it is missing, hangs, or ends with another code than 0.
    pub async fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let running = self.command(program).args(arguments).output();
        let output = tokio::time::timeout(PATIENCE, running)
            .await
            .with_context(|| format!("{program} {arguments:?} hangs"))?
            .with_context(|| format!("{program} did not start"))?;
        if !output.status.success() {
            bail!(
                "{program} {arguments:?} ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The whole screen, as target/desktop/NAME.png.
    pub async fn picture(&self, name: &str) -> Result<()> {
        let file = pictures()?.join(format!("{name}.png"));
        self.run("import", &["-window", "root", &file.to_string_lossy()])
            .await?;
        Ok(())
    }

    /// True while an app has its name on the bus, which goes some moments after its process: a start before
    /// that would hand its link to nobody.
    pub async fn is_named(&self) -> Result<bool> {
        let bus = ["--dest", "org.freedesktop.DBus", "--object-path", "/"];
        let asked = ["--method", "org.freedesktop.DBus.NameHasOwner"];
        let name = "app.chief.integrations.SingleInstance";
        let arguments = [&["call", "--session"][..], &bus, &asked, &[name]].concat();
        Ok(self.run("gdbus", &arguments).await?.contains("true"))
    }

    /// The app's processes here: id and arguments. A window's helpers (WebKit's) are others.
    pub fn apps(&self) -> Result<Vec<u32>> {
        let mut found = vec![];
        for entry in std::fs::read_dir("/proc")? {
            let entry = entry?;
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            // It may have ended meanwhile, and one that has ended but for its parent has neither.
            let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let variables = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let program = arguments.split(|byte| *byte == 0).next();
            let home = [b"HOME=", self.home.as_os_str().as_encoded_bytes()].concat();
            if program == Some(self.app.as_os_str().as_encoded_bytes())
                && variables.split(|byte| *byte == 0).any(|each| each == home)
            {
                found.push(pid);
            }
        }
        Ok(found)
    }
}

async fn variables(stdout: tokio::process::ChildStdout) -> Result<Vec<(OsString, OsString)>> {
    let mut stdout = BufReader::new(stdout);
    let mut found = vec![];
    loop {
        let mut one = vec![];
        stdout.read_until(0, &mut one).await?;
        one.pop().context("the desktop ended at once")?;
        if one == b"ready" {
            return Ok(found);
        }
        let equals = one.iter().position(|byte| *byte == b'=');
        let value = one.split_off(equals.context("a variable has a value")? + 1);
        one.pop();
        found.push((OsString::from_vec(one), OsString::from_vec(value)));
    }
}

/// target/desktop
pub fn pictures() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../desktop");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
