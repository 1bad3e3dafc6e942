//! Opening: the lock, the checks, the migrations, and the way back from a damaged file.

use super::{
    backup, failed,
    intake::{self, Unfiled},
    schema, tells_of_damage, unwritable,
};
use rusqlite::{Connection, ErrorCode as Sqlite, OpenFlags};
use rusqlite_migration::M;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};
use wire::{Error, ErrorCode, Time};

const FILE: &str = "chief.db";
const LOCK: &str = "chief.lock";
/// Beside the file where a look behind found it damaged: the next opening looks before it opens.
const SUSPECT: &str = "suspect";
/// The setting of data that came back from a backup.
const CAME_BACK: &str = "came_back";
/// Up to this size the file is looked through before it is used (about 0.3 s for each 64 MiB).
const CHECKED_AT_ONCE: u64 = 64 * 1024 * 1024;
/// How long a statement waits for another connection's lock.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Prepared statements kept for each connection.
const STATEMENTS: usize = 128;

/// The data was damaged and came back from a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was taken; what happened since is not in it.
    pub taken: Time,
    /// Where the damaged files lie.
    pub damaged: PathBuf,
}

pub(super) struct Opened {
    /// Too large to be looked through before the window opens: [`check`] does it behind.
    pub unchecked: bool,
    pub connection: Connection,
    pub unfiled: Option<Unfiled>,
    pub lock: File,
    pub file: PathBuf,
    pub restored: Option<Restored>,
}

pub(super) fn open(folder: &Path, migrations: &[M<'_>]) -> Result<Opened, Error> {
    make_folder(folder)?;
    let folder = std::path::absolute(folder).map_err(|error| unwritable(&error))?;
    let lock = lock(&folder)?;
    backup::remove_partial(&folder);
    let file = folder.join(FILE);
    let was_suspected = is_damaged(&folder);
    let mut found = usable(&folder, &file, migrations);
    let came_upon_it = match &found {
        Err(Trouble::Damaged) => true,
        Err(Trouble::Other(error)) => backup::is_of_the_copy(error),
        Ok(_) => false,
    };
    // (Where it was suspected before, it was.)
    if came_upon_it && !was_suspected {
        // On its way, it may be, in a file that was not looked through as closely: now it is.
        suspect(&folder)?;
        found = usable(&folder, &file, migrations);
    }
    let (opened, restored) = match found {
        Ok(opened) => (opened, None),
        Err(Trouble::Other(error)) => return Err(error),
        Err(Trouble::Damaged) => {
            let restored = restore(&folder, &file)?;
            let opened = usable(&folder, &file, migrations).map_err(|trouble| match trouble {
                Trouble::Other(error) => error,
                Trouble::Damaged => damaged(&folder),
            })?;
            (opened, Some(restored))
        }
    };
    let (connection, unfiled) = opened;
    Ok(Opened {
        unchecked: !checked_at_once(&file),
        connection,
        unfiled,
        lock,
        file,
        restored,
    })
}

/// The writer's connection to a file that was looked through, brought up to date, and given its new run.
fn usable(
    folder: &Path,
    file: &Path,
    migrations: &[M<'_>],
) -> Result<(Connection, Option<Unfiled>), Trouble> {
    let mut connection = sound(file, migrations.len())?;
    bring_up_to_date(&mut connection, folder, migrations)?;
    let unfiled = begin_run(&connection)?;
    Ok((connection, unfiled))
}

/// The folder for its owner only, where the system knows such a thing.
pub(super) fn make_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| unwritable(&error))
}

/// An empty or existing file that only its owner can read. SQLite gives its log the same mode.
fn owned_file(path: &Path) -> Result<File, Error> {
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| unwritable(&error))
}

/// Held as long as the file that is returned: the system lets go of it when the process dies.
fn lock(folder: &Path) -> Result<File, Error> {
    let lock = owned_file(&folder.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::new(ErrorCode::StoreInUse)),
        Err(TryLockError::Error(error)) => Err(unwritable(&error)),
    }
}

