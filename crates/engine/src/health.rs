//! What tells how an integration is: pings, probes, and Test.
//!
//! Owns: [`ping`] and [`probe`]; `health::signal` reads an answer as a signal. Must not know: what a
//! signal does (`integrations::status`).

mod signal;

pub(crate) use signal::{Asked, Tells, asked_pause_ms, has_route, is_local, origin, signal_of};

use crate::{
    Engine,
    calls::{self, Journal},
    connectors::Pong,
    integrations::{
        self, After, Integration, pins,
        status::{Elsewhere, End, Signal},
    },
    store::{self, Durability, pings::PingRow},
};
use std::time::Duration;
use tokio::time::Instant;
use wire::{
    Because, Error, ErrorCode, IntegrationId, Outcome, PingId, RowKind, TestReport, ToolView, Topic,
};

/// Between two listings that a server asked for by saying that its tools changed: at first, and at most, where
/// it says so and they did not.
const FOLLOW_PAUSE: Duration = Duration::from_secs(2);
const FOLLOW_PAUSE_MAX: Duration = Duration::from_secs(600);
/// Until one that is switched off is looked at again.
const OFF_PAUSE: Duration = Duration::from_secs(60);

/// Pings now, writes it down, and takes the answer in.
pub(crate) async fn ping(
    engine: &Engine,
    id: IntegrationId,
    because: &Because,
) -> Result<TestReport, Error> {
    let found = engine
        .store()
        .read(move |conn| Integration::get(conn, id))
        .await?;
    let tried = engine.live(id).await?.connector.ping_in_words();
    let begun = engine.now();
    let result: Result<Pong, Error> =
        calls::exchange(engine, id, because, |connector, credential| {
            Box::pin(async move { connector.ping(&credential).await })
        })
        .await;
    let now = engine.now();
    let (tried, answer, took_ms) = match &result {
        Ok(pong) => (pong.tried.clone(), pong.answer.clone(), pong.took_ms),
        Err(error) => {
            let took = u32::try_from(now.since(begun).max(0)).unwrap_or(u32::MAX);
            (
                tried,
                error
                    .args
                    .get("status")
                    .map_or_else(String::new, |s| format!("HTTP {s}")),
                took,
            )
        }
    };
    let signal = signal_of(engine, id, Asked::Ping, result.as_ref().map(|_| ())).await;
    // A strip tells how the integration was, not how this computer was: nothing sent, or no network,
    // is no ping. "Slow down" is an answer.
    let says_nothing = match (&result, &signal) {
        (Ok(_), _) => false,
        (Err(error), None) => error.code != ErrorCode::OauthInvalidGrant,
        (Err(_), Some(Signal::Unreachable(Elsewhere::Offline))) => *because == Because::Health,
        (Err(_), Some(_)) => false,
    };
    let slowed = matches!(signal, Some(Signal::RateLimited { .. }));
    let row = (!says_nothing).then(|| PingRow {
        id: PingId(uuid::Uuid::now_v7()),
        at: begun,
        integration: Some(id),
        integration_name: found.row.name.clone(),
        took_ms: Some(took_ms),
        outcome: if result.is_ok() || slowed {
            Outcome::Ok
        } else {
            Outcome::Failed
        },
        error: result.as_ref().err().filter(|_| !slowed).cloned(),
        detail: answer.clone(),
        because: because.clone(),
    });
    let (key, consent) = (found.takes_key(), found.state.consent);
    // What the provider says of its own key is nearer to the truth than what was typed.
    let ends = result.as_ref().ok().and_then(|pong| pong.ends_at);
    let ends = ends.filter(|_| key).map(|at| Signal::EndsAt {
        end: Some(End::fixed(consent.unwrap_or(found.row.connected_at), at)),
    });
    let (health, after) = engine
        .store()
        .write(
            if result.is_ok() {
                Durability::Normal
            } else {
                Durability::Full
            },
            move |tx| {
                // Gone meanwhile: the ping tells nobody anything.
                if Integration::find(tx, id)?.is_none() {
                    return Err(Error::new(ErrorCode::IntegrationUnknown));
                }
                if let Some(row) = &row {
                    store::pings::add(tx, row)?;
                }
                let mut after = After::default();
                for signal in signal.iter().chain(&ends) {
                    after.add(integrations::apply_answer(tx, (id, consent), signal, now)?);
                }
                tx.touch(Topic::Activity);
                tx.touch(Topic::App);
                Ok((Integration::get(tx, id)?.state.view(now, key), after))
            },
        )
        .await?;
    engine.network().ask(id, after);
    Ok(TestReport {
        at: begun,
        tried,
        took_ms,
        error: result.err(),
        answer,
        health,
    })
}

