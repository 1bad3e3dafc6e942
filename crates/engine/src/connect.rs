//! The four journeys of an integration: connect, reconnect, test (in `health`), disconnect.
//!
//! Owns: what is asked before anything is saved, and the one commit that saves it. Must not know:
//! how OAuth or a connector speaks, or how an attempt is shown (`connect::attempt` keeps those).

mod account;
mod arrived;
pub(crate) mod attempt;
mod back;
mod client;
mod credential;
mod device;
mod disconnect;
mod input;
mod leftovers;
mod names;
mod questions;
mod sign_in;
pub(crate) mod waiting;
pub mod way;

pub use arrived::Arrived;
pub(crate) use disconnect::{disconnect, preview};
pub(crate) use input::address;

use crate::{
    Engine,
    connectors::{Config, Connector, Pong, Supplies, Tool, mcp},
    documents::Inspected,
    health,
    integrations::{
        self, Integration,
        status::{End, Signal, State},
    },
    store::{self, Tx, integrations::IntegrationRow, pings::PingRow},
    tokens,
    vault::Credential,
};
use account::Account;
use attempt::{Attempt, Stopped};
use input::Plan;
use questions::{ask_about_account, ask_about_duplicates, ask_about_same_account};
use std::sync::Arc;
use wire::{
    AttemptView, Because, Confirmed, Error, ErrorCode, IntegrationId, Kind, Outcome, Phase, PingId,
    Reconnect, Target, Time,
};

/// Begins to connect. Input that cannot be used is refused at once; the rest happens in the attempt.
pub(crate) async fn start(
    engine: &Engine,
    target: &Target,
    confirmed: Confirmed,
    ends_at: Option<Time>,
) -> Result<AttemptView, Error> {
    let mut plan = input::read(engine, target)?;
    plan.ends_at = integrations::checked_end(ends_at, engine.now())?;
    engine.vault().ready_to_save().await?;
    Ok(engine.attempts().start(engine, plan, None, confirmed))
}

/// Signs in again, or takes a fresh key, for an integration that keeps its id, history and settings.
pub(crate) async fn reconnect(engine: &Engine, ask: &Reconnect) -> Result<AttemptView, Error> {
    let id = ask.id;
    let found = engine
        .store()
        .read(move |conn| Integration::get(conn, id))
        .await?;
    if let Some(tool) = &ask.tool
        && !found.state.may_ask_again(tool)
    {
        let error = Error::new(ErrorCode::AccessRefused).with("tool", crate::http::inert(tool));
        return Err(error.with("integration", found.row.name));
    }
    let mut plan = input::again(&found, ask)?;
    keep_what_is_beside(engine, id, &mut plan).await;
    plan.ends_at = integrations::checked_end(ask.ends_at, engine.now())?;
    engine.vault().ready_to_save().await?;
    Ok(engine
        .attempts()
        .start(engine, plan, Some(id), ask.confirmed))
}

/// Where the key is the user name of Basic, what stands beside it stays; where the old one does not open, nothing does.
async fn keep_what_is_beside(engine: &Engine, id: IntegrationId, plan: &mut Plan) {
    if let Some(Credential::Basic { password, .. }) = &mut plan.typed
        && password.reveal().is_empty()
        && let Ok((Credential::Basic { password: old, .. }, _)) = engine.vault().open(id).await
    {
        *password = old;
    }
}

/// The whole of an attempt, from the first look to the proof. Nothing of it is kept yet.
async fn prove(engine: &Engine, attempt: &Arc<Attempt>, mut plan: Plan) -> Result<Proof, Stopped> {
    attempt.set(engine, Phase::Checking);
    if plan.kind == Kind::Sample {
        plan.sample_url = Some(engine.sample().await?.url());
    }
    if let Some(url) = plan.url.clone() {
        attempt
            .reach_or_ask(engine, &url, &mut plan.private_hosts)
            .await?;
    }
    if attempt.integration.is_none() {
        ask_about_duplicates(engine, attempt, &plan).await?;
    }
    let credential = credential::obtain(engine, attempt, &mut plan).await?;
    prove_credential(engine, attempt, plan, credential).await
}

