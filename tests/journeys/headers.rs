//! What a request of the newer era says in its headers and in its body must be the same (MCP 2026-07-28,
//! Streamable HTTP, "Server Validation"): else it is refused before any tool is looked for.

use crate::kit::{
    Home,
    agent::{raw, told},
    changing::{Changing, tool},
    targets, text_of,
};
use anyhow::Result;
use serde_json::{Value, json};

const VERSION: &str = "2026-07-28";

/// A call of the newer era, in a version that it names.
fn call(version: &str) -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "keyed__look", "arguments": {}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": { "name": "a test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        } },
    })
}

#[tokio::test]
async fn headers_and_body_must_say_the_same_and_what_is_unknown_is_told_by_its_code() -> Result<()>
{
    let home = Home::new().await?;
    let server = Changing::serve(vec![tool("look", "Looks.")]).await?;
    home.connect(targets::mcp_bearer(&server.server.url("/mcp"), "key"))
        .await?;
    let door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let bearer = format!("Bearer {token}");
    let say = async |headers: &[(&str, &str)], body: &Value| -> Result<(u16, Value)> {
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        let (status, body) = raw(("POST", &door.url), &all, body).await?;
        Ok((status, told(&body).unwrap_or(Value::String(body))))
    };
    let version = ("mcp-protocol-version", VERSION);
    let method = ("mcp-method", "tools/call");
    let name = ("mcp-name", "keyed__look");

    let (status, answer) = say(&[version, method, name], &call(VERSION)).await?;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(text_of(&answer["result"]), "look");
    let calls = server.calls().len();

    for headers in [
        vec![version, ("mcp-method", "tools/list"), name],
        vec![version, method, ("mcp-name", "keyed__other")],
        vec![version, name],
        vec![version, method],
        vec![version, method, ("mcp-method", "tools/list"), name],
    ] {
        let (status, answer) = say(&headers, &call(VERSION)).await?;
        assert_eq!(status, 400, "{headers:?}: {answer}");
        assert_eq!(answer["error"]["code"], -32020, "{headers:?}: {answer}");
    }
    // The version of the header is not the body's.
    let (status, answer) = say(&[version, method, name], &call("2025-11-25")).await?;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["error"]["code"], -32020, "{answer}");

    let future = ("mcp-protocol-version", "2099-01-01");
    let (status, answer) = say(&[future, method, name], &call("2099-01-01")).await?;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["error"]["code"], -32022, "{answer}");
    let supported = answer["error"]["data"]["supported"].to_string();
    assert!(supported.contains(VERSION), "{answer}");

    let mut unknown = call(VERSION);
    unknown["method"] = json!("tools/forget");
    let headers = [version, ("mcp-method", "tools/forget")];
    let (status, answer) = say(&headers, &unknown).await?;
    assert_eq!(status, 404, "{answer}");
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    assert_eq!(server.calls().len(), calls, "nothing of it went upstream");
    Ok(())
}
