//! Starting other programs: cargo without the traces of the cargo that started us, process groups, time limits.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The workspace's root folder, absolute.
pub fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .ancestors()
        .nth(2)
        .expect("xtask lies two folders below the root")
        .to_path_buf()
}

/// The plain `cargo` of this toolchain, in the workspace's root.
///
/// `cargo run` sets CARGO_PKG_NAME and its like for us. Some build scripts (ring's) ask to run again when those
/// change, so whoever inherited them would rebuild half the graph each time `cargo xtask` and `cargo` alternate.
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    forget_our_cargo(&mut command);
    command.current_dir(root());
    command
}

/// Removes from a command's environment what `cargo run` put there for us.
pub fn forget_our_cargo(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || is_run_variable(&name) {
            command.env_remove(&name);
        }
    }
    // Points at the libraries of the toolchain that started us; another toolchain must not find them.
    command.env_remove("LD_LIBRARY_PATH");
    command.env_remove("RUST_RECURSION_COUNT");
}

fn is_run_variable(name: &str) -> bool {
    matches!(
        name,
        "CARGO"
            | "CARGO_MANIFEST_DIR"
            | "CARGO_MANIFEST_PATH"
            | "CARGO_CRATE_NAME"
            | "CARGO_BIN_NAME"
            | "CARGO_PRIMARY_PACKAGE"
            | "CARGO_TARGET_TMPDIR"
            | "OUT_DIR"
    )
}

/// The command as a person would type it.
pub fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| {
            let part = part.to_string_lossy();
            if part.contains(' ') || part.is_empty() {
                format!("'{part}'")
            } else {
                part.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs to the end with our own output streams, printing the command first; an error unless it ends with 0.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let status = command
        .status()
        .with_context(|| format!("could not start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// What the command printed on standard output; an error, with what it printed on standard error, unless it ends
/// with 0.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {}", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}: {}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where PATH has this program.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| is_program(candidate))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}

/// Gives the command a process group of its own, so that it and all it starts can be ended together.
pub fn own_group(command: &mut Command) {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    #[cfg(not(unix))]
    let _ = command;
}

/// Ends a child started with [`own_group`] and everything it started: asked first, forced after two seconds.
pub fn end_group(child: &mut Child) {
    signal_group(child.id(), false);
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(2) {
        if !matches!(child.try_wait(), Ok(None)) {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    signal_group(child.id(), true);
    let _ = child.kill();
    let _ = child.wait();
}

/// Signals the process group that `leader` leads; SIGKILL if `force`, else SIGTERM.
#[cfg(unix)]
pub fn signal_group(leader: u32, force: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if force { Signal::KILL } else { Signal::TERM };
    if let Some(pid) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // It may be gone already: that is what we want.
        let _ = kill_process_group(pid, signal);
    }
}

#[cfg(not(unix))]
pub fn signal_group(_leader: u32, _force: bool) {}

/// How a command ended within a limit.
pub enum Ended {
    With(ExitStatus),
    /// It was still running at the limit and was ended, with all it had started.
    OutOfTime,
}

/// Runs with a time limit, in a group of its own.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<Ended> {
    own_group(command);
    let mut child = command
        .spawn()
        .with_context(|| format!("could not start {}", shown(command)))?;
    let _entry = crate::interrupt::group(child.id());
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::With(status));
        }
        if began.elapsed() >= limit {
            end_group(&mut child);
            return Ok(Ended::OutOfTime);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// A duration as people read builds: `0.4 min`.
pub fn minutes(duration: Duration) -> String {
    format!("{:.1} min", duration.as_secs_f64() / 60.0)
}
