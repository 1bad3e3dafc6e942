//! What a sign-in leaves at the authorization server, and having it forgotten there: after an attempt
//! that came to nothing, and after Disconnect.
//!
//! Best effort, and no longer than some seconds: nobody waits for it, and nothing here depends on it.

use crate::{
    Engine,
    http::{Http, Reach},
    oauth::{self, Client},
    secret::Secret,
    store,
    vault::{Credential, OAuthCredential},
};
use std::time::Duration;
use wire::{AuthView, Error, ErrorCode};

/// For all of it together.
const WITHIN: Duration = Duration::from_secs(20);

/// Without `Debug`: it holds secrets.
pub(super) struct Leftovers {
    reach: Reach,
    registration_uri: Option<String>,
    registration_token: Option<Secret>,
    tokens: Option<Box<OAuthCredential>>,
}

impl Leftovers {
    /// A client that was registered for this one sign-in.
    pub fn of_client(client: &Client, reach: &Reach) -> Self {
        Self {
            reach: reach.clone(),
            registration_uri: client.registration_uri.clone(),
            registration_token: client.registration_token.clone(),
            tokens: None,
        }
    }

    /// The tokens that it got, and the client.
    pub fn of_tokens(tokens: &OAuthCredential, reach: &Reach) -> Self {
        Self {
            tokens: Some(Box::new(tokens.clone())),
            ..Self::of_registration(tokens, reach)
        }
    }

    /// The client alone, whose tokens are revoked already.
    pub fn of_registration(tokens: &OAuthCredential, reach: &Reach) -> Self {
        Self {
            reach: reach.clone(),
            registration_uri: tokens.registration_uri.clone(),
            registration_token: tokens.registration_token.clone(),
            tokens: None,
        }
    }

    /// Leaves the tokens alone where a sign-in that is kept is the same client's: a server may take the end of
    /// one token for the end of all that the person granted that client (RFC 7009 section 2.1).
    pub async fn spare_shared(&mut self, engine: &Engine) {
        let Some(tokens) = &self.tokens else { return };
        let shared = is_shared(engine, tokens).await;
        // Where nobody can tell, the tokens end by themselves.
        if shared.unwrap_or(true) {
            tracing::info!("tokens that came to nothing are of a client that is in use");
            self.tokens = None;
        }
    }

    /// Tokens first, since the client is what may revoke them.
    pub async fn clear(self, http: &Http) {
        let clear = async {
            if let Some(tokens) = &self.tokens
                && tokens.revokes_at().is_some()
                && let Err(error) = oauth::revoke(http, &self.reach, tokens).await
            {
                tracing::info!(error = %error, "tokens that came to nothing could not be revoked");
            }
            let (uri, token) = (
                self.registration_uri.as_deref(),
                self.registration_token.as_ref(),
            );
            if let Err(error) = oauth::unregister(http, &self.reach, uri, token).await {
                tracing::info!(error = %error, "a registration could not be ended");
            }
        };
        if tokio::time::timeout(WITHIN, clear).await.is_err() {
            tracing::info!("the authorization server did not answer in time to forget us");
        }
    }
}

async fn is_shared(engine: &Engine, tokens: &OAuthCredential) -> Result<bool, Error> {
    let all = engine.store().read(store::credentials::about_all).await?;
    for (id, about) in all {
        if !matches!(&about.auth, AuthView::OAuth { issuer, .. } if *issuer == tokens.issuer) {
            continue;
        }
        match engine.vault().open(id).await {
            Ok((Credential::OAuth(held), _)) if held.client_id == tokens.client_id => {
                return Ok(true);
            }
            Ok(_) => {}
            // Disconnected meanwhile.
            Err(error) if error.code == ErrorCode::IntegrationUnknown => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
