//! A scripted authorization server with an MCP server behind it, on one port: it does everything as
//! the specifications say, writes down every secret it gives out, and misbehaves where it is told to.

mod scopes;

use super::{
    mcp,
    scripted::{Scripted, Seen, content, json, redirect, text, with_header},
    search::Needles,
};
use anyhow::Result;
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json as value};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
};
use tokio::sync::Notify;

type Answer = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;
type Change = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// The running pair.
pub struct Authority {
    pub server: Scripted,
    pub state: Arc<State>,
}

/// What it knows, and how it is told to behave.
#[derive(Default)]
pub struct State {
    address: Mutex<String>,
    codes: Mutex<BTreeMap<String, Asked>>,
    /// Access tokens that are let in, each with its family.
    access: Mutex<BTreeMap<String, u32>>,
    /// Refresh tokens not used yet, each with its family; and those used.
    refresh: Mutex<BTreeMap<String, u32>>,
    used: Mutex<BTreeMap<String, u32>>,
    dead: Mutex<BTreeSet<u32>>,
    clients: Mutex<BTreeMap<String, String>>,
    given: Mutex<Vec<(&'static str, String)>>,
    instead: Mutex<BTreeMap<&'static str, Answer>>,
    metadata: Mutex<Option<Change>>,
    more: Mutex<Option<Change>>,
    families: AtomicU32,
    /// What a tool needs, and whether its refusal keeps quiet about it.
    needs: Mutex<BTreeMap<&'static str, (&'static str, bool)>>,
    /// What is granted of what is asked for; `None`: all of it.
    grants: Mutex<Option<Vec<String>>>,
    /// What each family of tokens was granted.
    scopes: Mutex<BTreeMap<u32, String>>,
    knows_scopes: AtomicBool,
    /// Seconds that an access token is said to live; 0: not said.
    pub lives: AtomicI64,
    /// Whether clients are confidential (Basic), so that there is a client secret.
    pub confidential: AtomicBool,
    /// Whether the callback names the issuer.
    pub names_itself: AtomicBool,
    /// Whether the end of one token is the end of all that the person granted (RFC 7009 section 2.1).
    pub ends_all: AtomicBool,
    /// Whether its answer with tokens waits for `let_go`.
    pub holds_tokens: AtomicBool,
    pub let_go: Notify,
    /// Ends the tool `wait`.
    pub go_on: Arc<Notify>,
}

struct Asked {
    challenge: String,
    redirect: String,
    client: String,
    scope: String,
}

impl Authority {
    /// One that does everything right; its access tokens live an hour.
    pub async fn start() -> Result<Self> {
        Self::start_at("127.0.0.1").await
    }

    /// The same at another address of this computer.
    pub async fn start_at(host: &str) -> Result<Self> {
        let state = Arc::new(State::default());
        state.lives.store(3600, Ordering::Relaxed);
        state.names_itself.store(true, Ordering::Relaxed);
        let script = state.clone();
        let server = Scripted::serve_at(host, move |seen| {
            let state = script.clone();
            async move { state.respond(seen).await }
        })
        .await?;
        *lock(&state.address) = server.address.to_string();
        Ok(Self { server, state })
    }

    /// The MCP server's URL: the resource.
    pub fn resource(&self) -> String {
        self.server.url("/mcp")
    }

    pub fn issuer(&self) -> String {
        self.server.url("")
    }

    /// From now on requests to `path` are answered like this.
    pub fn instead(
        &self,
        path: &'static str,
        answer: impl Fn(&Seen) -> Response + Send + Sync + 'static,
    ) {
        lock(&self.state.instead).insert(path, Arc::new(answer));
    }

    /// From now on its `/mcp` asks for a sign-in as before, and whoever is signed in gets an error.
    pub fn breaks_after_sign_in(&self) {
        let metadata = self.server.url("/.well-known/oauth-protected-resource/mcp");
        self.instead("/mcp", move |seen| {
            if seen.bearer().is_empty() {
                let challenge = format!("Bearer resource_metadata=\"{metadata}\"");
                return with_header(text(401, ""), "www-authenticate", &challenge);
            }
            text(500, "it broke")
        });
    }

