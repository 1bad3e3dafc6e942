//! The icon beside the clock: the worst status, and a menu. Only where something shows such icons;
//! without it, closing the window ends the app.

use crate::{Starting, desk};
use engine::{
    Engine,
    commands::{list_integrations, test_integration},
};
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
use tokio::{sync::Notify, task::JoinSet};
use wire::{ListIntegrations, Status, TestIntegration};

/// How many integrations "Test all" tests at once.
const TESTS_AT_ONCE: usize = 8;

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
            let worst = worst(&engine).await.unwrap_or(shown);
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

/// Of the integrations that are switched on; none: healthy.
async fn worst(engine: &Engine) -> Result<Status, wire::Error> {
    let cards = list_integrations(engine, ListIntegrations {}).await?;
    let on = cards.iter().filter(|card| card.enabled);
    Ok(on
        .map(|card| card.health.status)
        .max()
        .unwrap_or(Status::Healthy))
}

/// Tests every integration that is switched on; cards and record show what came back.
fn test_all(app: &AppHandle) {
    let starting = app.state::<Starting>().inner().clone();
    tauri::async_runtime::spawn(async move {
        let engine = starting.engine().await?;
        let cards = list_integrations(&engine, ListIntegrations {}).await?;
        let mut tests = JoinSet::new();
        for card in cards.into_iter().filter(|card| card.enabled) {
            if tests.len() >= TESTS_AT_ONCE {
                tests.join_next().await;
            }
            let engine = engine.clone();
            tests.spawn(async move {
                let request = TestIntegration { id: card.id };
                let _ = test_integration(&engine, request).await;
            });
        }
        tests.join_all().await;
        Ok::<(), wire::Error>(())
    });
}

/// Whether something shows status icons: on Linux it says so on the session bus
/// (StatusNotifierItem specification), which stock GNOME does not.
#[cfg(target_os = "linux")]
async fn host_is_there() -> bool {
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    let ask = async {
        let bus = zbus::Connection::session().await?;
        let properties = Some("org.freedesktop.DBus.Properties");
        let wanted = (WATCHER, "IsStatusNotifierHostRegistered");
        let answer = bus
            .call_method(
                Some(WATCHER),
                "/StatusNotifierWatcher",
                properties,
                "Get",
                &wanted,
            )
            .await?;
        let answer = answer.body().deserialize::<zbus::zvariant::OwnedValue>()?;
        Ok::<bool, zbus::Error>(bool::try_from(answer)?)
    };
    let limit = std::time::Duration::from_secs(2);
    matches!(tokio::time::timeout(limit, ask).await, Ok(Ok(true)))
}

/// Windows and macOS always show them.
#[cfg(not(target_os = "linux"))]
async fn host_is_there() -> bool {
    true
}
