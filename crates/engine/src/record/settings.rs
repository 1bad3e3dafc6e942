//! What the admin set of the record, and what of it each call asks: in memory, since every call does.

use super::tail;
use crate::{
    Engine,
    store::{self, Durability},
};
use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;
use wire::{Error, ErrorCode, Overdue, RecordSettings, RecordSettingsView, TailTrouble, Time};

const KEY: &str = "record";
/// The shortest and the longest that rows may be kept.
const DAYS: std::ops::RangeInclusive<u32> = 7..=3_650;

/// What each call asks of the settings.
#[derive(Default)]
pub(crate) struct Manner {
    strict: AtomicBool,
    tail_file: Mutex<Option<String>>,
    tail_trouble: Mutex<Option<TailTrouble>>,
    /// Days of keeping that the admin saved in this run, until the anchor is told.
    saved_days: Mutex<Option<Option<u32>>>,
    /// Why rows are kept for longer than the settings say, as found when rows were removed last.
    overdue: Mutex<Option<Overdue>>,
    /// When that was last told.
    told_longer: Mutex<Option<Time>>,
    behind: Notify,
    forgets: Notify,
}

impl Manner {
    /// How sure an intent must be before its request leaves.
    pub fn of_intents(&self) -> Durability {
        if self.strict.load(Ordering::Relaxed) {
            Durability::Full
        } else {
            Durability::Normal
        }
    }

    pub fn learn(&self, settings: &RecordSettings) {
        self.strict.store(settings.strict, Ordering::Relaxed);
        self.file().clone_from(&settings.tail_file);
    }

    /// Where finished rows go as lines, if anywhere.
    pub fn tail_file(&self) -> Option<String> {
        self.file().clone()
    }

    /// Why the last lines could not be written there.
    pub fn tail_trouble(&self) -> Option<TailTrouble> {
        self.trouble().clone()
    }

    pub fn set_tail_trouble(&self, trouble: Option<TailTrouble>) {
        *self.trouble() = trouble;
    }

    /// Asked where a search was told that rows are not read in yet.
    pub fn behind(&self) -> &Notify {
        &self.behind
    }

    /// Told where what calls said may be kept by no setting any more.
    pub fn forgets(&self) -> &Notify {
        &self.forgets
    }

    /// Why rows are kept for longer than the settings say.
    pub fn set_overdue(&self, why: Option<Overdue>) {
        *self.overdue.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn overdue(&self) -> Option<Overdue> {
        *self.overdue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True where that is to be told now: once a day, however often housekeeping is tried.
    pub fn tells_longer(&self, now: Time) -> bool {
        let mut told = self
            .told_longer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_due = told.is_none_or(|at| !(0..86_400_000).contains(&now.since(at)));
        if is_due {
            *told = Some(now);
        }
        is_due
    }

    fn saved_days(&self) -> MutexGuard<'_, Option<Option<u32>>> {
        self.saved_days
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<TailTrouble>> {
        self.tail_trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> MutexGuard<'_, Option<String>> {
        self.tail_file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// As saved, or the first ones. Never fewer days than can be saved, whatever stands there.
pub(crate) async fn get(engine: &Engine) -> Result<RecordSettings, Error> {
    let saved = engine
        .store()
        .read(|conn| store::settings::get(conn, KEY))
        .await?;
    let saved: RecordSettings = saved.unwrap_or_default();
    Ok(RecordSettings {
        keep_days: saved
            .keep_days
            .map(|days| days.clamp(*DAYS.start(), *DAYS.end())),
        ..saved
    })
}

/// The same with how it goes.
pub(crate) async fn view(engine: &Engine) -> Result<RecordSettingsView, Error> {
    Ok(RecordSettingsView {
        settings: get(engine).await?,
        tail_trouble: engine.manner().tail_trouble(),
        overdue: engine.manner().overdue(),
    })
}

/// Saves them; the next call goes by them.
pub(crate) async fn save(engine: &Engine, mut settings: RecordSettings) -> Result<(), Error> {
    let wrong = |field: &str, why: &str| {
        Error::new(ErrorCode::FieldInvalid)
            .with("field", field)
            .with("why", why)
    };
    if settings.keep_days.is_some_and(|days| !DAYS.contains(&days)) {
        return Err(wrong("Keep rows", "take 7 to 3650 days"));
    }
    settings.tail_file = settings
        .tail_file
        .map(|path| path.trim().to_owned())
        .filter(|path| !path.is_empty());
    // One that is named already is not looked for again: its disk may not answer.
    let named = engine.manner().tail_file();
    if let Some(path) = settings
        .tail_file
        .as_ref()
        .filter(|_| named != settings.tail_file)
    {
        let file = Path::new(path);
        let folder_is_there = file.parent().is_some_and(Path::is_dir);
        if !file.is_absolute() || file.is_dir() || !folder_is_there {
            return Err(wrong(
                "File",
                "give the whole path of a file, in a folder that exists",
            ));
        }
    }
    let kept = settings.clone();
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let before: RecordSettings = store::settings::get(tx, KEY)?.unwrap_or_default();
            if before.tail_file != kept.tail_file {
                tail::begin(tx, kept.tail_file.as_deref())?;
            }
            store::settings::set(tx, KEY, &kept)
        })
        .await?;
    if engine.manner().tail_file() != settings.tail_file {
        engine.manner().set_tail_trouble(None);
    }
    engine.manner().learn(&settings);
    engine.manner().set_overdue(None);
    *engine.manner().saved_days() = Some(settings.keep_days);
    if let Err(error) = tell_keeping(engine).await {
        // It is told with the next rows.
        tracing::error!(%error, "the anchor could not be told for how long rows are kept");
    }
    Ok(())
}

/// The anchor learns for how long rows are kept: what the admin saved in this run, or, where it was told nothing
/// yet, what stands in the settings.
pub(crate) async fn tell_keeping(engine: &Engine) -> Result<(), Error> {
    let saved = *engine.manner().saved_days();
    let days = match saved {
        Some(days) => days,
        None if engine.vault().keeping().is_none() => get(engine).await?.keep_days,
        None => return Ok(()),
    };
    if engine.vault().tell_keeping(days).await? {
        let mut left = engine.manner().saved_days();
        *left = left.filter(|left| Some(*left) != saved);
    }
    Ok(())
}

/// Days after which rows may go: no fewer than the anchor was told, whatever stands in the settings.
pub(crate) async fn agreed_days(engine: &Engine, said: Option<u32>) -> Result<Option<u32>, Error> {
    tell_keeping(engine).await?;
    let told = engine.vault().keeping().unwrap_or(said);
    Ok(told.zip(said).map(|(told, said)| told.max(said)))
}
