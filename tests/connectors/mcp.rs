use crate::{bearer, mcp_at, never, text};
use anyhow::{Context as _, Result};
use chief_tests::peers::{
    Peer,
    sign_in::{Answer, sign_in},
};
use engine::{
    connectors::mcp::{self, Challenge},
    http::{Http, Reach},
    vault::Credential,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use url::Url;
use wire::{ErrorCode, Risk};

#[tokio::test]
async fn an_older_server_with_sessions_is_pinged_listed_and_called() -> Result<()> {
    let server = Peer::start("everything", &[]).await?;
    let connector = mcp_at(&server.url)?;

    let pong = connector.ping(&Credential::None).await?;
    assert_eq!(pong.protocol.as_deref(), Some("2025-11-25"));
    assert!(
        pong.server_name().is_some_and(|name| !name.is_empty()),
        "{pong:?}"
    );
    assert_eq!(pong.tried, format!("MCP ping to {}", server.url));

    let tools = connector.list_tools(&Credential::None).await?;
    let echo = tools
        .iter()
        .find(|tool| tool.name == "echo")
        .context("it has a tool called echo")?;
    assert!(
        !echo.description.is_empty() && echo.input_schema["properties"].is_object(),
        "{echo:?}"
    );
    assert_eq!(echo.hash.len(), 64);
    let again = connector.list_tools(&Credential::None).await?;
    assert_eq!(
        tools, again,
        "the same tools have the same hashes, in the same order"
    );

    let result = connector
        .call(
            &Credential::None,
            "echo",
            json!({ "message": "hello" }),
            never(),
        )
        .await?;
    assert!(text(&result).contains("hello"), "{result}");

    let error = connector
        .call(&Credential::None, "no-such-tool", json!({}), never())
        .await;
    let failed = error.map_or_else(
        |error| {
            matches!(
                error.code,
                ErrorCode::ToolFailed | ErrorCode::ArgumentsInvalid
            )
        },
        |result| result["isError"] == true,
    );
    assert!(failed, "an unknown tool must not look like a success");
    connector.drop_session().await;
    connector
        .ping(&Credential::None)
        .await
        .context("a new session is made on the next use")?;
    Ok(())
}

#[tokio::test]
async fn many_calls_at_once_share_one_session() -> Result<()> {
    let server = Peer::start("everything", &[]).await?;
    let connector = mcp_at(&server.url)?;
    let calls = (0..32).map(|n| {
        let connector = &connector;
        async move {
            let result = connector
                .call(
                    &Credential::None,
                    "get-sum",
                    json!({ "a": n, "b": 1 }),
                    never(),
                )
                .await?;
            anyhow::ensure!(
                text(&result).contains(&(n + 1).to_string()),
                "{n}: {result}"
            );
            Ok(())
        }
    });
    futures::future::try_join_all(calls).await?;
    Ok(())
}

#[tokio::test]
async fn a_newer_server_needs_no_session() -> Result<()> {
    for (legacy, mode) in [("reject", "auto"), ("reject", "sse"), ("stateless", "json")] {
        let server = Peer::start("mcp-modern", &[("LEGACY", legacy), ("MODE", mode)]).await?;
        let connector = mcp_at(&server.url)?;
        let pong = connector.ping(&Credential::None).await?;
        assert_eq!(
            pong.protocol.as_deref(),
            Some("2026-07-28"),
            "{legacy} {mode}"
        );
        assert_eq!(pong.tried, format!("MCP server/discover to {}", server.url));
        let result = connector
            .call(
                &Credential::None,
                "greet",
                json!({ "name": "Ann" }),
                never(),
            )
            .await?;
        assert_eq!(text(&result), "Hello, Ann!", "{legacy} {mode}");

        let risks: Vec<_> = connector
            .list_tools(&Credential::None)
            .await?
            .into_iter()
            .map(|tool| (tool.name, tool.risk))
            .collect();
        for expected in [
            ("greet", Risk::Reads),
            ("remove", Risk::Destroys),
            ("fail", Risk::Writes),
        ] {
            assert!(
                risks.contains(&(expected.0.to_owned(), expected.1)),
                "{expected:?} in {risks:?}"
            );
        }
        let failed = connector
            .call(&Credential::None, "fail", json!({}), never())
            .await?;
        assert_eq!(failed["isError"], true);
    }
    Ok(())
}

#[tokio::test]
async fn an_argument_that_must_be_in_a_header_is_put_there_without_listing_first() -> Result<()> {
    let server = Peer::start("mcp-modern", &[("LEGACY", "reject")]).await?;
    let result = mcp_at(&server.url)?
        .call(
            &Credential::None,
            "route",
            json!({ "region": "eu-west" }),
            never(),
        )
        .await?;
    assert_eq!(text(&result), "routed to eu-west");
    Ok(())
}

#[tokio::test]
async fn wrong_arguments_are_the_callers_mistake() -> Result<()> {
    let server = Peer::start("mcp-modern", &[]).await?;
    let connector = mcp_at(&server.url)?;
    for arguments in [json!({ "name": 7 }), json!({})] {
        match connector
            .call(&Credential::None, "greet", arguments, never())
            .await
        {
            Ok(result) => assert_eq!(result["isError"], true, "{result}"),
            Err(error) => assert_eq!(error.code, ErrorCode::ArgumentsInvalid, "{error}"),
        }
    }
    let error = connector
        .call(&Credential::None, "greet", json!(["Ann"]), never())
        .await
        .expect_err("not an object");
    assert_eq!(error.code, ErrorCode::ArgumentsInvalid);
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_cancelled_ends_at_once_in_both_eras() -> Result<()> {
    let modern = Peer::start("mcp-modern", &[("MODE", "sse")]).await?;
    let older = Peer::start("everything", &[]).await?;
    for (url, tool, arguments) in [
        (&modern.url, "slow", json!({ "ms": 30_000 })),
        (
            &older.url,
            "trigger-long-running-operation",
            json!({ "duration": 30, "steps": 30 }),
        ),
    ] {
        let connector = mcp_at(url)?;
        connector.ping(&Credential::None).await?;
        let cancel = CancellationToken::new();
        let (started, ended) = (Instant::now(), cancel.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            ended.cancel();
        });
        let error = connector
            .call(&Credential::None, tool, arguments, cancel)
            .await
            .expect_err("cancelled");
        assert_eq!(error.code, ErrorCode::CallCancelled, "{error}");
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "it waited for the tool all the same"
        );
        connector
            .ping(&Credential::None)
            .await
            .context("others are not disturbed")?;
    }
    Ok(())
}

