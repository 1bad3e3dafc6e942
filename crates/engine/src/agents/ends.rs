//! The notice of an agent whose token ends soon: one, until it has a new one or is removed.
//!
//! Owns: when it is opened and when it is over. Must not know: what it says, or who hears of it (`notices`).

use crate::{
    Engine, notices,
    store::{self, Durability, Tx, notices::NoticeRow},
};
use rusqlite::Connection;
use wire::{AgentId, AgentView, Error, IntegrationId, NoticeKind, Reason, Time};

/// In the place of an integration's id.
fn about(id: AgentId) -> IntegrationId {
    IntegrationId(id.0)
}

/// Whose notice it is, where it is of an agent that is paired.
pub(crate) fn agent_of(conn: &Connection, notice: &NoticeRow) -> Result<Option<AgentView>, Error> {
    store::agents::find(conn, AgentId(notice.integration.0))
}

/// Once a day: tells of each token that ends within a week, or has ended. One that does not, since the clock was
/// wrong before, is told of no more.
pub(crate) async fn look(engine: &Engine, now: Time) -> Result<(), Error> {
    let agents = engine.store().read(store::agents::list).await?;
    if agents.iter().all(|agent| agent.expires_at.is_none()) {
        return Ok(());
    }
    engine
        .store()
        .write(Durability::Full, move |tx| {
            for agent in store::agents::list(tx)? {
                match agent.expires_at {
                    Some(at) if agent.ends_soon(now) => open(tx, &agent, at, now)?,
                    Some(_) | None => over(tx, agent.id, now)?,
                }
            }
            Ok(())
        })
        .await
}

/// Where one is open it stays as it is.
fn open(tx: &Tx<'_>, agent: &AgentView, at: Time, now: Time) -> Result<(), Error> {
    let of = (about(agent.id), agent.name.as_str());
    let notice = NoticeRow::begun(of, NoticeKind::Expiring, Reason::EndsOn { at }, now);
    notices::open_of_agent(tx, notice)
}

/// It has a new token, or is there no more.
pub(super) fn over(tx: &Tx<'_>, id: AgentId, now: Time) -> Result<(), Error> {
    store::notices::resolve(tx, (about(id), NoticeKind::Expiring), now)
}
