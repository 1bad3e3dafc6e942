//! Programs of a desktop that are played by python-dbusmock, which writes every call down: who shows
//! notifications, and who shows icons beside the clock.

use super::{Desktop, until};
use anyhow::{Context, Result};
use std::{fs, path::PathBuf, process::Stdio};
use tokio::process::Child;

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// One of them; it ends with the test.
pub struct Mock<'d> {
    desktop: &'d Desktop,
    log: PathBuf,
    _process: Child,
}

impl<'d> Mock<'d> {
    /// Shows notifications from now on, in the place of the desktop's own.
    pub async fn notifications(desktop: &'d Desktop) -> Result<Self> {
        let bus = ["org.freedesktop.DBus", "/org/freedesktop/DBus"];
        let method = "org.freedesktop.DBus.GetConnectionUnixProcessID";
        let pid = gdbus(desktop, bus, &[method, NOTIFICATIONS]).await?;
        let pid: String = pid.split_whitespace().last().unwrap_or_default().into();
        let pid: String = pid.chars().filter(char::is_ascii_digit).collect();
        desktop.run("kill", &[&pid]).await?;
        until("the old one to be gone", async || {
            Ok((!is_there(desktop, NOTIFICATIONS).await?).then_some(()))
        })
        .await?;
        let arguments = [
            "--template",
            "notification_daemon",
            "-p",
            "{\"capabilities\":\"body body-markup actions\"}",
        ];
        Self::start(desktop, NOTIFICATIONS, &arguments).await
    }

    /// Shows icons beside the clock from now on.
    pub async fn tray(desktop: &'d Desktop) -> Result<Self> {
        let arguments = ["--session", WATCHER, "/StatusNotifierWatcher", WATCHER];
        let mock = Self::start(desktop, WATCHER, &arguments).await?;
        let at = [WATCHER, "/StatusNotifierWatcher"];
        let host = ["IsStatusNotifierHostRegistered", "<true>"];
        let property = "org.freedesktop.DBus.Mock.AddProperty";
        gdbus(desktop, at, &[&[property, WATCHER], &host[..]].concat()).await?;
        let method = "org.freedesktop.DBus.Mock.AddMethod";
        let item = ["RegisterStatusNotifierItem", "s", "", ""];
        gdbus(desktop, at, &[&[method, WATCHER], &item[..]].concat()).await?;
        Ok(mock)
    }

    async fn start(desktop: &'d Desktop, name: &str, arguments: &[&str]) -> Result<Self> {
        let log = desktop.home.join(format!("{name}.log"));
        let process = desktop
            .command("/usr/bin/python3")
            .args(["-u", "-m", "dbusmock"])
            .args(arguments)
            .stdout(fs::File::create(&log)?)
            .stderr(Stdio::null())
            .spawn()
            .context("python3-dbusmock")?;
        until("dbusmock to answer", async || {
            Ok(is_there(desktop, name).await?.then_some(()))
        })
        .await?;
        Ok(Self {
            desktop,
            log,
            _process: process,
        })
    }

    /// Every call of this method, as it was written down.
    pub fn calls(&self, method: &str) -> Result<Vec<String>> {
        let text = fs::read_to_string(&self.log)?;
        let name = format!(" {method}");
        Ok(text
            .lines()
            .filter(|line| line.contains(&name))
            .map(str::to_owned)
            .collect())
    }

    /// What the menu of the icon holds, as the program of that process tells it.
    pub async fn menu(&self, pid: u32) -> Result<String> {
        let registered = self.calls("RegisterStatusNotifierItem")?;
        let item = registered.last().and_then(|call| call.split('"').nth(1));
        let menu = format!("{}/Menu", item.context("there is an icon")?);
        let bus = ["org.freedesktop.DBus", "/org/freedesktop/DBus"];
        let names = gdbus(self.desktop, bus, &["org.freedesktop.DBus.ListNames"]).await?;
        for name in names.split('\'').filter(|name| name.starts_with(':')) {
            let method = "org.freedesktop.DBus.GetConnectionUnixProcessID";
            let owner = gdbus(self.desktop, bus, &[method, name]).await;
            let asked = ["com.canonical.dbusmenu.GetLayout", "0", "--", "-1", "[]"];
            if owner.is_ok_and(|owner| owner.contains(&format!("uint32 {pid},")))
                && let Ok(told) = gdbus(self.desktop, [name, &menu], &asked).await
            {
                return Ok(told);
            }
        }
        anyhow::bail!("no menu at {menu}")
    }

    /// Presses a button of a notification.
    pub async fn press(&self, id: &str, button: &str) -> Result<()> {
        let at = [NOTIFICATIONS, "/org/freedesktop/Notifications"];
        let method = "org.freedesktop.DBus.Mock.EmitSignal";
        let said = format!("[<uint32 {id}>, <'{button}'>]");
        let signal = [NOTIFICATIONS, "ActionInvoked", "us", &said];
        gdbus(self.desktop, at, &[&[method], &signal[..]].concat())
            .await
            .map(drop)
    }
}

async fn gdbus(desktop: &Desktop, [name, path]: [&str; 2], call: &[&str]) -> Result<String> {
    let at = ["call", "--session", "--dest", name, "--object-path", path];
    desktop
        .run("gdbus", &[&at[..], &["--method"], call].concat())
        .await
}

async fn is_there(desktop: &Desktop, name: &str) -> Result<bool> {
    let bus = ["org.freedesktop.DBus", "/org/freedesktop/DBus"];
    let asked = gdbus(desktop, bus, &["org.freedesktop.DBus.NameHasOwner", name]).await?;
    Ok(asked.contains("true"))
}
