//! `chief`: what a terminal and an agent ask of the running app. It talks to the app through the door that
//! only this user can open, and does nothing by itself.
//!
//! Owns: the command line, what is printed, the stdio bridge. Must not know: the engine, a credential,
//! or any window.

mod audit;
mod bridge;
mod doctor;
mod door;
mod place;
mod say;
mod terminal;

use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// The app said no, or what was asked about is not well.
const NOT_WELL: u8 = 1;
/// The app does not run, or cannot be reached.
const NO_APP: u8 = 3;
/// The record is from a backup.
const RESTORED: u8 = 4;
/// Nothing can be said of the record.
const CANNOT_CHECK: u8 = 5;

/// Chief Integrations from the command line: asks the running app.
#[derive(Parser)]
#[command(name = "chief", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// The app's data folder, where it is not the usual one
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// Speak MCP over stdin and stdout, for an agent: its configuration starts this
    Mcp(bridge::Bridge),
    /// Show every integration and how it is
    List(Form),
    /// Ping one integration, or all of them
    Test {
        /// Its name or short name; without one, all
        name: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Show what was called, the newest first
    Activity {
        /// Of this integration only: its name or short name
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
        /// Rows, 1 to 200
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        /// Pings too
        #[arg(long)]
        pings: bool,
        #[command(flatten)]
        form: Form,
    },
    /// The record of what was done
    #[command(subcommand)]
    Audit(Audit),
    /// Find out what is not as it should be
    Doctor(Form),
    /// Ask for anything that the app's window reads, by the command's name, as JSON
    Ask {
        /// Such as list_notices
        command: String,
        /// Its request
        #[arg(default_value = "{}")]
        request: String,
    },
}

/// What a script goes by.
const EXIT_CODES: &str = "Ends with:\n  \
    0  the record is intact\n  \
    1  it was tampered with, or the app said no\n  \
    3  the app does not run\n  \
    4  the data was restored from a backup\n  \
    5  the record cannot be checked";

#[derive(Subcommand)]
enum Audit {
    /// Check that the record is what was written: intact, tampered with, restored, or cannot be checked
    #[command(after_help = EXIT_CODES)]
    Verify(Form),
}

/// How it is printed.
#[derive(Args, Clone, Copy)]
struct Form {
    /// Print JSON, as the app answered it
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(say::Failure::Io(error)),
    };
    let code = match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("chief: {}", failure.sentence());
            failure.code()
        }
    };
    // At once: a thread may still wait for a line of stdin.
    std::process::exit(i32::from(code))
}

async fn run(arguments: Arguments) -> Result<u8, say::Failure> {
    let folder = place::folder(arguments.data)?;
    match arguments.what {
        What::Mcp(bridge) => bridge::run(&folder, bridge).await,
        What::List(form) => terminal::list(&folder, form.json).await,
        What::Test { name, form } => terminal::test(&folder, name.as_deref(), form.json).await,
        What::Activity {
            integration,
            limit,
            pings,
            form,
        } => {
            let which = terminal::Which {
                integration,
                limit,
                pings,
            };
            terminal::activity(&folder, which, form.json).await
        }
        What::Audit(Audit::Verify(form)) => audit::verify(&folder, form.json).await,
        What::Doctor(form) => doctor::run(&folder, form.json).await,
        What::Ask { command, request } => terminal::ask(&folder, &command, &request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_argument_takes_a_token() {
        // Every process of this computer can read another's arguments.
        for word in ["--token=chief_x", "--key=chief_x"] {
            assert!(Arguments::try_parse_from(["chief", "mcp", word]).is_err());
        }
    }
}
