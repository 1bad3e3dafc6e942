//! The one door out: every request of the engine leaves here.
//!
//! Owns: where a request may go ([`guard`]), redirects, limits of size and time, and turning what
//! went wrong into words. Must not know: credentials by kind, OAuth, MCP.

pub(crate) mod answer;
pub(crate) mod failure;
pub(crate) mod guard;
pub(crate) mod limits;

pub(crate) use answer::{GUESSED, is_page, retry_after};
pub use answer::{classify, inert};
pub use failure::explain;
pub use guard::Reach;
pub use limits::Limits;

use failure::Failure;
use guard::{Guard, Lookup, Resolver, Settings, Transport};
use hyper_util::client::proxy::matcher::Matcher;
pub(crate) use reqwest::header::HeaderMap;
use reqwest::{
    Method, Proxy, Url,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use wire::{Error, ErrorCode};

/// How long looking up and connecting may take.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A connection of HTTP/2 carries all requests to its host, and outlives one that hears nothing: while
/// requests are under way it is asked after as much silence whether it lives, and given up after as much more.
const ALIVE_WITHIN: Duration = Duration::from_secs(10);
/// Redirects that are followed before giving up.
const HOPS: usize = 5;

/// The door. Cheap to clone; connections are pooled for each reach.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    guard: Arc<Guard>,
    clients: Mutex<Clients>,
}

type Clients = HashMap<(Transport, Vec<String>), reqwest::Client>;

/// One request. Without `Debug`: it carries credentials.
pub struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Vec<u8>>,
    pub redirects: Redirects,
    pub limits: Limits,
}

impl Outgoing {
    /// A GET that refuses redirects, with the usual limits.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            redirects: Redirects::Refuse,
            limits: Limits::default(),
        }
    }

    /// A POST of `body` that refuses redirects, with the usual limits.
    #[must_use]
    pub fn post(url: Url, content_type: &'static str, body: Vec<u8>) -> Self {
        let mut post = Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(url)
        };
        post.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        post
    }
}

/// What to do when the answer sends us elsewhere. To another origin nothing is ever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// Any redirect is an error.
    Refuse,
    /// Followed on the same origin (scheme, host and port), at most five times; see [`by_tls`].
    SameOrigin,
}

/// What came back, whole and within the limits. Without `Debug`: it may hold tokens.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Decompressed.
    pub body: Vec<u8>,
    /// From the call to the last byte.
    pub took_ms: u32,
}

impl Http {
    /// A door with the system's name look-up, proxy settings and trusted certificates. The
    /// certificates are read with the first request, which keeps them out of the app's start.
    ///
    /// # Errors
    /// None now: where TLS cannot be set up, the first request says so (`Internal`).
    pub fn new() -> Result<Self, Error> {
        let settings = || Arc::new(Matcher::from_system());
        Ok(Self::build(guard::system_lookup(), Box::new(settings)))
    }

