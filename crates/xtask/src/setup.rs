//! Finds what a machine lacks for a purpose, asks once, and sets it up. Quick and silent where nothing lacks.

mod packages;
mod targets;

use std::env;
use std::io::{self, IsTerminal, Write};

use anyhow::{Result, bail};

pub use targets::{Toolchain, WASM, WINDOWS};

/// What the machine is wanted for; decides which packages and standard libraries are looked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The UI alone: only the wasm32 standard library.
    Ui,
    /// The window on a display.
    Window,
    /// The window without a display, by WebDriver.
    Desktop,
    /// All rings of the tests.
    Tests,
    /// The checks: lints, and the shell's types for Windows.
    Checks,
}

/// Whether we may install.
#[derive(Clone, Copy)]
pub struct Consent {
    given: bool,
}

impl Consent {
    /// Given by `--yes` or `CI=true`; asked for otherwise.
    pub fn new(yes: bool) -> Self {
        let ci = env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        Self { given: yes || ci }
    }

    fn ask(self, what: &str) -> Result<()> {
        eprintln!("{what}");
        if self.given {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            bail!(
                "nothing was installed: there is no terminal to ask on. Say --yes, or set CI=true"
            );
        }
        eprint!("Install it now? [y/N] ");
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("nothing was installed");
        }
        Ok(())
    }
}

/// Sets up what `purpose` needs. Does nothing, in well under a second, when it is all there.
pub fn prepare(purpose: Purpose, consent: Consent) -> Result<()> {
    let packages = packages::missing(purpose)?;
    let wanted: &[&str] = match purpose {
        Purpose::Ui | Purpose::Window | Purpose::Desktop | Purpose::Tests => &[WASM],
        Purpose::Checks => &[WASM, WINDOWS],
    };
    let targets: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|target| targets::installed(target).is_none())
        .collect();
    if packages.is_empty() && targets.is_empty() {
        return Ok(());
    }

    let mut plan = String::from("Missing on this machine:\n");
    if !packages.is_empty() {
        plan += &format!("  {}\n", packages::plan(&packages));
    }
    for target in &targets {
        plan += &format!("  {}\n", targets::plan(target));
    }
    consent.ask(plan.trim_end())?;

    packages::install(&packages)?;
    for target in &targets {
        targets::install(target)?;
    }
    Ok(())
}

/// The toolchain that has this target's standard library; an error that names the next step where none has.
pub fn toolchain(target: &str) -> Result<Toolchain> {
    match targets::installed(target) {
        Some(toolchain) => Ok(toolchain),
        None => bail!("the standard library for {target} is missing: run `cargo xtask run`"),
    }
}

pub use packages::{has_display, node_folder};
