//! The three small pages that the browser shows on its way: whole in themselves, without script,
//! and without anything that came from outside.

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::Response,
};

/// Brings the app's window to the front, where the system knows the scheme.
const RAISE: &str = "app.chief.integrations:/raise";

/// The colours are the window's (`ui/styles/tokens.css`).
const STYLE: &str = "\
:root{color-scheme:light dark;--canvas:#f6f6f8;--ink:#1b1b23;--ink-2:#55556a;\
--accent:#4b3fd6;--accent-ink:#fff;--focus:#6f64f0}\
@media(prefers-color-scheme:dark){:root{--canvas:#131318;--ink:#ededf3;--ink-2:#b4b4c4;\
--accent:#8f86ff;--accent-ink:#14121f;--focus:#a39bff}}\
body{margin:0;min-height:100vh;display:grid;place-items:center;\
font:1rem/1.5 system-ui,sans-serif;background:var(--canvas);color:var(--ink)}\
main{max-width:28rem;padding:2rem;text-align:center}\
h1{font-size:1.375rem;line-height:1.3;margin:0 0 .5rem;text-wrap:balance}\
p{margin:0 0 1.5rem;color:var(--ink-2);text-wrap:balance}\
a{display:inline-block;padding:.625rem 1.25rem;border-radius:.5rem;\
background:var(--accent);color:var(--accent-ink);text-decoration:none;font-weight:600}\
a:focus-visible{outline:3px solid var(--focus);outline-offset:2px}\
iframe{display:none}";

/// One of the pages.
#[derive(Clone, Copy)]
pub(super) enum Page {
    /// The answer came; the app goes on.
    Returned,
    /// The person or the server said no.
    NotCompleted,
    /// An answer that belongs to no sign-in of ours.
    NotOurs,
    /// A link that leads nowhere.
    Nothing,
}

impl Page {
    fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Returned => (
                StatusCode::OK,
                "You can return to Chief",
                "Chief Integrations has the answer and goes on from here. You can close this page.",
            ),
            Self::NotCompleted => (
                StatusCode::OK,
                "The sign-in was not completed",
                "Nothing was connected. Chief Integrations says why, and lets you try again.",
            ),
            Self::NotOurs => (
                StatusCode::BAD_REQUEST,
                "This answer belongs to no open sign-in",
                "Nothing was changed. If you are signing in, go on in the page that Chief Integrations opened.",
            ),
            Self::Nothing => (
                StatusCode::NOT_FOUND,
                "This link leads nowhere",
                "Open the sign-in again from Chief Integrations.",
            ),
        }
    }

    /// The page as an answer that ends its connection.
    pub(super) fn response(self) -> Response {
        let (status, title, text) = self.words();
        // Raises the window by itself; the link is for browsers that ask for a click first.
        let raise = match self {
            Self::Returned | Self::NotCompleted => {
                format!(
                    "<iframe src=\"{RAISE}\" title=\"Chief Integrations\" aria-hidden=\"true\"></iframe>"
                )
            }
            Self::NotOurs | Self::Nothing => String::new(),
        };
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style></head><body><main>\
             <h1>{title}</h1><p>{text}</p><a href=\"{RAISE}\">Return to Chief</a></main>{raise}</body></html>"
        );
        let mut answer = sealed(status, Body::from(html));
        answer.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("text/html; charset=utf-8"),
        );
        answer
    }
}

/// Sends the browser on to the authorization server.
pub(super) fn to_server(url: &str) -> Response {
    let mut answer = sealed(StatusCode::FOUND, Body::empty());
    if let Ok(location) = header::HeaderValue::from_str(url) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

/// The headers that keep a page to itself: nothing loaded, nothing framed, nothing kept.
fn sealed(status: StatusCode, body: Body) -> Response {
    use base64::Engine as _;
    use sha2::Digest as _;
    let style = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; frame-src app.chief.integrations:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Response::builder()
        .status(status)
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::X_FRAME_OPTIONS, "DENY")
        .header(header::CONNECTION, "close")
        .body(body)
        .expect("fixed headers and a base64 hash are valid")
}
