//! What each known client wants to be told, ready to paste: the bridge first, which no other user of this
//! computer can reach, then the address.

use super::bridge::{self, Bridge};
use serde_json::{Value, json};
use wire::Snippet;

/// One for each client, with the token in it.
pub(super) fn all(url: &str, token: &str, bridge: &Bridge) -> Vec<Snippet> {
    let bearer = format!("Bearer {token}");
    let Bridge { command, args } = bridge;
    let stdio = json!({
        "command": command, "args": args, "env": { bridge::VARIABLE: token },
    });
    let one = |client: &str, place: &str, text: String| Snippet {
        client: client.to_owned(),
        place: place.to_owned(),
        text,
    };
    vec![
        // https://code.claude.com/docs/en/mcp, https://cursor.com/docs/context/mcp,
        // https://modelcontextprotocol.io/docs/develop/connect-local-servers
        one(
            "Claude, Claude Code, Cursor",
            "claude_desktop_config.json, .mcp.json or ~/.claude.json, ~/.cursor/mcp.json",
            pretty(&json!({ "mcpServers": { "chief": stdio } })),
        ),
        // https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
        one(
            "VS Code",
            ".vscode/mcp.json, or the user's mcp.json",
            pretty(&json!({ "servers": { "chief": stdio } })),
        ),
        // https://developers.openai.com/codex/mcp
        one(
            "Codex",
            "~/.codex/config.toml",
            format!(
                "[mcp_servers.chief]\ncommand = {}\nargs = {}\nenv = {{ {} = {} }}\n\
                 tool_timeout_sec = {}",
                json!(command),
                json!(args),
                bridge::VARIABLE,
                json!(token),
                bridge::PATIENCE_S,
            ),
        ),
        // Anything that speaks MCP over Streamable HTTP.
        one(
            "By address",
            "Streamable HTTP",
            format!("URL: {url}\nHeader: Authorization: {bearer}"),
        ),
    ]
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
