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
use wire::{
    Because, Error, ErrorCode, IntegrationId, Outcome, PingId, RowKind, TestReport, ToolView, Topic,
};

/// Between two listings that a server asked for by saying that its tools changed.
const FOLLOW_PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

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

async fn list(engine: &Engine, id: IntegrationId, because: &Because) -> Result<(), Error> {
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
            if Integration::find(tx, id)?.is_some() {
                pins::keep(tx, id, tools, (None, None), now)?;
            }
            Ok(())
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
        while ends.run_until_cancelled(changed.notified()).await.is_some() {
            if let Err(error) = list(&engine, id, &Because::Health).await {
                tracing::info!(integration = %id, %error, "the changed tools could not be listed");
            }
            // A server that says so without end is followed at a walk.
            let pause = tokio::time::sleep(FOLLOW_PAUSE);
            if ends.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    })
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
