//! A scripted provider with the oddities that manifests can name: tokens within another object, scopes
//! separated by commas under another name, errors with status 200, revocation by path; and the device
//! flow, which answers 200 to everything and asks to slow down.

use super::{
    scripted::{Scripted, Seen, json, redirect, text},
    search,
};
use anyhow::Result;
use axum::response::Response;
use serde_json::json as value;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

/// The client that the company registered there.
pub const CLIENT: &str = "company-app";

/// The running provider.
pub struct Odd {
    pub server: Scripted,
    pub state: Arc<State>,
}

/// What it knows.
#[derive(Default)]
pub struct State {
    access: Mutex<BTreeSet<String>>,
    refresh: Mutex<BTreeSet<String>>,
    /// The person agreed on the device page.
    pub agreed: AtomicBool,
    /// How often it asked to slow down so far, of how often it will.
    pub slow_downs: AtomicU32,
    /// The next answers of the token endpoint are 503.
    pub trouble: AtomicU32,
    /// Who signs in.
    pub person: Mutex<String>,
    /// The secret that it expects; empty: none.
    pub secret: Mutex<String>,
    /// The redirect URI that is registered; empty: the deep link.
    redirect: Mutex<String>,
}

impl Odd {
    pub async fn start() -> Result<Self> {
        let state = Arc::new(State::default());
        "U1".clone_into(&mut lock(&state.person));
        let script = state.clone();
        let server = Scripted::serve(move |seen| {
            let state = script.clone();
            async move { state.respond(&seen) }
        })
        .await?;
        Ok(Self { server, state })
    }

    /// From now on it expects this client secret.
    pub fn expects(&self, secret: &str) {
        secret.clone_into(&mut lock(&self.state.secret));
    }

    /// This redirect URI is registered there.
    pub fn comes_back_by(&self, redirect: &str) {
        redirect.clone_into(&mut lock(&self.state.redirect));
    }

    /// Writes its manifest into the configuration folder of `home`.
    pub fn describe(&self, home: &Path) -> Result<()> {
        self.describe_with(home, r#"["deep_link"]"#)
    }

    /// The same with these ways back.
    pub fn describe_with(&self, home: &Path, return_by: &str) -> Result<()> {
        Self::describe_at(&self.server.url(""), &home.join("providers"), return_by)
    }

    /// Writes the manifest of one that is reached at `base`.
    pub fn describe_at(base: &str, folder: &Path, return_by: &str) -> Result<()> {
        let at = |path: &str| format!("{base}{path}");
        let text = format!(
            r##"
schema = 1
id = "odd"
name = "Odd"
summary = "A provider of the tests"
category = "other"
colour = "#336699"
verified = false
[sources]
T = {{ what = "the tests", day = 2026-11-22 }}
[[ways]]
[ways.oauth]
authorization_endpoint = "{}"
token_endpoint = "{}"
client_auth = "post"
return_by = {return_by}
pkce = "required"
scope_separator = ","
scope_parameter = "user_scope"
token = {{ within = "/authed_user", token_types = ["user"], dead = ["invalid_refresh_token"] }}
revocation = {{ url = "{}", by = "delete_in_path" }}
source = ["T"]
[[ways]]
[ways.device]
device_authorization_endpoint = "{}"
token_endpoint = "{}"
client_auth = "none"
source = ["T"]
[api]
base_url = "{}"
source = ["T"]
[api.ping]
method = "POST"
path = "/auth.test"
[api.ping.verdict]
ok = "/ok"
error = "/error"
[api.ping.verdict.errors]
token_revoked = "rejected"
[identity]
method = "POST"
url = "{}"
account = "/user_id"
label = "/team"
source = ["T"]
[[bundles]]
id = "read"
says = "Read"
scopes = ["channels:read", "users:read"]
default = true
source = ["T"]
[[tools]]
name = "call"
scopes = ["channels:read"]
"##,
            at("/authorize"),
            at("/token"),
            at("/revoke"),
            at("/device"),
            at("/device-token"),
            at("/api"),
            at("/api/auth.test"),
        );
        std::fs::create_dir_all(folder)?;
        Ok(std::fs::write(folder.join("odd.toml"), text)?)
    }

    /// Every token ends, as an administrator there could do.
    pub fn end_all(&self) {
        lock(&self.state.access).clear();
        lock(&self.state.refresh).clear();
    }
}

impl State {
    fn respond(&self, seen: &Seen) -> Response {
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/authorize") => self.authorize(seen),
            ("POST", "/token") => self.token(seen),
            ("POST", "/device") => json(
                200,
                &value!({
                    "device_code": search::canary("device code"), "user_code": "WDJB-MJHT",
                    "verification_uri": "https://odd.example/device", "expires_in": 300,
                }),
            ),
            ("POST", "/device-token") => self.device_token(seen),
            ("DELETE", path) if path.starts_with("/revoke/") => {
                let known = lock(&self.refresh)
                    .remove(&path.trim_start_matches("/revoke/").replace("%2F", "/"));
                text(if known { 204 } else { 404 }, "")
            }
            ("POST", "/api/auth.test") => {
                if !lock(&self.access).contains(&seen.bearer()) {
                    return json(200, &value!({ "ok": false, "error": "token_revoked" }));
                }
                let person = lock(&self.person).clone();
                json(
                    200,
                    &value!({ "ok": true, "user_id": person, "team": format!("Team of {person}") }),
                )
            }
            _ => text(404, "nothing here"),
        }
    }

