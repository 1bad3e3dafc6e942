use super::super::{
    Flow, authorize,
    tests::{discovered, fine, public_client, refused},
};
use super::*;
use reqwest::{Client as Browser, StatusCode};
use rstest::rstest;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn browser() -> Browser {
    Browser::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a plain client")
}

fn begin(loopback: &Loopback) -> Flow {
    fine(authorize(
        &discovered("https://as.example"),
        &public_client(),
        &loopback.redirect_uri(),
        &[],
    ))
}

fn back(loopback: &Loopback, flow: &Flow) -> String {
    format!(
        "{}?code=the-code&state={}",
        loopback.redirect_uri(),
        flow.state().reveal()
    )
}

fn port(loopback: &Loopback) -> u16 {
    let uri = Url::parse(&loopback.redirect_uri()).expect("a URL");
    uri.port().expect("an ephemeral port")
}

/// Serves on its own, as the engine does while it waits.
fn wait(
    mut loopback: Loopback,
    flow: &Flow,
) -> tokio::task::JoinHandle<(Loopback, Result<Answered, Error>)> {
    let (url, state) = (flow.authorization_url.clone(), flow.state().clone());
    tokio::spawn(async move {
        let answered = loopback
            .answer(&url, &state, CancellationToken::new())
            .await;
        (loopback, answered)
    })
}

async fn get(url: &str) -> reqwest::Response {
    browser().get(url).send().await.expect("an answer")
}

