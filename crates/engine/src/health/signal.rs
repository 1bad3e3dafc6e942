//! Reads an answer, or its absence, as a signal.
//!
//! Owns: what each error means for the card, and whether the rest of the network works. Must not
//! know: what a signal does (`integrations::status`).

use crate::{
    Engine,
    http::GUESSED,
    integrations::{
        Integration,
        status::{self, Elsewhere, Signal},
    },
};
use wire::{Error, ErrorCode, IntegrationId, Kind, Time};

/// What was asked: the same answer tells more or less by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    /// The request that proves the credential.
    Ping,
    /// The list of tools, or anything else that is neither.
    Other,
    /// One tool.
    Call { tool: &'a str },
}

/// Whom an answer tells of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tells<'a> {
    pub id: IntegrationId,
    pub asked: Asked<'a>,
    /// When the credential was given that it was asked with.
    pub consent: Option<Time>,
    /// What came back: also what was wrong with an answer that was passed on as it came.
    pub heard: Result<(), &'a Error>,
}

/// What an answer says of the integration; `None` where it says nothing (a tool's own error is an
/// answer like another, a locked keyring is not the integration's fault).
pub(crate) async fn signal_of(
    engine: &Engine,
    id: IntegrationId,
    asked: Asked<'_>,
    result: Result<(), &Error>,
) -> Option<Signal> {
    let error = match result {
        Ok(()) => {
            engine.answered(id).await;
            return match asked {
                Asked::Ping => Some(Signal::PingOk),
                Asked::Call { tool } => Some(Signal::CallOk {
                    tool: tool.to_owned(),
                }),
                // Some servers list their tools to anybody.
                Asked::Other => None,
            };
        }
        Err(error) => error,
    };
    if is_answer(error.code) {
        engine.answered(id).await;
    }
    match (error.code, asked) {
        // `tokens` has taken it in already, where the credential that was refused still stands.
        (ErrorCode::OauthInvalidGrant, _) => None,
        (ErrorCode::Rejected, Asked::Ping | Asked::Other)
        // The token was refused, or is over, and its issuer gives this client no other.
        | (ErrorCode::OauthClientGone, Asked::Ping) => Some(Signal::Rejected),
        (ErrorCode::OauthClientGone, Asked::Call { .. }) => Some(Signal::CallRejected),
        (ErrorCode::Rejected, Asked::Call { .. }) => Some(rejected_call(engine, id).await),
        (ErrorCode::Forbidden, Asked::Ping) => Some(Signal::Forbidden),
        (ErrorCode::Forbidden, Asked::Call { tool }) => Some(Signal::ScopeMissing {
            tool: tool.to_owned(),
            scopes: scopes_of(error),
        }),
        (ErrorCode::RateLimited, _) => Some(Signal::RateLimited {
            until: engine.now().plus(asked_pause_ms(error)),
            named: !error.args.contains_key(GUESSED),
        }),
        (ErrorCode::Unreachable | ErrorCode::ServerError, _) => {
            Some(Signal::Unreachable(elsewhere(engine, id, error).await))
        }
        // A page where an answer should be (a captive portal's, too), a name that now leads to where it was
        // not confirmed to, and a token endpoint that gives no token and does not say that the sign-in is
        // over: for a ping that is no answer at all.
        (
            ErrorCode::BadAnswer
            | ErrorCode::NotMcp
            | ErrorCode::RedirectRefused
            | ErrorCode::TooLarge
            | ErrorCode::AddressPrivate
            | ErrorCode::AddressForbidden
            | ErrorCode::OauthTokenRefused,
            Asked::Ping,
        ) => Some(Signal::Unreachable(elsewhere(engine, id, error).await)),
        (ErrorCode::OauthIssuerMismatch | ErrorCode::OauthResourceMismatch, _) => {
            Some(Signal::IssuerChanged)
        }
        (ErrorCode::CredentialRestored, _) => Some(Signal::Restored),
        (ErrorCode::CredentialUnreadable | ErrorCode::KeyringLost, _) => Some(Signal::KeyringLost),
        _ => None,
    }
}

/// How long a server that said `RateLimited` is left alone: as it asked, within a second and a day; a
/// minute where it named no time. Milliseconds.
pub(crate) fn asked_pause_ms(error: &Error) -> i64 {
    let seconds = error
        .args
        .get("seconds")
        .and_then(|s| s.parse::<i64>().ok());
    seconds.unwrap_or(60).clamp(1, 86_400) * 1000
}

