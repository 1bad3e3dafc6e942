//! The standard library for a target: who has it, and how to get it.
//!
//! rustup's own is the first choice. Where rustup cannot download it, or is absent, Debian's packaged compiler and
//! its source serve: the library is built from them, once, into Debian's toolchain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::packages::{absent, apt_install, as_root, has_apt};
use crate::process::{Ended, cargo, find, forget_our_cargo, output, root, run, run_within};

/// The UI's target.
pub const WASM: &str = "wasm32-unknown-unknown";
/// The target that `ci` type-checks the shell for.
pub const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// How long rustup may try to download. Where it has no way out it hangs rather than fails.
const RUSTUP_LIMIT: Duration = Duration::from_secs(20);

const DEBIAN_PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "libstd-rust-web-dev",
    "rust-web-clippy",
    "rustfmt-web",
];

/// A cargo and the rustc that goes with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Toolchain {
    /// The one that runs us.
    Own,
    /// Debian's, under /usr/bin.
    Debian,
}

impl Toolchain {
    /// `cargo`, in the workspace's root.
    pub fn cargo(self) -> Command {
        match self {
            Self::Own => cargo(),
            Self::Debian => debian("/usr/bin/cargo"),
        }
    }

    /// `cargo clippy`, in the workspace's root.
    pub fn clippy(self) -> Command {
        match self {
            Self::Own => {
                let mut command = cargo();
                command.arg("clippy");
                command
            }
            // By its path: `cargo clippy` would find rustup's, which brings the other compiler.
            Self::Debian => {
                let mut command = debian("/usr/bin/cargo-clippy");
                command.arg("clippy");
                command
            }
        }
    }

    fn rustc(self) -> Command {
        let mut command = Command::new(match self {
            Self::Own => "rustc",
            Self::Debian => "/usr/bin/rustc",
        });
        if self == Self::Debian {
            command.env_remove("RUSTUP_TOOLCHAIN");
        }
        command.env_remove("LD_LIBRARY_PATH");
        command
    }
}

/// A program of Debian's toolchain, kept apart from a rustup on the same machine.
fn debian(program: &str) -> Command {
    let mut command = Command::new(program);
    forget_our_cargo(&mut command);
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("CARGO", "/usr/bin/cargo")
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTDOC", "/usr/bin/rustdoc")
        .env("PATH", format!("/usr/bin:{path}"))
        .current_dir(root());
    command
}

/// Who has the target's standard library, ready to use.
pub fn installed(target: &str) -> Option<Toolchain> {
    [Toolchain::Own, Toolchain::Debian]
        .into_iter()
        .find(|toolchain| has(*toolchain, target).unwrap_or(false))
}

fn has(toolchain: Toolchain, target: &str) -> Result<bool> {
    if toolchain == Toolchain::Debian && !Path::new("/usr/bin/rustc").exists() {
        return Ok(false);
    }
    let folder = library(toolchain, target)?;
    let Ok(mut files) = fs::read_dir(&folder) else {
        return Ok(false);
    };
    if !files.any(|file| {
        file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
    }) {
        return Ok(false);
    }
    // Only what we built has a stamp; after an upgrade of the compiler it no longer fits.
    match fs::read_to_string(folder.join(STAMP)) {
        Ok(stamp) => Ok(stamp == expected_stamp(toolchain)?),
        Err(_) => Ok(true),
    }
}

fn library(toolchain: Toolchain, target: &str) -> Result<PathBuf> {
    let sysroot = output(toolchain.rustc().args(["--print", "sysroot"]))?;
    Ok(Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(target)
        .join("lib"))
}

const STAMP: &str = ".built-for";

/// What the library was built with. The number changes with the recipe below.
fn expected_stamp(toolchain: Toolchain) -> Result<String> {
    let version = output(toolchain.rustc().arg("-vV"))?;
    Ok(format!("{}recipe=3", version.replace('\n', " ")))
}

/// One line for the plan.
pub fn plan(target: &str) -> String {
    let what = format!("Rust's standard library for {target}");
    let debian = "built from Debian's packages rustc-web, cargo-web, rust-web-src and lld";
    match (find("rustup").is_some(), has_apt()) {
        (true, true) => format!("{what}, by rustup; where rustup cannot download, {debian}"),
        (true, false) => format!("{what}, by rustup"),
        (false, true) => format!("{what}, {debian}"),
        (false, false) => what,
    }
}

/// Gets the library: by rustup within [`RUSTUP_LIMIT`], else from Debian.
pub fn install(target: &str) -> Result<()> {
    if find("rustup").is_some() && from_rustup(target)? {
        return Ok(());
    }
    if !has_apt() {
        bail!(
            "Rust's standard library for {target} is missing. Run: rustup target add {target} \
             (rustup itself: https://rustup.rs)"
        );
    }
    from_debian(target)
}

