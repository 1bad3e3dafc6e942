//! What the engine asks of the desktop: open a URL, bring the window up, tell the page.

use crate::tray;
use engine::ports::Desk;
use tauri::{AppHandle, Emitter, Manager};
use wire::{Changed, Topic};

/// The one window's label; its capability names it too.
pub const WINDOW: &str = "main";

/// The desktop this process runs on.
pub struct Desktop(pub AppHandle);

impl Desk for Desktop {
    fn open_url(&self, url: &str) -> Result<(), String> {
        let url = engine::links::for_browser(url)?;
        // Program and argument, without a shell. The plugin itself is not registered, so that the
        // page has no way to it.
        tauri_plugin_opener::open_url(url.as_str(), None::<&str>).map_err(|error| error.to_string())
    }

    fn raise(&self) {
        raise(&self.0);
    }

    fn changed(&self, changed: &Changed) {
        if let Err(error) = self.0.emit_to(WINDOW, Changed::EVENT, changed) {
            tracing::warn!(%error, "the page was not told of a change");
        }
        if changed.topics.contains(&Topic::Integrations) {
            tray::refresh(&self.0);
        }
    }
}

/// Shows the window, out of the tray or the task bar, in front of the others.
pub fn raise(app: &AppHandle) {
    let Some(window) = app.get_webview_window(WINDOW) else {
        return;
    };
    let raised = window
        .show()
        .and_then(|()| window.unminimize())
        .and_then(|()| window.set_focus());
    if let Err(error) = raised {
        tracing::warn!(%error, "the window could not be raised");
    }
}
