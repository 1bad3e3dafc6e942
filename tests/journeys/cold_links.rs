//! The answer of a sign-in that comes by a link to the next run of the app: it goes on where it was, once,
//! and everything that a running app refuses is refused as well.

use crate::{
    kit::{
        Home, browser, child,
        odd::{CLIENT, Odd, lock},
        search, targets, tick,
    },
    ways::{link_of, odd_way, ready, save},
};
use anyhow::{Context, Result, ensure};
use engine::{Arrived, fakes::FakeClock, ports::KeyringError};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use std::{path::Path, sync::Arc, time::Instant};
use url::Url;
use wire::{AttemptId, Errand, ErrorCode, IntegrationId, KeyringView, Outcome, Question};

const MINUTE: i64 = 60_000;

/// A sign-in under way, and the link that its browser would be sent to.
async fn under_way() -> Result<(Odd, Home, Arc<FakeClock>, (AttemptId, String))> {
    let (odd, home, clock, _) = ready().await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    Ok((odd, home, clock, (attempt, link)))
}

/// Where the window is led.
async fn errand(home: &Home) -> Result<Option<Errand>> {
    Ok(home.ask::<wire::TakeErrand>(json!({})).await?)
}

fn codes_sent(odd: &Odd) -> usize {
    let seen = odd.server.seen_at("/token");
    seen.iter()
        .filter(|seen| seen.form("grant_type").as_deref() == Some("authorization_code"))
        .count()
}

/// The refusals in the record, newest first.
async fn refused(home: &Home) -> Result<Vec<String>> {
    let rows = home.record().await?;
    let refused = rows
        .into_iter()
        .filter(|row| row.outcome == Outcome::Refused);
    Ok(refused.map(|row| row.action).collect())
}

/// Nothing waits on disk any more; what takes it away may still be at it.
async fn forgotten(home: &Home) -> Result<()> {
    let began = Instant::now();
    while home.count("waiting_sign_ins")? != 0 {
        tick(began, "the disk to forget the sign-in").await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_starts_the_app_goes_on_where_the_sign_in_was_and_counts_once() -> Result<()>
{
    let (odd, home, clock, (attempt, link)) = under_way().await?;
    assert_eq!(home.count("waiting_sign_ins")?, 1);
    clock.advance(9 * MINUTE);
    let home = home.restart().await?;
    let leads_to = Errand::Attempt { attempt };
    assert_eq!(
        errand(&home).await?,
        None,
        "nothing is said before the answer"
    );
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    assert_eq!(errand(&home).await?, Some(leads_to));
    let id = home.done(attempt).await?;
    let card = home.card(id).await?;
    assert_eq!(card.account.as_deref(), Some("Team of U1"));
    assert_eq!(home.test(id).await?.error, None);
    assert_eq!(home.count("waiting_sign_ins")?, 0);

    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);
    let home = home.restart().await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);
    assert_eq!(refused(&home).await?.len(), 2, "a row for each");
    assert_eq!((codes_sent(&odd), home.cards().await?.len()), (1, 1));
    // Renewed as any other: what the manifest says of the server came along.
    clock.advance(13 * 60 * MINUTE);
    assert_eq!(home.test(id).await?.error, None);
    Ok(())
}

#[tokio::test]
async fn a_reconnect_goes_on_as_one_and_asks_what_it_would_have_asked() -> Result<()> {
    let (odd, home, _clock, (attempt, link)) = under_way().await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    let id = home.done(attempt).await?;
    "U2".clone_into(&mut lock(&odd.state.person));
    let again = home.begin_again(id, None).await?;
    let link = link_of(&home, again).await?;
    let home = home.restart().await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    let question = home.asks(again).await?;
    assert!(
        matches!(question, Question::OtherAccount { .. }),
        "{question:?}"
    );
    let yes = json!({ "id": again, "confirmed": { "other_account": true } });
    home.ask::<wire::AnswerAttempt>(yes).await?;
    assert_eq!(home.done(again).await?, id);
    assert_eq!(home.card(id).await?.account.as_deref(), Some("Team of U2"));
    Ok(())
}

#[tokio::test]
async fn what_is_no_answer_to_it_changes_nothing_and_the_right_one_still_counts() -> Result<()> {
    let (odd, home, _clock, (attempt, link)) = under_way().await?;
    let home = home.restart().await?;
    let right = Url::parse(&link)?;
    let with = |name: &str, value: Option<&str>| browser::altered(&right, name, value).to_string();
    let state = right.query_pairs().find(|(name, _)| name == "state");
    let state = state.context("a state")?.1.into_owned();
    let wrong = [
        with("state", Some("a-state-that-nobody-gave")),
        with("state", Some(&state.to_lowercase())),
        with("state", None),
        with("state", Some("")),
        format!("{link}&state={state}"),
        with("error", Some("access_denied")),
        link.replacen(":/", "://", 1),
        link.replace("/oauth/callback", "/oauth/callback/"),
    ];
    for (n, other) in wrong.iter().enumerate() {
        ensure!(
            home.engine.deep_link(other).await? != Arrived::Taken,
            "{other}"
        );
        assert_eq!(refused(&home).await?.len(), n + 1, "one row: {other}");
    }
    assert_eq!((codes_sent(&odd), home.count("waiting_sign_ins")?), (0, 1));
    assert_eq!(errand(&home).await?, None);
    home.holds_nothing()?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    home.done(attempt).await?;
    Ok(())
}