#[tokio::test]
async fn the_first_contact_tells_whether_a_credential_is_wanted() -> Result<()> {
    let (http, reach) = (
        Http::new()?,
        Reach {
            private_hosts: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
        },
    );
    let open = Peer::start("everything", &[]).await?;
    assert_eq!(
        mcp::challenge(&http, &reach, &Url::parse(&open.url)?).await?,
        Challenge::None
    );

    let example = Peer::start("mcp-sdk-oauth", &[]).await?;
    let asked = mcp::challenge(&http, &reach, &Url::parse(&example.url)?).await?;
    let Challenge::Auth {
        www_authenticate: Some(header),
    } = asked
    else {
        anyhow::bail!("{asked:?}")
    };
    assert!(header.contains("resource_metadata="), "{header}");

    let plain = Peer::start("mcp-modern", &[("TOKEN", "t-1234567")]).await?;
    let asked = mcp::challenge(&http, &reach, &Url::parse(&plain.url)?).await?;
    assert_eq!(
        asked,
        Challenge::Auth {
            www_authenticate: Some("Bearer".to_owned())
        }
    );
    let connector = mcp_at(&plain.url)?;
    connector.ping(&bearer("t-1234567")).await?;
    let error = connector
        .ping(&bearer("t-7654321"))
        .await
        .expect_err("another token");
    assert_eq!(
        (error.code, error.args["status"].as_str()),
        (ErrorCode::Rejected, "401")
    );
    Ok(())
}

