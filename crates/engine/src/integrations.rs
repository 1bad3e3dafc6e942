//! Integrations as they are kept: what a row holds, how a card is made of it, and the small changes
//! an admin makes to one (name, on and off).
//!
//! Owns: [`Integration`], the slug and the tile. Must not know: credentials, or how requests are sent.

pub mod status;

use crate::{
    Engine,
    connectors::Config,
    store::{self, Durability, Tx, calls::CallRow, integrations::IntegrationRow},
};
use serde::{Deserialize, Serialize};
use status::{Effect, Signal, State};
use wire::{
    AuthView, Because, CardView, Error, ErrorCode, Icon, IntegrationId, IntegrationView, Kind,
    LastUsed, Risk, RowKind, ScopeView, Time, ToolView, Topic,
};

/// Longest name, in characters.
pub const NAME_MAX: usize = 60;
/// Tools named on a card's "Can" line.
const CAN: usize = 3;
/// Days on a card's strip.
const DAYS: u32 = 30;

/// What a row's `config_json` holds: where it is and how it is known there, without any secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub config: Config,
    pub auth: AuthView,
    #[serde(default)]
    pub scopes: Vec<ScopeView>,
    /// Host of the revocation endpoint, where there is one.
    #[serde(default)]
    pub revokes_at: Option<String>,
}

/// One integration, read from its row.
pub(crate) struct Integration {
    pub id: IntegrationId,
    pub row: IntegrationRow,
    pub facts: Facts,
    pub state: State,
}

impl Integration {
    fn from_row(row: IntegrationRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            facts: parse(&row.config_json)?,
            state: parse(&row.state_json)?,
            row,
        })
    }

    pub fn find(conn: &rusqlite::Connection, id: IntegrationId) -> Result<Option<Self>, Error> {
        store::integrations::get(conn, id)?.map(Self::from_row).transpose()
    }

    pub fn get(conn: &rusqlite::Connection, id: IntegrationId) -> Result<Self, Error> {
        Self::find(conn, id)?.ok_or_else(|| Error::new(ErrorCode::IntegrationUnknown))
    }

    pub fn all(conn: &rusqlite::Connection) -> Result<Vec<Self>, Error> {
        store::integrations::list(conn)?.into_iter().map(Self::from_row).collect()
    }

    /// Where it is and how it is kept: the address without its scheme.
    pub fn address(&self) -> String {
        match &self.facts.config {
            Config::Sample => "inside this app".to_owned(),
            Config::Mcp { url, .. } => strip_scheme(url),
            Config::Api { base_url, .. } => strip_scheme(base_url),
        }
    }

    pub fn kind(&self) -> Kind {
        kind(&self.facts.config)
    }

    fn card(self, now: Time, tools: &[String], days: Vec<wire::Day>) -> CardView {
        let address = self.address();
        let kind = self.kind();
        let used: Option<Because> =
            self.row.last_used_because.as_deref().and_then(|json| serde_json::from_str(json).ok());
        CardView {
            id: self.id,
            icon: icon(&self.row.name),
            kind,
            account: self.row.account_label,
            address,
            health: self.state.view(now, self.facts.auth.is_key()),
            enabled: self.row.enabled,
            connected_by: self.row.connected_by,
            connected_at: self.row.connected_at,
            last_used: self
                .row
                .last_used_at
                .zip(used)
                .map(|(at, because)| LastUsed { at, because }),
            auth: self.facts.auth,
            tools: u32::try_from(tools.len()).unwrap_or(u32::MAX),
            can: tools.iter().take(CAN).cloned().collect(),
            scopes: self.facts.scopes,
            days,
            slug: self.row.slug,
            name: self.row.name,
        }
    }
}

/// Every card: what needs the admin first, then by name.
pub(crate) async fn cards(engine: &Engine) -> Result<Vec<CardView>, Error> {
    let now = engine.now();
    engine
        .store()
        .read(move |conn| {
            let mut tools = store::tools::names(conn)?;
            let mut days = store::pings::days(conn, now, DAYS)?;
            let mut cards: Vec<CardView> = Integration::all(conn)?
                .into_iter()
                .map(|each| {
                    let tools = tools.remove(&each.id).unwrap_or_default();
                    let days = days.remove(&each.id).unwrap_or_else(unknown_days);
                    each.card(now, &tools, days)
                })
                .collect();
            cards.sort_by_key(|card| {
                (std::cmp::Reverse(card.health.status), card.name.to_lowercase(), card.id)
            });
            Ok(cards)
        })
        .await
}