#[tokio::test]
async fn another_issuers_answer_and_a_no_end_it_by_name_and_no_code_leaves() -> Result<()> {
    for (name, value, expected) in [
        ("iss", "https://evil.example", ErrorCode::OauthWrongIssuer),
        ("error", "access_denied", ErrorCode::OauthDenied),
    ] {
        let (odd, home, _clock, (attempt, link)) = under_way().await?;
        let home = home.restart().await?;
        let mut other = Url::parse(&link)?;
        if name == "error" {
            other = browser::altered(&other, "code", None);
        }
        let other = browser::altered(&other, name, Some(value));
        assert_eq!(home.engine.deep_link(other.as_str()).await?, Arrived::Taken);
        assert_eq!(home.fails(attempt).await?.code, expected);
        assert_eq!(
            home.engine.deep_link(&link).await?,
            Arrived::Late,
            "it was the one"
        );
        assert_eq!((codes_sent(&odd), home.count("waiting_sign_ins")?), (0, 0));
        home.holds_nothing()?;
    }
    Ok(())
}

#[tokio::test]
async fn two_that_wait_are_told_apart() -> Result<()> {
    let (_odd, home, _clock, (first, link_one)) = under_way().await?;
    let second = home.begin(odd_way("oauth")).await?;
    let link_two = link_of(&home, second).await?;
    let home = home.restart().await?;
    assert_eq!(home.engine.deep_link(&link_two).await?, Arrived::Taken);
    let id = home.done(second).await?;
    assert_eq!(
        home.count("waiting_sign_ins")?,
        1,
        "the other one still waits"
    );
    assert_eq!(home.engine.deep_link(&link_one).await?, Arrived::Taken);
    assert_eq!(
        errand(&home).await?,
        Some(Errand::Attempt { attempt: first })
    );
    let question = home.asks(first).await?;
    assert!(
        matches!(&question, Question::Duplicate { existing, .. } if *existing == id),
        "{question:?}"
    );
    Ok(())
}

#[tokio::test]
async fn after_ten_minutes_it_is_gone_and_a_late_answer_is_told_so() -> Result<()> {
    // While the app was not there.
    let (odd, home, clock, (attempt, link)) = under_way().await?;
    let home = home.rest().await?;
    clock.advance(10 * MINUTE);
    let home = home.wake().await?;
    forgotten(&home).await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptExpired);
    assert_eq!(errand(&home).await?, Some(Errand::Attempt { attempt }));
    assert!(refused(&home).await?[0].contains("after its ten minutes"));
    home.holds_nothing()?;

    // While the next run was waiting for it.
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    let home = home.restart().await?;
    clock.advance(10 * MINUTE);
    forgotten(&home).await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);

    // By a clock that was set back it has not begun yet.
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    let home = home.rest().await?;
    clock.advance(-MINUTE);
    let home = home.wake().await?;
    forgotten(&home).await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);
    assert_eq!(codes_sent(&odd), 0, "no code has left");
    Ok(())
}

#[tokio::test]
async fn what_was_cancelled_or_ran_out_in_its_own_run_waits_no_more() -> Result<()> {
    let (odd, home, clock, (attempt, link)) = under_way().await?;
    home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
        .await?;
    home.fails(attempt).await?;
    forgotten(&home).await?;
    let home = home.restart().await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);

    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    clock.advance(10 * MINUTE);
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptExpired);
    forgotten(&home).await?;
    let home = home.restart().await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);
    assert_eq!(errand(&home).await?, None);
    assert_eq!(codes_sent(&odd), 0);
    Ok(())
}

#[tokio::test]
async fn a_keyring_that_is_shut_is_named_and_an_open_one_lets_it_go_on() -> Result<()> {
    let (odd, home, _clock, (attempt, link)) = under_way().await?;
    let resting = home.rest().await?;
    resting.keyring.fail_with(Some(KeyringError::Locked));
    let home = resting.wake().await?;
    for _ in 0..3 {
        assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);
    }
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::SignInSealed);
    assert_eq!(errand(&home).await?, Some(Errand::Attempt { attempt }));
    assert!(refused(&home).await?[0].contains("shut away"));
    assert_eq!((codes_sent(&odd), home.count("waiting_sign_ins")?), (0, 1));
    home.keyring.fail_with(None);
    let view = home.ask::<wire::UnlockKeyring>(json!({})).await?;
    assert_eq!(view, KeyringView::Ready);
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    home.done(attempt).await?;
    Ok(())
}

