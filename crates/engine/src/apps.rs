//! App credentials: the client that the company registered at a provider or an authorization server,
//! or that came with the build.
//!
//! Owns: whose client is used. Must not know: how a client is shown to a server (`oauth`), or how its
//! secret is sealed (`vault`).

use crate::{
    Engine,
    connect::way::{Grant, Way, WayBack},
    integrations, links,
    providers::Provider,
    secret::Secret,
    store::{self, apps::AppRow},
    vault::OAuthCredential,
};
use std::collections::BTreeSet;
use url::Url;
use wire::{
    AppCredentialsPage, AppCredentialsView, AppGuideView, AppOwner, ClientAuth, Error, ErrorCode,
    IntegrationId, SecretInput,
};

/// Longest client id, in bytes.
const LONGEST_ID: usize = 1_000;

macro_rules! built_in {
    ($($provider:literal: $id:literal, $secret:literal;)*) => {
        /// What the build brought: provider, client id, client secret. A desktop app keeps no secret
        /// from its user (RFC 8252 section 8.5); some providers ask for one all the same.
        const BUILT_IN: &[(&str, Option<&str>, Option<&str>)] =
            &[$(($provider, option_env!($id), option_env!($secret))),*];
    };
}
built_in! {
    "github": "CHIEF_CLIENT_ID_GITHUB", "CHIEF_CLIENT_SECRET_GITHUB";
    "gitlab": "CHIEF_CLIENT_ID_GITLAB", "CHIEF_CLIENT_SECRET_GITLAB";
    "google": "CHIEF_CLIENT_ID_GOOGLE", "CHIEF_CLIENT_SECRET_GOOGLE";
    "hubspot": "CHIEF_CLIENT_ID_HUBSPOT", "CHIEF_CLIENT_SECRET_HUBSPOT";
    "microsoft-365": "CHIEF_CLIENT_ID_MICROSOFT_365", "CHIEF_CLIENT_SECRET_MICROSOFT_365";
    "slack": "CHIEF_CLIENT_ID_SLACK", "CHIEF_CLIENT_SECRET_SLACK";
}

/// Where the company hosts `relay/index.html`, as the build names it (`CHIEF_HOSTED_AT`).
#[must_use]
pub fn relay() -> Option<Url> {
    option_env!("CHIEF_HOSTED_AT").and_then(hosted_at)
}

/// Where it hosts `relay/client.json`: the app's client-id metadata document, beside the relay.
#[must_use]
pub fn client_document() -> Option<Url> {
    relay()?.join("client.json").ok()
}

/// A folder on https, written as it will be compared: letter for letter.
fn hosted_at(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let folder = url.query().is_none() && url.fragment().is_none() && url.path().ends_with('/');
    (url.scheme() == "https" && plain && folder && url.as_str() == text).then_some(url)
}

/// A client to sign in with.
pub(crate) struct App {
    pub client_id: String,
    pub secret: Option<Secret>,
    pub auth: ClientAuth,
}

/// The client of the first of these owners that has one: what the admin saved goes before what the
/// build brought.
pub(crate) async fn client(engine: &Engine, owners: Vec<AppOwner>) -> Result<Option<App>, Error> {
    for owner in owners {
        let asked = owner.clone();
        let read = engine
            .store()
            .read(move |conn| store::apps::find(conn, &asked));
        if let Some(row) = read.await? {
            return Ok(Some(App {
                secret: secret_of(engine, &row).await?,
                client_id: row.client_id,
                auth: row.client_auth,
            }));
        }
        if let Some((id, secret)) = built_in(&owner) {
            return Ok(Some(App {
                client_id: id.to_owned(),
                auth: if secret.is_some() {
                    ClientAuth::Post
                } else {
                    ClientAuth::None
                },
                secret: secret.map(Secret::new),
            }));
        }
    }
    Ok(None)
}

async fn secret_of(engine: &Engine, row: &AppRow) -> Result<Option<Secret>, Error> {
    let opened = engine.vault().open_app(row).await;
    opened.map_err(|error| match error.code {
        // To reconnect, as those two ask for, takes the secret itself.
        ErrorCode::KeyringLost | ErrorCode::CredentialUnreadable => {
            let error = Error::new(ErrorCode::AppSecretUnreadable);
            let error = error.with("app", name(engine, &row.owner));
            match &row.owner {
                AppOwner::Provider { id } => error.with("provider", id.clone()),
                AppOwner::Issuer { .. } => error,
            }
        }
        _ => error,
    })
}

