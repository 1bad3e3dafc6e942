//! What a check proves, and what it does not: servers that greet anybody, pages in an API's place, and
//! what a vendor has announced to end.

use crate::kit::{
    Home,
    authority::Authority,
    browser,
    health::{drive, notices},
    mcp,
    scripted::{Scripted, content, json as answer, text, with_header},
    targets,
};
use anyhow::{Context, Result};
use engine::ports::Clock as _;
use futures::FutureExt as _;
use serde_json::json;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use wire::{AuthView, Day, ErrorCode, Fix, IntegrationId, Outcome, Reason, RowKind, Status, Time};

const DAY: i64 = 24 * 3_600_000;

/// Anybody may greet, ping and list; only a call is asked who it is.
async fn asks_callers_only(key: Arc<Mutex<String>>) -> Result<Scripted> {
    Scripted::serve(move |seen| {
        let key = key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move {
            let calls = seen.json()["method"] == "tools/call";
            if calls && seen.bearer() != key {
                return text(401, "who are you");
            }
            mcp::open(&seen, &Arc::default()).await
        }
    })
    .await
}

async fn remarks(home: &Home, id: IntegrationId) -> Result<Vec<String>> {
    let page = home
        .ask::<wire::GetIntegration>(json!({ "id": id }))
        .await?;
    Ok(page.remarks)
}

#[tokio::test]
async fn a_server_that_lists_to_anybody_is_asked_more_than_a_list() -> Result<()> {
    let key = Arc::new(Mutex::new("right".to_owned()));
    let server = asks_callers_only(key.clone()).await?;
    let home = Home::new().await?;
    let wrong = home
        .begin(targets::mcp_bearer(&server.url("/mcp"), "wrong"))
        .await?;
    assert_eq!(home.fails(wrong).await?.code, ErrorCode::Rejected);
    home.holds_nothing()?;

    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "right"))
        .await?;
    let said = remarks(&home, id).await?;
    assert!(
        said.iter()
            .any(|remark| remark.contains("a tool that is not there")),
        "the page says so: {said:?}"
    );
    let report = home.test(id).await?;
    assert_eq!(
        (report.error, report.health.status),
        (None, Status::Healthy)
    );
    assert!(
        report.tried.contains("a call of no tool"),
        "{}",
        report.tried
    );

    "another".clone_into(&mut key.lock().unwrap_or_else(PoisonError::into_inner));
    let report = home.test(id).await?;
    assert!(
        matches!(report.health.reason, Reason::Rejected { .. }),
        "a list would have said that all is well: {:?}",
        report.health
    );
    Ok(())
}

/// Anybody may greet, ping and list; once `asks`, only who is signed in may call.
fn signs_callers_in(authority: &Authority, asks: &Arc<AtomicBool>) {
    let metadata = authority
        .server
        .url("/.well-known/oauth-protected-resource/mcp");
    let asks = asks.clone();
    authority.instead("/mcp", move |seen| {
        let calls = seen.json()["method"] == "tools/call";
        if calls && seen.bearer().is_empty() && asks.load(Ordering::Relaxed) {
            let challenge = format!("Bearer resource_metadata=\"{metadata}\"");
            return with_header(text(401, ""), "www-authenticate", &challenge);
        }
        let answer = mcp::open(seen, &Arc::default()).now_or_never();
        answer.unwrap_or_else(|| text(500, "it waits"))
    });
}

#[tokio::test]
async fn a_server_that_lists_to_anybody_and_signs_callers_in_is_signed_in_to() -> Result<()> {
    let authority = Authority::start().await?;
    let asks = Arc::new(AtomicBool::new(true));
    signs_callers_in(&authority, &asks);
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    let auth = home.card(id).await?.auth;
    assert!(matches!(auth, AuthView::OAuth { .. }), "{auth:?}");
    home.call(id, "greet", json!({})).await?;
    let report = home.test(id).await?;
    assert_eq!(report.error, None);
    assert!(
        report.tried.contains("a call of no tool"),
        "a list would prove nothing: {}",
        report.tried
    );
    Ok(())
}

#[tokio::test]
async fn a_server_that_comes_to_sign_callers_in_is_mended_by_a_reconnect() -> Result<()> {
    let authority = Authority::start().await?;
    let asks = Arc::new(AtomicBool::new(false));
    signs_callers_in(&authority, &asks);
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    assert_eq!(home.card(id).await?.auth, AuthView::None);
    asks.store(true, Ordering::Relaxed);
    let refused = home.call(id, "greet", json!({})).await;
    assert_eq!(refused.expect_err("nobody").code, ErrorCode::Rejected);
    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id);
    home.call(id, "greet", json!({})).await?;
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn a_server_that_asks_nobody_is_said_to_prove_nothing() -> Result<()> {
    let server =
        Scripted::serve(|seen| async move { mcp::open(&seen, &Arc::default()).await }).await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "any"))
        .await?;
    let said = remarks(&home, id).await?;
    assert!(
        said.iter().any(|remark| remark.contains("with or without")),
        "{said:?}"
    );
    let before = server.seen().len();
    home.test(id).await?;
    let calls = server.seen().split_off(before);
    assert!(
        calls
            .iter()
            .all(|seen| seen.json()["method"] != "tools/call"),
        "what proves nothing is not asked"
    );
    Ok(())
}

