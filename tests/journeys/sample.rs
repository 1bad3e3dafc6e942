//! The sample: a card, tools, a test and activity within a minute and without an account.

use crate::kit::{Home, code, targets, text_of};
use anyhow::Result;
use serde_json::json;
use wire::{
    AuthView, ErrorCode, Kind, Outcome, Phase, Question, Reason, Revocation, RowKind, Status,
};

#[tokio::test]
async fn a_newcomer_connects_tests_uses_and_removes_the_sample() -> Result<()> {
    let home = Home::new().await?;
    assert!(
        home.cards().await?.is_empty(),
        "nothing is connected at first"
    );

    let id = home.connect(targets::sample()).await?;

    let card = home.card(id).await?;
    assert_eq!(
        (card.kind, card.name.as_str(), card.slug.as_str()),
        (Kind::Sample, "Sample", "sample")
    );
    assert_eq!(
        (card.health.status, card.health.reason),
        (Status::Healthy, Reason::Ok)
    );
    assert_eq!(
        card.auth,
        AuthView::Bearer,
        "the sample asks for a token like any other server"
    );
    assert_eq!((card.tools, card.can.len()), (6, 3));
    assert!(
        !card.connected_by.is_empty(),
        "the card says who connected it"
    );
    assert_eq!(card.last_used, None, "connecting is not using");
    let tools = home.ask::<wire::ListTools>(json!({ "id": id })).await?;
    assert_eq!(tools.len(), 6);
    assert!(
        tools
            .iter()
            .all(|tool| !tool.description.is_empty() && tool.hash.len() == 8)
    );

    let report = home.test(id).await?;
    assert_eq!(report.error, None);
    assert!(
        report.tried.contains("ping") || report.tried.contains("discover"),
        "tried: {}",
        report.tried
    );
    assert!(!report.answer.is_empty(), "Test shows what came back");
    assert_eq!(
        home.ask::<wire::ProbeIntegration>(json!({ "id": id }))
            .await?
            .len(),
        6
    );
    let answer = home.call(id, "echo", json!({ "text": "hello" })).await?;
    assert!(text_of(&answer).contains("hello"), "the tool said {answer}");

    let rows = home.record_and_pings().await?;
    let kinds: Vec<RowKind> = rows.iter().map(|row| row.kind).collect();
    for kind in [
        RowKind::Call,
        RowKind::Probe,
        RowKind::Ping,
        RowKind::Change,
    ] {
        assert!(kinds.contains(&kind), "activity lacks {kind:?}: {kinds:?}");
    }
    assert!(
        rows.iter()
            .all(|row| row.outcome == Outcome::Ok && row.integration == Some(id))
    );
    assert!(
        rows.windows(2).all(|pair| pair[0].at >= pair[1].at),
        "newest first"
    );

    let preview = home
        .ask::<wire::PreviewDisconnect>(json!({ "id": id }))
        .await?;
    assert_eq!(
        (preview.calls_30d, preview.tools, preview.in_flight),
        (1, 6, 0)
    );
    assert_eq!(
        home.disconnect(id).await?.revocation,
        Revocation::NotOffered
    );
    assert!(home.cards().await?.is_empty());
    home.holds_nothing()?;
    assert_eq!(code(home.test(id).await)?, ErrorCode::IntegrationUnknown);
    assert_eq!(
        code(home.call(id, "echo", json!({ "text": "x" })).await)?,
        ErrorCode::IntegrationUnknown
    );
    let rows = home.record().await?;
    assert_eq!(
        rows.first().map(|row| row.action.as_str()),
        Some("disconnected")
    );
    assert!(
        rows.iter()
            .any(|row| row.action == "sample.echo" && row.integration_name == "Sample"),
        "the history stays"
    );
    Ok(())
}

#[tokio::test]
async fn connecting_the_sample_again_offers_the_card_that_is_there() -> Result<()> {
    let home = Home::new().await?;
    let first = home.connect(targets::sample()).await?;

    let attempt = home.begin(targets::sample()).await?;
    assert_eq!(
        home.asks(attempt).await?,
        Question::Duplicate {
            existing: first,
            name: "Sample".to_owned(),
            same_account: true
        }
    );
    home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
        .await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptCancelled);
    assert_eq!(home.cards().await?.len(), 1, "no answer is no");

    let attempt = home.begin(targets::sample()).await?;
    home.asks(attempt).await?;
    home.ask::<wire::AnswerAttempt>(json!({ "id": attempt, "confirmed": { "duplicate": true } }))
        .await?;
    let second = home.done(attempt).await?;
    assert_ne!(first, second);
    let card = home.card(second).await?;
    assert_eq!(
        (card.slug.as_str(), card.name.as_str()),
        ("sample-2", "Sample 2"),
        "both are unique"
    );

    // Two cards, one server: removing one leaves the other at work.
    home.disconnect(first).await?;
    assert_eq!(home.test(second).await?.error, None);
    assert!(matches!(
        home.rests(attempt).await?,
        Phase::Done { tools: 6, .. }
    ));
    Ok(())
}

#[tokio::test]
async fn every_commit_tells_the_window_what_to_fetch_again() -> Result<()> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    let topics = |home: &Home| -> Vec<wire::Topic> {
        home.desk
            .changes()
            .into_iter()
            .flat_map(|changed| changed.topics)
            .collect()
    };
    for topic in [
        wire::Topic::Integrations,
        wire::Topic::Attempts,
        wire::Topic::Activity,
    ] {
        let began = std::time::Instant::now();
        while !topics(&home).contains(&topic) {
            crate::kit::tick(began, &format!("{topic:?} to be told")).await?;
        }
    }
    home.ask::<wire::RenameIntegration>(json!({ "id": id, "name": "Demo" }))
        .await?;
    let began = std::time::Instant::now();
    while !topics(&home).contains(&wire::Topic::Integration(id)) {
        crate::kit::tick(began, "the page's own topic").await?;
    }
    let card = home.card(id).await?;
    assert_eq!(
        (card.name.as_str(), card.slug.as_str()),
        ("Demo", "sample"),
        "agents keep the name they know"
    );
    Ok(())
}

#[tokio::test]
async fn switched_off_it_is_called_by_no_task_and_keeps_everything() -> Result<()> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    home.ask::<wire::SwitchIntegration>(json!({ "id": id, "enabled": false }))
        .await?;
    assert_eq!(
        code(home.call(id, "echo", json!({ "text": "x" })).await)?,
        ErrorCode::IntegrationOff
    );
    let refused = home.rows_of(RowKind::Call, "sample.echo").await?;
    assert_eq!(
        refused.first().map(|row| (row.outcome, row.took_ms)),
        Some((Outcome::Refused, None))
    );
    assert_eq!(
        home.card(id).await?.last_used,
        None,
        "a call that was refused here used nothing"
    );
    home.ask::<wire::SwitchIntegration>(json!({ "id": id, "enabled": true }))
        .await?;
    home.call(id, "echo", json!({ "text": "x" })).await?;
    Ok(())
}
