//! The loop that pings: when each integration is due, how many at a time, and whether this computer
//! is offline.
//!
//! Owns: the schedule (`monitor::schedule`, pure) and the places. Must not know: what a ping does to
//! the card (`health`, `integrations::status`).

mod schedule;

use crate::{
    Engine,
    health::{self, origin},
    integrations::Integration,
    store::{self, Durability, backup},
};
use schedule::{Due, Schedule, Tried};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool, atomic::Ordering},
};
use tokio::sync::Semaphore;
use wire::{Because, Changed, Error, IntegrationId, Time, Topic};

/// The monitor looks at the wall clock this often, in milliseconds: a sleep is noticed by the gap.
const TICK_MS: i64 = 10_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// Pings are kept as long.
const PINGS_KEPT_MS: i64 = 30 * DAY_MS;
/// Pings under way at once, in all and for each host.
const AT_ONCE: usize = 8;
const AT_ONCE_A_HOST: usize = 2;

/// What the rest of the engine may ask of the monitor.
#[derive(Default)]
pub(crate) struct Network {
    offline: AtomicBool,
}

impl Network {
    /// True where nothing answers and nothing can: a banner, and no token request.
    pub fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Relaxed)
    }
}

/// Runs until the engine stops.
pub(crate) fn run(engine: &Engine) {
    let engine = engine.clone();
    tokio::spawn(async move {
        let stopping = engine.stopping();
        let monitor = Arc::new(Monitor {
            schedule: Mutex::new(Schedule::starting(engine.now())),
            all: Arc::new(Semaphore::new(AT_ONCE)),
            hosts: Mutex::default(),
        });
        let clock = engine.clock();
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                () = clock.sleep_until(engine.now().plus(TICK_MS)) => {}
            }
            if let Err(error) = keep_house(&engine).await {
                tracing::warn!(error = %error, "housekeeping failed");
            }
            if let Err(error) = monitor.tick(&engine).await {
                tracing::warn!(error = %error, "the monitor could not look");
            }
        }
    });
}

/// Once a day: pings older than thirty days go, and a verified backup is taken.
async fn keep_house(engine: &Engine) -> Result<(), Error> {
    let now = engine.now();
    let newest = backup::all(engine.store().folder())
        .into_iter()
        .map(|(at, _)| at)
        .max();
    if newest.is_some_and(|at| (0..DAY_MS).contains(&now.since(at))) {
        return Ok(());
    }
    let before = now.plus(-PINGS_KEPT_MS);
    engine
        .store()
        .write(Durability::Normal, move |tx| {
            store::pings::purge(tx, before)
        })
        .await?;
    engine.store().backup(now, backup::KEPT).await?;
    Ok(())
}

struct Monitor {
    schedule: Mutex<Schedule>,
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Monitor {
    fn schedule(&self) -> std::sync::MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts every ping that is due, and returns at once.
    async fn tick(self: &Arc<Self>, engine: &Engine) -> Result<(), Error> {
        let now = engine.now();
        let known: Vec<(IntegrationId, String, Option<Time>)> = engine
            .store()
            .read(move |conn| {
                Ok(Integration::all(conn)?
                    .iter()
                    .filter(|each| each.row.enabled)
                    .map(|each| (each.id, origin(each), each.state.checked_at))
                    .collect())
            })
            .await?;
        self.set_offline(engine, &known);
        let due = {
            let mut schedule = self.schedule();
            schedule.know(
                now,
                known.iter().map(|(id, _, checked)| (*id, *checked)),
                jitter,
            );
            schedule.due(now, engine.network().is_offline())
        };
        for Due { id } in due {
            let Some((_, host, _)) = known.iter().find(|(known, ..)| *known == id) else {
                continue;
            };
            self.clone().ping(engine.clone(), id, host.clone());
        }
        Ok(())
    }

    fn ping(self: Arc<Self>, engine: Engine, id: IntegrationId, host: String) {
        tokio::spawn(async move {
            let of_host = self.of_host(&host);
            // The host's place first, so that one slow host does not hold places of the others.
            let (Ok(_host), Ok(_place)) = (of_host.acquire().await, self.all.acquire().await)
            else {
                return;
            };
            if engine.stopping().is_cancelled() {
                return;
            }
            let result = health::ping(&engine, id, &Because::Health).await;
            let tried = match &result {
                Ok(report) => Tried::of(report),
                Err(_) => Tried::NotSent,
            };
            let now = engine.now();
            let came_back = self.schedule().tried(id, tried, now, jitter);
            if came_back {
                tracing::info!("the network is back");
                self.schedule().spread(now, jitter);
            }
        });
    }

    fn of_host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts
            .entry(host.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_A_HOST)))
            .clone()
    }

    /// Offline: no route and something outside to reach, or everything outside failed to answer.
    fn set_offline(&self, engine: &Engine, known: &[(IntegrationId, String, Option<Time>)]) {
        let outside: Vec<IntegrationId> = known
            .iter()
            .filter(|(_, host, _)| !health::is_local(host))
            .map(|(id, ..)| *id)
            .collect();
        let offline =
            !outside.is_empty() && (!health::has_route() || self.schedule().none_answers(&outside));
        if engine.network().offline.swap(offline, Ordering::Relaxed) != offline {
            tracing::info!(offline, "the network changed");
            engine.tell(&Changed {
                topics: vec![Topic::App, Topic::Integrations],
            });
            if !offline {
                self.schedule().spread(engine.now(), jitter);
            }
        }
    }
}

/// A number from 0 up to, not including, `below`.
fn jitter(below: i64) -> i64 {
    use rand::Rng as _;
    if below <= 0 {
        0
    } else {
        rand::rng().random_range(0..below)
    }
}
