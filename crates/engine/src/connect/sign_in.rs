//! A sign-in, from finding the authorization server to the tokens: for an MCP server, which says itself
//! where that is, and by a way that was written down.
//!
//! Must not know: how a browser's answer comes back (`connect::back`), or who we are at a server
//! (`connect::client`).

use super::attempt::{Attempt, Stopped};
use super::back::Door;
use super::client;
use super::device;
use super::input::Plan;
use super::leftovers::Leftovers;
use super::waiting;
use crate::{
    Engine,
    connect::way::{Grant, OAuthWay, Server, Way, WayBack},
    http::Reach,
    oauth::{self, Callback, Client, Discovered, Flow, Manner},
    vault::{ClientAuth, Credential},
};
use url::Url;
use wire::{Error, ErrorCode, Phase, Question};

/// What is asked for at one authorization server, and how.
pub(super) struct Asking {
    pub found: Discovered,
    pub manner: Manner,
    pub back: WayBack,
    /// How app credentials are shown there.
    pub client_auth: Option<ClientAuth>,
    /// The client that the way itself brings.
    pub client_id: Option<String>,
}

/// For an MCP server that asked for a sign-in by `challenge`.
pub(super) async fn at_mcp_server(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
    challenge: Option<&str>,
) -> Result<Credential, Stopped> {
    let url = plan.url.clone();
    let found = loop {
        let (reach, url) = (plan.reach(), url.clone());
        let work = async {
            let url = url.ok_or_else(|| bug("an MCP server without an address"))?;
            oauth::discover(engine.http(), &reach, &url, challenge).await
        };
        if let Some(found) = or_ask(engine, attempt, plan, work).await? {
            break found;
        }
    };
    if let Some(before) = plan.issuer.clone().filter(|before| *before != found.issuer) {
        // Nothing of the old one goes to the new one: another client, another sign-in, and none of the
        // scopes that only the old one knows.
        let now = found.issuer.clone();
        attempt
            .ask(engine, Question::OtherIssuer { before, now }, |confirmed| {
                confirmed.other_issuer
            })
            .await?;
        plan.scopes.clear();
        plan.granted.clear();
        plan.all_offered = false;
    }
    let mut found = found;
    if plan.all_offered {
        also(&mut found.scopes, &std::mem::take(&mut found.offered));
    }
    let mut asking = Asking {
        found,
        manner: Manner::default(),
        back: WayBack::Loopback,
        client_auth: None,
        client_id: None,
    };
    if let Some(Way::Mcp(way)) = plan.way.as_deref() {
        asking.back = way.back.clone();
        asking.client_auth = way.client_auth;
        also(&mut asking.found.scopes, &way.scopes);
    }
    in_browser(engine, attempt, plan, asking).await
}

/// By a way that a manifest or the admin has written down.
pub(super) async fn by_way(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
    way: &OAuthWay,
) -> Result<Credential, Stopped> {
    let manner = Manner::of(way);
    let mut found = match &way.server {
        Server::Endpoints(known) => Discovered {
            issuer: known.issuer(),
            authorization_endpoint: known.authorization.clone(),
            token_endpoint: known.token.clone(),
            registration_endpoint: None,
            revocation_endpoint: known.revocation.clone(),
            device_authorization_endpoint: known.device_authorization.clone(),
            resource: None,
            scopes: vec![],
            offered: vec![],
            iss_in_response: false,
            auth_methods: vec![],
            takes_client_documents: false,
        },
        Server::Issuer { issuer } => loop {
            let reach = plan.reach();
            let work = oauth::discover_issuer(engine.http(), &reach, issuer, manner.pkce);
            if let Some(found) = or_ask(engine, attempt, plan, work).await? {
                break found;
            }
        },
    };
    also(&mut found.scopes, &way.scopes);
    let mut asking = Asking {
        found,
        manner,
        back: WayBack::Loopback,
        client_auth: Some(way.client_auth),
        client_id: way.client_id.clone(),
    };
    match &way.grant {
        Grant::Code { back, .. } => {
            asking.back = back.clone();
            in_browser(engine, attempt, plan, asking).await
        }
        Grant::Device => {
            reach_all(engine, attempt, plan, &asking.found).await?;
            also(&mut asking.found.scopes, &plan.scopes);
            let reach = plan.reach();
            // Nothing comes back by a redirect, so none is registered but the usual one.
            let redirect = "http://127.0.0.1/callback";
            let client = client::identify(engine, attempt, plan, (&asking, redirect)).await?;
            attempt.leaves(Leftovers::of_client(&client, &reach));
            let asked = (&asking.found, &client, &asking.manner);
            device::by_code(engine, attempt, &reach, asked).await
        }
    }
}

async fn in_browser(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
    mut asking: Asking,
) -> Result<Credential, Stopped> {
    reach_all(engine, attempt, plan, &asking.found).await?;
    for scopes in fewer_and_fewer(&asking.found.scopes, plan) {
        let own = std::mem::replace(&mut asking.found.scopes, scopes);
        match once(engine, attempt, plan, &asking).await {
            Err(Stopped::Failed(error)) if is_of_scopes(&error) => {
                tracing::info!(error = %error, "asked for fewer scopes");
                attempt.clear_leftovers(engine).await;
            }
            other => return other,
        }
        asking.found.scopes = own;
    }
    once(engine, attempt, plan, &asking).await
}