#[tokio::test]
async fn one_that_was_kept_for_its_run_only_says_that_it_must_be_started_again() -> Result<()> {
    let odd = Odd::start().await?;
    let (home, _clock) = Home::with_fake_clock().await?;
    odd.describe(home.folder())?;
    save(&home, None).await?;
    home.ask::<wire::UseSessionOnly>(json!({})).await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    let home = home.restart().await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::SignInForRun);
    assert_eq!(errand(&home).await?, Some(Errand::Attempt { attempt }));
    assert_eq!(codes_sent(&odd), 0);
    home.holds_nothing()
}

#[tokio::test]
async fn nothing_of_it_can_be_read_no_backup_has_it_and_a_changed_key_opens_it() -> Result<()> {
    let (odd, home, _clock, secret) = ready().await?;
    let sample = home.connect(json!({ "kind": "sample" })).await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    // Disconnect changes the keyring's key, and takes a backup.
    home.disconnect(sample).await?;
    let home = home.rest().await?;
    let waiting = rows(&home.folder().join("chief.db"))?;
    let copy = tempfile::tempdir()?;
    crate::kit::copy_folder(home.folder(), copy.path())?;
    let backups = std::fs::read_dir(home.folder().join("backups"))?;
    let backups: Vec<_> = backups
        .map(|each| Ok(each?.path()))
        .collect::<Result<_>>()?;
    assert_eq!((waiting, backups.len()), (1, 1));
    assert_eq!(rows(&backups[0])?, 0, "no backup has it");
    let home = home.wake().await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    home.done(attempt).await?;

    let seen = odd.server.seen_at("/token");
    let verifier = seen[0].form("code_verifier").context("a verifier")?;
    let state = Url::parse(&link)?;
    let state = state.query_pairs().find(|(name, _)| name == "state");
    let state = state.context("a state")?.1.into_owned();
    let needles = search::Needles::new([
        ("the verifier", verifier.as_str()),
        ("state", state.as_str()),
        ("the client's secret", secret.as_str()),
    ])?;
    for folder in [copy.path(), home.folder()] {
        assert_eq!(
            search::search_folder(folder, &needles)?,
            Vec::<String>::new()
        );
    }
    // The old copy with its old keyring could go on for its ten minutes; without the key it cannot.
    let stolen = Home::on_copy(copy, Arc::default()).await?;
    assert_eq!(stolen.engine.deep_link(&link).await?, Arrived::Late);
    assert_eq!(codes_sent(&odd), 1);
    Ok(())
}

fn rows(file: &Path) -> Result<i64> {
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(
        database.query_row("select count(*) from waiting_sign_ins", [], |row| {
            row.get(0)
        })?,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_killed_between_consent_and_callback_is_started_by_the_link_and_connects()
-> Result<()> {
    const TEST: &str = "cold_links::an_app_that_is_killed_between_consent_and_callback_is_started_by_the_link_and_connects";
    if child::asked() {
        return begin_and_wait().await;
    }
    let (odd, home, _clock, _) = ready().await?;
    let closed = home.close().await;
    let mut other =
        closed.elsewhere(tokio::process::Command::new(std::env::current_exe()?), TEST)?;
    let link = other.says("app.chief.integrations:").await?;
    other.kill().await?;
    let home = closed.open().await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    let Some(Errand::Attempt { attempt }) = errand(&home).await? else {
        anyhow::bail!("the window is led nowhere");
    };
    let id: IntegrationId = home.done(attempt).await?;
    assert_eq!(home.test(id).await?.error, None);
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Late);
    let requests = odd.server.seen_at("/token");
    let client = requests[0].form("client_id");
    assert_eq!((requests.len(), client.as_deref()), (1, Some(CLIENT)));
    let mcp = home
        .begin(targets::mcp(&odd.server.url("/nowhere")))
        .await?;
    home.fails(mcp).await?;
    forgotten(&home).await
}

/// In the process that is killed: from Connect to the consent.
async fn begin_and_wait() -> Result<()> {
    let engine = child::engine(true).await?;
    let asked = json!({ "target": odd_way("oauth"), "confirmed": { "private_address": true }, "ends_at": null });
    let view = engine::commands::answer(&engine, "start_connect", asked).await?;
    let id = json!({ "id": view["id"] });
    let began = Instant::now();
    let start = loop {
        match engine::commands::answer(&engine, "attempt_link", id.clone()).await {
            Ok(link) => break link.as_str().context("a link")?.to_owned(),
            Err(_) => tick(began, "the link").await?,
        }
    };
    println!(
        "{}",
        browser::to_scheme(&start, "app.chief.integrations").await?
    );
    std::future::pending::<()>().await;
    Ok(())
}
