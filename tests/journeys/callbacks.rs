//! What comes back without having been asked for: forged, replayed, late and unknown.

use crate::kit::{
    Home,
    authority::Authority,
    browser::{altered, look, to_callback},
    targets,
};
use anyhow::Result;
use serde_json::json;
use url::Url;
use wire::{ErrorCode, Phase, RowKind, RowView};

async fn refusals(home: &Home) -> Result<Vec<RowView>> {
    let rows = home.record().await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.kind == RowKind::Change && row.action.contains("refused"))
        .collect())
}

/// Waits until so many answers were refused, and that it is not one more.
async fn refused_times(home: &Home, times: usize) -> Result<()> {
    let began = std::time::Instant::now();
    while refusals(home).await?.len() < times {
        crate::kit::tick(began, "the row of a refused answer").await?;
    }
    assert_eq!(refusals(home).await?.len(), times, "one answer, one row");
    Ok(())
}

#[tokio::test]
async fn a_forged_answer_changes_nothing_is_one_row_and_the_right_one_still_counts() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let link = home.waits_for_browser(attempt).await?;
    let right = to_callback(&link).await?;

    let forged = altered(&right, "state", Some("a-state-that-nobody-gave"));
    let (status, page) = look(&forged).await?;
    assert_eq!(status, 400);
    assert!(
        page.contains("belongs to no open sign-in") && !page.contains("nobody-gave"),
        "{page}"
    );
    refused_times(&home, 1).await?;
    assert!(
        matches!(home.rests(attempt).await?, Phase::WaitingForBrowser { .. }),
        "it still waits"
    );
    assert_eq!(authority.token_requests("authorization_code"), 0);

    // Other shapes of the same: no state, two states, a code and an error, a POST, another path.
    let mut doubled = right.clone();
    doubled.query_pairs_mut().append_pair("state", "another");
    for other in [
        altered(&right, "state", None),
        doubled,
        altered(&right, "error", Some("access_denied")),
    ] {
        assert_eq!(look(&other).await?.0, 400, "{other}");
    }
    let posted = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(right.clone())
        .send()
        .await?;
    assert_eq!(posted.status().as_u16(), 404);
    let mut elsewhere = right.clone();
    elsewhere.set_path("/oauth/callback");
    assert_eq!(look(&elsewhere).await?.0, 404);
    assert!(matches!(
        home.rests(attempt).await?,
        Phase::WaitingForBrowser { .. }
    ));
    home.holds_nothing()?;

    assert_eq!(look(&right).await?.0, 200);
    home.done(attempt).await?;
    Ok(())
}

#[tokio::test]
async fn a_rebound_name_does_not_reach_the_callback() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let link = home.waits_for_browser(attempt).await?;
    let right = to_callback(&link).await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client
        .get(right.clone())
        .header("host", "evil.example")
        .send()
        .await?;
    assert_eq!(answer.status().as_u16(), 404);
    let answer = client
        .get(&link)
        .header("host", "evil.example")
        .send()
        .await?;
    assert_eq!(answer.status().as_u16(), 404, "nor is `state` told to it");
    assert!(matches!(
        home.rests(attempt).await?,
        Phase::WaitingForBrowser { .. }
    ));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_comes_twice_counts_once() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let link = home.waits_for_browser(attempt).await?;
    let right = to_callback(&link).await?;
    // Both at once: a browser that loads the page twice.
    let both = futures::future::join(look(&right), look(&right)).await;
    let ok = [both.0, both.1]
        .into_iter()
        .filter(|page| matches!(page, Ok((200, _))))
        .count();
    assert_eq!(
        ok, 1,
        "one of the two is told that it belongs to no sign-in"
    );
    let id = home.done(attempt).await?;
    let before = home.card(id).await?;
    refused_times(&home, 1).await?;
    // And again, once it is over: it is told no, and that is one row more.
    assert_eq!(look(&right).await?.0, 400);
    refused_times(&home, 2).await?;
    assert_eq!(look(&Url::parse(&link)?).await?.0, 404);
    assert_eq!(
        authority.token_requests("authorization_code"),
        1,
        "one code, one request"
    );
    assert_eq!(
        (&before, home.cards().await?.len()),
        (&home.card(id).await?, 1),
        "nothing changed"
    );
    Ok(())
}

#[tokio::test]
async fn an_answer_that_comes_after_ten_minutes_changes_nothing() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let link = home.waits_for_browser(attempt).await?;
    let right = to_callback(&link).await?;
    clock.advance(10 * 60_000);
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptExpired);
    assert_eq!(look(&right).await?.0, 400, "a late answer is told no");
    refused_times(&home, 1).await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptExpired);
    assert_eq!(authority.token_requests("authorization_code"), 0);
    home.holds_nothing()
}

#[tokio::test]
async fn answers_of_two_attempts_are_not_mixed_up() -> Result<()> {
    let (one, two) = (Authority::start().await?, Authority::start().await?);
    let home = Home::new().await?;
    let first = home.begin(targets::mcp(&one.resource())).await?;
    let second = home.begin(targets::mcp(&two.resource())).await?;
    let answer_one = to_callback(&home.waits_for_browser(first).await?).await?;
    let answer_two = to_callback(&home.waits_for_browser(second).await?).await?;
    // The answer of the one, brought to the door of the other.
    let mut swapped = answer_two.clone();
    swapped.set_query(answer_one.query());
    assert_eq!(look(&swapped).await?.0, 400);
    assert!(matches!(
        home.rests(second).await?,
        Phase::WaitingForBrowser { .. }
    ));
    look(&answer_two).await?;
    look(&answer_one).await?;
    assert_ne!(home.done(first).await?, home.done(second).await?);
    Ok(())
}

#[tokio::test]
async fn a_deep_link_that_nobody_asked_for_changes_nothing_and_is_one_row() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let right = to_callback(&home.waits_for_browser(attempt).await?).await?;
    // Even with the right state: MCP servers come back by loopback only.
    let link = format!(
        "app.chief.integrations:/oauth/callback?{}",
        right.query().unwrap_or_default()
    );
    home.engine.deep_link(&link).await?;
    assert_eq!(refusals(&home).await?.len(), 1);
    assert!(matches!(
        home.rests(attempt).await?,
        Phase::WaitingForBrowser { .. }
    ));
    let code = right
        .query_pairs()
        .find(|(name, _)| name == "code")
        .map(|(_, code)| code.into_owned())
        .unwrap_or_default();
    assert!(
        !home.said().join("\n").contains(&code),
        "the link's text is kept nowhere"
    );
    home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
        .await?;
    home.fails(attempt).await?;
    home.holds_nothing()
}
