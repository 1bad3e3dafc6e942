//! Who we are at an authorization server: the client that the way brings, app credentials, the app's own
//! metadata document, else one that registers itself.

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
use url::Url;
use wire::{AppOwner, Error, ErrorCode};

/// The client for this sign-in, in the order of MCP's "Client Registration": what was given before, the
/// metadata document, then registration; where none of these will do, the error asks for app credentials.
pub(super) async fn identify(
    engine: &Engine,
    attempt: &Attempt,
    plan: &Plan,
    (asking, redirect): (&Asking, &str),
) -> Result<Client, Stopped> {
    if let Some(id) = &asking.client_id {
        let secret = match &plan.client_secret {
            Some(secret) => Some(secret.clone()),
            None => held_secret(engine, attempt, id).await,
        };
        let shows_one = matches!(
            asking.client_auth,
            Some(ClientAuth::Basic | ClientAuth::Post)
        );
        if secret.is_none() && shows_one {
            let host = asking.found.token_endpoint.host_str().unwrap_or_default();
            let error = Error::new(ErrorCode::ClientSecretMissing).with("host", host);
            return Err(error.into());
        }
        return Ok(client(id.clone(), secret, asking.client_auth));
    }
    // Credentials are filed under their issuer: a provider's client goes to the provider's server alone.
    let moved = plan.issuer.as_ref() != Some(&asking.found.issuer) && plan.issuer.is_some();
    let owners = plan
        .provider
        .iter()
        .filter(|_| !moved)
        .map(|id| AppOwner::Provider { id: id.clone() });
    let issuer = &asking.found.issuer;
    let issuers = [Some(issuer.clone()), oauth::other_spelling(issuer)];
    let issuers = issuers.into_iter().flatten();
    let issuers = issuers.map(|issuer| AppOwner::Issuer { issuer });
    let owners: Vec<AppOwner> = owners.chain(issuers).collect();
    if let Some(app) = attempt.or_stopped(apps::client(engine, owners)).await? {
        let auth = asking.client_auth.unwrap_or(app.auth);
        return Ok(client(app.client_id, app.secret, Some(auth)));
    }
    if let Some(document) = document(engine.options().client_document.as_ref(), asking) {
        return Ok(client(document.to_string(), None, None));
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

/// The app's metadata document as its client id, where the server reads such documents and lets in a
/// public client. (The document names every way back: `relay/client.json`.)
fn document<'a>(document: Option<&'a Url>, asking: &Asking) -> Option<&'a Url> {
    let methods = &asking.found.auth_methods;
    let public = methods.is_empty() || methods.iter().any(|method| method == "none");
    document.filter(|_| asking.found.takes_client_documents && public)
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
