//! What only the admin can decide of an attempt: whether it is connected already, and whose account it is.

use super::{
    account::Account,
    attempt::{Attempt, Stopped},
    input::Plan,
};
use crate::{Engine, integrations::Integration};
use wire::{IntegrationId, Kind, Question};

/// The same address is connected already: with the same account the existing card is offered, with
/// an unknown one it is asked.
pub(super) async fn ask_about_duplicates(
    engine: &Engine,
    attempt: &Attempt,
    plan: &Plan,
) -> Result<(), Stopped> {
    let asks_later = plan
        .way
        .as_deref()
        .is_some_and(|way| way.identity().is_some());
    if attempt.confirmed().duplicate || asks_later {
        return Ok(());
    }
    let (address, account) = (plan.address(), plan.account());
    let existing = engine
        .store()
        .read(move |conn| {
            Ok(Integration::all(conn)?.into_iter().find(|each| {
                let same_address = each.address() == address;
                let known_other = each.row.account_id.is_some()
                    && account.is_some()
                    && each.row.account_id != account;
                same_address && !known_other
            }))
        })
        .await?;
    let Some(existing) = existing else {
        return Ok(());
    };
    let same_account = plan.kind == Kind::Sample
        || (existing.row.account_id.is_some() && existing.row.account_id == plan.account());
    ask_again(engine, attempt, existing, same_account).await
}

/// The same account at the same place is connected already: its card is offered.
pub(super) async fn ask_about_same_account(
    engine: &Engine,
    attempt: &Attempt,
    address: &str,
    account: Option<&Account>,
) -> Result<(), Stopped> {
    let Some(id) = account.map(|account| account.id.clone()) else {
        return Ok(());
    };
    let address = address.to_owned();
    let existing = engine
        .store()
        .read(move |conn| {
            let mut all = Integration::all(conn)?.into_iter();
            Ok(all.find(|each| {
                each.address() == address && each.row.account_id.as_ref() == Some(&id)
            }))
        })
        .await?;
    let Some(existing) = existing.filter(|_| !attempt.confirmed().duplicate) else {
        return Ok(());
    };
    ask_again(engine, attempt, existing, true).await
}

/// Whether it is to be connected once more.
async fn ask_again(
    engine: &Engine,
    attempt: &Attempt,
    existing: Integration,
    same_account: bool,
) -> Result<(), Stopped> {
    let question = Question::Duplicate {
        existing: existing.id,
        name: existing.row.name,
        same_account,
    };
    attempt
        .ask(engine, question, |confirmed| confirmed.duplicate)
        .await
}

pub(super) async fn ask_about_account(
    engine: &Engine,
    attempt: &Attempt,
    id: IntegrationId,
    now: Option<&Account>,
) -> Result<(), Stopped> {
    let found = engine
        .store()
        .read(move |conn| Integration::get(conn, id))
        .await?;
    let (Some(before), Some(now)) = (found.row.account_id, now) else {
        return Ok(());
    };
    if before == now.id || attempt.confirmed().other_account {
        return Ok(());
    }
    let question = Question::OtherAccount {
        before: found.row.account_label.unwrap_or(before),
        now: now.label.clone(),
    };
    attempt
        .ask(engine, question, |confirmed| confirmed.other_account)
        .await
}
