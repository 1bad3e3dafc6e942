//! Where a request may go: decided on the address, at the moment of connecting.
//!
//! Owns: the classes of addresses, the guarded resolver and the choice of proxy. Must not know:
//! what is sent. A name is looked up again at each connection and the addresses that were judged
//! are the ones connected to, so an answer that changes in between (rebinding) gains nothing.

use super::host;
use futures::future::BoxFuture;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use url::Host;
use wire::{Error, ErrorCode};

/// The private places that the admin has confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Hosts (lower case, no port; IPv6 with or without brackets) whose private or loopback
    /// addresses are meant. Addresses that are never allowed stay so.
    pub private_hosts: Vec<String>,
}

impl Reach {
    /// True where the admin has confirmed this host.
    #[must_use]
    pub fn confirms(&self, host: &str) -> bool {
        let host = plain_host(host);
        self.private_hosts
            .iter()
            .any(|known| plain_host(known) == host)
    }
}

fn plain_host(host: &str) -> String {
    host.trim_end_matches('.')
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_ascii_lowercase()
}

/// What kind of place an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Public,
    /// This computer. Only where confirmed.
    Loopback,
    /// RFC 1918 and unique local. Only where confirmed.
    Private,
    /// Nothing an integration could live at: refused whatever was confirmed.
    Never,
}

/// Judges an address. Sources: the IANA special-purpose registries for IPv4 and IPv6, and the
/// metadata addresses that cloud vendors publish.
pub(crate) fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(v4) => place_v4(v4),
        IpAddr::V6(v6) => place_v6(v6),
    }
}

fn place_v4(v4: Ipv4Addr) -> Place {
    match v4.octets() {
        [127, ..] => Place::Loopback,
        [10, ..] | [192, 168, ..] => Place::Private,
        [172, b, ..] if (16..32).contains(&b) => Place::Private,
        // This network; link-local with 169.254.169.254; IETF protocol assignments; the retired
        // 6to4 relay; multicast; reserved and broadcast.
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [224..=255, ..] => {
            Place::Never
        }
        // Carrier-grade NAT, with Alibaba's metadata.
        [100, b, ..] if (64..128).contains(&b) => Place::Never,
        // Documentation and benchmarking.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, ..] => Place::Never,
        // Azure's platform address, which answers virtual machines only.
        [168, 63, 129, 16] => Place::Never,
        _ => Place::Public,
    }
}

fn place_v6(v6: Ipv6Addr) -> Place {
    if v6 == Ipv6Addr::LOCALHOST {
        return Place::Loopback;
    }
    if let Some(inner) = carried_v4(v6) {
        // Only a form of a public address may pass (NAT64 is how some networks reach IPv4).
        return match place_v4(inner) {
            Place::Public => Place::Public,
            Place::Loopback | Place::Private | Place::Never => Place::Never,
        };
    }
    match v6.segments() {
        // The metadata addresses of AWS and Google.
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            Place::Never
        }
        [0xfc00..=0xfdff, ..] => Place::Private,
        // IETF protocol assignments with Teredo and ORCHID; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Place::Never,
        [0x2000..=0x3fff, ..] => Place::Public,
        // Unspecified, link-local, site-local, multicast, discard, SRv6 and all unassigned space.
        _ => Place::Never,
    }
}

/// The IPv4 address inside an IPv6 one: mapped, NAT64, 6to4, ISATAP. (The compatible form `::a.b.c.d`
/// is long retired and falls under "never" with the rest of `::/96`.)
fn carried_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => Some(v4(a, b)),
        [0x2002, a, b, ..] => Some(v4(a, b)),
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, a, b] => Some(v4(a, b)),
        _ => None,
    }
}

/// What kind of place a name is, where only the name can be seen (behind a proxy).
fn place_of_name(name: &str) -> Place {
    let name = plain_host(name);
    let under = |suffix: &str| {
        name.strip_suffix(suffix)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    if matches!(
        name.as_str(),
        "metadata" | "metadata.google.internal" | "instance-data"
    ) {
        Place::Never
    } else if name == "localhost" || under("localhost") {
        Place::Loopback
    } else if !name.contains('.')
        || [
            "local",
            "internal",
            "intranet",
            "lan",
            "home.arpa",
            "corp",
            "home",
        ]
        .iter()
        .any(|s| under(s))
    {
        Place::Private
    } else {
        Place::Public
    }
}

/// Whether the transport protects the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    Tls,
    /// Plain http: only inside confirmed private or loopback places.
    Plain,
}

impl Transport {
    pub(crate) fn of(url: &Url) -> Self {
        if url.scheme() == "http" {
            Self::Plain
        } else {
            Self::Tls
        }
    }
}

