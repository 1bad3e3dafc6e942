//! The admin's browser: a real Chromium, started by the desktop as its handler of web addresses and
//! then used, by chromedriver, as a person would use it.

use super::{
    Desktop,
    app::{free_port, listening},
    until,
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};
use tempfile::TempDir;
use thirtyfour::{By, Capabilities, WebDriver};
use tokio::process::Child;

const FLAGS: &str = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --disable-dev-shm-usage --password-store=basic --remote-debugging-port=0";

/// The desktop's browser.
pub struct Browser {
    /// One profile for each address that was opened, outside HOME: what a browser keeps is its own.
    profiles: TempDir,
    driver: Child,
    driver_port: u16,
    seen: BTreeSet<PathBuf>,
}

/// The browser's window on one address that it was given.
pub struct Opened {
    pub page: WebDriver,
    pid: i32,
}

/// Makes a script the desktop's handler of web addresses, as its settings would; `$1`: the address.
fn opens_addresses(desktop: &Desktop, script: &str) -> Result<()> {
    let program = desktop.home.join("bin/browser");
    let applications = desktop.home.join(".local/share/applications");
    for folder in [&desktop.home.join("bin"), &applications] {
        fs::create_dir_all(folder)?;
    }
    fs::write(&program, format!("#!/bin/sh\n{script}"))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    fs::write(
        applications.join("test-browser.desktop"),
        format!(
            "[Desktop Entry]\nType=Application\nName=Browser\nExec={} %u\nNoDisplay=true\n\
             MimeType=x-scheme-handler/http;x-scheme-handler/https;\n",
            program.display()
        ),
    )?;
    fs::write(
        desktop.home.join(".config/mimeapps.list"),
        "[Default Applications]\nx-scheme-handler/http=test-browser.desktop\n\
         x-scheme-handler/https=test-browser.desktop\n",
    )?;
    Ok(())
}

/// A browser that only writes down what it is given: for addresses that lead out of this computer. The
/// file, an address on each line.
pub fn writes_down(desktop: &Desktop) -> Result<PathBuf> {
    let file = desktop.home.join("opened");
    opens_addresses(
        desktop,
        &format!("printf '%s\\n' \"$1\" >>{}\n", file.display()),
    )?;
    Ok(file)
}

impl Browser {
    /// Makes Chromium the desktop's handler of web addresses, as its settings would.
    pub async fn install(desktop: &Desktop) -> Result<Self> {
        let profiles = tempfile::Builder::new()
            .prefix("chief-browser-")
            .tempdir()?;
        let folder = profiles.path().display();
        // The shell's id is Chromium's own once it has taken its place.
        let script = format!(
            "profile=$(mktemp -d {folder}/XXXXXX)\nprintf %s \"$1\" >$profile/address\n\
             echo $$ >$profile/pid\n\
             exec chromium {FLAGS} --user-data-dir=$profile \"$1\" >$profile/log 2>&1\n"
        );
        opens_addresses(desktop, &script)?;
        let driver_port = free_port().await?;
        let driver = desktop
            .command("chromedriver")
            .arg(format!("--port={driver_port}"))
            .stdout(Stdio::null())
            .spawn()
            .context("chromedriver (package chromium-driver)")?;
        listening(driver_port).await?;
        Ok(Self {
            profiles,
            driver,
            driver_port,
            seen: BTreeSet::new(),
        })
    }

    /// The addresses it was given so far.
    pub fn asked(&self) -> Result<Vec<String>> {
        let profiles = profiles(self.profiles.path())?;
        let addresses = profiles.iter().map(|profile| {
            let address = profile.join("address");
            fs::read_to_string(&address).with_context(|| address.display().to_string())
        });
        addresses.collect()
    }

