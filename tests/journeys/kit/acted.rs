//! One way of one built-in manifest, acted: every host that the manifest names becomes a server of its
//! own on this computer, which asks for exactly what the manifest says and answers in its manner. What
//! it holds is the engine to the manifest; whether the manifest is true, only the live service tells.
//!
//! `acted::sign_in` plays the authorization server, `acted::service` the API or MCP server.

mod service;
mod sign_in;

use super::{
    odd::{CLIENT, lock},
    scripted::{Scripted, Seen, text},
    search,
};
use anyhow::{Context, Result};
use axum::response::Response;
use engine::providers::{
    BUILT_IN, Hosts,
    manifest::{Manifest, ReturnBy, Way},
    read,
};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicU32},
};
use tokio::sync::Notify;
use url::Url;

/// Seconds that an access token lives where the manifest does not say.
const USUAL_LIFE_S: u64 = 3600;

/// The running provider.
pub struct Acted {
    pub state: Arc<State>,
    servers: BTreeMap<String, Scripted>,
    text: String,
}

/// What it knows, and what it has seen that was not as the manifest says.
pub struct State {
    pub manifest: Manifest,
    pub way: Way,
    /// Host of the manifest → where it is acted.
    addresses: OnceLock<BTreeMap<String, String>>,
    /// The port that the redirect address must have, where it is fixed.
    port: Option<u16>,
    /// The secret of the company's app.
    secret: String,
    /// What must be asked for, sorted.
    pub expects: Mutex<Vec<String>>,
    /// Who signs in: a number, as most accounts are.
    pub person: Mutex<u64>,
    /// A call needs this scope, which no credential has.
    pub lacks: Mutex<Option<String>>,
    /// Keys that are let in.
    pub keys: Mutex<BTreeSet<String>>,
    codes: Mutex<BTreeMap<String, sign_in::Asked>>,
    /// Tokens that live, each with its grant.
    access: Mutex<BTreeMap<String, u32>>,
    refresh: Mutex<BTreeMap<String, u32>>,
    grants: AtomicU32,
    clients: Mutex<BTreeSet<String>>,
    given: Mutex<Vec<String>>,
    complaints: Mutex<Vec<String>>,
    go_on: Arc<Notify>,
}

/// Every (provider, way) of the app, in the manifests' order.
pub fn every_way() -> Result<BTreeSet<(String, String)>> {
    let mut found = BTreeSet::new();
    for (file, text) in BUILT_IN {
        let manifest = manifest(file, text)?;
        for way in manifest.ways.get_ref() {
            let ids = (manifest.id.get_ref().clone(), way.get_ref().id().to_owned());
            anyhow::ensure!(found.insert(ids), "{file} has a way twice");
        }
    }
    Ok(found)
}

fn manifest(file: &str, text: &str) -> Result<Manifest> {
    read::read(text, Hosts::Public).map_err(|why| anyhow::anyhow!("{file}: {why:?}"))
}

impl Acted {
    /// Acts `way` of the built-in `provider`.
    pub async fn start(provider: &str, way: &str) -> Result<Self> {
        let (file, text) = BUILT_IN
            .iter()
            .find(|(file, _)| *file == format!("{provider}.toml"))
            .context("a built-in manifest")?;
        let manifest = manifest(file, text)?;
        let way = manifest
            .ways
            .get_ref()
            .iter()
            .find(|each| each.get_ref().id() == way)
            .context("a way of it")?
            .get_ref()
            .clone();
        let port = registered_port(&way).map(|_| free_port()).transpose()?;
        let state = Arc::new(State {
            manifest,
            way,
            addresses: OnceLock::new(),
            port,
            secret: search::canary("client secret"),
            expects: Mutex::default(),
            person: Mutex::new(1042),
            lacks: Mutex::default(),
            keys: Mutex::default(),
            codes: Mutex::default(),
            access: Mutex::default(),
            refresh: Mutex::default(),
            grants: AtomicU32::default(),
            clients: Mutex::default(),
            given: Mutex::default(),
            complaints: Mutex::default(),
            go_on: Arc::default(),
        });
        let mut servers = BTreeMap::new();
        for (_, url) in urls(&state.manifest) {
            let host = Url::parse(&url)?.host_str().unwrap_or_default().to_owned();
            if let Entry::Vacant(place) = servers.entry(host.clone()) {
                let (script, name) = (state.clone(), host);
                let server = Scripted::serve(move |seen| {
                    let (state, host) = (script.clone(), name.clone());
                    async move { state.respond(&host, &seen).await }
                })
                .await?;
                place.insert(server);
            }
        }
        let addresses = servers
            .iter()
            .map(|(host, server)| (host.clone(), server.url("")))
            .collect();
        let _ = state.addresses.set(addresses);
        let text = state.moved(text)?;
        Ok(Self {
            state,
            servers,
            text,
        })
    }

