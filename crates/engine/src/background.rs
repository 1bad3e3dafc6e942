//! The app without its window: what its icon beside the clock tells, checks that are paused, the start
//! at login, and what closing asks where nothing could bring the window back.
//!
//! Owns: what is said there. Must not know: how an icon, a menu or a window is made.

use crate::{
    Engine,
    store::{self, Durability},
};
use rusqlite::Connection;
use wire::{
    BackgroundView, DataTrouble, Errand, Error, ErrorCode, IntegrationId, KeyringView, NoticeKind,
    Status, Time, Topic,
};

const PAUSED: &str = "checks_paused_until";
const HOUR_MS: i64 = 3_600_000;
/// A day: the longest that checks are paused.
const PAUSE_MAX_HOURS: u32 = 24;
/// Entries of the menu that name what needs the admin, at most.
const NEEDS: usize = 5;

/// What the icon beside the clock shows, and its menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tray {
    /// The worst status of those that are switched on, or of other trouble.
    pub worst: Status,
    /// What concerns all of them, in a sentence.
    pub trouble: Option<String>,
    /// What needs the admin, worst first: a few of them, each in a few words.
    pub needs: Vec<(IntegrationId, String)>,
    pub is_paused: bool,
}

impl Tray {
    /// The same where the engine did not start.
    #[must_use]
    pub fn not_started() -> Self {
        Self {
            worst: Status::Failing,
            trouble: Some(words::text("tray-not-started")),
            needs: Vec::new(),
            is_paused: false,
        }
    }
}

/// Whether checks are paused, and until when.
pub(crate) fn paused_until(conn: &Connection, now: Time) -> Result<Option<Time>, Error> {
    let until: Option<Time> = store::settings::get(conn, PAUSED)?;
    // A clock that was set back must not stretch it.
    let longest = now.plus(i64::from(PAUSE_MAX_HOURS) * HOUR_MS);
    Ok(until.filter(|until| *until > now && *until <= longest))
}

/// Pauses the scheduled checks for that many hours; `None`: they go on.
pub(crate) async fn pause(engine: &Engine, hours: Option<u32>) -> Result<(), Error> {
    if hours.is_some_and(|hours| !(1..=PAUSE_MAX_HOURS).contains(&hours)) {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Pause")
            .with("why", format!("1 to {PAUSE_MAX_HOURS} hours")));
    }
    let now = engine.now();
    let until = hours.map_or(now, |hours| now.plus(i64::from(hours) * HOUR_MS));
    let because = engine.admin().await;
    let what = match hours {
        Some(_) => "checks paused",
        None => "checks resumed",
    };
    engine
        .store()
        .write(Durability::Full, move |tx| {
            store::settings::set(tx, PAUSED, &until)?;
            crate::integrations::note(tx, now, None, what, &because)?;
            // The icon's menu says it, too.
            tx.touch(Topic::Integrations);
            Ok(())
        })
        .await
}

pub(crate) fn view(engine: &Engine) -> BackgroundView {
    BackgroundView {
        at_login: engine.desk().starts_at_login().ok(),
    }
}

pub(crate) fn start_at_login(engine: &Engine, on: bool) -> Result<(), Error> {
    engine
        .desk()
        .start_at_login(on)
        .map_err(|why| Error::new(ErrorCode::DesktopRefused).with("why", crate::http::inert(&why)))
}

/// What no card changes for, though its banner is in a window that nobody may see: the data, or a keyring that
/// opens nothing. The worse of them, and what the icon is at least.
fn trouble(keyring: KeyringView, data: Option<&DataTrouble>) -> Option<(Status, String)> {
    let (least, key) = match (data, keyring) {
        (Some(DataTrouble::CameBack { .. }), _) => (Status::Failing, "tray-came-back"),
        (Some(DataTrouble::Damaged { .. }), _) => (Status::Failing, "tray-damaged"),
        (_, KeyringView::Locked) => (Status::Expiring, "cli-keyring-locked"),
        (_, KeyringView::Absent) => (Status::Expiring, "cli-keyring-absent"),
        (_, KeyringView::Hanging) => (Status::Expiring, "cli-keyring-hanging"),
        (Some(DataTrouble::NoBackup { .. }), _) => (Status::Expiring, "tray-no-backup"),
        // Where it is lost, cards fail.
        (
            None,
            KeyringView::Unasked
            | KeyringView::Ready
            | KeyringView::SessionOnly
            | KeyringView::Lost,
        ) => return None,
    };
    Some((least, words::text(key)))
}

impl Engine {
    /// What the icon beside the clock shows.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn tray(&self) -> Result<Tray, Error> {
        let now = self.now();
        let until = self
            .store()
            .read(move |conn| paused_until(conn, now))
            .await?;
        let mut on = crate::integrations::cards(self).await?;
        on.retain(|card| card.enabled);
        on.sort_by_key(|card| std::cmp::Reverse(card.health.status));
        let kind = |status| match status {
            Status::Healthy => None,
            Status::Expiring => Some(NoticeKind::Expiring),
            Status::Failing => Some(NoticeKind::Failing),
        };
        let needs = on.iter().filter_map(|card| {
            let key = match kind(card.health.status)? {
                NoticeKind::Expiring => "notice-expiring",
                NoticeKind::Failing => "notice-failing",
            };
            let name = crate::http::inert(&card.name);
            Some((card.id, words::with(key, &[("name", &name)])))
        });
        let data = crate::monitor::house::trouble(self);
        let (least, trouble) = trouble(self.vault().state(), data.as_ref()).unzip();
        let least = least.unwrap_or(Status::Healthy);
        Ok(Tray {
            worst: on
                .first()
                .map_or(least, |card| card.health.status.max(least)),
            trouble,
            needs: needs.take(NEEDS).collect(),
            is_paused: until.is_some(),
        })
    }

    /// Whether everything waits for an answer that only the window takes: the data came back from a backup.
    #[must_use]
    pub fn waits_for_admin(&self) -> bool {
        self.waits().are_on()
    }

    /// Pauses the scheduled checks for an hour, or lets them go on where they are paused.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn pause_or_resume(&self) -> Result<(), Error> {
        let is_paused = self.tray().await?.is_paused;
        pause(self, (!is_paused).then_some(1)).await
    }

    /// The window comes up, with this integration's page.
    pub fn show(&self, integration: IntegrationId) {
        self.desk().raise();
        self.send(Errand::Open { integration });
    }

    /// The window is to be closed where nothing could bring it back: the page asks. False where it was
    /// asked to before and has not taken it up: then it cannot ask.
    #[must_use]
    pub fn ask_to_quit(&self) -> bool {
        let asks = self.outbox().take_errand() != Some(Errand::Quit);
        if asks {
            self.send(Errand::Quit);
        }
        asks
    }

    /// Leaves an errand for the page.
    pub(crate) fn send(&self, errand: Errand) {
        self.outbox().leave(errand);
        self.store().announce([Topic::Errand]);
    }
}

#[cfg(test)]
mod tests;
