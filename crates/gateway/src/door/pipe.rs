//! The door on Windows: a named pipe. Its name holds 256 random bits and lies in a file of the user's
//! own data folder, so that nobody else can know it, wait for it, or have one of that name first.
//! (By default other users may read from a pipe but not write to it, so that a guess would be of no use.)

use engine::secret::Secret;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

pub(super) struct Place {
    name: String,
    next: NamedPipeServer,
    file: PathBuf,
}

impl Place {
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join(wire::DOOR_FOLDER);
        fs::create_dir_all(&folder)?;
        let name = format!(r"\\.\pipe\{}", Secret::fresh("chief-").reveal());
        let next = ServerOptions::new()
            .first_pipe_instance(true)
            .reject_remote_clients(true)
            .create(&name)?;
        let file = folder.join(wire::DOOR_FILE);
        fs::write(&file, &name)?;
        Ok(Self { name, next, file })
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
        let _ = fs::remove_file(&self.file);
    }
}
