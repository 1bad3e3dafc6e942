//! Copies of the data: taken by SQLite's online backup, verified before an older one goes.

use super::{failed, open::Fit, schema, unwritable};
use rusqlite::{Connection, OpenFlags, backup::Backup};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use wire::{Error, ErrorCode, Time};

/// Backups that stay when one is taken for any reason but Disconnect.
pub const KEPT: usize = 3;

const FOLDER: &str = "backups";
const DAMAGED: &str = "the copy is damaged";

/// Copies the data of `connection` to `{folder}/backups/{now}.db`, verifies the copy, and removes
/// the backups that are older than the newest `keep`. Returns the new one.
///
/// # Errors
/// `StoreUnwritable` or `StoreFailed`; the older backups are then left alone.
pub(super) fn take(
    connection: &Connection,
    folder: &Path,
    now: Time,
    keep: usize,
) -> Result<PathBuf, Error> {
    let data = folder;
    let folder = data.join(FOLDER);
    super::open::make_folder(&folder)?;
    // Never under the name of an older one, also where the clock went back.
    let newest = list(&folder).first().map_or(i64::MIN, |(at, _)| at.0);
    let at = Time(now.0.max(newest.saturating_add(1)));
    let target = folder.join(format!("{:015}.db", at.0));
    let partial = target.with_extension("partial");
    remove(&partial)?;
    let copied = copy(connection, &partial).and_then(|()| verify(&partial));
    if let Err(error) = copied {
        // The half copy is worth nothing; the error is what matters.
        let _ = remove(&partial);
        if error.code == ErrorCode::StoreFailed {
            // It may be the data itself that is damaged.
            super::open::check(connection, data)?;
        }
        return Err(error);
    }
    replace(&partial, &target)?;
    for (_, older) in list(&folder).into_iter().skip(keep) {
        remove(&older)?;
    }
    Ok(target)
}

/// Removes what was left of backups that were cut short. Nobody may be taking one.
pub(super) fn remove_partial(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder.join(FOLDER)) else {
        return;
    };
    // Also SQLite's journal of one.
    let is_partial = |name: &str| name.contains(".partial");
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(is_partial)
            && let Err(error) = remove(&entry.path())
        {
            tracing::warn!(%error, "half a backup could not be removed");
        }
    }
}

/// The backups in the data folder, newest first, with the time in their name.
#[must_use]
pub fn all(folder: &Path) -> Vec<(Time, PathBuf)> {
    list(&folder.join(FOLDER))
}

fn list(folder: &Path) -> Vec<(Time, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .filter_map(|path| Some((Time(path.file_stem()?.to_str()?.parse().ok()?), path)))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found
}

fn copy(from: &Connection, to: &Path) -> Result<(), Error> {
    let mut target = Connection::open(to).map_err(failed)?;
    {
        let backup = Backup::new(from, &mut target).map_err(failed)?;
        // All pages at one go: the copy is of one moment, and the writer goes on meanwhile.
        backup
            .run_to_completion(i32::MAX, Duration::from_millis(20), None)
            .map_err(failed)?;
    }
    forget_waiting(&target).map_err(failed)?;
    target.close().map_err(|(_, error)| failed(error))?;
    sync_file(to)
}

/// A sign-in that waits for its answer is no data to come back to: no copy holds one.
fn forget_waiting(copy: &Connection) -> rusqlite::Result<()> {
    copy.pragma_update(None, "secure_delete", "on")?;
    // Taken before the table came, on the way to a newer schema.
    let is_there = "select exists (select 1 from sqlite_schema where name = 'waiting_sign_ins')";
    if copy.query_row(is_there, [], |row| row.get(0))? {
        copy.execute("delete from waiting_sign_ins", [])?;
    }
    Ok(())
}

/// Whether the file is whole and of a schema that this build can bring up to date.
pub(super) fn verify(file: &Path) -> Result<(), Error> {
    match is_good(file) {
        Ok(true) => Ok(()),
        Err(error) if !super::tells_of_damage(&error) => Err(error),
        // It is not the data itself of which that is told.
        Ok(false) | Err(_) => Err(Error::new(ErrorCode::StoreFailed).with("why", DAMAGED)),
    }
}

fn is_good(file: &Path) -> Result<bool, Error> {
    let connection = frozen(file)?;
    schema::refuse_newer(schema::version(&connection).map_err(failed)?, schema::KNOWN)?;
    Ok(super::open::fit(&connection)? == Fit::Whole)
}

/// Whether it says that the copy does not fit together: nor may, then, what it is a copy of.
pub(super) fn is_of_the_copy(error: &Error) -> bool {
    error.code == ErrorCode::StoreFailed && error.args.get("why").is_some_and(|why| why == DAMAGED)
}

/// Opens a file that nobody writes, without making a log beside it.
fn frozen(file: &Path) -> Result<Connection, Error> {
    let url = url::Url::from_file_path(file)
        .map_err(|()| Error::new(ErrorCode::StoreFailed).with("why", "a relative folder"))?;
    Connection::open_with_flags(
        format!("{url}?immutable=1"),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
    )
    .map_err(failed)
}

/// Puts `from` in the place of `to` so that a crash leaves one or the other.
pub(crate) fn replace(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|error| unwritable(&error))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Removes a file; no error where there is none.
pub(crate) fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(&error)),
        _ => Ok(()),
    }
}

/// Puts a file's content on disk.
pub(crate) fn sync_file(file: &Path) -> Result<(), Error> {
    fs::OpenOptions::new()
        .write(true)
        .open(file)
        .and_then(|file| file.sync_all())
        .map_err(|error| unwritable(&error))
}

/// Puts a folder's list of names on disk, where the system can (not on Windows, which does so by
/// itself).
#[cfg_attr(not(unix), allow(clippy::unnecessary_wraps, unused_variables))]
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| unwritable(&error))?;
    Ok(())
}
