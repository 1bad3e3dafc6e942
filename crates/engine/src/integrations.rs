//! Integrations as they are kept: what a row holds, how a card is made of it, and the small changes
//! an admin makes to one (name, on and off).
//!
//! Owns: [`Integration`], the slug and the tile. Must not know: credentials, or how requests are sent.

mod access;
pub(crate) mod address;
mod apply;
mod pace;
pub(crate) mod pins;
pub(crate) mod remarks;
mod runs;
pub mod status;
mod tile;
mod tools;

pub(crate) use apply::{After, apply, apply_answer, is_news};
pub(crate) use pace::set_pace;
pub(crate) use runs::note_ended_run;
pub(crate) use tile::{icon, tile};
pub(crate) use tools::{accept, set_policy, tools};

use crate::{
    Engine,
    connectors::Config,
    store::{
        self, Durability, Tx, calls::CallRow, credentials::About, integrations::IntegrationRow,
        tools::Summary,
    },
};
use serde::Serialize;
use status::{End, Signal, State};
use std::collections::BTreeMap;
use wire::{
    AuthView, Because, CallId, CardView, CronBrief, Day, Error, ErrorCode, Icon, IntegrationId,
    IntegrationView, Kind, Outcome, RowKind, Time, Topic,
};

/// Longest name, in characters.
pub const NAME_MAX: usize = 60;
/// Days on a card's strip.
const DAYS: u32 = 30;

/// One integration, read from its row.
pub(crate) struct Integration {
    pub id: IntegrationId,
    pub row: IntegrationRow,
    pub config: Config,
    pub state: State,
    /// What may be shown of its credential.
    pub about: About,
}

impl Integration {
    fn from_row(row: IntegrationRow, about: Option<About>) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            config: parse(&row.config_json)?,
            state: parse(&row.state_json)?,
            about: about.unwrap_or_else(nothing_known),
            row,
        })
    }

    pub fn find(conn: &rusqlite::Connection, id: IntegrationId) -> Result<Option<Self>, Error> {
        let Some(row) = store::integrations::find(conn, id)? else {
            return Ok(None);
        };
        Self::from_row(row, store::credentials::about(conn, id)?).map(Some)
    }

    pub fn get(conn: &rusqlite::Connection, id: IntegrationId) -> Result<Self, Error> {
        Self::find(conn, id)?.ok_or_else(|| Error::new(ErrorCode::IntegrationUnknown))
    }

    pub fn all(conn: &rusqlite::Connection) -> Result<Vec<Self>, Error> {
        let mut about = store::credentials::about_all(conn)?;
        let rows = store::integrations::list(conn)?;
        rows.into_iter()
            .map(|row| {
                let about = about.remove(&row.id);
                Self::from_row(row, about)
            })
            .collect()
    }

    /// Where it is and how it is kept: the address without its scheme. Not to be shown.
    pub fn address(&self) -> String {
        match &self.config {
            Config::Sample => "inside this app".to_owned(),
            Config::Mcp { url, .. } => address::strip_scheme(url),
            Config::Api { base_url, .. } => address::strip_scheme(base_url),
        }
    }

    pub fn kind(&self) -> Kind {
        kind(&self.config)
    }

    /// True where the admin can paste a fresh key.
    pub fn takes_key(&self) -> bool {
        self.kind() != Kind::Sample && self.about.auth.is_key()
    }

    fn card(self, now: Time, around: &mut Around) -> CardView {
        let address = address::shown(&self.address());
        let tools = around.tools.remove(&self.id).unwrap_or_default();
        let id = self.row.provider.as_deref();
        let provider = id.and_then(|id| around.engine.catalogue().get(id));
        let manifest = provider.as_deref().map(|found| &found.manifest);
        CardView {
            id: self.id,
            icon: around.icon(&self.row),
            kind: self.kind(),
            stale: around.offline && !crate::health::is_local(&crate::health::origin(&self)),
            health: self.state.view(now, self.takes_key()),
            account: self.row.account_label,
            address,
            enabled: self.row.enabled,
            connected_by: self.row.connected_by,
            connected_at: self.row.connected_at,
            last_used: self.row.last_used,
            auth: self.about.auth,
            tools: tools.count,
            held: tools.held,
            can: tools.first,
            scopes: access::scopes(self.about.scopes, &self.state.lacks, manifest),
            days: around
                .days
                .remove(&self.id)
                .unwrap_or_else(|| vec![Day::Unknown; DAYS as usize]),
            crons: around.crons.remove(&self.id).unwrap_or_default(),
            slug: self.row.slug,
            name: self.row.name,
        }
    }
}

/// What a card shows that is not in its own row.
struct Around {
    tools: BTreeMap<IntegrationId, Summary>,
    days: BTreeMap<IntegrationId, Vec<Day>>,
    crons: BTreeMap<IntegrationId, Vec<CronBrief>>,
    offline: bool,
    engine: Engine,
}

