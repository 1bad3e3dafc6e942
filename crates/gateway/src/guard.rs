//! Who may come in: Host, Origin and token, each on its own, on every method and path, before the
//! body is read. Any program on this computer reaches the port, and any web page does through a
//! rebound name.

use crate::{Inside, incoming, listen::Rmcp, news, seat::Asker};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use engine::{
    agents::{
        self,
        knocks::{self, Knock},
    },
    local,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use wire::ErrorCode;

/// Clones are of the same door.
#[derive(Clone)]
pub(crate) struct Guard(Arc<Door>);

struct Door {
    inside: Inside,
    rmcp: Rmcp,
    hosts: Vec<String>,
    close: CancellationToken,
}

impl Guard {
    pub fn new(inside: Inside, rmcp: Rmcp, port: u16, close: CancellationToken) -> Self {
        Self(Arc::new(Door {
            inside,
            rmcp,
            close,
            hosts: local::hosts(port),
        }))
    }

    /// Lets an agent in, and nobody else. 404: no such path; 403: Host or Origin; 401: no valid token;
    /// 429: too much at once; 408 and 413: the body; 503: the agents could not be looked up, or all wait.
    pub async fn answer(&self, request: Request) -> Response {
        only_agents(&self.0, request).await
    }
}

async fn only_agents(guard: &Door, request: Request) -> Response {
    let headers = request.headers();
    let engine = &guard.inside.engine;
    if let Err(knock) = is_ours(headers, &guard.hosts) {
        knocks::turned_away(engine, None, knock).await;
        return (StatusCode::FORBIDDEN, "Not from here.").into_response();
    }
    let Some(only) = scope(request.uri().path()) else {
        knocks::turned_away(engine, None, Knock::NoSuchPath).await;
        return StatusCode::NOT_FOUND.into_response();
    };
    let agent = match agents::authenticate(engine, bearer(headers)).await {
        Ok(Some(agent)) => agent,
        Ok(None) => {
            let challenge =
                HeaderValue::from_static("Bearer realm=\"Chief\", error=\"invalid_token\"");
            return (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, challenge)],
                "Chief needs the token of a paired agent: Chief Integrations, Agents.",
            )
                .into_response();
        }
        Err(error) if error.code == ErrorCode::AgentsWait => {
            return (StatusCode::SERVICE_UNAVAILABLE, words::error(&error)).into_response();
        }
        Err(error) => {
            tracing::error!(%error, "an agent could not be looked up");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let Some(turn) = guard.inside.turns.take(agent.id) else {
        knocks::turned_away(engine, Some(&agent), Knock::TooManyAtOnce).await;
        return (
            StatusCode::TOO_MANY_REQUESTS,
            [(header::RETRY_AFTER, HeaderValue::from_static("1"))],
            "Too many calls at once.",
        )
            .into_response();
    };
    let asker = Asker {
        agent,
        only,
        session: incoming::session(headers),
        _turn: turn,
    };
    if request.method() == Method::GET && opens_stream(headers) {
        return news::stream(&guard.inside, asker, guard.close.clone()).await;
    }
    let incoming = match incoming::read(request, &asker).await {
        Ok(incoming) => incoming,
        Err((knock, refusal)) => {
            knocks::turned_away(engine, Some(&asker.agent), knock).await;
            return refusal;
        }
    };
    if let Some(whose) = &incoming.cancels {
        guard.inside.running.cancel(whose);
    }
    let mut request = incoming.request;
    // What the agent proved itself with goes no further.
    for name in [
        header::AUTHORIZATION,
        header::COOKIE,
        header::PROXY_AUTHORIZATION,
        incoming::SESSION,
    ] {
        request.headers_mut().remove(name);
    }
    if let Some(call) = incoming.plain {
        return tokio::select! {
            answer = call.answer(&guard.inside, &asker, request.headers()) => answer,
            () = guard.close.cancelled() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        };
    }
    request.extensions_mut().insert(asker);
    let mut answer = guard.rmcp.handle(request).await.map(Body::new);
    if incoming.begins {
        incoming::name_session(&mut answer);
    }
    answer
}

/// Whether an agent of the older era asks for the stream on which it is told what changes.
fn opens_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter();
    accepts
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/event-stream"))
}

