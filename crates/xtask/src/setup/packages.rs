//! The system's packages: which are missing, and how this system installs them.
//!
//! Debian and Ubuntu are installed by apt. Elsewhere the exact command is printed and nothing is done: those are
//! not tried.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Purpose;
use crate::process::{find, output, root, run};

/// What the shell is compiled against, and a C compiler for SQLite and ring.
const WINDOW: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "libgtk-3-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libxdo-dev",
    "libssl-dev",
    "libsoup-3.0-dev",
    "libjavascriptcoregtk-4.1-dev",
    "xdg-utils",
];

/// A screen, a session bus, a window manager, a keyring, notifications, and WebDriver into the window.
const DESKTOP: &[&str] = &[
    "xvfb",
    "openbox",
    "dbus",
    "gnome-keyring",
    "dunst",
    "webkit2gtk-driver",
    "libglib2.0-bin",
    "desktop-file-utils",
    "fonts-dejavu-core",
    "adwaita-icon-theme",
];

/// A real browser for the screens and for the desktop ring's OAuth step, and Node for the real servers.
const TESTS: &[&str] = &[
    "chromium",
    "chromium-driver",
    "libsecret-tools",
    "python3-dbus",
    "python3-dbusmock",
    "python3-gi",
    "xdotool",
    "wmctrl",
    "imagemagick",
    // Disks that fail, and networks of a test's own.
    "strace",
    "iproute2",
    "util-linux",
];

/// The C compiler for the Windows target (build scripts compile SQLite with it).
const CHECKS: &[&str] = &["gcc-mingw-w64-x86-64-posix", "g++-mingw-w64-x86-64-posix"];

/// The oldest Node that everything under tests/peers starts on; MCP's conformance suite wants the newest.
const NODE_MAJOR: u32 = 22;

enum System {
    Debian,
    Fedora,
    Arch,
    MacOs,
    Windows,
    Other(String),
}

fn system() -> System {
    if cfg!(target_os = "macos") {
        return System::MacOs;
    }
    if cfg!(target_os = "windows") {
        return System::Windows;
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    system_of(&release)
}

/// Which system an `os-release` file (os-release(5)) describes.
fn system_of(release: &str) -> System {
    let value = |key: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .map(|value| value.trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    let ids = format!("{} {}", value("ID="), value("ID_LIKE="));
    for id in ids.split_whitespace() {
        match id {
            "debian" | "ubuntu" => return System::Debian,
            "fedora" | "rhel" => return System::Fedora,
            "arch" => return System::Arch,
            _ => {}
        }
    }
    System::Other(value("PRETTY_NAME="))
}

/// Whether this system has apt.
pub fn has_apt() -> bool {
    matches!(system(), System::Debian) && find("apt-get").is_some()
}

/// What `purpose` needs and this system lacks, as its package manager names it. On a system where nothing is
/// installed for you, what can be seen to be missing, and an error that says what to do.
pub fn missing(purpose: Purpose) -> Result<Vec<String>> {
    if purpose == Purpose::Ui {
        return Ok(Vec::new());
    }
    let by_hand = |what: &str| -> Result<Vec<String>> {
        if find("pkg-config").is_some()
            && output(Command::new("pkg-config").args(["--exists", "webkit2gtk-4.1"])).is_ok()
        {
            return Ok(Vec::new());
        }
        bail!("WebKitGTK's development files are missing. {what} (not tried on this system)")
    };
    match system() {
        System::Debian => missing_debian(purpose),
        System::Fedora => by_hand(
            "Run: sudo dnf install webkit2gtk4.1-devel gtk3-devel libappindicator-gtk3-devel librsvg2-devel \
             libxdo-devel openssl-devel libsoup3-devel gcc gcc-c++ make pkgconf",
        ),
        System::Arch => by_hand(
            "Run: sudo pacman -S --needed webkit2gtk-4.1 gtk3 libappindicator-gtk3 librsvg xdotool openssl \
             libsoup3 base-devel",
        ),
        System::MacOs => {
            if output(Command::new("xcode-select").arg("-p")).is_ok() {
                Ok(Vec::new())
            } else {
                bail!(
                    "Apple's command line tools are missing. Run: xcode-select --install (not tried)"
                )
            }
        }
        System::Windows => {
            eprintln!(
                "Windows (not tried): this needs the C++ build tools, https://visualstudio.microsoft.com/visual-cpp-build-tools/, \
                 and WebView2, https://developer.microsoft.com/microsoft-edge/webview2/"
            );
            Ok(Vec::new())
        }
        System::Other(name) => by_hand(&format!(
            "This system ({name}) is not one whose packages are known: install WebKitGTK 4.1, GTK 3, \
             libayatana-appindicator and librsvg with their headers, see https://tauri.app/start/prerequisites/."
        )),
    }
}

fn missing_debian(purpose: Purpose) -> Result<Vec<String>> {
    let mut wanted = WINDOW.to_vec();
    if purpose >= Purpose::Desktop {
        wanted.extend(DESKTOP);
    }
    if purpose == Purpose::Tests {
        wanted.extend(TESTS);
        if find("npm").is_none() {
            wanted.extend(["nodejs", "npm"]);
        }
        if output(Command::new("python3").args(["-m", "pip", "--version"])).is_err() {
            wanted.push("python3-pip");
        }
    }
    if purpose == Purpose::Checks {
        wanted.extend(CHECKS);
    }
    let missing = absent(&wanted)?;
    let node_too_old = purpose == Purpose::Tests && node_folder().is_none();
    Ok(missing
        .into_iter()
        .map(str::to_owned)
        .chain(node_too_old.then(|| NODE_PACKAGE.to_owned()))
        .collect())
}

/// Not apt's: npm's own prebuilt Node, into target/tools, where the system's Node is older than [`NODE_MAJOR`].
const NODE_PACKAGE: &str = "npm:node@22";

/// Which of these Debian packages are not installed.
pub fn absent<'a>(wanted: &[&'a str]) -> Result<Vec<&'a str>> {
    // Ends with 1 when one of them is unknown to dpkg; what it prints is right all the same.
    let answer = Command::new("dpkg-query")
        .args(["-W", "-f=${binary:Package} ${db:Status-Abbrev}\n"])
        .args(wanted)
        .output()
        .context("could not start dpkg-query")?;
    let answer = String::from_utf8_lossy(&answer.stdout);
    let installed: HashSet<&str> = answer
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, status)| status.starts_with("ii"))
        .map(|(name, _)| name.split(':').next().unwrap_or(name))
        .collect();
    Ok(wanted
        .iter()
        .copied()
        .filter(|name| !installed.contains(name))
        .collect())
}