/// The secret that was saved since for the client of a sign-in; `None` where there is no other one.
pub(crate) async fn newer_secret(
    engine: &Engine,
    provider: Option<&str>,
    held: &OAuthCredential,
) -> Option<Secret> {
    let before = held.client_secret.as_ref()?;
    let rows = engine.store().read(store::apps::all).await.ok()?;
    let row = rows.into_iter().find(|row| {
        let its = match &row.owner {
            AppOwner::Provider { id } => provider == Some(id.as_str()),
            AppOwner::Issuer { issuer } => *issuer == held.issuer,
        };
        its && row.client_id == held.client_id
    })?;
    let saved = engine.vault().open_app(&row).await.ok()??;
    (saved.reveal() != before.reveal()).then_some(saved)
}

fn built_in(owner: &AppOwner) -> Option<(&'static str, Option<&'static str>)> {
    let AppOwner::Provider { id } = owner else {
        return None;
    };
    let (_, client, secret) = BUILT_IN.iter().find(|(provider, ..)| provider == id)?;
    let filled = |text: &Option<&'static str>| text.filter(|text| !text.is_empty());
    Some((filled(client)?, filled(secret)))
}

/// Providers whose app credentials are there.
pub(crate) async fn ready(engine: &Engine) -> Result<BTreeSet<String>, Error> {
    let rows = engine.store().read(store::apps::all).await?;
    let saved = rows.into_iter().filter_map(|row| match row.owner {
        AppOwner::Provider { id } => Some(id),
        AppOwner::Issuer { .. } => None,
    });
    let brought = BUILT_IN
        .iter()
        .filter(|(_, id, _)| id.is_some_and(|id| !id.is_empty()))
        .map(|(provider, ..)| (*provider).to_owned());
    Ok(saved.chain(brought).collect())
}

/// The page of Settings: a guide for each provider that needs app credentials, and the other servers'.
pub(crate) async fn page(engine: &Engine) -> Result<AppCredentialsPage, Error> {
    let rows = engine.store().read(store::apps::all).await?;
    let mut providers: Vec<AppGuideView> = vec![];
    for provider in engine.catalogue().providers() {
        let shown = crate::providers::shown(provider);
        let owner = AppOwner::Provider {
            id: shown.id.clone(),
        };
        let mut guide = AppGuideView {
            saved: rows.iter().find(|row| row.owner == owner).map(view),
            built_in: built_in(&owner).map(|(id, _)| id.to_owned()),
            owner,
            name: shown.name.clone(),
            icon: shown.icon.clone(),
            page: None,
            steps: vec![],
            redirects: vec![],
            scopes: all_scopes(provider),
        };
        let mut needed = false;
        for way in &shown.ways {
            let needs = matches!(way.effort, wire::Effort::NeedsApp | wire::Effort::Ready);
            if !needs {
                continue;
            }
            needed = true;
            guide.page = guide.page.or_else(|| way.page.clone());
            for step in &way.steps {
                if !guide.steps.contains(step) {
                    guide.steps.push(step.clone());
                }
            }
            let redirect = match provider.execute(&way.id, &[]) {
                Ok(way) => redirect(&way),
                Err(error) if error.code == ErrorCode::RelayMissing => None,
                Err(error) => return Err(error),
            };
            guide
                .redirects
                .extend(redirect.filter(|uri| !guide.redirects.contains(uri)));
        }
        if needed {
            providers.push(guide);
        }
    }
    let others = rows
        .iter()
        .filter(|row| matches!(row.owner, AppOwner::Issuer { .. }));
    Ok(AppCredentialsPage {
        others: others.map(view).collect(),
        providers,
    })
}

fn all_scopes(provider: &Provider) -> Vec<String> {
    let bundles: Vec<String> = provider
        .manifest
        .bundles
        .iter()
        .map(|bundle| bundle.id.get_ref().clone())
        .collect();
    provider.scopes(&bundles)
}

