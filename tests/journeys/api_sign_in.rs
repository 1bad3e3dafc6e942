//! Custom APIs that sign in: a certified authorization server, and an API that lets in whom it knows.

use crate::kit::{
    Home, browser, code,
    scripted::{Scripted, json as json_answer, text},
    targets,
};
use anyhow::{Context, Result};
use chief_tests::peers::Peer;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::{AttemptId, AuthView, ErrorCode, Fix, IntegrationId, Reason, Revocation, Status};

/// The authorization server, whose tokens are opaque where no resource is asked for, and an API that
/// asks it about each token.
async fn pair(environment: &[(&str, &str)]) -> Result<(Arc<Peer>, Scripted)> {
    let issuer = Arc::new(Peer::start("oidc", environment).await?);
    let asks = issuer.clone();
    let api = Scripted::serve(move |seen| {
        let asks = asks.clone();
        async move {
            let about = format!("/test/token?token={}", seen.bearer());
            let known = match asks.control(&about).await {
                Ok(told) => told["active"] == true && told["kind"] == "AccessToken",
                Err(_) => false,
            };
            match (known, seen.path.as_str()) {
                (false, _) => text(401, "sign in"),
                (true, "/v1/me") => json_answer(200, &json!({ "id": 7, "name": "Ann" })),
                (true, "/v1/not-yours") => text(401, "another tenant's"),
                (true, _) => text(404, "no such thing"),
            }
        }
    })
    .await?;
    Ok((issuer, api))
}

async fn log(issuer: &Peer, path: &str) -> Result<Vec<Value>> {
    let log = issuer.control("/test/log").await?;
    let log = log.as_array().cloned().context("a log")?;
    Ok(log
        .into_iter()
        .filter(|entry| entry["path"] == path)
        .collect())
}

/// The three kinds of client, by metadata and by typed addresses.
#[tokio::test]
async fn a_custom_api_signs_in_renews_and_is_revoked_as_each_kind_of_client() -> Result<()> {
    let basic = Some("only/for+tests:basic&%");
    let post = Some("only/for+tests:post&%");
    for client in [
        ("chief-preregistered", None, "none"),
        ("company-basic", basic, "basic"),
        ("company-post", post, "post"),
    ] {
        for by_issuer in [true, false] {
            lives_and_ends(by_issuer, client)
                .await
                .with_context(|| format!("{client:?}, by issuer: {by_issuer}"))?;
        }
    }
    Ok(())
}

async fn lives_and_ends(by_issuer: bool, client: (&str, Option<&str>, &str)) -> Result<()> {
    let (issuer, api) = pair(&[("ACCESS_TTL", "300")]).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _browser = browser::signs_in(&home.desk);
    let server = if by_issuer {
        targets::issuer(&issuer.url)
    } else {
        targets::endpoints(&issuer.url)
    };
    let auth = targets::sign_in(server, "openid offline_access", client);
    let id = home
        .connect(targets::api(&api.url("/v1"), "/me", auth))
        .await?;

    let asked = log(&issuer, "/auth").await?;
    assert_eq!(asked[0]["parameters"]["client_id"], client.0);
    assert_eq!(
        asked[0]["parameters"]["code_challenge_method"], "S256",
        "PKCE is sent also where nobody says that it is looked at"
    );
    assert_eq!(log(&issuer, "/reg").await?.len(), 0, "the client is known");
    let card = home.card(id).await?;
    assert!(
        matches!(&card.auth, AuthView::OAuth { renews: true, .. }),
        "{:?}",
        card.auth
    );
    let answer = home
        .call(id, "call", json!({ "method": "GET", "path": "/me" }))
        .await?;
    assert!(answer.to_string().contains("Ann"), "the API said {answer}");

    // Renewed as the same client, before the token ends.
    clock.advance(3_600_000);
    assert_eq!(home.test(id).await?.error, None);
    let tokens = log(&issuer, "/token").await?;
    let refresh = tokens
        .iter()
        .find(|entry| entry["parameters"]["grant_type"] == "refresh_token")
        .context("it was renewed")?;
    assert_eq!(refresh["status"], 200);

    // Ended at the server: one button, and Reconnect asks as the same client.
    issuer.control("/test/end-grants").await?;
    let report = home.test(id).await?;
    assert!(matches!(report.health.reason, Reason::Rejected { .. }));
    assert_eq!(report.health.fix, Some(Fix::Reconnect));
    let attempt = home.begin_again(id, None).await?;
    assert_eq!(home.done(attempt).await?, id);
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);

    let ended = home.disconnect(id).await?;
    assert!(
        matches!(ended.revocation, Revocation::Done { status: 200, .. }),
        "{:?}",
        ended.revocation
    );
    home.holds_nothing()
}