/// One line for the plan.
pub fn plan(packages: &[String]) -> String {
    let (npm, apt): (Vec<_>, Vec<_>) = packages.iter().partition(|name| name.starts_with("npm:"));
    let mut lines = Vec::new();
    if !apt.is_empty() {
        let names: Vec<_> = apt.iter().map(|name| name.as_str()).collect();
        lines.push(format!("packages, by apt: {}", names.join(" ")));
    }
    if !npm.is_empty() {
        lines.push(format!(
            "Node 22 and npm 10, by npm, into target/tools (the tests' servers need {NODE_MAJOR} or newer)"
        ));
    }
    lines.join("\n  ")
}

/// Installs what [`missing`] named.
pub fn install(packages: &[String]) -> Result<()> {
    let (npm, apt): (Vec<&str>, Vec<&str>) = packages
        .iter()
        .map(String::as_str)
        .partition(|name| name.starts_with("npm:"));
    if !apt.is_empty() {
        apt_install(&apt)?;
    }
    // The system's Node may be new enough, now that it is there.
    if !npm.is_empty() && node_folder().is_none() {
        let tools = root().join("target/tools");
        fs::create_dir_all(&tools)?;
        run(Command::new("npm")
            .args([
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--prefix",
            ])
            .arg(&tools)
            // Debian 12's own npm 9 cannot read a lock file without `resolved`.
            .args(["node@22", "npm@10"]))?;
        if node_folder().is_none() {
            bail!("npm installed node@22 into target/tools, but it does not start");
        }
    }
    Ok(())
}

/// `apt-get update` once, then these packages.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    run(as_root("apt-get").args(["update", "-q"]))?;
    run(as_root("apt-get")
        .args(["install", "-y", "-q", "--no-install-recommends"])
        .args(packages))
}

/// A command as root: by sudo where we are not.
pub fn as_root(program: &str) -> Command {
    let mut command = if is_root() {
        Command::new(program)
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("--preserve-env=DEBIAN_FRONTEND").arg(program);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    #[cfg(unix)]
    return rustix::process::geteuid().is_root();
    #[cfg(not(unix))]
    return false;
}

/// The folder whose `node` is new enough for the tests' servers: PATH's, else ours.
pub fn node_folder() -> Option<PathBuf> {
    if let Some(on_path) = find("node")
        && node_major("node").is_some_and(|major| major >= NODE_MAJOR)
    {
        return on_path.parent().map(PathBuf::from);
    }
    let ours = root().join("target/tools/node_modules/node/bin");
    node_major(ours.join("node").to_str()?)
        .is_some_and(|major| major >= NODE_MAJOR)
        .then_some(ours)
}

fn node_major(program: &str) -> Option<u32> {
    let version = output(Command::new(program).arg("--version")).ok()?;
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Whether this machine shows windows: always, but on a Linux without a display server.
pub fn has_display() -> bool {
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(release: &str) -> &'static str {
        match system_of(release) {
            System::Debian => "debian",
            System::Fedora => "fedora",
            System::Arch => "arch",
            System::MacOs => "macos",
            System::Windows => "windows",
            System::Other(_) => "other",
        }
    }

    #[test]
    fn systems_are_told_by_their_id_and_what_they_are_like() {
        assert_eq!(
            name("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"),
            "debian"
        );
        assert_eq!(name("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), "debian");
        assert_eq!(
            name("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
            "fedora"
        );
        assert_eq!(name("ID=manjaro\nID_LIKE=arch\n"), "arch");
        assert_eq!(name("ID=void\n"), "other");
        assert_eq!(name(""), "other");
    }

    #[test]
    fn a_package_that_dpkg_does_not_know_is_absent() -> Result<()> {
        if !has_apt() {
            return Ok(());
        }
        assert_eq!(
            absent(&["dpkg", "chief-no-such-package"])?,
            ["chief-no-such-package"]
        );
        Ok(())
    }
}
