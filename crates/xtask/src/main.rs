//! Everything a developer does, by one command each: `cargo xtask --help`.
//!
//! Owns: setting a machine up, building the UI, starting the window, running the tests and the checks.
//! Must not know: anything the product does beyond its file layout and the test ids on its pages.

mod bench;
mod ci;
mod desktop;
mod interrupt;
mod process;
mod providers;
mod run;
mod screenshots;
mod setup;
mod soak;
mod test;
mod tidy;
mod ui;
mod webdriver;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chief Integrations, for developers")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set up what is missing, build, and start the window. Without a display: a first run under Xvfb, with pictures
    Run {
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Set up what the tests need and run them. Last line: `N passed, N failed`
    Test {
        /// One ring only
        ring: Option<test::Ring>,
        /// Only tests whose name contains this
        filter: Option<String>,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Formatting, lints (native and wasm), tidy, the shell's types for Windows, and the tests
    Ci {
        /// Everything but the tests
        #[arg(long)]
        checks_only: bool,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Build the UI into ui/dist
    Ui {
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Check the house rules: dependency direction, licences, versions, secret types, file sizes, words
    Tidy,
    /// Hold the promises of connection health against many random histories, and kill many refreshes
    Soak {
        /// How many histories
        #[arg(long, default_value_t = soak::HISTORIES)]
        histories: u32,
        /// How many kills
        #[arg(long, default_value_t = soak::KILLS)]
        kills: u32,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Write the README's table of providers, from their manifests
    Providers,
    /// Run one command in a desktop of its own (screen, session bus, keyring, notifications), thrown away after it
    Desktop(desktop::Arguments),
    /// Make the README's pictures from the real window, light and dark, into docs/pictures/
    Screenshots {
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Measure sizes, start, memory and the store beside a bare window. JSON on standard output
    Bench {
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
        /// Measure the debug build, which is quicker to make and slower to run
        #[arg(long)]
        debug: bool,
    },
}

fn main() -> ExitCode {
    interrupt::install();
    let outcome = match Arguments::parse().command {
        Command::Run { yes } => run::run(setup::Consent::new(yes)).map(|()| ExitCode::SUCCESS),
        Command::Test { ring, filter, yes } => {
            test::test(ring, filter.as_deref(), setup::Consent::new(yes))
        }
        Command::Ci { checks_only, yes } => ci::ci(checks_only, setup::Consent::new(yes)),
        Command::Ui { yes } => ui::command(setup::Consent::new(yes)).map(|()| ExitCode::SUCCESS),
        Command::Tidy => tidy::command(),
        Command::Soak {
            histories,
            kills,
            yes,
        } => soak::command(histories, kills, setup::Consent::new(yes)).map(|()| ExitCode::SUCCESS),
        Command::Providers => providers::command().map(|()| ExitCode::SUCCESS),
        Command::Desktop(arguments) => desktop::command(arguments),
        Command::Screenshots { yes } => {
            screenshots::command(setup::Consent::new(yes)).map(|()| ExitCode::SUCCESS)
        }
        Command::Bench { yes, debug } => {
            bench::command(setup::Consent::new(yes), debug).map(|()| ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
