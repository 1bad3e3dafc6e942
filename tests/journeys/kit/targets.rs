//! What can be connected, as the window writes it.

use serde_json::{Value, json};

pub fn sample() -> Value {
    json!({ "kind": "sample" })
}

pub fn mcp(url: &str) -> Value {
    json!({ "kind": "mcp", "name": "", "url": url, "auth": { "auth": "discover" } })
}

pub fn mcp_bearer(url: &str, token: &str) -> Value {
    json!({ "kind": "mcp", "name": "Keyed", "url": url, "auth": { "auth": "bearer", "token": token } })
}

pub fn mcp_header(url: &str, name: &str, value: &str) -> Value {
    json!({ "kind": "mcp", "name": "Keyed", "url": url, "auth": { "auth": "header", "name": name, "value": value } })
}

pub fn mcp_query(url: &str, name: &str, value: &str) -> Value {
    json!({ "kind": "mcp", "name": "Keyed", "url": url, "auth": { "auth": "query", "name": name, "value": value } })
}

/// `auth`: as `wire::ApiAuth`.
pub fn api(base_url: &str, health_path: &str, auth: Value) -> Value {
    json!({ "kind": "api", "name": "Orders", "base_url": base_url, "health_path": health_path, "auth": auth })
}

pub fn bearer(token: &str) -> Value {
    json!({ "auth": "bearer", "token": token })
}

pub fn header(name: &str, value: &str) -> Value {
    json!({ "auth": "header", "name": name, "value": value })
}

pub fn query(name: &str, value: &str) -> Value {
    json!({ "auth": "query", "name": name, "value": value })
}

/// `auth`: who the client is, and how it shows that. `server`: as `wire::AuthServer`.
pub fn sign_in(
    server: Value,
    scopes: &str,
    (id, secret, auth): (&str, Option<&str>, &str),
) -> Value {
    json!({
        "auth": "sign_in", "server": server, "scopes": scopes,
        "client_id": id, "client_secret": secret, "client_auth": auth,
    })
}

/// A server that describes itself.
pub fn issuer(issuer: &str) -> Value {
    json!({ "by": "issuer", "issuer": issuer })
}

/// One whose endpoints the admin types.
pub fn endpoints(base: &str) -> Value {
    json!({
        "by": "endpoints", "authorization_url": format!("{base}/auth"),
        "token_url": format!("{base}/token"), "revocation_url": format!("{base}/token/revocation"),
    })
}

pub fn basic(user: &str, password: &str) -> Value {
    json!({ "auth": "basic", "user": user, "password": password })
}
