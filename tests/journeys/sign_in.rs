//! MCP servers behind OAuth, with real programs at the other end: a certified authorization server
//! and a server that takes only its tokens, and the SDK's own example.

use crate::kit::{Home, authority::Authority, browser, call, code, targets, text_of};
use anyhow::{Context, Result, bail};
use chief_tests::peers::{Peer, sign_in::Answer};
use engine::{
    http::{Http, Reach},
    oauth::{self, RefreshError},
    ports::{Clock, SystemClock},
    vault::Credential,
};
use serde_json::{Value, json};
use wire::{AuthView, ErrorCode, Fix, Reason, Revocation, RowKind, Status};

/// The authorization server and the MCP server that trusts it.
pub async fn pair(environment: &[(&str, &str)]) -> Result<(Peer, Peer)> {
    let issuer = Peer::start("oidc", environment).await?;
    let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
    Ok((issuer, server))
}

/// What the issuer was asked at `path`, oldest first.
async fn asked(issuer: &Peer, path: &str) -> Result<Vec<Value>> {
    let log = issuer.control("/test/log").await?;
    let log = log.as_array().cloned().context("a log")?;
    Ok(log
        .into_iter()
        .filter(|entry| entry["path"] == path)
        .collect())
}

async fn token_requests(issuer: &Peer, grant: &str) -> Result<usize> {
    let asked = asked(issuer, "/token").await?;
    Ok(asked
        .iter()
        .filter(|entry| entry["parameters"]["grant_type"] == grant)
        .count())
}

#[tokio::test]
async fn a_server_that_asks_for_sign_in_connects_through_the_browser() -> Result<()> {
    let (issuer, server) = pair(&[]).await?;
    let home = Home::new().await?;
    let ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;

    // What the browser was given and where it ended.
    let opened = home.desk.opened();
    assert_eq!(opened.len(), 1, "the browser is opened once");
    assert!(
        opened[0].starts_with("http://127.0.0.1:") && opened[0].contains("/start/"),
        "opened {}",
        opened[0]
    );
    let pages = ends.pages()?;
    let last = pages.first().context("the browser ended somewhere")?;
    assert_eq!((last.status, last.url.path()), (200, "/callback"));
    assert!(
        last.page.contains("You can return to Chief")
            && last.page.contains("app.chief.integrations:/raise")
    );

    // What the authorization server was asked: registration, PKCE, the resource each time.
    let registration = asked(&issuer, "/reg").await?;
    assert_eq!(registration.len(), 1);
    assert_eq!(registration[0]["parameters"]["application_type"], "native");
    let authorization = asked(&issuer, "/auth").await?;
    assert_eq!(
        authorization[0]["parameters"]["code_challenge_method"],
        "S256"
    );
    for parameter in ["state", "code_challenge", "redirect_uri"] {
        assert!(
            authorization[0]["parameters"].get(parameter).is_some(),
            "no {parameter} in the request"
        );
    }
    for (at, entry) in [
        ("/auth", &authorization[0]),
        ("/token", &asked(&issuer, "/token").await?[0]),
    ] {
        assert_eq!(
            entry["parameters"]["resource"],
            server.url.as_str(),
            "no resource at {at}"
        );
    }

    // Whose token it is, as the MCP server read it.
    let who: Value = serde_json::from_str(&text_of(&home.call(id, "whoami", json!({})).await?))?;
    assert_eq!(
        who["aud"],
        server.url.as_str(),
        "the token is for this server and no other"
    );
    assert_eq!(who["sub"], "ann");

    let card = home.card(id).await?;
    assert_eq!(card.health.status, Status::Healthy);
    let AuthView::OAuth {
        issuer: named,
        renews,
        ..
    } = &card.auth
    else {
        panic!("signed in: {:?}", card.auth)
    };
    assert_eq!((named.as_str(), *renews), (issuer.fact("issuer")?, true));
    let granted: Vec<&str> = card
        .scopes
        .iter()
        .filter(|scope| scope.granted)
        .map(|scope| scope.name.as_str())
        .collect();
    assert_eq!(
        granted,
        ["tools:read", "tools:write"],
        "the challenge asked for both"
    );
    assert_eq!(home.tools(id).await?.len(), 5);
    assert_eq!(home.test(id).await?.error, None);
    Ok(())
}