/// A token for `resource`, as the OAuth module would get one: code with PKCE, by hand.
async fn token_for(issuer: &Peer, resource: &str, scope: &str, account: &str) -> Result<String> {
    // The pair of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let callback = format!("http://{}/callback", listener.local_addr()?);
    let page = axum::Router::new().route("/callback", axum::routing::get(|| async { "back" }));
    tokio::spawn(async move { axum::serve(listener, page).await });
    let mut start = Url::parse(&issuer.url)?.join("/auth")?;
    start.query_pairs_mut().extend_pairs([
        ("client_id", "chief-preregistered"),
        ("response_type", "code"),
        ("redirect_uri", &callback),
        ("scope", scope),
        ("resource", resource),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let ended = sign_in(start.as_str(), account, Answer::Agree).await?;
    let code = ended
        .url
        .query_pairs()
        .find(|(name, _)| name == "code")
        .context("it brought a code")?
        .1
        .into_owned();
    let answer: Value = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(Url::parse(&issuer.url)?.join("/token")?)
        .form(&[
            ("grant_type", "authorization_code"),
            ("client_id", "chief-preregistered"),
            ("code", &code),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
            ("resource", resource),
        ])
        .send()
        .await?
        .json()
        .await?;
    answer["access_token"]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("no token in {answer}"))
}

#[tokio::test]
async fn only_a_token_meant_for_the_server_opens_it() -> Result<()> {
    let issuer = Peer::start("oidc", &[]).await?;
    let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
    let connector = mcp_at(&server.url)?;

    let other = token_for(&issuer, "http://127.0.0.1:9/other", "tools:read", "ann").await?;
    let error = connector
        .ping(&bearer(&other))
        .await
        .expect_err("it is for another server");
    assert_eq!(error.code, ErrorCode::Rejected, "{error}");

    let mine = bearer(&token_for(&issuer, &server.url, "tools:read", "ann").await?);
    connector.ping(&mine).await?;
    let result = connector.call(&mine, "whoami", json!({}), never()).await?;
    let who: Value = serde_json::from_str(text(&result))?;
    assert_eq!(
        (&who["sub"], &who["aud"]),
        (&json!("ann"), &json!(server.url))
    );

    let error = connector
        .call(&mine, "add_item", json!({ "name": "x" }), never())
        .await
        .expect_err("it may only read");
    assert_eq!(
        (error.code, error.args["status"].as_str()),
        (ErrorCode::Forbidden, "403"),
        "{error}"
    );
    connector
        .ping(&mine)
        .await
        .context("a 403 on one tool changes nothing else")?;

    let writing = bearer(&token_for(&issuer, &server.url, "tools:read tools:write", "ann").await?);
    connector
        .call(&writing, "add_item", json!({ "name": "x" }), never())
        .await
        .context("the new token is used at once")?;
    Ok(())
}

#[tokio::test]
async fn a_session_that_the_server_forgot_is_made_anew_without_a_word() -> Result<()> {
    let issuer = Peer::start("oidc", &[]).await?;
    let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
    let connector = mcp_at(&server.url)?;
    let token = bearer(&token_for(&issuer, &server.url, "tools:read", "ann").await?);
    connector.ping(&token).await?;
    server.control("/test/set?drop-sessions=1").await?;
    let result = connector
        .call(&token, "list_items", json!({}), never())
        .await?;
    assert_eq!(text(&result), "first\nsecond");

    // Another account is another session: whoever changes it drops the old one.
    let bob = bearer(&token_for(&issuer, &server.url, "tools:read", "bob").await?);
    connector.drop_session().await;
    let result = connector.call(&bob, "whoami", json!({}), never()).await?;
    assert!(text(&result).contains("\"bob\""), "{result}");
    let log = server.control("/test/log").await?;
    let ended = log.as_array().is_some_and(|log| {
        log.iter()
            .any(|entry| entry["method"] == "DELETE" && entry["status"] == 200)
    });
    assert!(ended, "the server was told that the session is over: {log}");
    Ok(())
}

#[tokio::test]
async fn each_refusal_has_its_code() -> Result<()> {
    let issuer = Peer::start("oidc", &[]).await?;
    let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
    let token = bearer(&token_for(&issuer, &server.url, "tools:read", "ann").await?);
    let warm = mcp_at(&server.url)?;
    warm.ping(&token).await?;
    for (refuse, code) in [
        ("401", ErrorCode::Rejected),
        ("403", ErrorCode::Forbidden),
        ("429", ErrorCode::RateLimited),
        ("500", ErrorCode::ServerError),
    ] {
        server
            .control(&format!("/test/set?refuse={refuse}"))
            .await?;
        let in_session = warm.ping(&token).await.expect_err(refuse);
        assert_eq!(in_session.code, code, "in a session: {in_session}");
        let at_first = mcp_at(&server.url)?.ping(&token).await.expect_err(refuse);
        assert_eq!(at_first.code, code, "at first contact: {at_first}");
        if refuse == "429" {
            assert_eq!(in_session.args["seconds"], "7");
        }
        server.control("/test/set?refuse=none").await?;
        warm.ping(&token)
            .await
            .with_context(|| format!("after {refuse} it goes on"))?;
    }
    Ok(())
}