/// The redirect URI to register; `None` where none is needed.
fn redirect(way: &Way) -> Option<String> {
    let back = match way {
        Way::Mcp(way) => &way.back,
        Way::OAuth(way) => match &way.grant {
            Grant::Code { back, .. } => back,
            Grant::Device => return None,
        },
        Way::Key(_) => return None,
    };
    Some(match back {
        WayBack::Loopback => "http://127.0.0.1/callback".to_owned(),
        WayBack::LoopbackFixed { port, name } => {
            format!("http://{}:{port}/callback", name.as_str())
        }
        WayBack::DeepLink => links::CALLBACK.to_owned(),
        WayBack::Relay { url } => url.to_string(),
    })
}

fn view(row: &AppRow) -> AppCredentialsView {
    AppCredentialsView {
        owner: row.owner.clone(),
        client_id: crate::http::inert(&row.client_id),
        client_auth: row.client_auth,
        has_secret: row.sealed.is_some(),
        saved_by: row.saved_by.clone(),
        saved_at: row.saved_at,
    }
}

/// Saves a client for an owner, in the place of the one before.
pub(crate) async fn save(engine: &Engine, ask: wire::SaveAppCredentials) -> Result<(), Error> {
    let owner = checked(engine, ask.owner)?;
    let client_id = ask.client_id.trim().to_owned();
    if client_id.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Client ID"));
    }
    if client_id.len() > LONGEST_ID || client_id.chars().any(char::is_control) {
        return Err(invalid("Client ID", "it cannot be one"));
    }
    let secret = ask.client_secret.filter(|typed| !typed.is_empty());
    if secret
        .as_ref()
        .is_some_and(|typed| typed.reveal().chars().any(char::is_control))
    {
        return Err(invalid("Client secret", "it holds a control character"));
    }
    let client_auth = match (&secret, ask.client_auth) {
        (None, _) => ClientAuth::None,
        (Some(_), ClientAuth::None) => {
            return Err(invalid("Client secret", "choose how it is sent"));
        }
        (Some(_), auth) => auth,
    };
    let (now, person) = (engine.now(), engine.person().await);
    let what = format!("app credentials for {} were saved", name(engine, &owner));
    let because = engine.admin().await;
    let row = AppRow {
        id: IntegrationId(uuid::Uuid::now_v7()),
        owner,
        client_id,
        client_auth,
        saved_by: person,
        saved_at: now,
        sealed: None,
    };
    let secret = secret
        .as_ref()
        .map(|typed: &SecretInput| Secret::from(typed));
    engine
        .vault()
        .save_app(row, secret, move |tx| {
            integrations::note(tx, now, None, &what, &because)
        })
        .await
}

/// Removes an owner's client for good. What was connected with it goes on as it is.
pub(crate) async fn remove(engine: &Engine, owner: AppOwner) -> Result<(), Error> {
    let now = engine.now();
    let what = format!("app credentials for {} were removed", name(engine, &owner));
    let because = engine.admin().await;
    engine
        .vault()
        .destroy_app(owner, move |tx| {
            integrations::note(tx, now, None, &what, &because)
        })
        .await
}

fn checked(engine: &Engine, owner: AppOwner) -> Result<AppOwner, Error> {
    match owner {
        AppOwner::Provider { id } if engine.catalogue().get(&id).is_some() => {
            Ok(AppOwner::Provider { id })
        }
        AppOwner::Provider { .. } => Err(invalid("Provider", "it is no longer in the catalogue")),
        AppOwner::Issuer { issuer } => {
            let issuer = issuer.trim().to_owned();
            let parsed = url::Url::parse(&issuer).ok();
            let fits = parsed.is_some_and(|url| {
                matches!(url.scheme(), "https" | "http")
                    && url.has_host()
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty()
                    && url.password().is_none()
            });
            if fits {
                Ok(AppOwner::Issuer { issuer })
            } else {
                Err(invalid(
                    "Issuer",
                    "it is not an address that begins with https://",
                ))
            }
        }
    }
}

fn name(engine: &Engine, owner: &AppOwner) -> String {
    match owner {
        AppOwner::Provider { id } => engine.catalogue().get(id).map_or_else(
            || crate::http::inert(id),
            |provider| crate::http::inert(provider.manifest.name.get_ref()),
        ),
        AppOwner::Issuer { issuer } => crate::http::inert(issuer),
    }
}

fn invalid(field: &str, why: &str) -> Error {
    Error::new(ErrorCode::FieldInvalid)
        .with("field", field)
        .with("why", why)
}