    /// Puts the manifest into the configuration folder of `home`: the same, under an id that is free,
    /// with its hosts on this computer.
    pub fn describe(&self, home: &Path) -> Result<()> {
        let folder = home.join("providers");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join("acted.toml"), &self.text)?)
    }

    /// Its id in that folder.
    pub fn id(&self) -> String {
        acted_id(&self.state.manifest)
    }

    /// Every request so far to a URL of the manifest's, whose query is left aside.
    pub fn seen_at(&self, url: &str) -> Vec<Seen> {
        let Ok(url) = Url::parse(url) else {
            return vec![];
        };
        self.servers
            .get(url.host_str().unwrap_or_default())
            .map(|server| server.seen_at(url.path()))
            .unwrap_or_default()
    }

    /// Every token ends, as the person could do on the provider's page.
    pub fn end_all(&self) {
        lock(&self.state.access).clear();
        lock(&self.state.refresh).clear();
        lock(&self.state.keys).clear();
    }

    /// Whether any token would still be let in or renewed.
    pub fn anything_lives(&self) -> bool {
        !lock(&self.state.access).is_empty() || !lock(&self.state.refresh).is_empty()
    }

    /// The company's app, as an admin saves it: its id, and a secret where the way needs one.
    pub fn app(&self) -> (&str, Option<&str>, &'static str) {
        use engine::vault::ClientAuth::{Basic, None as Public, Post};
        let auth = match &self.state.way {
            Way::Oauth(way) => way.client_auth,
            Way::Device(way) => way.client_auth,
            Way::Mcp(_) | Way::Key(_) => Public,
        };
        match auth {
            Public => (CLIENT, None, "none"),
            Basic => (CLIENT, Some(&self.state.secret), "basic"),
            Post => (CLIENT, Some(&self.state.secret), "post"),
        }
    }

    /// What was asked for otherwise than the manifest says.
    pub fn complaints(&self) -> Vec<String> {
        lock(&self.state.complaints).clone()
    }

    /// Every secret that it gave out or was shown, to search for.
    pub fn needles(&self) -> Result<search::Needles> {
        let given = lock(&self.state.given).clone();
        search::Needles::new(given.iter().map(|secret| ("a secret", secret.as_str())))
    }
}

impl State {
    async fn respond(&self, host: &str, seen: &Seen) -> Response {
        let asked = format!("https://{host}{}", seen.path);
        if let Some(answer) = self.sign_in(host, &asked, seen) {
            return answer;
        }
        match self.service(&asked, seen).await {
            Some(answer) => answer,
            None => self.no(
                404,
                &format!("{} {asked} is not in the manifest", seen.method),
            ),
        }
    }

    /// Seconds that an access token lives.
    pub fn life_s(&self) -> u64 {
        let told = self.manifest.tokens.as_ref().and_then(|t| t.access_seconds);
        told.unwrap_or(USUAL_LIFE_S)
    }

    /// Where a URL of the manifest's is acted.
    pub fn acted(&self, url: &str) -> String {
        let host = Url::parse(url).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        let address = self.addresses.get().and_then(|all| all.get(host));
        address.map_or_else(String::new, |address| {
            url.replacen(&format!("https://{host}"), address, 1)
        })
    }

    /// The manifest with its id and every URL that the engine calls in another place.
    fn moved(&self, text: &str) -> Result<String> {
        let mut changes: Vec<(Range<usize>, String)> = urls(&self.manifest)
            .into_iter()
            .map(|(at, url)| (at, self.acted(&url)))
            .collect();
        changes.push((self.manifest.id.span(), acted_id(&self.manifest)));
        changes.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
        let mut moved = text.to_owned();
        for (at, new) in changes {
            moved.replace_range(at, &format!("\"{new}\""));
        }
        if let (Some(theirs), Some(ours)) = (registered_port(&self.way), self.port) {
            let written = format!("port = {theirs}");
            anyhow::ensure!(moved.contains(&written), "{written} is written so");
            moved = moved.replace(&written, &format!("port = {ours}"));
        }
        Ok(moved)
    }

    /// A secret that must never be found anywhere.
    fn give(&self, what: &str) -> String {
        let secret = search::canary(what);
        lock(&self.given).push(secret.clone());
        secret
    }

    /// A refusal that a journey must not meet.
    fn no(&self, status: u16, why: &str) -> Response {
        lock(&self.complaints).push(why.to_owned());
        text(status, why)
    }
}

fn acted_id(manifest: &Manifest) -> String {
    format!("acted-{}", manifest.id.get_ref())
}

/// The port that the provider has in its redirect address.
fn registered_port(way: &Way) -> Option<u16> {
    match way {
        Way::Mcp(way) => way.port,
        Way::Oauth(way) => match way.return_by.first() {
            Some(ReturnBy::Port(port)) => Some(*port),
            Some(ReturnBy::Loopback | ReturnBy::DeepLink | ReturnBy::Relay) | None => None,
        },
        Way::Device(_) | Way::Key(_) => None,
    }
}

/// The real one may be in use by another run of these tests.
fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

/// Every URL that the engine calls, with its place in the file.
fn urls(manifest: &Manifest) -> Vec<(Range<usize>, String)> {
    let mut found = vec![];
    macro_rules! add {
        ($url:expr) => {
            found.push(($url.span(), $url.get_ref().clone()))
        };
    }
    for way in manifest.ways.get_ref() {
        match way.get_ref() {
            Way::Mcp(way) => add!(way.url),
            Way::Oauth(way) => {
                for url in [
                    &way.issuer,
                    &way.authorization_endpoint,
                    &way.token_endpoint,
                ]
                .into_iter()
                .flatten()
                {
                    add!(url);
                }
                if let Some(revocation) = &way.revocation {
                    add!(revocation.url);
                }
            }
            Way::Device(way) => {
                add!(way.device_authorization_endpoint);
                add!(way.token_endpoint);
            }
            Way::Key(way) => {
                if let Some(url) = &way.mcp {
                    add!(url);
                }
            }
        }
    }
    if let Some(api) = &manifest.api {
        add!(api.base_url);
    }
    if let Some(identity) = &manifest.identity {
        add!(identity.url);
    }
    found
}

/// The same address, where one of them may end in a slash.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}
