//! OpenAPI documents: inspected, kept in memory until they are used, and imported again.
//!
//! Owns: the documents of this run, and the one commit that puts new tools in the place of old ones.
//! Must not know: how a document is read (`connectors::openapi`).

use crate::{
    Engine,
    connectors::{Config, openapi},
    http::{self, Limits, Outgoing, Reach, Redirects, classify, inert},
    integrations::{self, Integration},
    store::{self, Durability},
};
use ::http::{HeaderValue, header};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use url::Url;
use wire::{
    Confirmed, DOCUMENT_MAX, DocumentId, DocumentSource, DocumentView, Error, ErrorCode,
    ImportedView, IntegrationId, ToolChanges,
};

/// Documents that are kept, the newest ones.
const KEPT: usize = 4;
/// Seconds to fetch one.
const FETCH_SECONDS: u64 = 60;

/// A document that was inspected.
#[derive(Clone)]
pub(crate) struct Inspected {
    pub id: DocumentId,
    /// The file's name, or the URL without its query.
    pub source: String,
    pub document: openapi::Document,
    /// The operations, shared with what is connected of them.
    pub operations: Arc<Vec<openapi::Operation>>,
}

impl Inspected {
    /// The same, with what of it can be called under that base URL.
    pub fn under(mut self: Arc<Self>, base: &str) -> Arc<Self> {
        if !self.operations.iter().all(|each| each.is_under(base)) {
            let mut operations = self.operations.to_vec();
            operations.retain(|each| each.is_under(base));
            Arc::make_mut(&mut self).operations = Arc::new(operations);
        }
        self
    }

    /// What is kept of it beside its operations.
    pub fn about(&self, now: wire::Time) -> ImportedView {
        ImportedView {
            title: self.document.title.clone(),
            version: self.document.version.clone(),
            source: self.source.clone(),
            imported_at: now,
        }
    }
}

/// The documents of this run.
#[derive(Default)]
pub(crate) struct Documents(Mutex<VecDeque<Arc<Inspected>>>);

impl Documents {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Inspected>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, inspected: Arc<Inspected>) {
        let mut all = self.lock();
        all.push_back(inspected);
        while all.len() > KEPT {
            all.pop_front();
        }
    }

    /// Errors: `DocumentGone`.
    pub fn get(&self, id: DocumentId) -> Result<Arc<Inspected>, Error> {
        let all = self.lock();
        all.iter()
            .find(|each| each.id == id)
            .cloned()
            .ok_or_else(|| Error::new(ErrorCode::DocumentGone))
    }
}

/// Reads a document. Nothing is saved, and nothing but the document itself is fetched.
pub(crate) async fn inspect(
    engine: &Engine,
    source: DocumentSource,
    integration: Option<IntegrationId>,
    confirmed: Confirmed,
) -> Result<DocumentView, Error> {
    let (source, text, from) = match source {
        DocumentSource::File { name, text } => (inert(&name), text, None),
        DocumentSource::Url { url } => {
            let url = crate::connect::address(&url, "URL")?;
            let text = fetch(engine, &url, confirmed).await?;
            let source = format!("{}{}", http::origin(&url), url.path());
            (inert(&source), text, Some(url))
        }
    };
    // A large document takes seconds, and the runtime's threads are for waiting.
    let mut document = tokio::task::spawn_blocking(move || openapi::read(&text, from.as_ref()))
        .await
        .map_err(|_| {
            Error::new(ErrorCode::DocumentUnreadable)
                .with("place", "the document")
                .with("why", "reading it failed")
        })??;
    let operations = Arc::new(std::mem::take(&mut document.operations));
    let inspected = Arc::new(Inspected {
        id: DocumentId(uuid::Uuid::now_v7()),
        source,
        operations,
        document,
    });
    let changes = match integration {
        None => None,
        Some(id) => Some(against(engine, id, inspected.clone()).await?),
    };
    engine.documents().keep(inspected.clone());
    let document = &inspected.document;
    Ok(DocumentView {
        id: inspected.id,
        title: document.title.clone(),
        version: document.version.clone(),
        openapi: document.openapi.clone(),
        servers: document.servers.clone(),
        auth: document.auth.clone(),
        health_path: document.health_path.clone(),
        operations: openapi::views(&inspected.operations),
        problems: document.problems.clone(),
        changes,
    })
}

