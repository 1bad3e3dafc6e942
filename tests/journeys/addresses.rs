//! Where the app goes and where it does not: bad URLs, private and forbidden places, redirects.

use crate::kit::{
    Home,
    authority::Authority,
    browser, code, mcp,
    scripted::{Scripted, json as json_answer, redirect, text, with_header},
    search, targets,
};
use anyhow::{Context, Result};
use serde_json::json;
use std::sync::Arc;
use wire::{ErrorCode, Phase, Question};

#[tokio::test]
async fn a_url_that_is_none_is_refused_by_name_before_anything_begins() -> Result<()> {
    let home = Home::new().await?;
    let refused = [
        ("", ErrorCode::FieldEmpty),
        ("   ", ErrorCode::FieldEmpty),
        ("example.com/mcp", ErrorCode::UrlInvalid),
        ("not a url", ErrorCode::UrlInvalid),
        ("ftp://example.com/", ErrorCode::UrlInvalid),
        ("file:///etc/passwd", ErrorCode::UrlInvalid),
        ("javascript:alert(1)", ErrorCode::UrlInvalid),
        ("data:text/html,hi", ErrorCode::UrlInvalid),
        ("https://", ErrorCode::UrlInvalid),
        (
            "https://ann:s3cret@example.com/",
            ErrorCode::UrlHasCredentials,
        ),
        ("https://ann@example.com/", ErrorCode::UrlHasCredentials),
    ];
    for (url, expected) in refused {
        assert_eq!(
            code(home.begin(targets::mcp(url)).await)?,
            expected,
            "MCP at {url:?}"
        );
        let api = targets::api(url, "/health", targets::bearer("key"));
        assert_eq!(code(home.begin(api).await)?, expected, "API at {url:?}");
    }
    let health = targets::api(
        "https://example.com/v1",
        "//evil.example/",
        targets::bearer("key"),
    );
    assert_eq!(code(home.begin(health).await)?, ErrorCode::FieldInvalid);
    let query = targets::api(
        "https://example.com/?key=1",
        "/health",
        targets::bearer("key"),
    );
    assert_eq!(code(home.begin(query).await)?, ErrorCode::FieldInvalid);
    for (name, value) in [
        ("Host", "x"),
        ("Content-Length", "1"),
        ("Mcp-Session-Id", "x"),
        ("two words", "x"),
        ("X-Key", "a\r\nb: c"),
    ] {
        let target = targets::mcp_header("https://example.com/mcp", name, value);
        assert_eq!(
            code(home.begin(target).await)?,
            ErrorCode::FieldInvalid,
            "{name}: {value:?}"
        );
    }
    assert!(
        !home.said().join("\n").contains("s3cret"),
        "the password is not repeated"
    );
    home.holds_nothing()
}

#[tokio::test]
async fn places_that_are_never_allowed_are_refused_even_when_confirmed() -> Result<()> {
    let home = Home::new().await?;
    let never = [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/mcp",
        "http://[fe80::1]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://0.0.0.0:8080/",
        "http://[::]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://0251.0376.0251.0376/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://[fd00:ec2::254]/",
    ];
    for url in never {
        // `begin` confirms private addresses: that must not open these.
        let attempt = home.begin(targets::mcp(url)).await?;
        let error = home
            .fails(attempt)
            .await
            .with_context(|| format!("for {url}"))?;
        assert_eq!(error.code, ErrorCode::AddressForbidden, "{url}: {error}");
    }
    let attempt = home.begin(targets::mcp("http://93.184.216.34/mcp")).await?;
    assert_eq!(
        home.fails(attempt).await?.code,
        ErrorCode::UrlNotSecure,
        "plain http to a public place"
    );
    home.holds_nothing()
}

