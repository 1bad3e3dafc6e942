//! `cargo run -p chief-tests --features benchmarks --bin bench_notices`, inside a session bus of its own: how long it takes from
//! the commit of a status to the call that shows it (D-Bus, `Notify`), as JSON on standard output.
//!
//! Each sample is an integration of its own at a server of its own (one cause each, so that none is told
//! with another): connected, refused by its server, tested. The clock starts when the commit's topics are
//! announced, and stops when whoever shows notifications has been asked to.

use anyhow::Result;

#[cfg(not(target_os = "linux"))]
fn main() -> Result<()> {
    anyhow::bail!("notifications go over D-Bus on Linux only")
}

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> Result<()> {
    println!("{}", linux::measure().await?);
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use anyhow::{Context, Result, bail};
    use axum::{Router, http::StatusCode, routing::get};
    use engine::{
        Engine, Options, commands,
        fakes::MemoryKeyring,
        notices::popups::Popups,
        ports::{Desk, Done, Popup, Ports, SystemClock},
        providers::Sources,
    };
    use serde_json::{Value, json};
    use std::{
        collections::HashMap,
        sync::{
            Arc, Mutex, PoisonError,
            atomic::{AtomicBool, Ordering},
        },
        time::{Duration, Instant},
    };
    use tokio::sync::mpsc;
    use wire::{Changed, Topic};

    /// Samples, after a tenth as many that are not counted.
    const TIMES: usize = 200;

    type Moment = Arc<Mutex<Option<Instant>>>;

    struct Screen {
        popups: Popups,
        committed: Moment,
    }

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
        fn changed(&self, changed: &Changed) {
            if changed.topics.contains(&Topic::Notices) {
                let mut committed = self
                    .committed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                committed.get_or_insert_with(Instant::now);
            }
        }
        fn replaces(&self) -> bool {
            true
        }
        fn notify<'a>(&'a self, popup: &'a Popup, handle: Option<&'a str>) -> Done<'a, String> {
            Box::pin(self.popups.show(popup, handle))
        }
        fn withdraw<'a>(&'a self, handle: &'a str) -> Done<'a, ()> {
            Box::pin(self.popups.withdraw(handle))
        }
    }

    struct Daemon(mpsc::UnboundedSender<Instant>);

    #[zbus::interface(name = "org.freedesktop.Notifications")]
    impl Daemon {
        #[expect(clippy::too_many_arguments, reason = "the specification's own")]
        async fn notify(
            &self,
            _app_name: &str,
            replaces_id: u32,
            _app_icon: &str,
            _summary: &str,
            _body: &str,
            _actions: Vec<&str>,
            _hints: HashMap<&str, zbus::zvariant::Value<'_>>,
            _expire_timeout: i32,
        ) -> u32 {
            let _ = self.0.send(Instant::now());
            replaces_id.max(1)
        }

        async fn close_notification(&self, _id: u32) {}

        async fn get_capabilities(&self) -> Vec<&'static str> {
            vec!["body", "actions"]
        }
    }

    pub async fn measure() -> Result<Value> {
        let (tell, mut told) = mpsc::unbounded_channel();
        let _bus = zbus::connection::Builder::session()?
            .name("org.freedesktop.Notifications")?
            .serve_at("/org/freedesktop/Notifications", Daemon(tell))?
            .build()
            .await?;
        let folder = tempfile::tempdir()?;
        let committed = Moment::default();
        let options = Options {
            folder: folder.path().to_owned(),
            log_folder: folder.path().to_owned(),
            providers: Sources::folder(folder.path().join("none")),
            version: "0".into(),
            client_document: None,
        };
        let ports = Ports {
            clock: Arc::new(SystemClock),
            desk: Arc::new(Screen {
                popups: Popups::new(|_| {}),
                committed: committed.clone(),
            }),
            keyring: Arc::new(MemoryKeyring::default()),
        };
        let engine = Engine::start(options, ports).await?;
        let moment = || committed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut took = vec![];
        for n in 0..TIMES + TIMES / 10 {
            let (id, good) = connect(&engine, n).await?;
            // What connecting changed has been told by now.
            tokio::time::sleep(Duration::from_millis(20)).await;
            good.store(false, Ordering::Relaxed);
            *moment() = None;
            ask(&engine, "test_integration", json!({ "id": id })).await?;
            let shown = tokio::time::timeout(Duration::from_secs(20), told.recv()).await;
            let shown = shown?.context("it is shown")?;
            let from = moment().context("it was committed")?;
            took.push(shown.saturating_duration_since(from));
        }
        took.drain(..TIMES / 10);
        took.sort_unstable();
        let at = |percent: usize| -> Result<f64> {
            let found = took.get((took.len() - 1) * percent / 100);
            let millis = found.context("nothing was measured")?.as_secs_f64() * 1e3;
            Ok((millis * 1e3).round() / 1e3)
        };
        Ok(json!({
            "times": TIMES,
            "commit_to_notify_ms": { "p50": at(50)?, "p99": at(99)? },
            "debug_build": cfg!(debug_assertions),
        }))
    }

    /// A server of its own that says yes as long as it is good, connected.
    async fn connect(engine: &Engine, n: usize) -> Result<(Value, Arc<AtomicBool>)> {
        let good = Arc::new(AtomicBool::new(true));
        let says = good.clone();
        let health = get(move || async move {
            if says.load(Ordering::Relaxed) {
                StatusCode::OK
            } else {
                StatusCode::UNAUTHORIZED
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        tokio::spawn(async move {
            let _ = axum::serve(listener, Router::new().route("/v1/health", health)).await;
        });
        let request = json!({
            "target": {
                "kind": "api", "name": format!("Orders {n}"), "base_url": url,
                "auth": { "auth": "bearer", "token": "not-a-token" }, "health_path": "/health",
            },
            "confirmed": { "private_address": true },
        });
        let attempt = ask(engine, "start_connect", request).await?;
        loop {
            let view = ask(engine, "get_attempt", json!({ "id": attempt["id"] })).await?;
            match view["phase"]["phase"].as_str() {
                Some("done") => return Ok((view["phase"]["integration"].clone(), good)),
                Some("failed") => bail!("{view}"),
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    }

    async fn ask(engine: &Engine, command: &str, request: Value) -> Result<Value> {
        Ok(commands::answer(engine, command, request).await?)
    }
}