impl Around {
    fn read(conn: &rusqlite::Connection, engine: &Engine, now: Time) -> Result<Self, Error> {
        Ok(Self {
            engine: engine.clone(),
            offline: engine.network().is_offline(),
            tools: store::tools::summaries(conn)?,
            days: store::pings::days(conn, now, DAYS)?,
            crons: store::crons::briefs(conn)?,
        })
    }

    fn icon(&self, row: &IntegrationRow) -> Icon {
        tile(&self.engine, row)
    }
}

fn nothing_known() -> About {
    About {
        auth: AuthView::None,
        scopes: vec![],
        revokes_at: None,
        issued_at: None,
        access_ends_at: None,
        renews: false,
        refresh_ends_at: None,
    }
}

/// Every card: what needs the admin first, then by name.
pub(crate) async fn cards(engine: &Engine) -> Result<Vec<CardView>, Error> {
    let (now, reader) = (engine.now(), engine.clone());
    engine
        .store()
        .read(move |conn| {
            let mut around = Around::read(conn, &reader, now)?;
            let mut cards: Vec<CardView> = Integration::all(conn)?
                .into_iter()
                .map(|each| each.card(now, &mut around))
                .collect();
            cards.sort_by_key(|card| {
                (
                    std::cmp::Reverse(card.health.status),
                    card.name.to_lowercase(),
                    card.id,
                )
            });
            Ok(cards)
        })
        .await
}

/// One integration's page.
pub(crate) async fn page(engine: &Engine, id: IntegrationId) -> Result<IntegrationView, Error> {
    let (now, reader) = (engine.now(), engine.clone());
    engine
        .store()
        .read(move |conn| {
            let found = Integration::get(conn, id)?;
            let mut around = Around::read(conn, &reader, now)?;
            let (url, health_path) = match &found.config {
                Config::Sample => (found.address(), None),
                Config::Mcp { url, .. } => (address::shown(url), None),
                Config::Api {
                    base_url,
                    health_path,
                    ..
                } => (base_url.clone(), Some(health_path.clone())),
            };
            Ok(IntegrationView {
                url,
                health_path,
                protocol: found.row.protocol.clone(),
                server: found.row.server.clone(),
                probed_at: found.row.probed_at,
                revocable: found.about.revokes_at.is_some(),
                document: store::documents::about(conn, id)?,
                ends_at: found.state.end.map(|end| end.at),
                pace: found.state.pace,
                usual_pace: remarks::usual_pace(&reader.catalogue(), &found),
                remarks: remarks::of(conn, &reader.catalogue(), &found)?,
                body_days: store::bodies::days(conn, id)?,
                card: found.card(now, &mut around),
            })
        })
        .await
}

/// Gives it another name; the slug, which agents know, stays.
pub(crate) async fn rename(engine: &Engine, id: IntegrationId, name: &str) -> Result<(), Error> {
    let name = checked_name(name)?;
    let set = move |tx: &Tx<'_>, _: &Integration| {
        store::integrations::set_name(tx, id, &name)?;
        Ok((format!("renamed to {name}"), name))
    };
    engine.rename_live(id, change(engine, id, set).await?);
    Ok(())
}

/// Switches it on or off: off, it is greyed and out of all tasks.
pub(crate) async fn switch(engine: &Engine, id: IntegrationId, on: bool) -> Result<(), Error> {
    let now = engine.now();
    let (signal, what) = if on {
        (Signal::SwitchedOn, "switched on")
    } else {
        (Signal::SwitchedOff, "switched off")
    };
    let after = change(engine, id, move |tx, _| {
        store::integrations::set_enabled(tx, id, on)?;
        Ok((what.to_owned(), apply(tx, id, &signal, now)?))
    })
    .await?;
    engine.network().ask(id, after);
    Ok(())
}

/// Sets when a pasted key ends, as the admin was told by its provider.
pub(crate) async fn set_end(
    engine: &Engine,
    id: IntegrationId,
    ends_at: Option<Time>,
) -> Result<(), Error> {
    let now = engine.now();
    let ends_at = checked_end(ends_at, now)?;
    let what = match ends_at.and_then(|at| chrono::DateTime::from_timestamp_millis(at.0)) {
        Some(at) => format!(
            "the key's end was set to {}",
            at.format("%Y-%m-%d %H:%M UTC")
        ),
        None => "the key's end was removed".to_owned(),
    };
    let after = change(engine, id, move |tx, found| {
        if !found.takes_key() {
            return Err(Error::new(ErrorCode::FieldInvalid)
                .with("field", ENDS_ON)
                .with("why", "only a pasted key has an end that can be typed"));
        }
        let since = found.state.consent.unwrap_or(found.row.connected_at);
        let end = ends_at.map(|at| End::fixed(since, at));
        Ok((what, apply(tx, id, &Signal::EndsAt { end }, now)?))
    })
    .await?;
    engine.network().ask(id, after);
    Ok(())
}

