//! The ping of an API: which request, and what its answer means. Most APIs say it by the status; some
//! answer 200 to everything and say it in the body.

use super::target;
use crate::{
    connect::way::{self, Meaning, Verdict},
    http::{self, Answer, Limits, Outgoing},
};
use ::http::{HeaderValue, header};
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;
use wire::{Error, ErrorCode};

/// The cheapest safe request.
pub(super) struct Ping {
    pub url: Url,
    method: way::Method,
    body: Option<String>,
    statuses: BTreeMap<u16, Meaning>,
    verdict: Option<Verdict>,
}

impl Ping {
    /// Errors: `FieldInvalid` where its path does not stay under the base URL.
    pub(super) fn new(
        base: &Url,
        health_path: &str,
        told: Option<&way::Ping>,
    ) -> Result<Self, Error> {
        let path = told.map_or(health_path, |ping| ping.path.as_str());
        let url = target::under(base, path).map_err(|why| {
            Error::new(ErrorCode::FieldInvalid)
                .with("field", "health_path")
                .with("why", why)
        })?;
        Ok(Self {
            url,
            method: told.map_or(way::Method::Get, |ping| ping.method),
            body: told.and_then(|ping| ping.body.clone()),
            statuses: told.map_or_else(BTreeMap::new, |ping| ping.statuses.clone()),
            verdict: told.and_then(|ping| ping.verdict.clone()),
        })
    }

    pub(super) fn in_words(&self) -> String {
        let method = reqwest::Method::from(self.method);
        format!("{method} {}", super::shown(&self.url))
    }

    pub(super) fn request(&self) -> Outgoing {
        let mut request = Outgoing {
            method: self.method.into(),
            body: self.body.clone().map(String::into_bytes),
            limits: Limits::default(),
            ..Outgoing::get(self.url.clone())
        };
        if request.body.is_some() {
            let json = HeaderValue::from_static("application/json");
            request.headers.insert(header::CONTENT_TYPE, json);
        }
        request
    }

    /// `None` where it went well.
    pub(super) fn trouble(&self, answer: &Answer) -> Option<Error> {
        let host = http::host(&self.url);
        let by_status = match self.statuses.get(&answer.status) {
            Some(meaning) => meant(*meaning, &answer.status.to_string(), &host),
            None => http::classify(answer.status, &answer.headers, &host)
                .filter(|error| !(error.code == ErrorCode::Forbidden && is_a_filters(answer))),
        };
        by_status
            .or_else(|| page(answer, &host))
            .or_else(|| self.by_body(answer, &host))
    }

    /// What the answer to a call says of the credential: refused (also in the body, where this service
    /// says it there), or short of scopes that are named. `None`: the answer is the caller's, whatever
    /// it is.
    pub(super) fn refusal(&self, answer: &Answer) -> Option<Error> {
        let host = http::host(&self.url);
        let error = match answer.status {
            401 | 403 => http::classify(answer.status, &answer.headers, &host),
            200..=299 => self.by_body(answer, &host),
            _ => None,
        }?;
        let short = error.code == ErrorCode::Forbidden && error.args.contains_key("scope");
        (error.code == ErrorCode::Rejected || short).then_some(error)
    }

    fn by_body(&self, answer: &Answer, host: &str) -> Option<Error> {
        let verdict = self.verdict.as_ref()?;
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
            return Some(
                Error::new(ErrorCode::BadAnswer)
                    .with("host", host)
                    .with("why", "its answer is not JSON"),
            );
        };
        if body.pointer(&verdict.ok) == Some(&Value::Bool(true)) {
            return None;
        }
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let name = text(&verdict.error).unwrap_or("no reason");
        let scope = verdict.scope.as_deref().and_then(text);
        match verdict.errors.get(name) {
            Some(meaning) => {
                let error = meant(*meaning, &http::inert(name), host)?;
                Some(match scope.filter(|_| error.code == ErrorCode::Forbidden) {
                    Some(scope) => error.with("scope", http::inert(&scope.replace(',', " "))),
                    None => error,
                })
            }
            None => Some(
                Error::new(ErrorCode::BadAnswer)
                    .with("host", host)
                    .with("why", http::inert(name)),
            ),
        }
    }
}

/// A web page where an API was asked: a sign-in page, or a captive portal's. It proves nothing.
fn page(answer: &Answer, host: &str) -> Option<Error> {
    http::is_page(&answer.body).then(|| page_of(host))
}

/// A filter in between forbids with a page, and asks for nothing that a credential could lack.
fn is_a_filters(answer: &Answer) -> bool {
    http::is_page(&answer.body) && !answer.headers.contains_key(header::WWW_AUTHENTICATE)
}

pub(super) fn page_of(host: &str) -> Error {
    Error::new(ErrorCode::BadAnswer)
        .with("host", host)
        .with("why", "it answered a web page")
}

/// `status`: the number, or the name in the body.
fn meant(meaning: Meaning, status: &str, host: &str) -> Option<Error> {
    let code = match meaning {
        Meaning::Fine => return None,
        Meaning::Rejected => ErrorCode::Rejected,
        Meaning::Forbidden => ErrorCode::Forbidden,
        Meaning::SlowDown => {
            return Some(
                Error::new(ErrorCode::RateLimited)
                    .with("host", host)
                    .with("seconds", "60")
                    .with(crate::http::GUESSED, "yes"),
            );
        }
        Meaning::Trouble => ErrorCode::ServerError,
    };
    Some(Error::new(code).with("host", host).with("status", status))
}
