//! What an acted provider is connected for: its API or its MCP server, and who is signed in there.

use super::{
    super::{
        mcp,
        odd::lock,
        scripted::{Seen, json, text, with_header},
    },
    State, same,
};
use axum::response::Response;
use engine::providers::manifest::{Api, KeyAuth, Meaning, Verdict, Way};
use serde_json::{Value, json as value};
use url::Url;

/// The request of an API that a journey makes.
pub const DEED: &str = "/acted/deed";

impl State {
    /// The answer, where the request is one that the manifest leads to.
    pub(super) async fn service(&self, asked: &str, seen: &Seen) -> Option<Response> {
        if let Some(url) = self.mcp() {
            return if same(url, asked) {
                Some(self.of_mcp_server(url, seen).await)
            } else {
                None
            };
        }
        let api = self.manifest.api.as_ref()?;
        let identity = self.manifest.identity.as_ref();
        let base = api.base_url.get_ref().trim_end_matches('/');
        let ping = Url::parse(&format!("{base}{}", api.ping.path)).ok()?;
        let ping_query = ping.query().unwrap_or_default();
        let verb = |method| reqwest::Method::from(method).as_str().to_owned();
        let here = format!("https://{}{}", ping.host_str()?, ping.path());
        let is_ping = same(&here, asked) && seen.query == ping_query;
        let is_identity = identity.is_some_and(|it| same(it.url.get_ref(), asked));
        if !is_ping && !is_identity && asked != format!("{base}{DEED}") {
            return None;
        }
        if !self.lets_in(seen) {
            return Some(refusal(api, Meaning::Rejected, None));
        }
        let as_ping = is_ping && seen.method == verb(api.ping.method);
        let as_identity = identity.is_some_and(|it| is_identity && seen.method == verb(it.method));
        if (is_ping || is_identity) && !as_ping && !as_identity {
            return Some(self.no(405, &format!("{} {asked}", seen.method)));
        }
        if let (false, Some(scope)) = (is_ping || is_identity, lock(&self.lacks).clone()) {
            return Some(refusal(api, Meaning::Forbidden, Some(&scope)));
        }
        let mut answer = value!({ "done": true });
        if let Some(identity) = identity {
            let person = *lock(&self.person);
            put(&mut answer, &identity.account, person.into());
            if let Some(label) = &identity.label {
                put(&mut answer, label, format!("Person {person}").into());
            }
        }
        if let Some(verdict) = &api.ping.verdict {
            put(&mut answer, &verdict.ok, true.into());
        }
        Some(json(200, &answer))
    }

    /// The MCP server that this way leads to.
    pub fn mcp(&self) -> Option<&str> {
        match &self.way {
            Way::Mcp(way) => Some(way.url.get_ref()),
            Way::Key(way) => way.mcp.as_ref().map(|url| url.get_ref().as_str()),
            Way::Oauth(_) | Way::Device(_) => None,
        }
    }

    async fn of_mcp_server(&self, url: &str, seen: &Seen) -> Response {
        if !self.lets_in(seen) {
            let refused = text(401, "sign in");
            return match &self.way {
                Way::Mcp(_) => {
                    let mut metadata =
                        Url::parse(&self.acted(url)).expect("an address of the test");
                    let path = metadata.path().trim_end_matches('/').to_owned();
                    metadata.set_path(&format!("/.well-known/oauth-protected-resource{path}"));
                    let challenge =
                        format!("Bearer resource_metadata=\"{metadata}\", scope=\"acted:read\"");
                    with_header(refused, "www-authenticate", &challenge)
                }
                Way::Key(_) | Way::Oauth(_) | Way::Device(_) => refused,
            };
        }
        let lacks = lock(&self.lacks).clone();
        if let (true, Some(scope)) = (seen.json()["method"] == "tools/call", lacks) {
            return challenged(&scope);
        }
        mcp::answer(seen, &self.go_on).await
    }

    /// Whether the request holds a token or a key that lives, where the manifest puts it.
    fn lets_in(&self, seen: &Seen) -> bool {
        let Way::Key(way) = &self.way else {
            return lock(&self.access).contains_key(&seen.bearer());
        };
        let name = way.name.as_deref().unwrap_or_default();
        let shown = match way.auth {
            KeyAuth::Bearer => seen.bearer(),
            KeyAuth::Header => seen.header(name),
            KeyAuth::Query => seen.asked(name).unwrap_or_default(),
            // No manifest of the app's has one.
            KeyAuth::Basic => String::new(),
        };
        lock(&self.keys).contains(&shown)
    }
}

/// As the service says it: in the body where its manifest reads bodies, else by the status.
fn refusal(api: &Api, meaning: Meaning, scope: Option<&str>) -> Response {
    let Some(verdict) = &api.ping.verdict else {
        return match scope {
            Some(scope) => challenged(scope),
            None => text(401, "who are you?"),
        };
    };
    let Verdict {
        ok, error, errors, ..
    } = verdict;
    let name = errors.iter().find(|(_, each)| **each == meaning);
    let mut answer = value!({});
    put(&mut answer, ok, false.into());
    let name = name.map_or("acted", |(name, _)| name.as_str());
    put(&mut answer, error, name.into());
    if let (Some(pointer), Some(scope)) = (&verdict.scope, scope) {
        put(&mut answer, pointer, scope.into());
    }
    json(200, &answer)
}

/// RFC 6750 section 3.1.
fn challenged(scope: &str) -> Response {
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    with_header(text(403, "not allowed"), "www-authenticate", &challenge)
}

/// Sets what a JSON pointer (RFC 6901) names; objects on the way are made.
pub(super) fn put(whole: &mut Value, pointer: &str, new: Value) {
    let mut place = whole;
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        if !place.is_object() {
            *place = value!({});
        }
        place = &mut place[name];
    }
    *place = new;
}
