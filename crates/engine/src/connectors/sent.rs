use super::veil::Veil;
use crate::{secret::Secret, vault::Credential};
use ::http::{HeaderName, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::sync::Arc;
use url::Url;
use wire::{Error, ErrorCode};
use zeroize::Zeroizing;

/// Headers that HTTP, MCP or the app itself needs: no credential may take their place.
const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "keep-alive",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// True for a header that no argument and no credential may set. `name` in lower case.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with("mcp-")
}

/// A credential as it goes onto one request.
#[derive(Clone)]
pub(super) enum Sent {
    Nothing,
    Header(HeaderName, Secret),
    Query(String, Secret),
}

impl Sent {
    /// The one header or query parameter that `credential` is. Errors: `FieldInvalid` where it
    /// cannot be sent at all.
    pub(super) fn of(credential: &Credential) -> Result<Self, Error> {
        let sent = match credential {
            Credential::None => Self::Nothing,
            Credential::Bearer { token } => bearer(token),
            Credential::OAuth(oauth) => bearer(&oauth.access),
            Credential::Header { name, value } => Self::Header(header_name(name)?, value.clone()),
            Credential::Query { name, value } => Self::Query(name.clone(), value.clone()),
            Credential::Basic { user, password } => {
                Self::Header(::http::header::AUTHORIZATION, basic(user, password)?)
            }
        };
        if let Self::Header(_, value) = &sent {
            HeaderValue::from_str(value.reveal()).map_err(|_| {
                invalid(
                    "key",
                    "it holds a character that no header can carry, such as a line break",
                )
            })?;
        }
        if let Self::Query(name, _) = &sent
            && name.is_empty()
        {
            return Err(invalid("parameter", "it has no name"));
        }
        Ok(sent)
    }

    /// Puts it onto a request.
    pub(super) fn put(&self, url: &mut Url, headers: &mut ::http::HeaderMap) -> Result<(), Error> {
        match self {
            Self::Nothing => {}
            Self::Header(name, value) => {
                let mut value = HeaderValue::from_str(value.reveal())
                    .map_err(|_| invalid("key", "it holds a character that no header can carry"))?;
                value.set_sensitive(true);
                headers.insert(name.clone(), value);
            }
            Self::Query(name, value) => {
                // The target of a redirect may repeat it.
                let is_there = url
                    .query_pairs()
                    .any(|(known, with)| known == *name && with == value.reveal());
                if !is_there {
                    url.query_pairs_mut().append_pair(name, value.reveal());
                }
            }
        }
        Ok(())
    }
}

/// Refuses a credential that could not be sent, before anything is asked or saved.
/// Errors: `FieldInvalid`.
pub fn check_credential(credential: &Credential) -> Result<(), Error> {
    Sent::of(credential).map(drop)
}

/// What must never be seen in an answer to a request with this credential.
pub(super) fn veil(credential: &Credential) -> Veil {
    match credential {
        Credential::None => Veil::new([]),
        Credential::Bearer { token } => Veil::new([token.reveal()]),
        Credential::Header { value, .. } => of_header(value.reveal()),
        Credential::Query { value, .. } => Veil::new([value.reveal()]),
        Credential::Basic { user, password } => {
            let header = basic(user, password).ok();
            let header = header.as_ref().map_or("", Secret::reveal);
            let user = if credential.has_key_as_user() {
                user
            } else {
                ""
            };
            Veil::new([password.reveal(), header.trim_start_matches("Basic "), user])
        }
        Credential::OAuth(oauth) => Veil::new([oauth.access.reveal()]),
    }
}

/// A header that says of which kind its key is (`Token abc…`, `Token token="abc…"`, `Basic …`): the key by itself, too.
fn of_header(value: &str) -> Veil {
    let parts = || value.split_ascii_whitespace().skip(1);
    let told = parts()
        .filter_map(|part| part.split_once('='))
        .map(|(_, told)| told.trim_matches(['"', ',']).to_owned());
    let pair = parts().filter_map(|part| {
        let pair = String::from_utf8(STANDARD.decode(part).ok()?).ok()?;
        pair.split_once(':')
            .map(|(_, password)| password.to_owned())
    });
    let all: Vec<String> = std::iter::once(value.to_owned())
        .chain(parts().map(str::to_owned))
        .chain(told)
        .chain(pair)
        .collect();
    Veil::new(all.iter().map(String::as_str))
}

/// A credential as the requests of one caller carry it, and what covers it in their answers.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) sent: Sent,
    pub(super) veil: Arc<Veil>,
}

impl Key {
    /// Errors: as [`Sent::of`].
    pub(super) fn of(credential: &Credential) -> Result<Self, Error> {
        Ok(Self {
            sent: Sent::of(credential)?,
            veil: Arc::new(veil(credential)),
        })
    }

    pub(super) fn none() -> Self {
        Self {
            sent: Sent::Nothing,
            veil: Arc::new(Veil::new([])),
        }
    }
}

fn bearer(token: &Secret) -> Sent {
    Sent::Header(
        ::http::header::AUTHORIZATION,
        Secret::new(format!("Bearer {}", token.reveal())),
    )
}