enum Trouble {
    /// Not a database any more, or not a whole one.
    Damaged,
    Other(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        if tells_of_damage(&error) {
            Self::Damaged
        } else {
            Self::Other(error)
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        failed(error).into()
    }
}

/// The writer's connection to a file that was looked through and found whole.
fn sound(file: &Path, known: usize) -> Result<Connection, Trouble> {
    let there = fs::metadata(file).is_ok_and(|file| file.len() > 0);
    // Backups of nothing there are none: what they are of was cut to nothing, or a way back from damage
    // was itself broken off.
    if !there
        && file
            .parent()
            .is_some_and(|folder| !backup::all(folder).is_empty())
    {
        return Err(Trouble::Damaged);
    }
    if there {
        if !is_of_this_format(file) {
            return Err(Trouble::Damaged);
        }
        // Only read, so that data of a newer build stays as it is.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(BUSY)?;
        schema::refuse_newer(schema::version(&connection)?, known)?;
    }
    drop(owned_file(file)?);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::new(ErrorCode::StoreUnwritable)
            .with("why", "the disk cannot keep a log")
            .into());
    }
    if checked_at_once(file) {
        let is_suspected = file.with_extension(SUSPECT).exists();
        if !is_whole(&connection)? || is_suspected && !mended(&connection)? {
            return Err(Trouble::Damaged);
        }
        backup::remove(&file.with_extension(SUSPECT))?;
    }
    prepare(&connection)?;
    connection.pragma_update(None, "secure_delete", "on")?;
    Ok(connection)
}

/// The two numbers in its head that say who can write it: SQLite takes any other for a disk that cannot
/// be written (sqlite.org, "Database File Format", section 1.3.3).
fn is_of_this_format(file: &Path) -> bool {
    let mut head = [0; 20];
    match File::open(file).and_then(|mut file| file.read_exact(&mut head)) {
        Ok(()) => head.iter().skip(18).all(|format| matches!(format, 1 | 2)),
        Err(error) => error.kind() != std::io::ErrorKind::UnexpectedEof,
    }
}

fn checked_at_once(file: &Path) -> bool {
    let small = fs::metadata(file).is_ok_and(|file| file.len() <= CHECKED_AT_ONCE);
    small || file.with_extension(SUSPECT).exists()
}

fn is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    let word: String = connection.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
    Ok(word == "ok")
}

/// What a close look finds.
#[derive(PartialEq, Eq)]
pub(super) enum Fit {
    /// All of it fits together.
    Whole,
    /// This index does not fit its table.
    NotOf(String),
    /// Something else does not fit.
    Not,
}

/// Whether all of it fits together, its indexes with their tables, too: that takes a few times as long.
pub(super) fn fit(connection: &Connection) -> Result<Fit, Error> {
    let word: String = connection
        .query_row("pragma integrity_check(1)", [], |row| row.get(0))
        .map_err(failed)?;
    if word == "ok" {
        return Ok(Fit::Whole);
    }
    tracing::error!(word, "the data does not fit together");
    let is_index = "select exists (select 1 from sqlite_schema where type = 'index' and name = ?1)";
    let named = word.rsplit_once(" index ").map(|(_, name)| name);
    let index = named.filter(|name| {
        connection
            .query_row(is_index, [name], |row| row.get(0))
            .unwrap_or(false)
    });
    Ok(index.map_or(Fit::Not, |name| Fit::NotOf(name.to_owned())))
}

/// Makes each index anew that does not fit its table. Whether all fits together then.
fn mended(connection: &Connection) -> Result<bool, Error> {
    let mut made = BTreeSet::new();
    loop {
        match fit(connection)? {
            Fit::Whole => return Ok(true),
            Fit::NotOf(index) if made.insert(index.clone()) => {
                if !make_index(connection, &index)? {
                    return Ok(false);
                }
            }
            Fit::NotOf(_) | Fit::Not => return Ok(false),
        }
    }
}

/// Makes an index anew. False where it is the table that is wrong: two of its rows have what only one may have.
pub(super) fn make_index(connection: &Connection, index: &str) -> Result<bool, Error> {
    tracing::warn!(index, "an index of the data is made anew");
    let name = index.replace('"', "\"\"");
    match connection.execute_batch(&format!("reindex \"{name}\"")) {
        Err(error) if error.sqlite_error_code() == Some(Sqlite::ConstraintViolation) => Ok(false),
        done => done.map(|()| true).map_err(failed),
    }
}

/// Looks through a file while it is in use. False where it is damaged, which the next opening mends.
pub(super) fn check(connection: &Connection, folder: &Path) -> Result<bool, Error> {
    let whole = match is_whole(connection).map_err(failed) {
        Err(error) if tells_of_damage(&error) => false,
        other => other?,
    };
    if !whole {
        tracing::error!("the data is damaged; the next start brings back a backup");
        suspect(folder)?;
    }
    Ok(whole)
}

/// The next opening looks through it first.
pub(super) fn suspect(folder: &Path) -> Result<(), Error> {
    owned_file(&suspected(folder)).map(drop)
}

fn suspected(folder: &Path) -> PathBuf {
    folder.join(FILE).with_extension(SUSPECT)
}

/// Whether a look through it found it damaged.
pub(super) fn is_damaged(folder: &Path) -> bool {
    suspected(folder).exists()
}