/// From the credential to the proof: who it is, what it can do, and whether it is connected already.
async fn prove_credential(
    engine: &Engine,
    attempt: &Arc<Attempt>,
    plan: Plan,
    credential: Credential,
) -> Result<Proof, Stopped> {
    let identity = plan.way.as_deref().and_then(way::Way::identity).cloned();
    attempt.set(engine, Phase::Proving);
    let config = plan.config(&credential);
    let supplies = Supplies {
        sample: plan.sample_url.clone(),
        operations: match (&plan.document, attempt.integration) {
            (Some(document), _) => Some(document.operations.clone()),
            (None, Some(id)) => engine.operations(id, &config).await?,
            (None, None) => None,
        },
        repeats_arguments: false,
    };
    let connector = Connector::new(&config, engine.http(), supplies)?;
    if let (Kind::Sample, Credential::Bearer { token }) = (plan.kind, &credential) {
        engine.sample().await?.allow_token(token);
    }
    let proved = async {
        let pong = connector.ping(&credential).await?;
        let tools = connector.list_tools(&credential).await?;
        Ok::<_, Error>((pong, tools))
    };
    let (pong, tools) = attempt.or_stopped(proved).await?;
    connector.drop_session().await;
    let work = prove_by_more(engine, config, &credential, pong);
    let (config, pong) = attempt.or_stopped(work).await?;
    let name = plan
        .name
        .clone()
        .or_else(|| pong.server_name())
        .unwrap_or_else(|| attempt.host.clone());
    let name: String = crate::http::inert(name.trim())
        .chars()
        .take(integrations::NAME_MAX)
        .collect();
    attempt.rename(&name);
    let account = match &identity {
        None => account::told_by(&credential),
        Some(identity) => {
            let reach = config.reach();
            let work = account::ask(engine, &reach, identity, &credential);
            Some(attempt.or_stopped(work).await?)
        }
    };
    let proof = Proof {
        document: plan.document.clone(),
        config,
        credential,
        pong,
        tools,
        name,
        provider: plan.provider.clone(),
        account,
        ends_at: plan.ends_at,
    };
    match attempt.integration {
        Some(id) => ask_about_account(engine, attempt, id, proof.account.as_ref()).await?,
        None if identity.is_some() => {
            ask_about_same_account(engine, attempt, &plan.address(), proof.account.as_ref())
                .await?;
        }
        None => {}
    }
    Ok(proof)
}

/// An MCP server that lets anybody ping has proved nothing yet: where it looks at the credential of a
/// call, each ping of it is asked more from here on.
async fn prove_by_more(
    engine: &Engine,
    mut config: Config,
    credential: &Credential,
    pong: Pong,
) -> Result<(Config, Pong), Error> {
    let reach = config.reach();
    let Config::Mcp { url, guard, .. } = &mut config else {
        return Ok((config, pong));
    };
    let known = url::Url::parse(url).ok();
    let Some(url) = known.filter(|_| !matches!(credential, Credential::None)) else {
        return Ok((config, pong));
    };
    *guard = mcp::guard(engine.http(), &reach, &url).await;
    if *guard != mcp::Guard::Calls {
        return Ok((config, pong));
    }
    let connector = Connector::new(&config, engine.http(), Supplies::default())?;
    let pong = connector.ping(credential).await?;
    connector.drop_session().await;
    Ok((config, pong))
}

/// The one commit of an attempt.
async fn keep(engine: &Engine, attempt: &Attempt, proof: Proof) -> Result<(), Error> {
    let count = health::count(&proof.tools);
    let id = match attempt.integration {
        None => {
            let (id, name) = save_new(engine, proof).await?;
            attempt.rename(&name);
            id
        }
        Some(id) => {
            let replaced = replaced(engine, id, &proof).await;
            let reach = proof.config.reach();
            save_again(engine, id, proof).await?;
            if let Some(old) = replaced {
                disconnect::end_replaced(engine, id, reach, old).await;
            }
            id
        }
    };
    attempt.set(
        engine,
        Phase::Done {
            integration: id,
            tools: count,
        },
    );
    Ok(())
}

/// The sign-in that `proof` takes the place of, where it is another client's and so another grant: to
/// end that one cannot end the new one, even where a provider ends a client's whole grant at once.
async fn replaced(
    engine: &Engine,
    id: IntegrationId,
    proof: &Proof,
) -> Option<Box<crate::vault::OAuthCredential>> {
    let Credential::OAuth(new) = &proof.credential else {
        return None;
    };
    match engine.vault().open(id).await {
        Ok((Credential::OAuth(old), _)) if old.client_id != new.client_id => Some(old),
        Ok(_) => None,
        Err(error) => {
            // That is what is being mended, as a rule.
            tracing::info!(integration = %id, error = %error, "the replaced sign-in cannot be opened");
            None
        }
    }
}

/// What the proof brought besides the credential, in the commit of `tx`: the tools, and the request
/// itself as the first ping.
fn keep_what_came(
    tx: &Tx<'_>,
    (id, name): (IntegrationId, &str),
    (pong, tools): (Pong, Vec<Tool>),
    now: Time,
) -> Result<(), Error> {
    let told = (pong.protocol.as_deref(), pong.server.as_deref());
    integrations::pins::keep(tx, id, tools, told, now)?;
    store::pings::add(
        tx,
        &PingRow {
            id: PingId(uuid::Uuid::now_v7()),
            at: now,
            integration: Some(id),
            integration_name: name.to_owned(),
            outcome: Outcome::Ok,
            took_ms: Some(pong.took_ms),
            error: None,
            detail: pong.answer,
            because: Because::Connecting,
        },
    )
}

