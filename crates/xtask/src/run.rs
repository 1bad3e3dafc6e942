//! `cargo xtask run`: from a fresh clone to the window, and without a display to pictures of it.

mod first;
pub mod tour;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, root, run as run_command};
use crate::setup::{self, Consent, Purpose};
use crate::ui;

/// Sets up, builds what changed, and starts the window; returns when it is closed.
pub fn run(consent: Consent) -> Result<()> {
    if !setup::has_display() {
        eprintln!(
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set): the window starts on a screen \
             in memory, connects the sample, and leaves pictures of it in target/first-run/."
        );
        return first::run(consent);
    }
    setup::prepare(Purpose::Window, consent)?;
    let app = build()?;
    run_command(&mut Command::new(app))
}

/// Builds the UI, the shell with the UI inside it, and the command beside it that agents start; only what changed.
/// Returns the program's absolute path.
pub fn build() -> Result<PathBuf> {
    ui::build()?;
    run_command(cargo().args(["build", "--bin", "chief"]))?;
    run_command(cargo().args([
        "build",
        "--package",
        "chief-integrations",
        "--features",
        "custom-protocol",
    ]))?;
    Ok(app())
}

/// Where [`build`] puts the program.
pub fn app() -> PathBuf {
    root()
        .join("target/debug/chief-integrations")
        .with_extension(std::env::consts::EXE_EXTENSION)
}