/// As a scope that lacks, or a resource of another tenant, is told by some.
#[tokio::test]
async fn a_path_that_refuses_any_token_costs_one_renewal_and_not_one_for_each_call() -> Result<()> {
    let (issuer, api) = pair(&[("ACCESS_TTL", "3600")]).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _browser = browser::signs_in(&home.desk);
    let client = ("chief-preregistered", None, "none");
    let auth = targets::sign_in(
        targets::issuer(&issuer.url),
        "openid offline_access",
        client,
    );
    let id = home
        .connect(targets::api(&api.url("/v1"), "/me", auth))
        .await?;
    let get = |path: &str| home.call(id, "call", json!({ "method": "GET", "path": path }));
    let renewals = async || -> Result<usize> {
        let tokens = log(&issuer, "/token").await?;
        let is_renewal = |entry: &&Value| entry["parameters"]["grant_type"] == "refresh_token";
        Ok(tokens.iter().filter(is_renewal).count())
    };
    for _ in 0..5 {
        assert_eq!(code(get("/not-yours").await)?, ErrorCode::Rejected);
        get("/me").await?;
    }
    assert_eq!(renewals().await?, 1);
    clock.advance(5 * 60_000);
    assert_eq!(code(get("/not-yours").await)?, ErrorCode::Rejected);
    assert_eq!(renewals().await?, 2, "it may be otherwise by now");

    // What is asked for by hand, as what is asked by a check, is not held to that.
    issuer.control("/test/end-grants").await?;
    let report = home.test(id).await?;
    assert!(matches!(report.health.reason, Reason::Rejected { .. }));
    // (The last call's refusal may have had a check of its own.)
    assert!(renewals().await? > 2);
    Ok(())
}

/// Signs in again with this client secret, where one is typed.
async fn again(
    home: &Home,
    id: IntegrationId,
    secret: Option<&str>,
) -> Result<AttemptId, wire::Error> {
    let request = json!({
        "id": id, "fresh_key": null, "client_secret": secret, "confirmed": { "private_address": true },
    });
    Ok(home.ask::<wire::Reconnect>(request).await?.id)
}

/// The keyring loses its key, or the data was only for one run: the secret of the admin's own client is
/// lost with the tokens.
#[tokio::test]
async fn a_client_secret_that_is_lost_is_typed_again_at_reconnect() -> Result<()> {
    let (issuer, api) = pair(&[]).await?;
    let home = Home::new().await?;
    let _browser = browser::signs_in(&home.desk);
    let secret = "only/for+tests:basic&%";
    let client = ("company-basic", Some(secret), "basic");
    let auth = targets::sign_in(targets::issuer(&issuer.url), "openid", client);
    let id = home
        .connect(targets::api(&api.url("/v1"), "/me", auth))
        .await?;
    home.keyring.clear();
    let home = home.restart().await?;
    let _browser = browser::signs_in(&home.desk);
    assert_eq!(home.test(id).await?.health.reason, Reason::KeyringLost);

    let asked = log(&issuer, "/auth").await?.len();
    let attempt = again(&home, id, None).await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::ClientSecretMissing, "{error}");
    assert_eq!(
        log(&issuer, "/auth").await?.len(),
        asked,
        "nobody signs in for nothing"
    );

    let attempt = again(&home, id, Some("an-old-one")).await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::OwnClientRefused, "{error}");

    let attempt = again(&home, id, Some(secret)).await?;
    assert_eq!(home.done(attempt).await?, id);
    assert_eq!(home.test(id).await?.health.status, Status::Healthy);
    // And from now on it is held again.
    let attempt = again(&home, id, None).await?;
    assert_eq!(home.done(attempt).await?, id);
    Ok(())
}