/// Fetches it without any credential. Errors: `AddressPrivate` where the address is private and not
/// confirmed; the door's own.
async fn fetch(engine: &Engine, url: &Url, confirmed: Confirmed) -> Result<String, Error> {
    let reach = Reach {
        private_hosts: match confirmed.private_address {
            true => vec![http::host(url)],
            false => vec![],
        },
    };
    engine.http().check(url, &reach).await?;
    let mut request = Outgoing {
        redirects: Redirects::SameOrigin,
        limits: Limits {
            bytes: DOCUMENT_MAX,
            seconds: FETCH_SECONDS,
        },
        ..Outgoing::get(url.clone())
    };
    let accept = "application/openapi+json, application/openapi+yaml, application/json, \
                  application/yaml;q=0.9, */*;q=0.5";
    request
        .headers
        .insert(header::ACCEPT, HeaderValue::from_static(accept));
    let answer = engine.http().send(request, &reach).await?;
    if let Some(error) = classify(answer.status, &answer.headers, &http::host(url)) {
        return Err(error);
    }
    String::from_utf8(answer.body).map_err(|error| {
        Error::new(ErrorCode::DocumentUnreadable)
            .with(
                "place",
                format!("byte {}", error.utf8_error().valid_up_to()),
            )
            .with("why", "it is no UTF-8 text")
    })
}

/// What the document changes against the tools that are kept.
async fn against(
    engine: &Engine,
    id: IntegrationId,
    inspected: Arc<Inspected>,
) -> Result<ToolChanges, Error> {
    engine
        .store()
        .read(move |conn| {
            let inspected = match Integration::get(conn, id)?.config {
                Config::Api { base_url, .. } => inspected.under(&base_url),
                Config::Sample | Config::Mcp { .. } => inspected,
            };
            Ok(changes(
                &store::tools::list(conn, id)?,
                &inspected.operations,
            ))
        })
        .await
}

fn changes(before: &[store::tools::ToolRow], after: &[openapi::Operation]) -> ToolChanges {
    let mut changes = ToolChanges::default();
    let hashes: std::collections::BTreeMap<&str, &str> = before
        .iter()
        .map(|tool| (tool.name.as_str(), tool.hash.as_str()))
        .collect();
    for operation in after {
        let name = operation.tool.name.clone();
        match hashes.get(name.as_str()) {
            None => changes.added.push(name),
            Some(hash) if *hash != operation.tool.hash => changes.changed.push(name),
            Some(_) => changes.same += 1,
        }
    }
    let kept: std::collections::BTreeSet<&str> =
        after.iter().map(|each| each.tool.name.as_str()).collect();
    changes.removed = before
        .iter()
        .filter(|tool| !kept.contains(tool.name.as_str()))
        .map(|tool| tool.name.clone())
        .collect();
    changes
}

/// Puts the tools of an inspected document in the place of the integration's own. Address, ping and
/// credential stay.
pub(crate) async fn import_again(
    engine: &Engine,
    id: IntegrationId,
    document: DocumentId,
) -> Result<ToolChanges, Error> {
    let inspected = engine.documents().get(document)?;
    let (now, because) = (engine.now(), engine.admin().await);
    let done = engine
        .store()
        .write(Durability::Full, move |tx| {
            let found = Integration::get(tx, id)?;
            let mut config = found.config;
            let Config::Api {
                described,
                base_url,
                ..
            } = &mut config
            else {
                return Err(Error::new(ErrorCode::Internal)
                    .with("why", "only a custom API takes an OpenAPI document"));
            };
            *described = true;
            let inspected = inspected.under(base_url);
            store::integrations::set_config(tx, id, &integrations::to_json(&config)?)?;
            let done = changes(&store::tools::list(tx, id)?, &inspected.operations);
            store::documents::put(tx, id, &inspected.about(now), &inspected.operations)?;
            let tools = inspected.operations.iter().map(|each| each.tool.clone());
            integrations::pins::keep(tx, id, tools.collect(), (None, None), now)?;
            let what = format!(
                "imported again: {} tools added, {} removed, {} changed",
                done.added.len(),
                done.removed.len(),
                done.changed.len()
            );
            integrations::note(tx, now, Some((id, &found.row.name)), &what, &because)?;
            Ok(done)
        })
        .await?;
    // The next call is made by the new document.
    engine.forget_live(id).await;
    Ok(done)
}