/// What to ask for beyond what the server asks for itself, the most first: all that was ever asked for, then
/// what was granted. A server may refuse a sign-in for one scope that it does not know, or no longer.
fn fewer_and_fewer(own: &[String], plan: &Plan) -> Vec<Vec<String>> {
    let mut sets: Vec<Vec<String>> = vec![];
    for more in [&plan.scopes, &plan.granted] {
        let mut set = own.to_vec();
        also(&mut set, more);
        let before = sets.last().map(Vec::len);
        if set.len() > own.len() && before != Some(set.len()) {
            sets.push(set);
        }
    }
    sets
}

/// Refused for a scope (RFC 6749 section 4.1.2.1), or at the registration, which names them, too.
fn is_of_scopes(error: &Error) -> bool {
    let why = error.args.get("why").map_or("", String::as_str);
    match error.code {
        ErrorCode::OauthDenied => why.split(':').next() == Some("invalid_scope"),
        ErrorCode::OauthRegistrationRefused => true,
        _ => false,
    }
}

/// One sign-in with the scopes of `asking`, with which a client is registered, too: a strict server refuses
/// what it is not registered for.
async fn once(
    engine: &Engine,
    attempt: &Attempt,
    plan: &Plan,
    asking: &Asking,
) -> Result<Credential, Stopped> {
    let mut door = Door::open(engine, &asking.back).await?;
    let redirect = door.redirect_uri();
    let client = client::identify(engine, attempt, plan, (asking, &redirect)).await?;
    let found = asking.found.clone();
    let flow = oauth::authorize_as(&found, &client, (&redirect, &found.scopes), &asking.manner)?;
    let asked = Asked {
        flow,
        client,
        found,
    };
    attempt.leaves(asked.leftovers(plan));

    let page = &asked.flow.authorization_url;
    let host = page.host_str().unwrap_or_default().to_owned();
    attempt.set(engine, Phase::WaitingForBrowser { host });
    if door.is_by_link() {
        waiting::keep(engine, attempt, plan, &asked).await;
    }
    let callback = door.answer(attempt, &asked.flow).await?;
    // Whatever it says: there is no second one.
    waiting::drop_kept(engine, attempt).await?;
    redeem(engine, attempt, plan, (asked, &callback)).await
}

/// One authorization request, and what its answer is checked and used with.
pub(super) struct Asked {
    pub flow: Flow,
    pub client: Client,
    pub found: Discovered,
}

impl Asked {
    /// What the server knows of it so far.
    pub fn leftovers(&self, plan: &Plan) -> Leftovers {
        Leftovers::of_client(&self.client, &plan.reach())
    }
}

/// From the answer to the tokens.
pub(super) async fn redeem(
    engine: &Engine,
    attempt: &Attempt,
    plan: &Plan,
    (asked, callback): (Asked, &Callback),
) -> Result<Credential, Stopped> {
    attempt.set(engine, Phase::Exchanging);
    let Asked {
        flow,
        client,
        found,
    } = asked;
    let code = flow.check(callback)?;
    let reach = plan.reach();
    let credential = attempt
        .or_stopped(oauth::exchange(
            engine.http(),
            &reach,
            flow,
            code,
            &client,
            &found,
            engine.now(),
        ))
        .await
        .map_err(|Stopped::Failed(error)| told_where(attempt, plan, error))?;
    attempt.leaves(Leftovers::of_tokens(&credential, &reach));
    Ok(Credential::OAuth(Box::new(credential)))
}

/// A refused client is mended where it was entered: in the app credentials of its provider, or, typed for
/// this integration alone, where it signs in again.
fn told_where(attempt: &Attempt, plan: &Plan, error: Error) -> Error {
    let typed = matches!(plan.way.as_deref(), Some(Way::OAuth(way)) if way.client_id.is_some());
    match (error.code, &plan.provider) {
        (ErrorCode::OauthClientRefused, Some(provider)) => error.with("provider", provider.clone()),
        (ErrorCode::OauthClientRefused, None) if typed && attempt.integration.is_some() => Error {
            code: ErrorCode::OwnClientRefused,
            ..error
        },
        _ => error,
    }
}

/// Every endpoint that will be called, private ones asked about by name.
async fn reach_all(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
    found: &Discovered,
) -> Result<(), Stopped> {
    for endpoint in [
        found.authorization_endpoint.as_ref(),
        Some(&found.token_endpoint),
        found.registration_endpoint.as_ref(),
        found.revocation_endpoint.as_ref(),
        found.device_authorization_endpoint.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        attempt
            .reach_or_ask(engine, endpoint, &mut plan.private_hosts)
            .await?;
    }
    Ok(())
}

/// Discovery, which may meet a private authorization server: it is asked about by its name, and
/// `None` says to look again.
async fn or_ask<T>(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Stopped> {
    match attempt.or_stopped(work).await {
        Err(Stopped::Failed(error)) if error.code == ErrorCode::AddressPrivate => {
            let host = error.args.get("host").cloned().unwrap_or_default();
            let target = Url::parse(&format!("https://{host}/")).map_err(|_| error)?;
            attempt
                .reach_or_ask(engine, &target, &mut plan.private_hosts)
                .await?;
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// Each scope once.
fn also(scopes: &mut Vec<String>, more: &[String]) {
    for scope in more {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
}

fn bug(why: &str) -> Error {
    Error::new(ErrorCode::Internal).with("why", why)
}

impl Plan {
    fn reach(&self) -> Reach {
        Reach {
            private_hosts: self.private_hosts.clone(),
        }
    }
}
