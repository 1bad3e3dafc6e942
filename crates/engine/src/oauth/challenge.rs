//! Reading `WWW-Authenticate` (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9728 section 5.1).

/// What a server said when it refused a request without, or with too weak, a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where the protected-resource metadata is.
    pub resource_metadata: Option<String>,
    /// The scopes that the request needs.
    pub scopes: Vec<String>,
    /// `invalid_token`, `insufficient_scope`, …
    pub error: Option<String>,
}

impl Challenge {
    /// The parameters of the Bearer challenge, or of the first other one that names metadata. What
    /// cannot be read is left out: a hostile header gives an empty challenge, never an error.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        let mut found = Self::default();
        let mut scheme = String::new();
        for part in parts(header) {
            match part {
                Part::Scheme(name) => scheme = name.to_ascii_lowercase(),
                Part::Param(name, value) if scheme == "bearer" || scheme == "dpop" => {
                    match name.to_ascii_lowercase().as_str() {
                        "resource_metadata" => {
                            found.resource_metadata.get_or_insert(value);
                        }
                        "scope" if found.scopes.is_empty() => found.scopes = scopes(&value),
                        "error" => {
                            found.error.get_or_insert(value);
                        }
                        _ => {}
                    }
                }
                Part::Param(..) => {}
            }
        }
        found
    }
}

/// Space-separated scopes, each once, in their order.
pub(super) fn scopes(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for scope in text.split_ascii_whitespace() {
        if !found.iter().any(|known| known == scope) {
            found.push(scope.to_owned());
        }
    }
    found
}

enum Part {
    Scheme(String),
    Param(String, String),
}

/// `scheme name=value, name="va\"lue", scheme2 …`. A token68 is passed over.
fn parts(header: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut rest = header.trim_start_matches(is_between);
    while !rest.is_empty() {
        let end = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            // Not a token where one must stand: pass over one character and try again.
            rest = rest.chars().next().map_or("", |c| &rest[c.len_utf8()..]);
            continue;
        }
        let spaced = after.trim_start_matches([' ', '\t']);
        if let Some(value) = spaced.strip_prefix('=') {
            let (value, after) = take_value(value.trim_start_matches([' ', '\t']));
            found.push(Part::Param(name.to_owned(), value));
            rest = after;
        } else {
            found.push(Part::Scheme(name.to_owned()));
            rest = after;
        }
        rest = rest.trim_start_matches(is_between);
    }
    found
}

fn is_between(c: char) -> bool {
    matches!(c, ' ' | '\t' | ',')
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn take_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        // Some servers forget the quotes around a URL: up to the next space or comma.
        let end = text.find(is_between).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests;
