//! The app's window, driven by WebKitWebDriver as an admin would use it: what is seen, and what is
//! pressed by its name.

use super::{Desktop, desktop::pictures, until};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, process::Stdio};
use thirtyfour::{By, Capabilities, WebDriver, WebElement};
use tokio::process::Child;

/// A running app with its window.
pub struct App<'d> {
    desktop: &'d Desktop,
    driver: Child,
    pub page: WebDriver,
    pub pid: u32,
}

/// The window's title.
pub const TITLE: &str = "Chief Integrations";

impl<'d> App<'d> {
    /// Starts the app and waits for its page.
    pub async fn start(desktop: &'d Desktop) -> Result<Self> {
        Self::start_with(desktop, &[]).await
    }

    /// The same, with more in its environment.
    pub async fn start_with(desktop: &'d Desktop, more: &[(&'static str, String)]) -> Result<Self> {
        let port = free_port().await?;
        let driver = desktop
            .command("WebKitWebDriver")
            .args(["--host=127.0.0.1", &format!("--port={port}")])
            // What makes Tauri's WebView accept a driver.
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .spawn()
            .context("WebKitWebDriver (package webkit2gtk-driver)")?;
        listening(port).await?;
        let mut wanted = Capabilities::new();
        wanted.set(
            "webkitgtk:browserOptions",
            json!({ "binary": desktop.app(), "args": [] }),
        )?;
        let page = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await?;
        let pid = until("the app's process", async || {
            Ok(desktop.apps()?.first().copied())
        })
        .await?;
        let app = Self {
            desktop,
            driver,
            page,
            pid,
        };
        app.see("nav.side").await?;
        Ok(app)
    }

    /// Presses a dialog's button whose window goes with it: by the page itself and a moment later, since the
    /// driver would lose its session in the middle of the click.
    pub async fn press_later(&self, words: &str) -> Result<()> {
        let press = format!(
            "setTimeout(() => [...document.querySelectorAll('dialog[open] button')]\
             .find(button => button.textContent.trim() === '{words}').click(), 200)"
        );
        self.page.execute(press, vec![]).await?;
        Ok(())
    }

    /// Quits as an admin does where no icon beside the clock is: closes the window, and says that it is
    /// meant.
    pub async fn quit(mut self) -> Result<()> {
        self.desktop.run("wmctrl", &["-c", TITLE]).await?;
        self.read("dialog[open]", "Until it is started again")
            .await?;
        self.press_later("Quit").await?;
        let (desktop, pid) = (self.desktop, self.pid);
        until("the app to end", async || {
            Ok((!desktop.apps()?.contains(&pid)).then_some(()))
        })
        .await?;
        // The session went with the window.
        let _ = self.page.clone().leak();
        self.driver.kill().await?;
        Ok(())
    }

    /// The app dies where it stands.
    pub async fn die(mut self) -> Result<()> {
        let pid = self.pid.to_string();
        self.desktop.run("kill", &["-9", &pid]).await?;
        until("the app to die", async || {
            Ok((!self.desktop.apps()?.contains(&self.pid)).then_some(()))
        })
        .await?;
        until("its name to be free", async || {
            Ok((!self.desktop.is_named().await?).then_some(()))
        })
        .await?;
        let _ = self.page.clone().leak();
        self.driver.kill().await?;
        Ok(())
    }

    /// Where it runs.
    pub fn desktop(&self) -> &'d Desktop {
        self.desktop
    }

    // --- looking ---------------------------------------------------------------------------------

    /// Waits until the page shows this.
    pub async fn see(&self, css: &str) -> Result<WebElement> {
        self.find(By::Css(css), &format!("the page to show {css}"))
            .await
    }

    /// Waits until an element for this selector shows this text.
    pub async fn read(&self, css: &str, text: &str) -> Result<WebElement> {
        let what = format!("{css} to say “{text}”");
        self.wait(&what, async || {
            for element in self.page.find_all(By::Css(css)).await? {
                // As the page lays it out.
                let said = element.prop("innerText").await?.unwrap_or_default();
                if element.is_displayed().await? && said.contains(text) {
                    return Ok(Some(element));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Waits until the page shows none of this.
    pub async fn gone(&self, css: &str) -> Result<()> {
        self.wait(&format!("{css} to go"), async || {
            let left = self.page.find_all(By::Css(css)).await?;
            Ok(left.is_empty().then_some(()))
        })
        .await
    }

    /// How many elements match now.
    pub async fn count(&self, css: &str) -> Result<usize> {
        Ok(self.page.find_all(By::Css(css)).await?.len())
    }

    /// The page's visible text.
    pub async fn text(&self) -> Result<String> {
        let text = self.script("return document.body.innerText").await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// What a script in the page returns.
    pub async fn script(&self, script: &str) -> Result<Value> {
        Ok(self.page.execute(script, Vec::new()).await?.json().clone())
    }

    /// What a script in the page hands to its last argument.
    pub async fn later(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        let said = self.page.execute_async(script, arguments).await?;
        Ok(said.json().clone())
    }

    /// Asks the app through the page's own way to it: its reply, or its refusal.
    pub async fn invoke(&self, command: &str, arguments: Value) -> Result<Result<Value, Value>> {
        let script = "const [command, args, done] = arguments; \
                      window.__TAURI_INTERNALS__.invoke(command, args) \
                      .then((ok) => done({ ok }), (refused) => done({ refused }));";
        let said = self.later(script, vec![json!(command), arguments]).await?;
        Ok(match said.get("refused") {
            Some(refused) => Err(refused.clone()),
            None => Ok(said["ok"].clone()),
        })
    }

    /// The page, as target/desktop/NAME.png.
    pub async fn picture(&self, name: &str) -> Result<()> {
        // What moves has come to rest.
        self.wait("the page to rest", async || {
            let moving = "return document.getAnimations().filter((a) => a.playState === 'running' \
                          && a.effect.getTiming().iterations !== Infinity).length";
            Ok((self.script(moving).await? == 0).then_some(()))
        })
        .await?;
        let png = self.page.screenshot_as_png().await?;
        std::fs::write(pictures()?.join(format!("{name}.png")), png)?;
        Ok(())
    }

    // --- doing -----------------------------------------------------------------------------------

    /// Presses a button or link by its accessible name, in the open sheet if there is one.
    pub async fn press(&self, name: &str) -> Result<()> {
        let what = format!("“{name}” to be there to press");
        self.wait(&what, async || {
            let named = format!("[normalize-space(.)='{name}' or @aria-label='{name}']");
            let within = if self.count("dialog[open]").await? > 0 {
                "//dialog[@open]"
            } else {
                ""
            };
            let path = format!("{within}//button{named} | {within}//a{named}");
            for element in self.page.find_all(By::XPath(path)).await? {
                if element.is_displayed().await? && element.is_enabled().await? {
                    element.click().await?;
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Presses what this selector finds.
    pub async fn click(&self, css: &str) -> Result<()> {
        self.wait(&format!("{css} to be there to press"), async || {
            let element = self.page.find(By::Css(css)).await?;
            let ready = element.is_displayed().await? && element.is_enabled().await?;
            if ready {
                element.click().await?;
            }
            Ok(ready.then_some(()))
        })
        .await
    }

    /// Types into a field.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let field = self.see(css).await?;
        field.clear().await?;
        field.send_keys(text).await?;
        let typed = field.prop("value").await?;
        ensure!(typed.as_deref() == Some(text), "{css} holds {typed:?}");
        Ok(())
    }

    async fn find(&self, by: By, what: &str) -> Result<WebElement> {
        self.wait(what, async || {
            for element in self.page.find_all(by.clone()).await? {
                if element.is_displayed().await? {
                    return Ok(Some(element));
                }
            }
            Ok(None)
        })
        .await
    }

    /// [`until`], and where it fails, what the page says instead.
    async fn wait<T>(&self, what: &str, look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
        match until(what, look).await {
            Ok(seen) => Ok(seen),
            Err(error) => {
                let said = self.text().await.unwrap_or_default();
                Err(error.context(format!("the page says:\n{said}\n")))
            }
        }
    }
}

impl Drop for App<'_> {
    fn drop(&mut self) {
        // A session that was not ended would be ended here by a call that blocks.
        let _ = self.page.clone().leak();
        let _ = self.driver.start_kill();
    }
}

/// A port that is free now.
pub async fn free_port() -> Result<u16> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    Ok(listener.local_addr()?.port())
}

/// Waits until something listens on this port.
pub async fn listening(port: u16) -> Result<()> {
    until(&format!("port {port} to answer"), async || {
        let connected = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        Ok(connected.ok().map(drop))
    })
    .await
}
