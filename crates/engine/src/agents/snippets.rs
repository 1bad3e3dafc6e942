//! What each known client wants to be told, ready to paste.

use serde_json::json;
use wire::Snippet;

/// One for each client, with the gateway's address and the token in it.
pub(super) fn all(url: &str, token: &str) -> Vec<Snippet> {
    let bearer = format!("Bearer {token}");
    let one = |client: &str, place: &str, text: String| Snippet {
        client: client.to_owned(),
        place: place.to_owned(),
        text,
    };
    let pretty = |value: serde_json::Value| {
        serde_json::to_string_pretty(&value).unwrap_or_else(|_| value.to_string())
    };
    vec![
        // https://code.claude.com/docs/en/mcp: .mcp.json
        one(
            "Claude Code",
            ".mcp.json in the project, or ~/.claude.json",
            pretty(json!({ "mcpServers": { "chief": {
                "type": "http", "url": url, "headers": { "Authorization": bearer }
            } } })),
        ),
        // https://cursor.com/docs/context/mcp
        one(
            "Cursor",
            "~/.cursor/mcp.json",
            pretty(json!({ "mcpServers": { "chief": {
                "url": url, "headers": { "Authorization": bearer }
            } } })),
        ),
        // https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
        one(
            "VS Code",
            ".vscode/mcp.json, or the user's mcp.json",
            pretty(json!({ "servers": { "chief": {
                "type": "http", "url": url, "headers": { "Authorization": bearer }
            } } })),
        ),
        // Anything that speaks MCP over Streamable HTTP.
        one(
            "Another client",
            "Streamable HTTP",
            format!("URL: {url}\nHeader: Authorization: {bearer}"),
        ),
    ]
}
