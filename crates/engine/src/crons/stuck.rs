//! The notice of a cron that could not start: one, until it starts again or an admin changes it.

use crate::{
    notices,
    store::{self, Tx, crons::CronRow, notices::NoticeRow},
};
use wire::{CronId, Error, IntegrationId, NoticeKind, Reason, Time};

/// In the place of an integration's id.
fn about(id: CronId) -> IntegrationId {
    IntegrationId(id.0)
}

/// It could not start, in the commit that notes that.
pub(super) fn note(tx: &Tx<'_>, cron: &CronRow, why: &Error, now: Time) -> Result<(), Error> {
    store::crons::set_obstacle(tx, cron.id, Some(why))?;
    let notice = NoticeRow {
        obstacle: Some(why.clone()),
        ..NoticeRow::begun(
            (about(cron.id), &cron.name),
            NoticeKind::Failing,
            Reason::Ok,
            now,
        )
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
