//! The settings of the whole app, and how the app itself is.

use crate::{
    Engine,
    store::{self, Durability},
};
use wire::{AppView, Error, ErrorCode, Settings, Theme, Topic};

const KEY: &str = "settings";

/// The settings as saved, or the first ones: the OS account's full name, the system's theme.
pub(crate) async fn get(engine: &Engine) -> Result<Settings, Error> {
    engine.store().read(read).await
}

/// The same in a read or write that is under way.
pub(crate) fn read(conn: &rusqlite::Connection) -> Result<Settings, Error> {
    Ok(store::settings::get(conn, KEY)?.unwrap_or_else(first))
}

fn first() -> Settings {
    let full = whoami::realname();
    let name = if full.trim().is_empty() || full == "Unknown" {
        whoami::username()
    } else {
        full
    };
    Settings {
        person: crate::http::inert(name.trim()),
        theme: Theme::System,
        resume_after_outage: false,
        tools_listed: Settings::TOOLS_LISTED,
    }
}

pub(crate) async fn save(engine: &Engine, mut settings: Settings) -> Result<(), Error> {
    settings.person =
        crate::integrations::checked_name(&settings.person).map_err(|error| Error {
            args: error
                .args
                .into_iter()
                .map(|(k, v)| {
                    if k == "field" {
                        (k, "Your name".to_owned())
                    } else {
                        (k, v)
                    }
                })
                .collect(),
            ..error
        })?;
    let (listed, most) = (settings.tools_listed, Settings::TOOLS_LISTED_MAX);
    if !(1..=most).contains(&listed) {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Tools listed at most")
            .with("why", format!("1 to {most} are possible")));
    }
    engine
        .store()
        .write(Durability::Full, move |tx| {
            if read(tx)?.tools_listed != listed {
                // Agents may be listed something else by it.
                tx.touch(Topic::Agents);
            }
            store::settings::set(tx, KEY, &settings)?;
            tx.touch(Topic::App);
            Ok(())
        })
        .await
}

pub(crate) async fn app(engine: &Engine) -> Result<AppView, Error> {
    let checked_at = engine.store().read(store::pings::newest).await?;
    let now = engine.now();
    let paused_until = engine
        .store()
        .read(move |conn| crate::background::paused_until(conn, now))
        .await?;
    let options = engine.options();
    Ok(AppView {
        version: options.version.clone(),
        keyring: engine.vault().state(),
        data_folder: options.folder.display().to_string(),
        log_folder: options.log_folder.display().to_string(),
        checked_at,
        now,
        offline: engine.network().is_offline(),
        paused_until,
        gateway: engine.gateway(),
        data: crate::monitor::house::trouble(engine),
    })
}
