//! A newcomer's first steps in the window, by WebDriver.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::webdriver::Window;

/// How long the page may take to show what is waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits for the empty first page, which offers the sample.
pub fn wait_for_offer(window: &Window) -> Result<()> {
    window
        .wait_for("[data-testid=\"connect-sample\"]", LIMIT)
        .map(drop)
}

/// Clicks the offer and waits until the list shows a card.
pub fn connect_sample(window: &Window) -> Result<()> {
    let connect = window.wait_for("[data-testid=\"connect-sample\"]", LIMIT)?;
    window.click(&connect)?;
    wait_for_cards(window, 1)
}

/// Waits until the list shows at least so many cards.
pub fn wait_for_cards(window: &Window, count: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let shown =
            window.run("return document.querySelectorAll('[data-testid=\"card\"]').length")?;
        if shown.as_u64().is_some_and(|shown| shown >= count as u64) {
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            bail!("the list shows {shown} cards, not {count}");
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Opens the page of the sample's card and waits for its tools.
pub fn open_sample(window: &Window) -> Result<()> {
    let link = window.wait_for("[data-testid=\"card\"][aria-label*=\"ample\"] h2 a", LIMIT)?;
    window.click(&link)?;
    window.wait_for("[data-testid=\"tool\"]", LIMIT).map(drop)
}

/// Opens the sheet that connects something new.
pub fn open_add(window: &Window) -> Result<()> {
    let add = window.wait_for("[data-testid=\"add-integration\"]", LIMIT)?;
    window.click(&add)?;
    window
        .wait_for("[data-testid=\"sheet\"][open]", LIMIT)
        .map(drop)
}
