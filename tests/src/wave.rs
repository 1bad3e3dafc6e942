//! What connection health costs: many integrations that are due at one moment, measured in real time,
//! and the state machine by itself.

use anyhow::{Context, Result, ensure};
use axum::{Router, extract::State, http::HeaderMap};
use engine::{
    Engine, Options,
    fakes::{FakeDesk, MemoryKeyring},
    integrations::status::{self, Signal},
    ports::{Clock, Ports, SystemClock},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    future::Future,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};
use wire::Time;

const DAY_MS: i64 = 24 * 3_600_000;
/// How long the server takes for each answer.
const ANSWER: Duration = Duration::from_millis(50);

/// The computer's own clock, which can be put forward once: as after a sleep.
struct Awoken(AtomicI64);

impl Clock for Awoken {
    fn now(&self) -> Time {
        SystemClock.now().plus(self.0.load(Ordering::Relaxed))
    }

    fn sleep_until(&self, until: Time) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            while self.now() < until {
                let left = until.since(self.now()).clamp(1, 250);
                let left = u64::try_from(left).unwrap_or(1);
                tokio::time::sleep(Duration::from_millis(left)).await;
            }
        })
    }
}

#[derive(Default)]
struct Seen {
    now: BTreeMap<String, u32>,
    all: u32,
    most: u32,
    most_a_host: u32,
    first: Option<Instant>,
    last: Option<Instant>,
}

type Shared = Arc<Mutex<Seen>>;

async fn answer(State(seen): State<Shared>, headers: HeaderMap) -> &'static str {
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default().to_owned();
    let lock = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut seen = lock();
        let here = seen.now.entry(host.clone()).or_default();
        *here += 1;
        let here = *here;
        let all = seen.now.values().sum();
        seen.most = seen.most.max(all);
        seen.most_a_host = seen.most_a_host.max(here);
        seen.all += 1;
        seen.first = seen.first.or(Some(Instant::now()));
        seen.last = Some(Instant::now());
    }
    tokio::time::sleep(ANSWER).await;
    if let Some(here) = lock().now.get_mut(&host) {
        *here -= 1;
    }
    "{}"
}

/// `count` integrations on half as many hosts wake after three days; JSON of what was seen.
///
/// # Errors
/// Where one cannot be connected, or not all are pinged within five minutes.
pub async fn due_at_once(folder: &Path, count: usize) -> Result<Value> {
    let seen = Shared::default();
    let listener = tokio::net::TcpListener::bind(("0.0.0.0", 0)).await?;
    let port = listener.local_addr()?.port();
    let app = Router::new().fallback(answer).with_state(seen.clone());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let clock = Arc::new(Awoken(AtomicI64::new(0)));
    let engine = Engine::start(
        Options {
            client_document: None,
            folder: folder.to_owned(),
            log_folder: folder.join("logs"),
            providers: engine::providers::Sources::default(),
            version: "0".to_owned(),
        },
        Ports {
            clock: clock.clone(),
            desk: Arc::new(FakeDesk::default()),
            keyring: Arc::new(MemoryKeyring::default()),
        },
    )
    .await?;
    for n in 0..count {
        let half = n / 2;
        let host = format!("127.{}.{}.1", 1 + half / 250, 1 + half % 250);
        connect(&engine, &format!("http://{host}:{port}/v{}", n % 2)).await?;
    }
    *seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen::default();
    let memory_before = memory_kib("VmRSS")?;

    clock.0.store(3 * DAY_MS, Ordering::Relaxed);
    let began = Instant::now();
    let mut commands = vec![];
    loop {
        let asked = Instant::now();
        engine::commands::answer(&engine, "list_integrations", json!({})).await?;
        commands.push(asked.elapsed());
        let pinged = seen.lock().unwrap_or_else(PoisonError::into_inner).all;
        if usize::try_from(pinged)? >= count {
            break;
        }
        ensure!(began.elapsed() < Duration::from_secs(300), "{pinged} only");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    commands.sort_unstable();
    let at = |percent: usize| commands.get((commands.len() - 1) * percent / 100);
    let ms = |time: Option<&Duration>| time.map(|time| (time.as_secs_f64() * 1e4).round() / 10.0);
    let told = {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let spread = seen.first.zip(seen.last).context("pings")?;
        json!({
            "integrations": count,
            "all_pinged_after_s": began.elapsed().as_secs(),
            "first_to_last_s": spread.1.duration_since(spread.0).as_secs(),
            "most_at_once": seen.most,
            "most_at_once_budget": 8,
            "most_a_host": seen.most_a_host,
            "most_a_host_budget": 2,
            "list_command_p50_ms": ms(at(50)),
            "list_command_max_ms": ms(commands.last()),
            "memory_before_mib": memory_before / 1024,
            "memory_peak_mib": memory_kib("VmHWM")? / 1024,
        })
    };
    engine.stop().await;
    server.abort();
    Ok(told)
}

async fn connect(engine: &Engine, base_url: &str) -> Result<()> {
    let target = json!({
        "kind": "api", "name": "Orders", "base_url": base_url, "health_path": "/health",
        "auth": { "auth": "bearer", "token": "a-key-of-the-bench" },
    });
    let request = json!({ "target": target, "confirmed": { "private_address": true } });
    let mut attempt = engine::commands::answer(engine, "start_connect", request).await?;
    let id = attempt["id"].clone();
    loop {
        let phase = attempt["phase"].clone();
        match phase["phase"].as_str().unwrap_or_default() {
            "done" => return Ok(()),
            "failed" | "asking" => anyhow::bail!("{base_url}: {phase}"),
            _ => tokio::time::sleep(Duration::from_millis(1)).await,
        }
        let request = json!({ "id": id });
        attempt = engine::commands::answer(engine, "get_attempt", request).await?;
    }
}

/// A line of this process's `/proc/self/status`, in KiB; 0 where there is none.
fn memory_kib(name: &str) -> Result<u64> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return Ok(0);
    };
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.map_or(Ok(0), str::parse)?)
}

/// Steps a second of the pure state machine, over a history that opens and closes episodes.
#[must_use]
pub fn steps_per_second(steps: u32) -> f64 {
    use status::{Elsewhere, State};
    let ok = Signal::PingOk;
    let rejected = Signal::Rejected;
    let history = [
        ok.clone(),
        Signal::Unreachable(Elsewhere::Others { answered: None }),
        Signal::CallOk {
            tool: "list".to_owned(),
        },
        rejected,
        ok,
        Signal::Tick,
        Signal::ScopeMissing {
            tool: "refund".to_owned(),
            scopes: vec!["refunds:write".to_owned()],
        },
    ];
    let mut now = Time(0);
    let mut state = State::connected(now, None);
    let began = Instant::now();
    for signal in history.iter().cycle().take(steps as usize) {
        now = now.plus(30_000);
        state = std::hint::black_box(status::next(&state, signal, now)).0;
    }
    f64::from(steps) / began.elapsed().as_secs_f64()
}
