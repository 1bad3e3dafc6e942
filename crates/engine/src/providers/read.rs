//! One manifest's text, read and checked: a [`Manifest`], or every reason why it is refused, each with
//! its line.
//!
//! Owns: what must hold within one file. Must not know: other manifests ([`super::Catalogue`] looks for
//! a second one of an id), or where the text came from.

use super::manifest::{Bundle, Guide, Key, KeyAuth, Manifest, OAuth, Way};
use crate::http::guard::{Place, place};
use std::{collections::BTreeSet, net::IpAddr, ops::Range};
use toml::Spanned;
use url::{Host, Url};

/// The only version of the shape so far.
const SCHEMA: u32 = 1;
/// Longest file, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// Which hosts a manifest may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// By https, and none on this computer or in a private network.
    #[default]
    Public,
    /// Also by http on this computer: for tests on servers of their own.
    #[cfg(feature = "fakes")]
    Loopback,
}

/// Why a manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// From 1; `None` where the file as a whole is meant.
    pub line: Option<u32>,
    /// A fragment that names the thing; may hold text of the file's.
    pub why: String,
}

/// Reads and checks one manifest.
///
/// # Errors
/// Every reason, in the order of its lines.
pub fn read(text: &str, hosts: Hosts) -> Result<Manifest, Vec<Reason>> {
    if text.len() > MAX_BYTES {
        let why = format!("it has {} bytes, {MAX_BYTES} are the most", text.len());
        return Err(vec![Reason { line: None, why }]);
    }
    let manifest: Manifest = toml::from_str(text).map_err(|error| {
        vec![Reason {
            line: error.span().map(|span| line_of(text, span.start)),
            // The first line is the reason; the rest repeats the file with a marker below it.
            why: error
                .message()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        }]
    })?;
    let mut check = Check {
        text,
        hosts,
        found: vec![],
    };
    check.all(&manifest);
    if check.found.is_empty() {
        return Ok(manifest);
    }
    check.found.sort_by_key(|reason| reason.line);
    Err(check.found)
}

pub(super) fn line_of(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().iter().take(at);
    u32::try_from(before.filter(|byte| **byte == b'\n').count() + 1).unwrap_or(u32::MAX)
}

struct Check<'a> {
    text: &'a str,
    hosts: Hosts,
    found: Vec<Reason>,
}

