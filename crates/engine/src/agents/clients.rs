//! The configurations of the programs that agents run in: Chief is added to one of them, with a look at
//! what changes first, a copy of what was there, and a way back.
//!
//! Owns: which clients are here, and the three steps. What is written is `edit`'s, where it lies
//! `places`'.

mod edit;
mod file;
mod places;

use super::bridge::Bridge;
use crate::{
    Engine,
    secret::fingerprint,
    store::{self, Durability},
};
use file::Written;
use places::{Place, Places};
use std::{collections::BTreeMap, path::Path};
use wire::{Client, ClientEdit, ClientUndone, ClientView, Error, ErrorCode};

/// What was written where, to take it back.
const KEY: &str = "client_edits";

/// The clients that are installed here, as far as their folders tell.
pub(crate) async fn list(engine: &Engine) -> Result<Vec<ClientView>, Error> {
    let written = written(engine).await?;
    off_the_loop(move || {
        let places = Places::of_this_user();
        let here = Client::ALL.into_iter().filter_map(|client| {
            let place = places.of(client).filter(Place::is_installed)?;
            let written = written.get(&client);
            Some(ClientView {
                client,
                place: shown(&place.file),
                undo: written.is_some_and(|written| written.is_there(&place)),
            })
        });
        Ok(here.collect())
    })
    .await
}

/// What adding Chief would change. Writes nothing.
pub(crate) async fn preview(engine: &Engine, client: Client) -> Result<ClientEdit, Error> {
    let engine = engine.clone();
    off_the_loop(move || {
        let place = place(client)?;
        look(client, &place, &bridge(&engine, &place)?)
    })
    .await
}

/// Adds Chief with this token, where the file is still as it was previewed.
pub(crate) async fn add(engine: &Engine, ask: wire::AddToClient) -> Result<(), Error> {
    let client = ask.client;
    let last = written(engine).await?.remove(&client);
    let app = engine.clone();
    let new = off_the_loop(move || {
        let place = place(client)?;
        let bridge = bridge(&app, &place)?;
        let before = file::read(&place.file)?;
        if seen(before.as_deref()) != ask.seen {
            return Err(file::changed(&place.file));
        }
        let after = edit::with_chief(&place, before.as_deref(), &bridge, ask.token.reveal())?;
        file::write(&place, (before.as_deref(), &after), last)
    })
    .await?;
    remember(engine, client, Some(new)).await
}

/// Puts back what was there before, or takes out our entry alone where others have written since.
pub(crate) async fn undo(engine: &Engine, client: Client) -> Result<ClientUndone, Error> {
    let Some(written) = written(engine).await?.remove(&client) else {
        return Ok(ClientUndone::EntryTaken);
    };
    let done = off_the_loop(move || written.undo(&place(client)?)).await?;
    remember(engine, client, None).await?;
    Ok(done)
}

fn look(client: Client, place: &Place, bridge: &Bridge) -> Result<ClientEdit, Error> {
    let before = file::read(&place.file)?;
    let after = edit::with_chief(place, before.as_deref(), bridge, edit::COVER)?;
    let ours = edit::with_chief(place, None, bridge, edit::COVER)?;
    let (lines, kept) = edit::difference(before.as_deref().unwrap_or_default(), &after, &ours);
    Ok(ClientEdit {
        client,
        place: shown(&file::resolved(&place.file)),
        lines,
        kept,
        seen: seen(before.as_deref()),
    })
}

/// Never by its name alone: a client would start whatever is called so, and hand it the token.
fn bridge(engine: &Engine, place: &Place) -> Result<Bridge, Error> {
    Bridge::beside_this_app(&engine.options().folder).ok_or_else(|| {
        let why =
            "the chief command, which agents start, is not beside this app; install the app anew";
        file::trouble(&place.file, why)
    })
}

fn place(client: Client) -> Result<Place, Error> {
    Places::of_this_user()
        .of(client)
        .ok_or_else(|| Error::new(ErrorCode::ClientFileUnreadable).with("place", client.name()))
        .map_err(|error| error.with("why", "this system tells no folder for it"))
}

/// What a file is, in one word.
fn seen(text: Option<&str>) -> String {
    match text {
        None => "none".to_owned(),
        Some(text) => fingerprint(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

async fn written(engine: &Engine) -> Result<BTreeMap<Client, Written>, Error> {
    let saved = engine
        .store()
        .read(|conn| store::settings::get(conn, KEY))
        .await?;
    Ok(saved.unwrap_or_default())
}

async fn remember(engine: &Engine, client: Client, new: Option<Written>) -> Result<(), Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let mut all: BTreeMap<Client, Written> =
                store::settings::get(tx, KEY)?.unwrap_or_default();
            let done = if new.is_some() {
                "added to"
            } else {
                "taken out of"
            };
            match new {
                Some(new) => all.insert(client, new),
                None => all.remove(&client),
            };
            store::settings::set(tx, KEY, &all)?;
            let what = format!("Chief was {done} the configuration of {}", client.name());
            crate::integrations::note(tx, now, None, &what, &because)
        })
        .await
}

/// Files may lie on a slow disk.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorCode::Internal).with("why", error.to_string()))?
}

#[cfg(test)]
mod tests;
