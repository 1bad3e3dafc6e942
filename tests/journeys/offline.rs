//! No network, and networks that only look like one: a banner, and nothing else happens until it is
//! back. Fifty integrations in a network of the test's own, which is pulled out and plugged in.

mod together;

use crate::kit::{
    Home,
    authority::Authority,
    browser,
    health::{drive_alone, notices},
    net,
    scripted::{Scripted, content, json as answer},
    targets, tick,
};
use anyhow::{Context, Result, ensure};
use engine::{fakes::FakeClock, ports::Clock as _};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use wire::{IntegrationId, RowKind, Status, Time};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const MANY: usize = 50;
/// So many of them are signed in, with tokens that end while the network is away.
const SIGNED_IN: usize = 8;
const PORTAL: &str = "<!DOCTYPE html><html><body><h1>Welcome to the hotel</h1></body></html>";

struct Fifty {
    authorities: Vec<Authority>,
    _apis: Scripted,
    /// A captive portal answers for everybody.
    portal: Arc<AtomicBool>,
    home: Home,
    clock: Arc<FakeClock>,
    signed_in: Vec<IntegrationId>,
}

/// What must not change while nothing can answer.
#[derive(Debug, PartialEq, Eq)]
struct Still {
    failing: usize,
    notices: usize,
    token_requests: usize,
    credential_writes: i64,
}

impl Fifty {
    /// The first eight of `many` are signed in.
    async fn connected(many: usize) -> Result<Self> {
        net::plug_in(many)?;
        let portal = Arc::new(AtomicBool::new(false));
        let says = portal.clone();
        let apis = Scripted::serve_at("0.0.0.0", move |_| {
            let captive = says.load(Ordering::Relaxed);
            async move {
                if captive {
                    content(200, "text/html", PORTAL)
                } else {
                    answer(200, &json!({ "ok": true }))
                }
            }
        })
        .await?;
        let (home, clock) = Home::with_fake_clock().await?;
        let _ends = browser::signs_in(&home.desk);
        let (mut authorities, mut signed_in) = (vec![], vec![]);
        for n in 1..=SIGNED_IN {
            let authority = Authority::start_at(&net::address(n)).await?;
            authority.state.lives.store(600, Ordering::Relaxed);
            signed_in.push(home.connect(targets::mcp(&authority.resource())).await?);
            authorities.push(authority);
        }
        for n in SIGNED_IN + 1..=many {
            let base = format!("http://{}:{}/v1", net::address(n), apis.address.port());
            let target = targets::api(&base, "/health", targets::bearer("a-key"));
            home.connect(target).await?;
        }
        Ok(Self {
            authorities,
            _apis: apis,
            portal,
            home,
            clock,
            signed_in,
        })
    }

    async fn offline(&self) -> Result<bool> {
        Ok(self.home.ask::<wire::GetApp>(json!({})).await?.offline)
    }

    async fn still(&self) -> Result<Still> {
        let cards = self.home.cards().await?;
        let tokens = self.home.rows_of(RowKind::Token, "token.refresh").await?;
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let file = self.home.folder().join("chief.db");
        let connection = rusqlite::Connection::open_with_flags(file, flags)?;
        let writes = "select sum(generation) from credentials";
        Ok(Still {
            failing: cards
                .iter()
                .filter(|card| card.health.status == Status::Failing)
                .count(),
            notices: notices(&self.home)?.len(),
            token_requests: tokens.len(),
            credential_writes: connection.query_row(writes, [], |row| row.get(0))?,
        })
    }

    async fn passes(&self, minutes: i64) -> Result<()> {
        for _ in 0..minutes {
            let until = self.clock.now().plus(MINUTE);
            drive_alone(&self.home, &self.clock, "a minute", async || {
                Ok(self.clock.now() >= until)
            })
            .await?;
        }
        Ok(())
    }

