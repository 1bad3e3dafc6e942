//! The Rust files of the project, as git knows them: tracked, or new and not ignored.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::output;

/// One file: its path from the root, with `/`, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

/// Every `.rs` file under `root`.
pub fn read(root: &Path) -> Result<Vec<Source>> {
    let names = output(
        Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .args(["--", "*.rs"])
            .current_dir(root),
    )?;
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        // Deleted, but not yet committed so.
        .filter(|name| root.join(name).exists())
        .map(|name| {
            let text = std::fs::read_to_string(root.join(name))
                .with_context(|| format!("could not read {name}"))?;
            Ok(Source {
                path: name.to_owned(),
                text,
            })
        })
        .collect()
}
