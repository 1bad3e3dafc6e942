//! What an answer means that is no success.

use super::{
    Carrier, Failed, Kind, MAX_ERROR_BODY, lock,
    message::{is, legacy, media_type, rpc_error, tells_of_session},
};
use crate::{
    connectors::sent::Key,
    http::{classify, inert, is_page, retry_after},
};
use ::http::{HeaderMap, StatusCode, header};
use rmcp::{
    model::{RequestId, ServerJsonRpcMessage},
    transport::streamable_http_client::StreamableHttpPostResponse,
};
use wire::{Error, ErrorCode};

impl Carrier {
    pub(super) async fn refused(
        &self,
        answer: reqwest::Response,
        key: &Key,
        (kind, in_session): (Kind, bool),
        id: Option<RequestId>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let refusal = self.refusal(status, &headers);
        // Whoever names a challenge means the credential.
        let may_mean_another = !headers.contains_key(header::WWW_AUTHENTICATE);
        let is_read = refusal.is_none()
            || may_mean_another
                && matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let body = if is_read {
            self.body(answer, MAX_ERROR_BODY).await.unwrap_or_default()
        } else {
            Vec::new()
        };
        let is_forgotten = in_session
            && match status {
                StatusCode::NOT_FOUND => true,
                // Many servers say one of these where the specification says 404.
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
                    may_mean_another && tells_of_session(&body)
                }
                _ => false,
            };
        let is_a_filters = is_page(&body);
        // JSON-RPC errors come with 4xx and 5xx too; anything else there is only a status.
        let said = is(&headers, "application/json")
            .then(|| rpc_error(&key.veil.json(body)))
            .flatten();
        if is_forgotten {
            let error = match (refusal, said) {
                (Some(error), _) => error,
                (None, Some(said)) => self.bad(&inert(&said.message)),
                (None, None) => self.unreadable(kind, status, &headers),
            };
            return Err(self.forgotten(id.as_ref(), &error));
        }
        if let Some(error) = refusal {
            // A filter in between forbids with a page, and asks for nothing that a credential could lack.
            let error = if error.code == ErrorCode::Forbidden && is_a_filters {
                self.unreadable(kind, status, &headers)
            } else {
                error
            };
            return Err(self.note(id.as_ref(), error));
        }
        if kind == Kind::Discover
            && (status.is_client_error()
                || status == StatusCode::INTERNAL_SERVER_ERROR
                || status == StatusCode::NOT_IMPLEMENTED)
        {
            return Ok(match said {
                Some(error) => {
                    StreamableHttpPostResponse::Json(ServerJsonRpcMessage::error(error, id), None)
                }
                None => legacy(id, format!("HTTP {status}")),
            });
        }
        let Some(said) = said else {
            let error = if status.is_server_error() {
                Error::new(ErrorCode::ServerError)
                    .with("host", self.host())
                    .with("status", status.as_str())
            } else {
                self.unreadable(kind, status, &headers)
            };
            return Err(self.note(id.as_ref(), error));
        };
        Ok(StreamableHttpPostResponse::Json(
            ServerJsonRpcMessage::error(said, id),
            None,
        ))
    }

    /// What the status alone decides: 401, 403, 429, and 5xx that say when to come back.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap) -> Option<Error> {
        let challenge = headers
            .get(header::WWW_AUTHENTICATE)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            lock(&self.shared.noted).challenge = challenge;
        }
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                classify(status.as_u16(), headers, &self.host())
            }
            status if status.is_server_error() && retry_after(headers).is_some() => {
                classify(status.as_u16(), headers, &self.host())
            }
            _ => None,
        }
    }

    pub(super) fn unreadable(&self, kind: Kind, status: StatusCode, headers: &HeaderMap) -> Error {
        let what = media_type(headers).unwrap_or("no content type");
        let why = inert(&format!("HTTP {}, {what}", status.as_u16()));
        let code = match kind {
            Kind::Discover | Kind::Initialize => ErrorCode::NotMcp,
            Kind::Call | Kind::Other | Kind::Notice => ErrorCode::BadAnswer,
        };
        Error::new(code).with("host", self.host()).with("why", why)
    }
}