impl Check<'_> {
    fn refuse(&mut self, at: Range<usize>, why: impl Into<String>) {
        self.found.push(Reason {
            line: Some(line_of(self.text, at.start)),
            why: why.into(),
        });
    }

    fn all(&mut self, manifest: &Manifest) {
        if *manifest.schema.get_ref() != SCHEMA {
            let why = format!(
                "schema {} is not known, {SCHEMA} is",
                manifest.schema.get_ref()
            );
            self.refuse(manifest.schema.span(), why);
        }
        self.id(&manifest.id);
        self.length(&manifest.name, "the name", 40);
        self.length(&manifest.summary, "the summary", 90);
        if !is_colour(manifest.colour.get_ref()) {
            let why = format!("the colour {} is not #rrggbb", manifest.colour.get_ref());
            self.refuse(manifest.colour.span(), why);
        }
        self.ways(manifest);
        if let Some(api) = &manifest.api {
            self.url(&api.base_url);
            let path = &api.ping.path;
            if !path.starts_with('/') || path.starts_with("//") {
                let why = "the ping's path does not begin with one /";
                self.refuse(api.base_url.span(), why);
            }
            self.sources(manifest, &api.source);
        }
        if let Some(identity) = &manifest.identity {
            self.url(&identity.url);
            self.sources(manifest, &identity.source);
        }
        self.bundles(manifest);
        self.tools(manifest);
        if let Some(tokens) = &manifest.tokens {
            self.sources(manifest, &tokens.source);
        }
        for sunset in &manifest.sunsets {
            if sunset.day().is_none() {
                let why = format!("a sunset is on {}, which is no date", sunset.on);
                self.refuse(sunset.link.span(), why);
            }
            self.url(&sunset.link);
            self.sources(manifest, &sunset.source);
        }
        for note in &manifest.notes {
            self.sources(manifest, &note.source);
        }
    }

    fn id(&mut self, id: &Spanned<String>) {
        let text = id.get_ref();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || text.len() > 40 || !text.chars().all(plain) {
            let why = format!("the id {text} is not 1 to 40 of a-z, 0-9 and -");
            self.refuse(id.span(), why);
        }
    }

    fn length(&mut self, text: &Spanned<String>, what: &str, most: usize) {
        let length = text.get_ref().trim().chars().count();
        if length == 0 {
            self.refuse(text.span(), format!("{what} is empty"));
        }
        if length > most {
            let why = format!("{what} has {length} characters, {most} are the most");
            self.refuse(text.span(), why);
        }
    }

    /// An https URL of a public host without credentials.
    fn url(&mut self, url: &Spanned<String>) {
        if let Err(why) = allowed(url.get_ref(), self.hosts) {
            self.refuse(url.span(), why);
        }
    }

    fn sources(&mut self, manifest: &Manifest, used: &[Spanned<String>]) {
        for tag in used {
            if !manifest.sources.contains_key(tag.get_ref()) {
                let why = format!("the source {} is not listed in [sources]", tag.get_ref());
                self.refuse(tag.span(), why);
            }
        }
    }

    fn guide(&mut self, manifest: &Manifest, guide: Option<&Guide>) {
        if let Some(guide) = guide {
            if let Some(page) = &guide.page {
                self.url(page);
            }
            self.sources(manifest, &guide.source);
        }
    }

    fn ways(&mut self, manifest: &Manifest) {
        let ways = manifest.ways.get_ref();
        if ways.is_empty() {
            self.refuse(manifest.ways.span(), "there is no way to connect");
        }
        let mut seen = BTreeSet::new();
        for spanned in ways {
            let way = spanned.get_ref();
            if !seen.insert(way.id()) {
                let why = format!("the way {} stands twice", way.id());
                self.refuse(spanned.span(), why);
            }
            self.sources(manifest, way.source());
            if way.source().is_empty() {
                let why = format!("the way {} has no source", way.id());
                self.refuse(spanned.span(), why);
            }
            if leads_to_api(way) && manifest.api.is_none() {
                let why = format!(
                    "the way {} leads to an API, and there is no [api]",
                    way.id()
                );
                self.refuse(spanned.span(), why);
            }
            match way {
                Way::Mcp(mcp) => {
                    self.url(&mcp.url);
                    self.guide(manifest, mcp.guide.as_ref());
                }
                Way::Oauth(oauth) => {
                    self.oauth(oauth, spanned.span());
                    self.guide(manifest, oauth.guide.as_ref());
                }
                Way::Device(device) => {
                    self.url(&device.device_authorization_endpoint);
                    self.url(&device.token_endpoint);
                    self.guide(manifest, device.guide.as_ref());
                }
                Way::Key(key) => {
                    if let Some(mcp) = &key.mcp {
                        self.url(mcp);
                    }
                    self.guide(manifest, Some(&key.guide));
                    if let Some(why) = key_place(key) {
                        self.refuse(spanned.span(), why);
                    }
                }
            }
        }
    }

    fn oauth(&mut self, oauth: &OAuth, at: Range<usize>) {
        let endpoints = (&oauth.authorization_endpoint, &oauth.token_endpoint);
        match (&oauth.issuer, endpoints) {
            (Some(_), (None, None)) | (None, (Some(_), Some(_))) => {}
            (Some(_), _) => self.refuse(at.clone(), "it has an issuer and endpoints: one of them"),
            (None, _) => self.refuse(
                at.clone(),
                "it has neither an issuer nor both authorization_endpoint and token_endpoint",
            ),
        }
        let revocation = oauth.revocation.as_ref().map(|revocation| &revocation.url);
        for url in [
            oauth.issuer.as_ref(),
            oauth.authorization_endpoint.as_ref(),
            oauth.token_endpoint.as_ref(),
            revocation,
        ]
        .into_iter()
        .flatten()
        {
            self.url(url);
        }
        if oauth.return_by.is_empty() {
            self.refuse(at.clone(), "return_by is empty");
        }
        if let Some(separator) = &oauth.scope_separator
            && separator.chars().count() != 1
        {
            self.refuse(at, "scope_separator is not one character");
        }
    }

    fn bundles(&mut self, manifest: &Manifest) {
        let mut seen = BTreeSet::new();
        for bundle in &manifest.bundles {
            let Bundle {
                id, says, source, ..
            } = bundle;
            self.id(id);
            if !seen.insert(id.get_ref()) {
                let why = format!("the bundle {} stands twice", id.get_ref());
                self.refuse(id.span(), why);
            }
            self.length(says, "the bundle's sentence", 60);
            if bundle.scopes.iter().any(|scope| !is_scope(scope)) || bundle.scopes.is_empty() {
                let why = format!(
                    "the bundle {} lists no scope, or one with a space",
                    id.get_ref()
                );
                self.refuse(id.span(), why);
            }
            self.sources(manifest, source);
        }
        if !manifest.bundles.is_empty() && !manifest.bundles.iter().any(|bundle| bundle.default) {
            let first = manifest.bundles.first().map(|bundle| bundle.id.span());
            self.refuse(
                first.unwrap_or_default(),
                "no bundle is the default: the least that is of use",
            );
        }
    }

    fn tools(&mut self, manifest: &Manifest) {
        let listed: BTreeSet<&String> = manifest
            .bundles
            .iter()
            .flat_map(|bundle| &bundle.scopes)
            .chain(&manifest.scopes.always)
            .collect();
        for tool in &manifest.tools {
            for scope in &tool.scopes {
                if !listed.contains(scope.get_ref()) {
                    let why = format!(
                        "the tool {} needs the scope {}, which no bundle lists",
                        tool.name,
                        scope.get_ref()
                    );
                    self.refuse(scope.span(), why);
                }
            }
        }
    }
}

