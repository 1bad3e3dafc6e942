//! What a pasted address looks like, before anybody has asked it. Pure: a guess opens a form, in which
//! the admin sees and may change it.

use wire::{ProviderView, WayKind};

/// What an address looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    Mcp,
    OpenApi,
    Api,
}

/// A pasted text as an address, if it looks like one: `https://` is put before a bare host.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_whitespace) || text.contains('@') {
        return None;
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => (!host(rest).is_empty()).then(|| text.to_owned()),
        // Without a scheme, only what has a host with a dot, or a port, and a known shape.
        "" if is_bare_host(host(rest)) => Some(format!("https://{text}")),
        _ => None,
    }
}

/// Host and port: up to the first `/`, `?` or `#`.
fn host(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_bare_host(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.')
        && name.chars().all(plain)
        && !name.starts_with('.')
        && last.len() >= 2
        && last.chars().all(|c| c.is_ascii_alphabetic())
}

/// What an address (as [`address`] gives it) looks like, by its host and path alone.
#[must_use]
pub fn looks(address: &str) -> Looks {
    let lower = address.trim().to_ascii_lowercase();
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, r)| r);
    let path = rest
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    let name = host(path);
    let mut segments = path.split('/').skip(1);
    let last = path.rsplit('/').next().filter(|last| *last != name);
    let is_document = last.is_some_and(|last| {
        let document = [".json", ".yaml", ".yml"];
        let named = ["openapi", "swagger", "api-docs"];
        document.iter().any(|end| last.ends_with(end)) || named.contains(&last)
    });
    if is_document {
        return Looks::OpenApi;
    }
    let is_mcp_host = name.split('.').any(|part| part == "mcp");
    if is_mcp_host || segments.any(|part| part == "mcp" || part == "sse") {
        return Looks::Mcp;
    }
    Looks::Api
}

/// The provider whose own MCP server this is the address of.
#[must_use]
pub fn provider_at<'a>(
    address: &str,
    providers: impl Iterator<Item = &'a ProviderView>,
) -> Option<&'a ProviderView> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let name = host(rest).to_ascii_lowercase();
    let mut providers = providers;
    providers.find(|provider| {
        let mut ways = provider.ways.iter();
        ways.any(|way| way.kind == WayKind::Mcp && way.address == name)
    })
}

/// How well a provider fits what was typed; smaller is better, `None`: not at all. Each word must be
/// found, in the name first, then in what it does.
#[must_use]
pub fn fit(provider: &ProviderView, typed: &str) -> Option<u8> {
    let name = provider.name.to_lowercase();
    let does = format!("{} {}", provider.summary, provider.search.join(" ")).to_lowercase();
    let typed = typed.trim().to_lowercase();
    if typed.is_empty() || name.starts_with(&typed) {
        return Some(0);
    }
    let mut worst = 1;
    for word in typed.split_whitespace() {
        if name.split_whitespace().any(|part| part.starts_with(word)) {
            continue;
        }
        // By the beginning of words: “it” does not find “commit”.
        let found = does
            .split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric())
            .any(|part| part.starts_with(word));
        if found {
            worst = worst.max(2);
        } else if name.contains(word) {
            worst = worst.max(3);
        } else {
            return None;
        }
    }
    Some(worst)
}

#[cfg(test)]
mod tests;
