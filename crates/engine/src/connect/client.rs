//! Who we are at an authorization server: the client that the way brings, app credentials, else one that
//! registers itself.

use super::attempt::{Attempt, Stopped};
use super::input::Plan;
use super::sign_in::Asking;
use crate::{
    Engine, apps,
    http::Reach,
    oauth::{self, Client},
    secret::Secret,
    vault::{ClientAuth, Credential},
};
use wire::AppOwner;

/// The client for this sign-in, in the order of MCP's "Client Registration": what was given before,
/// then registration.
pub(super) async fn identify(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
    (asking, redirect): (&Asking, &str),
) -> Result<Client, Stopped> {
    if let Some(id) = &asking.client_id {
        let secret = match plan.client_secret.take() {
            Some(secret) => Some(secret),
            None => held_secret(engine, attempt, id).await,
        };
        return Ok(client(id.clone(), secret, asking.client_auth));
    }
    // Credentials are filed under their issuer: a provider's client goes to the provider's server alone.
    let owners = plan
        .provider
        .iter()
        .map(|id| AppOwner::Provider { id: id.clone() });
    let issuer = AppOwner::Issuer {
        issuer: asking.found.issuer.clone(),
    };
    let owners: Vec<AppOwner> = owners.chain([issuer]).collect();
    if let Some(app) = attempt.or_stopped(apps::client(engine, owners)).await? {
        let auth = asking.client_auth.unwrap_or(app.auth);
        return Ok(client(app.client_id, app.secret, Some(auth)));
    }
    let reach = Reach {
        private_hosts: plan.private_hosts.clone(),
    };
    attempt
        .or_stopped(oauth::register(
            engine.http(),
            &reach,
            &asking.found,
            redirect,
        ))
        .await
}

/// On Reconnect: the secret of the same client, which the credential before holds.
async fn held_secret(engine: &Engine, attempt: &Attempt, id: &str) -> Option<Secret> {
    match engine.vault().open(attempt.integration?).await {
        Ok((Credential::OAuth(held), _)) if held.client_id == id => held.client_secret,
        Ok(_) => None,
        Err(error) => {
            tracing::info!(error = %error, "the client secret of before cannot be opened");
            None
        }
    }
}

/// A client without a secret is a public one, whatever was said.
fn client(id: String, secret: Option<Secret>, auth: Option<ClientAuth>) -> Client {
    let auth = match (&secret, auth) {
        (None, _) => ClientAuth::None,
        (Some(_), Some(auth)) => auth,
        // RFC 7591 section 2: left out, it means Basic.
        (Some(_), None) => ClientAuth::Basic,
    };
    Client {
        id,
        secret,
        auth,
        registration_token: None,
        registration_uri: None,
    }
}
