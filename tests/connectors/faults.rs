use crate::{api_at, bearer, mcp_at, never, text};
use anyhow::{Context as _, Result};
use chief_tests::peers::Peer;
use engine::vault::Credential;
use serde_json::json;
use std::time::{Duration, Instant};
use wire::ErrorCode;

#[tokio::test]
async fn a_network_that_misbehaves_is_named_and_heals() -> Result<()> {
    let server = Peer::start("everything", &[]).await?;
    let proxy = Peer::start("faultproxy", &[("UPSTREAM", &server.url)]).await?;
    let connector = mcp_at(&proxy.url)?;
    connector.ping(&Credential::None).await?;
    for (mode, code) in [
        ("refuse", ErrorCode::Unreachable),
        ("reset", ErrorCode::Unreachable),
        ("drop-response", ErrorCode::Unreachable),
        ("truncate&bytes=20", ErrorCode::Unreachable),
        ("garbage", ErrorCode::BadAnswer),
    ] {
        proxy.control(&format!("/set?mode={mode}")).await?;
        let error = connector.ping(&Credential::None).await.expect_err(mode);
        assert_eq!(error.code, code, "{mode}: {error}");
        let first = mcp_at(&proxy.url)?
            .ping(&Credential::None)
            .await
            .expect_err(mode);
        assert_eq!(first.code, code, "{mode} at first contact: {first}");
        proxy.control("/set?mode=pass").await?;
        connector
            .ping(&Credential::None)
            .await
            .with_context(|| format!("healed after {mode}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_made_again() -> Result<()> {
    let server = Peer::start("registry", &[]).await?;
    let proxy = Peer::start("faultproxy", &[("UPSTREAM", &server.url)]).await?;
    let credential = bearer(server.fact("token")?);
    let connector = api_at(&proxy.url, server.fact("health")?)?;
    proxy.control("/set?mode=drop-response").await?;
    let called = connector
        .call(
            &credential,
            "call",
            json!({ "method": "POST", "path": "/-/npm/v1/tokens", "body": {} }),
            never(),
        )
        .await;
    assert_eq!(
        called.expect_err("the answer is lost").code,
        ErrorCode::Unreachable
    );
    let hits = proxy.control("/hits").await?;
    assert_eq!(
        hits["hits"]["drop-response"], 1,
        "a POST may have been acted on: once is enough"
    );
    Ok(())
}

#[tokio::test]
async fn a_slow_server_is_waited_for() -> Result<()> {
    let server = Peer::start("mcp-modern", &[("MODE", "sse")]).await?;
    let proxy = Peer::start("faultproxy", &[("UPSTREAM", &server.url)]).await?;
    let connector = mcp_at(&proxy.url)?;
    proxy.control("/set?mode=throttle&ms=2").await?;
    let started = Instant::now();
    let result = connector
        .call(
            &Credential::None,
            "greet",
            json!({ "name": "Ann" }),
            never(),
        )
        .await?;
    assert_eq!(text(&result), "Hello, Ann!");
    assert!(
        started.elapsed() > Duration::from_millis(50),
        "the proxy did not slow it down"
    );
    Ok(())
}

#[tokio::test]
async fn something_that_is_no_mcp_server_is_called_so() -> Result<()> {
    let registry = Peer::start("registry", &[]).await?;
    for path in ["/", "/-/ping", "/nowhere/at/all/there"] {
        let error = mcp_at(&format!("{}{path}", registry.url))?
            .ping(&Credential::None)
            .await
            .expect_err(path);
        assert_eq!(error.code, ErrorCode::NotMcp, "{path}: {error}");
        assert!(error.args.contains_key("why"));
    }
    Ok(())
}
