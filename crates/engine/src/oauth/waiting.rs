//! A sign-in whose answer may come to another run of the app: what of it is sealed, and the sign-in that
//! is made of that again.
//!
//! Must not know: where it is kept.

use super::{Callback, Client, Discovered, Flow, Manner};
use crate::{
    secret::{Secret, fingerprint},
    vault::ClientAuth,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq as _;

/// A secret among what is sealed as a whole. It is written nowhere else.
pub(crate) struct Text(pub Secret);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Secret::new(String::deserialize(deserializer)?)))
    }
}

/// A [`Flow`] but for `state`, of which the hash is enough to know the answer by.
#[derive(Serialize, Deserialize)]
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
    pub fn of(flow: &Flow) -> Self {
        Self {
            state: fingerprint(flow.state.reveal()),
            verifier: Text(flow.verifier.clone()),
            issuer: flow.issuer.clone(),
            redirect_uri: flow.redirect_uri.clone(),
            scopes: flow.scopes.clone(),
            iss_in_response: flow.iss_in_response,
            manner: flow.manner.clone(),
        }
    }

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

/// A [`Client`].
#[derive(Serialize, Deserialize)]
pub(crate) struct WaitingClient {
    id: String,
    secret: Option<Text>,
    auth: ClientAuth,
    registration_token: Option<Text>,
    registration_uri: Option<String>,
}

impl From<&Client> for WaitingClient {
    fn from(client: &Client) -> Self {
        Self {
            id: client.id.clone(),
            secret: client.secret.clone().map(Text),
            auth: client.auth,
            registration_token: client.registration_token.clone().map(Text),
            registration_uri: client.registration_uri.clone(),
        }
    }
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