/// The addresses of `host` that may be connected to, in their order.
///
/// Without a confirmation one bad address is enough to refuse; with one, the unusable ones (a
/// printer's link-local address beside its private one) are left out.
pub(crate) fn admit(
    host: &str,
    found: &[IpAddr],
    reach: &Reach,
    transport: Transport,
) -> Result<Vec<IpAddr>, Error> {
    let refuse = |code, address: &IpAddr| {
        Err(Error::new(code)
            .with("host", host)
            .with("address", address.to_string()))
    };
    let confirmed = reach.confirms(host);
    let mut usable = Vec::new();
    let mut never = None;
    let mut private = None;
    for address in found {
        match place(*address) {
            Place::Public => usable.push(*address),
            Place::Loopback | Place::Private if confirmed => usable.push(*address),
            Place::Loopback | Place::Private => private = private.or(Some(address)),
            Place::Never => never = never.or(Some(address)),
        }
    }
    if let Some(address) = never.filter(|_| !confirmed || usable.is_empty()) {
        return refuse(ErrorCode::AddressForbidden, address);
    }
    if let Some(address) = private {
        return refuse(ErrorCode::AddressPrivate, address);
    }
    if transport == Transport::Plain && usable.iter().any(|a| place(*a) == Place::Public) {
        return Err(Error::new(ErrorCode::UrlNotSecure).with("host", host));
    }
    if usable.is_empty() {
        return Err(unknown_name(host));
    }
    Ok(usable)
}

fn admit_name(host: &str, reach: &Reach, transport: Transport) -> Result<(), Error> {
    let refuse = |code| Err(Error::new(code).with("host", host).with("address", host));
    match place_of_name(host) {
        Place::Never => refuse(ErrorCode::AddressForbidden),
        Place::Loopback | Place::Private if !reach.confirms(host) => {
            refuse(ErrorCode::AddressPrivate)
        }
        Place::Public if transport == Transport::Plain => {
            Err(Error::new(ErrorCode::UrlNotSecure).with("host", host))
        }
        Place::Public | Place::Loopback | Place::Private => Ok(()),
    }
}

fn unknown_name(host: &str) -> Error {
    Error::new(ErrorCode::Unreachable)
        .with("host", host)
        .with("why", "the name is unknown")
}

/// Turns a name into addresses: the system's way, or a test's.
pub(crate) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

pub(crate) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Reads which proxies are to be used: the system's settings, or a test's.
pub(crate) type Settings = Box<dyn Fn() -> Arc<Matcher> + Send + Sync>;

/// For so long the settings are taken to be as they were read: a laptop moves between networks that want
/// a proxy and those that have none.
const SETTINGS_FOR: Duration = Duration::from_secs(30);

/// The proxies that the settings name.
#[derive(Clone)]
struct Proxies {
    matcher: Arc<Matcher>,
    hosts: Arc<[String]>,
    read_at: Instant,
}

impl Proxies {
    fn read(settings: &Settings) -> Self {
        let matcher = settings();
        let hosts = ["http://probe.invalid/", "https://probe.invalid/"]
            .into_iter()
            .filter_map(|probe| matcher.intercept(&probe.parse().ok()?))
            .filter_map(|found| Some(plain_host(found.uri().host()?)))
            .collect();
        Self {
            matcher,
            hosts,
            read_at: Instant::now(),
        }
    }
}

/// The guard of one [`super::Http`]: how names are looked up, and which proxies the system uses.
pub(crate) struct Guard {
    lookup: Lookup,
    settings: Settings,
    proxies: Mutex<Proxies>,
}

impl Guard {
    pub(crate) fn new(lookup: Lookup, settings: Settings) -> Self {
        Self {
            lookup,
            proxies: Mutex::new(Proxies::read(&settings)),
            settings,
        }
    }

    fn proxies(&self) -> Proxies {
        let mut proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        if proxies.read_at.elapsed() >= SETTINGS_FOR {
            *proxies = Proxies::read(&self.settings);
        }
        proxies.clone()
    }

