//! A headless Chromium by chromedriver, which writes down what the page does wrong.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::process::Stdio;
use thirtyfour::{ChromiumLikeCapabilities, DesiredCapabilities, WebDriver};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--password-store=basic",
    "--lang=en-US",
    "--window-size=1280,860",
];

/// Before anything of the page's runs: the CSP's violations, errors thrown, errors written.
const WATCH: &str = r"
    window.complaints = [];
    const complain = (...words) => window.complaints.push(words.map(String).join(' '));
    document.addEventListener('securitypolicyviolation',
        e => complain('CSP', e.violatedDirective, e.blockedURI, e.sourceFile, e.sample));
    window.addEventListener('error', e => complain('thrown', e.message));
    window.addEventListener('unhandledrejection', e => complain('rejected', e.reason));
    const error = console.error;
    console.error = (...words) => { complain('console', ...words); error(...words); };
";

/// chromedriver; its browsers end with it.
pub struct Browser {
    _driver: Child,
    port: u16,
}

impl Browser {
    /// Starts chromedriver on a port of its own choice.
    ///
    /// # Errors
    /// Where chromedriver is missing or does not start.
    pub async fn start() -> Result<Self> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver is not installed: `cargo xtask test` installs it")?;
        let out = driver.stdout.take().context("chromedriver has a stdout")?;
        let mut lines = BufReader::new(out).lines();
        while let Some(line) = lines.next_line().await? {
            let port = line
                .split_once("started successfully on port ")
                .and_then(|(_, rest)| rest.trim_end_matches('.').parse().ok());
            if let Some(port) = port {
                // What it says later must not fill the pipe.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self {
                    _driver: driver,
                    port,
                });
            }
        }
        anyhow::bail!("chromedriver ended without starting")
    }

    /// A new window on `url`.
    ///
    /// # Errors
    /// Where Chromium does not start or the page does not load.
    pub async fn open(&self, url: &str) -> Result<WebDriver> {
        let mut capabilities = DesiredCapabilities::chrome();
        for flag in FLAGS {
            capabilities.add_arg(flag)?;
        }
        let page = WebDriver::new(format!("http://127.0.0.1:{}", self.port), capabilities)
            .await
            .context("no session with Chromium")?;
        page.cdp()
            .send_raw(
                "Page.addScriptToEvaluateOnNewDocument",
                json!({ "source": WATCH }),
            )
            .await?;
        page.goto(url).await?;
        Ok(page)
    }
}

/// What the page did wrong since it was loaded.
///
/// # Errors
/// Where the page cannot be asked, or was not watched.
pub async fn complaints(page: &WebDriver) -> Result<Vec<String>> {
    let found = page
        .execute("return window.complaints ?? null", vec![])
        .await?;
    ensure!(!found.json().is_null(), "the page was not watched");
    Ok(found.convert()?)
}

/// The serious and critical violations of the accessibility rules (axe-core) on the page as it is.
///
/// # Errors
/// Where axe-core is not installed.
pub async fn violations(page: &WebDriver) -> Result<Vec<String>> {
    let peers = std::env::var("CHIEF_PEERS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/peers").to_owned());
    let axe = tokio::fs::read_to_string(format!("{peers}/node_modules/axe-core/axe.min.js"))
        .await
        .context("axe-core is not installed: `cargo xtask test` installs it")?;
    page.execute(axe, vec![]).await?;
    let found = page
        .execute_async(
            "const done = arguments[0];
             axe.run().then(result => done(result.violations
                 .filter(v => ['serious', 'critical'].includes(v.impact))
                 .map(v => `${v.impact} ${v.id}: ` + v.nodes.slice(0, 3)
                     .map(n => n.html + ' (' + n.failureSummary + ')').join('; '))))",
            vec![],
        )
        .await?;
    Ok(found.convert()?)
}