    /// From now on `path` is answered as it should be.
    pub fn as_usual(&self, path: &'static str) {
        lock(&self.state.instead).remove(path);
    }

    /// Changes what the authorization server's metadata say.
    pub fn metadata(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        *lock(&self.state.metadata) = Some(Arc::new(change));
    }

    /// Changes what comes with every pair of tokens.
    pub fn server_says_more(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        *lock(&self.state.more) = Some(Arc::new(change));
    }

    /// It reads client-id metadata documents, and knows the client of this id.
    pub fn knows_document(&self, id: &str) {
        lock(&self.state.clients).insert(id.to_owned(), String::new());
        self.metadata(|metadata| {
            metadata["client_id_metadata_document_supported"] = true.into();
        });
    }

    /// The server forgets its clients, as if it had kept them in memory only.
    pub fn forget_clients(&self) {
        lock(&self.state.clients).clear();
    }

    /// From now on this tool needs this scope; a refusal names it unless `silent`.
    pub fn needs(&self, tool: &'static str, scope: &'static str, silent: bool) {
        lock(&self.state.needs).insert(tool, (scope, silent));
    }

    /// From now on the person grants these scopes of those that are asked for.
    pub fn grants(&self, scopes: &[&str]) {
        *lock(&self.state.grants) = Some(scopes.iter().map(|&scope| scope.to_owned()).collect());
    }

    /// Every secret given out so far, with what it is.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        lock(&self.state.given).clone()
    }

    /// The same, to search for.
    pub fn needles(&self) -> Result<Needles> {
        let given = self.given();
        Needles::new(given.iter().map(|(what, secret)| (*what, secret.as_str())))
    }

    /// Requests to the token endpoint with this grant.
    pub fn token_requests(&self, grant: &str) -> usize {
        self.server
            .seen_at("/token")
            .iter()
            .filter(|seen| seen.form("grant_type").as_deref() == Some(grant))
            .count()
    }

    /// Whether any token given out would still be let in or renewed.
    pub fn anything_lives(&self) -> bool {
        !lock(&self.state.access).is_empty() || !lock(&self.state.refresh).is_empty()
    }

    /// How many clients are registered now.
    pub fn registered(&self) -> usize {
        lock(&self.state.clients).len()
    }

    /// The server forgets its access tokens, as if they had ended.
    pub fn end_access(&self) {
        lock(&self.state.access).clear();
    }
}