/// RFC 7617: no colon in the user name; UTF-8.
fn basic(user: &str, password: &Secret) -> Result<Secret, Error> {
    if user.contains(':') {
        return Err(invalid(
            "user",
            "a user name of Basic authentication holds no colon",
        ));
    }
    let pair = Zeroizing::new(format!("{user}:{}", password.reveal()));
    Ok(Secret::new(format!(
        "Basic {}",
        STANDARD.encode(pair.as_bytes())
    )))
}

fn header_name(name: &str) -> Result<HeaderName, Error> {
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| invalid("header", "it is not the name of a header"))?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("mcp-param-") {
        return Err(invalid("header", "this header is the protocol's own"));
    }
    Ok(name)
}

fn invalid(field: &str, why: &str) -> Error {
    Error::new(ErrorCode::FieldInvalid)
        .with("field", field)
        .with("why", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(credential: &Credential) -> (String, ::http::HeaderMap) {
        let mut url = Url::parse("https://api.example.com/v1?a=b").expect("a URL");
        let mut headers = ::http::HeaderMap::new();
        Sent::of(credential)
            .and_then(|sent| sent.put(&mut url, &mut headers))
            .expect("it can be sent");
        (url.to_string(), headers)
    }

    #[test]
    fn each_kind_goes_where_it_belongs() {
        let (url, headers) = put(&Credential::Bearer {
            token: Secret::new("t-1"),
        });
        assert_eq!(
            url, "https://api.example.com/v1?a=b",
            "a bearer token never goes into the URL"
        );
        assert_eq!(headers["authorization"], "Bearer t-1");
        assert!(
            headers["authorization"].is_sensitive(),
            "or it could be logged"
        );

        let (_, headers) = put(&Credential::Basic {
            user: "ann".to_owned(),
            password: Secret::new("p:w"),
        });
        assert_eq!(headers["authorization"], "Basic YW5uOnA6dw==");

        let (_, headers) = put(&Credential::Header {
            name: "X-API-Key".to_owned(),
            value: Secret::new("k"),
        });
        assert_eq!(headers["x-api-key"], "k");

        let (url, headers) = put(&Credential::Query {
            name: "key".to_owned(),
            value: Secret::new("k &?"),
        });
        assert_eq!(url, "https://api.example.com/v1?a=b&key=k+%26%3F");
        assert!(headers.is_empty());

        let (url, _) = put(&Credential::Query {
            name: "a".to_owned(),
            value: Secret::new("b"),
        });
        assert_eq!(url, "https://api.example.com/v1?a=b", "once is enough");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_it_is_saved() {
        for credential in [
            Credential::Bearer {
                token: Secret::new("a\r\nX-Evil: 1"),
            },
            Credential::Header {
                name: "Host".to_owned(),
                value: Secret::new("evil.example"),
            },
            Credential::Header {
                name: "Mcp-Session-Id".to_owned(),
                value: Secret::new("x"),
            },
            Credential::Header {
                name: "not a name".to_owned(),
                value: Secret::new("x"),
            },
            Credential::Basic {
                user: "a:b".to_owned(),
                password: Secret::new("x"),
            },
            Credential::Query {
                name: String::new(),
                value: Secret::new("x"),
            },
        ] {
            let error = check_credential(&credential).expect_err("it cannot be sent");
            assert_eq!(error.code, ErrorCode::FieldInvalid);
        }
    }

    #[test]
    fn the_key_of_a_header_is_covered_also_without_the_word_before_it() {
        let covers = |value: &str, told: &str| {
            let credential = Credential::Header {
                name: "Authorization".to_owned(),
                value: Secret::new(value),
            };
            let covered = veil(&credential).text(format!("wrong: {told}."));
            assert_eq!(covered, "wrong: [credential].", "{value}");
        };
        covers("Token abcdef0123", "abcdef0123");
        covers("Token abcdef0123", "Token abcdef0123");
        covers("Bearer abc.def.0123", "abc.def.0123");
        covers("Token token=\"abcdef0123\", realm=\"x\"", "abcdef0123");
        covers("OAuth oauth_token=abcdef0123", "abcdef0123");
        // ann:hunter22
        covers("Basic YW5uOmh1bnRlcjIy", "hunter22");
        covers("Basic YW5uOmh1bnRlcjIy", "YW5uOmh1bnRlcjIy");
        covers("abcdef0123", "abcdef0123");
    }

    #[test]
    fn a_user_name_is_covered_only_where_it_is_the_key() {
        let told = |user: &str, password: &str| {
            let credential = Credential::Basic {
                user: user.to_owned(),
                password: Secret::new(password),
            };
            veil(&credential).text(format!("hello {user}"))
        };
        for password in ["", "x", "X", "api_token", "random"] {
            assert_eq!(told("0123456789abcdef", password), "hello [credential]");
        }
        assert_eq!(told("sk_live_0123456789", "hunter22"), "hello [credential]");
        assert_eq!(
            told("ann@corp.example", "hunter22"),
            "hello ann@corp.example"
        );
    }
}
