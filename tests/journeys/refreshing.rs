//! One refresh at a time, and none that locks anybody out: many callers, two processes, and a process
//! that is killed at each step, against a certified server that kills the family of a token that is
//! used twice.

use crate::kit::{
    Home, authority::Authority, browser, call, child, health::notices, targets, text_of, tick,
};
use anyhow::{Context, Result, bail, ensure};
use chief_tests::peers::Peer;
use engine::{
    fakes::FakeClock,
    ports::KeyringError,
    steps::{STOP_AT, Step},
};
use serde_json::json;
use std::{
    process::Command as StdCommand,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use tokio::process::Command;
use wire::{
    ErrorCode, Fix, IntegrationId, KeyringView, Outcome, Reason, RecordState, RowKind, Status,
};

/// How many kills, where the soak asks for more than one at each place.
const KILLS: &str = "CHIEF_TEST_KILLS";

async fn pair() -> Result<(Peer, Peer)> {
    crate::sign_in::pair(&[("ACCESS_TTL", "60")]).await
}

async fn refreshes(issuer: &Peer) -> Result<usize> {
    let log = issuer.control("/test/log").await?;
    let log = log.as_array().context("a log")?;
    Ok(log
        .iter()
        .filter(|entry| entry["parameters"]["grant_type"] == "refresh_token")
        .count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_at_the_end_make_one_token_request_and_a_second_process_none()
-> Result<()> {
    if child::asked() {
        return match child::engine(false).await {
            Err(error) if error.code == ErrorCode::StoreInUse => {
                println!("refused: {error}");
                Ok(())
            }
            Err(error) => bail!("refused for another reason: {error}"),
            Ok(_) => bail!("two processes work on one folder"),
        };
    }
    let (issuer, server) = pair().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    for round in 1..=2 {
        // Past its end: nobody can go on with the old token.
        clock.advance(61_000);
        let test = "refreshing::a_hundred_callers_at_the_end_make_one_token_request_and_a_second_process_none";
        let mut second = home.beside(test)?;
        let calls = (0..100).map(|_| call(&home.engine, id, "list_items", json!({})));
        let (answers, refused) =
            futures::future::join(futures::future::join_all(calls), second.says("refused")).await;
        for answer in answers {
            ensure!(text_of(&answer?).contains("first"));
        }
        refused?;
        second.ends().await?;
        assert_eq!(
            refreshes(&issuer).await?,
            round,
            "one for a hundred and one"
        );
    }
    assert_eq!(home.desk.opened().len(), 1, "and the family lives");
    Ok(())
}

/// Where the process is killed.
#[derive(Clone, Copy, Debug)]
enum Place {
    At(Step),
    /// The request has arrived, and no answer comes.
    UnderWay,
}

impl Place {
    fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Step::ALL.into_iter().map(Self::At).collect();
        all.insert(1, Self::UnderWay);
        all
    }

    /// True where the server has taken the old token's place already, and the new one died with the
    /// process: no program can do better than ask, unless the server forgives.
    fn loses_the_pair(self) -> bool {
        matches!(self, Self::At(Step::Answered | Step::Sealed))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_of_a_refresh_locks_nobody_out() -> Result<()> {
    if child::asked() {
        return child::calls("list_items").await;
    }
    let places = Place::all();
    let kills = match std::env::var(KILLS) {
        Ok(kills) => kills.parse()?,
        Err(_) => places.len(),
    };
    let (issuer, server) = pair().await?;
    let (mut home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    for (kill, place) in (0..kills).zip(places.into_iter().cycle()) {
        home = killed(home, (&issuer, &clock), id, place)
            .await
            .with_context(|| format!("kill {kill}, {place:?}"))?;
    }
    Ok(())
}

/// One refresh in another process, which is killed at `place`; then the next run.
async fn killed(
    home: Home,
    (issuer, clock): (&Peer, &FakeClock),
    id: IntegrationId,
    place: Place,
) -> Result<Home> {
    let asked_before = refreshes(issuer).await?;
    clock.advance(61_000);
    let closed = home.close().await;
    let mut command = StdCommand::new(std::env::current_exe()?);
    match place {
        Place::At(step) => {
            command.env(STOP_AT, step.name());
        }
        Place::UnderWay => {
            issuer.control("/test/fail?path=/token&mode=hang").await?;
        }
    }
    let test = "refreshing::a_kill_at_any_step_of_a_refresh_locks_nobody_out";
    let mut other = closed.elsewhere(Command::from(command), test)?;
    match place {
        Place::At(step) => {
            other.says(&format!("stopped at {}", step.name())).await?;
        }
        Place::UnderWay => arrived(issuer).await?,
    }
    other.kill().await?;

    let home = closed.open().await?;
    let _ends = browser::signs_in(&home.desk);
    ensure!(whole(&home)? == "ok", "the database is damaged");
    let answer = home.call(id, "list_items", json!({})).await;
    if place.loses_the_pair() {
        let error = answer.err().context("the pair was lost")?;
        ensure!(error.code == ErrorCode::OauthInvalidGrant, "{error}");
        let health = home.card(id).await?.health;
        ensure!(matches!(health.reason, Reason::Rejected { .. }));
        ensure!(health.fix == Some(Fix::Reconnect), "one button mends it");
        let attempt = home.begin_again(id, None).await?;
        home.done(attempt).await?;
        home.call(id, "list_items", json!({})).await?;
        ensure!(notices(&home)?.iter().all(|told| told.resolved));
    } else {
        answer?;
        ensure!(home.desk.opened().is_empty(), "nobody signs in again");
    }
    ensure!(home.card(id).await?.health.status == Status::Healthy);
    let asked = refreshes(issuer).await? - asked_before;
    ensure!(asked <= 2, "{asked} requests: it asks again and again");
    let committed = matches!(place, Place::At(Step::Committed | Step::Anchored));
    let rows = home.rows_of(RowKind::Token, "token.refresh").await?;
    // The newest where the dead process had committed, else the one before what came after.
    let of_the_dead = rows.iter().find(|row| row.outcome == Outcome::Unknown);
    ensure!(
        committed || of_the_dead.is_some(),
        "the record says that a refresh was begun: {rows:?}"
    );
    Ok(home)
}

/// Waits until the token request has arrived that is never answered.
async fn arrived(issuer: &Peer) -> Result<()> {
    let began = Instant::now();
    loop {
        let left = issuer.control("/test/failures").await?;
        let left = left.as_array().context("a list")?;
        if left.iter().all(|failure| failure["count"] == 0) {
            // It is read; whoever asked waits.
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Ok(());
        }
        tick(began, "the token request to arrive").await?;
    }
}

/// A refresh whose token request has been answered, by an answer that is still on its way.
async fn under_way(
    authority: &Authority,
    (home, clock): (&Home, &FakeClock),
    id: IntegrationId,
) -> Result<tokio::task::JoinHandle<bool>> {
    clock.advance(3_600_000);
    authority.state.holds_tokens.store(true, Ordering::Relaxed);
    let engine = home.engine.clone();
    let calling = tokio::spawn(async move { call(&engine, id, "greet", json!({})).await.is_ok() });
    let began = Instant::now();
    while authority.token_requests("refresh_token") == 0 {
        tick(began, "the token request").await?;
    }
    authority.state.holds_tokens.store(false, Ordering::Relaxed);
    Ok(calling)
}

/// The answer that is on its way arrives.
async fn arrives(authority: &Authority) {
    // Whoever is to wait for it has begun to.
    tokio::time::sleep(Duration::from_millis(300)).await;
    authority.state.let_go.notify_one();
}

#[tokio::test]
async fn a_refresh_that_is_under_way_is_kept_before_the_app_ends() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    let calling = under_way(&authority, (&home, &clock), id).await?;
    let (closed, ()) = futures::future::join(home.close(), arrives(&authority)).await;
    calling.await?;

    let home = closed.open().await?;
    assert_eq!(home.test(id).await?.error, None);
    assert_eq!(authority.token_requests("refresh_token"), 1);
    Ok(())
}

/// The record's tables take no row, as where there is no room for so many pages, or one of them is damaged.
#[tokio::test]
async fn a_fresh_token_is_kept_though_no_row_can_be_filed_and_no_request_leaves_until_they_are()
-> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    let calls = || {
        let seen = authority.server.seen();
        seen.iter()
            .filter(|seen| seen.json()["method"] == "tools/call")
            .count()
    };
    let by_hand = |sql: &str| -> Result<()> {
        let file = rusqlite::Connection::open(home.folder().join("chief.db"))?;
        file.busy_timeout(Duration::from_secs(10))?;
        Ok(file.execute_batch(sql)?)
    };
    let calling = under_way(&authority, (&home, &clock), id).await?;
    by_hand("create trigger stuck before insert on outcomes begin select raise(abort, 'no'); end")?;
    arrives(&authority).await;
    ensure!(calling.await?, "it goes on with the fresh token");
    let said = home.ask::<wire::SwitchIntegration>(json!({ "id": id, "enabled": false }));
    ensure!(said.await.is_err(), "what finds the record fails");

    let before = calls();
    ensure!(home.call(id, "greet", json!({})).await.is_err());
    clock.advance(3_600_000);
    ensure!(home.call(id, "greet", json!({})).await.is_err());
    let asked = home.test(id).await;
    ensure!(asked.is_err() || asked.is_ok_and(|report| report.error.is_some()));
    assert_eq!(
        (calls(), authority.token_requests("refresh_token")),
        (before, 1)
    );

    by_hand("drop trigger stuck")?;
    let began = Instant::now();
    while home.call(id, "greet", json!({})).await.is_err() {
        // And past the pause after a refresh that brought nothing.
        clock.advance(60_000);
        tick(began, "a call to go out again").await?;
    }
    assert_eq!(authority.token_requests("refresh_token"), 2);
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    let proof = home.ask::<wire::VerifyRecord>(json!({})).await?;
    ensure!(matches!(proof.state, RecordState::Intact), "{proof:?}");
    Ok(())
}

#[tokio::test]
async fn a_disconnect_revokes_what_a_refresh_brings_that_was_under_way() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    let calling = under_way(&authority, (&home, &clock), id).await?;
    let (ended, ()) = futures::future::join(home.disconnect(id), arrives(&authority)).await;
    ended?;
    ensure!(!calling.await?, "it ended with the integration");
    ensure!(!authority.anything_lives(), "the new pair was revoked");
    Ok(())
}

#[tokio::test]
async fn a_keyring_that_is_tried_in_vain_ends_no_sign_in_that_is_kept_for_this_run() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    home.keyring.fail_with(Some(KeyringError::Absent));
    home.ask::<wire::UseSessionOnly>(json!({})).await?;
    let id = home.connect(targets::mcp(&authority.resource())).await?;

    let view = home.ask::<wire::UnlockKeyring>(json!({})).await?;
    assert_eq!(view, KeyringView::SessionOnly, "as the admin chose before");
    for round in 1..=2 {
        clock.advance(3_600_000);
        home.call(id, "greet", json!({})).await?;
        assert_eq!(authority.token_requests("refresh_token"), round);
    }
    // A keyring that works takes over.
    home.keyring.fail_with(None);
    let view = home.ask::<wire::UnlockKeyring>(json!({})).await?;
    assert_eq!(view, KeyringView::Unasked, "nothing is sealed yet");
    clock.advance(3_600_000);
    home.call(id, "greet", json!({})).await?;
    assert_eq!(home.keyring.items().len(), 1);
    Ok(())
}

/// What SQLite says of the file.
pub fn whole(home: &Home) -> Result<String> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let file = home.folder().join("chief.db");
    let connection = rusqlite::Connection::open_with_flags(file, flags)?;
    Ok(connection.query_row("pragma integrity_check", [], |row| row.get(0))?)
}