#[tokio::test]
async fn a_web_page_in_an_apis_place_proves_nothing() -> Result<()> {
    // A filter in between may forbid with a page, too.
    for (kind, status) in [("api", 200), ("api", 403), ("mcp", 403)] {
        let page = Arc::new(AtomicBool::new(true));
        let forbids = Arc::new(AtomicBool::new(false));
        let (shows, forbidden) = (page.clone(), forbids.clone());
        let server = Scripted::serve(move |seen| {
            let shows = shows.load(Ordering::Relaxed);
            let forbidden = forbidden.load(Ordering::Relaxed);
            async move {
                let body = "\n<!doctype HTML><title>Sign in</title>";
                match seen.path.as_str() {
                    _ if shows => content(status, "text/html", body),
                    _ if forbidden => answer(403, &json!({ "message": "not you" })),
                    "/mcp" => mcp::answer(&seen, &Arc::default()).await,
                    _ => answer(200, &json!({ "ok": true })),
                }
            }
        })
        .await?;
        let home = Home::new().await?;
        let (target, at_first) = if kind == "api" {
            let auth = targets::bearer("a-key");
            let target = targets::api(&server.url("/v1"), "/health", auth);
            (target, ErrorCode::BadAnswer)
        } else {
            let target = targets::mcp_bearer(&server.url("/mcp"), "a-key");
            (target, ErrorCode::NotMcp)
        };
        let attempt = home.begin(target.clone()).await?;
        let error = home.fails(attempt).await?;
        assert_eq!(error.code, at_first, "{kind}: {error}");
        page.store(false, Ordering::Relaxed);
        let id = home.connect(target).await?;
        page.store(true, Ordering::Relaxed);
        let report = home.test(id).await?;
        assert_eq!(report.error.context("it is no answer")?.code, at_first);
        assert_eq!(report.health.status, Status::Healthy, "nor is it a refusal");
        page.store(false, Ordering::Relaxed);
        forbids.store(true, Ordering::Relaxed);
        let report = home.test(id).await?;
        assert!(
            matches!(report.health.reason, Reason::NeedsAccess { .. }),
            "{kind}: its own word is one: {:?}",
            report.health
        );
    }
    Ok(())
}

/// What the API answers to anything but its ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Page,
    Elsewhere,
    Trouble,
    NotFound,
    Well,
}