#[tokio::test]
async fn a_secret_is_taken_at_reconnect_only_where_a_client_shows_one() -> Result<()> {
    for client in ["chief-preregistered", ""] {
        let (issuer, api) = pair(&[]).await?;
        let home = Home::new().await?;
        let _browser = browser::signs_in(&home.desk);
        let client = (client, None, "none");
        let auth = targets::sign_in(targets::issuer(&issuer.url), "openid", client);
        let target = targets::api(&api.url("/v1"), "/me", auth);
        let id = home.connect(target).await?;
        let refused = again(&home, id, Some("a-secret")).await;
        assert_eq!(code(refused)?, ErrorCode::FieldInvalid);
    }
    Ok(())
}

#[tokio::test]
async fn a_custom_api_registers_itself_where_no_client_is_typed() -> Result<()> {
    let (issuer, api) = pair(&[]).await?;
    let home = Home::new().await?;
    let _browser = browser::signs_in(&home.desk);
    let auth = targets::sign_in(targets::issuer(&issuer.url), "openid", ("", None, "none"));
    home.connect(targets::api(&api.url("/v1"), "/me", auth))
        .await?;
    assert_eq!(log(&issuer, "/reg").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_wrong_client_secret_is_refused_in_the_servers_words_and_leaves_nothing() -> Result<()> {
    let (issuer, api) = pair(&[]).await?;
    let home = Home::new().await?;
    let _browser = browser::signs_in(&home.desk);
    let auth = targets::sign_in(
        targets::issuer(&issuer.url),
        "openid",
        ("company-basic", Some("not-the-secret"), "basic"),
    );
    let attempt = home
        .begin(targets::api(&api.url("/v1"), "/me", auth))
        .await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::OauthClientRefused);
    let why = error.args.get("why").context("it says why")?;
    assert!(why.contains("invalid_client"), "it said {why}");
    assert!(!why.contains("not-the-secret"));
    home.holds_nothing()
}

#[tokio::test]
async fn a_field_that_is_wrong_is_named() -> Result<()> {
    let home = Home::new().await?;
    let typed = |authorization: &str, token: &str| {
        json!({
            "by": "endpoints", "authorization_url": authorization, "token_url": token,
            "revocation_url": "",
        })
    };
    let authorization = "https://a.example/auth";
    for (server, field, expected) in [
        (typed(authorization, ""), "Token URL", ErrorCode::FieldEmpty),
        (
            typed("auth", "https://a.example/token"),
            "Authorization URL",
            ErrorCode::FieldInvalid,
        ),
        (
            targets::issuer("https://a.example/?tenant=1"),
            "Issuer",
            ErrorCode::FieldInvalid,
        ),
    ] {
        let auth = targets::sign_in(server, "", ("client", None, "none"));
        let refused = home
            .begin(targets::api("https://api.example.com", "/me", auth))
            .await
            .err()
            .context("it is refused")?;
        assert_eq!(
            (refused.code, refused.args["field"].as_str()),
            (expected, field)
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_client_without_its_secret_or_id_is_refused_at_the_field() -> Result<()> {
    let home = Home::new().await?;
    for (client, field) in [
        (("client", None, "basic"), "Client secret"),
        (("", None, "none"), "Client ID"),
    ] {
        let auth = targets::sign_in(targets::endpoints("https://a.example"), "", client);
        let refused = home
            .begin(targets::api("https://api.example.com", "/me", auth))
            .await;
        let error = refused.err().context("it is refused")?;
        assert_eq!(error.args["field"], field);
    }
    assert_eq!(
        code(
            home.begin(targets::api(
                "https://api.example.com",
                "/me",
                targets::sign_in(
                    targets::endpoints("https://a.example"),
                    "a\\b",
                    ("c", None, "none")
                )
            ))
            .await
        )?,
        ErrorCode::FieldInvalid
    );
    Ok(())
}