/// What one authenticated request has proved.
struct Proof {
    config: Config,
    credential: Credential,
    pong: Pong,
    tools: Vec<Tool>,
    name: String,
    provider: Option<String>,
    account: Option<Account>,
    /// The OpenAPI document that its tools are from, where it is a new one.
    document: Option<Arc<Inspected>>,
    /// When the key ends, as typed.
    ends_at: Option<Time>,
}

impl Proof {
    /// When the credential ends: as its own answer tells, else as the admin typed.
    fn end(&self, now: Time) -> Option<End> {
        let told = self.pong.ends_at.or(self.ends_at);
        tokens::end(&self.credential).or_else(|| {
            told.filter(|_| self.credential.is_key())
                .map(|at| End::fixed(now, at))
        })
    }
}

fn halves(account: Option<Account>) -> (Option<String>, Option<String>) {
    account.map(|known| (known.id, known.label)).unzip()
}

/// Its id, and the name that tells it apart.
async fn save_new(engine: &Engine, proof: Proof) -> Result<(IntegrationId, String), Error> {
    let id = IntegrationId(uuid::Uuid::now_v7());
    let (now, person) = (engine.now(), engine.person().await);
    let because = Because::Admin {
        name: person.clone(),
    };
    let config = integrations::to_json(&proof.config)?;
    let state = integrations::to_json(&State::connected(now, proof.end(now)))?;
    let kind = integrations::kind(&proof.config);
    let Proof {
        credential,
        pong,
        tools,
        name,
        provider,
        account,
        document,
        ..
    } = proof;
    let (account_id, account_label) = halves(account);
    let (_, name) = engine
        .vault()
        .save(id, credential, None, move |tx| {
            let taken = |slug: &str| store::integrations::slug_taken(tx, slug, now);
            let slug = integrations::slug(&name, taken)?;
            let all = store::integrations::list(tx)?;
            let name = names::told_apart(&name, account_label.as_deref(), |name| {
                all.iter().any(|other| other.name == name)
            });
            store::integrations::add(
                tx,
                &IntegrationRow {
                    id,
                    slug,
                    name: name.clone(),
                    kind,
                    config_json: config,
                    account_id,
                    account_label,
                    connected_by: person,
                    connected_at: now,
                    enabled: true,
                    state_json: state,
                    protocol: None,
                    server: None,
                    probed_at: None,
                    last_used: None,
                    provider,
                },
            )?;
            if let Some(document) = document {
                store::documents::put(tx, id, &document.about(now), &document.operations)?;
            }
            keep_what_came(tx, (id, &name), (pong, tools), now)?;
            integrations::note(tx, now, Some((id, &name)), "connected", &because)?;
            Ok(name)
        })
        .await?;
    Ok((id, name))
}

async fn save_again(
    engine: &Engine,
    id: IntegrationId,
    proof: Proof,
) -> Result<IntegrationId, Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    let end = proof.end(now);
    let Proof {
        config,
        credential,
        pong,
        tools,
        account,
        ..
    } = proof;
    let (account_id, account_label) = halves(account);
    // A Disconnect holds it from its look at what is to be revoked until that is gone.
    let live = engine.live(id).await?;
    let refreshing = live.refreshing.lock().await;
    engine
        .vault()
        .save(id, credential, None, move |tx| {
            // Disconnected while the browser was open: nothing comes back to life.
            let found = Integration::get(tx, id)?;
            let (config, tools) = as_imported(tx, &found, config, tools)?;
            let config = integrations::to_json(&config)?;
            store::integrations::save(
                tx,
                &IntegrationRow {
                    config_json: config,
                    account_id,
                    account_label,
                    ..found.row.clone()
                },
            )?;
            keep_what_came(tx, (id, &found.row.name), (pong, tools), now)?;
            // A reconnect asks nothing of the monitor: it has just been proved.
            let _ = integrations::apply(tx, id, &Signal::Connected { end }, now)?;
            integrations::note(
                tx,
                now,
                Some((id, &found.row.name)),
                "reconnected",
                &because,
            )
        })
        .await?;
    drop(refreshing);
    engine.forget_live(id).await;
    Ok(id)
}

/// A document that was imported while the browser was open stands, and so do its tools.
fn as_imported(
    tx: &Tx<'_>,
    found: &Integration,
    mut config: Config,
    tools: Vec<Tool>,
) -> Result<(Config, Vec<Tool>), Error> {
    let is_described = matches!(
        found.config,
        Config::Api {
            described: true,
            ..
        }
    );
    let Config::Api { described, .. } = &mut config else {
        return Ok((config, tools));
    };
    if !is_described {
        return Ok((config, tools));
    }
    *described = true;
    let operations = store::documents::operations(tx, found.row.id)?;
    let tools = operations.into_iter().map(|each| each.tool).collect();
    Ok((config, tools))
}
