//! Notices in Slack: one direct message to each admin for each episode, changed as what it tells of
//! changes, and at last to "over".
//!
//! Owns: what is posted, looked for and changed. Must not know: how Slack is spoken to (`bot`), or what
//! an admin chose (`setup`).
//!
//! Before a message is posted, a row says that it may be (`store::slack`). Where the answer is lost, or
//! the app dies, the next try finds that row without Slack's name of the message, and looks into the
//! conversation for one that carries the notice's id before it posts again. Slack has no key that makes
//! a post happen once; a post that is still on its way while it is looked for would be seen twice.

mod bot;
mod setup;

pub(crate) use setup::{save, saved, test, view};

use super::{
    failed,
    plan::{self, Act, Rules},
    sooner, text,
};
use crate::{
    Engine,
    health::asked_pause_ms,
    http::inert,
    store::{
        self, Durability, Tx,
        deliveries::{self, Channel, Item, Told},
        slack::MessageRow,
    },
};
use bot::{Bot, Message};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use wire::{Because, Error, ErrorCode, NoticeId, SlackChannel, Time};

/// Names that a message of what is over lists, at most.
const NAMES: usize = 6;

/// While nothing would come of asking Slack it is looked this often whether something would.
const HELD_MS: i64 = 60_000;
/// Whom Slack did not find is looked up again after that.
const UNFOUND_MS: i64 = 3_600_000;

/// Those whom Slack did not find: why, and when they were looked up.
#[derive(Default)]
pub(crate) struct Unfound(Mutex<BTreeMap<String, (Error, Time)>>);

impl Unfound {
    fn why(&self, admin: &str, now: Time) -> Option<Error> {
        let (error, at) = self.lock().get(admin)?.clone();
        (0..UNFOUND_MS).contains(&now.since(at)).then_some(error)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Error, Time)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings every message to what it should say. When there is more to do by the clock.
pub(super) async fn deliver(engine: &Engine) -> Result<Option<Time>, Error> {
    let slack = engine.store().read(saved).await?;
    let Some(id) = slack.integration.filter(|_| !slack.admins.is_empty()) else {
        return Ok(None);
    };
    let Some(bot) = Bot::open(engine, id, Because::Notice).await? else {
        return Ok(None);
    };
    // In one snapshot: what an admin has set since is not told by what was set before.
    let now = engine.now();
    let (slack, bundles) = engine
        .store()
        .read(move |conn| Ok((saved(conn)?, super::pending(conn, Channel::Slack, now)?)))
        .await?;
    if slack.integration != Some(id) {
        return Ok(None);
    }
    let post = Post { engine, bot, slack };
    let mut next = None;
    for bundle in &bundles {
        let now = engine.now();
        let rules = Rules {
            kinds: &post.slack.kinds,
            quiet_until: post.slack.quiet.and_then(|quiet| setup::ends(quiet, now)),
        };
        let again = match plan::plan_message(bundle, rules, now) {
            Act::Nothing => None,
            Act::Wait { until } => Some(until),
            Act::Tell { .. } | Act::Hide { .. } | Act::Withdraw if post.bot.held.is_some() => {
                post.hold(bundle).await?
            }
            Act::Tell { told, news } => post.tell(bundle, told, news).await?,
            Act::Hide { .. } | Act::Withdraw => post.withdraw(bundle).await?,
        };
        next = sooner(next, again);
    }
    Ok(next)
}

/// One look at all of them.
struct Post<'a> {
    engine: &'a Engine,
    bot: Bot,
    slack: SlackChannel,
}