    /// How long the banner stands, and until when every card is fresh, in milliseconds from now.
    async fn comes_back(&self) -> Result<(i64, i64)> {
        let back = self.clock.now();
        drive_alone(&self.home, &self.clock, "the banner to go", async || {
            Ok(!self.offline().await?)
        })
        .await?;
        let gone = self.clock.now();
        drive_alone(&self.home, &self.clock, "all to be fresh", async || {
            let fresh = |at: Option<Time>| at.is_some_and(|at| at >= back);
            let cards = self.home.cards().await?;
            Ok(cards.iter().all(|card| fresh(card.health.checked_at)))
        })
        .await?;
        Ok((gone.since(back), self.clock.now().since(back)))
    }

    /// How often the servers of those that are signed in were asked for anything.
    fn asked(&self) -> usize {
        let servers = self.authorities.iter();
        servers.map(|each| each.server.seen().len()).sum()
    }

    /// The portal answers for the authorities, too, or no longer.
    fn captive(&self, captive: bool) {
        self.portal.store(captive, Ordering::Relaxed);
        for authority in &self.authorities {
            for path in ["/mcp", "/token"] {
                if captive {
                    authority.instead(path, |_| content(200, "text/html", PORTAL));
                } else {
                    authority.as_usual(path);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_without_a_network_are_greyed_and_nothing_else_until_it_is_back() -> Result<()> {
    let test = "offline::fifty_without_a_network_are_greyed_and_nothing_else_until_it_is_back";
    if !net::inside(test, &[])? {
        return Ok(());
    }
    let mut fifty = Fifty::connected(MANY).await?;
    let before = fifty.still().await?;
    net::pull_out(MANY)?;
    let lost = fifty.clock.now();
    drive_alone(&fifty.home, &fifty.clock, "the banner", async || {
        fifty.offline().await
    })
    .await?;
    println!(
        "the banner came after {} s",
        fifty.clock.now().since(lost) / 1000
    );
    let cards = fifty.home.cards().await?;
    ensure!(
        cards.iter().all(|card| card.stale),
        "greyed, with their age"
    );
    // Twenty minutes: every token ends meanwhile, and agents go on calling.
    fifty.passes(20).await?;
    for id in &fifty.signed_in {
        let called = fifty.home.call(*id, "greet", json!({})).await;
        ensure!(called.is_err(), "nothing can answer");
    }
    assert_eq!(fifty.still().await?, before, "while the network is away");

    // Started without a network, it is the same.
    fifty.home = fifty.home.restart().await?;
    drive_alone(
        &fifty.home,
        &fifty.clock,
        "the banner of the next run",
        async || fifty.offline().await,
    )
    .await?;
    fifty.passes(5).await?;
    assert_eq!(fifty.still().await?, before, "started without a network");

    net::plug_in(MANY)?;
    let (gone, fresh) = fifty.comes_back().await?;
    println!(
        "back: banner gone after {} s, all fresh after {} s",
        gone / 1000,
        fresh / 1000
    );
    assert!(gone <= 30 * SECOND, "the banner stood for {gone} ms");
    assert!(fresh <= 90 * SECOND, "all were fresh after {fresh} ms");
    let cards = fifty.home.cards().await?;
    ensure!(!cards.iter().any(|card| card.stale), "as ever");
    let after = fifty.still().await?;
    assert_eq!((after.failing, after.notices), (0, 0));
    Ok(())
}

/// The servers forget the tokens that ended meanwhile, so that the first answer after the silence is a
/// 401: to a call before the monitor knows that the network is back, and to whichever ping is first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ended_without_a_network_is_renewed_by_the_first_answer() -> Result<()> {
    let test = "offline::a_token_that_ended_without_a_network_is_renewed_by_the_first_answer";
    if !net::inside(test, &[])? {
        return Ok(());
    }
    let all = Fifty::connected(SIGNED_IN).await?;
    net::pull_out(SIGNED_IN)?;
    drive_alone(&all.home, &all.clock, "the banner", async || {
        all.offline().await
    })
    .await?;
    all.passes(20).await?;
    for authority in &all.authorities {
        authority.end_access();
    }
    net::plug_in(SIGNED_IN)?;
    ensure!(all.offline().await?, "the monitor has not looked yet");
    let called = all.home.call(all.signed_in[0], "greet", json!({})).await;
    called.context("an agent's call in that moment")?;
    let began = Instant::now();
    while all.offline().await? {
        tick(began, "the banner to go, by that answer alone").await?;
    }
    all.comes_back().await?;
    let still = all.still().await?;
    assert_eq!((still.failing, still.notices), (0, 0));
    assert_eq!(still.token_requests, SIGNED_IN, "one each");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_that_are_paused_leave_no_banner_standing() -> Result<()> {
    let test = "offline::checks_that_are_paused_leave_no_banner_standing";
    if !net::inside(test, &[])? {
        return Ok(());
    }
    // The line is down, but not this computer's part of it: only pings can tell.
    let all = Fifty::connected(2 * SIGNED_IN).await?;
    all.captive(true);
    drive_alone(&all.home, &all.clock, "the banner", async || {
        all.offline().await
    })
    .await?;
    let pause = json!({ "hours": 8 });
    all.home.ask::<wire::PauseChecks>(pause).await?;
    all.passes(5).await?;
    ensure!(all.offline().await?, "still away");
    all.captive(false);
    let back = all.clock.now();
    drive_alone(&all.home, &all.clock, "the banner to go", async || {
        Ok(!all.offline().await?)
    })
    .await?;
    ensure!(all.clock.now().since(back) <= 30 * SECOND);
    let asked = all.asked();
    all.passes(30).await?;
    assert_eq!(all.asked(), asked, "the pause goes on");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_captive_portal_is_no_network_and_no_logout() -> Result<()> {
    let test = "offline::a_captive_portal_is_no_network_and_no_logout";
    if !net::inside(test, &[])? {
        return Ok(());
    }
    let fifty = Fifty::connected(MANY).await?;
    // It answers all the while, and tells nothing of the network.
    fifty.home.connect(targets::sample()).await?;
    let before = fifty.still().await?;
    fifty.captive(true);
    let lost = fifty.clock.now();
    drive_alone(&fifty.home, &fifty.clock, "the banner", async || {
        fifty.offline().await
    })
    .await?;
    println!(
        "the banner came after {} s",
        fifty.clock.now().since(lost) / 1000
    );
    let after = fifty.clock.now().since(lost) / SECOND;
    ensure!(after <= 60, "the banner came after {after} s");
    let at_first = fifty.still().await?;
    let known = fifty.clock.now();
    drive_alone(&fifty.home, &fifty.clock, "half an hour", async || {
        ensure!(fifty.offline().await?, "the banner stands");
        Ok(fifty.clock.now().since(known) >= 30 * MINUTE)
    })
    .await?;
    let still = fifty.still().await?;
    assert_eq!(still, at_first, "once it is known");
    assert_eq!((still.failing, still.notices), (0, 0));
    assert_eq!(
        still.credential_writes, before.credential_writes,
        "no page is taken for a token"
    );
    fifty.captive(false);
    let (gone, fresh) = fifty.comes_back().await?;
    println!(
        "back: banner gone after {} s, all fresh after {} s",
        gone / 1000,
        fresh / 1000
    );
    assert!(gone <= 30 * SECOND, "the banner stood for {gone} ms");
    assert!(fresh <= 90 * SECOND, "all were fresh after {fresh} ms");
    for id in &fifty.signed_in {
        let called = fifty.home.call(*id, "greet", json!({})).await;
        called.context("nobody has to sign in again")?;
    }
    let after = fifty.still().await?;
    assert_eq!((after.failing, after.notices), (0, 0));
    Ok(())
}
