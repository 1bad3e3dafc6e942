//! The app under `kill -9` while it tells an admin: at each step, and between showing and noting, one
//! popup and one message are seen in the end.
//!
//! The app is this program again, in a process of its own, with the real workers, on a real session bus;
//! who shows popups and Slack itself kill it in the middle of what it asks of them.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "shared: each test uses a part of it")]
#[path = "session/inside.rs"]
mod inside;
#[expect(dead_code, reason = "shared: each test uses a part of it")]
#[path = "peers/slack.rs"]
mod peer;

use anyhow::{Context, Result, bail, ensure};
use chief_engine::{
    Engine, Options, commands,
    notices::popups::Popups,
    ports::{Desk, Done, Keyring, KeyringError, Popup, Ports, SystemClock},
    providers::Sources,
};
use inside::inside;
use peer::{Fault, Slack};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

const TEST: &str = "killed_at_any_step_it_shows_one_popup_and_one_message";
/// Set for the app: its folder, and where Slack and the other API are.
const APP: &str = "CHIEF_TEST_KILLED";
const PATIENCE: Duration = Duration::from_secs(40);
const ADMIN: &str = "ada@example.com";

/// Where the app is killed.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The popup is shown, and its id is not noted.
    Shown,
    /// Slack has read the request, and done nothing.
    Asked(&'static str),
    /// Slack has done it, and the app does not know.
    Done(&'static str),
}

const STEPS: [Step; 6] = [
    Step::Shown,
    Step::Asked("users.lookupByEmail"),
    Step::Done("conversations.open"),
    Step::Asked("chat.postMessage"),
    Step::Done("chat.postMessage"),
    Step::Done("chat.update"),
];

#[test]
fn killed_at_any_step_it_shows_one_popup_and_one_message() -> Result<()> {
    if let Ok(told) = std::env::var(APP) {
        return run(app(serde_json::from_str(&told)?));
    }
    inside(TEST, Some("nothing.conf"), || {
        run(async {
            for step in STEPS {
                killed_at(step)
                    .await
                    .with_context(|| format!("killed at {step:?}"))?;
            }
            Ok(())
        })
    })
}

fn run<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(future)
}

async fn killed_at(step: Step) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (slack, orders) = (Slack::start().await?, Slack::start().await?);
    let victim = Victim::default();
    let daemon = Daemon::default();
    let bus = daemon.serve(&victim).await?;
    let told =
        json!({ "folder": folder.path(), "slack": slack.base_url, "orders": orders.base_url });

    // The first run connects both; what is killed is the second.
    let mut app = start(&told)?;
    heard(&mut app, "connected")?;
    end(app)?;
    orders.revoke();
    match step {
        Step::Shown => *lock(&daemon.kills) = true,
        Step::Asked("chat.update") | Step::Done("chat.update") => {}
        Step::Asked(method) => kills(&slack, &victim, (method, Fault::CutOff)),
        Step::Done(method) => kills(&slack, &victim, (method, Fault::Lost)),
    }
    let mut app = start(&told)?;
    *lock(&victim.0) = Some(app.0.id());
    if let Step::Done("chat.update") = step {
        heard(&mut app, "told")?;
        kills(&slack, &victim, ("chat.update", Fault::Lost));
        orders.heal();
    }
    let status = waited(&mut app)?;
    ensure!(!status.success(), "it was killed");
    *lock(&victim.0) = None;
    *lock(&daemon.kills) = false;
    slack.heal();

    // The next run ends what was begun, and the one after it has nothing to do.
    let is_over = matches!(step, Step::Done("chat.update"));
    let is_there = || {
        let messages = slack.messages();
        messages.len() == 1 && messages[0].is_over() == is_over
    };
    for _ in 0..2 {
        let mut app = start(&told)?;
        heard(&mut app, "told")?;
        let began = Instant::now();
        while !is_there() && began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        end(app)?;
    }
    let messages = slack.messages();
    ensure!(messages.len() == 1, "{messages:?}");
    let shown = lock(&daemon.shown).clone();
    if let Step::Done("chat.update") = step {
        ensure!(messages[0].text == "Over: Orders", "{messages:?}");
        ensure!(shown.is_empty(), "{shown:?}");
    } else {
        ensure!(messages[0].text == "Orders is failing", "{messages:?}");
        ensure!(shown.len() == 1, "{shown:?}");
    }
    drop(bus);
    Ok(())
}

