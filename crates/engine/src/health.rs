//! What tells how an integration is: pings, probes, and Test.
//!
//! Owns: [`ping`], [`probe`], and [`signal_of`], which reads an answer as a signal. Must not know:
//! what a signal does (`integrations::status`).

use crate::{
    Engine,
    calls::{self, Journal},
    connectors::{Pong, Tool},
    integrations::{
        self, Integration,
        status::{Elsewhere, Signal},
    },
    store::{self, Durability, pings::PingRow, tools::ToolRow},
};
use wire::{
    Because, Error, ErrorCode, IntegrationId, Outcome, PingId, RowKind, TestReport, Time, ToolView,
    Topic,
};

/// How long an answer of another origin counts as proof that the network works: ten minutes.
const LATELY_MS: i64 = 10 * 60_000;

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
    let signal = signal_of(engine, id, result.as_ref().map(|_| ()), true).await;
    // A strip tells how the integration was, not how this computer was: nothing sent, or no network,
    // is no ping. "Slow down" is an answer.
    let says_nothing = match (&result, &signal) {
        (Ok(_), _) => false,
        (Err(_), None) => true,
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
    let key = found.takes_key();
    let health = engine
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
                if let Some(signal) = signal {
                    integrations::apply(tx, id, &signal, now)?;
                }
                tx.touch(Topic::Activity);
                tx.touch(Topic::App);
                Ok(Integration::get(tx, id)?.state.view(now, key))
            },
        )
        .await?;
    Ok(TestReport {
        at: begun,
        tried,
        took_ms,
        error: result.err(),
        answer,
        health,
    })
}

/// Lists the tools and keeps them.
pub(crate) async fn probe(
    engine: &Engine,
    id: IntegrationId,
    because: &Because,
) -> Result<Vec<ToolView>, Error> {
    let found = engine
        .store()
        .read(move |conn| Integration::get(conn, id))
        .await?;
    let journal = Journal::begin(
        engine,
        RowKind::Probe,
        Some((id, found.row.name)),
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
            Some(id),
            false,
        )
        .await?;
    let (tools, now) = (result?, engine.now());
    engine
        .store()
        .write(Durability::Normal, move |tx| {
            if Integration::find(tx, id)?.is_some() {
                keep_tools(tx, id, tools, (None, None), now)?;
            }
            Ok(())
        })
        .await?;
    integrations::tools(engine, id).await
}

/// Replaces the tools of an integration, and notes the protocol and server where they are told, in
/// the commit of `tx`.
pub(crate) fn keep_tools(
    tx: &store::Tx<'_>,
    id: IntegrationId,
    tools: Vec<Tool>,
    told: (Option<&str>, Option<&str>),
    now: Time,
) -> Result<(), Error> {
    let rows: Result<Vec<ToolRow>, Error> = tools.into_iter().map(tool_row).collect();
    store::tools::replace(tx, id, &rows?)?;
    store::integrations::set_probe(tx, id, told, now)?;
    integrations::touch(tx, id);
    Ok(())
}

fn tool_row(tool: Tool) -> Result<ToolRow, Error> {
    Ok(ToolRow {
        input_schema_json: integrations::to_json(&tool.input_schema)?,
        annotations_json: integrations::to_json(&tool.annotations)?,
        name: tool.name,
        title: tool.title,
        description: tool.description,
        hash: tool.hash,
        risk: tool.risk,
    })
}

pub(crate) fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// What an answer says of the integration; `None` where it says nothing (a tool's own error is an
/// answer like another, a locked keyring is not the integration's fault).
pub(crate) async fn signal_of(
    engine: &Engine,
    id: IntegrationId,
    result: Result<(), &Error>,
    is_ping: bool,
) -> Option<Signal> {
    let error = match result {
        Ok(()) => {
            engine.answered(id);
            return Some(Signal::Answered);
        }
        Err(error) => error,
    };
    match error.code {
        ErrorCode::Rejected | ErrorCode::OauthInvalidGrant => {
            engine.answered(id);
            Some(Signal::Rejected)
        }
        ErrorCode::Forbidden if is_ping => {
            engine.answered(id);
            Some(Signal::Forbidden)
        }
        ErrorCode::RateLimited => {
            engine.answered(id);
            let seconds = error
                .args
                .get("seconds")
                .and_then(|s| s.parse::<i64>().ok())
                .unwrap_or(60);
            Some(Signal::RateLimited {
                until: engine.now().plus(seconds.clamp(1, 86_400) * 1000),
            })
        }
        // A captive portal answers 200 with a page: for a ping that is no answer at all.
        ErrorCode::Unreachable | ErrorCode::ServerError => {
            Some(Signal::Unreachable(elsewhere(engine, id, error).await))
        }
        ErrorCode::BadAnswer
        | ErrorCode::NotMcp
        | ErrorCode::RedirectRefused
        | ErrorCode::TooLarge
            if is_ping =>
        {
            Some(Signal::Unreachable(elsewhere(engine, id, error).await))
        }
        ErrorCode::OauthIssuerMismatch | ErrorCode::OauthResourceMismatch => {
            Some(Signal::IssuerChanged)
        }
        ErrorCode::CredentialRestored => Some(Signal::Restored),
        ErrorCode::CredentialUnreadable | ErrorCode::KeyringLost => Some(Signal::KeyringLost),
        _ => None,
    }
}

/// What the rest of the network says of a failure to reach `id`.
async fn elsewhere(engine: &Engine, id: IntegrationId, error: &Error) -> Elsewhere {
    let since = engine.now().plus(-LATELY_MS);
    let own = engine
        .store()
        .read(move |conn| Ok(Integration::find(conn, id)?.map(|found| origin(&found))))
        .await
        .ok()
        .flatten()
        .unwrap_or_default();
    if is_local(&own) {
        // This computer needs no network to reach itself.
        return Elsewhere::NothingToCompare;
    }
    if engine.network().is_offline() || !has_route() {
        return Elsewhere::Offline;
    }
    if engine.other_answered_since(id, since) {
        return Elsewhere::Answers;
    }
    // Nothing to compare with. A name that does not resolve, a strange certificate or a strange page
    // is what being offline, or behind a captive portal, looks like.
    let why = error.args.get("why").map_or("", String::as_str);
    let like_offline = error.code != ErrorCode::ServerError
        && (error.code != ErrorCode::Unreachable
            || why.contains("name")
            || why.contains("certificate")
            || why.contains("TLS")
            || why.contains("secure"));
    if like_offline {
        Elsewhere::Offline
    } else {
        Elsewhere::NothingToCompare
    }
}

/// The host and port an integration talks to; empty for the sample.
pub(crate) fn origin(integration: &Integration) -> String {
    if integration.kind() == wire::Kind::Sample {
        return String::new();
    }
    let address = integration.address();
    address.split('/').next().unwrap_or_default().to_owned()
}

/// Whether a host (with or without port) is this computer: the sample, `localhost`, a loopback address.
pub(crate) fn is_local(host: &str) -> bool {
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, _)| name)
        .trim_matches(['[', ']']);
    name.is_empty()
        || name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether this computer has a way out: connecting a UDP socket sends nothing, but fails without
/// a route. (203.0.113.0/24 and 2001:db8::/32 are for documentation: RFC 5737, RFC 3849.)
pub(crate) fn has_route() -> bool {
    let try_one = |from: &str, to: &str| {
        std::net::UdpSocket::bind(from)
            .and_then(|socket| socket.connect(to))
            .is_ok()
    };
    try_one("0.0.0.0:0", "203.0.113.1:9") || try_one("[::]:0", "[2001:db8::1]:9")
}
