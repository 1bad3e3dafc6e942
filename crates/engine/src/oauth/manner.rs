//! What is particular about one authorization server, beyond what its metadata can say.

use crate::connect::way::{OAuthWay, Pkce, Revocation, ScopeStyle, TokenQuirks};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How one authorization server is spoken to. The default is what RFC 6749, 7009 and 7636 say, and what
/// MCP servers are held to. Kept with the credential: renewing and revoking need it too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    #[serde(default)]
    pub pkce: Pkce,
    #[serde(default)]
    pub scope_style: ScopeStyle,
    /// Further parameters of the authorization request.
    #[serde(default)]
    pub authorize: BTreeMap<String, String>,
    #[serde(default)]
    pub token: TokenQuirks,
    #[serde(default)]
    pub revocation: Revocation,
}

impl Manner {
    /// As the way says.
    #[must_use]
    pub fn of(way: &OAuthWay) -> Self {
        use crate::connect::way::Grant;
        Self {
            pkce: match &way.grant {
                Grant::Code { pkce, .. } => *pkce,
                // There is no code that could be caught (RFC 8628 has no PKCE).
                Grant::Device => Pkce::Off,
            },
            scope_style: way.scope_style.clone(),
            authorize: way.authorize.clone(),
            token: way.token.clone(),
            revocation: way.revocation.clone(),
        }
    }

    /// What stands between two scopes of a token answer.
    pub(super) fn answer_separator(&self) -> char {
        self.token
            .scope_separator
            .unwrap_or(self.scope_style.separator)
    }
}
