//! The door to the running app.

use crate::{place, say::Failure};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{io, path::Path};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf, split};
use wire::{DoorAnswer, DoorAsk, Hello, SecretInput};

#[cfg(unix)]
pub type Stream = tokio::net::UnixStream;
#[cfg(windows)]
pub type Stream = tokio::net::windows::named_pipe::NamedPipeClient;

/// A way into the app, opened for one purpose.
pub struct Inside {
    pub read: BufReader<ReadHalf<Stream>>,
    pub write: WriteHalf<Stream>,
}

/// Goes in as the admin. Errors: where nobody opens.
pub async fn enter_as_admin(folder: &Path) -> Result<Inside, Failure> {
    enter(folder, &Hello::Commands, None).await
}

/// Goes in; an agent with its token. Errors: where nobody opens, or what the app has against it.
pub async fn enter(
    folder: &Path,
    hello: &Hello,
    token: Option<&SecretInput>,
) -> Result<Inside, Failure> {
    let door = place::door(folder);
    let stream = knock(&door).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Failure::NoApp(door.clone()),
        io::ErrorKind::PermissionDenied => Failure::NotOurs(door.clone()),
        _ => Failure::Io(error),
    })?;
    let (read, write) = split(stream);
    let mut inside = Inside {
        read: BufReader::new(read),
        write,
    };
    let hello = serde_json::to_vec(hello).map_err(|_| Failure::Unreadable)?;
    inside.say(hello).await?;
    if let Some(token) = token {
        inside.say(token.reveal().as_bytes().to_vec()).await?;
    }
    inside.answer().await?;
    Ok(inside)
}

impl Inside {
    /// Asks one command of the table.
    pub async fn ask(&mut self, name: &str, ask: Value) -> Result<Value, Failure> {
        let asked = DoorAsk {
            name: name.to_owned(),
            ask,
        };
        let line = serde_json::to_vec(&asked).map_err(|_| Failure::Unreadable)?;
        self.say(line).await?;
        self.answer().await
    }

    async fn say(&mut self, mut line: Vec<u8>) -> Result<(), Failure> {
        line.push(b'\n');
        self.write
            .write_all(&line)
            .await
            .map_err(|_| Failure::AppEnded)
    }

    async fn answer(&mut self) -> Result<Value, Failure> {
        let mut line = String::new();
        let read = self.read.read_line(&mut line).await;
        if !read.is_ok_and(|bytes| bytes > 0) {
            return Err(Failure::AppEnded);
        }
        match serde_json::from_str(&line) {
            Ok(DoorAnswer::Ok(value)) => Ok(value),
            Ok(DoorAnswer::Error(error)) => Err(Failure::Said(error)),
            Err(_) => Err(Failure::Unreadable),
        }
    }
}

/// An answer as one of the types of `wire`.
pub fn read<T: DeserializeOwned>(answer: &Value) -> Result<T, Failure> {
    T::deserialize(answer).map_err(|_| Failure::Unreadable)
}

/// `PermissionDenied` where it is not this user who listens: nothing is said to somebody else.
#[cfg(unix)]
async fn knock(door: &Path) -> io::Result<Stream> {
    let stream = Stream::connect(door).await?;
    let (us, _) = Stream::pair()?;
    if stream.peer_cred()?.uid() == us.peer_cred()?.uid() {
        Ok(stream)
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// The pipe is the one that a file of this user's own folder names. `ConnectionRefused` where the app
/// that wrote it has ended: anybody may have a pipe of that name now.
#[cfg(windows)]
async fn knock(door: &Path) -> io::Result<Stream> {
    use std::time::Duration;
    use tokio::net::windows::named_pipe::ClientOptions;
    /// ERROR_PIPE_BUSY: the app is about to open another instance.
    const BUSY: i32 = 231;
    let name = std::fs::read_to_string(door)?;
    for _ in 0..100 {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(BUSY) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Looked at after the pipe was opened: the app lived then, and nobody else can open a pipe of
            // a name that is in use.
            Ok(stream) if is_held(door, &name)? => return Ok(stream),
            Ok(_) => return Err(io::ErrorKind::ConnectionRefused.into()),
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Whether the app holds the file, as it does while it has a pipe, and the file still says `name`. In this
/// order: another run of the app takes an old file away before it holds its own.
#[cfg(windows)]
fn is_held(door: &Path, name: &str) -> io::Result<bool> {
    /// ERROR_SHARING_VIOLATION: whoever has it open lets nobody else write.
    const HELD: i32 = 32;
    let opened = std::fs::OpenOptions::new().write(true).open(door);
    let held = opened.is_err_and(|error| error.raw_os_error() == Some(HELD));
    Ok(held && std::fs::read_to_string(door)? == name)
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;
    use std::{fs, io::Write as _, os::windows::fs::OpenOptionsExt as _, process};
    use tokio::net::windows::named_pipe::ServerOptions;

    #[tokio::test]
    async fn nothing_is_said_to_a_pipe_whose_name_no_running_app_holds() -> io::Result<()> {
        let name = format!(r"\\.\pipe\chief-test-{}", process::id());
        let file = std::env::temp_dir().join(format!("chief-test-{}.sock", process::id()));
        let _others = ServerOptions::new().create(&name)?;
        fs::write(&file, &name)?;
        let refused = knock(&file).await.err().map(|error| error.kind());
        assert_eq!(refused, Some(io::ErrorKind::ConnectionRefused));
        fs::remove_file(&file)?;

        let _apps = ServerOptions::new().create(&name)?;
        let mut held = fs::OpenOptions::new();
        let held = held.write(true).create_new(true).share_mode(1);
        let mut held = held.open(&file)?;
        held.write_all(name.as_bytes())?;
        assert!(knock(&file).await.is_ok(), "the app runs");
        drop(held);
        fs::remove_file(&file)
    }
}
