//! The door that only this user can open: for the `chief` command, which is the stdio bridge of agents
//! and the admin's own. MCP goes through it as through HTTP, to the same server; of the table of commands
//! what reads, and a test.
//!
//! The system says who may open it: a socket in a folder of this user alone, on Windows a pipe whose name
//! lies in such a folder.

mod ending;
#[cfg_attr(windows, path = "door/pipe.rs")]
#[cfg_attr(unix, path = "door/socket.rs")]
mod place;

use crate::{Inside, seat::Seat, server::Server};
use ending::Ending;
use engine::secret::Secret;
use place::Place;
use rmcp::{ServiceExt as _, transport::async_rw::AsyncRwTransport};
use serde_json::Value;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use wire::{DOOR_LINE_MAX, DoorAnswer, DoorAsk, Error, ErrorCode, Hello};

/// Programs inside at a time; more wait.
const INSIDE: usize = 128;
/// How long a program may take to say what it wants.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of that, at most.
const HELLO_MAX: usize = 16 * 1024;
/// A door that cannot be had is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// Letting one in may fail for a moment (too many files are open): before the next try, and how often in a row
/// until the door is taken for broken.
const PAUSE: Duration = Duration::from_millis(50);
const TRIES: usize = 20;

/// What may be asked by name: whatever only reads, and a test.
const ASKED: &[&str] = &[
    "list_integrations",
    "get_integration",
    "list_tools",
    "list_providers",
    "test_integration",
    "list_activity",
    "get_row",
    "verify_record",
    "get_record_settings",
    "list_agents",
    "list_notices",
    "get_settings",
    "get_app",
];