#[tokio::test]
async fn a_private_address_is_asked_about_before_a_byte_leaves() -> Result<()> {
    let server =
        Scripted::serve(|seen| async move { mcp::open(&seen, &Arc::default()).await }).await?;
    let home = Home::new().await?;
    let unconfirmed = json!({ "target": targets::mcp(&server.url("/mcp")), "confirmed": {} });

    let attempt = home
        .ask::<wire::StartConnect>(unconfirmed.clone())
        .await?
        .id;
    let loopback = Question::PrivateAddress {
        host: "127.0.0.1".to_owned(),
        address: "127.0.0.1".to_owned(),
    };
    assert_eq!(home.asks(attempt).await?, loopback);
    assert!(
        server.seen().is_empty(),
        "not a byte before the admin said yes"
    );
    home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
        .await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::AttemptCancelled);
    assert!(server.seen().is_empty());
    home.holds_nothing()?;

    let attempt = home.ask::<wire::StartConnect>(unconfirmed).await?.id;
    home.asks(attempt).await?;
    // Another yes than the one that is asked for does not count.
    home.ask::<wire::AnswerAttempt>(json!({ "id": attempt, "confirmed": { "duplicate": true } }))
        .await?;
    assert_eq!(home.asks(attempt).await?, loopback);
    home.ask::<wire::AnswerAttempt>(
        json!({ "id": attempt, "confirmed": { "private_address": true } }),
    )
    .await?;
    let id = home.done(attempt).await?;
    assert_eq!(
        home.test(id).await?.error,
        None,
        "once confirmed, it stays so"
    );

    for (url, address) in [
        ("http://10.9.8.7/mcp", "10.9.8.7"),
        ("http://[fd12::7]/", "fd12::7"),
        ("http://localhost:9/", "::1"),
    ] {
        let request = json!({ "target": targets::mcp(url), "confirmed": {} });
        let attempt = home.ask::<wire::StartConnect>(request).await?.id;
        let question = home.asks(attempt).await?;
        let Question::PrivateAddress { address: asked, .. } = question else {
            panic!("{url}: {question:?}")
        };
        assert!(
            asked == address || (asked == "127.0.0.1" && url.contains("localhost")),
            "{url} asked about {asked}"
        );
        home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn no_key_follows_a_redirect_to_another_origin() -> Result<()> {
    let thief = Scripted::serve(|_| async { text(200, "thank you") }).await?;
    let home = Home::new().await?;
    let key = search::canary("followed key");
    for status in [301, 302, 303, 307, 308] {
        let target = thief.url("/v1/health");
        let api = Scripted::serve(move |_| {
            let target = target.clone();
            async move { redirect(status, &target) }
        })
        .await?;
        for auth in [
            targets::bearer(&key),
            targets::header("X-Api-Key", &key),
            targets::query("api_key", &key),
            targets::basic("ann", &key),
        ] {
            let attempt = home
                .begin(targets::api(&api.url("/v1"), "/health", auth))
                .await?;
            let error = home.fails(attempt).await?;
            assert_eq!(error.code, ErrorCode::RedirectRefused, "{status}: {error}");
        }
        for target in [
            targets::mcp_bearer(&api.url("/mcp"), &key),
            targets::mcp_header(&api.url("/mcp"), "X-Api-Key", &key),
            targets::mcp(&api.url("/mcp")),
        ] {
            let attempt = home.begin(target).await?;
            let error = home.fails(attempt).await?;
            assert_eq!(
                error.code,
                ErrorCode::RedirectRefused,
                "MCP, {status}: {error}"
            );
        }
    }
    assert!(thief.seen().is_empty(), "nothing at all arrived over there");
    home.holds_nothing()
}

#[tokio::test]
async fn a_redirect_on_the_same_origin_is_followed_with_the_key() -> Result<()> {
    let api = Scripted::serve(|seen| async move {
        match (seen.path.as_str(), seen.header("x-api-key").as_str()) {
            ("/v1/health", "key") => redirect(302, "/v1/healthz"),
            ("/v1/healthz", "key") => json_answer(200, &json!({})),
            _ => text(401, "no"),
        }
    })
    .await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::api(
            &api.url("/v1"),
            "/health",
            targets::header("X-Api-Key", "key"),
        ))
        .await?;
    assert_eq!(home.test(id).await?.error, None);
    Ok(())
}

