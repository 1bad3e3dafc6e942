//! What the engine asks of the desktop: open a URL, bring the window up, tell the page, show popups.

use crate::{Starting, tray};
#[cfg(target_os = "linux")]
use engine::notices::popups::Popups;
use engine::ports::{Desk, Done, Popup};
use tauri::{AppHandle, Emitter, Manager};
use tauri_plugin_autostart::ManagerExt as _;
use wire::{Changed, Topic};

/// The one window's label; its capability names it too.
pub const WINDOW: &str = "main";

/// The desktop this process runs on.
pub struct Desktop {
    app: AppHandle,
    #[cfg(target_os = "linux")]
    popups: Popups,
}

impl Desktop {
    pub fn new(app: &AppHandle) -> Self {
        Self {
            app: app.clone(),
            #[cfg(target_os = "linux")]
            popups: popups(app),
        }
    }
}

/// What was pressed goes to the engine, which asks for the window; one after the other, as it was said.
#[cfg(target_os = "linux")]
fn popups(app: &AppHandle) -> Popups {
    let app = app.clone();
    let (said, mut events) = tokio::sync::mpsc::unbounded_channel();
    tauri::async_runtime::spawn(async move {
        while let Some(event) = events.recv().await {
            let starting = app.state::<Starting>().inner().clone();
            if let Ok(engine) = starting.engine().await
                && let Err(error) = engine.popup_said(event).await
            {
                tracing::warn!(%error, "a popup's answer was lost");
            }
        }
    });
    Popups::new(move |event| drop(said.send(event)))
}

impl Desk for Desktop {
    fn open_url(&self, url: &str) -> Result<(), String> {
        let url = engine::links::for_browser(url)?;
        // Program and argument, without a shell. The plugin itself is not registered, so that the
        // page has no way to it.
        tauri_plugin_opener::open_url(url.as_str(), None::<&str>).map_err(|error| error.to_string())
    }

    fn raise(&self) {
        raise(&self.app);
    }

    fn lower(&self) {
        minimise(&self.app);
    }

    fn quit(&self) {
        self.app.exit(0);
    }

    fn starts_at_login(&self) -> Result<bool, String> {
        let login = self.app.autolaunch();
        login.is_enabled().map_err(|error| error.to_string())
    }

    fn start_at_login(&self, on: bool) -> Result<(), String> {
        let login = self.app.autolaunch();
        let done = if on { login.enable() } else { login.disable() };
        done.map_err(|error| error.to_string())
    }

    fn changed(&self, changed: &Changed) {
        if let Err(error) = self.app.emit_to(WINDOW, Changed::EVENT, changed) {
            tracing::warn!(%error, "the page was not told of a change");
        }
        // How the keyring is, is of the app.
        let told = [Topic::Integrations, Topic::App];
        if changed.topics.iter().any(|topic| told.contains(topic)) {
            tray::refresh(&self.app);
        }
        if changed.topics.contains(&Topic::Notices) {
            count(&self.app);
        }
    }

    fn replaces(&self) -> bool {
        cfg!(target_os = "linux")
    }

    #[cfg(target_os = "linux")]
    fn notify<'a>(&'a self, popup: &'a Popup, handle: Option<&'a str>) -> Done<'a, String> {
        Box::pin(self.popups.show(popup, handle))
    }

    #[cfg(target_os = "linux")]
    fn withdraw<'a>(&'a self, handle: &'a str) -> Done<'a, ()> {
        Box::pin(self.popups.withdraw(handle))
    }

    /// The plugin neither replaces nor takes back, and its buttons tell nobody: without them.
    #[cfg(not(target_os = "linux"))]
    fn notify<'a>(&'a self, popup: &'a Popup, _: Option<&'a str>) -> Done<'a, String> {
        use tauri_plugin_notification::NotificationExt as _;
        let popup = self
            .app
            .notification()
            .builder()
            .title(&popup.title)
            .body(&popup.body);
        let shown = popup.show().map_err(|error| error.to_string());
        Box::pin(async { shown.map(|()| String::new()) })
    }

    #[cfg(not(target_os = "linux"))]
    fn withdraw<'a>(&'a self, _: &'a str) -> Done<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// How many notices are new, on the task bar's or dock's icon, where the system has that.
fn count(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let engine = app.state::<Starting>().inner().clone().engine().await;
        if let (Ok(engine), Some(window)) = (engine, app.get_webview_window(WINDOW))
            && let Ok(new) = engine.new_notices().await
        {
            let _ = window.set_badge_count((new > 0).then_some(i64::from(new)));
        }
    });
}

/// Puts the window away, where the task bar or the dock keeps it.
pub fn minimise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(WINDOW) {
        let _ = window.show().and_then(|()| window.minimize());
    }
}

/// Whether the window is on the screen, or minimised.
pub fn is_shown(app: &AppHandle) -> bool {
    let window = app.get_webview_window(WINDOW);
    window.is_some_and(|window| window.is_visible().unwrap_or(false))
}

/// Takes a minimised window off the task bar: there is an icon now.
pub fn hide_minimised(app: &AppHandle) {
    let window = app.get_webview_window(WINDOW);
    let minimised = window.filter(|window| window.is_minimized().unwrap_or(false));
    let _ = minimised.map(|window| window.hide());
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
