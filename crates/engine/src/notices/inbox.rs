//! The inbox: every notice, open or not, and what an admin does to one.

use super::{plan::SENT, slack};
use crate::{
    Engine,
    agents::ends::agent_of,
    integrations::{self, Integration},
    store::{
        self, Durability,
        deliveries::{self, Channel, DeliveryRow},
    },
};
use wire::{Delivery, Error, ErrorCode, NoticeId, NoticeKind, NoticeView};

/// Rows of the list, at most.
const ROWS: u32 = 200;
const HOUR_MS: i64 = 3_600_000;
/// A week: the longest that a notice is put off.
const SNOOZE_MAX_HOURS: u32 = 168;

/// Open ones first, then the newest.
pub(crate) async fn list(engine: &Engine) -> Result<Vec<NoticeView>, Error> {
    let shelf = engine.clone();
    engine
        .store()
        .read(move |conn| {
            let mut rows = store::notices::inbox(conn, ROWS)?;
            let in_slack = slack::saved(conn)?.integration.is_some();
            rows.sort_by_key(|row| row.resolved_at.is_some());
            rows.into_iter()
                .map(|row| {
                    let found = Integration::find(conn, row.integration)?;
                    let takes_key = found.as_ref().is_some_and(Integration::takes_key);
                    let deliveries = deliveries::of(conn, row.id)?;
                    let is_open = row.resolved_at.is_none();
                    let of_agent = is_open && agent_of(conn, &row)?.is_some();
                    let name = found
                        .as_ref()
                        .map_or(row.integration_name, |found| found.row.name.clone());
                    let crons = if row.kind == NoticeKind::Failing && is_open {
                        store::crons::waiting(conn, row.integration)?
                    } else {
                        Vec::new()
                    };
                    Ok(NoticeView {
                        crons,
                        stuck: row.obstacle,
                        of_agent,
                        id: row.id,
                        integration: row.integration,
                        icon: found.map(|found| integrations::tile(&shelf, &found.row)),
                        name,
                        kind: row.kind,
                        fix: row.reason.fix(takes_key).filter(|_| is_open && !of_agent),
                        reason: row.reason,
                        opened_at: row.opened_at,
                        well_since: row.well_since,
                        resolved_at: row.resolved_at,
                        seen_at: row.seen_at,
                        snoozed_until: row.snoozed_until,
                        popup: stands(&deliveries, Channel::Native).unwrap_or(Delivery::Waiting),
                        slack: stands(&deliveries, Channel::Slack).filter(|_| in_slack),
                    })
                })
                .collect()
        })
        .await
}

fn stands(deliveries: &[(Channel, DeliveryRow)], channel: Channel) -> Option<Delivery> {
    let (_, row) = deliveries.iter().find(|(each, _)| *each == channel)?;
    // A message is on its way until everybody has it.
    let on_its_way =
        row.told.is_some() && channel == Channel::Slack && row.handle.as_deref() != Some(SENT);
    Some(match (&row.error, row.told_at) {
        (Some(why), _) => Delivery::Failing {
            why: why.clone(),
            again_at: row.due_at,
        },
        (None, Some(at)) if !on_its_way => Delivery::Told { at },
        (None, Some(_) | None) => Delivery::Waiting,
    })
}

/// The admin has seen it: its popup goes, the list keeps it.
pub(crate) async fn see(engine: &Engine, id: NoticeId) -> Result<(), Error> {
    let now = engine.now();
    engine
        .store()
        .write(Durability::Full, move |tx| store::notices::see(tx, id, now))
        .await
}

/// Puts it off: its popup goes, and comes again in `hours` (none: at once), where it is still open then. A message that
/// was sent stays: others read it, and it is still true.
pub(crate) async fn snooze(engine: &Engine, id: NoticeId, hours: Option<u32>) -> Result<(), Error> {
    if hours.is_some_and(|hours| !(1..=SNOOZE_MAX_HOURS).contains(&hours)) {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Snooze")
            .with("why", format!("1 to {SNOOZE_MAX_HOURS} hours")));
    }
    let hours = i64::from(hours.unwrap_or(0));
    let until = engine.now().plus(hours * HOUR_MS);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            store::notices::snooze(tx, id, until)?;
            deliveries::forget(tx, Channel::Native, id)
        })
        .await
}