/// What is said too much or too little of where the key goes.
fn key_place(key: &Key) -> Option<&'static str> {
    match (key.auth, key.name.is_some(), key.user.is_some()) {
        (KeyAuth::Header | KeyAuth::Query, true, false)
        | (KeyAuth::Bearer, false, false)
        | (KeyAuth::Basic, false, true) => None,
        (KeyAuth::Header | KeyAuth::Query, false, _) => {
            Some("the key's header or parameter has no name")
        }
        (KeyAuth::Bearer | KeyAuth::Basic, true, _) => {
            Some("only a header or a query parameter has a name")
        }
        (KeyAuth::Basic, false, false) => {
            Some("basic needs the user that the key belongs to: the sheet asks for the key alone")
        }
        (KeyAuth::Bearer | KeyAuth::Header | KeyAuth::Query, _, true) => {
            Some("only basic has a user")
        }
    }
}

fn leads_to_api(way: &Way) -> bool {
    match way {
        Way::Mcp(_) => false,
        Way::Oauth(_) | Way::Device(_) => true,
        Way::Key(key) => key.mcp.is_none(),
    }
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit()))
}

/// RFC 6749 section 3.3: visible ASCII but for quote and backslash.
fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
}

/// Whether a manifest may name this URL; a fragment that says why not.
fn allowed(text: &str, hosts: Hosts) -> Result<(), String> {
    let url = Url::parse(text).map_err(|_| format!("{text} is not a URL"))?;
    let Some(host) = url.host() else {
        return Err(format!("{text} has no host"));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL holds a user name or a password".to_owned());
    }
    if url.fragment().is_some() {
        return Err(format!("{text} has a fragment"));
    }
    #[cfg(feature = "fakes")]
    if hosts == Hosts::Loopback && host.to_string() == "127.0.0.1" {
        return Ok(());
    }
    match hosts {
        Hosts::Public => {}
        #[cfg(feature = "fakes")]
        Hosts::Loopback => {}
    }
    if url.scheme() != "https" {
        return Err(format!("{text} is not https"));
    }
    if is_private(&host) {
        return Err(format!("the host {host} is not a public one"));
    }
    Ok(())
}

/// Names that are never public: RFC 6761, RFC 6762, RFC 8375, and the one that ICANN keeps for
/// private use; a name without a dot; an address that is not public.
fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            const ENDS: [&str; 8] = [
                "localhost",
                "local",
                "internal",
                "home.arpa",
                "lan",
                "test",
                "invalid",
                "onion",
            ];
            !name.contains('.')
                || ENDS.iter().any(|end| {
                    name.strip_suffix(end)
                        .is_some_and(|rest| rest.ends_with('.'))
                })
        }
        Host::Ipv4(v4) => place(IpAddr::V4(*v4)) != Place::Public,
        Host::Ipv6(v6) => place(IpAddr::V6(*v6)) != Place::Public,
    }
}
