//! Disconnect: what it will break, the revocation at the provider, and the end of the credential.

use super::leftovers::Leftovers;
use crate::{
    Engine,
    calls::Journal,
    integrations::{self, Integration},
    oauth, store,
    vault::{Credential, OAuthCredential},
};
use std::{sync::atomic::Ordering, time::Duration};
use wire::{
    Because, DisconnectPreview, Disconnected, Error, ErrorCode, Fix, IntegrationId, Revocation,
    RowKind, Topic,
};

const MONTH_MS: i64 = 30 * 24 * 3_600_000;
/// Waits between tries to revoke, in milliseconds, then given up for this run of the app: the
/// credential itself is destroyed already and cannot be kept for later.
const RETRIES_MS: [i64; 6] = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];

/// What Disconnect will break, before it is done.
pub(crate) async fn preview(
    engine: &Engine,
    id: IntegrationId,
) -> Result<DisconnectPreview, Error> {
    let since = engine.now().plus(-MONTH_MS);
    let in_flight = engine.live(id).await?.in_flight.load(Ordering::Relaxed);
    // Where it is only locked, nothing is disconnected.
    let opened = engine.vault().open(id).await;
    let cannot_open = opened.is_err_and(|error| error.fix != Some(Fix::Unlock));
    engine
        .store()
        .read(move |conn| {
            let found = Integration::get(conn, id)?;
            let (agents, emptied) = chosen_for(conn, id)?;
            Ok(DisconnectPreview {
                agents,
                emptied,
                id,
                in_flight,
                calls_30d: store::calls::count_since(conn, id, since)?,
                tools: crate::health::count(&store::tools::list(conn, id)?),
                bodies: store::bodies::count(conn, id)?,
                cannot_revoke: cannot_open && found.about.revokes_at.is_some(),
                revokes_at: found.about.revokes_at,
                crons: store::crons::briefs_of(conn, id)?
                    .into_iter()
                    .map(|each| each.name)
                    .collect(),
                name: found.row.name,
            })
        })
        .await
}

/// The agents that it was chosen for, by name, and those of them that have nothing else.
fn chosen_for(
    conn: &rusqlite::Connection,
    id: IntegrationId,
) -> Result<(Vec<String>, Vec<String>), Error> {
    let (mut agents, mut emptied) = (vec![], vec![]);
    for agent in store::agents::list(conn)? {
        let chosen = agent.integrations.unwrap_or_default();
        if chosen == [id] {
            emptied.push(agent.name.clone());
        }
        if chosen.contains(&id) {
            agents.push(agent.name);
        }
    }
    Ok((agents, emptied))
}

/// The longest that the provider's answer to the revocation is waited for, in seconds.
const REVOKE_SECONDS: u64 = 10;
/// The longest that a refresh under way is waited for before it, in seconds.
const REFRESH_SECONDS: u64 = 10;
/// As its row says.
const REVOKE: &str = "token.revoke";

