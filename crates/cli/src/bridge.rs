//! `chief mcp`: MCP over stdin and stdout, carried to the app and back, byte for byte. The protocol is the
//! app's own, the same that HTTP is given; nothing but it goes to stdout.

use crate::{door, say::Failure};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use std::{
    cell::Cell,
    env, fs,
    io::{self, BufRead as _, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _},
    sync::{mpsc, oneshot},
};
use wire::{DOOR_LINE_MAX, DOOR_TOO_LONG, Hello, SecretInput};

/// Where the token is looked for.
const VARIABLE: &str = "CHIEF_AGENT_TOKEN";
/// After the end of stdin: how long answers that are on their way are waited for.
const GRACE: Duration = Duration::from_millis(1_500);
/// How long an app that does not run yet is waited for: at a login nobody says which of the two starts first, and
/// most agents start no server again that ended once. They wait longer for its first answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked for, and when whoever reads along is told.
const KNOCK: Duration = Duration::from_millis(250);
const TELL: Duration = Duration::from_secs(1);
/// A message that is too long is read so far, to learn which request is to be refused.
const LONGEST: u64 = 64 * 1024 * 1024;
/// Lines of an older agent's handshake, into which nothing else may come.
const HANDSHAKE: u64 = 2;
/// Messages on their way, at most.
const ON_THEIR_WAY: usize = 64;

#[derive(clap::Args)]
pub struct Bridge {
    /// One integration alone, by its short name: its tools without prefix
    #[arg(long, value_name = "NAME")]
    integration: Option<String>,
    /// The Slack thread that calls belong to where they name none
    #[arg(long, value_name = "URL")]
    thread: Option<String>,
    /// The task that calls belong to where they name none
    #[arg(long, value_name = "TITLE")]
    task: Option<String>,
    /// A file that only you can read and that holds the agent's token, in place of CHIEF_AGENT_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A message of stdin.
enum Said {
    Line(Vec<u8>),
    /// One that is longer than a message may be, and its number.
    TooLong(Value),
}

/// Carries messages until stdin or the app ends.
pub async fn run(folder: &Path, bridge: Bridge) -> Result<u8, Failure> {
    let hello = Hello::Mcp {
        integration: bridge.integration,
        thread: bridge.thread,
        task: bridge.task,
    };
    let token = token(bridge.token_file)?;
    // stdin and stdout block, so each has a thread of its own: neither holds the other up.
    let (said, lines) = mpsc::channel(ON_THEIR_WAY);
    thread::spawn(move || listen(&said));
    let inside = enter(folder, &hello, &token, &lines).await?;
    drop(token);
    let (answers, to_print) = mpsc::channel(ON_THEIR_WAY);
    let (done, printed) = oneshot::channel::<()>();
    thread::spawn(move || {
        print(to_print);
        drop(done);
    });
    let ended = Cell::new(false);
    tokio::select! {
        () = there(lines, inside.write, answers.clone(), &ended) => {}
        () = back(inside.read, answers) => {}
    }
    // Whatever has come is printed; it is told by the sender's end.
    let _ = tokio::time::timeout(GRACE / 3, printed).await;
    if ended.get() {
        Ok(0)
    } else {
        Err(Failure::AppEnded)
    }
}

/// Goes in, or waits for the app to be there; no longer than stdin is open.
async fn enter(
    folder: &Path,
    hello: &Hello,
    token: &SecretInput,
    lines: &mpsc::Receiver<Said>,
) -> Result<door::Inside, Failure> {
    let began = Instant::now();
    let mut told = false;
    loop {
        match door::enter(folder, hello, Some(token)).await {
            Err(Failure::NoApp(_)) if began.elapsed() < PATIENCE && !lines.is_closed() => {}
            entered => return entered,
        }
        if !told && began.elapsed() >= TELL {
            eprintln!("chief: {}", words::text("cli-waits"));
            told = true;
        }
        tokio::time::sleep(KNOCK).await;
    }
}

/// From stdin to the app; after the end of stdin it is the app's to end, for a while.
async fn there(
    mut lines: mpsc::Receiver<Said>,
    mut app: tokio::io::WriteHalf<door::Stream>,
    answers: mpsc::Sender<Vec<u8>>,
    ended: &Cell<bool>,
) {
    let mut carried = 0u64;
    while let Some(said) = lines.recv().await {
        let sent = match said {
            Said::Line(line) => {
                carried += 1;
                app.write_all(&line).await.is_ok()
            }
            Said::TooLong(id) => {
                let told = carried < HANDSHAKE || app.write_all(&note_too_long()).await.is_ok();
                told && answers.send(too_long(&id)).await.is_ok()
            }
        };
        if !sent {
            return;
        }
    }
    ended.set(true);
    // What is answered from here on still goes out; nothing of ours holds the printing up.
    drop(answers);
    let _ = app.shutdown().await;
    tokio::time::sleep(GRACE).await;
}

/// From the app to stdout.
async fn back(
    mut app: tokio::io::BufReader<tokio::io::ReadHalf<door::Stream>>,
    answers: mpsc::Sender<Vec<u8>>,
) {
    loop {
        let mut line = Vec::new();
        match app.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if answers.send(line).await.is_err() {
            return;
        }
    }
}

/// Reads stdin to its end, message by message.
fn listen(said: &mpsc::Sender<Said>) {
    let mut stdin = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = stdin.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        if !read.is_ok_and(|bytes| bytes > 0) {
            return;
        }
        let said_now = if line.len() <= DOOR_LINE_MAX {
            if line.last() != Some(&b'\n') {
                line.push(b'\n');
            }
            Said::Line(line)
        } else {
            if line.last() != Some(&b'\n') && skip_line(&mut stdin).is_err() {
                return;
            }
            Said::TooLong(id_of(&line))
        };
        if said.blocking_send(said_now).is_err() {
            return;
        }
    }
}