#[tokio::test]
async fn concurrent_calls_renew_once_and_the_family_lives_through_rotation() -> Result<()> {
    let (issuer, server) = pair(&[("ACCESS_TTL", "60")]).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    home.call(id, "list_items", json!({})).await?;
    assert_eq!(
        token_requests(&issuer, "refresh_token").await?,
        0,
        "a fresh token is used as it is"
    );

    for round in 1..=3 {
        clock.advance(50_000);
        let calls = (0..20).map(|_| call(&home.engine, id, "list_items", json!({})));
        for answer in futures::future::join_all(calls).await {
            assert!(text_of(&answer?).contains("first"));
        }
        assert_eq!(
            token_requests(&issuer, "refresh_token").await?,
            round,
            "twenty calls, one renewal"
        );
        assert_eq!(
            home.rows_of(RowKind::Token, "token.refresh").await?.len(),
            round
        );
    }
    let renewals = asked(&issuer, "/token").await?;
    assert!(
        renewals
            .iter()
            .all(|entry| entry["parameters"]["resource"] == server.url.as_str())
    );
    assert!(
        renewals.iter().all(|entry| entry["status"] == 200),
        "no token was used twice: {renewals:?}"
    );
    let who: Value = serde_json::from_str(&text_of(&home.call(id, "whoami", json!({})).await?))?;
    assert_eq!(
        who["aud"],
        server.url.as_str(),
        "a renewed token is for this server, too"
    );
    Ok(())
}

#[tokio::test]
async fn a_token_refused_early_is_renewed_whatever_the_clock_says() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    for round in 1..=3 {
        // It has most of its hour left, but the server has forgotten it.
        authority.end_access();
        let calls = (0..8).map(|_| call(&home.engine, id, "greet", json!({})));
        for answer in futures::future::join_all(calls).await {
            answer.context("a 401 is answered by one renewal and one more try")?;
        }
        assert_eq!(authority.token_requests("refresh_token"), round);
    }
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn a_grant_revoked_over_there_fails_the_card_and_reconnect_keeps_everything() -> Result<()> {
    let (issuer, server) = pair(&[("ACCESS_TTL", "60")]).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    home.call(id, "list_items", json!({})).await?;
    home.ask::<wire::RenameIntegration>(json!({ "id": id, "name": "Team server" }))
        .await?;
    let before = home.card(id).await?;
    let rows_before = home.record().await?.len();

    issuer.control("/test/end-grants").await?;
    clock.advance(55_000);
    let report = home.test(id).await?;
    assert_eq!(
        report.error.map(|error| error.code),
        Some(ErrorCode::OauthInvalidGrant)
    );
    assert_eq!(
        (report.health.status, report.health.fix),
        (Status::Failing, Some(Fix::Reconnect))
    );
    assert!(matches!(report.health.reason, Reason::Rejected { .. }));
    let asked_before = token_requests(&issuer, "refresh_token").await?;
    assert_eq!(
        code(home.call(id, "list_items", json!({})).await)?,
        ErrorCode::IntegrationFailing
    );
    assert_eq!(
        token_requests(&issuer, "refresh_token").await?,
        asked_before,
        "a refused call asks for nothing"
    );

    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id, "the same integration");
    let after = home.card(id).await?;
    assert_eq!(after.health.status, Status::Healthy);
    assert_eq!(
        (
            after.name,
            after.slug,
            after.connected_at,
            after.tools,
            after.scopes
        ),
        (
            before.name,
            before.slug,
            before.connected_at,
            before.tools,
            before.scopes
        )
    );
    home.call(id, "list_items", json!({})).await?;
    assert!(
        home.record().await?.len() > rows_before,
        "the history goes on"
    );
    Ok(())
}

#[tokio::test]
async fn disconnect_revokes_and_the_issuer_refuses_what_was_held() -> Result<()> {
    let (issuer, server) = pair(&[]).await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    let preview = home
        .ask::<wire::PreviewDisconnect>(json!({ "id": id }))
        .await?;
    assert_eq!(preview.revokes_at.as_deref(), Some("127.0.0.1"));
    // What is held, as only a copy of data and keyring together can tell.
    let Credential::OAuth(held) = home.held(id).await? else {
        bail!("it signed in")
    };
    let refresh = held
        .refresh
        .as_ref()
        .context("a refresh token")?
        .reveal()
        .to_owned();
    let known = |told: Value| told["known"] == true && told["active"] == true;
    let asking = format!(
        "/test/token?token={}",
        url::form_urlencoded::byte_serialize(refresh.as_bytes()).collect::<String>()
    );
    assert!(
        known(issuer.control(&asking).await?),
        "it is the one that the issuer knows"
    );

    let done = home.disconnect(id).await?;

    assert!(
        matches!(&done.revocation, Revocation::Done { status: 200, .. }),
        "{:?}",
        done.revocation
    );
    assert_eq!(home.rows_of(RowKind::Token, "token.revoke").await?.len(), 1);
    let revocations = asked(&issuer, "/token/revocation").await?;
    let first = revocations.first().context("the issuer was asked")?;
    assert_eq!(
        (&first["parameters"]["token_type_hint"], &first["status"]),
        (&json!("refresh_token"), &json!(200)),
        "the refresh token first, since it makes the others"
    );
    assert!(!known(issuer.control(&asking).await?), "inactive now");
    // Whoever kept a copy cannot renew it: the grant is revoked (`invalid_grant`), and a moment later
    // the client itself is forgotten (`invalid_client`).
    let began = std::time::Instant::now();
    loop {
        let error = match oauth::refresh(&Http::new()?, &reach(), &held, SystemClock.now()).await {
            Ok(_) => bail!("the old refresh token still works"),
            Err(RefreshError::InvalidGrant(error)) => {
                assert_eq!(error.code, ErrorCode::OauthInvalidGrant);
                crate::kit::tick(began, "the client to be forgotten").await?;
                continue;
            }
            Err(RefreshError::Ambiguous(error) | RefreshError::Transient(error)) => error,
        };
        assert_eq!(error.code, ErrorCode::OauthClientGone, "{error}");
        assert!(
            error
                .args
                .get("why")
                .is_some_and(|why| why.contains("invalid_client")),
            "{error}"
        );
        break;
    }
    home.holds_nothing()
}