    fn authorize(&self, seen: &Seen) -> Response {
        let asked = |name: &str| seen.asked(name).unwrap_or_default();
        let registered = match lock(&self.redirect).as_str() {
            "" => "app.chief.integrations:/oauth/callback".to_owned(),
            other => other.to_owned(),
        };
        if asked("client_id") != CLIENT
            || asked("user_scope") != "channels:read,users:read"
            || seen.asked("scope").is_some()
            || asked("code_challenge_method") != "S256"
            || asked("redirect_uri") != registered
        {
            return text(400, "not what the manifest says");
        }
        let (code, state) = (search::canary("code"), asked("state"));
        redirect(302, &format!("{registered}?code={code}&state={state}"))
    }

    fn token(&self, seen: &Seen) -> Response {
        if self.trouble.load(Ordering::Relaxed) > 0 {
            self.trouble.fetch_sub(1, Ordering::Relaxed);
            return text(503, "busy");
        }
        let form = |name: &str| seen.form(name).unwrap_or_default();
        let no = |why: &str| json(200, &value!({ "ok": false, "error": why }));
        if form("client_id") != CLIENT || form("client_secret") != *lock(&self.secret) {
            return no("bad_client_secret");
        }
        match form("grant_type").as_str() {
            "authorization_code" if form("code_verifier").len() >= 43 => self.give(),
            "refresh_token" if lock(&self.refresh).remove(&form("refresh_token")) => self.give(),
            "refresh_token" => no("invalid_refresh_token"),
            _ => no("invalid_code"),
        }
    }

    fn give(&self) -> Response {
        let (access, refresh) = (search::canary("access"), search::canary("refresh"));
        lock(&self.access).insert(access.clone());
        lock(&self.refresh).insert(refresh.clone());
        json(
            200,
            &value!({
                "ok": true, "access_token": "a-bot's-not-ours", "token_type": "bot", "scope": "bot",
                "authed_user": {
                    "access_token": access, "refresh_token": refresh, "token_type": "user",
                    "scope": "channels:read,users:read", "expires_in": 43_200,
                },
            }),
        )
    }

    /// As GitHub does: errors with status 200.
    fn device_token(&self, seen: &Seen) -> Response {
        let no = |why: &str| json(200, &value!({ "error": why }));
        if self.trouble.load(Ordering::Relaxed) > 0 {
            self.trouble.fetch_sub(1, Ordering::Relaxed);
            return text(503, "busy");
        }
        if seen.form("client_id").as_deref() != Some(CLIENT) {
            return no("incorrect_client_credentials");
        }
        if self.slow_downs.load(Ordering::Relaxed) > 0 {
            self.slow_downs.fetch_sub(1, Ordering::Relaxed);
            return no("slow_down");
        }
        if !self.agreed.load(Ordering::Relaxed) {
            return no("authorization_pending");
        }
        let access = search::canary("access");
        lock(&self.access).insert(access.clone());
        json(
            200,
            &value!({ "access_token": access, "token_type": "bearer", "scope": "read" }),
        )
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