/// Opens it, and lets programs in until `close`.
pub(crate) async fn open(inside: Inside, close: CancellationToken) {
    let places = Arc::new(Semaphore::new(INSIDE));
    loop {
        let opened = Place::open(inside.engine.folder());
        let ended = match opened {
            Ok(mut place) => {
                let ended = tokio::select! {
                    () = close.cancelled() => None,
                    ended = let_in(&inside, &mut place, &places, &close) => Some(ended),
                };
                match ended {
                    None => return place.remove(),
                    Some(error) => error,
                }
            }
            Err(error) => error,
        };
        tracing::warn!(error = %ended, "the door of the chief command cannot be had");
        tokio::select! {
            () = close.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn let_in(
    inside: &Inside,
    place: &mut Place,
    places: &Arc<Semaphore>,
    close: &CancellationToken,
) -> io::Error {
    let mut failures = Failures::default();
    loop {
        let Ok(turn) = places.clone().acquire_owned().await else {
            return io::ErrorKind::Other.into();
        };
        let accepted = match place.accept().await {
            Ok(accepted) => accepted,
            Err(error) => match failures.add(error).await {
                Ok(()) => continue,
                Err(error) => return error,
            },
        };
        failures = Failures::default();
        // Not this user (the system should not have let it this far), or gone already.
        let Some(stream) = accepted else { continue };
        let (inside, close) = (inside.clone(), close.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = close.cancelled() => {}
                done = attend(inside, stream, close.child_token()) => {
                    // It has gone: no trouble of ours.
                    if let Err(error) = done {
                        tracing::debug!(%error, "a program left the door");
                    }
                }
            }
            drop(turn);
        });
    }
}

/// How often in a row none could be let in.
#[derive(Default)]
struct Failures(usize);

impl Failures {
    /// Waits a moment. The error: it was one too many.
    async fn add(&mut self, error: io::Error) -> io::Result<()> {
        self.0 += 1;
        if self.0 == TRIES {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// One program, from its first line to its last.
async fn attend(
    inside: Inside,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    close: CancellationToken,
) -> io::Result<()> {
    let (read, mut write) = tokio::io::split(stream);
    let mut read = BufReader::new(read);
    let first = async {
        let hello = line(&mut read, HELLO_MAX).await?.unwrap_or_default();
        let hello = serde_json::from_slice(&hello).ok();
        let token = match hello {
            Some(Hello::Mcp { .. }) => line(&mut read, HELLO_MAX).await?,
            Some(Hello::Commands) | None => None,
        };
        let token = Secret::new(String::from_utf8(token.unwrap_or_default()).unwrap_or_default());
        io::Result::Ok((hello, token))
    };
    let (hello, token) = tokio::time::timeout(HELLO_LIMIT, first).await??;
    match hello {
        Some(Hello::Mcp {
            integration,
            thread,
            task,
        }) => {
            let seat = Seat::new(token, integration, [thread, task], close.clone());
            // Asked here once, so that a wrong token is told in words and not by each request.
            if let Err(error) = seat.asker(&inside).await {
                return say(&mut write, &DoorAnswer::Error(error)).await;
            }
            say(&mut write, &DoorAnswer::Ok(Value::Null)).await?;
            // However it ends, its calls end with it.
            let _gone = close.clone().drop_guard();
            let transport = AsyncRwTransport::new_server(Ending::of(read, close.clone()), write)
                .with_max_line_length(DOOR_LINE_MAX);
            let server = Server::new(inside, Some(Arc::new(seat)));
            if let Ok(service) = server.serve_with_ct(transport, close).await {
                let _ = service.waiting().await;
            }
            Ok(())
        }
        Some(Hello::Commands) => {
            say(&mut write, &DoorAnswer::Ok(Value::Null)).await?;
            while let Some(asked) = line(&mut read, DOOR_LINE_MAX).await? {
                say(&mut write, &answer(&inside, &asked).await).await?;
            }
            Ok(())
        }
        None => {
            let error = unreadable("the first line");
            say(&mut write, &DoorAnswer::Error(error)).await
        }
    }
}

async fn answer(inside: &Inside, asked: &[u8]) -> DoorAnswer {
    let asked: DoorAsk = match serde_json::from_slice(asked) {
        Ok(asked) => asked,
        Err(_) => return DoorAnswer::Error(unreadable("request")),
    };
    if !ASKED.contains(&asked.name.as_str()) {
        let why = format!("only these are answered here: {}", ASKED.join(", "));
        let error = Error::new(ErrorCode::FieldInvalid)
            .with("field", "command")
            .with("why", why);
        return DoorAnswer::Error(error);
    }
    match engine::commands::answer(&inside.engine, &asked.name, asked.ask).await {
        Ok(reply) => DoorAnswer::Ok(reply),
        Err(error) => DoorAnswer::Error(error),
    }
}

fn unreadable(what: &str) -> Error {
    Error::new(ErrorCode::FieldInvalid)
        .with("field", what)
        .with(
            "why",
            "it is not what this app understands: are both of one version?",
        )
}

async fn say(write: &mut (impl AsyncWrite + Unpin), what: &DoorAnswer) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    write.write_all(&line).await?;
    write.flush().await
}

/// One line without its end; `None` at the end. One longer than `most` is an error.
async fn line(
    read: &mut (impl tokio::io::AsyncBufRead + Unpin),
    most: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    read.take(most).read_until(b'\n', &mut line).await?;
    match line.pop() {
        Some(b'\n') => Ok(Some(line)),
        Some(_) => Err(io::ErrorKind::InvalidData.into()),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_may_be_asked_is_of_the_table() {
        for name in ASKED {
            assert!(wire::NAMES.contains(name), "{name}");
        }
    }

    #[tokio::test]
    async fn failures_are_waited_out_and_too_many_in_a_row_are_told() {
        let error = || io::Error::from(io::ErrorKind::ConnectionAborted);
        let mut failures = Failures::default();
        for _ in 1..TRIES {
            assert!(failures.add(error()).await.is_ok());
        }
        assert!(failures.add(error()).await.is_err());
    }

    #[tokio::test]
    async fn a_line_has_an_end_and_a_limit() {
        let mut two: &[u8] = b"one\ntwo\n";
        assert_eq!(
            line(&mut two, 9).await.ok().flatten().as_deref(),
            Some(&b"one"[..])
        );
        assert_eq!(
            line(&mut two, 9).await.ok().flatten().as_deref(),
            Some(&b"two"[..])
        );
        assert!(matches!(line(&mut two, 9).await, Ok(None)));
        let mut long: &[u8] = b"longer than that\n";
        assert!(line(&mut long, 9).await.is_err());
        let mut cut: &[u8] = b"cut off";
        assert!(line(&mut cut, 9).await.is_err());
    }
}
