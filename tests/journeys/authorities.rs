//! Authorization servers that are wrong, broken or hostile: each is refused by name, and nothing of
//! the attempt is kept.

use crate::kit::{
    Home,
    authority::Authority,
    browser::{self, altered, look, to_callback},
    scripted::{Scripted, content, json as json_answer, redirect, text},
    search, targets,
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::json;
use std::sync::atomic::Ordering;
use url::Url;
use wire::ErrorCode;

/// Connects to the authority's server with a browser that works; the error it must end with.
async fn refused(home: &Home, authority: &Authority) -> Result<wire::Error> {
    let _ends = browser::signs_in(&home.desk);
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let error = home.fails(attempt).await?;
    assert!(home.cards().await?.is_empty());
    home.holds_nothing()?;
    Ok(error)
}

/// The same with a browser that comes back with an altered answer.
async fn altered_answer(
    authority: &Authority,
    alter: impl Fn(&Url) -> Url,
) -> Result<(wire::Error, (u16, String))> {
    let home = Home::new().await?;
    let attempt = home.begin(targets::mcp(&authority.resource())).await?;
    let link = home.waits_for_browser(attempt).await?;
    let page = look(&alter(&to_callback(&link).await?)).await?;
    let error = home.fails(attempt).await?;
    home.holds_nothing()?;
    assert_eq!(
        authority.token_requests("authorization_code"),
        0,
        "the code was not used"
    );
    Ok((error, page))
}

#[tokio::test]
async fn the_scripted_authority_is_a_good_one_when_left_alone() -> Result<()> {
    let home = Home::new().await?;
    let authority = Authority::start().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    assert_eq!(home.tools(id).await?, ["greet", "wait"]);
    Ok(())
}

#[tokio::test]
async fn a_server_without_pkce_is_refused() -> Result<()> {
    let home = Home::new().await?;
    for methods in [json!(["plain"]), json!([]), json!(null)] {
        let authority = Authority::start().await?;
        authority.metadata(move |metadata| {
            metadata["code_challenge_methods_supported"] = methods.clone()
        });
        let error = refused(&home, &authority).await?;
        assert_eq!(error.code, ErrorCode::OauthNoPkce, "{error}");
        assert!(
            error
                .args
                .get("issuer")
                .is_some_and(|issuer| issuer.contains("127.0.0.1")),
            "by name: {error}"
        );
        assert!(
            authority.server.seen_at("/register").is_empty(),
            "nor are we registered there"
        );
    }
    assert!(home.desk.opened().is_empty(), "no browser was opened");
    Ok(())
}

#[tokio::test]
async fn metadata_of_another_issuer_is_refused() -> Result<()> {
    let home = Home::new().await?;
    let authority = Authority::start().await?;
    authority.metadata(|metadata| metadata["issuer"] = "https://accounts.example.com".into());
    let error = refused(&home, &authority).await?;
    assert_eq!(error.code, ErrorCode::OauthIssuerMismatch, "{error}");
    assert_eq!(
        error.args.get("found").map(String::as_str),
        Some("https://accounts.example.com")
    );
    Ok(())
}

#[tokio::test]
async fn metadata_of_another_resource_is_refused() -> Result<()> {
    let home = Home::new().await?;
    let authority = Authority::start().await?;
    let issuer = authority.issuer();
    authority.instead("/.well-known/oauth-protected-resource/mcp", move |_| {
        json_answer(200, &json!({ "resource": "https://bank.example/mcp", "authorization_servers": [issuer.clone()] }))
    });
    let error = refused(&home, &authority).await?;
    assert_eq!(error.code, ErrorCode::OauthResourceMismatch, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_names_no_way_to_sign_in_is_refused() -> Result<()> {
    let home = Home::new().await?;
    let server = Scripted::serve(|seen| async move {
        if seen.path == "/mcp" {
            text(401, "")
        } else {
            text(404, "")
        }
    })
    .await?;
    let attempt = home.begin(targets::mcp(&server.url("/mcp"))).await?;
    assert_eq!(home.fails(attempt).await?.code, ErrorCode::OauthNoMetadata);

    let authority = Authority::start().await?;
    authority.metadata(|metadata| metadata["registration_endpoint"] = json!(null));
    assert_eq!(
        refused(&home, &authority).await?.code,
        ErrorCode::OauthNoRegistration
    );

    let authority = Authority::start().await?;
    authority.instead("/register", |_| {
        json_answer(
            400,
            &json!({ "error": "invalid_redirect_uri", "error_description": "no loopback here" }),
        )
    });
    let error = refused(&home, &authority).await?;
    assert_eq!(error.code, ErrorCode::OauthRegistrationRefused);
    assert!(
        error
            .args
            .get("why")
            .is_some_and(|why| why.contains("no loopback here")),
        "in its own words: {error}"
    );
    Ok(())
}

#[tokio::test]
async fn an_answer_from_another_issuer_is_refused_and_its_code_not_used() -> Result<()> {
    let authority = Authority::start().await?;
    let evil = "https://evil.example/<script>";
    let (error, page) = altered_answer(&authority, |url| altered(url, "iss", Some(evil))).await?;
    assert_eq!(error.code, ErrorCode::OauthWrongIssuer);
    assert_eq!(
        error.args.get("expected").map(String::as_str),
        Some(authority.issuer().as_str())
    );
    assert!(
        !page.1.contains("evil.example"),
        "the page repeats nothing that came from outside"
    );

    let (error, _) = altered_answer(&authority, |url| altered(url, "iss", None)).await?;
    assert_eq!(
        error.code,
        ErrorCode::OauthWrongIssuer,
        "it promised to name itself"
    );

    let quiet = Authority::start().await?;
    quiet.state.names_itself.store(false, Ordering::Relaxed);
    let (error, _) = altered_answer(&quiet, |url| altered(url, "iss", Some(evil))).await?;
    assert_eq!(
        error.code,
        ErrorCode::OauthWrongIssuer,
        "nor may one that did not promise name another"
    );

    // `iss` is looked at before any text of an error.
    let (error, _) = altered_answer(&authority, |url| {
        let url = altered(&altered(url, "code", None), "iss", Some(evil));
        altered(
            &altered(&url, "error", Some("access_denied")),
            "error_description",
            Some("Call 555-0100 now"),
        )
    })
    .await?;
    assert_eq!(error.code, ErrorCode::OauthWrongIssuer);
    assert!(!error.to_string().contains("Call"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_real_server_that_lies_about_itself_is_refused() -> Result<()> {
    let issuer = Peer::start("oidc", &[]).await?;
    let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    for (setting, expected) in [
        ("metadata=wrong-issuer", ErrorCode::OauthIssuerMismatch),
        ("metadata=no-pkce", ErrorCode::OauthNoPkce),
        ("metadata=no-registration", ErrorCode::OauthNoRegistration),
        ("metadata=ok&iss=wrong", ErrorCode::OauthWrongIssuer),
        ("metadata=ok&iss=none", ErrorCode::OauthWrongIssuer),
    ] {
        issuer.control(&format!("/test/set?{setting}")).await?;
        let attempt = home.begin(targets::mcp(&server.url)).await?;
        let error = home
            .fails(attempt)
            .await
            .with_context(|| setting.to_owned())?;
        assert_eq!(error.code, expected, "{setting}: {error}");
        home.holds_nothing()?;
    }
    issuer.control("/test/set?metadata=ok&iss=ok").await?;
    for mode in ["html", "json", "500", "redirect"] {
        issuer
            .control(&format!("/test/fail?path=/token&mode={mode}"))
            .await?;
        let attempt = home.begin(targets::mcp(&server.url)).await?;
        let error = home.fails(attempt).await.with_context(|| mode.to_owned())?;
        let expected = match mode {
            "500" => [ErrorCode::ServerError, ErrorCode::OauthTokenRefused],
            "redirect" => [ErrorCode::RedirectRefused, ErrorCode::OauthTokenRefused],
            _ => [ErrorCode::OauthTokenRefused; 2],
        };
        assert!(expected.contains(&error.code), "{mode}: {error}");
        assert_eq!(
            error.args.get("host").map(String::as_str),
            Some("127.0.0.1"),
            "{mode} names who: {error}"
        );
        home.holds_nothing()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_token_endpoint_that_answers_nonsense_gives_nothing() -> Result<()> {
    let home = Home::new().await?;
    for (status, kind, body) in [
        (200, "text/html", "<h1>Welcome to the hotel</h1>"),
        (200, "application/json", "{}"),
        (200, "application/json", "not json"),
        (
            200,
            "application/json",
            "{\"access_token\":\"\",\"token_type\":\"Bearer\"}",
        ),
        (
            200,
            "application/json",
            "{\"access_token\":\"x\",\"token_type\":\"mac\"}",
        ),
        (
            400,
            "application/json",
            "{\"error\":\"invalid_grant\",\"error_description\":\"no\"}",
        ),
        (400, "text/plain", "no"),
        (503, "text/plain", "later"),
    ] {
        let authority = Authority::start().await?;
        authority.instead("/token", move |_| content(status, kind, body));
        let error = refused(&home, &authority)
            .await
            .with_context(|| format!("{status} {body}"))?;
        let expected = if status == 503 {
            vec![ErrorCode::ServerError, ErrorCode::OauthTokenRefused]
        } else {
            vec![ErrorCode::OauthTokenRefused, ErrorCode::OauthInvalidGrant]
        };
        assert!(expected.contains(&error.code), "{status} {body}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_token_endpoint_that_redirects_takes_no_code_elsewhere() -> Result<()> {
    let thief = Scripted::serve(|_| async { text(200, "thank you") }).await?;
    let home = Home::new().await?;
    for status in [302, 307, 308] {
        let authority = Authority::start().await?;
        let target = thief.url("/token");
        authority.instead("/token", move |_| redirect(status, &target));
        let error = refused(&home, &authority).await?;
        assert!(
            [ErrorCode::RedirectRefused, ErrorCode::OauthTokenRefused].contains(&error.code),
            "{status}: {error}"
        );
        // On its own origin it is no better.
        authority.instead("/token", move |_| redirect(status, "/elsewhere"));
        refused(&home, &authority).await?;
        assert!(authority.server.seen_at("/elsewhere").is_empty());
    }
    assert!(thief.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_server_that_moves_to_another_issuer_is_sent_no_token_of_the_old_one() -> Result<()> {
    let good = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&good.resource())).await?;

    // The MCP server now sends clients to somebody else's authorization server.
    let evil = Authority::start().await?;
    let (issuer, resource) = (evil.issuer(), good.resource());
    good.instead("/.well-known/oauth-protected-resource/mcp", move |_| {
        json_answer(
            200,
            &json!({ "resource": resource.clone(), "authorization_servers": [issuer.clone()] }),
        )
    });
    good.end_access();
    clock.advance(3_600_000);
    home.call(id, "greet", json!({}))
        .await
        .context("renewed at the issuer that it signed in at")?;

    let nothing_of_the_old_one = || -> Result<()> {
        let secrets = good.needles()?;
        for seen in evil.server.seen() {
            let found = search::search("what the other issuer saw", &seen.bytes(), &secrets);
            anyhow::ensure!(found.is_empty(), "{found:?}");
        }
        Ok(())
    };
    // It is asked by name; no keeps everything as it is.
    let attempt = home.begin_again(id, None).await?;
    let asked = wire::Question::OtherIssuer {
        before: good.issuer(),
        now: evil.issuer(),
    };
    assert_eq!(home.asks(attempt).await?, asked);
    home.ask::<wire::CancelAttempt>(json!({ "id": attempt }))
        .await?;
    home.fails(attempt).await?;
    nothing_of_the_old_one()?;
    assert!(evil.server.seen_at("/register").is_empty());
    home.call(id, "greet", json!({}))
        .await
        .context("the old sign-in is kept")?;

    // Yes: another client, another sign-in, and still nothing of the old one goes there.
    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.asks(attempt).await?, asked);
    let yes = json!({ "id": attempt, "confirmed": { "other_issuer": true } });
    home.ask::<wire::AnswerAttempt>(yes).await?;
    let began = std::time::Instant::now();
    while evil.server.seen_at("/register").is_empty() {
        crate::kit::tick(began, "the app to register anew").await?;
    }
    nothing_of_the_old_one()
}

/// OpenID Connect and introspection are not for this app: what a server says of them is used for nothing.
#[tokio::test]
async fn an_id_token_and_an_introspection_endpoint_are_used_for_nothing() -> Result<()> {
    let elsewhere =
        Scripted::serve(|_| async { json_answer(200, &json!({ "active": false })) }).await?;
    let authority = Authority::start().await?;
    let endpoint = elsewhere.url("/introspect");
    authority.metadata(move |metadata| {
        metadata["introspection_endpoint"] = endpoint.clone().into();
        metadata["userinfo_endpoint"] = endpoint.clone().into();
        metadata["jwks_uri"] = endpoint.clone().into();
    });
    // Of another issuer, for another client, unsigned, ended long ago.
    let forged = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2V2aWwuZXhhbXBsZSIsInN1YiI6Im1hbGxvcnkiLCJl\
                  bWFpbCI6Im1hbGxvcnlAZXZpbC5leGFtcGxlIiwiZXhwIjoxfQ.";
    authority.server_says_more(move |answer| answer["id_token"] = forged.into());
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    assert_eq!(
        home.card(id).await?.account,
        None,
        "nobody is believed to be somebody"
    );
    assert_eq!(home.test(id).await?.error, None);
    clock.advance(3_600_000);
    home.call(id, "greet", json!({})).await?;
    home.disconnect(id).await?;
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
    let needle = search::Needles::new([("id token", forged)])?;
    for request in authority.server.seen() {
        let found = search::search("a request", &request.bytes(), &needle);
        assert!(found.is_empty(), "it is no credential: {found:?}");
    }
    Ok(())
}