    pub(crate) fn build(lookup: Lookup, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            guard: Arc::new(Guard::new(lookup, settings)),
            clients: Mutex::default(),
        }))
    }

    /// From now on requests make connections anew: after a sleep or on another network those of before may
    /// lead nowhere, and need not know it. What is under way goes on.
    pub(crate) fn connect_anew(&self) {
        self.clients().clear();
    }

    /// Whether this URL may be called at all, with a look-up of its name.
    ///
    /// # Errors
    /// `UrlInvalid`, `UrlHasCredentials`, `UrlNotSecure` (http to a public place),
    /// `AddressForbidden`, `AddressPrivate` (not confirmed in `reach`), `Unreachable` (no such
    /// name). Behind a proxy, names are judged by themselves.
    pub async fn check(&self, url: &Url, reach: &Reach) -> Result<(), Error> {
        self.0.guard.check(url, reach).await
    }

    /// A client for requests to `url`'s scheme, for libraries that bring their own requests. It
    /// judges every address when it connects, follows no redirects and sets no time limit on
    /// answers (they may be streams). Put its errors through [`explain`].
    ///
    /// # Errors
    /// As [`Http::check`], without the look-up; `Internal` where TLS cannot be set up.
    pub fn client(&self, url: &Url, reach: &Reach) -> Result<reqwest::Client, Error> {
        self.0.guard.preflight(url, reach)?;
        self.client_for(Transport::of(url), reach)
    }

    /// Sends one request and reads the whole answer, whatever its status ([`classify`] judges it).
    ///
    /// # Errors
    /// As [`Http::check`]; `RedirectRefused`, `TooLarge`, `Unreachable`, `BadAnswer` (cannot be
    /// decompressed, redirects in circles).
    pub async fn send(&self, request: Outgoing, reach: &Reach) -> Result<Answer, Error> {
        self.attempt(request, reach)
            .await
            .map_err(|failure| failure.error)
    }

    /// The same, also telling whether a failed request may have been acted on.
    pub(crate) async fn attempt(
        &self,
        request: Outgoing,
        reach: &Reach,
    ) -> Result<Answer, Failure> {
        let (host, seconds) = (host(&request.url), request.limits.seconds);
        let started = Instant::now();
        let within = Duration::from_secs(seconds);
        match tokio::time::timeout(within, self.follow(request, reach, started)).await {
            Ok(answered) => answered,
            Err(_) => Err(Failure {
                error: Error::new(ErrorCode::Unreachable)
                    .with("host", host)
                    .with("why", format!("no answer in {seconds} s")),
                sent: true,
            }),
        }
    }

    async fn follow(
        &self,
        mut request: Outgoing,
        reach: &Reach,
        started: Instant,
    ) -> Result<Answer, Failure> {
        let host = host(&request.url);
        for hop in 0..=HOPS {
            self.0
                .guard
                .preflight(&request.url, reach)
                .map_err(Failure::unsent)?;
            let client = self
                .client_for(Transport::of(&request.url), reach)
                .map_err(Failure::unsent)?;
            let mut outgoing = client
                .request(request.method.clone(), request.url.clone())
                .headers(request.headers.clone());
            if let Some(body) = &request.body {
                outgoing = outgoing.body(body.clone());
            }
            let answer = outgoing
                .send()
                .await
                .map_err(|error| failure::of_request(&error, &host))?;
            let Some(target) = target(&request.url, &answer) else {
                let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
                let body = limits::read(answer, &host, request.limits.bytes).await?;
                let took_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
                return Ok(Answer {
                    status,
                    headers,
                    body,
                    took_ms,
                });
            };
            let same_origin = target.origin() == request.url.origin();
            if request.redirects == Redirects::Refuse || !same_origin {
                return Err(Failure {
                    error: refused(&host, &target),
                    sent: true,
                });
            }
            if hop < HOPS {
                redirect(&mut request, answer.status().as_u16(), target);
            }
        }
        let error = Error::new(ErrorCode::BadAnswer).with("host", host);
        Err(Failure {
            error: error.with("why", format!("more than {HOPS} redirects")),
            sent: true,
        })
    }

    fn client_for(&self, transport: Transport, reach: &Reach) -> Result<reqwest::Client, Error> {
        let mut hosts = reach.private_hosts.clone();
        hosts.sort();
        hosts.dedup();
        let mut clients = self.clients();
        if let Some(client) = clients.get(&(transport, hosts.clone())) {
            return Ok(client.clone());
        }
        let client = build_client(&self.0.guard, transport, reach)?;
        clients.insert((transport, hosts), client.clone());
        Ok(client)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        let clients = self.0.clients.lock();
        clients.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What every client has, wherever it may go.
fn basics() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("ChiefIntegrations/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_WITHIN)
        .tcp_keepalive(Duration::from_secs(60))
        .http2_keep_alive_interval(ALIVE_WITHIN)
        .http2_keep_alive_timeout(ALIVE_WITHIN)
}

fn build_client(
    guard: &Arc<Guard>,
    transport: Transport,
    reach: &Reach,
) -> Result<reqwest::Client, Error> {
    let (route_guard, route_reach) = (guard.clone(), reach.clone());
    basics()
        .dns_resolver(Resolver {
            guard: guard.clone(),
            reach: reach.clone(),
            transport,
        })
        .proxy(Proxy::custom(move |url| {
            route_guard.route(url, &route_reach, transport)
        }))
        .build()
        .map_err(|error| {
            let why =
                std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
            Error::new(ErrorCode::Internal)
                .with("why", inert(&format!("TLS cannot be set up: {why}")))
        })
}

/// Where a redirect leads; `None` where the answer is none.
fn target(url: &Url, answer: &reqwest::Response) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get(LOCATION)?;
    // A target that cannot be read is nowhere we would go.
    let text = std::str::from_utf8(location.as_bytes()).unwrap_or("invalid:");
    let target = url
        .join(text)
        .unwrap_or_else(|_| Url::parse("invalid:").expect("a fixed, valid URL"));
    Some(by_tls(url, target))
}

/// Where a redirect from `from` leads. Behind a proxy that ends TLS many a server names itself by http: it is
/// asked by https all the same, so nothing goes elsewhere or in clear.
pub(crate) fn by_tls(from: &Url, to: Url) -> Url {
    let mut secure = to.clone();
    let only_lacks_tls = (from.scheme(), to.scheme()) == ("https", "http")
        && secure.set_scheme("https").is_ok()
        && secure.origin() == from.origin();
    if only_lacks_tls { secure } else { to }
}

fn refused(host: &str, target: &Url) -> Error {
    Error::new(ErrorCode::RedirectRefused)
        .with("host", host)
        .with("target", inert(&origin(target)))
}

/// The request that a redirect on the same origin asks for (RFC 9110 section 15.4): 307 and 308
/// repeat it, the others turn all but GET and HEAD into a GET without body.
fn redirect(request: &mut Outgoing, status: u16, target: Url) {
    let keeps = matches!(status, 307 | 308) || matches!(request.method, Method::GET | Method::HEAD);
    if !keeps {
        request.method = Method::GET;
        request.body = None;
        for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
            request.headers.remove(name);
        }
    }
    request.url = target;
}

/// `https://host:port`, with the port only where it is not the usual one.
#[must_use]
pub fn origin(url: &Url) -> String {
    match url.origin() {
        origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
        url::Origin::Opaque(_) => format!("{}:", url.scheme()),
    }
}

/// The host as errors and [`Reach`] name it: lower case, no port, IPv6 in brackets.
#[must_use]
pub fn host(url: &Url) -> String {
    url.host_str()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_ascii_lowercase()
}

/// The URL as it may be shown: without user info, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    inert(&format!(
        "{}{}",
        origin(url),
        if url.has_host() { url.path() } else { "" }
    ))
}

#[cfg(test)]
pub(crate) mod tests;
