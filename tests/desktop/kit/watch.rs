//! What can be seen from beside the app while it runs: the arguments of every process, however short
//! its life, and every message on the session bus.

use super::{Desktop, until};
use anyhow::{Context, Result};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::process::Child;

/// Watches until it is read.
pub struct Watch {
    stop: Arc<AtomicBool>,
    arguments: Option<JoinHandle<HashSet<Vec<u8>>>>,
    bus: Child,
    messages: PathBuf,
    _folder: tempfile::TempDir,
}

/// What was seen.
pub struct Seen {
    /// The arguments of each process, as in /proc/PID/cmdline.
    pub arguments: HashSet<Vec<u8>>,
    /// The messages, as they crossed the bus: notifications, links, a second start's arguments.
    pub bus: Vec<u8>,
}

impl Watch {
    /// Begins, and returns when it sees.
    pub async fn begin(desktop: &Desktop) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chief-watch-").tempdir()?;
        let messages = folder.path().join("bus");
        let bus = desktop
            .command("dbus-monitor")
            .args(["--session", "--binary"])
            .stdout(fs::File::create(&messages)?)
            .stderr(Stdio::null())
            .spawn()
            .context("dbus-monitor (package dbus-bin)")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let arguments = std::thread::spawn(move || {
            let mut seen = HashSet::new();
            while !stopped.load(Ordering::Relaxed) {
                // A process that has ended meanwhile was seen, or lived shorter than a look takes.
                for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
                    if let Some(arguments) = whole(&entry.path().join("cmdline")) {
                        seen.insert(arguments);
                    }
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            seen
        });
        let watch = Self {
            stop,
            arguments: Some(arguments),
            bus,
            messages,
            _folder: folder,
        };
        let messages = watch.messages.clone();
        // Its own name is the first thing it hears.
        until("the bus to be heard", async || {
            Ok((fs::metadata(&messages)?.len() > 0).then_some(()))
        })
        .await?;
        Ok(watch)
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        self.bus.kill().await?;
        let thread = self.arguments.take().context("it is ended once")?;
        let arguments = thread
            .join()
            .map_err(|_| anyhow::anyhow!("the watch on arguments ended early"))?;
        let bus = fs::read(&self.messages)?;
        Ok(Seen { arguments, bus })
    }
}

/// Arguments as they stood at one moment. A process that takes another program's place (or, as Chromium
/// does, writes its own title) between two parts of a reading would show words that never were: so
/// they are read twice, and once more until both are the same.
fn whole(cmdline: &Path) -> Option<Vec<u8>> {
    let mut before = fs::read(cmdline).ok()?;
    loop {
        let after = fs::read(cmdline).ok()?;
        if before == after {
            return Some(after);
        }
        before = after;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