impl Post<'_> {
    /// Says why nothing is asked of Slack yet, without a row of the record for each look.
    async fn hold(&self, bundle: &[Item]) -> Result<Option<Time>, Error> {
        let now = self.engine.now();
        let is_new = |why: &String| {
            bundle
                .iter()
                .any(|item| item.delivery.error.as_ref() != Some(why))
        };
        if let (Some(first), Some(why)) = (bundle.first(), &self.bot.held)
            && is_new(why)
        {
            let (key, why) = ((Channel::Slack, first.delivery.bundle), why.clone());
            self.write(move |tx| deliveries::fail(tx, key, &why, now))
                .await?;
        }
        Ok(Some(now.plus(HELD_MS)))
    }

    /// Tells everybody of these. When to try again, where somebody could not be told.
    async fn tell(
        &self,
        bundle: &[Item],
        told: Vec<Told>,
        news: Vec<NoticeId>,
    ) -> Result<Option<Time>, Error> {
        let Some(first) = bundle.first().map(|item| &item.delivery) else {
            return Ok(None);
        };
        let (now, key) = (self.engine.now(), (Channel::Slack, first.bundle));
        let note = async |handle: &'static str, counted: Vec<NoticeId>| {
            let told = told.clone();
            self.write(move |tx| deliveries::tell(tx, key, (&told, handle), &counted, now))
                .await
        };
        let mut tries = first.tries;
        // From here on there may be a message: it is changed when this is over, whatever happens.
        if plan::first_told(bundle) != Some(&told) || !news.is_empty() {
            note("", news).await?;
            tries = 0;
        }
        let members = super::members(bundle, &told);
        let offers = members.iter().all(|each| each.well_since.is_some());
        let hint = if offers {
            "slack-where-resume"
        } else {
            "slack-where"
        };
        let id = first.bundle;
        let popup = self
            .engine
            .store()
            .read(move |conn| text::popup(conn, id, &members, now))
            .await?;
        let message = Message {
            title: popup.title,
            body: format!("{}\n{}", popup.body, words::text(hint)),
        };
        match self.show_all(id, &message, Say::New).await? {
            Ok(()) => {
                note(plan::SENT, vec![]).await?;
                Ok(None)
            }
            Err(error) => self.failed(key, tries, &error).await,
        }
    }

    /// Says of what was told that it is over.
    async fn withdraw(&self, bundle: &[Item]) -> Result<Option<Time>, Error> {
        let Some(first) = bundle.first().map(|item| &item.delivery) else {
            return Ok(None);
        };
        let mut names: Vec<String> = bundle
            .iter()
            .filter(|item| item.delivery.times > 0)
            .map(|item| inert(&item.notice.integration_name))
            .collect();
        let more = names.len().saturating_sub(NAMES);
        names.truncate(NAMES);
        let mut names = names.join(", ");
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            names = format!("{names} {}", words::counted("notice-and-more", more));
        }
        let message = Message {
            title: words::with("slack-resolved", &[("name", &names)]),
            body: words::text("slack-resolved-hint"),
        };
        let key = (Channel::Slack, first.bundle);
        match self.show_all(first.bundle, &message, Say::Changed).await? {
            Ok(()) => {
                self.write(move |tx| deliveries::withdraw(tx, key.0, key.1))
                    .await?;
                Ok(None)
            }
            Err(error) => self.failed(key, first.tries, &error).await,
        }
    }

    /// Shows it to everybody, one after the other; the first error, after all were tried.
    async fn show_all(
        &self,
        id: NoticeId,
        message: &Message,
        say: Say,
    ) -> Result<Result<(), Error>, Error> {
        let rows = self
            .engine
            .store()
            .read(move |conn| store::slack::messages(conn, id))
            .await?;
        let mut people: BTreeSet<String> = rows.iter().map(|row| row.admin.clone()).collect();
        if say == Say::New {
            people.extend(self.slack.admins.iter().cloned());
        }
        let mut result = Ok(());
        for admin in people {
            let row = rows.iter().find(|row| row.admin == admin).cloned();
            let shown = match row {
                // By another bot than today's: only that one could change it.
                Some(row) if row.integration != self.bot.id => Ok(()),
                Some(row) => self.show_again(id, row, message, say).await,
                None => self.show_first(id, &admin, message).await,
            };
            if let Err(error) = shown {
                // Nobody else would get through either.
                let is_about_all = !matches!(
                    error.code,
                    ErrorCode::SlackNoPerson | ErrorCode::SlackRefused
                );
                result = result.and(Err(error));
                if is_about_all {
                    break;
                }
            }
        }
        Ok(result)
    }

    async fn show_first(&self, id: NoticeId, admin: &str, message: &Message) -> Result<(), Error> {
        let row = MessageRow {
            admin: admin.to_owned(),
            integration: self.bot.id,
            dm: self.dm(admin).await?,
            asked_at: self.engine.now(),
            ts: None,
            shows: None,
        };
        self.put(id, row.clone()).await?;
        self.post(id, row, message).await
    }

    /// A message that was posted, or may have been.
    async fn show_again(
        &self,
        id: NoticeId,
        mut row: MessageRow,
        message: &Message,
        say: Say,
    ) -> Result<(), Error> {
        if row.ts.is_none() {
            row.ts = self.bot.look(&row.dm, id, row.asked_at).await?;
            match (&row.ts, say) {
                (Some(_), _) => self.put(id, row.clone()).await?,
                (None, Say::New) => return self.post(id, row, message).await,
                // It never came to be, and is not needed any more.
                (None, Say::Changed) => {
                    return self
                        .write(move |tx| store::slack::drop(tx, id, &row.admin))
                        .await;
                }
            }
        }
        let (Some(ts), false) = (&row.ts, row.shows.as_ref() == Some(&message.text())) else {
            return Ok(());
        };
        let ts = ts.clone();
        // Where the answer is lost, nobody knows what it shows: then the next change is made in any case.
        row.shows = None;
        self.put(id, row.clone()).await?;
        self.bot.update((&row.dm, &ts), id, message).await?;
        row.shows = Some(message.text());
        self.put(id, row).await
    }

    async fn post(
        &self,
        id: NoticeId,
        mut row: MessageRow,
        message: &Message,
    ) -> Result<(), Error> {
        match self.bot.post(&row.dm, id, message).await {
            Ok(ts) => {
                row.ts = Some(ts);
                row.shows = Some(message.text());
                self.put(id, row).await
            }
            Err(error) => {
                // The conversation may be another one by now: asked for anew next time.
                if error.code == ErrorCode::SlackRefused {
                    let bot = self.bot.id;
                    self.write(move |tx| {
                        store::slack::set_dm(tx, (bot, &row.admin), None)?;
                        store::slack::drop(tx, id, &row.admin)
                    })
                    .await?;
                }
                Err(error)
            }
        }
    }

    async fn dm(&self, admin: &str) -> Result<String, Error> {
        let (bot, known) = (self.bot.id, admin.to_owned());
        let read = move |conn: &_| store::slack::dm(conn, bot, &known);
        if let Some(dm) = self.engine.store().read(read).await? {
            return Ok(dm);
        }
        let (unfound, now) = (&self.engine.outbox().unfound, self.engine.now());
        if let Some(error) = unfound.why(admin, now) {
            return Err(error);
        }
        let dm = match self.bot.dm(admin).await {
            Err(error)
                if matches!(error.code, ErrorCode::SlackNoPerson | ErrorCode::SlackScope) =>
            {
                unfound
                    .lock()
                    .insert(admin.to_owned(), (error.clone(), now));
                return Err(error);
            }
            dm => dm?,
        };
        let (admin, new) = (admin.to_owned(), dm.clone());
        self.write(move |tx| store::slack::set_dm(tx, (bot, &admin), Some(&new)))
            .await?;
        Ok(dm)
    }

    async fn put(&self, id: NoticeId, row: MessageRow) -> Result<(), Error> {
        self.write(move |tx| store::slack::put(tx, id, &row)).await
    }

    async fn write(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.engine.store().write(Durability::Full, job).await
    }

    async fn failed(
        &self,
        key: (Channel, NoticeId),
        tries: u32,
        error: &Error,
    ) -> Result<Option<Time>, Error> {
        let asked_ms = match error.code {
            ErrorCode::RateLimited => asked_pause_ms(error),
            _ => 0,
        };
        failed(self.engine, key, (tries, asked_ms), &words::error(error)).await
    }
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Say {
    /// Somebody is to be told: a message begins where there is none.
    New,
    /// What was told is over: only what is there is changed.
    Changed,
}

#[cfg(test)]
mod tests;
