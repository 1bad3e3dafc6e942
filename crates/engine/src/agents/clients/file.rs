//! A client's file on disk: read, written whole or not at all, and put back.

use super::{edit, places::Place};
use crate::secret::fingerprint;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;
use wire::{ClientUndone, Error, ErrorCode};

/// Bytes of a configuration, at most.
const MOST: u64 = 32 * 1024 * 1024;
/// Ends the name of the copy of what was there before.
const BEFORE: &str = "before-chief";

/// What was written, to take it back. Holds no secret: what it is, in a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    file: PathBuf,
    is: [u8; 32],
    /// The copy of what was there before Chief; `None`: there was no file.
    before: Option<PathBuf>,
    /// Others have written there since that copy was made, so it holds less than what is to stay.
    #[serde(default)]
    mixed: bool,
}

/// `None`: there is none.
pub(super) fn read(file: &Path) -> Result<Option<String>, Error> {
    match fs::metadata(file) {
        Ok(is) if is.len() > MOST => return Err(trouble(file, "it is too large")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::symlink_metadata(file) {
                Ok(_) => Err(trouble(file, "it is a link that leads nowhere")),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(trouble(file, &error.to_string())),
    }
    fs::read_to_string(file)
        .map(Some)
        .map_err(|error| trouble(file, &error.to_string()))
}

/// Where a file lies, links followed, be it there or not: what a link leads to is written, as in a folder of
/// dotfiles.
pub(super) fn resolved(file: &Path) -> PathBuf {
    let there = dunce::canonicalize(file).ok().or_else(|| {
        let folder = dunce::canonicalize(file.parent()?).ok()?;
        Some(folder.join(file.file_name()?))
    });
    there.unwrap_or_else(|| file.to_owned())
}

/// Writes `after` where `before` was, and a copy of that beside it. Where `last` was written there and not
/// taken back, what was there before it keeps its copy.
pub(super) fn write(
    place: &Place,
    (before, after): (Option<&str>, &str),
    last: Option<Written>,
) -> Result<Written, Error> {
    let failed = |error: io::Error| trouble(&place.file, &error.to_string());
    let folder = place.file.parent();
    fs::create_dir_all(folder.unwrap_or(&place.file)).map_err(failed)?;
    let file = resolved(&place.file);
    let earlier = last
        .filter(|last| resolved(&last.file) == file)
        .filter(|last| before.is_some() || last.before.is_some());
    let (copy, mixed) = match (&earlier, before) {
        (Some(last), _) => {
            let stood = before.is_some_and(|text| fingerprint(text) == last.is);
            (last.before.clone(), last.mixed || !stood)
        }
        (None, None) => (None, false),
        // An entry that nobody remembers is Chief's all the same: this is not what was there before it, and
        // a copy that lies there may be.
        (None, Some(text)) => (
            Some(copy_of(&file)),
            edit::without_chief(place, text)?.is_some(),
        ),
    };
    let there = copy.as_ref().filter(|copy| copy.exists());
    let kept = there.filter(|_| mixed || earlier.is_some());
    if let Some(copy) = kept {
        for_this_user(copy, copy).map_err(failed)?;
    }
    let to_make = copy.as_ref().zip(before);
    let to_make = to_make.filter(|_| kept.is_none() && earlier.is_none());
    let made = to_make
        .map(|(copy, text)| Ok((copy, beside(copy, text, &file)?)))
        .transpose()
        .map_err(failed)?;
    let new = beside(&file, after, &file).map_err(failed)?;
    is_still(&file, before)?;
    if let Some((copy, made)) = made {
        made.persist(copy).map_err(|error| failed(error.error))?;
    }
    new.persist(&file).map_err(|error| failed(error.error))?;
    Ok(Written {
        is: fingerprint(after),
        before: copy,
        file,
        mixed,
    })
}

fn copy_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(BEFORE);
    file.with_file_name(name)
}

impl Written {
    /// Whether there is anything to take back.
    pub fn is_there(&self, place: &Place) -> bool {
        let Ok(Some(text)) = read(&self.file) else {
            return false;
        };
        self.stands(&text) || edit::without_chief(place, &text).is_ok_and(|left| left.is_some())
    }

    /// Whether the file is what was written, and the copy all else that is to stay.
    fn stands(&self, text: &str) -> bool {
        !self.mixed && fingerprint(text) == self.is
    }

    /// Puts back what was there; where others have written there since, takes out our entry alone.
    pub fn undo(self, place: &Place) -> Result<ClientUndone, Error> {
        let done = match self.take_back(place) {
            Err(error) if error.code == ErrorCode::ClientFileChanged => self.take_back(place),
            done => done,
        }?;
        self.forget_copy()
            .map_err(|error| trouble(&self.file, &error.to_string()))?;
        Ok(done)
    }

    fn take_back(&self, place: &Place) -> Result<ClientUndone, Error> {
        let Some(text) = read(&self.file)? else {
            return Ok(ClientUndone::EntryTaken);
        };
        let copy = self.before.as_ref().map(fs::read_to_string);
        match copy {
            None if self.stands(&text) => {
                fs::remove_file(&self.file)
                    .map_err(|error| trouble(&self.file, &error.to_string()))?;
                Ok(ClientUndone::PutBack)
            }
            Some(Ok(before)) if self.stands(&text) => {
                replace(&self.file, &text, &before)?;
                Ok(ClientUndone::PutBack)
            }
            None | Some(_) => {
                if let Some(left) = edit::without_chief(place, &text)? {
                    replace(&self.file, &text, &left)?;
                }
                Ok(ClientUndone::EntryTaken)
            }
        }
    }

    /// Nothing is put back by it any longer, and it may hold tokens.
    fn forget_copy(&self) -> io::Result<()> {
        match &self.before {
            Some(copy) if copy.exists() => fs::remove_file(copy),
            Some(_) | None => Ok(()),
        }
    }
}

/// Puts `after` where `before` still is.
fn replace(file: &Path, before: &str, after: &str) -> Result<(), Error> {
    let failed = |error: io::Error| trouble(file, &error.to_string());
    let new = beside(file, after, file).map_err(failed)?;
    is_still(file, Some(before))?;
    new.persist(file).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Its client may have written there since `before` was read, the more so on a slow disk.
fn is_still(file: &Path, before: Option<&str>) -> Result<(), Error> {
    if read(file)?.as_deref() == before {
        Ok(())
    } else {
        Err(changed(file))
    }
}

pub(super) fn changed(file: &Path) -> Error {
    Error::new(ErrorCode::ClientFileChanged).with("place", file.display().to_string())
}

/// What is to stand at `file`, on disk beside it first, so that the file is never half. For this user alone,
/// since it holds a token, and with no more rights than `like` gives.
fn beside(file: &Path, text: &str, like: &Path) -> io::Result<NamedTempFile> {
    let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
    let mut beside = NamedTempFile::new_in(folder)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().sync_all()?;
    if like.exists() {
        for_this_user(beside.path(), like)?;
    }
    Ok(beside)
}

/// What `like` lets this user do, and nobody else anything.
#[cfg(unix)]
fn for_this_user(file: &Path, like: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(like)?.permissions().mode();
    fs::set_permissions(file, fs::Permissions::from_mode(mode & 0o700))
}

/// The folder of this user says who may read it.
#[cfg(not(unix))]
fn for_this_user(file: &Path, like: &Path) -> io::Result<()> {
    fs::set_permissions(file, fs::metadata(like)?.permissions())
}

pub(super) fn trouble(file: &Path, why: &str) -> Error {
    Error::new(ErrorCode::ClientFileUnreadable)
        .with("place", file.display().to_string())
        .with("why", crate::http::inert(why))
}
