//! What went wrong on the way, in short plain words and without the URL.

use std::{error::Error as StdError, io};
use wire::{Error, ErrorCode};

/// A request that brought no answer.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The far side may have seen and acted on it.
    pub(crate) sent: bool,
}

impl Failure {
    pub(crate) fn unsent(error: Error) -> Self {
        Self { error, sent: false }
    }
}

/// The failure of a request whose answer never began.
pub(crate) fn of_request(error: &reqwest::Error, host: &str) -> Failure {
    Failure {
        error: explain(error, host),
        sent: !error.is_connect() && !error.is_builder(),
    }
}

/// The failure of an answer that had begun.
pub(crate) fn after_sending(error: &reqwest::Error, host: &str) -> Failure {
    Failure {
        error: explain(error, host),
        sent: true,
    }
}

/// Says why in words; never shows the URL, which may hold a key in its query.
///
/// Errors that the guard raised inside the client come out as themselves. For the errors of a
/// client from [`super::Http::client`], wherever they surface.
#[must_use]
pub fn explain(error: &(dyn StdError + 'static), host: &str) -> Error {
    let bad = |why: &str| {
        Error::new(ErrorCode::BadAnswer)
            .with("host", host)
            .with("why", why)
    };
    let mut why = None;
    let mut undecodable = false;
    let mut link = Some(error);
    while let Some(cause) = link {
        if let Some(own) = cause.downcast_ref::<Error>() {
            return own.clone();
        }
        if let Some(request) = cause.downcast_ref::<reqwest::Error>() {
            // A body that is cut off counts as undecodable, too: what is below knows better.
            undecodable |= request.is_decode();
            if request.is_timeout() {
                why = Some("no answer in time");
            }
        }
        if let Some(talk) = cause.downcast_ref::<hyper::Error>() {
            if talk.is_parse() {
                return bad("it does not speak HTTP");
            }
            why = why.or(Some(CUT));
        }
        // hyper-util keeps the type of these to itself.
        match cause.to_string().as_str() {
            "tunnel error: proxy authorization required" => why = Some(PROXY_ASKS),
            "tunnel error: unsuccessful" => why = Some("the network's proxy does not lead there"),
            _ => {}
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            why = Some(of_tls(tls));
            break;
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            why = of_io(io.kind()).or(why);
            // The `source` of an io::Error passes over the very error that it wraps.
            if let Some(inner) = io.get_ref() {
                link = Some(inner);
                continue;
            }
        }
        link = cause.source();
    }
    match why {
        None if undecodable => bad("its body cannot be decoded"),
        why => Error::new(ErrorCode::Unreachable)
            .with("host", host)
            .with("why", why.unwrap_or(CUT)),
    }
}

pub(super) const PROXY_ASKS: &str = "the network's proxy asks for a sign-in";
const CUT: &str = "the connection was cut";

fn of_io(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(CUT),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("no way leads there")
        }
        io::ErrorKind::NetworkDown => Some("the network is down"),
        io::ErrorKind::TimedOut => Some("no answer in time"),
        _ => None,
    }
}

fn of_tls(error: &rustls::Error) -> &'static str {
    use rustls::{CertificateError, Error as Tls};
    match error {
        Tls::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the certificate has expired",
        Tls::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the certificate is for another name",
        Tls::InvalidCertificate(_) => "the certificate is not trusted",
        Tls::InvalidMessage(_) => "it does not speak TLS there",
        _ => "no secure connection could be made",
    }
}