/// The test servers' address, as the admin confirmed it.
fn reach() -> Reach {
    Reach {
        private_hosts: vec!["127.0.0.1".to_owned()],
    }
}

#[tokio::test]
async fn a_revocation_that_fails_is_shown_and_does_not_keep_the_credential() -> Result<()> {
    let (issuer, server) = pair(&[]).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    issuer
        .control("/test/fail?path=/token/revocation&mode=503&count=1")
        .await?;
    let done = home.disconnect(id).await?;
    assert!(
        matches!(&done.revocation, Revocation::Pending { .. }),
        "{:?}",
        done.revocation
    );
    home.holds_nothing()?;
    // Tried again later, each try a row.
    let began = std::time::Instant::now();
    loop {
        clock.advance(10_000);
        let tried = home.rows_of(RowKind::Token, "token.revoke").await?;
        if tried.iter().any(|row| row.outcome == wire::Outcome::Ok) {
            assert!(tried.len() >= 2);
            return Ok(());
        }
        crate::kit::tick(began, "the second try to revoke").await?;
    }
}

#[tokio::test]
async fn the_sdk_example_connects_tests_and_disconnects() -> Result<()> {
    let server = Peer::start("mcp-sdk-oauth", &[("STRICT", "1")]).await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    let card = home.card(id).await?;
    assert_eq!(card.health.status, Status::Healthy);
    assert!(matches!(card.auth, AuthView::OAuth { .. }));
    assert!(!home.tools(id).await?.is_empty());
    assert_eq!(home.test(id).await?.error, None);
    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id);
    home.disconnect(id).await?;
    home.holds_nothing()
}

#[tokio::test]
async fn whoever_declines_in_the_browser_has_connected_nothing() -> Result<()> {
    let (_issuer, server) = pair(&[]).await?;
    let home = Home::new().await?;
    let ends = browser::answers(&home.desk, Answer::Decline);
    let attempt = home.begin(targets::mcp(&server.url)).await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::OauthDenied);
    let began = std::time::Instant::now();
    loop {
        if let Some(page) = ends.pages()?.first() {
            assert!(
                page.page.contains("not completed"),
                "the page says so, too: {}",
                page.page
            );
            return home.holds_nothing();
        }
        crate::kit::tick(began, "the browser's last page").await?;
    }
}

#[tokio::test]
async fn a_scope_that_a_tool_lacks_is_the_tools_trouble_not_the_cards() -> Result<()> {
    let (_issuer, server) = pair(&[]).await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    server.control("/test/set?refuse=403").await?;
    assert_eq!(
        code(home.call(id, "list_items", json!({})).await)?,
        ErrorCode::Forbidden
    );
    assert_eq!(
        home.card(id).await?.health.status,
        Status::Healthy,
        "a 403 on one tool says nothing of the rest"
    );
    let report = home.test(id).await?;
    assert!(
        matches!(report.health.reason, Reason::NeedsAccess { .. }),
        "but on the ping it does: {:?}",
        report.health
    );
    server.control("/test/set?refuse=none").await?;
    assert_eq!(
        home.test(id).await?.health.status,
        Status::Healthy,
        "one good answer heals"
    );
    server.control("/test/set?refuse=429").await?;
    let report = home.test(id).await?;
    assert_eq!(
        report.health.status,
        Status::Healthy,
        "too many requests breaks nothing"
    );
    assert!(
        matches!(report.health.reason, Reason::RateLimited { .. }),
        "but is said: {:?}",
        report.health.reason
    );
    Ok(())
}

#[tokio::test]
async fn one_bad_moment_of_the_server_breaks_nothing() -> Result<()> {
    let (_issuer, server) = pair(&[]).await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    server.control("/test/set?refuse=500").await?;
    let report = home.test(id).await?;
    assert_eq!(
        report.error.map(|error| error.code),
        Some(ErrorCode::ServerError)
    );
    assert_eq!(
        report.health.status,
        Status::Healthy,
        "one failure is not an outage"
    );
    server.control("/test/set?refuse=none").await?;
    // The server lost its sessions, as after a restart: the next call opens another.
    server.control("/test/set?drop-sessions=1").await?;
    home.call(id, "list_items", json!({})).await?;
    Ok(())
}
