//! The door on Unix: a socket (0600) in a folder (0700) of the data folder. Whoever comes in by another
//! way than these permissions is asked for by the kernel and sent away.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use tokio::net::{UnixListener, UnixStream};

pub(super) struct Place {
    listener: UnixListener,
    socket: PathBuf,
    user: u32,
}

impl Place {
    /// One app at a time has the data folder (the store's lock), so a socket that lies there is an old
    /// one's.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join(wire::DOOR_FOLDER);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        let is = fs::symlink_metadata(&folder)?;
        if !is.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let socket = folder.join(wire::DOOR_FILE);
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            socket,
            user: is.uid(),
        })
    }

    /// `None`: it came from another user.
    pub async fn accept(&mut self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.listener.accept().await?;
        Ok((stream.peer_cred()?.uid() == self.user).then_some(stream))
    }

    pub fn remove(self) {
        let _ = fs::remove_file(&self.socket);
    }
}