/// What every connection of the store is set to.
pub(super) fn prepare(connection: &Connection) -> Result<(), Error> {
    let set = || {
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "foreign_keys", "on")?;
        // Else `insert or replace` would delete rows past the triggers that refuse it.
        connection.pragma_update(None, "recursive_triggers", "on")?;
        connection.pragma_update(None, "trusted_schema", "off")?;
        connection.pragma_update(None, "temp_store", "memory")?;
        // macOS only: fsync there does not reach the disk's own cache without it.
        connection.pragma_update(None, "fullfsync", "on")?;
        connection.pragma_update(None, "checkpoint_fullfsync", "on")
    };
    set().map_err(failed)
}

fn bring_up_to_date(
    connection: &mut Connection,
    folder: &Path,
    migrations: &[M<'_>],
) -> Result<(), Error> {
    let found = schema::version(connection).map_err(failed)?;
    if found > 0 && found < migrations.len() {
        backup::take(connection, folder, now(), backup::KEPT)?;
    }
    schema::migrate(connection, migrations)
}

/// From here on a call without an outcome that is older is one whose process died. What earlier runs left the disk
/// may have no room to file: the writer goes on trying.
fn begin_run(connection: &Connection) -> Result<Option<Unfiled>, Error> {
    connection
        .execute(
            "insert into runs (n) select coalesce(max(n), 0) + 1 from runs",
            [],
        )
        .map_err(failed)?;
    match intake::take_up(connection) {
        Ok(()) => Ok(None),
        Err(damage) if tells_of_damage(&damage) => Err(damage),
        Err(why) => {
            tracing::error!(%why, "what earlier runs left could not be filed");
            let rows = intake::count(connection)?;
            Ok(Some(Unfiled { rows, why }))
        }
    }
}

/// Puts the damaged files aside and the newest good backup in their place.
fn restore(folder: &Path, file: &Path) -> Result<Restored, Error> {
    let good = backup::all(folder)
        .into_iter()
        .find(|(_, path)| backup::verify(path).is_ok());
    let Some((taken, good)) = good else {
        return Err(damaged(folder));
    };
    let aside = folder.join(format!("damaged-{}", now().0));
    make_folder(&aside)?;
    for suffix in ["-wal", "-shm", ""] {
        let name = format!("{FILE}{suffix}");
        match fs::rename(folder.join(&name), aside.join(&name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unwritable(&error));
            }
            _ => {}
        }
    }
    let partial = file.with_extension("partial");
    drop(owned_file(&partial)?);
    fs::copy(&good, &partial).map_err(|error| unwritable(&error))?;
    mark(&partial, taken, &aside)?;
    backup::sync_file(&partial)?;
    backup::replace(&partial, file)?;
    backup::remove(&file.with_extension(SUSPECT))?;
    tracing::error!(
        taken = taken.0,
        "the data was damaged and came back from a backup"
    );
    Ok(Restored {
        taken,
        damaged: aside,
    })
}

/// What came back says itself that it did, until an admin has gone on with it.
fn mark(copy: &Path, taken: Time, damaged: &Path) -> Result<(), Error> {
    let came = CameBack {
        taken,
        damaged: damaged.display().to_string(),
    };
    let connection = Connection::open(copy).map_err(failed)?;
    connection
        // Into the file itself, not into a log beside it.
        .pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))
        .map_err(failed)?;
    let tx = super::Tx::new(&connection);
    super::settings::set(&tx, CAME_BACK, &came)?;
    drop(tx);
    connection.close().map_err(|(_, error)| failed(error))
}

/// The same, for an admin who was not told yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameBack {
    /// When the backup was taken.
    pub taken: Time,
    /// The folder of the damaged files.
    pub damaged: String,
}

/// Whether this data came back from a backup, and no admin has gone on with it.
///
/// # Errors
/// `StoreFailed`.
pub(crate) fn came_back(connection: &Connection) -> Result<Option<CameBack>, Error> {
    super::settings::get(connection, CAME_BACK)
}

/// An admin has.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(crate) fn forget_came_back(tx: &super::Tx<'_>) -> Result<(), Error> {
    super::settings::remove(tx, CAME_BACK)
}

fn damaged(folder: &Path) -> Error {
    let why = format!(
        "the data file is damaged and there is no good backup. Put a copy of your own in the place of {}, \
         or move it away to begin anew",
        folder.display()
    );
    Error::new(ErrorCode::StoreFailed).with("why", why)
}

/// Names files only; nothing is decided by it.
fn now() -> Time {
    use crate::ports::Clock;
    crate::ports::SystemClock.now()
}
