//! An agent gets its token: when it is paired, and again in the place of the one of before.
//!
//! Owns: tokens while they are made, and for how long they hold. Must not know: whose a token is that comes in
//! (`tokens`).

use super::{bridge::Bridge, ends, grant, snippets};
use crate::{
    Engine, integrations,
    secret::{Secret, fingerprint},
    store::{self, Durability},
};
use rusqlite::Connection;
use wire::{
    AgentId, AgentView, Error, ErrorCode, GatewayView, PairAgent, Paired, RenewAgent, Time,
};

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;
/// Ten years: the longest life of a token that ends.
const DAYS_MAX: u32 = 3_650;

/// A new agent. Its token leaves here once.
pub(crate) async fn pair(engine: &Engine, ask: PairAgent) -> Result<Paired, Error> {
    let name = integrations::checked_name(&ask.name)?;
    let (url, token) = fresh(engine, ask.days)?;
    let now = engine.now();
    let agent = AgentView {
        id: AgentId(uuid::Uuid::now_v7()),
        name,
        integrations: ask.integrations,
        read_only: ask.read_only,
        paired_at: now,
        expires_at: end_of(now, ask.days),
        last_used_at: None,
        calls: 0,
    };
    let (row, because) = (agent.clone(), engine.admin().await);
    let hash = fingerprint(token.reveal());
    engine
        .store()
        .write(Durability::Full, move |tx| {
            is_free(tx, &row, now)?;
            store::agents::add(tx, &row, &hash)?;
            let names = grant::keep(tx, &row, &ask.tools)?;
            let what = format!("the agent {} was paired: {names}", row.name);
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    Ok(paired(engine, agent, &url, &token))
}

/// A new token for one that is there, also where its time is over. Calls under way go on; whoever comes with
/// the one of before is refused.
pub(crate) async fn renew(engine: &Engine, ask: RenewAgent) -> Result<Paired, Error> {
    let (url, token) = fresh(engine, ask.days)?;
    let (now, because) = (engine.now(), engine.admin().await);
    let hash = fingerprint(token.reveal());
    let agent = engine
        .store()
        .write(Durability::Full, move |tx| {
            let mut agent = grant::paired(tx, ask.id)?;
            is_free(tx, &agent, now)?;
            agent.expires_at = end_of(now, ask.days);
            store::agents::renew(tx, &agent, &hash, now)?;
            ends::over(tx, agent.id, now)?;
            let name = &agent.name;
            let what = format!("the agent {name} got a new token: the one of before is refused");
            integrations::note(tx, now, None, &what, &because)?;
            Ok(agent)
        })
        .await?;
    Ok(paired(engine, agent, &url, &token))
}

/// The gateway's address, and a token for it that is nobody's yet.
fn fresh(engine: &Engine, days: Option<u32>) -> Result<(String, Secret), Error> {
    if let Some(days) = days.filter(|days| !(1..=DAYS_MAX).contains(days)) {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Ends after")
            .with("why", format!("{days} days: 1 to {DAYS_MAX} are possible")));
    }
    // While another program has the port, an agent would hand its token to that program.
    let GatewayView::Open { url } = engine.gateway() else {
        return Err(Error::new(ErrorCode::GatewayClosed));
    };
    Ok((url, Secret::fresh("chief_")))
}

fn end_of(now: Time, days: Option<u32>) -> Option<Time> {
    days.map(|days| now.plus(i64::from(days) * DAY_MS))
}

fn paired(engine: &Engine, agent: AgentView, url: &str, token: &Secret) -> Paired {
    // Before its token is told to anybody.
    engine.door().forget();
    let folder = &engine.options().folder;
    let bridge = Bridge::beside_this_app(folder).unwrap_or_else(|| Bridge::by_name(folder));
    Paired {
        snippets: snippets::all(url, token.reveal(), &bridge),
        agent,
        token: token.reveal().to_owned(),
        url: url.to_owned(),
    }
}

/// By their names agents are told apart, where a call waits or a policy is chosen.
fn is_free(conn: &Connection, new: &AgentView, now: Time) -> Result<(), Error> {
    let same = |agent: &AgentView| {
        agent.id != new.id
            && agent.name.to_lowercase() == new.name.to_lowercase()
            && agent.expires_at.is_none_or(|end| now < end)
    };
    if store::agents::list(conn)?.iter().any(same) {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Name")
            .with(
                "why",
                "an agent of this name is paired: give this one another name, or remove that one first",
            ));
    }
    Ok(())
}
