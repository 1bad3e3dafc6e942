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

    /// `None`: it came from another user, or has gone so soon that the system no longer knows from whom.
    pub async fn accept(&mut self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.listener.accept().await?;
        let from = stream.peer_cred().ok();
        Ok(from
            .is_some_and(|from| from.uid() == self.user)
            .then_some(stream))
    }

    pub fn remove(self) {
        let _ = fs::remove_file(&self.socket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_goes_at_once_shuts_the_door_to_nobody() -> io::Result<()> {
        let data = std::env::temp_dir().join(format!("chief-{:x}", std::process::id()));
        fs::create_dir_all(&data)?;
        let mut place = Place::open(&data)?;
        let socket = data.join(wire::DOOR_FOLDER).join(wire::DOOR_FILE);
        for _ in 0..50 {
            drop(UnixStream::connect(&socket).await?);
            let _gone = place.accept().await?;
        }
        let _stays = UnixStream::connect(&socket).await?;
        assert!(place.accept().await?.is_some());
        place.remove();
        fs::remove_dir_all(&data)
    }
}
