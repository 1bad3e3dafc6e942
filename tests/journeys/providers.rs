//! Providers of the catalogue: connected by the ways of their manifests, and known for what they are
//! afterwards. The manifests here name servers on this computer; those in the app name real ones,
//! which no test may ask.

use crate::kit::{
    Home, code, mcp,
    scripted::{Scripted, text},
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::{AuthView, ErrorCode, Kind, Status};

fn manifest(ways: &str) -> String {
    format!(
        r##"schema = 1
id = "acme"
name = "Acme"
summary = "Anvils, by post"
category = "sales"
colour = "#0a7f5a"
verified = false

[sources]
A = {{ what = "https://acme.example.com/docs", day = 2026-11-22 }}

{ways}
"##
    )
}

fn add(home: &Home, ways: &str) -> Result<()> {
    let folder = home.folder().join("providers");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join("acme.toml"), manifest(ways))?)
}

fn provider(way: &str, key: &str) -> Value {
    json!({ "kind": "provider", "provider": "acme", "way": way, "bundles": [], "key": key, "name": "" })
}

#[tokio::test]
async fn an_official_server_connects_in_one_click_and_its_card_is_the_providers() -> Result<()> {
    let server = Peer::start("mcp-modern", &[]).await?;
    let home = Home::new().await?;
    add(
        &home,
        &format!(
            "[[ways]]\n[ways.mcp]\nurl = \"{}\"\nclient = \"dynamic\"\nsource = [\"A\"]",
            server.url
        ),
    )?;
    let catalogue = home.ask::<wire::ListProviders>(json!({})).await?;
    assert_eq!(catalogue.refused, []);
    let acme = catalogue.providers.iter().find(|p| p.id == "acme");
    assert!(acme.context("the added one")?.added);

    let id = home.connect(provider("mcp", "")).await?;
    let card = home.card(id).await?;
    assert_eq!((card.name.as_str(), card.kind), ("Acme", Kind::Mcp));
    let brand = card.icon.brand.context("the provider's tile")?;
    assert_eq!(brand.ground, "#0a7f5a");
    assert_eq!(home.test(id).await?.health.status, Status::Healthy);

    // It is so after a restart, too, and a letter stands where the manifest is gone.
    let home = home.restart().await?;
    assert!(home.card(id).await?.icon.brand.is_some());
    std::fs::remove_file(home.folder().join("providers/acme.toml"))?;
    home.ask::<wire::ListProviders>(json!({})).await?;
    let card = home.card(id).await?;
    assert_eq!((card.icon.brand, card.icon.monogram.as_str()), (None, "A"));
    home.disconnect(id).await?;
    home.holds_nothing()
}

#[tokio::test]
async fn a_key_goes_to_the_official_server_and_reconnect_keeps_the_provider() -> Result<()> {
    let server = Scripted::serve(|seen| async move {
        if seen.header("x-acme-key") == "right" {
            mcp::answer(&seen, &Arc::default()).await
        } else {
            text(401, "who are you?")
        }
    })
    .await?;
    let home = Home::new().await?;
    add(
        &home,
        &format!(
            "[[ways]]\n[ways.key]\nmcp = \"{}\"\nauth = \"header\"\nname = \"X-Acme-Key\"\n\
             guide = {{ steps = [\"Ask Acme.\"], source = [\"A\"] }}\nsource = [\"A\"]",
            server.url("/mcp")
        ),
    )?;
    let wrong = home.begin(provider("key", "wrong")).await?;
    assert_eq!(home.fails(wrong).await?.code, ErrorCode::Rejected);
    home.holds_nothing()?;

    let id = home.connect(provider("key", "right")).await?;
    let card = home.card(id).await?;
    let auth = AuthView::Header {
        name: "X-Acme-Key".into(),
    };
    assert_eq!(card.auth, auth);
    let again = home
        .ask::<wire::Reconnect>(json!({ "id": id, "fresh_key": "right", "confirmed": {} }))
        .await?;
    home.done(again.id).await?;
    assert!(home.card(id).await?.icon.brand.is_some(), "still Acme’s");
    Ok(())
}

#[tokio::test]
async fn what_the_catalogue_does_not_have_is_refused_at_once() -> Result<()> {
    let home = Home::new().await?;
    let ask = async |provider: &str, way: &str, bundles: Value, key: &str| {
        let target = json!({ "kind": "provider", "provider": provider, "way": way,
            "bundles": bundles, "key": key, "name": "" });
        home.begin(target).await
    };
    let invalid = ErrorCode::FieldInvalid;
    assert_eq!(code(ask("nobody", "mcp", json!([]), "").await)?, invalid);
    assert_eq!(code(ask("stripe", "magic", json!([]), "").await)?, invalid);
    assert_eq!(
        code(ask("google", "oauth", json!(["everything"]), "").await)?,
        invalid
    );
    assert_eq!(
        code(ask("stripe", "key", json!([]), "").await)?,
        ErrorCode::FieldEmpty,
        "a way that takes a key needs one"
    );
    home.holds_nothing()
}
