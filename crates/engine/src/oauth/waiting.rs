//! A sign-in whose answer may come to another run of the app: what of it is sealed, and the sign-in that
//! is made of that again.
//!
//! Must not know: where it is kept.

use super::{Callback, Client, Discovered, Flow, Manner};
use crate::{
    secret::{Secret, fingerprint},
    vault::ClientAuth,
};
use serde::{Deserialize, Deserializer, Serialize};
use subtle::ConstantTimeEq as _;

/// A [`Flow`] but for `state`, of which the hash is enough to know the answer by, as it is sealed. Borrows, so
/// that no copy is made.
#[derive(Serialize)]
pub(crate) struct FlowOut<'a> {
    state: [u8; 32],
    verifier: &'a str,
    issuer: &'a str,
    redirect_uri: &'a str,
    scopes: &'a [String],
    iss_in_response: bool,
    manner: &'a Manner,
}

impl<'a> FlowOut<'a> {
    pub fn of(flow: &'a Flow) -> Self {
        Self {
            state: fingerprint(flow.state.reveal()),
            verifier: flow.verifier.reveal(),
            issuer: &flow.issuer,
            redirect_uri: &flow.redirect_uri,
            scopes: &flow.scopes,
            iss_in_response: flow.iss_in_response,
            manner: &flow.manner,
        }
    }
}

/// A [`Client`], as it is sealed.
#[derive(Serialize)]
pub(crate) struct ClientOut<'a> {
    id: &'a str,
    secret: Option<&'a str>,
    auth: ClientAuth,
    registration_token: Option<&'a str>,
    registration_uri: Option<&'a str>,
}

impl<'a> ClientOut<'a> {
    pub fn of(client: &'a Client) -> Self {
        Self {
            id: &client.id,
            secret: client.secret.as_ref().map(Secret::reveal),
            auth: client.auth,
            registration_token: client.registration_token.as_ref().map(Secret::reveal),
            registration_uri: client.registration_uri.as_deref(),
        }
    }
}

/// A secret that was sealed.
pub(crate) struct Text(Secret);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Secret::new(String::deserialize(deserializer)?)))
    }
}

/// What [`FlowOut`] was sealed as.
#[derive(Deserialize)]
pub(crate) struct WaitingFlow {
    state: [u8; 32],
    verifier: Text,
    issuer: String,
    redirect_uri: String,
    scopes: Vec<String>,
    iss_in_response: bool,
    manner: Manner,
}

impl WaitingFlow {
    /// Whether `callback` answers it.
    pub fn is_answered_by(&self, callback: &Callback) -> bool {
        let came = fingerprint(callback.state().reveal());
        self.state.ct_eq(&came).into()
    }

    /// The sign-in that `callback` answers; `None` where it answers another.
    pub fn resume(self, callback: &Callback, found: &Discovered) -> Option<Flow> {
        if !self.is_answered_by(callback) {
            return None;
        }
        Some(Flow {
            // The person has been there: it is not opened again, and held `state`.
            authorization_url: found.authorization_endpoint.clone()?,
            state: callback.state().clone(),
            verifier: self.verifier.0,
            issuer: self.issuer,
            redirect_uri: self.redirect_uri,
            scopes: self.scopes,
            iss_in_response: self.iss_in_response,
            manner: self.manner,
        })
    }
}

/// What [`ClientOut`] was sealed as.
#[derive(Deserialize)]
pub(crate) struct WaitingClient {
    id: String,
    secret: Option<Text>,
    auth: ClientAuth,
    registration_token: Option<Text>,
    registration_uri: Option<String>,
}

impl From<WaitingClient> for Client {
    fn from(kept: WaitingClient) -> Self {
        Self {
            id: kept.id,
            secret: kept.secret.map(|text| text.0),
            auth: kept.auth,
            registration_token: kept.registration_token.map(|text| text.0),
            registration_uri: kept.registration_uri,
        }
    }
}