/// Its ping answers 502 once `out`.
async fn out_of_order(says: Arc<Mutex<Says>>, out: Arc<AtomicBool>) -> Result<Scripted> {
    Scripted::serve(move |seen| {
        let says = *says.lock().unwrap_or_else(PoisonError::into_inner);
        let out = out.load(Ordering::Relaxed);
        async move {
            if seen.path == "/v1/health" && out {
                return text(502, "bad gateway");
            }
            match says {
                Says::Page => content(200, "text/html", "<!doctype html><title>Hotel</title>"),
                Says::Elsewhere => {
                    let away = "http://login.example/sign-in";
                    with_header(text(302, ""), "location", away)
                }
                Says::Trouble => text(503, "later"),
                Says::NotFound => answer(404, &json!({ "error": "no such user" })),
                Says::Well => answer(200, &json!({ "id": 7 })),
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_no_api_says_in_answer_to_a_call_heals_nothing_and_is_no_success() -> Result<()> {
    let says = Arc::new(Mutex::new(Says::Well));
    let out = Arc::new(AtomicBool::new(false));
    let server = out_of_order(says.clone(), out.clone()).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let target = targets::api(&server.url("/v1"), "/health", targets::bearer("a-key"));
    let id = home.connect(target).await?;
    let days = home.card(id).await?.days;
    assert!(days.contains(&Day::Healthy), "its proof draws the strip");
    out.store(true, Ordering::Relaxed);
    drive(&home, &clock, "the outage to be called one", async || {
        Ok(home.card(id).await?.health.status == Status::Failing)
    })
    .await?;
    let get = || json!({ "method": "GET", "path": "/users/7" });
    for (said, outcome) in [
        (Says::Page, Outcome::Failed),
        (Says::Elsewhere, Outcome::Failed),
        (Says::Trouble, Outcome::Failed),
        (Says::NotFound, Outcome::Failed),
    ] {
        *says.lock().unwrap_or_else(PoisonError::into_inner) = said;
        let told = home.call(id, "call", get()).await;
        let failed = told.map_or(true, |told| told["isError"] == true);
        assert!(failed, "{said:?}: the agent is told");
        let health = home.card(id).await?.health;
        assert!(
            matches!(health.reason, Reason::Unreachable { .. }),
            "{said:?} heals nothing: {health:?}"
        );
        let rows = home.record().await?;
        let row = rows.iter().find(|row| row.kind == RowKind::Call);
        assert_eq!(row.context("a row")?.outcome, outcome, "{said:?}");
    }
    *says.lock().unwrap_or_else(PoisonError::into_inner) = Says::Well;
    home.call(id, "call", get()).await?;
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn a_page_in_answer_to_a_tool_of_an_mcp_server_is_no_result() -> Result<()> {
    let page = Arc::new(AtomicBool::new(false));
    let shows = page.clone();
    let server = Scripted::serve(move |seen| {
        let shows = shows.load(Ordering::Relaxed);
        async move {
            if shows {
                return content(200, "text/html", "<html><body>Welcome</body></html>");
            }
            mcp::answer(&seen, &Arc::default()).await
        }
    })
    .await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let checked = home.card(id).await?.health.checked_at;
    page.store(true, Ordering::Relaxed);
    let called = home.call(id, "greet", json!({})).await;
    assert!(called.is_err(), "{called:?}");
    let card = home.card(id).await?;
    assert_eq!(card.health.status, Status::Healthy, "nor is it a refusal");
    assert_eq!(card.health.checked_at, checked, "nothing was learned");
    let rows = home.record().await?;
    let row = rows.iter().find(|row| row.kind == RowKind::Call);
    assert_eq!(row.context("a row")?.outcome, Outcome::Failed);
    Ok(())
}

#[tokio::test]
async fn a_vendors_sunset_is_on_the_page_at_once_and_on_the_card_a_week_before() -> Result<()> {
    let server = Scripted::serve(|_| async { answer(200, &json!({ "ok": true })) }).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let on = Time((clock.now().0 / DAY + 30) * DAY);
    let date = day(on);
    let folder = home.folder().join("providers");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(
        folder.join("acme.toml"),
        format!(
            r##"schema = 1
id = "acme"
name = "Acme"
summary = "Anvils, by post"
category = "sales"
colour = "#0a7f5a"
verified = false

[sources]
A = {{ what = "https://acme.example.com/docs", day = 2026-11-22 }}

[[ways]]
[ways.key]
auth = "bearer"
guide = {{ steps = ["Ask Acme."], source = ["A"] }}
source = ["A"]

[api]
base_url = "{}"
ping = {{ path = "/health" }}
source = ["A"]

[[sunsets]]
what = "API keys stop working"
on = {date}
concerns = "keys"
link = "https://acme.example.com/sunset"
source = ["A"]
"##,
            server.url("/v1")
        ),
    )?;
    let catalogue = home.ask::<wire::ListProviders>(json!({})).await?;
    assert_eq!(catalogue.refused, []);
    let id = home
        .connect(json!({ "kind": "provider", "provider": "acme", "way": "key", "bundles": [], "key": "a-key", "name": "" }))
        .await?;
    let said = remarks(&home, id).await?;
    assert!(
        said.iter()
            .any(|remark| remark.contains("API keys stop working") && remark.contains(&date)),
        "{said:?}"
    );
    assert_eq!(home.card(id).await?.health.reason, Reason::Ok);

    clock.advance(on.since(clock.now()) - 6 * DAY);
    drive(&home, &clock, "the warning", async || {
        Ok(!notices(&home)?.is_empty())
    })
    .await?;
    let health = home.card(id).await?.health;
    assert_eq!(health.reason, Reason::VendorEnds { at: on });
    assert_eq!(
        (health.status, health.fix),
        (Status::Expiring, Some(Fix::PasteKey))
    );
    // A fresh key does not move the vendor's day, and nobody is told twice.
    let attempt = home.begin_again(id, Some("another-key")).await?;
    home.done(attempt).await?;
    clock.advance(DAY);
    let until = clock.now().plus(60_000);
    drive(&home, &clock, "a minute", async || Ok(clock.now() >= until)).await?;
    assert_eq!(home.card(id).await?.health.status, Status::Expiring);
    assert_eq!(notices(&home)?.len(), 1);

    // The vendor thinks better of it.
    let file = folder.join("acme.toml");
    let later = day(on.plus(200 * DAY));
    let text = std::fs::read_to_string(&file)?.replace(&date, &later);
    std::fs::write(&file, text)?;
    home.ask::<wire::ListProviders>(json!({})).await?;
    drive(&home, &clock, "it to be well", async || {
        Ok(home.card(id).await?.health.status == Status::Healthy)
    })
    .await
}

/// `2026-12-31`
fn day(at: Time) -> String {
    let day = chrono::DateTime::from_timestamp_millis(at.0);
    day.map_or_else(String::new, |day| day.format("%Y-%m-%d").to_string())
}