    /// Waits until the desktop has given it another address.
    pub async fn opened(&mut self) -> Result<Opened> {
        let (folder, seen) = (self.profiles.path(), &self.seen);
        let (profile, port) = until("the browser to be opened", async || {
            let all = profiles(folder)?;
            let Some(new) = all.into_iter().find(|each| !seen.contains(each)) else {
                return Ok(None);
            };
            // Written when it listens: the port, and a path on the next line.
            let told = fs::read_to_string(new.join("DevToolsActivePort")).with_context(|| {
                let said = fs::read_to_string(new.join("log")).unwrap_or_default();
                format!("chromium does not listen yet: {said}")
            })?;
            let port: u16 = told.lines().next().unwrap_or_default().parse()?;
            Ok(Some((new, port)))
        })
        .await?;
        self.seen.insert(profile.clone());
        let mut wanted = Capabilities::new();
        wanted.set("browserName", "chrome")?;
        wanted.set(
            "goog:chromeOptions",
            json!({ "debuggerAddress": format!("127.0.0.1:{port}") }),
        )?;
        let page = WebDriver::new(format!("http://127.0.0.1:{}", self.driver_port), wanted).await?;
        let pid = fs::read_to_string(profile.join("pid"))?.trim().parse()?;
        Ok(Opened { page, pid })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.start_kill();
    }
}

fn profiles(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        found.insert(entry?.path());
    }
    Ok(found)
}

impl Opened {
    /// Signs in, agrees, and waits for the page that sends back to Chief. Knows the forms of the
    /// peer `oidc`.
    pub async fn sign_in(&self, account: &str) -> Result<()> {
        let page = &self.page;
        let login = until("the sign-in form", async || {
            Ok(page.find(By::Css("input[name=login]")).await.ok())
        })
        .await?;
        login.send_keys(account).await?;
        let password = page.find(By::Css("input[name=password]")).await?;
        password.send_keys("any password").await?;
        page.find(By::Css("button[type=submit]"))
            .await?
            .click()
            .await?;
        until("the consent form", async || {
            let consent = By::Css("input[name=prompt][value=consent]");
            Ok(page.find(consent).await.ok())
        })
        .await?;
        page.find(By::Css("button[type=submit]"))
            .await?
            .click()
            .await?;
        let url = until("the page at the end", async || {
            let url = page.current_url().await?;
            Ok((url.path() == "/callback").then_some(url))
        })
        .await?;
        ensure!(
            url.host_str() == Some("127.0.0.1") && url.scheme() == "http",
            "the browser ended at {}",
            url.host_str().unwrap_or_default()
        );
        Ok(())
    }

    /// Types a code that another screen shows, signs in and agrees. Knows the forms of the peer `oidc`.
    pub async fn type_code(&self, code: &str, account: &str) -> Result<()> {
        let page = &self.page;
        let field = until("the form for the code", async || {
            Ok(page.find(By::Css("input[name=user_code]")).await.ok())
        })
        .await?;
        field.clear().await?;
        field.send_keys(code).await?;
        let press = async |what: &str, sign: &str| {
            page.find(By::Css("button[type=submit]"))
                .await?
                .click()
                .await?;
            until(what, async || Ok(page.find(By::Css(sign)).await.ok())).await
        };
        press(
            "the question whether it is the same code",
            "form:not(:has([name=user_code]:not([type=hidden])))",
        )
        .await?;
        let login = press("the sign-in form", "input[name=login]").await?;
        login.send_keys(account).await?;
        let password = page.find(By::Css("input[name=password]")).await?;
        password.send_keys("any password").await?;
        press("the consent form", "input[name=prompt][value=consent]").await?;
        press("the page at the end", "body:not(:has(form))").await?;
        Ok(())
    }

    /// The last page's heading and where its link leads.
    pub async fn last_page(&self) -> Result<(String, String)> {
        let page = &self.page;
        let heading = until("the last page's heading", async || {
            Ok(page.find(By::Css("h1")).await.ok())
        })
        .await?;
        let link = page.find(By::Css("main a")).await?;
        let target = link.attr("href").await?.unwrap_or_default();
        Ok((heading.text().await?, target))
    }

    /// The page, as target/desktop/NAME.png.
    pub async fn picture(&self, name: &str) -> Result<()> {
        let png = self.page.screenshot_as_png().await?;
        fs::write(super::desktop::pictures()?.join(format!("{name}.png")), png)?;
        Ok(())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let _ = self.page.clone().leak();
        // The admin closes it.
        let _ = std::process::Command::new("kill")
            .arg(self.pid.to_string())
            .status();
    }
}