    /// What can be said without asking the network: scheme, user info, literal addresses, and
    /// names where a proxy will look them up.
    pub(crate) fn preflight(&self, url: &Url, reach: &Reach) -> Result<(), Error> {
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(Error::new(ErrorCode::UrlInvalid).with("url", super::shown(url)));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::new(ErrorCode::UrlHasCredentials));
        }
        let transport = Transport::of(url);
        match literal(url) {
            Some(address) => admit(&host(url), &[address], reach, transport).map(|_| ()),
            None if self.proxy_for(url).is_some() => admit_name(&host(url), reach, transport),
            None if self.is_proxy(&host(url)) && !reach.confirms(&host(url)) => {
                let host = host(url);
                Err(Error::new(ErrorCode::AddressPrivate)
                    .with("address", &host)
                    .with("host", host))
            }
            None => Ok(()),
        }
    }

    /// The whole check, with a look-up.
    pub(crate) async fn check(&self, url: &Url, reach: &Reach) -> Result<(), Error> {
        self.preflight(url, reach)?;
        if literal(url).is_some() || self.proxy_for(url).is_some() {
            return Ok(());
        }
        self.resolve(&host(url), reach, Transport::of(url))
            .await
            .map(|_| ())
    }

    async fn resolve(
        &self,
        host: &str,
        reach: &Reach,
        transport: Transport,
    ) -> Result<Vec<IpAddr>, Error> {
        let found = self.find(host).await?;
        admit(host, &found, reach, transport)
    }

    async fn find(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        match tokio::time::timeout(super::CONNECT_WITHIN, (self.lookup)(host.to_owned())).await {
            Ok(Ok(found)) if !found.is_empty() => Ok(found),
            Ok(Err(error)) if error.to_string().contains("Temporary failure") => {
                Err(unknown_name(host).with("why", "the name could not be looked up"))
            }
            Ok(_) => Err(unknown_name(host)),
            Err(_) => {
                Err(unknown_name(host).with("why", "the name could not be looked up in time"))
            }
        }
    }

    fn is_proxy(&self, host: &str) -> bool {
        self.proxies().hosts.contains(&plain_host(host))
    }

    /// The system's proxy for this URL, with its user info; `None`: straight there. This computer
    /// itself is never asked for through a proxy.
    fn proxy_for(&self, url: &Url) -> Option<Url> {
        let own = match literal(url) {
            Some(address) => place(address) == Place::Loopback,
            None => place_of_name(&host(url)) == Place::Loopback,
        };
        if own {
            return None;
        }
        let proxies = self.proxies();
        let found = proxies.matcher.intercept(&url.as_str().parse().ok()?)?;
        let mut proxy = Url::parse(&found.uri().to_string()).ok()?;
        if let Some((user, password)) = found.basic_auth().and_then(decode_basic) {
            proxy.set_username(&user).ok()?;
            proxy.set_password(Some(&password)).ok()?;
        }
        Some(proxy)
    }

    /// Where reqwest must connect for this URL. What may not be reached is sent to a name that the
    /// guarded resolver refuses with the right error: literal addresses never come to a resolver.
    pub(crate) fn route(&self, url: &Url, reach: &Reach, transport: Transport) -> Option<Url> {
        let refused = match self.preflight(url, reach) {
            Ok(()) if transport == Transport::Tls && Transport::of(url) == Transport::Plain => true,
            Ok(()) => false,
            Err(_) => true,
        };
        if !refused {
            return self.proxy_for(url);
        }
        let shown = host(url).replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        Some(
            Url::parse(&format!("http://x{shown}{REFUSED}")).unwrap_or_else(|_| {
                Url::parse(&format!("http://x{REFUSED}")).expect("a fixed, valid URL")
            }),
        )
    }
}

/// No such top-level domain exists, nor can one (RFC 6761).
const REFUSED: &str = ".refused.invalid";

fn decode_basic(value: &reqwest::header::HeaderValue) -> Option<(String, String)> {
    use base64::Engine as _;
    let encoded = value.to_str().ok()?.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?;
    let (user, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The address that the URL names itself. The `url` crate has turned octal, hexadecimal, short and
/// decimal forms of IPv4 into the plain one by now.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(v4) => Some(v4.into()),
        Host::Ipv6(v6) => Some(v6.into()),
        Host::Domain(_) => None,
    }
}

/// reqwest's resolver for one reach.
pub(crate) struct Resolver {
    pub(crate) guard: Arc<Guard>,
    pub(crate) reach: Reach,
    pub(crate) transport: Transport,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, reach, transport) = (self.guard.clone(), self.reach.clone(), self.transport);
        Box::pin(async move {
            let name = name.as_str();
            let found = if let Some(refused) = name.strip_suffix(REFUSED) {
                let host = refused.strip_prefix('x').unwrap_or(refused);
                Err(Error::new(ErrorCode::AddressForbidden)
                    .with("host", host)
                    .with("address", host))
            } else if guard.is_proxy(name) && !reach.confirms(name) {
                // `route` lets a request to the proxy's own name as a target only where confirmed.
                guard.find(name).await
            } else {
                guard.resolve(name, &reach, transport).await
            }?;
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
