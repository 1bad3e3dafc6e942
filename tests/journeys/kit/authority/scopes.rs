//! An authorization server that refuses a sign-in for one scope that it does not know.

use super::{Authority, Response, Seen, State, redirect};
use std::sync::atomic::Ordering;

impl Authority {
    /// From now on `invalid_scope` (RFC 6749 section 4.1.2.1) is its answer to all but `tools:…`.
    pub fn knows_its_scopes(&self) {
        self.state.knows_scopes.store(true, Ordering::Relaxed);
    }
}

impl State {
    pub(super) fn refuses_scope(&self, seen: &Seen) -> Option<Response> {
        let scope = seen.asked("scope").unwrap_or_default();
        let known = scope.split(' ').all(|scope| scope.starts_with("tools:"));
        if known || !self.knows_scopes.load(Ordering::Relaxed) {
            return None;
        }
        let mut target = url::Url::parse(&seen.asked("redirect_uri")?).ok()?;
        let state = seen.asked("state").unwrap_or_default();
        let said = [
            ("error", "invalid_scope"),
            ("state", &state),
            ("iss", &self.issuer()),
        ];
        target.query_pairs_mut().extend_pairs(said);
        Some(redirect(302, target.as_str()))
    }
}
