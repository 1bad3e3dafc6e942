//! What this disk takes, beside which the strict manner is judged.

use super::load::{at, round};
use anyhow::Result;
use serde_json::{Value, json};
use std::{fs::File, io::Write as _, path::Path, time::Instant};

/// Of a turn.
const TIMES: usize = 100;
/// A page of the database's log, and its head.
const PAGE: [u8; 4_120] = [7; 4_120];

/// A file that is added to, and put on disk each time.
pub struct Disk {
    file: File,
    took: Vec<f64>,
}

impl Disk {
    /// In that folder.
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            file: tempfile::tempfile_in(folder)?,
            took: Vec::new(),
        })
    }

    pub fn turn(&mut self, counts: bool) -> Result<()> {
        for _ in 0..TIMES {
            self.file.write_all(&PAGE)?;
            let began = Instant::now();
            self.file.sync_data()?;
            if counts {
                self.took.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
        }
        Ok(())
    }

    /// Milliseconds of an `fdatasync`.
    pub fn told(&self) -> Value {
        json!({ "ms_p50": round(at(&self.took, 0.5)), "ms_p99": round(at(&self.took, 0.99)) })
    }
}