/// From now on Slack kills the app at this request.
fn kills(slack: &Slack, victim: &Victim, (method, fault): (&'static str, Fault)) {
    let victim = victim.clone();
    slack.choose(move |asked| {
        (asked == method).then(|| {
            victim.kill();
            fault
        })
    });
}

/// The process that is to be killed.
#[derive(Clone, Default)]
struct Victim(Arc<Mutex<Option<u32>>>);

impl Victim {
    fn kill(&self) {
        if let Some(pid) = *lock(&self.0) {
            // SIGKILL: nothing of it runs after this.
            let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
            assert!(killed.is_ok_and(|status| status.success()), "kill -9 {pid}");
        }
    }
}

fn lock<T>(held: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

// --- who shows popups ----------------------------------------------------------------------------

/// As the specification says: an id to replace is the id that comes back.
#[derive(Clone, Default)]
struct Daemon {
    shown: Arc<Mutex<BTreeMap<u32, String>>>,
    /// The next popup is shown, and whoever asked for it is killed before it hears.
    kills: Arc<Mutex<bool>>,
    victim: Option<Victim>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    #[expect(clippy::too_many_arguments, reason = "the specification's own")]
    async fn notify(
        &self,
        _app_name: &str,
        replaces_id: u32,
        _app_icon: &str,
        summary: &str,
        _body: &str,
        _actions: Vec<&str>,
        _hints: HashMap<&str, zbus::zvariant::Value<'_>>,
        _expire_timeout: i32,
    ) -> u32 {
        let mut shown = lock(&self.shown);
        let next = shown.keys().max().map_or(1, |id| id + 1);
        let id = if replaces_id == 0 { next } else { replaces_id };
        shown.insert(id, summary.to_owned());
        drop(shown);
        if *lock(&self.kills)
            && let Some(victim) = &self.victim
        {
            victim.kill();
        }
        id
    }

    async fn close_notification(&self, id: u32) {
        lock(&self.shown).remove(&id);
    }

    async fn get_capabilities(&self) -> Vec<&'static str> {
        vec!["body", "actions"]
    }
}

impl Daemon {
    async fn serve(&self, victim: &Victim) -> Result<zbus::Connection> {
        let served = Self {
            victim: Some(victim.clone()),
            ..self.clone()
        };
        Ok(zbus::connection::Builder::session()?
            .name("org.freedesktop.Notifications")?
            .serve_at("/org/freedesktop/Notifications", served)?
            .build()
            .await?)
    }
}

// --- the app as a process ------------------------------------------------------------------------

/// Ends the app also where the test fails half way.
struct Running(
    Child,
    Option<std::io::Lines<BufReader<std::process::ChildStdout>>>,
);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(told: &Value) -> Result<Running> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", TEST, "--nocapture"])
        .env(APP, told.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = child.stdout.take().map(|out| BufReader::new(out).lines());
    Ok(Running(child, lines))
}

fn heard(app: &mut Running, word: &str) -> Result<()> {
    for line in app.1.as_mut().context("its output is piped")? {
        if line? == word {
            return Ok(());
        }
    }
    bail!("it ended before it said {word}")
}

fn waited(app: &mut Running) -> Result<std::process::ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = app.0.try_wait()? {
            return Ok(status);
        }
        ensure!(began.elapsed() < PATIENCE, "nobody killed it");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn end(mut app: Running) -> Result<()> {
    app.0.kill()?;
    app.0.wait()?;
    Ok(())
}

// --- the app -------------------------------------------------------------------------------------

/// A keyring that a later run finds again.
struct Files(PathBuf);

impl Files {
    fn path(&self, item: &str) -> PathBuf {
        self.0.join(format!("item-{}", item.replace('/', "_")))
    }
}

impl Keyring for Files {
    fn read(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        Ok(std::fs::read(self.path(item)).ok().map(Zeroizing::new))
    }

    fn write(&self, item: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        std::fs::write(self.path(item), bytes).map_err(|e| KeyringError::Failed(e.to_string()))
    }

    fn delete(&self, item: &str) -> Result<(), KeyringError> {
        let _ = std::fs::remove_file(self.path(item));
        Ok(())
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        Ok(())
    }
}

struct Screen(Popups);

impl Desk for Screen {
    fn open_url(&self, _: &str) -> Result<(), String> {
        Err("no browser".into())
    }
    fn raise(&self) {}
    fn lower(&self) {}
    fn quit(&self) {}
    fn starts_at_login(&self) -> Result<bool, String> {
        Ok(false)
    }
    fn start_at_login(&self, _: bool) -> Result<(), String> {
        Ok(())
    }
    fn changed(&self, _: &wire::Changed) {}
    fn replaces(&self) -> bool {
        true
    }
    fn notify<'a>(&'a self, popup: &'a Popup, handle: Option<&'a str>) -> Done<'a, String> {
        Box::pin(self.0.show(popup, handle))
    }
    fn withdraw<'a>(&'a self, handle: &'a str) -> Done<'a, ()> {
        Box::pin(self.0.withdraw(handle))
    }
}

