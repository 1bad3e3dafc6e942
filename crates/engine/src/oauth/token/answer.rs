//! What a token answer looks like, and what servers are known to get wrong in it.

use super::{Asker, Lost, RefreshError};
use oauth2::ExtraTokenFields;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wire::{Error, ErrorCode};

/// The life of the refresh token, as Google and GitHub (`refresh_token_expires_in`) and Keycloak
/// (`refresh_expires_in`) tell it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Extra {
    pub refresh_token_expires_in: Option<u64>,
    pub refresh_expires_in: Option<u64>,
}

impl ExtraTokenFields for Extra {}

/// What a dead grant is called: by the standard (RFC 6749 section 5.2), by Slack and by GitHub. Known of everybody,
/// since a sign-in keeps the manner it was made with, and nobody uses these for something that passes.
const DEAD: [&str; 3] = [
    "invalid_grant",
    "invalid_refresh_token",
    "bad_refresh_token",
];

impl Asker<'_> {
    /// The body of a success, with what servers are known to get wrong put right: numbers as text,
    /// no `token_type`, `null`s, an error with status 200.
    pub(super) fn tokens(&self, body: &[u8]) -> Result<Vec<u8>, Lost> {
        let Ok(Value::Object(whole)) = serde_json::from_slice(body) else {
            let cut = body.trim_ascii_start().starts_with(b"{");
            let page = body.trim_ascii_start().starts_with(b"<");
            return Err(Lost(if cut {
                // The new pair may have been in what is missing.
                RefreshError::Ambiguous(self.refused("its answer is broken off"))
            } else if page {
                RefreshError::Transient(self.refused("it answered a web page"))
            } else {
                RefreshError::Transient(self.refused("its answer is not JSON"))
            }));
        };
        let mut found = self.holder(whole);
        found.retain(|_, value| !value.is_null());
        let has_token = found
            .get("access_token")
            .is_some_and(|t| t.as_str().is_some_and(|t| !t.is_empty()));
        let went_wrong = found.get("ok").and_then(Value::as_bool) == Some(false);
        if !has_token || went_wrong {
            let why = found
                .get("error")
                .and_then(|error| error.as_str())
                .unwrap_or("its answer holds no token");
            let error = self.refused(self.said(why));
            return Err(Lost(if self.is_dead(why) {
                RefreshError::InvalidGrant(Error {
                    code: ErrorCode::OauthInvalidGrant,
                    ..error
                })
            } else {
                RefreshError::Transient(error)
            }));
        }
        self.rename_lives(&mut found);
        for name in [
            "expires_in",
            "refresh_token_expires_in",
            "refresh_expires_in",
        ] {
            if let Some(value) = found.remove(name) {
                let seconds = match value.as_str() {
                    Some(text) => text.trim().parse::<f64>().ok(),
                    None => value.as_f64(),
                };
                // Keycloak says 0 for a refresh token without end.
                if let Some(seconds) = seconds.filter(|s| s.is_finite() && *s >= 1.0) {
                    found.insert(name.to_owned(), (seconds as u64).into());
                }
            }
        }
        found.entry("token_type").or_insert_with(|| "bearer".into());
        if let Some(list) = found.get("scope").and_then(|scope| scope.as_array()) {
            let scopes: Vec<&str> = list.iter().filter_map(|scope| scope.as_str()).collect();
            let scopes = scopes.join(" ");
            found.insert("scope".to_owned(), scopes.into());
        }
        let separator = self.manner.answer_separator();
        if separator != ' '
            && let Some(scopes) = found.get("scope").and_then(|scope| scope.as_str())
        {
            let scopes = scopes.replace(separator, " ");
            found.insert("scope".to_owned(), scopes.into());
        }
        for name in ["scope", "refresh_token"] {
            if found.get(name).is_some_and(|value| !value.is_string()) {
                found.remove(name);
            }
        }
        Ok(Value::Object(found).to_string().into_bytes())
    }

    /// The tokens of a success.
    pub(in crate::oauth) fn read(&self, body: &[u8]) -> Result<super::Tokens, RefreshError> {
        let body = self.tokens(body).map_err(|Lost(error)| error)?;
        match serde_json::from_slice(&body) {
            Ok(found) => self.accept(&found),
            Err(_) => Err(RefreshError::Transient(
                self.refused("its answer cannot be read"),
            )),
        }
    }

    /// The object that holds the tokens. What it does not say, the whole answer does.
    fn holder(&self, mut whole: Map<String, Value>) -> Map<String, Value> {
        let Some(pointer) = &self.manner.token.within else {
            return whole;
        };
        let answer = Value::Object(whole.clone());
        if let Some(Value::Object(inner)) = answer.pointer(pointer)
            && inner.contains_key("access_token")
        {
            // The outer token, where there is one, is somebody else's (Slack: the bot's).
            for name in [
                "access_token",
                "refresh_token",
                "expires_in",
                "scope",
                "token_type",
            ] {
                whole.remove(name);
            }
            whole.extend(inner.clone());
        }
        whole
    }

    fn rename_lives(&self, found: &mut Map<String, Value>) {
        let quirks = &self.manner.token;
        for (theirs, ours) in [
            (&quirks.life_field, "expires_in"),
            (&quirks.refresh_life_field, "refresh_token_expires_in"),
        ] {
            if let Some(value) = theirs.as_ref().and_then(|name| found.remove(name)) {
                found.insert(ours.to_owned(), value);
            }
        }
    }

    /// A name of a dead grant, also where the status does not fit it, or one that this server alone is known to
    /// use for it.
    fn is_dead(&self, error: &str) -> bool {
        DEAD.contains(&error) || self.manner.token.dead.iter().any(|name| name == error)
    }

    /// An error body in which the server's own name for a dead grant is the standard's.
    pub(super) fn known_names(&self, body: Vec<u8>) -> Vec<u8> {
        match serde_json::from_slice::<Map<String, Value>>(&body) {
            Ok(mut told)
                if told
                    .get("error")
                    .and_then(Value::as_str)
                    .is_some_and(|e| self.is_dead(e)) =>
            {
                told.insert("error".to_owned(), "invalid_grant".into());
                Value::Object(told).to_string().into_bytes()
            }
            Ok(_) | Err(_) => body,
        }
    }
}

pub(super) fn is_error(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Told {
        #[allow(dead_code)]
        error: String,
    }
    serde_json::from_slice::<Told>(body).is_ok()
}
