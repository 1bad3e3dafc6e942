//! Whether the network still leads anywhere, asked before any ping is due: what is connected is asked
//! for a sign of life, without a credential, and a doubt brings the pings of a few forward.
//!
//! Owns: whom to ask when ([`Watch`], pure), and what a sign of life is ([`lives`]). Must not know: when
//! silence is called offline (`monitor::schedule`).

use crate::{
    Engine,
    http::{Answer, Limits, Outgoing, Reach},
};
use ::http::{Method, header};
use std::{collections::BTreeMap, net::IpAddr};
use wire::{Error, ErrorCode, Time};

/// Where nobody answered for as long, somebody is asked.
const QUIET_MS: i64 = 15_000;
/// One host is asked no more often than this: some count requests without a credential.
const HOST_MS: i64 = 3 * 60_000;
/// A host that has been silent within this time is no news: it may just be down.
const DOUBT_MS: i64 = 10 * 60_000;
/// Longer than this no sign of life is waited for.
const PATIENCE_S: u64 = 8;

/// What was asked of whom, and from where.
#[derive(Debug, Default)]
pub(super) struct Watch {
    asked: BTreeMap<String, Time>,
    doubted: BTreeMap<String, Time>,
    /// This computer's own address on the way out.
    from: Option<IpAddr>,
}

impl Watch {
    /// True where the way out is another than at the last look: another network may be a portal's.
    pub fn moved(&mut self, from: Option<IpAddr>) -> bool {
        let before = std::mem::replace(&mut self.from, from);
        before.is_some() && from.is_some() && before != from
    }

    /// Who of `hosts` is to be asked now; `answered`: when anybody of them answered last. Nobody where
    /// there is but one: its silence would tell nothing of the network.
    pub fn whom(&mut self, hosts: &[&str], answered: Option<Time>, now: Time) -> Option<String> {
        let lately = |at: Time, within: i64| (0..within).contains(&now.since(at));
        self.asked.retain(|host, _| hosts.contains(&host.as_str()));
        let newest = self.asked.values().max().copied();
        let quiet = |at: Option<Time>| at.is_none_or(|at| !lately(at, QUIET_MS));
        if hosts.len() < 2 || !quiet(answered) || !quiet(newest) {
            return None;
        }
        let asked = |host: &str| self.asked.get(host).copied();
        let host = hosts.iter().min_by_key(|host| asked(host))?;
        if asked(host).is_some_and(|at| lately(at, HOST_MS)) {
            return None;
        }
        self.asked.insert((*host).to_owned(), now);
        Some((*host).to_owned())
    }

    /// Takes in that this host showed no sign of life. True where that is a reason to look around.
    pub fn doubts(&mut self, host: &str, now: Time) -> bool {
        self.doubted
            .retain(|_, at| (0..DOUBT_MS).contains(&now.since(*at)));
        self.doubted.insert(host.to_owned(), now).is_none()
    }

    /// The network was away and is back: everybody's silence is news again.
    pub fn back(&mut self) {
        self.doubted.clear();
    }
}

