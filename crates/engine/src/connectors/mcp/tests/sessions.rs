//! Servers of the older era that no longer know a session, as after a restart.

use super::*;

/// Whose sessions end, and who may then begin no other.
#[derive(Clone, Default)]
struct Sessions {
    begun: Arc<AtomicUsize>,
    /// The one that it knows.
    known: Arc<AtomicUsize>,
    /// It lets nobody in.
    is_closed: Arc<AtomicBool>,
    /// Requests of a session that it does not know.
    unknown: Arc<AtomicUsize>,
}

impl Sessions {
    fn forget(&self) {
        self.known.store(0, Ordering::Relaxed);
    }

    fn counts(&self) -> (usize, usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        (count(&self.begun), count(&self.unknown))
    }

    /// A server that says `unknown` of a session that it does not know.
    async fn serve(
        &self,
        unknown: impl Fn() -> ResponseTemplate + Send + Sync + 'static,
    ) -> MockServer {
        let sessions = self.clone();
        let older = Older(|_: &str, _: &Value| None);
        let answer = move |request: &Request| {
            let message = message(request);
            if message["method"] == "initialize" {
                if sessions.is_closed.load(Ordering::Relaxed) {
                    return ResponseTemplate::new(401).insert_header("www-authenticate", "Bearer");
                }
                let id = sessions.begun.fetch_add(1, Ordering::Relaxed) + 1;
                sessions.known.store(id, Ordering::Relaxed);
                return older
                    .respond(request)
                    .insert_header("mcp-session-id", id.to_string());
            }
            let named = request.headers.get("mcp-session-id");
            let known = sessions.known.load(Ordering::Relaxed).to_string();
            if named.is_some_and(|named| *named != *known) {
                // (The end of the old session is said to the server, too.)
                let is_asked = usize::from(request.method == "POST");
                sessions.unknown.fetch_add(is_asked, Ordering::Relaxed);
                return unknown();
            }
            older.respond(request)
        };
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        server
    }
}

/// In the words of the SDKs that many servers are built on.
fn in_words(of: &str) -> ResponseTemplate {
    let text = |status, text: &str| ResponseTemplate::new(status).set_body_string(text);
    match of {
        "the specification" => ResponseTemplate::new(404),
        "typescript" => ResponseTemplate::new(400)
            .set_body_json(json!({ "jsonrpc": "2.0", "id": null,
            "error": { "code": -32000, "message": "Bad Request: No valid session ID provided" } })),
        "python" => {
            ResponseTemplate::new(400).set_body_bytes("Bad Request: No valid session ID provided")
        }
        "go" => text(400, "Invalid session ID\n"),
        _ => text(401, "Unauthorized: Session not found"),
    }
}

#[rstest]
#[tokio::test]
async fn a_forgotten_session_is_begun_anew_however_the_server_says_so(
    #[values("the specification", "typescript", "python", "go", "rust")] words: &'static str,
) {
    let sessions = Sessions::default();
    let server = sessions.serve(move || in_words(words)).await;
    let mcp = mcp(&server.uri());
    mcp.ping(&credential()).await.expect("a pong");
    sessions.forget();
    mcp.ping(&credential()).await.expect("a ping, anew");
    assert_eq!(sessions.counts(), (2, 1));
    call(&mcp).await.expect("the first answer");
    for plainly in [false, true] {
        sessions.forget();
        call(&mcp).await.expect("a call, anew");
        if plainly {
            sessions.forget();
            mcp.list_tools(&credential()).await.expect("a list, anew");
        }
    }
    assert_eq!(
        sessions.counts(),
        (5, 4),
        "one try, and one new session, each"
    );

    sessions.forget();
    sessions.is_closed.store(true, Ordering::Relaxed);
    let error = call(&mcp).await.expect_err("nobody is let in");
    assert_eq!(error.code, ErrorCode::Rejected, "{error}");
    let error = mcp.ping(&credential()).await.expect_err("nobody is let in");
    assert_eq!(error.code, ErrorCode::Rejected, "{error}");
}

#[rstest]
#[case::without_a_word(ResponseTemplate::new(401), 2)]
#[case::in_words_of_its_own(ResponseTemplate::new(400).set_body_string("who are you?"), 2)]
#[case::a_challenge(
    ResponseTemplate::new(401)
        .insert_header("www-authenticate", "Bearer error=\"invalid_token\"")
        .set_body_string("no such session"),
    1
)]
#[tokio::test]
async fn a_ping_that_is_refused_tries_a_new_session_but_where_the_credential_is_meant(
    #[case] refusal: ResponseTemplate,
    #[case] begun: usize,
) {
    let sessions = Sessions::default();
    let server = sessions.serve(move || refusal.clone()).await;
    let mcp = mcp(&server.uri());
    mcp.ping(&credential()).await.expect("a pong");
    sessions.forget();
    let pinged = mcp.ping(&credential()).await;
    assert_eq!(sessions.counts(), (begun, 1));
    match begun {
        1 => assert_eq!(pinged.expect_err("refused").code, ErrorCode::Rejected),
        _ => drop(pinged.expect("it was the session")),
    }
}

#[tokio::test]
async fn a_call_that_is_always_said_to_be_of_no_session_is_tried_once_more_and_told_as_it_is() {
    let server = MockServer::start().await;
    let older = Older(|method: &str, _: &Value| (method == "tools/call").then(|| in_words("rust")));
    let answer = move |request: &Request| {
        older
            .respond(request)
            .insert_header("mcp-session-id", "one for all")
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let mcp = mcp(&server.uri());
    let error = call(&mcp).await.expect_err("refused");
    assert_eq!(error.code, ErrorCode::Rejected, "{error}");
    let asked = server.received_requests().await.unwrap_or_default();
    let calls = asked
        .iter()
        .filter(|request| message(request)["method"] == "tools/call");
    assert_eq!(calls.count(), 2);
}
