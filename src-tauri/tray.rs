//! The icon beside the clock: the worst status, and a menu. Only where something shows such icons;
//! without it, closing the window ends the app.

use crate::{Starting, desk};
use engine::notices::icons::host_is_there;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tauri::{
    AppHandle, Manager, Window,
    image::Image,
    menu::{Menu, MenuItem, PredefinedMenuItem},
    tray::{TrayIcon, TrayIconBuilder},
};
use tokio::sync::Notify;
use wire::Status;

const HEALTHY: Image<'_> = tauri::include_image!("icons/tray/healthy.png");
const EXPIRING: Image<'_> = tauri::include_image!("icons/tray/expiring.png");
const FAILING: Image<'_> = tauri::include_image!("icons/tray/failing.png");

/// There is an icon, and this wakes whoever keeps it true.
struct Shown(Arc<Notify>);

/// Puts the icon there once it is known that something would show it.
pub fn attach(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if !host_is_there().await {
            return;
        }
        let handle = app.clone();
        let _ = app.run_on_main_thread(move || {
            // The indicator library is loaded while it runs and panics where it is missing.
            match catch_unwind(AssertUnwindSafe(|| build(&handle))) {
                Ok(Ok(icon)) => keep_true(&handle, icon),
                Ok(Err(error)) => tracing::warn!(%error, "no tray icon"),
                Err(_) => tracing::warn!("no tray icon: its library did not load"),
            }
        });
    });
}

/// Something about an integration changed: look again.
pub fn refresh(app: &AppHandle) {
    if let Some(shown) = app.try_state::<Shown>() {
        shown.0.notify_one();
    }
}

/// The person closes the window. True: it goes on in the tray, so it must not be destroyed.
pub fn keeps_running(window: &Window) -> bool {
    if window.try_state::<Shown>().is_none() {
        return false;
    }
    let window = window.clone();
    tauri::async_runtime::spawn(async move {
        // What showed the icon may have ended since: then nothing could bring the window back.
        if host_is_there().await {
            let _ = window.hide();
        } else {
            window.app_handle().exit(0);
        }
    });
    true
}

fn build(app: &AppHandle) -> tauri::Result<TrayIcon> {
    let item =
        |id: &str, key: &str| MenuItem::with_id(app, id, words::text(key), true, None::<&str>);
    let menu = Menu::with_items(
        app,
        &[
            &item("open", "tray-open")?,
            &item("test-all", "tray-test-all")?,
            &PredefinedMenuItem::separator(app)?,
            &item("quit", "tray-quit")?,
        ],
    )?;
    TrayIconBuilder::with_id("status")
        .icon(HEALTHY)
        .tooltip("Chief Integrations")
        .menu(&menu)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "open" => desk::raise(app),
            "test-all" => test_all(app),
            "quit" => app.exit(0),
            other => tracing::warn!(other, "an unknown entry of the tray's menu"),
        })
        .build(app)
}

/// From now on the icon shows the worst status, at most twice a second anew.
fn keep_true(app: &AppHandle, icon: TrayIcon) {
    let changed = Arc::new(Notify::new());
    app.manage(Shown(changed.clone()));
    let starting = app.state::<Starting>().inner().clone();
    tauri::async_runtime::spawn(async move {
        let Ok(engine) = starting.engine().await else {
            return;
        };
        let mut shown = Status::Healthy;
        loop {
            let worst = engine.worst().await.unwrap_or(shown);
            if worst != shown {
                shown = worst;
                let _ = icon.set_icon(Some(match worst {
                    Status::Healthy => HEALTHY,
                    Status::Expiring => EXPIRING,
                    Status::Failing => FAILING,
                }));
                let _ = icon.set_tooltip(Some(words::status(worst)));
            }
            changed.notified().await;
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    });
}

/// Tests every integration that is switched on; cards and record show what came back.
fn test_all(app: &AppHandle) {
    let starting = app.state::<Starting>().inner().clone();
    tauri::async_runtime::spawn(async move { starting.engine().await?.test_all().await });
}