/// One integration's page.
pub(crate) async fn page(engine: &Engine, id: IntegrationId) -> Result<IntegrationView, Error> {
    let now = engine.now();
    engine
        .store()
        .read(move |conn| {
            let found = Integration::get(conn, id)?;
            let tools = store::tools::names(conn)?.remove(&id).unwrap_or_default();
            let days = store::pings::days(conn, now, DAYS)?.remove(&id);
            let (url, health_path) = match &found.facts.config {
                Config::Sample => (found.address(), None),
                Config::Mcp { url, .. } => (url.clone(), None),
                Config::Api { base_url, health_path, .. } => {
                    (base_url.clone(), Some(health_path.clone()))
                }
            };
            Ok(IntegrationView {
                url,
                health_path,
                protocol: found.row.protocol.clone(),
                server: found.row.server.clone(),
                probed_at: found.row.probed_at,
                revocable: found.facts.revokes_at.is_some(),
                card: found.card(now, &tools, days.unwrap_or_else(unknown_days)),
            })
        })
        .await
}

/// Its tools, in the server's order.
pub(crate) async fn tools(engine: &Engine, id: IntegrationId) -> Result<Vec<ToolView>, Error> {
    engine
        .store()
        .read(move |conn| {
            Integration::get(conn, id)?;
            Ok(store::tools::list(conn, id)?.into_iter().map(tool_view).collect())
        })
        .await
}

fn tool_view(tool: store::tools::ToolRow) -> ToolView {
    let annotations: serde_json::Value =
        serde_json::from_str(&tool.annotations).unwrap_or(serde_json::Value::Null);
    let schema: serde_json::Value =
        serde_json::from_str(&tool.input_schema).unwrap_or(serde_json::Value::Null);
    ToolView {
        name: tool.name,
        title: tool.title,
        description: tool.description,
        input_schema: serde_json::to_string_pretty(&schema).unwrap_or(tool.input_schema),
        risk: risk(&annotations),
        hash: tool.hash.chars().take(8).collect(),
    }
}

/// What a tool may do by its server's hints, read so that a hint can only raise the risk
/// (MCP 2025-11-25, `ToolAnnotations`: hints are not to be trusted).
#[must_use]
pub fn risk(annotations: &serde_json::Value) -> Risk {
    let hint = |name: &str| annotations.get(name).and_then(serde_json::Value::as_bool);
    match (hint("destructiveHint"), hint("readOnlyHint")) {
        (Some(true), _) => Risk::Destroys,
        (_, Some(true)) => Risk::Reads,
        (_, None | Some(false)) => Risk::Writes,
    }
}

/// Gives it another name; the slug, which agents know, stays.
pub(crate) async fn rename(engine: &Engine, id: IntegrationId, name: &str) -> Result<(), Error> {
    let name = checked_name(name)?;
    change(engine, id, move |tx, _| {
        store::integrations::rename(tx, id, &name)?;
        Ok(format!("renamed to {name}"))
    })
    .await
}

/// Switches it on or off: off, it is greyed and out of all tasks.
pub(crate) async fn switch(engine: &Engine, id: IntegrationId, on: bool) -> Result<(), Error> {
    change(engine, id, move |tx, _| {
        store::integrations::set_enabled(tx, id, on)?;
        Ok(if on { "switched on" } else { "switched off" }.to_owned())
    })
    .await
}

async fn change(
    engine: &Engine,
    id: IntegrationId,
    job: impl FnOnce(&mut Tx<'_>, &Integration) -> Result<String, Error> + Send + 'static,
) -> Result<(), Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let found = Integration::get(tx, id)?;
            let what = job(tx, &found)?;
            note(tx, now, Some((id, &found.row.name)), &what, &because)?;
            touch(tx, id);
            Ok(())
        })
        .await
}