#[tokio::test]
async fn metadata_cannot_send_the_app_to_forbidden_places() -> Result<()> {
    let home = Home::new().await?;
    // The server names an authorization server at the cloud's metadata address.
    let server = Scripted::serve(|seen| async move {
        if seen
            .path
            .starts_with("/.well-known/oauth-protected-resource")
        {
            let host = seen.header("host");
            return json_answer(
                200,
                &json!({
                    "resource": format!("http://{host}/mcp"),
                    "authorization_servers": ["http://169.254.169.254/latest"],
                }),
            );
        }
        with_header(text(401, ""), "www-authenticate", "Bearer")
    })
    .await?;
    let attempt = home.begin(targets::mcp(&server.url("/mcp"))).await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::AddressForbidden, "{error}");

    // The authorization server names endpoints there.
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
    ] {
        let authority = Authority::start().await?;
        authority.metadata(move |metadata| metadata[endpoint] = "https://169.254.169.254/x".into());
        let attempt = home.begin(targets::mcp(&authority.resource())).await?;
        let error = home
            .fails(attempt)
            .await
            .with_context(|| endpoint.to_owned())?;
        assert_eq!(
            error.code,
            ErrorCode::AddressForbidden,
            "{endpoint}: {error}"
        );
        assert!(
            home.desk.opened().is_empty(),
            "the browser is not sent there either"
        );
    }
    home.holds_nothing()
}

#[tokio::test]
async fn a_private_authorization_server_is_asked_about_by_its_own_name() -> Result<()> {
    let authority = Authority::start().await?;
    // The same server by another name: what was confirmed for one does not hold for the other.
    let port = authority.server.address.port();
    authority.metadata(move |metadata| {
        metadata["authorization_endpoint"] = format!("http://localhost:{port}/authorize").into();
    });
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let question = home.asks(attempt).await?;
    assert!(
        matches!(&question, Question::PrivateAddress { host, .. } if host == "localhost"),
        "{question:?}"
    );
    home.ask::<wire::AnswerAttempt>(
        json!({ "id": attempt, "confirmed": { "private_address": true } }),
    )
    .await?;
    home.done(attempt).await?;
    assert!(matches!(home.rests(attempt).await?, Phase::Done { .. }));
    Ok(())
}

/// A yes that was said before, or too often, is no yes to a host that was not shown yet.
#[tokio::test]
async fn only_the_host_that_is_asked_about_is_confirmed() -> Result<()> {
    for answers in [
        // Of a window that says again what it said before.
        vec![json!({ "private_address": true, "duplicate": true })],
        // A double click.
        vec![
            json!({ "duplicate": true }),
            json!({ "private_address": true }),
        ],
    ] {
        let authority = Authority::start().await?;
        let home = Home::new().await?;
        let _ends = browser::signs_in(&home.desk);
        home.connect(targets::mcp(&authority.resource())).await?;
        let port = authority.server.address.port();
        authority.metadata(move |metadata| {
            metadata["authorization_endpoint"] =
                format!("http://localhost:{port}/authorize").into();
        });
        let begin = json!({ "target": targets::mcp(&authority.resource()), "confirmed": {} });
        let attempt = home.ask::<wire::StartConnect>(begin).await?.id;
        let answer = async |confirmed: &serde_json::Value| {
            let request = json!({ "id": attempt, "confirmed": confirmed });
            home.ask::<wire::AnswerAttempt>(request).await
        };
        home.asks(attempt).await?;
        answer(&json!({ "private_address": true })).await?;
        let question = home.asks(attempt).await?;
        assert!(
            matches!(question, Question::Duplicate { .. }),
            "{question:?}"
        );
        for confirmed in &answers {
            answer(confirmed).await?;
        }
        let question = home.asks(attempt).await?;
        assert!(
            matches!(&question, Question::PrivateAddress { host, .. } if host == "localhost"),
            "{question:?}"
        );
    }
    Ok(())
}
