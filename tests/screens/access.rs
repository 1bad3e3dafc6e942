//! A tool that asks for more than the sign-in holds, in the window.

use crate::kit::{Screen, browser::violations};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn request_access_at_a_refused_tool_signs_in_again_and_clears_it() -> Result<()> {
    let issuer = Peer::start("oidc", &[]).await?;
    let server = Peer::start("mcp-protected", &[("ISSUER", &issuer.url)]).await?;
    let screen = Screen::signing_in().await?;
    let id = screen.connect_mcp(&server.url).await?;
    server.control("/test/set?refuse=403").await?;
    let refused = screen.call(id, "list_items", json!({})).await;
    refused.err().context("the tool is refused")?;
    server.control("/test/set?refuse=none").await?;

    screen.go(&format!("#/integrations/{id}/tools")).await?;
    let tool = "[data-testid=tool][data-name=list_items]";
    screen.reads(tool, "Needs access").await?;
    screen.click(&format!("{tool} summary")).await?;
    screen.see("[data-testid=lack]").await?;
    screen.picture("request-access").await?;
    assert_eq!(violations(&screen.page).await?, Vec::<String>::new());
    screen.press("Request access").await?;
    screen
        .reads("[data-testid=attempt]", "is connected")
        .await?;
    screen.press("Close").await?;
    screen.gone("[data-testid=lack]").await?;
    screen.call(id, "list_items", json!({})).await?;
    screen.close().await
}
