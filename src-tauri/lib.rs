//! The shell: what only a desktop process can do. Everything else is the engine's.
//!
//! Owns: the window, the tray icon, deep links, the log file, and the start and the end of the
//! engine. Must not know: what an integration is, beyond handing the table of commands over and
//! showing the worst status.

mod commands;
mod desk;
mod links;
mod log;
mod tray;

use engine::{
    Engine, Options,
    ports::{Ports, SystemClock},
    vault::keyring::SystemKeyring,
};
use gateway::Gateway;
use std::{sync::Arc, time::Duration};
use tauri::{
    App, AppHandle, Manager, RunEvent, Theme, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    webview::{Color, NewWindowResponse, PageLoadEvent},
};
use tauri_plugin_window_state::StateFlags;
use tokio::sync::{Notify, watch};
use wire::ErrorCode;

/// How long the page may take before the window is shown without it, so that a failure is seen.
const PAGE_LIMIT: Duration = Duration::from_secs(5);
/// How long the engine may take to end its work when the app ends.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// `--canvas` of the two themes: what is seen before the first paint and while resizing.
const LIGHT: Color = Color(0xf6, 0xf6, 0xf8, 0xff);
const DARK: Color = Color(0x13, 0x13, 0x18, 0xff);

/// Started with this, as at login, the app shows no window by itself.
const HIDDEN: &str = "--hidden";

/// The engine, which starts while the window opens. A start that failed is kept, and is the answer
/// to every command, so that the page can say it.
#[derive(Clone)]
pub(crate) struct Starting(watch::Receiver<Option<Result<Engine, wire::Error>>>);

impl Starting {
    /// Waits for the start to end. Errors: why there is no engine.
    async fn engine(&self) -> Result<Engine, wire::Error> {
        let mut started = self.0.clone();
        let started = started.wait_for(Option::is_some).await;
        started
            .ok()
            .and_then(|engine| engine.clone())
            .unwrap_or_else(|| {
                Err(wire::Error::new(ErrorCode::Internal).with("why", "the start was broken off"))
            })
    }

    /// The engine, if its start has ended well.
    fn started(&self) -> Option<Engine> {
        self.0.borrow().clone()?.ok()
    }
}

/// Runs the app until it is quit. A second start hands its arguments to the first and ends here.
///
/// # Errors
/// Where there is no display, or no WebView.
pub fn run() -> anyhow::Result<()> {
    let state = StateFlags::all() - StateFlags::VISIBLE;
    // First, so that a second start ends before it has done anything.
    let builder =
        tauri::Builder::default().plugin(tauri_plugin_single_instance::init(|app, argv, _| {
            links::started_again(app, &argv);
        }));
    #[cfg(not(target_os = "linux"))]
    let builder = builder.plugin(tauri_plugin_notification::init());
    let app = builder
        .plugin(tauri_plugin_deep_link::init())
        .plugin(
            tauri_plugin_autostart::Builder::new()
                .args([HIDDEN])
                .build(),
        )
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(state)
                .build(),
        )
        .invoke_handler(commands::handler())
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { api, .. } = event
                && tray::keeps_running(window)
            {
                api.prevent_close();
            }
        })
        .setup(|app| Ok(set_up(app)?))
        .build(tauri::generate_context!())?;
    app.run(|app, event| {
        #[cfg(target_os = "macos")]
        if let RunEvent::Reopen { .. } = event {
            desk::raise(app);
        }
        if let RunEvent::Exit = event {
            stop_engine(app);
        }
    });
    Ok(())
}

fn set_up(app: &App) -> anyhow::Result<()> {
    let folder = app.path().app_local_data_dir()?;
    let logs = app.path().app_log_dir()?;
    log::open(&logs);
    let version = app.package_info().version.to_string();
    tracing::info!(version, "started");
    let options = Options {
        folder,
        log_folder: logs,
        providers: engine::providers::Sources::folder(
            app.path().app_config_dir()?.join("providers"),
        )
        .with_relay(engine::relay()),
        version,
        client_document: engine::client_document(),
    };
    app.manage(start_engine(app.handle(), options));
    open_window(app)?;
    links::attach(app.handle());
    tray::attach(app.handle());
    #[cfg(unix)]
    end_when_told(app.handle());
    Ok(())
}

/// The end of a session, as systemd tells it, is an end like any: what is under way gets its time.
#[cfg(unix)]
fn end_when_told(app: &AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::terminate(), SignalKind::hangup()] {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            match signal(kind) {
                Ok(mut told) => {
                    let _ = told.recv().await;
                    app.exit(0);
                }
                Err(error) => tracing::warn!(%error, "the end of the session will not be heard"),
            }
        });
    }
}

/// Begins to start the engine, away from the window's thread.
fn start_engine(app: &AppHandle, options: Options) -> Starting {
    let ports = Ports {
        clock: Arc::new(SystemClock),
        desk: Arc::new(desk::Desktop::new(app)),
        keyring: Arc::new(SystemKeyring),
    };
    let (tell, starting) = watch::channel(None);
    let handle = app.clone();
    tauri::async_runtime::spawn(async move {
        let started = Engine::start(options, ports).await;
        match &started {
            Ok(engine) => {
                handle.manage(Gateway::start_apart(engine.clone(), gateway::PORT));
            }
            Err(error) => tracing::error!(%error, "the engine did not start"),
        }
        tell.send_replace(Some(started));
    });
    Starting(starting)
}

fn stop_engine(app: &AppHandle) {
    let starting = app.try_state::<Starting>();
    let Some(engine) = starting.and_then(|starting| starting.started()) else {
        return;
    };
    // The time limit needs the runtime, so it is made inside.
    let stop = async { tokio::time::timeout(STOP_LIMIT, engine.stop()).await };
    let in_time = tauri::async_runtime::block_on(stop).is_ok();
    tracing::info!(in_time, "stopped");
}

/// The one window, shown once its page is there: no white flash in the dark theme. It stays on the
/// app's own page and opens no other window.
fn open_window(app: &App) -> anyhow::Result<()> {
    let config = app.config().app.windows.first();
    let config = config.ok_or_else(|| anyhow::anyhow!("tauri.conf.json has no window"))?;
    let loaded = Arc::new(Notify::new());
    let tell = loaded.clone();
    let builder = WebviewWindowBuilder::from_config(app.handle(), config)?;
    // WebKit connects ahead to wherever a page is about to go, before the answer below is no. Nothing
    // listens there, and the page itself comes over no network. (Port 9 is nobody's but root's.)
    #[cfg(target_os = "linux")]
    let builder = builder.proxy_url("http://127.0.0.1:9".parse()?);
    let window = builder
        .on_navigation(engine::links::is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(move |window, page| {
            if page.event() == PageLoadEvent::Finished {
                tell.notify_one();
                show(&window);
            }
        })
        .build()?;
    let dark = window.theme().is_ok_and(|theme| theme == Theme::Dark);
    window.set_background_color(Some(if dark { DARK } else { LIGHT }))?;
    tauri::async_runtime::spawn(async move {
        if tokio::time::timeout(PAGE_LIMIT, loaded.notified())
            .await
            .is_err()
        {
            tracing::warn!("the page takes long");
            show(&window);
        }
    });
    Ok(())
}

/// Whether the app was started to go on without a window.
pub(crate) fn start_hidden() -> bool {
    std::env::args().skip(1).any(|word| word == HIDDEN)
}

fn show(window: &WebviewWindow) {
    if start_hidden() {
        return;
    }
    if let Err(error) = window.show() {
        tracing::error!(%error, "the window could not be shown");
    }
}
