//! A small WebDriver client (W3C WebDriver, https://www.w3.org/TR/webdriver2/) for the app's own window, by way of
//! WebKitWebDriver: the few commands that a first run, the pictures and the measurements need.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::desktop::Desktop;
use crate::interrupt::{self, Registered};
use crate::process::{end_group, own_group};

/// The key of an element's id in an answer (WebDriver section 11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Two frames, then the end of every animation that has one, for a second at most.
const SETTLE: &str = "const done = arguments[0]; \
    const ends = (a) => a.effect && a.effect.getComputedTiming().endTime !== Infinity; \
    const rest = () => Promise.allSettled(document.getAnimations().filter(ends).map((a) => a.finished)); \
    const late = new Promise((over) => setTimeout(over, 1000)); \
    requestAnimationFrame(() => requestAnimationFrame(() => Promise.race([rest(), late]).then( \
        () => requestAnimationFrame(() => done(true)))));";

/// The app's window, driven. Ends the app and the driver when dropped.
pub struct Window {
    driver: Child,
    _entry: Registered,
    agent: ureq::Agent,
    base: String,
    session: Option<String>,
    asked_for: Instant,
}

/// One element of the page.
pub struct Element(String);

impl Window {
    /// Starts the app in the desktop and waits for its page.
    pub fn open(desktop: &Desktop, app: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = desktop.command("WebKitWebDriver");
        command
            .args(["--host=127.0.0.1", &format!("--port={port}")])
            // What makes Tauri's WebView accept a driver.
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        own_group(&mut command);
        let driver = command
            .spawn()
            .context("could not start WebKitWebDriver (package webkit2gtk-driver)")?;
        let mut window = Self {
            _entry: interrupt::group(driver.id()),
            driver,
            agent: ureq::Agent::new_with_config(
                ureq::Agent::config_builder()
                    .http_status_as_error(false)
                    .timeout_global(Some(Duration::from_secs(60)))
                    .build(),
            ),
            base: format!("http://127.0.0.1:{port}"),
            session: None,
            asked_for: Instant::now(),
        };
        window.wait_until_up()?;
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "webkitgtk:browserOptions": {"binary": app, "args": []}
        }}});
        window.asked_for = Instant::now();
        let answer = window.send("/session", &capabilities)?;
        let id = answer["sessionId"]
            .as_str()
            .with_context(|| format!("the driver opened no session: {answer}"))?;
        window.session = Some(id.to_owned());
        Ok(window)
    }

    /// When the driver was asked to start the program.
    pub fn asked_for(&self) -> Instant {
        self.asked_for
    }

    fn wait_until_up(&self) -> Result<()> {
        let began = Instant::now();
        while self
            .agent
            .get(format!("{}/status", self.base))
            .call()
            .is_err()
        {
            if began.elapsed() > Duration::from_secs(10) {
                bail!("WebKitWebDriver does not answer");
            }
            thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    /// Waits until the page has an element for this CSS selector.
    pub fn wait_for(&self, css: &str, limit: Duration) -> Result<Element> {
        let began = Instant::now();
        loop {
            match self.find(css)? {
                Some(element) => return Ok(element),
                None if began.elapsed() > limit => bail!(
                    "the page shows no {css} after {} s; it says: {}",
                    limit.as_secs(),
                    self.text().unwrap_or_default()
                ),
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn find(&self, css: &str) -> Result<Option<Element>> {
        let found = self.command("/elements", &json!({"using": "css selector", "value": css}))?;
        Ok(found[0][ELEMENT].as_str().map(|id| Element(id.to_owned())))
    }

    pub fn click(&self, element: &Element) -> Result<()> {
        self.command(&format!("/element/{}/click", element.0), &json!({}))?;
        Ok(())
    }

    /// What a script in the page returns (`return …`).
    pub fn run(&self, script: &str) -> Result<Value> {
        self.command("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The page's visible text.
    pub fn text(&self) -> Result<String> {
        let text = self.run("return document.body ? document.body.innerText : ''")?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// The page as a PNG, once it is painted and what moves has come to rest.
    pub fn picture(&self) -> Result<Vec<u8>> {
        self.command("/execute/async", &json!({"script": SETTLE, "args": []}))?;
        let session = self.session.as_deref().unwrap_or_default();
        let url = format!("{}/session/{session}/screenshot", self.base);
        let mut answer = self.agent.get(url).call()?;
        let answer: Value = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_json()?;
        let picture = answer["value"]
            .as_str()
            .with_context(|| format!("the driver made no picture: {answer}"))?;
        Ok(STANDARD.decode(picture)?)
    }

    fn command(&self, path: &str, body: &Value) -> Result<Value> {
        let session = self.session.as_deref().context("no session is open")?;
        self.send(&format!("/session/{session}{path}"), body)
    }

    fn send(&self, path: &str, body: &Value) -> Result<Value> {
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.base))
            .send_json(body)
            .with_context(|| format!("WebKitWebDriver did not answer {path}"))?;
        let status = answer.status();
        let answer: Value = answer.body_mut().read_json()?;
        if !status.is_success() {
            bail!(
                "WebKitWebDriver refused {path}: {}",
                answer["value"]["message"]
            );
        }
        Ok(answer["value"].clone())
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            // Closes the window; if it does not, the group's end does.
            let _ = self
                .agent
                .delete(format!("{}/session/{session}", self.base))
                .call();
        }
        end_group(&mut self.driver);
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
