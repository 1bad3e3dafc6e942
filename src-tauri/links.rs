//! Deep links, into a running app and at its start, and the second start of the app.
//!
//! A link comes from anybody: another program, a web page, on Linux any caller on the session bus.
//! It may bring the window up, answer the one sign-in that waits for it, or leave a row in the record,
//! and nothing else.

use crate::{Starting, desk};
use engine::links::{self as rules, Link};
use tauri::{AppHandle, Manager};
use tauri_plugin_deep_link::DeepLinkExt;

/// Listens for links from now on, takes the one that the app was started with, and tells the
/// system that this program opens them. None of it can keep the app from starting.
pub fn attach(app: &AppHandle) {
    let handle = app.clone();
    app.deep_link().on_open_url(move |event| {
        for url in event.urls() {
            open(&handle, url.as_str());
        }
    });
    for url in app
        .deep_link()
        .get_current()
        .ok()
        .flatten()
        .unwrap_or_default()
    {
        open(app, url.as_str());
    }
    let handle = app.clone();
    // It starts programs and waits for them: not on the way to the first window.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = register(&handle) {
            tracing::warn!(%error, "links to the app will not open it");
        }
    });
}

/// The app was started again: `argv` is what it was started with. A link among it has come
/// through [`attach`] already.
pub fn started_again(app: &AppHandle, argv: &[String]) {
    if !argv
        .iter()
        .skip(1)
        .any(|word| word.starts_with(rules::SCHEME) || word == crate::HIDDEN)
    {
        desk::raise(app);
    }
}

fn open(app: &AppHandle, text: &str) {
    match rules::link(text) {
        Link::Raise => desk::raise(app),
        // The person comes from the browser, or reads that the answer came too late.
        Link::Callback(text) => {
            desk::raise(app);
            hand_on(app, text);
        }
        Link::Unknown(text) => hand_on(app, text),
    }
}

fn hand_on(app: &AppHandle, text: String) {
    let starting = app.state::<Starting>().inner().clone();
    tauri::async_runtime::spawn(async move {
        let noted = match starting.engine().await {
            Ok(engine) => engine.deep_link(&text).await,
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "a link to the app was not recorded");
        }
    });
}

/// The installed packages bring a desktop entry of their own; started from anywhere else, the app
/// writes one. Not by the plugin: it quotes the path, and xdg-open cannot read that.
#[cfg(target_os = "linux")]
fn register(app: &AppHandle) -> anyhow::Result<()> {
    use std::{fs, io, process::Command};

    let program = tauri::utils::platform::current_exe()?;
    if program.starts_with("/usr") {
        return Ok(());
    }
    let program = program.to_string_lossy();
    let folder = app.path().data_dir()?.join("applications");
    let name = format!("{}-handler.desktop", rules::SCHEME);
    let scheme = format!("x-scheme-handler/{}", rules::SCHEME);
    // TryExec: once the program is gone, the entry no longer counts.
    let entry = format!(
        "[Desktop Entry]\nType=Application\nName=Chief Integrations\nExec={}\nTryExec={program}\n\
         Terminal=false\nNoDisplay=true\nMimeType={scheme};\n",
        rules::exec_field(&program),
    );
    let path = folder.join(&name);
    if fs::read_to_string(&path).is_ok_and(|old| old == entry) {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    fs::write(path, entry)?;
    let run = |program: &str, args: &[&str]| Command::new(program).args(args).status();
    let status = match run("update-desktop-database", &[&folder.to_string_lossy()]) {
        // Without that program's index, the person's own list of defaults does it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            run("xdg-mime", &["default", &name, &scheme])?
        }
        done => done?,
    };
    anyhow::ensure!(status.success(), "the desktop's index of links: {status}");
    Ok(())
}

/// The installer registers the scheme too; this also serves a program that was only copied.
#[cfg(windows)]
fn register(app: &AppHandle) -> anyhow::Result<()> {
    Ok(app.deep_link().register(rules::SCHEME)?)
}

/// The bundle's Info.plist says it.
#[cfg(target_os = "macos")]
#[expect(clippy::unnecessary_wraps, reason = "the other systems can fail")]
fn register(_: &AppHandle) -> anyhow::Result<()> {
    Ok(())
}
