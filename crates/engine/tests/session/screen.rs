//! Who shows popups in a test's session.

use anyhow::{Context, Result, bail, ensure};
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again until it is so.
pub fn until(what: &str, mut look: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !look()? {
        ensure!(began.elapsed() < PATIENCE, "waited for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Result<Process> {
    let program = command.get_program().display().to_string();
    let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    Ok(Process(child.with_context(|| {
        format!("{program} cannot be started: is it installed?")
    })?))
}

fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let done = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("{program} cannot be started: is it installed?"))?;
    ensure!(
        done.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8(done.stdout)?)
}

fn is_there() -> Result<bool> {
    let bus = [
        "call",
        "--session",
        "--dest",
        "org.freedesktop.DBus",
        "--object-path",
        "/",
    ];
    let ask = ["--method", "org.freedesktop.DBus.NameHasOwner", NAME];
    Ok(run("gdbus", &[&bus[..], &ask[..]].concat())?.contains("true"))
}

/// python-dbusmock, which writes every call down.
pub struct Mock {
    _process: Process,
    log: tempfile::NamedTempFile,
}

impl Mock {
    pub fn start(capabilities: &str) -> Result<Self> {
        until("the last one to be gone", || Ok(!is_there()?))?;
        let log = tempfile::NamedTempFile::new()?;
        let process = start(
            Command::new("/usr/bin/python3")
                .args([
                    "-u",
                    "-m",
                    "dbusmock",
                    "--template",
                    "notification_daemon",
                    "-p",
                ])
                .arg(format!("{{\"capabilities\":\"{capabilities}\"}}"))
                .stdout(log.reopen()?),
        )?;
        until("dbusmock to answer", is_there)?;
        Ok(Self {
            _process: process,
            log,
        })
    }

    /// Every call of this method, as it was written down.
    pub fn calls(&self, method: &str) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(self.log.path())?;
        let name = format!(" {method} ");
        Ok(text
            .lines()
            .filter(|line| line.contains(&name))
            .map(str::to_owned)
            .collect())
    }

    /// Sends a signal as the daemon would.
    pub fn emit(&self, signal: &str, signature: &str, arguments: &str) -> Result<()> {
        let method = "org.freedesktop.DBus.Mock.EmitSignal";
        call(&[method, NAME, signal, signature, arguments])
    }

    /// Says in one breath that a popup is pressed and that it closes, as GNOME and Plasma do.
    pub fn press_and_close(&self, id: &str, button: &str) -> Result<()> {
        let says = format!(
            "self.EmitSignal('{NAME}', 'ActionInvoked', 'us', [{id}, '{button}']); \
             self.EmitSignal('{NAME}', 'NotificationClosed', 'uu', [{id}, 2])"
        );
        let method = "org.freedesktop.DBus.Mock.AddMethod";
        call(&[method, NAME, "PressAndClose", "", "", &says])?;
        call(&[&format!("{NAME}.PressAndClose")])
    }
}

fn call(method: &[&str]) -> Result<()> {
    let to = ["call", "--session", "--dest", NAME, "--object-path", PATH];
    run("gdbus", &[&to[..], &["--method"], method].concat()).map(drop)
}

/// A screen that nobody sees.
pub struct Screen {
    _process: Process,
    display: String,
}

impl Screen {
    pub fn start() -> Result<Self> {
        let mut process = start(
            Command::new("Xvfb")
                .args([
                    "-displayfd",
                    "1",
                    "-screen",
                    "0",
                    "800x600x24",
                    "-nolisten",
                    "tcp",
                ])
                .stdout(Stdio::piped()),
        )?;
        let stdout = process.0.stdout.take().context("its output is piped")?;
        let mut number = String::new();
        BufReader::new(stdout).read_line(&mut number)?;
        if number.trim().is_empty() {
            bail!("Xvfb did not start");
        }
        let display = format!(":{}", number.trim());
        Ok(Self {
            _process: process,
            display,
        })
    }
}

/// The real daemon.
pub struct Dunst(Process);

impl Dunst {
    pub fn start(screen: &Screen) -> Result<Self> {
        let process = start(
            Command::new("dunst")
                .env("DISPLAY", &screen.display)
                .stdout(Stdio::null()),
        )?;
        until("dunst to answer", is_there)?;
        Ok(Self(process))
    }

    /// Waits until that many popups are on the screen.
    pub fn shows(&self, count: u32) -> Result<()> {
        until(&format!("dunst to show {count}"), || {
            Ok(run("dunstctl", &["count", "displayed"])?.trim() == count.to_string())
        })
        .with_context(|| format!("dunst is process {}", self.0.0.id()))
    }
}
