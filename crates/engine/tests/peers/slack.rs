//! A scripted Slack on a real socket: as much of its Web API as notices need, and what goes wrong with it.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is done, and the connection ends before the answer.
    Lost,
    /// The connection ends before it is done.
    CutOff,
    /// It is done, and a status of 500 says that it went wrong.
    BrokenAfter,
    /// A status of 503, and it is not done.
    Broken,
    /// 429 with that many seconds.
    SlowDown(u32),
    /// 200, and `ok` is false for this reason.
    Says(&'static str),
    /// It is done, and a page of somebody else's comes back.
    Garbled,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub dm: String,
    pub ts: String,
    /// What a telephone shows.
    pub text: String,
    /// The text of its blocks.
    pub blocks: String,
    /// The id in its metadata.
    pub id: String,
    pub edits: u32,
}

impl Message {
    pub fn is_over(&self) -> bool {
        self.text.starts_with("Over: ")
    }
}

type Choice = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    requests: Vec<String>,
    faults: VecDeque<(String, Fault)>,
    choose: Option<Choice>,
    /// What `auth.test` says besides `ok`.
    is_person: bool,
    revoked: bool,
}

/// It ends when dropped.
pub struct Slack {
    pub base_url: String,
    state: Arc<Mutex<State>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Slack {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/api", listener.local_addr()?);
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                tokio::spawn(async move {
                    // Whoever hangs up is not waited for.
                    let _ = serve(stream, &state).await;
                });
            }
        });
        Ok(Self {
            base_url,
            state,
            serving,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    /// The methods that were asked for, oldest first.
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    /// How often a method was asked for.
    pub fn asked(&self, method: &str) -> usize {
        let state = self.state();
        state.requests.iter().filter(|each| *each == method).count()
    }

    /// The next request for this method goes wrong like this; asked again, the one after it.
    pub fn fail(&self, method: &str, fault: Fault) {
        self.state().faults.push_back((method.to_owned(), fault));
    }

    /// What goes wrong is chosen anew for each request, by its method.
    pub fn choose(&self, choose: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        self.state().choose = Some(Box::new(choose));
    }

    /// From now on everything works.
    pub fn heal(&self) {
        let mut state = self.state();
        state.choose = None;
        state.faults.clear();
        state.revoked = false;
    }

    /// The token is a person's.
    pub fn is_person(&self) {
        self.state().is_person = true;
    }

    /// The token is worth nothing any more.
    pub fn revoke(&self) {
        self.state().revoked = true;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>) -> Result<()> {
    let (method, form, is_ping) = request(&mut stream).await?;
    let (answer, fault, turned_away) = {
        let mut state = lock(state);
        state.requests.push(method.clone());
        let planned = state.faults.iter().position(|(of, _)| *of == method);
        let fault = match planned {
            Some(at) => state.faults.remove(at).map(|(_, fault)| fault),
            None => state.choose.as_mut().and_then(|choose| choose(&method)),
        };
        let is_done = matches!(
            fault,
            None | Some(Fault::Lost | Fault::BrokenAfter | Fault::Garbled)
        );
        let answer = is_done.then(|| state.answer(&method, &form));
        // A custom API's ping goes by the status.
        let turned_away = state.revoked && is_ping;
        (answer.unwrap_or(Value::Null), fault, turned_away)
    };
    let (status, more, body) = match fault {
        None if turned_away => ("401 Unauthorized", String::new(), answer.to_string()),
        None => ("200 OK", String::new(), answer.to_string()),
        Some(Fault::Lost | Fault::CutOff) => return Ok(()),
        Some(Fault::BrokenAfter) => ("500 Broken", String::new(), "oops".into()),
        Some(Fault::Broken) => ("503 Away", String::new(), String::new()),
        Some(Fault::SlowDown(seconds)) => (
            "429 Slow down",
            format!("retry-after: {seconds}\r\n"),
            json!({ "ok": false, "error": "ratelimited" }).to_string(),
        ),
        Some(Fault::Says(error)) => (
            "200 OK",
            String::new(),
            json!({ "ok": false, "error": error, "needed": "im:write" }).to_string(),
        ),
        Some(Fault::Garbled) => ("200 OK", String::new(), "<html>Sign in to the café".into()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}

/// The method that is asked for, its form, and whether it is a GET.
async fn request(stream: &mut TcpStream) -> Result<(String, HashMap<String, String>, bool)> {
    let mut seen = Vec::new();
    let head = loop {
        if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        anyhow::ensure!(stream.read_buf(&mut seen).await? > 0, "hung up");
    };
    let text = String::from_utf8_lossy(&seen[..head]).to_ascii_lowercase();
    let length: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    while seen.len() < head + length {
        anyhow::ensure!(stream.read_buf(&mut seen).await? > 0, "hung up");
    }
    let first = String::from_utf8_lossy(&seen[..head]).into_owned();
    let path = first.split(' ').nth(1).context("a path")?.to_owned();
    let form = url::form_urlencoded::parse(&seen[head..head + length])
        .into_owned()
        .collect();
    let method = path.rsplit('/').next().unwrap_or_default();
    Ok((method.to_owned(), form, first.starts_with("GET ")))
}

impl State {
    fn answer(&mut self, method: &str, form: &HashMap<String, String>) -> Value {
        let no = |error: &str| json!({ "ok": false, "error": error });
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        if self.revoked {
            return no("token_revoked");
        }
        match method {
            "auth.test" if self.is_person => json!({ "ok": true, "user_id": "U1", "team": "Acme" }),
            "auth.test" => json!({ "ok": true, "user_id": "U1", "bot_id": "B1", "team": "Acme" }),
            "users.lookupByEmail" if field("email").starts_with("nobody") => no("users_not_found"),
            "users.lookupByEmail" => {
                json!({ "ok": true, "user": { "id": format!("U-{}", field("email")) } })
            }
            "conversations.open" => {
                json!({ "ok": true, "channel": { "id": format!("D-{}", field("users")) } })
            }
            "chat.postMessage" => {
                let ts = format!("1700000000.{:06}", self.messages.len());
                let mut message = Message {
                    dm: field("channel"),
                    ts: ts.clone(),
                    text: String::new(),
                    blocks: String::new(),
                    id: String::new(),
                    edits: 0,
                };
                show(&mut message, form);
                self.messages.push(message);
                json!({ "ok": true, "channel": field("channel"), "ts": ts })
            }
            "chat.update" => {
                let found = self
                    .messages
                    .iter_mut()
                    .find(|each| each.dm == field("channel") && each.ts == field("ts"));
                let Some(message) = found else {
                    return no("message_not_found");
                };
                show(message, form);
                message.edits += 1;
                json!({ "ok": true, "channel": field("channel"), "ts": field("ts") })
            }
            // Two on a page, so that pages are turned.
            "conversations.history" => {
                let all: Vec<&Message> = self
                    .messages
                    .iter()
                    .rev()
                    .filter(|each| each.dm == field("channel"))
                    .collect();
                let from: usize = field("cursor").parse().unwrap_or(0);
                let page: Vec<Value> = all
                    .iter()
                    .skip(from)
                    .take(2)
                    .map(|each| {
                        let mut said =
                            json!({ "type": "message", "ts": each.ts, "text": each.text });
                        if field("include_all_metadata") == "true" {
                            said["metadata"] = json!({
                                "event_type": "chief_notice", "event_payload": { "id": each.id }
                            });
                        }
                        said
                    })
                    .collect();
                let next = if from + 2 < all.len() {
                    (from + 2).to_string()
                } else {
                    String::new()
                };
                json!({ "ok": true, "messages": page, "response_metadata": { "next_cursor": next } })
            }
            _ => no("unknown_method"),
        }
    }
}

fn show(message: &mut Message, form: &HashMap<String, String>) {
    let json = |name: &str| {
        let text = form.get(name).map_or("null", String::as_str);
        serde_json::from_str::<Value>(text).unwrap_or(Value::Null)
    };
    let texts = json("blocks");
    let texts = texts.as_array().into_iter().flatten();
    message.text = form.get("text").cloned().unwrap_or_default();
    message.blocks = texts
        .filter_map(|block| block.pointer("/text/text").and_then(Value::as_str))
        .collect::<Vec<_>>()
        .join("\n");
    message.id = json("metadata")
        .pointer("/event_payload/id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
}
