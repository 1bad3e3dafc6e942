use crate::{api_at, bearer, never, text};
use anyhow::Result;
use chief_tests::peers::Peer;
use engine::{connectors::Connector, secret::Secret, vault::Credential};
use serde_json::{Value, json};
use wire::{ErrorCode, Risk};

fn basic(user: &str, password: &str) -> Credential {
    Credential::Basic {
        user: user.to_owned(),
        password: Secret::new(password),
    }
}

#[tokio::test]
async fn a_real_api_is_pinged_and_called_by_bearer_and_by_basic() -> Result<()> {
    let server = Peer::start("registry", &[]).await?;
    let (user, password, token) = (
        server.fact("user")?,
        server.fact("password")?,
        server.fact("token")?,
    );
    let connector = api_at(&server.url, server.fact("health")?)?;

    for credential in [bearer(token), basic(user, password)] {
        let pong = connector.ping(&credential).await?;
        assert_eq!(pong.answer, "HTTP 200");
        assert_eq!(
            pong.tried,
            format!("GET {}{}", server.url, server.fact("health")?)
        );
        let result = connector
            .call(
                &credential,
                "call",
                json!({ "method": "GET", "path": "/-/whoami" }),
                never(),
            )
            .await?;
        assert_eq!(result["structuredContent"]["status"], 200);
        assert_eq!(
            result["structuredContent"]["body"]["username"], user,
            "{result}"
        );
        assert!(
            text(&result).contains(user) && result["isError"] == false,
            "{result}"
        );
    }
    for credential in [bearer("not the token"), basic(user, "not the password")] {
        let error = connector
            .ping(&credential)
            .await
            .expect_err("a wrong credential");
        assert_eq!(
            (error.code, error.args["status"].as_str()),
            (ErrorCode::Rejected, "401"),
            "{error}"
        );
        let called = connector
            .call(
                &credential,
                "call",
                json!({ "method": "get", "path": "/chief" }),
                never(),
            )
            .await;
        assert_eq!(called.expect_err("401 on a call").code, ErrorCode::Rejected);
    }
    Ok(())
}

#[tokio::test]
async fn what_the_api_answers_is_the_result_whatever_its_status() -> Result<()> {
    let server = Peer::start("registry", &[]).await?;
    let credential = bearer(server.fact("token")?);
    let connector = api_at(&server.url, server.fact("health")?)?;
    let ask = async |arguments: Value| {
        connector
            .call(&credential, "call", arguments, never())
            .await
    };

    let missing = ask(json!({ "method": "GET", "path": "/chief-test-package" })).await?;
    assert_eq!(
        (&missing["structuredContent"]["status"], &missing["isError"]),
        (&json!(404), &json!(true))
    );

    // A package with one file of bytes that are no text: published, then fetched.
    let bytes: Vec<u8> = (0..=255).collect();
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bytes);
    let package = json!({
        "_id": "chief-test-package", "name": "chief-test-package", "dist-tags": { "latest": "1.0.0" },
        "versions": { "1.0.0": {
            "name": "chief-test-package", "version": "1.0.0",
            "dist": { "tarball": format!("{}/chief-test-package/-/chief-test-package-1.0.0.tgz", server.url) }
        } },
        "_attachments": { "chief-test-package-1.0.0.tgz": {
            "content_type": "application/octet-stream", "data": data, "length": bytes.len()
        } }
    });
    let published =
        ask(json!({ "method": "PUT", "path": "/chief-test-package", "body": package })).await?;
    assert_eq!(published["structuredContent"]["status"], 201, "{published}");
    let fetched = ask(
        json!({ "method": "GET", "path": "/chief-test-package/-/chief-test-package-1.0.0.tgz" }),
    )
    .await?;
    assert_eq!(
        fetched["content"][0]["resource"]["blob"], data,
        "bytes come back whole: {fetched}"
    );

    let searched = ask(json!({ "method": "GET", "path": "/-/v1/search", "query": { "text": "chief-test", "size": 5 } })).await?;
    assert_eq!(
        searched["structuredContent"]["body"]["objects"][0]["package"]["name"],
        "chief-test-package",
        "{searched}"
    );
    Ok(())
}

#[tokio::test]
async fn a_call_cannot_leave_the_base_url() -> Result<()> {
    let server = Peer::start("registry", &[]).await?;
    let credential = bearer(server.fact("token")?);
    let connector = api_at(&format!("{}/-/npm/v1", server.url), "/user")?;
    connector.ping(&credential).await?;
    for path in [
        "/../../whoami",
        "//127.0.0.1/x",
        "https://example.com/",
        "/%2e%2e/%2e%2e/whoami",
        "/x/..%2f..%2f../whoami",
    ] {
        let called = connector
            .call(
                &credential,
                "call",
                json!({ "method": "GET", "path": path }),
                never(),
            )
            .await;
        assert_eq!(called.expect_err(path).code, ErrorCode::ArgumentsInvalid);
    }
    Ok(())
}

#[test]
fn the_one_tool_says_what_it_is() -> Result<()> {
    let connector = api_at("https://api.example.com/v1?tenant=7", "")?;
    let Connector::Rest(_) = &connector else {
        anyhow::bail!("an API is a Rest connector")
    };
    let tools =
        tokio::runtime::Runtime::new()?.block_on(connector.list_tools(&Credential::None))?;
    let [tool] = &tools[..] else {
        anyhow::bail!("{tools:?}")
    };
    assert_eq!((&*tool.name, tool.risk), ("call", Risk::Destroys));
    assert!(
        tool.description.contains("https://api.example.com/v1")
            && !tool.description.contains("tenant"),
        "{tool:?}"
    );
    Ok(())
}
