//! A client's file on disk: read, written whole or not at all, and put back.

use crate::secret::fingerprint;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};
use wire::{Error, ErrorCode};

/// Bytes of a configuration, at most.
const MOST: u64 = 32 * 1024 * 1024;
/// Ends the name of the copy of what was there before.
const BEFORE: &str = "before-chief";

/// What was written, to take it back. Holds no secret: what it is, in a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    file: PathBuf,
    is: [u8; 32],
    /// The copy of what was there; `None`: there was no file.
    before: Option<PathBuf>,
}

/// `None`: there is none.
pub(super) fn read(file: &Path) -> Result<Option<String>, Error> {
    match fs::metadata(file) {
        Ok(is) if is.len() > MOST => return Err(trouble(file, "it is too large")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble(file, &error.to_string())),
    }
    fs::read_to_string(file)
        .map(Some)
        .map_err(|error| trouble(file, &error.to_string()))
}

/// Writes `after` where `before` was, and a copy of that beside it.
pub(super) fn write(file: &Path, before: Option<&str>, after: &str) -> Result<Written, Error> {
    let failed = |error: io::Error| trouble(file, &error.to_string());
    // Where it is a link, as in a folder of dotfiles, what it leads to is written.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let copy = before.map(|text| {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(BEFORE);
        (file.with_file_name(name), text)
    });
    if let Some((copy, text)) = &copy {
        put(copy, text, Some(file)).map_err(failed)?;
    }
    put(file, after, Some(file)).map_err(failed)?;
    Ok(Written {
        file: file.clone(),
        is: fingerprint(after),
        before: copy.map(|(copy, _)| copy),
    })
}

impl Written {
    /// Whether the file is still what was written.
    pub fn stands(&self) -> bool {
        read(&self.file).is_ok_and(|text| text.is_some_and(|text| fingerprint(&text) == self.is))
    }

    pub fn undo(self) -> Result<(), Error> {
        if !self.stands() {
            let place = self.file.display().to_string();
            return Err(Error::new(ErrorCode::ClientFileChanged).with("place", place));
        }
        let failed = |error: io::Error| trouble(&self.file, &error.to_string());
        match &self.before {
            Some(before) => {
                let text = fs::read_to_string(before).map_err(failed)?;
                put(&self.file, &text, Some(&self.file)).map_err(failed)?;
                fs::remove_file(before).map_err(failed)
            }
            None => fs::remove_file(&self.file).map_err(failed),
        }
    }
}

/// Beside it first, then in its place, so that the file is never half. For this user alone, as a new file of
/// secrets should be, unless `like` has other permissions.
fn put(file: &Path, text: &str, like: Option<&Path>) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(folder)?;
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().sync_all()?;
    if let Some(like) = like.and_then(|like| fs::metadata(like).ok()) {
        fs::set_permissions(beside.path(), like.permissions())?;
    }
    beside.persist(file)?;
    Ok(())
}

fn trouble(file: &Path, why: &str) -> Error {
    Error::new(ErrorCode::ClientFileUnreadable)
        .with("place", file.display().to_string())
        .with("why", crate::http::inert(why))
}
