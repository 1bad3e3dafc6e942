//! What the browser brought back: untrusted, whoever it came from.

use super::authorize::equal;
use crate::secret::Secret;

/// Longer values than this are nobody's real answer.
const LONGEST: usize = 8 << 10;

/// The parameters of an authorization response (RFC 6749 section 4.1.2, RFC 9207). Without `Debug`:
/// it holds the code.
#[derive(Clone)]
pub struct Callback {
    pub(super) state: Secret,
    pub(super) code: Option<Secret>,
    pub(super) iss: Option<String>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
}

impl Callback {
    /// Reads a query (without its `?`). `None` where there is no state, where a parameter is there
    /// twice (RFC 6749 section 3.1), both a code and an error, or anything over 8 KiB.
    #[must_use]
    pub fn parse(query: &str) -> Option<Self> {
        if query.len() > 4 * LONGEST {
            return None;
        }
        let (mut state, mut code, mut iss, mut error, mut more) = (None, None, None, None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "state" => &mut state,
                "code" => &mut code,
                "iss" => &mut iss,
                "error" => &mut error,
                "error_description" => &mut more,
                _ => continue,
            };
            if slot.is_some() || value.len() > LONGEST {
                return None;
            }
            *slot = Some(value.into_owned());
        }
        if code.is_some() && error.is_some() {
            return None;
        }
        Some(Self {
            state: Secret::new(state?),
            code: code
                .filter(|code: &String| !code.is_empty())
                .map(Secret::new),
            iss,
            error,
            error_description: more,
        })
    }

    /// What it says to be the answer to.
    pub(crate) fn state(&self) -> &Secret {
        &self.state
    }

    /// Whether this answers the sign-in with that state.
    #[must_use]
    pub fn is_for(&self, state: &Secret) -> bool {
        equal(&self.state, state)
    }
}

#[cfg(test)]
mod tests;