/// True where the far side itself has spoken, whatever it said: the network works.
fn is_answer(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Rejected
            | ErrorCode::Forbidden
            | ErrorCode::OauthInvalidGrant
            | ErrorCode::OauthClientGone
            | ErrorCode::RateLimited
            | ErrorCode::ServerError
            | ErrorCode::ToolFailed
            | ErrorCode::ArgumentsInvalid
    )
}

/// A custom API may refuse one path with a 401 while the credential is good: only its ping proves it.
/// An MCP server says 401 of the token as a whole (MCP Authorization, "Token Handling").
async fn rejected_call(engine: &Engine, id: IntegrationId) -> Signal {
    let found = engine
        .store()
        .read(move |conn| Integration::find(conn, id))
        .await;
    match found {
        Ok(Some(found)) if found.kind() == Kind::Api => Signal::CallRejected,
        Ok(_) | Err(_) => Signal::Rejected,
    }
}

/// The scopes that a refusal names (RFC 6750 section 3.1), at most sixteen short ones.
fn scopes_of(error: &Error) -> Vec<String> {
    error
        .args
        .get("scope")
        .map(|scope| {
            scope
                .split_whitespace()
                .take(16)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default()
}

/// What the rest of the network says of a failure to reach `id`.
async fn elsewhere(engine: &Engine, id: IntegrationId, error: &Error) -> Elsewhere {
    let all = engine
        .store()
        .read(move |conn| {
            Ok(Integration::all(conn)?
                .into_iter()
                .map(|each| {
                    let speaks = each.row.enabled && !status::is_outage(&each.state.reason);
                    (each.id, origin(&each), speaks)
                })
                .collect::<Vec<_>>())
        })
        .await
        .unwrap_or_default();
    let own = all
        .iter()
        .find(|(each, ..)| *each == id)
        .map_or_else(String::new, |(_, origin, _)| origin.clone());
    if is_local(&own) {
        // This computer needs no network to reach itself.
        return Elsewhere::Alone;
    }
    if engine.network().is_offline() || !has_route() {
        return Elsewhere::Offline;
    }
    let others: Vec<IntegrationId> = all
        .into_iter()
        .filter(|(_, origin, speaks)| *speaks && *origin != own && !is_local(origin))
        .map(|(id, ..)| id)
        .collect();
    if !others.is_empty() {
        return Elsewhere::Others {
            answered: engine.newest_answer(&others),
        };
    }
    // Nothing to compare with. A name that does not resolve, or leads elsewhere, or a strange certificate is what
    // being offline, or behind a captive portal, looks like.
    let why = error.args.get("why").map_or("", String::as_str);
    let leads_elsewhere = matches!(
        error.code,
        ErrorCode::AddressPrivate | ErrorCode::AddressForbidden
    );
    let like_offline = leads_elsewhere
        || error.code == ErrorCode::Unreachable
            && ["name", "certificate", "TLS", "secure"]
                .iter()
                .any(|word| why.contains(word));
    if like_offline {
        Elsewhere::Offline
    } else {
        Elsewhere::Alone
    }
}

/// The host and port an integration talks to; empty for the sample.
pub(crate) fn origin(integration: &Integration) -> String {
    if integration.kind() == wire::Kind::Sample {
        return String::new();
    }
    let address = integration.address();
    address.split('/').next().unwrap_or_default().to_owned()
}

/// Whether a host (with or without port) is this computer: the sample, `localhost`, a loopback address.
pub(crate) fn is_local(host: &str) -> bool {
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, _)| name)
        .trim_matches(['[', ']']);
    name.is_empty()
        || name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether this computer has a way out: connecting a UDP socket sends nothing, but fails without
/// a route. (203.0.113.0/24 and 2001:db8::/32 are for documentation: RFC 5737, RFC 3849.)
pub(crate) fn has_route() -> bool {
    let try_one = |from: &str, to: &str| {
        std::net::UdpSocket::bind(from)
            .and_then(|socket| socket.connect(to))
            .is_ok()
    };
    try_one("0.0.0.0:0", "203.0.113.1:9") || try_one("[::]:0", "[2001:db8::1]:9")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::tests::Home;

    #[tokio::test]
    async fn a_name_that_leads_elsewhere_is_no_answer_to_a_ping() -> anyhow::Result<()> {
        let home = Home::new().await?;
        let id = home.add(1, "127.0.0.1").await?;
        for code in [ErrorCode::AddressPrivate, ErrorCode::AddressForbidden] {
            let error = Error::new(code);
            let told = signal_of(&home.engine, id, Asked::Ping, Err(&error)).await;
            assert_eq!(told, Some(Signal::Unreachable(Elsewhere::Alone)));
            let call = Asked::Call { tool: "call" };
            assert_eq!(signal_of(&home.engine, id, call, Err(&error)).await, None);
        }
        Ok(())
    }
}
