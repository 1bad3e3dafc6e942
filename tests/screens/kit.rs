//! What every screen test stands on: an engine, its host, a browser on it, and a server of the
//! test's own to connect to.

pub mod api;
pub mod browser;
#[expect(dead_code, reason = "shared: the screens use a part of it")]
#[path = "../journeys/kit/changing.rs"]
pub mod changing;
#[expect(dead_code, reason = "shared: the screens use a part of it")]
#[path = "../journeys/kit/mcp.rs"]
pub mod mcp;
#[expect(dead_code, reason = "shared: the screens use a part of it")]
#[path = "../journeys/kit/scripted.rs"]
pub mod scripted;

use anyhow::{Context, Result, bail, ensure};
use browser::Browser;
use chief_tests::{
    host::{self, HostDesk, Running},
    peers::sign_in::{Answer, sign_in},
};
use engine::{
    fakes::MemoryKeyring,
    ports::{Ports, SystemClock},
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use thirtyfour::{By, Key, WebDriver, WebElement, prelude::ElementQueryable};

/// Longest wait for something that the page does by itself.
const PATIENCE: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(50);

/// One window: a page in a browser on an engine of its own.
pub struct Screen {
    pub page: WebDriver,
    host: Option<Running>,
    url: String,
    _browser: Browser,
    folder: tempfile::TempDir,
}

impl Screen {
    /// An empty data folder, opened on the first page.
    pub async fn open() -> Result<Self> {
        Self::with_keyring(Arc::new(MemoryKeyring::default())).await
    }

    /// The same with a keyring that the test has prepared.
    pub async fn with_keyring(keyring: Arc<MemoryKeyring>) -> Result<Self> {
        // The sign-in page opens nowhere: a screen shows that it waits.
        Self::with(keyring, |_| {}).await
    }

    /// The same with what opens a URL in the system's browser.
    pub async fn with(
        keyring: Arc<MemoryKeyring>,
        open: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chief-screen-").tempdir()?;
        let dist = std::env::var_os("CHIEF_UI_DIST").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/dist")),
            PathBuf::from,
        );
        let desk = Arc::new(HostDesk::new(open));
        let host = host::start(folder.path(), &dist, 0, desk, |desk| Ports {
            clock: Arc::new(SystemClock),
            desk,
            keyring,
        })
        .await?;
        let url = host.url();
        let browser = Browser::start().await?;
        let page = browser.open(&url).await?;
        let screen = Self {
            page,
            host: Some(host),
            url,
            _browser: browser,
            folder,
        };
        screen.see("#title").await?;
        Ok(screen)
    }

    /// A window for whom Ann signs in wherever a browser is opened.
    pub async fn signing_in() -> Result<Self> {
        let runtime = tokio::runtime::Handle::current();
        Self::with(Arc::new(MemoryKeyring::default()), move |link| {
            let link = link.to_owned();
            runtime.spawn(async move { sign_in(&link, "ann", Answer::Agree).await });
        })
        .await
    }

    /// Where the data lies.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Puts a manifest of a provider where the app reads more of them.
    pub fn add_manifest(&self, file: &str, text: &str) -> Result<()> {
        let folder = self.folder.path().join("config/providers");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(file), text)?)
    }

    /// So many old rows, written past the engine.
    pub fn add_rows(&self, count: u32) -> Result<()> {
        chief_tests::rows::add(self.folder.path(), count)
    }

    /// Ends the engine's host, as if the app had died behind its page.
    pub fn lose_the_app(&mut self) {
        self.host = None;
    }

    /// Goes to an address of the UI, such as `#/activity`.
    pub async fn go(&self, fragment: &str) -> Result<()> {
        self.page.goto(format!("{}{fragment}", self.url)).await?;
        self.see("#title").await.map(drop)
    }

    /// The element of a CSS selector, as soon as it is there and can be seen.
    pub async fn see(&self, css: &str) -> Result<WebElement> {
        let found = self
            .page
            .query(By::Css(css))
            .ignore_errors(true)
            .wait(PATIENCE, GLANCE)
            .and_displayed()
            .first()
            .await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => {
                let text = self.text("body").await.unwrap_or_default();
                Err(error).with_context(|| format!("{css} was not seen; the page says:\n{text}"))
            }
        }
    }

    /// Waits until nothing has this selector.
    pub async fn gone(&self, css: &str) -> Result<()> {
        self.until(&format!("{css} is gone"), async || {
            Ok(self.page.find_all(By::Css(css)).await?.is_empty())
        })
        .await
    }

    /// How many elements have this selector now.
    pub async fn count(&self, css: &str) -> Result<usize> {
        Ok(self.page.find_all(By::Css(css)).await?.len())
    }

    /// What can be read of the first element of a selector.
    pub async fn text(&self, css: &str) -> Result<String> {
        Ok(self.page.find(By::Css(css)).await?.text().await?)
    }

    /// Waits until the element says this.
    pub async fn reads(&self, css: &str, words: &str) -> Result<()> {
        let seen = self
            .until(&format!("{css} reads “{words}”"), async || {
                Ok(self.text(css).await.unwrap_or_default().contains(words))
            })
            .await;
        match seen {
            Ok(()) => Ok(()),
            Err(error) => {
                let text = self.text("body").await.unwrap_or_default();
                Err(error).with_context(|| format!("the page says:\n{text}"))
            }
        }
    }

    /// Waits until `holds`.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if holds().await? {
                return Ok(());
            }
            tokio::time::sleep(GLANCE).await;
        }
        bail!("waited {} s until {what}", PATIENCE.as_secs())
    }

    /// Presses the button, link or tab with these words or this accessible name, in the sheet
    /// in front where one is open.
    pub async fn press(&self, words: &str) -> Result<()> {
        let quoted = format!("\"{words}\"");
        let here = format!(
            "[normalize-space()={quoted} or @aria-label={quoted} or starts-with(normalize-space(), {quoted})]"
        );
        let button = format!("//button{here} | //a{here} | //summary{here}");
        let in_sheet = format!("(//dialog[@open])[last()]//button{here}");
        let path = if self.count("dialog[open]").await? > 0 {
            in_sheet
        } else {
            button
        };
        let found = self
            .page
            .query(By::XPath(path))
            .ignore_errors(true)
            .wait(PATIENCE, GLANCE)
            .and_displayed()
            .and_enabled()
            .first()
            .await
            .with_context(|| format!("no button “{words}”"))?;
        found.scroll_into_view().await?;
        Ok(found.click().await?)
    }

    /// Clicks what has this selector.
    pub async fn click(&self, css: &str) -> Result<()> {
        let element = self.see(css).await?;
        element.scroll_into_view().await?;
        Ok(element.click().await?)
    }

    /// Fills a field with this and nothing else.
    pub async fn fill(&self, id: &str, text: &str) -> Result<()> {
        let field = self.see(&format!("#{id}")).await?;
        field.send_keys(Key::Control + "a").await?;
        field.send_keys(Key::Delete + "").await?;
        Ok(field.send_keys(text).await?)
    }

    /// What a field holds now.
    pub async fn value(&self, id: &str) -> Result<String> {
        let field = self.see(&format!("#{id}")).await?;
        Ok(field.value().await?.unwrap_or_default())
    }

    /// Sends keys to whatever has the focus.
    pub async fn keys(&self, keys: impl Into<thirtyfour::TypingData>) -> Result<()> {
        let focused = self.page.active_element().await?;
        Ok(focused.send_keys(keys).await?)
    }

    /// The accessible name, or the text, of what has the focus.
    pub async fn focused(&self) -> Result<String> {
        let element = self.page.active_element().await?;
        match element.attr("aria-label").await? {
            Some(label) => Ok(label),
            None => Ok(element.text().await?),
        }
    }

    /// Connects the sample from the first page and waits for its card.
    pub async fn connect_sample(&self) -> Result<()> {
        self.click("[data-testid=connect-sample]").await?;
        self.see("[data-testid=card][data-status=healthy]")
            .await
            .map(drop)
    }

    /// The one integration that is connected.
    pub async fn integration(&self) -> Result<wire::IntegrationId> {
        let host = self.host.as_ref().context("the app runs")?;
        let request = serde_json::json!({});
        let cards = engine::commands::answer(&host.engine, "list_integrations", request).await?;
        let cards: Vec<wire::CardView> = serde_json::from_value(cards)?;
        Ok(cards.first().context("a card")?.id)
    }

    /// Connects an MCP server on this computer, as the Add sheet does, and waits until it stands.
    pub async fn connect_mcp(&self, url: &str) -> Result<wire::IntegrationId> {
        let host = self.host.as_ref().context("the app runs")?;
        let request = serde_json::json!({
            "target": { "kind": "mcp", "name": "Items", "url": url, "auth": { "auth": "discover" } },
            "confirmed": { "private_address": true },
        });
        let answer = async |name: &str, request| -> Result<wire::AttemptView> {
            let answer = engine::commands::answer(&host.engine, name, request).await?;
            Ok(serde_json::from_value(answer)?)
        };
        let attempt = answer("start_connect", request).await?.id;
        let began = Instant::now();
        loop {
            let view = answer("get_attempt", serde_json::json!({ "id": attempt })).await?;
            match view.phase {
                wire::Phase::Done { integration, .. } => return Ok(integration),
                wire::Phase::Asking { .. } => {
                    let yes = serde_json::json!({
                        "id": attempt, "confirmed": { "private_address": true },
                    });
                    answer("answer_attempt", yes).await?;
                }
                phase if phase.is_over() || began.elapsed() > PATIENCE => {
                    bail!("the attempt stands at {phase:?}")
                }
                wire::Phase::Checking
                | wire::Phase::WaitingForBrowser { .. }
                | wire::Phase::WaitingForCode { .. }
                | wire::Phase::Exchanging
                | wire::Phase::Proving
                | wire::Phase::Failed { .. } => tokio::time::sleep(GLANCE).await,
            }
        }
    }

    /// Asks the engine behind the page.
    pub async fn ask(
        &self,
        command: &str,
        request: serde_json::Value,
    ) -> Result<serde_json::Value> {
        Ok(engine::commands::answer(self.engine()?, command, request).await?)
    }

    /// The engine behind the page.
    pub fn engine(&self) -> Result<&engine::Engine> {
        Ok(&self.host.as_ref().context("the app runs")?.engine)
    }

    /// Looks at the page in both themes, and holds it to the rules of accessibility. `name`: of its pictures.
    pub async fn look(&self, name: &str) -> Result<()> {
        for theme in ["dark", "light"] {
            let set = format!("document.documentElement.dataset.theme = '{theme}'");
            self.page.execute(set, vec![]).await?;
            // Colours that are still moving are not the page's.
            tokio::time::sleep(Duration::from_millis(300)).await;
            let found = browser::violations(&self.page).await?;
            ensure!(found.is_empty(), "{name} in {theme}:\n{}", found.join("\n"));
            self.picture(&format!("{name}-{theme}")).await?;
        }
        Ok(())
    }

    /// The page, as target/screens/NAME.png.
    pub async fn picture(&self, name: &str) -> Result<()> {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screens");
        std::fs::create_dir_all(&folder)?;
        let png = self.page.screenshot_as_png().await?;
        Ok(std::fs::write(folder.join(format!("{name}.png")), png)?)
    }

    /// Calls a tool as an agent would.
    pub async fn call(
        &self,
        id: wire::IntegrationId,
        tool: &str,
        arguments: serde_json::Value,
    ) -> Result<serde_json::Value> {
        let host = self.host.as_ref().context("the app runs")?;
        let because = wire::Because::task("#ops", None);
        let cancel = tokio_util::sync::CancellationToken::new();
        let called = engine::calls::call(&host.engine, id, tool, arguments, because, cancel);
        Ok(called.await?)
    }

    /// Ends the session. Fails where the page broke the CSP, threw, or wrote an error.
    ///
    /// # Errors
    /// With everything the browser had to complain of.
    pub async fn close(self) -> Result<()> {
        let complaints = browser::complaints(&self.page).await?;
        self.page.quit().await?;
        if complaints.is_empty() {
            return Ok(());
        }
        bail!("the page complained:\n{}", complaints.join("\n"))
    }
}
