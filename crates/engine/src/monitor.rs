//! The loop that pings: when each integration is due, how many at a time, and whether this computer
//! is offline.
//!
//! Owns: the schedule (`monitor::schedule`, pure), the places, and signs of life from those that are
//! connected (`monitor::watch`). Must not know: what a ping does to
//! the card (`health`, `integrations::status`).

pub(crate) mod house;
mod network;
mod schedule;
mod watch;

pub(crate) use network::Network;

use crate::{
    Engine,
    health::{self, origin},
    http::Reach,
    integrations::{
        self, Integration, remarks,
        status::{self, Signal},
    },
    providers::Catalogue,
    store::Durability,
    tokens::{self, Need},
};
use schedule::{BACK_MS, Due, SILENT, Schedule, Tried};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Semaphore;
use watch::Watch;
use wire::{Because, Changed, Error, IntegrationId, Time, Topic};

/// The monitor looks at the wall clock this often, in milliseconds: a sleep is noticed by the gap.
const TICK_MS: i64 = 10_000;
/// Sooner where something is due, but no sooner than this.
const BREATH_MS: i64 = 1_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// A refresh that no request asks for is tried once an hour at most.
const REFRESH_AGAIN_MS: i64 = 3_600_000;
/// Pings under way at once, in all and for each host.
const AT_ONCE: usize = 8;
const AT_ONCE_A_HOST: usize = 2;

/// Runs until the engine stops.
pub(crate) fn run(engine: &Engine) {
    let engine = engine.clone();
    tokio::spawn(async move {
        let stopping = engine.stopping();
        let monitor = Arc::new(Monitor {
            schedule: Mutex::new(Schedule::starting(engine.now())),
            all: Arc::new(Semaphore::new(AT_ONCE)),
            hosts: Mutex::default(),
            refreshed: Mutex::default(),
            watch: Mutex::default(),
        });
        let clock = engine.clock();
        house::run(&engine);
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                () = clock.sleep_until(monitor.next(&engine)) => {}
                () = engine.network().woken() => {}
            }
            if let Err(error) = monitor.tick(&engine).await {
                tracing::warn!(error = %error, "the monitor could not look");
            }
        }
    });
}

/// A refresh token is used after a third of the time that it may lie idle, and after ten days where
/// nobody told: the shortest such time known is thirty days (Slack, Zendesk).
const IDLE_DAYS: i64 = 30;

/// Whether a refresh token has lain idle for long enough to be used, so that it does not die of it.
/// Also of what is switched off: to switch off is not to let die.
fn lies_idle(each: &Integration, catalogue: &Catalogue, now: Time) -> bool {
    let idle_days = each
        .row
        .provider
        .as_deref()
        .and_then(|id| catalogue.get(id))
        .and_then(|provider| provider.manifest.tokens.as_ref()?.idle_days)
        .map_or(IDLE_DAYS, i64::from);
    each.about.renews
        && each.state.reason.status() != wire::Status::Failing
        && each
            .about
            .issued_at
            .is_some_and(|at| now.since(at) >= idle_days * DAY_MS / 3)
}

/// What the monitor needs to know of each that is switched on.
struct Known {
    id: IntegrationId,
    origin: String,
    /// The origin's first page, and where requests of this one may go.
    root: Option<(reqwest::Url, Reach)>,
    checked_at: Option<Time>,
    /// Between two checks while it is well.
    pace_ms: i64,
    /// Its card says that it has not answered: its silence is no news.
    is_down: bool,
}

impl Known {
    fn is_outside(&self) -> bool {
        !health::is_local(&self.origin)
    }

    /// What it says, or does not say, tells of this computer's network.
    fn tells(&self) -> bool {
        self.is_outside() && !self.is_down
    }
}

/// One look at all of them.
struct Look {
    /// Those that are switched on.
    known: Vec<Known>,
    /// Those that time alone has changed.
    aged: Vec<IntegrationId>,
    /// Those whose refresh token would die of idleness.
    idle: Vec<IntegrationId>,
    /// The admin wants no pings now. Tokens are still renewed: to pause is not to let die.
    is_paused: bool,
    /// Those whose vendor's plans are other than they knew.
    sunsets: Vec<(IntegrationId, Option<Time>)>,
}