impl State {
    async fn respond(&self, seen: Seen) -> Response {
        let instead = lock(&self.instead).get(seen.path.as_str()).cloned();
        if let Some(answer) = instead {
            return answer(&seen);
        }
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/.well-known/oauth-protected-resource/mcp") => {
                let issuer = self.issuer();
                json(
                    200,
                    &value!({
                        "resource": format!("{issuer}/mcp"),
                        "authorization_servers": [issuer],
                        "scopes_supported": ["tools:read", "tools:write"],
                    }),
                )
            }
            ("GET", "/.well-known/oauth-authorization-server") => self.described(),
            ("POST", "/register") => self.register(),
            ("DELETE", path) if path.starts_with("/register/") => {
                lock(&self.clients).remove(path.trim_start_matches("/register/"));
                text(204, "")
            }
            ("GET", "/authorize") => self.authorize(&seen),
            ("POST", "/token") => {
                let answer = self.token(&seen);
                if self.holds_tokens.load(Ordering::Relaxed) {
                    self.let_go.notified().await;
                }
                answer
            }
            ("POST", "/revoke") => self.revoke(&seen),
            (_, "/mcp") => {
                let family = lock(&self.access).get(&seen.bearer()).copied();
                match family {
                    None => self.challenge(),
                    Some(family) => match self.refuses(&seen, family) {
                        Some(refusal) => refusal,
                        None => mcp::answer(&seen, &self.go_on).await,
                    },
                }
            }
            _ => text(404, "nothing here"),
        }
    }

    fn issuer(&self) -> String {
        format!("http://{}", lock(&self.address))
    }

    fn challenge(&self) -> Response {
        let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", self.issuer());
        let challenge = format!(
            "Bearer error=\"invalid_token\", resource_metadata=\"{metadata}\", scope=\"tools:read\""
        );
        with_header(text(401, "sign in"), "www-authenticate", &challenge)
    }

    /// A tool that needs a scope which these tokens do not have (RFC 6750 section 3.1).
    fn refuses(&self, seen: &Seen, family: u32) -> Option<Response> {
        let told = seen.json();
        let tool = told["params"]["name"].as_str()?;
        let (scope, silent) = lock(&self.needs).get(tool).copied()?;
        let granted = lock(&self.scopes).get(&family).cloned().unwrap_or_default();
        if granted.split(' ').any(|one| one == scope) {
            return None;
        }
        let mut challenge = "Bearer error=\"insufficient_scope\"".to_owned();
        if !silent {
            challenge += &format!(", scope=\"{scope}\"");
        }
        Some(with_header(
            text(403, "more"),
            "www-authenticate",
            &challenge,
        ))
    }

    fn described(&self) -> Response {
        let issuer = self.issuer();
        let methods = if self.confidential.load(Ordering::Relaxed) {
            "client_secret_basic"
        } else {
            "none"
        };
        let mut metadata = value!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "registration_endpoint": format!("{issuer}/register"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [methods],
            "authorization_response_iss_parameter_supported": self.names_itself.load(Ordering::Relaxed),
        });
        if let Some(change) = lock(&self.metadata).clone() {
            change(&mut metadata);
        }
        json(200, &metadata)
    }

    fn register(&self) -> Response {
        let id = format!("client-{}", uuid::Uuid::now_v7());
        let mut answer = value!({
            "client_id": id,
            "registration_access_token": self.give("registration token"),
            "registration_client_uri": format!("{}/register/{id}", self.issuer()),
            "token_endpoint_auth_method": "none",
        });
        let mut secret = String::new();
        if self.confidential.load(Ordering::Relaxed) {
            secret = self.give("client secret");
            answer["client_secret"] = secret.clone().into();
            answer["token_endpoint_auth_method"] = "client_secret_basic".into();
        }
        lock(&self.clients).insert(id, secret);
        json(201, &answer)
    }

    fn authorize(&self, seen: &Seen) -> Response {
        let asked = |name: &str| seen.asked(name).unwrap_or_default();
        if asked("code_challenge_method") != "S256"
            || asked("resource") != format!("{}/mcp", self.issuer())
        {
            return text(400, "no PKCE, or another resource");
        }
        if let Some(refusal) = self.refuses_scope(seen) {
            return refusal;
        }
        self.write_down("state", &asked("state"));
        let code = self.give("code");
        let redirect_uri = asked("redirect_uri");
        let about = Asked {
            challenge: asked("code_challenge"),
            redirect: redirect_uri.clone(),
            client: asked("client_id"),
            scope: asked("scope"),
        };
        lock(&self.codes).insert(code.clone(), about);
        let mut target = url::Url::parse(&redirect_uri).expect("the app's own redirect URI");
        target
            .query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &asked("state"));
        if self.names_itself.load(Ordering::Relaxed) {
            target.query_pairs_mut().append_pair("iss", &self.issuer());
        }
        redirect(302, target.as_str())
    }

    fn token(&self, seen: &Seen) -> Response {
        let refused = |what: &str| json(400, &value!({ "error": what }));
        let form = |name: &str| seen.form(name).unwrap_or_default();
        if !self.knows_client(seen) {
            return json(401, &value!({ "error": "invalid_client" }));
        }
        if form("resource") != format!("{}/mcp", self.issuer()) {
            return refused("invalid_target");
        }
        match form("grant_type").as_str() {
            "authorization_code" => {
                self.write_down("verifier", &form("code_verifier"));
                let Some(asked) = lock(&self.codes).remove(&form("code")) else {
                    return refused("invalid_grant");
                };
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form("code_verifier")));
                if asked.challenge != challenge
                    || asked.redirect != form("redirect_uri")
                    || asked.client.is_empty()
                {
                    return refused("invalid_grant");
                }
                let family = self.families.fetch_add(1, Ordering::Relaxed);
                let grants = lock(&self.grants).clone();
                let granted = asked.scope.split(' ').filter(|scope| {
                    let all = grants.as_ref();
                    all.is_none_or(|some| some.iter().any(|one| one == scope))
                });
                let granted: Vec<&str> = granted.collect();
                lock(&self.scopes).insert(family, granted.join(" "));
                self.tokens(family)
            }
            "refresh_token" => {
                let sent = form("refresh_token");
                if let Some(family) = lock(&self.used).get(&sent).copied() {
                    // Used twice: the whole family dies (RFC 9700 section 4.14.2).
                    self.kill(family);
                    return refused("invalid_grant");
                }
                let Some(family) = lock(&self.refresh).remove(&sent) else {
                    return refused("invalid_grant");
                };
                lock(&self.used).insert(sent, family);
                if lock(&self.dead).contains(&family) {
                    return refused("invalid_grant");
                }
                self.tokens(family)
            }
            _ => refused("unsupported_grant_type"),
        }
    }

    fn knows_client(&self, seen: &Seen) -> bool {
        let clients = lock(&self.clients);
        if self.confidential.load(Ordering::Relaxed) {
            let Some((id, secret)) = basic(&seen.header("authorization")) else {
                return false;
            };
            return clients.get(&id) == Some(&secret);
        }
        seen.form("client_id")
            .is_some_and(|id| clients.contains_key(&id))
    }

    fn tokens(&self, family: u32) -> Response {
        let (access, refresh) = (self.give("access token"), self.give("refresh token"));
        // The access tokens of before end with the refresh token that brought them.
        lock(&self.access).retain(|_, of| *of != family);
        lock(&self.access).insert(access.clone(), family);
        lock(&self.refresh).insert(refresh.clone(), family);
        let mut answer = value!({
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "scope": lock(&self.scopes).get(&family),
        });
        let lives = self.lives.load(Ordering::Relaxed);
        if lives > 0 {
            answer["expires_in"] = lives.into();
        }
        if let Some(change) = lock(&self.more).clone() {
            change(&mut answer);
        }
        with_header(json(200, &answer), "cache-control", "no-store")
    }

    fn revoke(&self, seen: &Seen) -> Response {
        if !self.knows_client(seen) {
            return json(401, &value!({ "error": "invalid_client" }));
        }
        let token = seen.form("token").unwrap_or_default();
        let family = lock(&self.refresh)
            .get(&token)
            .or(lock(&self.access).get(&token))
            .copied();
        if let Some(family) = family {
            self.kill(family);
            if self.ends_all.load(Ordering::Relaxed) {
                (0..self.families.load(Ordering::Relaxed)).for_each(|each| self.kill(each));
            }
        }
        content(200, "text/plain", "")
    }

    fn kill(&self, family: u32) {
        lock(&self.dead).insert(family);
        lock(&self.refresh).retain(|_, of| *of != family);
        lock(&self.access).retain(|_, of| *of != family);
    }

    /// A fresh secret, written down.
    fn give(&self, what: &'static str) -> String {
        let secret = super::search::canary(what);
        self.write_down(what, &secret);
        secret
    }

    fn write_down(&self, what: &'static str, secret: &str) {
        if !secret.is_empty() {
            lock(&self.given).push((what, secret.to_owned()));
        }
    }
}

/// The two halves of a client's Basic credential, each escaped as in a form (RFC 6749 section 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    use base64::engine::general_purpose::STANDARD;
    let bytes = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |escaped: &str| {
        let form = format!("it={escaped}");
        url::form_urlencoded::parse(form.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
