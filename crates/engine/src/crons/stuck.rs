//! The notice of a cron that could not start: one, until it starts again or an admin changes it.

use crate::{
    notices,
    store::{self, Tx, crons::CronRow, notices::NoticeRow},
};
use wire::{CronId, Error, IntegrationId, NoticeId, NoticeKind, Reason, Time};

/// In the place of an integration's id.
fn about(id: CronId) -> IntegrationId {
    IntegrationId(id.0)
}

/// It could not start, in the commit that notes that.
pub(super) fn note(tx: &Tx<'_>, cron: &CronRow, why: &Error, now: Time) -> Result<(), Error> {
    store::crons::set_obstacle(tx, cron.id, Some(why))?;
    let notice = NoticeRow {
        id: NoticeId(uuid::Uuid::now_v7()),
        integration: about(cron.id),
        integration_name: cron.name.clone(),
        kind: NoticeKind::Failing,
        reason: Reason::Ok,
        opened_at: now,
        well_since: None,
        resume_offered_at: None,
        resolved_at: None,
        seen_at: None,
        snoozed_until: None,
        obstacle: Some(why.clone()),
    };
    // Where one is open it stays, and says why now.
    notices::open_stuck(tx, notice, why)?;
    store::notices::change_obstacle(tx, about(cron.id), why)
}

/// It starts again, or is not to.
pub(super) fn over(tx: &Tx<'_>, id: CronId, now: Time) -> Result<(), Error> {
    store::crons::set_obstacle(tx, id, None)?;
    store::notices::resolve(tx, (about(id), NoticeKind::Failing), now)
}
