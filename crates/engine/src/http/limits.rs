//! How much of an answer is read, and for how long.

use super::failure::{Failure, after_sending};
use wire::{Error, ErrorCode};

/// The most that one request may bring and take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body, after decompression.
    pub bytes: usize,
    /// Seconds for everything: looking up, connecting, redirects, and the whole body.
    pub seconds: u64,
}

impl Default for Limits {
    /// 4 MiB in 30 s.
    fn default() -> Self {
        Self {
            bytes: 4 << 20,
            seconds: 30,
        }
    }
}

impl Limits {
    /// What metadata, registration and token answers get: 256 KiB in 15 s.
    #[must_use]
    pub fn small() -> Self {
        Self {
            bytes: 256 << 10,
            seconds: 15,
        }
    }
}

/// The body, read piece by piece as it is decompressed, so that a bomb is never held whole.
/// Errors: `TooLarge` at the first byte beyond the limit; the connection is dropped there.
pub(crate) async fn read(
    mut answer: reqwest::Response,
    host: &str,
    limit: usize,
) -> Result<Vec<u8>, Failure> {
    let promised = answer
        .content_length()
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(0);
    if promised > limit {
        return Err(too_large(host, limit));
    }
    let mut body = Vec::with_capacity(promised.min(64 << 10));
    while let Some(piece) = answer
        .chunk()
        .await
        .map_err(|error| after_sending(&error, host))?
    {
        if body.len() + piece.len() > limit {
            return Err(too_large(host, limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn too_large(host: &str, limit: usize) -> Failure {
    let limit = if limit >= 1 << 20 {
        format!("{} MiB", limit >> 20)
    } else if limit >= 1 << 10 {
        format!("{} KiB", limit >> 10)
    } else {
        format!("{limit} bytes")
    };
    Failure {
        error: Error::new(ErrorCode::TooLarge)
            .with("host", host)
            .with("limit", limit),
        sent: true,
    }
}
