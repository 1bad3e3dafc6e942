//! The house rules that a compiler does not check. Each rule is a pure function from facts to findings, with tests
//! that plant a violation.

mod dependencies;
mod licences;
mod secrets;
mod sizes;
mod sources;
mod words;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::process::root;

/// `cargo xtask tidy`.
pub fn command() -> Result<ExitCode> {
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} findings", findings.len());
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The same as an error, for `ci`.
pub fn check() -> Result<()> {
    let findings = findings()?;
    if !findings.is_empty() {
        bail!("{} findings:\n{}", findings.len(), findings.join("\n"));
    }
    Ok(())
}

fn findings() -> Result<Vec<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .exec()
        .context("cargo metadata failed")?;
    let sources = sources::read(&root())?;
    let mut found = dependencies::check(&dependencies::facts(&metadata));
    found.extend(licences::check(&licences::facts(&metadata)));
    found.extend(sizes::check(&sources));
    found.extend(secrets::check(&sources)?);
    found.extend(words::check(&sources, &words::locale(&root())?)?);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() -> Result<()> {
        check()
    }
}