fn from_rustup(target: &str) -> Result<bool> {
    eprintln!(
        "$ rustup target add {target}   (at most {} s)",
        RUSTUP_LIMIT.as_secs()
    );
    let mut command = Command::new("rustup");
    forget_our_cargo(&mut command);
    let ended = run_within(command.args(["target", "add", target]), RUSTUP_LIMIT)?;
    Ok(match ended {
        Ended::With(status) if status.success() => has(Toolchain::Own, target)?,
        Ended::With(_) => false,
        Ended::OutOfTime => {
            eprintln!("rustup did not answer in time");
            false
        }
    })
}

/// Builds the library from Debian's source for Debian's compiler and installs it there, so that a plain
/// `/usr/bin/cargo build --target TARGET` works.
fn from_debian(target: &str) -> Result<()> {
    let wanted = absent(&DEBIAN_PACKAGES)?;
    if !wanted.is_empty() {
        apt_install(&wanted)?;
    }
    let rustc = Toolchain::Debian;
    let sysroot = output(rustc.rustc().args(["--print", "sysroot"]))?;
    let rustlib = Path::new(sysroot.trim()).join("lib/rustlib");
    link_lld(&rustlib)?;
    if has(rustc, target)? {
        return Ok(());
    }

    eprintln!("building the standard library for {target} (about a minute)");
    let work = tempfile::tempdir()?;
    let _entry = crate::interrupt::folder(work.path());
    fs::create_dir(work.path().join("src"))?;
    fs::write(work.path().join("src/lib.rs"), "")?;
    let panic = if target.starts_with("wasm32") {
        "abort"
    } else {
        "unwind"
    };
    fs::write(
        work.path().join("Cargo.toml"),
        format!(
            "[package]\nname = \"s\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\n\
             [profile.release]\npanic = \"{panic}\"\ndebug = 0\n"
        ),
    )?;
    // RUSTC_BOOTSTRAP: build-std is unstable. Bitcode: without it, who links with lto = true fails.
    run(rustc
        .cargo()
        .args([
            "build",
            "--release",
            "--target",
            target,
            "--target-dir",
            "target",
        ])
        .args([
            "-Z",
            "build-std=std,panic_abort,panic_unwind,proc_macro,test",
        ])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .current_dir(work.path()))?;

    let built = work.path().join("target").join(target).join("release/deps");
    let ready = work.path().join("lib");
    fs::create_dir(&ready)?;
    for file in fs::read_dir(&built).with_context(|| format!("no {}", built.display()))? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        // libs-*.rlib is the empty crate above.
        if name.starts_with("lib") && name.ends_with(".rlib") && !name.starts_with("libs-") {
            fs::copy(file.path(), ready.join(&name))?;
        }
    }
    fs::write(ready.join(STAMP), expected_stamp(rustc)?)?;

    // Whole or not at all: copied beside, then moved into place.
    let folder = rustlib.join(target);
    let script = "set -e; rm -rf \"$2.new\"; mkdir -p \"$2.new\"; cp -r \"$1\" \"$2.new/lib\"; \
                  chmod -R a+rX \"$2.new\"; rm -rf \"$2\"; mv \"$2.new\" \"$2\"";
    run(as_root("sh")
        .args(["-c", script, "install-std"])
        .arg(&ready)
        .arg(&folder))
}

/// Debian's rustc looks for `rust-lld` beside its own libraries when it links wasm; Debian ships LLVM's under another
/// name, in a package of the same major version as the LLVM that rustc is built with.
fn link_lld(rustlib: &Path) -> Result<()> {
    let version = output(Toolchain::Debian.rustc().arg("-vV"))?;
    let field = |name: &str| {
        version
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .with_context(|| format!("rustc -vV names no {name}"))
    };
    let major = field("LLVM version: ")?
        .split('.')
        .next()
        .unwrap_or_default();
    let host = field("host: ")?;
    let package = format!("lld-{major}");
    let wanted = absent(&[package.as_str()])?;
    if !wanted.is_empty() {
        apt_install(&wanted)?;
    }
    let lld = format!("/usr/lib/llvm-{major}/bin/lld");
    let link = rustlib.join(host).join("bin/rust-lld");
    if fs::read_link(&link).is_ok_and(|to| to == Path::new(&lld)) {
        return Ok(());
    }
    let script = "mkdir -p \"$(dirname \"$2\")\" && ln -sfn \"$1\" \"$2\"";
    run(as_root("sh")
        .args(["-c", script, "link-lld", &lld])
        .arg(&link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_nobody_has_is_not_installed() {
        assert_eq!(installed("no-such-target"), None);
    }

    #[test]
    fn the_host_is_installed_in_our_own_toolchain() -> Result<()> {
        let version = output(Toolchain::Own.rustc().arg("-vV"))?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .context("rustc names no host")?;
        assert_eq!(installed(host), Some(Toolchain::Own));
        Ok(())
    }
}