/// Connects what is not connected yet; else tests it until all is told as it is.
async fn app(told: Value) -> Result<()> {
    let folder = Path::new(told["folder"].as_str().context("a folder")?).to_owned();
    let options = Options {
        folder: folder.clone(),
        log_folder: folder.clone(),
        providers: Sources::folder(folder.join("none")),
        version: "0".into(),
        client_document: None,
    };
    let ports = Ports {
        clock: Arc::new(SystemClock),
        desk: Arc::new(Screen(Popups::new(|_| {}))),
        keyring: Arc::new(Files(folder)),
    };
    let engine = Engine::start(options, ports).await?;
    let began = Instant::now();
    let cards = ask(&engine, "list_integrations", json!({})).await?;
    let id = |name: &str| {
        let mut all = cards.as_array().into_iter().flatten();
        all.find(|card| card["name"] == name)
            .map(|card| card["id"].clone())
    };
    let Some(orders) = id("Orders") else {
        connect(&engine, "Orders", &told["orders"]).await?;
        let slack = connect(&engine, "Slack", &told["slack"]).await?;
        let channel = json!({
            "integration": slack, "admins": [ADMIN], "kinds": ["expiring", "failing"], "quiet": null
        });
        ask(&engine, "save_slack_channel", json!({ "slack": channel })).await?;
        println!("connected");
        tokio::time::sleep(PATIENCE).await;
        bail!("nobody ended it")
    };
    // Nobody ends it: the test that should have done so has gone.
    while began.elapsed() < PATIENCE {
        ask(&engine, "test_integration", json!({ "id": orders })).await?;
        let notices = ask(&engine, "list_notices", json!({})).await?;
        let is_told = |of: &str| notices[0][of]["delivery"] == "told";
        if is_told("popup") && is_told("slack") {
            println!("told");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("nobody ended it")
}

async fn ask(engine: &Engine, command: &str, request: Value) -> Result<Value> {
    Ok(commands::answer(engine, command, request).await?)
}

async fn connect(engine: &Engine, name: &str, base_url: &Value) -> Result<Value> {
    let request = json!({
        "target": {
            "kind": "api", "name": name, "base_url": base_url,
            "auth": { "auth": "bearer", "token": "xoxb-not-a-token" }, "health_path": "/auth.test",
        },
        "confirmed": { "private_address": true },
    });
    let attempt = ask(engine, "start_connect", request).await?;
    loop {
        let view = ask(engine, "get_attempt", json!({ "id": attempt["id"] })).await?;
        match view["phase"]["phase"].as_str() {
            Some("done") => return Ok(view["phase"]["integration"].clone()),
            Some("failed") => bail!("{view}"),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}
