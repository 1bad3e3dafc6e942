//! An address as it may be shown. Some vendors hand out one with a key in its query; such a key is refused
//! now, and of those that were kept before it is shown nowhere.

use crate::calls::redact;
use url::form_urlencoded;

/// What is shorter is an option: `max_tokens=100`.
const SHORTEST_KEY: usize = 8;

/// The names of what looks like a key in the address's query.
pub(crate) fn keys(url: &str) -> impl Iterator<Item = String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(key)
}

/// The address, and what looks like a key in it hidden.
pub(crate) fn shown(url: &str) -> String {
    let Some((place, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let members = query.split('&').map(|member| {
        let name = member.split('=').next().unwrap_or_default();
        key(member).map_or_else(|| member.to_owned(), |_| format!("{name}=••••"))
    });
    format!("{place}?{}", members.collect::<Vec<_>>().join("&"))
}

/// The whole address, but for its scheme.
pub(crate) fn strip_scheme(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.trim_end_matches('/').to_owned()
}

/// Its name, where one member of a query looks like a key.
fn key(member: &str) -> Option<String> {
    let (name, value) = form_urlencoded::parse(member.as_bytes()).next()?;
    let is_named = redact::names_a_secret(&name) || name.eq_ignore_ascii_case("key");
    let is_key = is_named && value.len() >= SHORTEST_KEY || redact::is_secret(&value);
    is_key.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_and_hidden_and_an_option_is_shown() {
        for (query, names, seen) in [
            (
                "exampleApiKey=tv-0123456789",
                "exampleApiKey",
                "exampleApiKey=••••",
            ),
            (
                "a=b&api%5Fkey=0123456789&c=d",
                "api_key",
                "a=b&api%5Fkey=••••&c=d",
            ),
            ("key=0123456789", "key", "key=••••"),
            ("k=ghp_0123456789abcdefghij", "k", "k=••••"),
            (
                "token=one-0123&key=two-0123",
                "token key",
                "token=••••&key=••••",
            ),
            // Settings as base64 of JSON, in which keys of others may be.
            ("config=eyJhIjoxfQabcdefgh", "config", "config=••••"),
            ("project_ref=abcdefghijkl", "", "project_ref=abcdefghijkl"),
            (
                "max_tokens=100&tokenize=true",
                "",
                "max_tokens=100&tokenize=true",
            ),
            ("readonly", "", "readonly"),
        ] {
            let url = format!("https://mcp.example.com/mcp?{query}");
            let found: Vec<_> = keys(&url).collect();
            assert_eq!(found.join(" "), names);
            assert_eq!(shown(&url), format!("https://mcp.example.com/mcp?{seen}"));
        }
    }
}
