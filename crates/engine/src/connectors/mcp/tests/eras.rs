//! Servers of the newer era, and those that change it while a connection stands.

use super::*;

/// What a server of 2026-07-28 says to `server/discover`.
pub(super) fn discovered(message: &Value) -> ResponseTemplate {
    result(
        message,
        &json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private",
        }),
    )
}