/// Lists the tools and keeps them. The tools, as the window shows them.
pub(crate) async fn probe(
    engine: &Engine,
    id: IntegrationId,
    because: &Because,
) -> Result<Vec<ToolView>, Error> {
    list(engine, id, because).await?;
    integrations::tools(engine, id).await
}

/// Whether they are others than before.
async fn list(engine: &Engine, id: IntegrationId, because: &Because) -> Result<bool, Error> {
    let found = engine
        .store()
        .read(move |conn| Integration::get(conn, id))
        .await?;
    let journal = Journal::begin(
        engine,
        RowKind::Probe,
        Some((id, found.row.name.clone())),
        "tools.list",
        because,
    )
    .await?;
    let result = calls::exchange(engine, id, because, |connector, credential| {
        Box::pin(async move { connector.list_tools(&credential).await })
    })
    .await;
    let detail = result.as_ref().map_or_else(
        |_| String::new(),
        |tools| words::counted("tools-count", count(tools)),
    );
    journal
        .finish(
            engine,
            result.as_ref().map(|_| ()),
            &detail,
            Some(Tells {
                id,
                asked: Asked::Other,
                consent: found.state.consent,
                heard: result.as_ref().map(|_| ()),
            }),
        )
        .await?;
    let (tools, now) = (result?, engine.now());
    engine
        .store()
        .write(Durability::Normal, move |tx| {
            match Integration::find(tx, id)? {
                Some(_) => pins::keep(tx, id, tools, (None, None), now),
                None => Ok(false),
            }
        })
        .await
}

/// Lists the tools anew whenever the server says that they changed, until `ends`. (Boxed: listing
/// makes what is followed.)
pub(crate) fn follow_tools(
    engine: Engine,
    id: IntegrationId,
    changed: std::sync::Arc<tokio::sync::Notify>,
    ends: tokio_util::sync::CancellationToken,
) -> futures::future::BoxFuture<'static, ()> {
    Box::pin(async move {
        let mut pause = Duration::ZERO;
        loop {
            let quiet_since = Instant::now();
            if ends.run_until_cancelled(changed.notified()).await.is_none() {
                return;
            }
            let quiet = quiet_since.elapsed();
            let is_on = engine
                .store()
                .read(move |conn| Ok(Integration::get(conn, id)?.row.enabled));
            match is_on.await {
                Ok(true) => {
                    let listed = list(&engine, id, &Because::Health).await;
                    if let Err(error) = &listed {
                        tracing::info!(integration = %id, %error, "the changed tools could not be listed");
                    }
                    pause = paused(pause, quiet, listed.unwrap_or_default());
                }
                // Listed once it is switched on.
                Ok(false) => {
                    changed.notify_one();
                    pause = OFF_PAUSE;
                }
                Err(error) => {
                    tracing::info!(integration = %id, %error, "whether it is switched on could not be read");
                }
            }
            let slept = tokio::time::sleep(pause);
            if ends.run_until_cancelled(slept).await.is_none() {
                return;
            }
        }
    })
}

/// The pause after the one of before and what was `quiet` behind it. A server that says without end that its tools
/// changed is followed at a walk.
fn paused(pause: Duration, quiet: Duration, are_others: bool) -> Duration {
    if are_others || quiet > pause {
        FOLLOW_PAUSE
    } else {
        (pause * 2).min(FOLLOW_PAUSE_MAX)
    }
}

pub(crate) fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
/// Tests every integration that is switched on, a few at a time; cards and record show what came back.
pub(crate) async fn test_all(engine: &Engine) -> Result<(), Error> {
    const AT_ONCE: usize = 8;
    let because = engine.admin().await;
    let mut tests = tokio::task::JoinSet::new();
    for card in crate::integrations::cards(engine).await? {
        if !card.enabled {
            continue;
        }
        if tests.len() >= AT_ONCE {
            tests.join_next().await;
        }
        let (engine, because) = (engine.clone(), because.clone());
        tests.spawn(async move {
            let _ = ping(&engine, card.id, &because).await;
        });
    }
    tests.join_all().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_cries_wolf_is_listed_a_dozen_times_an_hour_and_a_true_change_at_once() {
        let (mut pause, mut at, mut listings) = (FOLLOW_PAUSE, Duration::ZERO, 0);
        while at < Duration::from_secs(3_600) {
            (at, listings) = (at + pause, listings + 1);
            pause = paused(pause, Duration::ZERO, false);
        }
        assert!(listings <= 14, "{listings}");
        assert_eq!(paused(pause, Duration::ZERO, false), FOLLOW_PAUSE_MAX);
        assert_eq!(paused(pause, Duration::ZERO, true), FOLLOW_PAUSE);
        let quiet = FOLLOW_PAUSE_MAX + FOLLOW_PAUSE;
        assert_eq!(paused(pause, quiet, false), FOLLOW_PAUSE, "it was quiet");
    }
}
