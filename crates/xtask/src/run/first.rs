//! A first run where there is no display: the real window on a screen in memory, the sample connected by a click,
//! pictures of it, and a log of what was done.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::tour;
use crate::desktop::{Desktop, Keyring, Theme};
use crate::process::root;
use crate::setup::{self, Consent, Purpose};
use crate::webdriver::Window;

/// Leaves cards.png, integration.png and log.txt in target/first-run/. What fails is in the log too, with a picture
/// of where it stood.
pub fn run(consent: Consent) -> Result<()> {
    let mut log = Log::start()?;
    let outcome = steps(&mut log, consent);
    match &outcome {
        Ok(()) => log.line("done")?,
        Err(error) => log.line(&format!("failed: {error:#}"))?,
    }
    outcome
}

fn steps(log: &mut Log, consent: Consent) -> Result<()> {
    log.line("no display: looking for what is missing")?;
    setup::prepare(Purpose::Desktop, consent)?;
    log.line("building what changed: the UI, then the shell with the UI inside")?;
    let app = super::build()?;
    log.line("starting a desktop in memory: Xvfb, session bus, openbox, gnome-keyring, dunst; a HOME of its own")?;
    let desktop = Desktop::start(Keyring::Unlocked, Theme::Light)?;
    log.line(&format!("starting {}", app.display()))?;
    let window = Window::open(&desktop, &app)?;
    log.line("the window is open")?;
    let outcome = look_around(log, &window);
    if outcome.is_err() {
        log.picture("failed.png", &window)?;
    }
    outcome
}

fn look_around(log: &mut Log, window: &Window) -> Result<()> {
    tour::wait_for_offer(window)?;
    log.picture("empty.png", window)?;
    tour::connect_sample(window)?;
    log.line("clicked Connect the sample; its card is there")?;
    log.picture("cards.png", window)?;
    tour::open_sample(window)?;
    log.line("its page shows its tools")?;
    log.picture("integration.png", window)
}

/// target/first-run/log.txt, and the same on the terminal.
struct Log {
    folder: PathBuf,
    file: fs::File,
    began: Instant,
}

impl Log {
    fn start() -> Result<Self> {
        let folder = root().join("target/first-run");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let file = fs::File::create(folder.join("log.txt"))?;
        Ok(Self {
            folder,
            file,
            began: Instant::now(),
        })
    }

    fn line(&mut self, what: &str) -> Result<()> {
        let line = format!("{:7.1} s  {what}", self.began.elapsed().as_secs_f64());
        eprintln!("{line}");
        writeln!(self.file, "{line}").context("could not write the log")
    }

    fn picture(&mut self, name: &str, window: &Window) -> Result<()> {
        let path: &Path = &self.folder.join(name);
        fs::write(path, window.picture()?)?;
        self.line(&format!("wrote {}", path.display()))
    }
}
