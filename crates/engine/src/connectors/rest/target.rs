use serde_json::Value;
use url::Url;

/// The URL of `path` under `base`; `path` may hold a query. Errors: why it may not be called, in
/// short words.
///
/// Nothing leaves the base: no other origin, no absolute URL, no `.` or `..` in any encoding that a
/// server could decode into one, no backslash, no control characters.
pub(in crate::connectors) fn under(base: &Url, path: &str) -> Result<Url, &'static str> {
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return Err("the path holds a character that no path may");
    }
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    if path.contains('#') || query.is_some_and(|query| query.contains('#')) {
        return Err("the path holds a fragment");
    }
    if path.starts_with("//")
        || path
            .split('/')
            .next()
            .is_some_and(|first| first.contains(':'))
    {
        return Err("the path is an address of its own; it must stay under the base URL");
    }
    if path.split('/').any(climbs) {
        return Err("the path leaves the base URL");
    }
    let mut url = base.clone();
    let root = base.path().trim_end_matches('/').to_owned();
    match path.trim_start_matches('/') {
        "" => {}
        rest => url.set_path(&format!("{root}/{rest}")),
    }
    if let Some(query) = query {
        let joined = match base.query().filter(|own| !own.is_empty()) {
            Some(own) => format!("{own}&{query}"),
            None => query.to_owned(),
        };
        url.set_query(Some(&joined));
    }
    // What the URL's own rules made of it decides, whatever was seen above.
    let stays = url.path() == base.path()
        || url
            .path()
            .strip_prefix(&root)
            .is_some_and(|rest| rest.starts_with('/'));
    if url.origin() != base.origin() || !stays {
        return Err("the path leaves the base URL");
    }
    Ok(url)
}

/// True for a segment that is, or that a server could decode into, one with `.` or `..` in it.
fn climbs(segment: &str) -> bool {
    // Servers in a row decode again and again; three rounds are more than any is known to do.
    const ROUNDS: usize = 3;
    let mut decoded = segment.to_owned();
    for _ in 0..=ROUNDS {
        let dots = |part: &str| {
            // `..;x` is `..` to servers that cut path parameters off.
            let part = part.split(';').next().unwrap_or_default();
            part == "." || part == ".."
        };
        if decoded.split(['/', '\\']).any(dots) || decoded.chars().any(char::is_control) {
            return true;
        }
        let next = percent_decoded(&decoded);
        if next == decoded {
            return false;
        }
        decoded = next;
    }
    // Encoded deeper than that: nothing honest is.
    true
}

fn percent_decoded(text: &str) -> String {
    // `+` must stay a plus: encode it first, since the decoder is the one for forms.
    let text = text
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes())
        .map(|(name, _)| name.into_owned())
        .next()
        .unwrap_or_default()
}

/// The texts of one query parameter; `None` where it is not text, number, truth value, or a list
/// of them. Null leaves it out.
pub(super) fn values(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(vec![]),
        Value::Bool(truth) => Some(vec![truth.to_string()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items
            .iter()
            .map(|item| values(item).filter(|_| !item.is_array()))
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat()),
        Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn base() -> Url {
        Url::parse("https://api.example.com/v1").expect("a URL")
    }

    #[rstest]
    #[case("", "https://api.example.com/v1")]
    #[case("/", "https://api.example.com/v1")]
    #[case("/users/42", "https://api.example.com/v1/users/42")]
    #[case("users", "https://api.example.com/v1/users")]
    #[case("/users?limit=2", "https://api.example.com/v1/users?limit=2")]
    #[case("/a b/ü", "https://api.example.com/v1/a%20b/%C3%BC")]
    #[case(
        "/projects/group%2Fname",
        "https://api.example.com/v1/projects/group%2Fname"
    )]
    #[case(
        "/files/a..b/.hidden/...",
        "https://api.example.com/v1/files/a..b/.hidden/..."
    )]
    #[case("/time/12:30", "https://api.example.com/v1/time/12:30")]
    fn a_path_stays_under_the_base(#[case] path: &str, #[case] url: &str) {
        assert_eq!(under(&base(), path).map(String::from), Ok(url.to_owned()));
    }

    #[rstest]
    #[case("/../admin")]
    #[case("..")]
    #[case("/users/../../admin")]
    #[case("/users/./x")]
    #[case("/%2e%2e/admin")]
    #[case("/%2E./admin")]
    #[case("/.%2e/admin")]
    #[case("/%252e%252e/admin")]
    #[case("/a%2f..%2f..%2fadmin")]
    #[case("/a%5c..%5cadmin")]
    #[case("/..;/admin")]
    #[case("/..%3b/admin")]
    #[case("\\..\\admin")]
    #[case("//evil.example/x")]
    #[case("https://evil.example/x")]
    #[case("HTTPS:evil.example")]
    #[case("javascript:alert(1)")]
    #[case("/x#y")]
    #[case("/x\r\nHost: evil.example")]
    #[case("/x%0d%0aHost:%20evil.example")]
    #[case("/%25252525252e%25252525252e/x")]
    fn a_path_that_leaves_the_base_is_refused(#[case] path: &str) {
        assert!(
            under(&base(), path).is_err(),
            "{path} was let through: {:?}",
            under(&base(), path).map(String::from)
        );
    }

    proptest! {
        #[test]
        fn no_text_at_all_leaves_the_base(path in "[/.%2eE5cfF\\\\:?#@;a-c]{0,24}") {
            for base in ["https://api.example.com/v1", "https://api.example.com", "http://127.0.0.1:8080/a/b/"] {
                let base = Url::parse(base).expect("a URL");
                if let Ok(url) = under(&base, &path) {
                    prop_assert_eq!(url.origin(), base.origin());
                    prop_assert!(url.username().is_empty() && url.password().is_none());
                    let root = base.path().trim_end_matches('/');
                    prop_assert!(url.path().starts_with(root), "{}", url);
                    prop_assert!(!url.path().split('/').any(|part| part == ".."), "{}", url);
                }
            }
        }
    }
}
