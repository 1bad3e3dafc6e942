//! The authorization server of an acted provider: it gives nothing to a request that differs from what
//! the manifest says, and answers with the oddities that the manifest names.

use super::{
    super::{
        odd::{CLIENT, lock},
        scripted::{Seen, json, redirect},
        search,
    },
    State, same,
};
use axum::response::Response;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use engine::{
    providers::manifest::{
        Client, Device, GrantedIn, OAuth, Pkce, ReturnBy, RevokedBy, TokenQuirks, Way,
    },
    vault::ClientAuth,
};
use serde_json::{Value, json as value};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Mutex, atomic::Ordering},
};
use url::Url;

/// What an authorization request was about.
pub struct Asked {
    challenge: Option<String>,
    redirect: String,
    scopes: Vec<String>,
}

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl State {
    /// The answer, where the request is one of a sign-in's.
    pub(super) fn sign_in(&self, host: &str, asked: &str, seen: &Seen) -> Option<Response> {
        match &self.way {
            Way::Mcp(way) => {
                let url = Url::parse(&way.url.get_ref().clone()).ok()?;
                if url.host_str() != Some(host) {
                    return None;
                }
                self.of_mcp(&url, seen)
            }
            Way::Oauth(way) => self.of_oauth(way, asked, seen),
            Way::Device(way) => self.of_device(way, asked, seen),
            Way::Key(_) => None,
        }
    }

    /// An MCP server with its authorization server beside it, as RFC 9728, 8414 and 7591 say.
    fn of_mcp(&self, url: &Url, seen: &Seen) -> Option<Response> {
        let resource = self.acted(url.as_str());
        let issuer = Url::parse(&resource).ok()?.origin().ascii_serialization();
        let protected = format!(
            "/.well-known/oauth-protected-resource{}",
            url.path().trim_end_matches('/')
        );
        Some(match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", path) if path == protected => json(
                200,
                &value!({ "resource": resource, "authorization_servers": [issuer] }),
            ),
            ("GET", "/.well-known/oauth-authorization-server") => json(
                200,
                &value!({
                    "issuer": issuer,
                    "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"),
                    "registration_endpoint": format!("{issuer}/register"),
                    "revocation_endpoint": format!("{issuer}/revoke"),
                    "response_types_supported": ["code"],
                    "grant_types_supported": ["authorization_code", "refresh_token"],
                    "code_challenge_methods_supported": ["S256"],
                    "token_endpoint_auth_methods_supported": ["none"],
                }),
            ),
            ("POST", "/register") => {
                let id = format!("client-{}", uuid::Uuid::now_v7());
                lock(&self.clients).insert(id.clone());
                json(
                    201,
                    &value!({ "client_id": id, "token_endpoint_auth_method": "none" }),
                )
            }
            ("GET", "/authorize") => {
                if !seen
                    .asked("resource")
                    .is_some_and(|it| same(&it, &resource))
                {
                    return Some(self.no(400, "it asks for another resource"));
                }
                self.authorize(seen, Pkce::Required, (' ', "scope"))
            }
            ("POST", "/token") => self.token(seen, ClientAuth::None, &TokenQuirks::default()),
            ("POST", "/revoke") => self.revoke(&seen.form("token").unwrap_or_default(), 200),
            _ => return None,
        })
    }

    fn of_oauth(&self, way: &OAuth, asked: &str, seen: &Seen) -> Option<Response> {
        let is = |url: Option<&String>| url.is_some_and(|url| same(url, asked));
        let separator = way
            .scope_separator
            .as_deref()
            .and_then(|it| it.chars().next());
        let separator = separator.unwrap_or(' ');
        if is(way.authorization_endpoint.as_ref().map(|url| url.get_ref())) {
            for (name, wanted) in &way.extra {
                if seen.asked(name).as_ref() != Some(wanted) {
                    return Some(self.no(400, &format!("{name} is not {wanted}")));
                }
            }
            let name = way.scope_parameter.as_deref().unwrap_or("scope");
            return Some(self.authorize(seen, way.pkce, (separator, name)));
        }
        if is(way.token_endpoint.as_ref().map(|url| url.get_ref())) {
            let mut quirks = way.token.clone();
            quirks.scope_separator = quirks.scope_separator.or(Some(separator));
            return Some(self.token(seen, way.client_auth, &quirks));
        }
        let revocation = way.revocation.as_ref()?;
        let url = revocation.url.get_ref();
        Some(match revocation.by {
            RevokedBy::Rfc7009 if same(url, asked) => {
                if !self.knows(seen, way.client_auth) {
                    return Some(self.no(401, "the revocation is another client's"));
                }
                self.revoke(&seen.form("token").unwrap_or_default(), 200)
            }
            RevokedBy::Bearer if same(url, asked) => self.revoke(&seen.bearer(), 200),
            RevokedBy::DeleteInPath => {
                let token = asked.strip_prefix(&format!("{}/", url.trim_end_matches('/')))?;
                if seen.method != "DELETE" {
                    return Some(self.no(405, "to revoke is to DELETE"));
                }
                self.revoke(&token.replace("%2F", "/"), 204)
            }
            RevokedBy::Rfc7009 | RevokedBy::Bearer => return None,
        })
    }

    fn of_device(&self, way: &Device, asked: &str, seen: &Seen) -> Option<Response> {
        let separator = way
            .scope_separator
            .as_deref()
            .and_then(|it| it.chars().next());
        let separator = separator.unwrap_or(' ');
        if same(way.device_authorization_endpoint.get_ref(), asked) {
            let scopes = self.scopes_in(seen.form("scope"), separator);
            if !self.knows(seen, way.client_auth) || scopes != *lock(&self.expects) {
                let why = format!("a device code for {scopes:?}, or for another client");
                return Some(self.no(400, &why));
            }
            let code = self.give("device code");
            let about = Asked {
                challenge: None,
                redirect: String::new(),
                scopes,
            };
            lock(&self.codes).insert(code.clone(), about);
            return Some(json(
                200,
                &value!({
                    "device_code": code, "user_code": "WDJB-MJHT", "expires_in": 900, "interval": 5,
                    "verification_uri": "https://acted.example/device",
                }),
            ));
        }
        if !same(way.token_endpoint.get_ref(), asked) {
            return None;
        }
        let mut quirks = way.token.clone();
        quirks.scope_separator = quirks.scope_separator.or(Some(separator));
        Some(self.token(seen, way.client_auth, &quirks))
    }

    fn authorize(&self, seen: &Seen, pkce: Pkce, (separator, parameter): (char, &str)) -> Response {
        let asked = |name: &str| seen.asked(name).unwrap_or_default();
        if asked("response_type") != "code" || !self.is_client(&asked("client_id")) {
            return self.no(400, "no code is asked for, or by another client");
        }
        let back = asked("redirect_uri");
        if !self.leads_back(&back) {
            return self.no(400, &format!("the way back is {back}"));
        }
        let challenge = seen.asked("code_challenge");
        let as_told = match pkce {
            Pkce::Required | Pkce::Sent => {
                challenge.is_some() && asked("code_challenge_method") == "S256"
            }
            Pkce::Off => challenge.is_none(),
        };
        if !as_told {
            return self.no(400, "PKCE is not as the manifest says");
        }
        let scopes = self.scopes_in(seen.asked(parameter), separator);
        if scopes != *lock(&self.expects) {
            return self.no(400, &format!("it asks for {scopes:?} by {parameter}"));
        }
        let code = self.give("code");
        let about = Asked {
            challenge,
            redirect: back.clone(),
            scopes,
        };
        lock(&self.codes).insert(code.clone(), about);
        let mut answer = url::form_urlencoded::Serializer::new(String::new());
        answer
            .append_pair("code", &code)
            .append_pair("state", &asked("state"));
        redirect(302, &format!("{back}?{}", answer.finish()))
    }

    /// Whether the redirect address is the one that is registered.
    fn leads_back(&self, to: &str) -> bool {
        let back = match &self.way {
            Way::Oauth(way) => way.return_by.first(),
            Way::Mcp(_) | Way::Device(_) | Way::Key(_) => None,
        };
        if back == Some(&ReturnBy::DeepLink) {
            return to == "app.chief.integrations:/oauth/callback";
        }
        let Ok(url) = Url::parse(to) else {
            return false;
        };
        let loopback = url.scheme() == "http"
            && url.host_str() == Some("127.0.0.1")
            && url.path() == "/callback"
            && url.query().is_none();
        loopback && self.port.is_none_or(|port| url.port() == Some(port))
    }

    /// The scopes of a request, sorted.
    fn scopes_in(&self, written: Option<String>, separator: char) -> Vec<String> {
        let written = written.unwrap_or_default();
        let mut scopes: Vec<String> = written
            .split(separator)
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect();
        scopes.sort();
        scopes
    }

    fn token(&self, seen: &Seen, auth: ClientAuth, quirks: &TokenQuirks) -> Response {
        let form = |name: &str| seen.form(name).unwrap_or_default();
        if !self.knows(seen, auth) {
            lock(&self.complaints).push("the client does not show itself as it should".to_owned());
            return json(401, &value!({ "error": "invalid_client" }));
        }
        match form("grant_type").as_str() {
            "authorization_code" => {
                let Some(asked) = lock(&self.codes).remove(&form("code")) else {
                    return self.no(400, "a code that was never given");
                };
                let verifier = seen.form("code_verifier");
                let proof = verifier.map(|it| URL_SAFE_NO_PAD.encode(Sha256::digest(it)));
                if proof != asked.challenge || asked.redirect != form("redirect_uri") {
                    return self.no(
                        400,
                        "the code's proof, or its redirect address, is not its own",
                    );
                }
                json(200, &self.tokens(quirks, Ok(&asked.scopes)))
            }
            DEVICE_GRANT => match lock(&self.codes).remove(&form("device_code")) {
                Some(asked) => json(200, &self.tokens(quirks, Ok(&asked.scopes))),
                None => self.no(400, "a device code that was never given"),
            },
            "refresh_token" => {
                let sent = form("refresh_token");
                let mut living = lock(&self.refresh);
                let grant = if self.rotates() {
                    living.remove(&sent)
                } else {
                    living.get(&sent).copied()
                };
                drop(living);
                let Some(grant) = grant else {
                    return self.over();
                };
                // The access token of before ends with it.
                lock(&self.access).retain(|_, of| *of != grant);
                json(200, &self.tokens(quirks, Err(grant)))
            }
            other => self.no(400, &format!("the grant {other}")),
        }
    }

    /// A refresh token that is over, in the vendor's own words, which no manifest has to know.
    fn over(&self) -> Response {
        match self.manifest.id.get_ref().as_str() {
            "slack" => json(
                200,
                &value!({ "ok": false, "error": "invalid_refresh_token" }),
            ),
            "github" => json(200, &value!({ "error": "bad_refresh_token" })),
            _ => json(400, &value!({ "error": "invalid_grant" })),
        }
    }

    /// Whether a refresh token is used up by its use.
    pub fn rotates(&self) -> bool {
        let told = self.manifest.tokens.as_ref().and_then(|t| t.rotates);
        told.unwrap_or(matches!(self.way, Way::Mcp(_)))
    }

    /// A token answer: a first one with its scopes, or another of a grant.
    fn tokens(&self, quirks: &TokenQuirks, what: Result<&[String], u32>) -> Value {
        let scopes = what.ok();
        let grant = match what {
            Ok(_) => self.grants.fetch_add(1, Ordering::Relaxed),
            Err(grant) => grant,
        };
        let access = self.give("access token");
        lock(&self.access).insert(access.clone(), grant);
        let kind = quirks.token_types.first().map_or("bearer", String::as_str);
        let life = quirks.life_field.as_deref().unwrap_or("expires_in");
        let mut answer =
            value!({ "access_token": access, "token_type": kind, life: self.life_s() });
        if scopes.is_some() || self.rotates() {
            let refresh = self.give("refresh token");
            lock(&self.refresh).insert(refresh.clone(), grant);
            answer["refresh_token"] = refresh.into();
        }
        if let (Some(scopes), true) = (scopes, self.tells_scopes()) {
            let separator = quirks.scope_separator.unwrap_or(' ').to_string();
            answer["scope"] = scopes.join(&separator).into();
        }
        let Some(within) = &quirks.within else {
            return answer;
        };
        // What stands outside is another one's.
        let mut whole = value!({
            "ok": true, "access_token": search::canary("not ours"), "token_type": "bot", "scope": "bot",
        });
        super::service::put(&mut whole, within, answer);
        whole
    }

    fn tells_scopes(&self) -> bool {
        match (&self.way, self.manifest.scopes.granted_in) {
            (Way::Mcp(_), _) | (_, GrantedIn::TokenAnswer) => true,
            (Way::Oauth(_) | Way::Device(_) | Way::Key(_), GrantedIn::Nowhere) => false,
        }
    }

    fn revoke(&self, token: &str, status: u16) -> Response {
        let of = |tokens: &Mutex<BTreeMap<String, u32>>| lock(tokens).get(token).copied();
        if let Some(grant) = of(&self.refresh).or_else(|| of(&self.access)) {
            lock(&self.refresh).retain(|_, of| *of != grant);
            lock(&self.access).retain(|_, of| *of != grant);
        }
        super::super::scripted::text(status, "")
    }

    fn is_client(&self, id: &str) -> bool {
        match &self.way {
            Way::Mcp(way) if way.client == Client::Dynamic => lock(&self.clients).contains(id),
            Way::Mcp(_) | Way::Oauth(_) | Way::Device(_) | Way::Key(_) => id == CLIENT,
        }
    }

    /// Whether the client shows itself in this way and in no other (RFC 6749 section 2.3).
    fn knows(&self, seen: &Seen, auth: ClientAuth) -> bool {
        let (header, id) = (seen.header("authorization"), seen.form("client_id"));
        let secret = seen.form("client_secret");
        match auth {
            ClientAuth::None => {
                header.is_empty() && secret.is_none() && id.is_some_and(|id| self.is_client(&id))
            }
            ClientAuth::Post => {
                header.is_empty()
                    && id.as_deref() == Some(CLIENT)
                    && secret.as_ref() == Some(&self.secret)
            }
            ClientAuth::Basic => {
                let pair: String =
                    url::form_urlencoded::byte_serialize(self.secret.as_bytes()).collect();
                let pair = STANDARD.encode(format!("{CLIENT}:{pair}"));
                secret.is_none() && header == format!("Basic {pair}")
            }
        }
    }
}
