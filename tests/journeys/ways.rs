//! The ways that a manifest can name, gone by a provider with every oddity: app credentials, the deep
//! link that carries the code. (They test the engine, not the manifests' truth.)

use crate::kit::{
    Home, code,
    odd::{CLIENT, Odd, lock},
    search, tick,
};
use anyhow::{Context, Result, bail};
use engine::{Arrived, fakes::FakeClock};
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
use wire::{
    AttemptId, AuthView, ErrorCode, Fix, IntegrationId, Outcome, Phase, Reason, Revocation, Status,
};

pub fn odd_way(way: &str) -> Value {
    json!({ "kind": "provider", "provider": "odd", "way": way, "bundles": ["read"], "key": "", "name": "" })
}

fn owner() -> Value {
    json!({ "owner": "provider", "id": "odd" })
}

pub async fn save(home: &Home, secret: Option<&str>) -> Result<(), wire::Error> {
    let auth = if secret.is_some() { "post" } else { "none" };
    home.ask::<wire::SaveAppCredentials>(json!({
        "owner": owner(), "client_id": CLIENT, "client_secret": secret, "client_auth": auth,
    }))
    .await
}

/// A home that knows the provider, with app credentials saved.
pub async fn ready() -> Result<(Odd, Home, Arc<FakeClock>, String)> {
    let odd = Odd::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    odd.describe(home.folder())?;
    home.ask::<wire::ListProviders>(json!({})).await?;
    let secret = search::canary("client secret");
    secret.clone_into(&mut lock(&odd.state.secret));
    save(&home, Some(&secret)).await?;
    Ok((odd, home, clock, secret))
}

/// Where the browser would be sent: the deep link.
pub async fn link_of(home: &Home, attempt: AttemptId) -> Result<String> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?;
    let mut at = home.waits_for_browser(attempt).await?;
    for _ in 0..3 {
        let answer = client.get(&at).send().await?;
        let target = answer.headers().get("location");
        at = match target {
            Some(target) => target.to_str()?.to_owned(),
            None => bail!("{at} answered {}", answer.text().await?),
        };
        if at.starts_with("app.chief.integrations:") {
            return Ok(at);
        }
    }
    bail!("the way does not end: {at}")
}

/// What is asked once the link has been taken in.
async fn asks_after(home: &Home, attempt: AttemptId) -> Result<wire::Question> {
    let began = Instant::now();
    loop {
        match home.rests(attempt).await? {
            Phase::WaitingForBrowser { .. } => tick(began, "the question").await?,
            Phase::Asking { question } => return Ok(question),
            other => bail!("the attempt stands at {other:?}"),
        }
    }
}

async fn refusals(home: &Home) -> Result<usize> {
    let rows = home.record().await?;
    Ok(rows
        .iter()
        .filter(|row| row.outcome == Outcome::Refused)
        .count())
}

#[tokio::test]
async fn a_provider_connects_by_deep_link_with_the_companys_app_and_lives_its_whole_life()
-> Result<()> {
    let (odd, home, clock, secret) = ready().await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    let id = home.done(attempt).await?;
    let card = home.card(id).await?;
    assert_eq!(card.account.as_deref(), Some("Team of U1"));
    assert!(matches!(card.auth, AuthView::OAuth { renews: true, .. }));
    let granted: Vec<&str> = card
        .scopes
        .iter()
        .map(|scope| scope.name.as_str())
        .collect();
    assert_eq!(granted, ["channels:read", "users:read"]);
    assert_eq!(home.test(id).await?.error, None);

    // The second time the same account is known by its card.
    let again = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, again).await?;
    home.engine.deep_link(&link).await?;
    assert!(matches!(
        asks_after(&home, again).await?,
        wire::Question::Duplicate {
            same_account: true,
            ..
        }
    ));
    home.ask::<wire::CancelAttempt>(json!({ "id": again }))
        .await?;

    // Renewed; then ended there, which this server says with status 200.
    clock.advance(13 * 3_600_000);
    assert_eq!(home.test(id).await?.error, None);
    odd.end_all();
    let report = home.test(id).await?;
    assert!(matches!(report.health.reason, Reason::Rejected { .. }));
    assert_eq!(report.health.fix, Some(Fix::Reconnect));

    // Reconnect goes the same way; another person is noticed.
    "U2".clone_into(&mut lock(&odd.state.person));
    let attempt = home.begin_again(id, None).await?;
    let link = link_of(&home, attempt).await?;
    home.engine.deep_link(&link).await?;
    assert!(matches!(
        asks_after(&home, attempt).await?,
        wire::Question::OtherAccount { .. }
    ));
    home.ask::<wire::AnswerAttempt>(
        json!({ "id": attempt, "confirmed": { "other_account": true } }),
    )
    .await?;
    assert_eq!(home.done(attempt).await?, id);
    assert_eq!(home.card(id).await?.health.status, Status::Healthy);

    let ended = home.disconnect(id).await?;
    assert!(
        matches!(ended.revocation, Revocation::Done { status: 204, .. }),
        "{:?}",
        ended.revocation
    );

    // The key was changed by Disconnect: the app's secret opens under the new one all the same.
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    home.engine.deep_link(&link).await?;
    home.done(attempt).await?;
    // And nothing of it is anywhere in the clear.
    let needles = search::Needles::new([("client secret", secret.as_str())])?;
    let found = search::search_folder(home.folder(), &needles)?;
    anyhow::ensure!(found.is_empty(), "the secret lies in {found:?}");
    Ok(())
}

