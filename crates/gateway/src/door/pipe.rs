//! The door on Windows: a named pipe. Its name holds 256 random bits and lies in a file of the user's
//! own data folder, so that nobody else can know it beforehand and have one of that name first.
//!
//! While the app runs, the names of pipes can be listed by everybody. By default other users may read from
//! a pipe but neither write to it nor add one of the same name; and so that nobody is taken for an app
//! that has ended, the file is held open for as long as there is a pipe: the `chief` command looks whether
//! it is before it says anything ([`HELD`]).

use engine::secret::Secret;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::windows::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

/// FILE_SHARE_READ: nobody else can open it to write.
const HELD: u32 = 1;

pub(super) struct Place {
    /// Before the pipe, so that it is let go first: while it is held there is the pipe.
    held: File,
    next: NamedPipeServer,
    name: String,
    file: PathBuf,
}

impl Place {
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join(wire::DOOR_FOLDER);
        fs::create_dir_all(&folder)?;
        let file = folder.join(wire::DOOR_FILE);
        // That of a run which was killed goes first: no old name is ever in a file that is held.
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let name = format!(r"\\.\pipe\{}", Secret::fresh("chief-").reveal());
        let next = ServerOptions::new()
            .first_pipe_instance(true)
            .reject_remote_clients(true)
            .create(&name)?;
        let mut held = OpenOptions::new()
            .write(true)
            .create_new(true)
            .share_mode(HELD)
            .open(&file)?;
        held.write_all(name.as_bytes())?;
        Ok(Self {
            held,
            next,
            name,
            file,
        })
    }

    /// `None` never comes: who knows the name is this user.
    pub async fn accept(&mut self) -> io::Result<Option<NamedPipeServer>> {
        self.next.connect().await?;
        // Before this one is served, so that the name is never without a pipe.
        let next = ServerOptions::new()
            .reject_remote_clients(true)
            .create(&self.name)?;
        Ok(Some(std::mem::replace(&mut self.next, next)))
    }

    pub fn remove(self) {
        drop(self.held);
        let _ = fs::remove_file(&self.file);
    }
}
