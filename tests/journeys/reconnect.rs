//! What Reconnect does to the sign-in that it replaces.

use crate::{
    kit::{Home, browser, targets, tick},
    sign_in::pair,
};
use anyhow::{Context, Result, bail};
use engine::vault::Credential;
use serde_json::json;
use wire::RowKind;

#[tokio::test]
async fn reconnect_ends_the_grant_that_it_replaces_and_not_the_new_one() -> Result<()> {
    let (issuer, server) = pair(&[]).await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&server.url)).await?;
    let asking = async |home: &Home| -> Result<String> {
        let Credential::OAuth(held) = home.held(id).await? else {
            bail!("it signed in")
        };
        let refresh = held.refresh.as_ref().context("a refresh token")?;
        let token = url::form_urlencoded::byte_serialize(refresh.reveal().as_bytes());
        Ok(format!("/test/token?token={}", token.collect::<String>()))
    };
    let old = asking(&home).await?;

    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id);

    let began = std::time::Instant::now();
    while issuer.control(&old).await?["active"] == true {
        tick(began, "the old refresh token to be refused").await?;
    }
    let new = asking(&home).await?;
    assert_ne!(new, old);
    assert_eq!(
        issuer.control(&new).await?["active"],
        true,
        "the new one lives"
    );
    home.call(id, "list_items", json!({})).await?;
    let revoked = home.rows_of(RowKind::Token, "token.revoke").await?;
    assert_eq!(revoked.len(), 1, "the record tells of it");
    Ok(())
}