fn is_page(answer: &reqwest::Response) {
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let policy = header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{policy}"
    );
    assert!(
        policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'none'"),
        "{policy}"
    );
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn the_link_leads_to_the_server_and_the_answer_comes_back_once() {
    let loopback = fine(Loopback::bind().await);
    let flow = begin(&loopback);
    let (link, answer) = (loopback.start_link(), back(&loopback, &flow));
    assert!(
        !link.contains(flow.state().reveal()),
        "state is not in what is passed around"
    );
    let waiting = wait(loopback, &flow);
    for again in [false, true] {
        let start = get(&link).await;
        assert_eq!(start.status(), StatusCode::FOUND, "again: {again}");
        assert_eq!(start.headers()["location"], flow.authorization_url.as_str());
        is_page(&start);
    }
    let page = get(&answer).await;
    assert_eq!(page.status(), StatusCode::OK);
    is_page(&page);
    let html = page.text().await.expect("a page");
    assert!(
        html.contains("You can return to Chief") && html.contains("app.chief.integrations:/raise")
    );
    assert!(html.contains("prefers-color-scheme:dark") && !html.contains("<script"));
    for secret in ["the-code", flow.state().reveal()] {
        assert!(
            !html.contains(secret),
            "nothing of the query may be on the page"
        );
    }
    let (mut loopback, answered) = waiting.await.expect("no panic");
    let Answered::Callback(callback) = fine(answered) else {
        panic!("the right answer")
    };
    assert_eq!(fine(flow.check_without_iss(&callback)).reveal(), "the-code");
    // The same answer again is refused and told of, and the link leads nowhere any more.
    assert_eq!(get(&answer).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(get(&link).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(loopback.late().await, Some(()));
    let port = port(&loopback);
    drop(loopback);
    assert!(closed(port).await, "the listener must be gone");
}

impl Flow {
    /// The server of these tests promises `iss`; what is looked at here is the way back.
    fn check_without_iss(&self, callback: &Callback) -> Result<Secret, Error> {
        let iss = Some("https://as.example".to_owned());
        self.check(&Callback {
            iss,
            ..callback.clone()
        })
    }
}

/// Whether nobody listens there any more, within a second.
async fn closed(port: u16) -> bool {
    for _ in 0..100 {
        if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
            && tokio::net::TcpStream::connect((Ipv6Addr::LOCALHOST, port))
                .await
                .is_err()
        {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn both_addresses_answer_on_the_same_port() {
    let loopback = fine(Loopback::bind().await);
    let (flow, port) = (begin(&loopback), port(&loopback));
    let state = flow.state().reveal().to_owned();
    let waiting = wait(loopback, &flow);
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let wrong = get(&format!("http://{host}:{port}/nothing")).await;
        assert_eq!(wrong.status(), StatusCode::NOT_FOUND, "{host}");
    }
    let page = get(&format!(
        "http://[::1]:{port}/callback?code=c&state={state}"
    ))
    .await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(matches!(
        waiting.await.expect("no panic").1,
        Ok(Answered::Callback(_))
    ));
}

#[rstest]
#[case::wrong_state("code=c&state=wrong")]
#[case::no_state("code=c")]
#[case::nothing("")]
#[case::doubled_state("code=c&state={state}&state={state}")]
#[case::code_and_error("code=c&error=access_denied&state={state}")]
#[tokio::test]
async fn a_forged_answer_changes_nothing_and_the_right_one_still_comes(#[case] query: &str) {
    let loopback = fine(Loopback::bind().await);
    let flow = begin(&loopback);
    let query = query.replace("{state}", flow.state().reveal());
    let (forged, right) = (
        format!("{}?{query}", loopback.redirect_uri()),
        back(&loopback, &flow),
    );
    let waiting = wait(loopback, &flow);
    let page = get(&forged).await;
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    is_page(&page);
    assert!(
        page.text()
            .await
            .expect("a page")
            .contains("Nothing was changed")
    );
    let (loopback, answered) = waiting.await.expect("no panic");
    assert!(
        matches!(answered, Ok(Answered::Refused)),
        "it is told once, for the record"
    );
    let waiting = wait(loopback, &flow);
    assert_eq!(get(&right).await.status(), StatusCode::OK);
    assert!(matches!(
        waiting.await.expect("no panic").1,
        Ok(Answered::Callback(_))
    ));
}

#[tokio::test]
async fn two_sign_ins_at_once_do_not_take_each_others_answers() {
    let (one, other) = (fine(Loopback::bind().await), fine(Loopback::bind().await));
    let (first, second) = (begin(&one), begin(&other));
    let swapped = format!(
        "{}?code=c&state={}",
        one.redirect_uri(),
        second.state().reveal()
    );
    let (to_one, to_other) = (back(&one, &first), back(&other, &second));
    let (one, other) = (wait(one, &first), wait(other, &second));
    assert_eq!(get(&swapped).await.status(), StatusCode::BAD_REQUEST);
    let (again, answered) = one.await.expect("no panic");
    assert!(matches!(answered, Ok(Answered::Refused)));
    let one = wait(again, &first);
    assert_eq!(get(&to_other).await.status(), StatusCode::OK);
    assert_eq!(get(&to_one).await.status(), StatusCode::OK);
    for waiting in [one, other] {
        assert!(matches!(
            waiting.await.expect("no panic").1,
            Ok(Answered::Callback(_))
        ));
    }
}

#[tokio::test]
async fn a_flood_of_forged_answers_is_told_twenty_times_and_the_right_one_gets_through() {
    let loopback = fine(Loopback::bind().await);
    let flow = begin(&loopback);
    let (forged, right) = (
        format!("{}?code=c&state=x", loopback.redirect_uri()),
        back(&loopback, &flow),
    );
    let (url, state) = (flow.authorization_url.clone(), flow.state().clone());
    let waiting = tokio::spawn(async move {
        let mut loopback = loopback;
        let mut told = 0;
        loop {
            match fine(
                loopback
                    .answer(&url, &state, CancellationToken::new())
                    .await,
            ) {
                Answered::Refused => told += 1,
                Answered::Callback(_) => return told,
            }
        }
    });
    let browser = browser();
    for _ in 0..200 {
        let answer = browser.get(&forged).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(get(&right).await.status(), StatusCode::OK);
    assert_eq!(waiting.await.expect("no panic"), 20);
}

#[tokio::test]
async fn a_no_in_the_browser_is_an_answer_and_its_words_are_not_on_the_page() {
    let loopback = fine(Loopback::bind().await);
    let flow = begin(&loopback);
    let no = format!(
        "{}?error=access_denied&error_description=Call+0900-SCAM&state={}",
        loopback.redirect_uri(),
        flow.state().reveal()
    );
    let waiting = wait(loopback, &flow);
    let html = get(&no).await.text().await.expect("a page");
    assert!(
        html.contains("The sign-in was not completed") && !html.contains("SCAM"),
        "{html}"
    );
    assert!(matches!(
        waiting.await.expect("no panic").1,
        Ok(Answered::Callback(_))
    ));
}

#[tokio::test]
async fn only_a_plain_get_of_our_own_address_counts() {
    let loopback = fine(Loopback::bind().await);
    let (flow, port) = (begin(&loopback), port(&loopback));
    let (answer, link) = (back(&loopback, &flow), loopback.start_link());
    let waiting = wait(loopback, &flow);
    let browser = browser();
    for method in [Method::HEAD, Method::POST, Method::OPTIONS, Method::PUT] {
        let ignored = browser
            .request(method.clone(), &answer)
            .send()
            .await
            .expect("an answer");
        assert_eq!(ignored.status(), StatusCode::NOT_FOUND, "{method}");
        is_page(&ignored);
    }
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example",
    ] {
        for url in [&answer, &link] {
            let rebound = browser
                .get(url)
                .header("host", host)
                .send()
                .await
                .expect("an answer");
            assert_eq!(rebound.status(), StatusCode::NOT_FOUND, "{host}");
        }
    }
    for path in [
        "/",
        "/favicon.ico",
        "/start/",
        "/start/guess",
        "/callback/",
        "//callback",
        "/Callback",
    ] {
        let other = get(&format!(
            "http://127.0.0.1:{port}{path}?code=c&state={}",
            flow.state().reveal()
        ))
        .await;
        assert_eq!(other.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!waiting.is_finished(), "none of these was an answer");
    assert_eq!(get(&answer).await.status(), StatusCode::OK);
    assert!(matches!(
        waiting.await.expect("no panic").1,
        Ok(Answered::Callback(_))
    ));
}

#[tokio::test]
async fn a_cancelled_or_dropped_wait_leaves_no_listener() {
    let mut loopback = fine(Loopback::bind().await);
    let (flow, port_one) = (begin(&loopback), port(&loopback));
    let cancel = CancellationToken::new();
    cancel.cancel();
    let answered = loopback
        .answer(&flow.authorization_url, flow.state(), cancel)
        .await;
    assert_eq!(refused(answered).code, ErrorCode::AttemptCancelled);
    let right = get(&back(&loopback, &flow)).await;
    assert_eq!(right.status(), StatusCode::BAD_REQUEST, "nobody waits");
    assert_eq!(loopback.late().await, Some(()), "and it is told of");
    drop(loopback);
    assert!(closed(port_one).await);

    let loopback = fine(Loopback::bind().await);
    let (flow, port_two) = (begin(&loopback), port(&loopback));
    let waiting = wait(loopback, &flow);
    assert_eq!(
        get(&format!("http://127.0.0.1:{port_two}/x"))
            .await
            .status(),
        StatusCode::NOT_FOUND
    );
    waiting.abort();
    assert!(closed(port_two).await, "dropped while it was served");

    let loopback = fine(Loopback::bind().await);
    let port_three = port(&loopback);
    drop(loopback);
    assert!(closed(port_three).await, "dropped before it was served");
}

#[tokio::test]
async fn ten_minutes_are_enough() {
    tokio::time::pause();
    let mut loopback = fine(Loopback::bind().await);
    let flow = begin(&loopback);
    let started = Instant::now();
    let answered = loopback
        .answer(
            &flow.authorization_url,
            flow.state(),
            CancellationToken::new(),
        )
        .await;
    assert_eq!(refused(answered).code, ErrorCode::AttemptExpired);
    assert_eq!(started.elapsed().as_secs(), 600);
    assert_eq!(loopback.late().await, None);
    assert_eq!(started.elapsed().as_secs(), 660, "a minute of saying no");
    tokio::time::resume();
    let port = port(&loopback);
    drop(loopback);
    assert!(closed(port).await);
}

#[tokio::test]
async fn a_port_that_somebody_holds_on_either_address_is_passed_over() {
    for ip in [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ] {
        let squatter = TcpListener::bind((ip, 0)).await.expect("a free port");
        let taken = squatter.local_addr().expect("bound").port();
        let loopback = fine(Loopback::bind_to([taken, 0].into_iter()).await);
        assert_ne!(port(&loopback), taken, "an answer there could go to {ip}");
        let error = refused(Loopback::bind_to([taken].into_iter()).await);
        assert_eq!(error.code, ErrorCode::LoopbackUnavailable);
        assert_eq!(error.args["why"], "address in use");
    }
}