#[tokio::test]
async fn links_that_are_forged_late_or_repeated_change_nothing_and_are_a_row_each() -> Result<()> {
    let (odd, home, _clock, _) = ready().await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;

    let forged = "app.chief.integrations:/oauth/callback?code=x&state=guessed";
    assert_eq!(home.engine.deep_link(forged).await?, Arrived::Late);
    let (head, state) = link.split_once("&state=").context("a state")?;
    let doubled = format!("{head}&state={state}&state={state}");
    assert_eq!(home.engine.deep_link(&doubled).await?, Arrived::Late);
    assert_eq!(refusals(&home).await?, 2);
    assert!(matches!(
        home.rests(attempt).await?,
        Phase::WaitingForBrowser { .. }
    ));
    assert_eq!(odd.server.seen_at("/token").len(), 0, "no code has left");

    // The right answer by the wrong door: a sign-in that waits for a link takes nothing from a port.
    let start = home.waits_for_browser(attempt).await?;
    let mut port = url::Url::parse(&start)?;
    let query = link.split_once('?').context("a query")?.1;
    port.set_path("/callback");
    port.set_query(Some(query));
    let (status, _) = crate::kit::browser::look(&port).await?;
    assert_eq!(status, 400);
    assert!(matches!(
        home.rests(attempt).await?,
        Phase::WaitingForBrowser { .. }
    ));

    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    home.done(attempt).await?;
    let before = refusals(&home).await?;
    assert_eq!(
        home.engine.deep_link(&link).await?,
        Arrived::Late,
        "a second time it is nobody's"
    );
    assert_eq!(refusals(&home).await?, before + 1);
    Ok(())
}

#[tokio::test]
async fn without_app_credentials_the_admin_is_told_where_they_go_and_nothing_is_opened()
-> Result<()> {
    let odd = Odd::start().await?;
    let home = Home::new().await?;
    odd.describe(home.folder())?;
    let efforts = |list: &wire::CatalogueView| -> Vec<wire::Effort> {
        let odd = list.providers.iter().find(|each| each.id == "odd");
        odd.map(|odd| odd.ways.iter().map(|way| way.effort).collect())
            .unwrap_or_default()
    };
    let list = home.ask::<wire::ListProviders>(json!({})).await?;
    assert!(
        efforts(&list)
            .iter()
            .all(|each| *each == wire::Effort::NeedsApp)
    );
    let attempt = home.begin(odd_way("oauth")).await?;
    assert_eq!(
        home.fails(attempt).await?.code,
        ErrorCode::OauthNoRegistration
    );
    assert_eq!(home.desk.opened(), Vec::<String>::new());

    save(&home, None).await?;
    let list = home.ask::<wire::ListProviders>(json!({})).await?;
    assert!(
        efforts(&list)
            .iter()
            .all(|each| *each == wire::Effort::Ready)
    );
    let page = home.ask::<wire::ListAppCredentials>(json!({})).await?;
    let guide = page
        .providers
        .iter()
        .find(|guide| guide.name == "Odd")
        .context("a guide")?;
    assert_eq!(
        guide.redirects,
        ["app.chief.integrations:/oauth/callback"],
        "the device flow needs none"
    );
    assert_eq!(guide.scopes, ["channels:read", "users:read"]);
    assert_eq!(
        guide.saved.as_ref().map(|saved| saved.client_id.as_str()),
        Some(CLIENT)
    );

    home.ask::<wire::RemoveAppCredentials>(json!({ "owner": owner() }))
        .await?;
    let list = home.ask::<wire::ListProviders>(json!({})).await?;
    assert!(
        efforts(&list)
            .iter()
            .all(|each| *each == wire::Effort::NeedsApp)
    );
    let refused = home
        .ask::<wire::SaveAppCredentials>(json!({
            "owner": { "owner": "issuer", "issuer": "nowhere" }, "client_id": "c",
            "client_secret": null, "client_auth": "none",
        }))
        .await;
    assert_eq!(code(refused)?, ErrorCode::FieldInvalid);
    Ok(())
}