fn skip_line(stdin: &mut io::StdinLock<'_>) -> io::Result<()> {
    loop {
        let here = stdin.fill_buf()?;
        let (used, found) = match here.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (here.len(), here.is_empty()),
        };
        stdin.consume(used);
        if found {
            return Ok(());
        }
    }
}

fn print(mut answers: mpsc::Receiver<Vec<u8>>) {
    let mut stdout = io::stdout().lock();
    while let Some(line) = answers.blocking_recv() {
        if stdout.write_all(&line).is_err() || stdout.flush().is_err() {
            return;
        }
    }
}

/// The number of a request, where it can be found.
fn id_of(message: &[u8]) -> Value {
    #[derive(Deserialize)]
    struct Numbered {
        id: Option<Value>,
        #[serde(flatten)]
        _rest: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Numbered>(message)
        .ok()
        .and_then(|message| message.id)
        .unwrap_or(Value::Null)
}

/// So that the app writes down what was refused here.
fn note_too_long() -> Vec<u8> {
    let note = json!({ "jsonrpc": "2.0", "method": DOOR_TOO_LONG });
    format!("{note}\n").into_bytes()
}

/// As HTTP says 413.
fn too_long(id: &Value) -> Vec<u8> {
    let most = DOOR_LINE_MAX / 1024 / 1024;
    let refusal = json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": { "code": -32600, "message": format!("A message may have {most} MiB.") },
    });
    format!("{refusal}\n").into_bytes()
}

/// From the file, else from the environment; never from an argument, which every process of this computer
/// can read.
fn token(file: Option<PathBuf>) -> Result<SecretInput, Failure> {
    let text = match file {
        Some(file) => {
            let failed = |why: String| Failure::TokenFile(file.clone(), why);
            of_this_user_alone(&file).map_err(failed)?;
            fs::read_to_string(&file).map_err(|error| failed(error.to_string()))?
        }
        None => env::var(VARIABLE).map_err(|_| Failure::NoToken)?,
    };
    let token = SecretInput::new(&text);
    if token.is_empty() {
        return Err(Failure::NoToken);
    }
    Ok(token)
}

#[cfg(unix)]
fn of_this_user_alone(file: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(file)
        .map_err(|error| error.to_string())?
        .permissions()
        .mode();
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(words::with(
            "cli-token-mode",
            &[("mode", &format!("{:04o}", mode & 0o7777))],
        ))
    }
}

/// Files of a user's own folders are that user's alone there.
#[cfg(windows)]
fn of_this_user_alone(_: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_too_long_is_refused_under_its_own_number() {
        assert_eq!(
            id_of(br#"{"method":"x","params":{"id":1},"id":7}"#),
            json!(7)
        );
        assert_eq!(id_of(br#"{"id":"a","method":"x"}"#), json!("a"));
        assert_eq!(id_of(b"{\"id\": 3, cut off"), Value::Null);
        let refusal: Value = serde_json::from_slice(&too_long(&json!(7))).expect("JSON");
        assert_eq!(refusal["id"], 7);
        assert_eq!(refusal["error"]["code"], -32600);
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_can_read_is_not_taken() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = env::temp_dir().join(format!("chief-token-{}", std::process::id()));
        fs::write(&file, "chief_abc\n").expect("written");
        for (mode, taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
            let token = token(Some(file.clone()));
            assert_eq!(
                token.is_ok_and(|token| token.reveal() == "chief_abc"),
                taken,
                "{mode:o}"
            );
        }
        fs::remove_file(&file).expect("removed");
    }
}
