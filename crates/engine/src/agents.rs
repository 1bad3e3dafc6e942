//! Agents: programs that call through the gateway, each with its own token and what it may use.
//!
//! Owns: pairing, revoking, who a token is, which tools an agent has, and the refusal of what it may
//! not do. Must not know: how an agent's protocol looks, or what a tool is called on its wire (the
//! gateway does).

mod bridge;
pub(crate) mod clients;
pub(crate) mod ends;
mod grant;
pub mod knocks;
mod pairing;
pub(crate) mod port;
mod snippets;
mod tokens;
mod watch;

pub(crate) use grant::change;
pub(crate) use pairing::{pair, renew};
pub use watch::Watch;

use crate::{
    Engine,
    calls::{
        self, Wanted,
        policy::{self, By},
    },
    connectors::Caller,
    integrations,
    integrations::Integration,
    secret::fingerprint,
    settings,
    store::{
        self, Durability, Kept,
        tools::{Named, ToolRow},
    },
    tasks,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};
use tokens::{Tokens, Whose};
use wire::{
    AgentId, AgentView, AgentsView, Because, Choice, Error, ErrorCode, GatewayView, IntegrationId,
    Status, Time, Topic,
};

/// What the gateway told of itself, and whose tokens are known.
#[derive(Default)]
pub(crate) struct Door {
    state: Mutex<Option<GatewayView>>,
    known: tokens::Known,
    /// The port that the admin has set.
    port: tokio::sync::watch::Sender<Option<u16>>,
}

impl Door {
    /// Tokens were made, or changed, or are no longer anybody's.
    pub(crate) fn forget(&self) {
        self.known.forget();
    }
}

/// One tool that an agent may see, with what it belongs to.
#[derive(Clone, Debug)]
pub struct Offered {
    pub integration: IntegrationId,
    /// The integration's slug: `stripe`, `google-2`.
    pub slug: String,
    /// The integration's name.
    pub name: String,
    /// The tool's own name.
    pub tool: String,
    /// False: the integration is failing or switched off, the tool is held back or denied, or the agent
    /// may only read and no call of this does. Such a tool is not listed; a call of it is refused by name.
    pub listed: bool,
}

/// The tools of what an agent may use.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Those that are not listed among them.
    pub tools: Vec<Offered>,
    /// They are of all integrations, and more than the admin's setting are listed: two tools stand for all.
    pub are_many: bool,
}

/// Where a call comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What the agent told.
    pub because: Because,
    /// The session that it belongs to, where the agent's era knows such.
    pub session: Option<Arc<str>>,
}

/// Single tools that agents have lately called, as they were looked up.
#[derive(Default)]
pub(crate) struct Offers {
    named: Kept<(AgentId, String, String), Vec<Offered>>,
    /// By what the gateway calls them, in the list of one integration alone or of all.
    renamed: Kept<(AgentId, String, String, bool), Option<Offered>>,
}

/// Which tools are looked up.
#[derive(Clone, Debug)]
pub enum Which {
    All,
    /// One integration's.
    Of {
        slug: String,
    },
    /// One tool, by its own name: see [`tool`].
    One {
        slug: String,
        tool: String,
    },
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// The gateway tells where it is, for the page of agents.
    pub fn gateway_is(&self, state: GatewayView) {
        *lock(&self.door().state) = Some(state);
        self.tell(&wire::Changed {
            topics: vec![Topic::Agents, Topic::App],
        });
    }

    pub(crate) fn gateway(&self) -> GatewayView {
        lock(&self.door().state)
            .clone()
            .unwrap_or(GatewayView::Closed)
    }
}

/// The agents, newest first, and the door.
pub(crate) async fn list(engine: &Engine) -> Result<AgentsView, Error> {
    let read = |conn: &rusqlite::Connection| {
        Ok((store::agents::list(conn)?, store::agents::all_chosen(conn)?))
    };
    let (agents, chosen) = engine.store().read(read).await?;
    Ok(AgentsView {
        gateway: engine.gateway(),
        agents,
        chosen,
    })
}

/// From now on its token is refused; what runs or waits for it ends.
pub(crate) async fn revoke(engine: &Engine, id: AgentId) -> Result<(), Error> {
    let (now, because, person) = (engine.now(), engine.admin().await, engine.person().await);
    let all = engine.clone();
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let Some(name) = store::agents::remove(tx, id, now)? else {
                return Ok(());
            };
            store::policies::forget_agent(tx, id)?;
            store::crons::delete_of(tx, id, now)?;
            ends::over(tx, id, now)?;
            tasks::stop_all_of(tx, &all, id, (&person, now))?;
            let what = format!("the agent {name} was removed: its token is refused from now on");
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    engine.door().forget();
    // After the commit: a call that begins now finds it gone.
    engine.running().stop_of(id);
    Ok(())
}