fn look(conn: &rusqlite::Connection, catalogue: &Catalogue, now: Time) -> Result<Look, Error> {
    let all = Integration::all(conn)?;
    let idle = all
        .iter()
        .filter(|each| lies_idle(each, catalogue, now))
        .map(|each| each.id)
        .collect();
    let aged = all
        .iter()
        .filter(|each| {
            let (state, effects) = status::next(&each.state, &Signal::Tick, now);
            state != each.state || !effects.is_empty()
        })
        .map(|each| each.id)
        .collect();
    let sunsets = all
        .iter()
        .map(|each| (each, remarks::sunset(catalogue, each)))
        .filter(|(each, day)| each.state.sunset != *day)
        .map(|(each, day)| (each.id, day))
        .collect();
    let known = all
        .iter()
        .filter(|each| each.row.enabled)
        .map(|each| Known {
            id: each.id,
            origin: origin(each),
            root: each.config.root().map(|root| (root, each.config.reach())),
            checked_at: each.state.checked_at,
            is_down: status::is_outage(&each.state.reason),
            pace_ms: 60_000
                * i64::from(
                    each.state
                        .pace
                        .unwrap_or_else(|| remarks::usual_pace(catalogue, each)),
                ),
        })
        .collect();
    Ok(Look {
        known,
        aged,
        idle,
        is_paused: crate::background::paused_until(conn, now)?.is_some(),
        sunsets,
    })
}

/// Takes one signal in for many, in one commit.
async fn tell(engine: &Engine, ids: Vec<IntegrationId>, signal: Signal) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let now = engine.now();
    let asked = engine
        .store()
        .write(Durability::Full, move |tx| {
            ids.into_iter()
                .map(|id| Ok((id, integrations::apply(tx, id, &signal, now)?)))
                .collect::<Result<Vec<_>, Error>>()
        })
        .await?;
    for (id, after) in asked {
        engine.network().ask(id, after);
    }
    Ok(())
}

struct Monitor {
    schedule: Mutex<Schedule>,
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// When a refresh that no request asked for was last tried.
    refreshed: Mutex<HashMap<IntegrationId, Time>>,
    watch: Mutex<Watch>,
}

impl Monitor {
    fn schedule(&self) -> std::sync::MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When to look again: each ping starts at its own moment, not with all others of a tick.
    fn next(&self, engine: &Engine) -> Time {
        let now = engine.now();
        let tick = now.plus(TICK_MS);
        if engine.network().is_offline() {
            return tick;
        }
        let due = self.schedule().next().unwrap_or(tick);
        due.clamp(now.plus(BREATH_MS), tick)
    }

    /// Starts every ping that is due, and returns at once.
    async fn tick(self: &Arc<Self>, engine: &Engine) -> Result<(), Error> {
        let now = engine.now();
        let catalogue = engine.catalogue();
        let Look {
            known,
            aged,
            idle,
            is_paused,
            sunsets,
        } = engine
            .store()
            .read(move |conn| look(conn, &catalogue, now))
            .await?;
        let jumped = self.schedule().know(
            now,
            known.iter().map(|each| schedule::Known {
                id: each.id,
                checked_at: each.checked_at,
                pace_ms: each.pace_ms,
                is_outside: each.is_outside(),
            }),
            jitter,
        );
        if jumped {
            engine.http().connect_anew();
            let ids = known.iter().map(|each| each.id).collect();
            tell(engine, ids, Signal::ClockJumped).await?;
        }
        for (id, at) in sunsets {
            tell(engine, vec![id], Signal::VendorEnds { at }).await?;
        }
        tell(engine, aged, Signal::Tick).await?;
        self.set_offline(engine, &known).await?;
        if !is_paused && !engine.network().is_offline() {
            self.look_out(engine, &known, now);
        }
        let asked = std::mem::take(&mut *engine.network().asked());
        let due = {
            let mut schedule = self.schedule();
            for (id, after) in &asked {
                if let Some(within) = after.ping_within_ms {
                    schedule.soon(*id, (now, within), jitter);
                }
            }
            match (is_paused, engine.network().is_offline()) {
                (true, false) => vec![],
                // Who wants no pings wants to know whether this computer is offline all the same.
                (true, true) => schedule.one().into_iter().collect(),
                (false, offline) => schedule.due(now, offline),
            }
        };
        for Due { id } in due {
            if let Some(each) = known.iter().find(|each| each.id == id) {
                self.clone().ping(engine.clone(), id, each.origin.clone());
            }
        }
        let asked = asked.iter().filter(|(_, after)| after.refresh);
        for id in asked.map(|(id, _)| *id).chain(idle) {
            if self.may_refresh(id, now) {
                self.clone().refresh(engine.clone(), id);
            }
        }
        Ok(())
    }

    /// True where it was not tried within the last hour.
    fn may_refresh(&self, id: IntegrationId, now: Time) -> bool {
        let mut tried = self
            .refreshed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lately = tried
            .get(&id)
            .is_some_and(|at| (0..REFRESH_AGAIN_MS).contains(&now.since(*at)));
        if !lately {
            tried.insert(id, now);
        }
        !lately
    }

