//! The log of a run.

use anyhow::Result;
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

/// The log of this whole run, at TRACE: what a support bundle would hold at the very most.
pub fn log_file() -> Result<PathBuf> {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = FILE.get() {
        return Ok(file.clone());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("journeys-{}.log", std::process::id()));
    let file = std::fs::File::create(&path)?;
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .try_init()
        .map_err(|e| anyhow::anyhow!("the log cannot be kept: {e}"))?;
    Ok(FILE.get_or_init(|| path).clone())
}