/// Ends its calls, revokes at the provider, destroys the credential for good whatever the provider
/// said, and keeps the history under the integration's name.
pub(crate) async fn disconnect(engine: &Engine, id: IntegrationId) -> Result<Disconnected, Error> {
    let live = engine.live(id).await?;
    let found = engine
        .store()
        .read(move |conn| Integration::get(conn, id))
        .await?;
    let name = found.row.name.clone();
    let ended_calls = live.in_flight.load(Ordering::Relaxed);
    let because = engine.admin().await;
    engine.attempts().cancel_all_of(id);
    live.ended.cancel();
    live.connector.drop_session().await;
    // What a refresh under way brings is what is to be revoked, and none begins until it is.
    let limit = Duration::from_secs(REFRESH_SECONDS);
    let refreshing = tokio::time::timeout(limit, live.refreshing.lock()).await;

    // Kept in memory for the revocation alone. A credential that cannot be opened is destroyed all
    // the same.
    let opened = engine.vault().open(id).await;
    if let (true, Ok((Credential::Bearer { token }, _))) = (live.is_sample, &opened) {
        // The one provider that is this app itself.
        if let Ok(sample) = engine.sample().await {
            sample.forbid_token(token);
        }
    }
    let reach = found.config.reach();
    let (oauth, revocation) = match (opened, found.about.revokes_at.clone()) {
        (Ok((Credential::OAuth(oauth), _)), Some(host)) => {
            let revoked = revoke(engine, id, &name, &reach, &oauth, &because).await;
            let told = match revoked {
                Ok(status) => Revocation::Done { host, status },
                Err(error) => Revocation::Pending { host, error },
            };
            (Some(oauth), told)
        }
        (Ok((Credential::OAuth(oauth), _)), None) => (Some(oauth), Revocation::NotOffered),
        (Ok(_), _) | (Err(_), None) => (None, Revocation::NotOffered),
        (Err(error), Some(host)) => {
            tracing::warn!(integration = %id, error = %error, "the credential cannot be opened to revoke it");
            let about = Some((id, name.clone()));
            if let Ok(row) = Journal::begin(engine, RowKind::Token, about, REVOKE, &because).await {
                let _ = row.refuse(engine, &error).await;
            }
            (None, Revocation::NotPossible { host, error })
        }
    };
    let (now, row_because) = (engine.now(), because.clone());
    let destroyed = engine
        .vault()
        .destroy(id, move |tx| {
            let found = Integration::get(tx, id)?;
            // And with it the setting that keeps what its calls said.
            store::integrations::remove(tx, id, now)?;
            store::notices::resolve_all(tx, id, now)?;
            integrations::note(
                tx,
                now,
                Some((id, &found.row.name)),
                "disconnected",
                &row_because,
            )?;
            integrations::touch(tx, id);
            tx.touch(Topic::App);
            Ok(())
        })
        .await;
    // Also where it failed: what is left gets a new connector, and can be disconnected again.
    engine.end_live(id).await;
    drop(refreshing);
    destroyed?;
    engine.manner().forgets().notify_one();
    match (&revocation, oauth) {
        (Revocation::Pending { .. }, Some(oauth)) => {
            retry_later(engine, id, name, reach, oauth, because);
        }
        (
            Revocation::Done { .. } | Revocation::NotOffered | Revocation::NotPossible { .. },
            Some(oauth),
        ) => {
            let left = Leftovers::of_registration(&oauth, &reach);
            let http = engine.http().clone();
            tokio::spawn(async move { left.clear(&http).await });
        }
        (_, None) => {}
    }
    Ok(Disconnected {
        revocation,
        ended_calls,
    })
}

/// Revokes the sign-in that a reconnect took the place of, each try a row of the record, and has its
/// client forgotten. Does not wait for the provider.
pub(super) async fn end_replaced(
    engine: &Engine,
    id: IntegrationId,
    reach: crate::http::Reach,
    old: Box<OAuthCredential>,
) {
    let found = engine
        .store()
        .read(move |conn| Integration::get(conn, id))
        .await;
    // Disconnected meanwhile: its name is all that is missing.
    let name = found.map_or_else(|_| String::new(), |found| found.row.name);
    let (engine, because) = (engine.clone(), engine.admin().await);
    tokio::spawn(async move {
        if old.revokes_at().is_some()
            && revoke(&engine, id, &name, &reach, &old, &because)
                .await
                .is_err()
        {
            return retry_later(&engine, id, name, reach, old, because);
        }
        Leftovers::of_registration(&old, &reach)
            .clear(engine.http())
            .await;
    });
}

async fn revoke(
    engine: &Engine,
    id: IntegrationId,
    name: &str,
    reach: &crate::http::Reach,
    oauth: &OAuthCredential,
    because: &Because,
) -> Result<u16, Error> {
    let about = Some((id, name.to_owned()));
    let journal = Journal::begin(engine, RowKind::Token, about, REVOKE, because).await?;
    let limit = Duration::from_secs(REVOKE_SECONDS);
    let result = match tokio::time::timeout(limit, oauth::revoke(engine.http(), reach, oauth)).await
    {
        Ok(result) => result,
        Err(_) => Err(Error::new(ErrorCode::Unreachable)
            .with("host", oauth.revokes_at().unwrap_or_default())
            .with("why", format!("no answer in {REVOKE_SECONDS} seconds"))),
    };
    let detail = result
        .as_ref()
        .map_or_else(|_| String::new(), |status| format!("HTTP {status}"));
    journal
        .finish(engine, result.as_ref().map(|_| ()), &detail, None)
        .await?;
    result
}

/// Tries again in the background, each try a row of the record, until it works or the app ends.
fn retry_later(
    engine: &Engine,
    id: IntegrationId,
    name: String,
    reach: crate::http::Reach,
    oauth: Box<OAuthCredential>,
    because: Because,
) {
    let engine = engine.clone();
    tokio::spawn(async move {
        for wait in RETRIES_MS {
            let clock = engine.clock();
            let stopping = engine.stopping();
            tokio::select! {
                () = stopping.cancelled() => return,
                () = clock.sleep_until(engine.now().plus(wait)) => {}
            }
            // (Nothing was sent, too, where it could not be recorded: another try.)
            let revoked = revoke(&engine, id, &name, &reach, &oauth, &because).await;
            if revoked.is_ok() {
                let left = Leftovers::of_registration(&oauth, &reach);
                return left.clear(engine.http()).await;
            }
        }
    });
}