/// Exactly one Host, one of ours; and no Origin but our own.
fn is_ours(headers: &HeaderMap, hosts: &[String]) -> Result<(), Knock> {
    let known = |text: &str| hosts.iter().any(|host| host.eq_ignore_ascii_case(text));
    let mut told = headers.get_all(header::HOST).iter();
    let host = told.next().and_then(|host| host.to_str().ok());
    if told.next().is_some() || !host.is_some_and(known) {
        return Err(Knock::ForeignHost);
    }
    let ours = headers.get_all(header::ORIGIN).iter().all(|origin| {
        origin
            .to_str()
            .ok()
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(known)
    });
    if ours {
        Ok(())
    } else {
        Err(Knock::ForeignOrigin)
    }
}

/// `/mcp`: `Some(None)`; `/mcp/{slug}`: `Some(Some(slug))`.
fn scope(path: &str) -> Option<Option<String>> {
    let rest = path.strip_prefix("/mcp")?;
    match rest.strip_prefix('/') {
        None if rest.is_empty() => Some(None),
        Some("") => Some(None),
        Some(slug) if !slug.contains('/') => Some(Some(slug.to_owned())),
        None | Some(_) => None,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut told = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = told.next()?.to_str().ok()?.split_once(' ')?;
    (told.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(told: &[(&'static str, &'static str)]) -> HeaderMap {
        told.iter()
            .map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn host_and_origin_are_each_looked_at_on_their_own() {
        let hosts = local::hosts(7317);
        let ours = |told: &[(&'static str, &'static str)]| is_ours(&headers(told), &hosts).is_ok();
        assert!(ours(&[("host", "127.0.0.1:7317")]));
        assert!(ours(&[
            ("host", "LOCALHOST:7317"),
            ("origin", "http://[::1]:7317")
        ]));
        for host in ["127.0.0.1", "127.0.0.1:80", "evil.example:7317", ""] {
            assert!(!ours(&[("host", host)]), "{host}");
        }
        assert!(!ours(&[]), "no Host at all");
        for origin in [
            "null",
            "http://evil.example",
            "https://127.0.0.1:7317",
            "http://127.0.0.1",
        ] {
            assert!(
                !ours(&[("host", "127.0.0.1:7317"), ("origin", origin)]),
                "{origin}"
            );
        }
        let mut two = headers(&[("host", "127.0.0.1:7317")]);
        two.append(header::HOST, HeaderValue::from_static("127.0.0.1:7317"));
        assert_eq!(is_ours(&two, &hosts), Err(Knock::ForeignHost), "two hosts");
    }

    #[test]
    fn a_path_is_all_integrations_or_one() {
        assert_eq!(scope("/mcp"), Some(None));
        assert_eq!(scope("/mcp/"), Some(None));
        assert_eq!(scope("/mcp/stripe"), Some(Some("stripe".to_owned())));
        for path in ["/", "/mcpx", "/mcp/stripe/x", "/sse", ""] {
            assert_eq!(scope(path), None, "{path}");
        }
    }

    #[test]
    fn one_bearer_token_counts_and_nothing_else() {
        assert_eq!(
            bearer(&headers(&[("authorization", "bearer abc")])),
            Some("abc")
        );
        assert_eq!(bearer(&headers(&[("authorization", "Basic abc")])), None);
        assert_eq!(bearer(&headers(&[])), None);
        let mut two = headers(&[("authorization", "Bearer abc")]);
        two.append(
            header::AUTHORIZATION,
            HeaderValue::from_static("Bearer def"),
        );
        assert_eq!(bearer(&two), None);
    }
}