    /// A refresh that nothing but a coming end asks for.
    fn refresh(self: Arc<Self>, engine: Engine, id: IntegrationId) {
        tokio::spawn(async move {
            let Ok(_place) = self.all.acquire().await else {
                return;
            };
            if let Err(error) =
                tokens::credential(&engine, id, Need::Renewed, &Because::Health).await
            {
                tracing::info!(integration = %id, error = %error, "the token could not be renewed");
            }
        });
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
            let came_back = {
                let mut schedule = self.schedule();
                // Whoever answered before this silence does not speak against it.
                let before = |by: &IntegrationId| *by != id || tried == Tried::NoAnswer;
                if let Some(by) = engine.network().heard().filter(before) {
                    schedule.heard(by);
                }
                schedule.tried(id, tried, now, jitter)
            };
            if tried == Tried::NoAnswer && !engine.network().is_offline() {
                // It may be the last that was missing for "offline".
                engine.network().wake();
            }
            if came_back {
                tracing::info!("the network is back");
                self.schedule().spread(now, BACK_MS, jitter);
            }
        });
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks whether the network still leads anywhere, where nobody has told for a while.
    fn look_out(self: &Arc<Self>, engine: &Engine, known: &[Known], now: Time) {
        let outside = || known.iter().filter(|each| each.tells());
        let mut hosts: Vec<&str> = outside().map(|each| each.origin.as_str()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        // A few of them, each at another host, are as good as all: those that answered last.
        let all: Vec<_> = outside()
            .map(|each| (each.id, each.origin.as_str()))
            .collect();
        let few = self.schedule().freshest(&all);
        if self.watch().moved(watch::own_address()) {
            tracing::info!("another network");
            engine.http().connect_anew();
            self.look_around(engine, few, now);
            return;
        }
        let ids: Vec<IntegrationId> = outside().map(|each| each.id).collect();
        let answered = engine.newest_answer(&ids);
        let Some(host) = self.watch().whom(&hosts, answered, now) else {
            return;
        };
        let Some(asked) = outside().find(|each| each.origin == host) else {
            return;
        };
        let (id, root) = (asked.id, asked.root.clone());
        let (monitor, engine) = (self.clone(), engine.clone());
        tokio::spawn(async move {
            let Some((root, reach)) = root else { return };
            // Without TLS anybody on the way may have said it.
            let is_itself = root.scheme() == "https";
            match watch::lives(&engine, root, &reach).await {
                Some(true) if is_itself => engine.answered(id).await,
                Some(false) => {
                    let now = engine.now();
                    if monitor.watch().doubts(&host, now) {
                        let all = std::iter::once(id).chain(few.into_iter().filter(|of| *of != id));
                        monitor.look_around(&engine, all.collect(), now);
                    }
                }
                Some(true) | None => {}
            }
        });
    }

    /// Pings the first few of `ids` now: whether they answer tells whether it is the network.
    fn look_around(&self, engine: &Engine, ids: Vec<IntegrationId>, now: Time) {
        for id in ids.into_iter().take(SILENT) {
            self.schedule().soon(id, (now, 0), jitter);
        }
        engine.network().wake();
    }

    fn of_host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts
            .entry(host.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_A_HOST)))
            .clone()
    }

    /// Offline: no route and something outside to reach, or everything outside that is not known to be down
    /// failed to answer.
    async fn set_offline(&self, engine: &Engine, known: &[Known]) -> Result<(), Error> {
        let outside = || known.iter().filter(|each| each.is_outside());
        let living: Vec<(IntegrationId, &str)> = outside()
            .filter(|each| each.tells())
            .map(|each| (each.id, each.origin.as_str()))
            .collect();
        if let Some(id) = engine.network().heard() {
            self.schedule().heard(id);
        }
        let offline = outside().next().is_some()
            && (!health::has_route() || self.schedule().none_answers(&living));
        if engine.network().set_offline(offline) {
            tracing::info!(offline, "the network changed");
            engine.tell(&Changed {
                topics: vec![Topic::App, Topic::Integrations],
            });
            let ids = outside().map(|each| each.id).collect();
            let signal = if offline {
                Signal::NetworkLost
            } else {
                engine.http().connect_anew();
                self.schedule().spread(engine.now(), BACK_MS, jitter);
                self.watch().back();
                engine.crons().wake();
                Signal::NetworkBack
            };
            tell(engine, ids, signal).await?;
        }
        Ok(())
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
