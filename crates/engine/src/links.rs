//! What a deep link means, which URL the browser may be given, and which page the window may show:
//! the shell's decisions, where they can be tested without linking WebKit.
//!
//! Must not know: Tauri.

use std::fmt;
use url::{Host, Url};

/// The scheme of deep links: the app's identifier (RFC 8252 section 7.1).
pub const SCHEME: &str = "app.chief.integrations";
/// The one deep link that does something: it brings the window to the front. One slash, no
/// authority, no query.
pub const RAISE: &str = "app.chief.integrations:/raise";
/// The deep link that brings an authorization server's answer: this with a query.
pub const CALLBACK: &str = "app.chief.integrations:/oauth/callback";
/// Deep links are cut here before they are written down. Bytes.
const LONGEST_LINK: usize = 2_048;
/// A longer answer is nobody's. Bytes.
const LONGEST_QUERY: usize = 32 << 10;

/// What a deep link asks for. Any local program and any web page can send one, so it is never
/// more than a request to look.
#[derive(Clone, PartialEq, Eq)]
pub enum Link {
    Raise,
    /// An authorization server's answer, whole: it may hold a code.
    Callback(String),
    /// Nothing that is known: for the record, and nothing else. At most 2,048 bytes, without
    /// control characters.
    Unknown(String),
}

/// Without what an answer holds.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raise => f.write_str("Raise"),
            Self::Callback(_) => f.write_str("Callback"),
            Self::Unknown(text) => f.debug_tuple("Unknown").field(text).finish(),
        }
    }
}

/// Reads a deep link. Exact: another case, one more slash or a query make it unknown.
#[must_use]
pub fn link(text: &str) -> Link {
    if text == RAISE {
        return Link::Raise;
    }
    if callback_query(text).is_some() {
        return Link::Callback(text.to_owned());
    }
    let mut inert: String = text.chars().filter(|letter| !letter.is_control()).collect();
    inert.truncate(inert.floor_char_boundary(LONGEST_LINK));
    Link::Unknown(inert)
}

/// The query of a deep link that brings an authorization server's answer; `None` for any other. Exact
/// but for the query. (Some systems write two or three slashes where the scheme has no authority:
/// those are other links.)
#[must_use]
pub fn callback_query(text: &str) -> Option<&str> {
    let query = text.strip_prefix(CALLBACK)?.strip_prefix('?')?;
    (query.len() <= LONGEST_QUERY && !query.contains('#')).then_some(query)
}

/// The URL to hand to the system's browser, as the URL parser writes it: https anywhere, http on
/// this computer only, never with a user name or password. Errors: a short reason.
pub fn for_browser(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "it is not a URL".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password".to_owned());
    }
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => Err("plain http is opened on this computer only".to_owned()),
        other => Err(format!("{other} is not opened")),
    }
}

/// Whether a URL is the app's own page: `tauri://localhost` on Linux and macOS,
/// `http://tauri.localhost` on Windows. The window goes nowhere else.
#[must_use]
pub fn is_own_page(url: &Url) -> bool {
    let address = (url.scheme(), url.host_str(), url.port());
    if cfg!(windows) {
        address == ("http", Some("tauri.localhost"), None)
    } else {
        address == ("tauri", Some("localhost"), None)
    }
}

/// `Exec` of a desktop entry that starts `program` with the URL. A path is quoted only where it
/// must be (Desktop Entry Specification, "The Exec key"), since xdg-open's own reader of these
/// files does not know quotes.
#[must_use]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub fn exec_field(program: &str) -> String {
    const RESERVED: &str = " \t\n\"'\\><~|&;$*?#()`";
    let plain = program.replace('%', "%%");
    if !program.contains(|letter| RESERVED.contains(letter)) {
        return format!("{plain} %u");
    }
    // Escaped twice: once for the quoted argument, once for the value of a key.
    let mut quoted = String::new();
    for letter in plain.chars() {
        match letter {
            '\\' => quoted.push_str(r"\\\\"),
            '"' | '`' | '$' => quoted.extend(['\\', '\\', letter]),
            _ => quoted.push(letter),
        }
    }
    format!("\"{quoted}\" %u")
}