#[tokio::test]
async fn a_wrong_secret_of_the_app_is_said_in_the_providers_words() -> Result<()> {
    let (odd, home, _clock, secret) = ready().await?;
    "another".clone_into(&mut lock(&odd.state.secret));
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    home.engine.deep_link(&link).await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::OauthClientRefused);
    let why = error.args.get("why").context("why")?;
    assert!(
        why.contains("bad_client_secret") && !why.contains(&secret),
        "{why}"
    );
    home.holds_nothing()
}

#[tokio::test]
async fn a_removed_app_secret_is_gone_from_every_copy() -> Result<()> {
    let (_odd, home, _clock, _) = ready().await?;
    let before: Vec<String> = home.keyring.items();
    home.ask::<wire::RemoveAppCredentials>(json!({ "owner": owner() }))
        .await?;
    let after = home.keyring.items();
    assert!(
        before.iter().all(|item| !after.contains(item)),
        "the key that sealed it is gone: {before:?} {after:?}"
    );
    assert_eq!(home.count("app_credentials")?, 0);
    Ok(())
}

/// Signs in again by the link that comes back.
async fn again(home: &Home, id: IntegrationId) -> Result<()> {
    let attempt = home.begin_again(id, None).await?;
    let link = link_of(home, attempt).await?;
    home.engine.deep_link(&link).await?;
    assert_eq!(home.done(attempt).await?, id);
    Ok(())
}

#[tokio::test]
async fn an_app_secret_that_is_lost_is_told_with_the_place_where_it_is_entered() -> Result<()> {
    let (_odd, home, _clock, secret) = ready().await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    home.engine.deep_link(&link).await?;
    let id = home.done(attempt).await?;
    home.keyring.clear();
    let home = home.restart().await?;
    assert_eq!(home.test(id).await?.health.reason, Reason::KeyringLost);

    let attempt = home.begin_again(id, None).await?;
    let error = home.fails(attempt).await?;
    assert_eq!(error.code, ErrorCode::AppSecretUnreadable, "{error}");
    assert_eq!(
        (error.args["app"].as_str(), error.args["provider"].as_str()),
        ("Odd", "odd")
    );

    save(&home, Some(&secret)).await?;
    again(&home, id).await?;
    assert_eq!(home.test(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn a_new_secret_of_the_app_reaches_the_sign_ins_that_have_the_old_one() -> Result<()> {
    let (odd, home, clock, _) = ready().await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let link = link_of(&home, attempt).await?;
    home.engine.deep_link(&link).await?;
    let id = home.done(attempt).await?;

    odd.expects("another");
    save(&home, Some("another")).await?;
    let opened = home.desk.opened().len();
    for _ in 0..2 {
        clock.advance(13 * 3_600_000);
        let report = home.test(id).await?;
        assert_eq!(report.error, None);
        assert_eq!(report.health.status, Status::Healthy);
    }
    assert_eq!(home.desk.opened().len(), opened, "nobody signs in again");
    let refused = odd.server.seen_at("/token").into_iter();
    let old = refused.filter(|seen| {
        seen.form("grant_type").as_deref() == Some("refresh_token")
            && seen.form("client_secret").as_deref() != Some("another")
    });
    assert_eq!(old.count(), 1, "and the new one is kept");
    Ok(())
}

#[tokio::test]
async fn two_accounts_of_one_provider_have_two_names() -> Result<()> {
    let (odd, home, _clock, _) = ready().await?;
    let mut names = vec![];
    for person in ["U1", "U2"] {
        person.clone_into(&mut lock(&odd.state.person));
        let attempt = home.begin(odd_way("oauth")).await?;
        let link = link_of(&home, attempt).await?;
        home.engine.deep_link(&link).await?;
        let id = home.done(attempt).await?;
        let view = home
            .ask::<wire::GetAttempt>(json!({ "id": attempt }))
            .await?;
        let name = home.card(id).await?.name;
        assert_eq!(view.name, name, "and the admin is told by which");
        names.push(name);
    }
    assert_eq!(names, ["Odd", "Odd (Team of U2)"]);
    Ok(())
}
