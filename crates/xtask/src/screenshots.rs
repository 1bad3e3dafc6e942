//! The README's pictures: the real window, in a desktop of its own, light and dark.

use std::fs;

use anyhow::Result;

use crate::bench::seeded::{Fill, Seeded};
use crate::desktop::{Desktop, Keyring, Theme};
use crate::process::root;
use crate::run::{self, tour};
use crate::setup::{self, Consent, Purpose};
use crate::webdriver::Window;

/// `cargo xtask screenshots`: docs/pictures/{first-run,cards,integration,add}-{light,dark}.png.
pub fn command(consent: Consent) -> Result<()> {
    setup::prepare(Purpose::Desktop, consent)?;
    let app = run::build()?;
    let folder = root().join("docs/pictures");
    fs::create_dir_all(&folder)?;
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        let take = |what: &str, window: &Window| -> Result<()> {
            let path = folder.join(format!("{what}-{name}.png"));
            fs::write(&path, window.picture()?)?;
            println!("{}", path.display());
            Ok(())
        };
        let empty = Desktop::start(Keyring::Unlocked, theme)?;
        let window = Window::open(&empty, &app)?;
        tour::wait_for_offer(&window)?;
        take("first-run", &window)?;
        drop(window);
        drop(empty);

        let desktop = Desktop::start(Keyring::Unlocked, theme)?;
        let _seeded = Seeded::start(&desktop, Fill::Demo)?;
        let window = Window::open(&desktop, &app)?;
        tour::wait_for_cards(&window, 6)?;
        take("cards", &window)?;
        tour::open_add(&window)?;
        take("add", &window)?;
        window.run("document.querySelector('dialog[open]').close()")?;
        tour::open_sample(&window)?;
        take("integration", &window)?;
    }
    Ok(())
}