/// Whose token this is, while it holds. Where it is nobody's, or no longer anybody's, a row says that
/// somebody knocked.
///
/// # Errors
/// `AgentsWait` where it is one's, but the data came back from a backup. `StoreFailed`; `StoreUnwritable` where
/// the row cannot be written.
pub async fn authenticate(
    engine: &Engine,
    token: Option<&str>,
) -> Result<Option<AgentView>, Error> {
    let Some(token) = token else {
        knocks::stranger(engine).await?;
        return Ok(None);
    };
    let hash = fingerprint(token);
    let known = &engine.door().known;
    let whose = match known.whose(&hash) {
        Ok(whose) => whose,
        Err(changes) => {
            let tokens = engine.store().read(Tokens::read).await?;
            let whose = tokens.whose(&hash);
            known.remember(tokens, changes);
            whose
        }
    };
    match whose {
        Whose::Agents(agent) if engine.waits().are_on() => {
            let why = "the data came back from a backup, and no admin has gone on with it yet";
            knocks::of_agent(engine, &agent.name, why).await?;
            return Err(Error::new(ErrorCode::AgentsWait));
        }
        Whose::Agents(agent) if agent.expires_at.is_none_or(|end| engine.now() < end) => {
            return Ok(Some(agent));
        }
        Whose::Agents(agent) => {
            knocks::of_agent(engine, &agent.name, "its token has ended").await?;
        }
        Whose::Removed(name) => {
            knocks::of_agent(engine, &name, "it was removed, or has a new token").await?
        }
        Whose::Nobodys => knocks::stranger(engine).await?,
    }
    Ok(None)
}

/// Tools of what this agent may use, by the integrations' slugs and in the servers' order.
///
/// # Errors
/// `StoreFailed`.
pub async fn tools(engine: &Engine, agent: &AgentView, which: Which) -> Result<Listing, Error> {
    let (now, agent) = (engine.now(), agent.id);
    engine
        .store()
        .read(move |conn| listing(conn, agent, &which, now))
        .await
}

/// One tool of what this agent may use, by its own name. Looked up anew only where something has changed:
/// whether it is listed, which time alone may change, is of then.
///
/// # Errors
/// `StoreFailed`.
pub fn tool(
    engine: &Engine,
    agent: &AgentView,
    (slug, tool): (&str, &str),
) -> Result<Option<Offered>, Error> {
    let (now, key) = (engine.now(), (agent.id, slug.to_owned(), tool.to_owned()));
    let found = engine.0.offers.named.get(engine.store(), key, |conn, _| {
        let (slug, tool) = (slug.to_owned(), tool.to_owned());
        offered(conn, agent.id, &Which::One { slug, tool }, now)
    })?;
    Ok(found.first().cloned())
}

/// One tool of an integration that the gateway calls something else: the one that `is` knows by `name`, which
/// stands in the list of that integration `alone` or of all. Looked for as [`tool`] is.
///
/// # Errors
/// `StoreFailed`.
pub fn renamed(
    engine: &Engine,
    agent: &AgentView,
    (slug, name, alone): (&str, &str, bool),
    is: impl Fn(&Offered) -> bool,
) -> Result<Option<Offered>, Error> {
    let (now, slug) = (engine.now(), slug.to_owned());
    let key = (agent.id, slug.clone(), name.to_owned(), alone);
    let found = engine
        .0
        .offers
        .renamed
        .get(engine.store(), key, |conn, _| {
            let all = offered(conn, agent.id, &Which::Of { slug }, now)?;
            Ok(all.into_iter().find(is))
        })?;
    Ok(found.as_ref().clone())
}

fn listing(
    conn: &rusqlite::Connection,
    agent: AgentId,
    which: &Which,
    now: Time,
) -> Result<Listing, Error> {
    let tools = offered(conn, agent, which, now)?;
    let listed = tools.iter().filter(|tool| tool.listed).count();
    let are_many = match which {
        Which::All => listed > settings::read(conn)?.tools_listed as usize,
        Which::Of { .. } | Which::One { .. } => false,
    };
    Ok(Listing { tools, are_many })
}