/// This computer's own address on the way out; `None` without a route. Sends nothing.
pub(super) fn own_address() -> Option<IpAddr> {
    let from = |bind: &str, to: &str| {
        let socket = std::net::UdpSocket::bind(bind).ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    // For documentation (RFC 5737, RFC 3849): nobody is there.
    from("0.0.0.0:0", "203.0.113.1:9").or_else(|| from("[::]:0", "[2001:db8::1]:9"))
}

/// Asks for the head of the host's first page, without a credential. `None`: it tells nothing.
pub(super) async fn lives(engine: &Engine, root: reqwest::Url, reach: &Reach) -> Option<bool> {
    let limits = Limits {
        seconds: PATIENCE_S,
        ..Limits::small()
    };
    let head = Outgoing {
        method: Method::HEAD,
        limits,
        ..Outgoing::get(root)
    };
    tells(&engine.http().send(head, reach).await)
}

/// A page, or a way elsewhere, may be a portal's: it is no sign of life, nor of death. Pings tell.
fn tells(answer: &Result<Answer, Error>) -> Option<bool> {
    match answer {
        Ok(answer) => {
            let kind = answer.headers.get(header::CONTENT_TYPE);
            let is_page = kind
                .and_then(|kind| kind.to_str().ok())
                .is_some_and(|kind| kind.trim_start().starts_with("text/html"));
            let by_the_network = matches!(answer.status, 407 | 511);
            let may_be_a_portal = by_the_network || (is_page && answer.status < 300);
            Some(!may_be_a_portal)
        }
        Err(error) => match error.code {
            ErrorCode::Unreachable
            | ErrorCode::RedirectRefused
            | ErrorCode::BadAnswer
            | ErrorCode::AddressPrivate
            | ErrorCode::AddressForbidden => Some(false),
            // It was not sent, or not for the network's sake.
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::{HeaderMap, HeaderValue};

    const SECOND: i64 = 1_000;

    fn answered(status: u16, kind: &'static str) -> Result<Answer, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(Answer {
            status,
            headers,
            body: vec![],
            took_ms: 1,
        })
    }

    #[test]
    fn where_somebody_answered_lately_nobody_is_asked() {
        let mut watch = Watch::default();
        let now = Time(100 * SECOND);
        let lately = Some(now.plus(-10 * SECOND));
        assert_eq!(watch.whom(&["a", "b"], lately, now), None);
        assert_eq!(watch.whom(&["a", "b"], None, now), Some("a".to_owned()));
    }

    #[test]
    fn each_host_is_asked_in_turn_and_seldom() {
        let mut watch = Watch::default();
        let mut asked: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for second in (0..3_600).step_by(10) {
            let now = Time(second * SECOND);
            if let Some(host) = watch.whom(&["a", "b", "c"], None, now) {
                asked.entry(host).or_default().push(second);
            }
        }
        assert_eq!(asked.len(), 3);
        for (host, times) in asked {
            assert!(times.len() <= 20, "{host}: {} in an hour", times.len());
            assert!(times.windows(2).all(|two| two[1] - two[0] >= 180), "{host}");
        }
    }

    #[test]
    fn one_alone_is_never_asked() {
        assert_eq!(Watch::default().whom(&["a"], None, Time(0)), None);
    }

    #[test]
    fn a_host_that_stays_down_is_a_reason_to_look_around_once() {
        let mut watch = Watch::default();
        assert!(watch.doubts("a", Time(0)));
        assert!(!watch.doubts("a", Time(180 * SECOND)));
        assert!(watch.doubts("b", Time(180 * SECOND)));
        watch.back();
        assert!(watch.doubts("a", Time(181 * SECOND)));
    }

    #[test]
    fn another_own_address_is_another_network() {
        let (home, hotel) = ([192, 168, 1, 7].into(), [10, 0, 0, 9].into());
        let mut watch = Watch::default();
        assert!(!watch.moved(Some(home)), "the first look");
        assert!(!watch.moved(Some(home)));
        assert!(watch.moved(Some(hotel)));
        assert!(!watch.moved(None), "no network is told otherwise");
    }

    #[test]
    fn any_answer_but_a_page_is_a_sign_of_life() {
        assert_eq!(tells(&answered(401, "application/json")), Some(true));
        assert_eq!(tells(&answered(404, "text/html")), Some(true));
        assert_eq!(
            tells(&answered(200, "text/html; charset=utf-8")),
            Some(false)
        );
        assert_eq!(tells(&answered(511, "text/plain")), Some(false));
        for (code, told) in [
            (ErrorCode::Unreachable, Some(false)),
            (ErrorCode::RedirectRefused, Some(false)),
            (ErrorCode::AddressForbidden, Some(false)),
            (ErrorCode::UrlNotSecure, None),
        ] {
            assert_eq!(tells(&Err(Error::new(code))), told);
        }
    }
}