/// Takes a signal in: the new state, and its effects, in the commit of `tx`. Nothing happens where
/// the integration is gone meanwhile.
pub(crate) fn apply(tx: &mut Tx<'_>, id: IntegrationId, signal: &Signal, now: Time) -> Result<(), Error> {
    let Some(found) = Integration::find(tx, id)? else { return Ok(()) };
    let (state, effects) = status::next(&found.state, signal, now);
    store::integrations::set_state(tx, id, &to_json(&state)?)?;
    for effect in effects {
        match effect {
            Effect::StatusChanged { from, to } => {
                let what = format!("{} → {}", words::status(from), words::status(to));
                note(tx, now, Some((id, &found.row.name)), &what, &Because::Health)?;
            }
        }
    }
    touch(tx, id);
    Ok(())
}

/// One finished row of the record that says what changed.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    at: Time,
    integration: Option<(IntegrationId, &str)>,
    what: &str,
    because: &Because,
) -> Result<(), Error> {
    let row = CallRow {
        id: uuid::Uuid::now_v7(),
        at,
        kind: RowKind::Change,
        integration: integration.map(|(id, _)| id),
        integration_name: integration.map_or_else(String::new, |(_, name)| name.to_owned()),
        action: what.to_owned(),
        because: because.clone(),
    };
    store::calls::begin(tx, &row)?;
    store::calls::finish(tx, &store::calls::OutcomeRow {
        call: row.id,
        at,
        outcome: wire::Outcome::Ok,
        took_ms: None,
        error: None,
        detail: String::new(),
    })?;
    tx.touch(Topic::Activity);
    Ok(())
}

pub(crate) fn touch(tx: &mut Tx<'_>, id: IntegrationId) {
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
            .with("why", format!("it has {length} characters, {NAME_MAX} are the most")));
    }
    Ok(name)
}

/// A slug for `name` that none of `taken` is: lower case, `[a-z0-9-]`, at most 24 characters, `-2`
/// and so on for a second one.
#[must_use]
pub fn slug(name: &str, taken: &[String]) -> String {
    let mut base: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    while base.contains("--") {
        base = base.replace("--", "-");
    }
    let base: String = base.trim_matches('-').chars().take(24).collect();
    let base = base.trim_end_matches('-');
    let base = if base.is_empty() { "integration" } else { base };
    (1u32..)
        .map(|n| if n == 1 { base.to_owned() } else { format!("{base}-{n}") })
        .find(|slug| !taken.contains(slug))
        .unwrap_or_else(|| base.to_owned())
}

fn icon(name: &str) -> Icon {
    let monogram = name.chars().find(|c| c.is_alphanumeric()).unwrap_or('•').to_uppercase().collect();
    // The name decides the colour, so that the same thing looks the same on every computer.
    let sum = name.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    Icon { monogram, colour: u8::try_from(sum % 12).unwrap_or(0) }
}

fn unknown_days() -> Vec<wire::Day> {
    vec![wire::Day::Unknown; DAYS as usize]
}

fn strip_scheme(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.trim_end_matches('/').to_owned()
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json)
        .map_err(|e| Error::new(ErrorCode::StoreFailed).with("why", format!("a row cannot be read: {e}")))
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|e| Error::new(ErrorCode::Internal).with("why", e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn slugs_are_short_plain_and_unique() {
        assert_eq!(slug("Internal Orders API", &[]), "internal-orders-api");
        assert_eq!(slug("Google", &["google".into(), "google-2".into()]), "google-3");
        assert_eq!(slug("日本", &[]), "integration");
        assert_eq!(slug("a__b", &[]), "a-b", "`__` separates integration and tool on the MCP wire");
        assert!(slug(&"x".repeat(99), &[]).len() <= 24);
    }

    #[test]
    fn hints_only_raise_the_risk() {
        assert_eq!(risk(&json!({})), Risk::Writes);
        assert_eq!(risk(&json!({"readOnlyHint": true})), Risk::Reads);
        assert_eq!(risk(&json!({"readOnlyHint": true, "destructiveHint": true})), Risk::Destroys);
        assert_eq!(risk(&json!({"readOnlyHint": "yes"})), Risk::Writes);
    }

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(checked_name("  Orders ").expect("a good name"), "Orders");
        assert_eq!(checked_name(" ").expect_err("empty").code, ErrorCode::FieldEmpty);
        assert_eq!(checked_name(&"x".repeat(61)).expect_err("long").code, ErrorCode::FieldInvalid);
    }
}