fn offered(
    conn: &rusqlite::Connection,
    agent: AgentId,
    which: &Which,
    now: Time,
) -> Result<Vec<Offered>, Error> {
    let (mut all, names) = match which {
        Which::All => (Integration::all(conn)?, store::tools::names(conn)?),
        Which::Of { slug } => by_slug(conn, slug)?.map_or_else(
            || Ok((vec![], vec![])),
            |one| store::tools::names_of(conn, one.id).map(|names| (vec![one], names)),
        )?,
        Which::One { slug, tool } => by_slug(conn, slug)?.map_or_else(
            || Ok((vec![], vec![])),
            |one| store::tools::name(conn, one.id, tool).map(|name| (vec![one], name)),
        )?,
    };
    let mut of: BTreeMap<IntegrationId, Vec<Named>> = BTreeMap::new();
    for tool in names {
        of.entry(tool.integration).or_default().push(tool);
    }
    // As it stands in the store: what is read here is kept until that changes.
    let Some(agent) = store::agents::find(conn, agent)? else {
        return Ok(vec![]);
    };
    let mut chosen = store::policies::all_for(conn, agent.id)?;
    let allowed = agent.integrations.as_ref();
    all.retain(|each| allowed.is_none_or(|ids| ids.contains(&each.id)));
    all.sort_by(|a, b| a.row.slug.cmp(&b.row.slug));
    let mut offered = Vec::new();
    for each in all {
        let works = each.row.enabled && each.state.shown(now).status() != Status::Failing;
        let only = store::agents::chosen_of(conn, agent.id, each.id)?;
        let has = |tool: &Named| only.as_ref().is_none_or(|only| only.contains(&tool.name));
        for tool in of.remove(&each.id).into_iter().flatten().filter(has) {
            let rules = chosen.remove(&(each.id, tool.name.clone()));
            let choice = policy::decide(tool.risk, rules.unwrap_or_default());
            let may = !tool.held
                && choice != Choice::Deny
                && (!agent.read_only || policy::may_read(&each.config, tool.risk));
            offered.push(Offered {
                integration: each.id,
                slug: each.row.slug.clone(),
                name: each.row.name.clone(),
                listed: works && may,
                tool: tool.name,
            });
        }
    }
    Ok(offered)
}

fn by_slug(conn: &rusqlite::Connection, slug: &str) -> Result<Option<Integration>, Error> {
    store::integrations::id_of(conn, slug)?.map_or(Ok(None), |id| Integration::find(conn, id))
}

/// What the servers tell of these tools, in the same order. One that is gone since, or tells something that no
/// admin has accepted, is left out.
///
/// # Errors
/// `StoreFailed`.
pub async fn described(
    engine: &Engine,
    offered: Vec<Offered>,
) -> Result<Vec<(Offered, ToolRow)>, Error> {
    engine
        .store()
        .read(move |conn| {
            let mut rows: BTreeMap<(IntegrationId, String), ToolRow> = BTreeMap::new();
            let ids: BTreeSet<IntegrationId> = offered.iter().map(|one| one.integration).collect();
            for id in ids {
                let names = store::tools::names_of(conn, id)?.into_iter();
                let held: BTreeSet<String> = names
                    .filter(|tool| tool.held)
                    .map(|tool| tool.name)
                    .collect();
                for row in store::tools::list(conn, id)? {
                    if !held.contains(&row.name) {
                        rows.insert((id, row.name.clone()), row);
                    }
                }
            }
            Ok(offered
                .into_iter()
                .filter_map(|one| {
                    let row = rows.remove(&(one.integration, one.tool.clone()))?;
                    Some((one, row))
                })
                .collect())
        })
        .await
}

/// Calls one tool for an agent. `from` names the task and its thread.
///
/// # Errors
/// As [`calls::call_as`].
pub async fn call(
    engine: &Engine,
    agent: &AgentView,
    offered: &Offered,
    arguments: Value,
    from: Origin,
    caller: Caller,
) -> Result<Value, Error> {
    let task = tasks::enter(engine, agent, &from, engine.now()).await?;
    let mut because = from.because;
    if let Because::Task { task: named, .. } = &mut because {
        // Its own name says more, and finds it again another day.
        named.get_or_insert_with(|| task.to_string());
    }
    let by = By::Agent {
        id: agent.id,
        name: agent.name.clone(),
        task,
    };
    let wanted = Wanted {
        integration: offered.integration,
        tool: offered.tool.clone(),
        arguments,
        because,
    };
    calls::call_as(engine, &by, wanted, caller).await
}

/// A tool that this agent has not got: one row, and the error for it. `wanted`: as the agent wrote it.
///
/// # Errors
/// Always `ToolUnknown`; `StoreUnwritable` where the row cannot be written.
pub async fn unknown_tool(
    engine: &Engine,
    agent: &AgentView,
    wanted: &str,
    because: &Because,
) -> Result<Value, Error> {
    let wanted = crate::http::inert(wanted);
    let error = Error::new(ErrorCode::ToolUnknown)
        .with("integration", agent.name.clone())
        .with("tool", wanted.clone());
    calls::refuse(engine, None, &wanted, because, &error).await?;
    Err(error)
}