/// The field's name on screen.
const ENDS_ON: &str = "Ends on";

/// An end that is still to come.
pub(crate) fn checked_end(ends_at: Option<Time>, now: Time) -> Result<Option<Time>, Error> {
    match ends_at {
        Some(at) if at <= now => Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", ENDS_ON)
            .with("why", "it has passed")),
        other => Ok(other),
    }
}

pub(crate) async fn change<T: Send + 'static>(
    engine: &Engine,
    id: IntegrationId,
    job: impl FnOnce(&Tx<'_>, &Integration) -> Result<(String, T), Error> + Send + 'static,
) -> Result<T, Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let found = Integration::get(tx, id)?;
            let (what, result) = job(tx, &found)?;
            note(tx, now, Some((id, &found.row.name)), &what, &because)?;
            touch(tx, id);
            Ok(result)
        })
        .await
}

/// One finished row of the record that says what changed.
pub(crate) fn note(
    tx: &Tx<'_>,
    at: Time,
    integration: Option<(IntegrationId, &str)>,
    what: &str,
    because: &Because,
) -> Result<(), Error> {
    row_of(tx, (at, what), integration, because, Outcome::Ok)
}

/// One finished row that says what was refused: nothing changed.
pub(crate) fn note_refused(tx: &Tx<'_>, at: Time, what: &str) -> Result<(), Error> {
    row_of(tx, (at, what), None, &Because::Outside, Outcome::Refused)
}

fn row_of(
    tx: &Tx<'_>,
    (at, what): (Time, &str),
    integration: Option<(IntegrationId, &str)>,
    because: &Because,
    outcome: Outcome,
) -> Result<(), Error> {
    let row = CallRow {
        id: CallId(uuid::Uuid::now_v7()),
        at,
        kind: RowKind::Change,
        integration: integration.map(|(id, _)| id),
        integration_name: integration.map_or_else(String::new, |(_, name)| name.to_owned()),
        action: what.to_owned(),
        because: because.clone(),
        sent: None,
    };
    store::calls::note(tx, &row, outcome, "")
}

pub(crate) fn touch(tx: &Tx<'_>, id: IntegrationId) {
    tx.touch(Topic::Integrations);
    tx.touch(Topic::Integration(id));
}

pub(crate) fn kind(config: &Config) -> Kind {
    match config {
        Config::Sample => Kind::Sample,
        Config::Mcp { .. } => Kind::Mcp,
        Config::Api { .. } => Kind::Api,
    }
}

/// A name of 1 to 60 characters, trimmed.
pub(crate) fn checked_name(name: &str) -> Result<String, Error> {
    let name = crate::http::inert(name.trim());
    let length = name.chars().count();
    if length == 0 {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Name"));
    }
    if length > NAME_MAX {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Name")
            .with(
                "why",
                format!("it has {length} characters, {NAME_MAX} are the most"),
            ));
    }
    Ok(name)
}

/// What the gateway's own tools begin with: no integration's slug.
const OURS: &str = "chief";

/// A slug for `name` that is not `taken`: lower case, `[a-z0-9-]`, at most 24 characters, `-2` and so
/// on for a second one.
pub(crate) fn slug(
    name: &str,
    taken: impl Fn(&str) -> Result<bool, Error>,
) -> Result<String, Error> {
    let mut base: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    while base.contains("--") {
        base = base.replace("--", "-");
    }
    let base: String = base.trim_matches('-').chars().take(24).collect();
    let base = base.trim_end_matches('-');
    let base = if base.is_empty() { "integration" } else { base };
    let mut slug = base.to_owned();
    let mut next = 2u32;
    while slug == OURS || taken(&slug)? {
        slug = format!("{base}-{next}");
        next += 1;
    }
    Ok(slug)
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|e| {
        Error::new(ErrorCode::StoreFailed).with("why", format!("a row cannot be read: {e}"))
    })
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|e| Error::new(ErrorCode::Internal).with("why", e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_short_plain_and_unique() {
        let slug = |name: &str, taken: &[&str]| {
            slug(name, |slug| Ok(taken.contains(&slug))).expect("nothing here fails")
        };
        assert_eq!(slug("Internal Orders API", &[]), "internal-orders-api");
        assert_eq!(slug("Google", &["google", "google-2"]), "google-3");
        assert_eq!(slug("日本", &[]), "integration");
        assert_eq!(
            slug("a__b", &[]),
            "a-b",
            "`__` separates integration and tool on the MCP wire"
        );
        assert!(slug(&"x".repeat(99), &[]).len() <= 24);
    }

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(checked_name("  Orders ").expect("a good name"), "Orders");
        assert_eq!(
            checked_name(" ").expect_err("empty").code,
            ErrorCode::FieldEmpty
        );
        assert_eq!(
            checked_name(&"x".repeat(61)).expect_err("long").code,
            ErrorCode::FieldInvalid
        );
    }
}
