//! What a sign-in leaves at the authorization server, and having it forgotten there: after an attempt
//! that came to nothing, and after Disconnect.
//!
//! Best effort, and no longer than some seconds: nobody waits for it, and nothing here depends on it.

use crate::{
    http::{Http, Reach},
    oauth::{self, Client},
    secret::Secret,
    vault::OAuthCredential,
};
use std::time::Duration;

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
