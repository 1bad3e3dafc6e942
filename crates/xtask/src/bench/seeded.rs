//! A data folder with integrations in it, and the API that they are connected to, which is served as long as this
//! lives.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail};

use crate::desktop::Desktop;
use crate::interrupt::{self, Registered};
use crate::process::{cargo, end_group, own_group, root, run};

/// What is connected.
#[derive(Clone, Copy)]
pub enum Fill {
    /// A few with names, one of them failing, and the sample.
    Demo,
    /// So many alike.
    Many(usize),
}

pub struct Seeded {
    server: Child,
    _entry: Registered,
}

impl Seeded {
    /// Fills the app's data folder in this desktop, under its keyring, and waits until that is done.
    pub fn start(desktop: &Desktop, fill: Fill) -> Result<Self> {
        let mut command = desktop.command(program()?);
        let data = desktop.data_folder();
        match fill {
            Fill::Demo => command.arg("demo").arg(data),
            Fill::Many(count) => command.arg("seed").arg(data).arg(count.to_string()),
        };
        own_group(&mut command);
        let mut server = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start the bench program")?;
        let _entry = interrupt::group(server.id());
        let stdout = server.stdout.take().context("its output is piped")?;
        let seeded = Self { server, _entry };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.trim() != "ready" {
            bail!("the data folder could not be filled");
        }
        Ok(seeded)
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        end_group(&mut self.server);
    }
}

/// Builds the program that fills; returns its path. Debug, whatever is measured: only the window is timed.
fn program() -> Result<PathBuf> {
    run(cargo().args([
        "build",
        "--package",
        "chief-tests",
        "--features",
        "benchmarks",
        "--bin",
        "bench",
    ]))?;
    Ok(root().join("target/debug/bench"))
}
