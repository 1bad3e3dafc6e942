//! The icon beside the clock: the worst status, and a menu. Only where something shows such icons;
//! without it, closing the window asks.

use crate::{Starting, desk, start_hidden};
use engine::{Engine, background::Tray, notices::icons::host_is_there};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};
use tauri::{
    AppHandle, Manager, Window, Wry,
    image::Image,
    menu::{Menu, MenuItem, PredefinedMenuItem},
    tray::{TrayIcon, TrayIconBuilder},
};
use tokio::sync::Notify;
use wire::Status;

const HEALTHY: Image<'_> = tauri::include_image!("icons/tray/healthy.png");
const EXPIRING: Image<'_> = tauri::include_image!("icons/tray/expiring.png");
const FAILING: Image<'_> = tauri::include_image!("icons/tray/failing.png");

/// How long a panel may take to come up at a login, in seconds; and for how long it is looked for each second.
const PANEL_S: u64 = 10;
const OFTEN_S: u64 = 30;

/// There is an icon, and this wakes whoever keeps it true.
struct Shown(Arc<Notify>);

/// Puts the icon there as soon as something would show it, which at a login may come after the app.
pub fn attach(app: &AppHandle) {
    let (handle, hidden) = (app.clone(), start_hidden());
    tauri::async_runtime::spawn(async move {
        let mut seconds = 0;
        while !host_is_there().await {
            // Nothing else could bring up a window that was never shown.
            if hidden && seconds == PANEL_S && !desk::is_shown(&handle) {
                desk::minimise(&handle);
            }
            let pause = if seconds < OFTEN_S { 1 } else { OFTEN_S };
            tokio::time::sleep(Duration::from_secs(pause)).await;
            seconds += pause;
        }
        if hidden {
            desk::hide_minimised(&handle);
        }
        let app = handle.clone();
        let _ = handle.run_on_main_thread(move || attach_now(&app));
    });
    let (app, starting) = (app.clone(), app.state::<Starting>().inner().clone());
    tauri::async_runtime::spawn(async move {
        // Whoever hid the window did not mean a start that failed, or one that waits for an answer.
        let engine = starting.engine().await;
        if hidden && engine.map_or(true, |engine| engine.waits_for_admin()) {
            desk::raise(&app);
        }
    });
}

fn attach_now(app: &AppHandle) {
    // The indicator library is loaded while it runs and panics where it is missing.
    match catch_unwind(AssertUnwindSafe(|| build(app))) {
        Ok(Ok(icon)) => keep_true(app, icon),
        Ok(Err(error)) => tracing::warn!(%error, "no tray icon"),
        Err(_) => tracing::warn!("no tray icon: its library did not load"),
    }
}

/// Something that the icon shows may have changed: look again.
pub fn refresh(app: &AppHandle) {
    if let Some(shown) = app.try_state::<Shown>() {
        shown.0.notify_one();
    }
}

/// The person closes the window. True: it is not destroyed, since it goes on in the tray, or asks.
pub fn keeps_running(window: &Window) -> bool {
    let starting = window.state::<Starting>();
    let Some(engine) = starting.started() else {
        return false;
    };
    let has_icon = window.try_state::<Shown>().is_some();
    let window = window.clone();
    tauri::async_runtime::spawn(async move {
        // What showed the icon may have ended since: then nothing could bring the window back.
        if has_icon && host_is_there().await {
            let _ = window.hide();
        } else if !engine.ask_to_quit() {
            window.app_handle().exit(0);
        }
    });
    true
}

fn build(app: &AppHandle) -> tauri::Result<TrayIcon> {
    TrayIconBuilder::with_id("status")
        .icon(HEALTHY)
        .tooltip("Chief Integrations")
        .menu(&menu(app, None, false)?)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "open" | "trouble" => desk::raise(app),
            "quit" => app.exit(0),
            "test-all" => ask(app, |engine| async move { engine.test_all().await }),
            "pause" => ask(app, |engine| async move { engine.pause_or_resume().await }),
            other => match other.parse() {
                Ok(id) => ask(app, move |engine| async move {
                    engine.show(id);
                    Ok(())
                }),
                Err(_) => tracing::warn!(other, "an unknown entry of the tray's menu"),
            },
        })
        .build(app)
}

/// What needs the admin, each leading to its page, and what can be done without the window. `None`: nobody
/// knows yet.
fn menu(app: &AppHandle, tray: Option<&Tray>, works: bool) -> tauri::Result<Menu<Wry>> {
    let item = |id: &str, text: &str, works| MenuItem::with_id(app, id, text, works, None::<&str>);
    let named = |id: &str, key: &str| item(id, &words::text(key), works);
    let menu = Menu::new(app)?;
    if let Some(tray) = tray {
        if let Some(trouble) = &tray.trouble {
            menu.append(&item("trouble", trouble, true)?)?;
        } else if tray.needs.is_empty() {
            menu.append(&item("nothing", &words::text("tray-nothing"), false)?)?;
        }
        for (id, text) in &tray.needs {
            menu.append(&item(&id.to_string(), text, true)?)?;
        }
        menu.append(&PredefinedMenuItem::separator(app)?)?;
    }
    let pause = if tray.is_some_and(|tray| tray.is_paused) {
        "tray-resume"
    } else {
        "tray-pause"
    };
    menu.append_items(&[
        &named("test-all", "tray-test-all")?,
        &named("pause", pause)?,
        &PredefinedMenuItem::separator(app)?,
        &item("open", &words::text("tray-open"), true)?,
        &item("quit", &words::text("tray-quit"), true)?,
    ])?;
    Ok(menu)
}

/// From now on the icon and its menu are true, at most twice a second anew.
fn keep_true(app: &AppHandle, icon: TrayIcon) {
    let changed = Arc::new(Notify::new());
    app.manage(Shown(changed.clone()));
    let (app, starting) = (app.clone(), app.state::<Starting>().inner().clone());
    tauri::async_runtime::spawn(async move {
        let engine = match starting.engine().await {
            Ok(engine) => engine,
            Err(_) => return show(&app, &icon, &Tray::not_started(), false),
        };
        let mut shown = None;
        loop {
            match engine.tray().await {
                Ok(tray) if shown.as_ref() != Some(&tray) => {
                    show(&app, &icon, &tray, true);
                    shown = Some(tray);
                }
                Ok(_) | Err(_) => {}
            }
            changed.notified().await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
}

fn show(app: &AppHandle, icon: &TrayIcon, tray: &Tray, works: bool) {
    let picture = match tray.worst {
        Status::Healthy => HEALTHY,
        Status::Expiring => EXPIRING,
        Status::Failing => FAILING,
    };
    let says = tray.trouble.clone();
    let says = says.unwrap_or_else(|| words::status(tray.worst));
    let shown = icon
        .set_icon(Some(picture))
        .and_then(|()| icon.set_tooltip(Some(says)))
        .and_then(|()| icon.set_menu(Some(menu(app, Some(tray), works)?)));
    if let Err(error) = shown {
        tracing::warn!(%error, "the tray could not be changed");
    }
}

/// Asks something of the engine; cards and record show what came of it.
fn ask<F>(app: &AppHandle, what: impl FnOnce(Engine) -> F + Send + 'static)
where
    F: Future<Output = Result<(), wire::Error>> + Send + 'static,
{
    let starting = app.state::<Starting>().inner().clone();
    tauri::async_runtime::spawn(async move { what(starting.engine().await?).await });
}
